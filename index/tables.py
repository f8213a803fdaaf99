"""Rows of a table as lines of text, and back: "Head: cell | Head: cell", or "cell | cell" where heads are not told."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, zip_longest
from string import ascii_uppercase

from index.document import SOURCE_CODE, Document, Span, Table, canonical

SEPARATOR = " | "
SAMPLE = 50
"""How many rows tell whether the first of them are heads."""

_MAX_HEAD = 300  # characters, as a form's question may have
_LONG_HEAD = 100  # beyond which what ends with a full stop is a sentence
_MAX_BLANK = 1 / 3  # the part of the heads above figures that may be blank
_NOTHING = frozenset(["n/a", "na", "nil", "none", "null", "nan", "tbd"])  # what stands in a cell without a figure
_AMBIGUOUS = re.compile(r" \| ?|(?<=.)\| ")  # in a cell, what would be taken for the end of it
_UNIT = "(?i:k|m|b|mn|bn|tn|g|kg|mg|t|lbs?|oz|mm|cm|km|mi|ft|ml|l|ms|s|min|h|x|pp|bps|eur|usd|gbp|chf)?"
# A number, a sum of money, a measure, a date or a time.
_FIGURE = re.compile(rf"[^\w\s]*\s?\d[\d\s.,:/'’TZ%+-]*{_UNIT}\W{{0,3}}")
_YEAR = re.compile("(?:19|20)[0-9]{2}")


def cell(text: str) -> str:
    """A cell's text on one line, in which nothing can be taken for the border of a cell."""
    folded = " ".join(text.split())
    if not folded.isprintable():
        folded = " ".join(canonical(folded)[0].split())
    return _AMBIGUOUS.sub("|", folded).strip("| ") if "|" in folded else folded


def named(heads: Sequence[str], first: int = 1) -> tuple[str, ...]:
    """The names of columns, each one's own: a blank or second one is told by its letter; none where all are blank.

    Args:
        heads: What the columns are called.
        first: The number of the first of them.
    """
    names = [cell(head).replace(": ", ":").rstrip(": ") for head in heads]
    if not any(names):
        return ()
    unlike: dict[str, None] = {}
    for number, name in enumerate(names, start=first):
        own = name or letters(number)
        while own in unlike:
            own = f"{own} ({letters(number)})"
        unlike[own] = None
    return tuple(unlike)


def joined(rows: Iterable[Sequence[str]]) -> list[str]:
    """The heads that several rows of them tell, such as "2024 Revenue" below a head that spans two columns."""
    columns = zip_longest(*([cell(each) for each in row] for row in rows), fillvalue="")
    return [" ".join(dict.fromkeys(filter(None, column))) for column in columns]


def are_heads(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of some rows looks like heads: distinct names, none of which is a cell of its column.

    Years, dates and other numbers are names only where several of them rise or fall, after a first head that is none;
    that one may be blank. Where numbers stand below names, a few of these may be blank or the same.
    """
    first = [cell(each) for each in rows[0]] if rows else []
    while first and not first[-1]:
        first.pop()
    figures = [text for text in first if _FIGURE.fullmatch(text)]
    if len(first) < 2 or any(map(_is_sentence, first)):
        return False
    if (not all(first[1:]) or len(set(first)) < len(first)) and (figures or not _are_over_figures(first, rows)):
        return False
    if figures and (first[0] in figures or not _is_series(figures)):
        return False
    below = rows[1:SAMPLE]
    recurs = any(name and cell(row[column]) == name for row in below for column, name in enumerate(first[: len(row)]))
    return not recurs and (bool(first[0]) or bool(below)) and not first[0].endswith(":")


def titles(rows: Sequence[Sequence[str]]) -> int:
    """How many rows stand before the first with more than one cell that is filled; 0 where there is none such."""
    return next((number for number, row in enumerate(rows) if sum(map(bool, map(str.strip, row))) > 1), 0)


def has_figures(rows: Iterable[Sequence[str]]) -> bool:
    """Whether numbers or dates stand below the first of some rows, in a column that begins with a name."""
    first, *below = rows or [[]]
    return any(
        not _FIGURE.fullmatch(cell(first[column])) and _FIGURE.fullmatch(cell(each))
        for row in below
        for column, each in enumerate(row[: len(first)])
    )


def are_clear_heads(rows: Sequence[Sequence[str]]) -> bool:
    """As `are_heads`, but not of the first line of a form, "Name | Ada" over "Town | Kiel", which looks the same."""
    return are_heads(rows) and (max(map(len, rows[:SAMPLE])) > 2 or has_figures(rows[:SAMPLE]))


def are_lower_heads(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of some rows may be heads below others that span them: names above figures, or years."""
    first = [cell(each) for each in rows[0]] if rows else []
    years = [text for text in first if _YEAR.fullmatch(text)]
    are_names = all(text in years or not _FIGURE.fullmatch(text) for text in first)
    return are_names and (len(years) > 1 or has_figures(rows))


def _is_sentence(head: str) -> bool:
    return len(head) > _MAX_HEAD or (len(head) > _LONG_HEAD and head.endswith("."))


def _are_over_figures(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether some cells are names, most of them told, right above numbers or dates.

    Where the next row has none, it may be the lower one of two rows of heads, and the first alone tells too little.
    """
    below = next((row for row in rows[1:SAMPLE] if any(map(str.strip, row))), [])
    names = {name.lower() for name in first if name}
    is_told = first.count("") <= len(first) * _MAX_BLANK and len(names) > 1
    return is_told and not names & _NOTHING and has_figures([first, below])


@lru_cache(maxsize=64)
def _widened(heads: Sequence[str], width: int) -> tuple[str, ...]:
    """The heads, and the letters of the columns beyond them."""
    return named([*heads, *[""] * (width - len(heads))])


def _is_series(figures: Sequence[str]) -> bool:
    rising = all(one < other for one, other in pairwise(figures))
    falling = all(one > other for one, other in pairwise(figures))
    return len(figures) > 1 and len({len(figure) for figure in figures}) == 1 and (rising or falling)


def line(heads: Sequence[str], cells: Sequence[str]) -> str:
    """A row as it is read: each cell after its head, without the blank ones; "" where all are blank.

    Args:
        heads: What the columns are called, as `named` gives it; none where they have no names: then a blank cell stays
            where others follow.
        cells: The texts of the cells; one beyond the last head is told by its letter.
    """
    shown = list(map(cell, cells))
    while shown and not shown[-1]:
        shown.pop()
    if not heads:
        return SEPARATOR.join(shown)
    names = _widened(tuple(heads), len(shown)) if len(shown) > len(heads) else heads
    return SEPARATOR.join(f"{name}: {text}" for name, text in zip(names, shown, strict=False) if text)


def cells(row: str, heads: Sequence[str]) -> tuple[str, ...]:
    """The texts of the cells in a row that `line` made, one for each head where there are heads."""
    parts = row.split(SEPARATOR)
    if not heads:
        return tuple(parts)
    cell_under = dict(part.split(": ", 1) for part in parts if ": " in part)
    return tuple(cell_under.get(head, "") for head in heads)


class Heads:
    """What the columns of a table are called, looked at once for all of its rows.

    Attributes:
        columns: The number of each column, from 0, by its head; empty where two columns have the same.
    """

    def __init__(self, heads: Sequence[str]) -> None:
        self._heads = heads
        self._known = frozenset(heads)
        is_own = len(self._known) == len(heads)
        self.columns = {head: number for number, head in enumerate(heads)} if is_own else {}

    def places(self, row: str) -> Iterator[tuple[str, Span]]:
        """The head of each cell that a row shows, and where the cell itself stands in the row."""
        start = 0
        for number, part in enumerate(row.split(SEPARATOR)):
            head = self.head_of(part)
            first = start + (len(head) + 2 if head else 0)
            yield head or (self._heads[number] if number < len(self._heads) else ""), Span(first, start + len(part))
            start += len(part) + len(SEPARATOR)

    def __len__(self) -> int:
        return len(self._heads)

    def head_of(self, part: str) -> str:
        """The head that a part of a row begins with, or ""."""
        head, colon, _ = part.partition(": ")
        return head if colon and head in self._known else ""


class Places:
    """Where the stretches of a document stand, as people say it."""

    def __init__(self, document: Document) -> None:
        """Look once at the whole document: it may have a million rows."""
        self._document = document
        self._pages = [page.start for page in document.pages]
        self._tables = [table.start for table in document.tables]
        is_counted = document.media_type == SOURCE_CODE or any(table.row for table in document.tables)
        self._breaks = [match.start() for match in re.finditer("\n", document.text)] if is_counted else []
        self._counted_last = (-1, 0)  # a line, and its columns

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
        left, right = letters(table.column), letters(table.column + self._width(table, start, end) - 1)
        return f"{left}{first}" if left == right and not more else f"{left}{first}:{right}{first + more}"

    def _width(self, table: Table, start: int, end: int) -> int:
        """How many columns the rows of a stretch have."""
        if table.heads:
            return len(table.heads)
        first, last = (bisect_left(self._breaks, place) for place in (start, end))
        return max(self._columns(table, number) for number in range(first, last + 1))

    def _columns(self, table: Table, number: int) -> int:
        """How many columns a line of a table has; of a long one that is asked for piece by piece it is counted once."""
        if self._counted_last[0] != number:
            start = max(table.start, self._breaks[number - 1] + 1 if number else 0)
            end = min(table.end, self._breaks[number] if number < len(self._breaks) else table.end)
            self._counted_last = (number, 1 + self._document.text.count(SEPARATOR, start, end))
        return self._counted_last[1]

    def _numbers(self, noun: str, number: int, origin: int, start: int, end: int) -> str:
        first, more = self._counted(number, origin, start, end)
        return f"{noun}s {first}–{first + more}" if more else f"{noun} {first}"

    def _counted(self, number: int, origin: int, start: int, end: int) -> tuple[int, int]:
        """The number of the line that a stretch begins on, that at `origin` having `number`; and how many follow."""
        before, first, last = (bisect_left(self._breaks, place) for place in (origin, start, end))
        return number + first - before, last - first


def letters(number: int) -> str:
    """What spreadsheets call a column: 1 is A, 27 is AA."""
    name = ""
    while number:
        number, last = divmod(number - 1, len(ascii_uppercase))
        name = ascii_uppercase[last] + name
    return name
