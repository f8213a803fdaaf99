"""A library as it grows: how long what people wait for takes, and what it holds, by the number of its passages."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from eval.bench import synthetic
from eval.bench.chatting import chatted
from eval.bench.figure import Figure
from eval.bench.timing import seconds
from eval.library import RUNS
from index.library import Library, home_of

_SIZES = (1_000, 10_000, 100_000)
_MILLION = 1_000_000
_QUESTIONS = Path(__file__).parent.parent / "sets" / "seeds.jsonl"
_ASKED = 100


@dataclass(frozen=True, slots=True)
class _Curve:
    """A figure at every size; `bounds` are its floor and goal at some."""

    what: str
    unit: str
    bounds: dict[int, tuple[float, float]]
    better: Literal["less", "more"] = "less"

    def at(self, size: int, value: float) -> Figure:
        floor, goal = self.bounds.get(size, (None, None))
        return Figure(self.what, value, self.unit, floor, goal, self.better, size, "passages")


_BUILT = _Curve("building the search indexes", "s", {})
_DISK = _Curve("disk for a passage", "bytes", {})
_OPENED = _Curve("opening", "s", {})
_FIRST = _Curve("first answer, at once", "s", {})
_SETTLED = _Curve("then until Chroma is open", "s", {})
_RETRIEVED = _Curve("retrieval, p50", "ms", {10_000: (15, 8), 100_000: (20, 10), _MILLION: (60, 20)})
_SLOWEST = _Curve("retrieval, p95", "ms", {})
_ANSWERED = _Curve("answer, p50", "ms", {100_000: (400, 150)})
_SYNCED = _Curve("sync of what has not changed", "s", {})
_MEMORY = _Curve("memory after chatting", "MB", {100_000: (900, 500)})
_RECALL = _Curve("recall@20 of nearest passages", "of 1", {100_000: (0.98, 0.995)}, "more")


def figures() -> Iterator[Figure]:
    """The figures of libraries of a thousand passages to a hundred thousand, each in processes of its own."""
    for size in _SIZES:
        with TemporaryDirectory() as place:
            yield from _figures(Path(place), size)


def million() -> Iterator[Figure]:
    """The figures of a library of a million; it is written once, which takes an hour and 8 GB, and kept under runs/."""
    yield from _figures(RUNS / "growth", _MILLION)


def _figures(place: Path, size: int) -> Iterator[Figure]:
    folder = place / f"{size} notes"
    yield _BUILT.at(size, _built(folder, size))
    chat = chatted(folder, _questions())
    kept = sum(path.stat().st_size for path in home_of(folder).rglob("*") if path.is_file())
    yield _DISK.at(size, kept / size)
    yield _OPENED.at(size, chat.opened)
    yield _FIRST.at(size, chat.first)
    yield _SETTLED.at(size, chat.settled)
    yield _RETRIEVED.at(size, 1_000 * chat.retrieved)
    yield _SLOWEST.at(size, 1_000 * chat.slowest)
    yield _ANSWERED.at(size, 1_000 * chat.answered)
    yield _SYNCED.at(size, chat.synced)
    yield _MEMORY.at(size, chat.megabytes)
    yield _RECALL.at(size, chat.recall)


def _built(folder: Path, size: int) -> float:
    """The seconds that its search indexes took; the library is written unless it is there whole."""
    taken = folder.with_suffix(".seconds")
    if not taken.exists():
        shutil.rmtree(folder, ignore_errors=True)
        synthetic.write(folder, size)
        taken.write_text(str(seconds(partial(_index, folder))), encoding="ascii")
    return float(taken.read_text(encoding="ascii"))


def _index(folder: Path) -> None:
    with closing(Library(folder)) as library:
        library.settle()


def _questions() -> list[str]:
    """Questions that stand alone."""
    asked = map(json.loads, _QUESTIONS.read_text(encoding="utf-8").splitlines())
    return [each["question"] for each in asked if not each.get("history")][:_ASKED]
