"""Office files that are damaged at random: each is read or refused in a sentence, and none breaks anything."""

import random
import re
import time
from io import BytesIO
from itertools import chain
from zipfile import ZipFile

import docx
import pytest
from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

from index.document import canonical
from index.errors import Failed, Refused
from index.formats import read

VALUES = (b"999999999999", b"-1", b"", b"x", b"1.5", b"A1:XFD1048576", b"\xff")
ROWS = [["Region", "Sum"], ["North", "1"], ["South", "2"]]


def word() -> object:
    made = docx.Document()
    made.add_heading("The mill", 1)
    made.add_paragraph("salt", "List Bullet")
    made.add_comment(made.add_paragraph("It burned.").runs, "When?")
    table = made.add_table(3, 2)
    for cell, text in zip(table._cells, chain(*ROWS), strict=True):
        cell.text = text
    return made


def excel() -> object:
    made = Workbook()
    for row in ROWS:
        made.active.append(row)
    made.active.merge_cells("A5:B5")
    return made


def powerpoint() -> object:
    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text = "The mill"
    slide.notes_slide.notes_text_frame.text = "Smile."
    table = slide.shapes.add_table(3, 2, Inches(1), Inches(4), Inches(4), Inches(2)).table
    for cell, text in zip(table.iter_cells(), chain(*ROWS), strict=True):
        cell.text = text
    return made


def damaged(part: bytes, chance: random.Random) -> bytes:
    """A part with a value changed, an element taken out, a byte changed, or its end cut off."""
    attack = chance.choice(["value", "element", "byte", "end"])
    pattern = {"value": rb'="([^"]*)"', "element": rb"(<[\w:]+[^>]*/>)"}.get(attack)
    found = list(re.finditer(pattern, part)) if pattern else []
    if found:
        start, end = chance.choice(found).span(1)
        return part[:start] + (chance.choice(VALUES) if attack == "value" else b"") + part[end:]
    place = chance.randrange(len(part))
    return part[:place] + (bytes([chance.randrange(256)]) + part[place + 1 :] if attack == "byte" else b"")


@pytest.mark.parametrize(("suffix", "made"), [("docx", word), ("xlsx", excel), ("pptx", powerpoint)])
def test_files_damaged_at_random_are_read_or_refused(suffix, made):
    target = BytesIO()
    made().save(target)
    with ZipFile(target) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    names = [name for name in parts if name.endswith((".xml", ".rels")) and not re.search("theme|Layout", name)]
    chance, outcomes = random.Random(1), set()
    for _ in range(40):
        changed = dict.fromkeys(chance.sample(names, 2))
        archive = BytesIO()
        with ZipFile(archive, "w") as packed:
            for name, part in parts.items():
                packed.writestr(name, damaged(part, chance) if name in changed else part)
        began = time.process_time()
        try:
            text = read(f"docs/a.{suffix}", archive.getvalue()).text
            assert canonical(text) == (text, 0)
            outcomes.add("read")
        except Refused as refusal:
            outcomes.add("broke down" if isinstance(refusal, Failed) else "refused")
        assert time.process_time() - began < 10
    assert outcomes == {"read", "refused"}


NAMESPACES = (
    (b"http://schemas.openxmlformats.org/officeDocument/2006/", b"http://purl.oclc.org/ooxml/officeDocument/"),
    (b"http://schemas.openxmlformats.org/wordprocessingml/2006/", b"http://purl.oclc.org/ooxml/wordprocessingml/"),
    (b"http://schemas.openxmlformats.org/spreadsheetml/2006/", b"http://purl.oclc.org/ooxml/spreadsheetml/"),
    (b"http://schemas.openxmlformats.org/presentationml/2006/", b"http://purl.oclc.org/ooxml/presentationml/"),
)


def strict(made: object) -> bytes:
    """A file as an Office program saves it in the strict format."""
    plain, target = BytesIO(), BytesIO()
    made.save(plain)
    with ZipFile(plain) as source, ZipFile(target, "w") as packed:
        for name in source.namelist():
            body = source.read(name)
            for transitional, other in NAMESPACES:
                body = body.replace(transitional, other)
            packed.writestr(name, body)
    return target.getvalue()


@pytest.mark.parametrize(("suffix", "made"), [(".docx", word), (".xlsx", excel), (".pptx", powerpoint)])
def test_a_file_in_the_strict_format_is_refused_by_its_name(suffix, made):
    with pytest.raises(Refused, match=f"Strict Open XML format; save it as a normal {suffix}"):
        read(f"docs/a{suffix}", strict(made()))


def test_a_document_that_speaks_of_the_strict_format_is_read():
    made = docx.Document()
    made.add_paragraph("The strict format has http://purl.oclc.org/ooxml/ in its names.")
    plain = BytesIO()
    made.save(plain)
    assert "purl" in read("docs/a.docx", plain.getvalue()).text
