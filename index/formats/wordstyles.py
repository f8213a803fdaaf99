"""Word's styles and lists: which paragraphs are headings, which are hidden, and what stands before a list's item."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_OFF = ("0", "false", "off", "none")
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_MAX_CHAIN = 20  # styles that each build on the next; a hostile one builds on itself
_MAX_LABEL = 40  # characters of what stands before an item
_ROMAN = {"m": 1000, "cm": 900, "d": 500, "cd": 400, "c": 100, "xc": 90, "l": 50, "xl": 40}
_ROMAN |= {"x": 10, "ix": 9, "v": 5, "iv": 4, "i": 1}


def value(element: Any, path: str) -> str | None:
    """What an element below another says, by its `val`; None where there is none of the path, "a/b" of Word's names."""
    found = element.find(_path(path)) if element is not None else None
    return None if found is None else found.get(f"{W}val", "")


@cache
def _path(path: str) -> str:
    return "/".join(f"{W}{name}" for name in path.split("/"))


def is_on(element: Any, path: str) -> bool | None:
    """Whether a property is set; None where nothing is said."""
    told = value(element, path)
    return None if told is None else told not in _OFF


class Styles:
    """What the styles of a document say of its paragraphs, runs and tables, whatever language they are named in."""

    def __init__(self, root: Any = None) -> None:
        styles = [] if root is None else root.findall(f"{W}style")
        self._by_id = {style.get(f"{W}styleId"): style for style in styles}

    def level(self, paragraph: Any) -> int:
        """The level of a heading, from 1; 0 of what is none."""
        direct = value(paragraph, "pPr/outlineLvl")
        if direct is not None:
            return _level(direct)
        for style in self.chain(value(paragraph, "pPr/pStyle")):
            name = (value(style, "name") or "").casefold()
            outline, numbered = value(style, "pPr/outlineLvl"), _HEADING.fullmatch(name)
            if name == "title" or style.get(f"{W}styleId") == "Title":
                return 1
            if outline is not None or numbered:
                return _level(outline) if outline is not None else int(numbered[1]) if numbered else 0
        return 0

    def is_title(self, paragraph: Any) -> bool:
        """Whether a paragraph is the title of the document."""
        return any(
            (value(style, "name") or "").casefold() == "title" for style in self.chain(value(paragraph, "pPr/pStyle"))
        )

    def is_contents(self, paragraph: Any) -> bool:
        """Whether a paragraph is a line of a table of contents, which says again what the headings say."""
        name = value(self._by_id.get(value(paragraph, "pPr/pStyle")), "name") or ""
        return name.casefold().startswith("toc ")

    def is_hidden(self, properties: Any, style: str | None = None) -> bool:
        """Whether a run is hidden, by its own properties or those of its style."""
        own = is_on(properties, "vanish")
        if own is None:
            told = (is_on(each, "rPr/vanish") for each in self.chain(value(properties, "rStyle") or style))
            own = next((each for each in told if each is not None), False)
        return own

    def has_heads(self, table: Any) -> bool:
        """Whether a table's first row is shown as heads: asked for, and by a style that shows it differently.

        Word asks for it in each new table, and most styles show nothing of it.
        """
        look = table.find(f"{W}tblPr/{W}tblLook")
        if look is None:
            return False
        asked = look.get(f"{W}firstRow")
        if asked is None:
            asked = str(int(look.get(f"{W}val") or "0", 16) & 0x20)
        shown = f"{W}tblStylePr[@{W}type='firstRow']"
        styles = self.chain(value(table, "tblPr/tblStyle"))
        return asked not in _OFF and any(style.find(shown) is not None for style in styles)

    def chain(self, name: str | None) -> Iterator[Any]:
        """The style of some id, and those it builds on."""
        for _ in range(_MAX_CHAIN):
            style = self._by_id.get(name)
            if style is None:
                return
            yield style
            name = value(style, "basedOn")


@dataclass(frozen=True, slots=True)
class _Level:
    """A level of a list: how it counts, and what it shows, such as "%1.%2."."""

    format: str
    shows: str
    start: int
    style: str | None


@dataclass(slots=True)
class Lists:
    """Counts the items of a document's lists as they come."""

    styles: Styles
    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    _lists: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> what it counts with, and its levels
    _counts: dict[tuple[str, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, styles: Styles, root: Any) -> "Lists":
        """The lists of a document, from its numbering part."""
        made = cls(styles)
        for each in [] if root is None else root.findall(f"{W}abstractNum"):
            made._levels[each.get(f"{W}abstractNumId")] = dict(map(_read_level, each.findall(f"{W}lvl")))
        for each in [] if root is None else root.findall(f"{W}num"):
            number, levels = each.get(f"{W}numId"), value(each, "abstractNumId") or ""
            restarts = each.find(f"{W}lvlOverride") is not None
            made._lists[number] = (f"list {number}" if restarts else levels, levels)
        return made

    def label(self, paragraph: Any) -> str:
        """What stands before a paragraph: "• " or its number, such as "2.1 "; "" where it is of no list."""
        number, depth = self._place(paragraph)
        counter, name = self._lists.get(number, ("", ""))
        levels = self._levels.get(name, {})
        level = levels.get(depth)
        if level is None or level.format == "none":
            return ""
        if level.format == "bullet":
            return "• "
        self._counts[counter, depth] = self._counts.get((counter, depth), level.start - 1) + 1
        for deeper in range(depth + 1, 9):
            self._counts.pop((counter, deeper), None)

        def shown(match: re.Match[str]) -> str:
            which = int(match[1]) - 1
            of = levels.get(which, level)
            return _numeral(self._counts.get((counter, which), of.start), of.format)

        told = re.sub("%([1-9])", shown, level.shows)[:_MAX_LABEL].strip()
        return f"{told} " if told else ""

    def _place(self, paragraph: Any) -> tuple[str, int]:
        """The list and the level of a paragraph, as it or its style says."""
        own = value(paragraph, "pPr/numPr/numId")
        if own is not None:
            return own, _whole(value(paragraph, "pPr/numPr/ilvl"))
        for style in self.styles.chain(value(paragraph, "pPr/pStyle")):
            number = value(style, "pPr/numPr/numId")
            if number is not None:
                levels = self._levels.get(self._lists.get(number, ("", ""))[1], {})
                mine = (depth for depth, level in levels.items() if level.style == style.get(f"{W}styleId"))
                told = value(style, "pPr/numPr/ilvl")
                return number, _whole(told) if told is not None else next(mine, 0)
        return "0", 0


def _read_level(element: Any) -> tuple[int, _Level]:
    level = _Level(
        value(element, "numFmt") or "decimal",
        (value(element, "lvlText") or "")[: 2 * _MAX_LABEL],
        _whole(value(element, "start") or "1"),
        value(element, "pStyle"),
    )
    return _whole(element.get(f"{W}ilvl")), level


def _numeral(number: int, format: str) -> str:
    """A number as a list shows it; those that count in words or in other scripts are shown in digits."""
    letters = format.casefold()
    if "letter" in letters and number > 0:
        told = chr(ord("a") + (number - 1) % 26) * min(1 + (number - 1) // 26, _MAX_LABEL)
    elif "roman" in letters and 0 < number < 4_000:
        told = _roman(number)
    else:
        return f"{number:02}" if format == "decimalZero" else str(number)
    return told.upper() if letters.startswith("upper") else told


def _roman(number: int) -> str:
    told = ""
    for sign, worth in _ROMAN.items():
        told += sign * (number // worth)
        number %= worth
    return told


def _level(outline: str) -> int:
    """Outline levels count from 0, and 9 is text."""
    return _whole(outline) + 1 if _whole(outline) < 9 else 0


def _whole(number: str | None) -> int:
    return int(number) if number and re.fullmatch("[0-9]{1,6}", number) else 0
