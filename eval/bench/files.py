"""A folder of many files that has not changed."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import rag
from eval.bench.figure import Figure
from eval.bench.timing import seconds

_FILES = 10_000
_TIMES = 5


def figures() -> Iterator[Figure]:
    """How long a sync takes that finds nothing to do."""
    with TemporaryDirectory() as folder:
        _write(Path(folder))
        with rag.open(folder, llm="") as docs:
            again = [seconds(docs.sync) for _ in range(_TIMES)]
        yield Figure(f"sync of {_FILES:,} files that have not changed, median of {_TIMES}", median(again), "s", 2)


def _write(folder: Path) -> None:
    """Files that say the same, told apart by the blanks at their ends: they are read in no time."""
    for number in range(_FILES):
        blanks = f"{number:b}".translate(str.maketrans("01", " \t"))
        (folder / f"{number}.txt").write_text(f"The owner of the mill saw it burn.{blanks}\n", encoding="utf-8")
