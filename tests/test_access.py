"""Access: every method and path that the page's server answers, to everybody who may come."""

import asyncio
import socket
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import SimpleCookie
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from tests.browser import free_port, serving
from tests.fakes import as_footnote, fake
from web import access
from web.access import Standing
from web.guard import Guard
from web.login import Login
from web.page import launch

LOOP = asyncio.new_event_loop()
THREAD = ThreadPoolExecutor(1)  # where a browser is under way, the test's own has a loop already
PASSWORD = "correct horse"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND", "get")

# What is open, by the routes as they are registered; all else is closed, also what Gradio comes to serve one day.
OPEN = {
    ("GET", "/"): Standing.GUEST,
    ("HEAD", "/"): Standing.GUEST,
    ("GET", "/assets/{path:path}"): Standing.GUEST,
    ("GET", "/static/{path:path}"): Standing.GUEST,
    ("GET", "/theme.css"): Standing.GUEST,
    ("GET", "/favicon.ico"): Standing.GUEST,
    ("GET", "/gradio_api/heartbeat/{session_hash}"): Standing.KNOWN,
    ("GET", "/gradio_api/queue/data"): Standing.KNOWN,
    ("POST", "/gradio_api/queue/join"): Standing.KNOWN,
    ("POST", "/gradio_api/upload"): Standing.KNOWN,
    ("GET", "/gradio_api/upload_progress"): Standing.KNOWN,
    ("GET", "/conversations/{id}.{form}"): Standing.KNOWN,
    ("GET", "/pages/{number:int}.png"): Standing.KNOWN,
    ("GET", "/parts"): Standing.KNOWN,
}
WITH_PASSWORD = {
    ("GET", "/login"): Standing.STRANGER,
    ("POST", "/login"): Standing.STRANGER,
    ("POST", "/sign-out"): Standing.SIGNED_IN,
}
_FILLED = {"{id}.{form}": "0a1b2c.json", "{number:int}": "1", "{session_hash}": "abc123", "{path:path}": "index.js"}

VARIANTS = (
    "{}/", "{}//", "/{}", "/.{}", "/x/..{}", "{};x", "{};/..", "{}/.", "{}/..", "{}\n", "{}\0", "{}\\", "{} ", "{}?",
    "{}%00", "{}%2e", "\\{}", " {}", "http://127.0.0.1{}", "//127.0.0.1{}", "{}/gradio_api/info", "{}#", "*",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def closed_loop() -> Iterator[None]:
    """One event loop for all: thousands of requests go through it."""
    yield
    LOOP.close()


@dataclass
class Door:
    """A guard before nothing: what came through, and what was said."""

    guard: Guard
    passed: list[str]

    def comes(self, method: str, path: str, cookie: str = "", **more: Any) -> tuple[int, list[str]]:
        """The status that is answered, 200 where it came through; and the cookies that come with it."""
        headers = [(b"host", b"localhost"), (b"cookie", cookie.encode()), *more.pop("headers", [])]
        scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
        scope |= {"client": ("127.0.0.1", 9), "server": ("127.0.0.1", 80), "scheme": "http", **more}
        body = b'{"session_hash": "a"}' if path.endswith("join") else b"password=wrong"
        messages: list[Message] = [{"type": "http.request", "body": body}]
        told: list[Message] = []

        async def receive() -> Message:
            return messages.pop() if messages else await asyncio.Future()

        async def send(message: Message) -> None:
            told.append(message)

        _run(self.guard(scope, receive, send))
        cookies = [value.decode() for name, value in told[0].get("headers", ()) if name.lower() == b"set-cookie"]
        return told[0].get("status", 0), cookies


def door(login: Login | None = None) -> Door:
    passed: list[str] = []

    async def reached(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return Door(Guard(reached, "lib", login), passed)


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, set[str]]]:
    """Every path that is registered, as it is written there, and its methods."""
    page = launch(as_footnote(fake()), port=free_port())
    page.close(verbose=False)
    found = list(_flat(page.app.routes))
    assert len(found) > 60
    assert {path for _, path in OPEN} <= {path for path, _ in found}
    return [*found, *((path, set()) for _, path in WITH_PASSWORD), ("/elsewhere", set()), ("/mcp/x", set())]


def _flat(routes: Iterable[Any]) -> Iterator[tuple[str, set[str]]]:
    for each in routes:
        if within := getattr(each, "routes", None) or getattr(getattr(each, "original_router", None), "routes", None):
            yield from _flat(within)  # those that are mounted, too
        else:
            yield each.path, getattr(each, "methods", None) or set()


def _filled(path: str) -> str:
    for name, value in _FILLED.items():
        path = path.replace(name, value)
    while "{" in path:
        path = path[: path.index("{")] + "x1" + path[path.index("}") + 1 :]
    return path


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return THREAD.submit(LOOP.run_until_complete, work).result()


def _told(login: Login) -> str:
    return f"footnote-lib-key={_run(login.sign_in('', ''))}"


def _signed_out(login: Login) -> str:
    secret = _run(login.sign_in("", ""))
    return f"footnote-lib-key={login.browsers.sign_out(secret)}; footnote-lib=opened"


def test_every_route_is_open_to_whom_the_table_says(routes: list[tuple[str, set[str]]], tmp_path: Path) -> None:
    login = Login(PASSWORD, tmp_path)
    other = Login("another horse", tmp_path)
    comers = (
        (None, "", Standing.GUEST),
        (None, "footnote-lib=opened", Standing.KNOWN),
        (login, "", Standing.STRANGER),
        (login, "footnote-lib=opened", Standing.STRANGER),
        (login, "footnote-lib=opened; footnote-lib-key=planted", Standing.STRANGER),
        (login, _signed_out(login), Standing.STRANGER),
        (login, _told(other), Standing.STRANGER),
        (login, _told(login), Standing.SIGNED_IN),
    )
    wrong = []
    for lock, cookie, standing in comers:
        opened = OPEN | WITH_PASSWORD if lock else OPEN
        at = door(lock)
        for (path, _), method in product(routes, METHODS):
            if (method, path) in WITH_PASSWORD and lock:
                continue  # answered by the guard itself, below
            least = opened.get((method, path))
            status, cookies = at.comes(method, _filled(path), cookie)
            if least is not None and standing >= least:
                expected = {200}
            else:
                expected = {401} if standing is Standing.STRANGER else {403} if least is not None else {404, 405}
            kept = bool(cookies) != (status == 200 and (method, path) == ("GET", "/"))
            if status not in expected or (status == 200) != bool(at.passed) or kept:
                wrong.append((standing.name, method, path, status, cookies))
            at.passed.clear()
    assert wrong == []


def test_a_new_route_of_gradio_is_closed() -> None:
    assert {
        (each.method, each.least) for each in access.ALWAYS if each.path.fullmatch("/gradio_api/brand-new")
    } == set()
    assert len(access.ALWAYS) == len(OPEN)
    assert len(access.WITH_PASSWORD) == len(OPEN) + len(WITH_PASSWORD)


def test_no_other_spelling_of_an_open_path_is_open(tmp_path: Path) -> None:
    login = Login(PASSWORD, tmp_path)
    override = [(b"x-http-method-override", b"GET"), (b"x-method-override", b"GET"), (b"x-original-url", b"/login")]
    for lock, cookie in ((None, "footnote-lib=opened"), (login, ""), (login, _told(login))):
        at = door(lock)
        paths = {_filled(path) for _, path in (*OPEN, *WITH_PASSWORD)}
        spelled = {variant.format(path) for variant in VARIANTS for path in paths}
        spelled |= {each.upper() for each in paths} | {each.replace("/", "//") for each in paths} | {""}
        for path in spelled - paths:
            expected = 404 if cookie else 401
            assert at.comes("GET", path, cookie, headers=override) == (expected, []), path
        for method in ("DELETE", "PUT", "OPTIONS"):
            assert at.comes(method, "/theme.css", cookie, headers=override)[0] in (401, 405)
        assert at.passed == []


@pytest.mark.parametrize("kind", ["websocket", "webtransport"])
def test_what_is_no_http_is_closed(kind: str, routes: list[tuple[str, set[str]]], tmp_path: Path) -> None:
    login = Login(PASSWORD, tmp_path)
    for lock, cookie in ((None, "footnote-lib=opened"), (login, _told(login))):
        at = door(lock)
        for path, _ in routes:
            at.comes("GET", _filled(path), cookie, type=kind)
        assert at.passed == []


def test_nobody_gets_past_a_served_page_without_the_password(routes: list[tuple[str, set[str]]]) -> None:
    """What is before the guard answers nobody either: asked of the page as it is served."""
    preflight = {"Origin": "http://localhost:1", "Access-Control-Request-Method": "GET", "Upgrade": "websocket"}
    with serving(as_footnote(fake()), password=PASSWORD) as url, httpx.Client(base_url=url, trust_env=False) as client:
        for path, method in product({_filled(path) for path, _ in routes}, ("GET", "OPTIONS")):
            answer = client.request(method, path, headers=preflight if method == "OPTIONS" else {})
            assert "set-cookie" not in answer.headers
            if path != "/login":
                assert answer.status_code in (401, 403), (method, path)
        assert client.head("/").status_code == 401
        assert client.cookies == {}
        at = urlsplit(url)
        for target in (f"http://{at.netloc}/", "//", "/%2e%2e/", "/theme%2ecss", "*", "/theme.css;", "/login/../"):
            assert _status(at.port or 0, f"GET {target} HTTP/1.1\r\nHost: {at.netloc}") in (400, 401, 404), target
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA=="
        handshake = f"GET /gradio_api/queue/join HTTP/1.1\r\nHost: {at.netloc}\r\n{upgrade}"
        assert _status(at.port or 0, handshake) in (400, 401, 403)
    with serving(as_footnote(fake())) as url:
        assert httpx.options(url, headers=preflight, trust_env=False).status_code in (403, 405)


def _status(port: int, head: str) -> int:
    """The status that is answered to a request's head, sent as it stands."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sent:
        sent.sendall(f"{head}\r\n\r\n".encode())
        return int(sent.recv(1024).split()[1])


def test_a_page_without_a_password_knows_no_sign_in() -> None:
    at = door()
    for path, method in product((access.SIGN_IN, access.SIGN_OUT), METHODS):
        assert at.comes(method, path, "footnote-lib=opened")[0] == 404


def test_a_key_is_given_for_the_password_alone(tmp_path: Path) -> None:
    at = door(Login(PASSWORD, tmp_path))
    for method in METHODS:
        status, cookies = at.comes(method, "/login")
        assert (status, cookies) == ({"GET": 303, "POST": 401}.get(method, 401), [])
        assert at.comes(method, "/sign-out") == (401, [])
    assert at.passed == []


def test_a_cookie_is_not_for_scripts_nor_other_sites(tmp_path: Path) -> None:
    login = Login(PASSWORD, tmp_path)
    for lock, cookie in ((None, ""), (login, _told(login))):
        for scheme in ("http", "https"):
            (kept,) = door(lock).comes("GET", "/", cookie, scheme=scheme)[1]
            (morsel,) = SimpleCookie(kept).values()
            assert (morsel["httponly"], morsel["samesite"], bool(morsel["secure"])) == (True, "Lax", scheme == "https")
