"""Turn and Conversation: what was asked and said, in order, and what its reader made of it."""

from dataclasses import dataclass
from typing import Literal

from rag.answer import Answer

Verdict = Literal["right", "wrong", "unanswerable"]
"""What a reader says of an answer; "unanswerable": it should have said that the documents don't say."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reader says of an answer.

    Attributes:
        verdict: Whether it is right.
        document_id: Where the right answer stands, or "" where the reader does not say.
        quote: Its words there, which stand in the document once; or "".
    """

    verdict: Verdict
    document_id: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and what was said to it.

    Attributes:
        answer: The answer; it holds the question.
        milliseconds: How long it took.
        documents: The ids of the documents that it was asked of; empty where of all.
        judgement: What its reader says of it, or None.
    """

    answer: Answer
    milliseconds: int
    documents: tuple[str, ...] = ()
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns that belong together.

    Attributes:
        id: Under which it is kept, or "" where it is not kept.
        title: The first question, or what its reader calls it; "" where nothing was asked yet.
        turns: The turns, in order.
    """

    id: str = ""
    title: str = ""
    turns: tuple[Turn, ...] = ()
