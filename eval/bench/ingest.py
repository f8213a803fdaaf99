"""A folder read for the first time, beside a plain llama-index pipeline: the same files, weights and machine."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from eval.bench import corpus
from eval.bench.figure import Figure
from eval.bench.memory import peak_megabytes
from eval.served import APP
from index import embeddings
from index.library import Library

_PASSAGES = 4_000
_TIMES = 3
_TOKENS = 125  # of a node, as llama-index counts them: then nodes are as long as passages


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a process of its own told of a folder that it read.

    Attributes:
        seconds: From the first file to all being searchable, models loaded before.
        passages: How many there are.
        characters: In all of them.
        forward: Seconds of a core spent in the model's forward pass; 0 where that was not looked at.
        megabytes: The most memory that it and those it began took together.
    """

    seconds: float
    passages: int
    characters: int
    forward: float = 0.0
    megabytes: float = 0.0


def figures(passages: int = _PASSAGES, times: int = _TIMES) -> Iterator[Figure]:
    """Speed and memory beside the pipeline's, in turns."""
    with TemporaryDirectory() as folder:
        corpus.write(Path(folder) / "files", passages)
        turns = [_turn(Path(folder), turn) for turn in range(times)]
    ours, theirs = zip(*turns, strict=True)
    for who, measured in (("", ours), ("plain llama-index: ", theirs)):
        yield Figure(f"{who}passages a second", median(each.passages / each.seconds for each in measured), "")
        yield Figure(f"{who}characters of a passage", measured[0].characters / measured[0].passages, "")
        yield Figure(f"{who}characters a second", median(each.characters / each.seconds for each in measured), "")
        yield Figure(f"{who}peak memory", median(each.megabytes for each in measured), "MB")
    faster = median(our.characters / our.seconds / (their.characters / their.seconds) for our, their in turns)
    yield Figure(f"text a second against plain llama-index, median of {times}", faster, "times", 2, 3, "more")
    share = median(each.forward / each.seconds for each in ours) / embeddings.cores()
    yield Figure("share of the cores' time inside the forward pass", 100 * share, "%", 80, 95, "more")
    smaller = median(our.megabytes / their.megabytes for our, their in turns)
    yield Figure(f"peak memory against plain llama-index, median of {times}", smaller, "times", 1, 0.5)


def ours(folder: Path, home: Path) -> Ingested:
    """Read a folder with Footnote."""
    embedder = embeddings.default()
    clock = _Clock(embedder._session.run)
    embedder._session = clock
    start = time.perf_counter()
    with closing(Library(folder, home=home)) as library:
        library.sync()
        library.settle()
        seconds = time.perf_counter() - start
        texts = [each.text for file in library.files() for each in library.passages_of(file.id)]
    return Ingested(seconds, len(texts), sum(map(len, texts)), clock.seconds)


def theirs(folder: Path, home: Path) -> Ingested:
    """Read a folder with a plain llama-index pipeline."""
    from eval import peer  # heavy: torch, 10 s

    model = peer.model()
    model.get_text_embedding("what is loaded once is nobody's time")
    start = time.perf_counter()
    nodes = peer.ingest(folder, home, _TOKENS, model)
    return Ingested(time.perf_counter() - start, len(nodes), sum(len(node.get_content()) for node in nodes))


class _Clock:
    """A model's session that tells how many seconds of a core were spent in it; each run is one thread's."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self.seconds = 0.0
        self._run = run
        self._adding = threading.Lock()

    def run(self, *arguments: Any) -> Any:
        """Run the model."""
        start = time.thread_time()
        result = self._run(*arguments)
        with self._adding:
            self.seconds += time.thread_time() - start
        return result


def _turn(folder: Path, turn: int) -> tuple[Ingested, Ingested]:
    """Ours and theirs, who goes first in turns."""
    order = ("ours", "theirs") if turn % 2 == 0 else ("theirs", "ours")
    told = {which: _run(which, folder) for which in order}
    return told["ours"], told["theirs"]


def _run(which: str, folder: Path) -> Ingested:
    """Read a folder in a process of its own."""
    code = (
        "import dataclasses, json, pathlib, sys; from eval.bench import ingest\n"
        f"told = ingest.{which}(*map(pathlib.Path, sys.argv[1:]))\n"
        "print(json.dumps(dataclasses.asdict(told)))"
    )
    with TemporaryDirectory() as home:
        command = [sys.executable, "-c", code, str(folder / "files"), home]
        child = subprocess.Popen(command, cwd=APP.parent, stdout=subprocess.PIPE, text=True)
        megabytes = peak_megabytes(child)
        told, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"The process that reads a folder ended with exit code {child.returncode}.")
    return Ingested(**{**json.loads(told.splitlines()[-1]), "megabytes": megabytes})
