"""Hostile office documents and books: relations that loop or lead out, sheets without bounds, spines of themselves."""

from collections.abc import Callable
from functools import partial

from tests.malice.archives import with_members
from tests.malice.honest import CHAPTER, PACKAGE, book, honest
from tests.malice.recipe import Bait, Recipe, baited

_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_O = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_R = "http://schemas.openxmlformats.org/package/2006/relationships"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def _rels(*targets: tuple[str, str], outside: bool = False) -> bytes:
    """Relations of a part: their kinds and targets."""
    mode = ' TargetMode="External"' if outside else ""
    told = "".join(
        f'<Relationship Id="rId{number}" Type="{_O}/{kind}" Target="{target}"{mode}/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{_R}">{told}</Relationships>'.encode()


def _sheet(rows: str, before: str = "", after: str = "") -> bytes:
    """A workbook whose first sheet has these rows."""
    source = f'<worksheet xmlns="{_S}" xmlns:r="{_O}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'
    return with_members(".xlsx", {"xl/worksheets/sheet1.xml": source.encode()}, compressed=len(source) < 2**20)


def _workbook(inner: str) -> bytes:
    source = (
        f'<workbook xmlns="{_S}" xmlns:r="{_O}"><sheets><sheet name="Losses" sheetId="1" r:id="rId1"/></sheets>'
        f"{inner}</workbook>"
    )
    return with_members(".xlsx", {"xl/workbook.xml": source.encode()})


def _strings(inner: str, cell: str) -> bytes:
    row = f'<row r="1"><c r="A1" t="s"><v>{cell}</v></c><c r="B1"><v>12</v></c></row>'
    sheet = f'<worksheet xmlns="{_S}"><sheetData>{row}</sheetData></worksheet>'
    strings = f'<sst xmlns="{_S}">{inner}</sst>'
    return with_members(".xlsx", {"xl/worksheets/sheet1.xml": sheet.encode(), "xl/sharedStrings.xml": strings.encode()})


def _inline(place: str, text: str = "mill") -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def _number(place: str, value: str, kind: str = "n", style: int = 0) -> str:
    return f'<row r="1"><c r="{place}" t="{kind}" s="{style}"><v>{value}</v></c><c r="B1"><v>1</v></c></row>'


_MILLION_CELL = "<c><v>1</v></c>"
_SHEETS: dict[str, Callable[[Bait], bytes]] = {
    "a dimension of the whole sheet": lambda _: _sheet(
        f'<row r="1">{_inline("A1")}</row>', '<dimension ref="A1:XFD1048576"/>'
    ),
    "one cell in the last corner": lambda _: _sheet(f'<row r="1048576">{_inline("XFD1048576")}</row>'),
    "a cell in each of two corners": lambda _: _sheet(
        f'<row r="1">{_inline("A1")}</row><row r="1048576">{_inline("XFD1048576")}</row>'
    ),
    "a cell beyond the sheet": lambda _: _sheet(f'<row r="99999999999">{_inline("ZZZZZZ99999999999")}</row>'),
    "cells without places": lambda _: _sheet("<row><c><v>1</v></c><c/></row>" * 2_000),
    "places that are none": lambda _: _sheet(
        "".join(f'<row r="1">{_inline(place)}</row>' for place in ("", "1A", "A", "0", "A0", "A-1", "Ä1", "$A$1", "a1"))
    ),
    "rows in descending order": lambda _: _sheet(
        "".join(f'<row r="{number}">{_inline(f"A{number}")}</row>' for number in range(2_000, 0, -1))
    ),
    "one row repeated": lambda _: _sheet(f'<row r="7">{_inline("A7")}</row>' * 5_000),
    "one cell repeated": lambda _: _sheet(f'<row r="1">{_inline("A1") * 20_000}</row>'),
    "every column of 200 rows": lambda _: _sheet(f"<row>{_MILLION_CELL * 16_384}</row>" * 20),
    "a million blank rows": lambda _: _sheet(
        '<row r="1"/>' * 1_000_000 + f'<row r="1048576">{_inline("A1048576")}</row>'
    ),
    "far rows apart": lambda _: _sheet(
        "".join(f'<row r="{n * 10_000}">{_inline(f"XFD{n * 10_000}")}</row>' for n in range(1, 100))
    ),
    "a number beyond numbers": lambda _: _sheet(_number("A1", "1e999")),
    "a number of a million digits": lambda _: _sheet(_number("A1", "9" * 1_000_000)),
    "a number that is none": lambda _: _sheet(_number("A1", "NaN") + _number("A1", "١٢") + _number("A1", "")),
    "a date before dates": lambda _: _sheet(_number("A1", "-99999999", "d") + _number("A1", "99999999999", "d")),
    "a truth that is neither": lambda _: _sheet(_number("A1", "7", "b") + _number("A1", "#NOSUCH!", "e")),
    "a kind of cell that nobody knows": lambda _: _sheet(_number("A1", "x", "zzz")),
    "a style that is not there": lambda _: _sheet(
        _number("A1", "45000", style=2_000_000_000) + _number("A1", "1", style=-1)
    ),
    "a shared string that is not there": lambda _: _strings("<si><t>mill</t></si>", "99"),
    "a shared string below zero": lambda _: _strings("<si><t>mill</t></si>", "-1"),
    "a shared string that is no number": lambda _: _strings("<si><t>mill</t></si>", "mill"),
    "50,000 shared strings": lambda _: _strings("<si><t>mill</t></si>" * 50_000, "3"),
    "a count of strings that lies": lambda _: _strings("<si/><si><r/><r><t/></r></si>", "1"),
    "a formula of itself": lambda _: _sheet(
        '<row r="1"><c r="A1"><f>A1+B1</f></c><c r="B1"><f>A1</f><v>2</v></c></row>'
    ),
    "a formula 10,000 deep": lambda _: _sheet(
        f'<row r="1"><c r="A1"><f>{"SUM(" * 10_000}1{")" * 10_000}</f><v>1</v></c></row>'
    ),
    "shared formulas of nothing": lambda _: _sheet(
        '<row r="1"><c r="A1"><f t="shared" si="99"/><v>1</v></c></row>' * 500
    ),
    "a formula that calls out": lambda bait: _sheet(
        f'<row r="1"><c r="A1" t="str"><f>WEBSERVICE("{bait.url}f")</f><v>x</v></c></row>'
    ),
    "100,000 styles": lambda _: with_members(
        ".xlsx",
        {
            "xl/styles.xml": (
                f'<styleSheet xmlns="{_S}"><cellXfs count="100000">'
                + '<xf numFmtId="14"/>' * 100_000
                + "</cellXfs></styleSheet>"
            ).encode()
        },
        compressed=False,
    ),
    "a number format that kills patterns": lambda _: with_members(
        ".xlsx",
        {
            "xl/styles.xml": (
                f'<styleSheet xmlns="{_S}"><numFmts><numFmt numFmtId="200" '
                f'formatCode="{"[h]" * 20_000 + "yy;" * 20_000}"/>'
                '</numFmts><cellXfs><xf numFmtId="200"/></cellXfs></styleSheet>'
            ).encode()
        },
    ),
    "merged cells without end": lambda _: _sheet(
        f'<row r="1">{_inline("A1")}</row>',
        after=("<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 50 + "</mergeCells>"),
    ),
    "defined names by thousands": lambda _: _workbook(
        "<definedNames>" + '<definedName name="a">Losses!$A$1:$XFD$1048576</definedName>' * 5_000 + "</definedNames>"
    ),
    "a sheet that is the workbook": lambda _: with_members(
        ".xlsx", {"xl/_rels/workbook.xml.rels": _rels(("worksheet", "workbook.xml"))}
    ),
    "a sheet that is not there": lambda _: with_members(
        ".xlsx", {"xl/_rels/workbook.xml.rels": _rels(("worksheet", "nosuch.xml"))}
    ),
    "a sheet that leads out": lambda bait: with_members(
        ".xlsx", {"xl/_rels/workbook.xml.rels": _rels(("worksheet", "../" * 30 + str(bait.path)[1:]))}
    ),
    "a sheet that is an address": lambda bait: with_members(
        ".xlsx", {"xl/_rels/workbook.xml.rels": _rels(("worksheet", f"{bait.url}s"), outside=True)}
    ),
    "a link to another book": lambda bait: with_members(
        ".xlsx",
        {
            "xl/externalLinks/externalLink1.xml": (
                f'<externalLink xmlns="{_S}"><externalBook xmlns:r="{_O}" r:id="rId1"/></externalLink>'
            ).encode(),
            "xl/externalLinks/_rels/externalLink1.xml.rels": _rels(
                ("externalLinkPath", f"file://{bait.path}"), outside=True
            ),
        },
    ),
    "no workbook relations": lambda _: with_members(".xlsx", {"xl/_rels/workbook.xml.rels": b""}),
    "no content types": lambda _: with_members(".xlsx", {"[Content_Types].xml": b"<Types/>"}),
    "a workbook of another namespace": lambda _: with_members(
        ".xlsx", {"xl/workbook.xml": b"<workbook><sheets/></workbook>"}
    ),
}


def _word(body: str) -> bytes:
    source = f'<w:document xmlns:w="{_W}" xmlns:r="{_O}"><w:body>{body}</w:body></w:document>'
    return with_members(".docx", {"word/document.xml": source.encode()}, compressed=len(source) < 2**20)


def _para(text: str = "mill", style: str = "") -> str:
    told = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{told}<w:r><w:t>{text}</w:t></w:r></w:p>"


def _styles(inner: str, style: str) -> bytes:
    source = f'<w:document xmlns:w="{_W}"><w:body>{_para("The mill", style)}</w:body></w:document>'
    styles = f'<w:styles xmlns:w="{_W}">{inner}</w:styles>'
    return with_members(".docx", {"word/document.xml": source.encode(), "word/styles.xml": styles.encode()})


def _based(style: str, on: str) -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="{style}"><w:name w:val="{style}"/><w:basedOn w:val="{on}"/></w:style>'
    )


_DOCUMENT_RELS = "word/_rels/document.xml.rels"
_WORDS: dict[str, Callable[[Bait], bytes]] = {
    "tables 2,000 deep": lambda _: _word("<w:tbl><w:tr><w:tc>" * 2_000 + _para() + "</w:tc></w:tr></w:tbl>" * 2_000),
    "tables 60 deep": lambda _: _word("<w:tbl><w:tr><w:tc>" * 60 + _para() + "</w:tc></w:tr></w:tbl>" * 60),
    "a row of 20,000 cells": lambda _: _word(f"<w:tbl><w:tr>{f'<w:tc>{_para()}</w:tc>' * 20_000}</w:tr></w:tbl>"),
    "a cell over a million columns": lambda _: _word(
        f'<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr>{_para()}</w:tc></w:tr></w:tbl>'
    ),
    "a cell merged upwards": lambda _: _word(
        f"<w:tbl><w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr>{_para()}</w:tc></w:tr></w:tbl>"
    ),
    "100,000 paragraphs": lambda _: _word(_para() * 100_000),
    "a run of 200,000 breaks": lambda _: _word(
        f"<w:p><w:r><w:t>a</w:t>{'<w:br/><w:tab/>' * 100_000}<w:t>b</w:t></w:r></w:p>"
    ),
    "fields never ended": lambda _: _word('<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r></w:p>' * 5_000 + _para()),
    "a field that includes a file": lambda bait: _word(
        f'<w:p><w:fldSimple w:instr="INCLUDETEXT &quot;{bait.path}&quot;"><w:r><w:t>mill</w:t></w:r></w:fldSimple>'
        "</w:p>"
    ),
    "changes in changes": lambda _: _word(
        "<w:p>"
        + "<w:ins><w:del><w:sdt><w:sdtContent>" * 500
        + "<w:r><w:t>mill</w:t></w:r>"
        + "</w:sdtContent></w:sdt></w:del></w:ins>" * 500
        + "</w:p>"
    ),
    "text boxes in text boxes": lambda _: _word(
        "<w:p><w:r><w:txbxContent>" * 1_000 + _para() + "</w:txbxContent></w:r></w:p>" * 1_000
    ),
    "alternatives without end": lambda _: _word(
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">' * 1_000
        + _para()
        + "</mc:AlternateContent>" * 1_000
    ),
    "a style based on itself": lambda _: _styles(_based("a", "a"), "a"),
    "styles based in a ring": lambda _: _styles(_based("a", "b") + _based("b", "a"), "a"),
    "a style of 5,000 ancestors": lambda _: _styles("".join(_based(f"s{n}", f"s{n + 1}") for n in range(5_000)), "s0"),
    "an outline level of 999": lambda _: _styles(
        '<w:style w:type="paragraph" w:styleId="a"><w:name w:val="heading 999"/>'
        '<w:pPr><w:outlineLvl w:val="999999"/></w:pPr></w:style>',
        "a",
    ),
    "a list numbered in a ring": lambda _: _word(
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="-7"/><w:numId w:val="999999999"/></w:numPr></w:pPr>'
        "<w:r><w:t>a</w:t></w:r></w:p>" * 200
    ),
    "relations to itself": lambda _: with_members(
        ".docx", {_DOCUMENT_RELS: _rels(("header", "document.xml"), ("styles", "document.xml"))}
    ),
    "relations in a ring": lambda _: with_members(
        ".docx",
        {
            "_rels/.rels": _rels(("officeDocument", "word/document.xml"), ("officeDocument", "_rels/.rels")),
            "word/_rels/styles.xml.rels": _rels(("numbering", "document.xml")),
        },
    ),
    "relations that lead out": lambda bait: with_members(
        ".docx", {_DOCUMENT_RELS: _rels(("footnotes", "../" * 30 + str(bait.path)[1:]), ("image", str(bait.path)))}
    ),
    "a template that is an address": lambda bait: with_members(
        ".docx", {"word/_rels/settings.xml.rels": _rels(("attachedTemplate", f"{bait.url}t.dotm"), outside=True)}
    ),
    "a part that is an address": lambda bait: with_members(
        ".docx",
        {_DOCUMENT_RELS: _rels(("subDocument", f"{bait.url}d"), ("frame", f"file://{bait.path}"), outside=True)},
    ),
    "20,000 relations": lambda _: with_members(".docx", {_DOCUMENT_RELS: _rels(*[("image", "nosuch.png")] * 20_000)}),
    "a main part elsewhere": lambda _: with_members(
        ".docx", {"_rels/.rels": _rels(("officeDocument", "../../etc/passwd"))}
    ),
    "a main part that is a picture": lambda _: with_members(".docx", {"[Content_Types].xml": honest(".docx")[:50]}),
    "no relations": lambda _: with_members(".docx", {"_rels/.rels": b""}),
    "a document of another namespace": lambda _: with_members(
        ".docx", {"word/document.xml": b"<document><body/></document>"}
    ),
    "a body that is missing": lambda _: with_members(
        ".docx", {"word/document.xml": f'<w:document xmlns:w="{_W}"/>'.encode()}
    ),
    "footnotes of themselves": lambda _: with_members(
        ".docx",
        {
            "word/footnotes.xml": (
                f'<w:footnotes xmlns:w="{_W}"><w:footnote w:id="1"><w:p><w:r><w:footnoteReference w:id="1"/></w:r>'
                "</w:p></w:footnote>"
                "</w:footnotes>"
            ).encode(),
            _DOCUMENT_RELS: _rels(("footnotes", "footnotes.xml")),
        },
    ),
    "macros": lambda _: with_members(".docx", {"word/vbaProject.bin": b"\xd0\xcf\x11\xe0" * 500}),
}


def _slide(tree: str) -> bytes:
    source = f'<p:sld xmlns:p="{_P}" xmlns:a="{_A}" xmlns:r="{_O}"><p:cSld><p:spTree>{tree}</p:spTree></p:cSld></p:sld>'
    return with_members(".pptx", {"ppt/slides/slide1.xml": source.encode()}, compressed=len(source) < 2**20)


_SHAPE = "<p:sp><p:nvSpPr/><p:spPr/><p:txBody><a:p><a:r><a:t>mill</a:t></a:r></a:p></p:txBody></p:sp>"
_SLIDE_RELS = "ppt/slides/_rels/slide1.xml.rels"
_SHOW_RELS = "ppt/_rels/presentation.xml.rels"
_SLIDES: dict[str, Callable[[Bait], bytes]] = {
    "groups 5,000 deep": lambda _: _slide("<p:grpSp>" * 5_000 + _SHAPE + "</p:grpSp>" * 5_000),
    "groups 100 deep": lambda _: _slide("<p:grpSp>" * 100 + _SHAPE + "</p:grpSp>" * 100),
    "30,000 shapes": lambda _: _slide(_SHAPE * 30_000),
    "a table of 300 columns": lambda _: _slide(
        f'<p:graphicFrame><a:graphic><a:graphicData uri="{_A[:-4]}table"><a:tbl>'
        + ("<a:tr>" + "<a:tc><a:txBody><a:p><a:r><a:t>a</a:t></a:r></a:p></a:txBody></a:tc>" * 300 + "</a:tr>") * 50
        + "</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    ),
    "a cell over a million columns": lambda _: _slide(
        f'<p:graphicFrame><a:graphic><a:graphicData uri="{_A}/table"><a:tbl><a:tr>'
        '<a:tc gridSpan="1000000000" rowSpan="99999999">'
        "<a:txBody><a:p/></a:txBody></a:tc></a:tr></a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    ),
    "a slide that is itself": lambda _: with_members(
        ".pptx", {_SLIDE_RELS: _rels(("slideLayout", "slide1.xml"), ("notesSlide", "slide1.xml"))}
    ),
    "a slide that is the show": lambda _: with_members(
        ".pptx", {_SHOW_RELS: _rels(*[("slide", "presentation.xml")] * 20)}
    ),
    "a slide that is not there": lambda _: with_members(
        ".pptx", {_SHOW_RELS: _rels(*[("slide", "slides/nosuch.xml")] * 20)}
    ),
    "one slide shown often": lambda _: with_members(
        ".pptx",
        {
            "ppt/presentation.xml": (
                f'<p:presentation xmlns:p="{_P}" xmlns:r="{_O}"><p:sldIdLst>'
                + "".join(f'<p:sldId id="{256 + n}" r:id="rId1"/>' for n in range(5_000))
                + "</p:sldIdLst></p:presentation>"
            ).encode(),
            _SHOW_RELS: _rels(("slide", "slides/slide1.xml")),
        },
    ),
    "a slide that leads out": lambda bait: with_members(
        ".pptx", {_SHOW_RELS: _rels(*[("slide", "../" * 30 + str(bait.path)[1:])] * 20)}
    ),
    "a slide that is an address": lambda bait: with_members(
        ".pptx", {_SHOW_RELS: _rels(*[("slide", f"{bait.url}s")] * 20, outside=True)}
    ),
    "a picture that is an address": lambda bait: with_members(
        ".pptx", {_SLIDE_RELS: _rels(("image", f"{bait.url}i.png"), outside=True)}
    ),
    "a sound that is a file": lambda bait: with_members(
        ".pptx", {_SLIDE_RELS: _rels(("audio", f"file://{bait.path}"), outside=True)}
    ),
    "a show of nothing": lambda _: with_members(
        ".pptx", {"ppt/presentation.xml": f'<p:presentation xmlns:p="{_P}"/>'.encode()}
    ),
    "a slide of another kind": lambda _: with_members(".pptx", {"ppt/slides/slide1.xml": b"<x/>"}),
    "paragraph levels of 999": lambda _: _slide(_SHAPE.replace("<a:p>", '<a:p><a:pPr lvl="-999999999"/>') * 20),
}


def _items(hrefs: list[str], media: str = "application/xhtml+xml") -> tuple[str, str]:
    items = "".join(f'<item id="c{n}" href="{href}" media-type="{media}"/>' for n, href in enumerate(hrefs))
    return items, "".join(f'<itemref idref="c{n}"/>' for n in range(len(hrefs)))


def _spine(hrefs: list[str], members: dict[str, bytes | str] | None = None) -> bytes:
    items, refs = _items(hrefs)
    chapter = {"OEBPS/c1.xhtml": CHAPTER.format(text="The mill burned.")}
    return book({"OEBPS/book.opf": PACKAGE.format(title="x", items=items, refs=refs), **chapter, **(members or {})})


def _rooted(path: str) -> bytes:
    return book(
        {"META-INF/container.xml": f'<container><rootfiles><rootfile full-path="{path}"/></rootfiles></container>'}
    )


def _refs(refs: str) -> bytes:
    items, _ = _items(["c1.xhtml"])
    return book(
        {
            "OEBPS/book.opf": PACKAGE.format(title="x", items=items, refs=refs),
            "OEBPS/c1.xhtml": CHAPTER.format(text="mill"),
        }
    )


_BOOKS: dict[str, Callable[[Bait], bytes]] = {
    "a spine that leads out": lambda bait: _spine(
        ["../" * 30 + str(bait.path)[1:], str(bait.path), f"file://{bait.path}", "c1.xhtml"]
    ),
    "a spine that leads out by escapes": lambda bait: _spine(
        ["%2e%2e%2f" * 30 + str(bait.path)[1:], "..%5c..%5cx", "c1.xhtml%00"]
    ),
    "a spine of addresses": lambda bait: _spine(
        [f"{bait.url}chapter", "//127.0.0.1/x", "data:text/html,mill", "c1.xhtml"]
    ),
    "a spine of itself": lambda _: _spine(["book.opf", "../META-INF/container.xml", "."]),
    "a spine of 100,000": lambda _: _spine(["c1.xhtml"] * 100_000),
    "one chapter 2,000 times": lambda _: _refs('<itemref idref="c0"/>' * 2_000),
    "a spine of what is not there": lambda _: _spine(["nosuch.xhtml", "", "#", "?", "c1.xhtml#a"]),
    "references to nothing": lambda _: _refs('<itemref idref="zzz"/><itemref/>' * 500),
    "a spine of pictures": lambda _: book(
        {
            "OEBPS/book.opf": PACKAGE.format(
                title="x", items=_items(["a.png"], "image/png")[0], refs='<itemref idref="c0"/>'
            ),
            "OEBPS/a.png": b"\x89PNG" * 99,
        }
    ),
    "items with one name": lambda _: book(
        {
            "OEBPS/book.opf": PACKAGE.format(
                title="x",
                items='<item id="c" href="c1.xhtml" media-type="application/xhtml+xml"/>' * 5_000,
                refs='<itemref idref="c"/>',
            ),
            "OEBPS/c1.xhtml": CHAPTER.format(text="mill"),
        }
    ),
    "fallbacks in a ring": lambda _: book(
        {
            "OEBPS/book.opf": PACKAGE.format(
                title="x",
                items='<item id="a" href="a" media-type="x/y" fallback="b"/>'
                '<item id="b" href="b" media-type="x/y" fallback="a"/>',
                refs='<itemref idref="a"/>',
            )
        }
    ),
    "a package that leads out": lambda bait: _rooted("../" * 30 + str(bait.path)[1:]),
    "a package that is the container": lambda _: _rooted("META-INF/container.xml"),
    "a package that is not there": lambda _: _rooted("nosuch.opf"),
    "a package without a path": lambda _: book({"META-INF/container.xml": "<container><rootfiles/></container>"}),
    "a chapter 100,000 deep": lambda _: _spine(
        ["c1.xhtml"], {"OEBPS/c1.xhtml": CHAPTER.format(text="<i>" * 100_000 + "x" + "</i>" * 100_000)}
    ),
    "a locked chapter": lambda _: _spine(
        ["c1.xhtml"], {"META-INF/encryption.xml": "<encryption><CipherReference URI='OEBPS/c1.xhtml'/></encryption>"}
    ),
    "contents in a ring": lambda _: _spine(
        ["c1.xhtml"], {"OEBPS/nav.xhtml": CHAPTER.format(text='<nav><ol><li><a href="nav.xhtml">' * 2_000)}
    ),
    "2,500 chapters": lambda _: _spine(
        [f"d{n}.xhtml" for n in range(2_500)], {f"OEBPS/d{n}.xhtml": CHAPTER.format(text=str(n)) for n in range(2_500)}
    ),
    "a chapter that loads": lambda bait: _spine(
        ["c1.xhtml"],
        {
            "OEBPS/c1.xhtml": CHAPTER.format(
                text=f'<img src="{bait.url}i.png"/><object data="file://{bait.path}"/>'
                f'<script src="{bait.url}s.js"/>mill'
            )
        },
    ),
    "no mimetype": lambda _: with_members(".epub", {"mimetype": b""}),
}

RECIPES: tuple[Recipe, ...] = tuple(
    baited(f"{kind} in {suffix[1:]}", f"x{suffix}", partial(lambda make, bait: make(bait), make))
    for suffix, makers in ((".xlsx", _SHEETS), (".docx", _WORDS), (".pptx", _SLIDES), (".epub", _BOOKS))
    for kind, make in makers.items()
)
