"""Incoming: files on their way from a browser into a library.

They lie on the library's disk without a name, which no other program can open, and of which nothing is left when this
process ends, however it does. Gradio, which would keep each in a folder for temporary files, never touches one.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any

import gradio as gr
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from index.disk import see_room
from index.document import canonical
from index.errors import LibraryError, Refused
from index.sync import MAX_BYTES
from web import access
from web.guard import OWNER

KEPT = 3600.0
"""Seconds after which files that nobody has added are forgotten."""

MOST = 2 * 2**30
"""Bytes of all files that wait to be added, and of those that are being sent."""

OWN = MOST // 4
"""Bytes of them that one person may send."""

_SENDINGS, _OWN_SENDINGS = 256, 16  # that wait or are under way at once, and of one person: each holds a file open
_FILES = 1_000  # in one sending, which is what Gradio's page sends at once


@dataclass(slots=True, eq=False)
class _Sending:
    """The files that a browser sends at once, one after another in a file without a name.

    Attributes:
        stream: That file.
        owner: Who sends them.
        size: Bytes of all that was sent: of the files, and of the lines between them.
        waiting: How many of the files have not been taken or forgotten.
    """

    stream: IO[bytes]
    owner: str = ""
    size: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Part:
    """A file in a sending: `size` bytes from `start` on."""

    name: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that a browser has sent.

    Attributes:
        name: What it is called there.
    """

    name: str
    _token: str
    _incoming: "Incoming"

    def read_bytes(self) -> bytes:
        """Its bytes, once: they are forgotten then.

        Raises:
            LibraryError: They have been, or cannot be read.
        """
        return self._incoming.take(self._token)


class Incoming:
    """The files on their way into one library."""

    def __init__(self, home: Path) -> None:
        """Keep them on the disk of the library in `home`."""
        self._home = home
        self._changing = Lock()
        self._waiting: dict[str, tuple[_Part, _Sending]] = {}
        self._sendings: set[_Sending] = set()
        self.route = Route(access.UPLOAD, self._receive, methods=["POST"])
        """Where browsers send them; to be served before Gradio's own."""

    def arrived(self, token: str) -> Arrived:
        """The file that its browser knows by this token."""
        with self._changing:
            waiting = self._waiting.get(token)
        return Arrived(waiting[0].name if waiting else "The file", token, self)

    def take(self, token: str) -> bytes:
        """A file's bytes; it is forgotten.

        Raises:
            LibraryError: It has been, or cannot be read.
        """
        with self._changing:
            found = self._waiting.pop(token, None)
            if found is None:
                raise LibraryError("it is kept no longer; add it again.")
            part, sending = found
            try:
                file = os.dup(sending.stream.fileno())  # so that nobody waits for the lock while it is read
            finally:
                self._leave(sending)
        try:
            return os.pread(file, part.size, part.start)
        except OSError as error:
            raise LibraryError(f"it cannot be read ({error.strerror}); add it again.") from error
        finally:
            os.close(file)

    def forget(self, tokens: Iterable[str]) -> None:
        """Forget files that nobody will add."""
        with self._changing:
            for token in tokens:
                if found := self._waiting.pop(token, None):
                    self._leave(found[1])

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """Forget all in the end."""
        try:
            yield
        finally:
            with self._changing:
                self._waiting.clear()
                while self._sendings:
                    self._sendings.pop().stream.close()

    def _leave(self, sending: _Sending) -> None:
        """One of its files is wanted no longer; with the last, its bytes are gone from the disk."""
        sending.waiting -= 1
        if sending.waiting <= 0:
            self._sendings.discard(sending)
            sending.stream.close()

    async def _receive(self, request: Request) -> Response:
        """Take what a browser sends; it is told a token for each file, in their order."""
        try:
            tokens = await self._received(request)
        except Refused as reason:
            return PlainTextResponse(str(reason), 413)
        except (FormParserError, KeyError, ClientDisconnect):
            return PlainTextResponse("This request cannot be read.", 400)
        except (LibraryError, OSError) as error:
            return PlainTextResponse(f"The files cannot be kept: {error}", 507)
        asyncio.get_running_loop().call_later(KEPT, self.forget, tokens)
        return JSONResponse(tokens)

    async def _received(self, request: Request) -> list[str]:
        """The tokens of the files in a request, which wait from now on; nothing is kept where it breaks off.

        Raises:
            Refused: They are too many, or too large.
            FormParserError: They are not sent as a form.
            KeyError: Likewise.
            LibraryError: The disk is full.
            OSError: They cannot be written.
        """
        form = _Form(request.headers.get("content-type", ""))
        with ExitStack() as undone:
            owner = request.headers.get(OWNER, "")
            sending = _Sending(undone.enter_context(TemporaryFile(dir=self._home)), owner)
            self._begin(sending)
            undone.callback(self._sendings.discard, sending)
            async for data in request.stream():
                sending.size += len(data)
                await asyncio.to_thread(self._keep, sending, form.files_in(data))
            sending.stream.flush()
            tokens = [secrets.token_urlsafe(16) for _ in form.parts]
            with self._changing:
                sending.waiting = len(tokens)
                self._waiting |= {token: (part, sending) for token, part in zip(tokens, form.parts, strict=True)}
            if tokens:
                undone.pop_all()
        return tokens

    def _begin(self, sending: _Sending) -> None:
        if len(self._sendings) >= _SENDINGS or len(self._of_owner(sending)) >= _OWN_SENDINGS:
            raise Refused("Too many files wait to be read; add them in a while.")
        self._sendings.add(sending)

    def _of_owner(self, sending: _Sending) -> list[_Sending]:
        """What else the same person has sent, and this."""
        return [other for other in tuple(self._sendings) if other.owner == sending.owner]

    def _keep(self, sending: _Sending, data: bytes) -> None:
        """Write some bytes of the files in a sending.

        Raises:
            Refused: They are too many.
            LibraryError: The disk is full.
            OSError: They cannot be written.
        """
        see_room(self._home)
        own, all_ = (sum(other.size for other in sent) for sent in (self._of_owner(sending), tuple(self._sendings)))
        if own > OWN or all_ > MOST:
            raise Refused(
                f"More than {OWN // 2**20} MB of yours, or {MOST // 2**30} GB in all, wait to be read; add fewer at "
                f"once, or put them into the folder."
            )
        sending.stream.write(data)


@dataclass(slots=True)
class _Header:
    """A header of a part of a form, as its bytes come."""

    name: bytes = b""
    value: bytes = b""


@dataclass(slots=True)
class _Form:
    """The files in a form (RFC 7578), as its bytes come; its other fields are passed over."""

    content_type: str
    parts: list[_Part] = field(default_factory=list)
    _parser: MultipartParser = field(init=False)
    _pieces: list[bytes] = field(default_factory=list)
    _end: int = 0  # of the files so far
    _header: _Header = field(default_factory=_Header)
    _name: str | None = None  # of the file that is being sent; None in another field

    def __post_init__(self) -> None:
        _, options = parse_options_header(self.content_type)
        calls: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._part,
            "on_part_data": self._data,
        }
        self._parser = MultipartParser(options[b"boundary"], calls)

    def files_in(self, data: bytes) -> bytes:
        """Those of the next bytes of the form that are files'.

        Raises:
            FormParserError: They are none of a form's.
            Refused: A file is too large, or there are too many.
        """
        self._pieces.clear()
        if data:
            self._parser.write(data)
        return b"".join(self._pieces)

    def _begin(self) -> None:
        self._name, self._header = None, _Header()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header.name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header.value += data[start:end]

    def _header_end(self) -> None:
        header, self._header = self._header, _Header()
        if header.name.lower() == b"content-disposition":
            _, options = parse_options_header(header.value)
            given = options.get(b"filename")
            self._name = None if given is None else _called(given)

    def _part(self) -> None:
        if self._name is not None:
            self.parts.append(_Part(self._name, self._end, 0))
        if len(self.parts) > _FILES:
            raise Refused(f"These are more than {_FILES:,} files; add fewer at once, or put them into the folder.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            return
        part = self.parts[-1]
        self.parts[-1] = part = _Part(part.name, part.start, part.size + end - start)
        self._end += end - start
        if part.size > MAX_BYTES:
            raise Refused(f"{part.name} is larger than {MAX_BYTES // 2**20} MB; split it, or save its text alone.")
        self._pieces.append(data[start:end])


def _called(name: bytes) -> str:
    """A file's name as it is shown: without folders, and nothing invisible."""
    visible, _ = canonical(name.decode("utf-8", "replace").replace("\\", "/"))
    last = PurePosixPath(visible).name
    return last if last.strip(". ") else "document"


class Blocks(gr.Blocks):
    """Gradio's page, to which a file that a browser names is a token and nothing more; its handlers get that.

    Gradio itself would look for it on this computer, copy it, or fetch it from the address that is its name.
    """

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *rest: Any, **more: Any) -> Any:
        """See Gradio's own."""
        return await super().preprocess_data(block_fn, [_token_of(value) for value in inputs], *rest, **more)


def _token_of(value: Any) -> Any:
    """A value that a browser sends, with the token of each file in the file's place."""
    if isinstance(value, dict):
        token = value.get("path")
        return token if isinstance(token, str) else {name: _token_of(item) for name, item in value.items()}
    return [_token_of(item) for item in value] if isinstance(value, list) else value
