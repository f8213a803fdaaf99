"""Content: what a format finds in a file, and the builder that keeps its offsets exact."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from index import tables
from index.document import MAX_HEADING, Heading, Page, Table, beginning, canonical
from index.errors import Refused

MAX_CHARACTERS = 250_000_000
"""Of a file's text, which repeats the heads of a table in each row; more would not fit into memory."""

MAX_TABLES = 20_000
"""Of a file; rows after a blank one are a table of their own."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file's canonical text and what the format knows about it; see `Document` for the fields."""

    text: str
    title: str = ""
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    tables: tuple[Table, ...] = ()
    author: str = ""
    date: str = ""
    url: str = ""
    dropped: int = 0


@dataclass(slots=True)
class TextBuilder:
    """Grows a canonical text piece by piece, so that an offset taken on the way stays true."""

    headings: list[Heading] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    dropped: int = 0
    length: int = 0
    _pieces: list[str] = field(default_factory=list)
    _is_fresh: bool = False  # whether a page has begun that has nothing on it yet

    def add_block(self, block: str, separator: str = "\n\n") -> int:
        """Add a paragraph, set apart by `separator` from what stands before it; tells where it starts."""
        block, dropped = canonical(block)
        self.dropped += dropped
        return self._add(block, separator) if block.strip() else self.length

    def add_heading(self, level: int, heading: str) -> None:
        """Add a heading on a line of its own; `level` counts from 1."""
        start = self.add_block(heading)
        if start < self.length:
            self.headings.append(Heading(level, start, self.length))

    def add_content(self, content: Content, deeper: int = 0) -> None:
        """Add what another format found in a part of the file; its headings count `deeper` levels more."""
        start = self.add_block(content.text)
        self.dropped += content.dropped
        self.headings += (
            Heading(heading.level + deeper, start + heading.start, start + heading.end) for heading in content.headings
        )
        self.tables += (replace(table, start=start + table.start, end=start + table.end) for table in content.tables)

    def begin_page(self, label: str = "", *, is_picture: bool = False) -> None:
        """What is added from now on, until the next page begins, is on a page of its own; see `Page`."""
        self._end_page()
        name = beginning(tables.cell(label), MAX_HEADING)
        self.pages.append(Page(len(self.pages) + 1, self.length, self.length, name, is_picture))
        self._is_fresh = True

    def add_rows(self, heads: Sequence[str], rows: Iterable[Sequence[str]], *, row: int = 0, column: int = 0) -> None:
        """Add a table, each cell under its head; a blank row stays out, and another table begins after it.

        Args:
            heads: What its columns are called; none where that is not known.
            rows: Its cells, as text.
            row: The number of its first row in its file, from 1; 0 where rows have no numbers.
            column: The number of its first column, from 1; 0 where columns have no letters.
        """
        names = tables.named(heads, max(column, 1))
        start = -1
        for number, cells in enumerate(rows, start=row):
            line = tables.line(names, cells)
            if not line:
                self._end_table(start)
                start = -1
                continue
            self._count_dropped(cells)
            if start >= 0:
                self._add(line, "\n")
            else:
                start = self._add(line, "\n\n")
                self.tables.append(Table(start, self.length, names, number if row else 0, column))
        self._end_table(start)

    def content(self, **told: str) -> Content:
        """What has been added, and what the file tells of itself; see `Content`."""
        self._end_page()
        return Content(
            self.text(),
            pages=tuple(self.pages),
            headings=tuple(self.headings),
            tables=tuple(self.tables),
            dropped=self.dropped,
            **told,
        )

    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    def _add(self, block: str, separator: str) -> int:
        """As `add_block`, of what is canonical and not blank."""
        if self.length:
            self._append(separator)
        start = self.length
        self._append(block)
        if self._is_fresh:
            self.pages[-1] = replace(self.pages[-1], start=start)
            self._is_fresh = False
        return start

    def _end_page(self) -> None:
        """The page begun last goes up to here."""
        if self.pages:
            self.pages[-1] = replace(self.pages[-1], end=self.length)

    def _end_table(self, start: int) -> None:
        if start >= 0:
            self.tables[-1] = replace(self.tables[-1], end=self.length)
        if len(self.tables) > MAX_TABLES:
            raise Refused(f"it has more than {MAX_TABLES:,} tables, or blank rows between rows; take those out")

    def _count_dropped(self, cells: Iterable[str]) -> None:
        """Count what `tables.line` has left out of a row."""
        told = "".join(cells)
        if not told.isprintable():
            self.dropped += canonical(told)[1]

    def _append(self, piece: str) -> None:
        self._pieces.append(piece)
        self.length += len(piece)
        if self.length > MAX_CHARACTERS:
            raise Refused(f"it has more than {MAX_CHARACTERS // 10**6} million characters of text; split it")
