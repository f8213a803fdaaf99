"""JSON and JSON Lines: bytes -> lines, records and tables of which each can be cited."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import formats
from index.document import canonical
from index.errors import Failed, Refused
from index.formats import read
from index.tables import Places, cells


def text_of(value: object, name: str = "a.json") -> str:
    return read(f"docs/{name}", json.dumps(value).encode()).text


def lines(*values: object) -> bytes:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def test_nested_values_are_told_by_the_names_that_lead_to_them():
    value = {"mill": {"name": "Old Mill", "owner": {"name": "Ann"}}, "open": True, "closed": False, "note": None}
    assert text_of(value) == "mill.name: Old Mill\nmill.owner.name: Ann\nopen: true\nclosed: false"


def test_scalars_of_a_list_are_joined_and_what_is_blank_is_left_out():
    assert (
        text_of({"years": [1902, "1903", None, True], "none": [], "nor": {}, "blank": " "}) == "years: 1902, 1903, true"
    )


def test_records_are_a_block_each():
    value = {"mills": [{"name": "A", "parts": [{"name": "wheel"}, {"name": "stone"}]}, {"name": "B"}], "end": 1}
    assert text_of(value) == (
        "mills.name: A\n\nmills.parts.name: wheel\n\nmills.parts.name: stone\n\nmills.name: B\n\nend: 1"
    )


def test_lists_of_lists_are_a_line_each():
    assert text_of([[1, 2], [3], "four"]) == "1, 2\n\n3\n\nfour"


@pytest.mark.parametrize("source", ["1.10", "-0", "1E400", "NaN", "-Infinity", "9" * 5_000, '"words"'])
def test_a_scalar_stays_as_it_is_written(source):
    assert text_of_source(source) == source.strip('"')
    assert text_of_source(f'{{"a": [{source}]}}') == f"a: {source.strip(chr(34))}"


def text_of_source(source: str) -> str:
    return read("docs/a.json", source.encode()).text


def test_a_name_that_comes_twice_keeps_both_values():
    assert text_of_source('{"a": 1, "a": 2}') == "a: 1\na: 2"
    assert text_of_source('[{"a": 1, "a": 2}, {"a": 3}]') == "a: 1\na: 2\n\na: 3"


def test_records_that_share_their_names_are_a_table_with_heads_and_row_numbers():
    document = read(
        "docs/a.json", lines([{"name": "Ann", "age": 3}, {"name": "Bo | Co", "tags": ["x", "y"]}, {"age": 4}])
    )
    assert document.text == "name: Ann | age: 3\nname: Bo|Co | tags: x, y\nage: 4"
    (table,) = document.tables
    assert (table.start, table.end, table.heads) == (0, len(document.text), ("name", "age", "tags"))
    where = Places(document)
    start = document.text.index("name: Bo")
    assert (where.where(0, 5), where.where(start, len(document.text))) == ("row 1", "rows 2–3")
    assert cells(document.text[start:].split("\n")[0], table.heads) == ("Bo|Co", "", "x, y")


@pytest.mark.parametrize(
    "records",
    [
        [{"a": 1}, {"b": 2}, {"c": 3}],
        [{"a": 1}, 2],
        [{"a": 1}, {"a": {"b": 2}}],
        [{"a": "x" * 501}, {"a": "y"}],
        [{"a": "two\nlines"}, {"a": "y"}],
        [{"a": 1}],
    ],
    ids=["names", "scalar", "nested", "prose", "lines", "one"],
)
def test_records_that_make_no_table_are_a_block_each(records):
    document = read("docs/a.json", json.dumps(records).encode())
    assert document.tables == ()
    assert document.text.count("\n\n") == len(records) - 1


def test_a_document_may_tell_its_title_author_date_and_address():
    told = {
        "title": "The mill",
        "author": "Ada",
        "date": "2026-01-02",
        "url": "https://example.org",
        "text": "It burned.",
    }
    document = read("docs/a.json", json.dumps(told).encode())
    assert (document.title, document.author, document.date, document.url) == tuple(told.values())[:4]
    assert read("docs/a.json", b'{"title": ["x"]}').title == "a"


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_the_rows_of_json_lines_have_the_numbers_of_their_lines(name):
    document = read(f"docs/{name}", b'{"a": 1}\r\n{"a": 2}\n\n{"a": 3}')
    assert document.text == "a: 1\na: 2\n\na: 3"
    start = document.text.index("a: 3")
    assert Places(document).where(start, start + 4) == "row 4"


def test_json_lines_that_make_no_table_are_a_block_each():
    assert read("docs/a.jsonl", lines({"a": 1}, "word", [1, 2])).text == "a: 1\n\nword\n\n1, 2"


@pytest.mark.parametrize(
    ("name", "source", "where"),
    [
        ("a.json", '{"a": 1,\n "b" 2}', "line 2, column 6"),
        ("a.json", "[1, 2", "line 1, column 6"),
        ("a.json", '{"a": 1}\n{"b" 2}', "line 2 is not JSON (column 6"),
        ("a.jsonl", '{"a": 1}\n\n{"b" 2}', "line 3 is not JSON (column 6"),
    ],
)
def test_what_is_no_json_is_refused_with_the_place(name, source, where):
    with pytest.raises(Refused) as refusal:
        read(f"docs/{name}", source.encode())
    assert where in str(refusal.value)


HOSTILE = {
    "open": ("[" * 100_000, "more than 100 levels"),
    "deep": ("[" * 100_000 + "]" * 100_000, "more than 100 levels"),
    "objects": ('{"a":' * 100_000 + "1" + "}" * 100_000, "more than 100 levels"),
    "just too deep": ("[" * 102 + "1" + "]" * 102, "more than 100 levels"),
    "names": (f'{{"{"k" * 900}": [{"[[], 1]," * 200_000} 1]}}', "more than 10,000,000 characters"),
    "long": ('"' + "a" * 10_000_001 + '"', "10,000,003 characters of JSON"),
}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(("source", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_json_that_would_never_end_is_refused_in_seconds(name, source, reason):
    began = time.process_time()
    with pytest.raises(Refused, match=reason):
        read(f"docs/{name}", source.encode())
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "source",
    [
        "[" * 100 + "1" + "]" * 100,
        "[" + "9" * 5_000_000 + "]",
        "[" + "[]," * 500_000 + "1]",
        "[" * 98 + "[1]," * 300_000 + "1" + "]" * 98,
    ],
    ids=["deep", "number", "empty", "deep and wide"],
)
def test_large_json_is_read_in_seconds(source):
    began = time.process_time()
    assert text_of_source(source)
    assert time.process_time() - began < 5


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES, st.sampled_from(["a.json", "a.jsonl"]))
def test_any_json_becomes_a_canonical_document(value, name):
    if refusal := refused(name, json.dumps(value).encode()):
        assert refusal == formats.NO_TEXT


def refused(name: str, data: bytes) -> str:
    """Why a file is not read; "" where it is, as it should."""
    try:
        document = read(f"docs/{name}", data)
    except Failed:
        raise
    except Refused as refusal:
        return str(refusal)
    assert canonical(document.text) == (document.text, 0)
    return ""
