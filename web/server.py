"""The server that a page runs on, in a thread of its own."""

import asyncio
import socket
from functools import partial
from threading import Thread
from time import sleep
from typing import Any, Literal, cast

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.route_utils import CustomCORSMiddleware
from starlette.types import ASGIApp

from index.errors import FootnoteError
from web.connections import BACKLOG, Connection, Limits
from web.subpath import SubPath

_LOOK = 0.01  # seconds between two looks at whether it has started
_PATIENCE = 5.0  # seconds that its end is waited for


class Server:
    """Serves an application at an address of this computer until it is closed.

    Attributes:
        port: The port that it is served on.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, limits: Limits) -> None:
        """Begin to serve; on a port that is free where `port` is 0.

        Raises:
            FootnoteError: There is no such address, another program has it, or the application does not start.
        """
        try:
            bound = socket.create_server((host, port), backlog=BACKLOG)
        except OSError as error:
            raise FootnoteError(f"The page cannot be served at {host}:{port} ({error.strerror or error}).") from error
        self.port = int(bound.getsockname()[1])
        config = uvicorn.Config(
            app,
            http=cast(Any, partial(Connection, limits=limits)),
            ws="none",  # the page has no websockets
            timeout_keep_alive=int(limits.idle),
            backlog=BACKLOG,
            log_level="error",  # what others send that is no request is not worth a line
            access_log=False,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=[[bound]], daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise FootnoteError("The page cannot be served; see above why.")
            sleep(_LOOK)

    def close(self) -> None:
        """End it."""
        self._server.should_exit = True
        self._thread.join(_PATIENCE)


class Ending(asyncio.Event):
    """The event on which a page's streams end. Any thread may set it, as the one that closes the page does.

    Gradio's own is set in that thread, while the server's may just be changing the list of those that wait for it.
    """

    def __init__(self) -> None:
        """Nobody waits yet."""
        super().__init__()
        self._waited_in: asyncio.AbstractEventLoop | None = None

    async def wait(self) -> Literal[True]:
        """Wait until it is set."""
        self._waited_in = asyncio.get_running_loop()
        return await super().wait()

    def set(self) -> None:
        """Have those go on that wait for it, in their own loop."""
        if self._waited_in is None or self._waited_in.is_closed():
            super().set()
        else:
            self._waited_in.call_soon_threadsafe(super().set)


def start(page: gr.Blocks, host: str, port: int, *, limits: Limits, root_path: str = "", **options: Any) -> None:
    """Serve a page as its own `launch` does, which leaves open how connections are dealt with; `close` ends it.

    Args:
        page: The page, which gets its address.
        host: The address to serve it on.
        port: The port; 0 for one that is free.
        root_path: The path under which a proxy has it.
        limits: What a browser may take of the server.
        options: Of `gradio.mount_gradio_app`.
    """
    around = gr.mount_gradio_app(
        FastAPI(openapi_url=None, redirect_slashes=False), page, path="", root_path=root_path, **options
    )
    app = cast(Any, around.routes[-1]).app
    # It would answer other sites' pages before the guard does, and none of them has a part in this one.
    app.user_middleware = [layer for layer in app.user_middleware if layer.cls is not CustomCORSMiddleware]
    app.stop_event = Ending()
    launched: Any = page
    launched.app = launched.server_app = app
    launched.server = Server(SubPath(around, root_path), host, port, limits)
    launched.local_url = f"http://{'localhost' if host == '0.0.0.0' else host}:{launched.server.port}/"
