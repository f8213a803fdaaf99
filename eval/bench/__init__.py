"""Speed and memory, as a person meets them: each part a module, each figure beside the floor that it has to keep."""

from typing import Annotated

import typer

from eval.bench import charts, files, growth, ingest, load, page, record, shell, soak
from eval.bench.record import Part
from index.errors import FootnoteError

PARTS = {
    "ingest": Part("A folder read for the first time", ingest.figures, charts.ingest),
    "shell": Part("From the shell", shell.figures),
    "page": Part("The page", page.figures),
    "files": Part("A folder of many files", files.figures),
    "growth": Part("A library as it grows", growth.figures, charts.growth),
    "load": Part("Many people at once", load.figures, charts.load),
}

LONG = {
    "soak": Part("An hour of use", soak.figures),
    "million": Part("A library of a million passages", growth.million),
}
"""Measured only where they are named: each takes an hour or more."""

_EVERY = PARTS | LONG


def main(
    parts: Annotated[
        list[str] | None,
        typer.Argument(help=f"What to measure, of {', '.join(_EVERY)}; by default all but {', '.join(LONG)}."),
    ] = None,
) -> None:
    """Measure speed and memory, each figure beside the floor that it has to keep, and write them into the record."""
    unknown = set(parts or ()) - _EVERY.keys()
    if unknown:
        raise FootnoteError(f"There is nothing called {', '.join(sorted(unknown))}; name some of {', '.join(_EVERY)}.")
    for name in parts or PARTS:
        figures = []
        for figure in _EVERY[name].figures():
            typer.echo(str(figure))
            figures.append(figure)
        record.renew(record.RECORD, _EVERY, name, figures)
