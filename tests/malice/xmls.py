"""Hostile XML, in every member of every format that is read as XML: entities, depth, numbers, encodings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.malice.archives import with_members
from tests.malice.honest import CONTAINER
from tests.malice.recipe import Bait, Recipe, baited

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_R = "http://schemas.openxmlformats.org/package/2006/relationships"
_CORE = (
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


@dataclass(frozen=True, slots=True)
class Attack:
    """What is put where: before the root, among its attributes, where its text stands; and how it is encoded."""

    text: str = "The mill burned."
    doctype: str = ""
    attributes: str = ""
    declared: str = "UTF-8"
    encoding: str = "utf-8"


_HOSTS = {
    "docx": (
        ".docx",
        "word/document.xml",
        f'<w:document xmlns:w="{_W}"@><w:body><w:p><w:r><w:t>#</w:t></w:r></w:p></w:body></w:document>',
    ),
    "docx properties": (
        ".docx",
        "docProps/core.xml",
        f"<cp:coreProperties {_CORE}@><dc:title>#</dc:title></cp:coreProperties>",
    ),
    "docx styles": (".docx", "word/styles.xml", f'<w:styles xmlns:w="{_W}"@><w:style>#</w:style></w:styles>'),
    "docx relationships": (".docx", "word/_rels/document.xml.rels", f'<Relationships xmlns="{_R}"@>#</Relationships>'),
    "xlsx sheet": (
        ".xlsx",
        "xl/worksheets/sheet1.xml",
        f'<worksheet xmlns="{_S}"@><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>#</t></is></c></row></sheetData></worksheet>',
    ),
    "xlsx strings": (".xlsx", "xl/sharedStrings.xml", f'<sst xmlns="{_S}"@><si><t>#</t></si></sst>'),
    "pptx": (
        ".pptx",
        "ppt/slides/slide1.xml",
        f'<p:sld xmlns:p="{_P}" xmlns:a="{_A}"@><p:cSld><p:spTree><p:sp>'
        "<p:txBody><a:p><a:r><a:t>#</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>",
    ),
    "epub chapter": (
        ".epub",
        "OEBPS/c1.xhtml",
        '<html xmlns="http://www.w3.org/1999/xhtml"@><head><title>x</title></head><body><p>#</p></body></html>',
    ),
    "epub package": (
        ".epub",
        "OEBPS/book.opf",
        '<package xmlns="http://www.idpf.org/2007/opf"@><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>#</dc:title></metadata>'
        '<manifest><item id="c" href="c1.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>',
    ),
    "epub container": (
        ".epub",
        "META-INF/container.xml",
        CONTAINER.partition("?>")[2].replace("<container ", "<container@ ").replace("</rootfiles>", "#</rootfiles>"),
    ),
    "xhtml": (".xhtml", "", '<html xmlns="http://www.w3.org/1999/xhtml"@><body><p>#</p></body></html>'),
}
"""Of each: its suffix, the member, and its XML with # where text stands and @ where attributes do."""

_SPACIOUS = ("docx", "xlsx sheet", "xlsx strings", "pptx", "epub chapter")


def _written(host: str, attack: Attack) -> bytes:
    suffix, member, frame = _HOSTS[host]
    frame = frame.replace("@", attack.attributes, 1).replace("#", attack.text, 1)
    source = f'<?xml version="1.0" encoding="{attack.declared}"?>{attack.doctype}{frame}'.encode(attack.encoding)
    return with_members(suffix, {member: source}, compressed=len(source) < 2**20) if member else source


def _entities(count: int, each: int) -> str:
    lines = ['<!ENTITY a0 "lol">']
    lines += [f'<!ENTITY a{number} "{f"&a{number - 1};" * each}">' for number in range(1, count)]
    return f"<!DOCTYPE x [{''.join(lines)}]>"


def _external(system: str) -> Attack:
    return Attack("&x;", f'<!DOCTYPE x [<!ENTITY x SYSTEM "{system}">]>')


def _included(bait: Bait) -> Attack:
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{}" parse="text"/>'
    return Attack(include.format(bait.path))


def _parameter(bait: Bait) -> Attack:
    return Attack("x", f'<!DOCTYPE x [<!ENTITY % d SYSTEM "{bait.url}evil.dtd"> %d;]>')


_SMALL: dict[str, Callable[[Bait], Attack]] = {
    "a billion laughs": lambda _: Attack("&a9;", _entities(10, 10)),
    "quadratic blowup": lambda _: Attack("&q;" * 20_000, f'<!DOCTYPE x [<!ENTITY q "{"q" * 100_000}">]>'),
    "an entity that is a file": lambda bait: _external(f"file://{bait.path}"),
    "an entity that is an address": lambda bait: _external(f"{bait.url}entity"),
    "a parameter entity that is an address": _parameter,
    "a declaration elsewhere": lambda bait: Attack("x", f'<!DOCTYPE x SYSTEM "{bait.url}x.dtd">'),
    "an entity of itself": lambda _: Attack("&a;", '<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'),
    "text included from a file": _included,
    "an encoding that does not exist": lambda _: Attack(declared="no-such"),
    "a declared UTF-7": lambda _: Attack("+ADw-script+AD4-", declared="utf-7"),
    "UTF-16 that says UTF-8": lambda _: Attack(encoding="utf-16"),
    "characters that XML forbids": lambda _: Attack("a&#0;b&#xFFFE;&#xD800;c"),
    "characters that hide": lambda _: Attack("a&#x202E;b&#xE0041;&#x200B;c&#x85;d" * 50),
}
_LARGE: dict[str, Callable[[Bait], Attack]] = {
    "100,000 elements deep": lambda _: Attack("<x>" * 100_000 + "deep" + "</x>" * 100_000),
    "a million attributes": lambda _: Attack(attributes="".join(f' a{number}=""' for number in range(1_000_000))),
    "an attribute of 20 MB": lambda _: Attack(attributes=f' a="{"x" * 20_000_000}"'),
    "a text of 20 MB": lambda _: Attack("word " * 4_000_000),
    "a million elements": lambda _: Attack("<x/>" * 1_000_000),
    "a comment of 20 MB": lambda _: Attack(f"a<!--{'x' * 20_000_000}-->b"),
}


def _recipe(kind: str, host: str, attack: Callable[[Bait], Attack]) -> Recipe:
    def made(bait: Bait) -> bytes:
        return _written(host, attack(bait))

    return baited(f"{kind} in {host}", f"x{_HOSTS[host][0]}", made)


RECIPES: tuple[Recipe, ...] = (
    *(_recipe(kind, host, attack) for kind, attack in _SMALL.items() for host in _HOSTS),
    *(_recipe(kind, host, attack) for kind, attack in _LARGE.items() for host in _SPACIOUS),
    *(
        baited(
            f"{kind} in xml",
            "x.xml",
            partial(
                lambda attack, bait: f"<?xml version='1.0'?>{attack(bait).doctype}<x>{attack(bait).text}</x>", attack
            ),
        )
        for kind, attack in list(_SMALL.items())[:3]
    ),
)
