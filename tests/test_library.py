"""The library over real folders: what is in the folder is found, what is gone is not (I5)."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import derived, embeddings, export, formats, generations, ingest, passages
from index.catalog import Derived
from index.document import Document
from index.embeddings import OnnxEmbedder
from index.errors import FootnoteError, LibraryError, ModelError, ModelMismatch, Refused
from index.library import Library, _free_name
from index.lock import Lock
from index.passages import Passage
from index.sync import Progress
from tests.conftest import PATIENCE, OpenLibrary, soon

QUESTION = "Which building burned?"
TEXTS = {
    "mill.txt": "The mill burned in 1902. It was rebuilt in brick.",
    "school.md": "# School\n\nThe school stayed. Its roof burned later.",
    "sub/port.html": "<h1>Port</h1><p>The port froze every winter.</p>",
}


def write(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def results(library: Library, question: str = QUESTION) -> tuple[object, ...]:
    """All that a question finds, both ways, with scores."""
    vector = library.embedder.embed_query(question)
    return library.nearest(vector, 50), library.search(question, 50)


def states(library: Library) -> dict[str, str]:
    return {file.id: file.state for file in library.files()}


@contextmanager
def counted(monkeypatch) -> Iterator[list[str]]:
    """The texts that are embedded as passages while the block runs."""
    embedded: list[str] = []
    really = OnnxEmbedder.embed_passages

    def count(self, texts):
        embedded.extend(texts)
        return really(self, texts)

    with monkeypatch.context() as patched:
        patched.setattr(OnnxEmbedder, "embed_passages", count)
        yield embedded


def test_the_order_in_which_documents_came_leaves_no_trace(tmp_path):
    texts = {
        f"{letter}.txt": f"The mill {letter} burned. " + "It stood. " * (place % 3)
        for place, letter in enumerate("abcdefgh")
    }
    found = []
    for home, names in (("one", sorted(texts)), ("two", sorted(texts, reverse=True))):
        folder = tmp_path / home / "docs"
        folder.mkdir(parents=True)
        with closing(Library(folder)) as library:
            for name in names:
                write(folder, {name: texts[name]})
                library.sync()
            write(folder, {"gone.txt": "The mill mill mill."})
            library.sync()
            (folder / "gone.txt").unlink()
            library.sync()
            found.append((results(library), library.search("burned mill", 2)))
    assert found[0] == found[1]


# --- renames, copies, duplicates ---


def test_a_rename_and_a_copy_embed_nothing(folder, open_library, monkeypatch):
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    with counted(monkeypatch) as embedded:
        (folder / "mill.txt").rename(folder / "sub" / "renamed.txt")
        shutil.copy(folder / "school.md", folder / "copy.md")
        write(folder, {"like.txt": TEXTS["mill.txt"] + "\n"})  # other bytes, the same passage
        library.sync()
    assert embedded == []
    assert library.document("docs/sub/renamed.txt").text == TEXTS["mill.txt"]
    assert states(library)["docs/copy.md"] == "refused"
    with pytest.raises(KeyError):
        library.document("docs/mill.txt")


def test_only_what_changed_is_embedded(folder, open_library, monkeypatch):
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    with counted(monkeypatch) as embedded:
        os.utime(folder / "mill.txt", ns=(1, 1))
        write(folder, {"school.md": "A new school."})
        library.sync()
        library.sync()
    assert embedded == ["A new school."]


def test_a_file_with_a_new_time_and_the_same_bytes_is_not_a_change(folder, open_library):
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    revision = library.revision()
    os.utime(folder / "mill.txt", ns=(1, 1))
    assert next(file.mtime_ns for file in library.sync() if file.id == "docs/mill.txt") == 1
    assert library.revision() == revision


def test_a_duplicate_is_refused_by_name_and_read_when_its_twin_goes(folder, open_library):
    write(folder, {"a.txt": "The mill.", "b.txt": "The mill.", "c.txt": "The mill."})
    library = open_library()
    library.sync()
    assert [file.reason for file in library.files()] == ["", *["it is the same as docs/a.txt, which is read"] * 2]
    (folder / "a.txt").unlink()
    assert [(file.id, file.reason) for file in library.sync()] == [
        ("docs/b.txt", ""),
        ("docs/c.txt", "it is the same as docs/b.txt, which is read"),
    ]


def test_a_refusal_names_the_twin_under_its_new_name(folder, open_library):
    write(folder, {"a.txt": "The mill.", "c.txt": "The mill."})
    library = open_library()
    library.sync()
    (folder / "a.txt").rename(folder / "b.txt")
    assert "docs/b.txt" in {file.id: file.reason for file in library.sync()}["docs/c.txt"]


def test_two_files_that_swap_contents_are_both_read(folder, open_library):
    write(folder, {"a.txt": "The mill.", "b.txt": "The school stands."})
    library = open_library()
    library.sync()
    write(folder, {"b.txt": "The mill.", "a.txt": "The school stands."})
    library.sync()
    assert (library.document("docs/a.txt").text, library.document("docs/b.txt").text) == (
        "The school stands.",
        "The mill.",
    )


@pytest.mark.parametrize(
    "name", ["日本語.txt", "é 👩‍👩‍👧.md", "e\u0301.txt", "שלום.txt", "a'b\"c.txt", "a#1-2?.txt", "%41.txt", " x .txt"]
)
def test_a_document_may_be_named_in_any_unicode(folder, open_library, name):
    write(folder, {name: "The mill burned."})
    library = open_library()
    library.sync()
    id = f"docs/{name}"
    assert library.document(id).id == id
    assert [found.partition("#")[0] if "#" not in name else id for found, _ in library.search("mill", 5, [id])] == [id]
    assert len(library.nearest(library.embedder.embed_query("mill"), 5, [id])) == 1


# --- one writes, the others read ---


def test_a_second_opener_reads_the_same_and_sees_what_the_writer_adds(folder, open_library):
    write(folder, TEXTS)
    writer = open_library()
    writer.sync()
    reader = open_library()
    assert (writer.writable, reader.writable) == (True, False)
    assert results(reader) == results(writer)
    write(folder, {"new.txt": "The barn burned on Friday."})
    writer.sync()
    assert results(reader) == results(writer)
    assert "docs/new.txt" in states(reader)
    (folder / "new.txt").unlink()
    writer.sync()
    assert results(reader) == results(writer)


def test_a_reader_does_not_write_and_says_who_does(folder, open_library):
    write(folder, TEXTS)
    open_library().sync()
    reader = open_library()
    assert reader.sync() == reader.files()  # nothing to do is no error
    write(folder, {"new.txt": "The barn burned."})
    with pytest.raises(LibraryError, match=f"is being written by process {os.getpid()} since"):
        reader.sync()
    with pytest.raises(LibraryError, match="is being written by process"):
        reader.add("x.txt", b"text")


def test_a_reader_is_not_fooled_by_a_word_index_that_is_being_written(folder, open_library):
    write(folder, TEXTS)
    writer = open_library()
    writer.sync()
    expected = results(writer)
    shutil.rmtree(folder / ".footnote" / "lexical")
    reader = open_library()
    assert results(reader) == expected
    assert not (folder / ".footnote" / "lexical").exists()


def test_a_reader_goes_on_when_the_writer_closes(folder, open_library):
    write(folder, TEXTS)
    with closing(Library(folder)) as writer:
        writer.sync()
        expected = results(writer)
        reader = open_library()
    assert results(reader) == expected


def test_a_library_closed_in_another_thread_can_be_written_again(folder, open_library):
    library = Library(folder)
    thread = threading.Thread(target=library.close)
    thread.start()
    thread.join()
    assert open_library().writable


HOLDER = """
import sys, time
from pathlib import Path
from index.library import Library
library = Library(Path(sys.argv[1]))
library.sync()
print("open", flush=True)
time.sleep(60)
"""


def test_a_killed_writer_frees_the_library(folder, open_library):
    write(folder, TEXTS)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "open\n"
        with closing(Library(folder)) as reader:
            assert not reader.writable
            assert f"process {holder.pid} " in reader.lock.holder()
            expected = results(reader)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    library = open_library()
    assert library.writable
    assert results(library) == expected


def test_a_library_that_does_not_open_is_not_held(folder):
    with closing(Library(folder)) as library:
        library._catalog.set("schema", "99")
    with pytest.raises(LibraryError, match="version 99") as kept:
        Library(folder)
    again = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from filelock import FileLock; FileLock(sys.argv[1]).acquire(timeout=0)",
            str(folder / ".footnote" / "lock"),
        ],
        check=False,
    )
    assert again.returncode == 0
    assert kept.value is not None  # its traceback holds what the failed opening made


# --- the derived indexes ---


def unmark(home: Path, library: Library) -> None:
    for name in ("chroma", "lexical"):
        library._catalog.set_derived(name, Derived(library._catalog.derived(name).generation, None))


DAMAGE = {
    "chroma missing": lambda home: shutil.rmtree(home / "chroma"),
    "lexical missing": lambda home: shutil.rmtree(home / "lexical"),
    "chroma overwritten": lambda home: [
        f.write_bytes(b"x" * 4096) for f in (home / "chroma").rglob("*") if f.is_file()
    ],
    "lexical overwritten": lambda home: [
        f.write_bytes(b"x" * 64) for f in (home / "lexical").rglob("*") if f.is_file()
    ],
    "lexical cut off": lambda home: [f.write_bytes(b"") for f in (home / "lexical").rglob("meta.json")],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_derived_index_is_rebuilt_and_finds_the_same(folder, open_library, damage):
    write(folder, TEXTS)
    with closing(Library(folder)) as library:
        library.sync()
        library.settle()
        expected = results(library)
        assert all(expected)
    DAMAGE[damage](folder / ".footnote")
    library = open_library()
    assert results(library) == expected
    library.settle()
    assert library._indexes._vectors.count() == library.passage_count()
    assert results(library) == expected


def test_an_index_that_holds_too_few_passages_is_rebuilt(folder, open_library):
    write(folder, TEXTS)
    with closing(Library(folder)) as library:
        library.sync()
        expected = results(library)
        library.settle()
        library._indexes._vectors.remove([expected[0][0][0]])
    library = open_library()
    library.settle()
    assert results(library) == expected
    assert library._indexes._vectors.count() == library.passage_count()


def test_a_passage_that_says_something_else_at_the_same_place_is_found_by_what_it_says_now(folder, open_library):
    write(folder, {"mill.txt": "The mill burned in 1902."})
    library = open_library()
    library.sync()
    library.settle()
    write(folder, {"mill.txt": "The mill burned in 1911."})
    os.utime(folder / "mill.txt", (1, 1))
    library.sync()
    vector = library.embedder.embed_query("The mill burned in 1911.")
    for again in (library, None):
        if again is None:
            library.close()
            library = open_library()
            library.settle()
        assert [id for id, _ in library.search("1911", 5)] == ["docs/mill.txt#0-24"]
        assert library.search("1902", 5) == []
        held = library._indexes._vectors._collection.get(include=["embeddings"])["embeddings"][0]
        assert held == pytest.approx(vector.astype(np.float16).astype(np.float32), abs=1e-5)


def test_a_sync_does_not_wait_for_chroma_to_be_built(folder, open_library, monkeypatch):
    write(folder, TEXTS)
    with closing(Library(folder)) as library:
        library.sync()
    building, waited = threading.Event(), threading.Event()
    really = generations.ChromaFolders.fill

    def slowly(self, *arguments):
        building.set()
        assert waited.wait(60)
        return really(self, *arguments)

    monkeypatch.setattr(generations.ChromaFolders, "fill", slowly)
    monkeypatch.setattr(derived, "_FEW", 0)
    monkeypatch.setattr(derived, "_MOMENT", 0.0)
    shutil.rmtree(folder / ".footnote" / "chroma", ignore_errors=True)
    library = open_library()
    assert building.wait(60)
    (folder / "mill.txt").unlink()
    write(folder, {"dam.txt": "The dam broke.", "school.md": "# School\n\nThe school froze. Its roof burned later."})
    library.sync()  # while Chroma is being built
    waited.set()
    library.settle()
    assert library._indexes._vectors.count() == library.passage_count() == 3
    assert {id.partition("#")[0] for id, _ in results(library)[0]} == {
        "docs/dam.txt",
        "docs/school.md",
        "docs/sub/port.html",
    }


def test_an_index_without_its_clean_mark_is_not_even_opened(folder, open_library, monkeypatch):
    write(folder, TEXTS)
    with closing(Library(folder)) as library:
        library.sync()
        library.settle()
        expected = results(library)
        library._indexes.distrust()
    old = {path for name in ("chroma", "lexical") for path in (folder / ".footnote" / name).iterdir()}
    assert len(old) == 2
    opened = []
    for owner, name in ((generations.Chroma, "embedded"), (derived, "Lexical")):
        really = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda path, really=really: (opened.append(path), really(path))[1])
    library = open_library()
    library.settle()
    assert results(library) == expected
    assert len([path for path in opened if path]) == 2
    assert not old.intersection(opened)
    assert not any(path.exists() for path in old)  # and they are swept away


@pytest.mark.parametrize("call", [1, 2])
def test_a_sync_that_dies_midway_loses_nothing_and_the_next_completes(folder, open_library, monkeypatch, call):
    write(folder, {"old.txt": "The old barn burned."})
    library = open_library()
    library.sync()
    write(folder, TEXTS)
    (folder / "old.txt").unlink()

    def die(progress):
        if progress.done == call:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.sync(die)
    assert list(states(library)).count("docs/old.txt") == 1
    assert sum(state == "indexed" for state in states(library).values()) == call + 1
    assert {id for id, _ in results(library)[0]} == set(library._catalog.passage_keys())  # what is there is found
    library.sync()
    assert states(library) == dict.fromkeys(["docs/mill.txt", "docs/school.md", "docs/sub/port.html"], "indexed")


KILLED = """
import os, sys
from pathlib import Path
from index import catalog, derived
from index.library import Library
kind = getattr(derived if sys.argv[2] != "Catalog" else catalog, sys.argv[2])
really = getattr(kind, sys.argv[3])
def kill(self, *arguments):
    if sys.argv[4] == "after":
        really(self, *arguments)
    os.kill(os.getpid(), 9)
setattr(kind, sys.argv[3], kill)
library = Library(Path(sys.argv[1]))
library.sync()
library.settle()
"""


@pytest.mark.parametrize(
    "where",
    [
        ("ChromaVectors", "add", "after"),
        ("Lexical", "add", "before"),
        ("Catalog", "put", "after"),
        ("Catalog", "prune", "before"),
    ],
    ids="-".join,
)
def test_a_process_killed_while_it_writes_leaves_a_library_that_opens_and_completes(folder, open_library, where):
    write(folder, {"old.txt": "The old barn burned."})
    with closing(Library(folder)) as library:
        library.sync()
    write(folder, TEXTS)
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), *where], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    library = open_library()
    library.sync()
    assert len(library.files()) == 4
    with TemporaryDirectory() as fresh, closing(Library(folder, home=Path(fresh, "home"))) as other:
        other.sync()
        assert results(library) == results(other)


# --- refused to open ---


def test_another_model_than_the_librarys_is_refused_with_both_names_and_the_remedy(folder, open_library):
    open_library()
    with pytest.raises(
        ModelMismatch, match=r"all-MiniLM-L6-v2, and other/model was asked for; leave out --model, or .*--library"
    ):
        Library(folder, model="other/model")


def test_a_model_of_another_dimension_is_refused(folder, open_library):
    open_library()._catalog.set("dimension", "768")
    with pytest.raises(ModelMismatch, match="768 dimensions, and the one found now has 384"):
        Library(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LibraryError, match="There is no folder"):
        Library(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_library_that_cannot_be_made_names_the_remedy(folder):
    with pytest.raises(LibraryError, match="--library"):
        Library(folder, home=Path("/proc/footnote"))
    (folder / "file").write_text("x")
    with pytest.raises(LibraryError, match="--library"):
        Library(folder, home=folder / "file" / "home")


def test_a_library_inside_its_folder_is_not_read_as_documents(folder, open_library):
    write(folder, TEXTS)
    library = open_library(home=folder / "library")
    library.sync()
    uploaded = library.add("note.txt", b"The barn burned.")
    assert (uploaded.id, uploaded.state) == ("uploads/note.txt", "indexed")
    assert set(states(library)) == {"docs/mill.txt", "docs/school.md", "docs/sub/port.html", "uploads/note.txt"}


def test_ids_stay_when_the_folder_is_renamed(tmp_path):
    write(tmp_path / "docs", TEXTS)
    with closing(Library(tmp_path / "docs")) as library:
        library.sync()
        expected = results(library)
    (tmp_path / "docs").rename(tmp_path / "papers")
    with closing(Library(tmp_path / "papers")) as library:
        library.sync()
        assert results(library) == expected


# --- no room ---


def test_without_free_space_what_was_read_is_kept_and_the_next_sync_completes(folder, open_library, monkeypatch):
    write(folder, TEXTS)
    library = open_library()
    free = iter([2**40])
    monkeypatch.setattr(ingest, "_BATCH", 1)  # passages written together
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free, 100 * 2**20)))
        with pytest.raises(LibraryError, match=r"Only 100 MB are free .* kept"):
            library.sync()
    assert states(library) == {"docs/mill.txt": "indexed"}
    assert [id.partition("#")[0] for id, _ in library.search("mill", 5)] == ["docs/mill.txt"]
    library.sync()
    assert len(library.files()) == 3


def test_what_is_gone_is_forgotten_on_a_full_disk_too(folder, open_library, monkeypatch):
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    library.add("letter.txt", b"The owner was Ada Brandt.")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    (folder / "mill.txt").unlink()
    library.sync()
    library.remove("uploads/letter.txt")
    assert states(library) == {"docs/school.md": "indexed", "docs/sub/port.html": "indexed"}
    assert library.search("mill owner", 5) == []


def test_a_file_that_is_no_document_leaves_the_indexes_as_they_were_closed(folder, monkeypatch):
    write(folder, {**TEXTS, "photo.jpg": "no text"})
    with closing(Library(folder)) as library:
        library.sync()
        library.settle()
    for method in ("distrust", "catch_up"):
        monkeypatch.setattr(derived.OwnIndexes, method, lambda _: pytest.fail("nothing has changed"))
    with closing(Library(folder)) as library:
        library.sync()


def test_who_closes_a_library_ends_a_sync_before_its_next_change(folder, open_library):
    write(folder, {f"{number}.txt": f"This is number {number}." for number in range(200)})
    library = open_library()
    begun, said = threading.Event(), []

    def sync() -> None:
        try:
            library.sync(lambda progress: begun.set() if progress.done else None)
        except LibraryError as error:
            said.append(str(error))

    thread = threading.Thread(target=sync)
    thread.start()
    assert begun.wait(60)
    library.close()
    thread.join(60)
    assert "is being closed; what was read so far is kept" in said[0]
    with closing(Library(folder)) as again:
        assert again.writable
        assert 0 < len(again.files()) < 200
    with pytest.raises(LibraryError, match="is closed"):
        library.files()


# --- uploads ---


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("note.txt", "note.txt"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ada\\note.md", "note.md"),
        (".hidden.txt", "hidden.txt"),
        ("gpj.\u202eexe.txt", "gpj.exe.txt"),
        ("a\u200bb\x00c\nd.txt", "abc_d.txt"),
        ("what? <now>: *.txt", "what_ _now__ _.txt"),
        ("報告 👩‍👩‍👧.TXT", "報告 👩‍👩‍👧.TXT"),
    ],
)
def test_an_upload_gets_a_safe_name_that_a_person_recognises(folder, open_library, name, kept):
    library = open_library()
    file = library.add(name, b"The mill burned.")
    assert (file.id, file.state) == (f"uploads/{kept}", "indexed")
    assert (folder / ".footnote" / "uploads" / kept).read_bytes() == b"The mill burned."
    assert len(library.search("mill", 5, [file.id])) == 1


@pytest.mark.parametrize("letter", ["a", "é", "漢", "👍"])
def test_a_very_long_name_is_cut_so_that_any_disk_takes_it(open_library, letter):
    file = open_library().add(letter * 4_000 + ".txt", b"The mill burned.")
    assert file.state == "indexed"
    assert file.id.endswith(letter * 20 + ".txt")
    assert len(file.id.encode()) < 255


@given(name=st.text(max_size=30), data=st.binary(max_size=20))
@settings(max_examples=25, deadline=None)
def test_any_upload_is_kept_in_its_place_or_refused(shared_library, name, data):
    home = shared_library.home
    before = {
        path
        for path in home.parent.rglob("*")
        if home / "chroma" not in path.parents and home / "lexical" not in path.parents
    }
    file = shared_library.add(name + ".txt", data)
    after = {
        path
        for path in home.parent.rglob("*")
        if home / "chroma" not in path.parents and home / "lexical" not in path.parents
    }
    made = {path for path in after - before if "catalog" not in path.name}
    if file.state != "indexed":
        assert made <= {home / "uploads"}
    else:
        assert made <= {home / "uploads", home / file.id}
        assert (home / file.id).read_bytes() == data


@pytest.fixture(scope="module")
def shared_library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared") / "docs"
    folder.mkdir()
    with closing(Library(folder)) as library:
        library.settle()
        yield library


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.xyz", b"PK", ".xyz is not a format"),
        ("a.png", b"\x89PNG", "it is a picture"),
        ("a.txt", b"", "it is empty"),
        ("a.txt", b"\x00\x01", "it is binary"),
        ("a.pdf", b"%PDF", "it is damaged"),
        ("a.txt", b"x" * (64 * 2**20 + 1), "it is larger than 64 MB"),
    ],
    ids=["format", "picture", "empty", "binary", "damaged", "large"],
)
def test_a_refused_upload_leaves_no_file(folder, open_library, name, data, reason):
    library = open_library()
    file = library.add(name, data)
    assert file.state != "indexed"
    assert reason in file.reason
    assert library.files() == ()
    assert list((folder / ".footnote").glob("uploads/*")) == []


@pytest.mark.parametrize("name", ["", "..", "LICENSE"])
def test_an_upload_without_a_suffix_is_read_as_plain_text(open_library, name):
    library = open_library()
    file = library.add(name, b"The mill burned.")
    assert file.state == "indexed"
    assert library.document(file.id).media_type == "text/plain"


def test_an_upload_of_the_same_name_is_kept_apart_and_of_the_same_bytes_kept_once(open_library):
    library = open_library()
    first = library.add("note.txt", b"The mill burned.")
    second = library.add("note.txt", b"The school stayed.")
    third = library.add("other.txt", b"The mill burned.")
    assert (first.id, second.id, third.id) == ("uploads/note.txt", "uploads/note (2).txt", "uploads/note.txt")
    assert library.document(second.id).text == "The school stayed."


def test_uploads_survive_a_sync_of_the_folder(folder, open_library):
    library = open_library()
    library.add("note.txt", b"The mill burned.")
    write(folder, {"a.txt": "The school stayed."})
    library.sync()
    (folder / "a.txt").unlink()
    library.sync()
    assert states(library) == {"uploads/note.txt": "indexed"}
    assert library.document("uploads/note.txt").text == "The mill burned."


def test_the_bytes_of_a_document_are_those_that_were_read(folder, open_library):
    write(folder, {"sub/a.txt": "The school stayed."})
    library = open_library()
    library.sync()
    assert library.file_bytes("docs/sub/a.txt") == b"The school stayed."
    assert library.file_bytes(library.add("note.txt", b"The mill burned.").id) == b"The mill burned."
    (folder / "sub" / "a.txt").write_text("The school closed.")
    with pytest.raises(LibraryError, match="has changed since it was read"):
        library.file_bytes("docs/sub/a.txt")
    (folder / "sub" / "a.txt").unlink()
    with pytest.raises(LibraryError, match=r"sub/a\.txt cannot be read"):
        library.file_bytes("docs/sub/a.txt")
    with pytest.raises(KeyError):
        library.file_bytes("docs/../a.txt")


def test_an_upload_is_removed_and_what_lies_in_the_folder_is_not(folder, open_library):
    write(folder, {"a.txt": "The school stayed."})
    library = open_library()
    library.sync()
    file = library.add("note.txt", b"The mill burned.")
    with pytest.raises(LibraryError, match=r"a\.txt lies in .*delete it there"):
        library.remove("docs/a.txt")
    with pytest.raises(KeyError):
        library.remove("uploads/../../docs/a.txt")
    library.remove(file.id)
    assert states(library) == {"docs/a.txt": "indexed"}
    assert library.search("mill", 5) == []
    assert list((folder / ".footnote" / "uploads").iterdir()) == []
    with pytest.raises(KeyError):
        library.remove(file.id)
    assert (folder / "a.txt").exists()


def test_a_disk_that_does_not_take_an_upload_is_a_library_error(open_library, monkeypatch):
    library = open_library()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LibraryError, match="no space left"):
        library.add("note.txt", b"The mill burned.")
    assert list((library.home / "uploads").iterdir()) == []


def test_an_upload_that_the_catalog_does_not_take_is_not_kept(open_library, monkeypatch):
    library = open_library()

    def fail(*_):
        raise LibraryError("The catalog cannot be written.")

    with monkeypatch.context() as patch:
        patch.setattr(library._catalog, "put", fail)
        with pytest.raises(LibraryError, match="catalog cannot be written"):
            library.add("note.txt", b"The mill burned.")
    assert list((library.home / "uploads").iterdir()) == []
    library.sync()
    assert library.files() == ()


def test_the_folder_of_the_uploads_is_made_anew_where_it_was_deleted(open_library, monkeypatch):
    library = open_library()
    (library.home / "uploads").rmdir()
    assert library.add("note.txt", b"The mill burned.").state == "indexed"

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(LibraryError, match=r"dam\.txt cannot be kept in .*uploads \(permission denied\)"):
        library.add("dam.txt", b"The dam broke.")


# --- search ---


def test_only_the_documents_asked_for_are_searched_both_ways(folder, open_library):
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    vector = library.embedder.embed_query(QUESTION)
    assert {id.partition("#")[0] for id, _ in library.nearest(vector, 9, ["docs/mill.txt"])} == {"docs/mill.txt"}
    assert {id.partition("#")[0] for id, _ in library.search("burned", 9, ["docs/school.md"])} == {"docs/school.md"}


def test_nearest_gives_true_cosines_best_first(folder, open_library):
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    vector = library.embedder.embed_query(QUESTION)
    found = library.nearest(vector, 2)
    texts = library.passages([id for id, _ in found])
    assert len(found) == 2
    for id, cosine in found:
        assert cosine == pytest.approx(float(library.embedder.embed_query(texts[id].text) @ vector), abs=1e-4)
    assert [cosine for _, cosine in found] == sorted((cosine for _, cosine in found), reverse=True)


def test_a_search_during_a_sync_finds_what_it_found_before(folder, open_library, monkeypatch):
    write(folder, TEXTS | {"gone.txt": "A fence."})
    library = open_library()
    library.sync()
    expected = results(library)[1]
    (folder / "gone.txt").unlink()  # so that the word index is built anew
    during = []
    really = derived.Lexical.add

    def add(self, passages):
        during.append(library.search(QUESTION, 50))
        return really(self, passages)

    with monkeypatch.context() as patched:
        patched.setattr(derived.Lexical, "add", add)
        library.sync()
    assert during
    assert [[id for id, _ in found] for found in during] == [[id for id, _ in expected]] * len(during)


def test_every_error_is_a_footnote_error():
    assert all(issubclass(error, FootnoteError) for error in (LibraryError, ModelError, ModelMismatch, Refused))
    assert export.packaged_model().is_dir()
    assert embeddings.DEFAULT_MODEL == "all-MiniLM-L6-v2"


def test_what_was_read_by_another_recipe_is_read_anew(folder, open_library, monkeypatch):
    (folder / "a.txt").write_text("Ann ate it. " * 60)
    library = open_library()
    library.sync()
    before = library.passage_count()
    library.close()
    monkeypatch.setattr("index.library._RECIPE", "another")
    monkeypatch.setattr("index.passages.TARGET_TOKENS", 40)
    again = open_library()
    again.sync()
    assert again.passage_count() > before
    revision = again.revision()
    again.sync()
    assert again.revision() == revision


def test_a_folder_that_cannot_be_listed_loses_nothing(folder, open_library, monkeypatch):
    (folder / "sub").mkdir()
    (folder / "sub" / "a.txt").write_text("Ann ate it.")
    library = open_library()
    library.sync()
    real = os.scandir

    def refuse(path):
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("os.scandir", refuse)
    (folder / "b.txt").write_text("Bob saw her.")
    states = {file.id: (file.state, file.reason) for file in library.sync()}
    assert states["docs/sub/a.txt"][0] == states["docs/b.txt"][0] == "indexed"
    assert "cannot be listed" in states["docs/sub"][1]
    monkeypatch.undo()
    assert [file.id for file in library.sync()] == ["docs/b.txt", "docs/sub/a.txt"]


def test_a_file_that_breaks_a_parser_has_failed_and_is_not_tried_again_until_it_changes(
    folder, open_library, monkeypatch
):
    tried = []

    def stumble(data: bytes) -> None:
        tried.append(data)
        raise IndexError("list index out of range")

    monkeypatch.setattr("index.workers.Workers.read", lambda _, id, data, __: formats.read(id, data))
    monkeypatch.setattr("index.formats.markdown.read", stumble)
    write(folder, {"bad.md": "# Bad", "good.txt": "Ann ate it."})
    library = open_library()
    for _ in range(2):
        bad, good = library.sync()
        assert (bad.state, good.state) == ("failed", "indexed")
        assert "(IndexError: list index out of range); save it anew" in bad.reason
    assert tried == [b"# Bad"]
    write(folder, {"bad.md": "# Bad again"})
    library.sync()
    assert tried == [b"# Bad", b"# Bad again"]
    assert library.add("worse.md", b"# Worse").state == "failed"
    assert [file.id for file in library.files()] == ["docs/bad.md", "docs/good.txt"]


def test_a_file_that_cannot_be_cut_has_failed_and_the_others_are_read(folder, open_library, monkeypatch):
    cut = passages.cut

    def stumble(document: Document, *more: object) -> tuple[Passage, ...]:
        if "Bad" in document.text:
            raise TimeoutError
        return cut(document, *more)

    monkeypatch.setattr(passages, "cut", stumble)
    write(folder, {"bad.md": "# Bad", "good.txt": "Ann ate it."})
    library = open_library()
    for _ in range(2):
        bad, good = library.sync()
        assert (bad.state, good.state) == ("failed", "indexed")
        assert bad.reason == "it cannot be cut into passages (TimeoutError); save its text alone"


def test_a_root_that_cannot_be_listed_is_said_and_loses_nothing(folder, open_library, monkeypatch):
    (folder / "a.txt").write_text("Ann ate it.")
    library = open_library()
    library.sync()

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    states = {file.id: file.reason for file in library.sync()}
    assert states["docs/a.txt"] == ""
    assert "cannot be listed" in states["docs"]
    assert library.passage_count() == 1


def test_names_that_are_no_text_are_kept_apart(folder, open_library):
    for name in (b"caf\xe8.txt", b"caf\xe9.txt"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(f"Read {name!r}.")
    library = open_library()
    assert [file.id for file in library.sync()] == ["docs/caf\\udce8.txt", "docs/caf\\udce9.txt"]


def test_a_damaged_catalog_is_one_sentence(folder, open_library):
    (folder / "a.txt").write_text("Ann ate it.")
    library = open_library()
    library.sync()
    library.close()
    path = folder / ".footnote" / "catalog.sqlite"
    path.write_bytes(b"no database at all" * 1000)
    for leftover in path.parent.glob("catalog.sqlite-*"):
        leftover.unlink()
    with pytest.raises(LibraryError, match=r"catalog\.sqlite|\.footnote"):
        open_library()


def test_a_sync_that_is_stopped_leaves_no_copy_unread(open_library: OpenLibrary, folder: Path) -> None:
    """b.txt is a copy of a.txt until that changes; the sync ends before it is looked at again."""

    class Enough(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise Enough

    for name, text in (("a.txt", "The mill."), ("b.txt", "The mill."), ("c.txt", "The dam.")):
        (folder / name).write_text(text)
    library = open_library()
    library.sync()
    (folder / "a.txt").write_text("The mill, rebuilt.")
    (folder / "c.txt").write_text("The dam, rebuilt.")
    with pytest.raises(Enough):
        library.sync(stop)
    assert {file.id.partition("/")[2]: file.state for file in library.sync()} == dict.fromkeys(
        ("a.txt", "b.txt", "c.txt"), "indexed"
    )
    assert library.document(f"{folder.name}/b.txt").text == "The mill."


def test_a_name_that_differs_in_capitals_alone_is_taken():
    assert _free_name("Letter.txt", ["letter.txt", "letter (2).TXT"]) == "Letter (3).txt"


def test_the_lock_is_taken_on_a_disk_that_has_no_room_to_say_by_whom(folder, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    lock = Lock(folder)
    assert lock.held
    assert Lock(folder).held is False
    lock.release()


def test_what_is_ready_is_written_while_a_long_file_is_waited_for(folder, open_library, monkeypatch):
    write(folder, {"a.txt": "The mill burned in 1902.", "b.txt": "The dam broke in 1911."})
    library, seen = open_library(), threading.Event()
    ready = ingest.Ingest._ready

    def slowly(self, document):
        if document.id.endswith("b.txt"):
            assert seen.wait(2 * PATIENCE)
        return ready(self, document)

    monkeypatch.setattr(ingest.Ingest, "_ready", slowly)
    syncing = threading.Thread(target=library.sync)
    syncing.start()
    soon(library.files)
    assert [file.id for file in library.files()] == ["docs/a.txt"]
    seen.set()
    syncing.join(PATIENCE)
    assert len(library.files()) == 2


def test_who_stops_a_sync_stops_what_was_being_made_ready(folder, open_library, monkeypatch):
    write(folder, {f"{number}.txt": f"The mill {number} burned." for number in range(20)})
    library, embedded = open_library(), []
    embed = library.embedder.embed_passages
    monkeypatch.setattr(library.embedder, "embed_passages", lambda texts: embedded.extend(texts) or embed(texts))

    def stop(progress: Progress) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.sync(stop)
    kept, begun = len(library.files()), len(embedded)
    assert kept == 5
    time.sleep(0.5)
    assert len(embedded) <= begun + 4 < 20
