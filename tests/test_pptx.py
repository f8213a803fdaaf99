"""PowerPoint: slides as people read them, each a page of its own."""

import time
from datetime import datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.util import Inches

from index import tables
from index.document import Document
from index.errors import Refused
from index.formats import read

TITLE_AND_BODY, TITLE_ONLY, BLANK = 1, 5, 6
WHERE = (Inches(1), Inches(4), Inches(4), Inches(2))


def saved(made: object) -> bytes:
    target = BytesIO()
    made.save(target)
    return target.getvalue()


def document(made: object) -> Document:
    return read("docs/a.pptx", made if isinstance(made, bytes) else saved(made))


def slide_of(made: object, layout: int = BLANK, title: str = "") -> object:
    slide = made.slides.add_slide(made.slide_layouts[layout])
    if title:
        slide.shapes.title.text = title
    return slide


def boxed(shapes: object, text: str, left: float, top: float) -> object:
    box = shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(1))
    box.text_frame.text = text
    return box


def changed(data: bytes, member: str, change) -> bytes:
    target = BytesIO()
    with ZipFile(BytesIO(data)) as source, ZipFile(target, "w", ZIP_DEFLATED) as made:
        for name in source.namelist():
            made.writestr(name, change(source.read(name)) if name == member else source.read(name))
    return target.getvalue()


def test_slides_are_pages_with_their_titles_as_headings():
    made = Presentation()
    first = slide_of(made, TITLE_AND_BODY, "The mill")
    first.placeholders[1].text_frame.text = "It burned."
    first.placeholders[1].text_frame.add_paragraph().text = "It was rebuilt."
    slide_of(made)
    third = slide_of(made, TITLE_AND_BODY, "After\vit")
    third.placeholders[1].text_frame.text = "All is well."
    third.notes_slide.notes_text_frame.text = "Smile.\nWait."
    third._element.set("show", "0")
    made.core_properties.author, made.core_properties.title = "Ada Brandt", ""
    made.core_properties.modified = datetime(2026, 1, 2)
    source = document(made)
    assert source.text == (
        "The mill\n• It burned.\n• It was rebuilt.\n\nAfter it\n\nAll is well.\n\nNotes: Smile.\nWait."
    )
    assert [(page.label, source.text[page.start : page.end].split("\n")[0]) for page in source.pages] == [
        ("slide 1", "The mill"),
        ("slide 2", ""),
        ("slide 3 (hidden)", "After it"),
    ]
    headings = [(heading.level, source.text[heading.start : heading.end]) for heading in source.headings]
    assert headings == [(1, "The mill"), (1, "After it")]
    assert (source.title, source.author, source.date) == ("The mill", "Ada Brandt", "2026-01-02")
    assert tables.Places(source).where(source.text.index("All"), len(source.text)) == "slide 3 (hidden)"
    assert source.media_type.endswith("presentationml.presentation")


def test_shapes_are_read_from_top_to_bottom_and_left_to_right_also_in_groups():
    made = Presentation()
    slide = slide_of(made)
    boxed(slide.shapes, "last", 1, 6)
    boxed(slide.shapes, "right", 5, 1)
    boxed(slide.shapes, "left", 1, 1.05)
    group = slide.shapes.add_group_shape()
    boxed(group.shapes, "in a group, below", 1, 4)
    boxed(group.shapes.add_group_shape().shapes, "in a group of a group", 1, 3)
    hidden = boxed(slide.shapes, "hidden", 1, 2)
    hidden._element._nvXxPr.cNvPr.set("hidden", "1")
    assert document(made).text == "left\n\nright\n\nin a group of a group\n\nin a group, below\n\nlast"


def test_lists_have_bullets_and_numbers():
    made = Presentation()
    frame = boxed(slide_of(made).shapes, "Bring:", 1, 1).text_frame
    for name, level, text in [
        ("buChar", 0, "salt"),
        ("buAutoNum", 0, "mix"),
        ("buAutoNum", 1, "well"),
        ("buAutoNum", 0, "bake"),
        ("buAutoNum", 1, "hot"),
    ]:
        line = frame.add_paragraph()
        line.text, line.level = text, level
        kind = {"buChar": 'char="•"', "buAutoNum": 'type="arabicPeriod"'}[name]
        line._p.get_or_add_pPr().append(
            parse_xml(f'<a:{name} xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" {kind}/>')
        )
    assert document(made).text == "Bring:\n• salt\n1. mix\n1. well\n2. bake\n1. hot"


def table_of(rows: list[list[str]]) -> tuple[object, object]:
    made = Presentation()
    table = slide_of(made).shapes.add_table(len(rows), len(rows[0]), *WHERE).table
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    return made, table


def test_a_row_of_a_table_is_a_line_with_its_heads():
    made, table = table_of([["Name", "Town"], ["Ada", "Kiel"], ["", ""], ["Bob", "Ulm"]])
    source = document(made)
    assert source.text == "Name: Ada | Town: Kiel\nName: Bob | Town: Ulm"
    assert source.tables[0].heads == ("Name", "Town")
    assert tables.Places(source).where(0, 5) == "slide 1"
    table.first_row = False
    assert document(made).text == "Name | Town\nAda | Kiel\nBob | Ulm"


def test_a_merged_head_spans_its_columns_and_heads_alone_are_not_lost():
    made, table = table_of([["Region", "Sum", ""], ["North", "1", "2"]])
    table.cell(0, 1).merge(table.cell(0, 2))
    assert document(made).text == "Region: North | Sum: 1 | Sum (C): 2"
    assert document(table_of([["Region", "Sum"]])[0]).text == "Region | Sum"


def test_a_chart_is_rows_of_its_categories_and_values():
    made = Presentation()
    data = CategoryChartData(number_format="0%")
    data.categories = ["North", "South"]
    data.add_series("2023", (0.25, None))
    data.add_series("2024", (0.5, 0.75))
    chart = slide_of(made).shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *WHERE, data).chart
    chart.chart_title.text_frame.text = "Shares"
    points = XyChartData()
    series = points.add_series("Speed")
    series.add_data_point(1, 0.1 + 0.2)
    slide_of(made).shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *WHERE, points)
    assert document(made).text == (
        "Shares\n\nCategory: North | 2023: 25% | 2024: 50%\nCategory: South | 2024: 75%\n\nCategory: 1 | Speed: 0.3"
    )


def test_the_words_of_a_diagram_are_read():
    made = Presentation()
    slide = slide_of(made)
    main = "http://schemas.openxmlformats.org/drawingml/2006"
    text = "<d:pt><d:t><a:p><a:r><a:t>Plan</a:t></a:r></a:p></d:t></d:pt>"
    body = f'<d:dataModel xmlns:d="{main}/diagram" xmlns:a="{main}/main">{text}</d:dataModel>'
    part = Part(PackURI("/ppt/diagrams/data1.xml"), "application/xml", made.part.package, body.encode())
    relation = slide.part.relate_to(
        part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"
    )
    frame = slide.shapes.add_table(1, 1, *WHERE)._element
    data = frame.find(f".//{{{main}/main}}graphicData")
    data.set("uri", f"{main}/diagram")
    for child in list(data):
        data.remove(child)
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    data.append(parse_xml(f'<d:relIds xmlns:d="{main}/diagram" xmlns:r="{office}" r:dm="{relation}"/>'))
    assert document(made).text == "• Plan"


def test_what_newer_programs_show_in_place_of_a_picture_is_read():
    made = Presentation()
    main = "http://schemas.openxmlformats.org/drawingml/2006/main"
    compatible = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    line = "<a:p><a:r><a:t>{}</a:t></a:r></a:p>"
    slide_of(made).shapes._spTree.append(
        parse_xml(
            f'<mc:AlternateContent xmlns:mc="{compatible}" xmlns:a="{main}"><mc:Choice Requires="a14">'
            f"{line.format('seen')}</mc:Choice><mc:Fallback>{line.format('unseen')}</mc:Fallback></mc:AlternateContent>"
        )
    )
    assert document(made).text == "• seen"


def test_a_footer_is_read_once_and_numbers_of_slides_are_not():
    made = Presentation()
    main = "http://schemas.openxmlformats.org/presentationml/2006/main"
    for _ in range(2):
        slide = slide_of(made, TITLE_ONLY, "Mill")
        for kind, text in (("ftr", "Mill Ltd"), ("sldNum", "7")):
            box = boxed(slide.shapes, text, 1, 6)
            box._element.nvSpPr.nvPr.append(parse_xml(f'<p:ph xmlns:p="{main}" type="{kind}" idx="99"/>'))
    assert document(made).text == "Mill\n\nMill Ltd\n\nMill"


# --- hostile ---


@pytest.mark.parametrize("attack", ["cut", "bomb", "outside", "deep", "no slide"])
def test_damaged_and_hostile_presentations_harm_nobody(attack, tmp_path):
    made = Presentation()
    boxed(slide_of(made).shapes, "MARK", 1, 1)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 12))
    dtd = f'<!ENTITY e0 "lol">{lines}' if attack == "bomb" else f'<!ENTITY e11 SYSTEM "{secret.as_uri()}">'

    def change(body: bytes) -> bytes:
        if attack in ("cut", "no slide"):
            return body[:200] if attack == "cut" else b"<x/>"
        if attack == "deep":
            return body.replace(b"<p:sp>", b"<p:grpSp>" * 100_000 + b"<p:sp>")
        body = body.split(b"?>", 1)[1].replace(b"MARK", b"a&e11;b")
        return f"<!DOCTYPE x [{dtd}]>".encode() + body

    began = time.process_time()
    try:
        told = document(changed(saved(made), "ppt/slides/slide1.xml", change)).text
    except Refused as refusal:
        told = str(refusal)
    assert "secret" not in told
    assert len(told) < 1_000
    assert time.process_time() - began < 5


def test_a_cut_presentation_is_refused_as_damaged():
    with pytest.raises(Refused, match="damaged"):
        document(saved(Presentation())[:-500])
