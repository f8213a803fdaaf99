"""The canonical text: what is dropped, what is counted, and that nothing else is touched."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.document import beginning, canonical, canonical_pieces, printable, printable_name

# Any string a decoder can hand over: surrogates too, and often the characters that canonical() minds.
SPECIAL = (
    "\r\n\v\f\x1c\x85\u2028\x00\x1b\xad\u061c\u200b\u200c\u200d\u200e\u202e\u2066\ufeff\ufffe\ud83d\ude00\U000e0041aé👩क"
    "\u0301\u20dd\u20e3\ufe0f\U000e0100\u180b\u3164\u034f1字ᠠ"
)
JOINING = "a1\u0301\u20dd\u20e3\ufe0f\u200d\u200bक字\r\n\U000e0100\ud83d\ude00"
any_text = st.lists(st.sampled_from(SPECIAL) | st.characters(codec=None), max_size=40).map("".join)
joining = st.lists(st.sampled_from(JOINING), max_size=60).map("".join)

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
    "what a tag may become": "\U000e0fff",
    "grapheme joiner": "\u034f",
    "blank letter": "\u3164",
    "narrow blank letter": "\uffa0",
    "Khmer vowel that is not written": "\u17b4",
    "object that is none": "\ufff8",
    "other non-character": "\ufdd0",
    "musical format": "\U0001d173",
    "selector of no shape": "\ufe0f",
    "selector of no ideograph": "\U000e0101",
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


@pytest.mark.parametrize("shaped", ["👩‍👩‍👧", "क्‍ष", "می‌خواهم", "🏳️‍🌈", "❤️", "1️⃣", "葛󠄀城", "©️", "ᠠ\u180b"])
def test_joiners_and_selectors_that_shape_letters_and_emoji_stay(shaped):
    assert canonical(f"see {shaped} here") == (f"see {shaped} here", 0)


@pytest.mark.parametrize(
    "selected", ["1\ufe0f", "é\ufe0f", "❤\ufe0f\ufe0f", "a\U000e0100", "❤\U000e0100", "字\U000e0100\ufe0f"]
)
def test_a_selector_that_chooses_no_shape_goes(selected):
    kept = selected[:2] if selected[:2] in ("❤\ufe0f", "字\U000e0100") else selected[0]
    assert canonical(selected) == (kept, len(selected) - len(kept))


def test_of_a_flood_of_marks_the_first_ones_stay():
    for mark in "\u0301\u20dd\u0e47\u05b0":
        assert canonical(f"a{mark * 500}b") == (f"a{mark * 10}b", 490)
    joined = "\u0301\u200d" * 250  # a joiner ends no row of them
    assert canonical(f"a{joined}b") == (f"a{5 * chr(0x301)}b", 495)
    assert canonical("ཧྐྵྨླྺྼྻྂ") == ("ཧྐྵྨླྺྼྻྂ", 0)


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
    assert printable(once) == once
    assert printable(once[1:-1]) == once[1:-1]
    once.encode()  # it can be written down


@given(any_text | joining, st.lists(st.integers(0, 60), max_size=8))
@settings(max_examples=300, deadline=None)
def test_a_text_in_pieces_becomes_what_it_becomes_as_a_whole(text, cuts):
    cuts = sorted(min(cut, len(text)) for cut in cuts)
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = re.sub("[\ud800-\udbff][\udc00-\udfff]", lambda pair: joined(pair[0]), text)
    assert "".join(canonical_pieces(pieces)) == canonical(whole)[0]


def joined(pair):
    return pair.encode("utf-16", "surrogatepass").decode("utf-16")


def test_a_piece_is_given_as_soon_as_nothing_can_change_it():
    pieces = ["The mill", " burned", " in 19\u202e", "02. 水", "車\u0301", "x"]
    assert list(canonical_pieces(pieces)) == ["The mill", " burned", " in 19", "02. 水", "車", "\u0301x", ""]
    assert list(canonical_pieces(["\ud83d", "\ude00"])) == ["😀", ""]


@pytest.mark.parametrize("piece", ["\u0301", "\u200d", "\U000e0100", "\u200b"])
def test_pieces_without_end_are_not_kept(piece):
    start = time.process_time()
    assert len("".join(canonical_pieces(["a", *[piece] * 20_000]))) <= 11
    assert time.process_time() - start < 5  # seconds; it grew with the square of their number


@given(any_text | joining)
@settings(max_examples=300, deadline=None)
def test_what_is_printed_commands_nothing_and_hides_nothing(text):
    line = printable_name(text)
    assert canonical(line) == (line, 0)
    assert "\n" not in line


def test_what_would_hide_is_spelt_out():
    assert printable_name("a\x1b[31m\u202eb\nc\udcff\x9b.txt") == r"a\x1b[31m\u202eb\nc\udcff\x9b.txt"
    assert printable("two\nlines\r\x85") == "two\nlines\\r\\x85"
    assert printable_name("Müller – שלום 👩‍👩‍👧.txt") == "Müller – שלום 👩‍👩‍👧.txt"


@given(any_text)
@settings(max_examples=300, deadline=None)
def test_every_dropped_character_is_counted(text):
    shown, dropped = canonical(text)
    newlines = len(re.findall("\r\n", text))
    assert len(shown) + dropped + newlines == len(text)


def test_a_long_run_of_joiners_takes_no_longer_than_its_length():
    run = "क" + "\u200d" * 200_000
    began = time.process_time()
    assert canonical(run + "क") == (f"क{10 * chr(0x200D)}क", 199_990)
    assert canonical(run) == ("क", 200_000)
    assert time.process_time() - began < 5  # seconds; it was minutes when each joiner looked ahead anew


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
