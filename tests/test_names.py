"""Every name of a file has an id of its own, which prints, stays, and leads back to the file."""

import os
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from index.names import spelt, unspelt
from tests.conftest import OpenLibrary

NAMES = st.binary(min_size=1, max_size=20).map(os.fsdecode) | st.text("\\xu0f5c\udcff\x1b\u202eé", min_size=1)


@given(NAMES)
def test_a_spelling_leads_back_to_its_name_and_prints(name):
    told = spelt(name)
    assert unspelt(told) == name
    assert not {unicodedata.category(each) for each in told} & {"Cc", "Cs", "Zl", "Zp"}
    told.encode()


@given(NAMES, NAMES)
def test_two_names_are_spelt_in_two_ways(one, other):
    assert (spelt(one) == spelt(other)) == (one == other)


def test_most_names_are_spelt_as_they_are():
    for name in ("Brief an Ida.txt", "100 %.csv", "café.md", "👩‍👧.txt", "می‌خواهم.txt"):
        assert spelt(name) == name


def test_names_that_differ_in_bytes_alone_are_read_once_each_and_led_back_to(folder: Path, open_library: OpenLibrary):
    texts = {b"\xff.txt": "blue", rb"\udcff.txt": "brown", b"\x1b[31mred.txt": "red", rb"\\udcff.txt": "green"}
    for name, text in texts.items():
        (folder / os.fsdecode(name)).write_text(f"The hat is {text}.")
    library = open_library()
    ids = [file.id for file in library.sync() if file.state == "indexed"]
    assert ids == [
        r"docs/\\\\udcff.txt",
        r"docs/\\udcff.txt",
        r"docs/\udcff.txt",
        r"docs/\x1b[31mred.txt",
    ]
    assert [library.file_bytes(id).decode() for id in ids] == [
        f"The hat is {text}." for text in ("green", "brown", "blue", "red")
    ]
    revision = library.revision()
    assert library.changes().added == library.changes().changed == library.changes().removed == ()
    library.sync()
    assert library.revision() == revision
