"""Cells: the one cell of a library's tables that a question names, by its row and its column, word for word.

Nothing is guessed: every word of the question is the row's, the column's, the table's or the document's, or none that
says what is asked for; and where cells with different values fit alike, none is told.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import groupby
from threading import Event

from index import tables
from index.document import Document, Heading, Span, Table
from index.lexical import words
from index.library import Library
from index.workers import WANTED
from rag.answer import Answer, Draft
from rag.cite import cite
from rag.kept import Kept, see_wanted
from rag.reader import is_statement
from rag.retrieve import PLAIN, Hit
from rag.sheet import folded, is_sheet, number

SURE = 0.95
"""How likely a cell that is told is the one meant: no network says so. Of 65 told over four filings none was wrong
(tests/test_cells.py), which bears out no more than this."""

_DOCUMENTS = 4  # of the first hits, whose tables are looked through
_LARGEST = 500_000  # characters of a document's tables; larger ones are spreadsheets, which rag/spreadsheets.py reads
_KEPT = 64  # documents, for the next question
_TITLE_LINES, _TITLE_WORDS = 6, 12  # above a table, that may be its title; a longer line is prose
_PROSE_LINES = 2  # right above a table, that may say of what time it is
_TOP_LINES = 4  # of a page, above its first table
_LONGEST_NAME = 60  # characters of a cell that a question may name
_NAMED = 3  # rivals in a reason

Stems = frozenset[str]
_NONE: Stems = frozenset()


def _listed(said: str) -> Stems:
    return frozenset(word.stem for word in words(said))


# What no label is told apart by.
_SILENT = _listed(
    "a an the of in on at to for by from with as and or is are was were be been being do does did have has had that "
    "this these those it its they them their he she his her we our s t d m re ve ll end ended ending report reported"
)
# What a question asks with.
_ASKING = _SILENT | _listed(
    "what which who whom whose when where how much many you i me my us can could will would please tell give show say "
    "state list find record recorded amount figure value number come stand company dollar million "
    "billion usd there called named"
)
# What makes another figure of one: a title or a document's name does not say it of its rows.
_TURNING = _listed(
    "per percent margin change rate growth grow increase decrease adjusted average ratio excluding except organic "
    "diluted basic before after without net gross operating operational total tax not no than versus other all"
)
_UNNAMED = _listed("total other amount")  # rows called by nothing else
_TOTAL = _listed("total")
_WHOLE, _STATEMENT = _listed("consolidated overall"), _listed("statement balance result")  # in titles
_NO_LOOKUP = re.compile(
    r"(?:is|are|was|were|did|does|do|has|have|had|can|could|will|would|should|if|whether)\b"
    r"|.*\bwhy\b|.*\bhow (?!much\b|many\b|large\b|big\b|high\b|long\b|old\b|far\b)",
    re.IGNORECASE | re.DOTALL,
)

_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAY = re.compile(
    rf"\b(?P<month>{_MONTH})[a-z]*\.? (?P<day>\d{{1,2}})(?!\d)(?:st|nd|rd|th)?"
    rf"|(?<!\d)(?P<first>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<then>{_MONTH})[a-z]*\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<![\d.,])(?:FY ?)?((?:19|20)\d\d)(?!\d|[.,]\d)")
_LENGTH = re.compile(
    r"\b(?:(?P<months>three|six|nine|twelve|3|6|9|12)[- ]months?|(?P<nth>first|second|third|fourth)[- ]quarter"
    r"|Q(?P<quarter>[1-4])|(?P<any>quarter)s?|(?:full|fiscal|whole|entire|calendar)[- ]years?|years? end(?:ed|ing)"
    r"|FY(?=\W)|years?(?= (?:19|20)\d\d))\b",
    re.IGNORECASE,
)
_MONTHS = {"three": "3", "six": "6", "nine": "9", "twelve": "year", "12": "year"}
_QUARTERS = {"first": "1", "second": "2", "third": "3", "fourth": "4"}

_MARK = re.compile(r"(?<=[^\W\d_]{3})\d(?:,\d)*(?!\w)|[¹²³⁰-⁹*†‡]")  # of a footnote, behind a word
_BRACKETS = re.compile(r"\([^()]*\)")
_EXCEPT = re.compile(r"(?:[,;]|(?<!\s))\s*+\bexcept\b[^()]*+", re.IGNORECASE)  # "in millions, except per share amounts"
_LEADING = re.compile(r"(?:less|add|plus)(?:/\((?:less|add)\))?:", re.IGNORECASE)  # before what a row is called
_SPELT = (
    (re.compile(r"\bU\.\s?S\.(?:A\.)?|\bUSA?\b"), " usa "),
    (re.compile(r"%|\bpercentages?\b", re.IGNORECASE), " percent "),
    (re.compile(r"\bnon-\s?", re.IGNORECASE), "non"),
    (re.compile(r"\b(10|8|20)-([KQF])\b", re.IGNORECASE), r"\1\2"),
)


@dataclass(frozen=True, slots=True)
class Period:
    """What time some words name: years, days of the year, and how long: "3" months, "q4", "year"."""

    years: Stems = _NONE
    days: Stems = _NONE
    lengths: Stems = _NONE

    def __or__(self, other: "Period") -> "Period":
        """What two of them name together."""
        return Period(self.years | other.years, self.days | other.days, self.lengths | other.lengths)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: what a question must say of its head, all of that, and its time."""

    needed: Stems
    also: Stems
    period: Period


@dataclass(frozen=True, slots=True)
class _Row:
    """A row: where it stands, what it is called, what it may be called besides, under what, and its cells."""

    span: Span
    label: Stems
    also: Stems
    group: Stems
    period: Period
    cells: tuple[tuple[int, Span], ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """A table, and what is said of all of it: over its labels, above it, and of what time.

    Attributes:
        is_statement: Whether it is a statement of a whole company.
        is_dated: Whether its rows or columns name years.
        is_timed: Whether its columns name lengths of time.
    """

    columns: tuple[_Column, ...]
    rows: tuple[_Row, ...]
    about: Stems
    title: Stems
    around: Period
    is_statement: bool
    is_dated: bool
    is_timed: bool


@dataclass(frozen=True, slots=True)
class _Grids:
    """The tables of a document, and the words that it is called by."""

    document: Document
    names: Stems
    grids: tuple[_Grid, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: its words, those that must be accounted for, and its time."""

    said: Stems
    needed: Stems
    period: Period

    @classmethod
    def of(cls, question: str) -> "Asked":
        """What a question says."""
        time, rest = period(question.translate(PLAIN))
        said = _stems(rest, _NONE)
        return cls(said, said - _ASKING, time)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that a question names.

    Attributes:
        document: Its document.
        row: Where its row stands.
        span: Where it stands itself.
        fit: How well it fits: how many of the question's words its row and column say, whether it is in a statement
            of a whole company, and whether it is a total where one is asked for.
    """

    document: Document
    row: Span
    span: Span
    fit: tuple[int, bool, bool]

    @property
    def text(self) -> str:
        """Its characters."""
        return self.document.text[self.span.start : self.span.end]

    @property
    def value(self) -> object:
        """What is the same where two cells say the same."""
        read = number(self.text)
        return (read.value, read.unit == "%") if read else folded("".join(self.text.split()))


class Cells:
    """The tables of a library's documents, looked up cell by cell."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._read = Kept[tuple[str, str], _Grids](_KEPT, lambda _: 1)  # by document and its version

    def answer(self, silent: Answer, hits: Sequence[Hit], dropped: Event = WANTED) -> tuple[Answer | None, str]:
        """The row with the cell that a question names; or None, and why where several fit that are not the same.

        Args:
            silent: The question, and what is known before anything is said.
            hits: The passages found for it: the tables of their documents are looked through.
            dropped: Set, from another thread, where nobody wants the answer any more.

        Raises:
            Dropped: Nobody does.
        """
        if is_statement(silent.query) or _NO_LOOKUP.match(silent.query):
            return None, ""
        best = self._best(Asked.of(silent.query), hits, dropped)
        if len({cell.value for cell in best}) > 1:
            return None, _several(best)
        return next(filter(None, (self._quoting(silent, cell, hits) for cell in best)), None), ""

    def _best(self, asked: Asked, hits: Sequence[Hit], dropped: Event) -> list[Cell]:
        """The cells that fit best, those of the best hits first."""
        ids = dict.fromkeys(hit.passage.document_id for hit in hits)
        grids = filter(None, (self._grids(id, dropped) for id in list(ids)[:_DOCUMENTS]))
        found = sorted(
            (cell for each in grids for cell in fitting(asked, each)), key=lambda cell: cell.fit, reverse=True
        )
        _, best = next(groupby(found, key=lambda cell: cell.fit), (None, iter(())))
        return sorted(best, key=lambda cell: _rank(cell, hits))

    def _grids(self, document_id: str, dropped: Event) -> _Grids | None:
        """The tables of a document, as they were read before or now; None where it is gone, or has too many."""
        try:
            document = self._library.document(document_id)
        except KeyError:
            return None
        if not 0 < sum(table.end - table.start for table in document.tables) <= _LARGEST:
            return None
        see_wanted(dropped)
        return self._read.get((document.id, document.version), partial(read, document), dropped)

    def _quoting(self, silent: Answer, cell: Cell, hits: Sequence[Hit]) -> Answer | None:
        """An answer that says a row; None where no passage holds all of it."""
        id, row = cell.document.id, cell.row
        passages = self._library.passages_at(id, row.start, row.end)
        whole = next((each for each in passages if each.start <= row.start and row.end <= each.end), None)
        if whole is None or whole.quote(row) != cell.document.text[row.start : row.end]:
            return None
        if all(hit.passage.id != whole.id for hit in hits):
            hits = (*hits, Hit(whole, 0.0, len(hits) + 1, None, None))
        draft = Draft(replace(silent, hits=tuple(hits), confidence=SURE))
        citation = cite(0, whole, row, cell.document)
        short = Span(cell.span.start - row.start, cell.span.end - row.start)
        draft.say(citation.quote, [citation], "verbatim", SURE, short)
        return draft.answer()


def _rank(cell: Cell, hits: Sequence[Hit]) -> tuple[int, int]:
    """The place of the first hit that holds a cell, or of none, and its own place."""
    held = (
        place
        for place, hit in enumerate(hits)
        if hit.passage.document_id == cell.document.id and hit.passage.start <= cell.row.start < hit.passage.end
    )
    return next(held, len(hits)), cell.row.start


def _several(cells: Sequence[Cell]) -> str:
    """That several cells fit, and where they stand."""
    told = {cell.value: cell for cell in reversed(cells)}
    places = [
        f"“{cell.text}” ({', '.join(filter(None, (cell.document.id, page.name if page else '')))})"
        for cell in sorted(told.values(), key=lambda cell: (cell.document.id, cell.row.start))[:_NAMED]
        for page in [cell.document.page_at(cell.row.start)]
    ]
    return f"Rows of several tables fit your question: {', '.join(places)}. Say more of the one that you mean."


# --- which cell ---


def fitting(asked: Asked, read: _Grids) -> Iterator[Cell]:
    """The cells of a document that a question names."""
    for grid in read.grids:
        rows = [row for row in grid.rows if row.label <= asked.said]
        found = [(row, column, span) for row in rows for column, span in _of_row(asked, read, grid, row)]
        named = [each for each in found if each[0].group <= asked.said]  # under no heading that is not asked for
        for row, column, span in named or found:
            told = (row.label | grid.columns[column].needed) & asked.needed
            fit = (len(told - _TOTAL), grid.is_statement, not told.isdisjoint(_TOTAL))
            yield Cell(read.document, row.span, span, fit)


def _of_row(asked: Asked, read: _Grids, grid: _Grid, row: _Row) -> Sequence[tuple[int, Span]]:
    """The cells of a row that a question names; of an amount and its percentage the amount, if none is asked for."""
    fit = [(column, span) for column, span in row.cells if _fits(asked, read, grid, row, grid.columns[column])]
    text = read.document.text
    amounts = [(column, span) for column, span in fit if "%" not in text[span.start : span.end]]
    return amounts if amounts and "percent" not in asked.said else fit


def _fits(asked: Asked, read: _Grids, grid: _Grid, row: _Row, column: _Column) -> bool:
    """Whether a question names a cell, its row and its column in full, and nothing besides."""
    if not column.needed <= asked.said or not (row.label or column.needed):
        return False
    if all(word in read.names or word in _UNNAMED for word in asked.needed):
        return False
    over = [said for said in (row.group, grid.about) if said & _TURNING <= asked.said]  # not those of a "change:"
    left = [
        word for word in asked.needed if not any(word in said for said in (row.label, row.also, column.also, *over))
    ]
    if grid.is_statement:  # whose rows are totals
        left = [word for word in left if word not in _TOTAL]
    if any(word in _TURNING or (word not in read.names and word not in grid.title) for word in left):
        return False
    return _is_of(asked.period, row.period | column.period, grid)


def _is_of(asked: Period, told: Period, grid: _Grid) -> bool:
    """Whether a cell is of the time asked for; one of a part of a year is not of the year."""
    if told.years != asked.years and (told.years or grid.is_dated or grid.around.years != asked.years):
        return False
    if asked.days and (told.days or grid.around.days) != asked.days:
        return False
    lengths = told.lengths or grid.around.lengths
    if grid.is_timed and not told.lengths:  # which of them it is of is not told
        return False
    if asked.lengths:
        return lengths == asked.lengths or (asked.lengths == {"year"} and not lengths)
    return lengths <= {"year"}


# --- what a document's tables say ---


def read(document: Document) -> _Grids:
    """The tables of a document whose columns have heads."""
    grids, end = [], 0
    for table, under in zip(document.tables, _headings(document), strict=True):
        if table.heads:
            grids.append(_grid(document, table, end, under))
        end = table.end
    return _Grids(document, _names(document) | _headed(document, grids), tuple(grids))


def period(text: str) -> tuple[Period, str]:
    """The time that a text names, and the text without it."""
    days = {_day(found) for found in _DAY.finditer(text)}
    rest = _DAY.sub(" ", text)
    lengths = {_length(found) for found in _LENGTH.finditer(rest)}
    rest = _LENGTH.sub(" ", rest)
    years = {found[1] for found in _YEAR.finditer(rest)}
    return Period(frozenset(years), frozenset(days), frozenset(lengths)), _YEAR.sub(" ", rest)


def _day(found: re.Match[str]) -> str:
    return f"{(found['month'] or found['then']).lower()} {int(found['day'] or found['first'])}"


def _length(found: re.Match[str]) -> str:
    if found["months"]:
        return _MONTHS.get(found["months"].lower(), found["months"])
    if found["nth"] or found["quarter"]:
        return f"q{found['quarter'] or _QUARTERS[found['nth'].lower()]}"
    return "3" if found["any"] else "year"


def _stems(text: str, silent: Stems = _SILENT) -> Stems:
    """The words that a text is told apart by."""
    text = _MARK.sub(" ", text)
    for pattern, plain in _SPELT:
        text = pattern.sub(plain, text)
    return frozenset(word.stem for word in words(text)) - silent


def _names(document: Document) -> Stems:
    """What a document may be called by: its title, its file, and initials of those."""
    told = _stems(f"{document.title} {document.id.rpartition('/')[2].rpartition('.')[0]}".replace("_", " "))
    return told | {name[0] for name in told if name[0].isalpha()}


def _headed(document: Document, grids: Sequence[_Grid]) -> Stems:
    """What the highest headings of its first page call a document, without words that tell rows or columns apart."""
    end = document.pages[0].end if document.pages else 1
    headings = [each for each in document.headings if each.start < end]
    highest = min((each.level for each in headings), default=0)
    told = _stems(" ".join(document.text[each.start : each.end] for each in headings if each.level == highest))
    rows = (row.label for grid in grids for row in grid.rows)
    return told.difference(*rows, *(column.also for grid in grids for column in grid.columns))


def _grid(document: Document, table: Table, before: int, under: Sequence[Heading]) -> _Grid:
    """A table as it is looked up.

    Args:
        document: Its document.
        table: It.
        before: Where the table before it ends.
        under: The headings that it stands under, that of the highest level first.
    """
    first, *others = table.heads
    over, about = period(_EXCEPT.sub("", first))
    titles, prose = _above(document, table, before, under)
    around, title = period("\n".join(titles))
    far = period("\n".join(prose))[0]
    around = Period(
        over.years or around.years or far.years,
        over.days or around.days or far.days,
        over.lengths or around.lengths or far.lengths,
    )
    columns = (_Column(_NONE, _NONE, Period()), *_columns(others))
    rows, called = tuple(_rows(document, table)), _stems(title)
    is_statement = not called.isdisjoint(_WHOLE) and not called.isdisjoint(_STATEMENT)
    is_dated = any(column.period.years for column in columns) or any(row.period.years for row in rows)
    is_timed = any(column.period.lengths for column in columns)
    return _Grid(columns, rows, _stems(about), called, around, is_statement, is_dated, is_timed)


def _columns(heads: Sequence[str]) -> Iterator[_Column]:
    """The columns beside that of the labels; what all their heads say need not be said."""
    read = [period(head) for head in heads]
    told = [_stems(_BRACKETS.sub(" ", rest)) - _listed("amount") for _, rest in read]
    common = frozenset.intersection(*told) - _TURNING if len(told) > 1 else _NONE
    for (time, rest), stems in zip(read, told, strict=True):
        needed = stems - common if stems - common or time.years or time.days or time.lengths else stems
        yield _Column(needed, _stems(rest), time)


def _rows(document: Document, table: Table) -> Iterator[_Row]:
    """The rows that have a label and cells, up to where other heads stand in their place."""
    start, group, opened = table.start, "", False
    heads, said = tables.Heads(table.heads), _stems("\n".join(table.heads))
    for line in document.text[table.start : table.end].split("\n"):
        cells = [(head, Span(start + span.start, start + span.end)) for head, span in heads.places(line)]
        filled = [(head, span) for head, span in cells if span.start < span.end]
        label, values = _label(document, heads, cells)
        if _are_heads(document, said, label, values):
            return
        if label and not values and len(filled) == 1:
            group, opened = f"{group}\n{label}" if opened else label, True
        else:
            opened = False
            row = _row(Span(start, start + len(line)), label, group, values)
            if row and all(table.heads[column] for column, _ in values):
                yield row
        start += len(line) + 1


def _label(
    document: Document, heads: tables.Heads, cells: Sequence[tuple[str, Span]]
) -> tuple[str, list[tuple[int, Span]]]:
    """What a row is called, and its other cells that are filled, by their columns."""
    told, values = "", list[tuple[int, Span]]()
    for place, (head, span) in enumerate(cells):
        column = heads.columns.get(head, place)
        text = document.text[span.start : span.end]
        if column == 0:
            told = text
        elif column < len(heads) and text:
            values.append((column, span))
    return told, values


def _row(span: Span, label: str, group: str, values: Sequence[tuple[int, Span]]) -> _Row | None:
    """A row; None where nothing tells it from others, or it has no cells."""
    time, rest = period(label)
    called = _LEADING.sub(" ", rest)
    stems = _stems(_BRACKETS.sub(" ", called))
    if not values or not (stems or time.years or time.days):
        return None
    return _Row(span, stems, _stems(rest), _stems(group), time, tuple(values))


def _are_heads(document: Document, said: Stems, label: str, values: Sequence[tuple[int, Span]]) -> bool:
    """Whether a row inside a table is of heads: it says what those above say, or has no label and names a time."""
    texts = [document.text[span.start : span.end] for _, span in values]
    if not texts or any(map(number, texts)):
        return False
    if not label:
        return period("\n".join(texts))[0] != Period()
    return _stems("\n".join(texts)) <= said


def _above(document: Document, table: Table, before: int, under: Sequence[Heading]) -> tuple[list[str], list[str]]:
    """The lines above a table that may be its title, and those of prose right above it."""
    page = document.page_at(table.start)
    start = max(before, page.start if page else 0)
    lines = [line.strip() for line in document.text[start : table.start].split("\n") if line.strip()]
    lines = [line for line in lines if tables.SEPARATOR not in f" {line} "]
    near = lines[-_TITLE_LINES:]
    top = lines[:_TOP_LINES] if page and page.start >= before else []
    if document.pages:  # where they number places, and no chapters
        under = [each for each in under[-1:] if each.start >= start]
    called = [document.text[each.start : each.end] for each in under]
    titles = [line for line in dict.fromkeys((*called, *top, *near)) if _is_title(line)]
    return titles, [line for line in lines[-_PROSE_LINES:] if not _is_title(line)]


def _headings(document: Document) -> Iterator[tuple[Heading, ...]]:
    """The headings that each table stands under, that of the highest level first."""
    open_, coming = list[Heading](), deque(document.headings)
    for table in document.tables:
        while coming and coming[0].end <= table.start:
            while open_ and open_[-1].level >= coming[0].level:
                open_.pop()
            open_.append(coming.popleft())
        yield tuple(open_)


def _is_title(line: str) -> bool:
    return len(line.split()) <= _TITLE_WORDS and not line.rstrip('"”’)').endswith((".", ",", ";"))


# --- what is no statement ---


def is_no_statement(question: str, document: Document, span: Span) -> bool:
    """Whether some characters are no statement to quote: heads of a table, or a row of something else than is asked."""
    return (
        is_head_line(document, span)
        or is_of_other_years(question, document, span)
        or is_of_another_row(question, document, span)
    )


def is_of_another_row(question: str, document: Document, span: Span) -> bool:
    """Whether some characters are rows of a table, none of which says what a question names of another one's cells."""
    table = document.table_at(span.start)
    if table is None or is_sheet(table) or table.end - table.start > _LARGEST:  # a sheet is told by rag/spreadsheets.py
        return False
    asked = _stems(question)
    heads = _stems("\n".join(table.heads))
    before = document.text.count("\n", table.start, span.start)
    ours = range(before, before + document.text.count("\n", span.start, span.end) + 1)
    rows = _named_cells(document.text[table.start : table.end], table.heads)
    named = [{(column, cell) for column, cell in row if cell <= asked and not cell <= heads} for row in rows]
    elsewhere = {column for row in named for column, _ in row}
    here = {column for place in ours if place < len(named) for column, _ in named[place]}
    return bool(elsewhere - here)


@lru_cache(_KEPT)
def _named_cells(lines: str, heads: tuple[str, ...]) -> list[list[tuple[int, Stems]]]:
    """The cells of each row of a table that are words, with their columns."""
    rows, named = [], tables.Heads(heads)
    for line in lines.split("\n"):
        cells = [line[place.start : place.end] for _, place in named.places(line)]
        told = [(column, _stems(cell)) for column, cell in enumerate(cells) if len(cell) <= _LONGEST_NAME]
        rows.append([(column, cell) for column, cell in told if any(map(str.isalpha, "".join(cell)))])
    return rows


def is_head_line(document: Document, span: Span) -> bool:
    """Whether some characters are the heads of the table right below them."""
    table = next((each for each in document.tables if each.start >= span.end), None)
    if table is None or not table.heads or table.start - span.start > 2 * sum(map(len, table.heads)) + 200:
        return False
    told = {word.stem for word in words(document.text[span.start : table.start])}
    return told <= {word.stem for head in table.heads for word in words(head)}


def is_of_other_years(question: str, document: Document, span: Span) -> bool:
    """Whether some characters stand in a row of a table with years, and none is that of the question."""
    table, asked = document.table_at(span.start), period(question)[0].years
    if table is None or not asked:
        return False
    heads = period("\n".join(table.heads))[0].years
    return bool(heads) and asked.isdisjoint(heads | period(document.text[span.start : span.end])[0].years)
