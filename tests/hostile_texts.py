"""Texts made to have a regular expression go back as often as it can, from what the expression itself looks for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from re import _constants as ops  # the parser that `re` itself uses: no other knows all it can say
from re import _parser as parser
from typing import Any

_ALPHABET = " 1a\nA.,-\t|'\"([<{*`:;/%$)]>\\_=#x?eé’–\u2028\u00a0"
_PUMPS = 4  # characters of a class that are tried
_TAILS = ("", "\x01")

Parsed = Sequence[tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Attack:
    """A text that can be made as long as one likes: `unit` many times, between `head` and `tail`."""

    head: str
    unit: str
    tail: str

    def text(self, size: int) -> str:
        """The text, of about `size` characters."""
        return f"{self.head}{self.unit * (size // len(self.unit))}{self.tail}"


def attacks(pattern: "re.Pattern[str] | re.Pattern[bytes]") -> Iterator[Attack]:
    """What each loop of a pattern takes, many times, behind what leads to that loop; and both together, many times."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    for before, unit in dict.fromkeys(_pumps(list(parser.parse(source, flags)), "")):
        for tail in _TAILS:
            yield from (Attack(head, unit, tail) for head in dict.fromkeys(["", before]))
        if before:
            yield from (Attack("", before + unit, ""), Attack("", before + unit * 3, ""))


def _pumps(parts: Parsed, before: str) -> Iterator[tuple[str, str]]:
    """What leads to each loop in some parts of a pattern, and what is taken by it once; nothing that is empty."""
    sofar = before
    for operation, value in parts:
        for inner in _inner(operation, value):
            yield from _pumps(inner, sofar)
        if operation in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            _, most, body = value
            if most == ops.MAXREPEAT or most > 8:
                yield from ((sofar, unit) for unit in _units(list(body)) if unit)
        sofar += _sample([(operation, value)])
    if sofar[len(before) :]:
        yield before, sofar[len(before) :]


def _inner(operation: Any, value: Any) -> Iterator[Parsed]:
    """The parts of a pattern inside one of its parts."""
    if operation is ops.BRANCH:
        yield from map(list, value[1])
    elif operation is ops.SUBPATTERN:
        yield list(value[3])
    elif operation in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
        yield list(value[2])
    elif operation in (ops.ASSERT, ops.ASSERT_NOT):
        yield list(value[1])
    elif operation is ops.ATOMIC_GROUP:
        yield list(value)
    elif operation is ops.GROUPREF_EXISTS:
        yield from (list(each) for each in value[1:] if each is not None)


def _units(body: Parsed) -> Iterator[str]:
    """What a loop takes once: characters of its class, or samples of its branches."""
    if len(body) == 1:
        operation, value = body[0]
        if operation in (ops.IN, ops.ANY, ops.NOT_LITERAL, ops.LITERAL):
            yield from _characters(operation, value)[:_PUMPS]
            return
        if operation is ops.BRANCH:
            for branch in value[1]:
                yield from _units(list(branch))
            return
        if operation is ops.SUBPATTERN:
            yield from _units(list(value[3]))
            return
    yield _sample(body)
    yield _sample(body, 1)


def _sample(parts: Parsed, more: int = 0) -> str:
    """A text that some parts of a pattern match, but for what they look at around it; loops go round `more` often."""
    told = ""
    for operation, value in parts:
        if operation in (ops.IN, ops.ANY, ops.NOT_LITERAL, ops.LITERAL):
            told += next(iter(_characters(operation, value)), "")
        elif operation is ops.BRANCH:
            told += _sample(list(value[1][0]), more)
        elif operation is ops.SUBPATTERN:
            told += _sample(list(value[3]), more)
        elif operation is ops.ATOMIC_GROUP:
            told += _sample(list(value), more)
        elif operation in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            least, most, body = value
            told += _sample(list(body), more) * min(max(least, more), most)
    return told


def _characters(operation: Any, value: Any) -> str:
    """Characters of a class: those of a small alphabet, or else the first that the class names."""
    if operation is ops.LITERAL:
        return chr(value)
    fitting = "".join(each for each in _ALPHABET if _is_in(each, operation, value))
    named = [item for item in value if item[0] in (ops.LITERAL, ops.RANGE)] if operation is ops.IN else []
    first = [chr(item[1] if item[0] is ops.LITERAL else item[1][0]) for item in named[:2]]
    return fitting or "".join(first)


def _is_in(character: str, operation: Any, value: Any) -> bool:
    if operation is ops.ANY:
        return character != "\n"
    if operation is ops.NOT_LITERAL:
        return ord(character) != value
    is_negated = bool(value) and value[0][0] is ops.NEGATE
    return is_negated != any(_has(character, item) for item in value)


_CATEGORIES = {
    ops.CATEGORY_DIGIT: r"\d",
    ops.CATEGORY_NOT_DIGIT: r"\D",
    ops.CATEGORY_SPACE: r"\s",
    ops.CATEGORY_NOT_SPACE: r"\S",
    ops.CATEGORY_WORD: r"\w",
    ops.CATEGORY_NOT_WORD: r"\W",
}


def _has(character: str, item: tuple[Any, Any]) -> bool:
    kind, value = item
    if kind is ops.LITERAL:
        return ord(character) == value
    if kind is ops.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    return kind is ops.CATEGORY and re.fullmatch(_CATEGORIES[value], character) is not None
