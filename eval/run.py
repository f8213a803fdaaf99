"""Ask a dataset: a JSON line an example, with everything needed to score it again, and times beside the answers.

The first line of a run says what was asked of what, with the gold of every example: an example without a line of its
own is counted as failed, never left out.
"""

import os
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import filelock
import typer
from pydantic import TypeAdapter

from eval.dataset import Dataset, Example
from eval.library import RUNS, Llm, ReaderName, opened
from eval.terminal import bar
from index.errors import DatasetError
from index.passages import Passage
from rag.answer import Answer
from rag.calibration import shipped
from rag.chat import Turn
from rag.footnote import Footnote
from rag.reader import Reader, Reading
from rag.retrieve import Hit

_HOUSE = Path(__file__).parent.parent

_STATUS: dict[bool, Literal["answered", "abstained"]] = {True: "answered", False: "abstained"}

DEPTH = 50  # hits kept of each question: enough for ten different documents of a few passages each


@dataclass(frozen=True, slots=True)
class Header:
    """What was asked, of what, by what.

    Attributes:
        set: The file or folder of the set.
        left_out: How many examples of the set were not asked on purpose.
        documents: SHA-256 over the documents' ids and bytes.
        system: SHA-256 over the sources that answer, the numbers they answer with, and the models' names.
        calibration: Where these numbers come from.
        examples: Every example that is asked, with its gold.
    """

    set: str
    left_out: int
    documents: str
    system: str
    calibration: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage found, in short."""

    id: str
    document_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an example.

    Attributes:
        id: The example's.
        question: As it was asked, for people who read the line.
        answer: What Footnote said.
        withheld: What it would have said without its threshold, where it abstained.
        stands: What stands in the documents at each citation's place, read independently of the quote.
        hits: The passages found, best first.
        relevant: Ids of all the passages that hold evidence.
        seconds: How long the answer took, by the clock.
    """

    id: str
    question: str
    answer: Answer
    withheld: Answer | None
    stands: tuple[str, ...]
    hits: tuple[Ranked, ...]
    relevant: tuple[str, ...]
    seconds: float

    @property
    def said(self) -> Answer:
        """What Footnote said or, where it abstained, would have said."""
        return self.withheld or self.answer


@dataclass(frozen=True, slots=True)
class Run:
    """A run read back: its header, and the results by example id, in the order of the set."""

    header: Header
    results: dict[str, Result]


_HEADER = TypeAdapter(Header)
_RESULT = TypeAdapter(Result)
ANSWER = TypeAdapter(Answer)


def main(
    examples: Annotated[
        Path,
        typer.Argument(metavar="SET", help="A set of questions: a file, or a folder of BEIR or chunking.", exists=True),
    ],
    documents: Annotated[
        Path | None, typer.Option(help="The folder a set of our own asks about; seeds/ unless you say.")
    ] = None,
    library: Annotated[
        Path | None, typer.Option(help="Where that folder's library lives; FOLDER/.footnote unless you say.")
    ] = None,
    reader: ReaderName = None,
    llm: Llm = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask so many questions at most, evenly through the set.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; runs/SET.jsonl unless you say.", dir_okay=False)
    ] = None,
) -> None:
    """Ask a set of questions and write down what came of each; an interrupted run goes on where it stopped."""
    out = out or RUNS / f"{examples.stem}.jsonl"
    with opened(examples, documents, home=library, reader=reader, llm=llm) as (docs, dataset):
        asked = dataset.sample(limit)
        if docs.calibration != shipped():
            learned_from = docs.calibration.provenance.partition(". ")[0]
            typer.echo(f"Answered with numbers of its own: {learned_from}.", err=True)
        try:
            with bar("Asking") as show:
                run(docs, asked, str(examples), out, show)
        except KeyboardInterrupt:
            done = len(load(out).results) if out.exists() else 0
            typer.echo(f"{done} of {len(asked.examples)} asked; the same command goes on from there.", err=True)
            raise typer.Exit(130) from None
    typer.echo(f"{out}: {len(asked.examples)} questions asked. Next: python -m eval report {shlex.quote(str(out))}")


def run(
    docs: Footnote, dataset: Dataset, name: str, out: Path, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Run:
    """Ask every example that has no line in `out` yet, write each line as it comes, and return the whole run.

    A finished run in `out` is kept as `NAME.previous.jsonl`; an unfinished one of the same questions, documents and
    system is gone on with, any other one is set aside in the same way.
    """
    header = Header(
        set=name,
        left_out=dataset.left_out,
        documents=_digest(f"{file.id} {file.sha256}" for file in docs.files()),
        system=_digest([_sources(), repr(docs.calibration), docs.library.embedder.name, *_writer(docs)]),
        calibration=docs.calibration.provenance,
        examples=dataset.examples,
    )
    with _alone(out):
        results = _begin(out, header)
        docs.ask(dataset.examples[0].question)  # what is loaded once is nobody's time
        writer = docs.writer
        docs = Footnote(docs.library, _ReadOnce(docs.reader), docs.calibration)
        docs.writer = writer
        with out.open("ab") as stream:
            for example in dataset.examples:
                if example.id not in results:
                    results[example.id] = ask(docs, example)
                    stream.write(_RESULT.dump_json(results[example.id]) + b"\n")
                    stream.flush()
                on_progress(len(results), len(dataset.examples))
    return Run(header, results)


class _ReadOnce:
    """A reader that keeps its last reading: an abstained question is asked again at once, without the threshold."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._last: tuple[str, Sequence[Hit], Reading] | None = None

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """See `Reader`."""
        if self._last is None or self._last[:2] != (question, hits):
            self._last = (question, hits, self._reader.read(question, hits))
        return self._last[2]


def ask(docs: Footnote, example: Example) -> Result:
    """Ask one example, after what was said before it; the hits are those of the question that stands alone."""
    within = example.within or None
    turns = before(example)
    start = time.perf_counter()
    answer = docs.ask(example.question, turns=turns, documents=within)
    seconds = time.perf_counter() - start
    hits = docs.retrieve(answer.query, DEPTH, documents=within)
    withheld = None
    if answer.status == "abstained":
        withheld = docs.unguarded().ask(example.question, turns=turns, documents=within)
    return Result(
        id=example.id,
        question=example.question,
        answer=answer,
        withheld=withheld,
        stands=tuple(docs.document(each.document_id).text[each.start : each.end] for each in answer.citations),
        hits=tuple(ranked(hit.passage) for hit in hits),
        relevant=_relevant(docs, example),
        seconds=seconds,
    )


def before(example: Example) -> tuple[Turn, ...]:
    """What was said before an example, as turns whose answers cite nothing; one without a text abstained."""
    return tuple(
        Turn(Answer(said.question, said.question, _STATUS[bool(said.answer)], text=said.answer), milliseconds=0)
        for said in example.history
    )


def load(path: Path) -> Run:
    """Read a run back; a line that was being written when the run ended is passed over.

    Raises:
        DatasetError: It is no run.
    """
    try:
        first, *lines = path.read_bytes().split(b"\n")
        header = _HEADER.validate_json(first)
        results = (_RESULT.validate_json(line) for line in lines[:-1])  # after the last line end: nothing, or a part
        return Run(header, {result.id: result for result in results})
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} holds no run of this version; make one with python -m eval run.") from error


def _begin(out: Path, header: Header) -> dict[str, Result]:
    """The results that `out` has for this header; a file ready to be added to."""
    results: dict[str, Result] = {}
    if out.exists():
        try:
            before = load(out)
        except DatasetError as error:
            raise DatasetError(
                f"{out} is there already, and no run of this version; name another file with --out."
            ) from error
        if before.header == header and len(before.results) < len(header.examples):
            results = before.results
        else:
            _set_aside(out)
    part = out.with_name(f".{out.name}.part")
    lines = [_HEADER.dump_json(header), *(_RESULT.dump_json(result) for result in results.values())]
    part.write_bytes(b"".join(line + b"\n" for line in lines))
    part.replace(out)
    return results


def _set_aside(out: Path) -> None:
    """Keep an earlier run, and its page."""
    for path in (out, out.with_suffix(".html")):
        if path.exists():
            path.replace(path.with_name(f"{out.stem}.previous{path.suffix}"))
    typer.echo(f"The earlier run is kept as {out.with_name(f'{out.stem}.previous{out.suffix}')}.", err=True)


def _relevant(docs: Footnote, example: Example) -> tuple[str, ...]:
    """Every passage that holds some of the evidence."""
    return tuple(
        passage.id
        for document in dict.fromkeys(evidence.document for evidence in example.evidence)
        for passage in docs.library.passages_of(document)
        if example.evidenced_by(passage)
    )


def ranked(passage: Passage) -> Ranked:
    """A passage, in short."""
    return Ranked(passage.id, passage.document_id, passage.start, passage.end)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One run at a time writes a file."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{out} cannot be written ({error.strerror}); name another file with --out.") from error
    if not os.access(out.parent, os.W_OK):
        raise DatasetError(f"{out} cannot be written; name another file with --out.")
    lock = filelock.FileLock(out.with_name(f".{out.name}.lock"), blocking=False)
    try:
        with lock:
            yield
            Path(lock.lock_file).unlink(missing_ok=True)
    except filelock.Timeout as error:
        raise DatasetError(
            f"{out} is being written by another run; wait for it, or name another file with --out."
        ) from error


def _writer(docs: Footnote) -> list[str]:
    """The language model that writes, where one does."""
    return [docs.model.setting] if docs.model else []


@cache
def _sources() -> str:
    """SHA-256 over the sources that answer."""
    rooms = (_HOUSE / "index", _HOUSE / "rag")
    sources = sorted(path for room in rooms for path in room.rglob("*") if path.suffix in (".py", ".json", ".onnx"))
    return _digest(f"{path.relative_to(_HOUSE)} {sha256(path.read_bytes()).hexdigest()}" for path in sources)


def _digest(lines: Iterable[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()
