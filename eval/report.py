"""A run -> tables for the terminal, and one self-contained page: figures, charts, and a browser of failures."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Annotated

import jinja2
import numpy as np
import typer
from markupsafe import Markup
from rich.table import Column, Table
from rich.text import Text

from eval import charts, score
from eval.dataset import Evidence, Turn
from eval.run import Run, load
from eval.score import BY_NAME, STEPS, Figure, Metric, Outcome, Step
from eval.terminal import console
from index.document import Span, canonical
from index.passages import Passage
from rag.cite import Citation

_TEMPLATE = Path(__file__).with_name("report.html")
_MOST_FAILURES = 100  # of each step: a page of thousands opens in no browser
_MOST_TAGS = 40
_READ = 3  # passages shown of those read

_BY_TAG = {
    "answered rightly": "answers: recall",
    "F1": "answers: F1 of the answerable",
    "citation F1": "citations: F1",
    "hit@5": "passages: hit@5",
    "refused": "abstention: recall",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, ready to be shown."""

    name: str
    value: str
    interval: str
    count: int


@dataclass(frozen=True, slots=True)
class Group:
    """The figures that say something about one thing."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Tagged:
    """The examples with one tag: how many, then the figures of `_BY_TAG`, ready to be shown."""

    tag: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and what it says."""

    title: str
    caption: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters of a passage that are all cited or not, and all gold or not."""

    text: str
    cited: bool
    gold: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage with what is marked in it."""

    document: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed example, ready to be shown."""

    id: str
    question: str
    history: tuple[Turn, ...]
    tags: tuple[str, ...]
    answerable: bool
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    said: str
    confidence: str
    passages: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Failures:
    """How many examples failed in a step, and the first of them."""

    name: Step
    count: int
    failures: tuple[Failure, ...]


def main(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="A run.", exists=True, dir_okay=False)],
) -> None:
    """Print a run's figures, and write a page with charts and every failure beside it."""
    run = load(path)
    outcomes = score.outcomes(run)
    figures = score.figures(outcomes)
    printed = console()
    printed.print(table(figures))
    if any(outcome.example.tags for outcome in outcomes):
        printed.print(tag_table(outcomes))
    failed = [f"{len(group)} {step}" for step, group in _failed(outcomes).items()]
    left_out = f", {run.header.left_out} of the set left out" if run.header.left_out else ""
    printed.print(
        f"{len(outcomes)} questions{left_out}: {', '.join(failed) if failed else 'none failed'}.", highlight=False
    )
    target = path.with_suffix(".html")
    target.write_text(page(path.stem, run, outcomes, figures), encoding="utf-8")
    printed.print(Text(f"The page: {target}"), soft_wrap=True)


def table(figures: Iterable[Figure]) -> Table:
    """The figures with their intervals."""
    made = Table(Column("figure", no_wrap=True))
    for column in ("value", "95 % interval", "questions"):
        made.add_column(column, justify="right")
    for row in map(_row, figures):
        made.add_row(row.name, row.value, row.interval, str(row.count))
    return made


def tag_table(outcomes: Sequence[Outcome]) -> Table:
    """Some figures of each tag."""
    made = Table(Column("tag", no_wrap=True, max_width=30, overflow="ellipsis"), *("questions", *_BY_TAG))
    for tagged in by_tag(outcomes):
        made.add_row(Text(canonical(tagged.tag)[0]), *tagged.values)
    return made


def by_tag(outcomes: Sequence[Outcome]) -> tuple[Tagged, ...]:
    """Some figures of each tag, of the commonest where there are many, by tag."""
    chosen = [BY_NAME[name] for name in _BY_TAG.values()]
    counted = Counter(tag for outcome in outcomes for tag in outcome.example.tags)
    tags = sorted(tag for tag, _ in counted.most_common(_MOST_TAGS))
    groups = {tag: [outcome for outcome in outcomes if tag in outcome.example.tags] for tag in tags}
    return tuple(
        Tagged(tag, (str(len(group)), *(shown(metric, metric.value(group)) for metric in chosen)))
        for tag, group in groups.items()
    )


def shown(metric: Metric, value: float) -> str:
    """A figure for people: shares in per cent, times in seconds."""
    if not np.isfinite(value):
        return "–"
    return f"{value:.3f} s" if metric.name.startswith("seconds") else f"{100 * value:.1f}"


def page(title: str, run: Run, outcomes: Sequence[Outcome], figures: Sequence[Figure]) -> str:
    """The page: no script, no network, and what documents and questions hold is text in it."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        title=title,
        set=run.header.set,
        asked=len(run.results),
        total=len(outcomes),
        left_out=run.header.left_out,
        calibration=run.header.calibration,
        headline=headline(figures),
        groups=_groups(figures),
        charts=_charts(outcomes) if run.results else (),
        tags={"columns": ("questions", *_BY_TAG), "rows": by_tag(outcomes)},
        steps=failures(outcomes),
    )


def headline(figures: Sequence[Figure]) -> str:
    """What matters most, in a sentence; "" where the set tells nothing of it."""
    values = {figure.metric.name: shown(figure.metric, figure.value) for figure in figures}
    told = (
        ("answers: recall", "{} % of the questions that the documents answer are answered with the right footnote"),
        ("abstention: recall", "{} % of the others are refused"),
        ("citations: exact quotes", "{} % of the quotes are exact"),
    )
    return "; ".join(words.format(values[name]) for name, words in told if name in values)


def failures(outcomes: Sequence[Outcome]) -> tuple[Failures, ...]:
    """The failed examples by the step that failed, the commonest harm first."""
    return tuple(
        Failures(step, len(group), tuple(map(_failure, group[:_MOST_FAILURES])))
        for step, group in _failed(outcomes).items()
    )


def marked(passage: Passage, cited: Sequence[Citation], evidence: Sequence[Evidence]) -> tuple[Piece, ...]:
    """A passage cut wherever a citation or a piece of evidence begins or ends."""
    citations = [(each.start, each.end) for each in cited if each.document_id == passage.document_id]
    gold = [(e.span.start, e.span.end) for e in evidence if e.span and e.document == passage.document_id]
    ends = {end for pair in (*citations, *gold) for end in pair}
    borders = sorted({passage.start, passage.end, *(end for end in ends if passage.start < end < passage.end)})
    return tuple(
        Piece(
            passage.quote(Span(start, end)),
            cited=any(first <= start and end <= last for first, last in citations),
            gold=any(first <= start and end <= last for first, last in gold),
        )
        for start, end in pairwise(borders)
    )


def _row(figure: Figure) -> Row:
    low, high = shown(figure.metric, figure.low), shown(figure.metric, figure.high)
    return Row(figure.metric.name, shown(figure.metric, figure.value), f"{low} – {high}", figure.count)


def _groups(figures: Sequence[Figure]) -> tuple[Group, ...]:
    """The figures by what stands before the colon of their names."""

    def group(row: Row) -> str:
        return row.name.partition(": ")[0]

    return tuple(
        Group(name, tuple(replace(row, name=row.name.partition(": ")[2]) for row in rows))
        for name, rows in groupby(map(_row, figures), key=group)
    )


def _charts(outcomes: Sequence[Outcome]) -> tuple[Chart, ...]:
    return (
        Chart(
            "Risk and coverage",
            "Were only the surest questions answered, from none to all: how many of the answers would be wrong.",
            Markup(charts.risk_coverage(outcomes)),  # made by the library, from numbers alone
        ),
        Chart(
            "Reliability",
            "Of answers with each confidence, how many are right. On the dashed line, confidence is what it says.",
            Markup(charts.reliability(outcomes)),
        ),
        Chart(
            "Confidence",
            "Of questions that the documents answer, and of those that they do not.",
            Markup(charts.confidences(outcomes)),
        ),
        Chart("Time", "How long an answer took.", Markup(charts.seconds(outcomes))),
    )


def _failed(outcomes: Sequence[Outcome]) -> dict[Step, list[Outcome]]:
    """The outcomes of each step that failed any."""
    groups = {step: [outcome for outcome in outcomes if outcome.step == step] for step in STEPS}
    return {step: group for step, group in groups.items() if group}


def _failure(outcome: Outcome) -> Failure:
    example, result = outcome.example, outcome.result
    passages = [hit.passage for hit in result.said.hits] if result else []
    cited = result.said.citations if result else ()
    wanted = [passage for passage in passages if any(each.passage_id == passage.id for each in cited)]
    first = list(dict.fromkeys([*wanted, *passages]))[: max(_READ, len(wanted))]
    return Failure(
        id=example.id,
        question=example.question,
        history=example.history,
        tags=example.tags,
        answerable=example.answerable,
        answers=example.answers,
        evidence=example.evidence,
        said=_said(outcome),
        confidence=f"{result.answer.confidence:.2f}" if result else "–",
        passages=tuple(Shown(each.document_id, marked(each, cited, example.evidence)) for each in first),
    )


def _said(outcome: Outcome) -> str:
    if outcome.result is None:
        return "was not asked"
    answer, withheld = outcome.result.answer, outcome.result.withheld
    if answer.status == "answered":
        return answer.text
    return f"{answer.reason} Withheld: {withheld.text}" if withheld and withheld.text else answer.reason
