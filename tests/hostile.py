"""Files made to harm, and what becomes of them: `python -m tests.hostile --mutated 2000`.

Each is read on its own: it is read or refused within 32 seconds and a gigabyte, says why in one sentence, tells
no secret, asks no address, and writes nothing. Then all of them lie in a folder beside one good document, with
links and pipes and files that change: a sync ends, tells what became of each, and the good one is found. At last
questions are asked while such a folder is read: they take at most twice as long as at rest.
"""

import os
import shutil
import socketserver
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated
from unittest import mock

import typer

from index import doctor, embeddings, workers
from index.document import Document, canonical
from index.errors import Failed, Refused
from index.library import Library
from index.sync import MAX_BYTES
from index.workers import Workers
from tests.kills import ROOT, QuickEmbedder
from tests.malice import RECIPES, Bait, Hostile, Recipe, lay_out, mutated, restless

MOST_SECONDS = 32.0
MOST_MEGABYTES = 1_100  # a gigabyte, and what a process needs to begin
MOST_SLOWER = 2.0  # how many times as long a question takes while hostile files are read
AT_ONCE = 4

_GOOD = "The observatory on the hill was painted turquoise in the spring of 1931."
_QUESTIONS = ("What was announced?", "Who proposed the ceasefire?", "How do I add documents?", "When did it begin?")
_SMALL = 2**17  # bytes of a file that is read beside questions: a larger one is busy being embedded, as honest ones are
_MOST_SAID = 400  # characters
_PASSWORDS = "root:x:0:0"  # begins a file that hostile ones like to name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a hostile file.

    Attributes:
        name: What it does.
        suffix: What its name ends with.
        state: "read", "refused", "failed", or "broken" where something else came of it.
        said: Why it was not read.
        seconds: How long it took.
        megabytes: The most memory that was held for it.
        faults: Which promises were broken.
    """

    name: str
    suffix: str
    state: str
    said: str
    seconds: float
    megabytes: float
    faults: tuple[str, ...]

    @property
    def is_late(self) -> bool:
        """Whether it took longer than it may on a computer that does nothing else."""
        return self.seconds > MOST_SECONDS


# --- what hostile files reach for ---


@dataclass(slots=True)
class Trap:
    """A bait, and who has taken it: `word` stands in the file, `asked` counts who asked the address."""

    bait: Bait
    word: str
    asked: int = 0

    def taken(self) -> list[str]:
        """What was taken that is seen from outside."""
        left = sorted(path.name for path in self.bait.path.parent.iterdir())
        faults = [f"an address was asked {self.asked} times"] if self.asked else []
        return faults + ([f"written outside: {left}"] if left != [self.bait.path.name] else [])


@contextmanager
def trap() -> Iterator[Trap]:
    """A file with a secret word, and an address on this machine that notes who asks it."""
    with tempfile.TemporaryDirectory() as place, socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Noted) as server:
        path = Path(place).resolve() / "secret.txt"
        word = os.urandom(12).hex()
        path.write_text(f"The secret word is {word}.\n", encoding="utf-8")
        made = Trap(Bait(path, f"http://127.0.0.1:{server.server_address[1]}/"), word)
        server.trap = made
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()


class _Noted(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.server.trap.asked += 1


# --- one file ---


class Measured(Workers):
    """Workers that note how many megabytes the last file read by a thread took, as the kernel counts them."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._last = threading.local()

    @property
    def megabytes(self) -> float:
        """Of the last file that this thread had read."""
        return getattr(self._last, "megabytes", 0.0)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Note them as long as this lasts."""
        really = workers._Worker.asked

        def asked(worker: object, request: object, blobs: object, dropped: object) -> object:
            self._last.megabytes = 0.0
            told, results = really(worker, request, blobs, dropped)
            self._last.megabytes = told.get("megabytes", 0.0)
            return told, results

        with mock.patch.object(workers._Worker, "asked", asked):
            yield


def looked_at(readers: Measured, hostile: Hostile, word: str) -> Outcome:
    """What becomes of a file that is read, and which promises it breaks."""
    began, state, said, faults = time.monotonic(), "read", "", []
    try:
        faults += of_document(readers.read(f"docs/{hostile.file_name}", hostile.data), word)
    except Refused as reason:
        state, said = "failed" if isinstance(reason, Failed) else "refused", str(reason)
        faults += [] if is_sentence(said) else ["not one sentence"]
    except BaseException as error:  # whatever it is, it should not have come up to here
        state, said = "broken", f"{type(error).__name__}: {error}"[:_MOST_SAID]
        faults.append("broke through")
    seconds, megabytes = time.monotonic() - began, readers.megabytes
    faults += [f"held {megabytes:.0f} MB"] if megabytes > MOST_MEGABYTES else []
    suffix = PurePosixPath(hostile.file_name).suffix
    return Outcome(hostile.name, suffix, state, said, seconds, megabytes, tuple(faults))


def is_sentence(said: str) -> bool:
    """Whether a reason is one sentence without its full stop, fit to be shown as it is."""
    is_fit = said.isprintable() and said == said.strip() and 0 < len(said) <= _MOST_SAID and not said.endswith(".")
    return is_fit and "Traceback" not in said and 'File "' not in said


def of_document(document: Document, word: str) -> list[str]:
    """Which promises a document breaks."""
    text, faults = document.text, []
    told = [text, document.title, document.author, document.date, document.url]
    told += [page.label for page in document.pages] + [head for table in document.tables for head in table.heads]
    if any(canonical(each) != (each, 0) for each in told):
        faults.append("characters that hide")
    if any(secret in each for each in told for secret in (word, _PASSWORDS)):
        faults.append("tells the secret")
    if not text.strip():
        faults.append("no text")
    for what in (document.pages, document.headings, document.tables):
        spans = [(each.start, each.end) for each in what]
        if any(not 0 <= start <= end <= len(text) for start, end in spans) or spans != sorted(spans):
            faults.append("places outside the text")
    return faults


def read_all(makers: Iterable[Callable[[], Hostile]], caught: Trap, *, at_once: int = 2) -> Iterator[Outcome]:
    """What becomes of each file, as it comes to pass; some are read at once."""
    with closing(Measured(at_once)) as readers, readers.measuring(), ThreadPoolExecutor(at_once) as threads:
        yield from threads.map(lambda make: looked_at(readers, make(), caught.word), makers)


def table(outcomes: Sequence[Outcome]) -> str:
    """What became of the files of each format, a line each, and which took longest."""
    lines = [f"{'':8}{'files':>7}{'read':>7}{'refused':>9}{'failed':>8}{'worst MB':>10}{'slowest s':>11}"]
    suffixes = sorted({each.suffix for each in outcomes})
    for suffix, some in [*((s, [o for o in outcomes if o.suffix == s]) for s in suffixes), ("all", outcomes)]:
        counts = [sum(each.state == state for each in some) for state in ("read", "refused", "failed")]
        worst, slowest = max(each.megabytes for each in some), max(some, key=lambda each: each.seconds)
        lines.append(
            f"{suffix:8}{len(some):>7}{counts[0]:>7}{counts[1]:>9}{counts[2]:>8}{worst:>10.0f}"
            f"{slowest.seconds:>11.1f}  {slowest.name}"
        )
    return "\n".join(lines)


# --- a folder of them ---


def fill(folder: Path, recipes: Sequence[Recipe], bait: Bait, most: int = MAX_BYTES) -> None:
    """Write hostile files of at most so many bytes into a folder, each by a number of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, recipe in enumerate(recipes):
        made = recipe.made(bait)
        if len(made.data) > most:
            continue
        (folder / f"{number:04}{PurePosixPath(made.file_name).suffix}").write_bytes(made.data)


def of_library(place: Path, recipes: Sequence[Recipe], caught: Trap, most: int = MAX_BYTES) -> list[str]:
    """Which promises a library breaks whose folder holds hostile files, links, pipes and one good document."""
    folder = place / "docs"
    fill(folder / "files", recipes, caught.bait, most)
    lay_out(folder / "places", caught.bait)
    (folder / "good.txt").write_text(_GOOD, encoding="utf-8")
    with (
        mock.patch.object(embeddings, "load", return_value=QuickEmbedder()),
        restless(folder / "restless"),
        closing(Library(folder)) as library,
    ):
        files = {file.id: file for file in library.sync()}
        faults = list(_of_files(library, folder, caught.word))
        found = [id for id, _ in library.search("observatory turquoise", 1)]
        if found != ["docs/good.txt#0"] and not (found and found[0].startswith("docs/good.txt#")):
            faults.append(f"the good document is not found, but {found}")
    with mock.patch.object(embeddings, "load", return_value=QuickEmbedder()):
        ailments = doctor.examine(folder / ".footnote")
    faults += [f"doctor: {each.what}" for each in ailments if " was not read: " not in each.what]
    expected = {f"docs/files/{path.name}" for path in (folder / "files").iterdir()}
    faults += [f"no outcome: {id}" for id in sorted(expected - set(files))]
    return faults + caught.taken()


def _of_files(library: Library, folder: Path, word: str) -> Iterator[str]:
    """Which promises the files of a library break."""
    for file in library.files():
        path = folder / file.id.partition("/")[2]
        if file.state != "indexed":
            if not is_sentence(file.reason):
                yield f"{file.id} is {file.state}, not in one sentence: {file.reason!r}"
            continue
        if path.is_symlink():
            yield f"{file.id} is a link, and was read"
        yield from (f"{file.id}: {fault}" for fault in of_document(library.document(file.id), word))


# --- others' questions meanwhile ---


def slower(place: Path, recipes: Sequence[Recipe], caught: Trap, count: int = 40) -> tuple[list[float], list[float]]:
    """Seconds that questions take at rest, and while hostile files are read."""
    import rag  # heavy: the models

    folder = place / "seeds"
    shutil.copytree(ROOT / "seeds", folder, ignore=shutil.ignore_patterns(".footnote"))
    with rag.open(folder) as docs:
        docs.sync()
        _asked(docs, 4)
        rest = _asked(docs, count)
        fill(folder / "hostile", recipes, caught.bait, _SMALL)
        ended = threading.Event()
        reading = threading.Thread(target=lambda: (docs.sync(), ended.set()))
        reading.start()
        busy = _asked(docs, count)
        while not ended.is_set() and len(busy) < 10 * count:
            busy += _asked(docs, count // 4)
        reading.join()
    return rest, busy


def _asked(docs: "rag.Footnote", count: int) -> list[float]:  # noqa: F821
    seconds = []
    for number in range(count):
        began = time.monotonic()
        docs.ask(_QUESTIONS[number % len(_QUESTIONS)])
        seconds.append(time.monotonic() - began)
    return seconds


def _ninety_fifth(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(0.95 * (len(seconds) - 1))]


# --- all of it ---


def main(
    mutated_files: Annotated[int, typer.Option("--mutated", help="How many broken documents are read.")] = 2_000,
    only: Annotated[str, typer.Option(help="Read only files whose name holds this, and nothing else.")] = "",
    at_once: Annotated[int, typer.Option(min=1, max=AT_ONCE, help="How many are read at once.")] = 2,
    alone: Annotated[bool, typer.Option(help="Only read each file on its own.")] = False,
) -> None:
    """Read hostile files, sync a folder of them, ask meanwhile; and fail where a promise is broken."""
    recipes = [recipe for recipe in RECIPES if only in recipe.name]
    seeds = [seed for seed in range(mutated_files) if only in f"mutated {seed}"]
    with trap() as caught, tempfile.TemporaryDirectory() as place:
        makers = [*(partial(each.made, caught.bait) for each in recipes), *(partial(mutated, seed) for seed in seeds)]
        outcomes, before = [], sorted(os.listdir())
        for each in read_all(makers, caught, at_once=at_once):
            outcomes.append(each)
            if each.faults or each.is_late or only:
                typer.echo(f"{each.name}: {each.state}, {each.seconds:.1f} s, {each.said} {', '.join(each.faults)}")
        typer.echo(table(outcomes))
        outside = caught.taken() + ([] if sorted(os.listdir()) == before else ["something is written into this folder"])
        faults = [fault for each in outcomes for fault in each.faults] + outside
        faults += [f"{each.name} took {each.seconds:.1f} s" for each in outcomes if each.is_late]
        for fault in outside:
            typer.echo(fault)
        if not (alone or only):
            faults += _together(Path(place), recipes, caught)
    typer.echo(f"{len(outcomes)} files: {len(faults)} promises broken")
    raise typer.Exit(1 if faults else 0)


def _together(place: Path, recipes: Sequence[Recipe], caught: Trap) -> list[str]:
    """Which promises are broken where they lie in a folder, and others ask."""
    faults = of_library(place / "library", recipes, caught)
    for fault in faults:
        typer.echo(fault)
    rest, busy = slower(place / "questions", recipes, caught)
    ratio = statistics.median(busy) / statistics.median(rest)
    for when, seconds in (("at rest", rest), ("meanwhile", busy)):
        middle, most = statistics.median(seconds), _ninety_fifth(seconds)
        typer.echo(f"a question {when}: {middle * 1000:.0f} ms, p95 {most * 1000:.0f} ms, of {len(seconds)}")
    typer.echo(f"{ratio:.2f} times as long while hostile files are read")
    return faults + ([f"questions take {ratio:.1f} times as long"] if ratio > MOST_SLOWER else [])


if __name__ == "__main__":
    typer.run(main)
