"""Workers: processes that read files, of which none can harm this one; index/worker.py is what they run."""

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from io import BytesIO
from queue import Empty, LifoQueue, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, TypeVar

from pydantic import TypeAdapter

from index import elsewhere, formats, recognise
from index.document import MAX_HEADING, Document, Heading, Page, Span, Table, canonical
from index.errors import Dropped, Failed, LibraryError, Refused, Spent
from index.worker import Blobs, Limits, receive, send

WANTED = Event()
"""Of what is wanted whatever happens; it is never set."""

COUNT = 2
"""How many files are read at once, beside the embedding."""

_IDLE = 1.0  # seconds
_LOOK = 0.1  # seconds between two looks whether what a worker does is still wanted
_GRACE = 5.0  # seconds that a worker is given to tell that a file took too long
_LONGEST_REASON = 500  # characters
_WHY: dict[str, type[Refused]] = {"refused": Refused, "spent": Spent}
_DOCUMENT = TypeAdapter(Document)
_UNWANTED = "Nobody waits for this any more."
_BROKE = "what reads it broke down; save it anew, or in another format"

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Some processes that read files; each begins when it is first needed. Any thread may ask."""

    def __init__(self, count: int = COUNT, limits: Limits | None = None) -> None:
        """Have at most `count` files read at once, within these limits."""
        self._limits = limits or Limits()
        self._free: LifoQueue[_Worker] = LifoQueue()
        for _ in range(count):
            self._free.put(_Worker(self._limits))

    def read(self, document_id: str, data: bytes, dropped: Event = WANTED) -> Document:
        """The document in a file's bytes; see `index.formats.read`. Where tesseract is installed, scans have text too.

        Args:
            document_id: The document's id.
            data: The bytes of its file.
            dropped: Set, from another thread, where nobody wants it any more.

        Raises:
            Refused: It cannot be read, or takes too long or too much memory.
            Failed: What reads it broke down.
            Dropped: Nobody wants it any more.
        """
        try:
            document = self._read(document_id, data, dropped)
        except Refused as reason:
            if str(reason) != formats.SCAN or not recognise.is_there():
                raise
            return self._of_scan(document_id, data, dropped)
        pictures = document.pictures[: recognise.MAX_PAGES]
        if not pictures or not recognise.is_there():
            return document
        try:
            return self._read(document_id, data, dropped, self._recognised(document_id, data, pictures, dropped))
        except Refused:  # it is too long with what was recognised
            return document

    def _read(
        self, document_id: str, data: bytes, dropped: Event, recognised: Mapping[int, str] | None = None
    ) -> Document:
        seen = [json.dumps(list(recognised.items())).encode()] if recognised else []
        told, blobs = self.asked({"task": "read", "id": document_id}, [data, *seen], dropped)
        try:
            document = _DOCUMENT.validate_python({**told["document"], "text": blobs[0].decode()})
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Failed(_BROKE) from error
        if not _is_of(document, document_id, data):
            raise Failed(_BROKE)
        return document

    def _of_scan(self, document_id: str, data: bytes, dropped: Event) -> Document:
        """The document in a PDF that has no text but in its pictures.

        Raises:
            Refused: It has too many pages, or no text there either.
        """
        told, _ = self.asked({"task": "count", "id": document_id}, [data], dropped)
        count = told.get("count")
        if not isinstance(count, int):
            raise Failed(_BROKE)
        if count > recognise.MAX_PAGES:
            raise Refused(f"it is a scan of {count:,} pages, and Footnote recognises at most {recognise.MAX_PAGES}")
        texts = self._recognised(document_id, data, range(1, count + 1), dropped)
        if not any(texts.values()):
            raise Refused("no text was found in it, nor recognised in its pictures")
        return self._read(document_id, data, dropped, texts)

    def _recognised(self, document_id: str, data: bytes, pages: Iterable[int], dropped: Event) -> dict[int, str]:
        """The text that is recognised on some pages of a PDF, by their number, but for those where that breaks down."""
        texts = {}
        for number in pages:
            try:
                _, blobs = self.asked({"task": "scan", "id": document_id, "number": number}, [data], dropped)
            except Spent:  # what has one page that takes too long may have hundreds
                break
            except Refused:  # it cannot be drawn: the others are read all the same
                continue
            seen = recognise.text(blobs[0]) if blobs else None
            if seen is not None:
                texts[number] = seen
        return texts

    def picture(self, document: Document, data: bytes, page: Page, span: Span, dropped: Event = WANTED) -> bytes:
        """A page of a PDF as a PNG; see `index.formats.pdf.picture`.

        Args:
            document: The document.
            data: The bytes of its file.
            page: The page.
            span: What is marked on it.
            dropped: Set, from another thread, where nobody wants it any more.

        Raises:
            Refused: It cannot be drawn, or takes too long or too much memory.
            Dropped: Nobody wants it any more.
        """
        request = {"task": "picture", "id": document.id, "page": asdict(page), "span": asdict(span)}
        try:
            _, blobs = self.asked(request, [data, document.text.encode()], dropped)
        except Spent as reason:
            raise Spent("that takes too long or too much memory; read its text") from reason
        if not blobs:
            raise Failed(_BROKE)
        return blobs[0]

    def asked(self, request: Mapping[str, Any], blobs: Blobs, dropped: Event = WANTED) -> tuple[dict[str, Any], Blobs]:
        """The reply to a request, from the first worker that is free.

        Raises:
            Dropped: Nobody wants it any more.
            Refused: It is refused.
            Failed: It failed.
            Spent: It took more than its share.
            LibraryError: No process can be begun.
        """
        worker = self._taken(dropped)
        try:
            told, results = worker.asked(request, blobs, dropped)
        finally:
            self._free.put(worker)
        if told.get("outcome") == "done":
            return told, results
        reason = " ".join(canonical(str(told.get("reason", _BROKE)))[0].split())[:_LONGEST_REASON]
        raise _WHY.get(str(told.get("outcome")), Failed)(reason)

    def _taken(self, dropped: Event) -> "_Worker":
        """The first worker that is free.

        Raises:
            Dropped: Nobody wants what it is to do any more.
        """
        while not dropped.is_set():
            with contextlib.suppress(Empty):
                return self._free.get(timeout=_LOOK)
        raise Dropped(_UNWANTED)

    def close(self) -> None:
        """End those that wait; one that reads ends when it is asked next, or with this process."""
        with contextlib.suppress(Exception):
            while True:
                self._free.get_nowait().end()


class _Worker:
    """A process of index/worker.py, begun when it is first asked, and anew where it has ended."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def asked(self, request: Mapping[str, Any], blobs: Blobs, dropped: Event) -> tuple[dict[str, Any], Blobs]:
        """The reply to a request.

        Raises:
            Dropped: Nobody wants it any more; the process has ended.
            Spent: The process ended, and what it read with it.
            LibraryError: It cannot be begun.
        """
        process = self._process = self._process if self._process and self._process.poll() is None else self._begun()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, request, blobs)
            if not _is_ready(process.stdout.fileno(), self._limits.seconds + _GRACE, dropped):
                raise EOFError
            told, blobs = receive(process.stdout, 2 * self._limits.reply)
            if told.get("outcome") != "told":
                return told, blobs
        except Dropped:
            self.end()
            raise
        except (EOFError, OSError, ValueError, struct.error) as error:
            self.end()
            raise Spent(_BROKE) from error
        try:
            written, results = receive(BytesIO(blobs[0]), self._limits.reply)
        except (EOFError, ValueError, IndexError, struct.error) as error:
            raise Failed(_BROKE) from error
        return {**written, "megabytes": told.get("megabytes")}, results

    def end(self) -> None:
        """End the process, and what it is doing."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._process = None

    def _begun(self) -> "subprocess.Popen[bytes]":
        limits = json.dumps(asdict(self._limits))
        try:
            return elsewhere.begin(
                "index.worker", limits, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise LibraryError(f"No process can be begun to read files ({error}); end some others, or wait.") from error


def _is_ready(descriptor: int, seconds: float, dropped: Event) -> bool:
    """Whether there is something to read within so many seconds.

    Raises:
        Dropped: Nobody wants it any more.
    """
    looked, deadline = select.poll(), monotonic() + seconds
    looked.register(descriptor, select.POLLIN)
    while not looked.poll(1000 * _LOOK):
        if dropped.is_set():
            raise Dropped(_UNWANTED)
        if monotonic() >= deadline:
            return False
    return True


def _is_of(document: Document, document_id: str, data: bytes) -> bool:
    """Whether a document that a worker tells of is the one asked for, and nothing in it stands outside its text."""
    parts: list[Page | Heading | Table] = [*document.pages, *document.headings, *document.tables]
    inside = all(0 <= part.start <= part.end <= len(document.text) for part in parts)
    inside &= all(heading.end - heading.start <= MAX_HEADING for heading in document.headings)
    return inside and (document.id, document.sha256) == (document_id, sha256(data).hexdigest())


WORKERS = Workers()
"""Those of this process; they end with it."""

DRAWING = Workers(COUNT, Limits(seconds=10.0))
"""Those that draw pages for who looks at them: who reads files waits for no picture, and who looks for no file."""


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    idle: Callable[[], None] = lambda: None,
    at_once: int = 2 * COUNT,
) -> Generator[Result, None, None]:
    """What `work` makes of some items, in their order; `at_once` of them are begun before they are asked for.

    The threads keep the end of the process waiting for nothing. They end with the iterator. `idle` is called in the
    thread that asks, each second that it waits; what it raises ends the waiting.
    """
    todo: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
    coming: deque[Future[Result]] = deque()
    try:
        for _ in range(at_once):
            Thread(target=_serve, args=(todo,), daemon=True).start()
        for item in items:
            coming.append(Future())
            todo.put(partial(_do, partial(work, item), coming[-1]))
            if len(coming) > at_once:
                yield awaited(coming.popleft(), idle)
        while coming:
            yield awaited(coming.popleft(), idle)
    finally:
        for future in coming:
            future.cancel()
        for _ in range(at_once):
            todo.put(None)


def begun(work: Callable[[], Result]) -> "Future[Result]":
    """Some work, begun in a thread of its own that keeps the end of the process waiting for nothing."""
    doing: Future[Result] = Future()
    Thread(target=_do, args=(work, doing), daemon=True).start()
    return doing


def awaited(doing: "Future[Result]", idle: Callable[[], None]) -> Result:
    """What some work comes to; `idle` is called each second that it is waited for."""
    while wait([doing], _IDLE).not_done:
        idle()
    return doing.result()


def _serve(todo: "SimpleQueue[Callable[[], None] | None]") -> None:
    while (each := todo.get()) is not None:
        each()


def _do(work: Callable[[], Result], doing: "Future[Result]") -> None:
    """Do some work unless it is not wanted any more."""
    if not doing.set_running_or_notify_cancel():
        return
    try:
        doing.set_result(work())
    except BaseException as error:  # whoever asks for the result is told
        doing.set_exception(error)
