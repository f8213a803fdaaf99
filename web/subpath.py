"""The page at a sub-path: where a proxy hands on what is under one of its paths, with that path or without it."""

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SubPath:
    """ASGI middleware: what is within answers as if it were at the root, and finds the sub-path in `root_path`."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        """Have `app` at this sub-path, or "" at the root."""
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on under its own path."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._path and scope["path"] == self._path:  # beside it a browser would look for the page's files
            await RedirectResponse(f"{self._path}/", 308)(scope, receive, send)
        else:
            here = {**scope, "root_path": self._path, "path": self._own(scope["path"])}
            await self._app(here, receive, _unbuffered(send))

    def _own(self, path: str) -> str:
        """A path without the sub-path, which some proxies take off and others do not."""
        return path.removeprefix(self._path) if path.startswith(f"{self._path}/") else path


def _unbuffered(send: Send) -> Send:
    """A `send` that asks a proxy to hand on a stream as it comes, and not once much of it is there."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if headers.get("content-type", "").startswith("text/event-stream"):
                headers["X-Accel-Buffering"] = "no"
        await send(message)

    return sent
