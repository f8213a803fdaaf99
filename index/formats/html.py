"""HTML: bytes -> readable text without the markup."""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.errors import Refused
from index.formats.content import Content, TextBuilder
from index.formats.text import decode, decode_declared

_MAX_CHARACTERS = 20_000_000

_HIDDEN = (
    "script, style, noscript, template, svg, math, iframe, object, nav, button, select, head, "
    "[hidden], [aria-hidden=true], [style*='display:none'], [style*='display: none']"
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
        "table",
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
_LINE_BREAK = "\x00"  # stands for <br> until blanks are folded; no parsed HTML contains it


def read(data: bytes) -> Content:
    """The visible text and its headings; title, author, date and address as its head tells them.

    Raises:
        Refused: The bytes are not text, or too much of it.
    """
    charset = _CHARSET.search(data[:2_048])
    return read_text(decode_declared(data, charset[1].decode("ascii")) if charset else decode(data))


def read_text(source: str) -> Content:
    """As `read`, from HTML that is already decoded."""
    if len(source) > _MAX_CHARACTERS:
        raise Refused(f"it has {len(source):,} characters of HTML, and Footnote reads at most {_MAX_CHARACTERS:,}")
    tree = LexborHTMLParser(_EMPTY.sub(_closed, source) if _XHTML.match(source) else source)
    head = _Head.of(tree)
    for node in tree.css(_HIDDEN):
        node.decompose()
    renderer = _Renderer()
    if tree.body:
        renderer.render(tree.body)
    builder = renderer.builder
    text = builder.text()
    first = next((heading for heading in builder.headings if heading.level == 1), None)
    return Content(
        text=text,
        title=head.title or (text[first.start : first.end] if first else ""),
        headings=tuple(builder.headings),
        author=head.author,
        date=head.date,
        url=head.url,
        dropped=builder.dropped,
    )


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
            date=_meta(tree, "meta[property='article:published_time'], meta[name=date]"),
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

    def render(self, root: LexborNode) -> None:
        """Depth first without recursion: a hostile page nests a hundred thousand levels."""
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, seen = stack.pop()
            if seen:
                self._leave(node)
                continue
            self._enter(node)
            stack.append((node, True))
            child = node.last_child
            while child is not None:
                stack.append((child, False))
                child = child.prev
        self._flush()

    def _enter(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if node.is_text_node:
            self._inline.append(node.text_content or "")
        elif tag == "br":
            self._inline.append(_LINE_BREAK)
        elif tag in ("td", "th"):
            self._inline.append(" | " if self._row and _follows_a_cell(node) else " ")
        elif tag == "tr":
            self._flush()
            self._row = None if node.css_first(_LAYOUT) else node
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
            self._flush()
            self._row = None
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

    def _flush(self) -> None:
        """Write what has gathered as one block: a row and a list item on the next line."""
        if self._preformatted:
            block = "".join(self._inline).replace(_LINE_BREAK, "\n").strip("\n")
            self._inline.clear()
        else:
            block = self._folded()
        if not block.strip():
            return
        self.builder.add_block(self._prefix + block, separator="\n" if self._prefix or self._row else "\n\n")
        self._prefix = ""

    def _folded(self) -> str:
        """The inline text with blanks folded to one, as a browser shows it."""
        text = " ".join("".join(self._inline).split())
        self._inline.clear()
        return re.sub(f" ?{_LINE_BREAK} ?", "\n", text).strip()


def _first_number(ordered: LexborNode) -> int:
    """What an ordered list begins with: 1, or as its `start` says."""
    start = ordered.attributes.get("start") or ""
    return int(start) if re.fullmatch("[0-9]{1,9}", start) else 1


def _follows_a_cell(cell: LexborNode) -> bool:
    """Whether a cell is not the first of its row."""
    sibling = cell.prev
    while sibling is not None and sibling.tag not in ("td", "th"):
        sibling = sibling.prev
    return sibling is not None
