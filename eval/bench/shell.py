"""Asking from the shell, each time in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import rag
from eval.bench.corpus import QUESTION, copied_seeds
from eval.bench.figure import Figure
from eval.bench.timing import seconds
from eval.served import APP

_TIMES = 5


def figures() -> Iterator[Figure]:
    """How long `ask` takes on an indexed folder, and whether it imports torch."""
    with copied_seeds() as seeds:
        rag.open(seeds, llm="").close()
        taken = [seconds(lambda: _ask(seeds)) for _ in range(_TIMES)]
        yield Figure(f"ask from the shell, median of {_TIMES}", median(taken), "s", 3, 1.5)
        yield Figure("imports of torch by it", _imports_of_torch(seeds), "times", 0)


def _ask(folder: Path) -> None:
    subprocess.run([sys.executable, str(APP), "ask", QUESTION, "--docs", str(folder)], check=True, capture_output=True)


def _imports_of_torch(folder: Path) -> int:
    code = (
        "import sys, app\n"
        "try: app.main(sys.argv[1:])\n"
        "except SystemExit: print('torch' in sys.modules, file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, "ask", QUESTION, "--docs", str(folder)]
    child = subprocess.run(command, cwd=APP.parent, capture_output=True, text=True, check=True)
    return int(child.stderr.strip().endswith("True"))
