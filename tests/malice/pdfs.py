"""Hostile PDF: bombs in streams, trees that loop, lies about lengths, and actions."""

import zlib
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO

from tests.malice.archives import zipped_beside
from tests.malice.honest import honest
from tests.malice.recipe import Bait, Recipe, baited, plain

_FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_SHOWN = "BT /F1 12 Tf 72 720 Td (The mill burned.) Tj ET"


def stream(data: bytes | str, entries: str = "") -> bytes:
    """A stream object of some bytes."""
    raw = data.encode("latin-1") if isinstance(data, str) else data
    length = "" if "/Length" in entries else f"/Length {len(raw)} "
    return f"<< {length}{entries} >>\nstream\n".encode("latin-1") + raw + b"\nendstream"


def written(objects: Mapping[int, bytes | str], *, trailer: str = "", xref: bool = True) -> bytes:
    """A PDF of some objects, number 1 its root."""
    body, places = bytearray(b"%PDF-1.7\n"), {}
    for number, content in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n" % number + (content.encode("latin-1") if isinstance(content, str) else content)
        body += b"\nendobj\n"
    start = len(body)
    if xref:
        body += b"xref\n0 1\n0000000000 65535 f \n"
        for number, place in places.items():
            body += b"%d 1\n%010d 00000 n \n" % (number, place)
    size = max(objects) + 1
    body += f"trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode("latin-1")
    return bytes(body)


def page(
    content: bytes | str = _SHOWN,
    *,
    entries: str = "",
    resources: str = "",
    box: str = "0 0 612 792",
    page: str = "",
    root: str = "",
    more: Mapping[int, bytes | str] | None = None,
    trailer: str = "",
) -> bytes:
    """A PDF of one page with this content."""
    objects: dict[int, bytes | str] = {
        1: f"<< /Type /Catalog /Pages 2 0 R {root} >>",
        2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R "
        f"/Resources << /Font << /F1 5 0 R >> {resources} >> {page} >>",
        4: stream(content, entries),
        5: _FONT,
    }
    return written({**objects, **(more or {})}, trailer=trailer)


def _flate_bomb(megabytes: int, rounds: int) -> bytes:
    """Blanks, deflated and deflated again."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(b" " * 2**20) for _ in range(megabytes)) + packer.flush()
    for _ in range(rounds - 1):
        data = zlib.compress(data, 9)
    filters = " ".join(["/FlateDecode"] * rounds)
    return page(data, entries=f"/Filter [{filters}]")


def _operators(count: int, each: str = "(a) Tj ") -> bytes:
    return page(zlib.compress(f"BT /F1 12 Tf {each * count}ET".encode()), entries="/Filter /FlateDecode")


def _pages(count: int, told: int | None = None) -> bytes:
    kids = " ".join(f"{number + 10} 0 R" for number in range(count))
    objects: dict[int, bytes | str] = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {told or count} >>",
        4: stream(_SHOWN),
        5: _FONT,
    }
    leaf = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
    return written(objects | {number + 10: leaf for number in range(count)})


def _one_page_often(count: int) -> bytes:
    return _tree({2: f"<< /Type /Pages /Kids [{'3 0 R ' * count}] /Count {count} >>"})


def _tree(changed: Mapping[int, str]) -> bytes:
    return page(more=dict(changed))


def _deep_tree(levels: int) -> bytes:
    nodes: dict[int, bytes | str] = {
        n: f"<< /Type /Pages /Kids [{n + 1} 0 R] /Count 1 >>" for n in range(10, 10 + levels)
    }
    nodes[10 + levels] = "<< /Type /Page /MediaBox [0 0 9 9] /Contents 4 0 R >>"
    return page(more={2: "<< /Type /Pages /Kids [10 0 R] /Count 1 >>", **nodes})


def _image(filter: str, data: bytes, width: int = 100, height: int = 100) -> bytes:
    told = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray /BitsPerComponent 8"
    image = stream(data, f"{told} /Filter /{filter}")
    return page(f"{_SHOWN} q 99 0 0 99 0 0 cm /I Do Q", resources="/XObject << /I 6 0 R >>", more={6: image})


def _form_loop(count: int) -> bytes:
    """Forms that draw one another, each twice."""
    forms: dict[int, bytes | str] = {}
    for number in range(count):
        after = 10 + (number + 1) % count
        told = f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {after} 0 R >> >>"
        forms[10 + number] = stream("/X Do /X Do", told)
    return page(f"{_SHOWN} /X Do", resources="/XObject << /X 10 0 R >>", more=forms)


def _font(entries: str, program: bytes = b"", *, content: str = _SHOWN, map: str = "") -> bytes:
    described = "<< /Type /FontDescriptor /FontName /Odd /Flags 4 /FontFile2 7 0 R /FontFile 7 0 R /FontFile3 7 0 R >>"
    font = f"<< /Type /Font /FontDescriptor 6 0 R {entries} >>"
    return page(content, more={5: font, 6: described, 7: stream(program), 8: stream(map)})


def _object_streams(levels: int) -> bytes:
    """Object streams that say they extend one another in a ring."""
    rings: dict[int, bytes | str] = {
        10 + n: stream("5 0 (x)", f"/Type /ObjStm /N 1 /First 4 /Extends {10 + (n + 1) % levels} 0 R")
        for n in range(levels)
    }
    return page(more=rings)


def _xref_loop() -> bytes:
    made = page()
    start = made.rindex(b"xref\n0 1")
    return made.replace(b"/Root 1 0 R", f"/Root 1 0 R /Prev {start}".encode())


def _xref_stream(width: str, data: bytes, entries: str = "") -> bytes:
    made = bytearray(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n")
    start = len(made)
    made += b"2 0 obj\n" + stream(data, f"/Type /XRef /W [{width}] /Size 9 /Root 1 0 R {entries}") + b"\nendobj\n"
    return bytes(made + b"startxref\n%d\n%%%%EOF\n" % start)


def _encrypted(*, user: str) -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption  # heavy, as is the next
    from reportlab.pdfgen.canvas import Canvas

    locked = StandardEncryption(user, ownerPassword="owner", strength=128)
    canvas = Canvas(made := BytesIO(), invariant=1, encrypt=locked)
    canvas.drawString(72, 720, "The mill burned.")
    canvas.save()
    return made.getvalue()


def _outlines(count: int) -> bytes:
    entry = "<< /Title (a) /Parent 10 0 R /Next 11 0 R /Prev 11 0 R /First 10 0 R >>"
    return page(root="/Outlines 10 0 R", more={10: f"<< /First 11 0 R /Last 11 0 R /Count {count} >>", 11: entry})


_FILES: dict[str, Callable[[], bytes]] = {
    "a gigabyte deflated": lambda: _flate_bomb(1_000, 1),
    "a gigabyte deflated three times": lambda: _flate_bomb(1_000, 3),
    "a hundred filters": lambda: page(b"x", entries=f"/Filter [{'/FlateDecode ' * 100}]"),
    "filters of every kind": lambda: page(
        "zzzz~>" * 100, entries="/Filter [/ASCII85Decode /ASCIIHexDecode /LZWDecode /RunLengthDecode /FlateDecode]"
    ),
    "a run-length bomb": lambda: page(b"\x81 " * 2_000_000, entries="/Filter /RunLengthDecode"),
    "an LZW stream of noise": lambda: page(bytes(range(256)) * 400, entries="/Filter /LZWDecode"),
    "a predictor of a million columns": lambda: page(
        zlib.compress(b"x" * 99), entries="/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 1000000000 >>"
    ),
    "a million shown letters": lambda: _operators(1_000_000),
    "a million saved states": lambda: page(zlib.compress(b"q " * 1_000_000), entries="/Filter /FlateDecode"),
    "200,000 letters in one place": lambda: _operators(200_000, "1 0 0 1 72 720 Tm (mill) Tj "),
    "a million path segments": lambda: _operators(1_000_000, "1 1 l "),
    "100,000 arrays deep in a page": lambda: page("BT /F1 12 Tf " + "[" * 100_000 + "(a)" + "]" * 100_000 + " TJ ET"),
    "a text of a megabyte": lambda: page(f"BT /F1 12 Tf ({'mill ' * 200_000}) Tj ET"),
    "5,000 pages": lambda: _pages(5_000),
    "1,900 pages": lambda: _pages(1_900),
    "a page count of two thousand million": lambda: _pages(1, told=2_000_000_000),
    "a page count below zero": lambda: _pages(1, told=-5),
    "one page 1,999 times": lambda: _one_page_often(1_999),
    "pages of themselves": lambda: _tree({2: "<< /Type /Pages /Kids [2 0 R 2 0 R 3 0 R] /Count 3 >>"}),
    "pages in a ring": lambda: _tree(
        {2: "<< /Type /Pages /Kids [9 0 R] /Count 9 >>", 9: "<< /Type /Pages /Kids [2 0 R] /Count 9 /Parent 2 0 R >>"}
    ),
    "pages 10,000 deep": lambda: _deep_tree(10_000),
    "no pages": lambda: _tree({2: "<< /Type /Pages /Kids [] /Count 0 >>"}),
    "pages that are a number": lambda: _tree({2: "42"}),
    "a root that is missing": lambda: page().replace(b"/Root 1 0 R", b"/Root 99 0 R"),
    "a table of itself": _xref_loop,
    "a table that lies": lambda: page().replace(b" 00000 n", b"9 00000 n"),
    "no table": lambda: written({1: "<< /Type /Catalog /Pages 2 0 R >>", 2: "<< /Kids [] >>"}, xref=False),
    "a table stream of wide columns": lambda: _xref_stream("1 2000000000 2", b"x" * 100),
    "a table stream of many entries": lambda: _xref_stream("1 2 1", b"x" * 100, "/Index [0 2000000000]"),
    "object streams in a ring": lambda: _object_streams(50),
    "a length that is too long": lambda: page(entries="/Length 999999999"),
    "a length below zero": lambda: page(entries="/Length -1"),
    "a length of itself": lambda: page(entries="/Length 4 0 R"),
    "an object of itself": lambda: page(more={6: "6 0 R", 4: "6 0 R"}),
    "10,000 arrays deep": lambda: page(more={6: "[" * 10_000 + "]" * 10_000}, root="/Odd 6 0 R"),
    "100,000 dictionaries deep": lambda: page(more={6: "<</A " * 100_000 + "1" + ">>" * 100_000}, root="/Odd 6 0 R"),
    "a name of a megabyte": lambda: page(root=f"/{'A' * 1_000_000} 1"),
    "a string never closed": lambda: page(root="/Odd (((((" + "a" * 100_000),
    "JBIG2 of noise": lambda: _image("JBIG2Decode", bytes(range(256)) * 40),
    "JPEG of noise": lambda: _image("DCTDecode", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40),
    "fax of noise": lambda: _image("CCITTFaxDecode", bytes(range(256)) * 40, 60_000, 60_000),
    "JPEG 2000 of noise": lambda: _image("JPXDecode", b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(range(256)) * 40),
    "an image of ten thousand million dots": lambda: _image("FlateDecode", zlib.compress(b"x"), 100_000, 100_000),
    "a sheet of a million miles": lambda: page(box="0 0 1e30 1e30"),
    "a sheet of nothing": lambda: page(box="5 5 5 5"),
    "a sheet of no numbers": lambda: page(box="(a) /b null nan"),
    "a sheet that is turned oddly": lambda: page(page="/Rotate 12345 /UserUnit -1e9"),
    "forms in a ring": lambda: _form_loop(2),
    "forms that double 40 times": lambda: _form_loop(40),
    "a script that opens": lambda: page(root="/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"),
    "a script on every page": lambda: page(page="/AA << /O << /S /JavaScript /JS (while\\(1\\);) >> >>"),
    "a launched program": lambda: page(root="/OpenAction << /S /Launch /F (/bin/sh) /Win << /F (cmd.exe) >> >>"),
    "a form of XFA": lambda: page(root="/AcroForm << /XFA 6 0 R /Fields [] >>", more={6: stream("<xdp:xdp/>" * 9_000)}),
    "fields that are their own kids": lambda: page(
        root="/AcroForm << /Fields [6 0 R] >>", more={6: "<< /T (a) /Kids [6 0 R 6 0 R] /Parent 6 0 R >>"}
    ),
    "outlines in a ring": lambda: _outlines(2_000_000_000),
    "names in a ring": lambda: page(root="/Names << /Dests 6 0 R >>", more={6: "<< /Kids [6 0 R 6 0 R] >>"}),
    "a font of noise": lambda: _font("/Subtype /TrueType /BaseFont /Odd", bytes(range(256)) * 40),
    "a font without anything": lambda: _font("/Subtype /Type0 /DescendantFonts []"),
    "a font of itself": lambda: _font("/Subtype /Type0 /Encoding /Identity-H /DescendantFonts [5 0 R]"),
    "a font of drawings that show text": lambda: _font(
        "/Subtype /Type3 /FontMatrix [1 0 0 1 0 0] /FontBBox [0 0 9 9] /CharProcs << /a 4 0 R >> /FirstChar 0 "
        "/LastChar 255 /Encoding << /Differences [0 /a /a /a] >> /Resources << /Font << /F1 5 0 R >> >>"
    ),
    "a map of every code": lambda: _font(
        "/Subtype /TrueType /BaseFont /Odd /ToUnicode 8 0 R",
        map="begincmap " + "1 beginbfrange <0000> <FFFFFFFF> <202E> endbfrange " * 2_000,
    ),
    "a map to letters that hide": lambda: _font(
        "/Subtype /TrueType /BaseFont /Odd /ToUnicode 8 0 R",
        map="begincmap 1 begincodespacerange <00> <FF> endcodespacerange "
        "1 beginbfrange <00> <FF> <DB40DC41> endbfrange",
    ),
    "widths without end": lambda: _font(f"/Subtype /TrueType /FirstChar -2147483648 /Widths [{'9 ' * 500_000}]"),
    "a lock without a password": lambda: _encrypted(user=""),
    "a lock with a password": lambda: _encrypted(user="secret"),
    "a lock of no method": lambda: page(trailer="/Encrypt << /Filter /Nosuch /V 99 /R 99 /O () /U () /P -1 >>"),
    "a lock that is itself": lambda: page(trailer="/Encrypt 6 0 R /ID [(a) (b)]", more={6: "6 0 R"}),
    "a title that hides": lambda: page(
        trailer="/Info << /Title (gpj.\\376\\377\\040\\056) /CreationDate (D:99999999) >>"
    ),
    "a title of a megabyte": lambda: page(trailer=f"/Info << /Title ({'t' * 1_000_000}) >>"),
    "20 versions of itself": lambda: page() + page()[9:] * 20,
    "a head and nothing else": lambda: b"%PDF-1.7",
    "a head in noise": lambda: bytes(range(256)) * 3 + b"%PDF-1.7\n" + bytes(range(256)) * 30,
    "cut in half": lambda: honest(".pdf")[: len(honest(".pdf")) // 2],
    "zeros in the middle": lambda: honest(".pdf")[:400] + bytes(600) + honest(".pdf")[1_000:],
    "an archive behind it": lambda: honest(".pdf") + honest(".docx"),
    "an archive before it": lambda: zipped_beside(honest(".pdf")),
    "a page behind it": lambda: b"<html><body>The mill burned.<!--" + honest(".pdf") + b"--></body></html>",
}
_BAITED: dict[str, Callable[[Bait], bytes]] = {
    "an address that opens": lambda bait: page(root=f"/OpenAction << /S /URI /URI ({bait.url}open) >>"),
    "a form that is sent": lambda bait: page(root=f"/OpenAction << /S /SubmitForm /F ({bait.url}form) >>"),
    "a stream that is a file": lambda bait: page(entries=f"/F ({bait.path}) /FFilter /Null"),
    "a stream that is an address": lambda bait: page(entries=f"/F << /FS /URL /F ({bait.url}stream) >>"),
    "a page of another file": lambda bait: page(
        f"{_SHOWN} /X Do",
        resources="/XObject << /X 6 0 R >>",
        more={6: stream("", f"/Type /XObject /Subtype /Form /Ref << /F ({bait.path}) /Page 0 >>")},
    ),
    "an attached file that leads out": lambda bait: page(
        root="/Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >>",
        more={6: f"<< /Type /Filespec /F ({bait.escape}) /EF << /F 7 0 R >> >>", 7: stream("escaped")},
    ),
}

RECIPES: tuple[Recipe, ...] = (
    *(plain(f"{kind} in pdf", "x.pdf", make) for kind, make in _FILES.items()),
    *(
        baited(f"{kind} in pdf", "x.pdf", partial(lambda make, bait: make(bait), make))
        for kind, make in _BAITED.items()
    ),
)
