"""Verifier: the fewest sentences of a passage that bear a statement out, or none.

What can be told word for word is told first, by `rag.objections`; then a cross-encoder reads what is left. Pure given
its model: it knows nothing of libraries or of what wrote the statement.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.document import Span
from index.passages import Passage
from rag.calibration import Standard
from rag.crossencoder import CrossEncoder
from rag.objections import objections

__all__ = ["Support", "Verifier", "objections"]

_MOST_SENTENCES = 3  # that bear a statement out together
_QUOTES = str.maketrans("“”„‟«»‘’‚‛–—", '""""""\'\'\'\'--')
_ENDS = " \t\n.\"'"


@dataclass(frozen=True, slots=True)
class Support:
    """Characters of a passage that bear a statement out.

    Attributes:
        span: Where they stand in the document.
        score: How likely they do, 0..1.
        verbatim: Whether the statement is the quote itself, but for blanks and the shape of quotation marks.
    """

    span: Span
    score: float
    verbatim: bool = False


class Verifier:
    """Finds what bears a statement out; what it is not sure of enough, it refuses."""

    def __init__(self, encoder: CrossEncoder, standard: Standard) -> None:
        """Read with this encoder, whose verdicts are held to a standard fitted to it."""
        self._encoder = encoder
        self._standard = standard

    def support(self, statement: str, passage: Passage, title: str = "") -> Support | None:
        """The smallest span of the passage that bears the statement out, or None.

        Args:
            statement: One sentence.
            passage: Where it is said to stand.
            title: What its document is called; names may come from there.
        """
        if not any(character.isalnum() for character in statement):
            return None
        runs = list(_runs(passage))
        said = _plain(statement)
        for run in runs:
            if _plain(passage.quote(run)) == said:
                return Support(run, 1.0, verbatim=True)
        if statement.rstrip("\"'”’) ").endswith("?"):
            return None
        return self._read(statement, passage, [run for run in runs if not _objected(statement, passage, run, title)])

    def _read(self, statement: str, passage: Passage, runs: Sequence[Span]) -> Support | None:
        """The best of the shortest runs that reach the standard; equals by their place."""
        for length in range(1, _MOST_SENTENCES + 1):
            told = [run for run in runs if _length(passage, run) == length]
            scores = self._encoder.read(statement, [passage.quote(run) for run in told])
            sure = [self._standard.probability.probability(each.supported) for each in scores]
            borne = [Support(run, score) for run, score in zip(told, sure, strict=True) if score >= self._standard.bar]
            if borne:
                return max(borne, key=lambda each: each.score)
        return None


def _runs(passage: Passage) -> Iterator[Span]:
    """Every run of up to three neighbouring sentences, the shortest first."""
    sentences = passage.sentences
    for length in range(1, min(_MOST_SENTENCES, len(sentences)) + 1):
        for first in range(len(sentences) - length + 1):
            yield Span(sentences[first].start, sentences[first + length - 1].end)


def _length(passage: Passage, run: Span) -> int:
    """How many sentences a run holds."""
    return sum(run.start <= sentence.start and sentence.end <= run.end for sentence in passage.sentences)


def _objected(statement: str, passage: Passage, run: Span, title: str) -> bool:
    """Whether anything speaks against a run, or it only asks."""
    quote = passage.quote(run)
    if quote.rstrip("\"'”’) ").endswith("?"):
        return True
    before = passage.text[: run.start - passage.start]
    return bool(objections(statement, quote, f"{title}\n{passage.heading}\n{before}"))


def _plain(text: str) -> str:
    """A text with blanks, quotation marks and dashes of one shape, and without what it may end in."""
    return " ".join(text.translate(_QUOTES).split()).strip(_ENDS)
