"""Layout: the words of a printed page, with their boxes -> its blocks in reading order, prose and tables.

Pure geometry: it knows nothing of files. Lengths are in the page's own units, `bottom` and `top` count upward.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from index.tables import SEPARATOR

BROKEN = "\ufffe"
"""Ends a word that goes on in the next line, in place of its hyphen."""

EDGE = 3
"""How many lines at a page's top, and at its foot, may be running heads or feet."""

_APART = 9  # rows of a table: so far may two with values be apart
_NEAR_EDGE = 60  # pieces of lines, at the top and at the foot of a page, among which are running heads and feet
_LONGEST = 200  # characters of a word that is made whole; words of a row that goes on in the next line
MARKS = ".,;:!?()[]“”‘’\"'"
"""What may stand around a word."""
_MOST_COLUMNS = 64  # of a table

_COLUMN_GAP = 0.95  # of the letters' height: a wider gap parts two cells
_DEPTH = 4  # columns within columns
_CANDIDATES = 4  # gutters that are looked at more closely
_SPARSE = 0.5  # of the lines: so many may cross a gutter, such as titles
_FILLED = 0.62  # of a column of prose is covered by its lines
_LINES, _WORDS = 3, 3.0  # that a column of prose has at least, and words a line

_NUMBER = r"(?>(?:[$€£¥(+\-–—−<>~\s]|US\$|C\$|A\$)*\d[\d,.]*(?:[)%\s]|bps|pts|x|[BMK]\b|million|billion)*)"
_VALUE = re.compile(  # what is atomic, as a number is, is not tried anew in a hostile cell
    rf"{_NUMBER}(?:[/–-]{_NUMBER})*+(?:\([\w*]{{1,3}}\)|\*+)?"
    r"|(?:[$€£¥]\s*)?\(?[—–−-]{1,3}(?:\s*[%)])*|[Nn]\.?/?[AaMm]\.?|\*{1,3}"
)
_DATE = re.compile(
    r"(?:(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.? \d{1,2}, ?(?:(?:19|20)\d\d)?"
    r"|(?:19|20)\d\d)(?:\s?\([\w*]\))?"
)
_ENDS = tuple(")%—–-")  # of a number
_PERIOD = re.compile(r"\b(?:Q[1-4]|quarters?|months|years?|ended|fiscal|FY\d*|weeks)\b", re.IGNORECASE)
_CHANGE = re.compile(r"%|\bpercent|\bchange", re.IGNORECASE)
_CURRENCY = re.compile(r"(?:US|C|A)?[$€£¥]\s?\(?|\(")
_MARK = re.compile(r"[\d(),*†‡§¹²³]{1,6}")  # of a footnote
_CLOSING = re.compile(r"[)%]+|\)\s?%")
_BULLET = re.compile(
    r"[•·●▪■◦‣○*–—¨§-]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivxlIVXL]{1,5})[.)]|\d{1,3}(?:\.\d{1,3})+|[☐☑☒]"
)
_RUNS_ON = re.compile(r"(?:[,(–-]|\b(?:and|or|of|to|for|from|in|on|the|by|with|than|attributable|including))$")
_ENDED = re.compile(r"[.!?:;][\"”’)\]]*$")


class Word(NamedTuple):
    """A printed word.

    Attributes:
        text: Its letters; ends with `BROKEN` where it goes on in the next line.
        left: Where its box begins.
        bottom: Where its box ends below.
        right: Where its box ends.
        top: Where its box ends above.
        place: The number of its first character among those drawn.
        length: How many are drawn for it; a ligature is one.
        is_bold: Whether its letters are bold.
    """

    text: str
    left: float
    bottom: float
    right: float
    top: float
    place: int
    length: int
    is_bold: bool = False


@dataclass(slots=True)
class Cell:
    """Words of one line without a wide gap between them."""

    words: list[Word]
    left: float
    bottom: float
    right: float
    top: float
    text: str = ""

    @property
    def height(self) -> float:
        """Of its letters."""
        return self.top - self.bottom

    @property
    def middle(self) -> float:
        """Its centre, from left to right."""
        return (self.left + self.right) / 2


@dataclass(slots=True)
class Row:
    """What is printed at one height, from left to right."""

    cells: list[Cell]
    bottom: float
    top: float

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.cells[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return max(cell.right for cell in self.cells)

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def words(self) -> list[Word]:
        """Its words, from left to right."""
        return [word for cell in self.cells for word in cell.words]

    @property
    def height(self) -> float:
        """Of its letters."""
        return self.top - self.bottom


@dataclass(slots=True)
class Block:
    """A paragraph, or a table.

    Attributes:
        lines: Its lines; each a list of cells, each the words in it.
        heads: What the columns of a table are called; none in a paragraph.
        first: The number of a table's first row of data among its lines; those before are its heads.
        is_table: Whether its cells are to be kept apart.
        height: Of its letters.
        is_bold: Whether all its letters are bold.
    """

    lines: list[list[list[Word]]]
    heads: tuple[str, ...] = ()
    first: int = 0
    is_table: bool = False
    height: float = 0.0
    is_bold: bool = False

    def words(self) -> Iterator[Word]:
        """Its words in reading order."""
        return (word for line in self.lines for cell in line for word in cell)

    @property
    def goes_on(self) -> bool:
        """Whether it may be the rest of a paragraph of the page before."""
        return not self.is_table and self.lines[0][0][0].text[:1].islower()

    @property
    def is_unfinished(self) -> bool:
        """Whether the next page may have the rest of it."""
        last = self.lines[-1][-1]
        return not self.is_table and len(last) > 3 and not _ENDED.search(last[-1].text)

    @property
    def may_head(self) -> bool:
        """Whether it is as short as a heading is, and ends as one."""
        words = [word for line in self.lines for cell in line for word in cell]
        is_short = len(self.lines) < 3 and len(words) <= 14 and all(len(line) == 1 for line in self.lines)
        return is_short and not words[-1].text.endswith((".", ",", ";")) and any(map(str.isalpha, words[0].text))

    def texts(self, kept: Iterable[str] = ()) -> list[str]:
        """Its lines; `kept` has the words, in small letters, known to be written with a hyphen."""
        if self.is_table:
            return [SEPARATOR.join(_in_cell(joined(cell, kept)) for cell in line) for line in self.lines]
        lines = [[word for cell in line for word in cell] for line in self.lines]
        if any(line[-1].text.endswith(BROKEN) for line in lines):
            broken = ["\n" + word.text if word is line[0] else word.text for line in lines for word in line]
            return [_mended(broken, kept).removeprefix("\n")]
        return ["\n".join(joined(line, kept) for line in lines)]


def joined(words: Sequence[Word], kept: Iterable[str] = ()) -> str:
    """Words as a line of text, broken ones made whole."""
    texts = [word.text for word in words]
    return _mended(texts, kept) if any(text.endswith(BROKEN) for text in texts) else " ".join(texts)


def lay_out(pieces: list[Cell]) -> list[Block]:
    """The blocks of a page, or of a part of one, in reading order."""
    return [block for part in _parts(pieces, 0) for block in _blocks(_rows(part))]


def sheet(pieces: list[Cell], above: int = 0, below: int = 0) -> list[Block]:
    """The blocks of a page, its running heads and feet blocks of their own, out of the way of what runs on.

    Args:
        pieces: Of the page.
        above: How many of its first lines are running heads.
        below: How many of its last are running feet.
    """
    if not above and not below:
        return lay_out(pieces)
    first, last = edges(pieces)
    heads = first[:above]
    aside = {word.place for row in heads for word in row.words}
    feet = [row for row in last[:below][::-1] if row.words[0].place not in aside]
    aside.update(word.place for row in feet for word in row.words)
    body = lay_out([piece for piece in pieces if piece.words[0].place not in aside])
    top = [_paragraph(heads)] if heads else []
    foot = [_paragraph(feet)] if feet else []
    if body and body[0].goes_on:
        top, foot = [], top + foot
    if body and body[-1].is_unfinished and (len(body) > 1 or not body[0].goes_on):
        return [*top, *body[:-1], *foot, body[-1]]
    return [*top, *body, *foot]


def edges(pieces: list[Cell]) -> tuple[list[Row], list[Row]]:
    """The lines that may be running heads, from the top down, and feet, from the bottom up."""
    if len(pieces) <= 2 * _NEAR_EDGE:
        rows = _rows(pieces)
        return rows[:EDGE], rows[: -EDGE - 1 : -1]
    high = nlargest(_NEAR_EDGE, pieces, key=lambda piece: piece.top)
    low = nsmallest(_NEAR_EDGE, pieces, key=lambda piece: piece.bottom)
    return _rows(high)[:EDGE], _rows(low)[: -EDGE - 1 : -1]


def _mended(texts: Sequence[str], kept: Iterable[str]) -> str:
    """Words as text, those broken at the end of a line made whole; one after a line's end begins with it."""
    whole: list[str] = []
    for text in texts:
        if whole and whole[-1].endswith(BROKEN) and len(whole[-1]) < _LONGEST:
            before, after = whole[-1][:-1], text.removeprefix("\n")
            whole[-1] = before + ("-" if _is_compound(before, after, kept) else "") + after
        else:
            whole.append(text)
    return " ".join(whole).replace(" \n", "\n").replace(BROKEN, "-")


def _is_compound(before: str, after: str, kept: Iterable[str]) -> bool:
    """Whether the hyphen between two halves of a word is its own, as in "long-term"."""
    if not before[-1:].isalpha() or not after[:1].islower():
        return True
    return f"{before}-{after}".strip(MARKS).lower() in kept


def _in_cell(text: str) -> str:
    """A cell's text, in which nothing can be taken for the border of a cell."""
    return re.sub(r" ?\| ?", "|", text.replace(BROKEN, "-")) if "|" in text or BROKEN in text else text


# --- words -> pieces of lines, columns, rows ---


def _cell(words: list[Word]) -> Cell:
    """Words of one line made one piece; drawn from left to right, as nearly all are, or not."""
    left, bottom, right, top = words[0][1:5]
    for word in words:
        left = word.left if word.left < left else left
        bottom = word.bottom if word.bottom < bottom else bottom
        right = word.right if word.right > right else right
        top = word.top if word.top > top else top
    return Cell(words, left, bottom, right, top, joined(words))


def pieces_of(words: Sequence[Word]) -> list[Cell]:
    """Pieces of a page's lines: words drawn one after the other on one line, without a wide gap."""
    runs: list[list[Word]] = []
    said, end, low, high = "", 0.0, 0.0, -1.0  # of the word before
    for word in words:
        text, left, bottom, right, top, *_ = word
        height, other = top - bottom, high - low
        lower, higher = (height, other) if height < other else (other, height)
        overlap = (high if high < top else top) - (low if low > bottom else bottom)
        gap = left - end
        if (
            overlap > lower / 2
            and -higher / 2 < gap < _COLUMN_GAP * higher
            and not _is_parted(said, text, gap / higher)
        ):
            runs[-1].append(word)
        else:
            runs.append([word])
        said, end, low, high = text, right, bottom, top
    return [_cell(run) for run in runs]


def _is_parted(before: str, text: str, gap: float) -> bool:
    """Whether a word is the sign of a currency that begins a cell: after a number, or more than a mere blank."""
    if len(text) > 3 or not _CURRENCY.fullmatch(text):
        return False
    return gap > 0.4 or before[-1:].isdigit() or before[-1:] in _ENDS


def _parts(pieces: list[Cell], depth: int) -> Iterator[list[Cell]]:
    """The parts of a page in reading order: columns of prose are parted, tables are not."""
    for gutter in _gutters(pieces) if depth < _DEPTH else ():
        parts = _bands(pieces, gutter)
        if len(parts) > 1:
            for is_column, part in parts:
                yield from _parts(part, depth + 1) if is_column else [part]
            return
    if pieces:
        yield pieces


def _gutters(pieces: list[Cell]) -> list[float]:
    """Where columns may be parted: upright stripes that few lines cross, the emptiest first."""
    if len(pieces) < 2 * _LINES:
        return []
    left, right = min(piece.left for piece in pieces), max(piece.right for piece in pieces)
    bins = int(min(max(right - left, 1), 4_000)) + 1
    step = (right - left) / bins or 1.0
    change = [0] * (bins + 2)
    for piece in pieces:
        change[int((piece.left - left) / step)] += 1
        change[min(int((piece.right - left) / step) + 1, bins + 1)] -= 1
    crossed, count = [], 0
    for each in change[:bins]:
        count += each
        crossed.append(count)
    bound = _SPARSE * max(crossed)
    least = 0.6 * median(piece.height for piece in pieces)
    found = [
        (min(crossed[first:last]), first - last, left + _emptiest(crossed, first, last) * step)
        for first, last in _runs(crossed, bound)
        if (last - first) * step >= least and first > bins * 0.1 and last < bins * 0.9
    ]
    return [place for *_, place in sorted(found)[:_CANDIDATES]]


def _emptiest(crossed: list[int], first: int, last: int) -> float:
    """The middle of the emptiest stretch."""
    least = min(crossed[first:last])
    places = [place for place in range(first, last) if crossed[place] == least]
    return places[len(places) // 2] + 0.5


def _runs(counts: list[int], bound: float) -> Iterator[tuple[int, int]]:
    """Stretches in which no count is above a bound."""
    start = -1
    for place, count in enumerate([*counts, max(counts) + 1]):
        if count <= bound and start < 0 and place < len(counts):
            start = place
        elif count > bound and start >= 0:
            yield start, place
            start = -1


def _bands(pieces: list[Cell], gutter: float) -> list[tuple[bool, list[Cell]]]:
    """The page cut where a line crosses the gutter: columns of prose, left then right, and what is none."""
    parts: list[tuple[bool, list[Cell]]] = []
    band: list[Cell] = []

    def flush() -> None:
        left = [piece for piece in band if piece.right <= gutter]
        right = [piece for piece in band if piece.left >= gutter]
        if _is_prose(left) and _is_prose(right):
            parts.extend([(True, left), (True, right)])
        elif parts and not parts[-1][0]:
            parts[-1][1].extend(band)
        elif band:
            parts.append((False, list(band)))
        band.clear()

    for piece in sorted(pieces, key=lambda piece: -piece.top):
        if piece.left < gutter < piece.right:
            flush()
            if not parts or parts[-1][0]:
                parts.append((False, []))
            parts[-1][1].append(piece)
        else:
            band.append(piece)
    flush()
    return parts if any(is_column for is_column, _ in parts) else []


def _is_prose(pieces: list[Cell]) -> bool:
    """Whether lines fill their column as prose does."""
    if len(pieces) < _LINES:
        return False
    left, right = min(piece.left for piece in pieces), max(piece.right for piece in pieces)
    words = sum(len(piece.words) for piece in pieces)
    values = sum(1 for piece in pieces if _VALUE.fullmatch(piece.text))
    rows: list[Cell] = []
    for piece in pieces:  # they come from the top down
        if not rows or piece.top < rows[-1].top - piece.height / 2:
            rows.append(piece)
    filled = sum(piece.right - piece.left for piece in pieces) / max((right - left) * len(rows), 1e-6)
    numbers = sum(any(map(str.isdigit, word.text)) for piece in pieces for word in piece.words)
    is_wordy = words >= _WORDS * len(pieces) and numbers * 3 < words and values * 5 < len(pieces)
    return is_wordy and filled > _FILLED


def _rows(pieces: list[Cell]) -> list[Row]:
    """Pieces put together that are printed at one height, from the top down."""
    rows: list[list[Cell]] = []
    bottom = top = 0.0
    for piece in sorted(pieces, key=lambda piece: -(piece.top + piece.bottom)):
        overlap = min(top, piece.top) - max(bottom, piece.bottom)
        if rows and (overlap > min(top - bottom, piece.height) / 2 or (overlap > 0 and _is_raised(rows[-1], piece))):
            rows[-1].append(piece)
            if piece.height > top - bottom:
                bottom, top = piece.bottom, piece.top
        else:
            rows.append([piece])
            bottom, top = piece.bottom, piece.top
    return [_row(row) for row in rows]


def _is_raised(row: list[Cell], piece: Cell) -> bool:
    """Whether a row is no more than a mark, raised, beside a piece of the line below."""
    mark = row[0]
    is_mark = len(row) == 1 and mark.height < 1.1 * piece.height and _MARK.fullmatch(mark.text)
    return bool(is_mark) and -mark.height < max(mark.left - piece.right, piece.left - mark.right) < piece.height


def _row(pieces: list[Cell]) -> Row:
    pieces.sort(key=lambda piece: piece.left)
    runs = [[pieces[0]]]
    reach = pieces[0].right
    for piece in pieces[1:]:
        last = runs[-1][-1]
        gap, height = piece.left - reach, max(last.height, piece.height)
        is_near = gap < _COLUMN_GAP * height and not _is_parted(last.text, piece.words[0].text, gap / height)
        if is_near or _belong(last, piece, gap) or (len(runs) == len(runs[0]) == 1 and _is_item(last, piece, gap)):
            runs[-1].append(piece)
        else:
            runs.append([piece])
        reach = max(reach, piece.right)
    cells = [run[0] if len(run) == 1 else _cell([word for piece in run for word in piece.words]) for run in runs]
    body = max(cells, key=lambda cell: cell.right - cell.left)
    return Row(cells, body.bottom, body.top)


def _belong(before: Cell, after: Cell, gap: float) -> bool:
    """Whether a sign belongs to the number beside it."""
    if _CURRENCY.fullmatch(before.text) and (_VALUE.fullmatch(after.text) or _CLOSING.fullmatch(after.text)):
        return True
    return bool(_CLOSING.fullmatch(after.text)) and gap < 3 * after.height


def _is_item(before: Cell, after: Cell, gap: float) -> bool:
    """Whether a bullet or a number begins the text after it."""
    return bool(_BULLET.fullmatch(before.text)) and not _VALUE.fullmatch(after.text) and gap < 5 * after.height


# --- rows -> paragraphs and tables ---


def _blocks(rows: list[Row]) -> Iterator[Block]:
    """Rows as blocks: runs of rows that make a table, and the paragraphs between them."""
    done = 0
    for start, end in _tabular(rows):
        yield from _paragraphs(rows[done:start])
        yield from _tables(rows[start:end])
        done = end
    yield from _paragraphs(rows[done:])


def _paragraphs(rows: list[Row]) -> Iterator[Block]:
    """Lines, parted where the gap is wider than around it, the letters change, or a line is set in."""
    if not rows:
        return
    steps = [before.bottom - after.bottom for before, after in pairwise(rows)]
    right = max(row.right for row in rows)
    start = 0
    for number in range(1, len(rows)):
        near = min(steps[max(0, number - 2) : number + 1])
        before, after = rows[number - 1], rows[number]
        wide = steps[number - 1] > 1.25 * max(near, 0.9 * after.height) or steps[number - 1] > 2.6 * after.height
        if wide or _changes(before, after, right):
            yield _paragraph(rows[start:number])
            start = number
    yield _paragraph(rows[start:])


def _changes(before: Row, after: Row, right: float) -> bool:
    """Whether a new paragraph begins although the line stands no further away."""
    sizes = sorted((before.height, after.height))
    if sizes[1] > 1.2 * sizes[0] or _is_bold(before) != _is_bold(after):
        return before.right < right - 4 * before.height or sizes[1] > 1.2 * sizes[0]
    is_short = before.right < right - 2 * before.height and _ENDED.search(before.text)
    set_in = 0.8 * after.height < after.left - before.left < 8 * after.height
    return bool(set_in and is_short and after.text[:1].isupper())


def _is_bold(row: Row) -> bool:
    return row.cells[0].words[0].is_bold and row.cells[-1].words[-1].is_bold


def _paragraph(rows: list[Row]) -> Block:
    return Block(
        [[cell.words for cell in row.cells] for row in rows],
        height=max(row.height for row in rows),
        is_bold=all(_is_bold(row) for row in rows),
    )


def _is_seed(row: Row) -> bool:
    """Whether a row has a cell with a value, and others."""
    cells = row.cells[1:] if len(row.cells) <= _MOST_COLUMNS else []
    return any(_VALUE.fullmatch(cell.text) or _DATE.fullmatch(cell.text) for cell in cells)


def _tabular(rows: list[Row]) -> list[tuple[int, int]]:
    """Where tables stand among the rows: first and one past the last."""
    seeds = [_is_seed(row) or _is_aligned(rows, number) for number, row in enumerate(rows)]
    found: list[tuple[int, int]] = []
    number, floor = 0, 0
    while number < len(rows):
        if not seeds[number]:
            number += 1
            continue
        last = _last_row(rows, seeds, number)
        count = sum(seeds[number : last + 1])
        first = _first_row(rows, number, floor)
        if count > 1 or (len(rows[number].cells) > 2 and first < number):
            found.append((first, last + 1))
            floor = last + 1
        number = last + 1
    return found


def _is_aligned(rows: list[Row], number: int) -> bool:
    """Whether a row of words has its second cell under, and over, that of its neighbours."""
    if not 1 < len(rows[number].cells) <= _MOST_COLUMNS:
        return False
    near = rows[max(0, number - 2) : number + 3]
    left = rows[number].cells[1].left
    return sum(1 for row in near for cell in row.cells[1:] if abs(cell.left - left) < 2) >= 3


def _last_row(rows: list[Row], seeds: list[bool], first: int) -> int:
    """The last row of the table that a row begins: few rows without values stand between two with some."""
    last, number = first, first + 1
    while number < len(rows) and number - last <= _APART:
        if rows[number - 1].bottom - rows[number].top > 5 * rows[number].height:
            break
        if seeds[number]:
            if number - last > 1 and not _share(rows[last], rows[number]):
                break
            last = number
        elif _is_sentence(rows[number], rows[last]):
            break
        number += 1
    body = rows[last]
    while last + 1 < len(rows) and (_is_wrapped(rows[last], rows[last + 1]) or _is_under(body, rows[last + 1])):
        if rows[last].bottom - rows[last + 1].bottom > 1.35 * body.height:
            break
        last += 1
    return last


def _is_under(row: Row, after: Row) -> bool:
    """Whether a line is no more than the rest of cells, other than the first, of a row above it."""
    starts = [cell.left for cell in row.cells[1:]]
    return len(starts) > 1 and all(
        any(abs(cell.left - start) < 1.5 * row.height for start in starts) for cell in after.cells[:_MOST_COLUMNS]
    )


def _share(above: Row, below: Row) -> bool:
    """Whether some columns of two rows stand one over the other."""
    return any(
        min(one.right, other.right) > max(one.left, other.left) for one in above.cells[1:] for other in below.cells[1:]
    )


def _is_sentence(row: Row, above: Row) -> bool:
    """Whether a row is prose: long, and running across the columns above it."""
    if len(row.cells) > 1:
        return False
    begins = above.cells[1].left
    return len(row.cells[0].words) > 7 and row.left < begins - row.height and row.right > begins + row.height


def _is_wrapped(row: Row, after: Row) -> bool:
    """Whether a row is no more than the rest of the label above it."""
    label, rest = row.cells[0], after.cells[0]
    return (
        len(after.cells) == 1 < len(row.cells)
        and rest.right < row.cells[1].left
        and abs(rest.left - label.left) < 2 * row.height
        and rest.text[:1].islower()
    )


def _first_row(rows: list[Row], seed: int, floor: int) -> int:
    """The first row of a table's heads, given its first row with values."""
    first = seed
    left = min(cell.left for cell in rows[seed].cells[1:])
    middle = (rows[seed].left + rows[seed].right) / 2
    for number in range(seed - 1, max(floor, seed - 8) - 1, -1):
        row = rows[number]
        if row.bottom - rows[number + 1].top > (1.6 if len(row.cells) == 1 else 3) * row.height:
            break
        is_title = len(row.cells) == 1 and abs(row.cells[0].middle - middle) < 3 * row.height
        is_over = not is_title and (len(row.cells) > 1 or row.left > left - 4 * row.height)
        if not is_over and (number < seed - 2 or row.right > left):
            break
        if is_over:
            first = number
    return first


# --- tables ---


@dataclass(slots=True)
class _Line:
    """A row of a table, sorted into its columns."""

    cells: list[list[Word]]
    bottom: float
    kind: str  # head, data or label

    @property
    def label(self) -> str:
        """What the row is called."""
        return joined(self.cells[0])

    @property
    def has_values(self) -> bool:
        """Whether a cell has a number, other than a year."""
        texts = [joined(cell) for cell in self.cells[1:] if cell]
        return any(_VALUE.fullmatch(text) and not _DATE.fullmatch(text) for text in texts)


def _tables(rows: list[Row]) -> Iterator[Block]:
    """The rows of one or more tables; another begins where heads stand below data."""
    columns = _columns(rows)
    if not 1 < len(columns) <= _MOST_COLUMNS:
        yield from _paragraphs(rows)
        return
    kinds = _kinds(rows, columns)
    starts, has_data = [0], False
    for number in range(1, len(rows)):
        has_data = has_data or kinds[number - 1] == "data"
        if has_data and kinds[number] == "head" and kinds[number - 1] != "head":
            starts.append(number)
            has_data = False
    for start, end in pairwise([*starts, len(rows)]):
        yield _table(rows[start:end], kinds[start:end], columns)


def _columns(rows: list[Row]) -> list[tuple[float, float]]:
    """Where columns begin and end, from left to right; the first is that of the labels."""
    values = [cell for row in rows for cell in row.cells[1:] if _is_value(cell)]
    data = [row for row in rows if _is_data(row)] if values else rows
    values = values or [cell for row in rows for cell in row.cells[1:]]
    spans = [(_number_left(cell), cell.right) for cell in values]
    widest = 2.5 * median(right - left for left, right in spans) + 12
    columns = _merged(span for span in spans if span[1] - span[0] <= widest)
    if len(columns) > _MOST_COLUMNS:
        return []
    columns = _with_signs(columns, values)
    rest = [
        (cell.left, cell.right)
        for row in data
        for cell in row.cells
        if not any(cell.left < right and left < cell.right for left, right in columns)
    ]
    inner = _merged(each for each in rest if each[0] > columns[0][0])
    labels = [each for each in rest if each[1] <= columns[0][0]]
    return _merged(labels) + sorted([*columns, *inner])


def _number_left(cell: Cell) -> float:
    """Where the number begins in a cell: the sign of its currency may stand far away."""
    return next((word.left for word in cell.words if not _CURRENCY.fullmatch(word.text)), cell.left)


def _with_signs(columns: list[tuple[float, float]], values: list[Cell]) -> list[tuple[float, float]]:
    """The columns made as wide as their numbers with the signs of their currency."""
    lefts = [left for left, _ in columns]
    signed = list(columns)
    for cell in values:
        number = max(bisect_right(lefts, _number_left(cell) + 0.01) - 1, 0)
        left, right = signed[number]
        signed[number] = (min(left, max(cell.left, columns[number - 1][1] if number else cell.left)), right)
    return signed


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches, those that overlap made one."""
    merged: list[tuple[float, float]] = []
    for left, right in sorted(spans):
        if merged and left < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], right))
        else:
            merged.append((left, right))
    return merged


def _is_dated(row: Row) -> bool:
    """Whether all cells from the first or second on are years or dates, as in heads, or several from a later one on."""
    dates = [bool(_DATE.fullmatch(cell.text)) for cell in row.cells]
    first = dates.index(True) if any(dates) else len(dates)
    return first < len(dates) and all(dates[first:]) and (first < 2 or sum(dates) > 1)


def _kinds(rows: list[Row], columns: list[tuple[float, float]]) -> list[str]:
    """Which rows are heads, data, or labels without data."""
    kinds: list[str] = []
    is_first = True  # above all data
    has_values = any(_is_data(row) for row in rows)
    for number, row in enumerate(rows):
        if _is_data(row) or (not has_values and number and len(row.cells) > 1 and not _is_dated(row)):
            kinds.append("data")
            is_first = False
        elif _is_label(row, columns, is_first) and not (kinds and kinds[-1] == "head" and not is_first):
            kinds.append("label")
        elif is_first or (_is_dated(row) and len(row.cells) > 1) or _has_dates_below(rows, number):
            kinds.append("head")
        else:
            kinds.append("data")
    return kinds


def _is_label(row: Row, columns: list[tuple[float, float]], is_first: bool) -> bool:
    """Whether a row is the name of a group of rows, or half a label; above all data it stands at the left."""
    return len(row.cells) == 1 and not _is_dated(row) and (not is_first or row.left < columns[1][0] - 4 * row.height)


def _has_dates_below(rows: list[Row], number: int) -> bool:
    """Whether rows without values lead from a row to years or dates, as those of heads do."""
    for row in rows[number + 1 : number + 7]:
        if _is_dated(row) and len(row.cells) > 1:
            return True
        if _is_data(row):
            return False
    return False


def _is_data(row: Row) -> bool:
    """Whether some cells after the first have values, other than years."""
    return any(_is_value(cell) for cell in row.cells[1:])


def _is_value(cell: Cell) -> bool:
    return bool(_VALUE.fullmatch(cell.text)) and not _DATE.fullmatch(cell.text)


def _table(rows: list[Row], kinds: list[str], columns: list[tuple[float, float]]) -> Block:
    top = next((n for n, kind in enumerate(kinds) if kind != "head"), len(rows))
    if top < len(rows) and "head" in kinds[top:]:  # a label stands between two rows of heads
        top = len(kinds) - kinds[::-1].index("head")
    heads = _heads(rows[:top], columns)
    data = _unwrapped([_line(row, kind, columns) for row, kind in zip(rows[top:], kinds[top:], strict=True)])
    lines = [_head_line(row, columns) for row in rows[:top]]
    return Block(lines + [line.cells for line in data], heads, top, is_table=True, height=rows[0].height)


def _head_line(row: Row, columns: list[tuple[float, float]]) -> list[list[Word]]:
    """The cells of a row of heads: in their columns, where each has its own."""
    own = [_head_column(cell, columns) for cell in row.cells]
    is_plain = len(set(own)) == len(own) > 1 and own == [_column(cell, columns) for cell in row.cells]
    return _line(row, "head", columns).cells if is_plain else [cell.words for cell in row.cells]


def _line(row: Row, kind: str, columns: list[tuple[float, float]]) -> _Line:
    cells: list[list[Word]] = [[] for _ in columns]
    for cell in row.cells:
        cells[_column(cell, columns)].extend(cell.words)
    return _Line(cells, row.bottom, kind)


def _column(cell: Cell, columns: list[tuple[float, float]]) -> int:
    """The column that a cell stands in: that it shares most with, else the last that begins before it."""
    begins = _number_left(cell)
    last = 0
    best, found = 0.0, -1
    for number, (left, right) in enumerate(columns):
        last = number if left <= begins else last
        shared = min(cell.right, right) - max(begins, left)
        if shared > best:
            best, found = shared, number
    if last == 0 and not _VALUE.fullmatch(cell.text):
        return 0
    return found if found >= 0 else last


def _unwrapped(lines: list[_Line]) -> list[_Line]:
    """Rows whose labels run over several lines made one."""
    steps = [before.bottom - after.bottom for before, after in pairwise(lines) if after.kind == "data"]
    usual = median(steps) if steps else 0.0
    done: list[_Line] = []
    for line in lines:
        if done and _continues(done[-1], line, usual):
            before = done.pop()
            cells = [one + other for one, other in zip(before.cells, line.cells, strict=True)]
            done.append(_Line(cells, line.bottom, "data" if "data" in (before.kind, line.kind) else "label"))
        else:
            done.append(line)
    return done


def _continues(before: _Line, line: _Line, usual: float) -> bool:
    """Whether a line belongs to the row before it: at most one of them has values."""
    step = before.bottom - line.bottom
    height = max(word.top - word.bottom for cell in line.cells for word in cell)
    if step > 1.6 * height or sum(map(len, before.cells)) > _LONGEST:
        return False
    if before.kind == "data" and not line.cells[0]:
        under = [joined(over) for over, cell in zip(before.cells, line.cells, strict=True) if cell]
        return not line.has_values and step < 1.35 * height and not any(map(_VALUE.fullmatch, under)) and all(under)
    if before.kind == line.kind == "data" or not (before.cells[0] or line.cells[0]):
        return False
    first, second = before.label, line.label
    if not first or not second:
        return step < 0.8 * max(usual, height)
    is_tight = before.kind == "label" and step < min(0.87 * usual, 1.35 * height) and not first.endswith(":")
    runs_on = second[0].islower() or _RUNS_ON.search(first) or first.count("(") > first.count(")")
    return bool(is_tight or runs_on)


def _heads(rows: list[Row], columns: list[tuple[float, float]]) -> tuple[str, ...]:
    """What each column is called: the words over it, from the top down."""
    names: list[list[str]] = [[] for _ in columns]
    dated = {_head_column(cell, columns) for row in rows for cell in row.cells if _DATE.fullmatch(cell.text)}
    for row in rows:
        edges = [*((one.right + other.left) / 2 for one, other in pairwise(row.cells)), float("inf")]
        begins = float("-inf")
        for cell, ends in zip(row.cells, edges, strict=True):
            spanned = _spanned(cell, columns, begins, ends)
            if _CHANGE.search(cell.text) and not dated.issuperset(spanned):
                spanned = [number for number in spanned if number not in dated]
            for number in spanned:
                names[number].append(cell.text.replace(BROKEN, "-"))
            begins = ends
    heads = tuple(" ".join(name) for name in names)
    return heads if any(heads) else ()


def _head_column(cell: Cell, columns: list[tuple[float, float]]) -> int:
    """The column that a head stands over: that it shares most with, else the nearest."""
    if cell.left < columns[0][0] + 3 * cell.height:
        return 0
    shared = [min(cell.right, right) - max(cell.left, left) for left, right in columns[1:]]
    most = max(shared)
    if most > 0:
        return shared.index(most) + 1
    off = [abs((left + right) / 2 - cell.middle) for left, right in columns]
    return off.index(min(off))


def _spanned(cell: Cell, columns: list[tuple[float, float]], begins: float, ends: float) -> list[int]:
    """The columns that a head stands over: one, or where it is wide or tells a period, those it is in the middle of.

    Args:
        cell: The head.
        columns: Where the columns are.
        begins: Where it may reach to the left, as its neighbour does to there.
        ends: Where it may reach to the right.
    """
    own = _head_column(cell, columns)
    left, right = columns[own]
    is_wide = cell.right - cell.left > 1.3 * (right - left) + cell.height or _PERIOD.search(cell.text)
    is_alone = _DATE.fullmatch(cell.text) and abs((left + right) / 2 - cell.middle) < 1.2 * cell.height
    if own == 0 or is_alone or not (is_wide or _DATE.fullmatch(cell.text)):
        return [own]
    near = [number for number in range(1, len(columns)) if begins < sum(columns[number]) / 2 < ends]
    best, found = cell.height, [own]
    for first in range(near[0] if near else own, own + 1):
        for last in range(own, (near[-1] if near else own) + 1):
            off = abs((columns[first][0] + columns[last][1]) / 2 - cell.middle)
            slack = max(1.5 * cell.height, 0.12 * (columns[last][1] - columns[first][0]))
            if (off < slack and last - first >= len(found)) or (off < best and last - first + 1 == len(found)):
                best, found = off, list(range(first, last + 1))
    return found


# --- running heads and feet ---


def running(pages: Sequence[tuple[list[Row], list[Row]]]) -> list[tuple[int, int]]:
    """How many lines at each page's top, and at its foot, are running heads and feet.

    Args:
        pages: The lines at the edges of neighbouring pages, as `edges` gives them.
    """
    counts = []
    for side in (0, 1):
        keys = [[_keys(row, number) for row in page[side]] for number, page in enumerate(pages)]
        seen = Counter(key for page in keys for key in set().union(*page))
        least = max(3, len(pages) * 0.3)
        counts.append([_leading([any(seen[key] >= least for key in row) for row in page]) for page in keys])
    return list(zip(*counts, strict=True))


def _keys(row: Row, number: int) -> set[tuple[str, int]]:
    """What a line has in common with its like on other pages: its words and place, or its page number."""
    text = row.text
    named = re.sub(r"\d+", "#", text)
    places = {round(row.bottom / 6), round(row.bottom / 6 + 0.5) + 1_000_000}
    keys = {(named, place) for place in places}
    digits = re.fullmatch(r"\D{0,12}?(\d{1,4})\D{0,12}", text)
    if digits:
        keys.add((named, int(digits.group(1)) - number + 2_000_000))
    return keys


def _leading(flags: list[bool]) -> int:
    return next((number for number, flag in enumerate(flags) if not flag), len(flags))
