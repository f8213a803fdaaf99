"""Our own sets: questions on a folder of documents, one JSON object a line, with quotes for evidence."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from eval.dataset import Dataset, Evidence, Example, Turn
from eval.formats.records import StrictRecord, lines
from index.document import Span
from index.errors import DatasetError

Texts = Callable[[str], str]
"""A document's id -> its canonical text; raises DatasetError, with the reason, where there is none."""


Said = Annotated[str, Field(pattern=r"\S")]
"""Text that is not blank."""


class _Quote(StrictRecord):
    document: str
    quote: str
    fact: int | None = Field(default=None, ge=0)


class _Turn(StrictRecord):
    question: str
    answer: str


class _Question(StrictRecord):
    id: Said
    question: Said
    answers: list[Said]
    evidence: list[_Quote]
    history: tuple[_Turn, ...] = ()
    tags: tuple[str, ...] = ()


def read(path: Path, texts: Texts) -> Dataset:
    """Read a set; empty `answers` say that the documents do not answer.

    Each quote is needed, unless several have the same `fact`: of these any one is enough.

    Raises:
        DatasetError: A line is malformed, an id comes twice, or a quote does not stand in its document once.
    """
    examples: dict[str, Example] = {}
    for place, question in lines(path, _Question):
        if question.id in examples:
            raise DatasetError(f"{place}: expected an id of its own, and {question.id} is taken.")
        if bool(question.answers) != bool(question.evidence):
            raise DatasetError(f"{place}: expected answers and evidence both, or neither where nothing answers.")
        examples[question.id] = Example(
            id=question.id,
            question=question.question,
            answerable=bool(question.answers),
            answers=tuple(question.answers),
            evidence=tuple(_evidence(each, -number, texts, place) for number, each in enumerate(question.evidence, 1)),
            history=tuple(Turn(turn.question, turn.answer) for turn in question.history),
            tags=question.tags,
        )
    return Dataset(path.stem, tuple(examples.values()))


def _evidence(quoted: _Quote, own_fact: int, texts: Texts, place: str) -> Evidence:
    try:
        text = texts(quoted.document)
    except DatasetError as error:
        raise DatasetError(f"{place}: {error}") from error
    count = text.count(quoted.quote) if quoted.quote.strip() else 0
    if count != 1:
        raise DatasetError(
            f"{place}: expected a quote that stands in {quoted.document} once, and “{quoted.quote[:60]}” stands there "
            f"{count} times; copy it from the chat's Source column, which shows the text as Footnote reads it."
        )
    start = text.index(quoted.quote)
    fact = own_fact if quoted.fact is None else quoted.fact
    return Evidence(quoted.document, quoted.quote, Span(start, start + len(quoted.quote)), fact)
