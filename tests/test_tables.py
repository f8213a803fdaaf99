"""Tables: a row is a line that says all it can, its cells are had back, and its place is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import tables
from index.document import SOURCE_CODE, Document, Page, canonical
from index.errors import Refused
from index.formats import content
from index.formats.content import TextBuilder

words = st.text(max_size=8) | st.sampled_from(
    ["", "a", "B", "A", "B (C)", "x | y", "|", "a: b", ":", "字\u3000\u200d字"]
)
rows = st.lists(words, min_size=1, max_size=5)


def document(builder: TextBuilder, media_type: str = "text/csv") -> Document:
    made = builder.content()
    return Document("docs/a", "A", made.text, "0" * 64, media_type, made.pages, made.headings, tables=made.tables)


# --- lines and cells ---


@given(rows, rows)
def test_the_cells_of_a_line_are_had_back(heads, texts):
    names = tables.named(heads)
    line = tables.line(names, texts)
    assert "\n" not in line
    assert canonical(line) == (line, 0)
    shown = [tables.cell(text) for text in texts]
    if not any(shown):
        assert line == ""
    elif names:
        told = [*names, *tables.named([*names, *[""] * len(shown)])[len(names) :]][: max(len(names), len(shown))]
        assert tables.cells(line, told) == (*shown, *[""] * (len(told) - len(shown)))
    else:
        while not shown[-1]:
            shown.pop()
        assert tables.cells(line, ()) == tuple(shown)


@given(words)
def test_a_cell_that_is_folded_once_stays_as_it_is(text):
    once = tables.cell(text)
    assert tables.cell(once) == once
    assert canonical(once) == (once, 0)
    assert tables.SEPARATOR not in once


@given(rows, st.integers(1, 30))
def test_each_column_has_a_name_of_its_own(heads, first):
    names = tables.named(heads, first)
    assert len(set(names)) == len(names)
    assert len(names) in (0, len(heads))
    assert not any(": " in name or name.endswith(":") for name in names)
    assert tables.named(names, first) == names


@pytest.mark.parametrize(
    ("heads", "first", "names"),
    [
        (["Region", "Revenue"], 1, ("Region", "Revenue")),
        (["Region", "", "Region"], 1, ("Region", "B", "Region (C)")),
        (["", ""], 1, ()),
        (["B", ""], 1, ("B", "B (B)")),
        (["Sum: ", ""], 3, ("Sum", "D")),
        ([], 1, ()),
    ],
)
def test_columns_are_named_by_their_heads_or_their_letters(heads, first, names):
    assert tables.named(heads, first) == names


def test_a_line_leaves_blank_cells_out_under_heads_and_keeps_them_without():
    assert tables.line(("Region", "Revenue", "Note"), ["North", "", "good", "more"]) == (
        "Region: North | Note: good | D: more"
    )
    assert tables.line((), ["North", "", "good", ""]) == "North |  | good"


def test_heads_in_several_rows_are_joined():
    assert tables.joined([["", "2024", "2024"], ["Region", "Q1", "Q2"]]) == ["Region", "2024 Q1", "2024 Q2"]
    assert tables.joined([["Region", "Sum"], ["Region"]]) == ["Region", "Sum"]


@pytest.mark.parametrize(
    "rows",
    [
        [["Region", "Revenue"], ["North", "1"]],
        [["Region", "Revenue", ""]],
        [["", "Q1", "Q2"], ["North", "1", "2"]],
        [["Region", "2023", "2024"], ["North", "1", "2"]],
        [["Region", "2024-01-01", "2024-02-01"], ["North", "1", "2"]],
        [["Name", "Amount", "Amount"], ["Ada", "1", "2"]],
        [["Name", "", "Amount"], ["Ada", "x", "2"]],
        [["Time", "How satisfied are you with " + "the mill and its salt " * 8 + "?"], ["10:15", "very"]],
    ],
)
def test_names_over_columns_are_heads(rows):
    assert tables.are_heads(rows)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["Region"]],
        [["Region", "Region"]],
        [["Region", "", "Note"]],
        [["North", "1,234.50"]],
        [["North", "€ 5", "2024-01-02"]],
        [["2023", "2024"]],
        [["North", "Ada"], ["North", "Bob"]],
        [["Name:", "Ada"], ["Born:", "Kiel"]],
        [["", "Ada"]],
        [["a" * 301, "b"]],
        [["a" * 101 + ".", "b"]],
        [["North", "1,235K"], ["South", "2,400K"]],
        [["North", "n/a", "n/a"], ["South", "1", "2"]],
        [["Name", "", "", "Amount"], ["Ada", "x", "y", "2"]],
        [["Item", "Q1", "", "Q2"], ["", "plan", "actual", "plan"], ["Salt", "1", "2", "3"]],
        [["Ada", "", "Kiel"], ["Bob", "x", "Bonn"]],
    ],
)
def test_what_may_be_a_row_like_the_others_is_no_row_of_heads(rows):
    assert not tables.are_heads(rows)


def test_rows_of_one_cell_before_wider_ones_are_titles():
    assert tables.titles([["Sales", ""], [], ["Region", "Sum"], ["North"]]) == 2
    assert tables.titles([["one"], ["two"]]) == tables.titles([]) == 0


def test_figures_under_a_name_are_told():
    assert tables.has_figures([["Region", "Sum"], ["North", "(1,234.5)"]])
    assert all(tables.has_figures([["Item", "Sum"], ["Salt", each]]) for each in ("1,235K", "3.2 bn", "70kg", "5 %"))
    assert not tables.has_figures([["Item", "Sum"], ["Salt", "12 sacks"]])
    assert not tables.has_figures([["Name", "Ada"], ["Town", "Kiel"]])
    assert not tables.has_figures([["1", "2"], ["3", "4", "5"]])


# --- the builder and places ---


def test_a_row_is_where_its_file_has_it():
    builder = TextBuilder()
    builder.begin_page("sheet Sales")
    builder.add_block("Sales of the year")
    builder.add_rows(["Region", "Revenue"], [["North", "1"], ["", ""], ["South", "2"], ["East", "3"]], row=5, column=3)
    source = document(builder)
    assert source.text == (
        "Sales of the year\n\nRegion: North | Revenue: 1\n\nRegion: South | Revenue: 2\nRegion: East | Revenue: 3"
    )
    places = tables.Places(source)

    def where(first: str, last: str) -> str:
        return places.where(source.text.index(first), source.text.index(last) + len(last))

    assert where("Sales of", "year") == "sheet Sales"
    assert where("North", "1") == "sheet Sales, C5:D5"
    assert where("South", "2") == "sheet Sales, C7:D7"
    assert where("Region: South", "3") == "sheet Sales, C7:D8"
    assert where("2", "East") == "sheet Sales, C7:D8"


def test_without_heads_a_place_is_as_wide_as_its_rows():
    builder = TextBuilder()
    builder.add_rows([], [["North"], ["South", "", "2"], ["East", "3"]], row=9, column=1)
    source = document(builder)
    places = tables.Places(source)
    assert places.where(0, 2) == "A9"
    assert places.where(0, len("North\nSou")) == "A9:C10"
    assert places.where(source.text.index("3"), len(source.text)) == "A11:B11"


@given(st.lists(st.lists(st.sampled_from(["", "x", "y\nz"]), max_size=3), max_size=12), st.integers(1, 9))
def test_every_row_is_told_by_its_own_number(rows, first):
    builder = TextBuilder()
    builder.add_block("before")
    builder.add_rows([], rows, row=first)
    builder.add_block("after")
    source = document(builder)
    places = tables.Places(source)
    told = {}
    for table in source.tables:
        start = table.start
        for line in source.text[table.start : table.end].split("\n"):
            told[places.where(start, start + len(line))] = line
            start += len(line) + 1
    kept = {number: tables.line((), row) for number, row in enumerate(rows, start=first)}
    assert told == {f"row {number}": line for number, line in kept.items() if line}
    assert places.where(0, 6) == places.where(len(source.text) - 5, len(source.text)) == ""


def test_several_rows_of_a_file_and_lines_of_code_are_told_by_number():
    builder = TextBuilder()
    builder.add_rows(["a", "b"], [["1", "2"], ["3", "4"]], row=2)
    assert tables.Places(document(builder)).where(0, len(builder.text())) == "rows 2–3"
    code = Document("docs/a.py", "A", "one\ntwo\nthree", "0" * 64, SOURCE_CODE, pages=(Page(1, 0, 13),))
    assert tables.Places(code).where(4, 13) == "lines 2–3"


def test_what_cells_leave_out_is_counted():
    builder = TextBuilder()
    builder.add_rows(["a\u200b", "b"], [["1\u202e", "2\n3"], ["4", "\u200b5"]])
    assert (builder.text(), builder.dropped) == ("a: 1 | b: 2 3\na: 4 | b: 5", 2)


def test_text_and_tables_have_an_end(monkeypatch):
    monkeypatch.setattr(content, "MAX_TABLES", 3)
    with pytest.raises(Refused, match="more than 3 tables"):
        TextBuilder().add_rows([], [["x"], []] * 4)
    monkeypatch.setattr(content, "MAX_CHARACTERS", 2_000_000)
    with pytest.raises(Refused, match="2 million characters"):
        TextBuilder().add_rows(["x" * 100_000], [["y"]] * 21)


@pytest.mark.parametrize(("number", "told"), [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (16_384, "XFD")])
def test_columns_have_the_letters_of_spreadsheets(number, told):
    assert tables.letters(number) == told
