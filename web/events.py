"""Events: what a browser sends of what its reader does, in the one form that the page's handlers take.

Gradio itself takes it for granted: what no page sends ends in an exception there, or in a handler.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qs

import gradio as gr
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from web import access
from web.bodies import pieces, resent

Kind = Literal["state", "text", "files"]
"""What a handler takes: what the server keeps, a text, or files that were sent before."""

_LONGEST = 32_768  # bytes of a path and what is asked of it: an id of 1,000 characters, each of which may be nine
_OF_COMPONENTS: dict[type, Kind] = {gr.State: "state", gr.Textbox: "text", gr.UploadButton: "files"}


class _File(BaseModel):
    """A file that was sent before, as Gradio names it."""

    path: str
    url: str | None = None
    size: int | None = None
    orig_name: str | None = None
    mime_type: str | None = None
    is_stream: bool = False
    meta: dict[str, str] = Field(default_factory=dict)


class _Event(BaseModel):
    """Something that a reader does."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    session_hash: str = Field(max_length=128)
    fn_index: int
    data: list[list[_File] | str | None]
    event_data: Any = None
    trigger_id: int | None = None


class Events:
    """ASGI middleware that passes on events in that form, and what else is asked of the page where it can be."""

    def __init__(self, app: ASGIApp, page: gr.Blocks) -> None:
        """Stand before the application of a page."""
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what no page sends, pass on the rest."""
        refusal: Response | None = None
        if scope["type"] == "http":
            if len(scope["path"]) + len(scope["query_string"]) > _LONGEST:
                refusal = PlainTextResponse("This address is too long.", 414)
            elif scope["path"] == access.JOIN:
                refusal, receive = await self._joined(scope, receive)
            elif scope["path"] == access.DATA:
                refusal = self._unknown(scope)
            elif scope["path"] == "/":
                scope["query_string"] = b""  # of which the page has no use
        await (refusal or self._app)(scope, receive, send)

    async def _joined(self, scope: Scope, receive: Receive) -> tuple[Response | None, Receive]:
        """Bring an event into its form; what is said where it has none, and what gives its body."""
        try:
            event = _Event.model_validate_json(b"".join([piece async for piece in pieces(receive)]))
            event.data = _fitting(event.data, _kinds(self._page, event.fn_index))
            event.event_data = _plain(event.event_data)
            body = event.model_dump_json().encode()
        except (ValidationError, LookupError, TypeError):
            return PlainTextResponse("The page does not send such requests.", 400), receive
        MutableHeaders(scope=scope)["content-type"] = "application/json"
        return None, resent(scope, body, receive)

    def _unknown(self, scope: Scope) -> Response | None:
        """What is said to who wants to hear of a session in which nothing was asked; None to others."""
        names = parse_qs(scope["query_string"].decode("latin-1")).get(access.SESSION, [""])
        known: Mapping[str, object] = self._page._queue.pending_messages_per_session
        return None if names[0] in known else PlainTextResponse("Nothing was asked in this session.", 404)


def _kinds(page: gr.Blocks, number: int) -> Sequence[Kind]:
    """What the handler of a number takes.

    Raises:
        LookupError: There is none.
    """
    return [
        next(kind for component, kind in _OF_COMPONENTS.items() if isinstance(taken, component))
        for taken in page.fns[number].inputs
    ]


def _fitting(values: Sequence[Any], kinds: Sequence[Kind]) -> list[Any]:
    """Values for a handler that takes these kinds; the server knows itself what it keeps.

    Raises:
        TypeError: They do not fit.
    """
    if len(values) != len(kinds) or not all(map(_fits, values, kinds)):
        raise TypeError("These are not the values that the handler takes.")
    return list(values)


def _fits(value: object, kind: Kind) -> bool:
    fitting: dict[Kind, type] = {"state": type(None), "text": str, "files": list}
    return isinstance(value, fitting[kind])


def _plain(details: object) -> dict[str, object]:
    """The details of an event that are words, numbers, or lists of words, each under its name."""
    return {name: value for name, value in details.items() if _is_plain(value)} if isinstance(details, dict) else {}


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | float | bool)
