"""Small valid documents of every format, made by the formats' own libraries: the same bytes every time."""

import json
import re
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from functools import cache
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

_WORDS = "The mill burned in 1902. Its owner, Ada Brandt, had it built anew of brick within a year."
_NOW = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def members_of(data: bytes) -> dict[str, bytes]:
    """What an archive holds, in order."""
    with ZipFile(BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archived(members: Mapping[str, bytes], *, compressed: bool = True) -> bytes:
    """An archive of some members; uncompressed it is as large as they are, so that no ratio gives it away."""
    written = BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED if compressed else ZIP_STORED) as archive:
        for name, data in members.items():
            entry = ZipInfo(name)
            entry.compress_type = ZIP_DEFLATED if compressed else ZIP_STORED
            archive.writestr(entry, data)
    return written.getvalue()


def _settled(data: bytes) -> bytes:
    """The same archive whenever it is written: what tells the time tells one time."""
    members = members_of(data)
    return archived({name: _NOW.sub(b"2026-01-02T03:04:05Z", part) for name, part in members.items()})


def _docx() -> bytes:
    from docx import Document  # heavy, as are the other libraries below

    document = Document()
    document.add_heading("The mill", 1)
    document.add_paragraph(_WORDS)
    table = document.add_table(rows=2, cols=2)
    for number, words in enumerate(["Year", "Loss", "1902", "all"]):
        table.cell(number // 2, number % 2).text = words
    document.save(written := BytesIO())
    return _settled(written.getvalue())


def _pptx() -> bytes:
    from pptx import Presentation

    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "The mill"
    slide.placeholders[1].text = _WORDS
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    presentation.save(written := BytesIO())
    return _settled(written.getvalue())


def _xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Losses"
    for row in (["Year", "Loss", "Sum"], [1902, "the mill", 12.5], [1903, "none", 0], [None, "total", "=SUM(C2:C3)"]):
        sheet.append(row)
    book.create_sheet("Words").append([_WORDS])
    book.save(written := BytesIO())
    return _settled(written.getvalue())


CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)
PACKAGE = (
    '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">mill</dc:identifier>'
    "<dc:title>{title}</dc:title><dc:language>en</dc:language></metadata>"
    "<manifest>{items}</manifest><spine>{refs}</spine></package>"
)
CHAPTER = (
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>One</title></head>'
    "<body><h1>One</h1><p>{text}</p></body></html>"
)


def book(members: Mapping[str, bytes | str], *, compressed: bool = True) -> bytes:
    """An EPUB of some members, its own first."""
    parts = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, **members}
    return archived(
        {name: part.encode() if isinstance(part, str) else part for name, part in parts.items()}, compressed=compressed
    )


def _epub() -> bytes:
    item = '<item id="c{0}" href="c{0}.xhtml" media-type="application/xhtml+xml"/>'
    items = "".join(item.format(number) for number in (1, 2))
    refs = '<itemref idref="c1"/><itemref idref="c2"/>'
    return book(
        {
            "OEBPS/book.opf": PACKAGE.format(title="The mill", items=items, refs=refs),
            "OEBPS/c1.xhtml": CHAPTER.format(text=_WORDS),
            "OEBPS/c2.xhtml": CHAPTER.format(text="A school stayed."),
        }
    )


def _pdf() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(written := BytesIO(), invariant=1, pageCompression=1)
    for line in (_WORDS, "A school stayed."):
        canvas.drawString(72, 720, line)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def mail(**headers: str) -> EmailMessage:
    """A letter with a text, a page and a file."""
    message = EmailMessage()
    told = {"From": "Ada <ada@example.org>", "To": "b@example.org", "Date": "Fri, 02 Jan 2026 03:04:05 +0000"}
    for name, value in {**told, "Subject": "The mill", **headers}.items():
        message[name] = value
    message.set_content(_WORDS)
    message.add_alternative(f"<p>{_WORDS}</p>", subtype="html")
    message.add_attachment("Year,Loss\n1902,all\n", subtype="csv", filename="losses.csv")
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"===border{number}===")
    return message


def _mbox() -> bytes:
    letters = [mail(Subject=f"Letter {number}").as_bytes() for number in range(3)]
    return b"".join(b"From ada@example.org Fri Jan  2 03:04:05 2026\n" + letter + b"\n" for letter in letters)


_TEXT = f"{_WORDS}\n\nÄ school stayed — “really”.\n"
_CSV = f'Year,Loss,Words\n1902,all,"{_WORDS}"\n1903,,none\n'
_MARKDOWN = f"# The mill\n\n{_WORDS}\n\n- dry *grain*\n- no ~~water~~\n\n| Year | Loss |\n|--|--|\n| 1902 | all |\n"
_RST = (
    f"The mill\n========\n\n{_WORDS}\n\n* dry *grain*\n* no ``water``\n\n.. note:: Keep |this|.\n\n"
    ".. |this| replace:: that\n\n====  ====\nYear  Loss\n====  ====\n1902  all\n====  ====\n"
)
_HTML = f"<!doctype html><title>The mill</title><h1>The mill</h1><p>{_WORDS}<ul><li>grain</ul><table><tr><td>1<td>2"
_SRT = "1\n00:00:01,000 --> 00:00:04,000\nThe mill burned.\n\n2\n00:00:05,000 --> 00:00:09,500\nIn 1902.\n"
_VTT = "WEBVTT\n\nNOTE made by hand\n\n00:01.000 --> 00:04.000 align:start\n<v Ada>The mill burned.\n"
_ROWS = [{"year": 1902, "loss": "all", "parts": ["wheel", {"of": "oak"}]}, {"year": 1903, "loss": None}]

MAKERS: dict[str, Callable[[], bytes]] = {
    ".docx": _docx,
    ".pptx": _pptx,
    ".xlsx": _xlsx,
    ".epub": _epub,
    ".pdf": _pdf,
    ".eml": lambda: mail().as_bytes(),
    ".mbox": _mbox,
    ".txt": _TEXT.encode,
    ".md": _MARKDOWN.encode,
    ".rst": _RST.encode,
    ".html": _HTML.encode,
    ".csv": _CSV.encode,
    ".tsv": lambda: b"Year\tLoss\n1902\tall\n1903\tnone\n",
    ".json": lambda: json.dumps({"title": "The mill", "rows": _ROWS}, indent=1).encode(),
    ".jsonl": lambda: "".join(json.dumps(row) + "\n" for row in _ROWS).encode(),
    ".srt": _SRT.encode,
    ".vtt": _VTT.encode,
    ".py": lambda: b'"""The mill."""\n\n\ndef burn(year: int) -> str:\n    return f"burned in {year}"\n',
}


@cache
def honest(suffix: str) -> bytes:
    """A valid document with this suffix."""
    return MAKERS[suffix]()
