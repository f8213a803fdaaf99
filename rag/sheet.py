"""Sheet: the rows of a spreadsheet or CSV file, column by column, and its cells as numbers and days. Pure.

A sheet is what a person takes for one table: the tables of a document that have the same heads and stand on the same
page, with blank rows between them.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from functools import cached_property, lru_cache
from itertools import islice
from typing import NamedTuple
from unicodedata import combining, normalize

from index import tables
from index.document import Document, Span, Table
from index.lexical import words
from rag.extract import FUNCTION_WORDS
from rag.figures import figures

MOST_CELLS = 10_000_000
"""Of a document's sheets: what is worked out over more would take longer than anyone waits, and too much memory."""

BLANK = frozenset({"", "-", "–", "—", "n/a", "na", "n.a.", "null", "none", "nan"})
"""What stands, in small letters, where there is no value."""

_TOTAL = r"(?:(?:grand|sub)[ -]?)?totals?|total general|gesamt(?:summe)?|insgesamt|summe|sum"
_SUMMARY = r"overall|average|avg|mean"
_AT_AN_END = re.compile(  # what a row may be called that is worked out from others
    rf"(?:(?:{_TOTAL}|{_SUMMARY})\b.*|.*\b(?:{_TOTAL}|{_SUMMARY})\W*)", re.IGNORECASE
)
_ONLY_TOTAL = re.compile(rf"(?:{_TOTAL})(?: [0-9]{{4}})?\W*", re.IGNORECASE)
_IS_TOTAL = re.compile(rf"\b(?:{_TOTAL})\b", re.IGNORECASE)
_HINT = re.compile(r"total|gesamt|sum|overall|average|avg|mean", re.IGNORECASE)
_LONGEST_TOTAL = 40  # characters of such a name
_CURRENCY = r"[$€£¥]|(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|SEK|NOK|DKK|INR|CNY)\b"
_NUMBER = re.compile(
    rf"(?P<open>\()?\s*+(?P<sign>[-+−])?\s*+(?P<before>{_CURRENCY})?\s*+(?P<inner>[-−])?"
    r"(?P<number>[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"\s*+(?P<after>[%$€£¥°]|[^\W\d_]{1,12})?\s*+(?P<close>\))?"
)
_LONGEST = 40  # characters of a number, so that sums of many are exact
_THOUSANDS = re.compile(r"^[^0-9.,]*([0-9]{1,3})([.,])[0-9]{3}(?![0-9.,])[^0-9]*$")
_LIKE_NUMBER = re.compile(r"\W{0,3}[0-9]+(?:[ \u00a0\u202f.,'’][0-9]+)*(?:[eE][+-]?[0-9]+)?\s?\W?[^\W\d_]{0,3}\W{0,2}")
_ISO = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?:[T ][0-9:.+Z-]*)?")
_SLASHED = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})")
_YEAR = re.compile(r"1[5-9][0-9]{2}|20[0-9]{2}")
_SIGNS = "+#-/"  # that make another name of a name: C, C++ and C#
_MOST_COLUMNS = 16_384  # as in Excel
_ROWS = 1_000  # that are read at a stretch
_LONGEST_VALUE = 120  # characters of a cell that a question may name
_LOOKED_AT = 200  # cells of a column that tell what it holds
_MOSTLY = 0.8  # of these

Day = tuple[int, int | None, int | None]
"""A year, and its month and day where they are known."""


class Number(NamedTuple):
    """A number, and what it is a number of: a currency, "%", a unit; or ""."""

    value: Decimal
    unit: str


class Column:
    """A column: its head, and the text of each cell."""

    def __init__(self, head: str, cells: list[str]) -> None:
        self.head = head
        self.cells = cells
        self.unsaid: frozenset[str] = frozenset()  # that no question names, as only totals have them

    @cached_property
    def is_numeric(self) -> bool:
        """Whether its cells are numbers, nearly all."""
        return self._mostly(lambda cell: number(cell) is not None)

    @cached_property
    def is_dated(self) -> bool:
        """Whether its cells are days, nearly all."""
        return not self.is_numeric and self._mostly(_looks_dated)

    @cached_property
    def numbers(self) -> list[Number | None]:
        """The number in each cell, None where there is none."""
        known = {cell: number(cell) for cell in self.distinct}
        return [known[cell] for cell in self.cells]

    @cached_property
    def is_numbering(self) -> bool:
        """Whether its cells number its rows: each is one more than the one before it."""
        told = [self.numbers[row] for row in self.told(range(len(self.cells)))]
        first = told[0].value if told and told[0] else Decimal(0)
        counted = all(
            each is not None and not each.unit and each.value == first + place for place, each in enumerate(told)
        )
        return self.is_numeric and counted and first == int(first) and (len(told) > 2 or first <= 1)

    @cached_property
    def is_count(self) -> bool:
        """Whether its cells may say how many there are of what its head names: whole, without a unit, none below 0."""
        told = [self.numbers[row] for row in self.told(range(len(self.cells)))]
        whole = all(
            each is not None and not each.unit and each.value >= 0 and each.value == int(each.value) for each in told
        )
        return self.is_numeric and whole and not self.is_numbering

    @cached_property
    def ambiguous(self) -> str:
        """A cell of which it is not known whether its point or comma parts thousands or decimals, or "".

        That is so where each separator of the column stands before just three digits, "1.250", "12.000": all points, or
        commas of which one follows a 0.
        """
        parted = [cell for cell in self.distinct if len(cell) <= _LONGEST and ("." in cell or "," in cell)]
        found = [_THOUSANDS.search(cell) for cell in parted]
        signs = {each[2] for each in found if each}
        leading = [each[1] == "0" for each in found if each]
        if not parted or None in found or len(signs) > 1:
            return ""
        return parted[0] if any(leading) == ("," in signs) else ""

    @cached_property
    def unread(self) -> str:
        """A cell that looks like a number and is not read as one, or ""."""
        looked = islice((cell for cell in self.distinct if cell not in self.blanks), _LOOKED_AT)
        return next((cell for cell in looked if _LIKE_NUMBER.fullmatch(cell) and number(cell) is None), "")

    @cached_property
    def units(self) -> frozenset[str]:
        """What its numbers are of, as its first cells tell."""
        read = map(number, islice(self.distinct, _LOOKED_AT))
        return frozenset(each.unit for each in read if each)

    @cached_property
    def days(self) -> list[Day | None]:
        """The day in each cell, None where there is none, or where it is not known which of two numbers is the day."""
        order = self._order()
        known = {cell: _day(cell, order) for cell in self.distinct}
        return [known[cell] for cell in self.cells]

    @cached_property
    def distinct(self) -> dict[str, int]:
        """Its different texts, in order, and how often each stands in it."""
        return Counter(self.cells)

    @cached_property
    def blanks(self) -> frozenset[str]:
        """Those of its texts that say nothing."""
        return frozenset(filter(is_blank, self.distinct))

    @cached_property
    def spellings(self) -> dict[tuple[str, ...], list[str]]:
        """Its different texts by their words, without blank ones: a question's words are looked for among them."""
        told: dict[tuple[str, ...], list[str]] = {}
        for cell in self.distinct:
            if cell not in self.blanks and len(cell) <= _LONGEST_VALUE and cell not in self.unsaid:
                told.setdefault(forms(cell), []).append(cell)
        told.pop((), None)
        return told

    @cached_property
    def longest(self) -> dict[str, int]:
        """How many words its longest text has, by the first of them."""
        told: dict[str, int] = {}
        for words_ in self.spellings:
            told[words_[0]] = max(len(words_), told.get(words_[0], 0))
        return told

    def meant(self, run: tuple[str, ...], text: str, span: Span) -> list[str]:
        """Its texts that some words of a question, which stand there, may mean: the very same first, signs and all."""
        cells = self.spellings.get(run, [])
        exact = [cell for cell in cells if standing(cell, text, span)]
        return exact or [cell for cell in cells if _same_signs(cell, text, span)]

    def is_told(self, row: int) -> bool:
        """Whether a row has anything in this column."""
        return self.cells[row] not in self.blanks

    def told(self, rows: Iterable[int]) -> list[int]:
        """Those rows that have anything in this column."""
        cells, blanks = self.cells, self.blanks
        return [row for row in rows if cells[row] not in blanks]

    def _mostly(self, fits: Callable[[str], bool]) -> bool:
        looked = list(islice((cell for cell in self.distinct if cell not in self.blanks), _LOOKED_AT))
        return bool(looked) and sum(map(fits, looked)) >= _MOSTLY * len(looked)

    def _order(self) -> str:
        """Whether 3/5/1931 is the third of May ("dm") or the fifth of March ("md") here, as other cells tell; or ""."""
        pairs = [(int(found[1]), int(found[2])) for found in map(_SLASHED.fullmatch, self.distinct) if found]
        day_first, month_first = any(one > 12 for one, _ in pairs), any(other > 12 for _, other in pairs)
        return "" if day_first == month_first else "dm" if day_first else "md"


class Sheet:
    """The rows of one table.

    Attributes:
        document_id: The document.
        sha256: Of the document's file, as it was read.
        title: What the document is called.
        name: What the sheet is called, such as "sheet Sales", or "".
        columns: In order.
        starts: Where each row begins in the document's text.
        ends: One past where each row ends.
        numbers: What its file calls each row by number.
        sums: The rows that are a total of others, which are no rows to count.
        odd_sums: The rows that say they are a total, and do not add up.
        wide: The first row that has more cells than there are heads, or -1.
    """

    def __init__(
        self, document: Document, parts: Sequence[Table], name: str, go_on: Callable[[], None] = lambda: None
    ) -> None:
        """The rows of some tables of a document, which have the same heads; `go_on` is called now and then."""
        self.document_id, self.sha256, self.title, self.name = document.id, document.sha256, document.title, name
        self._last: tuple[str, list[dict[int, list[str]]]] = "", []  # what the last question names
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.wide = -1
        self.numbers: list[int] = []
        heads, told = parts[0].heads, list[str]()  # the cells, row after row
        prefixes = [f"{head}: " for head in heads]
        lengths = list(map(len, prefixes))
        for start, end, number, line in _lines(document, parts):
            if not len(self.starts) % _ROWS:
                go_on()
            said = line.split(tables.SEPARATOR)
            if len(said) == len(heads) and all(map(str.startswith, said, prefixes)):  # no cell is blank
                cells = [part[length:] for part, length in zip(said, lengths, strict=True)]
            else:
                cells = list(tables.cells(line, heads))
                if len(said) > len(heads) and self.wide < 0:
                    self.wide = len(self.starts)
            told += cells
            self.starts.append(start)
            self.ends.append(end)
            self.numbers.append(number)
        same: dict[str, str] = {}  # equal texts are kept once
        told = [same.setdefault(cell, cell) for cell in told]
        self.columns = tuple(Column(head, told[place :: len(heads)]) for place, head in enumerate(heads))
        self.sums, self.odd_sums = self._totals()

    def __len__(self) -> int:
        return len(self.starts)

    def _totals(self) -> tuple[set[int], set[int]]:
        """The rows that are totals, which no question names, and those that only say so."""
        said = self._called_totals()
        sums, odd = _totals_among(said, self) if said else (set(), set())
        for column in self.columns if sums else ():
            counts = Counter(column.cells[row] for row in sums)
            column.unsaid = frozenset(cell for cell, count in counts.items() if count == column.distinct[cell])
        return sums, odd

    def _called_totals(self) -> dict[int, str]:
        """What those rows are called that may be totals."""
        told: dict[int, str] = {}
        for column in self.columns:
            if not _HINT.search("\n".join(column.distinct)):
                continue
            called = {cell for cell in column.distinct if len(cell) <= _LONGEST_TOTAL and _AT_AN_END.fullmatch(cell)}
            if called:
                told = {row: cell for row, cell in enumerate(column.cells) if cell in called} | told
        return dict(sorted(told.items()))

    def row_at(self, place: int) -> int | None:
        """The row that a character of the document stands in."""
        row = bisect_right(self.starts, place) - 1
        return row if row >= 0 and place < self.ends[row] else None

    def denies(self, row: int, question: str) -> bool:
        """Whether a question names a cell, such as "North", of a column in which a row has another one."""
        named: dict[frozenset[int], list[dict[int, list[str]]]] = {}
        for cells in self._named(question):
            named.setdefault(frozenset(cells), []).append(cells)
        return not all(
            any(self.columns[column].cells[row] in cells[column] for cells in alike for column in columns)
            for columns, alike in named.items()
        )

    def _named(self, question: str) -> list[dict[int, list[str]]]:
        """The cells that runs of a question's words name, by column; of runs that overlap the longest."""
        asked, told = self._last
        if asked == question:
            return told
        told, place, spans, said = [], 0, [word.span for word in words(question)], forms(question)
        while place < len(said):
            length, cells = self._longest(question, spans[place:], said[place:])
            if cells and not set(said[place : place + length]) <= FUNCTION_WORDS:
                told.append(cells)
            place += max(length, 1)
        self._last = question, told
        return told

    def _longest(self, question: str, spans: Sequence[Span], said: tuple[str, ...]) -> tuple[int, dict[int, list[str]]]:
        """How many of some words, from the first, name a cell at most, and the cells that they name, by column."""
        beginning = [(place, self.columns[place]) for place in self.beginning(said[0])]
        most = max((column.longest[said[0]] for _, column in beginning), default=0)
        for length in range(min(most, len(said)), 0, -1):
            span = Span(spans[0].start, spans[length - 1].end)
            found = {place: column.meant(said[:length], question, span) for place, column in beginning}
            if any(found.values()):
                return length, {place: cells for place, cells in found.items() if cells}
        return 0, {}

    def beginning(self, word: str) -> Sequence[int]:
        """The columns of which a cell begins with a word."""
        return self._beginning.get(word, ())

    def texts_beginning(self, word: str) -> Sequence[int]:
        """Those of them that hold texts."""
        return self._texts_beginning.get(word, ())

    @cached_property
    def _beginning(self) -> dict[str, list[int]]:
        return self._by_first_word(range(len(self.columns)))

    @cached_property
    def _texts_beginning(self) -> dict[str, list[int]]:
        return self._by_first_word(sorted(set(range(len(self.columns))).difference(self.numeric, self.dated)))

    def _by_first_word(self, columns: Iterable[int]) -> dict[str, list[int]]:
        told: dict[str, list[int]] = {}
        for place in columns:
            for word in self.columns[place].longest:
                told.setdefault(word, []).append(place)
        return told

    @cached_property
    def numeric(self) -> list[int]:
        """The columns of numbers."""
        return [place for place, column in enumerate(self.columns) if column.is_numeric]

    @cached_property
    def dated(self) -> list[int]:
        """The columns of days."""
        return [place for place, column in enumerate(self.columns) if column.is_dated]

    @property
    def called(self) -> str:
        """What people call it: the document's file and, where it has several, the sheet."""
        file = self.document_id.rsplit("/", 1)[-1]
        return f"{file}, {self.name}" if self.name else file


def sheets(document: Document, go_on: Callable[[], None] = lambda: None) -> tuple[Sheet, ...]:
    """The sheets of a document whose rows have heads and numbers, in order, up to `MOST_CELLS`.

    `go_on` is called now and then, and may raise what ends it.
    """
    told, left = list[Sheet](), MOST_CELLS
    for (name, _), tables_ in _alike(document).items():
        left -= _cells(document, tables_)
        if left < 0:
            break
        told.append(Sheet(document, tables_, name, go_on))
    return tuple(told)


def are_too_large(document: Document) -> bool:
    """Whether a document's sheets have more cells than are read, or columns than a spreadsheet can have."""
    cells = sum(_cells(document, tables_) for tables_ in _alike(document).values())
    return cells > MOST_CELLS or any(table.row and len(table.heads) > _MOST_COLUMNS for table in document.tables)


def is_sheet(table: Table) -> bool:
    """Whether the rows of a table can be told apart cell by cell: each under a head of its own, and numbered."""
    heads = table.heads
    return bool(table.row and heads) and len(set(heads)) == len(heads) <= _MOST_COLUMNS


def _alike(document: Document) -> dict[tuple[str, tuple[str, ...]], list[Table]]:
    """The tables of each sheet, by the name of its page and its heads."""
    told: dict[tuple[str, tuple[str, ...]], list[Table]] = {}
    for table in filter(is_sheet, document.tables):
        page = document.page_at(table.start)
        told.setdefault((page.name if page else "", table.heads), []).append(table)
    return told


def _cells(document: Document, parts: Sequence[Table]) -> int:
    """How many cells some tables with the same heads have, blank ones among them: they take room and time too."""
    return sum((1 + document.text.count("\n", table.start, table.end)) * len(table.heads) for table in parts)


def is_blank(cell: str) -> bool:
    """Whether a cell says nothing."""
    return not cell or (len(cell) <= 4 and cell.lower() in BLANK)


def number(cell: str) -> Number | None:
    """The number that a cell is, or None where it is none: "1,234", "$ 5", "(3.20)", "12 %", "-4 kg"."""
    found = _NUMBER.fullmatch(cell.strip()) if len(cell) <= _LONGEST else None
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [found["open"], *(found[name] for name in ("sign", "inner") if found[name] != "+")]
    if len(list(filter(None, signs))) > 1 or (found["before"] and found["after"]):
        return None
    value = Decimal(found["number"].replace(",", ""))
    return Number(-value if any(signs) else value, found["before"] or found["after"] or "")


def folded(text: str) -> str:
    """A text in small letters, without accents."""
    if text.isascii():
        return text.lower()
    return "".join(each for each in normalize("NFKD", text.casefold()) if not combining(each))


def forms(text: str) -> tuple[str, ...]:
    """The words of a text in small letters, without accents and, where they may be plurals, without that ending."""
    return tuple(singular(folded(text[word.span.start : word.span.end])) for word in words(text))


def standing(cell: str, text: str, span: Span) -> bool:
    """Whether a cell stands in a text character by character, capitals or not, its words in a span of it."""
    told = words(cell)
    start = span.start - (told[0].span.start if told else 0)
    end = start + len(cell)
    if start < 0 or end < span.end or text[start:end].casefold() != cell.casefold():
        return False
    return not any(each.isalnum() or each in _SIGNS for each in (text[:start][-1:], text[end : end + 1]) if each)


def _same_signs(cell: str, text: str, span: Span) -> bool:
    """Whether a cell has the same signs before and after its words as a text has beside a span of it."""
    told = words(cell)
    before, after = cell[: told[0].span.start], cell[told[-1].span.end :]
    return _signs(before[::-1]) == _signs(text[: span.start][::-1]) and _signs(after) == _signs(text[span.end :])


def _signs(text: str) -> str:
    """The signs that a text begins with."""
    return text[: len(text) - len(text.lstrip(_SIGNS))]


def singular(word: str) -> str:
    """A word without the ending of a plural: "cities" and "city" are one, "boxes" and "box", "cars" and "car"."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _lines(document: Document, parts: Sequence[Table]) -> Iterator[tuple[int, int, int, str]]:
    """Each row: where it begins and ends, its number, its text."""
    for table in parts:
        start = table.start
        for row, line in enumerate(document.text[table.start : table.end].split("\n"), start=table.row):
            yield start, start + len(line), row, line
            start += len(line) + 1


def _totals_among(said: Mapping[int, str], sheet: Sheet) -> tuple[set[int], set[int]]:
    """Of rows that may be totals, with what they are called, those that are, and those that only say so."""
    columns = [column.numbers for column in sheet.columns if column.is_numeric]
    sums: set[int] = set()
    odd: set[int] = set()
    plain = {row for row in said if not _IS_TOTAL.search(said[row])}  # "Overall" may as well be a name
    whole = [_Run() for _ in columns]
    for run, numbers in zip(whole, columns, strict=True):
        run.add(each for row, each in enumerate(numbers) if row not in said or row in plain)
    above, since, last = [_Run() for _ in columns], [_Run() for _ in columns], 0
    for row, name in said.items():
        for place, numbers in enumerate(columns):
            above[place].add(numbers[last:row])
            since[place].add(numbers[last:row])
        last = row + 1
        cells = [(numbers[row], place) for place, numbers in enumerate(columns) if numbers[row]]
        runs = [(each.value, (above[place], since[place], whole[place])) for each, place in cells if each]
        if _is_total(row in plain, runs) or (not runs and _is_bare(sheet, row, name)):
            sums.add(row)
            since = [_Run() for _ in columns]
            continue
        if row not in plain and (_ONLY_TOTAL.fullmatch(name) or _is_bare(sheet, row, name)):
            odd.add(row)
        for place, numbers in enumerate(columns):
            above[place].add(numbers[row : row + 1])
            since[place].add(numbers[row : row + 1])
    return sums, odd


class _Run:
    """The sum of some numbers, and how many they are."""

    def __init__(self) -> None:
        self.sum, self.count = Decimal(0), 0

    def add(self, numbers: Iterable[Number | None]) -> None:
        """Add more numbers to them."""
        with localcontext(prec=160):
            for each in numbers:
                if each:
                    self.sum += each.value
                    self.count += 1

    def has_mean(self, value: Decimal) -> bool:
        """Whether a number is their mean, to its own decimals."""
        places = max(0, -int(value.as_tuple().exponent))
        return self.count > 1 and round(self.sum / self.count, places) == value


def _is_total(is_plain: bool, runs: Sequence[tuple[Decimal, tuple[_Run, _Run, _Run]]]) -> bool:
    """Whether a row's numbers are what others add up to: all of them where its name alone says little."""
    if not is_plain:
        return any(value == run.sum for value, told in runs for run in told if run.count)
    return bool(runs) and all(
        any(run.count > 1 and (value == run.sum or run.has_mean(value)) for run in told[:2]) for value, told in runs
    )


def _is_bare(sheet: Sheet, row: int, name: str) -> bool:
    """Whether a row says hardly more in words than that it is a total."""
    texts = [column for column in sheet.columns if not column.is_numeric]
    told = [column.cells[row] for column in texts if column.is_told(row)]
    return told == [name] and (len(texts) > 1 or bool(_ONLY_TOTAL.fullmatch(name)))


def _looks_dated(cell: str) -> bool:
    return bool(_ISO.fullmatch(cell) or _SLASHED.fullmatch(cell)) or _written(cell) is not None


def _day(cell: str, order: str) -> Day | None:
    """The day that a cell is; of 3/5/1931 only the year, where the order is not known."""
    if found := _ISO.fullmatch(cell):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _SLASHED.fullmatch(cell):
        one, other, year = int(found[1]), int(found[2]), int(found[3])
        month, day = (other, one) if order == "dm" else (one, other)
        return (year, month, day) if order and month <= 12 and day <= 31 else (year, None, None)
    return _written(cell)


@lru_cache(65_536)
def _written(cell: str) -> Day | None:
    """A day as people write it, such as "3 May 1931", that is all of a cell."""
    if _YEAR.fullmatch(cell):
        return int(cell), None, None
    if len(cell) > _LONGEST or not any(map(str.isdigit, cell)):
        return None
    dates = figures(cell).dates
    if len(dates) != 1 or dates[0].said != " ".join(cell.split()) or len(dates[0].readings) != 1:
        return None
    year, month, day = dates[0].readings[0]
    return (year, month, day) if year else None
