"""Document: one canonical text, and where its pages, headings and tables stand in it.

Every offset in Footnote is a `str` index into `Document.text`, half-open. The text is made once,
when the file is read, and never changed after.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

SOURCE_CODE = "text/x-source"
"""The media type of source code, which people find their way in by its lines."""

# Line ends of every kind: CR LF, CR, vertical tab, form feed, FS, GS, RS, NEL, LS, PS.
_NEWLINE = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")

# Characters that show nothing and can hide or reorder text: C0 and C1 controls, soft hyphen, zero
# width, bidi marks and overrides, invisible operators, the byte order mark, interlinear marks,
# non-characters, lone surrogates and the tag block.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)

# Zero-width (non-)joiners shape emoji, Indic and Persian text; between ASCII they only hide things.
# Each run of them is looked at once, from its start: a hostile one has a million.
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]+|(?<![\u200c\u200d])[\u200c\u200d]++(?![^\x00-\x7f])")

_MORE = " …"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (half-open) of a text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a document, or what its format has in place of pages, such as a slide or a sheet.

    Attributes:
        number: Counts from 1.
        start: Its first character in `Document.text`.
        end: One past its last.
        label: What people call it, such as "slide 3" or "sheet Sales"; "" for a page that is called by its number.
        is_picture: Whether something is printed on it that may be text, and was not read.
    """

    number: int
    start: int
    end: int
    label: str = ""
    is_picture: bool = False

    @property
    def name(self) -> str:
        """What people call it, such as "page 3"."""
        return self.label or f"page {self.number}"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `level` counts from 1 (the highest), offsets are into `Document.text`."""

    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, a line of `Document.text` each; see index/tables.py for how a line holds its cells.

    Attributes:
        start: The first character of its first row.
        end: One past the last of its last.
        heads: What its columns are called, in order; "" for one without a name, and none where none was told.
        row: What the file calls its first line by number, from 1; 0 where rows have no numbers.
        column: The number of its first column, from 1; 0 where columns have no letters.
    """

    start: int
    end: int
    heads: tuple[str, ...] = ()
    row: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """One source document.

    Attributes:
        id: `<root>/<POSIX path under it>`, unique in a library.
        title: What a person would call it.
        text: The canonical text.
        sha256: Hexadecimal digest of the file's bytes.
        media_type: For example `text/plain`.
        pages: The pages in order; empty where the format has none.
        headings: The headings in order.
        author: As the file says, or "".
        date: As the file says (ISO 8601 where it can be told), or "".
        url: Where the file says it comes from, or "".
        dropped: How many invisible characters the canonical text left out.
        tables: The tables in order, not overlapping.
    """

    id: str
    title: str
    text: str
    sha256: str
    media_type: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    author: str = ""
    date: str = ""
    url: str = ""
    dropped: int = 0
    tables: tuple[Table, ...] = ()

    @property
    def version(self) -> str:
        """Tells its text from others that it had or may have: in a file's pictures text may be recognised later."""
        return f"{self.sha256}-{len(self.text)}"

    @property
    def pictures(self) -> tuple[int, ...]:
        """The numbers of the pages that may hold text which was not read, ascending."""
        return tuple(page.number for page in self.pages if page.is_picture)

    def page_at(self, place: int) -> Page | None:
        """The page that a character stands on."""
        number = bisect_right(self.pages, place, key=lambda page: page.start)
        page = self.pages[number - 1] if number else None
        return page if page and place < page.end else None

    def table_at(self, place: int) -> Table | None:
        """The table that a character stands in."""
        number = bisect_right(self.tables, place, key=lambda table: table.start)
        table = self.tables[number - 1] if number else None
        return table if table and place < table.end else None


def canonical(text: str) -> tuple[str, int]:
    r"""The text with `\n` line ends and no invisible characters, and how many were dropped.

    Nothing else is normalised: letters, accents and spaces stay as the source has them.
    """
    if text.isprintable():  # as most lines are: nothing below is printable
        return text, 0
    text = _NEWLINE.sub("\n", text)
    text, controls = _INVISIBLE.subn("", text)
    shaped = _JOINERS.sub("", text)
    return shaped, controls + len(text) - len(shaped)


def beginning(text: str, width: int) -> str:
    """A text on one line: its first words, in at most `width` characters; of one that has no spaces its first letters.

    As `textwrap.shorten` does, which takes long over it and leaves nothing of a text without spaces.
    """
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    room = width - len(_MORE)
    return f"{line[: room + 1].rpartition(' ')[0] or line[:room]}{_MORE}"
