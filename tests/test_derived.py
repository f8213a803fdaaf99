"""The derived indexes: whatever becomes of their files, questions find what they found, and the files are made anew."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from index import derived, generations
from index.catalog import CATALOG, Catalog
from index.errors import LibraryError
from index.library import Library
from index.vectors import ExactVectors
from index.workers import begun
from tests.conftest import OpenLibrary, soon
from tests.test_library import TEXTS, results, write

_FLIPS = (1, 20, 200)

Sealed = tuple[Path, tuple[object, ...]]
"""A folder whose library was closed with both indexes in it, and what a question finds there."""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """Made once, and not to be changed."""
    folder = tmp_path_factory.mktemp("sealed") / "docs"
    write(folder, TEXTS)
    with closing(Library(folder)) as library:
        library.sync()
        library.settle()
        found = results(library)
    return folder, found


@pytest.fixture
def copied(sealed: Sealed, tmp_path: Path) -> Sealed:
    """A copy of it, to be changed."""
    folder, found = sealed
    return Path(shutil.copytree(folder, tmp_path / "docs")), found


def flipped(count: int) -> Callable[[bytes], bytes]:
    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        for place in range(0, len(data), max(1, len(data) // count)):
            changed[place] ^= 0xFF
        return bytes(changed)

    return flip


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "all but a hundredth": lambda data: data[: len(data) * 99 // 100],
    **{f"{count} bytes flipped": flipped(count) for count in _FLIPS},
}


def cases(folder: Path, name: str) -> Iterator[tuple[Path, bytes | None]]:
    """Every file of an index, in every way it may be damaged: what is in it then, or None where it is gone."""
    for path in sorted((folder / ".footnote" / name).rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            yield path, None
            yield from ((path, changed) for change in CHANGES.values() if (changed := change(data)) != data)


@pytest.mark.parametrize("name", ["chroma", "lexical"])
def test_whatever_becomes_of_a_file_of_an_index_it_is_noticed_and_mended(
    sealed: Sealed, tmp_path: Path, name: str
) -> None:
    folder, expected = sealed
    damaged = list(cases(folder, name))
    assert len(damaged) > 25
    for number, (path, data) in enumerate(damaged):
        copy = Path(shutil.copytree(folder, tmp_path / str(number) / "docs"))
        target = copy / path.relative_to(folder)
        if data is None:
            target.unlink()
        else:
            target.write_bytes(data)
        with closing(Catalog(copy / ".footnote" / CATALOG, "ro")) as catalog:
            before = catalog.derived(name).generation
        with closing(Library(copy)) as library:
            assert results(library) == expected, (path, data)
            if name == "chroma":
                library.settle()
                assert results(library) == expected, (path, data)
            assert library._catalog.derived(name).generation > before, (path, data)


def test_an_index_that_nothing_happened_to_is_opened_and_not_built(
    copied: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, expected = copied
    monkeypatch.setattr(derived.ChromaVectors, "add", lambda *_: pytest.fail("built anew"))
    monkeypatch.setattr(derived.Lexical, "add", lambda *_: pytest.fail("built anew"))
    for _ in range(3):
        with closing(Library(copy)) as library:
            assert library._indexes._vectors is None
            assert results(library) == expected
            library.settle()
            assert library._indexes._vectors is not None
            assert results(library) == expected


def test_an_index_that_is_clean_is_caught_up_and_not_built_anew_where_a_file_has_changed(copied: Sealed) -> None:
    copy, _ = copied
    write(copy, {"new.txt": "The new barn burned."})
    (copy / "mill.txt").unlink()
    with closing(Library(copy)) as library:
        before = library._catalog.derived("chroma").generation
        library.sync()
        library.settle()
        assert library._catalog.derived("chroma").generation == before
        assert library._indexes._vectors.count() == library.passage_count()
        assert results(library)[0][0][0].startswith("docs/new.txt")


def test_chroma_is_built_anew_before_it_holds_more_of_what_is_gone_than_of_what_is_there(
    copied: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived, "_FEW", 5)
    copy, expected = copied

    def forgotten(library: Library) -> tuple[int, int]:
        """The generation of Chroma's index, and how many passages it has forgotten."""
        state = library._catalog.derived("chroma")
        return state.generation, state.forgotten

    with closing(Library(copy)) as library:
        library.settle()
        before = library._catalog.derived("chroma").generation
        most = max(5, library.passage_count())
        for number in range(1, most + 1):
            library.remove(library.add("owl.txt", f"Owl {number} sleeps.".encode()).id)
            assert forgotten(library) == (before, number)
    with closing(Library(copy)) as library:  # it counts on where the last process ended
        library.settle()
        burdened = library._indexes._vectors
        assert burdened is not None
        library.remove(library.add("owl.txt", b"The last owl sleeps.").id)
        assert results(library) == expected
        library.settle()
        assert forgotten(library) == (before + 1, 0)
        assert library._indexes._vectors.count() == library.passage_count()
        assert results(library) == expected
        with pytest.raises(LibraryError, match="closed"):
            burdened.count()


def test_what_is_much_is_written_by_another_process_and_found_meanwhile(
    copied: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, _ = copied
    monkeypatch.setattr(derived, "_FEW", 2)
    filled: list[int] = []
    really_fill = generations.ChromaFolders.fill

    def fill(self, generation, revision, count):
        filled.append(count)
        return really_fill(self, generation, revision, count)

    with closing(Library(copy)) as library:
        library.settle()
        monkeypatch.setattr(generations.ChromaFolders, "fill", fill)
        monkeypatch.setattr(derived.ChromaVectors, "add", lambda *_: pytest.fail("written here"))
        write(copy, {f"owl{number}.txt": f"Owl {number} sleeps." for number in range(3)})
        library.sync()
        assert results(library)  # by comparing every vector
        library.settle()
        assert filled == [library.passage_count()]
        assert library._indexes._vectors.count() == library.passage_count() == 6
    monkeypatch.undo()
    monkeypatch.setattr(derived, "_FEW", 2)
    monkeypatch.setattr(derived, "_MANY", 5)  # of a large library only what is missing is written
    with closing(Library(copy)) as library:
        library.settle()
        generation = library._catalog.derived("chroma").generation
        write(copy, {f"crow{number}.txt": f"Crow {number} wakes." for number in range(3)})
        library.sync()
        library.settle()
        assert library._catalog.derived("chroma").generation == generation
        assert library._indexes._vectors.count() == library.passage_count() == 9


def test_an_index_is_not_closed_while_it_is_asked(copied: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, _ = copied
    with closing(Library(copy)) as library:
        library.settle()
        vectors = library._indexes._vectors
        with vectors._chroma.saying("read"):
            closes = begun(vectors.close)
            soon(lambda: vectors._chroma._is_closed)
            assert not closes.done()
        closes.result(60)


def script(folder: Path, line: str) -> str:
    """A program of one line, to be run in place of Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return str(path)


def test_what_another_process_cannot_open_is_not_opened_by_this_one(
    copied: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, expected = copied
    monkeypatch.setattr(sys, "executable", script(tmp_path, "kill -SEGV $$"))
    with closing(Library(copy)) as library:
        generation = library._catalog.derived("chroma").generation
        library.settle()
        assert library._catalog.derived("chroma").generation == generation + 1
        assert results(library) == expected


def test_chroma_settles_by_itself_and_who_leaves_before_needs_none(
    copied: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, _ = copied
    with monkeypatch.context() as patch:
        patch.setattr(derived, "_MOMENT", 600.0)
        library = Library(copy)
        begun(library.close).result(60)
        assert library._indexes._vectors is None
    with closing(Library(copy)) as library:
        soon(lambda: library._indexes._vectors is not None)


def test_who_closes_while_chroma_is_tried_keeps_the_index(
    copied: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, _ = copied
    monkeypatch.setattr(derived, "_MOMENT", 0.0)
    monkeypatch.setattr(sys, "executable", script(tmp_path, f"touch {tmp_path}/tried; exec sleep 600"))
    library = Library(copy)
    state = library._catalog.derived("chroma")
    soon((tmp_path / "tried").exists)
    begun(library.close).result(60)
    with closing(Library(copy)) as library:
        assert library._catalog.derived("chroma") == state


def test_where_chroma_fails_every_vector_is_compared_and_it_is_made_anew(
    folder: Path, open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    library.settle()
    expected, broken = results(library), library._indexes._vectors

    def fail(*_: object) -> object:
        raise LibraryError("The vector index cannot be read.")

    monkeypatch.setattr(broken, "nearest", fail)
    assert results(library) == expected
    library.settle()
    assert library._indexes._vectors not in (None, broken)
    assert results(library) == expected


def test_a_full_disk_at_the_end_of_a_sync_leaves_a_library_that_answers(
    folder: Path, open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    library.settle()
    write(folder, {"new.txt": "The new barn burned."})

    def fail(*_: object) -> None:
        raise LibraryError("The vector index cannot be written (disk full).")

    with monkeypatch.context() as patched:
        patched.setattr(derived.ChromaVectors, "add", fail)
        library.sync()
        assert "docs/new.txt" in {id.partition("#")[0] for id, _ in results(library, "Which barn burned?")[0]}
    library.settle()
    assert library._indexes._vectors.count() == library.passage_count()


IDLE = """
import sys, time
from pathlib import Path
from index.library import Library
library = Library(Path(sys.argv[1]))
library.sync()
library.settle()
library.nearest(library.embedder.embed_query("fire"), 3)
print("settled", flush=True)
time.sleep(60)
"""


def test_who_is_killed_while_nothing_is_written_finds_the_same(copied: Sealed) -> None:
    copy, expected = copied
    child = subprocess.Popen([sys.executable, "-c", IDLE, str(copy)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    with child.stdout:
        assert child.stdout.readline() == "settled\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with closing(Library(copy)) as library:
        assert results(library) == expected
        library.settle()
        assert results(library) == expected


def test_a_large_index_is_written_by_another_process_and_what_changes_meanwhile_by_this_one(
    copied: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, expected = copied
    shutil.rmtree(copy / ".footnote" / "chroma")
    monkeypatch.setattr(derived, "_FEW", 0)
    monkeypatch.setattr(derived, "_MOMENT", 60.0)
    added: list[str] = []
    really_add, really_fill = derived.ChromaVectors.add, generations.ChromaFolders.fill

    def add(self, vectors, document_of):
        added.extend(vectors)
        really_add(self, vectors, document_of)

    monkeypatch.setattr(derived.ChromaVectors, "add", add)
    with closing(Library(copy)) as library:

        def fill(self, generation, revision, count):
            done = really_fill(self, generation, revision, count)
            (copy / "dam.txt").write_text("The dam broke.")
            library.sync()
            return done

        monkeypatch.setattr(generations.ChromaFolders, "fill", fill)
        library.settle()
        assert added == ["docs/dam.txt#0-14"]
        assert library._indexes._vectors.count() == library.passage_count() == 4
        (copy / "dam.txt").unlink()
        library.sync()
        assert results(library) == expected


def test_what_another_process_cannot_write_is_searched_without_and_one_that_comes_late_writes_nothing(
    copied: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, expected = copied
    monkeypatch.setattr(derived, "_FEW", 0)
    shutil.rmtree(copy / ".footnote" / "chroma")
    with monkeypatch.context() as patched, closing(Library(copy)) as library:
        patched.setattr(sys, "executable", script(tmp_path, "kill -SEGV $$"))
        with pytest.raises(LibraryError, match=r"cannot be written \(-11\)"):
            library.settle()
        assert results(library) == expected
    with closing(Library(copy)) as library:
        place = generations.ChromaFolders(copy / ".footnote" / "chroma", threading.Event())
        assert not place.fill(99, library.revision() - 1, 3)
        library.settle()
        assert results(library) == expected


def test_an_index_of_another_revision_of_the_catalog_is_built_anew(
    copied: Sealed, caplog: pytest.LogCaptureFixture
) -> None:
    copy, expected = copied
    with closing(Catalog(copy / ".footnote" / CATALOG, "rw")) as catalog, catalog._transaction() as connection:
        catalog._grow_revision(connection)
    caplog.set_level("INFO", "index")
    with closing(Library(copy)) as library:
        library.settle()
        assert results(library) == expected
    told = " ".join(record.getMessage() for record in caplog.records)
    assert "Rebuilding the lexical" in told
    assert "Rebuilding the chroma" in told


def test_a_build_that_fails_leaves_nothing_behind(copied: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, expected = copied
    shutil.rmtree(copy / ".footnote" / "chroma")
    with closing(Library(copy)) as library:
        monkeypatch.setattr(derived.ChromaVectors, "count", lambda _: 2)
        for _ in range(3):
            with pytest.raises(LibraryError, match="holds 2 passages of 3"):
                library.settle()
        assert list((copy / ".footnote" / "chroma").iterdir()) == []
        assert results(library) == expected


def test_a_document_called_like_a_module_is_not_run(
    copied: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    copy, _ = copied
    for name in ("sqlite3.py", "numpy.py"):
        (copy / name).write_text("raise SystemExit(9)")
    monkeypatch.chdir(copy)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    caplog.set_level("INFO", "index")
    with closing(Library(copy)) as library:
        library.settle()
    assert not [record for record in caplog.records if "Rebuilding" in record.getMessage()]


def test_many_ask_while_the_catalog_changes(folder: Path, open_library: OpenLibrary) -> None:
    """Exact search, of ticked documents, by several threads: what one reads is not replaced under it."""
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"This is number {number}.")
    library = open_library()
    library.sync()
    library._indexes._vectors = None
    vector, wrong, over = library.embedder.embed_query("number"), [], threading.Event()
    exact = ExactVectors(library._catalog)

    def ask() -> None:
        while not over.is_set():
            try:
                found = exact.nearest(vector, 99, {f"docs/{number}.txt" for number in range(50)})
            except Exception as error:
                wrong.append(repr(error))
            else:
                wrong.extend(id for id in found if not id.startswith("docs/"))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        library._catalog.remove(f"docs/{59 - number}.txt")
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_the_indexes_hold_is_listed_only_while_the_catalog_changes(copied: Sealed) -> None:
    copy, _ = copied
    with closing(Library(copy)) as library:
        library.settle()
        assert library._indexes._before is None
        for name, text in (("new.txt", "The new barn burned."), ("mill.txt", "The mill stands.")):
            write(copy, {name: text})
            library.sync()
            assert library._indexes._before is None
            assert library._indexes._vectors.count() == library._indexes._lexical.count() == library.passage_count()
            assert results(library)[0][0][0].startswith("docs/new.txt")


@pytest.mark.parametrize("failing", ["write_vectors", "_write"])
def test_where_catching_up_fails_both_are_made_anew(
    copied: Sealed, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    copy, expected = copied
    before = (copy / "mill.txt").read_text()

    def panic(*_: object) -> None:
        raise KeyboardInterrupt  # like a panic of Chroma's, no Exception

    with closing(Library(copy)) as library:
        library.settle()
        write(copy, {"mill.txt": "The barn burned, and nobody saw it."})
        with monkeypatch.context() as patch:
            patch.setattr(derived, failing, panic)
            with pytest.raises(KeyboardInterrupt):
                library.sync()
        write(copy, {"mill.txt": before})
        library.sync()
        library.settle()
        assert library._indexes._vectors.count() == library._indexes._lexical.count() == library.passage_count()
        assert results(library) == expected
