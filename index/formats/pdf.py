"""PDF: bytes -> the text of its pages."""

import re
from threading import Lock

import pypdfium2 as pdfium

from index.errors import Refused
from index.formats.content import Content, TextBuilder

_MAX_PAGES = 2_000
_PASSWORD_ERROR = "password"  # pdfium's message for an encrypted file

# PDFium marks a word broken at a line's end by U+FFFE (or U+0002) in place of the hyphen.
_BROKEN_WORD = re.compile("[\ufffe\x02](?:\r\n|\r|\n)?")
_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})")

# PDFium keeps global state and must not be entered by two threads at once.
_ONE_AT_A_TIME = Lock()


def read(data: bytes) -> Content:
    """The pages in order, and what the file's information dictionary tells.

    Raises:
        Refused: The file is encrypted, damaged or too long.
    """
    with _ONE_AT_A_TIME:
        try:
            document = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            raise Refused(_why(error)) from error
        try:
            return _content(document)
        finally:
            document.close()


def _content(document: pdfium.PdfDocument) -> Content:
    if len(document) > _MAX_PAGES:
        raise Refused(f"it has {len(document):,} pages, and Footnote reads at most {_MAX_PAGES:,}")
    builder = TextBuilder()
    for index in range(len(document)):
        builder.add_page(_page_text(document, index))
    date = _DATE.match(_told(document, "CreationDate"))
    return Content(
        text=builder.text(),
        title=_told(document, "Title"),
        pages=tuple(builder.pages),
        author=_told(document, "Author"),
        date="-".join(date.groups()) if date else "",
        dropped=builder.dropped,
    )


def _told(document: pdfium.PdfDocument, key: str) -> str:
    """An entry of the information dictionary, or "" where there is none or it is not text."""
    try:
        return str(document.get_metadata_value(key))
    except UnicodeDecodeError:
        return ""


def _page_text(document: pdfium.PdfDocument, index: int) -> str:
    """The page's text in reading order, words broken at a line's end made whole."""
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pdfium.PdfiumError as error:
        raise Refused(f"its page {index + 1} is damaged") from error
    text: str = text_page.get_text_bounded()
    text_page.close()
    page.close()
    return _BROKEN_WORD.sub("", text)


def _why(error: pdfium.PdfiumError) -> str:
    if _PASSWORD_ERROR in str(error).lower():
        return "it is encrypted; save a copy without the password and add that"
    return "it is damaged, or not a PDF"
