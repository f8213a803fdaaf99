"""PowerPoint: bytes -> its slides, each a page: what stands on it from top to bottom, and its notes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.oxml import parse_xml

from index import tables
from index.errors import Refused
from index.formats import archive
from index.formats.content import Content, TextBuilder
from index.formats.numbers import read_shown
from index.formats.office import check_parts, told, whole

_LINES = 24  # shapes whose tops are within so many parts of a slide stand beside each other
_MAX_SLIDES = 2_000
_MAX_SERIES, _MAX_POINTS = 255, 32_000  # of a chart, as in PowerPoint
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_CHOICE = ".//{http://schemas.openxmlformats.org/markup-compatibility/2006}Choice"
_COUNTED = (PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE)
_LISTED = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY, PP_PLACEHOLDER.VERTICAL_OBJECT)


def read(data: bytes) -> Content:
    """The slides, hidden ones as well, which are called so.

    Raises:
        Refused: It is damaged, or too large.
    """
    with archive.opened(data) as packed, whole("a PowerPoint presentation"):
        check_parts(packed)
        return _Reader(Presentation(BytesIO(data))).read()


@dataclass(slots=True)
class _Reader:
    """Writes what a presentation shows, slide by slide."""

    presentation: Any
    builder: TextBuilder = field(default_factory=TextBuilder)
    title: str = ""
    _footers: set[str] = field(default_factory=set)

    def read(self) -> Content:
        count = len(self.presentation.slides)
        if count > _MAX_SLIDES:
            raise Refused(f"it has {count:,} slides, and Footnote reads at most {_MAX_SLIDES:,}")
        for number, slide in enumerate(self.presentation.slides, start=1):
            hidden = " (hidden)" if slide._element.get("show") in ("0", "false") else ""
            self.builder.begin_page(f"slide {number}{hidden}")
            self._add_slide(slide)
        facts = self.presentation.core_properties
        return self.builder.content(
            **told(title=facts.title or self.title, author=facts.author, dates=(facts.modified, facts.created))
        )

    def _add_slide(self, slide: Any) -> None:
        title = slide.shapes.title
        if title is not None:
            words = tables.cell(title.text_frame.text)
            self.builder.add_heading(1, words)
            self.title = self.title or words
        for shape in self._ordered(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                self._add_shape(slide, shape)
        for choice in slide._element.iterfind(_CHOICE):  # what newer programs show in place of a picture
            self._add_lines(choice)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            notes = slide.notes_slide.notes_text_frame.text.strip()
            self.builder.add_block(f"Notes: {notes}" if notes else "")

    def _ordered(self, shapes: Any) -> Sequence[Any]:
        """Shapes in the order they are read in: from top to bottom, and from left to right."""
        line = max(self.presentation.slide_height or 0, _LINES) // _LINES
        return sorted(shapes, key=lambda shape: ((shape.top or 0) // line, shape.left or 0))

    def _add_shape(self, slide: Any, shape: Any) -> None:
        if shape._element._nvXxPr.cNvPr.get("hidden") in ("1", "true"):
            return
        if hasattr(shape, "shapes"):  # a group
            for each in self._ordered(shape.shapes):
                self._add_shape(slide, each)
        elif shape.has_text_frame:
            self._add_text(shape)
        elif getattr(shape, "has_table", False):
            self._add_table(shape.table)
        elif getattr(shape, "has_chart", False):
            self._add_chart(shape.chart_part._element)
        else:
            self._add_diagram(slide, shape)

    def _add_text(self, shape: Any) -> None:
        kind = shape.placeholder_format.type if shape.is_placeholder else None
        text = shape.text_frame.text
        if kind in _COUNTED or (kind == PP_PLACEHOLDER.FOOTER and text in self._footers):
            return
        if kind == PP_PLACEHOLDER.FOOTER:
            self._footers.add(text)
        paragraphs = [paragraph for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]
        counts: dict[int, int] = {}
        for paragraph in paragraphs:
            mark = _mark(paragraph, kind in _LISTED and len(paragraphs) > 1, counts)
            self.builder.add_block(mark + paragraph.text.strip(), separator="\n" if mark else "\n\n")

    def _add_table(self, table: Any) -> None:
        places = [list(row.cells) for row in table.rows]
        rows = [["" if cell.is_spanned else cell.text for cell in row] for row in places]
        if len(rows) > 1 and (any(map(str.strip, rows[0])) if table.first_row else tables.are_clear_heads(rows)):
            self.builder.add_rows(_spread(places[0]), _filled(rows[1:]))
        else:
            self.builder.add_rows([], _filled(rows))

    def _add_chart(self, chart: Any) -> None:
        """A chart's title, and a row for each category with its value in each series."""
        title = chart.find(f"{_CHART}chart/{_CHART}title")
        self.builder.add_block(" ".join(_lines(title)) if title is not None else "")
        names: list[str] = []
        rows: dict[int, list[str]] = {}
        for number, series in enumerate(islice(chart.iter(f"{_CHART}ser"), _MAX_SERIES)):
            names.append(series.findtext(f"{_CHART}tx//{_CHART}v") or f"Series {number + 1}")
            labels = _points(series, "cat", "xVal")
            for point, text in _points(series, "val", "yVal").items():
                row = rows.setdefault(point, [labels.get(point, str(point + 1))])
                row += [""] * (number + 1 - len(row))
                row.append(text)
        self.builder.add_rows(["Category", *names], [rows[point] for point in sorted(rows)])

    def _add_diagram(self, slide: Any, shape: Any) -> None:
        """The words of a diagram (SmartArt), which stand in a part of their own."""
        for ids in shape._element.iter(f"{_DIAGRAM}relIds"):
            self._add_lines(parse_xml(slide.part.related_part(ids.get(f"{_RELATION}dm")).blob))

    def _add_lines(self, element: Any) -> None:
        for line in _lines(element):
            self.builder.add_block(f"• {line}", separator="\n")


def _mark(paragraph: Any, is_listed: bool, counts: dict[int, int]) -> str:
    """What stands before a paragraph: a bullet, its number, or nothing."""
    own = paragraph._p.find(f"{_DRAWING}pPr")
    told = {child.tag.removeprefix(_DRAWING) for child in own.iterchildren("*")} if own is not None else set()
    if "buAutoNum" not in told:
        counts.clear()
        return "• " if "buChar" in told or (is_listed and "buNone" not in told) else ""
    for deeper in [level for level in counts if level > paragraph.level]:
        del counts[deeper]
    counts[paragraph.level] = counts.get(paragraph.level, 0) + 1
    return f"{counts[paragraph.level]}. "


def _spread(cells: Sequence[Any]) -> list[str]:
    """The cells of a row of heads, each in all columns that it spans."""
    told = [cell.text for cell in cells]
    for number, cell in enumerate(cells):
        if cell.is_merge_origin:
            end = min(number + cell.span_width, len(cells))
            told[number:end] = [cell.text] * (end - number)
    return told


def _filled(rows: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    """The rows that are not blank: nothing numbers them, so that one need not part a table."""
    return (row for row in rows if any(map(str.strip, row)))


def _lines(element: Any) -> Iterator[str]:
    """The paragraphs in an element that are not blank, each on a line."""
    for paragraph in element.iter(f"{_DRAWING}p"):
        text = tables.cell("".join(words.text or "" for words in paragraph.iter(f"{_DRAWING}t")))
        if text:
            yield text


def _points(series: Any, *names: str) -> dict[int, str]:
    """What a series has under one of some names: number of the point -> text, as people see it."""
    found = next((each for name in names if (each := series.find(f"{_CHART}{name}")) is not None), None)
    if found is None:
        return {}
    levels = list(found.iter(f"{_CHART}lvl"))  # categories of categories: the first level is the finest
    format = found.findtext(f".//{_CHART}formatCode")
    shown = {}
    for point in (levels[0] if levels else found).iter(f"{_CHART}pt"):
        text = point.findtext(f"{_CHART}v") or ""
        if int(point.get("idx")) < _MAX_POINTS:
            shown[int(point.get("idx"))] = read_shown(text, format) if format and text else text
    return shown
