"""Content: what a format finds in a file, and the builder that keeps its offsets exact."""

from dataclasses import dataclass, field

from index.document import Heading, Page, canonical


@dataclass(frozen=True, slots=True)
class Content:
    """A file's canonical text and what the format knows about it; see `Document` for the fields."""

    text: str
    title: str = ""
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    author: str = ""
    date: str = ""
    url: str = ""
    dropped: int = 0


@dataclass(slots=True)
class TextBuilder:
    """Grows a canonical text piece by piece, so that an offset taken on the way stays true."""

    headings: list[Heading] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    dropped: int = 0
    length: int = 0
    _pieces: list[str] = field(default_factory=list)

    def add_block(self, block: str, separator: str = "\n\n") -> int:
        """Add a paragraph, set apart by `separator` from what stands before it; tells where it starts."""
        block, dropped = canonical(block)
        self.dropped += dropped
        if not block.strip():
            return self.length
        if self.length:
            self._append(separator)
        start = self.length
        self._append(block)
        return start

    def add_heading(self, level: int, heading: str) -> None:
        """Add a heading on a line of its own; `level` counts from 1."""
        start = self.add_block(heading)
        if start < self.length:
            self.headings.append(Heading(level, start, self.length))

    def add_page(self, page: str) -> None:
        """Add a page, numbered from 1 in the order they come; a blank one keeps its number."""
        start = self.add_block(page)
        self.pages.append(Page(len(self.pages) + 1, start, self.length))

    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    def _append(self, piece: str) -> None:
        self._pieces.append(piece)
        self.length += len(piece)
