"""Numerals: the numbers, dates, codes and model names of a text, and whether another text has the same ones. Pure.

7310 is no part of 73100, 1,000 is one thousand, K8 is K-8, 2018 lies in 2015-2020, and 30 kg is "over 20 kg".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from rag.amounts import NUMBER
from rag.figures import Amount, Date, Figures, figures, stem
from rag.kept import remembered

SECTION = "§"
"""What a label is called that a sign stands before."""

_TEXTS = 256  # whose numerals are remembered

_CODE = re.compile(  # letters and digits, with points or hyphens between them; digits with several points
    r"(?<![\w.,/-])(?=[\w./-]*\d)(?=[\w./-]*[^\W\d_])\w+(?:[-./]\w+)*(?!\w)|(?<![\w.,-])\d+(?:\.\d+){2,}(?!\w)"
)
_NO_CODE = re.compile(  # 1st, 1980s, 30kg, 5-day, mid-1990s, 2015-20, 7th-9th, 19N
    r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th|['’]?s|k|m|bn|mn|km|cm|mm|kg|mg|g|ft|mph|hz|khz|mhz|ghz|gb|mb|kb|tb|kw|mw|gw|lb|lbs"
    r"|ml|am|pm|bc|ad|x|min|hrs?|h)?(?:[-–/][a-z]+)*"
    r"|(?:[a-z]{2,}-)+\d[\d,./]*(?:s|th|st|nd|rd)?(?:-[a-z]+)*"
    r"|\d+(?:st|nd|rd|th)[-–]\d+(?:st|nd|rd|th)"
    r"|\d+[NSEW]"
    r"|\d+[-–/.]\d+(?:[-–/.]\d+)*+[a-z]*+(?:[-–/][a-z]++)*+"
)
_LAST_LETTER = re.compile(r"(?<=#)[^\W\d_]\Z")
_PARTS = re.compile(r"\d+|[^\W\d_]+")
_BETWEEN_PARTS = r"[\s./_–-]?"
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")  # CO₂ is CO2
_SPELT_OUT = re.compile(r"(?<!\w)([A-Z][A-Za-z]*(?:[ -][A-Z][A-Za-z]*){0,5})[ -](\d+|[IVX]+)(?!\w)")

_QUARTER = re.compile(
    r"\bQ([1-4])\b|\b([1-4])Q\b|\b(first|second|third|fourth|1st|2nd|3rd|4th)(?: (?:fiscal|calendar))? quarter\b"
    r"|\bquarter ([1-4])\b",
    re.IGNORECASE,
)
_NTH = {"first": "1", "second": "2", "third": "3", "fourth": "4"}

_ROMAN = re.compile(r"\b(?=[IVXLC]{2})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b(?![.’'-]\w)|(?<=[a-z] )[IVX]\b(?!['’])")
_ROMAN_DIGIT = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}

_RANGE = re.compile(
    rf"(?<![\w.,])(?P<low>{NUMBER.pattern})(?:st|nd|rd|th)?\s?(?:–|—|-|/|\bto\b|\bthrough\b|\buntil\b)\s?[$€£]?"
    rf"(?P<high>{NUMBER.pattern})(?!\w)"
    rf"|\bbetween [$€£]?(?P<least>{NUMBER.pattern})[ \w%]{{0,12}} and [$€£]?(?P<most>{NUMBER.pattern})(?!\w)",
    re.IGNORECASE,
)
_FROM_YEAR = re.compile(
    r"\b(?:since|from|after)(?: [^\W\d]+){0,2}? (?P<year>1\d{3}|20\d{2})\b"
    r"(?!\s?(?:to\b|until\b|till\b|through\b|[-–—]))",
    re.IGNORECASE,
)
_TO_YEAR = re.compile(
    r"\b(?:until|till|before|prior to|up to)(?: [^\W\d]+){0,2}? (?P<year>1\d{3}|20\d{2})\b", re.IGNORECASE
)
_FIRST_YEAR, _LAST_YEAR = 1000, 2100  # of a range of numbers that is one of years
_EVER = 9999

_LABEL = re.compile(
    rf"(?<![\w.])(?P<label>[^\W\d_]+)[ \u00a0](?:(?:no|nr|number|num)\.? ?|# ?)?(?P<numbers>(?:{NUMBER.pattern})"
    rf"(?:(?:, ?(?:and |or )?| and | or | ?& ?| ?[-–/] ?| to )(?:{NUMBER.pattern}))*)(?!\w)"
)
_SECTION = re.compile(rf"(?<!§)§++ ?(?P<number>{NUMBER.pattern})")
_WORD_BEFORE = re.compile(r"(?<![^\W\d_])([^\W\d_]+) \Z")
_LONGEST_WORD = 40  # characters that stand before a Roman number


class Numeral(Protocol):
    """A number, a date, a code or a model name that a question names."""

    @property
    def written(self) -> str:
        """As the question writes it."""

    def stands_in(self, text: "Numerals") -> bool:
        """Whether a text has it, in whatever form, or a range that holds it."""

    def rival_in(self, text: "Numerals") -> str:
        """Another one of its kind that a text has, as it is written there, or ""."""


@dataclass(frozen=True, slots=True)
class Label:
    """Numbers by which a thing is called, and what comes before them: locker 7310, chapter 7, World War II."""

    name: str
    written: str
    values: tuple[Decimal, ...]
    start: int

    @property
    def end(self) -> int:
        """One past the last character of the numbers; `start` is their first."""
        return self.start + len(self.written)


@dataclass(frozen=True, slots=True)
class Numerals:
    """The numbers, dates and codes of a text.

    Attributes:
        text: The text.
        figures: Its amounts and dates.
        values: Every number in it, however it is written: counted, ordinal, Roman, or a part of a date or a code.
        ranges: The ranges in it, each as its ends.
        years: The ranges of years in it, likewise.
        codes: Its codes.
        labels: Its labels.
    """

    text: str
    figures: Figures
    values: frozenset[Decimal]
    ranges: tuple[tuple[Decimal, Decimal], ...]
    years: tuple[tuple[int, int], ...]
    codes: tuple[str, ...]
    labels: tuple[Label, ...]

    @property
    def centuries(self) -> frozenset[Decimal]:
        """The centuries that it names, or of which it names a year or a decade."""
        named = {amount.value for amount in self.figures.amounts if amount.unit == "century"}
        named |= {amount.value // 100 + 1 for amount in self.figures.amounts if amount.kind == "decade"}
        return frozenset(named | {Decimal(-(-year // 100)) for year in self.figures.years})

    @property
    def ranks(self) -> frozenset[Decimal]:
        """The ordinals that it names."""
        return frozenset(amount.value for amount in self.figures.amounts if amount.kind == "ordinal")

    def under(self, heads: "Numerals") -> "Numerals":
        """What it and what it stands under have together, without reading either again."""
        return Numerals(
            f"{heads.text}\n{self.text}",
            heads.figures.joined(self.figures),
            heads.values | self.values,
            heads.ranges + self.ranges,
            heads.years + self.years,
            heads.codes + self.codes,
            heads.labels + self.labels,
        )

    def has_year(self, first: int, last: int) -> bool:
        """Whether it names a year between two, or a range that shares years with those between them."""
        return any(first <= year <= last for year in self.figures.years) or any(
            low <= last and first <= high for low, high in self.years
        )

    def reaches(self, value: Decimal) -> bool:
        """Whether a range in it holds a number."""
        return any(low <= value <= high for low, high in self.ranges)

    def allows(self, amount: Amount) -> bool:
        """Whether a bound in it, of the same unit, holds an amount: 30 kg is "over 20 kg"."""
        bounds = (other for other in self.figures.amounts if other.unit == amount.unit)
        return any(
            amount.value >= other.value if other.bound in (">", ">=") else amount.value <= other.value
            for other in bounds
            if other.bound in (">", ">=", "<", "<=")
        )


@dataclass(frozen=True, slots=True)
class Years:
    """A year, or years from one to another; `is_rivalled` where a sentence of other years speaks of another time."""

    written: str
    first: int
    last: int
    is_rivalled: bool

    def stands_in(self, text: Numerals) -> bool:
        """See `Numeral`."""
        is_number = self.first == self.last and Decimal(self.first) in text.values
        return is_number or text.has_year(self.first, self.last)

    def rival_in(self, text: Numerals) -> str:
        """See `Numeral`."""
        years = sorted(text.figures.years)
        return str(years[0]) if years and self.is_rivalled else ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day, or a month of a year; `is_rivalled` as of years."""

    written: str
    date: Date
    is_rivalled: bool

    def stands_in(self, text: Numerals) -> bool:
        """See `Numeral`; the year of a day may be left out where no year is named at all."""
        year, _, day = self.date.readings[0]
        unsaid = {year} if year and day and not text.figures.years else set[int]()
        return any(self.date.fits(other, text.figures.years | unsaid) for other in text.figures.dates)

    def rival_in(self, text: Numerals) -> str:
        """See `Numeral`."""
        if not self.is_rivalled:
            return ""
        others = [other.said for other in text.figures.dates if self._differs(other)]
        others += [str(year) for year in sorted(text.figures.years) if self.date.readings[0][0]]
        return others[0] if others else ""

    def _differs(self, other: Date) -> bool:
        parts = zip(self.date.readings[0], other.readings[0], strict=True)
        return any(mine and theirs and mine != theirs for mine, theirs in parts)


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of a year."""

    written: str
    number: str

    def stands_in(self, text: Numerals) -> bool:
        """See `Numeral`."""
        return any(quarter.number == self.number for quarter, _ in quarters(text.text))

    def rival_in(self, text: Numerals) -> str:
        """See `Numeral`."""
        return next((quarter.written for quarter, _ in quarters(text.text)), "")


@dataclass(frozen=True, slots=True)
class Code:
    """A code or a model name: letters and digits, or digits with points between them."""

    written: str

    @property
    def _parts(self) -> list[str]:
        parts = _PARTS.findall(self.written)
        parts = parts[1:] if parts[0].lower() == "v" and len(parts) > 1 else parts  # v2.1 is version 2.1
        return parts[:-1] if parts[-1] == "s" and len(parts) > 1 else parts

    def stands_in(self, text: Numerals) -> bool:
        """See `Numeral`; PS3 is the PlayStation 3 too, and WW2 is World War II."""
        parts = self._parts
        joined = _BETWEEN_PARTS.join(map(re.escape, parts))
        plain = text.text.translate(_LOWERED)
        if re.search(rf"(?<![^\W_]){joined}(?:['’]?s)?(?![^\W_])", plain, re.IGNORECASE):
            return True
        if len(parts) != 2 or not parts[0].isupper() or len(parts[0]) == 1:
            return False
        names = (found[1] for found in _SPELT_OUT.finditer(plain) if _in_digits(found[2]) == parts[1])
        return any("".join(filter(str.isupper, name)).endswith(parts[0]) for name in names)

    def rival_in(self, text: Numerals) -> str:
        """See `Numeral`."""
        return next((code for code in text.codes if _kind(code) == _kind(self.written)), "")


@dataclass(frozen=True, slots=True)
class Called:
    """A label."""

    label: Label

    @property
    def written(self) -> str:
        """See `Numeral`."""
        return self.label.written

    def stands_in(self, text: Numerals) -> bool:
        """See `Numeral`; a count is none beside another of its name: "Station 0 has 3 tracks" is not of station 3."""
        same = self._of_same_name(text)
        values = {value for label in same for value in label.values} | text.ranks if same else text.values
        return any(value in values or text.reaches(value) for value in self.label.values)

    def rival_in(self, text: Numerals) -> str:
        """See `Numeral`."""
        return next((f"{other.name} {other.written}" for other in self._of_same_name(text)), "")

    def _of_same_name(self, text: Numerals) -> list[Label]:
        return [other for other in text.labels if stem(other.name) == stem(self.label.name)]


@dataclass(frozen=True, slots=True)
class Count:
    """An amount: a number of something, or in an order; a rank in words need not be said where nothing is ranked."""

    written: str
    amount: Amount

    def stands_in(self, text: Numerals) -> bool:
        """See `Numeral`."""
        mine, theirs = self.amount, text.figures.amounts
        if mine.unit == "century":
            return mine.value in text.centuries
        if mine.kind == "decade":
            return self._is_decade_of(text)
        if mine.kind == "ordinal" and self.written[0].isalpha() and all(other.kind != "ordinal" for other in theirs):
            return True
        if text.reaches(mine.value) or text.allows(mine):
            return True
        units = {other.unit for other in theirs if other.value == mine.value}
        return not units.isdisjoint({"", mine.unit}) if units and mine.unit else mine.value in text.values

    def _is_decade_of(self, text: Numerals) -> bool:
        """Whether a text names the decade or a year of it, or of the 1500s the sixteenth century."""
        value = int(self.amount.value)
        if value >= _FIRST_YEAR and value % 100 == 0:
            return value // 100 + 1 in text.centuries
        decades = {int(other.value) for other in text.figures.amounts if other.kind == "decade"}
        decades |= {year // 10 * 10 for year in text.figures.years}
        whole = value >= 100  # the 1970s; the 70s may be of any century
        return value in decades or any(each % 100 == value % 100 for each in decades if each < 100 or not whole)

    def rival_in(self, text: Numerals) -> str:
        """See `Numeral`; of ranks alone, as other amounts may be of other things."""
        mine = self.amount
        if mine.kind != "ordinal" or not (mine.unit or mine.nouns):
            return ""
        ranks = (other for other in text.figures.amounts if other.kind == "ordinal" and other.value != mine.value)
        alike = (other for other in ranks if other.unit == mine.unit and other.nouns[:1] == mine.nouns[:1])
        return next((other.said for other in alike), "")


@remembered(_TEXTS)
def numerals(text: str) -> Numerals:
    """The numbers, dates and codes of a text."""
    read, found = figures(text), [code.written for code, _ in codes(text)]
    labels_ = tuple(labels(text))
    values = {amount.value for amount in read.amounts} | {Decimal(year) for year in read.years}
    values |= {Decimal(day) for date in read.dates for _, _, day in date.readings if day}
    values |= {Decimal(part) for code in found for part in _PARTS.findall(code) if part.isdecimal()}
    values |= set(_written_numbers(text))
    values |= {value for label in labels_ for value in label.values}
    ranges = tuple(map(_ends, _RANGE.finditer(text)))
    return Numerals(text, read, frozenset(values), ranges, tuple(_years(text, read)), tuple(found), labels_)


def codes(text: str) -> Iterator[tuple[Code, tuple[int, int]]]:
    """The codes and model names of a text, and where they stand."""
    for match in _CODE.finditer(text):
        if not _NO_CODE.fullmatch(match[0]):
            yield Code(match[0]), match.span()


def quarters(text: str) -> Iterator[tuple[Quarter, tuple[int, int]]]:
    """The quarters of years that a text names, and where."""
    for match in _QUARTER.finditer(text):
        nth = next(filter(None, match.groups()), "").lower()
        yield Quarter(match[0], _NTH.get(nth, nth[:1])), match.span()


def labels(text: str) -> Iterator[Label]:
    """The numbers of a text that stand right after a word, and Roman ones after a name."""
    for match in _LABEL.finditer(text):
        yield Label(match["label"], match["numbers"], tuple(_written_numbers(match["numbers"])), match.start("numbers"))
    for match in _SECTION.finditer(text):
        yield Label(SECTION, match["number"], tuple(_written_numbers(match["number"])), match.start("number"))
    for match in _ROMAN.finditer(text):
        before = _WORD_BEFORE.search(text[max(0, match.start() - _LONGEST_WORD) : match.start()])
        if match[0] and before and before[1][0].isupper():
            yield Label(before[1], match[0], (_roman(match[0]),), match.start())


def year_ranges(text: str) -> Iterator[tuple[Years, tuple[int, int]]]:
    """The ranges of years in a text, open ones too, and where they stand."""
    for match in _RANGE.finditer(text):
        low, high = _ends(match)
        if _FIRST_YEAR <= low < high <= _LAST_YEAR:
            yield Years(match[0], int(low), int(high), is_rivalled=True), match.span()
    for pattern in (_FROM_YEAR, _TO_YEAR):
        for match in pattern.finditer(text):
            year = int(match["year"])
            first, last = (year, _EVER) if pattern is _FROM_YEAR else (0, year)
            yield Years(match["year"], first, last, is_rivalled=False), match.span("year")


def _years(text: str, read: Figures) -> Iterator[tuple[int, int]]:
    for years, _ in year_ranges(text):
        yield years.first, years.last
    for amount in read.amounts:
        if amount.kind == "decade" and amount.value >= _FIRST_YEAR:
            yield int(amount.value), int(amount.value) + 9


def _ends(match: re.Match[str]) -> tuple[Decimal, Decimal]:
    """The ends of a range; that of 1996-97 is 1997."""
    first, last = (match["low"] or match["least"]).replace(",", ""), (match["high"] or match["most"]).replace(",", "")
    if first.isdigit() and last.isdigit() and len(last) < len(first) == 4:
        last = first[: len(first) - len(last)] + last
    return Decimal(first), Decimal(last)


def _written_numbers(text: str) -> Iterator[Decimal]:
    """The numbers of a text in digits."""
    return (Decimal(number.replace(",", "")) for number in NUMBER.findall(text))


def _kind(code: str) -> str:
    """What codes of a kind share: the letters that they begin with or, of those that begin with a digit, their form.

    A single letter at the end is no part of the form: 12B and 12C are of a kind.
    """
    letters = re.match(r"[^\W\d_]+", code)
    return letters[0].lower() if letters else _LAST_LETTER.sub("@", re.sub(r"\d+", "#", code).lower())


def _in_digits(number: str) -> str:
    return number if number.isdecimal() else str(_roman(number))


def _roman(written: str) -> Decimal:
    digits = [_ROMAN_DIGIT[letter] for letter in written]
    return Decimal(sum(-one if one < other else one for one, other in zip(digits, [*digits[1:], 0], strict=True)))
