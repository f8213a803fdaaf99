"""An HTTP client for the servers of language models: what they send is bounded, and read no longer than it is wanted.

They may send anything, and without an end. Bytes are counted as they come, none may be packed, and of the events of a
stream no more is handed on than an answer needs, in the form that the protocol gives it.
"""

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from threading import Event
from time import monotonic
from typing import Any

import httpx

from index.errors import ModelTrouble

MOST_STREAMED = 16 * 2**20  # bytes of a stream: fifty thousand words, each in an event of its own
MOST_WHOLE = 4 * 2**20  # bytes of what is no stream; the longest lists of models have one
_MOST_A_LINE = 2**20  # bytes
_CALL = 0.2  # seconds between two signs that a server which says nothing is still there
_CONNECT = 5.0  # seconds

_OPENED = (".connect_tcp.complete", ".start_tls.complete", ".setup_socks5_connection.complete")
_DATA, _END = b"data:", b"[DONE]"

Read = Callable[[Iterator[bytes]], Iterator[bytes]]


class Unfit(Exception):
    """What a server sends is no answer; the message says why, in a few words that none of its own are in."""


class Wire:
    """Asks a server; whatever it does, all that waits for it ends with `hang_up`.

    Attributes:
        client: What asks it.
    """

    def __init__(self, place: str, seconds: float, read: Read, **how: Any) -> None:
        """Nothing is sent yet.

        Args:
            place: What people call the server.
            seconds: How long each piece of an answer is waited for.
            read: What is made of the bytes of an answer that succeeds.
            how: More that httpx is to know; see `httpx.Client`.
        """
        self._place = place
        self._read = read
        self._over = Event()
        self._sockets: list[socket.socket] = []
        self.client = httpx.Client(
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT)),
            event_hooks={"request": [self._begin], "response": [self._bound]},
            follow_redirects=False,
            **how,
        )

    def json(self, url: str) -> Any:
        """The JSON under an address; None where there is none.

        Raises:
            ModelTrouble: The server cannot be asked, or sends too much.
        """
        try:
            answer = self.client.get(url)
            return json.loads(answer.content) if answer.is_success else None
        except (ValueError, RecursionError):
            return None
        except (httpx.HTTPError, RuntimeError) as error:  # the second, where it is hung up
            raise ModelTrouble(f"{self._place} cannot be asked ({type(error).__name__})") from error

    def hang_up(self) -> None:
        """End what is being waited for, in whatever thread, and ask no more."""
        self._over.set()
        for each in self._sockets:
            _shut(each)
        self.client.close()

    def _begin(self, request: httpx.Request) -> None:
        request.headers["Accept-Encoding"] = "identity"
        request.extensions = {**request.extensions, "trace": self._watch}

    def _watch(self, event: str, about: dict[str, Any]) -> None:
        """Keep the socket of a connection that has been opened."""
        if event.endswith(_OPENED):
            opened = about["return_value"].get_extra_info("socket")
            self._sockets.append(opened)
            if self._over.is_set():
                _shut(opened)

    def _bound(self, response: httpx.Response) -> None:
        """Have what comes counted.

        Raises:
            ModelTrouble: It is packed.
        """
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise _no_answer(self._place, "packed, which was not asked for")
        assert isinstance(response.stream, httpx.SyncByteStream)
        read = self._read if response.is_success else bounded
        response.stream = _Bounded(self._place, response.stream, read)


class _Bounded(httpx.SyncByteStream):
    """What a server sends, as it is read."""

    def __init__(self, place: str, stream: httpx.SyncByteStream, read: Read) -> None:
        self._place = place
        self._stream = stream
        self._read = read

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._read(iter(self._stream))
        except Unfit as why:
            raise _no_answer(self._place, str(why)) from why

    def close(self) -> None:
        self._stream.close()


def _no_answer(place: str, why: str) -> ModelTrouble:
    return ModelTrouble(f"What {place} sent is no answer ({why})")


def bounded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes of an answer that is no stream, as they come.

    Raises:
        Unfit: There are too many of them.
    """
    return _counted(chunks, MOST_WHOLE)


def events(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The events of a stream of a chat, as the protocol has them, whatever the server has made of it.

    What is no event, and what an event has beside its words, its end and the count of what was read, is left out.

    Raises:
        Unfit: They are too many or too long, or one is no JSON, or says that the server failed.
    """
    called = monotonic()
    for line in _lines(_counted(chunks, MOST_STREAMED)):
        data = line[len(_DATA) :].strip()
        if not line.startswith(_DATA) or not data:
            continue
        if data.startswith(_END):
            yield b"data: [DONE]\n\n"
            return
        event = _event(_parsed(data))
        if event or monotonic() > called + _CALL:
            called = monotonic()
            yield b"data: %s\n\n" % json.dumps(event or _chunk("", None)).encode()


def _counted(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    count = 0
    for chunk in chunks:
        count += len(chunk)
        if count > most:
            raise Unfit(f"more than {most // 2**20} MB")
        yield chunk


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream, without their ends; one that breaks off before its end is none."""
    held = bytearray()
    for chunk in chunks:
        *ended, rest = chunk.replace(b"\r", b"\n").split(b"\n")
        for line in filter(None, ended) if not held else ended:
            yield bytes(held + line).removeprefix(b"\xef\xbb\xbf")
            held.clear()
        held += rest
        if len(held) > _MOST_A_LINE:
            raise Unfit(f"more than {_MOST_A_LINE // 2**20} MB without an end of the line")
    if held.removeprefix(_DATA).strip() == _END:
        yield bytes(held)


def _parsed(data: bytes) -> object:
    """The value in an event's data."""
    try:
        return json.loads(data.decode(errors="replace"), parse_int=float)
    except RecursionError:
        raise Unfit("nested too deeply") from None
    except ValueError:
        raise Unfit("no JSON") from None


def _event(value: object) -> dict[str, Any] | None:
    """An event as the protocol has it; None for one that says nothing."""
    if not isinstance(value, dict):
        return None
    if value.get("error"):
        raise Unfit("an error of its own")
    text, ends = _words(value.get("choices"))
    usage = value.get("usage")
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    read = int(count) if isinstance(count, float) and 0 < count < MOST_STREAMED else 0
    return _chunk(text, ends, read) if text or ends or read else None


def _words(choices: object) -> tuple[str, str | None]:
    """The words of the first choice, and why they end here, or None where they do not."""
    first = next((each for each in choices if isinstance(each, dict)), {}) if isinstance(choices, list) else {}
    delta, ends = first.get("delta"), first.get("finish_reason")
    content = delta.get("content") if isinstance(delta, dict) else None
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str)), str(ends) if ends else None


def _chunk(text: str, ends: str | None, read: int = 0) -> dict[str, Any]:
    whole = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": ""}
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": ends}
    usage = {"prompt_tokens": read, "completion_tokens": 0, "total_tokens": read}
    return {**whole, "choices": [choice], **({"usage": usage} if read else {})}


def _shut(opened: socket.socket) -> None:
    """Wake whoever reads from a socket; closing it would not."""
    try:
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
    except OSError:  # it is closed already
        return
