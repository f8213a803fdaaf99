"""How PDFs are read: the words of each page in their order, beside another extractor's."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Annotated

import typer

from index.document import Document
from index.errors import DatasetError
from index.formats import read

MODES = ("-layout", "-raw")
"""Of pdftotext: as the page is laid out, and as the file draws it. A page is held to that which it is nearer to."""

WHOLE = 0.98
"""Of the words of a page, that are to be read in order."""

_PROGRAM = "pdftotext"


def main(data: Annotated[Path, typer.Argument(help="A folder of PDFs.")] = Path("../shared/data/pdf")) -> None:
    """Tell how well PDFs are read, beside poppler's pdftotext."""
    for line in lines(data):
        typer.echo(line)


def lines(data: Path) -> Iterator[str]:
    """A line a PDF of a folder: its words in order, and the time that reading it takes.

    Raises:
        DatasetError: There is none, or pdftotext is not installed.
    """
    if not shutil.which(_PROGRAM):
        raise DatasetError(f"{_PROGRAM} is not installed, which PDFs are compared with; install poppler.")
    paths = sorted(data.glob("*.pdf"))
    if not paths:
        raise DatasetError(f"{data} holds no PDF; name a folder that does.")
    for path in paths:
        began = time.perf_counter()
        document = read(f"pdf/{path.name}", path.read_bytes())
        took = 1_000 * (time.perf_counter() - began) / len(document.pages)
        found = recalls(path, document)
        short = [f"{number} ({100 * each:.1f})" for number, each in enumerate(found, start=1) if each < WHOLE]
        yield (
            f"- {path.name}: {len(found)} pages, words in order: median {100 * median(found):.1f} %, "
            f"mean {100 * mean(found):.1f} %, under {100 * WHOLE:.0f} % on {', '.join(short) or 'none'}; "
            f"{len(document.tables)} tables; {took:.1f} ms a page"
        )


def recalls(path: Path, document: Document) -> list[float]:
    """For each page of a PDF, which part of pdftotext's words is read in their order, 0..1."""
    told = [_told(path, mode) for mode in MODES]
    return [
        max(recall(document.text[page.start : page.end].split(), other.split()) for other in others)
        for page, *others in zip(document.pages, *told, strict=False)
    ]


def recall(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """The longest common subsequence of two lists of words, over the second; borders of cells aside.

    Hyyrö, Bit-parallel LCS-length computation revisited, 2004.
    """
    ours, theirs = ([word for word in words if word != "|"] for words in (ours, theirs))
    places: dict[str, int] = {}
    for place, word in enumerate(ours):
        places[word] = places.get(word, 0) | 1 << place
    everywhere = free = (1 << len(ours)) - 1
    for word in theirs:
        hit = free & places.get(word, 0)
        free = (free + hit | free - hit) & everywhere
    return (len(ours) - free.bit_count()) / len(theirs) if theirs else 1.0


def _told(path: Path, mode: str) -> list[str]:
    """The text of each page as pdftotext has it."""
    done = subprocess.run([_PROGRAM, mode, path, "-"], capture_output=True, check=True)
    return done.stdout.decode().split("\f")
