"""Login: what a browser holds before it tells the password, afterwards, and once it has signed out."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from index.errors import FootnoteError, LibraryError
from rag.chat import Turn
from rag.conversations import Conversations
from tests import apart
from tests.browser import serving
from tests.fakes import FIRE, as_footnote, fake
from tests.instant import run
from web import browsers, turnstile
from web.address import proxies
from web.guard import OWNER, Guard
from web.login import Login

PASSWORD = "correct horse"
KEY, SECRET = "footnote-lib-key", "footnote-lib"


async def _page(scope: Scope, receive: Receive, send: Send) -> None:
    """A page that tells whose request it is."""
    await PlainTextResponse(Request(scope).headers.get(OWNER, ""))(scope, receive, send)


@asynccontextmanager
async def _browser(login: Login | None, **cookies: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Guard(_page, "lib", login))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", cookies=cookies) as client:
        yield client


async def _owner(login: Login | None, cookies: dict[str, str]) -> str:
    """Whose request it is that comes with these cookies; "" where the page is closed to it."""
    async with _browser(login, **cookies) as client:
        answer = await client.get("/parts")
        return answer.text if answer.is_success else ""


async def _signed_in(login: Login, cookies: dict[str, str]) -> dict[str, str]:
    """What a browser with these cookies holds once it has told the password."""
    async with _browser(login, **cookies) as client:
        answer = await client.post("/login", data={"password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "./")
        return {**cookies, **dict(answer.cookies)}


async def _signed_out(login: Login, cookies: dict[str, str]) -> dict[str, str]:
    async with _browser(login, **cookies) as client:
        answer = await client.post("/sign-out")
        assert (answer.status_code, answer.headers["location"]) == (303, "./")
        return {**cookies, **dict(answer.cookies)}


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login(PASSWORD, tmp_path)


def test_what_was_planted_in_a_browser_is_worth_nothing_once_it_has_signed_in(login: Login) -> None:
    async def plant() -> None:
        planted = {KEY: "planted", SECRET: "planted"}
        held = await _signed_in(login, planted)
        assert held[KEY] != planted[KEY]
        assert await _owner(login, held)
        assert await _owner(login, planted) == ""
        theirs = await _signed_in(login, planted)  # who planted it knows the password, too
        assert await _owner(login, theirs) != await _owner(login, held)

    run(plant())


def test_a_copy_is_worth_nothing_once_its_browser_has_signed_out(
    login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def copy() -> None:
        held = await _signed_in(login, {})
        owner = await _owner(login, held)
        left = await _signed_out(login, held)
        for restarted in (login, Login(PASSWORD, tmp_path)):
            assert await _owner(restarted, held) == ""
            assert await _owner(restarted, left) == ""
        assert await _owner(login, await _signed_in(login, held)) != owner
        again = await _signed_in(login, left)
        assert await _owner(login, again) == owner
        monkeypatch.setattr(browsers, "monotonic", lambda: monotonic() + browsers._TWICE)
        assert await _owner(login, await _signed_in(login, left)) != owner  # it was told from its copy once
        assert await _owner(Login(PASSWORD, tmp_path), again) == owner

    run(copy())


def test_another_password_signs_everybody_out_and_takes_no_conversation(login: Login, tmp_path: Path) -> None:
    async def change() -> None:
        held = await _signed_in(login, {})
        owner, other = await _owner(login, held), Login("another horse", tmp_path)
        assert await _owner(other, held) == ""
        async with _browser(other, **held) as client:
            assert (await client.post("/login", data={"password": PASSWORD})).status_code == 401
            answer = await client.post("/login", data={"password": "another horse"})
        assert await _owner(other, dict(answer.cookies)) == owner

    run(change())


def test_in_a_library_that_is_restored_nobody_is_signed_in(login: Login, tmp_path: Path) -> None:
    async def restore() -> None:
        held = await _signed_in(login, {})
        owner = await _owner(login, held)
        home = tmp_path / "restored"
        home.mkdir()
        shutil.copy(tmp_path / "browsers.sqlite", home)  # as a backup does
        await _signed_out(login, held)
        restored = Login(PASSWORD, home)
        assert await _owner(restored, held) == ""
        assert await _owner(restored, await _signed_in(restored, held)) == owner

    run(restore())


def test_conversations_come_along_when_a_page_gets_a_password(login: Login, tmp_path: Path) -> None:
    async def lock() -> None:
        async with _browser(None) as client:
            await client.get("/")
            unlocked = dict(client.cookies)
        before = await _owner(None, unlocked)
        Conversations(tmp_path, before).add("", Turn(FIRE, 1, ()))
        held = await _signed_in(login, unlocked)
        (kept,) = Conversations(tmp_path, await _owner(login, held)).listed()
        assert kept.title == FIRE.question
        assert Conversations(tmp_path, before).listed() == ()

    apart.run(lock())


def test_neither_secrets_nor_the_password_are_kept(login: Login, tmp_path: Path) -> None:
    held = run(_signed_in(login, {}))
    kept = {path.name: path for path in tmp_path.iterdir()}
    assert set(kept) == {"browsers.sqlite", "browsers.salt"}
    for path in kept.values():
        assert path.stat().st_mode & 0o777 == 0o600
        assert held[KEY].encode() not in path.read_bytes()
        assert PASSWORD.encode() not in path.read_bytes()


def test_of_very_many_browsers_the_oldest_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, login: Login, tmp_path: Path
) -> None:
    monkeypatch.setattr(browsers, "_MOST", 3)
    held = [login.browsers.sign_in("")[0] for _ in range(5)]
    for kept in (login, Login(PASSWORD, tmp_path)):
        assert [bool(kept.browsers.signed_in(secret)) for secret in held] == [False, False, True, True, True]


def test_a_password_sent_twice_makes_one_browser(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    async def click_twice() -> None:
        held = await _signed_in(login, {})
        owner, left = await _owner(login, held), await _signed_out(login, held)
        for clicked in (left, {}, {KEY: "planted"}):
            twice = [await _signed_in(login, clicked) for _ in range(2)]
            owners = [await _owner(login, each) for each in twice]
            assert (owners[0] == owners[1] == owner) == (clicked is left), "whoever has no key here is not known by it"
        async with _browser(login, **left) as client:
            assert (await client.post("/login", data={"password": "wrong"})).status_code == 401
        first = await _signed_out(login, await _signed_in(login, left))
        assert await _owner(login, await _signed_in(login, left)) != owner, "it has signed out since"
        assert await _owner(login, await _signed_in(login, first)) == owner
        monkeypatch.setattr(browsers, "monotonic", lambda: monotonic() + browsers._TWICE)
        assert await _owner(login, await _signed_in(login, first)) != owner

    run(click_twice())


def test_browsers_that_never_come_back_push_out_no_other(
    monkeypatch: pytest.MonkeyPatch, login: Login, tmp_path: Path
) -> None:
    async def monitor() -> None:
        monkeypatch.setattr(browsers, "_MOST", 3)
        mine, others = await _signed_in(login, {}), await _signed_in(login, {})
        owner = await _owner(login, mine)
        for _ in range(5):
            watching = await _signed_in(login, {})
        for kept in (login, Login(PASSWORD, tmp_path)):
            assert [bool(kept.browsers.signed_in(held[KEY])) for held in (mine, others, watching)] == [
                True,
                False,
                True,
            ]
        assert await _owner(login, await _signed_in(login, await _signed_out(login, mine))) == owner
        back = [await _signed_in(login, {}) for _ in range(3) if await _owner(login, watching)]
        for held in (*back, watching):
            await _owner(login, held)
        assert await _owner(login, await _signed_in(login, {})), "where all come back, who is new can come in"

    run(monitor())


def test_a_list_of_browsers_made_before_is_read(login: Login, tmp_path: Path) -> None:
    held = run(_signed_in(login, {}))
    with closing(sqlite3.connect(tmp_path / "browsers.sqlite")) as database:
        database.execute("ALTER TABLE browser DROP COLUMN came_back")
    again = Login(PASSWORD, tmp_path)
    assert run(_owner(again, held))
    assert Login(PASSWORD, tmp_path).browsers.signed_in(held[KEY]) == again.browsers.signed_in(held[KEY])


def test_a_list_of_browsers_that_holds_more_is_not_ours(login: Login, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "browsers.sqlite")) as database:
        database.execute("CREATE TRIGGER theirs AFTER INSERT ON browser BEGIN DELETE FROM browser; END")
        database.commit()
    with pytest.raises(LibraryError, match="theirs, which Footnote does not make"):
        login.browsers.sign_in("")
    with pytest.raises(LibraryError, match="theirs, which Footnote does not make"):
        Login(PASSWORD, tmp_path)


def test_of_two_keys_the_one_that_opens_counts(login: Login) -> None:
    """A browser has two where the page was served at another path before, and sends that of the longer path first."""

    async def send() -> None:
        held = (await _signed_in(login, {}))[KEY]
        other = (await _signed_out(login, await _signed_in(login, {})))[KEY]
        owner = await _owner(login, {KEY: held})
        for cookies in (f"{KEY}=stale; {KEY}={held}", f"{KEY}={held}; {KEY}=stale", f"{KEY}={other}; {KEY}={held}"):
            async with _browser(login) as client:
                assert (await client.get("/parts", headers={"Cookie": cookies})).text == owner
        async with _browser(login) as client:
            odd = f'theirs="; a b=\x01; {KEY}={held}; x'
            assert (await client.get("/parts", headers={"Cookie": odd})).text == owner, "another page's are no matter"
            stale = {"Cookie": f"{KEY}=stale; {KEY}={other}"}
            fresh = (await client.post("/login", data={"password": PASSWORD}, headers=stale)).cookies[KEY]
            assert login.browsers.known(other) is None, "it is signed in again by that which is known"
        async with _browser(None) as client:
            first = await client.get("/parts", headers={"Cookie": f"{SECRET}=first; {SECRET}=second"})
            assert first.text == await _owner(None, {SECRET: "first"})
        assert login.browsers.signed_in(fresh)

    run(send())


@pytest.mark.parametrize("path", ["/login", "/sign-out", "/gradio_api/upload"])
def test_an_origin_that_is_no_address_is_foreign(login: Login, path: str) -> None:
    async def send() -> None:
        for served in (login, None):
            async with _browser(served) as client:
                assert (await client.post(path, headers={"Origin": "http://["})).status_code == 403

    run(send())


def test_what_cannot_be_kept_is_told_and_not_done(login: Login, tmp_path: Path) -> None:
    async def fail() -> None:
        held = await _signed_in(login, {})
        (tmp_path / "browsers.sqlite").write_bytes(b"none of ours" * 1000)
        async with _browser(login, **held) as client:
            answer = await client.post("/sign-out")
            assert (answer.status_code, answer.cookies) == (503, {})
            assert "You are still signed in." in answer.text
        assert await _owner(login, held)
        async with _browser(login) as client:
            answer = await client.post("/login", data={"password": PASSWORD})
            assert (answer.status_code, answer.cookies) == (503, {})
            assert "see that the disk has room" in answer.text

    run(fail())


def test_the_page_is_not_kept_by_a_browser_that_may_sign_out(login: Login) -> None:
    async def open_page() -> None:
        async with _browser(login, **await _signed_in(login, {})) as client:
            assert (await client.get("/")).headers["cache-control"] == "no-store"

    run(open_page())


def test_who_signs_out_is_on_the_page_itself(login: Login) -> None:
    async def leave() -> None:
        held = await _signed_in(login, {})
        async with _browser(login, **held) as client:
            for origin in ("http://elsewhere.example", "null", "http://localhost.elsewhere.example"):
                assert (await client.post("/sign-out", headers={"Origin": origin})).status_code == 403
            assert (await client.get("/sign-out")).status_code == 405
        assert await _owner(login, held)
        async with _browser(login) as client:
            assert (await client.post("/sign-out")).status_code == 401

    run(leave())


def test_guesses_are_told_to_wait(login: Login) -> None:
    async def guess() -> None:
        async with _browser(login) as client:
            many = (client.post("/login", data={"password": "wrong"}) for _ in range(3 * turnstile._WAITING))
            answers = await asyncio.gather(*many)
            statuses = [answer.status_code for answer in answers]
            assert statuses.count(401) == turnstile._WAITING
            assert statuses.count(429) == 2 * turnstile._WAITING
            refused = answers[statuses.index(429)]
            assert refused.headers["retry-after"] == str(turnstile._WAITING)
            assert "try again in 16 seconds" in refused.text
            assert "This is not the password." in answers[statuses.index(401)].text
            assert all(not answer.cookies for answer in answers)
            assert (await client.post("/login", content=b"password=" + b"x" * 5000)).status_code == 413

    run(guess())


@dataclass
class _Left:
    """A browser that sends a guess, and leaves."""

    leaves: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[Message] = field(default_factory=list)
    sent: bool = False

    async def receive(self) -> Message:
        if not self.sent:
            self.sent = True
            return {"type": "http.request", "body": b"password=wrong"}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.told.append(message)


def _request(method: str, path: str, cookies: dict[str, str]) -> Scope:
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
    return {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers, "client": None}


def test_who_leaves_keeps_no_place(login: Login) -> None:
    async def leave() -> None:
        guard = Guard(_page, "lib", login)
        left = [_Left() for _ in range(turnstile._WAITING)]
        guesses = [
            asyncio.ensure_future(guard(_request("POST", "/login", {}), each.receive, each.send)) for each in left
        ]
        await asyncio.sleep(0.5)
        begun = asyncio.get_running_loop().time()
        for each in left:
            each.leaves.set()
        await asyncio.gather(*guesses)
        assert await login.is_right(b"password=correct+horse", "", "")
        assert asyncio.get_running_loop().time() - begun <= 1

    run(leave())


@pytest.mark.parametrize("path", ["/gradio_api/heartbeat/abc", "/gradio_api/queue/data"])
def test_a_stream_ends_when_its_browser_signs_out(login: Login, path: str) -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"secret", "more_body": True})
            await asyncio.sleep(1)

    async def leave() -> None:
        guard = Guard(endless, "lib", login)
        mine, others = await _signed_in(login, {}), await _signed_in(login, {})
        streams = [(_Left(), cookies) for cookies in (mine, mine, others)]
        running = [
            asyncio.ensure_future(guard(_request("GET", path, cookies), each.receive, each.send))
            for each, cookies in streams
        ]
        await asyncio.sleep(3.5)
        out = _Left()
        await guard(_request("POST", "/sign-out", mine), out.receive, out.send)
        assert out.told[0]["status"] == 303
        counts = [len(each.told) for each, _ in streams]
        await asyncio.sleep(10)
        for (each, cookies), count, work in zip(streams, counts, running, strict=True):
            if cookies is mine:
                assert work.done()
                assert each.told[count:] == [{"type": "http.response.body"}]
            else:
                assert len(each.told) > count + 5
                work.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        assert guard._answering == {}

    run(leave())


@pytest.mark.parametrize("path", ["/pages/1.png", "/parts", "/conversations/a.json", "/"])
def test_an_answer_that_is_being_made_when_its_browser_signs_out_is_not_given(login: Login, path: str) -> None:
    made = asyncio.Event()

    async def make(scope: Scope, receive: Receive, send: Send) -> None:
        await made.wait()
        await PlainTextResponse("secret")(scope, receive, send)

    async def leave() -> list[Message]:
        guard, mine = Guard(make, "lib", login), await _signed_in(login, {})
        asks, out = _Left(), _Left()
        answering = asyncio.ensure_future(guard(_request("GET", path, mine), asks.receive, asks.send))
        await asyncio.sleep(1)
        await guard(_request("POST", "/sign-out", mine), out.receive, out.send)
        made.set()
        await answering
        assert guard._answering == {}
        return asks.told

    assert run(leave())[0]["status"] == 401


def test_an_answer_of_known_length_that_has_begun_is_given_whole(login: Login) -> None:
    """The server could only break the connection off."""

    async def give(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
        await asyncio.sleep(5)
        await send({"type": "http.response.body", "body": b"secret"})

    async def leave() -> list[Message]:
        guard, mine = Guard(give, "lib", login), await _signed_in(login, {})
        asks, out = _Left(), _Left()
        answering = asyncio.ensure_future(guard(_request("GET", "/parts", mine), asks.receive, asks.send))
        await asyncio.sleep(1)
        await guard(_request("POST", "/sign-out", mine), out.receive, out.send)
        await answering
        return asks.told

    assert [message.get("body") for message in run(leave())] == [None, b"secret"]


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/upload"])
def test_what_is_half_sent_when_its_browser_signs_out_is_not_taken(login: Login, path: str) -> None:
    taken = []

    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        taken.append(await Request(scope, receive).body())
        await PlainTextResponse("taken")(scope, receive, send)

    async def trickle() -> list[Message]:
        guard, mine = Guard(take, "lib", login), await _signed_in(login, {})
        out, rest, told = _Left(), asyncio.Event(), list[Message]()

        async def receive() -> Message:
            await rest.wait()
            return {"type": "http.request", "body": b'{"session_hash": "a"}'}

        async def send(message: Message) -> None:
            told.append(message)

        sending = asyncio.ensure_future(guard(_request("POST", path, mine), receive, send))
        await asyncio.sleep(1)
        await guard(_request("POST", "/sign-out", mine), out.receive, out.send)
        rest.set()
        await sending
        return told

    assert run(trickle())[0]["status"] == 401
    assert taken == []


def test_a_proxy_is_named_by_its_address() -> None:
    assert proxies("127.0.0.1, 10.0.0.0/8,") == ("127.0.0.1", "10.0.0.0/8")
    assert proxies("") == ()
    for wrong in ("*", "proxy.example", "10.0.0.1/8"):
        with pytest.raises(FootnoteError, match="no address of a proxy"):
            proxies(wrong)


def test_where_a_request_comes_from_is_what_a_named_proxy_says(monkeypatch: pytest.MonkeyPatch) -> None:
    senders: list[str] = []
    monkeypatch.setattr("web.login._sender", lambda address: senders.append(address) or address)
    told = {"X-Forwarded-For": "6.6.6.6, 10.0.0.7", "X-Forwarded-Proto": "https", "Forwarded": "for=6.6.6.6"}
    for trusted, sender, is_secure in (((), "127.0.0.1", False), (("127.0.0.0/8",), "10.0.0.7", True)):
        with serving(as_footnote(fake()), password=PASSWORD, proxies=trusted) as url:
            answer = httpx.post(f"{url}login", data={"password": PASSWORD}, headers=told, trust_env=False)
            assert (senders.pop(), "; Secure" in answer.headers["set-cookie"]) == (sender, is_secure)
