"""Proof: is what a language model writes kept where its passage bears it out, and refused where it does not?

The statements are made from a set's own questions and answers and from sentences of its paragraphs, by rules. A changed
one differs from the true one in a number, a name, a date or a negation; another is true, and cited to a passage that
does not say it, or under a mark that was never given out. A model that is told what to say writes each as its answer.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from threading import Event
from typing import Annotated, Any, Literal

import numpy as np
import typer
from llama_index.core.llms import ChatMessage, ChatResponse
from rich.table import Column, Table

from eval import formats, metrics
from eval.dataset import Dataset, Example
from eval.library import ReaderName
from eval.statements import clipped, fronted, negated, stated
from eval.terminal import bar, console
from index.document import Document, Span
from index.embeddings import default
from index.errors import ModelTrouble
from index.passages import Passage, cut
from rag import crossencoder
from rag.answer import Answer
from rag.generate import Source, Writer
from rag.llm import Line, Model
from rag.reader import known
from rag.retrieve import Hit
from rag.verify import Verifier

Kind = Literal["true", "number", "name", "date", "negated", "wrong passage", "forged mark"]
FLOORS: dict[Kind, float] = {
    "true": 0.9,
    "number": 0.85,
    "name": 0.85,
    "date": 0.85,
    "negated": 0.85,
    "wrong passage": 0.95,
    "forged mark": 1.0,
}
_SEED = 11
_FROM_QUESTION = 0.7  # of the statements that question and answer could make; the others are made of a sentence
_SAME_PASSAGE = 0.5  # of the names swapped in that the passage itself says, of something else
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    rf"\b(?:(?:{_MONTHS}) \d{{1,2}}, \d{{4}}|\d{{1,2}} (?:{_MONTHS}) \d{{4}}|(?:{_MONTHS}) \d{{4}}|1\d{{3}}|20\d\d)\b"
)
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w.-]*[\da-z])")
_CAPITAL = r"[A-Z][^\W\d_]+(?:['’-][^\W\d_]+)*"
_NAME = re.compile(rf"(?<![.!?:\n] )(?<![\w&.'’-])(?:(?<!^){_CAPITAL}(?: {_CAPITAL})*|^{_CAPITAL}(?: {_CAPITAL})+)")
_NAME_ALONE = re.compile(rf"{_CAPITAL}(?: {_CAPITAL})*")
_NO_NAME = re.compile(rf"\b(?:{_MONTHS}|[A-Z][a-z]+day|The|A|An|In|It|He|She|They|This|His|Her|I)\b")
_WINDOW = 32_000  # tokens
_TRIES = 5  # at another passage
_TOLD: dict[Kind, str] = {
    "true": "true",
    "number": "number changed",
    "name": "name changed",
    "date": "date changed",
    "negated": "negated",
    "wrong passage": "true, wrong passage",
    "forged mark": "true, forged mark",
}
_FORGED = ("[{number}]", "[abcd:{number}]", "[{tag}:9{number}]", "【{number}†source】", "[Source {number}]")
_BESIDE = 4  # other passages that the model is given


@dataclass(frozen=True, slots=True)
class Case:
    """A statement cited to a passage.

    Attributes:
        kind: What was done to it.
        example: The id of the example it was made from.
        question: The example's question.
        statement: What is said.
        passage: The passage it is cited to.
        title: What the passage's document is called.
        beside: Other passages that the model is given.
    """

    kind: Kind
    example: str
    question: str
    statement: str
    passage: Passage
    title: str
    beside: tuple[Passage, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether it is to be kept."""
        return self.kind == "true"


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases made of a set, and how many of its examples made none."""

    cases: tuple[Case, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case, and whether its statement was kept under the mark that it has; under a forged one no mark counts."""

    case: Case
    kept: bool


def main(
    examples: Annotated[Path, typer.Argument(metavar="SET", help="A set that brings its documents.", exists=True)],
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many examples, evenly from all.")] = None,
    reader: ReaderName = None,
) -> None:
    """Have a model write true and changed statements, and see which are shown. Exit code 1: a floor was missed."""
    made, encoder = cases(formats.load(examples), limit), crossencoder.load(reader)
    with bar("Checking") as show:
        outcomes = prove(made, Verifier(encoder, known(encoder.name).standard), show)
    printed = console()
    printed.print(table(outcomes))
    printed.print(f"{made.left_out} examples make no statement that is sure to be good English.", highlight=False)
    raise typer.Exit(0 if all(share(outcomes, kind) >= floor for kind, floor in FLOORS.items()) else 1)


def cases(dataset: Dataset, limit: int | None = None) -> Cases:
    """The cases of a set's examples; of so many at most, evenly from beginning to end."""
    maker = _Maker(dataset)
    made = [tuple(maker.cases(example)) for example in dataset.sample(limit).examples]
    return Cases(tuple(case for each in made for case in each), sum(not each for each in made))


def prove(made: Cases, verifier: Verifier, on_progress: Callable[[int, int], None] = lambda *_: None) -> list[Outcome]:
    """Have a model write every case's statement, and see whether it is kept."""
    model, outcomes = Parrot(verifier), list[Outcome]()
    for case in made.cases:
        outcomes.append(Outcome(case, model.keeps(case)))
        on_progress(len(outcomes), len(made.cases))
    return outcomes


def share(outcomes: Sequence[Outcome], kind: Kind) -> float:
    """The share of a kind that came out as it should, NaN where there is none."""
    right = [each.kept == each.case.holds for each in outcomes if each.case.kind == kind]
    return metrics.mean(np.array(right, dtype=np.float64))


def table(outcomes: Sequence[Outcome]) -> Table:
    """The kinds with their shares and floors."""
    made = Table(Column("statements", no_wrap=True), Column("n", justify="right"), "came out right", "floor", "verdict")
    for kind, count, reached, floor in rows(outcomes):
        right = "kept" if kind == "true" else "caught"
        verdict = "kept" if reached >= floor else "[bold red]fell short[/]"
        made.add_row(kind, str(count), f"{reached:.1%} {right}", f"{floor:.0%}", verdict)
    return made


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, int, float, float]]:
    """Each kind in words, how many there are, the share that came out right, and its floor."""
    counts = Counter(each.case.kind for each in outcomes)
    return [(_TOLD[kind], counts[kind], share(outcomes, kind), floor) for kind, floor in FLOORS.items()]


class Parrot:
    """A language model that says what it is told to, and what comes of it on the way that every model's words go."""

    def __init__(self, verifier: Verifier) -> None:
        self._says = ""
        llm: Any = self
        self._writer = Writer(Model("parrot", "parrot", lambda: Line(llm), window=_WINDOW), verifier)

    def keeps(self, case: Case) -> bool:
        """Whether a case's statement is shown with a footnote where its mark leads; of a forged one, anywhere at all.

        Under a forged mark what is true may be shown, with a footnote of our own.
        """
        rng = Random(f"{_SEED}-{case.kind}-{case.example}")
        given = rng.sample([case.passage, *case.beside], 1 + len(case.beside))
        forged = rng.choice(_FORGED).format(number=rng.randint(1, len(given)), tag="{tag}")
        mark = forged if case.kind == "forged mark" else f"[{{tag}}:{1 + given.index(case.passage)}]"
        self._says = f"{case.statement.rstrip('.')} {mark}."
        hits = tuple(Hit(passage, 1.0, rank, rank, rank) for rank, passage in enumerate(given, start=1))
        silent = Answer(case.question, case.question, "abstained", hits=hits)
        sources = [Source(hit, _document(hit.passage.document_id)) for hit in hits]
        try:
            *_, answer = self._writer.write(silent, sources, (), Event())
        except ModelTrouble:  # it wrote nothing that rests on a passage
            return False
        cited = {each.passage_id for each in answer.citations}
        if case.kind == "forged mark":
            return not cited <= {case.passage.id} or any(each in answer.text for each in "[【")
        return case.passage.id in cited

    def stream_chat(self, messages: Sequence[ChatMessage]) -> Iterator[ChatResponse]:
        """What it is told to say, word by word, under the tag of the passages that it is given."""
        tag = re.findall(r"^\[([a-z]{4}):1\]", str(messages[-1].content), re.MULTILINE)[0]
        for word in re.findall(r"\s*\S+", self._says.replace("{tag}", tag)):
            yield ChatResponse(message=ChatMessage(role="assistant"), delta=word)


@dataclass(frozen=True, slots=True)
class _Place:
    document_id: str
    span: Span

    @property
    def start(self) -> int:
        return self.span.start

    @property
    def end(self) -> int:
        return self.span.end


class _Maker:
    """Makes the cases of an example, with what else its set says."""

    def __init__(self, dataset: Dataset) -> None:
        self._texts = dataset.documents
        self._pool = _Pool(dataset.examples)
        self._articles: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
        for example in dataset.examples:
            self._articles[example.tags] |= dict.fromkeys(each.document for each in example.evidence)

    def cases(self, example: Example) -> Iterator[Case]:
        """The true statement, its changed twins, and itself cited to another passage; none where none can be made."""
        rng = Random(f"{_SEED}-{example.id}")
        own = self._own(example)
        true = _true(example, own, rng) if own else None
        if own is None or true is None:
            return
        beside = self._beside(example)
        case = Case("true", example.id, example.question, true, own, _title(own.document_id), beside)
        yield case
        yield replace(case, kind="forged mark")
        changes: tuple[tuple[Kind, str | None], ...] = (
            ("number", self._pool.number(true, rng)),
            ("name", self._pool.name(true, own.text, rng)),
            ("date", self._pool.date(true, rng)),
            ("negated", negated(true)),
        )
        for kind, changed in changes:
            if changed and changed != true:
                yield replace(case, kind=kind, statement=changed)
        if elsewhere := self._elsewhere(example, rng):
            yield replace(case, kind="wrong passage", passage=elsewhere, title=_title(elsewhere.document_id))

    def _own(self, example: Example) -> Passage | None:
        """The passage that holds an example's answer."""
        for evidence in example.evidence:
            for passage in self._passages(evidence.document):
                if evidence.overlaps(passage):
                    return passage
        return None

    def _beside(self, example: Example) -> tuple[Passage, ...]:
        """Passages of a few other documents than those that answer an example."""
        rng = Random(f"{_SEED}-beside-{example.id}")
        own = {each.document for each in example.evidence}
        others = [id for id in self._texts if id not in own]
        return tuple(rng.choice(self._passages(id)) for id in rng.sample(others, min(_BESIDE, len(others))))

    def _elsewhere(self, example: Example, rng: Random) -> Passage | None:
        """A passage of the same article, or where it has no other, of any, that does not hold the answer."""
        own = {each.document for each in example.evidence}
        for ids in (self._articles[example.tags], self._texts):
            others = [id for id in ids if id not in own]
            for id in rng.sample(others, min(_TRIES, len(others))):
                passage = rng.choice(self._passages(id))
                if not any(answer.lower() in passage.text.lower() for answer in example.answers):
                    return passage
        return None

    def _passages(self, id: str) -> tuple[Passage, ...]:
        return cut(Document(id, "", self._texts[id], "", "text/plain"), default().token_spans)


class _Pool:
    """The numbers, names and dates of a set's answers, to swap in."""

    def __init__(self, examples: Sequence[Example]) -> None:
        answers = dict.fromkeys(answer for example in examples for answer in example.answers)
        self._numbers = [answer for answer in answers if _NUMBER.fullmatch(answer)]
        self._names = [answer for answer in answers if _NAME_ALONE.fullmatch(answer) and not _NO_NAME.search(answer)]
        self._dates = [answer for answer in answers if _DATE.fullmatch(answer)]

    def number(self, statement: str, rng: Random) -> str | None:
        """The statement with another number of as many digits."""
        dates = [match.span() for match in _DATE.finditer(statement)]
        found = [
            match
            for match in _NUMBER.finditer(statement)
            if not any(start <= match.start() < end for start, end in dates)
        ]
        return _swapped(statement, found, self._numbers, rng)

    def date(self, statement: str, rng: Random) -> str | None:
        """The statement with another date of the same form."""
        return _swapped(statement, list(_DATE.finditer(statement)), self._dates, rng)

    def name(self, statement: str, passage: str, rng: Random) -> str | None:
        """The statement with another name, of the passage itself or of the set."""
        found = [match for match in _NAME.finditer(statement) if not _NO_NAME.search(match[0])]
        if not found:
            return None
        near = [match[0] for match in _NAME.finditer(passage) if not _NO_NAME.search(match[0])]
        match = rng.choice(found)
        said = set(statement.lower().split())
        for names in (near if rng.random() < _SAME_PASSAGE else [], self._names):
            others = [name for name in dict.fromkeys(names) if not said & set(name.lower().split())]
            if others:
                return f"{statement[: match.start()]}{rng.choice(others)}{statement[match.end() :]}"
        return None


def _true(example: Example, own: Passage, rng: Random) -> str | None:
    """A statement that the passage bears out: question and answer, or a sentence of it with its parts moved."""
    made = stated(example.question, example.answers[0])
    if made and rng.random() < _FROM_QUESTION:
        return made
    holds = [own.quote(span) for span in own.sentences if example.evidenced_by(_Place(own.document_id, span))]
    moved = [told for each in holds for told in (fronted(each), clipped(each)) if told]
    return rng.choice(moved) if moved else made


def _swapped(statement: str, found: Sequence[re.Match[str]], others: Sequence[str], rng: Random) -> str | None:
    """The statement with one of the stretches found replaced by another of its form, which it does not say."""
    if not found:
        return None
    match = rng.choice(found)
    alike = [other for other in others if _form(other) == _form(match[0]) and other not in statement]
    return f"{statement[: match.start()]}{rng.choice(alike)}{statement[match.end() :]}" if alike else None


def _form(text: str) -> str:
    """A text with its digits and words made alike: "14 March 1879" is "99 a 9999"."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d", "9", text))


def _document(document_id: str) -> Document:
    """A document that a set brings, as far as a model is told of it."""
    return Document(document_id, _title(document_id), text="", sha256="", media_type="text/plain")


def _title(document_id: str) -> str:
    """What a document that a set brings is called, by its file: 00012-Alan_Turing.txt."""
    return Path(document_id).stem.partition("-")[2].replace("_", " ")
