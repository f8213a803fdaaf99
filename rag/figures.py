"""Figures: the amounts and dates in running text, and whether those of one text bear out those of another.

Pure. An amount is a number with its unit, the word it counts and its bound ("more than 40 km"); a date is as much of
day, month and year as is said, in any order.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from index.document import Span
from index.lexical import words
from rag.amounts import MONTH, MONTHS, NUMBER, SCALES, WORTH, rounds
from rag.extract import FUNCTION_WORDS
from rag.kept import remembered

Kind = Literal["count", "ordinal", "decade"]
Bound = Literal["", "~", ">", ">=", "<", "<="]

_SCALES = {**SCALES, "dozen": 12}
_SHORT_SCALES = {"k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9}  # right after an amount of money
_ORDINALS = """
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
sixteenth seventeenth eighteenth nineteenth twentieth
"""
_ORDINAL = {word: number for number, word in enumerate(_ORDINALS.split(), start=1)}
_ORDINAL |= {word: number for number, word in ((30, "thirtieth"), (4, "quarter"), (100, "hundredth"))}
_UNITS = """
percent % pct; $ dollar usd; € euro eur; £ gbp; ¥ yen jpy; km kilometre kilometer; cm centimetre centimeter;
mm millimetre millimeter; m metre meter; mile mi; ft foot feet; inch inches; yard yd; kg kilogram kilogramme kilo;
mg milligram; g gram gramme; pound lb lbs; ounce oz; tonne ton; litre liter; ml millilitre milliliter; gallon;
second sec; minute min; hour hr hrs; day; week; month; year yr yrs; decade; century centuries; ° degree degrees;
acre; hectare ha; mph; kmh; kw kilowatt; mw megawatt; gw gigawatt; hz hertz; khz kilohertz; mhz megahertz;
ghz gigahertz; kb kilobyte; mb megabyte; gb gigabyte; tb terabyte; bc bce; time; fold; storey story
"""
_UNIT = {
    spelling: group.split()[0]
    for group in _UNITS.split(";")
    for word in group.split()
    for spelling in (word, f"{word}s")
}
_NINE = "|".join(_ORDINALS.split()[:9])
_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?|(?:twenty|thirty)[- ](?:{_NINE})|{'|'.join(_ORDINAL)})"
_DAYS = rf"(?:(?P<from>{_DAY})\s?(?:–|-|to|and)\s?)?(?P<day>{_DAY})"
_MONTH_NAME = rf"(?P<month>{'|'.join(sorted(MONTH, key=len, reverse=True))})\b\.?"
_YEAR = r"(?P<year>1\d{3}|20\d{2})"
_DATE = (
    r"\b(?P<year>\d{4})-(?P<number>0[1-9]|1[0-2])-(?P<day>\d\d)\b",
    r"\b(?P<number>\d{1,2})(?P<mark>[/.])(?P<day>\d{1,2})(?P=mark)(?P<year>\d{4})\b",
    rf"\b{_DAYS}(?:\s+of)?\s+{_MONTH_NAME}(?:,?\s+(?:of\s+)?{_YEAR}\b)?",
    rf"\b{_MONTH_NAME}\s+(?:the\s+)?{_DAYS}\b(?![,.:]?\d)(?:,?\s+{_YEAR}\b)?",
    rf"\b{_MONTH_NAME},?\s+(?:of\s+)?{_YEAR}\b",
)
_DATES = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _DATE)
_MONTH_ALONE = re.compile(
    rf"\b(?P<month>{'|'.join(month.capitalize() for month in MONTHS if month not in {'may', 'march'})})\b"
    r"|(?i:\b(?:in|of|by|since|until|till|during|early|late|mid|through|last|next|and|to|from|between)[ -])"
    r"(?P<doubtful>May|March)\b"
)
_TOKEN = re.compile(rf"(?P<number>(?<![\w)])[-−]?(?:{NUMBER.pattern}))|(?P<word>[^\W\d_]+)|(?P<sign>[%$€£¥°])")
_CODE = re.compile(
    r"\b(?!(?:\d+(?:st|nd|rd|th|s|m|k|bn|mn|km|cm|mm|kg|g|ft|mph|hz|khz|mhz|ghz|gb|mb|kb|kw|mw|gw|lb|lbs|ml)\b))"
    r"(?=\w*\d)(?=\w*[^\W\d_])\w+",
    re.IGNORECASE,
)
_SHORT_YEARS = re.compile(r"\b(1\d|20)(\d\d)[–/-](\d\d)\b(?![–/-])")
_BOUNDS_BEFORE: tuple[tuple[Bound, str], ...] = (
    (">=", r"at least|(?:no|not) (?:less|fewer|lower) than|(?:a )?minimum of"),
    ("<=", r"at most|up to|(?:no|not) (?:more|greater|higher) than|(?:a )?maximum of|as (?:many|much) as"),
    (">", r"(?:more|greater|larger|higher|longer|older) than|over|above|exceeding|exceeds|exceeded|in excess of"),
    ("<", r"(?:less|fewer|lower|smaller|shorter|younger) than|under|below"),
    ("~", r"about|around|roughly|approximately|approx\.?|some|nearly|almost|circa|c\.|ca\.|close to|an? estimated"),
)
_BEFORE = tuple((bound, re.compile(rf"\b(?:{said})\s+(?:a\s+)?$", re.IGNORECASE)) for bound, said in _BOUNDS_BEFORE)
_AFTER: tuple[tuple[Bound, re.Pattern[str]], ...] = (
    (">=", re.compile(r"\s*(?:\w+\s+)?(?:or|and) (?:more|over|above|older|higher|greater|longer)\b|\+", re.IGNORECASE)),
    ("<=", re.compile(r"\s*(?:\w+\s+)?or (?:less|fewer|under|lower|younger|shorter)\b", re.IGNORECASE)),
)
_ROUNDED = 10_000  # from which an amount that is written with a word such as "million" may be a rounded one
_MOST_NOUNS = 3
_POWERS = {"square": "square", "sq": "square", "cubic": "cubic", "cu": "cubic"}
_FARTHEST = 24  # characters before an amount in which its bound stands
_TEXTS = 4_096  # whose figures are remembered
_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a text.

    Attributes:
        value: The number.
        kind: "ordinal" of "third", "decade" of "1930s", else "count".
        unit: What it is measured in, by one name for all its spellings, or "".
        nouns: The stems of the words right after it, up to three: one of them is what is counted.
        bound: How the text holds it: exact (""), about, more than, at least, less than, at most.
        rough: Whether it is so large, and written with a word such as "million", that it may be a rounded one.
        said: As it stands in the text, with its bound and unit.
        span: Where the number itself stands in the text.
    """

    value: Decimal
    kind: Kind
    unit: str
    nouns: tuple[str, ...]
    bound: Bound
    rough: bool
    said: str
    span: Span = _NOWHERE

    @property
    def is_year(self) -> bool:
        """Whether it looks like a year."""
        return self.kind == "count" and not self.unit and re.fullmatch(r"1\d{3}|20\d\d", self.said) is not None


@dataclass(frozen=True, slots=True)
class Date:
    """As much of a date as a text says, and where; the `readings` of 3/5/1931 are two, each year, month and day."""

    readings: tuple[tuple[int | None, int | None, int | None], ...]
    said: str
    span: Span = _NOWHERE

    def fits(self, other: "Date", years: frozenset[int]) -> bool:
        """Whether another date, and years beside it, bear this one out."""
        return any(
            (year is None or year == theirs or (theirs is None and year in years))
            and (month is None or month == their_month)
            and (day is None or day == their_day)
            for year, month, day in self.readings
            for theirs, their_month, their_day in other.readings
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The amounts and dates of a text, in order, and its years, those inside dates too."""

    amounts: tuple[Amount, ...]
    dates: tuple[Date, ...]
    years: frozenset[int]
    rest: str  # the text without its dates

    def unborne(self, by: "Figures") -> Iterator[str]:
        """What another text's figures do not bear out, worded for people."""
        for date in self.dates:
            if not any(date.fits(other, by.years) for other in by.dates):
                yield f"the date “{date.said}”"
        said = Counter(_years(self.dates))
        for amount in self.amounts:
            said[amount.value] += 1
            if not _goes_without_saying(amount, by) and not _borne(amount, by):
                yield f"the {'date' if amount.is_year else 'number'} “{amount.said}”"
            elif 1 < said[amount.value] > by.times(amount.value):
                yield f"the number “{amount.said}”, said again"  # "12 of the 12" for "10 of the 12"

    def joined(self, other: "Figures") -> "Figures":
        """Its figures and then those of another text."""
        return Figures(
            self.amounts + other.amounts,
            self.dates + other.dates,
            self.years | other.years,
            f"{self.rest}\n{other.rest}",
        )

    def times(self, value: Decimal) -> int:
        """How often a number is said, also as the year of a date."""
        return [*(amount.value for amount in self.amounts), *_years(self.dates)].count(value)


def _years(dates: Sequence[Date]) -> list[Decimal]:
    """The years of some dates, one each."""
    return [Decimal(date.readings[0][0]) for date in dates if date.readings[0][0]]


@remembered(_TEXTS)
def figures(text: str) -> Figures:
    """The amounts and dates of a text."""
    dates: list[Date] = []
    rest = text
    for pattern in _DATES:
        found = list(pattern.finditer(rest))
        dates += [date for match in found for date in _dates(match)]
        rest = _blanked(rest, found)
    alone = list(_MONTH_ALONE.finditer(rest))
    dates += [
        Date(((None, _month(match["month"] or match["doubtful"]), None),), match[0], Span(*match.span()))
        for match in alone
    ]
    rest = _blanked(rest, alone)
    amounts = tuple(_amounts(_blanked(rest, list(_CODE.finditer(rest)))))
    years = {year for date in dates for year, _, _ in date.readings if year}
    years |= {int(amount.value) for amount in amounts if amount.is_year}
    years |= {int(match[1] + match[3]) for match in _SHORT_YEARS.finditer(text)}
    return Figures(amounts, tuple(dates), frozenset(years), rest)


def codes(text: str) -> list[str]:
    """The words of a text that are made of letters and digits, such as B52."""
    return [match[0] for match in _CODE.finditer(text)]


@lru_cache(_TEXTS)
def stem(word: str) -> str:
    """A word as the index knows it, or ""."""
    known = words(word)
    return known[0].stem if known else ""


def _blanked(text: str, found: Sequence[re.Match[str]]) -> str:
    """The text with blanks where something was found, so that all else keeps its place; a bar keeps words apart."""
    parts, end = list[str](), 0
    for match in found:
        parts += [text[end : match.start()], "|" * len(match[0])]
        end = match.end()
    return "".join([*parts, text[end:]])


def _dates(match: re.Match[str]) -> Iterator[Date]:
    """The date that a pattern found, and that at which its range begins."""
    parts = match.groupdict()
    year = int(parts["year"]) if parts.get("year") else None
    day = _day(parts.get("day"))
    said, span = " ".join(match[0].split()), Span(*match.span())
    if number := parts.get("number"):
        both = ((year, int(number), day), (year, day, int(number)))
        yield Date(both if parts.get("mark") else both[:1], said, span)
        return
    month = _month(parts["month"] or "")
    yield Date(((year, month, day),), said, span)
    if first := parts.get("from"):
        yield Date(((year, month, _day(first)),), said, span)


def _month(name: str) -> int:
    return MONTHS.index(MONTH[name.lower()]) + 1


def _day(said: str | None) -> int | None:
    if not said:
        return None
    if digits := re.match(r"\d+", said):
        return int(digits[0])
    return sum(int(WORTH.get(word, 0)) + _ORDINAL.get(word, 0) for word in re.split(r"[- ]", said.lower()))


def _amounts(text: str) -> Iterator[Amount]:
    """The amounts of a text without dates."""
    tokens = list(_TOKEN.finditer(text))
    place = 0
    while place < len(tokens):
        read = _digits(text, tokens, place) or _ordinal(text, tokens, place) or _spelled(text, tokens, place)
        if read is None:
            place += 1
            continue
        amount, end = read
        yield _held(text, tokens, place, end, amount)
        place = end


def _digits(text: str, tokens: Sequence[re.Match[str]], place: int) -> tuple[Amount, int] | None:
    """An amount in digits that starts at a token, and the token after it."""
    number = tokens[place]["number"]
    if number is None:
        return None
    value = Decimal(number.replace(",", "").replace("−", "-"))
    amount, end = Amount(value, "count", "", (), "", rough=False, said=number), place + 1
    glued = tokens[end][0].lower() if end < len(tokens) and tokens[end].start() == tokens[place].end() else ""
    if glued in {"st", "nd", "rd", "th"}:
        return replace(amount, kind="ordinal"), end + 1
    if glued == "s" or text[tokens[place].end() :].startswith(("'s ", "’s ")):
        return replace(amount, kind="decade"), end + 1
    if glued in _SHORT_SCALES and place and tokens[place - 1]["sign"]:
        return replace(amount, value=value * _SHORT_SCALES[glued], rough=True), end + 1
    while end < len(tokens) and _scale(tokens[end]) and _together(text, tokens[end - 1], tokens[end]):
        value, end = value * _scale(tokens[end]), end + 1
    return replace(amount, value=value, rough=end > place + 1 and value >= _ROUNDED), end


def _spelled(text: str, tokens: Sequence[re.Match[str]], place: int) -> tuple[Amount, int] | None:
    """An amount in words: forty-two, two hundred and five, a million, half a million; and the token after it."""
    total, current, end, scaled = Decimal(0), Decimal(0), place, False
    first = [token[0].lower() for token in tokens[place : place + 3]]
    for opening, worth in ((("half", "a"), Decimal("0.5")), (("a",), Decimal(1)), (("an",), Decimal(1))):
        if tuple(first[: len(opening)]) == opening and first[len(opening) :][:1] and first[len(opening)] in _SCALES:
            current, end = worth, place + len(opening)
            break
    while end < len(tokens) and (end == place or _together(text, tokens[end - 1], tokens[end])):
        word = tokens[end][0].lower()
        after = tokens[end + 1][0].lower() if end + 1 < len(tokens) else ""
        if word in WORTH and _adds(current, WORTH[word], total):
            current += WORTH[word]
        elif current and _scale(tokens[end]):
            current, scaled = current * _scale(tokens[end]), True
            if current >= 1000:
                total, current = total + current, Decimal(0)
        elif not (word == "and" and scaled and after in WORTH):
            break
        end += 1
    if end == place:
        return None
    return Amount(total + current, "count", "", (), "", rough=scaled and total >= _ROUNDED, said=""), end


def _adds(current: Decimal, worth: Decimal, total: Decimal) -> bool:
    """Whether a number word goes on with what was counted so far: forty-two, two hundred five, not two three."""
    if not current:
        return worth > 0 or not total
    return (current % 100 == 0 and current >= 100) or (current % 100 >= 20 and current % 10 == 0 and worth < 10)


def _ordinal(text: str, tokens: Sequence[re.Match[str]], place: int) -> tuple[Amount, int] | None:
    """An ordinal or a part in words: third, two-thirds, twenty-first; and the token after it."""
    said, end = [tokens[place][0]], place + 1
    if WORTH.get(said[0].lower(), 0) >= 20 and end < len(tokens) and _together(text, tokens[place], tokens[end]):
        said, end = [*said, tokens[end][0]], end + 1
    tens, word = (WORTH[said[0].lower()], said[1].lower()) if len(said) > 1 else (Decimal(0), said[0].lower())
    number = _ORDINAL.get(word, 0) or _ORDINAL.get(word.removesuffix("s"), 0)
    before = text[max(0, tokens[place].start() - _FARTHEST) : tokens[place].start()].split()[-1:] or [""]
    if word == "seconds" or (word == "second" and before[0] in {"per", "a", "each"}):  # the measure of time
        return None
    if not number or (word.startswith("quarter") and said[-1].istitle()):  # the French Quarter
        return None
    return Amount(tens + number, "ordinal", "", (), "", rough=False, said=""), end


def _held(text: str, tokens: Sequence[re.Match[str]], place: int, end: int, amount: Amount) -> Amount:
    """An amount with its unit, noun and bound, and all of it as it is said."""
    start, last = tokens[place].start(), tokens[end - 1].end()
    unit = ""
    if place and tokens[place - 1]["sign"] and tokens[place - 1].end() == start:
        unit, start = _UNIT.get(tokens[place - 1][0], ""), tokens[place - 1].start()
    nouns, next_end = _counted(text, tokens, end), last
    if end < len(tokens) and _together(text, tokens[end - 1], tokens[end]):
        unit, next_end = _measured(text, tokens, end, unit)
    bound, first = _bound(text, start, next_end if unit else last)
    last = next_end if unit else last
    return replace(
        amount,
        unit=unit,
        nouns=() if unit else nouns,
        bound=bound,
        said=" ".join(text[first:last].split()),
        span=Span(tokens[place].start(), tokens[end - 1].end()),
    )


def _measured(text: str, tokens: Sequence[re.Match[str]], end: int, unit: str) -> tuple[str, int]:
    """The unit that an amount is in, by the token after it and where it has none yet, and where that ends."""
    word, last = tokens[end][0].lower(), tokens[end].end()
    if word in _POWERS and end + 1 < len(tokens) and (measured := _UNIT.get(tokens[end + 1][0].lower(), "")):
        return f"{_POWERS[word]} {measured}", tokens[end + 1].end()
    if word == "per" and text[last:].lower().startswith(" cent"):
        return "percent", last + len(" cent")
    return (_UNIT[word], last) if not unit and word in _UNIT else (unit, tokens[end - 1].end())


def _counted(text: str, tokens: Sequence[re.Match[str]], end: int) -> tuple[str, ...]:
    """The stems of up to three words right after an amount, as far as they say what it counts."""
    nouns: list[str] = []
    for place in range(end, min(end + _MOST_NOUNS, len(tokens))):
        counted = stem(tokens[place][0]) if tokens[place]["word"] else ""
        if not counted or counted in FUNCTION_WORDS or not _together(text, tokens[place - 1], tokens[place]):
            break
        nouns.append(counted)
    return tuple(nouns)


def _bound(text: str, start: int, end: int) -> tuple[Bound, int]:
    """The bound of an amount that stands at these characters, and where it begins to be said."""
    before = text[max(0, start - _FARTHEST) : start]
    for bound, pattern in _BEFORE:
        if match := pattern.search(before):
            return bound, start - len(before) + match.start()
    return next((bound for bound, pattern in _AFTER if pattern.match(text, end)), ""), start


def _scale(token: re.Match[str]) -> int:
    return _SCALES.get(token[0].lower(), 0)


def _together(text: str, one: re.Match[str], other: re.Match[str]) -> bool:
    """Whether nothing but blanks and hyphens stands between two tokens."""
    return re.fullmatch(r"[\s-]*", text[one.end() : other.start()]) is not None


def _goes_without_saying(amount: Amount, by: Figures) -> bool:
    """Whether a number says so little that its absence is no objection: "one of", and "first" of what has no rank."""
    if amount.kind == "ordinal" and amount.value == 1:
        return not any(other.kind == "ordinal" for other in by.amounts)
    return amount.said.lower() == "one"


def _borne(amount: Amount, by: Figures) -> bool:
    """Whether another text's figures bear an amount out."""
    if amount.kind == "count" and not amount.unit and amount.value in by.years and not amount.bound:
        return True
    if amount.kind == "decade":
        decades = {int(other.value) for other in by.amounts if other.kind == "decade"}
        decades |= {year // 10 * 10 for year in by.years}
        return any(decade == amount.value or decade % 100 == amount.value for decade in decades)
    if amount.kind == "ordinal" and amount.unit == "century":
        centuries = {other.value for other in by.amounts if other.unit == "century"}
        return amount.value in centuries | {-(-year // 100) for year in by.years}
    bearing = [other for other in by.amounts if _bears(other, amount)]
    return bool(bearing) and not all(_counts_another(other, amount, by) for other in bearing)


def _counts_another(other: Amount, amount: Amount, by: Figures) -> bool:
    """Whether the same number counts something else there, and another number counts what this one does."""
    if not amount.nouns or not other.nouns or set(amount.nouns) & set(other.nouns):
        return False
    return any(rival.nouns[:1] == amount.nouns[:1] and not _same(rival, amount) for rival in by.amounts)


def _bears(other: Amount, amount: Amount) -> bool:
    """Whether an amount of another text bears this one out."""
    if other.kind != amount.kind or (amount.unit and other.unit and amount.unit != other.unit):
        return False
    same = _same(other, amount)
    if amount.bound in {"", "~"}:
        return same and other.bound in {"", "~", *((amount.bound,))}
    up = amount.bound.startswith(">")
    if same:
        return other.bound == amount.bound or (amount.bound.endswith("=") and other.bound in {"", "~", amount.bound[0]})
    beyond = other.value > amount.value if up else other.value < amount.value  # 45 is at least 40
    alike = amount.unit == other.unit and amount.nouns[:1] == other.nouns[:1]
    return beyond and alike and other.bound in {"", "~"}


def _same(other: Amount, amount: Amount) -> bool:
    """Whether two numbers are one, or the one that is said roughly is the other one rounded."""
    if other.value == amount.value:
        return True
    return (amount.rough or amount.bound == "~") and rounds(amount.value, other.value)
