"""Excel: sheets as people see them, each row cited by the cells it stands in."""

import re
import time
from datetime import date, datetime, timedelta
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font
from openpyxl.worksheet.table import Table as ExcelTable

from index import tables
from index.document import Document
from index.errors import Refused
from index.formats import grid, read, xlsx
from index.formats.numbers import shown

SALES = [["Region", "Revenue"], ["North", 1234], ["South", 2345]]


def saved(book: Workbook) -> bytes:
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def book(rows: list[list[object]], title: str = "Sales") -> Workbook:
    made = Workbook()
    made.active.title = title
    for row in rows:
        made.active.append(row)
    return made


def document(made: Workbook | bytes) -> Document:
    return read("docs/a.xlsx", made if isinstance(made, bytes) else saved(made))


def text_of(rows: list[list[object]]) -> str:
    return document(book(rows)).text


def places(source: Document) -> dict[str, str]:
    """Where each line of each table stands -> the line."""
    told, found = tables.Places(source), {}
    for table in source.tables:
        start = table.start
        for line in source.text[table.start : table.end].split("\n"):
            found[told.where(start, start + len(line))] = line
            start += len(line) + 1
    return found


def changed(data: bytes, member: str, change) -> bytes:
    """A file with one of its members changed."""
    target = BytesIO()
    with ZipFile(BytesIO(data)) as source, ZipFile(target, "w", ZIP_DEFLATED) as made:
        for name in source.namelist():
            body = source.read(name)
            made.writestr(name, change(body) if name == member else body)
    return target.getvalue()


def with_shared(data: bytes) -> bytes:
    """A file as Excel writes it: with texts that cells share."""
    texts: list[bytes] = []

    def by_number(match: re.Match[bytes]) -> bytes:
        texts.append(re.sub(rb"<t\b[^>]*>", b"<t>", match[1]))
        return b't="s"><v>%d</v>' % (len(texts) - 1)

    data = changed(
        data,
        "xl/worksheets/sheet1.xml",
        lambda body: re.sub(rb't="inlineStr"><is>(.*?)</is>', by_number, body),
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'.encode()
    data = changed(data, "[Content_Types].xml", lambda body: body.replace(b"</Types>", part))
    target = BytesIO(data)
    with ZipFile(target, "a", ZIP_DEFLATED) as made:
        main = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        made.writestr("xl/sharedStrings.xml", main + b"".join(b"<si>%s</si>" % text for text in texts) + b"</sst>")
    return target.getvalue()


# --- rows, and the cells they stand in ---


def test_each_row_has_its_heads_and_is_told_by_its_cells():
    source = document(book(SALES))
    assert source.text == "Region: North | Revenue: 1234\nRegion: South | Revenue: 2345"
    assert places(source) == {
        "sheet Sales, A2:B2": "Region: North | Revenue: 1234",
        "sheet Sales, A3:B3": "Region: South | Revenue: 2345",
    }
    assert [(page.label, page.number) for page in source.pages] == [("sheet Sales", 1)]


def test_every_row_cited_holds_what_its_cells_hold():
    made = book([["Sales of 2024"], [], *SALES, [], ["East", 5], ["West", 6], [], [None, None, "a", "b", "c"]])
    for number in range(12, 40):
        made.active.cell(number, number % 5 + 1, f"cell {number}")
        made.active.cell(number, number % 5 + 3, number / 7)
    other = made.create_sheet("It's a | sheet")
    for row, column in ((3, 27), (3, 28), (3, 30), (4, 27), (4, 28), (4, 30), (9, 2)):
        other.cell(row, column, f"{row} at {column}")
    data = saved(made)
    back = load_workbook(BytesIO(data))
    seen = 0
    for where, line in places(document(data)).items():
        label, cells = re.fullmatch(r"sheet (.+), ([A-Z]+\d+(?::[A-Z]+\d+)?)", where).groups()
        sheet = next(sheet for sheet in back if tables.cell(sheet.title) == label)
        values = [cell for row in sheet[cells if ":" in cells else f"{cells}:{cells}"] for cell in row]
        told = [shown(cell.value) for cell in values if cell.value is not None]
        parts = [part.split(": ", 1)[-1] for part in line.split(" | ")]
        assert [part for part in parts if part.strip(" |")] == told, where
        seen += len(told)
    filled = sum(cell.value is not None for sheet in back for row in sheet.iter_rows() for cell in row)
    assert filled - seen == 2  # but for two heads, that stand before each cell


# --- heads ---


def test_a_title_above_a_table_is_a_block_and_a_blank_row_keeps_the_heads():
    source = document(book([["Sales of 2024"], ["in euros"], *SALES, [], ["East", 3], [], ["Source: the shop"]]))
    assert places(source) == {
        "sheet Sales, A1": "Sales of 2024",
        "sheet Sales, A2": "in euros",
        "sheet Sales, A4:B4": "Region: North | Revenue: 1234",
        "sheet Sales, A5:B5": "Region: South | Revenue: 2345",
        "sheet Sales, A7:B7": "Region: East | Revenue: 3",
        "sheet Sales, A9": "Source: the shop",
    }


def test_a_block_with_heads_of_its_own_is_another_table():
    rows = [*SALES, [], ["Item", "Stock", "Shelf"], ["Oil", 5, "A"]]
    assert text_of(rows).split("\n\n")[1] == "Item: Oil | Stock: 5 | Shelf: A"


def test_tables_side_by_side_are_read_one_after_the_other():
    rows = [["Region", "Revenue", None, "Item", "Stock"], ["North", 1, None, "Oil", 5], ["South", 2, None, "Salt", 6]]
    source = document(book([*rows, ["East", 3]]))
    assert places(source) == {
        "sheet Sales, A2:B2": "Region: North | Revenue: 1",
        "sheet Sales, A3:B3": "Region: South | Revenue: 2",
        "sheet Sales, A4:B4": "Region: East | Revenue: 3",
        "sheet Sales, D2:E2": "Item: Oil | Stock: 5",
        "sheet Sales, D3:E3": "Item: Salt | Stock: 6",
    }


def test_a_blank_column_for_looks_parts_no_table():
    assert text_of([["Cost", None, 2023, 2024], ["Rent", None, 5, 6]]) == "Cost |  | 2023 | 2024\nRent |  | 5 | 6"


def test_a_form_has_no_heads():
    assert text_of([["Name", "Ada"], ["Town", "Kiel"]]) == "Name | Ada\nTown | Kiel"


def test_bold_letters_make_heads_of_two_names():
    made = book([["Name", "Town"], ["Ada", "Kiel"]])
    for cell in made.active[1]:
        cell.font = Font(bold=True)
    assert document(made).text == "Name: Ada | Town: Kiel"


def test_a_merged_head_spans_its_columns():
    made = book([["Region", 2023, None, 2024], [None, "Q1", "Q2", "Q1"], ["North", 1, 2, 3], ["South", 4, 5, 6]])
    made.active.merge_cells("A1:A2")
    made.active.merge_cells("B1:C1")
    source = document(made)
    assert source.tables[0].heads == ("Region", "2023 Q1", "2023 Q2", "2024 Q1")
    assert places(source)["sheet Sales, A4:D4"] == "Region: South | 2023 Q1: 4 | 2023 Q2: 5 | 2024 Q1: 6"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([["Item", "Revenue"], ["Salt", "1,235K"]], "Item: Salt | Revenue: 1,235K"),
        ([["Item", "Sum", "Sum"], ["Salt", 1, 2]], "Item: Salt | Sum: 1 | Sum (C): 2"),
        ([["Item", None, "Sum"], ["Salt", "fine", 2]], "Item: Salt | B: fine | Sum: 2"),
    ],
    ids=["units", "same", "blank"],
)
def test_names_above_figures_are_heads(rows, text):
    assert text_of(rows) == text


def test_years_below_heads_that_span_them_are_heads():
    made = book([["", "Revenue", None, "Cost", None], ["Region", 2023, 2024, 2023, 2024], ["North", 1, 2, 3, 4]])
    made.active.merge_cells("B1:C1")
    made.active.merge_cells("D1:E1")
    assert document(made).text == "Region: North | Revenue 2023: 1 | Revenue 2024: 2 | Cost 2023: 3 | Cost 2024: 4"


def test_a_merged_cell_is_told_once_where_it_starts():
    made = book([["Region", "Shop", "Sum"], ["North", "Kiel", 1], [None, "Husum", 2]])
    made.active.merge_cells("A2:A3")
    assert document(made).text == "Region: North | Shop: Kiel | Sum: 1\nShop: Husum | Sum: 2"


def test_a_table_that_excel_knows_has_the_heads_it_tells():
    made = book([["a list"], ["2021", "2022"], ["x", "y"], ["z", "w"]])
    made.active.add_table(ExcelTable(displayName="List", ref="A2:B4"))
    assert document(made).text == "a list\n\n2021: x | 2022: y\n2021: z | 2022: w"


def test_heads_alone_are_not_lost():
    assert text_of([["Region", "Revenue", "Note"]]) == "Region | Revenue | Note"


# --- cells ---


@pytest.mark.parametrize(
    ("value", "format", "text"),
    [
        (0.1 + 0.2, "General", "0.3"),
        (1 / 3, "General", "0.3333333333"),
        (123_456_789_012, "General", "123456789012"),
        (1e20, "General", "1E+20"),
        (10**400, "0", "1E+400"),
        (float("inf"), "0.0", "inf"),
        (1234.5, "#,##0.00", "1,234.50"),
        (0.2565, "0.0%", "25.65%"),
        (1.005, "0.00", "1.005"),
        (0.4, "0", "0.4"),
        (0.1 + 0.2, "0.0", "0.3"),
        (1234567, "#,##0,", "1234567"),
        (1234.567, "$#,##0", "$1,234.567"),
        (-1234, "#,##0;(#,##0)", "(1,234)"),
        (-0.001, "0.00", "-0.001"),
        (-3, "0.0_);[Red]\\(0.0\\)", "(3.0)"),
        (1234.5, "#,##0.00 [$€-407]", "1,234.50 €"),
        (1234.5, '_($* #,##0.00_);_($* (#,##0.00);_($* "-"??_);_(@_)', "$1,234.50"),
        (0, '_($* #,##0.00_);_($* (#,##0.00);_($* "-"??_);_(@_)', "$-"),
        (1_500_000, '0.0,,"M"', "1500000"),
        (7, "000", "007"),
        (5.0, "0.##", "5"),
        (0.5, "# ?/?", "0.5"),
        (5_551_234_567, "(000) 000-0000", "5551234567"),
        (5, ";;;", "5"),
        (5, "0" * 300, "5"),
        (3, '0 "of 5; or "', "3 of 5; or"),
        (True, "General", "TRUE"),
        (datetime(2024, 1, 2), "dd.mm.yyyy", "2024-01-02"),
        (datetime(2024, 1, 2, 15, 4, 59, 999_990), "dd/mm/yy hh:mm:ss", "2024-01-02 15:05"),
        (date(2024, 1, 2), "mmm yy", "2024-01-02"),
        (timedelta(hours=26, minutes=5), "[h]:mm", "26:05"),
        (None, "General", ""),
    ],
)
def test_numbers_are_shown_as_people_see_them(value, format, text):
    assert shown(value, format) == text


def test_cells_of_every_kind_are_read():
    made = book([["a", "b", "c", "d", "e", "f"], [0.1 + 0.2, 0.5, datetime(2024, 1, 2, 9, 30), True, "#REF!", "x_x"]])
    made.active["B2"].number_format = "0%"
    made.active["E2"].data_type = "e"
    made.active["F2"] = CellRichText("plain ", TextBlock(InlineFont(b=True), "bold"))
    assert document(made).text == "a: 0.3 | b: 50% | c: 2024-01-02 09:30 | d: TRUE | e: #REF! | f: plain bold"


def test_shared_rich_text_is_read_and_how_it_is_pronounced_is_not():
    shared = b"<si><r><t>\xe6\xb0\xb4</t></r><r><t>\xe8\xbb\x8a</t></r><rPh sb='0' eb='1'><t>mizu</t></rPh></si>"
    data = changed(
        with_shared(saved(book([["x"], ["y"]]))),
        "xl/sharedStrings.xml",
        lambda body: body.replace(b"<si><t>x</t></si>", shared),
    )
    assert document(data).text == "水車\ny"


def test_formulas_are_told_by_the_values_last_computed():
    formula = b'<c r="B2"><f>1+1</f><v>2</v></c>'
    data = changed(
        saved(book(SALES)),
        "xl/worksheets/sheet1.xml",
        lambda body: re.sub(rb'<c r="B2"[^>]*>.*?</c>', formula, body),
    )
    assert "Region: North | Revenue: 2\n" in document(data).text


def test_hidden_sheets_and_rows_are_read_and_the_sheet_is_called_hidden():
    made = book(SALES)
    made.active.row_dimensions[2].hidden = True
    other = made.create_sheet("Lists")
    other["B2"] = "oil"
    other.sheet_state = "hidden"
    assert list(places(document(made))) == [
        "sheet Sales, A2:B2",
        "sheet Sales, A3:B3",
        "sheet Lists (hidden), B2",
    ]


def test_a_workbook_tells_title_author_and_date():
    made = book(SALES)
    made.properties.title, made.properties.creator = "The mill", "Ada Brandt"
    made.properties.modified = datetime(2026, 1, 2)
    source = document(made)
    assert (source.title, source.author, source.date[:2]) == ("The mill", "Ada Brandt", "20")
    assert source.media_type.endswith("spreadsheetml.sheet")


# --- hostile ---


def test_a_sheet_that_claims_to_be_huge_costs_nothing():
    made = book(SALES)
    made.active["XFD1048576"] = "far"
    data = changed(
        saved(made),
        "xl/worksheets/sheet1.xml",
        lambda body: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"', body),
    )
    began = time.process_time()
    assert places(document(data))["sheet Sales, XFD1048576"] == "far"
    assert time.process_time() - began < 5


def test_columns_and_blank_rows_and_merged_cells_without_end_are_read_in_seconds():
    wide = saved(book([[name if column % 3 else None for column in range(9_000)] for name in ("head", "a", "b")]))
    made = book([[number, "x"] if number % 2 else [] for number in range(3_000)])
    for number in range(2, 3_000, 2):
        made.active.merged_cells.add(f"A{number}:B{number}")
    tall = saved(made)
    began = time.process_time()
    document(wide)
    document(tall)
    assert time.process_time() - began < 10  # about 1 here


def test_too_many_cells_or_characters_and_cells_strewn_about_are_refused(monkeypatch):
    data = saved(book([*SALES, [*[None] * 50, "far"], [*[None] * 50, "off"]]))
    monkeypatch.setattr(grid, "_MAX_BLANKS", 60)
    with pytest.raises(Refused, match="strewn"):
        document(data)
    monkeypatch.setattr(xlsx, "MAX_CELLS", 5)
    with pytest.raises(Refused, match="more than 5 cells"):
        document(data)
    monkeypatch.setattr(xlsx, "MAX_CHARACTERS", 20)
    with pytest.raises(Refused, match="characters"):
        document(data)


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"])
@pytest.mark.parametrize("attack", ["bomb", "outside", "cut", "deep"])
def test_hostile_xml_harms_nobody(member, attack, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")

    def change(body: bytes) -> bytes:
        if attack == "cut":
            return body[: len(body) // 2]
        if attack == "deep":
            return re.sub(rb"(<(?:si|row|sheets)\b)", rb"<x>" * 100_000 + rb"\1", body, count=1)
        lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 12))
        bomb = f'<!ENTITY e0 "lol">{lines}'
        declared = bomb if attack == "bomb" else f'<!ENTITY e11 SYSTEM "{secret.as_uri()}">'
        name = re.search(rb"<(\w+)", body)[1].decode()
        body = re.sub(rb"^<\?xml[^>]*\?>\s*", b"", body)
        body = body.replace(b"North", b"&e11;").replace(b'name="Sales"', b'name="&e11;"')
        return f"<!DOCTYPE {name} [{declared}]>".encode() + body.replace(b"<v>1234</v>", b"<v>&e11;</v>")

    began = time.process_time()
    try:
        source = document(changed(with_shared(saved(book(SALES))), member, change))
    except Refused as refusal:
        told = str(refusal)
    else:
        told = source.text + source.pages[0].label + "damaged"
    assert "damaged" in told
    assert "secret" not in told
    assert len(told) < 1_000
    assert time.process_time() - began < 5
