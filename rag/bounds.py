"""Bounds: the numbers and dates that a question compares with: "over 500", "in 2023", "before March 2020". Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from rag.amounts import NUMBER, SCALES
from rag.figures import figures
from rag.sheet import Day
from rag.tally import Condition

_AMOUNT = rf"(?:[$€£¥] ?)?(?:{NUMBER.pattern})(?: ?(?:%|{'|'.join(SCALES)})(?!\w))?"
_COMPARED = re.compile(
    rf"\b(?:between|from) (?P<low>{_AMOUNT}) (?:and|to) (?P<high>{_AMOUNT})(?![\w-])"
    rf"|(?P<said>\b(?:(?:no |not )?(?:more|greater|higher|larger|less|fewer|lower|smaller) than|over|above|exceeding"
    rf"|at least|under|below|at most|up to|exactly|equal to)|>=|<=|[<>=]) ?(?P<number>{_AMOUNT})(?![\w-])"
    rf"|(?<![\w-])(?P<alone>{_AMOUNT})(?![\w-])(?P<or> or (?:more|above|over|higher|less|fewer|below|under|lower))?",
    re.IGNORECASE,
)
_DAY_WORDS = r"in|during|on|for|of|from|since|before|after"
_YEAR = r"(?:1[5-9]|20)[0-9]{2}"
_YEARS = re.compile(
    rf"\b(?:between|from) (?P<first>{_YEAR}) (?:and|to) (?P<last>{_YEAR})(?![\w-])"
    rf"|\b(?P<said>{_DAY_WORDS}) (?:the year )?(?P<year>{_YEAR})(?![\w,.-]*\w)",
    re.IGNORECASE,
)
_UPWARDS = re.compile(r"more|greater|higher|larger|over|above|exceeding|least|>")
_LARGE = 10_000  # what a column of thousands or millions hardly holds
_BORDER = re.compile(r"no |not |at |up |or |=")  # in what includes the number itself


@dataclass(frozen=True, slots=True)
class Bound:
    """A number or a date that a question compares with, and the words that say so."""

    start: int
    end: int
    said: str
    low: Decimal | None = None
    high: Decimal | None = None
    strict: bool = False  # whether the border itself is left out
    unit: str = ""
    first: Day | None = None
    last: Day | None = None

    @property
    def is_day(self) -> bool:
        """Whether it is a date."""
        return self.first is not None or self.last is not None


def bounds(question: str) -> Iterator[Bound]:
    """The numbers and dates that a question compares with, none within another."""
    taken: list[tuple[int, int]] = []
    for bound in (*_days(question), *_amounts(question)):
        if not any(start < bound.end and bound.start < end for start, end in taken):
            taken.append((bound.start, bound.end))
            yield bound


def _days(question: str) -> Iterator[Bound]:
    for date in figures(question).dates:
        place = question.find(date.said)
        year, month, day = date.readings[0]
        if place < 0 or len(date.readings) > 1 or year is None:
            continue
        before = re.search(rf"\b({_DAY_WORDS}) $", question[:place], re.IGNORECASE)
        said = before[1].lower() if before else "on"
        start = before.start() if before else place
        yield _day_bound(start, place + len(date.said), said, (year, month, day), date.said)
    for found in _YEARS.finditer(question):
        if found["year"]:
            year = int(found["year"])
            yield _day_bound(*found.span(), found["said"].lower(), (year, None, None), found["year"])
        else:
            first, last = (int(found["first"]), None, None), (int(found["last"]), None, None)
            said = f"is from {found['first']} to {found['last']}"
            yield Bound(*found.span(), said, first=first, last=last)


def _amounts(question: str) -> Iterator[Bound]:
    for found in _COMPARED.finditer(question):
        if found["low"]:
            (low, unit), (high, other) = _amount(found["low"]), _amount(found["high"])
            said = f"is from {found['low']} to {found['high']}"
            yield Bound(*found.span(), said, low, high, unit=unit or other)
            continue
        value, unit = _amount(found["number"] or found["alone"])
        said, above, below, strict = _comparison(found, value)
        yield Bound(*found.span(), said, above, below, strict, unit)


def condition(column: int, head: str, bound: Bound, *, is_dated: bool) -> Condition | None:
    """The rows whose number or day lies within a bound; None where it is a month or a day, and the column has years."""
    says = f"{head} {bound.said}"
    if not bound.is_day:
        holds = partial(_within, bound.low, bound.high, bound.strict)
        is_large = any(abs(each) >= _LARGE for each in (bound.low, bound.high) if each is not None)
        is_large = is_large or any(word in bound.said.lower() for word in SCALES)
        return Condition(column, says, "number", holds, bound.unit, is_large)
    if is_dated:
        return Condition(column, says, "day", partial(_on_days, bound.first, bound.last, bound.strict))
    if any(day and day[1] for day in (bound.first, bound.last)):
        return None
    low, high = (Decimal(day[0]) if day else None for day in (bound.first, bound.last))
    return Condition(column, says, "number", partial(_within, low, high, bound.strict))


def _within(low: Decimal | None, high: Decimal | None, strict: bool, value: Decimal) -> bool:
    above = low is None or value > low or (value == low and not strict)
    return above and (high is None or value < high or (value == high and not strict))


def _on_days(low: Day | None, high: Day | None, strict: bool, value: Day) -> bool:
    return all(border is None or _compared(value, border, sign, strict) for border, sign in ((low, 1), (high, -1)))


def _compared(value: Day, border: Day, sign: int, strict: bool) -> bool:
    """Whether a day is not before a border (or after it, where `sign` is -1), as far as that is told."""
    told = [each for each in border if each is not None]
    ours = [each for each in value[: len(told)] if each is not None]
    if len(ours) < len(told):
        raise TypeError("a day of which too little is known")
    if ours == told:
        return not strict
    return (ours > told) == (sign > 0)


def _day_bound(start: int, end: int, said: str, day: Day, text: str) -> Bound:
    """A date after "before", "since", "in" or the like."""
    if said == "before":
        return Bound(start, end, f"is before {text}", last=day, strict=True)
    if said in ("after", "since"):
        return Bound(start, end, f"is {said} {text}", first=day, strict=said == "after")
    return Bound(start, end, f"is {'on' if day[2] else 'in'} {text}", first=day, last=day)


def _amount(said: str) -> tuple[Decimal, str]:
    """A number as a question says it, and its currency or "%"."""
    found = NUMBER.search(said)
    value = Decimal(found[0].replace(",", "")) if found else Decimal(0)
    scale = next((worth for word, worth in SCALES.items() if word in said.lower()), 1)
    return value * scale, next((sign for sign in said if sign in "$€£¥%"), "")


def _comparison(found: re.Match[str], value: Decimal) -> tuple[str, Decimal | None, Decimal | None, bool]:
    """In words, the borders, and whether they are left out, of a number that a question compares with."""
    number = found["number"] or found["alone"]
    said = " ".join((found["said"] or found["or"] or "").lower().split())
    if said in ("", "exactly", "equal to", "="):
        return f"is exactly {number}", value, value, False
    is_up = bool(_UPWARDS.search(said)) != said.startswith(("no ", "not "))
    strict = not _BORDER.match(said) and not said.endswith("=")
    words_for = {(True, True): "over", (True, False): "at least", (False, True): "under", (False, False): "at most"}
    says = f"is {words_for[is_up, strict]} {number}"
    return says, value if is_up else None, None if is_up else value, strict
