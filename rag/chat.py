"""Turn and Conversation: what was asked and said, in order."""

from dataclasses import dataclass

from rag.answer import Answer


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and what was said to it.

    Attributes:
        answer: The answer; it holds the question.
        milliseconds: How long it took.
        documents: The ids of the documents that it was asked of; empty where of all.
    """

    answer: Answer
    milliseconds: int
    documents: tuple[str, ...] = ()


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
