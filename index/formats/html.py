"""HTML: bytes -> readable text without the markup."""

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index import tables
from index.document import Table, canonical
from index.errors import Refused
from index.formats import boilerplate
from index.formats.content import Content, TextBuilder
from index.formats.text import decode, decode_declared

_MAX_CHARACTERS = 20_000_000

_HIDDEN = (
    "script, style, noscript, template, svg, math, iframe, object, nav, button, select, head, "
    "dialog:not([open]), [hidden], [aria-hidden=true]"
)
_UNSEEN = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0++(?:\.0*+)?+(?![\d.]*[1-9]))",
    re.IGNORECASE,
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "header",
        "hr",
        "html",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "ul",
    ]
)
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_LAYOUT = "table, p + p, ul, ol, h1, h2, h3, h4"  # a table cell that holds these is layout, not data
_CHARSET = re.compile(
    rb"<(?:meta[^>]{1,200}charset|\?xml[^>]{1,200}encoding)[ \t]*=[ \t]*[\"']?([\w-]{1,40})", re.IGNORECASE
)
_XHTML = re.compile(r"\s*<\?xml|[^\x00]{0,1000}xmlns=[\"']http://www\.w3\.org/1999/xhtml")
_EMPTY = re.compile(r"<([a-zA-Z][\w:.-]*)(\s[^<>]*)?/>")  # an element without content, as XML writes it
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_FORMATTING = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)
_ENDED_BY_OTHERS = _VOID | {"p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "colgroup"}
_MAX_DEPTH, _MAX_MARKED = 20_000, 3_000  # tags that are open at once; the second of those that mark letters
_LINE_BREAK = "\x00"  # stands for <br> until blanks are folded; no parsed HTML contains it


def read(data: bytes) -> Content:
    """What a page is about, without its menus, and its headings; title, author, date and address as its head tells.

    Raises:
        Refused: The bytes are not text, or too much of it.
    """
    return read_text(decoded(data), is_page=True)


def decoded(data: bytes) -> str:
    """HTML as text, in the encoding that it declares where it does.

    Raises:
        Refused: The bytes are not text.
    """
    charset = _CHARSET.search(data[:2_048])
    return decode_declared(data, charset[1].decode("ascii")) if charset else decode(data)


def read_text(source: str, *, is_page: bool = False) -> Content:
    """As `read`, from HTML that is already decoded; all of it, unless it is a page of a site, which has menus.

    Raises:
        Refused: It is too much.
    """
    if len(source) > _MAX_CHARACTERS:
        raise Refused(f"it has {len(source):,} characters of HTML, and Footnote reads at most {_MAX_CHARACTERS:,}")
    _check_nesting(source)
    tree = LexborHTMLParser(_EMPTY.sub(_closed, source) if _XHTML.match(source) else source)
    head = _Head.of(tree)
    _hide(tree)
    renderer = _Renderer()
    for root in boilerplate.contents(tree) if is_page else filter(None, [tree.body]):
        renderer.render(root)
    content = renderer.builder.content()
    first = next((heading for heading in content.headings if heading.level == 1), None)
    return replace(
        content,
        title=head.title or (content.text[first.start : first.end] if first else ""),
        author=head.author,
        date=head.date,
        url=head.url,
    )


def _check_nesting(source: str) -> None:
    """See that the parser is done in seconds: what it takes grows with the square of how deep tags are nested.

    Raises:
        Refused: They are nested as in no honest page.
    """
    deep = marked = 0
    for tag in _TAG.finditer(source):
        name, step = tag[2].lower(), -1 if tag[1] else 1
        if name in _FORMATTING:
            marked = max(marked + step, 0)
        elif name not in _ENDED_BY_OTHERS:
            deep = max(deep + step, 0)
        if deep > _MAX_DEPTH or marked > _MAX_MARKED:
            raise Refused("its tags are nested so deep that reading it would not end")


def _hide(tree: LexborHTMLParser) -> None:
    """Take out what a browser does not show."""
    unseen = {node.mem_id for node in tree.css(_HIDDEN)}
    unseen |= {node.mem_id for node in tree.css("[style]") if _UNSEEN.search(node.attributes.get("style") or "")}
    outermost = [node for node, is_end in boilerplate.walk(tree.root, unseen) if is_end and node.mem_id in unseen]
    for node in outermost:
        node.decompose()


def _closed(empty: re.Match[str]) -> str:
    """An element without content as HTML writes it: to HTML the slash says nothing, and <title/> goes on to the end."""
    return empty[0] if empty[1].lower() in _VOID else f"<{empty[1]}{empty[2] or ''}></{empty[1]}>"


@dataclass(frozen=True, slots=True)
class _Head:
    """What the head of a page says of it."""

    title: str
    author: str
    date: str
    url: str

    @classmethod
    def of(cls, tree: LexborHTMLParser) -> "_Head":
        title = tree.css_first("head > title")
        link = tree.css_first("link[rel=canonical]")
        return cls(
            title=" ".join(title.text().split()) if title else "",
            author=_meta(tree, "meta[name=author]"),
            date=_meta(tree, "meta[property='article:published_time'], meta[name=date], meta[name='dcterms.date']"),
            url=(link.attributes.get("href") or "" if link else "") or _meta(tree, "meta[property='og:url']"),
        )


def _meta(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get("content") or "").strip() if node else ""


@dataclass(slots=True)
class _Renderer:
    """Walks a tree and writes its visible text, a block at a time."""

    builder: TextBuilder = field(default_factory=TextBuilder)
    _inline: list[str] = field(default_factory=list)
    _prefix: str = ""
    _row: LexborNode | None = None
    _numbers: dict[int, int] = field(default_factory=dict)
    _preformatted: int = 0
    _borders: list[int] = field(default_factory=list)  # where the cells of the row begin in what has gathered
    _heads: tuple[str, ...] = ()  # of the table that is written
    _rows: int = 0  # of it that are written under them
    _is_open: bool = False  # whether the next row that fits the heads goes on with the last table

    def render(self, root: LexborNode) -> None:
        """Write what is in a node."""
        for node, is_end in boilerplate.walk(root):
            if is_end:
                self._leave(node)
            else:
                self._enter(node)
        self._flush()

    def _enter(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if node.is_text_node:
            self._inline.append(node.text_content or "")
        elif tag == "br":
            self._inline.append(_LINE_BREAK)
        elif tag in ("td", "th"):
            self._borders.append(len(self._inline))
            self._inline.append(" | " if self._row and _follows_a_cell(node) else " ")
        elif tag == "tr":
            self._flush()
            self._row = None if node.css_first(_LAYOUT) else node
            self._borders.clear()
        elif tag == "table":
            self._border()
            self._heads, self._rows, self._is_open = (), 0, False
        elif tag == "li":
            self._flush()
            self._prefix = self._bullet(node)
        elif tag in _HEADINGS or tag in _BLOCKS:
            self._border()
            self._preformatted += tag == "pre"

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in _HEADINGS:
            self.builder.add_heading(_HEADINGS[tag], self._folded())
        elif tag == "tr":
            self._end_row(node)
        elif tag == "table":
            self._border()
            self._heads = ()
        elif tag == "li":
            self._flush()
            self._prefix = ""
        elif tag in _BLOCKS:
            self._border()
            self._preformatted -= tag == "pre"

    def _bullet(self, item: LexborNode) -> str:
        """A bullet, or the item's number in an ordered list."""
        parent = item.parent
        if parent is None or parent.tag != "ol":
            return "• "
        number = self._numbers.get(parent.mem_id, _first_number(parent))
        self._numbers[parent.mem_id] = number + 1
        return f"{number}. "

    def _border(self) -> None:
        """A block's edge: a new paragraph, or a blank inside a table row."""
        if self._row:
            self._inline.append(" ")
        else:
            self._flush()

    def _end_row(self, row: LexborNode) -> None:
        """Write a row; where the table has told its heads, the rows below them that fit are told as one table."""
        cells = [child for child in row.iter() if child.tag in ("td", "th")]
        is_head = bool(row.parent and row.parent.tag == "thead") or all(cell.tag == "th" for cell in cells)
        is_plain = len(self._borders) == len(cells) and not any(_spans(cell) for cell in cells)
        texts = self._cells()
        if self._row is None or not any(texts):
            self._flush()
            self._heads = () if self._row is None else self._heads
            self._is_open = False
        elif is_head and not self._rows:
            self._flush()
            self._heads = tuple(texts) if is_plain else ()
        elif self._heads and is_plain and len(texts) == len(self._heads):
            self.builder.dropped += canonical("".join(self._inline).replace(_LINE_BREAK, " "))[1]
            self._clear()
            self._tell_row(self._write(tables.line((), texts), "\n"))
        else:
            self._flush()
            self._is_open = False
        self._row = None

    def _cells(self) -> list[str]:
        """The texts of the cells that have gathered, in none of which anything can be taken for a border."""
        texts = (self._inline[first + 1 : last] for first, last in pairwise([*self._borders, len(self._inline)]))
        return [tables.cell("".join(text).replace(_LINE_BREAK, " ")) for text in texts]

    def _tell_row(self, start: int) -> None:
        """Tell of a row that stands below heads which fit it."""
        first = self.builder.tables.pop().start if self._is_open else start
        self.builder.tables.append(Table(first, self.builder.length, self._heads))
        self._rows, self._is_open = self._rows + 1, True

    def _flush(self) -> None:
        """Write what has gathered as one block, a row and a list item on the next line."""
        if self._preformatted:
            block = "".join(self._inline).replace(_LINE_BREAK, "\n").strip("\n")
            self._clear()
        else:
            block = self._folded()
        if block.strip():
            self._write(block, "\n" if self._prefix or self._row else "\n\n")

    def _write(self, block: str, separator: str) -> int:
        """Write a block after what stands before an item of a list; tells where."""
        place = self.builder.add_block(self._prefix + block, separator)
        self._prefix = ""
        return place

    def _folded(self) -> str:
        """The inline text with blanks folded to one, as a browser shows it."""
        text = " ".join("".join(self._inline).split())
        self._clear()
        return re.sub(f" ?{_LINE_BREAK} ?", "\n", text).strip()

    def _clear(self) -> None:
        self._inline.clear()
        self._borders.clear()


def _first_number(ordered: LexborNode) -> int:
    """What an ordered list begins with: 1, or as its `start` says."""
    start = ordered.attributes.get("start") or ""
    return int(start) if re.fullmatch("[0-9]{1,9}", start) else 1


def _spans(cell: LexborNode) -> bool:
    """Whether a cell stands in several columns."""
    return (cell.attributes.get("colspan") or "1").strip() != "1"


def _follows_a_cell(cell: LexborNode) -> bool:
    """Whether a cell is not the first of its row."""
    sibling = cell.prev
    while sibling is not None and sibling.tag not in ("td", "th"):
        sibling = sibling.prev
    return sibling is not None
