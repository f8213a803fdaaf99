"""Word: what a reader sees of a document, in its order, and nothing that is deleted or hidden."""

import re
import time
from datetime import datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Pt

from index import tables
from index.document import Document
from index.errors import Refused
from index.formats import office, read

MAIN = "word/document.xml"


def saved(made: object) -> bytes:
    target = BytesIO()
    made.save(target)
    return target.getvalue()


def document(made: object) -> Document:
    return read("docs/a.docx", made if isinstance(made, bytes) else saved(made))


def headings_of(source: Document) -> list[tuple[int, str]]:
    return [(heading.level, source.text[heading.start : heading.end]) for heading in source.headings]


def with_xml(*blocks: str) -> Document:
    """A document whose body is as given, in Word's own XML."""
    made = docx.Document()
    end = made.element.body.sectPr
    for block in blocks:
        end.addprevious(parse_xml(re.sub(r"^<(w:\w+)", rf"<\1 {nsdecls('w', 'a', 'r')} {OTHERS}", block)))
    return document(made)


OTHERS = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(text: str) -> str:
    return f"<w:p>{run(text)}</w:p>"


def changed(data: bytes, parts: dict[str, bytes]) -> bytes:
    """A file with some of its parts in place of others, or added."""
    target = BytesIO()
    with ZipFile(BytesIO(data)) as source, ZipFile(target, "w", ZIP_DEFLATED) as made:
        for name in {**dict.fromkeys(source.namelist()), **parts}:
            made.writestr(name, parts[name] if name in parts else source.read(name))
    return target.getvalue()


# --- the order of things, headings, what a document tells of itself ---


def test_paragraphs_and_tables_are_read_in_their_order_with_their_headings():
    made = docx.Document()
    made.add_heading("The mill", 0)
    made.add_paragraph("It burned.")
    table = made.add_table(2, 2)
    for cell, text in zip(table._cells, ["Year", "Loss", "1902", "all"], strict=True):
        cell.text = text
    made.add_heading("After it", 2)
    made.add_paragraph("It was rebuilt.")
    made.core_properties.author, made.core_properties.title = "Ada Brandt", ""
    made.core_properties.modified = datetime(2026, 1, 2)
    source = document(made)
    assert source.text == "The mill\n\nIt burned.\n\nYear: 1902 | Loss: all\n\nAfter it\n\nIt was rebuilt."
    assert headings_of(source) == [(1, "The mill"), (2, "After it")]
    assert (source.title, source.author, source.date) == ("The mill", "Ada Brandt", "2026-01-02")
    assert source.media_type.endswith("wordprocessingml.document")
    assert [(table.heads, table.row, table.column) for table in source.tables] == [(("Year", "Loss"), 0, 0)]
    made.core_properties.title = "A report"
    assert document(made).title == "A report"


def test_headings_are_told_by_style_in_any_language_and_by_outline_level():
    made = docx.Document()
    german = made.styles.add_style("Überschrift", WD_STYLE_TYPE.PARAGRAPH)
    german.base_style = made.styles["Heading 3"]
    made.add_paragraph("Über die Mühle", german)
    plain = made.add_paragraph("By hand")
    plain._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="1"/>'))
    body = made.add_heading("No heading", 1)
    body._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="9"/>'))
    assert headings_of(document(made)) == [(3, "Über die Mühle"), (2, "By hand")]


def test_a_style_that_builds_on_itself_harms_nobody():
    made = docx.Document()
    style = made.styles.add_style("Loop", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = style
    made.add_paragraph("round", style)
    assert document(made).text == "round"


def test_lists_have_bullets_and_the_numbers_that_are_shown():
    made = docx.Document()
    made.add_paragraph("Bring:")
    for style, text in [
        ("List Bullet", "salt"),
        ("List Bullet", "oil"),
        ("List Number", "mix"),
        ("List Number", "bake"),
    ]:
        made.add_paragraph(text, style)
    assert document(made).text == "Bring:\n• salt\n• oil\n1. mix\n2. bake"


def test_numbers_of_several_levels_count_as_word_counts_them():
    made = docx.Document()
    numbering = made.part.numbering_part.element
    levels = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="{start}"/><w:numFmt w:val="{format}"/>'
        f'<w:lvlText w:val="{shows}"/></w:lvl>'
        for depth, start, format, shows in [
            (0, 3, "decimal", "§ %1"),
            (1, 1, "lowerLetter", "%1.%2)"),
            (2, 1, "upperRoman", "%3."),
        ]
    )
    numbering.insert(0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">{levels}</w:abstractNum>'))
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="77"><w:abstractNumId w:val="77"/></w:num>'))
    for depth in (0, 1, 1, 0, 1, 2, 2):
        item = made.add_paragraph("x")._p.get_or_add_pPr()
        item.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{depth}"/><w:numId w:val="77"/></w:numPr>'))
    assert document(made).text.split("\n") == ["§ 3 x", "3.a) x", "3.b) x", "§ 4 x", "4.a) x", "I. x", "II. x"]


# --- what is shown, and what is not ---


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (f'<w:p>{run("a ")}<w:hyperlink r:id="rId1">{run("link")}</w:hyperlink></w:p>', "a link"),
        (f'<w:p>{run("a")}<w:ins w:id="1" w:author="x">{run("b")}</w:ins></w:p>', "ab"),
        (
            f'<w:p>{run("a")}<w:del w:id="1" w:author="x"><w:r><w:delText>b</w:delText></w:r>{run("b")}</w:del></w:p>',
            "a",
        ),
        (f'<w:p>{run("a")}<w:moveFrom w:id="1" w:author="x">{run("b")}</w:moveFrom></w:p>', "a"),
        ("<w:p>" + run("a") + run("b", "<w:vanish/>") + run("c", '<w:vanish w:val="0"/>') + "</w:p>", "ac"),
        (f'<w:p>{run("a")}<w:fldSimple w:instr="PAGE">{run("7")}</w:fldSimple></w:p>', "a7"),
        ("<w:p><w:r><w:instrText>SECRET</w:instrText><w:t>a</w:t></w:r></w:p>", "a"),
        (
            "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r></w:p>",
            "a\tb\nc-d",
        ),
        (f"<w:sdt><w:sdtContent>{paragraph('in a control')}</w:sdtContent></w:sdt>", "in a control"),
        (f"<w:p><w:sdt><w:sdtContent>{run('in a control')}</w:sdtContent></w:sdt></w:p>", "in a control"),
        ("<w:p><m:oMath><m:r><m:t>E=mc²</m:t></m:r></m:oMath></w:p>", "E=mc²"),
        (
            "<w:p><w:r><w:ruby><w:rt><w:r><w:t>mizu</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>水</w:t></w:r></w:rubyBase>"
            "</w:ruby></w:r></w:p>",
            "水",
        ),
        (
            f'<w:p>{run("a")}<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx><w:txbxContent>'
            f"{paragraph('boxed')}</w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>"
            f"<w:txbxContent>{paragraph('boxed')}</w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent>"
            f"</w:r>{run('b')}</w:p>",
            "ab\n\nboxed",
        ),
        (f'<w:p><w:pPr><w:pStyle w:val="TOC1"/></w:pPr>{run("Chapter 1 … 5")}</w:p>', "Chapter 1 … 5"),
    ],
)
def test_text_is_read_as_it_is_printed(xml, text):
    assert with_xml(xml).text == text


def test_text_of_a_hidden_style_is_left_out():
    made = docx.Document()
    made.styles.add_style("Hidden", WD_STYLE_TYPE.CHARACTER).font.hidden = True
    line = made.add_paragraph("seen")
    line.add_run("secret", "Hidden")
    quiet = made.styles.add_style("Quiet", WD_STYLE_TYPE.PARAGRAPH)
    quiet.font.hidden = True
    made.add_paragraph("secret", quiet)
    assert document(made).text == "seen"


def test_lines_of_a_table_of_contents_are_left_out():
    made = docx.Document()
    made.add_paragraph("The mill … 5", made.styles.add_style("toc 1", WD_STYLE_TYPE.PARAGRAPH))
    made.add_heading("The mill", 1)
    assert document(made).text == "The mill"


def test_headers_and_footers_come_once_at_the_end():
    made = docx.Document()
    made.sections[0].header.paragraphs[0].text = "Confidential"
    made.sections[0].header.add_table(1, 2, Pt(200))._cells[1].text = "Mill Ltd"
    made.sections[0].footer.paragraphs[0].text = "Page 1"
    made.add_section().footer.is_linked_to_previous = False
    made.sections[1].footer.paragraphs[0].text = "Page 1"
    made.add_paragraph("text")
    assert document(made).text == "text\n\nHeader: Confidential Mill Ltd\n\nFooter: Page 1"


def test_comments_and_notes_come_at_the_end():
    made = docx.Document()
    line = made.add_paragraph("It burned.")
    made.add_comment(line.runs, "When?", author="Ada")
    line._p.append(parse_xml(f'<w:r {nsdecls("w")}><w:footnoteReference w:id="2"/></w:r>'))
    data = saved(made)
    with ZipFile(BytesIO(data)) as packed:
        links = packed.read("word/_rels/document.xml.rels")
        kinds = packed.read("[Content_Types].xml")
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    of = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    notes = (
        f'<w:footnotes {nsdecls("w")}><w:footnote w:type="separator" w:id="0">{paragraph("-")}</w:footnote>'
        f'<w:footnote w:id="1">{paragraph("unused")}</w:footnote>'
        f'<w:footnote w:id="2">{paragraph("In 1902.")}</w:footnote>'
        "</w:footnotes>"
    )
    parts = {
        "word/footnotes.xml": notes.encode(),
        "word/_rels/document.xml.rels": links.replace(
            b"</Relationships>",
            f'<Relationship Id="rId99" Type="{of}" Target="footnotes.xml"/></Relationships>'.encode(),
        ),
        "[Content_Types].xml": kinds.replace(
            b"</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{kind}"/></Types>'.encode()
        ),
    }
    assert document(changed(data, parts)).text == "It burned.\n\nFootnote 1: In 1902.\n\nComment by Ada: When?"


def test_a_document_whose_main_part_has_another_name_is_read():
    target = BytesIO()
    with ZipFile(BytesIO(saved(document_of("text")))) as source, ZipFile(target, "w") as made:
        for name in source.namelist():
            body = source.read(name).replace(b"word/document.xml", b"word/document2.xml")
            made.writestr(
                name.replace("word/document.xml", "word/document2.xml").replace(
                    "document.xml.rels", "document2.xml.rels"
                ),
                body,
            )
    assert read("docs/a", target.getvalue()).text == "text"


def test_a_document_with_macros_is_read_and_none_is_run():
    data = saved(document_of("text"))
    with ZipFile(BytesIO(data)) as packed:
        kinds = packed.read("[Content_Types].xml")
    kinds = kinds.replace(
        b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        b"application/vnd.ms-word.document.macroEnabled.main+xml",
    )
    assert read("docs/a.docm", changed(data, {"[Content_Types].xml": kinds})).text == "text"


def document_of(text: str) -> object:
    made = docx.Document()
    made.add_paragraph(text)
    return made


# --- tables ---


def table_of(rows: list[list[str]], made: object | None = None, style: str | None = None) -> object:
    made = made or docx.Document()
    table = made.add_table(len(rows), len(rows[0]), style)
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    return made


def test_a_row_of_a_table_is_a_line_with_its_heads():
    source = document(table_of([["Region", "Revenue"], ["North", "1,234"], ["", ""], ["South", "a | b\nc"]]))
    assert source.text == "Region: North | Revenue: 1,234\nRegion: South | Revenue: a|b c"
    (table,) = source.tables
    lines = source.text[table.start : table.end].split("\n")
    assert [tables.cells(line, table.heads) for line in lines] == [("North", "1,234"), ("South", "a|b c")]
    assert tables.Places(source).where(0, 5) == ""


def test_heads_are_told_by_repeated_rows_or_a_style_that_shows_them():
    rows = [["Name", "Ada"], ["Town", "Kiel"]]
    assert document(table_of(rows)).text == "Name | Ada\nTown | Kiel"
    assert document(table_of(rows, style="Table Grid")).text == "Name | Ada\nTown | Kiel"
    assert document(table_of(rows, style="Light Shading")).text == "Name: Town | Ada: Kiel"
    made = table_of(rows)
    made.tables[0].rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    assert document(made).text == "Name: Town | Ada: Kiel"


def test_heads_in_bold_letters_are_heads():
    made = table_of([["Name", "Town"], ["Ada", "Kiel"]])
    for cell in made.tables[0].rows[0].cells:
        cell.paragraphs[0].runs[0].bold = True
    assert document(made).text == "Name: Ada | Town: Kiel"


def test_heads_alone_are_not_lost():
    made = table_of([["Name", "Town"]])
    made.tables[0].rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    assert document(made).text == "Name | Town"


def test_merged_cells_are_told_once_and_a_merged_head_spans_its_columns():
    made = table_of([["Region", "2024", ""], ["", "Q1", "Q2"], ["North", "1", "2"], ["", "3", "4"]])
    table = made.tables[0]
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(2, 0).merge(table.cell(3, 0))
    for row in table.rows[:2]:
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    assert document(made).text == "Region: North | 2024 Q1: 1 | 2024 Q2: 2\n2024 Q1: 3 | 2024 Q2: 4"


def test_nested_tables_follow_the_table_they_stand_in():
    made = table_of([["Region", "Sum", "Parts"], ["North", "3", "see"]])
    inner = made.tables[0].cell(1, 2).add_table(2, 2)
    for cell, text in zip(inner._cells, ["Part", "Sum", "a", "1"], strict=True):
        cell.text = text
    innermost = inner.cell(1, 0).add_table(1, 2)
    innermost._cells[0].text = "deep"
    assert document(made).text == "Region: North | Sum: 3 | Parts: see\n\nPart: a | Sum: 1\n\ndeep"


def test_a_table_that_lays_a_page_out_is_read_as_its_text():
    made = docx.Document()
    cell = made.add_table(1, 1).cell(0, 0)
    cell.text = "one"
    cell.add_paragraph("Two", "Heading 1")
    wide = made.add_table(1, 2)
    wide.cell(0, 0).text, wide.cell(0, 1).text = "word " * 500, "aside"
    source = document(made)
    assert source.text == f"one\n\nTwo\n\n{('word ' * 500).strip()}\n\naside"
    assert headings_of(source) == [(1, "Two")]
    assert source.tables == ()


def test_deleted_rows_are_left_out():
    made = table_of([["Region", "Sum"], ["North", "1"], ["South", "2"]])
    made.tables[0].rows[1]._tr.get_or_add_trPr().append(parse_xml(f'<w:del {nsdecls("w")} w:id="1" w:author="x"/>'))
    assert document(made).text == "Region: South | Sum: 2"


# --- hostile ---


@pytest.mark.parametrize(
    "data", [saved(document_of("text"))[:-300], changed(saved(document_of("text")), {MAIN: b"<w:"})]
)
def test_a_damaged_document_is_refused_as_damaged(data):
    with pytest.raises(Refused, match="damaged"):
        document(data)


@pytest.mark.parametrize("attack", ["bomb", "outside", "deep", "spans"])
def test_hostile_xml_harms_nobody(attack, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 12))
    dtd = {
        "bomb": f'<!DOCTYPE d [<!ENTITY e0 "lol">{lines}]>',
        "outside": f'<!DOCTYPE d [<!ENTITY e11 SYSTEM "{secret.as_uri()}">]>',
    }.get(attack, "")
    body = {
        "deep": "<w:sdt><w:sdtContent>" * 50_000 + paragraph("deep"),
        "spans": "<w:tbl>"
        + ("<w:tr>" + '<w:tc><w:tcPr><w:gridSpan w:val="999999"/></w:tcPr><w:p/></w:tc>' * 100 + "</w:tr>") * 20
        + f"</w:tbl>{paragraph('x')}",
    }.get(attack, "<w:p><w:r><w:t>a&e11;b</w:t></w:r></w:p>")
    xml = f"{dtd}<w:document {nsdecls('w')}><w:body>{body}</w:body></w:document>"
    began = time.process_time()
    try:
        text = document(changed(saved(document_of("text")), {MAIN: xml.encode()})).text
    except Refused as refusal:
        text = str(refusal)
    assert "secret" not in text
    assert len(text) < 1_000
    assert time.process_time() - began < 5


def test_nesting_as_deep_as_xml_may_be_is_read():
    tables_deep = "<w:tbl><w:tr><w:tc>" * 70 + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * 70
    assert with_xml(tables_deep).text == "deep"
    wide = f"<w:tbl><w:tr><w:tc>{paragraph('a')}</w:tc><w:tc>" * 70 + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * 70
    assert with_xml(wide).text.endswith("deep")


def test_a_part_that_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(office, "MAX_XML", 1_000)
    with pytest.raises(Refused, match="MB of XML"):
        document(document_of("text"))
