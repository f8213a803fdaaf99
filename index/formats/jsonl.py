"""JSON Lines: bytes -> what JSON makes of an array of their values."""

from index.formats import json
from index.formats.content import Content


def read(data: bytes) -> Content:
    """Like records become a table, the rows of which have the numbers of their lines; other values a block each.

    Raises:
        Refused: A line is not JSON; the message says which.
    """
    return json.content(json.lines(json.text(data)))
