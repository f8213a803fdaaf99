"""Guard: what the page's server refuses, and what it forbids the browser.

Gradio serves more than the chat page: a route that fetches any address for the caller, a proxy, a
monitoring page, a description of its own routes. Footnote needs none of them, so none of them answers.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CLOSED = (
    "/gradio_api/file",
    "/gradio_api/proxy",
    "/gradio_api/openapi.json",
    "/openapi.json",
    "/docs",
    "/redoc",
    "/gradio_api/run-history",
    "/gradio_api/runs",
    "/gradio_api/process_recording",
    "/gradio_api/deep_link",
    "/monitoring",
)

# Gradio's page builds functions and styles from strings, hence the two "unsafe" words. What matters
# here: nothing on the page can send anything to another machine, and no other page can frame it.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)

# Another name in the Host header is how a foreign page reaches a local one (DNS rebinding).
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Guard:
    """ASGI middleware around Gradio's application."""

    def __init__(self, app: ASGIApp) -> None:
        """Guard `app`, which listens on loopback only."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is closed, pass on the rest with the browser's orders added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _host(Headers(scope=scope).get("host", "")) not in _LOOPBACK:
            await PlainTextResponse("This address is not served here.", 421)(scope, receive, send)
        elif _foreign(scope["method"], Headers(scope=scope)):
            await PlainTextResponse("Footnote takes this from its own page only.", 403)(scope, receive, send)
        elif scope["path"].startswith(_CLOSED):
            await PlainTextResponse("Footnote does not serve this.", 404)(scope, receive, send)
        else:
            await self._app(scope, receive, _ordering(send))


def _foreign(method: str, headers: Headers) -> bool:
    """Whether another site's page sends something here: a browser names the origin of what it sends."""
    origin = headers.get("origin")
    return method not in ("GET", "HEAD") and origin is not None and urlsplit(origin).netloc != headers.get("host")


def _host(header: str) -> str:
    """The name in a Host header, without port and brackets."""
    name = header[: header.find("]") + 1] if header.startswith("[") else header.partition(":")[0]
    return name.strip("[]").lower()


def _ordering(send: Send) -> Send:
    """A `send` that adds the headers which tell a browser what the page may do."""

    async def ordered(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = _POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
        await send(message)

    return ordered
