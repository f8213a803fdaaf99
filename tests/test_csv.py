"""CSV: rows that can be quoted alone, each told by the number that a spreadsheet shows for it."""

import csv
import time
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import tables
from index.document import Document, Span, canonical
from index.errors import Refused
from index.formats import read
from index.passages import cut

HEADS = ["Region", "Revenue", "Note"]
ROWS = [["North", "1,234", "good"], ["South", "2,345", "a | b"], ["East", "", "late"]]


def written(rows: list[list[str]], delimiter: str = ",") -> bytes:
    target = StringIO()
    csv.writer(target, delimiter=delimiter).writerows(rows)
    return target.getvalue().encode()


def document(data: bytes | str, name: str = "a.csv") -> Document:
    return read(f"docs/{name}", data.encode() if isinstance(data, str) else data)


def places(source: Document) -> dict[str, str]:
    """Where each line of each table stands -> the line."""
    told, found = tables.Places(source), {}
    for table in source.tables:
        start = table.start
        for line in source.text[table.start : table.end].split("\n"):
            found[told.where(start, start + len(line))] = line
            start += len(line) + 1
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_reads_the_same_with_any_delimiter_in_any_encoding(delimiter, encoding):
    data = written([HEADS, *ROWS], delimiter).decode().encode(encoding)
    source = document(data)
    assert source.text == (
        "Region: North | Revenue: 1,234 | Note: good\n"
        "Region: South | Revenue: 2,345 | Note: a|b\n"
        "Region: East | Note: late"
    )
    assert [(table.heads, table.row, table.column) for table in source.tables] == [(tuple(HEADS), 2, 0)]
    assert list(places(source)) == ["row 2", "row 3", "row 4"]
    assert source.media_type == "text/csv"


@pytest.mark.parametrize(
    ("heads", "names"), [("Name,Amount,Amount", "Amount (C)"), ("Name,,Amount", "Amount"), ("Name,x,Amount", "Amount")]
)
def test_heads_that_are_blank_or_the_same_are_told_by_their_letters(heads, names):
    source = document(f"{heads}\nAda,7,8\nBob,5,6\n")
    assert source.tables[0].heads[2] == names
    assert source.text.endswith(f" | {names}: 6")


@given(st.lists(st.lists(st.text('ab ;\n|"é\u200b1', max_size=5), min_size=2, max_size=4), min_size=1, max_size=9))
def test_every_row_reads_right_in_its_place(rows):
    """The csv module reads back what it wrote, and so does Footnote: but for heads, every row is told by its number."""
    rows = [["7", "8", "9", "10"], *rows]
    source = document(b"sep=,\n" + written(rows))
    kept = {f"row {number}": tables.line((), row) for number, row in enumerate(rows, start=1)}
    assert places(source) == {where: line for where, line in kept.items() if line}
    assert canonical(source.text) == (source.text, 0)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a;b\n1,5;2\n2,5;3", "a: 1,5 | b: 2\na: 2,5 | b: 3"),
        ("1;2,5\n3;4,5", "1 | 2,5\n3 | 4,5"),
        ("x,y\n1,2,3\n4\n5,6", "x: 1 | y: 2 | C: 3\nx: 4\nx: 5 | y: 6"),
        ('x,y\n"one\ntwo","say ""hi"""\n', 'x: one two | y: say "hi"'),
        ("Dear Ada, hello\nI am well\nYours\nBob\nKiel", "Dear Ada, hello\nI am well\nYours\nBob\nKiel"),
        ("x,y", "x | y"),
        ("sep=;\nx;y\n1,1;2,2\n", "x: 1,1 | y: 2,2"),
        ("x,y\r\r\n1,2\r\r\n3,4\r\r\n", "x: 1 | y: 2\nx: 3 | y: 4"),
        ("x,y\r1,2\r3,4", "x: 1 | y: 2\nx: 3 | y: 4"),
        ("x,y\n1\u2028one,2\x0bb\n3,4", "x: 1 one | y: 2 b\nx: 3 | y: 4"),
        ("id,2023,2024\nKiel,1,2", "id: Kiel | 2023: 1 | 2024: 2"),
        ("x,y,\n1,2,\n3,4,", "x: 1 | y: 2\nx: 3 | y: 4"),
        ('x,y\n5" pipe,1\n', 'x: 5" pipe | y: 1'),
        ("Ada,Kiel\nAda,Ulm\n", "Ada | Kiel\nAda | Ulm"),
    ],
)
def test_csv_reads_as_it_is_meant(source, text):
    assert document(source).text == text


def test_lines_before_a_table_are_its_title_and_rows_keep_their_numbers():
    source = document("Sales of 2024,,\n,,\nRegion,Revenue,Note\nNorth,1,x\n\nSouth,2,y\nEast,3,z\n")
    assert places(source) == {
        "row 1": "Sales of 2024",
        "row 4": "Region: North | Revenue: 1 | Note: x",
        "row 6": "Region: South | Revenue: 2 | Note: y",
        "row 7": "Region: East | Revenue: 3 | Note: z",
    }


def test_numbers_stay_as_they_are_written():
    numbers = ["007", "1.50", "1e5", "0.30000000000000004", "1.234,5"]
    source = document(written([["a", "b", "c", "d", "e"], numbers]))
    assert tables.cells(source.text, source.tables[0].heads) == tuple(numbers)


def test_a_row_is_never_broken_over_two_passages():
    rows = [[f"R{number}", "He left. She came. " * (number % 4), f"{number}"] for number in range(200)]
    source = document(written([HEADS, *rows, ["long", "word " * 400, "x"]]))
    passages = cut(source, words_as_tokens)
    lines = set(source.text.split("\n"))
    longest = max(lines, key=len)
    for passage in passages:
        assert all(passage.quote(span) in lines or passage.quote(span) in longest for span in passage.sentences)
    assert passages[0].where == "rows 2–11"
    assert passages[0].text.split("\n")[0] == "Region: R0 | Note: 0"


@pytest.mark.parametrize("heads", [[], ["Name of it", "second"]])
def test_rows_of_one_cell_and_rows_that_begin_with_a_bar_are_passages_whole(heads):
    rows = [[f"a|b{number} is. It is", ""] for number in range(60)]
    source = document(written([heads, ["1", "2"], *rows] if heads else [["1", "2"], *rows]))
    quoted = [passage.quote(span) for passage in cut(source, words_as_tokens) for span in passage.sentences]
    assert quoted == source.text.split("\n")


def words_as_tokens(text: str) -> list[Span]:
    spans, place = [], 0
    for word in text.split():
        start = text.index(word, place)
        place = start + len(word)
        spans.append(Span(start, place))
    return spans


# --- hostile ---


def test_a_quotation_mark_that_never_closes_is_refused_with_its_line():
    with pytest.raises(Refused, match=r"line [\d,]+ cannot be read .*quotation mark"):
        document('a,b\n"open,1\n' + "x,y\n" * 50_000)


def test_binary_is_refused_and_an_empty_table_has_no_text():
    with pytest.raises(Refused, match="binary"):
        document(b"a,b\n1,\x00\n")
    with pytest.raises(Refused, match="no text"):
        document(",,,\n,,,\n")


def test_heads_that_would_swell_the_text_are_refused():
    heads = [f"{number} {'x' * 90}y" for number in range(2_000)]
    with pytest.raises(Refused, match="250 million characters"):
        document(written([["a"] + ["b" + head for head in heads], *[["1"] * 2_001] * 1_500]))


def test_a_hundred_thousand_columns_and_rows_of_blanks_are_read_in_seconds():
    began = time.process_time()
    document(written([[f"c{number}" for number in range(100_000)], ["1"] * 100_000]))
    document("a,b\n1,2\n" + ",\n" * 500_000 + "3,4")
    assert time.process_time() - began < 20  # about 2 here; quadratic would be minutes


def test_eight_megabytes_are_read_in_seconds():
    row = "12345,Ada Brandt,Kiel,1234.50,2024-01-02,late\n"
    data = ("id,name,city,amount,date,note\n" + row * (8 * 2**20 // len(row))).encode()
    began = time.process_time()
    assert len(document(data).text) > len(data)
    assert time.process_time() - began < 10  # about 1 here
