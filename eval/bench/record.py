"""The part of the record that says how fast Footnote is: tables of the figures measured last, by part."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.bench.figure import Figure
from index.errors import FootnoteError

RECORD = Path(__file__).parent.parent / "BENCHMARK.md"

_CHARTS = "figures"  # a folder beside the record
_HEADING = "## Speed and memory"
_SECTION = "\n### "  # and a title: parts are measured at different times


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


def renew(record: Path, parts: Mapping[str, Part], name: str, figures: Sequence[Figure]) -> None:
    """Write the figures of one of the parts into the record, under its title and with its chart.

    They replace those that stand there of it; those of the other parts stay, in the order of the parts.

    Raises:
        FootnoteError: The record has no place for them.
    """
    told = record.read_text(encoding="utf-8")
    if _HEADING not in told:
        raise FootnoteError(f"{record} has no line {_HEADING!r} to write under; add one.")
    before, _, below = told.partition(_HEADING)
    blocks = {block.partition("\n")[0]: block.strip() for block in below.split(_SECTION)[1:]}
    blocks[parts[name].title] = "\n".join(_block(record.parent, name, parts[name], figures))
    kept = [_SECTION + blocks[part.title] for part in parts.values() if part.title in blocks]
    record.write_text("\n".join([before + _HEADING, *kept]) + "\n", encoding="utf-8")


def _block(folder: Path, name: str, part: Part, figures: Sequence[Figure]) -> Iterator[str]:
    """A part's lines in a record that lies in a folder, and its chart beside that."""
    yield from (part.title, "")
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
