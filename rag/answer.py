"""Answer and Statement: what Footnote says, and what every sentence of it rests on; Draft: an answer that grows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from index.document import Span
from rag.cite import Citation, place
from rag.retrieve import Hit

ABSTENTION = "The documents don't say."
DISAGREEMENT = "The documents disagree"
UNSUPPORTED = "Not supported by your documents"


Support = Literal["verbatim", "supported", "computed"]
"""How a statement rests on what it cites; see `Statement`."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer and what it rests on.

    Attributes:
        span: Where the statement stands in `Answer.text`.
        citations: Numbers of the citations it rests on, at least one.
        support: "verbatim" where the statement is the quote itself, "supported" where a check says
            that the quote bears it out, "computed" where it is worked out from rows of a table, of which it cites some.
        score: How strongly, 0..1.
        short: The answer proper in it, as a place in `Answer.text`, or None.
    """

    span: Span
    citations: tuple[int, ...]
    support: Support
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
        unsupported: What a language model wrote and nothing bore out, sentence by sentence.
        citations: Every one is used by a statement.
        hits: The passages read, as the reader ranks them; of a computed answer those that hold the rows cited.
        confidence: Calibrated probability that the answer is right, 0..1; 1 of a computed one, which says itself what
            was computed over which rows.
        reason: Why Footnote abstained, or "".
        mode: Who wrote it: "extract" (the sources' own words), "generate" (a language model), "compute" (counted, added
            up or compared over the rows of a table) or "help" (a line about Footnote).
        model: The language model that wrote it, or "".
        read: How many of the hits, from the first, that model was given to read.
        notice: What else is to be known: what went wrong with a language model, or that not all documents have been
            read yet; one line, or "".
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
    mode: Literal["extract", "generate", "compute", "help"] = "extract"
    model: str = ""
    read: int = 0
    notice: str = ""

    def __str__(self) -> str:
        """The text with marks and footnotes, or the reason for having none."""
        if self.status == "abstained":
            return "\n".join([f"{ABSTENTION} {self.reason}", *self.beside])
        if not self.statements:
            return self.text
        said = [" ".join(f"{self._line(each.span)} {_marks(each)}" for each in self.statements), ""]
        if self.rivals:
            values = "; ".join(f"{self._line(value)} {_marks(each)}" for each, value in self.rivals)
            said = [f"{DISAGREEMENT}: {values}.", "", *said]
        return "\n".join([*said, *(_footnote(each) for each in self.citations), *self.beside])

    @property
    def is_as_asked(self) -> bool:
        """Whether the question was looked up as it was asked, and not as it is understood after others."""
        return self.query == self.question.strip()

    @property
    def supported(self) -> str:
        """How much of what a language model wrote is borne out, as "5 of 6 statements supported"; "" where all is."""
        whole = len(self.statements) + len(self.unsupported)
        return f"{len(self.statements)} of {whole} statements supported" if self.unsupported else ""

    @property
    def rivals(self) -> tuple[tuple[Statement, Span], ...]:
        """The statements whose values disagree, and where in `text` the value of each stands."""
        statements = (self.statements[number - 1] for number in self.disagreeing)
        return tuple((each, each.short) for each in statements if each.short)

    def _line(self, span: Span) -> str:
        """A part of the text on one line."""
        return " ".join(self.text[span.start : span.end].split())

    @property
    def beside(self) -> tuple[str, ...]:
        """What is said of an answer, under it: who wrote it from how much, trouble with them, and what was left out."""
        written = f"Written by {self.model} from {self.read} of {len(self.hits)} passages." if self.model else ""
        left_out = f"{UNSUPPORTED}: {' '.join(self.unsupported)}" if self.unsupported else ""
        return tuple(line for line in (written, self.notice, left_out) if line)


class Draft:
    """An answer that is being put together, statement by statement."""

    def __init__(self, silent: Answer) -> None:
        """Begin with what is known before anything is said."""
        self._silent = silent
        self._said: list[str] = []
        self._statements: list[Statement] = []
        self._citations: list[Citation] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said."""
        return not self._said

    @property
    def said(self) -> tuple[str, ...]:
        """The statements so far."""
        return tuple(self._said)

    def say(
        self,
        text: str,
        citations: Sequence[Citation],
        support: Support,
        score: float,
        short: Span | None = None,
    ) -> int:
        """Add a statement and what it rests on, whose numbers are given here; `short` is a place in `text`.

        What has been said before is not said again: it only learns of its short answer. Returns the statement's number,
        from 1.
        """
        if text not in self._said:
            start = sum(len(each) + 1 for each in self._said)
            numbers = tuple(dict.fromkeys(self._number(each) for each in citations))
            self._said.append(text)
            self._statements.append(Statement(Span(start, start + len(text)), numbers, support, score))
        place = self._said.index(text)
        if short:
            start = self._statements[place].span.start
            moved = Span(start + short.start, start + short.end)
            self._statements[place] = replace(self._statements[place], short=moved)
        return place + 1

    def answer(self, disagreeing: Sequence[int] = (), unsupported: Sequence[str] = ()) -> Answer:
        """The answer so far; still silent where nothing has been said."""
        if self.is_empty:
            return self._silent
        surest = max(self._statements, key=lambda each: each.score)
        return replace(
            self._silent,
            status="answered",
            text=" ".join(self._said),
            short=surest.short,
            statements=tuple(self._statements),
            disagreeing=tuple(disagreeing),
            unsupported=tuple(unsupported),
            citations=tuple(self._citations),
        )

    def _number(self, citation: Citation) -> int:
        """The number of a citation; one of the same characters keeps its own."""
        known = [replace(each, number=citation.number) for each in self._citations]
        if citation not in known:
            self._citations.append(replace(citation, number=len(self._citations) + 1))
            return len(self._citations)
        return known.index(citation) + 1


def _marks(statement: Statement) -> str:
    return "".join(f"[{number}]" for number in statement.citations)


def _footnote(citation: Citation) -> str:
    told = f" ({citation.named})" if citation.heads else ""
    return f"[{citation.number}] {place(citation)}: “{' '.join(citation.quote.split())}”{told}"
