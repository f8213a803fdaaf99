"""Plain text: bytes -> canonical text."""

import codecs
import re
from collections import Counter
from contextlib import suppress
from itertools import chain

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
_WIDER = {  # what those who declare an encoding often mean
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_NO_CHARSETS = frozenset(["idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"])  # some never end
_JAPANESE = b"\x1b$B"  # how ISO-2022-JP, which is of seven bits as ASCII is, begins its words
_MOST = 2  # one of so many characters, at least, has a zero in it where Western text is in UTF-16
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LATIN = re.compile(r"(?:cp125[02478]|latin_1|iso8859_(?:[12349]|1[03456])|cp85[0278]|cp437|hp_roman8|mac_.*)")
_EASTERN = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ")
_ALPHABETS = {  # of each language its letters that English has not; the commoner encoding first
    "cp1252": (
        "àâæçéèêëîïôœùûüÿ",
        "äöüßé",
        "áéíñóúüªº",
        "áâãàçéêíóôõúü",
        "àèéìíîòóùú",
        "åäöæøéüà",
        "áðéíóúýþæö",
        "éëïóöüèê",
        "àçèéíïòóúü",
    ),
    "cp1250": _EASTERN,
    "iso8859_2": _EASTERN,
    "cp1254": ("âçğıiîöşüû\u0307",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž"),
}
_SIGNS = frozenset("“”„‘’‚–—…•«»‹›¿¡·\xa0°§€£©®™²³½¼¾±×")
_ENOUGH = 1_000_000  # characters tell the language


def marked_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark tells, or None where there is no mark."""
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), None)


def decode(data: bytes) -> str:
    """The text in some bytes: by its byte order mark, as UTF-8, or in the encoding that fits best.

    Raises:
        Refused: The bytes are not text.
    """
    marked = marked_encoding(data)
    if not marked and b"\x00" in data:
        return _utf_16(data)
    try:
        return data.decode(marked or ("iso2022_jp" if _JAPANESE in data else "utf-8"))
    except UnicodeDecodeError:
        return _guessed(data)


def decode_declared(data: bytes, charset: str) -> str:
    """As `decode`, in the encoding that the bytes are said to be in, where that is one and fits.

    Raises:
        Refused: The bytes are not text.
    """
    if marked_encoding(data):
        return decode(data)
    try:
        name = codecs.lookup(charset).name
        name = _WIDER.get(name, name)
        if name not in _NO_CHARSETS:
            return data.decode(name)
    except (LookupError, UnicodeError, ValueError):  # ValueError of a name with a NUL
        pass
    return decode(data)


def _utf_16(data: bytes) -> str:
    """The text in bytes of which every other one is zero, as that of Western letters in UTF-16 without a mark."""
    for first, encoding in enumerate(("utf-16-be", "utf-16-le")):
        zeros = data[first::2].count(0)
        if zeros * _MOST >= len(data) // 2 and not data[1 - first :: 2].count(0):
            with suppress(UnicodeDecodeError):
                text = data.decode(encoding)
                if not _CONTROL.search(text):
                    return text
    raise Refused("it is binary, not text")


def _guessed(data: bytes) -> str:
    """The text in bytes of an older encoding, which is told from the letters that it would have in each.

    Of two encodings of Latin letters the one is taken whose letters are those of one language: statistics of
    short texts take Hungarian for something Western, and Polish for Celtic.

    Raises:
        Refused: They are text in none.
    """
    best = from_bytes(data).best()
    if best is None:
        raise Refused("it is binary, or text in an encoding that cannot be told")
    read = {"": str(best)}
    if _LATIN.fullmatch(best.encoding):
        for encoding in _ALPHABETS:
            with suppress(UnicodeDecodeError):
                read[encoding] = data.decode(encoding)
    fits = {encoding: _fit(text, encoding) for encoding, text in read.items()}
    return read[max(fits, key=lambda encoding: fits[encoding])]


def _fit(text: str, encoding: str) -> float:
    """Which share of a text's letters that are not English one language of an encoding has, at most."""
    counts = Counter(char for char in text[:_ENOUGH].lower() if char > "\x7f" and char not in _SIGNS)
    alphabets = _ALPHABETS.get(encoding) or tuple(chain.from_iterable(_ALPHABETS.values()))
    most = max(sum(counts[letter] for letter in alphabet) for alphabet in alphabets)
    return most / counts.total() if counts else 1


def read(data: bytes) -> Content:
    """Plain text has no title, pages or headings."""
    text, dropped = canonical(decode(data))
    return Content(text, dropped=dropped)
