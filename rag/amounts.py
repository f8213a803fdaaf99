"""Amounts and dates as people write them: 4.2 million and 4,213,456, forty-two and 42, 3 May 1931 and 1931-05-03.

Pure; what tells amounts that disagree and what finds the amounts that nothing bears out both read them here.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from index.lexical import words
from rag.extract import FUNCTION_WORDS

NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen
"""
_TENS = """
twenty thirty forty fifty sixty seventy eighty ninety
"""
WORTH = {
    word: Decimal(worth)
    for named, worths in ((_ONES, range(20)), (_TENS, range(20, 100, 10)))
    for word, worth in zip(named.split(), worths, strict=True)
}
SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
MONTH = {name[:length]: name for name in MONTHS for length in (3, 4, len(name))}
WEEKDAYS = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})
_ISO_DAY = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-(\d\d)")  # ISO 8601
ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_PART = re.compile(rf"{NUMBER.pattern}|[^\W\d_]+|[%$€£¥]")
# Numbers from which one may be another one rounded, and those of one digit and noughts from a hundred.
_ROUNDED = 10_000
_MOST_DIGITS = 24  # of a number that is rounded; Decimal keeps 28


@dataclass(frozen=True, slots=True)
class Value:
    """An amount or a date: its numbers and months in order, and what is counted."""

    amounts: tuple[Decimal | str, ...]
    units: frozenset[str]

    def differs(self, other: "Value", named: frozenset[str]) -> bool:
        """Whether one of the two must be wrong if both speak of the same; `named` units go without saying."""
        if self.units - named != other.units - named or len(self.amounts) != len(other.amounts):
            return False
        ours, theirs = set(self.amounts) - set(other.amounts), set(other.amounts) - set(self.amounts)
        return bool(ours and theirs) and not any(_either_rounds(one, another) for one in ours for another in theirs)


def parsed(said: str) -> Value | None:
    """The numbers, months and units in a short answer; None where there are no numbers."""
    amounts: list[Decimal | str] = []
    units: set[str] = set()
    before = ""
    for part in _PART.findall(said):
        last = amounts[-1] if amounts else None
        if part in SCALES and isinstance(last, Decimal):
            amounts[-1] = last * SCALES[part]
        elif WORTH.get(part, 20) < 20 <= WORTH.get(before, 0) and isinstance(last, Decimal):
            amounts[-1] = last + WORTH[part]
        elif NUMBER.fullmatch(part):
            amounts.append(Decimal(part.replace(",", "")))
        elif part in WORTH:
            amounts.append(WORTH[part])
        elif part in MONTH:
            amounts.append(MONTH[part])
        elif part not in WEEKDAYS:
            units |= {word.stem for word in words(part)} - FUNCTION_WORDS if len(part) > 1 else {part}  # "1930s", "$5m"
        before = part
    return Value(tuple(amounts), frozenset(units)) if amounts else None


def spelt(text: str) -> str:
    """The text with its ISO 8601 days as people write them."""
    return _ISO_DAY.sub(lambda day: f"{day[3]} {MONTHS[int(day[2]) - 1]} {day[1]}", text)


def rounds(rough: Decimal, fine: Decimal) -> bool:
    """Whether a number is another one, rounded to its own last digit that is no nought: 4,200,000 of 4,213,456."""
    exponent = rough.normalize().as_tuple().exponent
    if not rough or not isinstance(exponent, int) or max(fine.adjusted(), rough.adjusted()) - exponent > _MOST_DIGITS:
        return False
    return fine.quantize(Decimal((0, (1,), exponent))) == rough


def _either_rounds(one: Decimal | str, other: Decimal | str) -> bool:
    """Whether one of two numbers may be the other one rounded: 4.2 million people and 4,213,456, 100 and 103."""
    if isinstance(one, str) or isinstance(other, str):
        return False
    return any(_is_rough(rough) and rounds(rough, fine) for rough, fine in ((one, other), (other, one)))


def _is_rough(number: Decimal) -> bool:
    return abs(number) >= _ROUNDED or (abs(number) >= 100 and len(number.normalize().as_tuple().digits) == 1)
