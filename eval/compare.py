"""Two runs of the same questions: what changed, how surely, and which examples flipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Column, Table
from rich.text import Text

from eval import score
from eval.metrics import Numbers
from eval.report import shown
from eval.run import ANSWER, Run, load
from eval.score import METRICS, Metric, Outcome
from eval.terminal import console
from index.document import canonical
from index.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Change:
    """A metric in two runs, and the 95 % interval of the difference, by the paired bootstrap (Koehn, 2004)."""

    metric: Metric
    before: float
    after: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the second is better or worse; "" where chance explains the difference."""
        if self.low <= 0 <= self.high:
            return ""
        return "better" if (self.low > 0) == (self.metric.better == "higher") else "worse"


def main(
    first: Annotated[Path, typer.Argument(metavar="A", help="A run.", exists=True, dir_okay=False)],
    second: Annotated[
        Path, typer.Argument(metavar="B", help="Another run of the same set.", exists=True, dir_okay=False)
    ],
) -> None:
    """Compare two runs of the same questions: every figure, the examples that flipped, and equal answers."""
    before, after = load(first), load(second)
    old, new = paired(before, after)
    printed = console()
    changed = [change for change in changes(old, new) if change.after != change.before]
    if changed:
        printed.print(table(changed))
    printed.print(f"{len(changed)} figures differ.", highlight=False)
    for mark, title, flipped in (("+", "mended", flips(old, new)), ("-", "broken", flips(new, old))):
        printed.print(f"{len(flipped)} {title}", highlight=False)
        for outcome in flipped:
            printed.print(line(mark, outcome))
    same, both = repeated(before, after)
    printed.print(f"{same} of {both} answers are the same, byte for byte.", highlight=False)
    if before.header.calibration != after.header.calibration:
        printed.print("The two answered with different calibrations, and so with other confidences.", highlight=False)


def paired(before: Run, after: Run) -> tuple[tuple[Outcome, ...], tuple[Outcome, ...]]:
    """The outcomes of both.

    Raises:
        DatasetError: They were not asked the same examples.
    """
    other = len(set(_asked(before)) ^ set(_asked(after)))
    if other:
        raise DatasetError(
            f"The two runs did not ask the same questions: {other} are in one of them only, or were changed; ask the "
            f"same set, with the same --limit, with both versions."
        )
    return score.outcomes(before), score.outcomes(after)


def changes(before: Sequence[Outcome], after: Sequence[Outcome]) -> tuple[Change, ...]:
    """Every metric that has a meaning in both."""
    every = (_change(metric, metric.rows(before), metric.rows(after)) for metric in METRICS)
    return tuple(change for change in every if change)


def flips(before: Sequence[Outcome], after: Sequence[Outcome]) -> list[Outcome]:
    """What failed in the first and does not in the second."""
    return [new for old, new in zip(before, after, strict=True) if old.step and not new.step]


def repeated(before: Run, after: Run) -> tuple[int, int]:
    """How many of the answers that both runs have are the same, byte for byte, and how many both have."""
    both = before.results.keys() & after.results.keys()
    same = (ANSWER.dump_json(before.results[id].answer) == ANSWER.dump_json(after.results[id].answer) for id in both)
    return sum(same), len(both)


def line(mark: str, outcome: Outcome) -> Text:
    """An example on one line; what a set holds is text, and moves no cursor."""
    return Text(f"{mark} {canonical(f'{outcome.example.id}: {outcome.example.question}')[0]}")


def _asked(run: Run) -> list[tuple[str, str, bool]]:
    """What was asked; where the evidence stands may differ, for documents are edited."""
    return [(each.id, each.question, each.answerable) for each in run.header.examples]


def _change(metric: Metric, old: Numbers, new: Numbers) -> Change | None:
    if not len(old) or np.isnan(metric.of(old)) or np.isnan(metric.of(new)):
        return None
    low, high = score.interval(lambda picked: metric.of(new[picked]) - metric.of(old[picked]), len(old))
    return Change(metric, metric.of(old), metric.of(new), low, high)


def table(changes: Sequence[Change]) -> Table:
    """The changes, each with what chance does not explain."""
    made = Table(Column("figure", no_wrap=True))
    for column in ("A", "B", "B - A", "95 % interval"):
        made.add_column(column, justify="right")
    made.add_column("B is")
    for each in changes:
        numbers = (each.before, each.after, each.after - each.before)
        between = f"{shown(each.metric, each.low)} – {shown(each.metric, each.high)}"
        made.add_row(each.metric.name, *(shown(each.metric, number) for number in numbers), between, each.verdict)
    return made
