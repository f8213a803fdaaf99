"""Hostile archives: bombs, lies about sizes, and names that lead elsewhere, in every format that is an archive."""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from tests.malice.honest import archived, honest, members_of
from tests.malice.recipe import Bait, Recipe, baited, plain

MAIN = {
    ".docx": "word/document.xml",
    ".xlsx": "xl/worksheets/sheet1.xml",
    ".pptx": "ppt/slides/slide1.xml",
    ".epub": "OEBPS/c1.xhtml",
}
"""The member of each that holds its text."""

_MEGABYTE = 2**20
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_LOCAL, _CENTRAL, _END = "<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"
_DAY = 0x21  # 1 January 1980
_HIGH = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive, as the archive tells of it: whether that is true is up to its maker.

    Attributes:
        name: What it is called.
        packed: Its bytes as they stand in the archive.
        size: How many it says they are unpacked.
        crc: Their checksum.
        method: How they are packed.
        flags: For example 1 for encrypted.
        local_size: What it says of `size` just before the bytes, where that differs.
        mode: Its Unix mode.
    """

    name: bytes
    packed: bytes
    size: int
    crc: int
    method: int = _DEFLATED
    flags: int = 0
    local_size: int | None = None
    mode: int = 0

    def local(self) -> bytes:
        """The header before its bytes."""
        size = self.size if self.local_size is None else self.local_size
        told = (b"PK\3\4", 20, self.flags, self.method, 0, _DAY, self.crc, len(self.packed), size, len(self.name), 0)
        return struct.pack(_LOCAL, *told) + self.name

    def central(self, offset: int) -> bytes:
        """Its entry in the directory."""
        sizes = (self.crc, len(self.packed), self.size, len(self.name), 0, 0, 0, 0)
        told = (b"PK\1\2", 0x31E, 20, self.flags, self.method, 0, _DAY, *sizes, self.mode << 16, offset)
        return struct.pack(_CENTRAL, *told) + self.name


def packed(name: str | bytes, data: bytes, method: int = _DEFLATED) -> Member:
    """An honest member."""
    raw = name.encode() if isinstance(name, str) else name
    return Member(raw, _PACKERS[method](data), len(data), zlib.crc32(data), method)


def _deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def _lzma(data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 2**16}]
    raw = lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
    return b"\x09\x04\x05\x00" + bytes([93]) + struct.pack("<I", 2**16) + raw


_PACKERS: dict[int, Callable[[bytes], bytes]] = {
    _STORED: bytes,
    _DEFLATED: _deflated,
    _BZIP2: bz2.compress,
    _LZMA: _lzma,
}


def joined(members: Sequence[Member], *, before: bytes = b"", count: int | None = None) -> bytes:
    """An archive of members after some other bytes; `count` is how many it says they are."""
    body, directory, place = [before], [], len(before)
    for member in members:
        header = member.local()
        directory.append(member.central(place))
        body += [header, member.packed]
        place += len(header) + len(member.packed)
    return b"".join(body) + _closed(directory, place, len(members) if count is None else count)


def zipped_beside(data: bytes) -> bytes:
    """An archive that begins with another file, stored: both kinds of reader find theirs."""
    return joined([packed("other", data, _STORED), *members(".docx")])


def _closed(directory: Sequence[bytes], place: int, count: int) -> bytes:
    told = min(count, 0xFFFF)
    entries = b"".join(directory)
    return entries + struct.pack(_END, b"PK\5\6", 0, 0, told, told, len(entries), place, 0)


@cache
def blanks(megabytes: int) -> tuple[bytes, int]:
    """So many megabytes of blanks, deflated, and their checksum; the same few bytes over and over."""
    block = b" " * _MEGABYTE
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(megabytes):
        crc = zlib.crc32(block, crc)
    return piece * megabytes + b"\x03\x00", crc


def swollen(name: str, megabytes: int) -> Member:
    """A member of blanks."""
    data, crc = blanks(megabytes)
    return Member(name.encode(), data, megabytes * _MEGABYTE, crc)


def members(suffix: str) -> list[Member]:
    """The members of an honest document."""
    return [packed(name, data) for name, data in members_of(honest(suffix)).items()]


def with_members(suffix: str, changed: Mapping[str, bytes], *, compressed: bool = True) -> bytes:
    """An honest document, some of its members changed or added."""
    return archived({**members_of(honest(suffix)), **changed}, compressed=compressed)


def _changed(suffix: str, change: Callable[[Member], Member]) -> bytes:
    """An honest document whose main member is changed."""
    main = MAIN[suffix].encode()
    return joined([change(each) if each.name == main else each for each in members(suffix)])


def _bomb(suffix: str) -> bytes:
    return joined([*members(suffix), swollen("extra.xml", 1_000)])


def _main_bomb(suffix: str) -> bytes:
    """Its text, and a gigabyte of blanks after it."""
    data, _ = blanks(1_000)
    main = members_of(honest(suffix))[MAIN[suffix]]
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = compressor.compress(main) + compressor.flush(zlib.Z_FULL_FLUSH)
    crc = zlib.crc32(main)
    for _ in range(1_000):
        crc = zlib.crc32(b" " * _MEGABYTE, crc)
    size = len(main) + 1_000 * _MEGABYTE
    return _changed(suffix, lambda member: replace(member, packed=start + data, size=size, crc=crc))


def _many(suffix: str, count: int, megabytes: int) -> bytes:
    return joined([*members(suffix), *(swollen(f"extra/{number}.xml", megabytes) for number in range(count))])


def _empty_many(suffix: str, count: int) -> bytes:
    return joined([*members(suffix), *(Member(b"extra/%d.xml" % number, b"\x03\0", 0, 0) for number in range(count))])


def _same_place(suffix: str) -> bytes:
    """Fifield's simplest: a thousand entries of the directory that lead to one member."""
    body, directory, place = [], [], 0
    for member in [*members(suffix), swollen("extra.xml", 10)]:
        header = member.local()
        directory.append(member.central(place))
        body += [header, member.packed]
        last, place = place, place + len(header) + len(member.packed)
    directory += [swollen(f"extra{number}.xml", 10).central(last) for number in range(1_000)]
    return b"".join(body) + _closed(directory, place, len(directory))


def _quoted(suffix: str) -> bytes:
    """Fifield's: each member quotes the header of the next in a stored block, and goes on with its bytes."""
    data, crc = blanks(2)
    chain = [Member(b"extra/200.xml", data, 2 * _MEGABYTE, crc)]
    unpacked = b" " * (2 * _MEGABYTE)
    for number in range(199, -1, -1):
        header = chain[0].local()
        quote = b"\x00" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF) + header
        unpacked = header + unpacked
        told = (b"extra/%d.xml" % number, quote + chain[0].packed, len(unpacked), zlib.crc32(unpacked))
        chain.insert(0, Member(*told))
    honest_part = members(suffix)
    whole = joined(honest_part)
    place = whole.rindex(b"PK\5\6") - sum(len(each.central(0)) for each in honest_part)
    directory, at = [], 0
    for member in honest_part:
        directory.append(member.central(at))
        at += len(member.local()) + len(member.packed)
    for member, following in zip(chain, [*chain[1:], None], strict=True):
        directory.append(member.central(at))
        at += len(member.local()) + (5 if following else len(member.packed))
    return whole[:place] + chain[0].local() + chain[0].packed + _closed(directory, at, len(directory))


def _nested(suffix: str) -> bytes:
    inner = joined([swollen("blanks", 100)])
    for level in range(8):
        inner = archived({f"{level}-{number}{suffix}": inner for number in range(4)})
    return with_members(suffix, {"embedded/inner.zip": inner, f"embedded/inner{suffix}": honest(suffix)})


def _ratio(suffix: str, wanted: int) -> bytes:
    """Blanks after its text until it is so many times as large unpacked."""
    parts = members_of(honest(suffix))
    whole = sum(map(len, parts.values()))
    main = parts[MAIN[suffix]]
    count = wanted * (len(archived(parts)) + 20_000) - whole
    return archived({**parts, MAIN[suffix]: main + b" " * count})


def _directory_lies(suffix: str) -> bytes:
    """The directory says a hundred bytes, and a gigabyte comes."""
    data, crc = blanks(1_000)
    return _changed(suffix, lambda member: replace(member, packed=data, size=100, crc=crc))


def _dictionary(suffix: str) -> bytes:
    """LZMA with a dictionary of four gigabytes."""

    def huge(member: Member) -> Member:
        made = packed(member.name, members_of(honest(suffix))[member.name.decode()], _LZMA)
        return replace(made, packed=made.packed[:5] + b"\xff\xff\xff\xff" + made.packed[9:])

    return _changed(suffix, huge)


def _bzip2(suffix: str) -> bytes:
    text = b" " * (150 * _MEGABYTE)
    return joined([*members(suffix), packed("extra.xml", text, _BZIP2)])


def _twice(suffix: str) -> bytes:
    """Two main members: the directory names both."""
    return joined([*members(suffix), packed(MAIN[suffix], b"<x/>"), swollen(MAIN[suffix], 1)])


def _link(suffix: str, bait: Bait) -> bytes:
    """Its main member is a symbolic link."""
    target = str(bait.path).encode()
    return _changed(suffix, lambda member: replace(packed(member.name, target), mode=0o120777))


def wild_names(bait: Bait) -> tuple[bytes, ...]:
    """Names that lead elsewhere, or that no disk or eye takes well."""
    out = str(bait.escape)
    return (
        b"../../x.txt",
        ("../" * 30 + out.lstrip("/")).encode(),
        out.encode(),
        ("..\\" * 30 + "x.txt").encode(),
        b"C:\\Windows\\x.txt",
        b"\\\\server\\share\\x.txt",
        b"con.txt",
        b"a\x00b.txt",
        b"a\nb.txt",
        "gpj.\u202efdp.txt".encode(),
        "a\U000e0041\U000e0042.txt".encode(),
        ("n" * 300 + ".txt").encode(),
        "👩\u200d👩\u200d👧.txt".encode(),
        b"-rf.txt",
        b"dots...",
        b" ",
        b"",
        b".",
        b"..",
        b"\xff\xfe.txt",
        b"a/" * 2_000 + b"deep.txt",
    )


def _names(suffix: str, bait: Bait) -> bytes:
    return joined([*members(suffix), *(packed(name, b"escaped") for name in wild_names(bait))])


def _main_elsewhere(suffix: str, bait: Bait) -> bytes:
    """Every member lies above the archive."""
    parts = members_of(honest(suffix))
    return joined([packed("../" * 30 + name, data) for name, data in parts.items()] + members(suffix))


def _zip64(suffix: str) -> bytes:
    """A directory that says it has 2 ** 60 entries of as many bytes."""
    whole = joined(members(suffix))
    end = whole.rindex(b"PK\5\6")
    far = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2**60, 2**60, 2**60, 0)
    pointer = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    told = struct.pack(_END, b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, _HIGH, _HIGH, 0)
    return whole[:end] + far + pointer + told


def _no_directory(suffix: str) -> bytes:
    whole = honest(suffix)
    return whole[: whole.index(b"PK\1\2")]


def _comment(suffix: str) -> bytes:
    whole = honest(suffix)
    return whole[:-2] + struct.pack("<H", 0xFFFF) + b"PK\5\6" * 16_383 + b"abc"


_ANY: dict[str, Callable[[str], bytes]] = {
    "a bomb beside the text": _bomb,
    "a bomb in the text": _main_bomb,
    "300 members of a megabyte": partial(_many, count=300, megabytes=1),
    "20,000 empty members": partial(_empty_many, count=20_000),
    "1,900 empty members": partial(_empty_many, count=1_900),
    "a thousand entries for one member": _same_place,
    "members that quote one another": _quoted,
    "archives in archives": _nested,
    "a ratio just above the bound": partial(_ratio, wanted=201),
    "a ratio just below the bound": partial(_ratio, wanted=190),
    "a directory that says little and unpacks much": _directory_lies,
    "a directory that says much and unpacks little": lambda suffix: _changed(
        suffix, lambda member: replace(member, size=150 * _MEGABYTE)
    ),
    "a member that says another size than the directory": lambda suffix: _changed(
        suffix, lambda member: replace(member, local_size=7)
    ),
    "a wrong checksum": lambda suffix: _changed(suffix, lambda member: replace(member, crc=1)),
    "bytes that are not deflated": lambda suffix: _changed(suffix, lambda member: replace(member, packed=b"\xff" * 99)),
    "deflated bytes cut off": lambda suffix: _changed(
        suffix, lambda member: replace(member, packed=member.packed[: len(member.packed) // 2])
    ),
    "a method that nobody knows": lambda suffix: _changed(suffix, lambda member: replace(member, method=99)),
    "an LZMA dictionary of four gigabytes": _dictionary,
    "a bzip2 bomb": _bzip2,
    "a member that is locked": lambda suffix: _changed(suffix, lambda member: replace(member, flags=1)),
    "a main member that is empty": lambda suffix: with_members(suffix, {MAIN[suffix]: b""}),
    "a main member that is noise": lambda suffix: with_members(suffix, {MAIN[suffix]: bytes(range(256)) * 40}),
    "two main members": _twice,
    "a directory of 2 ** 60 entries": _zip64,
    "no directory": _no_directory,
    "a comment full of ends": _comment,
    "a program before the archive": lambda suffix: joined(members(suffix), before=b"MZ" + b"\x90" * 4_000),
    "cut in half": lambda suffix: honest(suffix)[: len(honest(suffix)) // 2],
    "only the directory's end": lambda _: b"PK\3\4" + struct.pack(_END, b"PK\5\6", 0, 0, 0, 0, 0, 0, 0),
}
_BAITED: dict[str, Callable[[str, Bait], bytes]] = {
    "a main member that is a link": _link,
    "wild names of members": _names,
    "members above the archive": _main_elsewhere,
}

RECIPES: tuple[Recipe, ...] = (
    *(
        plain(f"{kind} in {suffix[1:]}", f"x{suffix}", partial(make, suffix))
        for kind, make in _ANY.items()
        for suffix in MAIN
    ),
    *(
        baited(f"{kind} in {suffix[1:]}", f"x{suffix}", partial(make, suffix))
        for kind, make in _BAITED.items()
        for suffix in MAIN
    ),
)
