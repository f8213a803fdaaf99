"""The two derived indexes of a library: opened when clean, else rebuilt, and kept equal to the catalog."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from index.catalog import Catalog, Derived
from index.disk import see_room
from index.embeddings import Vector
from index.errors import LibraryError
from index.fill import batches, write_vectors
from index.generations import SERVED, ChromaFolders, ChromaServer, Ended, Folders, Generations, VectorGenerations
from index.lexical import Lexical
from index.lock import Lock
from index.trust import INDEXES, listed
from index.vectors import ChromaVectors, ExactVectors, load_chroma

_VECTORS, _LEXICAL = INDEXES
_LOOK = 0.05  # seconds between two looks at whether the library is being closed
_TRIES = 3  # times that another process begins to write an index
_FEW = 1_000  # passages that are written by this process, in half a second: another one takes more to start
_MANY = 50_000  # passages up to which all are written anew by another process rather than many by this one
_MOMENT = 3.0  # seconds until Chroma is opened
_AGAIN, _SELDOM = 60.0, 3600.0  # seconds until it is tried again, twice as many each time, and at most

_log = logging.getLogger(__name__)

Keys = dict[str, str]
"""Passages, by id, and what tells the text of each from any other."""

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

    def settle(self) -> None:
        """Wait until questions are looked up in the index that is made for it."""

    def discard(self) -> None:
        """To be called so that nothing is left of them on the disk, nor of what they were told to forget."""

    def discard_served(self, servers: Collection[str]) -> None:
        """To be called so that nothing is left on any of these servers that was searched with; the last call.

        Raises:
            LibraryError: A server is away, or another one was searched with as well.
        """

    def close(self) -> None:
        """Let go of files and memory."""


class OwnIndexes:
    """The writer's: Chroma and tantivy on disk, each a generation in a folder that never moves.

    The clean mark is the catalog's revision that an index equals, and the digest of its files once they were closed. It
    is taken away before the catalog is written. An index without it, or whose files are others now, is not even opened:
    a new generation is built from the catalog. Chroma, which can take a whole process down, is first opened by another
    one; until it has settled, every vector of the catalog is compared.
    """

    def __init__(self, catalog: Catalog, home: Path, changing: threading.RLock, chroma: str) -> None:
        """Open tantivy, rebuilding it where it is missing or unclean, and Chroma in a moment.

        Args:
            catalog: What they are derived from.
            home: Where they live.
            changing: Held by whoever changes the catalog.
            chroma: The address of a Chroma server; "" for Chroma in this process.

        Raises:
            LibraryError: An index cannot be written.
        """
        self._catalog = catalog
        self._home = home
        self._changing = changing
        self._exact = ExactVectors(catalog)
        self._over, self._wanted = threading.Event(), threading.Event()
        self._words = Folders(home / _LEXICAL)
        self._places: VectorGenerations = (
            ChromaServer(chroma, home, catalog) if chroma else ChromaFolders(home / _VECTORS, self._over)
        )
        self._building = threading.Lock()
        self._vectors: ChromaVectors | None = None
        self._before: Keys | None = None  # what both held before the catalog was written; None while it is not
        kept = self._trusted(self._words, self._open_words)
        self._is_kept = kept is not None  # on the disk
        self._lexical = kept or Lexical(None)
        if kept:
            self._mark(self._words, kept.count(), catalog.passage_count())
        else:
            self._say_rebuilt(self._words)
            self._catch_up_lexical({}, catalog.passage_keys())
        self._settling = threading.Thread(target=self._settle_later, name=f"settling {home}", daemon=True)
        self._settling.start()

    def nearest(self, vector: Vector, count: int, documents: Collection[str] | None) -> Collection[str]:
        """See `Indexes`; exact where Chroma has not settled, or fails."""
        vectors = self._vectors
        if vectors is not None:
            try:
                return vectors.nearest(vector, count, documents)
            except LibraryError as error:
                self._give_up(vectors, error)
        return self._exact.nearest(vector, count, documents)

    def search(self, query: str, count: int, documents: Collection[str] | None) -> list[tuple[str, float]]:
        """See `Indexes`."""
        return self._lexical.search(query, count, documents)

    def distrust(self) -> None:
        """See `Indexes`; takes the clean marks away.

        A clean Chroma is opened before, or it could not be caught up and would be built anew. What they hold is listed
        now, and not kept while nothing changes: of a million passages it takes half a gigabyte.
        """
        if self._vectors is None and self._building.acquire(blocking=False):
            try:
                vectors = self._trusted(self._places, self._places.open_checked)
                if vectors:
                    self._publish(vectors)
            finally:
                self._building.release()
        if self._before is None:
            self._before = self._catalog.passage_keys()
        self._unmark()

    def _unmark(self) -> None:
        for place in (self._places, self._words):
            self._catalog.unmark(place.name)

    def catch_up(self) -> None:
        """See `Indexes`; brings both to what the catalog holds, sees that they do, and marks them clean.

        Raises:
            LibraryError: tantivy cannot be written, or does not hold what it was given.
        """
        every = self._catalog.passage_keys()
        before = every if self._before is None else self._before
        try:
            vectors = self._vectors
            if vectors is None:
                self._wanted.set()
            elif self._is_burdened(before, every) or self._keeps_waiting(before, every):
                self._replace(vectors)
            else:
                try:
                    self._catch_up_vectors(vectors, before, every)
                except LibraryError as error:
                    self._give_up(vectors, error)
            self._catch_up_lexical(before, every)
        except BaseException:  # a panic of theirs is no Exception
            self._vectors, self._is_kept, self._before = None, False, None  # what they hold is not known any more
            self._wanted.set()
            raise

    def settle(self) -> None:
        """See `Indexes`; opens Chroma, or builds it anew, while the catalog may be changed.

        Raises:
            LibraryError: It cannot be opened or written.
        """
        with self._building:
            if self._vectors is not None or self._over.is_set():
                return
            see_room(self._home)  # Chroma on a full disk hangs, and is damaged
            held = self._catalog.passage_keys()  # before it is seen to be marked: see `_trusted`
            vectors = self._trusted(self._places, self._places.open_checked)
            if vectors:
                self._finish(vectors, held)
                return
            self._say_rebuilt(self._places)
            generation = self._next_generation(self._places)
            try:
                written = self._filled(generation)
                vectors = self._places.open(generation)
                self._finish(vectors, written)
            except BaseException:
                with suppress(LibraryError):
                    self._places.clear(generation)  # or each failure would leave another one
                raise

    def _filled(self, generation: int) -> Keys:
        """Have a new generation filled, and say with what: nothing yet where that is little, or changes too often."""
        load_chroma()  # a sync may be going on, which is waited for next
        for _ in range(_TRIES):
            with self._unchanging():
                revision, every = self._catalog.revision(), self._catalog.passage_keys()
            if len(every) <= _FEW:
                break
            if self._places.fill(generation, revision, len(every)):
                return every
        return {}

    def _finish(self, vectors: ChromaVectors, written: Keys) -> None:
        """Write what is missing, what changes meanwhile in the end, and search with it from now on."""
        try:
            every = self._catalog.passage_keys()
            self._write_vectors(vectors, written, every)
            with self._unchanging():
                self._catch_up_vectors(vectors, every, self._catalog.passage_keys())
                self._publish(vectors)
        except BaseException:
            vectors.close()
            raise

    @contextmanager
    def _unchanging(self) -> Iterator[None]:
        """Nobody changes the catalog while the block runs, nor has begun to and not ended with `catch_up`.

        Raises:
            Ended: The library is being closed, and whoever changes the catalog waits for this thread to end.
        """
        while not self._is_unchanged():
            if self._over.wait(_LOOK):
                raise Ended
        try:
            yield
        finally:
            self._changing.release()

    def _is_unchanged(self) -> bool:
        """Whether nobody changes the catalog; nobody does, then, until the lock is let go."""
        if not self._changing.acquire(timeout=_LOOK):
            return False
        if self._before is None:
            return True
        self._changing.release()
        return False

    def _publish(self, vectors: ChromaVectors) -> None:
        """Search with Chroma from now on."""
        self._vectors, self._exact = vectors, ExactVectors(self._catalog)

    def discard(self) -> None:
        """See `Indexes`; another process builds them anew.

        Not this one: hnswlib writes the memory that it was given as it finds it, and here old vectors lie in it.
        """
        self._unmark()
        self.close()
        for name in (_VECTORS, _LEXICAL):
            Folders(self._home / name).discard()

    def discard_served(self, servers: Collection[str]) -> None:
        """See `Indexes`."""
        named = [name.removeprefix(SERVED) for name in self._catalog.derived_names() if name.startswith(SERVED)]
        for url in named:
            if url in servers:
                ChromaServer(url, self._home, self._catalog).discard()
                self._catalog.forget_derived(f"{SERVED}{url}")
        if unknown := sorted(set(named) - set(servers)):
            raise LibraryError(
                f"The catalog names Chroma servers that you have not opened this library with on this computer "
                f"({listed(unknown)}); to have nothing left on one, purge once more with --chroma and its address."
            )

    def close(self) -> None:
        """See `Indexes`; what was written is sealed by its digest."""
        if self._over.is_set():
            return
        self._over.set()
        self._wanted.set()
        self._settling.join()
        if self._vectors is not None:
            self._vectors.close()
        if self._vectors is not None:
            self._seal(self._places)
        if self._is_kept:
            self._seal(self._words)

    def _seal(self, place: Generations) -> None:
        """Seal an index that equals the catalog; also one that was sealed, for Chroma writes to be opened."""
        state = self._catalog.derived(place.name)
        if state.revision == self._catalog.revision():
            try:
                self._catalog.set_derived(place.name, replace(state, digest=place.seal(state.generation)))
            except LibraryError as error:  # it is built anew when it can be had again
                _log.warning("%s", error)

    def _settle_later(self) -> None:
        """Settle in a moment, or at once where it is wanted: who asks one question and leaves needs no Chroma."""
        self._wanted.wait(_MOMENT)
        failures = 0
        while not self._over.is_set():
            self._wanted.clear()
            try:
                self.settle()
                failures = 0
            except Ended:
                return
            except BaseException as error:  # a panic of Chroma's is no Exception
                _log.warning("Searching without Chroma: %s", error)
                failures += 1
            self._wanted.wait(min(_SELDOM, _AGAIN * 2 ** min(failures - 1, 10)) if failures else None)

    def _give_up(self, vectors: ChromaVectors, error: LibraryError) -> None:
        """Search without Chroma until it is built anew, unless it has been since."""
        if self._vectors is not vectors:
            return
        _log.warning("Searching without Chroma: %s", error)
        self._vectors = None  # and not closed: others may be asking it
        with suppress(LibraryError):  # on a full disk; without vectors it is not sealed, and so not trusted either
            self._catalog.unmark(self._places.name)
        self._wanted.set()

    def _is_burdened(self, written: Keys, every: Keys) -> bool:
        """Whether Chroma would hold more of what is forgotten than of what is there, which slows it down for ever."""
        forgotten = self._catalog.derived(self._places.name).forgotten + len(written.keys() - every.keys())
        return forgotten > max(_FEW, len(every))

    def _keeps_waiting(self, written: Keys, every: Keys) -> bool:
        """Whether what is missing in Chroma is so much that questions would wait while this process writes it."""
        missing = len(every.items() - written.items())
        return self._places.keeps_waiting and missing > _FEW and len(every) <= _MANY

    def _replace(self, vectors: ChromaVectors) -> None:
        """Have Chroma built anew, and meanwhile search without it."""
        self._vectors = None
        vectors.close()
        self._wanted.set()

    def _catch_up_vectors(self, vectors: ChromaVectors, written: Keys, every: Keys) -> None:
        self._write_vectors(vectors, written, every)
        self._mark(self._places, vectors.count(), len(every))

    def _write_vectors(self, vectors: ChromaVectors, written: Keys, every: Keys) -> None:
        """Write `every` passage, where some were `written` already.

        Raises:
            Ended: The library is being closed; the next process builds it anew.
        """
        forgotten = written.keys() - every.keys()
        if forgotten:
            vectors.remove(forgotten)
            state = self._catalog.derived(self._places.name)
            self._catalog.set_derived(self._places.name, replace(state, forgotten=state.forgotten + len(forgotten)))
        for ids in batches([id for id, key in every.items() if written.get(id) != key]):
            if self._over.is_set():
                raise Ended
            write_vectors(vectors, self._catalog, self._home, ids)

    def _catch_up_lexical(self, written: Keys, every: Keys) -> None:
        lexical = self._lexical
        try:
            see_room(self._home)
            if not self._is_kept or written.items() - every.items():  # it cannot forget: see `Lexical`
                lexical, written = self._open_words(self._next_generation(self._words)), {}
            _write(lexical, self._catalog, [id for id in every if id not in written])
        except LibraryError as error:
            _log.warning("Words are looked up in memory: %s", error)
            lexical, self._is_kept = _in_memory(self._catalog), False
        else:
            self._is_kept = True
        self._lexical, self._before = lexical, None  # only now: another thread may be searching
        if self._is_kept:
            self._mark(self._words, lexical.count(), len(every))

    def _mark(self, place: Generations, count: int, wanted: int) -> None:
        """See that an index holds what it should, and mark it clean.

        Raises:
            LibraryError: It does not.
        """
        if count != wanted:
            raise LibraryError(
                f"The {place.name} index of {self._home} holds {count} passages of {wanted}; close the library, and "
                f"have footnote doctor --mend look at it."
            )
        state, revision = self._catalog.derived(place.name), self._catalog.revision()
        if state.revision != revision:
            self._catalog.set_derived(place.name, replace(state, revision=revision, digest=""))
        place.sweep(state.generation)

    def _trusted(self, place: Generations, open_index: Callable[[int], _Index]) -> _Index | None:
        """The index as it is; none where it is not to be trusted.

        One without its mark is not even opened. The mark is taken away before the catalog is changed, so where it
        stands after the passages were counted, or listed, they are those of the index.
        """
        revision, count = self._catalog.revision(), self._catalog.passage_count()
        state = self._catalog.derived(place.name)
        try:
            if _is_sound(state, revision, place):
                index = open_index(state.generation)
                if index.count() == count:
                    return index
                index.close()
        except Ended:
            raise
        except LibraryError as error:
            _log.warning("%s", error)
        return None

    def _say_rebuilt(self, place: Generations) -> None:
        if self._catalog.passage_count():
            _log.info("Rebuilding the %s index of %s", place.name, self._home)

    def _open_words(self, generation: int) -> Lexical:
        return Lexical(self._words.path(generation))

    def _next_generation(self, place: Generations) -> int:
        """The next generation's number, nothing under it; the current one is no longer trusted."""
        generation = self._catalog.derived(place.name).generation + 1
        self._catalog.set_derived(place.name, Derived(generation, None))
        place.clear(generation)
        return generation


def damaged(catalog: Catalog, home: Path) -> tuple[str, ...]:
    """The indexes in `home` whose files are not what was closed last; nobody may be writing them."""
    states = [(Folders(home / name), catalog.derived(name)) for name in (_VECTORS, _LEXICAL)]
    return tuple(
        place.name for place, state in states if state.digest and not place.is_sealed(state.generation, state.digest)
    )


def strays(catalog: Catalog, home: Path) -> tuple[Path, ...]:
    """The folders of indexes in `home` that are not the one in use; nobody may be writing them."""
    current = {home / name / str(catalog.derived(name).generation) for name in (_VECTORS, _LEXICAL)}
    folders = (folder for name in (_VECTORS, _LEXICAL) for folder in (home / name).glob("*"))
    return tuple(sorted(folder for folder in folders if folder not in current))


def _is_sound(state: Derived, revision: int, place: Generations) -> bool:
    """Whether an index equals the catalog, and is what was closed."""
    return state.revision == revision and place.is_sealed(state.generation, state.digest)


class SharedIndexes:
    """A reader's, beside a writer: exact search in place of Chroma, which two processes would destroy."""

    def __init__(self, catalog: Catalog, home: Path, lock: Lock) -> None:
        """Look things up in a catalog that another process may be writing, unless its lock is barred."""
        self._catalog = catalog
        self._home = home
        self._lock = lock
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

    def settle(self) -> None:
        """See `Indexes`; a reader has no Chroma."""

    def discard(self) -> None:
        """See `Indexes`; a reader does not write."""

    def discard_served(self, servers: Collection[str]) -> None:
        """See `Indexes`; a reader does not write."""

    def close(self) -> None:
        """See `Indexes`; nothing is held."""

    def _open_lexical(self, revision: int) -> Lexical:
        words = Folders(self._home / _LEXICAL)
        state = self._catalog.derived(words.name)
        folder = words.path(state.generation)
        is_there = not self._lock.barred and folder.exists()  # tantivy writes to the folder to open it
        is_written = not state.digest and not self._lock.held  # by the process that made it: it is not sealed yet
        if is_there and state.revision == revision and (is_written or _is_sound(state, revision, words)):
            try:
                on_disk = Lexical(folder)
                if on_disk.count() == self._catalog.passage_count():
                    return on_disk
            except LibraryError as error:
                _log.warning("%s", error)
        return _in_memory(self._catalog)


def _in_memory(catalog: Catalog) -> Lexical:
    """A word index of all passages that is nowhere on the disk."""
    lexical = Lexical(None)
    _write(lexical, catalog, tuple(catalog.passage_keys()))
    return lexical


def _write(lexical: Lexical, catalog: Catalog, passage_ids: Sequence[str]) -> None:
    for ids in batches(passage_ids):
        lexical.add(catalog.passages(ids).values())
