"""PDF: bytes -> the text of its pages, and the picture of one with some of its characters marked.

PDFium tells which characters are drawn, and where; index/formats/layout.py makes lines, columns and tables of them.
"""

import ctypes
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from math import pi
from threading import Lock

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageChops

from index.document import Heading, Page, Span, Table, canonical
from index.errors import Refused
from index.formats import layout
from index.formats.content import Content, TextBuilder
from index.formats.layout import Block, Word

_MAX_PAGES = 2_000
_MAX_CHARACTERS = 5_000_000
_TOGETHER = 40  # pages are looked at together for running heads, which may change with the chapter
_PASSWORD_ERROR = "password"  # pdfium's message for an encrypted file

# PDFium marks a word broken at a line's end by U+FFFE (or U+0002) in place of the hyphen.
_WORD = re.compile("[^\\s\ufffe\x00]+\ufffe?")
_LINE_END = re.compile("[ \\t]*[\r\n]")
_HYPHENS = "-\xad\u2010\ufffe\x02"
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_UNPRINTED = re.compile(f"[\\s|{_HYPHENS}]+")
_QUARTER = pi / 2  # of a turn, in radians
_BOLD = 600  # the weight of letters that are bold
_HEADING_WORDS = 14
_LARGER = (1.6, 1.2)  # than most letters of the file: headings of the first and the second level
_NEAR = 400  # letters, from where a text should stand: its like further away is another one
_WIDEST, _HIGHEST = 1_400, 2_400  # pixels of a page's picture
_POINTS, _DOTS = 72, 300  # to an inch: of a page's own measure, and of what text is recognised in
_SHARPEST = 5_000  # dots along the longer side of that
_MARKED = (255, 223, 168)  # the colour of a highlight, multiplied with what is printed there
_PICTURES = (pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_SHADING, pdfium_c.FPDF_PAGEOBJ_FORM)
_OUTLINES = 20  # paths on a page without text: fewer are rules, frames and grounds, not letters
_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})")

_Box = tuple[float, float, float, float]

# PDFium keeps global state and must not be entered by two threads at once.
_ONE_AT_A_TIME = Lock()


def read(data: bytes, recognised: Mapping[int, str] | None = None) -> Content:
    """The pages in order, and what the file's information dictionary tells.

    Args:
        data: The file.
        recognised: The text in the pictures of some pages, by their number, where it was recognised.

    Raises:
        Refused: The file is encrypted, damaged or too long.
    """
    with _opened(data) as document:
        return _content(document, recognised or {})


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
        sheet = _sheet(document, page.number)
        width, height = sheet.get_size()
        bitmap = sheet.render(scale=min(_WIDEST / width, _HIGHEST / height))
        image = bitmap.to_pil().convert("RGB")
        to_pixels = bitmap.get_posconv(sheet).to_bitmap
        for left, bottom, right, top in _boxes(document, page.number - 1, text[page.start : start], text[start:end]):
            corners = (to_pixels(left, top), to_pixels(right, bottom))
            (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(*corners, strict=True))
            _mark(image, (x0 - 1, y0 - 1, x1 + 1, y1 + 1))
    written = BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def count(data: bytes) -> int:
    """How many pages a file has.

    Raises:
        Refused: The file cannot be read.
    """
    with _opened(data) as document:
        return len(document)


def scan(data: bytes, number: int) -> bytes:
    """A page as a PNG fit for text recognition; pages count from 1.

    Raises:
        Refused: The file cannot be read, or has no such page.
    """
    with _opened(data) as document:
        sheet = _sheet(document, number)
        scale = min(_DOTS / _POINTS, _SHARPEST / max(sheet.get_size()))
        image = sheet.render(scale=scale, grayscale=True).to_pil()
    written = BytesIO()
    image.save(written, "PNG", dpi=(_DOTS, _DOTS))
    return written.getvalue()


def _sheet(document: pdfium.PdfDocument, number: int) -> pdfium.PdfPage:
    """A page that can be drawn.

    Raises:
        Refused: There is none of this number, or it is damaged or has no size.
    """
    if number > len(document):
        raise Refused(f"it has no page {number}")
    try:
        sheet = document[number - 1]
    except pdfium.PdfiumError as error:
        raise Refused(f"its page {number} is damaged") from error
    if min(sheet.get_size()) <= 0:
        raise Refused(f"its page {number} has no size")
    return sheet


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


# --- marking words ---


def _boxes(document: pdfium.PdfDocument, index: int, before: str, wanted: str) -> list[_Box]:
    """Where some words of a page are printed, a box for a run of them: left, bottom, right and top in its units.

    They are looked up, blanks and hyphens aside, among the words of the page in reading order: of several places that
    which as many come before as in the text. What is not found as a whole is looked up line by line, then word by word.
    """
    with _text_page(document, index) as text_page:
        words = [
            word
            for part in _words(text_page)
            for block in layout.sheet(layout.pieces_of(part))
            for word in block.words()
        ]
        letters = [_letters(word.text) for word in words]
        starts = list(accumulate(map(len, letters), initial=0))
        boxes: list[_Box] = []
        for first, last in _found("".join(letters), _letters(before), wanted):
            marked = words[max(0, bisect_right(starts, first) - 1) : bisect_left(starts, last)]
            for place, length in _drawn_together(marked):
                boxes += [text_page.get_rect(nth) for nth in range(text_page.count_rects(place, length))]
        return boxes


def _drawn_together(words: list[Word]) -> Iterator[tuple[int, int]]:
    """The first character and the number of them, of words that are drawn one after the other with a blank between."""
    start = end = -2
    for word in words:
        if word.place != end + 1:
            if end > start:
                yield start, end - start
            start = word.place
        end = word.place + word.length
    if end > start:
        yield start, end - start


def _found(line: str, before: str, wanted: str) -> Iterator[tuple[int, int]]:
    """Where some text stands in the letters of a page, as a whole or in pieces."""
    needle = _letters(wanted)
    places = [match.start() for match in re.finditer(f"(?={re.escape(needle)})", line)] if needle else []
    if places:
        first = min(places, key=lambda place: abs(place - len(before)))
        nth = len(re.findall(f"(?={re.escape(needle)})", before))
        if nth < len(places) and abs(places[nth] - len(before)) < _NEAR:
            first = places[nth]
        yield first, first + len(needle)
        return
    pieces = re.split(r"\n| \| ", wanted)
    pieces = pieces if len(pieces) > 1 else wanted.split()
    for piece in pieces if len(pieces) > 1 else ():
        yield from _found(line, before, piece)
        before += _letters(piece)


def _letters(text: str) -> str:
    """What a text is looked up by: no blanks, hyphens or borders of cells."""
    return _UNPRINTED.sub("", canonical(text.translate(_LIGATURES))[0])


def _mark(image: Image.Image, box: tuple[int, int, int, int]) -> None:
    """Mark a box as a pen would: what is printed there stays as dark as it is."""
    part = image.crop(box)
    image.paste(ImageChops.multiply(part, Image.new("RGB", part.size, _MARKED)), box)


# --- reading ---


def _content(document: pdfium.PdfDocument, recognised: Mapping[int, str]) -> Content:
    count = len(document)
    if count > _MAX_PAGES:
        raise Refused(f"it has {count:,} pages, and Footnote reads at most {_MAX_PAGES:,}")
    reader = _Reader(recognised)
    chunks = -(-count // _TOGETHER)
    for chunk in range(chunks):
        pages = []
        for index in range(count * chunk // chunks, count * (chunk + 1) // chunks):
            with _text_page(document, index) as text_page:
                words = _words(text_page)
                pages.append(_Printed(words, _is_picture(text_page.page, words)))
        reader.add_pages(pages)
    reader.add_headings()
    date = _DATE.match(_told(document, "CreationDate"))
    return reader.builder.content(
        title=_told(document, "Title"),
        author=_told(document, "Author"),
        date="-".join(date.groups()) if date else "",
    )


@dataclass(frozen=True, slots=True)
class _Printed:
    """What is printed on a page.

    Attributes:
        words: Parted by the direction they are written in; most have the first.
        is_picture: Whether it may show others, that cannot be read.
    """

    words: list[list[Word]]
    is_picture: bool


class _Reader:
    """Grows a file's text, chunk by chunk of its pages."""

    def __init__(self, recognised: Mapping[int, str]) -> None:
        """Begin with none, given the text in the pictures of some pages, by their number."""
        self.builder = TextBuilder()
        self._recognised = recognised
        self._sizes: Counter[float] = Counter()  # how many characters are how high
        self._lone: list[tuple[Block, int, int]] = []  # paragraphs that may be headings, and where they stand

    def add_pages(self, pages: list[_Printed]) -> None:
        """Add neighbouring pages, told together which lines at their edges are running heads and feet."""
        kept = _compounds(word.text for page in pages for words in page.words for word in words)
        sheets = [[layout.pieces_of(words) for words in page.words] for page in pages]
        ends = layout.running([layout.edges(parts[0]) if parts else ([], []) for parts in sheets])
        for page, parts, (above, below) in zip(pages, sheets, ends, strict=True):
            seen = self._recognised.get(len(self.builder.pages) + 1)
            self.builder.begin_page(is_picture=page.is_picture and seen is None)
            self.builder.add_block(seen or "")
            for number, part in enumerate(parts):
                for block in layout.sheet(part, *((0, 0) if number else (above, below))):
                    self._add(block, kept)
            if self.builder.length > _MAX_CHARACTERS:
                raise Refused(f"it has more than {_MAX_CHARACTERS:,} characters of text; split it into several files")

    def add_headings(self) -> None:
        """Tell of the headings, once it is known how high most letters are."""
        usual = self._sizes.most_common(1)[0][0] if self._sizes else 0.0
        for block, start, end in self._lone:
            level = next((nth for nth, larger in enumerate(_LARGER, 1) if block.height > larger * usual), 3)
            if level < 3 or (block.is_bold and block.height > 0.9 * usual):
                self.builder.headings.append(Heading(level, start, end))

    def _add(self, block: Block, kept: set[str]) -> None:
        texts = block.texts(kept)
        start = self.builder.add_block("\n".join(texts[: block.first]) if block.is_table else texts[0])
        if not block.is_table:
            end = self.builder.length
            self._sizes[round(block.height, 1)] += end - start
            if block.may_head:
                self._lone.append((block, start, end))
            return
        first = self.builder.length
        for number, line in enumerate(texts[block.first :]):
            place = self.builder.add_block(line, "\n" if number or block.first else "\n\n")
            first = first if number else place
        if len(texts) > block.first:
            self.builder.tables.append(Table(first, self.builder.length, block.heads))


def _compounds(words: Iterable[str]) -> set[str]:
    """Words with a hyphen of their own, in small letters."""
    return {word.strip(layout.MARKS).lower() for word in words if "-" in word}


def _told(document: pdfium.PdfDocument, key: str) -> str:
    """An entry of the information dictionary, or "" where there is none or it is not text."""
    try:
        return str(document.get_metadata_value(key))
    except UnicodeDecodeError:
        return ""


@contextmanager
def _text_page(document: pdfium.PdfDocument, index: int) -> Iterator[pdfium.PdfTextPage]:
    """What PDFium knows of the characters of a page."""
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pdfium.PdfiumError as error:
        raise Refused(f"its page {index + 1} is damaged") from error
    try:
        yield text_page
    finally:
        text_page.close()
        page.close()


def _is_picture(page: pdfium.PdfPage, words: list[list[Word]]) -> bool:
    """Whether a page may show words, and none of them can be read: pictures, letters as outlines or without a name."""
    if words:
        return not any(word.text for part in words for word in part)
    kinds = Counter(each.type for each in page.get_objects(max_depth=1))
    return any(kinds[kind] for kind in _PICTURES) or kinds[pdfium_c.FPDF_PAGEOBJ_PATH] >= _OUTLINES


def _words(text_page: pdfium.PdfTextPage) -> list[list[Word]]:
    """The words of a page with their boxes, parted by the direction they are written in: most have the first."""
    turned: dict[int, list[Word]] = {}
    handle, text = text_page.raw, _drawn(text_page)
    box = pdfium_c.FS_RECTF()
    reference, box_of = ctypes.byref(box), pdfium_c.FPDFText_GetLooseCharBox
    angle_of, weight = pdfium_c.FPDFText_GetCharAngle, pdfium_c.FPDFText_GetFontWeight
    for match in _WORD.finditer(text):
        word, start, last = match.group(), match.start(), match.end() - 1
        if not word.isascii() or word[-1] == "-":
            last -= word[-1] == "\ufffe" and last > start
            word = _spelled(word, text, match.end())
        box_of(handle, last, reference)
        ends = box.left, box.bottom, box.right, box.top
        box_of(handle, start, reference)
        sides = box.left, box.bottom, ends[2], box.top
        turn = -round(angle_of(handle, start) / _QUARTER) % 4
        if turn:
            sides = _turned((box.left, box.bottom, box.right, box.top), ends, turn)
        is_bold = weight(handle, start) >= _BOLD
        turned.setdefault(turn, []).append(Word(word, *sides, start, match.end() - start, is_bold))
    return sorted(turned.values(), key=len, reverse=True)


def _spelled(word: str, text: str, end: int) -> str:
    """A word with its ligatures taken apart, and one mark for all ways to break it at a line's end."""
    word = canonical(word.rstrip(layout.BROKEN).translate(_LIGATURES))[0] + (
        layout.BROKEN if word[-1] == layout.BROKEN else ""
    )
    if len(word) > 2 and word[-1] in "-\u2010" and word[-2].isalpha() and _LINE_END.match(text, end):
        return word[:-1] + layout.BROKEN
    return word


def _drawn(text_page: pdfium.PdfTextPage) -> str:
    """A page's characters in the order they are drawn, one for each that PDFium counts."""
    count = text_page.count_chars()
    text: str = text_page.get_text_range() if count else ""
    if len(text) != count:
        text = "".join(chr(pdfium_c.FPDFText_GetUnicode(text_page.raw, place)) for place in range(count))
    return text.replace("\x02", layout.BROKEN)


def _turned(first: _Box, last: _Box, turn: int) -> _Box:
    """The box of a word turned by some quarters, as if it were not, given those of its first and last character."""
    points = [_turn(*corner, turn) for box in (first, last) for corner in (box[:2], box[2:])]
    across, up = zip(*points, strict=True)
    return min(across), min(up), max(across), max(up)


def _turn(x: float, y: float, turn: int) -> tuple[float, float]:
    """A point of a page that is turned so that its words are upright."""
    return [(x, y), (y, -x), (-x, -y), (-y, x)][turn]


def _why(error: pdfium.PdfiumError) -> str:
    if _PASSWORD_ERROR in str(error).lower():
        return "it is encrypted; save a copy without the password and add that"
    return "it is damaged, or not a PDF"
