"""Archives: what would unpack to too much, or to more than it says, is refused before anything unpacks it."""

import struct
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from index.errors import Refused
from index.formats import archive


def packed(*members: tuple[str, bytes]) -> bytes:
    written = BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return written.getvalue()


def lying(data: bytes, size: int) -> bytes:
    """An archive of one member whose directory says another size."""
    place = data.rindex(b"PK\x01\x02") + 24
    return data[:place] + struct.pack("<I", size) + data[place + 4 :]


def test_an_honest_archive_is_opened_and_its_members_are_named():
    data = packed(("a.xml", b"text"), ("b/c.xml", b"x" * 100_000))
    assert archive.names(data) == {"a.xml", "b/c.xml"}
    assert archive.opened(data).read("a.xml") == b"text"
    assert archive.opened(packed(("a.xml", b"x" * archive.MAX_RATIO))).namelist() == [
        "a.xml"
    ]  # small ones may be dense


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (lambda: packed(*((f"{number}.xml", b"") for number in range(archive.MAX_MEMBERS + 1))), "holds 2,001 files"),
        (lambda: packed(("a.xml", bytes(archive.MAX_UNPACKED + 2**20))), "unpacked it would have 201 MB"),
        (lambda: packed(("a.xml", bytes(50 * 2**20))), "more than 200 times as large"),
        (lambda: lying(packed(("a.xml", bytes(range(256)) * 9_000)), 99), "a part holds more than it says"),
        (lambda: lying(packed(("a.xml", b"x" * 9_000)), 99), "damaged .BadZipFile."),
        (lambda: packed(("a.xml", b"x" * 9_000))[:-30], "damaged"),
        (lambda: b"PK\x03\x04 and no more", "damaged"),
    ],
    ids=["members", "size", "ratio", "holds more", "says less", "cut off", "none"],
)
def test_what_an_archive_may_not_be_is_refused_in_a_sentence(data, why):
    with pytest.raises(Refused, match=why):
        archive.opened(data())


def test_a_locked_archive_is_refused_as_locked():
    data = bytearray(packed(("a.xml", b"secret")))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    with pytest.raises(Refused, match="encrypted"):
        archive.opened(bytes(data))
