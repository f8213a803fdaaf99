"""The chat page: a Gradio page around one `Footnote`. It knows nothing of how an answer is made."""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter, sleep
from typing import Literal, TypeVar, get_args
from urllib.parse import quote

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

# Gradio reads this when it is imported; nothing on this page calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from gradio.components import Component

from index.document import Document, Span
from index.errors import FootnoteError, QuestionError
from index.formats import SUFFIXES, pdf
from index.sync import MAX_BYTES
from rag.answer import Footnote
from rag.chat import Conversation, Judgement, Turn, Verdict
from rag.conversations import Conversations
from web import export, viewer
from web.guard import LOOPBACK, OWNER, Guard
from web.login import FEWEST, Login

_HERE = Path(__file__).parent
_MAX_MEGABYTES = MAX_BYTES // 2**20
_HOST = "127.0.0.1"

# Where several people ask at once; Gradio's own default answers them one after another.
_AT_ONCE, _IN_LINE = 16, 64

# Where page.js says what Python never hears of.
_TROUBLE = '<div class="trouble"></div>'

Item = TypeVar("Item")

# What Gradio puts into its outputs, in their order: values for components, or `gr.skip()`.
Updates = tuple[object, ...]


def serve(
    docs: Footnote,
    *,
    port: int = 7860,
    host: str = _HOST,
    password: str = "",
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the page until Ctrl-C; `ready` gets its address once it is up. See `launch`."""
    page = launch(docs, port=port, host=host, password=password)
    ready(str(page.local_url))
    try:
        while True:
            sleep(0.5)  # and not for ever: a Ctrl-C that another thread receives wakes nobody
    except KeyboardInterrupt:
        page.close(verbose=False)


def launch(docs: Footnote, *, port: int = 7860, host: str = _HOST, password: str = "") -> gr.Blocks:
    """Start serving the page and return it; `local_url` is its address, `close()` ends it.

    Args:
        docs: Whom the page asks.
        port: The port.
        host: The address of this machine to serve it on; one that other machines reach needs a password.
        password: What a browser has to tell first; "" for none.

    Raises:
        FootnoteError: The page cannot be served there, or a password is missing or too short.
    """
    check(port, host, password)
    login = Login(password) if password else None
    _bypass_proxies()
    page = build(docs)
    page.queue(default_concurrency_limit=_AT_ONCE, max_size=_IN_LINE, api_open=False)
    page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        show_error=False,
        inline=False,
        share=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        run_history=False,
        enable_monitoring=False,
        footer_links=[],
        max_file_size=f"{_MAX_MEGABYTES}mb",
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        head=f"<style>{_read('page.css')}</style>",
        app_kwargs={
            "middleware": [Middleware(Guard, port=port, hosts=_names(host), login=login)],
            "routes": _routes(docs),
        },
    )
    return page


def build(docs: Footnote) -> gr.Blocks:
    """The page, not yet served."""
    desk = _Desk(docs)
    page = gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600))
    with page:
        talk, ticked = gr.State(Conversation()), gr.State([])
        listener = gr.HTML(
            viewer.tabs(SUFFIXES, _MAX_MEGABYTES),
            apply_default_css=False,
            js_on_load=_read("page.js"),
            elem_id="tabs",
        )
        with gr.Row(elem_id="top"):
            promise = _panel(viewer.promise(docs.files()), "promise")
            past = _panel("", "past")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="documents"):
                _panel("<h2>Documents</h2>")
                upload = gr.UploadButton("Add a document", file_count="multiple", elem_id="upload")
                reading = _panel("", "reading")
                _panel(_TROUBLE)
                files = _panel(viewer.documents(docs.files(), ()), "files")
            with gr.Column(elem_id="chat"):
                conversation = _panel(viewer.conversation(Conversation(), docs.examples()), "conversation")
                notice = _panel("", "notice")
                _panel(_TROUBLE)
                scope = _panel("", "scope")
                with gr.Row(elem_id="asking"):
                    question = _question_box()
                    ask = gr.Button("Ask", elem_id="ask")
            with gr.Column(elem_id="source-column"):
                source = _panel(viewer.no_source(), "source")

        lists = [promise, files, conversation]
        answered = [talk, conversation, question, notice, past]
        _on(page.load, desk.load, [talk, ticked], [promise, files, *answered])
        _on(partial(gr.on, [ask.click, question.submit]), desk.ask, [question, talk, ticked], answered)
        _on(listener.example, desk.example, [talk, ticked], answered)
        _on(listener.clear, desk.clear, [], [*answered, source])
        _on(listener.reopen, desk.reopen, [talk], answered)
        _on(listener.rename, desk.rename, [talk], answered)
        _on(listener.delete, desk.delete, [talk], answered)
        _on(listener.cite, desk.cite, [talk], [source])
        _on(listener.hit, desk.hit, [talk], [source])
        _on(listener.open, desk.open, [], [source])
        _on(listener.judge, desk.judge, [talk], answered)
        _on(listener.answers, desk.answers, [talk], answered)
        _on(listener.tick, desk.tick, [], [ticked, scope])
        _on(listener.remove, desk.remove, [talk, ticked], [*lists, reading])
        # Files chosen while others are being read wait for their turn; Gradio would drop them.
        added = partial(upload.upload, trigger_mode="multiple", concurrency_limit=1)
        _on(added, desk.add, [upload, talk, ticked], [*lists, reading])
    return page


def _routes(docs: Footnote) -> list[Route]:
    """What is served beside Gradio's own: a reader's conversations, and printed pages and parts of documents."""
    written = {"md": (export.markdown, "text/markdown"), "json": (export.as_json, "application/json")}

    def conversation(request: Request) -> Response:
        write, media_type = written[request.path_params["form"]]
        try:
            kept = Conversations(docs.library.home, request.headers.get(OWNER, ""))
            talk = kept.open(request.path_params["id"])
        except FootnoteError as error:
            return PlainTextResponse(str(error), 404)
        name = quote(f"{talk.title}.{request.path_params['form']}", safe="")
        named = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return Response(write(talk), media_type=media_type, headers=named)

    def page(request: Request) -> Response:
        asked = request.query_params
        try:
            document = docs.document(asked["document"])
            span, shown = (
                Span(int(asked["start"]), int(asked["end"])),
                document.pages[request.path_params["number"] - 1],
            )
            data = docs.library.file_bytes(document.id)
            printed = pdf.picture(data, document.text, shown, span)
        except (KeyError, ValueError, IndexError):
            return PlainTextResponse("There is no such page here.", 404)
        except FootnoteError as error:
            return PlainTextResponse(str(error), 404)
        return Response(printed, media_type="image/png", headers={"Cache-Control": "private, no-cache"})

    def part(request: Request) -> Response:
        asked = request.query_params
        try:
            document = docs.document(asked["document"])
            tinted = [Span(*map(int, each.split("-"))) for each in asked["tinted"].split()]
            side: Literal["before", "after"] = "before" if "before" in asked else "after"
            border = min(max(0, int(asked[side])), len(document.text))
        except (KeyError, ValueError, TypeError):
            return PlainTextResponse("There is no such part here.", 404)
        return HTMLResponse(viewer.part(document, border, side, tinted))

    return [
        Route("/conversations/{id}.{form}", conversation),
        Route("/pages/{number:int}.png", page),
        Route("/parts", part),
    ]


def _panel(html: str, name: str | None = None) -> gr.HTML:
    """A place for HTML of viewer.py, styled by page.css alone."""
    return gr.HTML(html, apply_default_css=False, js_on_load=None, elem_id=name)


def _question_box() -> gr.Textbox:
    return gr.Textbox(
        label="Question",
        show_label=False,
        placeholder="Ask your documents",
        container=False,
        lines=1,
        max_lines=6,
        autofocus=True,
        elem_id="question",
    )


def _on(
    trigger: Callable[..., object],
    handler: Callable[..., object],
    inputs: Sequence[Component],
    outputs: Sequence[Component],
) -> None:
    """Tie a handler to what sets it off: quietly, and not as a public API."""
    trigger(handler, inputs, outputs, show_progress="hidden", api_visibility="private")


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the page does when a reader asks, clicks or adds; their turns stay in Gradio's session."""

    docs: Footnote

    def load(self, talk: Conversation, ticked: Sequence[str], request: gr.Request) -> Updates:
        """Promise, list and all that `_told` gives: the documents as they are now, the conversation asked last."""
        kept = self._kept(request)

        def last() -> Conversation:
            return talk if talk.turns else next((kept.open(each.id) for each in kept.listed()), talk)

        return *self._lists(talk, ticked)[:2], *self._turned(last, talk, kept)

    def ask(self, question: str, talk: Conversation, ticked: Sequence[str], request: gr.Request) -> Iterator[Updates]:
        """What `_told` gives: first while waiting, then with the answer."""
        yield gr.skip(), viewer.waiting(talk, question), gr.skip(), "", gr.skip()
        kept, start, notice = self._kept(request), perf_counter(), ""
        try:
            answer = self.docs.ask(question, documents=ticked or None)
        except FootnoteError as error:
            yield self._told(talk, kept, question, viewer.notice(str(error)))
            return
        turn = Turn(answer, round(1000 * (perf_counter() - start)), tuple(ticked))
        try:
            talk = kept.add(talk.id, turn)
        except FootnoteError as error:  # the answer is shown all the same
            talk = replace(talk, turns=(*talk.turns, turn))
            notice = viewer.notice(str(error))
        yield self._told(talk, kept, "", notice)

    def example(
        self, event: gr.EventData, talk: Conversation, ticked: Sequence[str], request: gr.Request
    ) -> Iterator[Updates]:
        """Ask an example question; it comes back as typed text would, and is treated as such."""
        yield from self.ask(_said(event, "question"), talk, ticked, request)

    def clear(self, request: gr.Request) -> Updates:
        """What `_told` gives, and the source: a new conversation."""
        return *self._told(Conversation(), self._kept(request), ""), viewer.no_source()

    def reopen(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: another of the reader's conversations."""
        kept = self._kept(request)
        return self._turned(lambda: kept.open(_said(event, "conversation")), talk, kept)

    def rename(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: one of the conversations is called something else now."""
        kept, id = self._kept(request), _said(event, "conversation")

        def renamed() -> Conversation:
            kept.rename(id, _said(event, "title"))
            return kept.open(id) if id == talk.id else talk

        return self._turned(renamed, talk, kept)

    def delete(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: without one of the conversations."""
        kept, id = self._kept(request), _said(event, "conversation")

        def left() -> Conversation:
            kept.delete(id)
            return Conversation() if id == talk.id else talk

        return self._turned(left, talk, kept)

    def judge(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: the reader says whether an answer is right, or, saying the same again, takes it back."""
        kept = self._kept(request)
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        verdict: Verdict | None = next((each for each in get_args(Verdict) if each == _said(event, "verdict")), None)
        if turn is None or verdict is None:
            return (gr.skip(),) * 5
        said = None if turn.judgement and turn.judgement.verdict == verdict else Judgement(verdict)
        return self._turned(lambda: kept.judge(talk.id, number, said), talk, kept)

    def answers(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: the reader shows where the right answer to a question stands."""
        kept, quote, document_id = self._kept(request), _said(event, "quote").strip(), _said(event, "document")
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        if turn is None:
            return (gr.skip(),) * 5

        def shown() -> Conversation:
            self._see_once(document_id, quote)
            return kept.judge(talk.id, number, Judgement("wrong", document_id, quote))

        return self._turned(shown, talk, kept)

    def tick(self, event: gr.EventData) -> Updates:
        """The documents that are asked alone, and the line that says so."""
        chosen = getattr(event, "documents", [])
        ticked = tuple(file.id for file in self.docs.files() if file.id in chosen and file.state == "indexed")
        return ticked, viewer.scope(ticked)

    def cite(self, event: gr.EventData, talk: Conversation) -> object:
        """The source of a footnote, or nothing new where the browser names one that is not there."""
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        citation = _chosen(turn.answer.citations, getattr(event, "number", None))[1] if turn else None
        if turn is None or citation is None:
            return gr.skip()
        return self._source(
            citation.document_id,
            citation.start,
            citation.quote,
            lambda document: viewer.source_of_citation(document, number, turn.answer, citation),
        )

    def hit(self, event: gr.EventData, talk: Conversation) -> object:
        """The source of a passage that was found, or nothing new where there is none of that number."""
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        rank, hit = _chosen(turn.answer.hits if turn else (), getattr(event, "number", None))
        if turn is None or hit is None:
            return gr.skip()
        return self._source(
            hit.passage.document_id,
            hit.passage.start,
            hit.passage.text,
            lambda document: viewer.source_of_hit(document, number, turn.answer, rank),
        )

    def open(self, event: gr.EventData) -> object:
        """The source of a document in the list, or nothing new where the list has no such document."""
        document_id = _said(event, "document")
        known = any(file.id == document_id and file.state == "indexed" for file in self.docs.files())
        return self._source(document_id, 0, "", viewer.source_of_document) if known else gr.skip()

    def add(self, paths: list[str], talk: Conversation, ticked: Sequence[str]) -> Iterator[Updates]:
        """What `_lists` gives, and what became of each file so far; one file after another."""
        lines: tuple[str, ...] = ()
        for number, path in enumerate(map(Path, paths), start=1):
            count = f" ({number} of {len(paths)})" if len(paths) > 1 else ""
            yield gr.skip(), gr.skip(), gr.skip(), viewer.progress((*lines, f"Reading {path.name}{count}"))
            lines = (*lines, self._outcome(path))
            yield *self._lists(talk, ticked), viewer.progress(lines)

    def remove(self, event: gr.EventData, talk: Conversation, ticked: Sequence[str]) -> Updates:
        """What `_lists` gives, and what became of the document."""
        document_id = _said(event, "document")
        name = document_id.partition("/")[2]
        try:
            self.docs.remove(document_id)
            line = f"{name} is removed"
        except KeyError:
            line = f"{name} was removed before"
        except FootnoteError as error:
            line = str(error)
        return *self._lists(talk, ticked), viewer.progress([line])

    def _outcome(self, path: Path) -> str:
        try:
            file = self.docs.add(path.name, path.read_bytes())
        except FootnoteError as error:
            return f"{path.name} was refused: {error}"
        return f"{path.name} is ready" if file.state == "indexed" else f"{path.name} was refused: {file.reason}"

    def _source(self, document_id: str, start: int, quote: str, draw: Callable[[Document], str]) -> str:
        """The Source column, where the document still says `quote` at `start`."""
        try:
            document = self.docs.document(document_id)
        except KeyError:
            return viewer.no_source("This document is no longer in the library; add it again to read it.")
        if document.text[start : start + len(quote)] != quote:
            return viewer.no_source("This document has changed since the answer was given; ask the question again.")
        return draw(document)

    def _kept(self, request: gr.Request) -> Conversations:
        """The conversations of whoever asks; see web/guard.py."""
        return Conversations(self.docs.library.home, request.headers[OWNER])

    def _lists(self, talk: Conversation, ticked: Sequence[str]) -> Updates:
        """Promise, list and conversation, with the documents as they are now."""
        files = self.docs.files()
        return viewer.promise(files), viewer.documents(files, ticked), self._conversation(talk)

    def _turned(self, turn_to: Callable[[], Conversation], talk: Conversation, kept: Conversations) -> Updates:
        """What `_told` gives of the conversation turned to, or of this one and a notice where that fails."""
        try:
            return self._told(turn_to(), kept)
        except FootnoteError as error:
            return self._told(talk, kept, notice=viewer.notice(str(error)))

    def _told(self, talk: Conversation, kept: Conversations, question: object = None, notice: str = "") -> Updates:
        """The conversation, how it looks, question box (as it is where none is given), notice, and the others."""
        box = gr.skip() if question is None else question
        return talk, self._conversation(talk), box, notice, self._past(talk, kept)

    def _past(self, talk: Conversation, kept: Conversations) -> str:
        try:
            return viewer.conversations(kept.listed(), talk.id)
        except FootnoteError as error:
            return viewer.notice(str(error))

    def _see_once(self, document_id: str, quote: str) -> None:
        """See that words can be found again by themselves.

        Raises:
            QuestionError: They stand in the document more than once, or not at all.
        """
        try:
            count = self.docs.document(document_id).text.count(quote) if quote else 0
        except KeyError:
            count = 0
        if count != 1:
            raise QuestionError(f"These words stand in the document {count} times; select some that stand there once.")

    def _conversation(self, talk: Conversation) -> str:
        return viewer.conversation(talk, () if talk.turns else self.docs.examples())


def _said(event: gr.EventData, name: str) -> str:
    """What a browser says under a name, or ""."""
    return str(getattr(event, name, ""))


def _chosen(items: Sequence[Item], number: object) -> tuple[int, Item | None]:
    """The item that a browser names by its number from 1; (0, None) where there is no such item."""
    if isinstance(number, int) and 1 <= number <= len(items):
        return number, items[number - 1]
    return 0, None


def _names(host: str) -> frozenset[str]:
    """The names that the page may be asked for under."""
    name = socket.gethostname().lower()
    return LOOPBACK if host in LOOPBACK else LOOPBACK | {host.lower(), name, f"{name}.local"}


def check(port: int, host: str = _HOST, password: str = "") -> None:
    """See that the page can be served on this port of an address of this machine.

    Raises:
        FootnoteError: Another program uses the port, there is no such port or address, or a password is missing or too
            short.
    """
    if host not in LOOPBACK and not password:
        raise FootnoteError(f"Other computers reach {host}; set a password for them in FOOTNOTE_PASSWORD.")
    if password and len(password) < FEWEST:
        raise FootnoteError(
            f"The password in FOOTNOTE_PASSWORD is too short; take one of at least {FEWEST} characters."
        )
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except (OSError, OverflowError) as error:
            why = (error.strerror or "in use").lower() if isinstance(error, OSError) else "no such port"
            raise FootnoteError(
                f"Port {port} of {host} cannot be used ({why}); end the program that uses it, or choose another with "
                f"--port."
            ) from error


def _bypass_proxies() -> None:
    """Gradio asks its own server whether it is up; that question must not go to a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost,::1")))


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
