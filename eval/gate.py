"""The gate: a run against floors, and against an earlier run; exit code 1 where it falls short."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pydantic import Field, TypeAdapter
from rich.table import Column, Table

from eval import compare, score
from eval.formats.records import StrictRecord, explained
from eval.report import shown
from eval.run import load
from eval.score import BY_NAME, METRICS, Metric, Outcome
from eval.terminal import console
from index.errors import DatasetError


class Floors(StrictRecord):
    """What a run must keep.

    Attributes:
        floor: The least of each metric or, where less is better, the most.
        tolerance: How much each may be worse than in the baseline.
    """

    floor: Mapping[str, float]
    tolerance: float = Field(default=0.0, ge=0, le=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A metric against what it must keep."""

    metric: Metric
    value: float
    bound: float
    against: str

    @property
    def kept(self) -> bool:
        """Whether it is at least as good; a figure that is not there is not."""
        return self.value >= self.bound if self.metric.better == "higher" else self.value <= self.bound

    @property
    def words(self) -> str:
        """What a table says of it, as rich marks it up."""
        if self.kept:
            return "kept"
        return f"[bold red]{'not measured by this set' if np.isnan(self.value) else 'fell short'}[/]"


def main(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="A run.", exists=True, dir_okay=False)],
    floor: Annotated[Path, typer.Option(help="The floors, TOML, such as eval/gate.toml.", exists=True, dir_okay=False)],
    baseline: Annotated[
        Path | None,
        typer.Option(help="An earlier run of the same set, to be no worse than.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Check a run against floors and, where one is given, a baseline. Exit code 1: something fell short."""
    floors, run = read(floor), load(path)
    if run.header.left_out:
        raise DatasetError(f"{path} leaves out {run.header.left_out} questions of its set; gate a run without --limit.")
    verdicts = against_floors(score.outcomes(run), floors)
    broken: list[Outcome] = []
    if baseline:
        before, after = compare.paired(load(baseline), run)
        verdicts += against_baseline(before, after, floors.tolerance)
        broken = compare.flips(after, before)
    printed = console()
    printed.print(table(verdicts))
    for outcome in broken:
        printed.print(compare.line("-", outcome))
    short = [verdict for verdict in verdicts if not verdict.kept]
    told = f"{len(short)} of {len(verdicts)} fell short" if short else f"all {len(verdicts)} kept"
    missing = len(run.header.examples) - len(run.results)
    if missing:
        told += f"; {missing} questions are not asked yet and count as failed, run the set again to go on"
    printed.print(f"The gate is {'red' if short else 'green'}: {told}.", highlight=False)
    raise typer.Exit(1 if short else 0)


def read(path: Path) -> Floors:
    """Read a floors file: a table `floor` of metrics, and perhaps a `tolerance`.

    Raises:
        DatasetError: It is no such file, or names a metric that there is none of.
    """
    try:
        floors = TypeAdapter(Floors).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DatasetError(explained(str(path), error)) from error
    if not floors.floor:
        raise DatasetError(f"{path}: expected at least one floor; the metrics are {', '.join(BY_NAME)}.")
    for name, bound in floors.floor.items():
        if name not in BY_NAME:
            near = get_close_matches(name, BY_NAME, n=1)
            meant = f"did you mean “{near[0]}”?" if near else f"the metrics are {', '.join(BY_NAME)}."
            raise DatasetError(f"{path}: there is no metric “{name}”; {meant}")
        if not name.startswith("seconds") and not 0 <= bound <= 1:
            raise DatasetError(f"{path}: expected a share from 0 to 1 for “{name}”, and it is {bound}.")
    return floors


def against_floors(outcomes: Sequence[Outcome], floors: Floors) -> list[Verdict]:
    """Every floor; a metric that has no meaning for the set falls short of any."""
    return [
        Verdict(BY_NAME[name], BY_NAME[name].value(outcomes), bound, "floor") for name, bound in floors.floor.items()
    ]


def against_baseline(before: Sequence[Outcome], after: Sequence[Outcome], tolerance: float) -> list[Verdict]:
    """Every metric but time, which is another on every machine."""
    verdicts = []
    for metric in METRICS:
        old = metric.value(before)
        if not np.isnan(old) and not metric.name.startswith("seconds"):
            bound = old - tolerance if metric.better == "higher" else old + tolerance
            verdicts.append(Verdict(metric, metric.value(after), bound, "baseline"))
    return verdicts


def table(verdicts: Sequence[Verdict]) -> Table:
    """The verdicts, what fell short first."""
    made = Table(Column("figure", no_wrap=True), "against", "verdict")
    for column in ("value", "bound"):
        made.add_column(column, justify="right")
    for each in sorted(verdicts, key=lambda verdict: verdict.kept):
        sign = "at least" if each.metric.better == "higher" else "at most"
        value, bound = shown(each.metric, each.value), shown(each.metric, each.bound)
        made.add_row(each.metric.name, each.against, each.words, value, f"{sign} {bound}")
    return made
