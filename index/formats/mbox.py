"""Mailbox (mbox): bytes -> its messages, each on a page."""

import re

from index.errors import Refused
from index.formats import mail
from index.formats.content import Content, TextBuilder

_MAX_MESSAGES = 20_000
# The line that each begins with; one in a message that begins alike has no time in it, or is quoted by ">".
_FROM = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From (?:[^\n]*\d\d:\d\d[^\n]*|[^\S\n]*)(?:\n|\Z)|\AFrom [^\n]*\n")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def read(data: bytes) -> Content:
    """The messages in order, the pages of which are called by their numbers.

    Raises:
        Refused: It is no mailbox, or holds too many messages.
    """
    borders = list(_FROM.finditer(data))
    if not borders or borders[0].start():
        raise Refused('it is not a mailbox: it does not begin with a "From " line')
    if len(borders) > _MAX_MESSAGES:
        raise Refused(
            f"it holds {len(borders):,} messages, and Footnote reads at most {_MAX_MESSAGES:,} of a file; split it"
        )
    builder = TextBuilder()
    ends = [*(border.start() for border in borders[1:]), len(data)]
    for number, (border, end) in enumerate(zip(borders, ends, strict=True), start=1):
        builder.begin_page(f"message {number}")
        try:
            mail.add_message(builder, _QUOTED.sub(rb"\1", data[border.end() : end]))
        except Refused as refusal:  # the others are read all the same
            builder.add_block(f"(Footnote has not read this message: {refusal})")
    return builder.content()
