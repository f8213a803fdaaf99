"""The part of the record that says how fast Footnote is: tables of the figures measured last, by part."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.bench.figure import Figure
from eval.library import RUNS
from index.errors import FootnoteError

RECORD = Path(__file__).parent.parent / "BENCHMARK.md"

_CHARTS = "figures"  # a folder beside the record
_HEADING = "## Speed and memory"
_KEPT = RUNS / "bench"  # a file a part: parts are measured at different times


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured together.

    Attributes:
        title: Of its section in the record.
        figures: Measures it.
        chart: Draws it, as SVG text; None where there is nothing to draw.
    """

    title: str
    figures: Callable[[], Iterator[Figure]]
    chart: Callable[[Sequence[Figure]], str] | None = None


def keep(part: str, figures: Sequence[Figure]) -> None:
    """Keep what was measured last of a part."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    (_KEPT / f"{part}.json").write_text(json.dumps([asdict(each) for each in figures], indent=1), encoding="utf-8")


def kept(part: str) -> tuple[Figure, ...]:
    """What was measured last of a part; nothing where nothing was."""
    path = _KEPT / f"{part}.json"
    return tuple(Figure(**each) for each in json.loads(path.read_text(encoding="utf-8"))) if path.exists() else ()


def renew(record: Path, parts: Mapping[str, Part]) -> None:
    """Write the figures of each part that was measured, under its title and with its chart, into the record.

    Raises:
        FootnoteError: The record has no place for them.
    """
    told = record.read_text(encoding="utf-8")
    if _HEADING not in told:
        raise FootnoteError(f"{record} has no line {_HEADING!r} to write under; add one.")
    measured = [(name, part, figures) for name, part in parts.items() if (figures := kept(name))]
    blocks = ["\n".join(_block(record.parent, *each)) for each in measured]
    record.write_text("\n\n".join([told.partition(_HEADING)[0] + _HEADING, *blocks]) + "\n", encoding="utf-8")


def _block(folder: Path, name: str, part: Part, figures: Sequence[Figure]) -> Iterator[str]:
    """A part's lines in a record that lies in a folder, and its chart beside that."""
    yield from (f"### {part.title}", "")
    if part.chart:
        (folder / _CHARTS).mkdir(exist_ok=True)
        (folder / _CHARTS / f"{name}.svg").write_text(part.chart(figures), encoding="utf-8")
        yield from (f"![{part.title}]({_CHARTS}/{name}.svg)", "")
    yield from _table(figures)


def section(record: Path) -> str:
    """The part of a record that `renew` writes, as it stands there."""
    told = record.read_text(encoding="utf-8") if record.exists() else ""
    return _HEADING + told.partition(_HEADING)[2]


def _table(figures: Sequence[Figure]) -> Iterator[str]:
    """A row a figure; or, where they were measured with several numbers of something, a row for all of them."""
    numbers = sorted({each.at for each in figures if each.at is not None})
    if not numbers:
        yield from ("| | measured | floor | goal | |", "|---|---:|---:|---:|---|")
        for each in figures:
            yield _row(each.what, each.told(each.value), each.told(each.floor), each.told(each.goal), each.verdict)
        return
    yield _row("", *(f"{number:,} {figures[0].of}" for number in numbers))
    yield f"|---|{'---:|' * len(numbers)}"
    for what in dict.fromkeys(each.what for each in figures):
        found = {each.at: each for each in figures if each.what == what}
        yield _row(what, *(_cell(found[number]) if number in found else "" for number in numbers))


def _cell(figure: Figure) -> str:
    """What was measured and, where it has a floor, how it stands to that."""
    told = figure.told(figure.value)
    return f"{told} (floor {figure.told(figure.floor)}: {figure.verdict})" if figure.floor is not None else told


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
