"""The desk: what the page does when a reader asks, clicks or adds. It knows nothing of how an answer is made."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TypeVar, get_args

import gradio as gr

from index.document import Document
from index.errors import FootnoteError, QuestionError
from rag.answer import Footnote
from rag.chat import Conversation, Judgement, Turn, Verdict
from rag.conversations import Conversations
from web import viewer
from web.guard import OWNER

Item = TypeVar("Item")

Updates = tuple[object, ...]
"""What Gradio puts into its outputs, in their order: values for components, or `gr.skip()`."""

_UNCHANGED: Updates = (gr.skip(),) * 5  # of what `Desk._told` gives


@dataclass(frozen=True, slots=True)
class Desk:
    """What the page does when a reader asks, clicks or adds.

    The conversation shown and the ticked documents stay in Gradio's session, and come with every call.

    Attributes:
        docs: Whom it asks.
        host: What a reader calls the computer that it runs on.
    """

    docs: Footnote
    host: str

    def load(self, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: the conversation asked last."""
        kept = self._kept(request)

        def last() -> Conversation:
            return talk if talk.turns else next((kept.open(each.id) for each in kept.listed()), talk)

        return self._turned(last, talk, kept)

    def lists(self, talk: Conversation, ticked: Sequence[str]) -> Updates:
        """The documents as they are now: promise, list, ticks, the line that tells them, examples while they show."""
        files = self.docs.files()
        ticked = self._ready(ticked)
        promise, listed = viewer.promise(files, self.host), viewer.documents(files, ticked)
        return promise, listed, ticked, viewer.scope(ticked), gr.skip() if talk.turns else self._conversation(talk)

    def ask(self, question: str, talk: Conversation, ticked: Sequence[str], request: gr.Request) -> Iterator[Updates]:
        """What `_told` gives: first while waiting, then with the answer."""
        yield gr.skip(), viewer.waiting(talk, question), gr.skip(), "", gr.skip()
        kept, start, notice = self._kept(request), perf_counter(), ""
        try:
            documents = self._ready(ticked)
            answer = self.docs.ask(question, documents=documents or None)
        except FootnoteError as error:
            yield self._told(talk, kept, question, viewer.notice(str(error)))
            return
        turn = Turn(answer, round(1000 * (perf_counter() - start)), documents)
        try:
            talk = kept.add(talk.id, turn)
        except FootnoteError as error:  # the answer is shown all the same
            talk = replace(talk, turns=(*talk.turns, turn))
            notice = viewer.notice(str(error))
        yield self._told(talk, kept, "", notice)

    def example(
        self, event: gr.EventData, talk: Conversation, ticked: Sequence[str], request: gr.Request
    ) -> Iterator[Updates]:
        """Ask an example question; it comes back as typed text would, and is treated as such."""
        yield from self.ask(_said(event, "question"), talk, ticked, request)

    def clear(self, request: gr.Request) -> Updates:
        """What `_told` gives, and the source: a new conversation."""
        return *self._told(Conversation(), self._kept(request), ""), viewer.no_source()

    def reopen(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives, and the source: another of the reader's conversations."""
        kept = self._kept(request)
        turned = self._turned(lambda: kept.open(_said(event, "conversation")), talk, kept)
        return *turned, viewer.no_source()

    def rename(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: one of the conversations is called something else now."""
        kept, id = self._kept(request), _said(event, "conversation")

        def renamed() -> Conversation:
            kept.rename(id, _said(event, "title"))
            return kept.open(id) if id == talk.id else talk

        return self._turned(renamed, talk, kept)

    def delete(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives, and the source: without one of the conversations."""
        kept, id = self._kept(request), _said(event, "conversation")

        def left() -> Conversation:
            kept.delete(id)
            return Conversation() if id == talk.id else talk

        return *self._turned(left, talk, kept), viewer.no_source() if id == talk.id else gr.skip()

    def judge(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: the reader says whether an answer is right, or, saying the same again, takes it back."""
        kept = self._kept(request)
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        verdict: Verdict | None = next((each for each in get_args(Verdict) if each == _said(event, "verdict")), None)
        if turn is None or verdict is None:
            return _UNCHANGED
        said = None if turn.judgement and turn.judgement.verdict == verdict else Judgement(verdict)
        return self._turned(lambda: kept.judge(talk.id, number, replace(turn, judgement=said)), talk, kept)

    def answers(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_told` gives: the reader shows where the right answer to a question stands."""
        kept, quote, document_id = self._kept(request), _said(event, "quote").strip(), _said(event, "document")
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        if turn is None:
            return _UNCHANGED

        def shown() -> Conversation:
            self._see_once(document_id, quote)
            return kept.judge(talk.id, number, replace(turn, judgement=Judgement("wrong", document_id, quote)))

        return self._turned(shown, talk, kept)

    def tick(self, event: gr.EventData) -> Updates:
        """The documents that are asked alone, and the line that says so."""
        ticked = self._ready(getattr(event, "documents", []))
        return ticked, viewer.scope(ticked)

    def cite(self, event: gr.EventData, talk: Conversation) -> object:
        """The source of a footnote, or nothing new where the browser names one that is not there."""
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        citation = _chosen(turn.answer.citations, getattr(event, "number", None))[1] if turn else None
        if turn is None or citation is None:
            return gr.skip()
        return self._source(
            citation.document_id,
            citation.start,
            citation.quote,
            lambda document: viewer.source_of_citation(document, number, turn.answer, citation),
        )

    def hit(self, event: gr.EventData, talk: Conversation) -> object:
        """The source of a passage that was found, or nothing new where there is none of that number."""
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        rank, hit = _chosen(turn.answer.hits if turn else (), getattr(event, "number", None))
        if turn is None or hit is None:
            return gr.skip()
        return self._source(
            hit.passage.document_id,
            hit.passage.start,
            hit.passage.text,
            lambda document: viewer.source_of_hit(document, number, turn.answer, rank),
        )

    def open(self, event: gr.EventData) -> object:
        """The source of a document in the list, or nothing new where the list has no such document."""
        document_id = _said(event, "document")
        known = any(file.id == document_id and file.state == "indexed" for file in self.docs.files())
        return self._source(document_id, 0, "", viewer.source_of_document) if known else gr.skip()

    def add(self, paths: list[str]) -> Iterator[str]:
        """What became of each file so far; one file after another."""
        lines: tuple[str, ...] = ()
        for number, path in enumerate(map(Path, paths), start=1):
            count = f" ({number} of {len(paths)})" if len(paths) > 1 else ""
            yield viewer.progress((*lines, f"Reading {path.name}{count}"), number - 1, len(paths))
            lines = (*lines, self._outcome(path))
            yield viewer.progress(lines, number, len(paths))

    def remove(self, event: gr.EventData) -> str:
        """What became of a document that was to be removed."""
        document_id = _said(event, "document")
        name = document_id.partition("/")[2]
        try:
            self.docs.remove(document_id)
            line = f"{name} is removed"
        except KeyError:
            line = f"{name} was removed before"
        except FootnoteError as error:
            line = str(error)
        return viewer.progress([line])

    def _outcome(self, path: Path) -> str:
        try:
            file = self.docs.add(path.name, path.read_bytes())
        except FootnoteError as error:
            return f"{path.name} was refused: {error}"
        return f"{path.name} is ready" if file.state == "indexed" else f"{path.name} was refused: {file.reason}"

    def _source(self, document_id: str, start: int, quote: str, draw: Callable[[Document], str]) -> str:
        """The Source column, where the document still says `quote` at `start`."""
        try:
            document = self.docs.document(document_id)
        except KeyError:
            return viewer.no_source("This document is no longer in the library; add it again to read it.")
        if document.text[start : start + len(quote)] != quote:
            return viewer.no_source("This document has changed since the answer was given; ask the question again.")
        return draw(document)

    def _kept(self, request: gr.Request) -> Conversations:
        """The conversations of whoever asks; see web/guard.py."""
        return Conversations(self.docs.library.home, request.headers[OWNER])

    def _ready(self, ids: Collection[str]) -> tuple[str, ...]:
        """Those of some documents that are there to be asked, in the order of the list."""
        return tuple(file.id for file in self.docs.files() if file.id in ids and file.state == "indexed")

    def _turned(self, turn_to: Callable[[], Conversation], talk: Conversation, kept: Conversations) -> Updates:
        """What `_told` gives of the conversation turned to, or of this one and a notice where that fails."""
        try:
            return self._told(turn_to(), kept)
        except FootnoteError as error:
            return self._told(talk, kept, notice=viewer.notice(str(error)))

    def _told(self, talk: Conversation, kept: Conversations, question: object = None, notice: str = "") -> Updates:
        """The conversation, how it looks, question box (as it is where none is given), notice, and the others."""
        box = gr.skip() if question is None else question
        return talk, self._conversation(talk), box, notice, self._past(talk, kept)

    def _past(self, talk: Conversation, kept: Conversations) -> str:
        try:
            return viewer.conversations(kept.listed(), talk.id)
        except FootnoteError as error:
            return viewer.notice(str(error))

    def _see_once(self, document_id: str, quote: str) -> None:
        """See that words can be found again by themselves.

        Raises:
            QuestionError: They stand in the document more than once, or not at all.
        """
        try:
            count = self.docs.document(document_id).text.count(quote) if quote else 0
        except KeyError:
            count = 0
        if count != 1:
            raise QuestionError(f"These words stand in the document {count} times; select some that stand there once.")

    def _conversation(self, talk: Conversation) -> str:
        return viewer.conversation(talk, () if talk.turns else self.docs.examples())


def _said(event: gr.EventData, name: str) -> str:
    """What a browser says under a name, or ""."""
    return str(getattr(event, name, ""))


def _chosen(items: Sequence[Item], number: object) -> tuple[int, Item | None]:
    """The item that a browser names by its number from 1; (0, None) where there is no such item."""
    if isinstance(number, int) and 1 <= number <= len(items):
        return number, items[number - 1]
    return 0, None
