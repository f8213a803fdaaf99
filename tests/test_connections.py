"""Connections that send or take nothing, or too slowly, are left; others are served meanwhile."""

import asyncio
import logging
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import Event

import httpx
import pytest

from eval.served import free_port
from tests.browser import serving
from tests.fakes import as_footnote, fake
from web import connections, page
from web.connections import Limits, room
from web.server import Server

_PATIENT = Limits(idle=60, head=60, late=60, waiting=50, address=60, total=70)
_HASTY = {"idle": 0.2, "head": 0.2, "late": 0.2}
_SECONDS = 60  # until a test gives up
_HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"


class App:
    """Answers with a request's body; tells that one was broken off, and gives endless answers."""

    def __init__(self) -> None:
        self.begun, self.left, self.go = Event(), Event(), Event()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return
        self.begun.set()
        if scope["path"] == "/locked":
            await _answer(send, b"no", 401)
        elif scope["path"] == "/endless":
            await self._endless(send, receive)
        elif scope["path"] == "/waits":
            while not self.go.is_set():
                await asyncio.sleep(0.01)
            await _answer(send, b"went")
        else:
            await self._echo(receive, send)

    async def _echo(self, receive, send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.set()
                return
            body, more = body + message["body"], message["more_body"]
        await _answer(send, body)

    async def _endless(self, send, receive) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(_gone(receive))
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            await asyncio.sleep(0)
        self.left.set()


async def _gone(receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send, body: bytes, status: int = 200) -> None:
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_TICK", 0.05)


@contextmanager
def served(app: App, **changed: float) -> Iterator[int]:
    """The port of an application served within limits that are wide but for those given."""
    limits = Limits(**{name: changed.get(name, getattr(_PATIENT, name)) for name in Limits.__slots__})
    port = free_port()
    with closing(Server(app, "127.0.0.1", port, limits)):
        yield port
        app.go.set()


def connected(port: int, sent: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
    made.sendall(sent)
    return made


def is_left(connection: socket.socket) -> bool:
    """Whether the server ends it, once it has said what it says."""
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def is_kept(connection: socket.socket) -> bool:
    """Whether it is neither ended nor answered by now."""
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    except ConnectionError:
        pass
    return False


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n\r\n",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        _HEAD,
        _HEAD + b"some",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsome",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
        b"POST /locked HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nsome",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_who_sends_no_more_is_left(sent: bytes) -> None:
    with served(App(), **_HASTY) as port, connected(port, sent) as connection:
        assert is_left(connection)


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"x"),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
        (_HEAD, b"x"),
        (b"POST /locked HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n", b"x"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X: x\r\n"),
    ],
)
def test_who_sends_a_byte_now_and_then_is_left_as_well(begun: bytes, more: bytes) -> None:
    with served(App(), **_HASTY) as port, connected(port, begun) as connection:
        connection.settimeout(0.02)
        assert any(_has_ended(connection, more) for _ in range(50 * _SECONDS))


def _has_ended(connection: socket.socket, more: bytes) -> bool:
    """Whether it has, once some more was sent and the server had a moment."""
    try:
        connection.sendall(more)
        return not connection.recv(65_536)
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_slow_line_sends_and_takes_all_of_it() -> None:
    """Much longer than either may be late, but never slower than the pace."""
    app = App()
    with (
        served(app, late=0.2, pace=1_000, idle=_SECONDS) as port,
        connected(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n") as connection,
    ):
        for _ in range(40):
            connection.sendall(b"x" * 500)
            assert not app.left.wait(0.05)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    with (
        served(app, late=1.0, pace=1_000) as port,  # the system gives and takes megabytes at a time
        connected(port, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n") as connection,
    ):
        for _ in range(40):
            assert connection.recv(500_000)
            assert not app.left.wait(0.05)


def test_who_takes_nothing_of_an_answer_is_left() -> None:
    app = App()
    with served(app, late=0.2) as port, connected(port, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"):
        assert app.left.wait(_SECONDS)


def test_who_leaves_the_end_of_an_answer_is_left() -> None:
    """It is given and done, and still to be taken; so is that of a connection that the server closes after it."""
    for order in ("keep-alive", "close"):
        head = f"POST / HTTP/1.1\r\nHost: x\r\nConnection: {order}\r\nContent-Length: 9000000\r\n\r\n".encode()
        with served(App(), **_HASTY | {"idle": 0.4}) as port:
            before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
            with connected(port, head + b"x" * 9_000_000) as connection:
                for _ in range(100 * _SECONDS):
                    if before and len(os.listdir("/proc/self/fd")) == before + 1:  # the client's alone is left
                        break
                    assert not Event().wait(0.01)
                else:
                    pytest.skip("this system does not tell which files are open")
                assert is_left(connection)


@pytest.mark.parametrize("leaves", [True, False])
def test_who_asks_for_many_answers_at_once_and_takes_none_leaves_no_trace(
    leaves: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    app = App()
    with (
        served(app, late=60 if leaves else 0.2) as port,
        connected(port, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n" * 20) as connection,
    ):
        assert app.begun.wait(_SECONDS)
        if leaves:
            connection.close()
        assert app.left.wait(_SECONDS)
    assert [each for each in caplog.records if each.name.startswith("uvicorn")] == []


def test_an_answer_that_takes_long_is_waited_for() -> None:
    app = App()
    with served(app, **_HASTY) as port, connected(port, b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        assert not app.left.wait(1.0)
        app.go.set()
        assert connection.recv(65_536).endswith(b"went")


def test_a_head_has_bounds() -> None:
    with served(App()) as port:
        for header in (b"X: " + b"x" * 70_000, b"\r\n".join(b"X: x" for _ in range(200)), b""):
            address = b"/" + b"x" * (0 if header else 70_000)
            with connected(port, b"GET " + address + b" HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n") as connection:
                assert connection.recv(65_536).startswith(b"HTTP/1.1 400")
        with connected(port, b"GET / HTTP/1.1\r\nX: ") as connection:
            assert _is_cut_short(connection, 64 * 2**20)


def _is_cut_short(connection: socket.socket, length: int) -> bool:
    """Whether the server leaves while so much of a header is sent."""
    try:
        for _ in range(length // 65_536):
            connection.sendall(b"x" * 65_536)
    except ConnectionError:
        return True
    return False


def test_of_too_many_from_an_address_those_that_wait_longest_give_way() -> None:
    app = App()
    with served(app, waiting=10) as port, ExitStack() as opened:
        asking = opened.enter_context(connected(port, b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert app.begun.wait(_SECONDS)
        uploading = opened.enter_context(connected(port, _HEAD + b"some"))
        half = [opened.enter_context(connected(port, b"GET / HTTP/1.1\r\n")) for _ in range(30)]
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        assert all(is_left(each) for each in half[:20])
        assert all(is_kept(each) for each in (*half[-8:], uploading))
        app.go.set()
        assert asking.recv(65_536).endswith(b"went")


def test_where_all_are_being_answered_another_one_is_told_so() -> None:
    with served(App(), address=5) as port, ExitStack() as opened:
        for _ in range(5):
            opened.enter_context(connected(port, b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n"))
        with connected(port) as connection:
            assert b"Too many connections" in connection.recv(65_536)
    with served(App(), total=5) as port, ExitStack() as opened:
        half = [opened.enter_context(connected(port, b"GET / HTTP/1.1\r\n")) for _ in range(8)]
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        assert is_left(half[0])


@pytest.mark.parametrize(
    ("soft", "hard", "total"),
    [(1_024, 1_024, 512), (1_024, 500_000, 4_096), (256, resource.RLIM_INFINITY, 4_096), (64, 64, 64)],
)
def test_there_are_open_files_for_all_connections(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, total: int
) -> None:
    wished: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, wish: wished.append(wish))
    limits = room()
    assert limits.total == total
    assert limits.waiting < limits.address < limits.total
    assert wished == ([(8_192, hard)] if soft != hard else [])


def test_the_page_is_there_for_others_while_half_a_request_is_sent_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page, "room", lambda: Limits(waiting=10))
    with serving(as_footnote(fake()), password="correct horse") as url, ExitStack() as opened:
        port = httpx.URL(url).port or 0
        half = [opened.enter_context(connected(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: ")) for _ in range(40)]
        assert httpx.get(url).status_code == 401
        assert all(is_left(each) for each in half[:20])


def test_a_long_address_may_come_in_pieces() -> None:
    with served(App()) as port, connected(port, b"GET /") as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (*[b"x" * 4_000] * 10, b" HTTP/1.1\r\nHost: x\r\nX: ", *[b"y" * 4_000] * 5, b"\r\n\r\n"):
            time.sleep(0.02)
            connection.sendall(piece)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
