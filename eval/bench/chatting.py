"""A library chatted with, in a process of its own: `python -m eval.bench.chatting FOLDER`, questions on its input.

It tells on its output how long each thing takes, as a line of JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median, quantiles

import rag
from eval.bench.memory import resident_megabytes
from eval.bench.timing import seconds
from index import elsewhere
from index.catalog import CATALOG, Catalog
from index.embeddings import Vector
from index.errors import FootnoteError
from index.library import home_of
from index.vectors import ExactVectors

_ASKED = 25  # questions that are answered; all are looked up
_WARM = 5  # questions before the clock is looked at
_NEAREST = 20  # passages that the vector index has to find


@dataclass(frozen=True, slots=True)
class Chatted:
    """What someone waits for who chats over a library; seconds where not said otherwise.

    Attributes:
        opened: From the folder to an object that can be asked, the search indexes being there.
        first: The first question, at once.
        settled: Until Chroma has been opened.
        retrieved: A question's passages, median, the library being settled.
        slowest: The same, 95th percentile.
        answered: An answer, median.
        synced: A sync that finds nothing to do.
        megabytes: Resident memory after all this.
        recall: Share of the passages nearest to a question that the vector index finds, 0..1.
    """

    opened: float
    first: float
    settled: float
    retrieved: float
    slowest: float
    answered: float
    synced: float
    megabytes: float
    recall: float


def chatted(folder: Path, questions: Sequence[str]) -> Chatted:
    """Chat over a library in a process of its own, so that its memory is this library's.

    Raises:
        FootnoteError: That process fails.
    """
    child = elsewhere.begin(
        "eval.bench.chatting", str(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    told, said = child.communicate(json.dumps(questions).encode())
    if child.returncode:
        raise FootnoteError(f"Chatting over {folder} ended with exit code {child.returncode}: {said.decode()}")
    return Chatted(**json.loads(told))


def _chat(folder: Path, questions: Sequence[str]) -> Chatted:
    begun = time.perf_counter()
    with rag.open(folder, llm="") as docs:
        opened = time.perf_counter() - begun
        first = seconds(lambda: docs.ask(questions[0]))
        settled = seconds(docs.library.settle)
        retrieved = _each(docs.retrieve, questions)
        answered = _each(docs.ask, questions[:_ASKED])
        synced = seconds(docs.sync)
        megabytes = resident_megabytes(os.getpid())
        vectors = [docs.library.embedder.embed_query(question) for question in questions]
        found = [{id for id, _ in docs.library.nearest(vector, _NEAREST)} for vector in vectors]
    return Chatted(
        *(opened, first, settled, median(retrieved), quantiles(retrieved, n=20)[-1], median(answered)),
        *(synced, megabytes, _recall(home_of(folder), vectors, found)),
    )


def _recall(home: Path, vectors: Sequence[Vector], found: Sequence[set[str]]) -> float:
    """The share of what comparing all vectors finds, on average over the questions; the library is closed."""
    with closing(Catalog(home / CATALOG, "ro")) as catalog:
        exact = ExactVectors(catalog)
        nearest = [set(exact.nearest(vector, _NEAREST, None)) for vector in vectors]
    return mean(len(ids & wanted) / len(wanted) for ids, wanted in zip(found, nearest, strict=True))


def _each(work: Callable[[str], object], questions: Sequence[str]) -> list[float]:
    """The seconds that each question takes, once some others have been asked."""
    for question in questions[:_WARM]:
        work(question)
    return [seconds(partial(work, question)) for question in questions[_WARM:]]


if __name__ == "__main__":
    print(json.dumps(asdict(_chat(Path(sys.argv[1]), json.load(sys.stdin)))))  # noqa: T201
