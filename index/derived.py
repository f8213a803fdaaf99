"""The two derived indexes of a library: opened when clean, else rebuilt, and kept equal to the catalog."""

import logging
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from index.catalog import Catalog, Derived
from index.embeddings import Vector
from index.errors import LibraryError
from index.lexical import Lexical
from index.vectors import ChromaVectors, ExactVectors

_BATCH = 1_000  # passages held in memory at once while an index is written
_VECTORS, _LEXICAL = "chroma", "lexical"

_log = logging.getLogger(__name__)

_Index = TypeVar("_Index", ChromaVectors, Lexical)


class Indexes(Protocol):
    """What a question is looked up in."""

    def nearest(self, vector: Vector, count: int, documents: Collection[str] | None) -> Collection[str]:
        """Ids of about the `count` passages nearest to a vector, of these documents only where given."""

    def search(self, query: str, count: int, documents: Collection[str] | None) -> list[tuple[str, float]]:
        """Ids and BM25 scores of the `count` best passages for a question's words, best first."""

    def distrust(self) -> None:
        """To be called before the catalog is written."""

    def catch_up(self) -> None:
        """To be called after."""

    def discard(self) -> None:
        """To be called so that nothing is left of them, nor of what they were told to forget; their last call."""

    def close(self) -> None:
        """Let go of files and memory."""


class OwnIndexes:
    """The writer's: Chroma and tantivy on disk, each a generation in a folder that never moves.

    The clean mark is the catalog's revision that an index equals. It is taken away before the catalog
    is written and set again once the index holds what the catalog holds. Without it, or with another
    count of passages, the index is not trusted: a new generation is built from the catalog.
    """

    def __init__(self, catalog: Catalog, home: Path) -> None:
        """Open both indexes, rebuilding what is missing or unclean.

        Raises:
            LibraryError: An index cannot be opened or written.
        """
        self._catalog = catalog
        self._home = home
        every = set(catalog.passage_ids())
        vectors = self._open(_VECTORS, ChromaVectors, len(every))
        self._in_vectors = every if vectors else set()
        self._vectors = vectors or ChromaVectors(self._next_folder(_VECTORS))
        lexical = self._open(_LEXICAL, Lexical, len(every))
        self._in_lexical = every if lexical else set()
        self._lexical = lexical or Lexical(self._next_folder(_LEXICAL))
        self.catch_up()

    def nearest(self, vector: Vector, count: int, documents: Collection[str] | None) -> Collection[str]:
        """See `Indexes`."""
        return self._vectors.nearest(vector, count, documents)

    def search(self, query: str, count: int, documents: Collection[str] | None) -> list[tuple[str, float]]:
        """See `Indexes`."""
        return self._lexical.search(query, count, documents)

    def distrust(self) -> None:
        """See `Indexes`; takes the clean marks away."""
        for name in (_VECTORS, _LEXICAL):
            self._catalog.set_derived(name, Derived(self._generation(name), None))

    def catch_up(self) -> None:
        """See `Indexes`; brings both to what the catalog holds, sees that they do, and marks them clean.

        Raises:
            LibraryError: An index cannot be written, or does not hold what it was given.
        """
        revision = self._catalog.revision()
        every = self._catalog.passage_ids()
        self._catch_up_vectors(every)
        self._catch_up_lexical(every)
        for name, count in ((_VECTORS, self._vectors.count()), (_LEXICAL, self._lexical.count())):
            if count != len(every):
                raise LibraryError(
                    f"The {name} index of {self._home} holds {count} passages of {len(every)}; delete the folder "
                    f"{self._folder(name)} and open the library again."
                )
            self._catalog.set_derived(name, Derived(self._generation(name), revision))
            self._sweep(name)

    def discard(self) -> None:
        """See `Indexes`; another process builds them anew.

        Not this one: hnswlib writes the memory that it was given as it finds it, and here old vectors lie in it.
        """
        self.close()
        self.distrust()
        for name in (_VECTORS, _LEXICAL):
            shutil.rmtree(self._home / name)

    def close(self) -> None:
        """See `Indexes`."""
        self._vectors.close()

    def _catch_up_vectors(self, every: Sequence[str]) -> None:
        self._vectors.remove(self._in_vectors.difference(every))
        for ids in _batches([id for id in every if id not in self._in_vectors]):
            document_of = {id: passage.document_id for id, passage in self._catalog.passages(ids).items()}
            self._vectors.add(self._catalog.vectors(ids), document_of)
        self._in_vectors = set(every)

    def _catch_up_lexical(self, every: Sequence[str]) -> None:
        lexical, written = self._lexical, self._in_lexical
        if written.difference(every):  # it cannot forget: see `Lexical`
            lexical, written = Lexical(self._next_folder(_LEXICAL)), set()
        for ids in _batches([id for id in every if id not in written]):
            lexical.add(self._catalog.passages(ids).values())
        self._lexical, self._in_lexical = lexical, set(every)  # only now: another thread may be searching

    def _open(self, name: str, kind: Callable[[Path], _Index], wanted: int) -> _Index | None:
        """The index on disk, or None where it is not to be trusted; one without its mark is not even opened."""
        if self._catalog.derived(name).revision == self._catalog.revision() and self._folder(name).exists():
            try:
                index = kind(self._folder(name))
                if index.count() == wanted:
                    return index
                index.close()
            except LibraryError as error:
                _log.warning("%s", error)
        if wanted:
            _log.info("Rebuilding the %s index of %s", name, self._home)
        return None

    def _generation(self, name: str) -> int:
        return self._catalog.derived(name).generation

    def _folder(self, name: str) -> Path:
        return self._home / name / str(self._generation(name))

    def _next_folder(self, name: str) -> Path:
        """The folder of the next generation, empty; the current one is no longer trusted."""
        self._catalog.set_derived(name, Derived(self._generation(name) + 1, None))
        shutil.rmtree(self._folder(name), ignore_errors=True)
        return self._folder(name)

    def _sweep(self, name: str) -> None:
        """Delete the generations that are no longer in use."""
        for folder in (self._home / name).iterdir():
            if folder != self._folder(name):
                shutil.rmtree(folder, ignore_errors=True)


class SharedIndexes:
    """A reader's, beside a writer: exact search in place of Chroma, which two processes would destroy."""

    def __init__(self, catalog: Catalog, home: Path) -> None:
        """Look things up in a catalog that another process may be writing."""
        self._catalog = catalog
        self._home = home
        self._vectors = ExactVectors(catalog)
        self._lexical_revision = -1
        self._lexical = Lexical(None)

    def nearest(self, vector: Vector, count: int, documents: Collection[str] | None) -> Collection[str]:
        """See `Indexes`; exact."""
        return self._vectors.nearest(vector, count, documents)

    def search(self, query: str, count: int, documents: Collection[str] | None) -> list[tuple[str, float]]:
        """See `Indexes`; in memory while the one on disk is being written."""
        revision = self._catalog.revision()
        if revision != self._lexical_revision:
            self._lexical = self._open_lexical(revision)
            self._lexical_revision = revision
        return self._lexical.search(query, count, documents)

    def distrust(self) -> None:
        """See `Indexes`; a reader does not write."""

    def catch_up(self) -> None:
        """See `Indexes`; each look-up sees for itself whether the catalog has changed."""

    def discard(self) -> None:
        """See `Indexes`; a reader does not write."""

    def close(self) -> None:
        """See `Indexes`; nothing is held."""

    def _open_lexical(self, revision: int) -> Lexical:
        state = self._catalog.derived(_LEXICAL)
        folder = self._home / _LEXICAL / str(state.generation)
        if state.revision == revision and folder.exists():
            try:
                on_disk = Lexical(folder)
                if on_disk.count() == self._catalog.passage_count():
                    return on_disk
            except LibraryError as error:
                _log.warning("%s", error)
        lexical = Lexical(None)
        for ids in _batches(self._catalog.passage_ids()):
            lexical.add(self._catalog.passages(ids).values())
        return lexical


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
