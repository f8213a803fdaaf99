"""Files -> documents, passages and vectors in the catalog: several made ready at once, written a batch a time."""

import itertools
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from stat import S_ISDIR
from threading import Event, Lock, RLock
from time import monotonic

from index import formats, passages, recognise
from index.catalog import Catalog, File, text_key
from index.disk import see_room
from index.document import Document, Span
from index.embeddings import Embedder, Vector
from index.errors import Failed, LibraryError, Refused, Spent
from index.passages import Passage
from index.precedence import PRECEDENCE
from index.sync import AGAIN, UPLOADS, Found, OnProgress, Progress, may_be_read_now, read_bytes
from index.workers import WORKERS, in_order

_COPY = "it is the same as "  # begins the reason why a copy is refused
_BATCH, _MOMENT = 1_000, 1.0  # passages or files, and seconds, after which what is ready is written
_NAMED = 5  # runs of pages
MOST_PASSAGES = 300_000
"""Of one file: of some hundred megabytes of prose. So many are embedded in half an hour on two cores."""
_LOOK = 0.5  # seconds between two tellings of who waits for another long document
_LARGE = 1_000_000  # characters: of longer documents one at a time is made ready, for its parts take far more room


@dataclass(frozen=True, slots=True)
class Ready:
    """A document as it is to be written."""

    document: Document
    passages: tuple[Passage, ...]
    vectors: dict[str, Vector]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file's digest, or "" where its bytes cannot be had; and what it holds, or None where that is known already."""

    digest: str
    outcome: Ready | Refused | None = None


@dataclass(slots=True)
class _Waiting:
    """What is ready, and not written yet."""

    writes: list[tuple[Found, Callable[[], None]]] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    passages: int = 0
    is_change: bool = False  # or files have another time, and say the same
    since: float = field(default_factory=monotonic)


class Ingest:
    """Brings a catalog to what files hold. While one is written, the next are read, cut and embedded."""

    def __init__(
        self,
        catalog: Catalog,
        home: Path,
        embedder: Embedder,
        changing: Callable[[], None],
        over: Event,
        writing: RLock,
        large: Lock,
    ) -> None:
        """Write a library's catalog.

        Args:
            catalog: Where to.
            home: The library, whose disk is to have room.
            embedder: What turns texts into vectors.
            changing: Called before the catalog is changed.
            over: Set, from another thread, where the library is being closed.
            writing: Held while the catalog is changed, and never while anything is made ready for that.
            large: Held while a long document is made ready.
        """
        self._catalog = catalog
        self._home = home
        self._embedder = embedder
        self._changing = changing
        self._over = over
        self._writing = writing
        self._waiting = _Waiting()
        self._stopped = Event()
        self._large = large
        self._parts: dict[str, tuple[int, int]] = {}  # how many passages of a document are done, and of how many

    def apply(self, read: Sequence[Found], removed: Sequence[str], on_progress: OnProgress) -> None:
        """Read some files and forget others; what is ready is written where it can be, whatever comes in between.

        Raises:
            LibraryError: The catalog cannot be written, or the library is being closed.
            NoRoom: The disk is full.
        """
        *before, size = itertools.accumulate((found.size for found in read), initial=0)
        done = 0

        def tell() -> None:
            self._go_on()
            found, parts = read[done], self._parts.get(read[done].id, (0, 0))
            ready = before[done] + found.size * parts[0] // max(1, parts[1])
            on_progress(Progress(done, len(read), PurePosixPath(found.id).name, ready, size, *parts))

        def idle() -> None:
            self._write()
            tell()

        try:
            with closing(in_order(partial(self._see, removed=removed), read, idle)) as coming:
                for done, found in enumerate(read):  # noqa: B007 # `tell` reads it
                    tell()
                    self._settle(found, next(coming), removed)
                    self._parts.pop(found.id, None)
                    self._write_in_time()
        except BaseException:
            self._stopped.set()
            raise
        finally:
            self._write()
        for start in range(0, len(removed), _BATCH):
            self._go_on()
            self._remove(removed[start : start + _BATCH])

    def _remove(self, document_ids: Sequence[str]) -> None:
        with self._writing:
            self._changing()
            with self._catalog.together():
                for document_id in document_ids:
                    self._catalog.remove(document_id)

    def _go_on(self) -> None:
        """See that what is being made ready is still wanted.

        Raises:
            LibraryError: The library is being closed, or this sync has ended.
        """
        if self._over.is_set() or self._stopped.is_set():
            raise LibraryError(f"{self._home} is being closed; what was read so far is kept.")

    def _see(self, found: Found, removed: Collection[str]) -> _Seen:
        """What one file holds, where that is not known; changes nothing, and any thread may do it."""
        digest = ""
        try:
            data = read_bytes(found)
            digest = sha256(data).hexdigest()
            if _is_read(self._catalog.file(found.id), digest) or self._original(found, digest, removed):
                return _Seen(digest)
            return _Seen(digest, self._ready(WORKERS.read(found.id, data, self._stopped)))
        except Refused as reason:
            return _Seen(digest, reason)

    def _ready(self, document: Document) -> Ready:
        """A document, cut and embedded.

        Raises:
            Refused: It cannot be cut, or has too many passages.
            LibraryError: The library is being closed.
        """

        def tell(done: int, total: int) -> None:
            self._go_on()
            self._parts[document.id] = (done, total)

        return made_ready(document, self._catalog, self._embedder, self._large, tell)

    def _settle(self, found: Found, seen: _Seen, removed: Collection[str]) -> None:
        """Write down what became of one file, with others or at once."""
        if seen.digest in self._waiting.digests:
            self._write()  # or its copy would not be known for one
        known = self._catalog.file(found.id)
        if known and _is_read(known, seen.digest):
            now = replace(known, size=found.size, mtime_ns=found.mtime_ns)
            self._waiting.writes.append((found, partial(self._catalog.touch, now)))
            return
        original, outcome = self._original(found, seen.digest, removed), seen.outcome
        if original:
            outcome = Refused(_copy_of(original))
        elif outcome is None:  # what it was a copy of says something else now
            seen = self._see(found, removed)
            outcome = seen.outcome
        file = File(found.id, found.size, found.mtime_ns, seen.digest, "indexed")
        if isinstance(outcome, Ready):
            self._put(found, as_read(file, outcome.document), outcome)
        elif outcome:
            self._refuse(found, known, unread(file, outcome), outcome)

    def _put(self, found: Found, file: File, ready: Ready) -> None:
        waiting = self._waiting
        waiting.writes.append((found, partial(self._catalog.put, file, ready.document, ready.passages, ready.vectors)))
        waiting.digests.add(file.sha256)
        waiting.passages, waiting.is_change = waiting.passages + len(ready.passages), True

    def _refuse(self, found: Found, known: File | None, file: File, reason: Refused) -> None:
        is_new = known is None or known.sha256 != file.sha256 or not known.reason.startswith(file.reason)
        if isinstance(reason, Spent) and is_new:
            file = replace(file, reason=f"{file.reason}{AGAIN}")
        if file != known:
            self._waiting.writes.append((found, partial(self._catalog.refuse, file)))
            self._waiting.is_change = True

    def _write_in_time(self) -> None:
        """Write what is ready where that is much, or has waited."""
        waiting = self._waiting
        much = max(waiting.passages, len(waiting.writes)) >= _BATCH
        if much or monotonic() - waiting.since >= _MOMENT:
            self._write()

    def _write(self) -> None:
        """Write all that is ready, in one transaction, but of no upload that was removed meanwhile.

        Raises:
            LibraryError: The catalog cannot be written.
            NoRoom: The disk is full.
        """
        if not self._waiting.writes:
            return
        if self._waiting.passages:
            see_room(self._home)
        waiting, self._waiting = self._waiting, _Waiting()
        with self._writing:
            if waiting.is_change:
                self._changing()
            with self._catalog.together():
                for found, write in waiting.writes:
                    if not _was_removed(found):
                        write()

    def _original(self, found: Found, digest: str, removed: Collection[str]) -> File | None:
        """The file with the same bytes that is read, and goes on to be."""
        original = twin(self._catalog, digest) if digest else None
        return original if original and original.id not in (found.id, *removed) else None


def _was_removed(found: Found) -> bool:
    """Whether an upload is gone, or another has come to its place, since it was seen; by who holds the writing.

    Of the other files the next sync sees that, but who removes an upload waits for none.
    """
    if not found.id.startswith(f"{UPLOADS}/"):
        return False
    try:
        status = found.path.lstat()
    except OSError:
        return True
    is_same = (status.st_size, status.st_mtime_ns) == (found.size, found.mtime_ns)
    return not is_same and not S_ISDIR(status.st_mode)


def made_ready(
    document: Document, catalog: Catalog, embedder: Embedder, large: Lock, tell: Callable[[int, int], None]
) -> Ready:
    """A document, cut and embedded; a text that has a vector is not embedded again. Nothing is written.

    Args:
        document: The document.
        catalog: Where the vectors are that are known.
        embedder: What turns texts into vectors.
        large: Held meanwhile where it is a long one.
        tell: Told how many passages are done, and of how many, again and again; what it raises ends this.

    Raises:
        Refused: It has too many passages.
        Failed: It cannot be cut.
    """
    if len(document.text) <= _LARGE:
        return _made_ready(document, catalog, embedder, tell)
    while not large.acquire(timeout=_LOOK):
        tell(0, 0)
    try:
        return _made_ready(document, catalog, embedder, tell)
    finally:
        large.release()


def _made_ready(document: Document, catalog: Catalog, embedder: Embedder, tell: Callable[[int, int], None]) -> Ready:
    target = min(passages.TARGET_TOKENS, embedder.max_tokens - 2)  # two marks that every text gets
    try:
        cut = passages.cut(document, partial(_token_spans, embedder), target)
    except Exception as error:  # whatever its sentences do to what parts them: other files are read all the same
        raise Failed(f"it cannot be cut into passages ({type(error).__name__}); save its text alone") from error
    if len(cut) > MOST_PASSAGES:
        raise Refused(f"it has {len(cut):,} passages, and Footnote reads at most {MOST_PASSAGES:,} of a file; split it")
    texts = {text_key(passage.text): passage.text for passage in cut}
    vectors = catalog.known_vectors(texts)
    missing = [key for key in texts if key not in vectors]
    embedded = embedder.embed_passages([texts[key] for key in missing])
    for done, (key, vector) in enumerate(zip(missing, embedded, strict=True)):
        tell(done, len(missing))
        vectors[key] = vector
    return Ready(document, cut, vectors)


def _token_spans(embedder: Embedder, text: str) -> Sequence[Span]:
    """Where each token stands in a text; a document has thousands of these, and who asks goes before them."""
    PRECEDENCE.give_way()
    return embedder.token_spans(text)


def twin(catalog: Catalog, digest: str) -> File | None:
    """The file with these bytes that is read."""
    return next((file for file in catalog.copies(digest) if file.state == "indexed"), None)


def orphans(files: Collection[File]) -> set[str]:
    """Copies refused because of a twin that is gone now, elsewhere, or says something else: to be read again."""
    read = {file.sha256: file for file in files if file.state == "indexed"}
    copies = (file for file in files if file.state == "refused" and file.reason.startswith(_COPY))
    return {copy.id for copy in copies if copy.sha256 not in read or copy.reason != _copy_of(read[copy.sha256])}


def as_read(file: File, document: Document) -> File:
    """A file that is read, and on which of its pages no text was found."""
    return replace(file, title=document.title, reason=_missed(document))


def unread(file: File, reason: Refused) -> File:
    """A file that is not read, and why."""
    return replace(file, state="failed" if isinstance(reason, Failed) else "refused", reason=str(reason))


def _is_read(known: File | None, digest: str) -> bool:
    """Whether a file was read when it had these bytes, as far as it can be."""
    return known is not None and (known.state, known.sha256) == ("indexed", digest) and not may_be_read_now(known)


def _missed(document: Document) -> str:
    """On which pages of a document no text was found though there may be some, and what to do; "" where on none."""
    pictures = document.pictures
    if not pictures:
        return ""
    advice = "" if recognise.is_there() else formats.AS_IN_A_SCAN
    return f"no text was found on {len(pictures):,} of its {len(document.pages):,} pages ({_ranges(pictures)}){advice}"


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers, those that follow each other as a range, such as "4-6, 9"; of many the first."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    spelt = [f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0]) for numbers in ranges]
    return ", ".join(spelt[:_NAMED] + ["…"] * (len(spelt) > _NAMED))


def _copy_of(original: File) -> str:
    """Why a copy of a file that is read is refused."""
    return f"{_COPY}{original.id}, which is read"
