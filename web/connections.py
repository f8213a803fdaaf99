"""Connections: how long the page's server waits for a browser, and how many of them it keeps.

It is a browser's turn until its request is there, and again where it has an answer to take. Who takes longer over that
than any honest line does is left; who opens too many connections loses those that have waited longest.
"""

import asyncio
import resource
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

Turn = Literal["idle", "head", "body", "ours"]
"""What is waited for: a next request, the head of one, its body, or our answer."""

BACKLOG = 128
"""Connections that the system keeps until they are taken; all of them may be taken at once."""

_TICK = 1.0  # seconds between two looks at a connection
_LOST_FIRST: tuple[Turn, ...] = ("idle", "head", "body")
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n"
    b"Too many connections are open; close some, or come again in a moment."
)
_LARGE = "The head of this request is too large."
_RESERVE = 512  # open files for all else: the library, what reads documents, uploads, and what is taken at once
_FEWEST, _MOST = 64, 4_096  # connections in all
_FILES = 2 * _MOST

_numbers = count()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a browser may take.

    Attributes:
        idle: Seconds until its next request begins.
        head: Seconds until all of a request's head is there.
        late: Seconds that a body, or the taking of an answer, may be behind `pace`.
        pace: Bytes a second, well below any line that people have.
        head_bytes: Of a request's address and headers.
        headers: How many.
        waiting: Connections of one address on which it is the browser's turn.
        address: Connections of one address in all; browsers behind a proxy have that of the proxy.
        total: Connections of all.
    """

    idle: float = 5.0
    head: float = 20.0
    late: float = 60.0
    pace: float = 1_024
    head_bytes: int = 64 * 1024
    headers: int = 128
    waiting: int = 256
    address: int = _MOST // 2
    total: int = _MOST


def room() -> Limits:
    """The limits that this process has open files for, once it may have as many as the system lets it have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    total = min(_MOST, max(_FEWEST, max(soft, wanted) - _RESERVE))
    return Limits(waiting=min(Limits().waiting, total // 3), address=total // 2, total=total)


class Connection(HttpToolsProtocol):
    """A connection to a browser, or to a proxy before it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
    ) -> None:
        """Make one as uvicorn does, within limits."""
        super().__init__(config, server_state, app_state, _loop)
        self.turn: Turn = "head"
        self.since = self.loop.time()
        self.number = next(_numbers)
        self._limits = limits
        self._late = 0.0  # seconds
        self._moved = 0  # bytes since the last look
        self._left = 0  # bytes of an answer that were still to be taken then
        self._in_head = False
        self._head_bytes, self._head_received = 0, 0  # of the parts that are whole, and of the pieces within it
        self._answered: RequestResponseCycle | None = None
        self._looking: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        """Where it comes from."""
        return self.client[0] if self.client else ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is read from it."""
        return self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A browser has connected: another connection gives way where there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._looking = self.loop.call_later(_TICK, self._look)
        if not _make_way(self, self.server_state.connections, self._limits):
            self.transport.write(_FULL)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._answer_nobody()
        super().connection_lost(exc)
        if self._looking:
            self._looking.cancel()

    def leave(self) -> None:
        """End it at once, whatever is under way."""
        self._answer_nobody()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        was_in_head, headers = self._in_head, self.headers
        super().data_received(data)
        if was_in_head and self._in_head and self.headers is headers:  # the parser gathers a header until it is whole
            self._head_received += len(data)
            if self._head_received > self._limits.head_bytes and not self.is_over:
                self.send_400_response(_LARGE)

    def resume_writing(self) -> None:
        """A browser has taken most of what was to be taken."""
        super().resume_writing()
        self._late = 0.0

    def on_message_begin(self) -> None:
        """The first byte of a request is there."""
        super().on_message_begin()
        self._head_bytes, self._head_received, self._in_head = 0, 0, True
        self._take_turns()

    def on_url(self, url: bytes) -> None:
        """A part of a request's address is there."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of a request's headers is there."""
        self._count_head(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A request's head is there."""
        super().on_headers_complete()
        self._in_head = False
        self._take_turns()

    def on_body(self, body: bytes) -> None:
        """A part of a request's body is there."""
        self._moved += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of a request is there."""
        super().on_message_complete()
        self._take_turns()

    def on_response_complete(self) -> None:
        """An answer is given; what else comes of a body that was not waited for has the time of an idle connection."""
        super().on_response_complete()
        self._take_turns()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """See to it that a request is answered."""
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _answer_nobody(self) -> None:
        """Tell the handler of the current request that its browser is gone.

        A pipelined request may have replaced `cycle` since, and uvicorn tells only what handles that one.
        """
        if self._answered:
            self._answered.disconnected = True
            self._answered.message_event.set()

    def _count_head(self, length: int) -> None:
        """Count some more bytes of a head.

        Raises:
            ValueError: It is too large; the parser ends at that, and uvicorn answers with status 400.
        """
        self._head_bytes += length
        if self._head_bytes > self._limits.head_bytes or len(self.headers) >= self._limits.headers:
            raise ValueError(_LARGE)

    def _take_turns(self) -> None:
        """Note whose turn it is now, and since when."""
        if self.cycle is None or self.cycle.response_complete:
            self.turn = "head" if self._in_head else "idle"
        else:
            self.turn = "body" if self.cycle.more_body else "ours"
        self.since, self._late, self._moved = self.loop.time(), 0.0, 0

    def _look(self) -> None:
        """Leave the browser if it is too late; look again after a while."""
        left = self.transport.get_write_buffer_size()
        taken, self._left = max(0, self._left - left), left
        came, self._moved = self._moved, 0
        if self.flow.write_paused or (left and (self.is_over or self.turn != "ours")):
            is_late = self._falls_behind(taken)
        elif self.turn == "body":
            is_late = not self.flow.read_paused and self._falls_behind(came)
        else:
            self._late = 0.0
            waited = self.loop.time() - self.since
            is_late = waited > {"idle": self._limits.idle, "head": self._limits.head}.get(self.turn, waited)
        if is_late:
            self.leave()
        self._looking = self.loop.call_later(_TICK, self._look)

    def _falls_behind(self, moved: int) -> bool:
        """Whether a browser that sent or took so many bytes since the last look is later than is waited for."""
        self._late = max(0.0, self._late + _TICK - moved / self._limits.pace)
        return self._late > self._limits.late


def _make_way(new: Connection, connections: Iterable[object], limits: Limits) -> bool:
    """Leave the connection that is missed least where a new one is too much; whether the new one can stay."""
    others = [old for old in connections if isinstance(old, Connection) and old is not new and not old.is_over]
    neighbours = [old for old in others if old.address == new.address]
    waiting = [old for old in neighbours if old.turn != "ours"]
    if len(waiting) >= limits.waiting or len(neighbours) >= limits.address:
        return _leave_one(waiting)
    if len(others) >= limits.total:
        return _leave_one([old for old in others if old.turn != "ours"])
    return True


def _leave_one(waiting: list[Connection]) -> bool:
    """Leave one of these connections: first those that are idle, last those that send a body; whether there is one."""
    if not waiting:
        return False
    min(waiting, key=lambda old: (_LOST_FIRST.index(old.turn), old.since, old.number)).leave()
    return True
