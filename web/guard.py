"""Guard: what the page's server answers, to whom, and what it forbids the browser.

Gradio serves far more than the chat page needs: a route that fetches any address for the caller, a proxy, a monitoring
page. Only what the page asks for is served here. Gradio also takes a browser's word for which session is its own; here
every session's name is mixed with a secret that only that browser holds, so that the same name sent by another browser
is another session. The page is told whose request it is by a name that does not give that secret away.
"""

import asyncio
import hmac
import json
import re
import secrets
from base64 import b64encode
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.errors import LibraryError
from rag.llm import LOOPBACK
from web import access, peer
from web.access import Standing
from web.bodies import left, pieces, resent
from web.login import Login, asking
from web.turnstile import Crowded

OWNER = "footnote-owner"
"""The request header that tells the page whose request it is; what a browser sends under this name is dropped."""

SELF = "footnote-self"
"""Likewise, whether it comes from a program of the user who runs the page: "yes", or it is not there."""

_SECRET = 32  # bytes
_GIVEN = re.compile(r"[\w-]{1,128}", re.ASCII)
_KEY = "-key"  # ends the name of the cookie that holds the secret of a browser that has signed in
_FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
_OTHER_HOSTS = ("x-forwarded-host", "x-gradio-server")
_YEAR = 365 * 24 * 60 * 60  # seconds that a browser keeps its secret, and with it its conversations
_MOST_ASKED = 2**20  # bytes of a request that names a session: a question, a click, a list of uploaded files
_MOST_OF_PASSWORD = 2**12  # bytes of a form with a password
_SIGN_IN_FIRST = "Sign in first."

# Scripts are those of the page's own files and those that stand in the page as it is served, each by its hash: nothing
# that a document or an answer smuggles in runs. Gradio builds functions and styles from strings, hence the two "unsafe"
# words. Nothing can be sent to another machine, and no other page can frame this one.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sends a request.

    Attributes:
        standing: What is known of them.
        secret: What only their browser holds, and what its sessions' names are mixed with; "" where it holds nothing.
        owner: The name under which their conversations are kept; "" where there can be none.
    """

    standing: Standing
    secret: str = ""
    owner: str = ""


class Guard:
    """ASGI middleware around Gradio's application."""

    def __init__(self, app: ASGIApp, name: str, login: Login | None = None) -> None:
        """Guard `app`, whose library has this name, and which is only opened after this login where there is one."""
        self._app = app
        self._login = login
        self._cookie = f"footnote-{name}"
        self._doors = access.WITH_PASSWORD if login else access.ALWAYS
        self._answering: dict[str, set[asyncio.Task[None]]] = {}  # by the secret of the browser that is answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is closed, pass on the rest with its session's name mixed and the browser's orders added."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # the page has none
            return
        visitor = self._visitor(scope)
        _name_owner(scope, visitor)
        if self._login is None:
            _name_self(scope)
        _hide_other_hosts(scope)
        refusal = self._strange(scope) or self._closed(scope, visitor)
        if refusal is None and self._login:
            refusal = await self._passing(self._login, scope, receive, visitor)
        if refusal is None and _names_session(scope):
            refusal, receive = await _mixed(scope, receive, visitor.secret)
            refusal = refusal or self._left(scope, visitor)
        if refusal is not None:
            await refusal(scope, receive, _ordering(send, []))
            return
        orders = self._orders(scope, visitor) if (scope["method"], scope["path"]) == ("GET", "/") else []
        await self._passed_on(scope, receive, _ordering(send, orders), visitor)

    def _visitor(self, scope: Scope) -> Visitor:
        """Whoever sends a request."""
        if self._login is None:
            secret = self._opened(scope)
            return Visitor(Standing.KNOWN, secret, _mix(OWNER, secret)) if secret else Visitor(Standing.GUEST)
        secret = self._key(scope, self._login)
        browser = self._login.browsers.signed_in(secret)
        if browser is None:
            return Visitor(Standing.STRANGER)
        self._login.browsers.came_back(secret)
        return Visitor(Standing.SIGNED_IN, secret, browser.owner)

    def _strange(self, scope: Scope) -> Response | None:
        """What is said to a request that comes by another name or from another site's page; None to others."""
        headers = Headers(scope=scope)
        # Another name in the Host header is how a foreign page reaches a local one (DNS rebinding). Where there is a
        # password it would find nothing: a browser keeps its secret for the name under which it signed in.
        if self._login is None and _host(headers.get("host", "")) not in LOOPBACK:
            return PlainTextResponse("This address is not served here.", 421)
        if _foreign(scope["method"], headers):
            return PlainTextResponse("Footnote takes this from its own page only.", 403)
        return None

    def _closed(self, scope: Scope, visitor: Visitor) -> Response | None:
        """What is said to a request that is closed, or closed to this visitor; None to others."""
        method, path = scope["method"], scope["path"]
        least = access.least(self._doors, method, path)
        if least is not None and visitor.standing >= least:
            return None
        if visitor.standing is Standing.STRANGER:
            return asking() if path == "/" else PlainTextResponse(_SIGN_IN_FIRST, 401)
        if least is not None:
            return PlainTextResponse("Open the page first.", 403)
        others = access.methods(self._doors, path)
        if others:
            return PlainTextResponse("Footnote does not accept this method here.", 405, {"Allow": ", ".join(others)})
        return PlainTextResponse("Footnote does not serve this.", 404)

    def _left(self, scope: Scope, visitor: Visitor) -> Response | None:
        """What is said to a browser that has signed out while it sent the rest of a request; None to others."""
        still = self._visitor(scope).standing >= visitor.standing
        return None if still else PlainTextResponse(_SIGN_IN_FIRST, 401)

    async def _passing(self, login: Login, scope: Scope, receive: Receive, visitor: Visitor) -> Response | None:
        """What is said to a browser that signs in or out; None to others."""
        if scope["path"] == access.SIGN_OUT:
            return self._signed_out(login, scope, visitor)
        if scope["path"] != access.SIGN_IN:
            return None
        if visitor.standing is Standing.SIGNED_IN or scope["method"] == "GET":
            return RedirectResponse("./", 303)
        return await self._signed_in(login, scope, receive)

    async def _signed_in(self, login: Login, scope: Scope, receive: Receive) -> Response:
        """What is said to a browser that sends a password."""
        form = await _body(receive, _MOST_OF_PASSWORD)
        if form is None:
            return PlainTextResponse("This form is too large for a password.", 413)
        secret = self._key(scope, login)
        sender = scope["client"][0] if scope.get("client") else ""
        try:
            right = await _unless_left(receive, login.is_right(form, secret, sender))
            if not right:
                return asking("This is not the password.")
            unlocked = self._opened(scope)
            fresh = await login.sign_in(secret, _mix(OWNER, unlocked) if unlocked else "")
        except Crowded as crowd:
            answer = asking(f"Too many sign-in attempts are waiting; try again in {crowd.seconds} seconds.", 429)
            answer.headers["Retry-After"] = str(crowd.seconds)
            return answer
        except LibraryError as error:
            return asking(str(error), 503)
        return self._sent_home(scope, fresh)

    def _signed_out(self, login: Login, scope: Scope, visitor: Visitor) -> Response:
        """What is said to a browser that signs out: nothing more is sent to it, also of what is under way."""
        try:
            fresh = login.browsers.sign_out(visitor.secret)
        except LibraryError as error:
            return PlainTextResponse(f"You are still signed in. {error}", 503)
        for answering in self._answering.pop(visitor.secret, ()):
            answering.cancel()
        return self._sent_home(scope, fresh)

    def _sent_home(self, scope: Scope, secret: str) -> Response:
        """An answer that gives a browser the secret that it has from now on, and shows it the page."""
        answer = RedirectResponse("./", 303)
        answer.headers.append("Set-Cookie", _kept(scope, self._cookie + _KEY, secret))
        return answer

    def _orders(self, scope: Scope, visitor: Visitor) -> list[tuple[str, str]]:
        """The headers that come with the page: what its browser has to keep, for a year from now, and what not."""
        if self._login is None:
            secret = visitor.secret or secrets.token_urlsafe(_SECRET)
            return [("Set-Cookie", _kept(scope, self._cookie, secret))]
        renewed = _kept(scope, self._cookie + _KEY, visitor.secret)
        return [("Set-Cookie", renewed), ("Cache-Control", "no-store")]  # nor shown once more after it has signed out

    def _opened(self, scope: Scope) -> str:
        """The secret that this browser got when it opened the page without a password, or ""."""
        return next(iter(_cookies(scope, self._cookie)), "")

    def _key(self, scope: Scope, login: Login) -> str:
        """The secret that this browser got when it signed in or out last, or "".

        Of several, which it has where the page was served at another path before, the one that opens most.
        """
        keys = _cookies(scope, self._cookie + _KEY)
        for opens in (login.browsers.signed_in, login.browsers.known, bool):
            if key := next(filter(opens, keys), ""):
                return key
        return ""

    async def _passed_on(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor) -> None:
        """Have a request answered; where its browser signs out meanwhile, the answer ends.

        One whose length is known goes out whole once it has begun: all of it was there before.
        """
        if visitor.standing is not Standing.SIGNED_IN:
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start" and "content-length" in Headers(raw=message["headers"]):
                answers.discard(answering)
            await send(message)

        answering = asyncio.ensure_future(self._app(scope, receive, sent))
        answers = self._answering.setdefault(visitor.secret, set())
        answers.add(answering)
        try:
            await asyncio.wait({answering})
        finally:
            answering.cancel()
            answers.discard(answering)
            if not answers and self._answering.get(visitor.secret) is answers:
                del self._answering[visitor.secret]
        if not answering.cancelled():
            answering.result()  # raises what went wrong
        elif begun:
            await send({"type": "http.response.body"})
        else:
            await PlainTextResponse(_SIGN_IN_FIRST, 401)(scope, receive, send)


def _cookies(scope: Scope, name: str) -> list[str]:
    """All that a browser was given here under a name, that of the longest path first.

    What other pages of the same computer have it send beside that may be malformed.
    """
    pairs = (
        pair.strip().partition("=") for header in Headers(scope=scope).getlist("cookie") for pair in header.split(";")
    )
    return [value for given, _, value in pairs if given == name and _GIVEN.fullmatch(value)]


def _kept(scope: Scope, name: str, value: str) -> str:
    """The order to keep something for a year, for nobody's eyes; only for HTTPS where the page is reached by it.

    It is sent along where a link elsewhere leads to the page, or its reader would be taken for a new one.
    """
    secure, path = "; Secure" if scope.get("scheme") == "https" else "", scope.get("root_path") or "/"
    return f"{name}={value}; Path={path}; Max-Age={_YEAR}; HttpOnly; SameSite=Lax{secure}"


def _name_owner(scope: Scope, visitor: Visitor) -> None:
    """Tell the page whose request it is; nobody's where nobody's conversations can be kept."""
    headers = MutableHeaders(scope=scope)
    del headers[OWNER], headers[SELF]
    if visitor.owner:
        headers[OWNER] = visitor.owner


def _name_self(scope: Scope) -> None:
    """Tell the page where a request comes from the user who runs it.

    Not where a proxy passes it on: the server believes what such a header says of the sender, whoever sends it.
    """
    headers = MutableHeaders(scope=scope)
    if (
        scope["path"] == access.JOIN
        and _FORWARDED.isdisjoint(headers)
        and peer.is_own(scope["client"], scope["server"])
    ):
        headers[SELF] = "yes"


def _hide_other_hosts(scope: Scope) -> None:
    """Have the page go by the Host header, as is done here: Gradio would believe these, and breaks down at odd ones."""
    headers = MutableHeaders(scope=scope)
    for name in _OTHER_HOSTS:
        del headers[name]


def _is_stream(scope: Scope) -> bool:
    """Whether the answer to a request goes on for as long as its page is open."""
    path = str(scope["path"])
    return path.startswith(access.HEARTBEAT) or path == access.DATA


def _names_session(scope: Scope) -> bool:
    """Whether a request says which session it belongs to."""
    return _is_stream(scope) or scope["path"] == access.JOIN


async def _mixed(scope: Scope, receive: Receive, secret: str) -> tuple[Response | None, Receive]:
    """Put the mixed name in place of the session's, in the path, the query or the body of a request that says it."""
    path = scope["path"]
    if path.startswith(access.HEARTBEAT):
        scope["path"] = access.HEARTBEAT + _mix(path.removeprefix(access.HEARTBEAT), secret)
        return None, receive
    if path == access.DATA:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        query[access.SESSION] = _mix(query.get(access.SESSION, ""), secret)
        scope["query_string"] = urlencode(query).encode()
        return None, receive
    body = await _body(receive, _MOST_ASKED)
    if body is None:
        return PlainTextResponse("This is more than a page sends.", 413), receive
    try:
        event = json.loads(body)
        event[access.SESSION] = _mix(str(event[access.SESSION]), secret)
    except (ValueError, TypeError, KeyError, RecursionError):
        return PlainTextResponse("This request cannot be read.", 400), receive
    return None, resent(scope, json.dumps(event).encode(), receive)


def _mix(name: str, secret: str) -> str:
    """A name that only the browser with this secret can name."""
    return hmac.digest(secret.encode(), name.encode(), "sha256").hex()


async def _unless_left(receive: Receive, work: Coroutine[Any, Any, bool]) -> bool:
    """What some work comes to, or False where whoever sent the request leaves before."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else False
    finally:
        working.cancel()
        leaving.cancel()


async def _body(receive: Receive, most: int) -> bytes | None:
    """A request's body, or None where it has more bytes than this."""
    body = b""
    async for piece in pieces(receive):
        body += piece
        if len(body) > most:
            return None
    return body


def _foreign(method: str, headers: Headers) -> bool:
    """Whether another site's page sends something here: a browser names the origin of what it sends."""
    if method in ("GET", "HEAD") or "origin" not in headers:
        return False
    try:
        return urlsplit(headers["origin"]).netloc != headers.get("host")
    except ValueError:  # no browser sends that
        return True


def _host(header: str) -> str:
    """The name in a Host header, without port and brackets."""
    name = header[: header.find("]") + 1] if header.startswith("[") else header.partition(":")[0]
    return name.strip("[]").lower()


def _ordering(send: Send, orders: Sequence[tuple[str, str]]) -> Send:
    """A `send` that adds the headers which tell a browser what the page may do, and others.

    A page is held back until all of it is there, since the headers name its scripts.
    """
    held: list[Message] = []

    async def ordered(message: Message) -> None:
        if message["type"] == "http.response.start" and not _is_page(message):
            _order(message, b"", orders)
        elif message["type"] == "http.response.start" or held:
            held.append(message)
            if message.get("more_body", message["type"] == "http.response.start"):
                return
            _order(held[0], b"".join(part.get("body", b"") for part in held[1:]), orders)
            for earlier in held[:-1]:
                await send(earlier)
        await send(message)

    return ordered


def _is_page(message: Message) -> bool:
    return MutableHeaders(raw=message["headers"]).get("content-type", "").startswith("text/html")


@lru_cache(maxsize=4)
def _policy(page: bytes) -> str:
    """What a page may do; kept for the few that are served again and again, since all of it is looked through."""
    hashes = (b64encode(sha256(script).digest()).decode() for script in _INLINE.findall(page))
    return _POLICY.format(scripts="".join(f" 'sha256-{digest}'" for digest in hashes))


def _order(message: Message, page: bytes, orders: Sequence[tuple[str, str]]) -> None:
    """Add what the browser may do to the start of a response."""
    headers = MutableHeaders(raw=message["headers"])
    headers["Content-Security-Policy"] = _policy(page)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"  # with none, a form of ours would name no origin
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    for name, value in orders:
        headers.append(name, value)
