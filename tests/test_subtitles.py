"""Subtitles: bytes -> what is said, on pages called by their time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.document import Document
from index.errors import Failed, Refused
from index.formats import read

SRT = """1
00:00:01,000 --> 00:00:03,000
The <i>mill</i> burned

2
00:00:03,500 --> 00:00:05,000 X1:100 X2:200
{\\an8}in 1902, at 5 < 6 o'clock.

3
00:01:20,000 --> 00:01:22,000
- Who was there?
- <font color="#fff">Ann.</font>

4
01:02:03,000 --> 01:02:04,000
1903

5
01:02:05,000 --> 01:02:06,000
was the year

it was rebuilt.
"""

VTT = """WEBVTT - The mill

STYLE
::cue { color: red }

NOTE not
said

intro
00:01.000 --> 00:03.000 align:start position:0%
<v Ann Brandt>The mill &amp; the barn

00:04.000 --> 00:05.000
<v.loud Ann Brandt><c.x>burned.</c>

1902
01:10.000 --> 01:12.000
<v Bo>When?</v>
<v Ann Brandt>In <00:01:11.000>1902.
"""


def pages_of(document: Document) -> list[tuple[str, str]]:
    assert [page.number for page in document.pages] == list(range(1, len(document.pages) + 1))
    return [(page.name, document.text[page.start : page.end]) for page in document.pages]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_subrip_reads_as_what_is_said_a_minute_a_page(end, encoding):
    document = read("docs/a.srt", SRT.replace("\n", end).encode(encoding))
    assert pages_of(document) == [
        ("0:00:01", "The mill burned in 1902, at 5 < 6 o'clock."),
        ("0:01:20", "- Who was there?\n- Ann."),
        ("1:02:03", "1903 was the year it was rebuilt."),
    ]


def test_webvtt_names_who_speaks_and_says_no_notes_and_styles():
    document = read("docs/a.vtt", VTT.encode())
    assert pages_of(document) == [
        ("0:00:01", "Ann Brandt: The mill & the barn burned."),
        ("0:01:10", "Bo: When?\nAnn Brandt: In 1902."),
    ]
    assert document.title == "The mill"


def test_captions_that_roll_are_there_once():
    captions = ["one", "one\ntwo", "two", "two\nthree", "three\ntwo"]
    cues = (f"00:0{number}.000 --> 00:0{number}.900\n{text}\n" for number, text in enumerate(captions))
    assert read("docs/a.vtt", ("WEBVTT\n\n" + "\n".join(cues)).encode()).text == "one two three two"


def test_a_sentence_begun_is_ended_on_its_page_unless_it_never_ends():
    def script(*texts: str) -> str:
        times = (f"{seconds // 60:02}:{seconds % 60:02}.000" for seconds in range(0, 20 * len(texts), 20))
        return "\n".join(f"{at} --> {at}\n{text}\n" for at, text in zip(times, texts, strict=True))

    ended = read("docs/a.srt", script("a", "b", "c", "d.", "e", "f").encode())
    assert pages_of(ended) == [("0:00:00", "a b c d."), ("0:01:20", "e f")]
    endless = read("docs/a.srt", script(*"abcdefgh").encode())
    assert pages_of(endless) == [("0:00:00", "a b c d e"), ("0:01:40", "f g h")]


@pytest.mark.parametrize("data", [b"The mill burned.", b"WEBVTT", b"WEBVTT\n\nNOTE nothing is said"])
def test_a_file_without_times_is_refused(data):
    with pytest.raises(Refused, match="no subtitles"):
        read("docs/a.vtt", data)


@pytest.mark.parametrize(
    "text",
    ["<" * 2_000_000, "<v " * 700_000, "<a" * 1_000_000, "{\\\\" * 700_000, "x\n" * 300_000, "<v A>x" * 300_000],
    ids=["open", "voices", "tags", "places", "lines", "voices said"],
)
@pytest.mark.parametrize("head", ["", "WEBVTT\n\n"])
def test_a_hostile_cue_is_read_in_seconds(text, head):
    began = time.process_time()
    read("docs/a.srt", f"{head}00:01.000 --> 00:02.000\nword {text}".encode())
    assert time.process_time() - began < 5


def test_many_thousand_cues_are_read_in_seconds():
    began = time.process_time()
    document = read("docs/a.srt", b"00:01.000 --> 00:02.000\nsame\nother\n" * 50_000)
    assert document.text == "same other"
    assert (
        len(read("docs/a.srt", b"".join(b"%d:00:01.0 --> 0:02\nn%d\n" % (n % 9999, n) for n in range(20_000))).pages)
        > 19_000
    )
    assert time.process_time() - began < 5


@given(
    st.lists(
        st.sampled_from(["00:01.000 --> 00:02.000", "9:00:01,5 --> 1", "", "<v A>x", "1", "-", "WEBVTT", "\u200b"])
    )
)
def test_any_lines_become_pages_that_lie_in_the_text_or_a_refusal(lines):
    try:
        document = read("docs/a.vtt", "\n".join(lines).encode())
    except Failed:
        raise
    except Refused:
        return
    assert all(document.text[page.start : page.end].strip() for page in document.pages)
