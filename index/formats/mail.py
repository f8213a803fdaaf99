"""Mail: bytes -> the head lines that people read, the words, and the names of what is attached."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import HeaderParser
from email.utils import parsedate_to_datetime

from index.errors import Refused
from index.formats import html
from index.formats.content import Content, TextBuilder
from index.formats.text import decode_declared

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_ENCODING = "Content-Transfer-Encoding"
_CONTENT = ("Content-Type", "Content-Disposition", _ENCODING)
_MAX_HEAD = 256 * 2**10  # bytes: what tells the parts stands far before
_MAX_FIELD = 4_000  # characters of a head line: a list of recipients can be longer
_MAX_NAME = 200  # of an attachment
_MAX_PARTS = 1_000
_MAX_LEVELS = 50  # of parts in parts
_MESSAGE = "message/rfc822"
_HEAD_END = re.compile(rb"\A\r?\n|\r?\n\r?\n")
_FLOWED = re.compile(r"(?<!^--) \n(?=[^\s>])", re.MULTILINE)  # a blank before a line's end joins the next (RFC 3676)


@dataclass(frozen=True, slots=True)
class _Part:
    """A message or a part of one; `level` is how many parts it lies in."""

    head: Message  # what Footnote looks at of it
    body: bytes  # encoded as the head says
    level: int = 0


def read(data: bytes) -> Content:
    """The message; its subject is the title, and who wrote it the author.

    Raises:
        Refused: It is no message, or of too many parts, or nested too deep.
    """
    builder = TextBuilder()
    told = add_message(builder, data)
    return builder.content(**told)


def add_message(builder: TextBuilder, data: bytes) -> dict[str, str]:
    """Add a message to a text; tells its title, author and date.

    Raises:
        Refused: See `read`.
    """
    message = _part(data)
    if not message.head.keys():
        raise Refused("it is not a mail: it has no head that tells who wrote it, when, and of what")
    _Writer(builder).add(message)
    sender = _field(message.head, "From")
    name = sender.partition("<")[0].strip("\"' ")
    return {
        "title": _field(message.head, "Subject"),
        "author": name or sender.strip("<> "),
        "date": _date(message.head),
    }


@dataclass(slots=True)
class _Writer:
    """Writes a message and those that it forwards."""

    builder: TextBuilder
    parts: int = 0

    def add(self, message: _Part, *, is_forwarded: bool = False) -> None:
        """Add a message; one forwarded in one that is forwarded is only named, so this never goes deeper."""
        told = ((name, _field(message.head, name)) for name in _SHOWN)
        self.builder.add_block("\n".join(f"{name}: {field}" for name, field in told if field))
        attached: list[str] = []
        for part in _leaves(message):
            self.parts += 1
            _check(self.parts)
            kind = part.head.get_content_type()
            if kind == _MESSAGE and not is_forwarded:
                inner = _part(_decoded(part))
                self.builder.add_heading(1, f"Forwarded: {_field(inner.head, 'Subject')}")
                self.add(inner, is_forwarded=True)
            elif _is_words(part):
                self.builder.add_content(_words(part))
            else:
                attached.append(f"Attached: {_name(part)} ({kind})")
        self.builder.add_block("\n".join(attached))


def _check(parts: int) -> None:
    if parts > _MAX_PARTS:
        raise Refused(f"it has more than {_MAX_PARTS:,} parts, and Footnote reads no more")


def _part(data: bytes, kind: str = "text/plain", level: int = 0) -> _Part:
    """A part, of the head of which only so much is parsed as Footnote looks at: some have megabytes."""
    end = _HEAD_END.search(data)
    first, last = end.span() if end else (len(data), len(data))
    parsed = HeaderParser().parsestr(data[: min(first, _MAX_HEAD)].decode("latin-1"))
    head = Message()
    head.set_default_type(kind)
    for name, value in parsed.raw_items():
        known = next((each for each in (*_SHOWN, *_CONTENT) if each.lower() == name.lower()), None)
        if known and known not in head:
            head[known] = _unmarked(str(value)[:_MAX_FIELD])
    stray = str(parsed.get_payload()).encode("latin-1")  # what stands in the head and is no head line
    return _Part(head, stray + data[last:], level)


def _unmarked(value: str) -> str:
    """A head line on one line; of bytes beyond ASCII, which none should have, the commonest encodings are tried."""
    data = value.encode("latin-1")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    return " ".join(text.split())


def _leaves(message: _Part) -> Iterator[_Part]:
    """The parts that have none in them, in order; of alternatives the one that reads best."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        children = _children(part)
        if children and part.head.get_content_type() == "multipart/alternative":
            children = [_best(children)]
        if not children:
            yield part
        waiting += reversed(children)


def _children(part: _Part) -> list[_Part]:
    """The parts of a part; none where it tells of none."""
    boundary = _safely(part.head.get_boundary).encode("utf-8", "surrogateescape")
    if part.head.get_content_maintype() != "multipart" or not boundary:
        return []
    if part.level >= _MAX_LEVELS:
        raise Refused(f"its parts are nested more than {_MAX_LEVELS} levels deep")
    border = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*+(?:\r?\n|\Z)")
    borders: list[re.Match[bytes]] = []
    place = 0
    while (match := border.search(part.body, place)) and not match[1]:
        borders.append(match)
        _check(len(borders) - 1)
        place = max(match.end() - 2, match.start() + 1)  # the end of a line can begin the next border
    ends = [*(each.start() for each in borders[1:]), match.start() if match else len(part.body)]
    kind = _MESSAGE if part.head.get_content_type() == "multipart/digest" else "text/plain"
    return [
        _part(part.body[begun.end() : end], kind, part.level + 1) for begun, end in zip(borders, ends, strict=False)
    ]


def _best(alternatives: Sequence[_Part]) -> _Part:
    """The alternative in plain text, unless that is blank; else the last that holds any text."""
    for part in alternatives:
        if part.head.get_content_type() == "text/plain" and _words(part).text.strip():
            return part
    rich = (part for part in reversed(alternatives) if part.head.get_content_maintype() in ("text", "multipart"))
    return next(rich, alternatives[-1])


def _is_words(part: _Part) -> bool:
    """Whether a part is for reading, not a file that is sent along."""
    return part.head.get_content_maintype() in ("text", "multipart") and (
        _safely(part.head.get_content_disposition) != "attachment"
    )


def _words(part: _Part) -> Content:
    """What a part says."""
    data, charset = _decoded(part), _safely(part.head.get_content_charset) or "utf-8"
    try:
        text = decode_declared(data, charset)
    except Refused:  # a letter that cannot be told is no reason not to read the others
        text = data.decode("utf-8", "replace")
    if part.head.get_content_type() == "text/html":
        return html.read_text(text)
    text = text.replace("\r\n", "\n").strip("\n")
    is_flowed = _safely(lambda: part.head.get_param("format")).lower() == "flowed"
    return Content(_FLOWED.sub(" ", text) if is_flowed else text)


def _decoded(part: _Part) -> bytes:
    """The bytes of a part as they were before it was made fit for the way."""
    message = Message()
    message[_ENCODING] = part.head.get(_ENCODING, "")
    message.set_payload(part.body.decode("ascii", "surrogateescape"))
    payload = message.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _name(part: _Part) -> str:
    """What an attachment is called, on one line."""
    name = _safely(part.head.get_filename)
    if part.head.get_content_type() == _MESSAGE:
        name = name or _field(_part(_decoded(part)).head, "Subject")
    return " ".join(_plain(name).split())[:_MAX_NAME] or "a file without a name"


def _field(head: Message, name: str) -> str:
    return " ".join(_plain(str(head.get(name, ""))).split())


def _plain(value: str) -> str:
    """A head line without the marks that its letters are encoded by (RFC 2047); as it stands where they are broken."""
    marked, end, rest = value.rpartition("?=")  # what cannot be marked is kept from a search that would not end
    if not end:
        return value
    try:
        pieces = decode_header(marked + end)
        told = [
            piece if isinstance(piece, str) else decode_declared(piece, charset or "raw-unicode-escape")
            for piece, charset in pieces
        ]
    except (HeaderParseError, ValueError, Refused):
        return value
    return "".join(told) + rest


def _date(head: Message) -> str:
    """When it was sent, in ISO 8601, or "" where that cannot be told."""
    try:
        return parsedate_to_datetime(_field(head, "Date")[:_MAX_NAME]).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _safely(told: Callable[[], object]) -> str:
    """What a head tells, or "" where it is so broken that the parser stumbles."""
    try:
        return str(told() or "")
    except (ValueError, TypeError, LookupError):
        return ""
