"""Valid documents broken by chance: the same number breaks the same document in the same way, everywhere."""

import random
from collections.abc import Callable

from tests.malice.honest import MAKERS, archived, honest, members_of
from tests.malice.recipe import Hostile

_ARCHIVES = (".docx", ".xlsx", ".pptx", ".epub")
_NUMBERS = (b"-1", b"0", b"255", b"65536", b"2147483647", b"4294967296", b"99999999999999999999", b"1e999", b"NaN")
_TOKENS = (
    *(
        b"\x00",
        b"\xff" * 8,
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r",
        b"\n\n",
        b"'",
        b'"',
        b"<",
        b">",
        b"&",
        b"&#0;",
        b"]]>",
    ),
    *(b"<!--", b"<![CDATA[", b"<!DOCTYPE x>", b"<?xml", b"../", b"%00", b"%s%n", b"`" * 9, b"[" * 99, b"{" * 99),
    *(
        b"(" * 99,
        b"<x>" * 99,
        b"endstream",
        b"endobj",
        b"0 R",
        b"/Kids",
        b"PK\3\4",
        b"PK\5\6",
        b"%PDF-",
        b"From ",
        b"--b",
    ),
    *(b"-->", b"::", b"|a|", b".. ", b"=?utf-8?q?=00?=", "\u202e".encode(), "\U000e0041".encode(), b"\xed\xa0\x80"),
)


def _flipped(data: bytes, rng: random.Random) -> bytes:
    """Some bits are others."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 64))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _set(data: bytes, rng: random.Random) -> bytes:
    """A few bytes in a row are others."""
    place, length = rng.randrange(len(data)), rng.choice((1, 2, 4, 16))
    return data[:place] + rng.randbytes(length) + data[place + length :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    """It ends early."""
    return data[: rng.randrange(1, len(data) + 1)]


def _holed(data: bytes, rng: random.Random) -> bytes:
    """A stretch is missing."""
    start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:start] + data[end:] or data[:1]


def _repeated(data: bytes, rng: random.Random) -> bytes:
    """A stretch stands there several times."""
    start = rng.randrange(len(data))
    piece = data[start : start + rng.choice((1, 16, 256, 4_096))]
    return data[:start] + piece * min(rng.choice((2, 16, 500)), 2**20 // len(piece)) + data[start:]


def _told(data: bytes, rng: random.Random) -> bytes:
    """A token stands in it, or in place of something."""
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(_TOKENS) + data[place + rng.choice((0, 0, 1, 8)) :]


def _numbered(data: bytes, rng: random.Random) -> bytes:
    """One of its numbers is another."""
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57] or [0]
    place = rng.choice(places)
    return data[:place] + rng.choice(_NUMBERS) + data[place + 1 :]


_BREAKS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped,
    _set,
    _cut,
    _holed,
    _repeated,
    _told,
    _numbered,
)


def _broken(data: bytes, rng: random.Random) -> bytes:
    """Broken once or several times."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice(_BREAKS)(data, rng) if data else b"x"
    return data


def _broken_inside(data: bytes, rng: random.Random) -> bytes:
    """One or two members of an archive are broken, and the archive is whole."""
    members = members_of(data)
    for name in rng.sample(sorted(members), rng.choice((1, 1, 2))):
        members[name] = _broken(members[name], rng)
    return archived(members)


def _spliced(data: bytes, rng: random.Random) -> bytes:
    """The beginning of it, and the end of another document."""
    other = honest(rng.choice(tuple(MAKERS)))
    return data[: rng.randrange(1, len(data) + 1)] + other[rng.randrange(len(other)) :]


def mutated(seed: int) -> Hostile:
    """A broken document: the formats come in turn, and how it is broken is drawn by the seed."""
    suffix = tuple(MAKERS)[seed % len(MAKERS)]
    rng, data = random.Random(seed), honest(suffix)
    drawn = rng.random()
    if suffix in _ARCHIVES and drawn < 0.75:
        data = _broken_inside(data, rng)
    elif drawn > 0.9:
        data = _spliced(data, rng)
    else:
        data = _broken(data, rng)
    return Hostile(f"mutated {seed}", f"m{seed}{suffix}", data)
