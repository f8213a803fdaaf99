"""The doctor names what is wrong with a library, and mends it: nothing is lost, and what is sound is left alone."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import app
from index import doctor, formats
from index.backup import backup, restore
from index.catalog import CATALOG
from index.errors import LibraryError
from index.library import Library
from tests.test_library import TEXTS, results, write


@pytest.fixture
def home(folder: Path) -> Path:
    """A closed library of three documents."""
    write(folder, TEXTS)
    with closing(Library(folder)) as library:
        library.sync()
        library.settle()
    return folder / ".footnote"


def catalog(home: Path, *statements: str) -> None:
    """Do to the catalog what Footnote never does."""
    with closing(sqlite3.connect(home / CATALOG)) as opened:
        for statement in statements:
            opened.execute(statement)
        opened.commit()


def overwrite(home: Path) -> None:
    path = home / CATALOG
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(size - 4096))


def spoil(name: str) -> Callable[[Path], None]:
    """Change a byte of one of an index's files."""

    def spoiled(home: Path) -> None:
        path = max((home / name).rglob("*"), key=lambda each: each.stat().st_size if each.is_file() else 0)
        path.write_bytes(path.read_bytes()[:-1] + b"?")

    return spoiled


ONE = "(SELECT text_sha256 FROM passage WHERE document_id = 'docs/mill.txt')"
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no text": (lambda home: catalog(home, "DELETE FROM document WHERE id = 'docs/mill.txt'"), "its text is missing"),
    "another text": (
        lambda home: catalog(home, "UPDATE document SET text = 'x' || text WHERE id = 'docs/mill.txt'"),
        "docs/mill.txt: a passage is not what stands in the text",
    ),
    "no text at all": (
        lambda home: catalog(home, "UPDATE document SET text = CAST(x'ff' AS TEXT) WHERE id = 'docs/mill.txt'"),
        "docs/mill.txt: its text, pages, headings or sentences cannot be read",
    ),
    "unreadable sentences": (
        lambda home: catalog(home, "UPDATE passage SET sentences = '[1]' WHERE document_id = 'docs/mill.txt'"),
        "docs/mill.txt: its text, pages, headings or sentences cannot be read",
    ),
    "no passages": (
        lambda home: catalog(home, "DELETE FROM passage WHERE document_id = 'docs/mill.txt'"),
        "docs/mill.txt: a part of the text is in no passage",
    ),
    "unreadable": (
        lambda home: catalog(home, "UPDATE document SET headings = '[[' WHERE id = 'docs/mill.txt'"),
        "docs/mill.txt: its text, pages, headings or sentences cannot be read",
    ),
    "no vector": (
        lambda home: catalog(home, f"DELETE FROM vector WHERE text_sha256 IN {ONE}"),
        "docs/mill.txt: a passage has no vector",
    ),
    "a short vector": (
        lambda home: catalog(home, f"UPDATE vector SET vector = zeroblob(8) WHERE text_sha256 IN {ONE}"),
        "docs/mill.txt: a vector is none of the model's",
    ),
    "half a number": (
        lambda home: catalog(home, f"UPDATE vector SET vector = zeroblob(7) WHERE text_sha256 IN {ONE}"),
        "docs/mill.txt: a vector is none of the model's",
    ),
    "a vector of nothing": (
        lambda home: catalog(home, f"UPDATE vector SET vector = zeroblob(1536) WHERE text_sha256 IN {ONE}"),
        "docs/mill.txt: a vector is none of the model's",
    ),
    "a foreign model": (
        lambda home: catalog(
            home, f"UPDATE vector SET vector = (SELECT vector FROM vector WHERE text_sha256 IN {ONE})"
        ),
        "were made by another model than all-MiniLM-L6-v2",
    ),
    "another dimension": (
        lambda home: catalog(home, "UPDATE setting SET value = '768' WHERE key = 'dimension'"),
        "were made by another model than all-MiniLM-L6-v2",
    ),
    "orphans": (
        lambda home: catalog(
            home,
            "DELETE FROM file WHERE id = 'docs/mill.txt'",
            "INSERT INTO vector VALUES ('0', zeroblob(1536))",
            "UPDATE passage SET document_id = 'docs/none.txt' WHERE document_id = 'docs/school.md'",
        ),
        "rows of catalog.sqlite belong to nothing",
    ),
    "a damaged catalog": (overwrite, "catalog.sqlite is damaged"),
    "a damaged vector index": (spoil("chroma"), "The chroma index is not what was closed last"),
    "a damaged word index": (spoil("lexical"), "The lexical index is not what was closed last"),
    "a rest": (lambda home: (home / "uploads" / ".a.txt.part").write_text("half"), ".a.txt.part is a rest"),
}


def test_a_sound_library_has_no_ailment_and_is_left_as_it_is(home):
    before = {path: path.read_bytes() for path in (home / "lexical").rglob("*") if path.is_file()}
    assert doctor.examine(home) == ()
    doctor.mend(home)
    assert {path: path.read_bytes() for path in (home / "lexical").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_is_named_and_mended(home, folder, name):
    with closing(Library(folder)) as library:
        sound = results(library)
    damage, said = DAMAGES[name]
    damage(home)
    found = doctor.examine(home)
    assert [each for each in found if said in each.what], found
    doctor.mend(home)
    with closing(Library(folder)) as library:
        library.sync()
        library.settle()
        assert results(library) == sound
    assert doctor.examine(home) == ()


def test_a_library_that_is_empty_purged_or_restored_has_no_ailment(home, folder, tmp_path):
    backup(home, tmp_path / "kept.zip")
    restore(tmp_path / "kept.zip", tmp_path / "again")
    assert doctor.examine(tmp_path / "again") == ()
    with closing(Library(folder)) as library:
        library.purge()
    assert doctor.examine(home) == ()
    (tmp_path / "empty").mkdir()
    with closing(Library(tmp_path / "empty")) as library:
        library.sync()
    assert doctor.examine(tmp_path / "empty" / ".footnote") == ()


def test_what_sqlite_cannot_do_now_is_no_damage(home, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    monkeypatch.setattr("index.catalog.sqlite3.connect", fail)
    for work in (doctor.examine, doctor.mend):
        with pytest.raises(LibraryError, match="cannot be looked at"):
            work(home)
    assert (home / CATALOG).exists()


def test_a_damaged_catalog_is_kept_aside(home, folder):
    overwrite(home)
    damaged = (home / CATALOG).read_bytes()
    doctor.mend(home)
    assert (home / f"{CATALOG}.damaged-1").read_bytes() == damaged
    assert not (home / CATALOG).exists()


def test_files_without_text_and_files_that_broke_a_parser_are_named(home, folder, monkeypatch):
    def stumble(data: bytes) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr("index.workers.Workers.read", lambda _, id, data, dropped: formats.read(id, data))
    monkeypatch.setattr("index.formats.html.read", stumble)
    (folder / "scan.md").write_text("# ")
    (folder / "bad.html").write_text("<p>Hello")
    with closing(Library(folder)) as library:
        library.sync()
    told = [each.what for each in doctor.examine(home)]
    assert told == [
        "docs/bad.html was not read: reading it broke down (IndexError: list index out of range); save it anew, or in "
        "another format",
        "docs/scan.md was not read: no text was found in it",
    ]


def test_a_library_in_use_is_examined_and_not_mended(home, folder):
    with closing(Library(folder)) as library:
        assert doctor.examine(home) == ()
        code = f"from index import doctor; from pathlib import Path; doctor.mend(Path({str(home)!r}))"
        assert "is being written by process" in _elsewhere(code)
        assert library.writable


def test_no_library_is_refused_and_none_is_made(folder):
    with pytest.raises(LibraryError, match="There is no library in"):
        doctor.examine(folder / ".footnote")
    assert not (folder / ".footnote").exists()


def test_what_cannot_be_deleted_is_said_and_the_rest_is_mended(home, monkeypatch):
    part, rest, unlink = home / "uploads" / ".letter.txt.part", home / "lexical" / "9", Path.unlink
    part.write_text("The owner was")
    rest.mkdir()
    home.chmod(0o755)

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == part:
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(
            LibraryError, match=r"\.letter\.txt\.part cannot be changed or deleted \(operation not perm"
        ):
            doctor.mend(home)
    (ailment,) = doctor.examine(home)
    assert "is a rest of an upload" in ailment.what


def test_the_command_says_what_is_wrong_and_mends_it(home, folder, capsys):
    DAMAGES["no vector"][0](home)
    for options, code, said in (
        ([], "1", "a passage has no vector; what it holds is forgotten, and read anew.\nfootnote doctor --mend"),
        (["--mend"], "0", "Mended. What was forgotten is read at the next start."),
        ([], "0", "Nothing is wrong."),
    ):
        with pytest.raises(SystemExit, match=code):
            app.main(["doctor", str(folder), *options])
        assert said in capsys.readouterr().out


def _elsewhere(code: str) -> str:
    """What a process says that fails."""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert child.returncode
    return child.stderr
