"""The chat page: a Gradio page around one `Footnote`. It knows nothing of how an answer is made."""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, sleep
from typing import TypeVar

from starlette.middleware import Middleware

# Gradio reads this when it is imported; nothing on this page calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from gradio.components import Component

from index.document import Document
from index.errors import FootnoteError
from index.formats import SUFFIXES
from index.sync import MAX_BYTES
from rag.answer import Footnote
from web import viewer
from web.guard import Guard
from web.viewer import Turn

_HERE = Path(__file__).parent
_MAX_MEGABYTES = MAX_BYTES // 2**20
_HOST = "127.0.0.1"  # another address would need a password before anyone's documents

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
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the page until Ctrl-C; `ready` gets its address once it is up.

    Raises:
        FootnoteError: The page cannot be served on this port.
    """
    page = launch(docs, port=port)
    ready(str(page.local_url))
    try:
        while True:
            sleep(0.5)  # and not for ever: a Ctrl-C that another thread receives wakes nobody
    except KeyboardInterrupt:
        page.close(verbose=False)


def launch(docs: Footnote, *, port: int = 7860) -> gr.Blocks:
    """Start serving the page and return it; `local_url` is its address, `close()` ends it.

    Raises:
        FootnoteError: The page cannot be served on this port.
    """
    check_free(port)
    _bypass_proxies()
    page = build(docs)
    page.queue(default_concurrency_limit=_AT_ONCE, max_size=_IN_LINE, api_open=False)
    page.launch(
        server_name=_HOST,
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
        app_kwargs={"middleware": [Middleware(Guard, port=port)]},
    )
    return page


def build(docs: Footnote) -> gr.Blocks:
    """The page, not yet served."""
    desk = _Desk(docs)
    page = gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600))
    with page:
        turns = gr.State(())
        listener = gr.HTML(
            viewer.tabs(SUFFIXES, _MAX_MEGABYTES),
            apply_default_css=False,
            js_on_load=_read("page.js"),
            elem_id="tabs",
        )
        promise = _panel(viewer.promise(docs.files()), "promise")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="documents"):
                _panel("<h2>Documents</h2>")
                upload = gr.UploadButton("Add a document", file_count="multiple", elem_id="upload")
                reading = _panel("", "reading")
                _panel(_TROUBLE)
                files = _panel(viewer.documents(docs.files()), "files")
            with gr.Column(elem_id="chat"):
                conversation = _panel(viewer.conversation((), docs.examples()), "conversation")
                notice = _panel("", "notice")
                _panel(_TROUBLE)
                with gr.Row(elem_id="asking"):
                    question = _question_box()
                    ask = gr.Button("Ask", elem_id="ask")
            with gr.Column(elem_id="source-column"):
                source = _panel(viewer.no_source(), "source")

        answered = [turns, conversation, question, notice]
        _on(page.load, desk.refresh, [turns], [promise, files, conversation])
        _on(partial(gr.on, [ask.click, question.submit]), desk.ask, [question, turns], answered)
        _on(listener.example, desk.example, [turns], answered)
        _on(listener.clear, desk.clear, [], [*answered, source])
        _on(listener.cite, desk.cite, [turns], [source])
        _on(listener.hit, desk.hit, [turns], [source])
        _on(listener.open, desk.open, [], [source])
        # Files chosen while others are being read wait for their turn; Gradio would drop them.
        added = partial(upload.upload, trigger_mode="multiple", concurrency_limit=1)
        _on(added, desk.add, [upload, turns], [promise, files, conversation, reading])
    return page


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

    def refresh(self, turns: tuple[Turn, ...]) -> Updates:
        """The documents as they are now: promise, list, conversation."""
        files = self.docs.files()
        return viewer.promise(files), viewer.documents(files), self._conversation(turns)

    def ask(self, question: str, turns: tuple[Turn, ...]) -> Iterator[Updates]:
        """Turns, conversation, question box and notice: first while waiting, then with the answer."""
        yield gr.skip(), viewer.waiting(turns, question), gr.skip(), ""
        start = perf_counter()
        try:
            answer = self.docs.ask(question)
        except FootnoteError as error:
            yield turns, self._conversation(turns), question, viewer.notice(str(error))
            return
        turns = (*turns, Turn(answer, round(1000 * (perf_counter() - start))))
        yield turns, self._conversation(turns), "", ""

    def example(self, event: gr.EventData, turns: tuple[Turn, ...]) -> Iterator[Updates]:
        """Ask an example question; it comes back as typed text would, and is treated as such."""
        yield from self.ask(str(getattr(event, "question", "")), turns)

    def clear(self) -> Updates:
        """Turns, conversation, question box, notice and source, as at the beginning."""
        return (), self._conversation(()), "", "", viewer.no_source()

    def cite(self, event: gr.EventData, turns: tuple[Turn, ...]) -> object:
        """The source of a footnote, or nothing new where the browser names one that is not there."""
        number, turn = _chosen(turns, getattr(event, "turn", None))
        citation = _chosen(turn.answer.citations, getattr(event, "number", None))[1] if turn else None
        if turn is None or citation is None:
            return gr.skip()
        return self._source(
            citation.document_id,
            citation.start,
            citation.quote,
            lambda document: viewer.source_of_citation(document, number, turn.answer, citation),
        )

    def hit(self, event: gr.EventData, turns: tuple[Turn, ...]) -> object:
        """The source of a passage that was found, or nothing new where there is none of that number."""
        number, turn = _chosen(turns, getattr(event, "turn", None))
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
        document_id = getattr(event, "document", None)
        known = any(file.id == document_id and file.state == "indexed" for file in self.docs.files())
        return self._source(str(document_id), 0, "", viewer.source_of_document) if known else gr.skip()

    def add(self, paths: list[str], turns: tuple[Turn, ...]) -> Iterator[Updates]:
        """Promise, list, conversation and what became of each file so far; one file after another."""
        lines: tuple[str, ...] = ()
        for number, path in enumerate(map(Path, paths), start=1):
            count = f" ({number} of {len(paths)})" if len(paths) > 1 else ""
            yield gr.skip(), gr.skip(), gr.skip(), viewer.progress((*lines, f"Reading {path.name}{count}"))
            lines = (*lines, self._outcome(path))
            yield *self.refresh(turns), viewer.progress(lines)

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

    def _conversation(self, turns: tuple[Turn, ...]) -> str:
        return viewer.conversation(turns, () if turns else self.docs.examples())


def _chosen(items: Sequence[Item], number: object) -> tuple[int, Item | None]:
    """The item that a browser names by its number from 1; (0, None) where there is no such item."""
    if isinstance(number, int) and 1 <= number <= len(items):
        return number, items[number - 1]
    return 0, None


def check_free(port: int) -> None:
    """See that the page can be served on this port of this machine.

    Raises:
        FootnoteError: Another program uses the port, or there is no such port.
    """
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            why = (error.strerror or "in use").lower() if isinstance(error, OSError) else "no such port"
            raise FootnoteError(
                f"Port {port} of {_HOST} cannot be used ({why}); end the program that uses it, or choose another "
                f"with --port."
            ) from error


def _bypass_proxies() -> None:
    """Gradio asks its own server whether it is up; that question must not go to a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost,::1")))


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
