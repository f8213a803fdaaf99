"""CSV: bytes -> its rows, each cell under its head."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from index import tables
from index.errors import Refused
from index.formats.content import Content, TextBuilder
from index.formats.text import decode

_DELIMITERS = "\t;,|"  # of two that fit as well, the first is meant: a comma is common inside cells
_NONE = "\x1f"  # stands in where there is one column: no cell has it
_HEAD = 2**16  # characters that tell the delimiter
_FITTING = 0.5  # the least part of the rows that have as many cells as most have
_TOLD = re.compile(r"sep=(.)\n")  # Excel's own first line
_NEWLINE = re.compile(r"(?<!\r)\r++\n|\r")  # a program that writes \r\n through a text file writes \r\r\n


def read(data: bytes) -> Content:
    """The rows, separated by what fits them best; the first are heads where they look like it.

    A row is told by the number that a spreadsheet shows for it; so are lines of one cell before the first wider row.

    Raises:
        Refused: The bytes are not text, or no rows.
    """
    text = decode(data)
    text = _NEWLINE.sub("\n", text) if "\r" in text else text
    told = _TOLD.match(text)
    delimiter = told[1] if told else _delimiter(text[:_HEAD])
    rows = _rows(text, delimiter, told.end() if told else 0)
    del text
    sample = list(islice(rows, tables.SAMPLE * 2))
    titles = tables.titles(sample)
    body = sample[titles:]
    has_heads = len(body) > 1 and tables.are_heads(body)
    heads = body[0] if has_heads else []
    builder = TextBuilder()
    builder.add_rows([], sample[:titles], row=1)
    builder.add_rows(heads, chain(body[has_heads:], rows), row=1 + titles + has_heads)
    return builder.content()


def _rows(text: str, delimiter: str, start: int = 0) -> Iterator[Sequence[str]]:
    """The rows of a text from a place on, as lists of cells."""
    reader = csv.reader(_lines(text, start), delimiter=delimiter)
    try:
        yield from reader
    except csv.Error as error:
        raise Refused(
            f"line {reader.line_num:,} cannot be read ({error}); see that each quotation mark that opens is closed"
        ) from error


def _lines(text: str, start: int) -> Iterator[str]:
    r"""The lines, ended by \n alone: other characters that end lines may stand in a cell."""
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _delimiter(head: str) -> str:
    """What separates cells, as the beginning of a text tells: that which cuts most rows into as many cells."""
    best, chosen = 0.0, _NONE
    for delimiter in _DELIMITERS:
        fit = _fit(head, delimiter)
        if fit > best:
            best, chosen = fit, delimiter
    return chosen


def _fit(head: str, delimiter: str) -> float:
    """How well a delimiter fits: which part of the rows has as many cells as most have; 0 where it cuts none."""
    if delimiter not in head:
        return 0.0
    try:
        widths = Counter(len(row) for row in islice(_rows(head, delimiter), tables.SAMPLE * 2) if row)
    except Refused:
        return 0.0
    (width, count), *_ = widths.most_common(1) or [(0, 0)]
    fit = count / max(widths.total(), 1)
    return fit if width > 1 and fit >= _FITTING else 0.0
