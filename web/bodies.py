"""Bodies of requests: read piece by piece, put in place of those that came; and whether their sender is still there."""

from collections.abc import AsyncIterator

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope


async def pieces(receive: Receive) -> AsyncIterator[bytes]:
    """A request's body, as it comes."""
    more = True
    while more:
        message = await receive()
        yield bytes(message.get("body", b""))
        more = message.get("more_body", False)


def resent(scope: Scope, body: bytes, receive: Receive) -> Receive:
    """A `receive` that first gives this body, its length in the headers."""
    MutableHeaders(scope=scope)["content-length"] = str(len(body))
    bodies = [body]

    async def receiving() -> Message:
        return {"type": "http.request", "body": bodies.pop()} if bodies else await receive()

    return receiving


async def left(receive: Receive) -> None:
    """Wait until whoever sent a request, whose body is read, has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
