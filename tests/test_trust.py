"""A folder that brings a library of its own reaches nothing outside of it, and what could run is not opened."""

import json
import os
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import app
from index import backup as backup_module
from index import derived, doctor, embeddings, generations, leftovers, trust
from index.backup import backup, restore
from index.catalog import CATALOG, Catalog
from index.document import Span
from index.errors import LibraryError
from index.library import Library
from index.lock import Lock
from index.trust import Approval, approval_of, approve
from rag.conversations import Conversations
from tests.kills import QuickEmbedder
from tests.test_library import write

SECRET = "The deploy token of the bank is 4711."


class Quick(QuickEmbedder):
    """Taken for the model that Footnote brings."""

    name = embeddings.DEFAULT_MODEL


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "load", lambda _=None: Quick())


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder of this user's that nobody else should read."""
    folder = tmp_path / "notes"
    write(folder, {"token.txt": SECRET})
    return folder


@pytest.fixture
def foreign(folder: Path, notes: Path, tmp_path: Path) -> Path:
    """A folder that arrived with a library, whose catalog names the notes and holds what it says that they hold."""
    write(folder, {"ferry.txt": "The ferry leaves at seven."})
    with closing(Library(folder)) as library:
        library.sync()
        library.include(notes)
    return Path(shutil.copytree(folder, tmp_path / "arrived"))


def change(home: Path, *statements: str) -> None:
    """Do to the catalog what Footnote never does."""
    with closing(sqlite3.connect(home / CATALOG)) as opened:
        for statement in statements:
            opened.execute(statement)
        opened.commit()


@pytest.fixture
def reopened() -> Iterator[Callable[..., Library]]:
    opened: list[Library] = []

    def reopen(folder: Path, **arguments) -> Library:
        for each in opened:
            each.close()
        opened.append(Library(folder, **arguments))
        return opened[-1]

    yield reopen
    for each in opened:
        each.close()


# --- other folders ---


def test_a_folder_that_a_foreign_catalog_names_is_neither_read_nor_forgotten(foreign, notes, reopened, caplog):
    write(notes, {"new.txt": "The new token is 4712."})
    (notes / "token.txt").write_text("The token was changed.")
    library = reopened(foreign)
    states = {file.id: file.state for file in library.sync()}
    assert states == {"docs/ferry.txt": "indexed", "notes": "refused", "notes/token.txt": "indexed"}
    assert library.document("notes/token.txt").text == SECRET  # as it came with the folder
    assert [root.path for root in library.unapproved] == [notes]
    assert f"names folders that you have not included here, and they are not read: {notes}." in caplog.text
    reason = next(file.reason for file in library.files() if file.id == "notes")
    assert reason.startswith(f"the library names this folder, {notes}, and you have not included it here")


@pytest.mark.parametrize("reach", [Library.file_bytes, lambda library, id: library.picture(*_page(library, id))])
def test_nor_is_a_file_in_it_opened(foreign, reopened, reach, monkeypatch):
    library = reopened(foreign)
    monkeypatch.setattr("index.library.read_bytes", lambda _: pytest.fail("opened"))
    with pytest.raises(LibraryError, match="have not included it here"):
        reach(library, "notes/token.txt")


def _page(library: Library, id: str):
    from dataclasses import replace

    from index.document import Page

    return replace(library.document(id), pages=(Page(1, 0, 5),)), 1, Span(0, 5)


def test_who_includes_it_approves_it_once_and_nothing_is_lost(foreign, notes, reopened, caplog):
    write(notes, {"new.txt": "The new token is 4712."})
    library = reopened(foreign)
    library.include(notes)
    assert [file.id for file in library.files()] == ["docs/ferry.txt", "notes/new.txt", "notes/token.txt"]
    caplog.clear()
    library = reopened(foreign)
    assert library.unapproved == ()
    assert caplog.text == ""
    assert library.file_bytes("notes/new.txt")


def test_who_excludes_it_forgets_it_and_takes_the_approval_back(foreign, notes, reopened):
    library = reopened(foreign)
    library.exclude(notes)
    assert [file.id for file in library.sync()] == ["docs/ferry.txt"]
    library.include(notes)
    assert approval_of(library.home).roots == {str(notes)}
    library.exclude(notes)
    assert approval_of(library.home).roots == frozenset()


def test_a_folder_named_from_the_working_directory_is_not_read_either(folder, notes, reopened, monkeypatch):
    reopened(folder).sync()
    monkeypatch.chdir(notes.parent)
    change(folder / ".footnote", "INSERT INTO root VALUES ('notes', CAST('notes' AS BLOB))")
    library = reopened(folder)
    assert [file.id for file in library.sync() if file.state == "indexed"] == []
    library.include(notes)
    assert library._catalog.roots() == {"notes": notes}
    assert library.file_bytes("notes/token.txt") == SECRET.encode()


def test_so_it_is_with_a_backup_restored_in_another_place(foreign, folder, tmp_path, reopened):
    backup(folder / ".footnote", tmp_path / "kept.zip")
    restore(tmp_path / "kept.zip", tmp_path / "again")
    assert len(reopened(foreign, home=tmp_path / "again").unapproved) == 1


def test_the_commands_say_what_is_not_read(foreign, notes, capsys):
    with pytest.raises(SystemExit, match="0"):
        app.main(["status", "--docs", str(foreign)])
    assert f"notes is {notes}, which the library names, and you have not included here." in capsys.readouterr().out


# --- models and servers ---


def test_a_model_that_a_foreign_catalog_names_is_not_loaded_until_it_is_named(foreign, reopened, monkeypatch):
    change(foreign / ".footnote", "UPDATE setting SET value = '/tmp/evil' WHERE key = 'model'")
    loaded = []

    class Evil(QuickEmbedder):
        name = "/tmp/evil"

    monkeypatch.setattr(embeddings, "load", lambda name: loaded.append(name) or Evil())
    with pytest.raises(LibraryError, match=r"made with the embedding model /tmp/evil.* add --model /tmp/evil once"):
        Library(foreign)
    assert "embedding model /tmp/evil has not been used" in doctor.examine(foreign / ".footnote")[0].what
    assert loaded == []
    for model in ("/tmp/evil", None):
        assert reopened(foreign, model=model).embedder.name == "/tmp/evil"


def test_a_server_that_a_foreign_catalog_names_is_not_asked(foreign, reopened, monkeypatch):
    change(foreign / ".footnote", "INSERT INTO derived (name, generation) VALUES ('chroma at http://10.0.0.1:1', 1)")
    monkeypatch.setattr(generations.Chroma, "served", lambda *_: pytest.fail("asked"))
    library = reopened(foreign)
    with pytest.raises(LibraryError, match=r"servers that you have not opened this library with.*http://10.0.0.1:1"):
        library.purge()


def test_what_is_approved_is_kept_for_this_user_alone_and_by_place(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for each in (one, other):
        each.mkdir()
    approval = Approval(frozenset({"/a", "/b\udcff"}), frozenset({"m"}), frozenset({"http://c"}))
    approve(one, approval)
    assert approval_of(one) == approval
    assert approval_of(other) == Approval()
    (tmp_path / "link").symlink_to(one)
    assert approval_of(tmp_path / "link") == approval
    kept = trust._path(one)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["library"] == str(one)


@pytest.mark.parametrize("told", ["", "[]", "{}", '{"roots": 1, "models": [], "servers": []}', "\xff"])
def test_what_is_damaged_approves_nothing(tmp_path, told):
    approve(tmp_path, Approval(frozenset({"/a"})))
    trust._path(tmp_path).write_bytes(told.encode("latin-1"))
    assert approval_of(tmp_path) == Approval()


def test_what_cannot_be_kept_is_asked_again(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    approve(tmp_path, Approval(frozenset({"/a"})))
    assert "is asked about again" in caplog.text
    assert approval_of(tmp_path) == Approval()
    assert trust.sign("digest") == ""


# --- places that a catalog names ---


@pytest.mark.parametrize(
    "id", ["docs/../notes/token.txt", "docs/{notes}/token.txt", "docs//{notes}/token.txt", "docs/"]
)
def test_a_document_lies_in_its_folder_whatever_its_id_says(folder, notes, reopened, id):
    write(folder, {"ferry.txt": SECRET})
    reopened(folder).sync()
    id = id.format(notes=notes)
    change(
        folder / ".footnote",
        "PRAGMA foreign_keys = OFF",
        f"UPDATE document SET id = '{id}'",
        f"UPDATE passage SET document_id = '{id}'",
        f"UPDATE file SET id = '{id}'",
    )
    library = reopened(folder)
    with pytest.raises(LibraryError):
        library.file_bytes(id)


def test_a_folder_on_the_way_to_a_document_is_no_link(folder, notes, reopened):
    write(folder, {"sub/token.txt": SECRET})
    library = reopened(folder)
    library.sync()
    shutil.rmtree(folder / "sub")
    (folder / "sub").symlink_to(notes)
    with pytest.raises(LibraryError, match="does not lie in"):
        library.file_bytes("docs/sub/token.txt")


def test_what_is_removed_is_an_upload_whatever_its_id_says(folder, notes, reopened):
    library = reopened(folder)
    id = "uploads/../../../notes/token.txt"
    change(library.home, f"INSERT INTO file VALUES ('{id}', 0, 0, '', 'refused', '', '')")
    with pytest.raises(LibraryError, match="does not lie in"):
        library.remove(id)
    assert (notes / "token.txt").exists()


PLACES = ("lock", "writer", ".gitignore", "uploads", CATALOG, "chroma", "chroma/1", "lexical", "lexical/1", ".")


@pytest.mark.parametrize("place", PLACES)
def test_a_library_with_a_link_in_it_is_not_opened(folder, notes, reopened, tmp_path, place):
    library = reopened(folder)
    library.sync()
    library.close()
    home = folder / ".footnote"
    path = home / place
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(
        notes if place in ("uploads", "chroma", "chroma/1", "lexical", "lexical/1", ".") else notes / "token.txt"
    )
    works = (lambda: Library(folder), lambda: doctor.mend(home), lambda: backup(home, tmp_path / "kept.zip"))
    for work in works:
        with pytest.raises(LibraryError, match=r"is a link|There is no library"):
            work()
    assert [(each.name, each.read_text()) for each in notes.iterdir()] == [("token.txt", SECRET)]


def test_nor_is_one_with_a_pipe_for_a_catalog(folder):
    (folder / ".footnote").mkdir()
    os.mkfifo(folder / ".footnote" / CATALOG)
    with pytest.raises(LibraryError, match="is a link or no plain file"):
        Library(folder)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A library with nothing in it but its folders."""
    home = tmp_path / "bare"
    for name in ("uploads", "unfinished", "chroma/1/inner"):
        (home / name).mkdir(parents=True)
    return home


@pytest.mark.parametrize("place", ["unfinished/.footnote-x", "chroma/1/inner/file", "chroma/1/file", "other"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_nor_is_one_with_a_pipe_or_a_link_anywhere_in_it(bare, place, make):
    trust.see_plain(bare)
    make(bare / place)
    with pytest.raises(LibraryError, match=f"{place} is a link or no plain file"):
        trust.see_plain(bare)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_note_that_is_no_plain_file_is_not_read(bare, make):
    make(bare / "unfinished" / ".footnote-old_left")
    assert leftovers.left(bare) == ()


def test_of_a_note_only_the_beginning_is_read(bare):
    note = bare / "unfinished" / ".footnote-old_left"
    note.write_bytes(leftovers._sealed(b"/" + b"x" * 4_031))
    assert leftovers._unsealed(note)
    note.write_bytes(leftovers._sealed(b"/" + b"x" * 4_032))
    assert not leftovers._unsealed(note)


def test_a_link_or_a_pipe_among_the_uploads_is_neither_read_nor_kept_in_a_backup(folder, notes, reopened, tmp_path):
    library = reopened(folder)
    library.add("ferry.txt", b"The ferry leaves at seven.")
    uploads = library.home / "uploads"
    (uploads / "token.txt").symlink_to(notes / "token.txt")
    (uploads / "folder").symlink_to(notes)
    os.mkfifo(uploads / "pipe.txt")
    library = reopened(folder)
    told = {file.id: file.reason for file in library.sync() if file.state != "indexed"}
    assert told.keys() == {"uploads/folder", "uploads/pipe.txt", "uploads/token.txt"}
    assert "it is a link" in told["uploads/token.txt"]
    backup(library.home, tmp_path / "kept.zip")
    with zipfile.ZipFile(tmp_path / "kept.zip") as packed:
        held = {name: packed.read(name) for name in packed.namelist()}
    assert {name for name in held if name.startswith("uploads/")} == {"uploads/", "uploads/ferry.txt"}
    assert not any(SECRET.encode() in data for data in held.values())


def test_what_becomes_a_link_just_before_it_is_copied_is_not_followed(notes, tmp_path):
    (tmp_path / "link").symlink_to(notes / "token.txt")
    with pytest.raises(OSError, match="Too many levels"):
        backup_module._copy_file(tmp_path / "link", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


# --- what would be run ---

ALIEN = {
    "trigger": "CREATE TRIGGER alien AFTER INSERT ON setting BEGIN DELETE FROM file; END",
    "view": "CREATE VIEW alien AS SELECT 1",
    "table": "CREATE TABLE alien (x)",
    "virtual table": "CREATE VIRTUAL TABLE alien USING fts5(x)",
    "index": "CREATE INDEX alien ON file (upper(id))",
}


@pytest.mark.parametrize("kind", ALIEN)
@pytest.mark.parametrize("access", ["rw", "ro"])
def test_a_catalog_holds_nothing_that_footnote_does_not_make(foreign, kind, access):
    change(foreign / ".footnote", ALIEN[kind])
    with pytest.raises(LibraryError, match="which Footnote does not make"):
        Catalog(foreign / ".footnote" / CATALOG, access)


def test_an_older_one_is_not_brought_forward_with_a_trigger_in_it(foreign):
    change(foreign / ".footnote", ALIEN["trigger"], "UPDATE setting SET value = '4' WHERE key = 'schema'")
    with pytest.raises(LibraryError, match="which Footnote does not make"):
        Catalog(foreign / ".footnote" / CATALOG, "rw")
    with closing(sqlite3.connect(foreign / ".footnote" / CATALOG)) as opened:
        assert opened.execute("SELECT value FROM setting WHERE key = 'schema'").fetchone() == ("4",)


def test_nor_do_conversations(tmp_path):
    Conversations(tmp_path, "a").listed()
    with closing(sqlite3.connect(tmp_path / "conversations.sqlite")) as opened:
        opened.execute("CREATE TRIGGER alien AFTER INSERT ON turn BEGIN DELETE FROM turn; END")
    with pytest.raises(LibraryError, match="which Footnote does not make"):
        Conversations(tmp_path, "a").listed()


def test_indexes_that_another_user_made_are_thrown_away_unopened(folder, reopened, monkeypatch, tmp_path):
    write(folder, {"ferry.txt": "The ferry leaves at seven."})
    library = reopened(folder)
    library.sync()
    library.settle()
    library.close()
    before = {name: library_generation(folder, name) for name in trust.INDEXES}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    opened = []
    embedded = generations.Chroma.embedded
    monkeypatch.setattr(generations.Chroma, "embedded", lambda place: opened.append(place.name) or embedded(place))
    library = reopened(folder)
    library.settle()
    assert library.search("ferry", 5)
    for name, generation in before.items():
        assert [path.name for path in (library.home / name).iterdir()] == [str(generation + 1)]
    assert opened == [str(before["chroma"] + 1)]


def library_generation(folder: Path, name: str) -> int:
    with closing(Catalog(folder / ".footnote" / CATALOG, "ro")) as catalog:
        return catalog.derived(name).generation


@pytest.mark.parametrize("is_held", [True, False])
def test_a_word_index_without_a_seal_is_opened_only_beside_the_process_that_writes_it(
    folder, reopened, monkeypatch, is_held
):
    """Not by the one that holds the lock: on a full disk it reads as a reader does, and nobody has made it anew."""
    write(folder, {"ferry.txt": "The ferry leaves at seven."})
    library = reopened(folder)
    library.sync()
    library.close()
    change(library.home, "UPDATE derived SET digest = ''")
    opened = []
    lexical = derived.Lexical
    monkeypatch.setattr(derived, "Lexical", lambda path: opened.append(path) or lexical(path))
    lock = Lock(library.home)
    with closing(Catalog(library.home / CATALOG, "ro")) as catalog:
        if not is_held:
            lock.release()
        assert derived.SharedIndexes(catalog, library.home, lock).search("ferry", 5, None)
    lock.release()
    assert any(opened) is not is_held
