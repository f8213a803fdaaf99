"""The canonical text: what is dropped, what is counted, and that nothing else is touched."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.document import beginning, canonical

# Any string a decoder can hand over: surrogates too, and often the characters that canonical() minds.
SPECIAL = (
    "\r\n\v\f\x1c\x85\u2028\x00\x1b\xad\u061c\u200b\u200c\u200d\u200e\u202e\u2066\ufeff\ufffe\ud800\U000e0041aé👩क"
)
any_text = st.lists(st.sampled_from(SPECIAL) | st.characters(codec=None), max_size=40).map("".join)

DROPPED = {
    "NUL": "\x00",
    "escape": "\x1b",
    "delete": "\x7f",
    "C1 control": "\x9f",
    "soft hyphen": "\xad",
    "Arabic letter mark": "\u061c",
    "Mongolian vowel separator": "\u180e",
    "zero width space": "\u200b",
    "left-to-right mark": "\u200e",
    "right-to-left mark": "\u200f",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "invisible plus": "\u2064",
    "bidi isolate": "\u2066",
    "byte order mark": "\ufeff",
    "interlinear mark": "\ufff9",
    "non-character": "\uffff",
    "lone surrogate": "\ud83d",
    "language tag": "\U000e0001",
    "tag letter": "\U000e0061",
}


@pytest.mark.parametrize("invisible", DROPPED.values(), ids=DROPPED)
def test_what_shows_nothing_is_dropped_and_counted(invisible):
    assert canonical(f"pay{invisible} me{invisible}") == ("pay me", 2)


@pytest.mark.parametrize(
    "newline", ["\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\n"]
)
def test_a_line_end_of_any_kind_is_one_newline_and_not_counted(newline):
    assert canonical(f"one{newline}two{newline}") == ("one\ntwo\n", 0)


def test_two_line_ends_stay_two():
    assert canonical("one\r\n\r\ntwo\n\rthree") == ("one\n\ntwo\n\nthree", 0)


@pytest.mark.parametrize("shaped", ["👩‍👩‍👧", "क्‍ष", "می‌خواهم", "🏳️‍🌈"])
def test_joiners_that_shape_letters_and_emoji_stay(shaped):
    assert canonical(f"see {shaped} here") == (f"see {shaped} here", 0)


@pytest.mark.parametrize("hiding", ["pass\u200dword", "pass\u200c\u200dword", "\u200dpassword", "password\u200c"])
def test_joiners_beside_ascii_or_an_end_only_hide_things_and_go(hiding):
    text, dropped = canonical(hiding)
    assert text == "password"
    assert dropped == len(hiding) - len("password")


@pytest.mark.parametrize(
    "kept",
    [
        "e\u0301 and é",
        "ﬁne ½ K Å",
        "tab\tand\u00a0blank\u3000wide",
        "  two  blanks \n\n\n",
        "שלום عالم",
        "a\ue000b\ufffd",
    ],
)
def test_nothing_else_is_normalised(kept):
    assert canonical(kept) == (kept, 0)


@given(any_text)
@settings(max_examples=300, deadline=None)
def test_canonical_text_is_canonical_already(text):
    once, _ = canonical(text)
    assert canonical(once) == (once, 0)
    once.encode()  # it can be written down


@given(any_text)
@settings(max_examples=300, deadline=None)
def test_every_dropped_character_is_counted(text):
    shown, dropped = canonical(text)
    newlines = len(re.findall("\r\n", text))
    assert len(shown) + dropped + newlines == len(text)


def test_a_long_run_of_joiners_takes_no_longer_than_its_length():
    run = "é" + "\u200d" * 200_000
    began = time.monotonic()
    assert canonical(run + "é") == (run + "é", 0)
    assert canonical(run) == ("é", 200_000)
    assert time.monotonic() - began < 5  # seconds; it was minutes when each joiner looked ahead anew


@given(any_text, st.integers(5, 30))
def test_the_beginning_of_a_text_is_one_line_no_longer_than_wished(text: str, width: int):
    begun, line = beginning(text, width), " ".join(text.split())
    assert len(begun) <= width
    assert begun == line or (len(line) > width and line.startswith(begun.removesuffix(" …")))


def test_the_beginning_of_a_text_ends_with_a_word_where_there_are_words():
    assert beginning("The  mill\nburned.", 16) == "The mill burned."
    assert beginning("The mill burned.", 15) == "The mill …"
    assert beginning("The mill burned down.", 17) == "The mill burned …"
    assert beginning("水车在一九〇二年烧毁了。", 8) == "水车在一九〇 …"
