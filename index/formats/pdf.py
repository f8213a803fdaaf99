"""PDF: bytes -> the text of its pages, and the picture of one with some of its characters marked."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import Lock

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageChops

from index.document import Page, Span, canonical
from index.errors import Refused
from index.formats.content import Content, TextBuilder

_MAX_PAGES = 2_000
_PASSWORD_ERROR = "password"  # pdfium's message for an encrypted file

# PDFium marks a word broken at a line's end by U+FFFE (or U+0002) in place of the hyphen.
_BROKEN_WORD = re.compile("[\ufffe\x02](?:\r\n|\r|\n)?")
_WIDEST, _HIGHEST = 1_400, 2_400  # pixels of a page's picture
_MARKED = (255, 223, 168)  # the colour of a highlight, multiplied with what is printed there
_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})")

# PDFium keeps global state and must not be entered by two threads at once.
_ONE_AT_A_TIME = Lock()


def read(data: bytes) -> Content:
    """The pages in order, and what the file's information dictionary tells.

    Raises:
        Refused: The file is encrypted, damaged or too long.
    """
    with _opened(data) as document:
        return _content(document)


def picture(data: bytes, text: str, page: Page, span: Span) -> bytes:
    """A page as a PNG, the characters of `span` marked where they are printed.

    Args:
        data: The file.
        text: Its canonical text.
        page: The page.
        span: Characters of the text; what of them lies on other pages is not marked.

    Raises:
        Refused: The file cannot be read, or has no such page.
    """
    start, end = max(span.start, page.start), min(span.end, page.end)
    with _opened(data) as document:
        if page.number > len(document):
            raise Refused(f"it has no page {page.number}")
        sheet = document[page.number - 1]
        width, height = sheet.get_size()
        bitmap = sheet.render(scale=min(_WIDEST / width, _HIGHEST / height))
        image = bitmap.to_pil().convert("RGB")
        to_pixels = bitmap.get_posconv(sheet).to_bitmap
        for left, bottom, right, top in _boxes(sheet, text[page.start : start], text[start:end]):
            corners = (to_pixels(left, top), to_pixels(right, bottom))
            (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(*corners, strict=True))
            _mark(image, (x0 - 1, y0 - 1, x1 + 1, y1 + 1))
    written = BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


@contextmanager
def _opened(data: bytes) -> Iterator[pdfium.PdfDocument]:
    """The file, open in PDFium, to this thread alone."""
    with _ONE_AT_A_TIME:
        try:
            document = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            raise Refused(_why(error)) from error
        try:
            yield document
        finally:
            document.close()


def _boxes(sheet: pdfium.PdfPage, before: str, wanted: str) -> list[tuple[float, float, float, float]]:
    """Where some words of a page are printed, a box a line: left, bottom, right and top in the page's own units.

    PDFium does not tell where the characters of its text in reading order are drawn, so the words are looked up, blanks
    aside, among those it draws: of several places the one about as many characters from the beginning as in the text.
    """
    text_page = sheet.get_textpage()
    drawn = [(char, place) for place in range(text_page.count_chars()) for char in _visible(text_page, place)]
    line, words, about = "".join(char for char, _ in drawn), "".join(wanted.split()), len("".join(before.split()))
    found = [match.start() for match in re.finditer(f"(?={re.escape(words)})", line)] if words else []
    if not found:
        return []
    first = min(found, key=lambda place: abs(place - about))
    start, last = drawn[first][1], drawn[first + len(words) - 1][1]
    return [text_page.get_rect(place) for place in range(text_page.count_rects(start, last - start + 1))]


def _visible(text_page: pdfium.PdfTextPage, place: int) -> str:
    """The character drawn there as canonical text has it, or "" where it shows nothing."""
    return canonical(chr(pdfium_c.FPDFText_GetUnicode(text_page, place)))[0].strip()


def _mark(image: Image.Image, box: tuple[int, int, int, int]) -> None:
    """Mark a box as a pen would: what is printed there stays as dark as it is."""
    part = image.crop(box)
    image.paste(ImageChops.multiply(part, Image.new("RGB", part.size, _MARKED)), box)


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
