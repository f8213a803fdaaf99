"""Footnote, the object with retrieve() and ask(): the one path from a question to an answer."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from threading import Event, Lock
from types import TracebackType
from typing import Self

from index import tables
from index.catalog import File
from index.document import Document, canonical
from index.errors import LibraryError, ModelError, ModelTrouble
from index.library import Library
from index.precedence import PRECEDENCE
from index.sync import OnProgress
from index.tables import SEPARATOR
from index.workers import WANTED
from rag import calibration, cite
from rag.answer import Answer, Draft
from rag.cells import Cells, is_no_statement
from rag.chat import Turn
from rag.disagree import disagreeing
from rag.examples import candidates
from rag.extract import extract, in_one_cell, short_in, why_not
from rag.followup import GLANCED, REMEMBERED, depends, is_rewrite, standalone
from rag.generate import Source, Verifier, Writer
from rag.guard import of_the_named
from rag.help import help_line
from rag.kept import see_wanted
from rag.llm import Model, load
from rag.reader import FIRST, MORE, Candidate, Reader, Reading, is_statement
from rag.retrieve import Hit, check_question, retrieve
from rag.sheet import MOST_CELLS
from rag.spreadsheets import Spreadsheets
from rag.tally import Unclear
from rag.wish import is_plainly_aggregating

_EXAMPLES = 4
_DAY = re.compile(r"\d{4}-\d\d-\d\d")  # ISO 8601, whose order is that of time
_OF_EVERY_ROW = (
    "The closest passage is a row of {}, and no single row answers such a question; ask it in the words of the table's "
    "columns and cells to have it worked out over all of them."
)
_TOO_LARGE = (
    f"The closest passage is a row of {{}}, and nothing is worked out over tables of more than {MOST_CELLS:,} cells; "
    "split them into files of their own."
)
_LONGEST_HEAD = 60  # characters of a line without borders of cells that may be the heads of a table
_TRIES = 3  # at an answer, where a sync changes what it quotes


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as it was said and as it is looked up, after what turns, of what documents, and how to stop it."""

    said: str
    query: str
    turns: Sequence[Turn]
    documents: Collection[str] | None
    stopped: Event
    dropped: Event


class Footnote:
    """A library of documents that can be asked.

    Attributes:
        library: Where it searches.
        reader: What reads the passages found.
        calibration: The numbers it answers with.
        writer: What has a language model write answers, or None where the documents are quoted.
    """

    def __init__(
        self, library: Library, reader: Reader, numbers: calibration.Calibration, verifier: Verifier | None = None
    ) -> None:
        """Put a reader before a library, and a verifier behind a language model; `rag.open` is the usual way."""
        self.library = library
        self.reader = reader
        self.calibration = numbers
        self.writer: Writer | None = None
        self._verifier = verifier
        self._spreadsheets = Spreadsheets(library)
        self._cells = Cells(library)
        self._examples: tuple[int, tuple[str, ...]] = (-1, ())
        self._tried: dict[str, bool] = {}  # whether a question that some sentence answers was found to be answered
        self._choosing = Lock()  # all who wait for examples wait for the same ones

    @PRECEDENCE.asking()
    def retrieve(self, question: str, k: int = 5, *, documents: Collection[str] | None = None) -> tuple[Hit, ...]:
        """The `k` passages that fit a question best, best first, ties by id.

        Args:
            question: Words or a question, at most 4,000 characters.
            k: How many hits at most.
            documents: Search the documents with these ids only.

        Raises:
            QuestionError: The question is empty or too long.
        """
        return retrieve(self.library, check_question(question), k, self.calibration.fusion, documents)

    def ask(
        self,
        question: str,
        *,
        turns: Sequence[Turn] = (),
        documents: Collection[str] | None = None,
        stopped: Event | None = None,
    ) -> Answer:
        """Answer from the documents, each sentence with its footnote, or abstain and say why.

        In the documents' own words or, where a language model is set, in its words as far as the documents bear them
        out.

        Args:
            question: At most 4,000 characters.
            turns: What was asked and said before, oldest first; a follow-up is understood by it.
            documents: Answer from the documents with these ids only.
            stopped: Set, from another thread, to wait no longer for a language model.

        Raises:
            QuestionError: The question is empty or too long.
            LibraryError: The library cannot be read, or changes faster than a question is answered.
        """
        *_, answer = self.stream(question, turns=turns, documents=documents, stopped=stopped)
        return answer

    def stream(
        self,
        question: str,
        *,
        turns: Sequence[Turn] = (),
        documents: Collection[str] | None = None,
        stopped: Event | None = None,
        dropped: Event = WANTED,
    ) -> Iterator[Answer]:
        """The answer as a language model writes it, a statement more each time; the last one is what `ask` gives.

        See `ask` for what else it takes and raises.

        Args:
            question: See `ask`.
            turns: See `ask`.
            documents: See `ask`.
            stopped: See `ask`.
            dropped: Set, from another thread, where nobody wants any answer any more.

        Raises:
            Dropped: Nobody does.
        """
        asked = _Asked(canonical(question)[0], check_question(question), turns, documents, stopped or Event(), dropped)
        line = help_line(asked.query)
        if line is not None:
            tries = " ".join(self.examples())
            yield Answer(
                asked.said, asked.query, "answered", text=f"{line} Try: {tries}" if tries else line, mode="help"
            )
            return
        for _ in range(_TRIES):
            behind = self.library.behind()
            for answer in self._answers(asked):
                if not self._exact(answer):
                    break
                yield replace(answer, notice=" ".join(filter(None, (answer.notice, behind))))
            else:
                return
        raise LibraryError("The documents are being changed while you ask; ask again in a moment.")

    def write_with(self, setting: str) -> None:
        """Have a language model write the answers from now on, as `rag.llm.load` names it, or none where it is "".

        Raises:
            ModelError: There is no such model, or nothing to check what it writes.
        """
        if not setting:
            self.writer = None
        elif self._verifier is None:
            raise ModelError("Nothing checks here what a language model writes; open the library with rag.open.")
        else:
            self.writer = Writer(load(setting), self._verifier)

    @property
    def model(self) -> Model | None:
        """The language model that writes the answers, or None where the documents are quoted."""
        return self.writer.model if self.writer else None

    def unguarded(self) -> "Footnote":
        """This library, asked without the threshold under which Footnote abstains, or a model: for measuring."""
        return Footnote(self.library, self.reader, replace(self.calibration, threshold=0.0))

    def examples(self) -> tuple[str, ...]:
        """Up to four questions that this library answers, for someone who does not know it yet."""
        with self._choosing:
            revision = self.library.revision()
            if self._examples[0] != revision:
                found = tuple(candidates(self.library))
                self._tried = {question: self._tried[question] for question in found if question in self._tried}
                self._examples = (revision, tuple(islice(filter(self._is_example, found), _EXAMPLES)))
            return self._examples[1]

    def sync(self, on_progress: OnProgress = lambda _: None) -> tuple[File, ...]:
        """Bring the library up to date with its folder; see `Library.sync`."""
        return self.library.sync(on_progress)

    def verify(self, on_progress: OnProgress = lambda _: None) -> tuple[File, ...]:
        """Bring it up to date, and look at the bytes of every file; see `Library.verify`."""
        return self.library.verify(on_progress)

    def add(self, name: str, data: bytes, on_progress: OnProgress = lambda _: None) -> File:
        """Add a document that does not lie in the folder; see `Library.add`."""
        return self.library.add(name, data, on_progress)

    def remove(self, id: str) -> None:
        """Forget a document that was added; see `Library.remove`."""
        self.library.remove(id)

    def files(self) -> tuple[File, ...]:
        """Every file of the library and what became of it, by id."""
        return self.library.files()

    def document(self, document_id: str) -> Document:
        """A document by its id.

        Raises:
            KeyError: There is none.
        """
        return self.library.document(document_id)

    def close(self) -> None:
        """Let go of the library, so that another process may write it."""
        self.library.close()

    def __enter__(self) -> Self:
        """Close the library at the end of a `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `__enter__`."""
        self.close()

    def _answers(self, asked: "_Asked") -> Iterator[Answer]:
        """The answer, as it grows where a language model writes it."""
        query, notice = self._standalone(asked)
        silent = Answer(asked.said, query, "abstained")
        computed, unclear = self._computed(silent, asked)
        if not computed and query != asked.query:  # it may be whole as it was asked, and of a table
            computed, reason = self._computed(replace(silent, query=asked.query), asked)
            query = asked.query if reason and not computed else query
            unclear = reason or unclear
        if computed:  # and no model says it in other words
            yield replace(computed, notice=notice)
            return
        see_wanted(asked.dropped)
        reading = self._read(query, asked.documents)
        see_wanted(asked.dropped)
        row, several = (None, "") if unclear else self._cells.answer(silent, reading.hits, asked.dropped)
        if row:  # as exact as what is computed
            yield replace(row, notice=notice)
            return
        reading, unnamed = self._of_what_is_named(reading, query, asked.dropped)
        see_wanted(asked.dropped)
        sure = self.calibration.confidence.probability(reading.logit)
        silent = Answer(asked.said, query, "abstained", hits=reading.hits, confidence=sure)
        chosen = extract(reading, self.calibration)
        unclear = unclear or unnamed or self._of_every_row(query, chosen) or self._of_several(several, chosen)
        if unclear or not chosen:  # and no model is asked
            yield replace(silent, reason=unclear or why_not(query, reading.hits))
            return
        writer = self.writer
        if writer and not notice:  # a model that has failed is not waited for again
            try:
                yield from writer.write(silent, self._sources(reading.hits), chosen, asked.stopped)
            except ModelTrouble as trouble:
                notice = _instead(trouble)
            else:
                return
        yield replace(self._quoting(silent, chosen), notice=notice)

    @PRECEDENCE.asking()
    def _computed(self, silent: Answer, asked: _Asked) -> tuple[Answer | None, str]:
        """What is counted, added up or compared over the rows of a table; or why that cannot be, or neither."""
        if is_statement(silent.query):
            return None, ""
        try:
            return self._spreadsheets.answer(silent, asked.documents, asked.dropped), ""
        except Unclear as why:
            return None, str(why)

    @PRECEDENCE.asking()
    def _of_what_is_named(self, reading: Reading, query: str, dropped: Event) -> tuple[Reading, str]:
        """What was read, without what is no sentence to quote, or is of something else than the question names.

        And why, where nothing is left that speaks of a number, a date or a code of the question.
        """
        documents = self._documents([each.hit for each in reading.candidates if _may_be_row(each)])
        told = [each for each in reading.candidates if not self._is_no_statement(query, each, documents)]
        best = reading.candidates[0] if reading.candidates else None
        if best and told[:1] != [best] and _in_table(best, documents):  # only another row of it stands in for a row
            id = best.hit.passage.document_id
            told = [each for each in told if each.hit.passage.document_id == id and _in_table(each, documents)]
        reading = replace(reading, candidates=self._spreadsheets.fitting(query, told, dropped))
        return of_the_named(query, reading, cache(self._document_of), self.calibration.weights.also)

    def _document_of(self, hit: Hit) -> Document | None:
        """The document of a hit, or None where a sync has removed it meanwhile."""
        return next(iter(self._documents([hit]).values()), None)

    def _is_no_statement(self, query: str, each: Candidate, documents: Mapping[str, Document]) -> bool:
        document = documents.get(each.hit.passage.document_id)
        return document is not None and _may_be_row(each) and is_no_statement(query, document, each.span)

    def _of_every_row(self, query: str, chosen: Sequence[Candidate]) -> str:
        """Why no row is quoted to a question of all of them; "" where none would be."""
        best = max(chosen, key=lambda each: each.score, default=None)
        if best is None or not is_plainly_aggregating(query) or is_statement(query):
            return ""
        id = best.hit.passage.document_id
        if not self._spreadsheets.holds(id, best.span.start):
            return ""
        return (_TOO_LARGE if self._spreadsheets.is_too_large(id) else _OF_EVERY_ROW).format(id)

    def _of_several(self, several: str, chosen: Sequence[Candidate]) -> str:
        """Why a row is not quoted where others fit as well, if that is what would be quoted; else ""."""
        best = max(chosen, key=lambda each: each.score, default=None)
        if not several or best is None:
            return ""
        document = self._documents([best.hit]).get(best.hit.passage.document_id)
        return several if document and document.table_at(best.span.start) else ""

    def _standalone(self, asked: "_Asked") -> tuple[str, str]:
        """The question as one that stands alone, in a model's words where one is there; and that model's trouble."""
        if not depends(asked.query, asked.turns):
            return asked.query, ""
        writer, notice = self.writer, ""
        if writer:
            said = [(turn.answer.query, turn.answer.text) for turn in asked.turns[-REMEMBERED:]]
            try:
                rewritten = writer.rewritten(asked.query, said, asked.stopped)
                if is_rewrite(rewritten, asked.query, asked.turns):
                    return rewritten, ""
            except ModelTrouble as trouble:
                notice = _instead(trouble)
        glance = partial(self._read, documents=asked.documents, k=GLANCED)
        return standalone(asked.query, asked.turns, glance), notice

    @PRECEDENCE.asking()
    def _quoting(self, silent: Answer, chosen: Sequence[Candidate]) -> Answer:
        """An answer that says the chosen sentences, a footnote each."""
        documents = self._documents([each.hit for each in chosen])
        chosen, draft = _newest_first(chosen, documents), Draft(silent)
        places = {id: tables.Places(document) for id, document in documents.items()}
        for sentence in chosen:
            id = sentence.hit.passage.document_id
            document = documents.get(id)
            each = in_one_cell(sentence, document, silent.query) if document else sentence
            citation = cite.cite(0, each.hit.passage, each.span, document, places.get(id))
            draft.say(citation.quote, [citation], "verbatim", each.score, short_in(each))
        return draft.answer(disagreeing(silent.query, chosen))

    def _sources(self, hits: Sequence[Hit]) -> list[Source]:
        """The passages that a model may read, without those that a sync has removed meanwhile."""
        documents = self._documents(hits)
        there = [(hit, documents.get(hit.passage.document_id)) for hit in hits]
        return [Source(hit, document) for hit, document in there if document]

    def _documents(self, hits: Sequence[Hit]) -> dict[str, Document]:
        """The documents of some hits by id, without those that a sync has removed meanwhile."""
        documents: dict[str, Document] = {}
        for id in dict.fromkeys(hit.passage.document_id for hit in hits):
            with suppress(KeyError):
                documents[id] = self.document(id)
        return documents

    def _exact(self, answer: Answer) -> bool:
        """Whether every quote stands in its document now; not so where a sync has changed it meanwhile."""
        try:
            texts = {id: self.document(id).text for id in {each.document_id for each in answer.citations}}
        except KeyError:
            return False
        return all(cite.exact(each, texts[each.document_id]) for each in answer.citations)

    @PRECEDENCE.asking()
    def _read(self, query: str, documents: Collection[str] | None = None, k: int = FIRST + MORE) -> Reading:
        return self.reader.read(query, self.retrieve(query, k, documents=documents))

    def _is_example(self, question: str) -> bool:
        """Whether a question is answered; asked once for as long as the sentence is there that it was made of."""
        if question not in self._tried:
            reading, _ = self._of_what_is_named(self._read(question), question, Event())
            self._tried[question] = bool(extract(reading, self.calibration))
        return self._tried[question]


def _in_table(candidate: Candidate, documents: Mapping[str, Document]) -> bool:
    """Whether a candidate stands in a table of one of some documents."""
    document = documents.get(candidate.hit.passage.document_id)
    return document is not None and document.table_at(candidate.span.start) is not None


def _may_be_row(candidate: Candidate) -> bool:
    """Whether a candidate may be a row of a table, or its heads: only of these the document is looked at."""
    quote = candidate.hit.passage.quote(candidate.span)
    return SEPARATOR in quote or len(quote) <= _LONGEST_HEAD


def _instead(trouble: ModelTrouble) -> str:
    """What is said where the documents are quoted in a model's place."""
    return f"{trouble}; these are your documents' own words."


def _newest_first(chosen: Sequence[Candidate], documents: Mapping[str, Document]) -> Sequence[Candidate]:
    """The chosen sentences, the newest document's first where the dates of all are known."""
    known = {id: document.date for id, document in documents.items() if _DAY.match(document.date)}
    if any(each.hit.passage.document_id not in known for each in chosen):
        return chosen
    return sorted(chosen, key=lambda each: known[each.hit.passage.document_id], reverse=True)
