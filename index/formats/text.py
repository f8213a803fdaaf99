"""Plain text: bytes -> canonical text."""

from charset_normalizer import from_bytes

from index.document import canonical
from index.errors import Refused
from index.formats.content import Content

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def marked_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark tells, or None where there is no mark."""
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), None)


def decode(data: bytes) -> str:
    """The text in some bytes: by its byte order mark, as UTF-8, or in the encoding that fits best.

    Raises:
        Refused: The bytes are not text.
    """
    marked = marked_encoding(data)
    try:
        if marked:
            return data.decode(marked)
        if b"\x00" in data:
            raise Refused("it is binary, not text")
        return data.decode("utf-8")
    except UnicodeDecodeError:
        guesses = from_bytes(data)
    best = guesses.best()
    if best is None:
        raise Refused("it is binary, or text in an encoding that cannot be told")
    # As good a guess and far commoner: of short French the Baltic cp1257 is thought first.
    western = next((guess for guess in guesses if guess.encoding == "cp1252"), best)
    return str(western if western.coherence >= best.coherence else best)


def read(data: bytes) -> Content:
    """Plain text has no title, pages or headings."""
    text, dropped = canonical(decode(data))
    return Content(text, dropped=dropped)
