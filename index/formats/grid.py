"""A sheet's cells -> its tables: a sheet may hold several, with titles above and notes between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, pairwise

from index import tables
from index.errors import Refused
from index.formats.content import TextBuilder

_MAX_BLANKS = 20_000_000  # cells between others, in all rows
_MAX_SIDES = 50  # tables beside each other; where more could be, all is one
_MAX_HEADS = 10  # rows that a merged head may span


@dataclass(frozen=True, slots=True)
class Range:
    """Cells from one corner to another, both included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Grid:
    """The cells of a sheet.

    Attributes:
        rows: Number of a row -> number of a column -> text; rows and cells that are blank are not there.
        merged: Cells that are merged into one.
        heads: Rows that the file says are heads.
        bold: Numbers of the rows that are in bold letters throughout.
    """

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    heads: list[Range] = field(default_factory=list)
    bold: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows that may be a table: every cell between its corners, blank ones as ""."""

    top: int
    left: int
    rows: Sequence[Sequence[str]]

    def part(self, first: int, last: int | None = None) -> "_Block":
        return _Block(self.top + first, self.left, self.rows[first:last])


def add_tables(builder: TextBuilder, grid: Grid) -> None:
    """Add the tables of a sheet and the lines between them, each where the sheet has it.

    Raises:
        Refused: Its cells are so far apart that there are ten blank ones to each.
    """
    _Writer(builder, grid).write()


@dataclass(slots=True)
class _Writer:
    builder: TextBuilder
    grid: Grid
    _left: int = 0  # the last table with heads, which go on below a blank row
    _heads: Sequence[str] = ()
    _blanks: int = 0
    _merged: dict[int, list[Range]] = field(default_factory=dict)

    def write(self) -> None:
        for merged in self.grid.merged:
            for number in range(merged.top, min(merged.bottom, merged.top + _MAX_HEADS) + 1):
                self._merged.setdefault(number, []).append(merged)
        for numbers in _runs(sorted(self.grid.rows)):
            rows = {number: self.grid.rows[number] for number in numbers}
            for left, right in self._sides(rows):
                for block in self._cut(self._block(rows, left, right)):
                    self._add(block)

    def _block(self, rows: Mapping[int, Mapping[int, str]], left: int, right: int) -> _Block:
        """The cells between two columns, without blank rows above and below."""
        filled = [number for number, row in rows.items() if any(left <= column <= right for column in row)]
        top, bottom = filled[0], filled[-1]
        made = []
        for number in range(top, bottom + 1):
            last = max((column for column in rows[number] if left <= column <= right), default=left - 1)
            self._blanks += last + 1 - left
            if self._blanks > _MAX_BLANKS:
                raise Refused("its cells are strewn too widely; delete what stands far from the tables")
            made.append([rows[number].get(column, "") for column in range(left, last + 1)])
        return _Block(top, left, made)

    def _sides(self, rows: Mapping[int, Mapping[int, str]]) -> Iterator[tuple[int, int]]:
        """The first and last column of each table that stands beside others: parted by a blank column, with own heads.

        A blank column alone parts nothing: many tables have one for looks.
        """
        runs = [(run[0], run[-1]) for run in _runs(sorted({column for row in rows.values() for column in row}))]
        if len(runs) == 1 or len(runs) > _MAX_SIDES:
            yield runs[0][0], runs[-1][1]
            return
        top = dict(islice(rows.items(), tables.SAMPLE))
        left, right = runs[0]
        was_headed = self._is_headed(top, left, right)
        for first, last in runs[1:]:
            is_headed = last > first and self._is_headed(top, first, last)
            if was_headed and is_headed:
                yield left, right
                left = first
            right, was_headed = last, was_headed or is_headed
        yield left, right

    def _is_headed(self, top: Mapping[int, Mapping[int, str]], left: int, right: int) -> bool:
        """Whether the cells between two columns have heads of their own."""
        if not any(left <= column <= right for row in top.values() for column in row):
            return False
        block = self._block(top, left, right)
        return self._head_rows(block.part(tables.titles(block.rows))) > 0

    def _cut(self, block: _Block) -> Iterator[_Block]:
        """The block cut above each row that the file says is one of heads."""
        right = block.left + max(map(len, block.rows)) - 1
        told = {heads.top - block.top for heads in self.grid.heads if heads.left <= right and heads.right >= block.left}
        borders = sorted({0, len(block.rows), *(border for border in told if 0 < border < len(block.rows))})
        for first, last in pairwise(borders):
            yield block.part(first, last)

    def _add(self, block: _Block) -> None:
        titles = tables.titles(block.rows)
        self._rows((), block.part(0, titles))
        block = block.part(titles)
        count = self._head_rows(block)
        width = max(map(len, block.rows))
        if count == len(block.rows):  # heads of nothing are all there is
            self._rows((), block)
        elif count:
            heads = tables.joined(self._spread(block, number) for number in range(count))
            self._heads, self._left = [*heads, *[""] * (width - len(heads))], block.left
            self._rows(self._heads, block.part(count))
        elif self._goes_on(block, width):
            gap = [""] * (block.left - self._left)
            self._rows(self._heads, _Block(block.top, self._left, [[*gap, *row] for row in block.rows]))
        else:
            self._rows((), block)

    def _goes_on(self, block: _Block, width: int) -> bool:
        """Whether a block without heads is more of the last table: it lies below it, and is no single line."""
        inside = self._left <= block.left and block.left + width <= self._left + len(self._heads)
        return inside and any(sum(map(bool, row)) > 1 for row in block.rows)

    def _rows(self, heads: Sequence[str], block: _Block) -> None:
        if block.rows:
            self.builder.add_rows(heads, block.rows, row=block.top, column=block.left)

    def _head_rows(self, block: _Block) -> int:
        """How many rows of heads a block begins with: none, one, or two where the first spans columns of the second."""
        if any(heads.top == block.top and heads.left >= block.left for heads in self.grid.heads):
            return 1
        sample = list(block.rows[: tables.SAMPLE])
        first = self._spread(block, 0)
        if len(first) > 1 and list(first) != list(sample[0]):
            below = [self._spread(block, 1), *sample[2:]] if len(sample) > 2 else []
            is_double = bool(below) and tables.are_heads([tables.joined([first, below[0]]), *sample[2:]])
            if is_double and (tables.are_lower_heads(below) or block.top + 1 in self.grid.bold):
                return 2
            return int(block.top in self.grid.bold or tables.has_figures([first, *sample[1:]]))
        is_bold = block.top in self.grid.bold and block.top + 1 not in self.grid.bold
        return int(tables.are_clear_heads(sample) or (is_bold and tables.are_heads(sample)))

    def _spread(self, block: _Block, number: int) -> Sequence[str]:
        """A row in which each cell that is merged out of several stands in all of them."""
        top, row = block.top + number, list(block.rows[number])
        for merged in self._merged.get(top, ()):
            value = self.grid.rows.get(merged.top, {}).get(merged.left, "")
            if value and merged.left >= block.left:
                first, end = merged.left - block.left, min(merged.right + 1 - block.left, max(map(len, block.rows)))
                row += [""] * (end - len(row))
                row[first:end] = [value] * (end - first)
        return row


def _runs(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Numbers in ascending order, parted where one is left out."""
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        yield [number for _, number in run]
