"""A catalog that is damaged, or says what no catalog says: one sentence to whoever opens it, and never a traceback."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import app
from index import catalog, doctor, embeddings, library
from index.backup import backup
from index.catalog import CATALOG
from index.errors import FootnoteError, LibraryError
from index.library import Library
from tests.kills import QuickEmbedder
from tests.test_library import TEXTS, write


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "load", lambda _=None: QuickEmbedder())
    monkeypatch.setattr(library, "_PATIENCE", 0.1)


@pytest.fixture
def read(folder: Path) -> Path:
    """A folder with a closed library."""
    write(folder, TEXTS)
    with closing(Library(folder)) as opened:
        opened.sync()
    return folder


def ask(folder: Path) -> None:
    """All that a library is asked for."""
    with closing(Library(folder)) as opened:
        opened.changes()
        opened.tabled()
        opened.search("mill owner", 5)
        opened.nearest(opened.embedder.embed_query("mill"), 5)
        for file in opened.files():
            opened.document(file.id)
            opened.passages_of(file.id)


# In the first page: the file's header, that of the page, where its cells are, and the statements that made the tables,
# which SQLite quotes, whatever is left of them.
@pytest.mark.parametrize("at", [0, 16, 28, 100, 105, 4000, 4096])
@pytest.mark.parametrize("bytes_", [b"\xff\xff\xff\xff", b"\x00'(\xc3\x28"], ids=["high", "mixed"])
def test_every_way_to_open_a_damaged_catalog_ends_in_a_sentence(read, tmp_path, at, bytes_):
    home = read / ".footnote"
    with (home / CATALOG).open("r+b") as stream:
        stream.seek(at)
        stream.write(bytes_)
    sentences = []
    for work in (
        lambda: doctor.examine(home),
        lambda: backup(home, tmp_path / "kept.zip"),
        lambda: catalog.Catalog(home / CATALOG, "ro").close(),
        lambda: ask(read),
    ):
        try:
            work()
        except FootnoteError as error:
            sentences.append(str(error))
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in sentences)
    doctor.mend(home)
    with closing(Library(read)) as opened:
        assert len(opened.sync()) == len(TEXTS)


def test_the_command_says_so_and_what_to_do(read, capsys):
    with (read / ".footnote" / CATALOG).open("r+b") as stream:
        stream.seek(4000)
        stream.write(b"\xff" * 8)
    for command, code in ((["status", "--docs"], "1"), (["sync"], "1"), (["doctor"], "1")):
        with pytest.raises(SystemExit, match=code):
            app.main([*command, str(read)])
        told = capsys.readouterr()
        assert "is damaged (" in told.out + told.err
        assert "set aside" in told.out or "sets it aside" in told.err


WRONG = {
    "pages": "UPDATE document SET pages = '[1]'",
    "headings": "UPDATE document SET headings = '[['",
    "tables": "UPDATE document SET tables = '[{}]'",
    "sentences": "UPDATE passage SET sentences = 'x'",
    "half a number": "UPDATE vector SET vector = zeroblob(7)",
    "no number": "UPDATE vector SET vector = zeroblob(0)",
    "one vector shorter": "UPDATE vector SET vector = zeroblob(8) WHERE rowid = (SELECT min(rowid) FROM vector)",
    "all vectors shorter": "UPDATE vector SET vector = zeroblob(8)",
}


@pytest.mark.parametrize("what", WRONG)
def test_what_no_catalog_says_is_a_sentence_too(read, what):
    with closing(sqlite3.connect(read / ".footnote" / CATALOG)) as opened:
        opened.execute(WRONG[what])
        opened.commit()
    shutil.rmtree(read / ".footnote" / "lexical")
    with pytest.raises(LibraryError, match="footnote doctor --mend"):
        ask(read)
    doctor.mend(read / ".footnote")
    with closing(Library(read)) as opened:
        opened.sync()
    ask(read)
