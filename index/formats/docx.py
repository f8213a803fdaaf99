"""Word: bytes -> its paragraphs and tables in the order they stand in, and what stands around them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from docx.oxml.parser import parse_xml
from docx.package import Package

from index import tables
from index.formats import archive
from index.formats.content import Content, TextBuilder
from index.formats.office import check_parts, told, whole
from index.formats.wordstyles import Lists, Styles, W, is_on, value

_MAX_COLUMNS = 63  # that cells may span, as in Word
_MAX_CELL = 2_000  # characters; a table with longer cells lays a page out, and its cells are read one by one
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_COMPATIBLE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_TEXTS = frozenset([f"{W}t", f"{_MATH}t", f"{_DRAWING}t"])
_SIGNS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
# Deleted text, what fields compute from, how a word is pronounced, and what older programs show in place of a drawing.
_LEFT_OUT = frozenset(
    [*(f"{W}{name}" for name in ("del", "moveFrom", "pPr", "instrText", "delText", "rt")), f"{_COMPATIBLE}Fallback"]
)
_AROUND = frozenset(f"{W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))
_NOTES = {f"{W}footnoteReference": "Footnote", f"{W}endnoteReference": "Endnote"}


def read(data: bytes) -> Content:
    """The text as it is printed, without what is deleted or hidden; notes, comments, headers and footers at its end.

    Raises:
        Refused: It is damaged, or too large.
    """
    with archive.opened(data) as packed, whole("a Word document"):
        check_parts(packed)
        return _Reader(Package.open(BytesIO(data))).read()


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    span: int


@dataclass(slots=True)
class _Row:
    cells: list[_Cell]
    is_head: bool
    is_bold: bool

    def spread(self) -> list[str]:
        """The cells, each in all columns that it spans."""
        return [cell.text for cell in self.cells for _ in range(cell.span)]

    def texts(self) -> list[str]:
        """The cells, each in the first column that it spans."""
        return [text for cell in self.cells for text in (cell.text, *[""] * (cell.span - 1))]


@dataclass(slots=True)
class _Reader:
    """Walks the parts of a Word document and writes what a reader sees of it."""

    package: Any
    builder: TextBuilder = field(default_factory=TextBuilder)
    styles: Styles = field(default_factory=Styles)
    lists: Lists = field(default_factory=lambda: Lists(Styles()))
    title: str = ""
    _aside: list[Any] = field(default_factory=list)  # text boxes and tables in cells, to be written next
    _noted: dict[str, list[str]] = field(default_factory=lambda: {"Footnote": [], "Endnote": []})

    def read(self) -> Content:
        main = self.package.main_document_part
        self.styles = Styles(next(_related(main, "styles"), None))
        self.lists = Lists.of(self.styles, next(_related(main, "numbering"), None))
        self._flow(_root(main).find(f"{W}body"))
        self._add_notes(main)
        for comments in _related(main, "comments"):
            for comment in comments.iter(f"{W}comment"):
                self.builder.add_block(
                    f"Comment by {comment.get(f'{W}author') or 'somebody'}: {self._all_words(comment)}"
                )
        self._add_margins(main)
        facts = self.package.core_properties
        return self.builder.content(
            **told(title=facts.title or self.title, author=facts.author, dates=(facts.modified, facts.created))
        )

    # --- blocks ---

    def _flow(self, parent: Any) -> None:
        """Write the paragraphs and tables in an element, and after each what stands in boxes of it."""
        for block in _blocks(parent):
            if block.tag == f"{W}tbl":
                self._add_table(block)
            else:
                self._add_paragraph(block)
            self._write_aside()

    def _write_aside(self) -> None:
        """Write the boxes and tables that were put aside, and those in them."""
        stack: list[Any] = []
        while self._aside or stack:
            stack += reversed(self._aside)
            self._aside.clear()
            each = stack.pop()
            if each.tag == f"{W}tbl":
                self._add_table(each)
            else:
                self._flow(each)

    def _add_paragraph(self, paragraph: Any) -> None:
        text = self._text(paragraph).strip()
        if not text or self.styles.is_contents(paragraph):
            return
        label, level = self.lists.label(paragraph), self.styles.level(paragraph)
        if level:
            self.builder.add_heading(level, label + text)
            if not self.title and (level == 1 or self.styles.is_title(paragraph)):
                self.title = text
        else:
            self.builder.add_block(label + text, separator="\n" if label else "\n\n")

    def _add_table(self, table: Any) -> None:
        places = [tr for tr in _inside(table, f"{W}tr") if tr.find(f"{W}trPr/{W}del") is None]
        cells = [list(_inside(tr, f"{W}tc")) for tr in places]
        if max(map(len, cells), default=0) < 2 or any(_length(cell) > _MAX_CELL for row in cells for cell in row):
            for cell in (cell for row in cells for cell in row):
                self._flow(cell)
            return
        rows = [self._row(tr, tcs) for tr, tcs in zip(places, cells, strict=True)]
        count = self._head_rows(table, rows)
        heads = tables.joined(row.spread() for row in rows[:count])
        if count == len(rows):  # heads of nothing are all there is
            self.builder.add_rows([], [row.texts() for row in rows])
        # Blank rows are left out first: nothing numbers the rows, so they need not part the table.
        self.builder.add_rows(heads, [row.texts() for row in rows[count:] if any(cell.text for cell in row.cells)])

    def _head_rows(self, table: Any, rows: Sequence[_Row]) -> int:
        """How many rows of heads a table begins with: as told, as shown, or as they look."""
        count = next((number for number, row in enumerate(rows) if not row.is_head), len(rows))
        if count:
            return count
        sample = [row.texts() for row in rows[: tables.SAMPLE]]
        if len(rows) < 2 or not tables.joined([rows[0].spread()]):
            return 0
        is_bold = rows[0].is_bold and not rows[1].is_bold
        if self.styles.has_heads(table) or (is_bold and all(rows[0].spread()[1:])):
            return 1
        return int(tables.are_clear_heads(sample))

    def _row(self, tr: Any, tcs: Sequence[Any]) -> _Row:
        before = min(_number(value(tr, "trPr/gridBefore")), _MAX_COLUMNS)
        cells, width = [_Cell("", 1)] * before, before
        for tc in tcs:
            merge = value(tc, "tcPr/vMerge")
            goes_on = merge is not None and merge != "restart"
            span = max(min(_number(value(tc, "tcPr/gridSpan")), _MAX_COLUMNS - width), 1)
            width += span
            cells.append(_Cell("" if goes_on else self._words(tc), span))
        runs = [run for tc in tcs for run in tc.iter(f"{W}r") if (run.findtext(f"{W}t") or "").strip()]
        is_bold = bool(runs) and all(is_on(run, "rPr/b") for run in runs)
        return _Row(cells, bool(is_on(tr, "trPr/tblHeader")), is_bold)

    # --- what stands around the text ---

    def _add_notes(self, main: Any) -> None:
        """Footnotes and endnotes, numbered as the text refers to them."""
        for name, part in (("Footnote", "footnotes"), ("Endnote", "endnotes")):
            found = {note.get(f"{W}id"): note for root in _related(main, part) for note in root.iter(f"{W}{part[:-1]}")}
            for number, note in enumerate(dict.fromkeys(self._noted[name]), start=1):
                words = self._all_words(found[note]) if note in found else ""
                if words:
                    self.builder.add_block(f"{name} {number}: {words}")

    def _add_margins(self, main: Any) -> None:
        """Headers and footers, each once: they stand on every page."""
        for name in ("header", "footer"):
            for words in dict.fromkeys(self._all_words(root) for root in _related(main, name)):
                if words:
                    self.builder.add_block(f"{name.capitalize()}: {words}")

    # --- text ---

    def _words(self, parent: Any) -> str:
        """The paragraphs in an element on one line; tables in it are put aside."""
        words = []
        for block in _blocks(parent):
            if block.tag == f"{W}tbl":
                self._aside.append(block)
            else:
                text = self._text(block).strip()
                words.append(self.lists.label(block) + text if text else "")
        return tables.cell(" ".join(words))

    def _all_words(self, parent: Any) -> str:
        """All paragraphs in an element on one line, those in tables and boxes as well."""
        shown = (each for each in parent.iter(f"{W}p") if not any(each.iterancestors(f"{_COMPATIBLE}Fallback")))
        words = " ".join(self._text(paragraph) for paragraph in shown)
        self._aside.clear()  # what stands in boxes is among them
        return tables.cell(words)

    def _text(self, paragraph: Any) -> str:
        """The text of a paragraph that is shown; boxes in it are put aside."""
        pieces: list[str] = []
        if len(paragraph):
            self._gather(paragraph, value(paragraph, "pPr/pStyle"), pieces)
        return "".join(pieces)

    def _gather(self, element: Any, style: str | None, pieces: list[str]) -> None:
        for child in element.iterchildren("*"):
            tag = child.tag
            if tag in _TEXTS:
                pieces.append(child.text or "")
            elif tag in _SIGNS:
                pieces.append(_SIGNS[tag])
            elif tag in _NOTES:
                self._noted[_NOTES[tag]].append(child.get(f"{W}id") or "")
            elif tag == f"{W}txbxContent":
                self._aside.append(child)
            elif not (tag in _LEFT_OUT or (tag == f"{W}r" and self.styles.is_hidden(child.find(f"{W}rPr"), style))):
                self._gather(child, style, pieces)


def _blocks(parent: Any) -> Iterator[Any]:
    """The paragraphs and tables in an element, also those in content controls and insertions."""
    for child in parent.iterchildren("*"):
        if child.tag in (f"{W}p", f"{W}tbl"):
            yield child
        elif child.tag in _AROUND:
            yield from _blocks(child)


def _inside(parent: Any, tag: str) -> Iterator[Any]:
    """The rows of a table, or the cells of a row, also those in content controls."""
    for child in parent.iterchildren("*"):
        if child.tag == tag:
            yield child
        elif child.tag in _AROUND:
            yield from _inside(child, tag)


def _related(part: Any, kind: str) -> Iterator[Any]:
    """The roots of the parts of a kind that a part refers to; nothing outside the file is looked for."""
    for link in part.rels.values():
        if not link.is_external and link.reltype.endswith(f"/{kind}"):
            yield _root(link.target_part)


def _root(part: Any) -> Any:
    """The XML of a part: some are had as they are packed, such as a document with macros."""
    return part.element if hasattr(part, "element") else parse_xml(part.blob)


def _length(cell: Any) -> int:
    """How many characters a cell of a table has."""
    return sum(len(text.text or "") for text in cell.iter(f"{W}t"))


def _number(told: str | None) -> int:
    return int(told) if told and told.isdecimal() and len(told) < 7 else 0
