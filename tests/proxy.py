"""A little proxy, for tests: passes on what is under one of its paths, as people set up theirs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from eval.served import free_port


@dataclass(frozen=True, slots=True)
class Proxy:
    """How it passes requests on.

    Attributes:
        port: Of the page.
        path: What requests are passed on that are under it.
        strips: Whether it takes that path off.
        host: What it puts in the Host header's place; "" where it keeps that.
    """

    port: int
    path: str = "/docs"
    strips: bool = True
    host: str = ""

    async def passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on the one request of a connection, and the answer as it comes."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            method, path, version = head[0].split(" ")
            if not path.startswith(self.path):
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            named = [each.partition(": ") for each in head[1:]]
            kept = [f"{name}: {value}" for name, _, value in named if name.lower() not in ("connection", "host")]
            host = self.host or next(value for name, _, value in named if name.lower() == "host")
            length = next((int(value) for name, _, value in named if name.lower() == "content-length"), 0)
            path = (path[len(self.path) :] or "/") if self.strips else path
            lines = [
                f"{method} {path} {version}",
                f"Host: {host}",
                "X-Forwarded-Proto: http",
                "Connection: close",
                *kept,
            ]
            await self._answered("\r\n".join([*lines, "", ""]).encode("latin-1"), reader, writer, length)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answered(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int
    ) -> None:
        answer, page = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            page.write(head + await reader.readexactly(length))
            while part := await answer.read(65_536):
                writer.write(part)
                await writer.drain()
        finally:
            page.close()


@contextmanager
def passing_on(proxy: Proxy) -> Iterator[str]:
    """The address of a proxy, up while the block runs; the page is under its path."""
    port, ready, ended = free_port(), Event(), Event()

    async def serve() -> None:
        server = await asyncio.start_server(proxy.passed_on, "127.0.0.1", port)
        ready.set()
        await asyncio.to_thread(ended.wait)
        server.close()

    thread = Thread(target=asyncio.run, args=[serve()], daemon=True)
    thread.start()
    ready.wait(60)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        ended.set()
        thread.join(60)
