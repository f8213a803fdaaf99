"""Guard: what the page's server answers, to whom, and what it forbids the browser.

Gradio serves far more than the chat page needs: a route that fetches any address for the caller, a proxy, a monitoring
page. Only what the page asks for is served here. Gradio also takes a browser's word for which session is its own; here
every session's name is mixed with a secret that only that browser holds, so that the same name sent by another browser
is another session. The page is told whose request it is by a name made of the same secret.
"""

import hmac
import json
import re
import secrets
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.llm import LOOPBACK
from web import peer
from web.login import Login, asking

OWNER = "footnote-owner"
"""The request header that tells the page whose request it is; what a browser sends under this name is dropped."""

SELF = "footnote-self"
"""Likewise, whether it comes from a program of the user who runs the page: "yes", or it is not there."""

_OPEN = re.compile(
    r"(?:GET|HEAD) /(?:|assets/.+|static/.+|theme\.css|favicon\.ico|gradio_api/startup-events|gradio_api/heartbeat/\w+"
    r"|gradio_api/queue/data|gradio_api/upload_progress|conversations/\w+\.(?:md|json)|pages/[1-9]\d*\.png|parts)"
    r"|POST /gradio_api/(?:queue/join|upload)"
)
# What is a browser's own, or comes from the documents: never embedded by another site's page.
_OWN = re.compile(r"\w+ /(?:gradio_api/(?:heartbeat|queue)/.+|conversations/.+|pages/.+|parts)|POST /.+")
_SAID = {"wrong": "That was another one. The password:", "waiting": "One after another. The password:"}
_SECRET = 32  # bytes
_GIVEN = re.compile(r"[\w-]{1,128}", re.ASCII)
_KEY = "-key"  # ends the name of the cookie that shows that the password was told
_NAMED_IN_PATH = "/gradio_api/heartbeat/"
_NAMED_IN_QUERY = "/gradio_api/queue/data"
_JOIN = "/gradio_api/queue/join"
_NAME = "session_hash"
_FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
_YEAR = 365 * 24 * 60 * 60  # seconds that a browser keeps its secret, and with it its conversations
_MOST_ASKED = 2**20  # bytes of a request that names a session: a question, a click, a list of uploaded files

# Scripts are those of the page's own files and those that stand in the page as it is served, each by its hash: nothing
# that a document or an answer smuggles in runs. Gradio builds functions and styles from strings, hence the two "unsafe"
# words. Nothing can be sent to another machine, and no other page can frame this one.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)

# What Gradio asks of its own server while it starts, before anyone can tell it a password.
_STARTING = re.compile(r"HEAD /|GET /gradio_api/startup-events")


class Guard:
    """ASGI middleware around Gradio's application."""

    def __init__(self, app: ASGIApp, name: str, login: Login | None = None) -> None:
        """Guard `app`, whose library has this name, and which is only opened after this login where there is one."""
        self._app = app
        self._login = login
        self._cookie = f"footnote-{name}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is closed, pass on the rest with its session's name mixed and the browser's orders added."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # the page has none
            return
        visitor = self._given(scope, self._cookie)
        _name_owner(scope, visitor)
        if self._login is None:
            _name_self(scope)
        refusal = self._strange(scope) or await self._locked(scope, receive, visitor) or _closed(scope, visitor)
        if refusal is None and visitor is not None and _names_session(scope):
            refusal, receive = await _mixed(scope, receive, visitor)
        if refusal is not None:
            await refusal(scope, receive, _ordering(send, []))
            return
        kept = self._orders(visitor or secrets.token_urlsafe(_SECRET)) if scope["path"] == "/" else []
        await self._app(scope, receive, _ordering(send, kept))

    def _strange(self, scope: Scope) -> Response | None:
        """What is said to a request that comes by another name or from another site's page; None to others."""
        headers = Headers(scope=scope)
        # Another name in the Host header is how a foreign page reaches a local one (DNS rebinding). Where there is a
        # password it would find nothing: a browser keeps the key for the name under which it told the password.
        if self._login is None and _host(headers.get("host", "")) not in LOOPBACK:
            return PlainTextResponse("This address is not served here.", 421)
        if _foreign(scope["method"], headers):
            return PlainTextResponse("Footnote takes this from its own page only.", 403)
        return None

    async def _locked(self, scope: Scope, receive: Receive, visitor: str | None) -> Response | None:
        """What is said to a browser that has not told the password, or tells it now; None to others."""
        if self._login is None or _is(_STARTING, scope):
            return None
        known = self._login.knows(visitor, self._given(scope, self._cookie + _KEY))
        if scope["path"] == "/login":
            told = known or scope["method"] != "POST"
            return RedirectResponse("./", 303) if told else await self._told(self._login, scope, receive, visitor)
        if known:
            return None
        return asking("The password:") if scope["path"] == "/" else PlainTextResponse("Tell the password first.", 401)

    async def _told(self, login: Login, scope: Scope, receive: Receive, visitor: str | None) -> Response:
        """What is said to a browser that tells the password."""
        sender = scope["client"][0] if scope.get("client") else ""
        verdict = await login.told(await _body(receive) or b"", sender)
        if verdict != "right":
            return asking(_SAID[verdict])
        answer = RedirectResponse("./", 303)
        for order in self._orders(visitor or secrets.token_urlsafe(_SECRET)):
            answer.headers.append("Set-Cookie", order)
        return answer

    def _orders(self, visitor: str) -> list[str]:
        """What a browser is told to keep, for a year from now: its secret, and the key to the page.

        It is sent along where a link elsewhere leads to the page, or its reader would be taken for a new one.
        """
        kept = {self._cookie: visitor}
        if self._login:
            kept[self._cookie + _KEY] = self._login.key(visitor)
        return [f"{name}={value}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax" for name, value in kept.items()]

    def _given(self, scope: Scope, name: str) -> str | None:
        """What this browser was given under a name, or None where it has nothing that was given here."""
        try:
            given = SimpleCookie(Headers(scope=scope).get("cookie", ""))
        except CookieError:
            return None
        return given[name].value if name in given and _GIVEN.fullmatch(given[name].value) else None


def _closed(scope: Scope, visitor: str | None) -> Response | None:
    """What is said to a request that the page does not make, or that is made without the page; None to others."""
    if not _is(_OPEN, scope):
        return PlainTextResponse("Footnote does not serve this.", 404)
    if visitor is None and _is(_OWN, scope):
        return PlainTextResponse("Open the page first.", 403)
    return None


def _is(asked: re.Pattern[str], scope: Scope) -> bool:
    """Whether a request is one of these."""
    return asked.fullmatch(f"{scope['method']} {scope['path']}") is not None


def _name_owner(scope: Scope, visitor: str | None) -> None:
    """Tell the page whose request it is, by a name that does not give the secret away; nobody's where there is none."""
    headers = MutableHeaders(scope=scope)
    del headers[OWNER], headers[SELF]
    if visitor is not None:
        headers[OWNER] = _mix(OWNER, visitor)


def _name_self(scope: Scope) -> None:
    """Tell the page where a request comes from the user who runs it.

    Not where a proxy passes it on: the server believes what such a header says of the sender, whoever sends it.
    """
    headers = MutableHeaders(scope=scope)
    if scope["path"] == _JOIN and _FORWARDED.isdisjoint(headers) and peer.is_own(scope["client"], scope["server"]):
        headers[SELF] = "yes"


def _names_session(scope: Scope) -> bool:
    """Whether a request says which session it belongs to."""
    path = str(scope["path"])
    return path.startswith(_NAMED_IN_PATH) or path in (_JOIN, _NAMED_IN_QUERY)


async def _mixed(scope: Scope, receive: Receive, visitor: str) -> tuple[Response | None, Receive]:
    """Put the mixed name in place of the session's, in the path, the query or the body of a request that says it."""
    path = scope["path"]
    if path.startswith(_NAMED_IN_PATH):
        scope["path"] = _NAMED_IN_PATH + _mix(path.removeprefix(_NAMED_IN_PATH), visitor)
        return None, receive
    if path == _NAMED_IN_QUERY:
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        asked[_NAME] = _mix(asked.get(_NAME, ""), visitor)
        scope["query_string"] = urlencode(asked).encode()
        return None, receive
    body = await _body(receive)
    if body is None:
        return PlainTextResponse("This is more than a page sends.", 413), receive
    try:
        told = json.loads(body)
        told[_NAME] = _mix(str(told[_NAME]), visitor)
    except (ValueError, TypeError, KeyError):
        return PlainTextResponse("This request cannot be read.", 400), receive
    return None, _resent(scope, json.dumps(told).encode(), receive)


def _mix(name: str, visitor: str) -> str:
    """A name that only the browser with this secret can name."""
    return hmac.digest(visitor.encode(), name.encode(), "sha256").hex()


async def _body(receive: Receive) -> bytes | None:
    """A request's body, or None where it is larger than any of the page's."""
    body = b""
    while len(body) <= _MOST_ASKED:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body
    return None


def _resent(scope: Scope, body: bytes, receive: Receive) -> Receive:
    """A `receive` that first gives this body, its length in the headers."""
    MutableHeaders(scope=scope)["content-length"] = str(len(body))
    left = [body]

    async def resent() -> Message:
        return {"type": "http.request", "body": left.pop()} if left else await receive()

    return resent


def _foreign(method: str, headers: Headers) -> bool:
    """Whether another site's page sends something here: a browser names the origin of what it sends."""
    origin = headers.get("origin")
    return method not in ("GET", "HEAD") and origin is not None and urlsplit(origin).netloc != headers.get("host")


def _host(header: str) -> str:
    """The name in a Host header, without port and brackets."""
    name = header[: header.find("]") + 1] if header.startswith("[") else header.partition(":")[0]
    return name.strip("[]").lower()


def _ordering(send: Send, cookies: Sequence[str]) -> Send:
    """A `send` that adds the headers which tell a browser what the page may do, and its secret where it has none.

    A page is held back until all of it is there, since the headers name its scripts.
    """
    held: list[Message] = []

    async def ordered(message: Message) -> None:
        if message["type"] == "http.response.start" and not _is_page(message):
            _order(message, b"", cookies)
        elif message["type"] == "http.response.start" or held:
            held.append(message)
            if message.get("more_body", message["type"] == "http.response.start"):
                return
            _order(held[0], b"".join(each.get("body", b"") for each in held[1:]), cookies)
            for each in held[:-1]:
                await send(each)
        await send(message)

    return ordered


def _is_page(message: Message) -> bool:
    return MutableHeaders(raw=message["headers"]).get("content-type", "").startswith("text/html")


def _order(message: Message, page: bytes, cookies: Sequence[str]) -> None:
    """Add what the browser is told to the start of a response."""
    hashes = (b64encode(sha256(script).digest()).decode() for script in _INLINE.findall(page))
    headers = MutableHeaders(raw=message["headers"])
    headers["Content-Security-Policy"] = _POLICY.format(scripts="".join(f" 'sha256-{each}'" for each in hashes))
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"  # with none, a form of ours would name no origin
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    for cookie in cookies:
        headers.append("Set-Cookie", cookie)
