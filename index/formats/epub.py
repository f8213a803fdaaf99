"""EPUB: bytes -> the text of its chapters in the order of reading, each on a page."""

import posixpath
import zlib
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError
from zipfile import BadZipFile, ZipFile

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from index.errors import Refused
from index.formats import archive, html
from index.formats.content import Content, TextBuilder

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")  # that lock no text
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/html+xml")
_MAX_BYTES = 40 * 2**20  # of all chapters
_DAMAGED = "it is damaged ({}); save it anew"


def read(data: bytes) -> Content:
    """The chapters, called by their place in the book; title, author and date as its package tells them.

    Raises:
        Refused: It is damaged, locked, or too long.
    """
    with archive.opened(data) as book:
        _check(book)
        root = _tree(book, _CONTAINER).find("{*}rootfiles/{*}rootfile")
        path = root.get("full-path", "") if root is not None else ""
        package = _tree(book, path)
        builder = TextBuilder()
        size = 0
        for number, chapter in _chapters(book, package, posixpath.dirname(path)):
            page = _member(book, chapter)
            size += len(page)
            if size > _MAX_BYTES:
                raise Refused(f"its chapters have more than {_MAX_BYTES // 2**20} MB; split it")
            content = html.read_text(html.decoded(page)) if page.strip() else Content("")
            if content.text.strip():
                builder.begin_page(f"chapter {number}")
                builder.add_content(content)
    told = {name: _told(package, name) for name in ("title", "creator", "date")}
    return builder.content(
        title=next(iter(told["title"]), ""), author=", ".join(told["creator"]), date=next(iter(told["date"]), "")
    )


def _check(book: ZipFile) -> None:
    """See that its text is not locked; that some fonts are does no harm.

    Raises:
        Refused: It is.
    """
    if _ENCRYPTION in book.namelist():
        methods = _tree(book, _ENCRYPTION).iterfind(".//{*}EncryptedData/{*}EncryptionMethod")
        if any(method.get("Algorithm") not in _FONTS for method in methods):
            raise Refused("it is locked by its seller (DRM); get a copy without that")


def _chapters(book: ZipFile, package: Element, folder: str) -> Iterator[tuple[int, str]]:
    """The chapters by their place in the order of reading, from 1, and where in the archive each is.

    What is not there, lies outside, or is no page is passed over, and what comes twice is there once.
    """
    members = {name for name in book.namelist() if not name.startswith(("/", "../"))}
    items = {item.get("id"): item for item in package.iterfind("{*}manifest/{*}item")}
    for number, reference in enumerate(package.iterfind("{*}spine/{*}itemref"), start=1):
        item = items.get(reference.get("idref"))
        if item is not None and item.get("media-type") in _CHAPTERS:
            href = unquote(item.get("href", "").partition("#")[0])
            path = posixpath.normpath(posixpath.join(folder, href))
            if path in members:
                members.remove(path)
                yield number, path


def _told(package: Element, name: str) -> list[str]:
    """What the package says of the book under a name of Dublin Core."""
    words = (
        " ".join("".join(element.itertext()).split()) for element in package.iterfind(f"{{*}}metadata/{{*}}{name}")
    )
    return [each for each in words if each]


def _tree(book: ZipFile, name: str) -> Element:
    """The XML of a member, of which no entity is expanded."""
    try:
        tree: Element = fromstring(_member(book, name))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Refused(_DAMAGED.format(f"{name}: {error}")) from error
    return tree


def _member(book: ZipFile, name: str) -> bytes:
    try:
        return book.read(name)
    except (
        KeyError,
        BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        raise Refused(_DAMAGED.format(f"{name or 'its package'} cannot be unpacked")) from error
