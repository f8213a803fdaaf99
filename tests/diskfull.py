"""A library whose disk is full: `python -m tests.diskfull --sizes 20`, as root, who alone may mount a small disk.

Each round leaves some bytes of the disk free. A fresh process then answers, is told to read what has changed, says
within five seconds that the disk is full, and answers again. Once there is room, all that was read before is there
still, and a sync reads the rest.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from index import embeddings
from index.disk import FREE_BYTES
from index.errors import LibraryError
from index.library import Library
from tests.kills import ROOT, QuickEmbedder

MOST_SECONDS = 5.0  # until it is said that the disk is full
_DISK = FREE_BYTES + 40 * 2**20
_BEFORE, _MORE = 20, 200  # documents


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a library on a full disk.

    Attributes:
        free: Bytes that were left.
        said: What the sync said, "" where it went through.
        seconds: Until then.
        answered: Whether questions found what they did before, before the sync and after it.
        lost: Documents that were there before, and are not once there is room again.
        whole: Whether a sync then reads the rest.
    """

    free: int
    said: str
    seconds: float
    answered: bool
    lost: Sequence[str]
    whole: bool

    @property
    def is_well(self) -> bool:
        """Whether all promises are kept."""
        told = bool(self.said) or self.free >= FREE_BYTES
        return told and self.answered and not self.lost and self.whole

    @property
    def is_quick(self) -> bool:
        """Whether it was said in time, on a computer that does nothing else."""
        return self.seconds <= MOST_SECONDS


def main(sizes: Annotated[int, typer.Option(help="How many sizes of what is left are tried.")] = 20) -> None:
    """Fill a library's disk, leaving more and more of it free, and see that nothing is lost."""
    if os.geteuid() != 0:
        typer.echo("Only root may mount a small disk; run this as root.")
        raise typer.Exit(1)
    outcomes = []
    for each in rounds(sizes):
        outcomes.append(each)
        typer.echo(f"{each.free:>11,} bytes free: {each.seconds:.2f} s, {each.said or 'read'}")
        if not each.is_well or not each.is_quick:
            typer.echo(str(each))
    lost, bad = sum(len(each.lost) for each in outcomes), [each for each in outcomes if not each.is_well]
    late = sum(not each.is_quick for each in outcomes)
    typer.echo(f"{len(outcomes)} sizes: {lost} documents lost, {len(bad)} not well, {late} late")
    raise typer.Exit(1 if bad or late else 0)


def rounds(sizes: int) -> Iterator[Outcome]:
    """One library after the other, each on a disk of its own, full but for some bytes: from none to almost enough."""
    for number in range(sizes):
        free = FREE_BYTES * number // (sizes - 1) // 4096 * 4096
        with tempfile.TemporaryDirectory() as place, _disk(Path(place)):
            yield _round(Path(place), free)


def _round(place: Path, free: int) -> Outcome:
    folder, filler = place / "docs", place / "filler"
    _write(folder, range(_BEFORE))
    _child("read", folder)
    _write(folder, range(_BEFORE - 1, _MORE))
    _fill(filler, free)
    said, seconds, answered = _child("read", folder)
    filler.unlink()
    there, whole = _child("look", folder)
    lost = [f"docs/{number}.txt" for number in range(_BEFORE) if f"docs/{number}.txt" not in there]
    return Outcome(free, said, seconds, answered, lost, whole)


@contextmanager
def _disk(place: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(filler: Path, free: int) -> None:
    """Leave so many bytes of a disk."""
    with filler.open("wb") as stream, contextlib.suppress(OSError):
        os.posix_fallocate(stream.fileno(), 0, os.statvfs(filler.parent).f_bavail * 4096 - free)


def _write(folder: Path, numbers: Sequence[int]) -> None:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"{number}.txt").write_text(f"The owner of mill number {number} saw it burn. " * (1 + number % 7))


def read(folder: Path) -> None:
    """Print what a sync says, after how long, and whether questions find the same before and after."""
    embeddings.load = lambda _: QuickEmbedder()
    with closing(Library(folder)) as library:
        before = [_found(library, number) for number in range(_BEFORE - 1)]
        began, said = time.monotonic(), ""
        try:
            library.sync()
            library.settle()
        except LibraryError as error:
            said = str(error)
        seconds = time.monotonic() - began
        after = [_found(library, number) for number in range(_BEFORE - 1)]
    typer.echo(json.dumps([said, seconds, before == after and len(set(before)) == 1]))


def look(folder: Path) -> None:
    """Print what is there, and whether a sync reads the rest."""
    embeddings.load = lambda _: QuickEmbedder()
    with closing(Library(folder)) as library:
        there = [file.id for file in library.files() if file.state == "indexed"]
        library.sync()
        library.settle()
        whole = sum(file.state == "indexed" for file in library.files()) == _MORE
        whole = whole and all(_found(library, number) for number in range(0, _MORE, 10))
    typer.echo(json.dumps([there, whole]))


def _found(library: Library, number: int) -> bool:
    """Whether a document is found by its own words, both ways."""
    words = f"The owner of mill number {number} saw it burn."
    found = library.nearest(library.embedder.embed_query(words), 1), library.search(str(number), 1)
    return all(best and best[0][0].startswith(f"docs/{number}.txt#") for best in found)


def _child(what: str, folder: Path) -> tuple[object, ...]:
    """What a function of this module prints in a process of its own."""
    code = f"import sys; from pathlib import Path; from tests import diskfull; diskfull.{what}(Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return tuple(json.loads(done.stdout))


if __name__ == "__main__":
    typer.run(main)
