"""The chat page: how it is laid out, what is tied to what, and how it is served."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import sleep
from typing import Any

import gradio as gr
from gradio.components import Component
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from index.formats import SUFFIXES
from index.sync import MAX_BYTES
from rag.chat import Conversation
from rag.footnote import Footnote
from rag.llm import LOOPBACK
from web import viewer
from web.address import HOST, check
from web.connections import room
from web.desk import Desk
from web.events import Events
from web.guard import Guard
from web.incoming import Blocks, Incoming
from web.line import LONGEST
from web.login import Login
from web.routes import routes
from web.server import start
from web.sessions import CAPACITY, forget_closed
from web.shelf import Opener, Shelf

_HERE = Path(__file__).parent
_MAX_MEGABYTES = MAX_BYTES // 2**20

_AT_ONCE = 16  # of each thing that readers do; Gradio's own default is one after another
_THREADS = 40 + 2 * LONGEST  # a question that waits in a line of ours keeps one
_TURN = 0.0001  # seconds that a thread of Python's goes on while others wait: questions wait so long at each step
_IN_LINE = 256  # of Gradio: nothing waits there for an answer

# Where page.js says what Python never hears of.
_TROUBLE = '<div class="trouble"></div>'


def serve(
    docs: Footnote,
    *,
    port: int = 7860,
    host: str = HOST,
    password: str = "",
    proxies: Sequence[str] = (),
    root_path: str = "",
    opener: Opener | None = None,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the page until Ctrl-C; `ready` gets its address once it is up. See `launch`.

    A page that nobody else reaches lets its reader turn to other folders, opened by `opener`.
    """
    sys.setswitchinterval(_TURN)
    shelf = _shelf(opener, docs) if opener and host in LOOPBACK and not password else None
    page = launch(docs, port=port, host=host, password=password, proxies=proxies, root_path=root_path, shelf=shelf)
    url = str(page.local_url)
    if shelf:
        shelf.put(docs, url)
    ready(url)
    try:
        while True:
            sleep(0.5)  # and not for ever: a Ctrl-C that another thread receives wakes nobody
    except KeyboardInterrupt:
        page.close(verbose=False)
    finally:
        if shelf:
            shelf.close()


def _shelf(opener: Opener, first: Footnote) -> Shelf:
    """The libraries to turn to, each served beside the first, and answered by who writes its answers at that time."""

    def served(docs: Footnote) -> tuple[str, Callable[[], None]]:
        docs.write_with(first.model.setting if first.model else "")
        return _beside(docs, shelf)

    shelf = Shelf(opener, served)
    return shelf


def _beside(docs: Footnote, shelf: Shelf) -> tuple[str, Callable[[], None]]:
    """Serve another library at an address of its own; returns that, and what ends it."""
    page = launch(docs, port=0, shelf=shelf)
    return str(page.local_url), partial(page.close, verbose=False)


def launch(
    docs: Footnote,
    *,
    port: int = 7860,
    host: str = HOST,
    password: str = "",
    proxies: Sequence[str] = (),
    root_path: str = "",
    shelf: Shelf | None = None,
) -> gr.Blocks:
    """Start serving the page and return it; `local_url` is its address, `close()` ends it.

    Args:
        docs: Whom the page asks.
        port: The port; 0 for one that is free.
        host: The address of this machine to serve it on; one that other machines reach needs a password.
        password: What a browser has to send first; "" for none.
        proxies: The addresses or networks whose word is taken for where a request comes from.
        root_path: The path under which a proxy has the page, such as "/docs"; "" for none.
        shelf: The libraries that it lets its reader turn to.

    Raises:
        FootnoteError: The page cannot be served there, or a password is missing or too short.
    """
    check(port, host, password)
    login = Login(password, docs.library.home) if password else None
    incoming = Incoming(docs.library.home)
    page = build(Desk(docs, incoming, host, shelf), viewer.SIGN_OUT if login else "")
    page.max_threads, page.state_session_capacity = _THREADS, CAPACITY
    page.queue(default_concurrency_limit=_AT_ONCE, max_size=_IN_LINE, api_open=False)
    start(
        page,
        host,
        port,
        limits=room(),
        root_path=root_path,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        run_history=False,
        enable_monitoring=False,
        footer_links=[],
        max_file_size=f"{_MAX_MEGABYTES}mb",  # which the browser is told
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        head=f"<style>{_read('page.css')}</style>",
        app_kwargs={
            "middleware": [
                *([Middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies))] if proxies else []),
                Middleware(Guard, name=_library_name(docs), login=login),
                Middleware(Events, page=page),
            ],
            "routes": [incoming.route, *routes(docs)],
            "lifespan": incoming.lifespan,
        },
    )
    return page


def build(desk: Desk, leave: str = "") -> gr.Blocks:
    """The page, not yet served; with a way to leave it, where there is one."""
    files = desk.docs.files()
    page = Blocks(title=f"{desk.docs.library.folder.name} · Footnote", analytics_enabled=False, fill_width=True)
    with page:
        talk, ticked = gr.State(Conversation()), gr.State([])
        listener = gr.HTML(
            viewer.tabs(SUFFIXES, _MAX_MEGABYTES),
            apply_default_css=False,
            js_on_load=_read("stream.js") + _read("page.js"),
            elem_id="tabs",
        )
        with gr.Row(elem_id="top"):
            promise, past, _ = _panel(desk.promise(), "promise"), _panel("", "past"), _panel(leave, "leave")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="documents"):
                _panel(viewer.DOCUMENTS)
                libraries = _panel("", "libraries")
                turning = _panel("", "turning")
                writing = _panel("", "writing")
                upload = _upload_button()
                reading = _panel("", "reading")
                _panel(_TROUBLE)
                listed = _panel(viewer.documents(files, ()), "files")
                _panel(viewer.LOOK, "look")
            with gr.Column(elem_id="chat"):
                conversation = _panel(viewer.conversation(Conversation(), desk.docs.examples()), "conversation")
                notice = _panel("", "notice")
                _panel(_TROUBLE)
                scope = _panel("", "scope")
                with gr.Row(elem_id="asking"):
                    question = _question_box()
                    ask = gr.Button("Ask", elem_id="ask")
            with gr.Column(elem_id="source-column"):
                source = _panel(viewer.no_source(), "source")

        lists = partial(_on, handler=desk.lists, inputs=[ticked], outputs=[promise, listed, ticked, scope])
        answered = [talk, conversation, question, notice, past]
        lists(_on(page.load, desk.load, [talk], answered).then)
        asked = partial(gr.on, [ask.click, question.submit])
        _on(asked, desk.ask, [question, talk, ticked], answered, concurrency_limit=None)
        _on(listener.example, desk.example, [talk, ticked], answered, concurrency_limit=None)
        _on(listener.clear, desk.clear, [], [*answered, source])
        for name in ("reopen", "delete"):
            _on(getattr(listener, name), getattr(desk, name), [talk], [*answered, source])
        for name in ("stop", "rename", "judge", "answers"):
            _on(getattr(listener, name), getattr(desk, name), [talk], answered)
        # Of quick clicks the last one counts; Gradio would drop it.
        for name, place in (("cite", source), ("hit", source), ("earlier", conversation)):
            _on(getattr(listener, name), getattr(desk, name), [talk], [place], trigger_mode="always_last")
        _on(listener.open, desk.open, [], [source], trigger_mode="always_last")
        _on(listener.tick, desk.tick, [], [ticked, scope], trigger_mode="always_last")
        for changed in (
            # Files chosen while others are being read wait for their turn; Gradio would drop them.
            _on(
                upload.upload,
                desk.add,
                [upload],
                [reading],
                preprocess=False,
                trigger_mode="multiple",
                concurrency_limit=None,
            ),
            _on(listener.remove, desk.remove, [], [reading]),
            _on(listener.look, desk.look, [], [reading], trigger_mode="always_last"),
        ):
            _on(lists(changed.then).then, desk.welcome, [talk], [conversation])
        _on(listener.enough, desk.enough, [], [])
        _on(listener.stay, desk.stay, [], [])
        _on(page.load, desk.libraries, [], [libraries])
        _on(page.load, desk.writers, [], [writing])
        _on(listener.write, desk.write, [], [promise, writing])
        _on(listener.turn, desk.turn, [], [turning], trigger_mode="always_last")
        forget_closed(page, desk.keep)
    return page


def _panel(html: str, name: str | None = None) -> gr.HTML:
    """A place for HTML of viewer.py, styled by page.css alone."""
    return gr.HTML(html, apply_default_css=False, js_on_load=None, elem_id=name)


def _upload_button() -> gr.UploadButton:
    button = gr.UploadButton("Add a document", file_count="multiple", elem_id="upload")
    button.data_model = None  # what comes of files is their tokens: see `Blocks`
    return button


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
    trigger: Callable[..., Any],
    handler: Callable[..., object],
    inputs: Sequence[Component],
    outputs: Sequence[Component],
    **more: Any,
) -> Any:
    """Tie a handler to what sets it off, quietly and not as a public API; returns what `then` hangs on."""
    return trigger(handler, inputs, outputs, show_progress="hidden", api_visibility="private", **more)


def _library_name(docs: Footnote) -> str:
    """A name of this library for browsers, which know no ports: what they keep for one is not another's."""
    return sha256(str(docs.library.home).encode()).hexdigest()[:12]


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
