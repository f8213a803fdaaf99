"""The part of the record that says how fast Footnote is: tables of the figures measured last, by part."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from eval.bench.figure import Figure
from eval.library import RUNS
from index.errors import FootnoteError

RECORD = Path(__file__).parent.parent / "BENCHMARK.md"

_HEADING = "## Speed and memory"
_KEPT = RUNS / "bench"  # a file a part: parts are measured at different times


def keep(part: str, figures: Sequence[Figure]) -> None:
    """Keep what was measured last of a part."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    (_KEPT / f"{part}.json").write_text(json.dumps([asdict(each) for each in figures], indent=1), encoding="utf-8")


def kept(part: str) -> tuple[Figure, ...]:
    """What was measured last of a part; nothing where nothing was."""
    path = _KEPT / f"{part}.json"
    return tuple(Figure(**each) for each in json.loads(path.read_text(encoding="utf-8"))) if path.exists() else ()


def renew(record: Path, titles: Mapping[str, str]) -> None:
    """Write the figures of each part that was measured, under its title, into the record.

    Raises:
        FootnoteError: The record has no place for them.
    """
    told, parts = record.read_text(encoding="utf-8"), [(title, kept(part)) for part, title in titles.items()]
    if _HEADING not in told:
        raise FootnoteError(f"{record} has no line {_HEADING!r} to write under; add one.")
    blocks = ["\n".join([f"### {title}", "", *_table(figures)]) for title, figures in parts if figures]
    record.write_text("\n\n".join([told.partition(_HEADING)[0] + _HEADING, *blocks]) + "\n", encoding="utf-8")


def section(record: Path) -> str:
    """The part of a record that `renew` writes, as it stands there."""
    told = record.read_text(encoding="utf-8") if record.exists() else ""
    return _HEADING + told.partition(_HEADING)[2]


def _table(figures: Sequence[Figure]) -> Iterator[str]:
    yield "| | measured | floor | goal | |"
    yield "|---|---:|---:|---:|---|"
    for each in figures:
        cells = (each.what, each.told(each.value), each.told(each.floor), each.told(each.goal), each.verdict)
        yield f"| {' | '.join(cells)} |"
