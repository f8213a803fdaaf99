"""JSON: bytes -> a line for each value under the names that lead to it, or a table where records share them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeAlias, cast

from index import tables
from index.errors import Refused
from index.formats.content import Content, TextBuilder
from index.formats.text import decode

Value: TypeAlias = "str | bool | list[Value] | tuple[tuple[str, Value], ...] | None"
"""A scalar (a number as it is written), an array, or an object, in which a name may come twice."""

_MAX_CHARACTERS = 10_000_000
_MAX_DEPTH = 100
_MAX_NAME = 1_000  # characters of the names that lead to a value; of longer ones the end is shown
_MAX_COLUMNS = 100
_MAX_CELL = 500  # characters: longer ones are prose, which reads badly in a row
_BORDER = ""  # stands for the end of a block among lines, of which none is blank
_END: tuple[str, Value] = ("", ["end"])  # told by its identity
_BLANK: tuple[Value, ...] = ("", None, [], ())
_WORDS: dict[bool | None, str] = {True: "true", False: "false", None: ""}
_OF_ITSELF = ("title", "author", "date", "url")


def read(data: bytes) -> Content:
    """An array of like records becomes a table, and anything else lines: "address.city: Rome".

    Raises:
        Refused: It is not JSON, or nested too deep, or too much of it; the message says where.
    """
    source = text(data)
    try:
        return content(parse(source))
    except json.JSONDecodeError as error:
        if error.msg.startswith("Extra data"):  # many call a file of JSON lines .json
            return content(lines(source))
        raise Refused(f"it is not JSON (line {error.lineno}, column {error.colno}: {error.msg}); mend it") from error


def text(data: bytes) -> str:
    """What some bytes spell.

    Raises:
        Refused: It is not text, or too long.
    """
    source = decode(data)
    if len(source) > _MAX_CHARACTERS:
        raise Refused(
            f"it has {len(source):,} characters of JSON, and Footnote reads at most {_MAX_CHARACTERS:,}; split it"
        )
    return source


def lines(source: str) -> list[Value]:
    """The values of JSON lines, a blank line as an object with nothing in it.

    Raises:
        Refused: A line is not JSON, or nested too deep; the message says which.
    """
    values: list[Value] = []
    for number, line in enumerate(source.split("\n"), start=1):
        try:
            values.append(parse(line) if line.strip() else ())
        except json.JSONDecodeError as error:
            raise Refused(f"its line {number} is not JSON (column {error.colno}: {error.msg}); mend it") from error
    return values


def parse(source: str) -> Value:
    """The value that some JSON tells; numbers stay as they are written, however long.

    Raises:
        JSONDecodeError: It is not JSON.
        Refused: It is nested too deep.
    """
    try:
        told = json.loads(source, object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError as error:
        raise Refused(f"it is nested more than {_MAX_DEPTH} levels deep") from error
    return cast(Value, told)


def content(value: Value) -> Content:
    """A value as text, with what it tells of itself where it is an object.

    Raises:
        Refused: It is nested too deep, or written out too long.
    """
    builder = TextBuilder()
    columns = _columns(value) if isinstance(value, list) else ()
    if isinstance(value, list) and columns:
        builder.add_rows(columns, _rows(value, columns, builder), row=1)
    else:
        for is_border, block in groupby(_lines(value), key=_BORDER.__eq__):
            if not is_border:
                _check(builder)
                builder.add_block("\n".join(block))
    told = dict(value) if isinstance(value, tuple) else {}
    return builder.content(**{name: words for name in _OF_ITSELF if isinstance(words := told.get(name), str)})


def _check(builder: TextBuilder) -> None:
    """See that the text stays within bounds: a name of a thousand letters can lead to a million values."""
    if builder.length > _MAX_CHARACTERS:
        raise Refused(f"written out it has more than {_MAX_CHARACTERS:,} characters")


def _columns(records: Sequence[Value]) -> tuple[str, ...]:
    """The names that an array's objects share, in the order they come; none where they make no table."""
    names: dict[str, None] = {}
    filled = count = 0
    for record in records:
        if not isinstance(record, tuple) or len(dict(record)) < len(record):
            return ()
        names.update(dict.fromkeys(name for name, _ in record))
        if len(names) > _MAX_COLUMNS or not all(_is_cell(value) for _, value in record):
            return ()
        filled += len(record)
        count += bool(record)
    return tuple(names) if count > 1 and filled * 2 >= count * len(names) else ()


def _is_cell(value: Value) -> bool:
    """Whether a value is a scalar, or some, that can stand in a row."""
    if isinstance(value, tuple) or (isinstance(value, list) and not _is_plain(value)):
        return False
    words = _written(value)
    return len(words) <= _MAX_CELL and "\n" not in words


def _is_plain(values: Sequence[Value]) -> bool:
    """Whether an array is of scalars alone."""
    return not any(isinstance(value, list | tuple) for value in values)


def _written(value: Value) -> str:
    """A scalar, or the scalars of an array, as a person reads them."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_written, value)))
    return value if isinstance(value, str) else _WORDS[cast("bool | None", value)]


def _rows(records: Sequence[Value], columns: Sequence[str], builder: TextBuilder) -> Iterator[list[str]]:
    for record in records:
        _check(builder)
        told = dict(record) if isinstance(record, tuple) else {}
        yield [_written(told.get(name)) for name in columns]


def _lines(value: Value) -> Iterator[str]:
    """A line for each scalar, and `_BORDER` around each element of an array that is not of scalars alone.

    Without recursion, which would take a step a level for each line.

    Raises:
        Refused: It is nested too deep.
    """
    levels: list[Iterator[tuple[str, Value]]] = [iter([("", value)])]
    while levels:
        name, value = next(levels[-1], _END)
        if value is _END[1]:
            levels.pop()
        elif value == _BORDER:
            yield _BORDER
        elif isinstance(value, tuple):
            levels.append(_members(name, value))
        elif isinstance(value, list) and not _is_plain(value):
            levels.append(_elements(name, value))
        elif words := _written(value).strip():
            yield f"{tables.cell(name)}: {words}" if name else words
        if len(levels) > _MAX_DEPTH + 1:
            raise Refused(f"it is nested more than {_MAX_DEPTH} levels deep")


def _members(name: str, members: Iterable[tuple[str, Value]]) -> Iterator[tuple[str, Value]]:
    for key, value in members:
        if value not in _BLANK:
            yield (f"{name}.{key}" if name else key)[-_MAX_NAME:], value


def _elements(name: str, elements: Iterable[Value]) -> Iterator[tuple[str, Value]]:
    for value in elements:
        yield name, _BORDER
        yield name, value
    yield name, _BORDER
