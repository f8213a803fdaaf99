"""A library whose process is killed, again and again, and what is left of it: `python -m tests.kills --kills 500`.

Each round changes a folder and has a process sync it; the process is killed at a named point, or at a moment drawn by
chance. A fresh process then opens what is left: every document that was written down before the kill is there, a
question is answered within ten seconds, and a sync completes what was begun, without a hand.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from index import catalog, derived, embeddings, ingest
from index.document import Span
from index.embeddings import Vector
from index.library import Library

ROOT = Path(__file__).parent.parent
POINTS = tuple(
    f"{kind}.{method}.{moment}"
    for kind, method in (
        ("Catalog", "put"),
        ("Catalog", "remove"),
        ("Catalog", "prune"),
        ("Catalog", "set_derived"),
        ("Catalog", "unmark"),
        ("ChromaVectors", "add"),
        ("ChromaVectors", "remove"),
        ("ChromaVectors", "close"),
        ("Lexical", "add"),
    )
    for moment in ("before", "after")
)
MOST_SECONDS = 10.0  # from opening to an answer

_WORDS = ("mill", "dam", "owner", "brick", "fire", "winter", "port", "school", "roof", "bridge", "letter", "harvest")
_DIMENSION = 32
_SLOWEST = 1.5  # seconds after which a process that is killed by chance is killed


@dataclass(frozen=True, slots=True)
class Left:
    """What a fresh process finds.

    Attributes:
        lost: Documents that were written down and are not there.
        answered: Whether a question finds what it should.
        seconds: From opening to that answer.
        whole: Whether a sync brings everything in order.
    """

    lost: Sequence[str]
    answered: bool
    seconds: float
    whole: bool

    @property
    def is_well(self) -> bool:
        """Whether all promises are kept."""
        return not self.lost and self.answered and self.whole

    @property
    def is_quick(self) -> bool:
        """Whether the answer came in time, on a computer that does nothing else."""
        return self.seconds <= MOST_SECONDS


class QuickEmbedder:
    """Vectors of a text's words: loads nothing, and is the same everywhere."""

    name, dimension, max_tokens = "quick", _DIMENSION, 256

    def token_spans(self, text: str) -> list[Span]:
        """The words."""
        spans, start = [], 0
        for word in text.split(" "):
            spans.append(Span(start, start + len(word)))
            start += len(word) + 1
        return [span for span in spans if span.start < span.end]

    def embed_passages(self, texts: Sequence[str]) -> Iterator[Vector]:
        """A unit vector for each."""
        return map(self.embed_query, texts)

    def embed_query(self, text: str) -> Vector:
        """The unit vector of a text."""
        total = np.full(_DIMENSION, 1e-3, dtype=np.float32)
        for word in text.lower().split():
            total += np.frombuffer(hashlib.sha256(word.encode()).digest(), dtype=np.uint8).astype(np.float32) - 127
        return total / np.linalg.norm(total)


def main(
    kills: Annotated[int, typer.Option(help="How often a process is killed.")] = 500,
    seed: Annotated[int, typer.Option(help="Draws what changes, and when.")] = 7,
) -> None:
    """Kill a library's process again and again, and count what is lost."""
    with tempfile.TemporaryDirectory() as folder:
        left = []
        for number, each in enumerate(rounds(Path(folder), kills, seed), start=1):
            left.append(each)
            if number % 25 == 0 or not (each.is_well and each.is_quick):
                typer.echo(f"{number} killed: {asdict(each)}")
    slowest = max(each.seconds for each in left)
    typer.echo(
        f"{len(left)} kills: {sum(len(each.lost) for each in left)} documents lost, "
        f"{sum(not (each.whole and each.answered) for each in left)} needing a hand, "
        f"an answer after {slowest:.1f} s at most"
    )
    raise typer.Exit(0 if all(each.is_well and each.is_quick for each in left) else 1)


def rounds(place: Path, kills: int, seed: int, points: Sequence[str] = POINTS) -> Iterator[Left]:
    """Kill after kill of one library: at each point in turn, and every other time at a moment drawn by chance.

    What a kill has left is looked at by the process that is killed next.
    """
    rng = random.Random(seed)
    folder, written = place / "docs", place / "written.jsonl"
    folder.mkdir(parents=True)
    child = _child(folder, written)
    _told(child)
    for number in range(kills):
        change(folder, rng)
        by_chance = number >= len(points) and number % 2
        point = "" if by_chance else points[number % len(points)]
        _tell(child, point)
        try:
            child.wait(rng.uniform(0.05, _SLOWEST) if by_chance else 60)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.communicate()
        if point and child.returncode != -signal.SIGKILL:
            raise AssertionError(f"{point} was not met")
        child = _child(folder, written)
        yield _told(child)
    child.kill()
    child.communicate()


def change(folder: Path, rng: random.Random) -> None:
    """Add, change and remove some documents."""
    there = sorted(folder.iterdir())
    for path in rng.sample(there, len(there) // 4):
        if path.is_file():
            path.unlink()
    for _ in range(8):
        name = f"{rng.randrange(60)}.txt"
        sentences = (" ".join(rng.choices(_WORDS, k=9)) for _ in range(rng.randint(3, 40)))
        (folder / name).write_text(". ".join(sentences) + ".", encoding="utf-8")


def live(folder: Path, written: Path) -> None:
    """Print what is there; then, told a point, sync until killed there.

    Each document is noted down once it is written.
    """
    embeddings.load = lambda _: QuickEmbedder()
    ingest._BATCH = 1  # each document is written by itself, so that some are and others are not
    typer.echo(json.dumps(asdict(_left(folder, written))))
    point = sys.stdin.readline().strip()
    written.unlink(missing_ok=True)
    _note_down(written)
    if point:
        kill_at(point, 1)
    with closing(Library(folder)) as library:
        library.sync()
        library.settle()


def _left(folder: Path, written: Path) -> Left:
    """What the process before this one has left."""
    noted = [json.loads(line) for line in written.read_text().splitlines()] if written.exists() else []
    expected = {each["id"]: each["sha256"] for each in noted}
    began = time.monotonic()
    with closing(Library(folder)) as library:
        there = {file.id: file.sha256 for file in library.files()}
        answered = _answers(library)
        seconds = time.monotonic() - began
        library.sync()
        library.settle()
        own, names = library._indexes, {f"docs/{path.name}" for path in folder.iterdir() if path.is_file()}
        count = library.passage_count()
        whole = {file.id for file in library.files()} == names and _answers(library)
        whole = whole and own._vectors is not None and own._vectors.count() == count == own._lexical.count()
    lost = [id for id, digest in expected.items() if there.get(id) != digest]
    return Left(tuple(lost), answered, seconds, whole)


def _answers(library: Library) -> bool:
    """Whether passages are found by their own words and vectors; a library without passages has nothing to say."""
    for id in list(library._catalog.passage_keys())[:3]:
        text = library.passages([id])[id].text
        near = library.nearest(library.embedder.embed_query(text), 5)
        if not near or near[0][1] < 0.999 or not library.search(text, 5):
            return False
    return True


def _note_down(written: Path) -> None:
    """Have every document noted down, safely, once the catalog has it."""
    really_put, really_together, put_now = catalog.Catalog.put, catalog.Catalog.together, []

    def put(self, file, *rest):
        really_put(self, file, *rest)
        put_now.append(json.dumps({"id": file.id, "sha256": file.sha256}) + "\n")

    @contextmanager
    def together(self):
        put_now.clear()
        with really_together(self):
            yield
        with written.open("a") as notes:
            notes.writelines(put_now)
            notes.flush()
            os.fsync(notes.fileno())

    catalog.Catalog.put, catalog.Catalog.together = put, together


def kill_at(point: str, count: int) -> None:
    """Have this process killed before or after the `count`-th call of a method."""
    kind_name, method, moment = point.split(".")
    kind = getattr(catalog if kind_name == "Catalog" else derived, kind_name)
    really, met = getattr(kind, method), []

    def killing(self, *arguments, **named):
        met.append(1)
        if moment == "before" and len(met) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        result = really(self, *arguments, **named)
        if len(met) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(kind, method, killing)


def _child(folder: Path, written: Path) -> subprocess.Popen[str]:
    code = "import sys; from pathlib import Path; from tests import kills; kills.live(*map(Path, sys.argv[1:]))"
    command = [sys.executable, "-c", code, str(folder), str(written)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)


def _tell(child: subprocess.Popen[str], line: str) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


def _told(child: subprocess.Popen[str]) -> Left:
    """What a process finds; nothing is well where it breaks down."""
    assert child.stdout is not None
    line = child.stdout.readline()
    return Left(**json.loads(line)) if line else Left((), answered=False, seconds=0.0, whole=False)


if __name__ == "__main__":
    typer.run(main)
