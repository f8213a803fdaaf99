"""Tally: what is counted, added up or compared over the rows of a sheet, and which rows it rests on. Pure, exact."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, localcontext
from functools import cache, partial
from statistics import median
from typing import Literal, TypeVar

from rag.sheet import Column, Day, Sheet

Operation = Literal["count", "distinct", "sum", "mean", "median", "max", "min"]

_EXACT = Context(prec=160, traps=[Inexact])  # holds the sum of a million numbers of 40 characters
_FINER = 2  # decimals of a mean that its numbers do not have
_MOST_BEST = 12  # that a sentence names

_CALLED: dict[Operation, str] = {
    "sum": "total",
    "mean": "average",
    "median": "median",
    "max": "largest",
    "min": "smallest",
}
_IN_FRONT = frozenset("$€£¥")
_CURRENCIES = _IN_FRONT | {"USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "SEK", "NOK", "DKK", "INR", "CNY"}
_SCALED = re.compile(  # a head that says its numbers are thousands or millions
    r"(?i:\b(?:thousands?|millions?|billions?|trillions?|mn|mio|mrd|bn|tsd)\b)|(?<![A-Za-z])(?:[kKMB]|MM|[Tt]n)\b|'000|\b000s?\b"
)
_Key = TypeVar("_Key", bound=Hashable)


class Unclear(Exception):
    """A question of a sheet that is not answered; says why, and how to ask."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Which rows are meant.

    Attributes:
        column: Where it looks.
        says: In words, such as "Region is North".
        kind: What it looks at there: the cell's text, number or day.
        holds: Whether it is met.
        unit: Of its numbers, or "".
        is_large: Whether a number in it is of thousands or millions, by its words or its digits.
    """

    column: int
    says: str
    kind: Literal["text", "number", "day"]
    holds: Callable[..., bool]
    unit: str = ""
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a sheet.

    Attributes:
        operation: What is done.
        column: Over which column; None where rows are counted.
        conditions: Which rows.
        keys: Columns of which one must tell every row apart, as the question counts what stands there; or none.
        noun: What the question calls those.
        group: The column by whose values rows are taken together, or None.
        inner: What is done in each group.
        top: How many of the largest or smallest are asked for.
        of_one: Columns of times, in each of which the rows must have one and the same.
    """

    operation: Operation
    column: int | None = None
    conditions: tuple[Condition, ...] = ()
    keys: tuple[int, ...] = ()
    noun: str = ""
    group: int | None = None
    inner: Operation = "sum"
    top: int = 1
    of_one: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """What came out.

    Attributes:
        says: In words, up to the figure.
        figure: The figure.
        more: In words, after the figure.
        notes: What was left out.
        rows: The rows it rests on, those to show first.
    """

    says: str
    figure: str
    more: str
    notes: tuple[str, ...]
    rows: tuple[int, ...]


def tally(sheet: Sheet, wish: Wish) -> Tally:
    """Do what is asked.

    Raises:
        Unclear: The rows do not bear it.
    """
    if sheet.wide >= 0:
        raise Unclear(f"Row {sheet.numbers[sheet.wide]} of {sheet.called} has more cells than the table has heads.")
    rows = [row for row in _met(sheet, wish.conditions) if row not in sheet.sums]
    odd = next((row for row in rows if row in sheet.odd_sums), None)
    if odd is not None:
        raise Unclear(
            f"Row {sheet.numbers[odd]} of {sheet.called} ({_name(sheet, odd)}) says that it is a total and does not "
            f"add up, so it may be one of the rows or none."
        )
    left_out = [f"{_rows(len(sheet.sums))} of totals left out"] if sheet.sums else []
    if not rows:
        raise Unclear(
            f"There is no row of {sheet.called}{where(wish.conditions)}, of {len(sheet) - len(sheet.sums):,} in all."
        )
    _check_keys(sheet, wish, rows)
    _check_of_one(sheet, wish, rows)
    if wish.group is not None:
        return _grouped(sheet, wish, rows, left_out)
    if wish.operation == "count":
        return Tally(
            f"The number of rows of {sheet.called}{where(wish.conditions)} is ",
            f"{len(rows):,}",
            "",
            (*left_out,),
            (*rows,),
        )
    return _DONE[wish.operation](sheet, wish, rows, left_out)


def rows_of(sheet: Sheet, conditions: Sequence[Condition]) -> list[int]:
    """The rows of which some conditions hold, totals among them left out.

    Raises:
        Unclear: There is none, or some rows do not bear the question.
    """
    rows = [row for row in _met(sheet, conditions) if row not in sheet.sums]
    if not rows:
        raise Unclear(f"There is no row of {sheet.called}{where(conditions)}.")
    return rows


def _distinct(sheet: Sheet, wish: Wish, rows: list[int], left_out: list[str]) -> Tally:
    column = _column(sheet, wish)
    told = _told(column, rows, left_out)
    firsts: dict[str, int] = {}
    for row in told:
        firsts.setdefault(column.cells[row].casefold(), row)
    says = f"The number of different values of {column.head} in {_over(sheet, told, wish)} is "
    return Tally(says, f"{len(firsts):,}", "", (*left_out,), (*firsts.values(),))


def _reduced(sheet: Sheet, wish: Wish, rows: list[int], left_out: list[str]) -> Tally:
    column = _column(sheet, wish)
    told = _told(column, rows, left_out)
    numbers, unit = _numbers(sheet, column, told)
    value, places = _result(wish.operation, numbers), _places(wish.operation, numbers)
    says = f"The {_CALLED[wish.operation]} of {column.head} over {_over(sheet, told, wish)} is "
    more = "" if _is_even(value, places) else ", rounded"
    return Tally(says, _figure(value, unit, places), more, (*left_out,), (*told,))


def _extreme(sheet: Sheet, wish: Wish, rows: list[int], left_out: list[str]) -> Tally:
    column = _column(sheet, wish)
    told = _told(column, rows, left_out)
    if column.is_dated:
        called = "earliest" if wish.operation == "min" else "latest"
        best = _best(wish, dict(zip(told, _days(sheet, column, told), strict=True)))
    else:
        called = _CALLED[wish.operation]
        best = _best(wish, dict(zip(told, _numbers(sheet, column, told)[0], strict=True)))
    first, over = column.cells[best[0]], _over(sheet, told, wish)
    if wish.top == 1:
        return Tally(f"The {called} {column.head} in {over} is ", first, _ties(sheet, best), (*left_out,), (*best,))
    listed = "".join(f"; {column.cells[row]} ({_name(sheet, row)})" for row in best[1:])
    says = f"The {len(best)} {called} of {column.head} in {over} are "
    return Tally(says, first, f" ({_name(sheet, best[0])}){listed}", (*left_out,), (*best,))


def _grouped(sheet: Sheet, wish: Wish, rows: list[int], left_out: list[str]) -> Tally:
    """The values of a column whose rows have the largest number, total or average."""
    by, plural = sheet.columns[wish.group or 0], "s" if wish.top > 1 else ""
    rows = _told(by, rows, left_out)
    if wish.inner == "count":
        called, what, unit, apart = f"number{plural}", f" of rows of {sheet.called}", "", dict[str, list[Decimal]]()
        names = _names(by, rows)
        values = {name: Decimal(count) for name, count in Counter(names).items()}
    else:
        column = _column(sheet, wish)
        rows = _told(column, rows, left_out)
        names, (numbers, unit) = _names(by, rows), _numbers(sheet, column, rows)
        apart = {name: [] for name in names}
        for name, number in zip(names, numbers, strict=True):
            apart[name].append(number)
        values = _results(wish.inner, apart)
        called, what = f"{_CALLED[wish.inner]}{plural}", f" of {column.head} in {sheet.called}"
    best = _best(wish, values)
    chosen: dict[str, list[int]] = {name: [] for name in best}
    for row, name in zip(rows, names, strict=True):
        if name in chosen:
            chosen[name].append(row)
    said = []
    for name, each in chosen.items():
        figure = f"{_figure(values[name], unit, _places(wish.inner, apart[name]))} over " if apart else ""
        said.append(f"{by.cells[each[0]]} ({figure}{_rows(len(each))})")
    verb, best_of = ("are", f"{len(best)} {_CALLED[wish.operation]}") if plural else ("is", _CALLED[wish.operation])
    says = (
        f"Of {len(values):,} values of {by.head}, the {best_of} {called}{what}{where(wish.conditions)} {verb} that of "
    )
    first = by.cells[chosen[best[0]][0]]
    more = ("; " if plural else " and that of ").join(said)[len(first) :]  # and: of equal ones
    return Tally(says, first, more, (*left_out,), tuple(row for each in chosen.values() for row in each))


def _names(by: Column, rows: Sequence[int]) -> list[str]:
    """What each row has in a column, capitals or not."""
    folded = {cell: cell.casefold() for cell in by.distinct}
    return [folded[by.cells[row]] for row in rows]


_DONE: dict[Operation, Callable[[Sheet, Wish, list[int], list[str]], Tally]] = {
    "distinct": _distinct,
    "sum": _reduced,
    "mean": _reduced,
    "median": _reduced,
    "max": _extreme,
    "min": _extreme,
}


def _met(sheet: Sheet, conditions: Sequence[Condition]) -> list[int]:
    """The rows that meet every condition."""
    rows = list(range(len(sheet)))
    for condition in conditions:
        column = sheet.columns[condition.column]
        rows = column.told(rows)
        if condition.kind == "text":
            met = {cell for cell in column.distinct if condition.holds(cell)}
            rows = [row for row in rows if column.cells[row] in met]
            continue
        rows = [row for row in rows if row not in sheet.sums]  # a total need be no number like the others
        if condition.kind == "number":
            numbers, unit = _numbers(sheet, column, rows)
            _check_unit(column, condition, unit)
            rows = [row for row, value in zip(rows, numbers, strict=True) if condition.holds(value)]
        else:
            holds = cache(partial(_fits, condition))
            days = [holds(column.days[row]) for row in rows]
            if None in days:
                raise Unclear(_odd(sheet, column, rows[days.index(None)], "no date that can be read for certain"))
            rows = [row for row, fits in zip(rows, days, strict=True) if fits]
    return rows


def _check_unit(column: Column, condition: Condition, unit: str) -> None:
    """See that a question gives a number in what the column gives its numbers in.

    Raises:
        Unclear: It does not.
    """
    if condition.unit and unit != condition.unit:
        raise Unclear(f"{column.head} is not given in {condition.unit}{f' but in {unit}' if unit else ''}.")
    if unit and unit not in _CURRENCIES and not condition.unit:
        raise Unclear(f"{column.head} is given in {unit}, and the question compares it with a number of nothing.")
    if condition.is_large and _SCALED.search(column.head):
        raise Unclear(f"The numbers of {column.head} are scaled; it is not clear what the question compares them with.")


def _fits(condition: Condition, day: Day | None) -> bool | None:
    """Whether a day meets a condition; None where too little of it is known."""
    try:
        return None if day is None else bool(condition.holds(day))
    except TypeError:
        return None


def _check_keys(sheet: Sheet, wish: Wish, rows: Sequence[int]) -> None:
    """See that a row is one of what is counted.

    Raises:
        Unclear: Some stand in several rows.
    """
    if not wish.keys:
        return
    counts = {}
    for key in wish.keys:
        column = sheet.columns[key]
        told = [column.cells[row].casefold() for row in rows if column.is_told(row)]
        counts[key] = len(set(told))
        if counts[key] == len(rows):
            return
    column = sheet.columns[wish.keys[0]]
    asked = (
        f"say “highest single” or “highest total” (or lowest), or ask for one {column.head}"
        if wish.operation in ("max", "min")
        else f"ask how many rows, or how many different values of {column.head}"
    )
    raise Unclear(
        f"{sheet.called} has {_rows(len(rows))}{where(wish.conditions)} and {counts[wish.keys[0]]:,} different values "
        f"of {column.head}, so “{wish.noun}” may mean either; {asked}."
    )


def _check_of_one(sheet: Sheet, wish: Wish, rows: Sequence[int]) -> None:
    """See that what is counted is counted at one time.

    Raises:
        Unclear: It is told of several, and may be the same each time.
    """
    for time in wish.of_one:
        column = sheet.columns[time]
        if len({column.cells[row] for row in rows}) > 1:
            counted = _column(sheet, wish).head
            raise Unclear(
                f"{sheet.called} has {counted} for several values of {column.head}{where(wish.conditions)}; say of "
                f"which, or ask for the sum of {counted}."
            )


def _told(column: Column, rows: list[int], left_out: list[str]) -> list[int]:
    """The rows that have something in a column; how many have nothing is noted."""
    told = column.told(rows)
    if len(told) < len(rows):
        left_out.append(f"{_rows(len(rows) - len(told))} without {column.head} left out")
    if not told:
        raise Unclear(f"None of the {_rows(len(rows))} asked for has {column.head}.")
    return told


def _numbers(sheet: Sheet, column: Column, rows: Sequence[int]) -> tuple[list[Decimal], str]:
    """The numbers of a column in some rows, and the unit of all.

    Raises:
        Unclear: One is no number, or of another unit.
    """
    if rows and column.ambiguous:
        raise Unclear(
            f"“{column.ambiguous}” as {column.head} of {sheet.called} may be a whole number or have decimals; write "
            f"decimals with a point and another number of digits, or thousands with a comma or without."
        )
    read = [column.numbers[row] for row in rows] if rows else []
    if None in read:
        raise Unclear(_odd(sheet, column, rows[read.index(None)], "no number that can be read for certain"))
    numbers = [each for each in read if each]
    units = [each.unit for each in numbers]
    if len(set(units)) > 1:
        other = next(place for place, unit in enumerate(units) if unit != units[0])
        raise Unclear(_odd(sheet, column, rows[other], "of another unit than the rows before it"))
    return [each.value for each in numbers], units[0] if units else ""


def _days(sheet: Sheet, column: Column, rows: Sequence[int]) -> list[Day]:
    told: list[Day] = []
    for row in rows:
        day = column.days[row]
        if day is None or None in day:
            raise Unclear(_odd(sheet, column, row, "no whole date, or one of which day and month cannot be told"))
        told.append(day)
    return told


def _odd(sheet: Sheet, column: Column, row: int, why: str) -> str:
    said = column.cells[row]
    return f"Row {sheet.numbers[row]} of {sheet.called} has “{said[:60]}” as {column.head}, which is {why}."


def _best(wish: Wish, values: Mapping[_Key, Decimal] | Mapping[_Key, Day]) -> list[_Key]:
    """Which have the largest values, or the smallest, and all that equal the last of them; in the order of the rows."""
    ranked: list[_Key] = sorted(values, key=values.__getitem__, reverse=wish.operation == "max")
    last = values[ranked[min(wish.top, len(ranked)) - 1]]
    best = [key for place, key in enumerate(ranked) if place < wish.top or values[key] == last]
    if len(best) > _MOST_BEST:
        raise Unclear(f"{len(best):,} of them are equal, which are too many to name; ask how many, or of fewer rows.")
    return best


def _ties(sheet: Sheet, best: Sequence[int]) -> str:
    names = "; ".join(f"row {sheet.numbers[row]} ({_name(sheet, row)})" for row in best)
    return f", in {names}"


def _name(sheet: Sheet, row: int) -> str:
    """What a row is known by: its first cell that says something."""
    column = next(column for column in sheet.columns if column.is_told(row))
    return f"{column.head}: {column.cells[row]}"


def where(conditions: Sequence[Condition]) -> str:
    """What holds of some rows, in words after their name; "" where it is all of them."""
    return f" where {' and '.join(each.says for each in conditions)}" if conditions else ""


def _over(sheet: Sheet, rows: Sequence[int], wish: Wish) -> str:
    return f"{_rows(len(rows))} of {sheet.called}{where(wish.conditions)}"


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _column(sheet: Sheet, wish: Wish) -> Column:
    if wish.column is None:
        raise ValueError(f"{wish.operation} needs a column")
    return sheet.columns[wish.column]


def _result(operation: Operation, numbers: Sequence[Decimal]) -> Decimal:
    return _results(operation, {"": numbers})[""]


def _results(operation: Operation, apart: Mapping[str, Sequence[Decimal]]) -> dict[str, Decimal]:
    """The sum, mean or median of some numbers, apart from others."""
    with localcontext(_EXACT) as context:
        if operation == "sum":
            return {name: sum(numbers, Decimal(0)) for name, numbers in apart.items()}
        context.traps[Inexact] = False  # a mean need not come out even
        if operation == "median":
            return {name: median(numbers) for name, numbers in apart.items()}
        return {name: sum(numbers, Decimal(0)) / len(numbers) for name, numbers in apart.items()}


def _figure(value: Decimal, unit: str = "", places: int = 0) -> str:
    """A number as people write it, with so many decimals at most where it has more."""
    with localcontext(_EXACT) as context:
        context.traps[Inexact] = False
        if -int(value.as_tuple().exponent) > places:
            value = value.quantize(Decimal((0, (1,), -places)))
    sign, digits = ("-" if value < 0 else ""), f"{abs(value):,f}"
    if unit in _IN_FRONT:
        return f"{sign}{unit}{digits}"
    return f"{sign}{digits}{unit if unit in ('', '%', '°') else f' {unit}'}"


def _places(operation: Operation, numbers: Sequence[Decimal]) -> int:
    """How many decimals a result is given with: those of its numbers and, where it need not come out even, two more."""
    held = max(max(-int(each.as_tuple().exponent), 0) for each in numbers)
    return held if operation == "sum" or _is_even(_result(operation, numbers), held) else held + _FINER


def _is_even(value: Decimal, places: int) -> bool:
    with localcontext(_EXACT) as context:
        context.traps[Inexact] = False
        return value == value.quantize(Decimal((0, (1,), -places)))
