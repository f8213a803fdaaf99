"""Rows of a table as lines of text, and back: "Head: cell | Head: cell", or "cell | cell" where heads are not told."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from string import ascii_uppercase

from index.document import SOURCE_CODE, Document, canonical

SEPARATOR = " | "

_AMBIGUOUS = re.compile(r" \| ?|(?<=.)\| ")  # in a cell, what would be taken for the end of it


def cell(text: str) -> str:
    """A cell's text on one line, in which nothing can be taken for the border of a cell."""
    folded = " ".join(canonical(text)[0].split())
    return _AMBIGUOUS.sub("|", folded).strip("| ") if "|" in folded else folded


def named(heads: Sequence[str]) -> tuple[str, ...]:
    """The names of columns, each one's own: a blank or second one is told by its letter; none where all are blank."""
    names = [cell(head).replace(": ", ":").rstrip(":") for head in heads]
    if not any(names):
        return ()
    told: list[str] = []
    for number, name in enumerate(names, start=1):
        alone = name and name not in told
        told.append(name if alone else f"{name} ({letters(number)})" if name else letters(number))
    return tuple(told)


def line(heads: Sequence[str], cells: Sequence[str]) -> str:
    """A row as it is read: each cell after its head, without the blank ones; "" where all are blank.

    Args:
        heads: What the columns are called, as `named` gives it; none where they have no names: then blank cells stay.
        cells: The texts of the cells; one beyond the last head is told by its letter.
    """
    shown = [cell(each) for each in cells]
    if not any(shown):
        return ""
    if not heads:
        return SEPARATOR.join(shown)
    names = [*heads, *map(letters, range(len(heads) + 1, len(shown) + 1))]
    return SEPARATOR.join(f"{name}: {each}" for name, each in zip(names, shown, strict=False) if each)


def cells(row: str, heads: Sequence[str]) -> tuple[str, ...]:
    """The texts of the cells in a row that `line` made, one for each head where there are heads."""
    parts = row.split(SEPARATOR)
    if not heads:
        return tuple(parts)
    told = dict(part.split(": ", 1) for part in parts if ": " in part)
    return tuple(told.get(head, "") for head in heads)


class Places:
    """Where the stretches of a document stand, as people say it."""

    def __init__(self, document: Document) -> None:
        """Look once at the whole document: it may have a million rows."""
        self._document = document
        self._pages = [page.start for page in document.pages]
        self._tables = [table.start for table in document.tables]
        is_counted = document.media_type == SOURCE_CODE or any(table.row for table in document.tables)
        self._breaks = [match.start() for match in re.finditer("\n", document.text)] if is_counted else []

    def where(self, start: int, end: int) -> str:
        """Where a stretch stands, such as "page 3", "sheet Sales, A5:C9", "rows 4–9" or "lines 10–24"; or ""."""
        if self._document.media_type == SOURCE_CODE:
            return self._numbers("line", 1, 0, start, end)
        number, name = bisect_right(self._pages, start), ""
        if number and start < self._document.pages[number - 1].end:
            name = self._document.pages[number - 1].name
        return ", ".join(filter(None, (name, self._rows(start, end))))

    def _rows(self, start: int, end: int) -> str:
        """The rows, or cells, of the table that a stretch lies in; "" where its file numbers none."""
        number = bisect_right(self._tables, start)
        table = self._document.tables[number - 1] if number else None
        if table is None or not table.row or start >= table.end:
            return ""
        end = min(end, table.end)
        if not table.column:
            return self._numbers("row", table.row, table.start, start, end)
        first, more = self._counted(table.row, table.start, start, end)
        right = table.column + max(len(table.heads), 1) - 1
        return f"{letters(table.column)}{first}:{letters(right)}{first + more}"

    def _numbers(self, noun: str, number: int, origin: int, start: int, end: int) -> str:
        first, more = self._counted(number, origin, start, end)
        return f"{noun}s {first}–{first + more}" if more else f"{noun} {first}"

    def _counted(self, number: int, origin: int, start: int, end: int) -> tuple[int, int]:
        """The number of the line that a stretch begins on, that at `origin` having `number`; and how many follow."""
        before, first, last = (bisect_left(self._breaks, place) for place in (origin, start, end))
        return number + first - before, last - first


def letters(number: int) -> str:
    """What spreadsheets call a column: 1 is A, 27 is AA."""
    told = ""
    while number:
        number, last = divmod(number - 1, len(ascii_uppercase))
        told = ascii_uppercase[last] + told
    return told
