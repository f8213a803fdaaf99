"""Ask a set of questions and count what was answered rightly, what was rightly refused, and exact quotes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

import rag
from index.errors import FootnoteError
from rag.answer import Answer, Footnote

SEEDS = Path(__file__).parent.parent / "seeds"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Characters of a document that answer a question; `document` is the document's id."""

    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Example:
    """A question and what is known of its answer.

    Attributes:
        id: Unique in its set.
        question: As a person would ask it.
        answers: Short answers that the evidence holds; empty where the documents do not say.
        evidence: Quotes of which a right answer cites one, at least in part.
        tags: What kind of question it is.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an example: `right` means answered rightly or, where nothing answers it, refused."""

    example: Example
    answer: Answer
    right: bool
    exact: bool


def load(path: Path) -> tuple[Example, ...]:
    """Read a set, one JSON object a line.

    Raises:
        FootnoteError: A line is not an example; the message says which and what was expected.
    """
    return tuple(
        _example(line, f"{path}, line {number}")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    )


def run(docs: Footnote, examples: Sequence[Example]) -> tuple[Outcome, ...]:
    """Ask every example."""
    return tuple(_outcome(docs, example) for example in examples)


def main(
    examples: Annotated[Path, typer.Argument(help="The set, JSON lines.", exists=True, dir_okay=False)],
    documents: Annotated[Path, typer.Option(help="The folder it asks about.")] = SEEDS,
) -> None:
    """Ask a set of questions over a folder and print what came of it."""
    with rag.open(documents) as docs:
        outcomes = run(docs, load(examples))
    for outcome in outcomes:
        if not outcome.right:
            said = outcome.answer.text or outcome.answer.reason
            typer.echo(
                f"wrong  {outcome.example.id}  {outcome.example.question}\n       {' '.join(said.split())[:160]}"
            )
    typer.echo(report(outcomes))


def report(outcomes: Sequence[Outcome]) -> str:
    """The counts, in one line."""
    answerable = [outcome for outcome in outcomes if outcome.example.answers]
    others = [outcome for outcome in outcomes if not outcome.example.answers]
    quotes = sum(len(outcome.answer.citations) for outcome in outcomes)
    return (
        f"{sum(each.right for each in answerable)} of {len(answerable)} answered rightly, "
        f"{sum(each.right for each in others)} of {len(others)} refused rightly, "
        f"{'every' if all(each.exact for each in outcomes) else 'NOT every'} quote exact ({quotes})"
    )


def _example(line: str, place: str) -> Example:
    try:
        fields = json.loads(line)
        return Example(
            id=fields["id"],
            question=fields["question"],
            answers=tuple(fields["answers"]),
            evidence=tuple(Evidence(**evidence) for evidence in fields["evidence"]),
            tags=tuple(fields["tags"]),
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise FootnoteError(
            f"{place} is not an example ({error}); expected id, question, answers, tags, and evidence with document "
            f"and quote."
        ) from error


def _outcome(docs: Footnote, example: Example) -> Outcome:
    answer = docs.ask(example.question)
    if example.answers:
        right = any(_cites(answer, evidence) for evidence in example.evidence)
    else:
        right = answer.status == "abstained"
    exact = all(docs.document(each.document_id).text[each.start : each.end] == each.quote for each in answer.citations)
    return Outcome(example, answer, right, exact)


def _cites(answer: Answer, evidence: Evidence) -> bool:
    """Whether a footnote points at the evidence: one of the two quotes holds the other."""
    same = (citation for citation in answer.citations if citation.document_id == evidence.document)
    return any(evidence.quote in citation.quote or citation.quote in evidence.quote for citation in same)
