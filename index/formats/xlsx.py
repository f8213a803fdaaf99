"""Excel: bytes -> the tables of its sheets, each number as people see it."""

import warnings
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any, cast
from zipfile import ZipFile

from lxml.etree import iterparse
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.packaging.relationship import get_dependents
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils import range_boundaries
from openpyxl.utils.cell import coordinate_to_tuple
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.table import Table
from openpyxl.xml.constants import SHARED_STRINGS
from openpyxl.xml.functions import fromstring

from index.errors import Refused
from index.formats import archive
from index.formats.content import Content, TextBuilder
from index.formats.grid import Grid, Range, add_tables
from index.formats.numbers import read_shown
from index.formats.office import check_parts, told, whole

MAX_CELLS = 2_000_000
MAX_CHARACTERS = 100_000_000
"""Of all cells; a text that many cells share counts in each."""

_MAX_RANGES = 10_000  # merged cells of a sheet; beyond them heads that span columns stand over their first one
_STREAMED = ("xl/worksheets/", "xl/sharedStrings", "xl/calcChain", "xl/drawings/", "xl/charts/", "xl/pivotCache/")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read(data: bytes) -> Content:
    """The tables of each sheet, on a page of its own; formulas by the values last computed.

    What is hidden is read as well, as a filter hides rows for a while only; a hidden sheet is called so.

    Raises:
        Refused: It is damaged, or too large.
    """
    with archive.opened(data) as packed, whole("an Excel workbook"), warnings.catch_warnings():
        check_parts(packed, *_STREAMED)
        warnings.simplefilter("ignore")  # of what openpyxl does not keep, such as styles of its own
        return _Reader(packed, data).read()


class _Reader:
    """Reads the sheets of a workbook one by one, a row at a time: what a sheet says of its size is not believed.

    openpyxl reads what is around the cells. It would read each sheet twice, and lay out all that a sheet says it has.
    """

    def __init__(self, packed: ZipFile, data: bytes) -> None:
        reader: Any = ExcelReader(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        reader.read_manifest()
        reader.read_workbook()
        reader.read_properties()
        apply_stylesheet(reader.archive, reader.wb)
        self._packed, self._book = packed, reader.wb
        self._sheets = list(reader.parser.find_sheets())
        strings = reader.package.find(SHARED_STRINGS)
        self._strings = list(self._shared(strings.PartName[1:])) if strings else []
        self._cells = self._characters = 0
        self._styles: dict[int, _Style] = {}

    def read(self) -> Content:
        builder = TextBuilder()
        for sheet, link in self._sheets:
            if not link.Type.endswith("/worksheet") or link.target not in self._packed.namelist():
                continue  # a chart, which shows what stands in a sheet
            hidden = "" if sheet.state == "visible" else " (hidden)"
            builder.begin_page(f"sheet {sheet.name}{hidden}")
            add_tables(builder, self._grid(link.target))
        facts = self._book.properties
        return builder.content(**told(title=facts.title, author=facts.creator, dates=(facts.modified, facts.created)))

    def _grid(self, path: str) -> Grid:
        grid = Grid(heads=list(self._heads(path)))
        number = 0
        for element in self._elements(path, "row", "mergeCell"):
            if element.tag == f"{_MAIN}row":
                number = int(float(element.get("r") or number + 1))
                self._add_row(grid, number, element)
            elif len(grid.merged) < _MAX_RANGES:
                grid.merged.append(_range(element.get("ref")))
        return grid

    def _add_row(self, grid: Grid, number: int, element: Any) -> None:
        row = {}
        column, is_bold = 0, True
        for cell in element.iterchildren(f"{_MAIN}c"):
            place = cell.get("r")
            column = coordinate_to_tuple(place)[1] if place else column + 1
            style = self._style(int(cell.get("s") or 0))
            text = self._text(cell, style)
            if text and not text.isspace():
                row[column] = text
                is_bold = is_bold and style.is_bold
                self._count(text)
        if row:
            grid.rows.setdefault(number, {}).update(row)
            if is_bold:
                grid.bold.add(number)

    def _text(self, cell: Any, style: "_Style") -> str:
        """A cell's text, as people see it."""
        kind = cell.get("t") or "n"
        if kind == "inlineStr":
            return _words(cell)
        value = cell.findtext(f"{_MAIN}v") or ""
        if kind == "n":
            return style.shown(value) if value else ""
        if kind == "s":
            return self._strings[int(value)] if value else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE" if value else ""
        return _unescaped(value)

    def _count(self, text: str) -> None:
        self._cells += 1
        self._characters += len(text)
        if self._cells > MAX_CELLS:
            raise Refused(f"it has more than {MAX_CELLS:,} cells; split it, or save what is needed as CSV")
        if self._characters > MAX_CHARACTERS:
            raise Refused(f"its cells have more than {MAX_CHARACTERS // 10**6} million characters; split it")

    def _style(self, number: int) -> "_Style":
        if number not in self._styles:
            self._styles[number] = _Style(self._book, number)
        return self._styles[number]

    def _shared(self, path: str) -> Iterator[str]:
        """The texts that cells share, and tell by number."""
        for element in self._elements(path, "si"):
            yield _words(element)

    def _heads(self, path: str) -> Iterator[Range]:
        """The rows that tables made with Excel's own "Format as Table" have as heads."""
        related = f"{PurePosixPath(path).parent}/_rels/{PurePosixPath(path).name}.rels"
        if related not in self._packed.namelist():
            return
        for link in get_dependents(self._packed, related):
            if link.Type.endswith("/table") and link.TargetMode != "External":
                table: Any = Table.from_tree(cast(Any, fromstring(self._packed.read(link.target))))
                if table.headerRowCount != 0:
                    cells = _range(table.ref)
                    yield Range(cells.top, cells.left, cells.top, cells.right)

    def _elements(self, path: str, *names: str) -> Iterator[Any]:
        """The elements of some names in a part, one by one: each is forgotten when the next is asked for."""
        with self._packed.open(path) as source:
            tags = [f"{_MAIN}{name}" for name in names]
            for _, element in iterparse(
                source, tag=tags, resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
            ):
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]


class _Style:
    """How the numbers of cells are shown."""

    def __init__(self, book: Any, number: int) -> None:
        cell = ReadOnlyCell(cast(Any, SimpleNamespace(parent=book)), 1, 1, None, style_id=number)
        self._format, self.is_bold = cell.number_format, bool(cell.font and cell.font.b)
        self._epoch = book.epoch
        self.shown = lru_cache(maxsize=1_000)(self._shown)  # many cells of a column are alike

    def _shown(self, value: str) -> str:
        return read_shown(value, self._format, self._epoch)


def _words(element: Any) -> str:
    """The text in an element, of however many letterings; how it is pronounced stays out."""
    texts = [
        part.text or ""
        for part in element.iter(f"{_MAIN}t")
        if not part.getparent().tag.endswith(("}rPh", "}phoneticPr"))
    ]
    return _unescaped("".join(texts))


def _unescaped(text: str) -> str:
    return unescape(text) if "_x" in text else text


def _range(cells: str) -> Range:
    left, top, right, bottom = range_boundaries(cells)
    return Range(top or 1, left or 1, bottom or top or 1, right or left or 1)
