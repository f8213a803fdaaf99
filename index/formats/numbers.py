"""Numbers of a spreadsheet as people see them: the common number formats, and plainly where a format is not common."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from math import isfinite

from openpyxl.styles.numbers import is_date_format, is_timedelta_format
from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel

# What a format may have beside its digits: "text", \x, [Red] or [$€-407], _x (a gap), *x (a filling).
_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|\[\$([^\[\]-]*+)[^\[\]]*+\]|\[[^\[\]]*+\]|_.|\*.|([#0?][#0?,]*(?:\.[#0?]*)?|\.[#0?]+)(,*)|(.)'
)
_CLOCK = re.compile(r"[hs]|am/pm", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\[\]]*+\]')
_MAX_FORMAT = 200  # characters; longer ones are none that people made
_LARGE = 10**15  # a spreadsheet keeps no more digits
_EXACT, _SHORT = Context(prec=60), Context(prec=10)
_TEN_DIGITS = 10**10


def shown(value: object, format: str = "General") -> str:
    """A cell's value as text: dates as ISO 8601, numbers by a common format, with all digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime | date | time):
        return _moment(value, format)
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    return _number(value, format) if isinstance(value, int | float) else str(value)


def read_shown(text: str, format: str = "General", epoch: datetime = WINDOWS_EPOCH) -> str:
    """As `shown`, from a number as Office files write it: a date is the number of days from the epoch."""
    try:
        number = int(text) if text.isdecimal() and len(text) < 16 else float(text)
    except ValueError:
        return text  # such as #N/A, in charts
    if not is_date_format(format):
        return shown(number, format)
    try:
        return shown(from_excel(number, epoch, timedelta=is_timedelta_format(format)), format)
    except (OverflowError, ValueError):
        return "#####"  # as people see a date before the first or after the last


def plain(number: float) -> str:
    """A number without a format: no more digits than a cell shows, and no power of ten where there need be none."""
    if isinstance(number, float) and not isfinite(number):
        return str(number)
    if isinstance(number, int) or number.is_integer():
        return str(int(number)) if abs(number) < _LARGE else f"{Decimal(number).normalize(_SHORT):E}"
    told = f"{number:.10g}"
    return told.upper() if "e" in told else told


def _moment(value: datetime | date | time, format: str) -> str:
    has_clock = bool(_CLOCK.search(_QUOTED.sub("", format)))
    if isinstance(value, datetime):
        value = value.replace(microsecond=0) + timedelta(seconds=round(value.microsecond / 1e6))
        told = value.isoformat(sep=" ") if has_clock and value.time() != time() else value.date().isoformat()
    else:
        told = value.replace(microsecond=0).isoformat() if isinstance(value, time) else value.isoformat()
    return told.removesuffix(":00") if ":" in told else told


@dataclass(frozen=True, slots=True)
class _Format:
    """What one section of a number format says: the words around the digits, and the digits."""

    before: str
    after: str
    decimals: int
    least: int  # digits after the point that stand even where they are 0
    whole: int  # digits before it that do
    grouped: bool
    scale: int  # powers of ten
    is_blank: bool  # shows no digits, but a dash or nothing


def _number(value: float, format: str) -> str:
    """A number by the section of its format that is for it."""
    if not abs(value) < _LARGE:  # as is what is no number
        return plain(value)
    section, is_signed = _section(value, format)
    parsed = _parsed(section)
    if parsed is None:
        return plain(value)
    if parsed.is_blank:
        return parsed.before or plain(value)
    digits = _digits(abs(value), parsed)
    sign = "-" if value < 0 and is_signed and digits.strip("0.,") else ""
    return f"{sign}{parsed.before}{digits}{parsed.after}".strip()


def _section(value: float, format: str) -> tuple[str, bool]:
    """The section for a number: for those above, below and at 0; and whether a minus is still to be set."""
    if len(format) > _MAX_FORMAT:
        return "General", True
    sections = _sections(format)
    if len(sections) > 2 and value == 0:
        return sections[2], False
    return (sections[1], False) if len(sections) > 1 and value < 0 else (sections[0], True)


@lru_cache(maxsize=512)
def _sections(format: str) -> tuple[str, ...]:
    return tuple(re.findall(r'((?:"[^"]*"|\\.|\[[^\[\]]*+\]|[^;])+|(?<=;)(?=;|$)|^(?=;))', format)) or ("General",)


@lru_cache(maxsize=512)
def _parsed(section: str) -> _Format | None:
    """What a section says, or None where it is not a common one."""
    if section in ("General", "@") or re.search(r"\[[<>=]|[eE][+-]|[#0?] ?/|General", section):
        return None
    words, core, scale = ["", ""], "", 0
    for quoted, escaped, currency, digits, thousands, other in _TOKEN.findall(section):
        if digits and core:
            return None
        if digits:
            if thousands or digits.endswith(","):  # in thousands or millions: "M" beside it would be wrong of all of it
                return None
            core = digits
        scale += 2 * (other == "%")
        words[bool(core)] += quoted or escaped or currency or other
    whole, _, part = core.partition(".")
    return _Format(
        before=words[0].lstrip(),
        after=words[1].rstrip(),
        decimals=len(part),
        least=part.count("0"),
        whole=whole.count("0"),
        grouped="," in whole,
        scale=scale,
        is_blank=not core.strip("?"),
    )


def _digits(value: float, format: _Format) -> str:
    """The digits of a number that is not below 0: all that it has, though its format may round them away.

    What is added up and quoted is the number and not its looks. That of 0.1 + 0.2 which is none of it is left out.
    """
    exact = _EXACT.scaleb(Decimal(repr(value)), format.scale)
    rounded = exact.quantize(Decimal(1).scaleb(-format.decimals), ROUND_HALF_UP, _EXACT)
    if rounded != exact and _SHORT.plus(rounded) != _SHORT.plus(exact):  # of float noise, nothing is lost
        rounded = _SHORT.plus(exact) if exact < _TEN_DIGITS else exact
    whole, _, part = f"{rounded:f}".partition(".")
    while len(part) > format.least and part.endswith("0"):
        part = part[:-1]
    whole = whole.lstrip("0").rjust(format.whole, "0")
    grouped = f"{int(whole or 0):,}" if format.grouped and len(whole) > 3 else whole
    return f"{grouped}.{part}" if part else grouped or "0"
