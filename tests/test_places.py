"""A library that cannot be written is read; one that is being made is waited for; its lock is lost to nobody."""

import errno
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import app
import rag
from index import catalog, doctor, embeddings, ingest, library, lock
from index.backup import backup
from index.catalog import CATALOG, UNREAD
from index.errors import LibraryError
from index.library import Library
from index.lock import Lock
from tests.kills import QuickEmbedder
from tests.test_library import TEXTS, results, write

NOBODY = 65534


class Quick(QuickEmbedder):
    """Taken for the model that Footnote brings."""

    name = embeddings.DEFAULT_MODEL


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "load", lambda _=None: Quick())


# --- the lock ---


def test_who_deletes_the_file_of_the_lock_lets_no_second_writer_in(folder, quick):
    write(folder, TEXTS)
    with closing(Library(folder)) as writer:
        writer.sync()
        (writer.home / "lock").unlink()
        with closing(Library(folder)) as second:
            assert not second.writable
            write(folder, {"new.txt": "A new barn."})
            with pytest.raises(LibraryError, match=f"is being written by process {os.getpid()} since"):
                second.sync()
        assert "docs/new.txt" in {file.id for file in writer.sync()}
    with closing(Library(folder)) as after:
        assert after.writable


def test_who_deletes_or_moves_the_library_is_written_nothing_more(folder, quick, tmp_path):
    with closing(Library(folder)) as writer:
        writer.sync()
        writer.home.rename(tmp_path / "moved")
        write(folder, {"new.txt": "A new barn."})
        with pytest.raises(LibraryError, match="was deleted or moved while Footnote had it open"):
            writer.sync()
        with closing(Library(folder)) as second:
            assert second.writable
            with pytest.raises(LibraryError, match="was deleted or moved"):
                writer.add("b.txt", b"A barn.")


@pytest.fixture
def no_folders_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk of another computer, which lets only files be locked that may be written."""
    really = fcntl.flock

    def flock(descriptor: int, what: int) -> None:
        if os.path.isdir(f"/dev/fd/{descriptor}"):
            raise OSError(errno.EBADF, "Bad file descriptor")
        really(descriptor, what)

    monkeypatch.setattr(lock.fcntl, "flock", flock)


def test_where_no_folder_can_be_locked_the_file_is_and_its_loss_is_noticed(folder, no_folders_locked):
    first = Lock(folder)
    assert first.held
    assert not Lock(folder).held
    first.require()
    (folder / "lock").unlink()
    second = Lock(folder)
    assert second.held
    second.require()
    with pytest.raises(LibraryError, match="lock was deleted or moved while Footnote had it open"):
        first.require()
    for each in (first, second):
        each.release()


# --- what cannot be written ---


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch, quick: None) -> Iterator[Callable[[Path], None]]:
    """Takes the right to write to a folder of this test, and all in it, from its user, who is nobody then."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o777)
    monkeypatch.chdir(place)
    is_root = os.geteuid() == 0
    if is_root:
        monkeypatch.setenv("XDG_STATE_HOME", str(place / "state"))
        os.seteuid(NOBODY)

    def take(folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)

    try:
        yield take
    finally:
        if is_root:
            os.seteuid(0)
        for path in place.rglob("*"):
            path.chmod(0o777)
        shutil.rmtree(place)


def test_a_folder_that_cannot_be_written_is_asked_searched_examined_and_backed_up(read_only, capsys):
    folder = Path("docs")
    write(folder, TEXTS)
    with closing(Library(folder)) as writer:
        writer.sync()
        writer.settle()
        found = results(writer)
    read_only(folder)
    before = sorted(folder.rglob("*"))
    with rag.open(folder) as docs:
        assert not docs.library.writable
        assert results(docs.library) == found
        assert docs.files()
        assert docs.retrieve("mill owner")
        assert docs.ask("Who owned the mill?").status
        assert docs.library.behind() == ""
        assert docs.library.file_bytes("docs/mill.txt")
        for work in (lambda: docs.add("a.txt", b"A barn."), docs.library.purge, docs.library.verify):
            with pytest.raises(LibraryError, match=r"cannot be written \(.*\); name another place .* --library"):
                work()
    for arguments in (["status"], ["search", "mill owner"]):
        with pytest.raises(SystemExit, match="0"):
            app.main([*arguments, "--docs", "docs"])
    found = [ailment.what for ailment in doctor.examine(folder / ".footnote")]
    assert found == ["Other users of this computer may look into docs/.footnote"]  # as this one is here
    with pytest.raises(LibraryError, match="cannot be written"):
        doctor.mend(folder / ".footnote")
    backup(folder / ".footnote", Path("kept.zip"))
    assert sorted(folder.rglob("*")) == before


def test_a_folder_that_cannot_be_written_and_has_no_library_names_the_remedy(read_only):
    write(Path("docs"), TEXTS)
    read_only(Path("docs"))
    with pytest.raises(LibraryError, match=r"cannot be written .*; name a place for the library with --library"):
        Library(Path("docs"))
    with closing(Library(Path("docs"), home=Path("elsewhere"))) as elsewhere:
        assert len(elsewhere.sync()) == len(TEXTS)


def test_an_index_is_not_opened_where_nobody_writes(read_only, monkeypatch):
    folder = Path("docs")
    write(folder, TEXTS)
    with closing(Library(folder)) as writer:
        writer.sync()
        found = results(writer)
    read_only(folder)
    opened = []
    really = library.SharedIndexes.search.__globals__["Lexical"]
    monkeypatch.setattr("index.derived.Lexical", lambda place: opened.append(place) or really(place))
    with closing(Library(folder)) as reader:
        assert results(reader) == found
    assert set(opened) == {None}


# --- what is being made ---


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a reader has looked at what is being made, and waits."""
    waits = threading.Event()
    monkeypatch.setattr("index.library.time.sleep", lambda _: waits.set())
    return waits


@pytest.fixture
def opening(folder: Path) -> Iterator[Callable[[], Library]]:
    """Opens the library in another thread."""
    with ThreadPoolExecutor(1) as threads:
        yield lambda: threads.submit(Library, folder)


def test_who_opens_a_library_that_is_being_made_waits_for_its_first_documents(folder, quick, looked, opening):
    write(folder, TEXTS)
    with closing(Library(folder)) as writer:
        coming = opening()
        assert looked.wait(60)
        assert not coming.done()
        writer.sync()
        with closing(coming.result(60)) as reader:
            assert not reader.writable
            assert reader.passage_count()
            assert reader.behind() == ""


@pytest.mark.parametrize("catalog_is", ["missing", "empty"])
def test_and_for_the_catalog_itself_and_writes_it_where_its_maker_is_gone(folder, quick, looked, opening, catalog_is):
    write(folder, TEXTS)
    home = folder / ".footnote"
    home.mkdir()
    if catalog_is == "empty":
        (home / CATALOG).touch()
    maker = Lock(home)
    coming = opening()
    assert looked.wait(60)
    assert not coming.done()
    maker.release()
    with closing(coming.result(60)) as after:
        assert after.writable
        assert after.sync()


@pytest.mark.parametrize("catalog_is", ["missing", "empty", "without documents or model"])
def test_who_waits_too_long_is_told(folder, quick, monkeypatch, catalog_is):
    monkeypatch.setattr(library, "_PATIENCE", 0.1)
    home = folder / ".footnote"
    home.mkdir()
    if catalog_is == "empty":
        (home / CATALOG).touch()
    elif catalog_is != "missing":
        catalog.Catalog(home / CATALOG, "rw").close()
    maker = Lock(home)
    with pytest.raises(LibraryError, match=f"is being made by process {os.getpid()} since .*; try again in a moment"):
        Library(folder)
    maker.release()


def test_who_asks_before_all_is_read_is_told_so(folder, monkeypatch, capsys):
    monkeypatch.setattr(library, "_PATIENCE", 0.1)
    monkeypatch.setattr(ingest, "_BATCH", 1)
    write(folder, TEXTS)
    told = []

    def look(progress) -> None:
        if progress.done == 2 < progress.total:
            with rag.open(folder) as reader:
                told.append(reader.ask("Who owned the mill?").notice)
            for arguments in (["status"], ["search", "mill"]):
                with pytest.raises(SystemExit):
                    app.main([*arguments, "--docs", str(folder)])
                told.append(capsys.readouterr().err.strip())
            told.append(writer.behind())

    with closing(Library(folder)) as writer:
        assert writer.behind()
        writer.sync(look)
        assert told == [library._BEHIND] * 4
        assert writer.behind() == ""
    with rag.open(folder) as docs:
        assert docs.ask("Who owned the mill?").notice == ""


def test_a_sync_that_is_broken_off_leaves_the_notice_and_the_next_one_takes_it(folder, quick):
    write(folder, TEXTS)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with closing(Library(folder)) as writer:
        writer.sync()
        write(folder, {"new.txt": "A new barn."})
        with pytest.raises(KeyboardInterrupt):
            writer.sync(stop)
        assert writer._catalog.setting(UNREAD)
        assert writer.behind()
        writer.sync()
        assert writer.behind() == ""


# --- what has changed unseen ---


def swap(path: Path, text: str) -> None:
    """Other bytes under the same size and time."""
    status = path.stat()
    assert len(text) == status.st_size
    path.write_text(text)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_change_under_the_same_size_and_time_is_found_where_every_file_is_looked_at(folder, quick):
    write(folder, {"a.txt": "The mill is blue.", "b.txt": "The dam is high."})
    with closing(Library(folder)) as opened:
        opened.sync()
        swap(folder / "a.txt", "The mill is pink.")
        opened.sync()
        assert opened.document("docs/a.txt").text == "The mill is blue."
        revision = opened.revision()
        opened.verify()
        assert opened.document("docs/a.txt").text == "The mill is pink."
        assert opened.revision() == revision + 1
        opened.verify()
        assert opened.revision() == revision + 1


def test_so_it_is_by_the_command_and_by_the_doctor(folder, quick, capsys):
    write(folder, {"a.txt": "The mill is blue.", "b.txt": "The dam is high."})
    for command, said in (
        (["sync"], "2 files read"),
        (["sync", "--verify"], "Nothing has changed."),
    ):
        with pytest.raises(SystemExit, match="0"):
            app.main([command[0], str(folder), *command[1:]])
        assert said in capsys.readouterr().out
    swap(folder / "a.txt", "The mill is pink.")
    assert "docs/a.txt holds something else" in doctor.examine(folder / ".footnote")[0].what
    with pytest.raises(SystemExit, match="0"):
        app.main(["sync", str(folder), "--verify"])
    assert "1 file read, 1 unchanged." in capsys.readouterr().out
    assert doctor.examine(folder / ".footnote") == ()
    swap(folder / "b.txt", "The dam is wide.")
    doctor.mend(folder / ".footnote")
    with closing(Library(folder)) as opened:
        opened.sync()
        assert opened.document("docs/b.txt").text == "The dam is wide."
    with pytest.raises(SystemExit, match="2"):
        app.main(["sync", str(folder), "--verify", "--dry-run"])


def test_the_doctor_looks_at_some_of_many_files(folder, quick, monkeypatch):
    write(folder, {f"{number}.txt": f"Letter {number}." for number in range(40)})
    with closing(Library(folder)) as opened:
        opened.sync()
    read = []
    really = doctor.read_bytes
    monkeypatch.setattr(doctor, "read_bytes", lambda found: read.append(found.id) or really(found))
    monkeypatch.setattr(doctor, "_LOOKED_AT", 7)
    doctor.examine(folder / ".footnote")
    assert len(read) == 7
    monkeypatch.setattr(doctor, "_LOOKED_AT_BYTES", 20)
    doctor.examine(folder / ".footnote")
    assert len(read) == 9
