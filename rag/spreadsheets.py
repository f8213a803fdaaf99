"""Spreadsheets: which of a library's tables a question counts, adds up or compares over, and what comes out.

The rows of a table are read where a question may be of it, all of them, and kept for the next one.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from threading import Event

from index import tables
from index.catalog import Tabled
from index.document import Document, Span
from index.errors import LibraryError
from index.library import Library
from index.workers import WANTED
from rag.answer import Answer, Draft
from rag.cite import cite
from rag.extract import in_one_cell, short_in
from rag.kept import Kept, see_wanted
from rag.names import unnamed
from rag.reader import Candidate
from rag.retrieve import Hit
from rag.sheet import Sheet, are_too_large, is_sheet, sheets
from rag.tally import Tally, Unclear, rows_of, tally, where
from rag.wish import Asked, NotAsked, heads_said, is_aggregating, listed

MOST_ROWS = 12
"""How many of the rows that a figure rests on are cited; the others are counted."""

_TABLES = 12  # documents whose tables a question is laid beside
_SMALL = 500_000  # characters of tables that are read though the question says none of their heads
_KEPT_CELLS = 2_000_000  # of sheets, kept for the next question
_COLUMN = 200  # cells, whose room a column takes besides its own: what is known of it
_TRIES = 3  # at an answer, where a sync changes what it rests on


@dataclass(frozen=True, slots=True)
class _Found:
    """What comes of a question that is asked of a sheet.

    Attributes:
        sheet: The sheet.
        columns: Of it, those that what comes out rests on.
        rows: Of it, those that it rests on.
        tally: What is worked out; None where the rows themselves are asked for.
        reason: Why nothing comes out, or "".
    """

    sheet: Sheet
    columns: Sequence[int] = ()
    rows: Sequence[int] = ()
    tally: Tally | None = None
    reason: str = ""


class Spreadsheets:
    """The tables of a library whose rows are numbered: those of spreadsheets and CSV files."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._sheets = Kept[tuple[str, str], tuple[Sheet, ...]](_KEPT_CELLS, _size)  # by document and its digest

    def answer(
        self, silent: Answer, documents: Collection[str] | None = None, dropped: Event = WANTED
    ) -> Answer | None:
        """What a question asks to count, add up or compare, or the rows it asks for; None where it asks something else.

        Args:
            silent: The question, and what is known before anything is said.
            documents: Of the documents with these ids only.
            dropped: Set, from another thread, where nobody wants the answer any more.

        Raises:
            Unclear: It may be meant in several ways, or the rows do not bear it.
            Dropped: Nobody wants the answer any more.
            LibraryError: The documents change faster than a question is answered.
        """
        for _ in range(_TRIES):
            found = self._found(silent.query, documents, dropped)
            if found is None:
                return None
            if found.reason:
                raise Unclear(found.reason)
            try:
                return self._answer(silent, found)
            except KeyError:  # a sync has changed the document meanwhile
                continue
        raise LibraryError("The documents are being changed while you ask; ask again in a moment.")

    def holds(self, document_id: str, place: int) -> bool:
        """Whether a character stands in a row of such a table."""
        return _holds(self._tabled().get(document_id), place)

    def is_too_large(self, document_id: str) -> bool:
        """Whether a document has tables that nothing is worked out over, since they have too many cells."""
        try:
            return are_too_large(self._library.document(document_id))
        except KeyError:
            return False

    def fitting(self, question: str, candidates: Sequence[Candidate], dropped: Event = WANTED) -> tuple[Candidate, ...]:
        """Those sentences that may answer, without rows of something else than the question names.

        To who reads them as prose, one row is as good as another. Where the best is such a row, only another one of the
        same document stands in for it.
        """
        tabled = self._tabled()
        by_document = sorted(candidates, key=lambda each: each.hit.passage.document_id)  # so that each is read once
        denied = {
            id(each)
            for each in by_document
            if self._denies(question, each, tabled.get(each.hit.passage.document_id), dropped)
        }
        left = tuple(each for each in candidates if id(each) not in denied)
        if left[:1] == tuple(candidates[:1]):
            return left
        best = candidates[0].hit.passage.document_id
        return tuple(
            each for each in left if each.hit.passage.document_id == best and _holds(tabled.get(best), each.span.start)
        )

    def _tabled(self) -> dict[str, Tabled]:
        """The documents with such tables, by id."""
        return {each.id: each for each in self._library.tabled()}

    def _denies(self, question: str, candidate: Candidate, tabled: Tabled | None, dropped: Event) -> bool:
        """Whether a sentence is a row of something else than the question names."""
        place = candidate.span.start
        if tabled is None or not _holds(tabled, place):
            return False
        if any(unnamed(question, candidate.hit.passage.quote(candidate.span), " ".join(_names(tabled)))):
            return True
        rows = ((sheet, sheet.row_at(place)) for sheet in self._read(tabled, dropped))
        return any(row is not None and sheet.denies(row, question) for sheet, row in rows)

    # --- which table ---

    def _found(self, question: str, documents: Collection[str] | None, dropped: Event) -> _Found | None:
        """The one sheet that the question fits best, or the reason why that cannot be told."""
        done = _worked_out if is_aggregating(question) else _looked_up
        asked = sorted(self._asked(question, documents, dropped), key=lambda each: -each.fit)
        for _, fitting in groupby(asked, key=lambda each: each.fit):
            found = list(filter(None, map(done, fitting)))
            if len(found) > 1:
                names = listed([each.sheet.called for each in found[:MOST_ROWS]], "or")
                return replace(found[0], reason=f"It may be asked of {names}; name one, or tick it.")
            if found:
                return found[0]
        return None

    def _asked(self, question: str, documents: Collection[str] | None, dropped: Event) -> Iterator[Asked]:
        """The sheets that the question may be of, and how it lies beside each."""
        for tabled in islice(self._likely(question, documents), _TABLES):
            for sheet in self._read(tabled, dropped):
                see_wanted(dropped)
                try:
                    yield Asked(question, sheet)
                except NotAsked:
                    continue

    def _likely(self, question: str, documents: Collection[str] | None) -> Iterator[Tabled]:
        """The documents with tables, first those whose heads and names the question says most of."""
        told = [each for each in self._library.tabled() if documents is None or each.id in documents]
        said = {each.id: heads_said(question, _names(each)) for each in told}
        for each in sorted(told, key=lambda each: (-said[each.id], each.id)):
            if said[each.id] or sum(table.end - table.start for _, table in each.tables) <= _SMALL:
                yield each

    def _read(self, tabled: Tabled, dropped: Event) -> tuple[Sheet, ...]:
        """The sheets of a document, as they were read before or now; none where it is gone."""

        def read() -> tuple[Sheet, ...]:
            return sheets(self._library.document(tabled.id), partial(see_wanted, dropped))

        try:
            return self._sheets.get((tabled.id, tabled.sha256), read, dropped)
        except KeyError:
            return ()

    # --- the answer ---

    def _answer(self, silent: Answer, found: _Found) -> Answer:
        """The figure, what it is of, and the rows it rests on; or the rows, in their own words.

        Raises:
            KeyError: The document is not there any more, or not as it was read.
        """
        document = self._library.document(found.sheet.document_id)
        if document.sha256 != found.sheet.sha256:
            raise KeyError(document.id)
        quoted = self._quoted(document, found)
        hits = tuple(dict.fromkeys(each.hit for each in quoted))
        places = tables.Places(document)
        cited = [cite(0, each.hit.passage, each.span, document, places) for each in quoted]
        told = found.tally
        draft = Draft(replace(silent, mode="compute" if told else "extract", hits=hits, confidence=1.0))
        if told is None:
            for each, citation in zip(quoted, cited, strict=True):
                short = short_in(in_one_cell(each, document, silent.query))
                draft.say(citation.quote, [citation], "verbatim", 1.0, short)
            return draft.answer()
        notes = list(told.notes)
        if len(told.rows) > MOST_ROWS:
            notes.append(f"{MOST_ROWS} of {len(told.rows):,} rows shown")
        beside = f" ({'; '.join(notes)})" if notes else ""
        text = f"{told.says}{told.figure}{told.more}{beside}."
        draft.say(text, cited, "computed", 1.0, Span(len(told.says), len(told.says) + len(told.figure)))
        return draft.answer()

    def _quoted(self, document: Document, found: _Found) -> list[Candidate]:
        """The rows, of a long one those parts that hold what counts, each in the passage that holds it.

        Raises:
            KeyError: The document is not as it was read.
        """
        quoted, hits = list[Candidate](), dict[str, Hit]()
        called = [column.head for column in found.sheet.columns]
        heads, asked = tables.Heads(called), {called[column] for column in found.columns}
        for row in found.rows[:MOST_ROWS]:
            start, end = found.sheet.starts[row], found.sheet.ends[row]
            passages = self._library.passages_at(document.id, start, end)
            cells = heads.places(document.text[start:end])
            used = [Span(start + span.start, start + span.end) for head, span in cells if head in asked]
            parts = [(each, Span(max(start, each.start), min(end, each.end))) for each in passages]
            telling = [
                part for part in parts if any(part[1].start < cell.end and cell.start < part[1].end for cell in used)
            ]
            for passage, span in telling or parts[:1]:
                if passage.quote(span) != document.text[span.start : span.end]:
                    raise KeyError(document.id)
                hit = hits.setdefault(passage.id, Hit(passage, 1.0, len(hits) + 1, None, None))
                quoted.append(Candidate(hit, span, 1.0))
        if not quoted:
            raise KeyError(document.id)
        return quoted


def _worked_out(asked: Asked) -> _Found | None:
    """What is worked out where a question lies beside a sheet; None where it is not asked of it after all."""
    try:
        wish = asked.wish()
        told = tally(asked.sheet, wish)
    except NotAsked:
        return None
    except Unclear as why:
        return _Found(asked.sheet, reason=str(why))
    columns = [wish.column, wish.group, *(each.column for each in wish.conditions)]
    return _Found(asked.sheet, [column for column in columns if column is not None], told.rows, told)


def _looked_up(asked: Asked) -> _Found | None:
    """The rows that a question beside a sheet asks for; None where it asks for none."""
    try:
        conditions = asked.rows()
    except (NotAsked, Unclear):  # whatever else it may ask for
        return None
    try:
        rows = rows_of(asked.sheet, conditions)
    except Unclear as why:
        return _Found(asked.sheet, reason=str(why))
    if len(rows) > MOST_ROWS:
        told = f"{len(rows):,} rows of {asked.sheet.called}{where(conditions)}"
        return _Found(asked.sheet, reason=f"There are {told}; say more of the one you mean, or ask how many there are.")
    wanted = [column for column in asked.named if all(column != each.column for each in conditions)]
    if wanted and not any(asked.sheet.columns[column].is_told(row) for column in wanted for row in rows):
        heads = listed([asked.sheet.columns[column].head for column in wanted], "or")
        return _Found(asked.sheet, reason=f"{asked.sheet.called} has no {heads}{where(conditions)}: its cell is empty.")
    return _Found(asked.sheet, [*asked.named, *(each.column for each in conditions)], rows)


def _holds(tabled: Tabled | None, place: int) -> bool:
    """Whether a character of a document stands in a row of one of its tables."""
    return tabled is not None and any(table.start <= place < table.end for _, table in tabled.tables)


def _names(tabled: Tabled) -> list[str]:
    """What a document with tables is called, and its sheets and their columns."""
    heads = dict.fromkeys(head for _, table in tabled.tables if is_sheet(table) for head in table.heads)
    pages = dict.fromkeys(page for page, _ in tabled.tables)
    return [tabled.title, tabled.id.rpartition("/")[2], *pages, *heads]


def _size(read: Sequence[Sheet]) -> int:
    """How much room some sheets take, in cells."""
    return sum((len(sheet) + _COLUMN) * len(sheet.columns) for sheet in read)
