"""Passage: a Document cut at sentence and heading borders, with exact offsets."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from index import tables
from index.document import MAX_HEADING, Document, Heading, Page, Span

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktTokenizer

# How many of the embedding model's tokens a passage aims at; eval/BENCHMARK.md says why.
TARGET_TOKENS = 120

# A piece of text without a border is cut here, whatever its tokens: to the model a word of more than
# a hundred letters is one token.
_MAX_CHARACTERS = 1_200

# A cut moves back to the start of a word of up to so many characters; a longer one is cut inside.
_MAX_WORD = 60

# So many characters are cut into sentences at once at most; a longer stretch is cut between words first.
_MOST_AT_ONCE = 100_000

# A blank line ends a sentence, and so does a line break before a bullet, a number or a row of a table.
# Blanks are taken once and for all: a hostile text has a million of them behind a line break.
_BLOCK_BORDER = re.compile(r"\n(?:[^\S\n]*+\n)++|\n(?=[ \t]*+(?:[-*+•‣◦▪–] |\(?\d{1,3}[.)] |\| |[^\n|]++(?<= )\| ))")

# The number of a list's item or a heading, and a short line that is such a heading, with text under it: "3. Pets".
_NUMBER = re.compile(r"\s*+\(?\d{1,3}(?:\.\d{1,3})*[.)]?(?=\s)")
_NUMBERED = re.compile(
    r"^[ \t]*(?:\d{1,2}\.|\d{1,2}(?:\.\d{1,2})+\.?|\(\d{1,2}\)) [A-Z][^\n.!?:;,]{1,60}(?=\n[A-Z“\"])", re.MULTILINE
)

_LOADING = Lock()

TokenSpans = Callable[[str], Sequence[Span]]
"""A text -> where each of the embedding model's tokens stands in it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of whole sentences; `document.text[start:end] == text`.

    Attributes:
        id: `<document id>#<start>-<end>`.
        document_id: The document it is cut from.
        text: Its characters.
        start: First character in the document's canonical text.
        end: One past the last.
        page: Its page number (from 1), or None.
        heading: Text of the heading it stands under, or "".
        sentences: Its sentences, offsets into the document: an answer quotes whole ones.
        where: Where in its document it stands, as people say it, such as "page 3" or "sheet Sales, A5:C9"; or "".
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    page: int | None
    heading: str
    sentences: tuple[Span, ...]
    where: str = ""

    def quote(self, span: Span) -> str:
        """The characters at a span of the document that lies in the passage."""
        return self.text[span.start - self.start : span.end - self.start]


@dataclass(frozen=True, slots=True)
class _Sentence:
    span: Span
    weight: int  # in tokens, or in characters scaled to them where it has few tokens for its length
    page: Page | None
    heading: str
    is_heading: bool


def cut(document: Document, token_spans: TokenSpans, target: int = TARGET_TOKENS) -> tuple[Passage, ...]:
    """The passages of a document, in order, of about `target` tokens each, not overlapping.

    They cover all of its text that is not blank. A heading starts a passage, unless only headings
    stand before it; a page always does. A sentence longer than the target is cut at line ends, then between words.
    The row of a table is taken as a sentence.
    """
    places = tables.Places(document)
    groups = _groups(
        _sentences(document, token_spans, target), target
    )  # not all sentences at once: they may be millions
    return tuple(_passage(document, group, places) for group in groups)


def split_sentences(text: str) -> Iterator[Span]:
    """Where the sentences of a text stand, by blank lines, list items and the Punkt model.

    Punkt: Kiss and Strunk, Unsupervised Multilingual Sentence Boundary Detection, 2006.
    """
    for start, end in _blocks(text):
        number = _NUMBER.match(text, start, end)  # a sentence of its own to Punkt
        ends = [start + last for _, last in _punkt().span_tokenize(text[start:end])]
        firsts = [start, *(last for last in ends[:-1] if not number or last > number.end())]
        for first, last in pairwise([*firsts, end]):
            yield from _trimmed(text, first, last)


def _lines(text: str) -> Iterator[Span]:
    """Where the lines of a text stand: rows of a table, which are quoted whole, however many sentences they hold."""
    for match in re.finditer("[^\n]+", text):
        for start, end in _stretches(text, *match.span()):
            yield from _trimmed(text, start, end)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Where the stretches of a text stand that no sentence reaches beyond."""
    for start, end in pairwise((0, *(match.start() for match in _BLOCK_BORDER.finditer(text)), len(text))):
        yield from _stretches(text, start, end)


def _stretches(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch of a text and, where it is longer than is looked at at once, its parts between words."""
    while end - start > _MOST_AT_ONCE:
        last = text.rfind(" ", start + 1, start + _MOST_AT_ONCE) + 1 or start + _MOST_AT_ONCE
        yield start, last
        start = last
    yield start, end


def _groups(sentences: Iterable[_Sentence], target: int) -> Iterator[Sequence[_Sentence]]:
    """Runs of sentences that make a passage each: filled up to the target, broken at headings and pages."""
    group: list[_Sentence] = []
    for sentence in sentences:
        full = sum(earlier.weight for earlier in group) + sentence.weight > target
        headed = sentence.is_heading and not all(earlier.is_heading for earlier in group)
        turned = bool(group) and sentence.page != group[-1].page
        if group and (full or headed or turned):
            yield group
            group = []
        group.append(sentence)
    if group:
        yield group


def _passage(document: Document, group: Sequence[_Sentence], places: tables.Places) -> Passage:
    start, end = group[0].span.start, group[-1].span.end
    body = [sentence.span for sentence in group if not sentence.is_heading]
    return Passage(
        id=f"{document.id}#{start}-{end}",
        document_id=document.id,
        text=document.text[start:end],
        start=start,
        end=end,
        page=group[0].page.number if group[0].page else None,
        heading=group[-1].heading,
        sentences=tuple(body or (sentence.span for sentence in group)),
        where=places.where(start, end),
    )


def _sentences(document: Document, token_spans: TokenSpans, target: int) -> Iterator[_Sentence]:
    """Every sentence of the document with its length in tokens and the heading it stands under."""
    text = document.text
    standing = tuple(_headings(document))
    headings = {each.start: text[each.start : each.end] for each in standing}  # one text for all that stand under it
    pages = {page.start: page for page in document.pages if page.start < page.end}
    borders = {0, len(text), *pages}
    borders |= {border for each in standing for border in (each.start, each.end)}
    borders |= {border for table in document.tables for border in (table.start, table.end)}
    rows = {table.start for table in document.tables}
    heading = ""
    page: Page | None = None
    for start, end in pairwise(sorted(borders)):
        heading, page = headings.get(start, heading), pages.get(start, page)
        for sentence in (_lines if start in rows else split_sentences)(text[start:end]):
            whole = Span(start + sentence.start, start + sentence.end)
            for piece, tokens in _pieces(text, whole, token_spans, target):
                weight = max(tokens, (piece.end - piece.start) * target // _MAX_CHARACTERS, 1)
                yield _Sentence(piece, weight, page, heading, start in headings)


def _headings(document: Document) -> Iterator[Heading]:
    """The headings that the format tells of and, where it tells of none, short lines with a number."""
    yield from document.headings
    if not document.headings:
        for match in _NUMBERED.finditer(document.text):
            if match.end() - match.start() <= MAX_HEADING:
                yield Heading(1, match.start(), match.end())


def _pieces(text: str, span: Span, token_spans: TokenSpans, target: int) -> Iterator[tuple[Span, int]]:
    """The sentence and its tokens; where it is too long for a passage, its lines, then its words."""
    tokens = token_spans(text[span.start : span.end])
    if len(tokens) <= target and span.end - span.start <= _MAX_CHARACTERS:
        yield span, len(tokens)
        return
    lines = [match.start() for match in re.finditer("\n", text[span.start : span.end])]
    if lines:
        for start, end in pairwise((0, *lines, span.end - span.start)):
            for line in _trimmed(text, span.start + start, span.start + end):
                yield from _pieces(text, line, token_spans, target)
        return
    for start, end in pairwise(_word_borders(text, span, tokens[target::target])):
        for part in range(start, end, _MAX_CHARACTERS):
            for piece in _trimmed(text, part, min(part + _MAX_CHARACTERS, end)):
                yield piece, min(target, len(tokens))


def _word_borders(text: str, span: Span, tokens: Sequence[Span]) -> Iterator[int]:
    """The span's ends and, for each of some tokens inside it, where the word of that token starts."""
    border = span.start
    yield border
    for token in tokens:
        start = span.start + token.start
        border = text.rfind(" ", max(border + 1, start - _MAX_WORD), start + 1) + 1 or start
        yield border
    yield span.end


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """The stretch without blanks at its ends; nothing where it is blank."""
    stretch = text[start:end]
    if stretch and not stretch.isspace():
        yield Span(start + len(stretch) - len(stretch.lstrip()), start + len(stretch.rstrip()))


def _punkt() -> "PunktTokenizer":
    with _LOADING:  # several threads cut documents
        return _loaded_punkt()


@cache
def _loaded_punkt() -> "PunktTokenizer":
    """Punkt, with the data inside llama-index-core, which is found and not imported: that takes 2 s."""
    package = find_spec("llama_index")
    with _bare("nltk"):
        import nltk.data
        from nltk import redos
        from nltk.tokenize.punkt import PunktTokenizer

        for place in (package and package.submodule_search_locations) or ():
            nltk.data.path.append(str(Path(place) / "core" / "_static" / "nltk_cache"))
        punkt = PunktTokenizer("english")
        punkt._Token = _unhurried(punkt._Token)
        punkt._lang_vars = _patient(punkt._lang_vars, redos.compile)
        return punkt


def _unhurried(token: type) -> type:
    """Punkt's class of a token with the same patterns, run by `re`.

    nltk has each stopped after a while, for patterns that nobody knows, which takes two fifths of all the time that it
    needs to find sentences. These are looked for in one word at a time, and never go back far.
    """
    patterns = {name: re.compile(each.pattern) for name, each in vars(token).items() if name.startswith("_RE_")}
    return type(token.__name__, (token,), {"__slots__": (), **patterns})


def _patient(language: Any, compiled: Callable[..., Any]) -> Any:
    """Punkt's patterns of a language without their time limit: on a busy computer a text would not be cut by it.

    Args:
        language: Punkt's `PunktLanguageVars`.
        compiled: nltk's `redos.compile`, which takes the limit from a pattern.
    """
    kind = type(language)
    realignment = compiled(kind.re_boundary_realignment, timeout=None)
    made = type(kind.__name__, (kind,), {"re_boundary_realignment": realignment})()
    made._re_word_tokenizer = compiled(made._word_tokenizer_re(), timeout=None)
    made._re_period_context = compiled(made.period_context_re(), timeout=None)
    return made


@contextmanager
def _bare(package: str) -> Iterator[None]:
    """While the block runs, parts of a package can be imported without what the package imports of itself.

    Of nltk the rest is scipy, scikit-learn and pandas: 1.5 seconds and 130 MB, for what cuts no sentence. A thread that
    imports the package at that moment gets its parts alone.
    """
    spec = find_spec(package)
    if package in sys.modules or spec is None:
        yield
        return
    bare = ModuleType(package)
    bare.__path__, bare.__spec__ = list(spec.submodule_search_locations or ()), spec
    sys.modules[package] = bare
    try:
        yield
    finally:
        # A copy: another thread may be importing something.
        for name in [name for name in tuple(sys.modules) if name == package or name.startswith(f"{package}.")]:
            del sys.modules[name]
