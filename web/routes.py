"""What is served beside Gradio's own: a reader's conversations to take away, printed pages and parts of documents."""

from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from index.document import Document, Span
from index.errors import FootnoteError
from index.workers import COUNT
from rag.conversations import Conversations
from rag.footnote import Footnote
from web import export, viewer
from web.bodies import left
from web.few import RETRY, Few, Full
from web.guard import OWNER

_PICTURES, _OWN_PICTURES = 32, 8  # that wait to be drawn, and of one person
_AT_ONCE, _WAITING, _OWN = 4, 64, 16  # other things that are made at once, that wait, and of one person

Answer = Callable[[Footnote, Request, Event], Response]

_WRITTEN = {"md": (export.markdown, "text/markdown"), "json": (export.as_json, "application/json")}


def routes(docs: Footnote) -> list[Route]:
    """The routes, of these documents.

    What they serve is made beside the threads that serve everything else.
    """
    pictures, texts = Few(COUNT, _PICTURES, own=_OWN_PICTURES), Few(_AT_ONCE, _WAITING, own=_OWN)
    served: list[tuple[str, Few, Answer]] = [
        ("/conversations/{id}.{form}", texts, _conversation),
        ("/pages/{number:int}.png", pictures, _page),
        ("/parts", texts, _part),
    ]
    return [Route(path, partial(_answered, few, answer, docs), methods=["GET"]) for path, few, answer in served]


async def _answered(few: Few, answer: Answer, docs: Footnote, request: Request) -> Response:
    """An answer, or the sentence that says why there is none."""
    owner, asked = request.headers.get(OWNER, ""), request.query_params
    of = request.url.path, asked.get("document"), asked.get("version")
    key = request.url.path, request.url.query, owner if answer is _conversation else ""
    try:
        made = await few.made(key, of, owner, partial(answer, docs, request), partial(left, request.receive))
    except Full as error:
        return PlainTextResponse(str(error), 503, headers={"Retry-After": str(RETRY)})
    except FootnoteError as error:
        return PlainTextResponse(str(error), 404)
    except (KeyError, ValueError, IndexError, TypeError):
        return PlainTextResponse("There is nothing here under this address.", 404)
    given = Response(made.body)  # of its own: others may be given the same
    given.raw_headers = [*made.raw_headers]
    return given


def _conversation(docs: Footnote, request: Request, _: Event) -> Response:
    write, media_type = _WRITTEN[request.path_params["form"]]
    talk = Conversations(docs.library.home, request.headers[OWNER]).open(request.path_params["id"])
    name = quote(f"{talk.title}.{request.path_params['form']}", safe="")
    named = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(write(talk), media_type=media_type, headers=named)


def _page(docs: Footnote, request: Request, dropped: Event) -> Response:
    """A page of a PDF as it is printed."""
    asked, document = request.query_params, _document(docs, request)
    span = Span(int(asked["start"]), int(asked["end"]))
    printed = docs.library.picture(document, request.path_params["number"], span, dropped)
    return Response(printed, media_type="image/png", headers={"Cache-Control": "private, no-cache"})


def _part(docs: Footnote, request: Request, _: Event) -> Response:
    """Some more of a document's text."""
    asked, document = request.query_params, _document(docs, request)
    tinted = [Span(*map(int, span.split("-"))) for span in asked["tinted"].split()]
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
