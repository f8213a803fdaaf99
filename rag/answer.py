"""Answer, Statement, and `Footnote`, the object with retrieve() and ask(): the one path."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from types import TracebackType
from typing import Literal, Self

from index.catalog import File
from index.document import Document, Span, canonical
from index.errors import LibraryError
from index.library import Library, OnProgress
from rag import calibration, cite
from rag.cite import Citation, place
from rag.disagree import disagreeing
from rag.examples import candidates
from rag.extract import extract, why_not
from rag.help import help_line
from rag.reader import FIRST, MORE, Candidate, Reader, Reading
from rag.retrieve import Hit, check_question, retrieve

_EXAMPLES = 4
_DAY = re.compile(r"\d{4}-\d\d-\d\d")  # ISO 8601, whose order is that of time
_TRIES = 3  # at an answer, where a sync changes what it quotes

ABSTENTION = "The documents don't say."
DISAGREEMENT = "The documents disagree"


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer and what it rests on.

    Attributes:
        span: Where the statement stands in `Answer.text`.
        citations: Numbers of the citations it rests on, at least one.
        support: "verbatim" where the statement is the quote itself, "supported" where a check says
            that the quote bears it out.
        score: How strongly, 0..1.
        short: The answer proper in it, as a place in `Answer.text`, or None.
    """

    span: Span
    citations: tuple[int, ...]
    support: Literal["verbatim", "supported"]
    score: float
    short: Span | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What Footnote says to a question. The same library and question give the same Answer.

    `str(answer)` is the text with `[1]` marks and its footnotes below.

    Attributes:
        question: As it was asked, without invisible characters.
        query: What was searched for.
        status: "answered" or "abstained".
        text: The supported statements, without footnote marks; empty when abstained.
        short: The answer proper inside `text`, that of the surest statement, or None.
        statements: In the order of the text.
        disagreeing: Numbers of the statements, from 1, that give another amount or date than another document's; empty
            where the documents agree, or nothing certain can be said.
        unsupported: What a language model wrote and nothing bore out.
        citations: Every one is used by a statement.
        hits: The passages read, as the reader ranks them.
        confidence: Calibrated probability that the answer is right, 0..1.
        reason: Why Footnote abstained, or "".
        mode: Who wrote it: "extract" (the sources' own words) or "help" (a line about Footnote).
    """

    question: str
    query: str
    status: Literal["answered", "abstained"]
    text: str = ""
    short: Span | None = None
    statements: tuple[Statement, ...] = ()
    disagreeing: tuple[int, ...] = ()
    unsupported: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    confidence: float = 0.0
    reason: str = ""
    mode: Literal["extract", "help"] = "extract"

    def __str__(self) -> str:
        """The text with marks and footnotes, or the reason for having none."""
        if self.status == "abstained":
            return f"{ABSTENTION} {self.reason}"
        if not self.statements:
            return self.text
        said = [" ".join(f"{self._line(each.span)} {_marks(each)}" for each in self.statements), ""]
        if self.rivals:
            values = "; ".join(f"{self._line(value)} {_marks(each)}" for each, value in self.rivals)
            said = [f"{DISAGREEMENT}: {values}.", "", *said]
        return "\n".join([*said, *(_footnote(each) for each in self.citations)])

    @property
    def rivals(self) -> tuple[tuple[Statement, Span], ...]:
        """The statements whose values disagree, and where in `text` the value of each stands."""
        statements = (self.statements[number - 1] for number in self.disagreeing)
        return tuple((each, each.short) for each in statements if each.short)

    def _line(self, span: Span) -> str:
        """A part of the text on one line."""
        return " ".join(self.text[span.start : span.end].split())


class Footnote:
    """A library of documents that can be asked.

    Attributes:
        library: Where it searches.
        reader: What reads the passages found.
        calibration: The numbers it answers with.
    """

    def __init__(self, library: Library, reader: Reader, numbers: calibration.Calibration) -> None:
        """Put a reader before a library; `rag.open` is the usual way."""
        self.library = library
        self.reader = reader
        self.calibration = numbers
        self._examples: tuple[int, tuple[str, ...]] = (-1, ())

    def retrieve(self, question: str, k: int = 5, *, documents: Collection[str] | None = None) -> tuple[Hit, ...]:
        """The `k` passages that fit a question best, best first, ties by id.

        Args:
            question: Words or a question, at most 4,000 characters.
            k: How many hits at most.
            documents: Search the documents with these ids only.

        Raises:
            QuestionError: The question is empty or too long.
        """
        return retrieve(self.library, check_question(question), k, self.calibration.fusion, documents)

    def ask(self, question: str, *, documents: Collection[str] | None = None) -> Answer:
        """Answer in the documents' own words, each sentence with its footnote, or abstain and say why.

        Args:
            question: At most 4,000 characters.
            documents: Answer from the documents with these ids only.

        Raises:
            QuestionError: The question is empty or too long.
            LibraryError: The library cannot be read, or changes faster than a question is answered.
        """
        query = check_question(question)
        said = canonical(question)[0]
        line = help_line(query)
        if line is not None:
            tries = " ".join(self.examples())
            return Answer(said, query, "answered", text=f"{line} Try: {tries}" if tries else line, mode="help")
        for _ in range(_TRIES):
            answer = self._answer(said, query, documents)
            if self._exact(answer):
                return answer
        raise LibraryError("The documents are being changed while you ask; ask again in a moment.")

    def unguarded(self) -> "Footnote":
        """This library, asked without the threshold under which Footnote abstains: for measuring."""
        return Footnote(self.library, self.reader, replace(self.calibration, threshold=0.0))

    def examples(self) -> tuple[str, ...]:
        """Up to four questions that this library answers, for someone who does not know it yet."""
        revision = self.library.revision()
        if self._examples[0] != revision:
            tried = (question for question in candidates(self.library) if self._answers(question))
            self._examples = (revision, tuple(islice(tried, _EXAMPLES)))
        return self._examples[1]

    def sync(self, on_progress: OnProgress = lambda _: None) -> tuple[File, ...]:
        """Bring the library up to date with its folder; see `Library.sync`."""
        return self.library.sync(on_progress)

    def add(self, name: str, data: bytes) -> File:
        """Add a document that does not lie in the folder; see `Library.add`."""
        return self.library.add(name, data)

    def remove(self, id: str) -> None:
        """Forget a document that was added; see `Library.remove`."""
        self.library.remove(id)

    def files(self) -> tuple[File, ...]:
        """Every file of the library and what became of it, by id."""
        return self.library.files()

    def document(self, document_id: str) -> Document:
        """A document by its id.

        Raises:
            KeyError: There is none.
        """
        return self.library.document(document_id)

    def close(self) -> None:
        """Let go of the library, so that another process may write it."""
        self.library.close()

    def __enter__(self) -> Self:
        """Close the library at the end of a `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `__enter__`."""
        self.close()

    def _answer(self, question: str, query: str, documents: Collection[str] | None) -> Answer:
        reading = self._read(query, documents)
        sure = self.calibration.confidence.probability(reading.logit)
        silent = Answer(question, query, "abstained", hits=reading.hits, confidence=sure)
        chosen = extract(reading, self.calibration)
        if not chosen:
            return replace(silent, reason=why_not(query, reading.hits))
        dates = {id: self._date(id) for id in dict.fromkeys(each.hit.passage.document_id for each in chosen)}
        return _answered(silent, _newest_first(chosen, dates), dates)

    def _date(self, document_id: str) -> str:
        """A document's date, or "" where it has none, or a sync has removed it meanwhile."""
        try:
            return self.document(document_id).date
        except KeyError:
            return ""

    def _exact(self, answer: Answer) -> bool:
        """Whether every quote stands in its document now; not so where a sync has changed it meanwhile."""
        try:
            return all(cite.exact(each, self.document(each.document_id).text) for each in answer.citations)
        except KeyError:
            return False

    def _read(self, query: str, documents: Collection[str] | None = None) -> Reading:
        hits = self.retrieve(query, FIRST + MORE, documents=documents)
        return self.reader.read(query, hits)

    def _answers(self, question: str) -> bool:
        return bool(extract(self._read(question), self.calibration))


def _newest_first(chosen: Sequence[Candidate], dates: Mapping[str, str]) -> Sequence[Candidate]:
    """The chosen sentences, the newest document's first where the dates of all are known."""
    if not all(map(_DAY.match, dates.values())):
        return chosen
    return sorted(chosen, key=lambda each: dates[each.hit.passage.document_id], reverse=True)


def _answered(silent: Answer, chosen: Sequence[Candidate], dates: Mapping[str, str]) -> Answer:
    """An answer that says the chosen sentences, a footnote each, joined by blanks."""
    citations: list[Citation] = []
    statements: list[Statement] = []
    start = 0
    for number, candidate in enumerate(chosen, start=1):
        passage = candidate.hit.passage
        citation = cite.cite(number, passage, candidate.span, dates[passage.document_id])
        end, shift, short = start + len(citation.quote), start - citation.start, candidate.short
        moved = Span(short.start + shift, short.end + shift) if short else None
        citations.append(citation)
        statements.append(Statement(Span(start, end), (number,), "verbatim", candidate.score, moved))
        start = end + 1
    surest = max(range(len(chosen)), key=lambda place: chosen[place].score)
    return replace(
        silent,
        status="answered",
        text=" ".join(citation.quote for citation in citations),
        short=statements[surest].short,
        statements=tuple(statements),
        disagreeing=disagreeing(silent.query, chosen),
        citations=tuple(citations),
    )


def _marks(statement: Statement) -> str:
    return "".join(f"[{number}]" for number in statement.citations)


def _footnote(citation: Citation) -> str:
    where = place(citation.document_id, citation.page, Span(citation.start, citation.end))
    return f"[{citation.number}] {where}: “{' '.join(citation.quote.split())}”"
