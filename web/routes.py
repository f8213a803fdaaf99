"""What is served beside Gradio's own: a reader's conversations to take away, printed pages and parts of documents."""

from collections.abc import Callable
from functools import partial
from typing import Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from index.document import Document, Span
from index.errors import FootnoteError
from rag.conversations import Conversations
from rag.footnote import Footnote
from web import export, viewer
from web.guard import OWNER

_WRITTEN = {"md": (export.markdown, "text/markdown"), "json": (export.as_json, "application/json")}


def routes(docs: Footnote) -> list[Route]:
    """The routes, of these documents."""
    served: list[tuple[str, Callable[[Footnote, Request], Response]]] = [
        ("/conversations/{id}.{form}", _conversation),
        ("/pages/{number:int}.png", _page),
        ("/parts", _part),
    ]
    return [Route(path, partial(_answered, answer, docs)) for path, answer in served]


def _answered(answer: Callable[[Footnote, Request], Response], docs: Footnote, request: Request) -> Response:
    """An answer, or the sentence that says why there is none."""
    try:
        return answer(docs, request)
    except FootnoteError as error:
        return PlainTextResponse(str(error), 404)
    except (KeyError, ValueError, IndexError, TypeError):
        return PlainTextResponse("There is nothing here under this address.", 404)


def _conversation(docs: Footnote, request: Request) -> Response:
    write, media_type = _WRITTEN[request.path_params["form"]]
    talk = Conversations(docs.library.home, request.headers[OWNER]).open(request.path_params["id"])
    name = quote(f"{talk.title}.{request.path_params['form']}", safe="")
    named = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(write(talk), media_type=media_type, headers=named)


def _page(docs: Footnote, request: Request) -> Response:
    """A page of a PDF as it is printed."""
    asked, document = request.query_params, _document(docs, request)
    span = Span(int(asked["start"]), int(asked["end"]))
    printed = docs.library.picture(document, request.path_params["number"], span)
    return Response(printed, media_type="image/png", headers={"Cache-Control": "private, no-cache"})


def _part(docs: Footnote, request: Request) -> Response:
    """Some more of a document's text."""
    asked, document = request.query_params, _document(docs, request)
    tinted = [Span(*map(int, each.split("-"))) for each in asked["tinted"].split()]
    side: Literal["before", "after"] = "before" if "before" in asked else "after"
    border = min(max(0, int(asked[side])), len(document.text))
    return HTMLResponse(viewer.part(document, border, side, tinted))


def _document(docs: Footnote, request: Request) -> Document:
    """The document asked for, in the version that the reader has before them.

    Raises:
        KeyError: There is none of this id.
        FootnoteError: It has changed since.
    """
    document = docs.document(request.query_params["document"])
    if document.version != request.query_params["version"]:
        raise FootnoteError("This document has changed since it was shown; open it again.")
    return document
