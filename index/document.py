"""Document: one canonical text, and where its pages, headings and tables stand in it.

Every offset in Footnote is a `str` index into `Document.text`, half-open. The text is made once,
when the file is read, and never changed after.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from unicodedata import category

SOURCE_CODE = "text/x-source"
"""The media type of source code, which people find their way in by its lines."""

# Line ends of every kind: CR LF, CR, vertical tab, form feed, FS, GS, RS, NEL, LS, PS.
_NEWLINE = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")

# Characters that show nothing and can hide or reorder text: C0 and C1 controls, soft hyphen, grapheme joiner, zero
# width, bidi marks and overrides, invisible operators, letters that are blank, the byte order mark, interlinear and
# format marks, non-characters, lone surrogates, the tag block and what may be added to it.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)

# Zero-width (non-)joiners shape emoji, Arabic, Indic and Persian text; in other scripts they only hide things.
# Each run of them is looked at once, from its start: a hostile one has a million.
_JOINERS = re.compile("(?<![^\x00-\u058f])[\u200c\u200d]+|(?<![\u200c\u200d])[\u200c\u200d]++(?![^\x00-\u058f])")

# Variation selectors choose among the shapes of an ideograph, an emoji or a Mongolian letter, one each, and of the
# digit on a key; elsewhere they only hide things.
_PLAIN_SELECTOR, _SELECTOR_OF_IDEOGRAPHS = r"\u180b-\u180d\u180f\ufe00-\ufe0f", "\U000e0100-\U000e01ef"
_IDEOGRAPH = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SHAPED = "\xa9\xae\u1000-\u109f\u1820-\u18aa\u2010-\u2027\u2030-\u205e\u2070-\ufdff\ufe10-\uff0f\uff1a-\U0003ffff"
_SELECTORS = re.compile(
    rf"[{_SELECTOR_OF_IDEOGRAPHS}](?<![{_IDEOGRAPH}][\s\S])"
    rf"|[{_PLAIN_SELECTOR}](?<![{_SHAPED}][\s\S])(?!(?<=[#*0-9]\ufe0f)\u20e3)"
)

_SELECTED = re.compile("([{0}]{{2}})[{0}]+".format(_PLAIN_SELECTOR + _SELECTOR_OF_IDEOGRAPHS))

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

_MARKS = ("Mn", "Me")  # what stands above, below or around the letter before it
_STACKED = 10  # of them on one letter, where Tibetan has nine: more cover the lines around

MAX_HEADING = 300
"""Characters of a heading, a title, or what a page is called: each of a document's passages is shown with them."""

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
    r"""The text with `\n` line ends and nothing that hides or reorders text, and how many characters were dropped.

    Nothing else is normalised: letters, accents and spaces stay as the source has them.
    """
    if _is_plain(text):
        return text, 0
    text = _NEWLINE.sub("\n", text)
    shown = _rewritten(text, _nothing)
    return shown, len(text) - len(shown)


def canonical_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """The canonical text of a text that comes in pieces, each as soon as nothing that follows can change it.

    The two halves of a character beyond U+FFFF may come in two pieces.
    """
    before, held = "", ""  # what was given last, which tells what becomes of what is held
    for piece in pieces:
        text = _PAIR.sub(_joined, held + piece)
        end = next((place + 1 for place in range(len(text) - 1, -1, -1) if _is_settled(text, place)), 0)
        if end:
            yield canonical(before + text[:end])[0][len(before) :]
            before = text[end - 1]
        held = _shortened(text[end:])
    yield canonical(before + held)[0][len(before) :]


def printable(text: str) -> str:
    r"""A text that commands no terminal and hides nothing: what shows nothing is spelt out, as in `\x1b`.

    Canonical text, and any part of it, stays as it is.
    """
    return text if _is_plain(text) else _INVISIBLE.sub(_spelt, _NEWLINE.sub(_spelt, text))


def printable_name(name: object) -> str:
    r"""A name or path, or a line that holds some: all that canonical text does not hold is spelt out, and line ends."""
    text = _NEWLINE.sub(_spelt, str(name)).replace("\n", r"\n").replace("\t", r"\t")
    return text if _is_plain(text) else _rewritten(text, _spelt)


def beginning(text: str, width: int) -> str:
    """A text on one line: its first words, in at most `width` characters; of one that has no spaces its first letters.

    As `textwrap.shorten` does, which takes long over it and leaves nothing of a text without spaces.
    """
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    room = width - len(_MORE)
    return f"{line[: room + 1].rpartition(' ')[0] or line[:room]}{_MORE}"


def _is_plain(text: str) -> bool:
    """Whether there is nothing to drop in a text, as in most lines."""
    return text.isascii() and text.isprintable()


def _rewritten(text: str, write: Callable[[re.Match[str]], str]) -> str:
    """A text with something else in place of what shows nothing, or covers what stands around it."""
    text = _SELECTORS.sub(write, _INVISIBLE.sub(write, text))
    text = _flood().sub(lambda found: f"{found[1]}{write(found)}", text)
    return _JOINERS.sub(write, text) if "\u200c" in text or "\u200d" in text else text


def _nothing(_: re.Match[str]) -> str:
    return ""


def _spelt(found: re.Match[str]) -> str:
    """The last group of what was found, in ASCII letters."""
    return found[found.lastindex or 0].encode("unicode_escape").decode()


def _joined(found: re.Match[str]) -> str:
    """The character of two halves."""
    return found[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _is_settled(text: str, place: int) -> bool:
    """Whether a character stays as it is, whatever follows, and what precedes it is no matter to what follows."""
    character = text[place]
    if _NEWLINE.match(character):
        return character != "\r" or place < len(text) - 1
    is_mark = category(character) in _MARKS and not "\U00010000" <= character < "\U000e0000"
    return not (is_mark or character in "\u200c\u200d" or _INVISIBLE.match(character))


def _shortened(held: str) -> str:
    """What is to be kept of characters of which none is settled; of a flood so much that it is one."""
    half = held[-1:] if held.endswith("\r") or "\ud800" <= held[-1:] <= "\udbff" else ""
    kept = _INVISIBLE.sub("", held.removesuffix(half))
    return _SELECTED.sub(r"\1", kept)[: 4 * _STACKED] + half


@cache
def _flood() -> re.Pattern[str]:
    """Finds more marks than stand on one letter: the first ones, and the others."""
    marks = (chr(code) for code in range(0x300, 0x10000) if category(chr(code)) in _MARKS)
    mark = f"[{''.join(marks)}\u200c\u200d]"  # a joiner ends no row of them
    return re.compile(f"({mark}{{{_STACKED}}})({mark}+)")
