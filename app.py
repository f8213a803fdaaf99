"""The front door: the command line. It composes and launches, and holds no logic of its own."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

import rag
from index.backup import backup as write_backup
from index.backup import restore as read_backup
from index.catalog import File
from index.doctor import examine
from index.doctor import mend as mend_library
from index.document import printable, printable_name
from index.errors import FootnoteError, QuestionError
from index.library import Library, home_of
from index.sync import Changes, OnProgress, became
from index.sync import Progress as SyncProgress
from index.trust import listed
from index.watch import watch as watch_folder
from index.watch import watching
from rag.cite import place
from rag.llm import SETTING
from web import memory
from web.export import written

SEEDS = Path(__file__).parent / "seeds"

ERROR, USAGE, ABSTAINED = 1, 2, 3

app = typer.Typer(
    help="Answers from your own documents, every sentence with a footnote to its source.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Folder = Annotated[Path, typer.Argument(help="The folder with your documents.")]
Docs = Annotated[Path, typer.Option("--docs", help="The folder with your documents.")]
Home = Annotated[
    Path | None, typer.Option("--library", help="Where the library lives; FOLDER/.footnote unless you say.")
]
Model = Annotated[str | None, typer.Option(help="Embedding model: a name or path that sentence-transformers knows.")]
Reader = Annotated[
    str | None, typer.Option(help="Reader: a cross-encoder or question answering model that transformers knows.")
]
Chroma = Annotated[
    str,
    typer.Option(
        "--chroma", envvar="FOOTNOTE_CHROMA", help="A Chroma server, such as http://localhost:8000, to search with."
    ),
]
Llm = Annotated[
    str,
    typer.Option(
        "--llm", envvar=SETTING, help="A language model to write answers, as MODEL@http://host:port/v1; see the guide."
    ),
]
Watch = Annotated[bool, typer.Option("--watch", help="Read what changes in the folder as soon as it does.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command()
def serve(
    folder: Folder = SEEDS,
    port: Annotated[int, typer.Option(help="The port of the page.")] = 7860,
    host: Annotated[
        str, typer.Option(help="The address to serve it on; another than this takes a password in FOOTNOTE_PASSWORD.")
    ] = "127.0.0.1",
    library: Home = None,
    model: Model = None,
    reader: Reader = None,
    chroma: Chroma = "",
    llm: Llm = "",
    proxy: Annotated[
        str,
        typer.Option(envvar="FOOTNOTE_PROXY", help="The address of a proxy that says where requests come from."),
    ] = "",
    root_path: Annotated[
        str,
        typer.Option(
            "--root-path", envvar="FOOTNOTE_ROOT_PATH", help="The path under which a proxy has the page, such as /docs."
        ),
    ] = "",
    watch: Watch = False,
) -> None:
    """Read the folder and serve the chat page on this machine."""
    from web.address import check, proxies, sub_path  # of the page, and not as heavy

    memory.share()  # before threads begin
    password = os.environ.get("FOOTNOTE_PASSWORD", "")  # and no option: other users of the machine see those
    check(port, host, password)
    trusted, path = proxies(proxy), sub_path(root_path)
    with (
        _opened(folder, library, model, reader, chroma, llm) as docs,
        watching(docs.library) if watch else nullcontext(),
    ):
        docs.library.lock.require()
        _report_unread(docs.files())
        with ThreadPoolExecutor(1) as beside:
            beside.submit(docs.examples)  # are kept; they take long as well, and what goes wrong is told by the page
            from web import page  # heavy: Gradio, 1 s
        page.serve(
            docs,
            port=port,
            host=host,
            password=password,
            proxies=trusted,
            root_path=path,
            opener=partial(rag.open, reader=reader, chroma=chroma, llm=""),
            ready=lambda url: _say(f"Footnote is at {url} (Ctrl-C ends it)"),
        )


@app.command()
def sync(
    folder: Folder = SEEDS,
    library: Home = None,
    model: Model = None,
    chroma: Chroma = "",
    watch: Watch = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Look at the bytes of every file, also where its time and size are the same."),
    ] = False,
) -> None:
    """Read what is new or changed in the folder, and forget what is gone."""
    if verify and dry_run:
        raise typer.BadParameter("--verify reads, and --dry-run only looks; leave out one of them.")
    with closing(Library(folder, home=library, model=model, chroma=chroma)) as opened:
        if dry_run:
            _say(_told(opened.changes()))
            return
        opened.require_writable()
        before = opened.files()
        with _bar() as show:
            (opened.verify if verify else opened.sync)(show)
        opened.settle()
        _report_unread(opened.files())
        _say(f"{became(before, opened.files())} {_count(opened)}")
        if watch:
            _say("Watching the folder (Ctrl-C ends it)")
            with suppress(KeyboardInterrupt):
                watch_folder(opened)


@app.command()
def include(
    folder: Annotated[Path, typer.Argument(help="Another folder with documents.")],
    docs: Docs = SEEDS,
    library: Home = None,
    chroma: Chroma = "",
) -> None:
    """Have a library read another folder as well."""
    with _opened(docs, library, chroma=chroma) as opened:
        opened.library.include(folder)
        _say(_count(opened.library))


@app.command()
def exclude(
    folder: Annotated[Path, typer.Argument(help="A folder that was included.")],
    docs: Docs = SEEDS,
    library: Home = None,
    chroma: Chroma = "",
) -> None:
    """Have a library forget a folder that was included."""
    with _opened(docs, library, chroma=chroma) as opened:
        opened.library.exclude(folder)
        _say(_count(opened.library))


@app.command()
def purge(
    folder: Folder = SEEDS,
    library: Home = None,
    chroma: Chroma = "",
    conversations: Annotated[
        bool, typer.Option("--conversations", help="Delete the conversations too that quote what it has forgotten.")
    ] = False,
) -> None:
    """Bring the library up to date, and leave nothing on the disk of what it has forgotten."""
    with _opened(folder, library, chroma=chroma) as docs:
        docs.library.lock.require()
        told = _count(docs.library)
        if conversations:
            from rag.conversations import forget_gone  # what they are read with takes a while, and answers need none

            gone = forget_gone(docs.library.home, {file.id for file in docs.files()})
            kept = f"Kept, for they cannot be read: {listed(gone.unread)}. " if gone.unread else ""
            told = f"{_number(gone.count, 'conversation')} deleted. {kept}{told}"
        docs.library.purge()
    _say(told)


@app.command()
def doctor(
    folder: Folder = SEEDS,
    library: Home = None,
    mend: Annotated[bool, typer.Option("--mend", help="Mend it.")] = False,
) -> None:
    """Say what is wrong with a library. Exit code 0: nothing; 1: something is."""
    home = library or home_of(folder)
    found = examine(home, folder)
    for each in found:
        _say(printable_name(f"{each.what}; {each.cure}."))
    if found and mend:
        mend_library(home, folder)
        found = examine(home, folder)
        _say(f"Mended, but for {len(found)}." if found else "Mended. What was forgotten is read at the next start.")
    elif found:
        _say("footnote doctor --mend does what can be done without you.")
    else:
        _say("Nothing is wrong.")
    raise typer.Exit(ERROR if found else 0)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The file to write, a zip file.")],
    docs: Docs = SEEDS,
    library: Home = None,
) -> None:
    """Write the library, with uploads and conversations, to one file, also while the chat is open."""
    write_backup(library or home_of(docs), target)
    _say(printable_name(f"The library is in {target} as well."))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="The file that backup wrote.")],
    docs: Docs = SEEDS,
    library: Home = None,
    chroma: Chroma = "",
) -> None:
    """Make the library of a folder that a backup holds."""
    read_backup(source, library or home_of(docs))
    with _opened(docs, library, chroma=chroma) as opened:
        _say(_count(opened.library))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    docs: Docs = SEEDS,
    library: Home = None,
    model: Model = None,
    reader: Reader = None,
    chroma: Chroma = "",
    llm: Llm = "",
    as_json: Json = False,
) -> None:
    """Answer a question. Exit code 0: answered; 3: the documents do not say."""
    with _opened(docs, library, model, reader, chroma, llm) as opened, _writing(opened):
        answer = opened.ask(question)
    _say(written(asdict(answer)) if as_json else str(answer))
    raise typer.Exit(0 if answer.status == "answered" else ABSTAINED)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Words or a question.")],
    docs: Docs = SEEDS,
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many passages.")] = 5,
    library: Home = None,
    model: Model = None,
    chroma: Chroma = "",
    as_json: Json = False,
) -> None:
    """Show the passages that fit a question best."""
    with _opened(docs, library, model, chroma=chroma) as opened:
        _say_behind(opened.library)
        hits = opened.retrieve(query, k)
    if as_json:
        _say(written([asdict(hit) for hit in hits]))
        return
    for hit in hits:
        passage = hit.passage
        _say(f"{hit.rank}. {printable_name(place(passage))}\n   {' '.join(passage.text.split())}\n")


@app.command()
def status(
    docs: Docs = SEEDS, library: Home = None, model: Model = None, chroma: Chroma = "", as_json: Json = False
) -> None:
    """Show what became of every file."""
    with _opened(docs, library, model, chroma=chroma) as opened:
        _say_behind(opened.library)
        files, count, (_, *included, _) = opened.files(), _count(opened.library), opened.library.roots
    if as_json:
        _say(written([asdict(file) for file in files]))
        return
    for file in files:
        _say(printable_name(f"{file.id}: {file.state}{': ' if file.reason else ''}{file.reason}"))
    for root in included:
        told = "is included" if root.is_approved else "the library names, and you have not included here"
        _say(printable_name(f"{root.name} is {root.path}, which {told}."))
    _say(count)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what goes wrong is one line on stderr and an exit code."""
    shown = logging.StreamHandler()
    shown.setFormatter(_Lines("%(message)s"))
    logging.basicConfig(handlers=[shown], level=logging.WARNING)
    logging.getLogger("index").setLevel(logging.INFO)
    try:
        app(arguments)
    except QuestionError as error:
        _fail(error, USAGE)
    except FootnoteError as error:
        _fail(error, ERROR)


@contextmanager
def _opened(
    folder: Path,
    home: Path | None,
    model: str | None = None,
    reader: str | None = None,
    chroma: str = "",
    llm: str = "",
) -> Iterator[rag.Footnote]:
    """The folder, open and up to date, closed in the end; a bar shows a sync that takes a while."""
    with _bar() as show:
        docs = rag.open(folder, home=home, model=model, reader=reader, chroma=chroma, llm=llm, on_progress=show)
    with docs:
        yield docs


@contextmanager
def _bar() -> Iterator[OnProgress]:
    """A bar on a terminal, and something to tell it how far a sync is."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("Reading"),
        BarColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)

        def show(progress: SyncProgress) -> None:
            count = f"{min(progress.done + 1, progress.total)} of {progress.total}: {printable_name(progress.name)}"
            bar.update(task, completed=progress.bytes_done, total=progress.bytes_total, description=count)

        yield show


@contextmanager
def _writing(docs: rag.Footnote) -> Iterator[None]:
    """A line on a terminal while a language model is asked, which takes its time."""
    console = Console(stderr=True)
    line = Text(f"{docs.model.name} is writing") if docs.model else Text()
    with console.status(line) if line and console.is_terminal else nullcontext():
        yield


def _say_behind(library: Library) -> None:
    if library.behind():
        _say(library.behind(), err=True)


def _report_unread(files: Sequence[File]) -> None:
    for file in files:
        if file.reason:
            became_of_it = "read, but" if file.state == "indexed" else "not read:"
            _say(printable_name(f"{file.id} was {became_of_it} {file.reason}"), err=True)


def _count(library: Library) -> str:
    files = library.files()
    indexed = sum(file.state == "indexed" for file in files)
    return (
        f"{_number(indexed, 'document')}, {_number(library.passage_count(), 'passage')}; "
        f"{_number(len(files) - indexed, 'file')} not read. The library is in {printable_name(library.home)}."
    )


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _told(changes: Changes) -> str:
    """What a sync would do, a line a file."""
    lines = [f"+ {id}" for id in changes.added]
    lines += [f"~ {id}" for id in changes.changed]
    lines += [f"> {before} is now {now}" for before, now in changes.renamed]
    lines += [f"- {id}" for id in changes.removed]
    return "\n".join(map(printable_name, lines or ["Nothing has changed."]))


class _Lines(logging.Formatter):
    """Messages whose names command no terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The message, as it is printed."""
        return printable(super().format(record))


def _say(text: str, *, err: bool = False) -> None:
    """Print some lines, whatever the names, documents and models hold that they tell of."""
    typer.echo(printable(text), err=err)


def _fail(error: FootnoteError, code: int) -> None:
    _say(str(error), err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
