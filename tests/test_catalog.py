"""The record: all of a document is written or nothing, and every reader sees the same."""

import re
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index import formats, passages
from index.catalog import Catalog, Derived, File, text_key
from index.document import Document, Heading, Page, Span
from index.errors import LibraryError
from index.passages import Passage

DOCUMENT = Document(
    id="docs/mill 👩‍👩‍👧.txt",
    title="The mill",
    text="History\n\nThe mill burned.",
    sha256="1" * 64,
    media_type="text/plain",
    pages=(Page(1, 0, 25),),
    headings=(Heading(1, 0, 7),),
    author="Ada",
    date="2026-01-02",
    url="https://example.org",
    dropped=3,
)
FILE = File(DOCUMENT.id, 25, 7, DOCUMENT.sha256, "indexed", "", DOCUMENT.title)
PASSAGES = (
    Passage("p#1", DOCUMENT.id, "History", 0, 7, 1, "History", (Span(0, 7),)),
    Passage("p#2", DOCUMENT.id, "The mill burned.", 9, 25, None, "", (Span(9, 25),)),
)
HEADED = (  # two under one heading, with another and none between them
    PASSAGES[0],
    Passage("p#2", DOCUMENT.id, "The mill", 9, 17, 1, "Mills", (Span(9, 17),)),
    Passage("p#3", DOCUMENT.id, "burned.", 18, 25, 1, "History", (Span(18, 25),)),
    Passage("p#4", DOCUMENT.id, "The mill burned.", 26, 42, None, "", (Span(26, 42),)),
)
VECTORS = {
    text_key(passage.text): np.array([place, 1], np.float32) for place, passage in enumerate((*PASSAGES, *HEADED[1:3]))
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a folder #1?" / "catalog.sqlite"


@pytest.fixture
def catalog(path):
    path.parent.mkdir()
    with closing(Catalog(path, "rw")) as opened:
        yield opened


def everything(catalog: Catalog) -> tuple[object, ...]:
    ids, documents, matrix = catalog.every_vector()
    return catalog.files(), catalog.passage_keys(), ids, documents, matrix.tolist(), catalog.revision()


def test_what_is_put_is_what_is_read(catalog):
    catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)
    assert catalog.files() == (FILE,) == catalog.copies(FILE.sha256)
    assert catalog.file(FILE.id) == FILE
    assert catalog.document(DOCUMENT.id) == DOCUMENT
    assert catalog.passages_of(DOCUMENT.id) == PASSAGES
    assert catalog.passages(["p#2", "no-such"]) == {"p#2": PASSAGES[1]}
    assert catalog.vectors(["p#1"])["p#1"].tolist() == [0, 1]
    assert catalog.every_vector()[2].tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    "broken",
    [
        {"passages": (*PASSAGES, PASSAGES[0])},  # the same id twice
        {"vectors": {text_key("History"): VECTORS[text_key("History")]}},  # a passage without a vector
        {"file": replace(FILE, state="lost")},  # the last statement of the transaction
    ],
    ids=["passage", "vector", "file"],
)
def test_a_put_that_fails_midway_writes_nothing(catalog, broken):
    catalog.put(FILE, DOCUMENT, PASSAGES[:1], VECTORS)
    catalog.prune()
    before = everything(catalog)
    arguments = {"file": FILE, "document": DOCUMENT, "passages": PASSAGES, "vectors": VECTORS} | broken
    with pytest.raises(sqlite3.IntegrityError):
        catalog.put(**arguments)
    assert everything(catalog) == before
    assert set(catalog.known_vectors(VECTORS)) == {text_key("History")}
    catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)  # and it can still be written
    assert catalog.passage_count() == 2


def test_a_document_put_again_is_replaced(catalog):
    catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)
    catalog.put(FILE, DOCUMENT, PASSAGES[1:], {})
    assert list(catalog.passage_keys()) == ["p#2"]


def test_a_removed_document_takes_its_passages_along_and_its_vectors_when_pruned(catalog):
    catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)
    catalog.remove(DOCUMENT.id)
    assert (catalog.files(), catalog.passage_count()) == ((), 0)
    assert set(catalog.known_vectors(VECTORS)) == set(VECTORS)  # kept for a rename
    catalog.prune()
    assert catalog.known_vectors(VECTORS) == {}
    with pytest.raises(KeyError):
        catalog.document(DOCUMENT.id)


def test_a_refused_file_forgets_the_document_it_was(catalog):
    catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)
    refused = File(FILE.id, 0, 8, "", "refused", "it is empty")
    catalog.refuse(refused)
    assert (catalog.files(), catalog.passage_count()) == ((refused,), 0)


def test_the_revision_grows_with_every_change_and_with_nothing_else(catalog):
    assert catalog.revision() == 0
    catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)
    assert catalog.revision() == 1
    catalog.touch(replace(FILE, mtime_ns=9))
    catalog.set("model", "x")
    catalog.set_derived("chroma", Derived(1, 1))
    catalog.prune()
    assert catalog.revision() == 1
    catalog.remove(FILE.id)
    catalog.refuse(FILE)
    assert catalog.revision() == 3


def test_the_state_of_a_derived_index_is_kept(catalog):
    assert catalog.derived("chroma") == Derived(0, None)
    catalog.set_derived("chroma", Derived(2, 5))
    assert catalog.derived("chroma") == Derived(2, 5)
    catalog.set_derived("chroma", Derived(2, None))
    assert catalog.derived("chroma") == Derived(2, None)
    catalog.set_derived("chroma", Derived(2, 5, "digest", forgotten=9))
    catalog.unmark("chroma")
    assert catalog.derived("chroma") == Derived(2, None, forgotten=9)


def test_a_reader_sees_the_same_while_the_writer_is_open_and_after(path, catalog):
    catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)
    with closing(Catalog(path, "ro")) as reader:
        assert everything(reader) == everything(catalog)
        catalog.remove(DOCUMENT.id)
        assert reader.files() == ()
    catalog.close()
    with closing(Catalog(path, "ro")) as reader:
        assert reader.files() == ()


def test_a_reader_writes_nothing(path, catalog):
    with closing(Catalog(path, "ro")) as reader, pytest.raises(LibraryError, match="cannot be written"):
        reader.set("model", "x")
    assert catalog.setting("model") == ""


def test_a_thread_reads_while_another_writes(catalog):
    seen: list[int] = []
    done = threading.Event()

    def read():
        while not done.is_set() or not seen:
            seen.append(catalog.passage_count())

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(30):
        catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)
        catalog.remove(DOCUMENT.id)
    done.set()
    thread.join(60)
    assert not thread.is_alive()
    assert set(seen) <= {0, 2}  # a whole document or none


def test_two_threads_that_write_wait_for_each_other(catalog):
    threads = [
        threading.Thread(target=lambda number=number: [catalog.set(f"key{number}.{i}", "x") for i in range(20)])
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(catalog.setting(f"key{number}.19") == "x" for number in range(3))


# What brings a catalog of one version back to the one before.
BACK = {
    2: "ALTER TABLE derived DROP COLUMN digest",
    3: """
    DROP TABLE root;
    ALTER TABLE file RENAME TO file_3;
    DROP INDEX file_of_content;
    CREATE TABLE file (
        id TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('indexed', 'refused')), reason TEXT NOT NULL, title TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX file_of_content ON file (sha256);
    INSERT INTO file SELECT * FROM file_3;
    DROP TABLE file_3
    """,
    4: 'ALTER TABLE document DROP COLUMN tables; ALTER TABLE passage DROP COLUMN "where"',
    5: "UPDATE vector SET vector = whole(vector)",
    6: """
    ALTER TABLE passage RENAME TO passage_6;
    DROP INDEX passage_of_document;
    DROP INDEX passage_of_text;
    CREATE TABLE passage (
        id TEXT PRIMARY KEY, document_id TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE, text TEXT NOT NULL,
        start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL, sentences TEXT NOT NULL,
        text_sha256 TEXT NOT NULL REFERENCES vector (text_sha256), "where" TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX passage_of_document ON passage (document_id, start);
    CREATE INDEX passage_of_text ON passage (text_sha256, id);
    INSERT INTO passage SELECT id, passage_6.document_id, passage_6.text, passage_6.start, "end", page,
        coalesce(heading.text, ''), sentences, text_sha256, "where" FROM passage_6 LEFT JOIN heading
        ON heading.document_id = passage_6.document_id AND heading.start = passage_6.heading;
    DROP TABLE passage_6;
    DROP TABLE heading
    """,
    7: "ALTER TABLE derived DROP COLUMN forgotten",
}


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6])
def test_a_catalog_of_an_earlier_version_is_brought_forward_and_keeps_what_it_holds(path, catalog, version):
    catalog.set("root", "docs")
    catalog.set_derived("chroma", Derived(3, 5, "digest" if version > 1 else ""))
    catalog.set_derived("lexical", Derived(2, 5))
    refused = File("docs/b.txt", 0, 8, "", "refused", "it is empty")
    catalog.refuse(refused)
    catalog.put(FILE, DOCUMENT, HEADED, VECTORS)
    ids = [passage.id for passage in HEADED]
    files, vectors = catalog.files(), {id: vector.tolist() for id, vector in catalog.vectors(ids).items()}
    catalog.close()
    with closing(sqlite3.connect(path)) as old:
        old.create_function("whole", 1, lambda half: np.frombuffer(half, np.float16).astype(np.float32).tobytes())
        made = dict(old.execute("SELECT name, sql FROM sqlite_schema"))
        for step in range(7, version, -1):
            old.executescript(BACK[step])
        old.execute("UPDATE setting SET value = ? WHERE key = 'schema'", (str(version),))
        old.commit()
    with pytest.raises(LibraryError, match=f"is of version {version}"):
        Catalog(path, "ro")
    for access in ("rw", "ro"):
        with closing(Catalog(path, access)) as forward:
            assert (forward.setting("schema"), forward.setting("root")) == ("7", "docs")
            assert forward.derived("chroma") == (Derived(3, 5, "digest") if version > 4 else Derived(3, None))
            assert forward.derived("lexical") == Derived(2, 5)
            assert forward.files() == files
            assert forward.passages_of(DOCUMENT.id) == HEADED
            assert {id: vector.tolist() for id, vector in forward.vectors(ids).items()} == vectors
    with closing(sqlite3.connect(path)) as now:
        assert {name: _plain(sql) for name, sql in now.execute("SELECT name, sql FROM sqlite_schema")} == {
            name: _plain(sql) for name, sql in made.items()
        }


def test_a_heading_is_kept_once_however_many_passages_stand_under_it(path, catalog):
    heading, count = "mill " * 60, 500
    written = [
        replace(PASSAGES[1], id=f"p#{number}", start=number, end=number + 1, heading=heading + str(number % 2))
        for number in range(count)
    ]
    catalog.put(FILE, DOCUMENT, written, VECTORS)
    assert catalog.passages_of(DOCUMENT.id) == tuple(written)
    assert catalog.passages(["p#7"]) == {"p#7": written[7]}
    assert catalog.passages_at(DOCUMENT.id, 7, 8) == (written[7],)
    catalog.vacuum()
    assert path.read_bytes().count(heading.encode()) <= 2
    catalog.remove(DOCUMENT.id)
    with closing(sqlite3.connect(path)) as opened:
        assert opened.execute("SELECT count(*) FROM heading").fetchone() == (0,)


def test_a_damaged_vector_keeps_no_catalog_from_being_brought_forward(path, catalog):
    catalog.put(FILE, DOCUMENT, PASSAGES, VECTORS)
    catalog.close()
    with closing(sqlite3.connect(path)) as old:
        for step in (7, 6):
            old.executescript(BACK[step])
        old.execute("UPDATE vector SET vector = ?", (b"seven b",))
        old.execute("UPDATE setting SET value = '4' WHERE key = 'schema'")
        old.commit()
    with closing(Catalog(path, "rw")) as forward:
        assert forward.setting("schema") == "7"
        assert {len(vector) for vector in forward.vectors([passage.id for passage in PASSAGES]).values()} == {0}


def _plain(sql: str | None) -> str:
    return " ".join((sql or "").replace('"', "").split()).replace(" )", ")")


@pytest.mark.parametrize("access", ["ro", "rw"])
def test_a_catalog_of_another_version_is_refused_with_both_versions(path, catalog, access):
    catalog.set("schema", "99")
    catalog.close()
    with pytest.raises(LibraryError, match=r"is of version 99, and this Footnote reads version 7; use the Footnote"):
        Catalog(path, access)


@pytest.mark.parametrize("access", ["ro", "rw"])
def test_a_file_that_is_no_catalog_is_refused_with_a_sentence(tmp_path, access):
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(LibraryError, match=r"is damaged .*; footnote doctor --mend sets it aside"):
        Catalog(path, access)


def test_a_missing_catalog_is_refused_to_a_reader(tmp_path):
    with pytest.raises(LibraryError, match=r"cannot be (opened|read|written)"):
        Catalog(tmp_path / "catalog.sqlite", "ro")
    assert list(tmp_path.iterdir()) == []


def test_what_another_reads_cannot_be_vacuumed_and_that_is_said(path, catalog):
    catalog.set("root", "docs")
    with closing(Catalog(path, "ro")) as reader, reader.snapshot():
        assert reader.setting("root") == "docs"
        catalog.set("root", "others")
        with pytest.raises(LibraryError, match=r"is being read by another process|cannot be purged"):
            catalog.vacuum()
    catalog.vacuum()


def test_a_heading_is_not_kept_again_for_each_passage_of_a_file(path: Path, catalog: Catalog) -> None:
    heading = "# " + "mill " * 59
    data = "\n\n".join(f"{heading}\n\n" + "The dam is forty metres high. " * 5 for _ in range(100)).encode()
    document = formats.read("docs/a.md", data)
    cut = passages.cut(document, lambda text: [Span(*found.span()) for found in re.finditer(r"\w+", text)], 6)
    assert len(cut) > 400
    catalog.put(
        replace(FILE, id=document.id), document, cut, {text_key(each.text): np.ones(2, np.float32) for each in cut}
    )
    catalog.vacuum()
    times = path.read_bytes().count(heading[2:].strip().encode())
    assert times <= 2 * 100 + 2  # in the texts of the document and its passages, as title, and once for all under it
