"""A library that answers what it was told to, for tests of the page."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import cast

from index.catalog import File
from index.document import Document, Page, Span
from index.errors import LibraryError, QuestionError, Refused
from index.library import OnProgress
from index.passages import Passage
from index.sync import Progress
from rag.answer import Answer, Statement
from rag.cite import Citation
from rag.footnote import Footnote
from rag.retrieve import Hit
from tests.payloads import PAYLOADS

HOSTILE = "\n".join(PAYLOADS)
PLAIN = "The mill burned in 1902. It was rebuilt in brick the year after. The owner was Ada Brandt."


def document(name: str, text: str, pages: tuple[Page, ...] = ()) -> Document:
    return Document(f"seeds/{name}", name.rpartition(".")[0].title(), text, "0" * 64, "text/plain", pages)


def hit_of(source: Document, rank: int, start: int, end: int) -> Hit:
    page = next((page.number for page in source.pages if page.start <= start < page.end), None)
    passage = Passage(
        f"{source.id}#{start}-{end}",
        source.id,
        source.text[start:end],
        start,
        end,
        page,
        "",
        (Span(start, end),),
        f"page {page}" if page else "",
    )
    return Hit(passage, 1 / rank, rank, rank, None if rank % 2 else rank, 0.9 / rank)


def quoting(question: str, *quotes: tuple[Document, str], short: str = "") -> Answer:
    """The answer that says each quote in turn, from a passage that is the whole document."""
    text = " ".join(quote for _, quote in quotes)
    hits = [hit_of(source, rank, 0, len(source.text)) for rank, (source, _) in enumerate(quotes, start=1)]
    citations, statements, at = [], [], 0
    for number, ((source, quote), hit) in enumerate(zip(quotes, hits, strict=True), start=1):
        start = source.text.index(quote)
        citations.append(
            Citation(
                number,
                source.id,
                hit.passage.id,
                start,
                start + len(quote),
                quote,
                hit.passage.page,
                where=hit.passage.where,
            )
        )
        statements.append(Statement(Span(at, at + len(quote)), (number,), "verbatim", 0.9))
        at += len(quote) + 1
    found = text.index(short) if short else 0
    return Answer(
        question,
        question,
        "answered",
        text,
        Span(found, found + len(short)) if short else None,
        tuple(statements),
        citations=tuple(citations),
        hits=tuple(hits),
        confidence=0.9,
    )


def abstaining(question: str, reason: str, hits: tuple[Hit, ...]) -> Answer:
    return Answer(question, question, "abstained", hits=hits, confidence=0.1, reason=reason)


def helping(question: str) -> Answer:
    text = f"Ask about your documents. You said: {question}"
    return Answer(question, question, "answered", text, mode="help")


@dataclass
class FakeDocs:
    """A library of given documents: it answers what it was told to, greets on "hello", else abstains."""

    documents: tuple[Document, ...]
    answers: tuple[Answer, ...] = ()
    refused: tuple[File, ...] = ()
    seconds: float = 0.0
    reason: str = "No passage speaks of that."
    added: list[str] = field(default_factory=list)
    coming: tuple[Document, ...] = ()
    closed: bool = False
    asked_of: list[Collection[str] | None] = field(default_factory=list)
    library: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(
            home=Path(mkdtemp()), folder=Path("/documents/seeds"), chroma="", lock=SimpleNamespace(require=bool)
        )
    )

    model: None = None

    def stream(self, question: str, *, documents: Collection[str] | None = None, **_: object) -> Iterator[Answer]:
        yield self.ask(question, documents=documents)

    def ask(self, question: str, *, documents: Collection[str] | None = None) -> Answer:
        self.asked_of.append(documents)
        time.sleep(self.seconds)
        if not question.strip():
            raise QuestionError("The question is empty: type one.")
        if question.startswith("hello"):
            return helping(question)
        known = {answer.question: answer for answer in self.answers}
        closest = tuple(hit_of(each, rank, 0, len(each.text)) for rank, each in enumerate(self.documents, start=1))
        return known.get(question) or abstaining(question, self.reason, closest)

    def document(self, document_id: str) -> Document:
        for each in self.documents:
            if each.id == document_id:
                return each
        raise KeyError(document_id)

    def files(self) -> tuple[File, ...]:
        ready = tuple(
            File(each.id, len(each.text), 0, each.sha256, "indexed", "", each.title) for each in self.documents
        )
        return ready + self.refused

    def add(self, name: str, data: bytes, on_progress: OnProgress = lambda _: None) -> File:
        on_progress(Progress(0, 1, name))
        time.sleep(self.seconds)
        self.added.append(name)
        if name.endswith(".exe"):
            raise Refused("it is a <b>program</b>")
        if not data:
            return File(f"uploads/{name}", 0, 0, "", "refused", "it is empty")
        new = Document(f"uploads/{name}", name, data.decode(), "0" * 64, "text/plain")
        self.documents = (*self.documents, new)
        return File(new.id, len(data), 0, new.sha256, "indexed", "", new.title)

    def sync(self, on_progress: OnProgress) -> tuple[File, ...]:
        """Finds what `coming` holds, a document after another."""
        for done, new in enumerate(coming := self.coming):
            on_progress(Progress(done, len(coming), new.title))
            time.sleep(self.seconds)
            self.documents = (*self.documents, new)
            self.coming = coming[done + 1 :]
        return self.files()

    def close(self) -> None:
        self.closed = True

    def remove(self, id: str) -> None:
        if not id.startswith("uploads/"):
            raise LibraryError("mill.txt lies in seeds; delete it there.")
        self.document(id)
        self.documents = tuple(each for each in self.documents if each.id != id)

    def examples(self) -> tuple[str, ...]:
        return tuple(answer.question for answer in self.answers)[:2]


MILL = document("mill.txt", PLAIN)
REPORT = document(
    "report.pdf",
    "The dam is 40 m high.\nIt was built in 1931.\n🚰 It holds 3 km³.",
    (Page(1, 0, 22), Page(2, 22, 60)),
)
EVIL = document("<img src=x onerror=alert(7)>.txt", HOSTILE)
FIRE = quoting(
    "When did the mill burn?",
    (MILL, "The mill burned in 1902."),
    (MILL, "The owner was Ada Brandt."),
    short="1902",
)
DAM = quoting(
    "What does the dam hold?",
    (REPORT, "🚰 It holds 3 km³."),
    (MILL, "It was rebuilt in brick the year after."),
)
_AGREED = quoting("When was it rebuilt?", (MILL, "in 1902"), (REPORT, "in 1931"))
REBUILT = replace(
    _AGREED,
    statements=tuple(replace(each, short=Span(each.span.end - 4, each.span.end)) for each in _AGREED.statements),
    disagreeing=(1, 2),
    citations=tuple(replace(each, date=f"200{each.number}-02-03") for each in _AGREED.citations),
)
BAD = File("seeds/scan.pdf", 12, 0, "", "refused", "no text was found in it")


def fake(*, seconds: float = 0.0) -> FakeDocs:
    return FakeDocs((MILL, REPORT), (FIRE, DAM, REBUILT), (BAD,), seconds)


def as_footnote(docs: FakeDocs) -> Footnote:
    return cast(Footnote, docs)
