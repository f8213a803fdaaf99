"""The desk: what the page does when a reader asks, clicks or adds. It knows nothing of how an answer is made."""

from collections.abc import Callable, Collection, Container, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar, get_args
from urllib.parse import urlsplit

import gradio as gr

from index.document import Document, Span, canonical
from index.embeddings import cores
from index.errors import FootnoteError, QuestionError
from index.sync import OnProgress, Progress, became
from rag.chat import Conversation, Judgement, Turn, Verdict
from rag.cite import anchored
from rag.conversations import Conversations
from rag.footnote import Footnote
from rag.llm import LOOPBACK
from web import viewer
from web.guard import OWNER, SELF
from web.incoming import Arrived, Incoming
from web.line import Line
from web.shelf import Shelf
from web.work import Drawing, Result, Stopped, Task, UnderWay, awaited, followed

_ADDED = 4  # people whose files are read at once
_FULL = "More people are adding documents than can be read now; add yours again in a moment."
_OWN_FULL = "Many of your documents are waiting to be read; add these again once some are."
_WRITTEN = 16  # answers that a language model writes at once: it is waited for more than worked

Item = TypeVar("Item")

Updates = tuple[object, ...]
"""What Gradio puts into its outputs, in their order: values for components, or `gr.skip()`."""

_UNCHANGED: Updates = (gr.skip(),) * 5  # of what `Desk._updates` gives


@dataclass(frozen=True, slots=True)
class Desk:
    """What the page does when a reader asks, clicks or adds.

    The conversation shown and the ticked documents stay in Gradio's session, and come with every call.

    Attributes:
        docs: Whom it asks.
        incoming: Where the files arrive that its readers add.
        host: The address that its page is served on.
        shelf: The other libraries that can be turned to; None where none can.
        drawing: Which pages still draw what they open with.
        asking: What is being asked.
        reading: What is being read.
        opening: What other library is being opened.
        quoting: Where one waits for an answer in the documents' words; at once there are as many as there are cores to
            read, and one more, which is looked up or drawn meanwhile.
        writing: Likewise, where a language model writes.
        adding: Where one waits for files to be read: those of a few people at once, of each one after the other.
    """

    docs: Footnote
    incoming: Incoming
    host: str = "127.0.0.1"
    shelf: Shelf | None = None
    drawing: Drawing = field(default_factory=Drawing)
    asking: UnderWay = field(default_factory=UnderWay)
    reading: UnderWay = field(default_factory=UnderWay)
    opening: UnderWay = field(default_factory=UnderWay)
    quoting: Line = field(default_factory=lambda: Line(cores() + 1))
    writing: Line = field(default_factory=lambda: Line(_WRITTEN))
    adding: Line = field(default_factory=lambda: Line(_ADDED, own=1, full=_FULL, own_full=_OWN_FULL))

    def load(self, talk: Conversation, request: gr.Request) -> Updates:
        """What `_updates` gives: the conversation asked last; nothing new where a question was asked meanwhile."""
        kept = self._kept(request)
        self.drawing.begin(_session(request))

        def last() -> Conversation:
            return talk if talk.turns else next((kept.open(listed.id) for listed in kept.listed()), talk)

        turned = self._turned(last, talk, kept)
        return _UNCHANGED if self.asking.begun_in(_session(request)) else turned

    def lists(self, ticked: Sequence[str], request: gr.Request) -> Updates:
        """The documents as they are now: promise, list, ticks, the line that tells them.

        A page that opens asks for them once it has drawn what `load` gave.
        """
        self.drawing.end(_session(request))
        files, ticked = self.docs.files(), self._ready(ticked)
        return self.promise(), viewer.documents(files, ticked), ticked, viewer.scope(ticked)

    def keep(self, sessions: Container[str]) -> None:
        """Forget what is known of all other sessions: their pages are closed."""
        self.drawing.keep(sessions)
        for under_way in (self.asking, self.reading, self.opening):
            under_way.keep(sessions)

    def promise(self) -> str:
        """What answers come from, who writes them, and what leaves the computer."""
        model = self.docs.model
        leaving = leaves(self.host, self.docs.library.chroma, model.remote if model else "")
        return viewer.promise(self.docs.files(), model.name if model else "", leaving)

    def welcome(self, talk: Conversation, request: gr.Request) -> object:
        """The examples that the documents as they are now allow; nothing new where a question was asked meanwhile."""
        before = self.asking.begun_in(_session(request))
        if talk.turns or _session(request) in self.asking:
            return gr.skip()
        shown = self._conversation(talk)
        return shown if self.asking.begun_in(_session(request)) == before else gr.skip()

    def ask(self, question: str, talk: Conversation, ticked: Sequence[str], request: gr.Request) -> Iterator[Updates]:
        """What `_updates` gives: first while waiting, then as the answer is written, then with the answer."""
        kept = self._kept(request)
        with self.asking.begun(_session(request)) as task:
            self.drawing.wait(_session(request))
            yield gr.skip(), viewer.waiting(talk, question), gr.skip(), "", gr.skip()
            try:
                yield (yield from awaited(partial(self._answered, question, talk, ticked, kept, task), task))
            except FootnoteError as error:
                yield self._updates(talk, kept, question, viewer.notice(str(error)))
            except Stopped:
                yield _UNCHANGED  # Gradio draws what came last once more when this ends

    def _answered(
        self,
        question: str,
        talk: Conversation,
        ticked: Sequence[str],
        kept: Conversations,
        task: Task,
        tell: Callable[[Updates], None],
    ) -> Updates:
        """What `_updates` gives with the answer, which is kept unless its reader does not want it any more.

        Raises:
            FootnoteError: There is no answer.
            Stopped: Nobody wants it.
        """

        def tell_place(before: int | None) -> None:
            tell((gr.skip(), viewer.waiting(talk, question, before), gr.skip(), gr.skip(), gr.skip()))

        line = self.writing if self.docs.model else self.quoting
        with line.seat(kept.owner, task, tell_place):
            start, documents, notice = perf_counter(), self._ready(ticked), ""
            growing = self.docs.stream(
                question, turns=talk.turns, documents=documents or None, stopped=task.enough, dropped=task.stopped
            )
            for answer in growing:
                turn = Turn(answer, round(1000 * (perf_counter() - start)), documents)
                grown = replace(talk, turns=(*talk.turns, turn))
                if answer.mode == "generate":
                    tell((grown, viewer.writing(grown), gr.skip(), gr.skip(), gr.skip()))
        if task.stopped.is_set() or (task.left.is_set() and talk.id and talk.id not in kept):
            raise Stopped
        try:
            talk = kept.add(talk.id, turn, talk)
        except FootnoteError as error:  # the answer is shown all the same
            talk, notice = grown, viewer.notice(str(error))
        return self._updates(talk, kept, "", notice)

    def example(
        self, event: gr.EventData, talk: Conversation, ticked: Sequence[str], request: gr.Request
    ) -> Iterator[Updates]:
        """Ask an example question; it comes back as typed text would, and is treated as such."""
        yield from self.ask(_detail(event, "question"), talk, ticked, request)

    def stop(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_updates` gives: the question is no longer being answered, and back in its box.

        Where a language model writes, it is the model that is stopped, and the documents are quoted.
        """
        if self.docs.model:
            self.asking.enough(_session(request))
            return _UNCHANGED
        self.asking.stop(_session(request))
        return self._updates(talk, self._kept(request), _detail(event, "question"))

    def clear(self, request: gr.Request) -> Updates:
        """What `_updates` gives, and the source: a new conversation."""
        self.asking.leave(_session(request))
        return *self._updates(Conversation(), self._kept(request), ""), viewer.no_source()

    def reopen(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_updates` gives, and the source: another of the reader's conversations."""
        box = "" if _session(request) in self.asking else None  # what is being asked is no draft
        self.asking.leave(_session(request))
        kept = self._kept(request)
        turned = self._turned(lambda: kept.open(_detail(event, "conversation")), talk, kept, question=box)
        return *turned, viewer.no_source()

    def rename(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_updates` gives: one of the conversations is called something else now."""
        kept, id = self._kept(request), _detail(event, "conversation")

        def renamed() -> Conversation:
            kept.rename(id, _detail(event, "title"))
            return kept.open(id) if id == talk.id else talk

        return self._turned(renamed, talk, kept, request)

    def delete(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_updates` gives, and the source: without one of the conversations."""
        kept, id = self._kept(request), _detail(event, "conversation")

        if id == talk.id:
            self.asking.stop(_session(request))

        def left() -> Conversation:
            kept.delete(id)
            return Conversation() if id == talk.id else talk

        turned = self._turned(left, talk, kept, None if id == talk.id else request)
        return *turned, viewer.no_source() if id == talk.id else gr.skip()

    def judge(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_updates` gives: the reader judges whether an answer is right, or takes the same judgement back."""
        kept = self._kept(request)
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        verdict: Verdict | None = next(
            (known for known in get_args(Verdict) if known == _detail(event, "verdict")), None
        )
        if turn is None or verdict is None:
            return _UNCHANGED
        judgement = None if turn.judgement and turn.judgement.verdict == verdict else Judgement(verdict)
        judged = partial(kept.judge, talk.id, number, replace(turn, judgement=judgement))
        return self._turned(judged, talk, kept, request, last=_reaching(talk, number))

    def answers(self, event: gr.EventData, talk: Conversation, request: gr.Request) -> Updates:
        """What `_updates` gives: the reader shows where the right answer to a question stands."""
        kept, quote, document_id = self._kept(request), _detail(event, "quote").strip(), _detail(event, "document")
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        if turn is None:
            return _UNCHANGED

        def shown() -> Conversation:
            self._see_once(document_id, quote)
            return kept.judge(talk.id, number, replace(turn, judgement=Judgement("wrong", document_id, quote)))

        return self._turned(shown, talk, kept, request, last=_reaching(talk, number))

    def earlier(self, talk: Conversation, request: gr.Request) -> object:
        """The whole conversation; nothing new while a question of it is being answered, which draws it."""
        return gr.skip() if _session(request) in self.asking else self._conversation(talk, len(talk.turns))

    def tick(self, event: gr.EventData) -> Updates:
        """The documents that are asked alone, and the line that says so."""
        documents = getattr(event, "documents", ())
        ticked = self._ready(documents if isinstance(documents, list) else ())
        return ticked, viewer.scope(ticked)

    def cite(self, event: gr.EventData, talk: Conversation) -> object:
        """The source of a footnote, or nothing new where the browser names one that is not there."""
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        citation = _chosen(turn.answer.citations, getattr(event, "number", None))[1] if turn else None
        if turn is None or citation is None:
            return gr.skip()
        draw = partial(viewer.source_of_citation, turn=number, answer=turn.answer, citation=citation)
        return self._source(citation.document_id, citation.start, citation.quote, draw)

    def hit(self, event: gr.EventData, talk: Conversation) -> object:
        """The source of a passage that was found, or nothing new where there is none of that number."""
        number, turn = _chosen(talk.turns, getattr(event, "turn", None))
        rank, hit = _chosen(turn.answer.hits if turn else (), getattr(event, "number", None))
        if turn is None or hit is None:
            return gr.skip()
        draw = partial(viewer.source_of_hit, turn=number, answer=turn.answer, number=rank)
        return self._source(hit.passage.document_id, hit.passage.start, hit.passage.text, draw)

    def open(self, event: gr.EventData) -> object:
        """The source of a document in the list, or nothing new where the list has no such document."""
        document_id = _detail(event, "document")
        known = any(file.id == document_id and file.state == "indexed" for file in self.docs.files())
        return (
            self._source(document_id, 0, "", lambda document, _: viewer.source_of_document(document))
            if known
            else gr.skip()
        )

    def add(self, tokens: Sequence[str], request: gr.Request) -> Iterator[str]:
        """How far the reading of uploaded files is; in the end what became of each.

        What is being read when its reader says stop, or closes the page, is not kept; what was read before is.
        """
        files, lines = [self.incoming.arrived(token) for token in tokens], list[str]()
        is_first = _session(request) not in self.reading  # others of the same reader are told of meanwhile

        def read(task: Task, tell: OnProgress) -> None:
            def tell_place(before: int | None) -> None:
                if before and is_first:
                    tell(Progress(0, len(files), files[0].name))

            with self.adding.seat(self._kept(request).owner, task, tell_place):
                for number, file in enumerate(files):
                    tell(Progress(number, len(files), file.name))
                    lines.append(self._outcome(file, partial(_tell_of_file, tell, number, len(files))))

        try:
            yield from self._followed(read, request)
        except Stopped:
            lines.append(f"{len(files) - len(lines):,} of {len(files):,} were not read; add them again to go on.")
        except FootnoteError as error:
            lines.append(str(error))
        finally:
            self.incoming.forget(tokens)
        yield viewer.outcome(lines)

    def look(self, request: gr.Request) -> Iterator[str]:
        """How far the reading of what is new or changed in the folder is; in the end what became of it."""
        before = self.docs.files()
        try:
            after = yield from self._followed(lambda _, tell: self.docs.sync(tell), request)
        except Stopped:
            yield viewer.outcome(["Not all was read; look for changes again to go on."])
        except FootnoteError as error:
            yield viewer.outcome([str(error)])
        else:
            yield viewer.outcome([became(before, after)])

    def enough(self, request: gr.Request) -> None:
        """Stop what is being read; the file that it is at is not kept."""
        self.reading.stop(_session(request))

    def libraries(self, request: gr.Request) -> str:
        """The libraries to turn to, as they are now; who does not run the page learns of none."""
        if self.shelf is None or SELF not in request.headers:
            return ""
        return viewer.libraries(self.docs.library.folder.resolve(), self.shelf.known())

    def turn(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """How far the opening of another library is; in the end the way to it, or why there is none."""
        folder = _detail(event, "folder").strip()
        if self.shelf is None or SELF not in request.headers:
            yield viewer.notice("Only who runs Footnote can open other folders; start it with that folder.")
            return
        if not folder:
            yield viewer.notice("Name a folder.")
            return
        yield viewer.outcome([f"Opening {folder}"])
        draw = partial(viewer.progress, stop="stay")
        try:
            with self.opening.begun(_session(request)) as task:
                url = yield from followed(partial(self.shelf.turn_to, Path(folder)), task, draw)
        except Stopped:
            yield viewer.outcome(["Not all of the folder was read; open it again to go on."])
        except FootnoteError as error:
            yield viewer.notice(str(error))
        else:
            yield viewer.way(Path(folder).name, url)

    def stay(self, request: gr.Request) -> None:
        """Stop what is being opened, after the file that it is at."""
        self.opening.stop(_session(request))

    def writers(self, request: gr.Request, tried: str = "", trouble: str = "") -> str:
        """Who writes the answers, and a place to choose another; only who runs the page can."""
        setting = self.docs.model.setting if self.docs.model else ""
        return viewer.writers(setting, tried, trouble) if SELF in request.headers else ""

    def write(self, event: gr.EventData, request: gr.Request) -> Iterator[Updates]:
        """The promise, and who writes the answers: from now on the model that is named, or none."""
        if SELF not in request.headers:
            yield gr.skip(), viewer.notice("Only who runs Footnote can choose what writes its answers.")
            return
        setting = canonical(_detail(event, "setting"))[0].strip()
        yield gr.skip(), viewer.outcome([f"Turning to {setting or 'the documents'}"])  # the first time takes seconds
        try:
            self.docs.write_with(setting)
        except FootnoteError as error:
            yield gr.skip(), self.writers(request, setting, str(error))
        else:
            yield self.promise(), self.writers(request)

    def remove(self, event: gr.EventData) -> str:
        """What became of a document that was to be removed."""
        document_id = _detail(event, "document")
        name = document_id.partition("/")[2]
        try:
            self.docs.remove(document_id)
            line = f"{name} is removed"
        except KeyError:
            line = f"{name} was removed before"
        except FootnoteError as error:
            line = str(error)
        return viewer.outcome([line])

    def _followed(
        self, work: Callable[[Task, OnProgress], Result], request: gr.Request
    ) -> Generator[str, None, Result]:
        """How far a reading is, with a way to stop it; in the end what it returns."""
        with self.reading.begun(_session(request)) as task:
            return (yield from followed(partial(work, task), task, partial(viewer.progress, stop="enough")))

    def _outcome(self, arrived: Arrived, tell: OnProgress) -> str:
        try:
            file = self.docs.add(arrived.name, arrived.read_bytes(), tell)
        except FootnoteError as error:
            return f"{arrived.name} was not read: {error}"
        if file.state != "indexed":
            return f"{arrived.name} was not read: {file.reason}"
        return f"{arrived.name} is ready{', but ' if file.reason else ''}{file.reason}"

    def _source(self, document_id: str, start: int, quote: str, draw: Callable[[Document, Span], str]) -> str:
        """The Source column, where the document still says `quote`: at `start`, or now at one place elsewhere."""
        try:
            document = self.docs.document(document_id)
        except KeyError:
            return viewer.no_source("This document is no longer in the library; add it again to read it.")
        span = anchored(start, quote, document.text)
        if span is None:
            return viewer.no_source("This document has changed since the answer was given; ask the question again.")
        return draw(document, span)

    def _kept(self, request: gr.Request) -> Conversations:
        """The conversations of whoever asks; see web/guard.py."""
        return Conversations(self.docs.library.home, request.headers[OWNER])

    def _ready(self, ids: Collection[str]) -> tuple[str, ...]:
        """Those of some documents that are there to be asked, in the order of the list."""
        return tuple(file.id for file in self.docs.files() if file.id in ids and file.state == "indexed")

    def _turned(
        self,
        turn_to: Callable[[], Conversation],
        talk: Conversation,
        kept: Conversations,
        request: gr.Request | None = None,
        question: object = None,
        last: int = viewer.LAST,
    ) -> Updates:
        """What `_updates` gives of the conversation turned to, or of this one and a notice where that fails.

        With a request, of the others alone while its reader's question is being answered: the answer draws this one.
        """
        try:
            turned, notice = turn_to(), ""
        except FootnoteError as error:
            turned, notice = talk, viewer.notice(str(error))
        if request and _session(request) in self.asking:
            return gr.skip(), gr.skip(), gr.skip(), notice, self._past(talk, kept)
        return self._updates(turned, kept, question, notice, last)

    def _updates(
        self,
        talk: Conversation,
        kept: Conversations,
        question: object = None,
        notice: str = "",
        last: int = viewer.LAST,
    ) -> Updates:
        """The conversation, how it looks, question box (as it is where none is given), notice, and the others."""
        box = gr.skip() if question is None else question
        return talk, self._conversation(talk, last), box, notice, self._past(talk, kept)

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

    def _conversation(self, talk: Conversation, last: int = viewer.LAST) -> str:
        return viewer.conversation(talk, () if talk.turns else self.docs.examples(), last)


def leaves(host: str, chroma: str, model: str) -> str:
    """What leaves the computer that serves the page, for who reads it.

    Args:
        host: The address that the page is served on.
        chroma: The address of a Chroma server, or "".
        model: The host of a language model on another computer, or "".
    """
    server = urlsplit(chroma).hostname or ""
    gone = [f"Questions and passages go to {model}."] if model else []
    gone += [f"The vectors of passages and questions go to {server}."] if server and server not in LOOPBACK else []
    return " ".join(gone) or (
        f"Nothing leaves {'this computer' if host in LOOPBACK else 'the computer that serves this page'}."
    )


def _reaching(talk: Conversation, number: int) -> int:
    """How many turns are drawn where one is judged: all where it is one that its reader had to ask for."""
    return viewer.LAST if number > len(talk.turns) - viewer.LAST else len(talk.turns)


def _tell_of_file(tell: OnProgress, number: int, total: int, progress: Progress) -> None:
    """Say how far the reading of several files is, from how far it is in the one that is number `number` from 0."""
    tell(replace(progress, done=number, total=total, bytes_done=0, bytes_total=0))


def _session(request: gr.Request) -> str:
    return str(request.session_hash)


def _detail(event: gr.EventData, name: str) -> str:
    """What a browser sends with an event under a name, or ""."""
    return str(getattr(event, name, ""))


def _chosen(items: Sequence[Item], number: object) -> tuple[int, Item | None]:
    """The item that a browser names by its number from 1; (0, None) where there is no such item."""
    if isinstance(number, int) and 1 <= number <= len(items):
        return number, items[number - 1]
    return 0, None
