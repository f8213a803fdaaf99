"""Files of records -> checked records, each with its place in the file, for messages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from index.errors import DatasetError

Checked = TypeVar("Checked")


class Record(BaseModel):
    """A record whose fields have the types that are written down; others than these are passed over."""

    model_config = ConfigDict(frozen=True, strict=True)


class StrictRecord(Record):
    """A record that has no other fields either."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        DatasetError: It is missing, or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read as UTF-8 text ({error}); name a set of questions.") from error


def lines(path: Path, type: type[Checked]) -> Iterator[tuple[str, Checked]]:
    """Each line's record and its place; blank lines are passed over.

    Raises:
        DatasetError: A line is not such a record.
    """
    adapter = TypeAdapter(type)
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            place = f"{path}, line {number}"
            try:
                record = adapter.validate_json(line)
            except ValidationError as error:
                raise DatasetError(explained(place, error)) from error
            yield place, record


def whole(path: Path, type: type[Checked]) -> Checked:
    """The one record that a JSON file is.

    Raises:
        DatasetError: It is not such a record.
    """
    text = read_text(path)
    try:
        return TypeAdapter(type).validate_json(text)
    except ValidationError as error:
        raise DatasetError(explained(str(path), error)) from error


def fields(path: Path) -> frozenset[str]:
    """The names of the fields of a file's first record, by which its format is told.

    Raises:
        DatasetError: Neither the file nor its first line is JSON.
    """
    record = _first(path)
    while not (isinstance(record, dict) and not all(isinstance(each, dict) for each in record.values())):
        inner = list(record.values()) if isinstance(record, dict) else record
        if not isinstance(inner, list) or not inner:
            return frozenset()
        record = inner[0]
    return frozenset(record)


def _first(path: Path) -> Any:
    """What the file holds if it is JSON, or else what its first line does."""
    text = read_text(path)
    line = next((line for line in text.split("\n") if line.strip()), "")
    if not line:
        raise DatasetError(f"{path} is empty; name a set of questions.")
    errors = []
    for part in (line,) if path.suffix == ".jsonl" else (text, line):
        try:
            return json.loads(part)
        except json.JSONDecodeError as error:
            errors.append(error)
    raise DatasetError(f"{path}, line {errors[0].lineno}: expected JSON ({errors[0].msg}).") from errors[0]


_SAID = {
    "missing": "is missing",
    "extra_forbidden": "is no field of such a record",
    "string_type": "must be text",
    "string_pattern_mismatch": "must not be blank",
}
_MISNAMED = "extra_forbidden"


def explained(place: str, error: Exception) -> str:
    """One sentence: the place, the field in it, and what was expected there."""
    if not isinstance(error, ValidationError):
        return f"{place}: {error}."
    every = error.errors()
    first = next((each for each in every if each["type"] == _MISNAMED), every[0])
    inside = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    said = _SAID.get(first["type"]) or first["msg"][0].lower() + first["msg"][1:]
    return f"{place}{f', {inside}' if inside else ''}: {said}."
