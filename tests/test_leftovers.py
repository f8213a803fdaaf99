"""What killed processes leave is found and deleted; what is somebody else's, or in use, is left alone."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import app
from index import backup as backup_module
from index import doctor, leftovers, private
from index.backup import backup, restore
from index.derived import OwnIndexes
from index.errors import LibraryError
from index.leftovers import unfinished
from index.library import Library
from rag import calibration
from rag.answer import Answer
from rag.conversations import Conversations
from tests.conftest import OpenLibrary
from tests.test_conversations import turn
from tests.test_library import TEXTS, write

# A backup, or a restoring, that is killed once what it makes is there, and not yet in its place.
KILLED = """
import os, signal, sys
from pathlib import Path
from index import backup, catalog

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

backup.zipfile.ZipFile.write = killed
backup.private.withdraw = killed
getattr(backup, sys.argv[1])(*map(Path, sys.argv[2:]))
"""


def kill(*arguments: object) -> None:
    child = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, arguments)], check=False, cwd=Path(__file__).parent.parent
    )
    assert child.returncode == -signal.SIGKILL


@pytest.fixture
def home(folder: Path) -> Path:
    """A closed library of three documents."""
    write(folder, TEXTS)
    with closing(Library(folder)) as library:
        library.sync()
    return folder / ".footnote"


def modes(*paths: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in paths}


@pytest.fixture
def lax() -> None:
    """A process whose files everybody may read and write, unless it says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_killed_backup_is_named_and_deleted_by_the_doctor(home, tmp_path):
    place = tmp_path / "elsewhere"
    place.mkdir()
    kill("backup", home, place / "kept.zip")
    (left,) = place.iterdir()
    assert b"mill" in b"".join(path.read_bytes() for path in left.rglob("*") if path.is_file())
    (ailment,) = doctor.examine(home)
    assert ailment.what.startswith(f"{left} is a rest of a backup")
    doctor.mend(home)
    assert not list(place.iterdir())
    assert doctor.examine(home) == ()


@pytest.mark.parametrize("way", ["opened", "purged", "backed up there"])
def test_a_killed_backup_is_deleted_when_the_library_is(home, folder, tmp_path, way):
    kill("backup", home, tmp_path / "kept.zip")
    assert len(leftovers.left(home)) == 1
    if way == "backed up there":
        backup(home, tmp_path / "kept.zip")
    else:
        with closing(Library(folder)) as library:
            if way == "purged":
                library.purge()
    assert not leftovers.left(home)
    assert not list(tmp_path.glob(".footnote-*"))
    assert not list((home / "unfinished").iterdir()) or way == "backed up there"


def test_a_killed_restoring_is_deleted_when_the_library_is_opened(home, folder, tmp_path):
    backup(home, tmp_path / "kept.zip")
    kill("restore", tmp_path / "kept.zip", folder / "again")
    (left,) = folder.glob(".footnote-*")
    assert (left / "copy" / "catalog.sqlite").exists()
    assert leftovers.left(home) == (left,)
    Library(folder).close()
    assert not left.exists()


def test_a_backup_under_way_is_left_alone(home, folder, tmp_path, monkeypatch):
    seen = []

    def look(*_: object) -> None:
        seen.append(leftovers.left(home))
        Library(folder).close()
        seen.append(len(list(tmp_path.glob(".footnote-*"))))

    monkeypatch.setattr(backup_module, "_check", look)
    backup(home, tmp_path / "kept.zip")
    assert seen[:2] == [(), 1]
    assert zipfile.is_zipfile(tmp_path / "kept.zip")
    assert not list((home / "unfinished").iterdir())


def test_only_what_footnote_left_is_ever_deleted(home, folder, tmp_path):
    """Neither a library that was moved away, nor what a note names that somebody put into a library."""
    moved = folder / ".footnote-old"
    home.rename(moved)
    (tmp_path / "docs of mine").mkdir()
    (tmp_path / "docs of mine" / "copy").write_text("kept")
    link, mixed = tmp_path / ".footnote-link", tmp_path / ".footnote-mixed"
    link.symlink_to(tmp_path / "docs of mine")
    mixed.mkdir()
    (mixed / "copy").write_text("kept")
    (mixed / "other").write_text("kept")
    long_ago = time.time() - 3600
    os.utime(mixed, (long_ago, long_ago))
    home.mkdir()
    (home / "unfinished").mkdir()
    for number, named in enumerate((tmp_path / "docs of mine", link, mixed, moved, tmp_path, Path("/etc"))):
        (home / "unfinished" / f".footnote-{number}").write_bytes(os.fsencode(named))
    (home / "unfinished" / ".footnote-bad").write_bytes(b"\0\xff")
    assert leftovers.left(home) == ()
    with closing(Library(folder)) as library:
        library.sync()
        library.purge()
    assert (moved / "catalog.sqlite").exists()
    assert (tmp_path / "docs of mine" / "copy").read_text() == (mixed / "other").read_text() == "kept"


def left_by_hand(place: Path, name: str) -> Path:
    """A folder such as a killed backup leaves, but that this user has not marked, an hour old."""
    folder = place / name
    folder.mkdir(mode=0o700)
    (folder / "copy").mkdir()
    (folder / "copy" / "letter.txt").write_text("kept")
    age(folder)
    return folder


def age(folder: Path) -> None:
    long_ago = time.time() - 3600
    os.utime(folder, (long_ago, long_ago))


@pytest.mark.parametrize("with_lock", [False, True])
@pytest.mark.parametrize("name", [".footnote-before-upgrade", ".footnote-old_left"])
def test_what_nobody_marked_is_kept_and_at_most_named(home, folder, name, with_lock):
    kept = left_by_hand(folder, name)
    if with_lock:
        (kept / "lock").touch()
        age(kept)
    assert leftovers.left(home) == ()
    with closing(Library(folder)) as library:
        library.purge()
    doctor.mend(home)
    assert (kept / "copy" / "letter.txt").read_text() == "kept"
    named = [each.what for each in doctor.examine(home)]
    assert named == (
        [] if "-before-" in name else [f"{kept} looks like a rest of a backup, and nothing in it says that you made it"]
    )


def test_an_empty_folder_is_kept(home, folder):
    empty = folder / ".footnote-old_left"
    empty.mkdir(mode=0o700)
    age(empty)
    Library(folder).close()
    assert empty.is_dir()


@pytest.mark.parametrize("name", [".footnote-before-upgrade", ".footnote-Capitals"])
def test_a_folder_of_another_name_is_kept_whatever_mark_is_in_it(home, folder, name):
    kept = left_by_hand(folder, name)
    (kept / "mark").write_bytes(leftovers._sealed(name.encode()))
    assert leftovers.left(home) == ()


def test_a_folder_that_others_may_look_into_is_kept_whatever_mark_is_in_it(home, folder):
    kept = left_by_hand(folder, ".footnote-old_left")
    (kept / "mark").write_bytes(leftovers._sealed(kept.name.encode()))
    assert leftovers.left(home) == (kept,)
    kept.chmod(0o755)
    assert leftovers.left(home) == ()


def test_the_mark_of_another_folder_or_another_user_counts_for_nothing(home, folder, tmp_path, monkeypatch):
    kept = left_by_hand(folder, ".footnote-old_left")
    (kept / "mark").write_bytes(leftovers._sealed(b".footnote-new_left"))
    assert leftovers.left(home) == ()
    (kept / "mark").write_bytes(leftovers._sealed(kept.name.encode()))
    assert leftovers.left(home) == (kept,)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert leftovers.left(home) == ()


def test_a_user_without_a_secret_deletes_nothing(home, folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    kept = left_by_hand(folder, ".footnote-old_left")
    (kept / "mark").write_bytes(leftovers._sealed(kept.name.encode()))
    assert leftovers.left(home) == ()


def test_a_note_is_believed_where_this_user_has_written_it(home, tmp_path):
    place = tmp_path / "elsewhere"
    place.mkdir()
    noted = left_by_hand(place, ".footnote-old_left")
    (noted / "mark").write_bytes(leftovers._sealed(noted.name.encode()))
    (home / "unfinished").mkdir()
    note = home / "unfinished" / noted.name
    for held in (os.fsencode(noted), b"0" * 64 + os.fsencode(noted)):
        note.write_bytes(held)
        assert leftovers.left(home) == ()
    note.write_bytes(leftovers._sealed(os.fsencode(noted)))
    assert leftovers.left(home) == (noted,)


def test_what_a_broken_off_deletion_left_is_found(home, tmp_path, monkeypatch):
    """Whatever was deleted last: the mark goes after all else."""
    kill("backup", home, tmp_path / "docs" / "kept.zip")
    (left,) = (tmp_path / "docs").glob(".footnote-????????")
    whole = tmp_path / "whole"
    remove, count = leftovers._remove, len(os.listdir(left))
    left.rename(whole)
    for number in range(count):
        done = []

        def break_off(path: Path, done=done, number=number) -> None:
            if path.exists() and len(done) == number:
                raise PermissionError(13, "Permission denied", str(path))
            done.extend([path] * path.exists())
            remove(path)

        shutil.copytree(whole, left)
        monkeypatch.setattr(leftovers, "_remove", break_off)
        with pytest.raises(PermissionError):
            leftovers.sweep(home)
        monkeypatch.setattr(leftovers, "_remove", remove)
        assert leftovers.left(home) == (left,)
        leftovers.sweep(home)
        assert not left.exists()


def test_what_a_killed_process_left_of_uploads_and_indexes_is_named_and_deleted(home, folder):
    part, stray = home / "uploads" / ".a.txt.part", home / "chroma" / "77"
    part.write_text("half")
    stray.mkdir(parents=True)
    (stray / "data").write_text("vectors")
    told = [each.what for each in doctor.examine(home)]
    assert told == [".a.txt.part is a rest of an upload", "chroma/77 is a rest of an index"]
    doctor.mend(home)
    assert doctor.examine(home) == ()
    assert not part.exists()
    assert not stray.exists()
    part.write_text("half")
    Library(folder).close()
    assert not part.exists()


def test_while_another_process_writes_nothing_of_its_own_is_a_rest(home, folder):
    with closing(Library(folder)):
        (home / "uploads" / ".a.txt.part").write_text("half")
        assert doctor.examine(home) == ()


def test_purge_deletes_damaged_catalogs_that_were_set_aside(home, folder):
    aside = home / f"{leftovers.SET_ASIDE}1"
    aside.write_text("The mill")
    with closing(Library(folder)) as library:
        assert aside.exists()
        library.purge()
    assert not aside.exists()


def test_purge_deletes_all_here_and_closes_though_a_server_is_away(home, folder, monkeypatch):
    aside, part = home / f"{leftovers.SET_ASIDE}1", home / "uploads" / ".a.txt.part"

    def is_away(*_: object) -> None:
        raise LibraryError("The server is away.")

    monkeypatch.setattr(OwnIndexes, "discard_served", is_away)
    with closing(Library(folder)) as library:
        aside.write_text("The mill")
        part.write_text("half")
        with pytest.raises(LibraryError, match="The server is away"):
            library.purge()
        assert not aside.exists()
        assert not part.exists()
        assert not library.lock.held


def test_what_purge_cannot_delete_is_said(home, folder, monkeypatch):
    def refuse(home: Path) -> None:
        raise PermissionError(13, "Permission denied", "/there/file")

    with closing(Library(folder)) as library:
        monkeypatch.setattr(leftovers, "sweep", refuse)
        with pytest.raises(LibraryError, match=r"/there/file cannot be deleted \(permission denied\); delete it"):
            library.purge()


def test_only_its_owner_may_read_a_library_and_its_backups(lax, open_library: OpenLibrary, folder, tmp_path):
    (folder / "mill.txt").write_text("The mill burned.")
    library = open_library()
    library.sync()
    library.add("letter.txt", b"The owner was Ada Brandt.")
    Conversations(library.home, "ada").add("", turn("When did the mill burn?"))
    files = [library.home / f"catalog.sqlite{each}" for each in ("", "-wal", "-shm")]
    files += [library.home / "conversations.sqlite", library.home / "uploads" / "letter.txt"]
    assert modes(library.home, library.home / "uploads") == {0o700}
    assert modes(*files) == {0o600}
    assert not private.is_exposed(library.home)
    backup(library.home, tmp_path / "kept.zip")
    restore(tmp_path / "kept.zip", tmp_path / "again")
    again = tmp_path / "again"
    assert modes(again) == {0o700}
    restored = [again / name for name in ("catalog.sqlite", "conversations.sqlite", "uploads/letter.txt")]
    assert modes(tmp_path / "kept.zip", *restored) == {0o600}


def test_a_backup_is_nobody_elses_from_its_first_byte(lax, home, tmp_path, monkeypatch):
    seen = []

    def look(folder: Path, where: Path) -> None:
        seen.append(modes(folder))

    monkeypatch.setattr(leftovers, "_noted", look)
    monkeypatch.setattr(zipfile.ZipFile, "write", lambda packed, *_: seen.append(modes(Path(packed.fp.name))))
    backup(home, tmp_path / "kept.zip")
    assert seen[0] == {0o700}
    assert set(map(tuple, seen[1:])) == {(0o600,)}


def test_a_library_that_others_could_read_is_mended_when_it_is_opened_and_by_the_doctor(home, folder):
    def expose() -> None:
        home.chmod(0o755)
        (home / "catalog.sqlite").chmod(0o644)

    expose()
    (ailment,) = doctor.examine(home)
    assert ailment.what == f"Other users of this computer may look into {home}"
    doctor.mend(home)
    assert doctor.examine(home) == ()
    expose()
    Library(folder).close()
    assert modes(home) == {0o700}
    assert modes(home / "catalog.sqlite") == {0o600}


def test_a_library_that_is_shared_with_a_group_on_purpose_stays_so(home, folder):
    home.chmod(0o2775)
    (home / "catalog.sqlite").chmod(0o664)
    Library(folder).close()
    assert modes(home) == {0o2770}
    assert modes(home / "catalog.sqlite") == {0o660}
    assert doctor.examine(home) == ()


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize(("of_folder", "of_file", "few"), [(0o2770, 0o660, 0), (0o2750, 0o640, 9)])
def test_what_is_made_in_a_shared_library_is_shared_too(home, folder, monkeypatch, of_folder, of_file, few):
    monkeypatch.setattr("index.derived._FEW", few)  # of more passages, another process makes Chroma's index
    indexes = [home / "lexical", home / "chroma"]
    for index in indexes:
        shutil.rmtree(index, ignore_errors=True)
    for name in ("lock", "writer", ".gitignore"):
        (home / name).unlink()
    home.chmod(of_folder)
    (home / "uploads").chmod(of_folder)
    with umask(0o077):
        with closing(Library(folder)) as library:
            library.add("letter.txt", b"The owner was Ada Brandt.")
            library.settle()
        Conversations(home, "ada").add("", turn("When did the mill burn?"))
        calibration.save(calibration.shipped(), home)
        with unfinished(home.parent, home):
            (note,) = (home / "unfinished").iterdir()
            assert modes(note) == {of_file}
    names = ("lock", "writer", ".gitignore", "conversations.sqlite", "calibration.json", "uploads/letter.txt")
    assert modes(*(home / name for name in names)) == {of_file}
    generations = (generation for index in indexes for generation in index.iterdir())
    assert modes(home / "unfinished", *indexes, *generations) == {of_folder}


def test_a_library_in_a_shared_folder_is_not_shared_itself(lax, folder, tmp_path):
    folder.chmod(0o2777)
    with closing(Library(folder)) as library:
        library.add("letter.txt", b"The owner was Ada Brandt.")
    backup(library.home, tmp_path / "kept.zip")
    restore(tmp_path / "kept.zip", folder / "again")
    for home in (library.home, folder / "again"):
        assert home.stat().st_mode & 0o777 == 0o700
    assert modes(library.home / "uploads" / "letter.txt") == {0o600}


def test_conversations_that_quote_what_is_gone_are_purged_where_that_is_wanted(home, folder, capsys):
    """Those of every reader, and no others; what they said is in no file of the library then."""
    about_gone = turn("When did the mill burn?", "The mill ZEBRA burned in 1902.")
    there = replace(about_gone, answer=Answer("hello", "hello", "answered", "Ask about your documents.", mode="help"))
    for owner in ("ada", "otto"):
        Conversations(home, owner).add("", about_gone)
    Conversations(home, "ada").add("", there)
    for options, count, left in (([], "", 3), (["--conversations"], "2 conversations deleted. ", 1)):
        with pytest.raises(SystemExit) as ended:
            app.main(["purge", str(folder), *options])
        assert not ended.value.code
        assert capsys.readouterr().out.startswith(f"{count}3 documents")
        assert len(Conversations(home, "ada").listed()) + len(Conversations(home, "otto").listed()) == left
    assert not any(b"ZEBRA" in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_conversations_of_a_file_that_failed_are_kept_and_damaged_ones_end_no_purge(home, folder, capsys):
    """For the file is there, and the documents are purged whatever a conversation is."""
    Conversations(home, "ada").add("", turn("Damaged?"))
    with closing(sqlite3.connect(home / "conversations.sqlite")) as opened:
        opened.execute("UPDATE turn SET turn = '{'")
        opened.commit()
    about = turn("When did the mill burn?")
    (folder / "failed.pdf").write_bytes(b"no PDF")
    passage = replace(about.answer.hits[0].passage, document_id="docs/failed.pdf")
    hits, citations = (
        (replace(about.answer.hits[0], passage=passage),),
        (replace(about.answer.citations[0], document_id="docs/failed.pdf"),),
    )
    Conversations(home, "ada").add("", replace(about, answer=replace(about.answer, hits=hits, citations=citations)))
    with pytest.raises(SystemExit) as ended:
        app.main(["purge", str(folder), "--conversations"])
    assert not ended.value.code
    told = capsys.readouterr().out
    assert told.startswith("0 conversations deleted. Kept, for they cannot be read: Damaged?. 3 documents")
    assert len(Conversations(home, "ada").listed()) == 2
