"""Example: a question and what is known of its answer; Dataset: examples, and the documents they bring along."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from index.document import Span, canonical
from index.errors import DatasetError

_MAX_NAME = 60


class Place(Protocol):
    """A stretch of a document, such as a passage or a citation."""

    @property
    def document_id(self) -> str:
        """The document's id."""

    @property
    def start(self) -> int:
        """First character in its canonical text."""

    @property
    def end(self) -> int:
        """One past the last."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What answers a question: characters of a document or, where a set says no more, the whole document.

    Attributes:
        document: The document's id.
        quote: The characters, or "" where the whole document is meant.
        span: Where they stand in its canonical text, or None where the whole document is meant.
        fact: Which of the facts it bears out that an answer needs; of the evidence of one fact any is enough.
        grade: How relevant it is, from 1; only nDCG weighs it.
    """

    document: str
    quote: str = ""
    span: Span | None = None
    fact: int = 0
    grade: int = 1

    def overlaps(self, place: Place) -> bool:
        """Whether it shares characters with a stretch of a document."""
        same = place.document_id == self.document
        return same and (self.span is None or (self.span.start < place.end and place.start < self.span.end))


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said before a follow-up: a question and the text of its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Example:
    """A question, or a claim to be checked, and what is known of its answer.

    Attributes:
        id: Unique in its set.
        question: As a person would ask it; of a claim set, the claim.
        answerable: Whether the documents hold an answer; of a claim set, whether they support the claim.
        answers: Short answers, each as good as another.
        evidence: What answers it.
        history: What was said before, oldest first.
        tags: What kind of question it is.
        within: Ids of the documents it is asked of; empty where it is asked of all.
    """

    id: str
    question: str
    answerable: bool
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    history: tuple[Turn, ...] = ()
    tags: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    def evidenced_by(self, place: Place) -> bool:
        """Whether a stretch of a document shares characters with some evidence."""
        return any(each.overlaps(place) for each in self.evidence)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples and, where they ask of documents of their own, these.

    Attributes:
        name: The set's name; the ids of its own documents are `<name>/<file>`.
        examples: In the order of the file.
        documents: Canonical text by id; empty where the set asks of a folder that is there already.
        left_out: How many examples of the file are not among them.
    """

    name: str
    examples: tuple[Example, ...]
    documents: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0

    def write(self, folder: Path) -> Path:
        """Write the documents under `folder`, a text file each, and return the folder named like the set.

        Blank ones, which some public sets have, are left out: there is nothing to find in them.
        """
        for id, text in self.documents.items():
            if not text.strip():
                continue
            path = folder / id
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        return folder / self.name

    def sample(self, limit: int | None) -> "Dataset":
        """At most `limit` examples, or all, evenly from beginning to end; the documents stay."""
        count = len(self.examples)
        if limit is None or limit >= count:
            return self
        examples = tuple(self.examples[place * count // limit] for place in range(limit))
        return replace(self, examples=examples, left_out=self.left_out + count - limit)


class Documents:
    """Collects the documents that a set brings along, each text once, under ids that are file names."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ids: dict[str, str] = {}
        self._known: dict[str, str] = {}  # ids by raw text: each answer asks for its paragraph again

    def add(self, raw: str, title: str) -> str:
        """Keep a document and return its id; a text that is there already keeps its first id."""
        if raw not in self._known:
            slug = re.sub(r"[^\w-]+", "_", title).strip("_")[:_MAX_NAME]
            new = f"{self._name}/{len(self._ids):05}-{slug}.txt"
            self._known[raw] = self._ids.setdefault(canonical(raw)[0], new)
        return self._known[raw]

    def evidence(self, raw: str, title: str, start: int, quote: str, place: str) -> Evidence:
        """Characters of a document that is kept with them, `start` being their offset in the raw text.

        Raises:
            DatasetError: The quote does not stand there.
        """
        if raw[start : start + len(quote)] != quote or not quote.strip():
            raise DatasetError(
                f"{place}: expected the text at its offset {start}, and “{quote[:60]}” does not stand there."
            )
        clean, first = canonical(quote)[0], len(canonical(raw[:start])[0])
        return Evidence(self.add(raw, title), clean, Span(first, first + len(clean)))

    def all(self) -> dict[str, str]:
        """Every text by its id."""
        return {id: text for text, id in self._ids.items()}
