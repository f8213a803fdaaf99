"""EPUB: bytes -> the chapters of a book, or a refusal that says why."""

import time
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from docutils.core import publish_string

from index.document import Document
from index.errors import Refused
from index.formats import read

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
METADATA = """<dc:title> The\nmill </dc:title><dc:title>A second</dc:title><dc:creator>Ann Brandt</dc:creator>
<dc:creator>Bo Lind</dc:creator><dc:date>2024-01-02</dc:date>"""
PAGE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="a.js"/></head>
<body><a id="top"/>{}</body></html>"""


def package(chapters: dict[str, str], metadata: str = METADATA, before: str = "") -> str:
    items = "".join(
        f'<item id="c{n}" href="{href}" media-type="application/xhtml+xml"/>' for n, href in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    return (
        f'<?xml version="1.0"?>{before}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>{metadata}</metadata>'
        f'<manifest>{items}<item id="css" href="a.css" media-type="text/css"/></manifest>'
        f'<spine><itemref idref="css"/>{spine}<itemref idref="gone"/></spine></package>'
    )


def zipped(members: dict[str, str | bytes]) -> bytes:
    target = BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        for name, text in members.items():
            archive.writestr(name, text)
    return target.getvalue()


def book(chapters: dict[str, str], **others: str | bytes) -> bytes:
    pages = {f"OPS/{href.replace('%20', ' ')}": PAGE.format(body) for href, body in chapters.items()}
    return zipped({"META-INF/container.xml": CONTAINER, "OPS/book.opf": package(chapters), **pages, **others})


def of(data: bytes) -> Document:
    return read("docs/a.epub", data)


def pages_of(document: Document) -> list[tuple[int, str, str]]:
    return [(page.number, page.name, document.text[page.start : page.end]) for page in document.pages]


def test_a_chapter_is_a_page_called_by_its_place_in_the_order_of_reading():
    document = of(
        book(
            {
                "one.xhtml": "<h1>One</h1><p>It burned.",
                "cover.xhtml": "<img src='x'/>",
                "sub/b%20c.xhtml": "<h2>Two</h2><p>a<table><tr><td>x</td><td>y</td></tr></table>",
            }
        )
    )
    assert pages_of(document) == [(1, "chapter 2", "One\n\nIt burned."), (2, "chapter 4", "Two\n\na\nx | y")]
    headings = [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings]
    assert headings == [(1, "One"), (2, "Two")]
    assert document.media_type == "application/epub+zip"


def test_the_package_tells_title_authors_and_date():
    document = of(book({"a.xhtml": "<p>text"}))
    assert (document.title, document.author, document.date) == ("The mill", "Ann Brandt, Bo Lind", "2024-01-02")


def test_a_chapter_that_another_program_made_is_read():
    made = publish_string("Mill\n====\n\nIt *burned*.\n", writer="html5", settings_overrides={"_disable_config": True})
    assert "It burned." in of(book({"a.xhtml": ""}, **{"OPS/a.xhtml": made})).text


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_a_chapter_is_read_in_the_encoding_that_it_declares(encoding):
    page = f'<?xml version="1.0" encoding="{encoding}"?><html xmlns="http://www.w3.org/1999/xhtml"><p>Größe'
    assert of(book({"a.xhtml": ""}, **{"OPS/a.xhtml": page.encode(encoding)})).text == "Größe"


@pytest.mark.parametrize("href", ["../../secret.xhtml", "/OPS/a.xhtml", "gone.xhtml", "%2e%2e/%2e%2e/secret.xhtml", ""])
def test_a_chapter_that_lies_outside_or_is_not_there_is_passed_over(href):
    chapters = {href: "secret", "b.xhtml": "<p>seen"}
    members = {
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": package(chapters),
        "OPS/b.xhtml": PAGE.format("<p>seen"),
    }
    assert pages_of(of(zipped({**members, "../secret.xhtml": "secret"}))) == [(1, "chapter 3", "seen")]


def test_a_chapter_named_twice_is_read_once():
    twice = package({"a.xhtml": ""}).replace("</spine>", '<itemref idref="c0"/>' * 5_000 + "</spine>")
    assert len(of(book({"a.xhtml": "<p>text"}, **{"OPS/book.opf": twice})).pages) == 1


ENCRYPTION = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData
xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="{}"/></EncryptedData></encryption>"""


def test_a_book_that_is_locked_is_refused_and_one_with_locked_fonts_read():
    fonts = {"META-INF/encryption.xml": ENCRYPTION.format("http://www.idpf.org/2008/embedding")}
    assert of(book({"a.xhtml": "<p>text"}, **fonts)).text == "text"
    locked = {"META-INF/encryption.xml": ENCRYPTION.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")}
    with pytest.raises(Refused, match="DRM"):
        of(book({"a.xhtml": "<p>text"}, **locked))


BOMB = (
    "<!DOCTYPE package [<!ENTITY a 'xxxxxxxxxx'>"
    + "".join(f"<!ENTITY {new} '{f'&{old};' * 10}'>" for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
BROKEN = {
    "bomb": (book({}, **{"OPS/book.opf": package({}, "<dc:title>&i;</dc:title>", BOMB)}), "damaged"),
    "outside": (
        book({}, **{"OPS/book.opf": package({}, "<dc:title>&a;</dc:title>", "<!DOCTYPE package [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>")}),
        "damaged",
    ),
    "no package": (zipped({"META-INF/container.xml": CONTAINER}), "damaged"),
    "no path": (zipped({"META-INF/container.xml": "<container/>"}), "damaged"),
    "no XML": (zipped({"META-INF/container.xml": "container"}), "damaged"),
    "odd encoding": (zipped({"META-INF/container.xml": "<?xml version='1.0' encoding='no-such'?><a/>"}), "damaged"),
    "no chapters": (book({}), "no text"),
    "cut": (book({"a.xhtml": "<p>text"})[:-9], "damaged"),
    "changed": (book({"a.xhtml": "<p>text" * 99}).replace(b"OPS/a.xhtml", b"OPS/b.xhtml", 1), "damaged"),
    "zip bomb": (book({"a.xhtml": "x" * 50_000_000}), "200 times"),
    "no zip": (b"text", "damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_or_hostile_book_is_refused_in_seconds(data, reason):
    began = time.process_time()
    with pytest.raises(Refused, match=reason):
        of(data)
    assert time.process_time() - began < 5


def test_a_package_nested_a_hundred_thousand_deep_is_read_or_refused_in_seconds():
    began = time.process_time()
    deep = package({"a.xhtml": ""}, "<x>" * 100_000 + "</x>" * 100_000)
    assert of(book({"a.xhtml": "<p>text"}, **{"OPS/book.opf": deep})).text == "text"
    assert time.process_time() - began < 5
