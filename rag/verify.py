"""Verifier: the fewest sentences of a passage that bear a statement out, or none.

What can be told word for word is told first, by `rag.objections`; then a cross-encoder reads what is left. Pure given
its model: it knows nothing of libraries or of what wrote the statement.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.document import Span
from index.lexical import words
from index.passages import Passage
from rag.calibration import Standard
from rag.crossencoder import CrossEncoder
from rag.extract import LEANS, content_words
from rag.objections import objections
from rag.retrieve import PLAIN

__all__ = ["Support", "Verifier", "objections"]

_MOST_SENTENCES = 3  # that bear a statement out together
_SHARED = 3  # one in so many of a statement's words stands in the passage, at least
_OWN = -1.0  # log odds that sentences have by themselves, whatever their passage says
_SUBJECT = 2  # words of a statement among which is what it speaks of
_ENDS = " .\"'"
_CLOSED = "\"'”’) "  # what may stand after the mark that ends a sentence


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


@dataclass(frozen=True, slots=True)
class Reading:
    """Characters that nothing speaks against, and how well they and their passage bear a statement out, as log odds."""

    span: Span
    logit: float


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
        if verbatim := _verbatim(statement, passage):
            return Support(verbatim, 1.0, verbatim=True)
        if statement.rstrip(_CLOSED).endswith("?") or _is_foreign(statement, passage, title):
            return None
        for place, readings in enumerate(self.read(statement, passage, title)):
            sure = self._standard.together if place else self._standard.alone
            borne = [Support(each.span, sure.probability(each.logit)) for each in readings]
            best = max(borne, key=lambda each: each.score, default=None)  # of equals the first
            if best and best.score >= self._standard.bar:
                return None if _spoken_against(statement, passage, best.span, title) else best
        return None

    def read(self, statement: str, passage: Passage, title: str = "") -> Iterator[list[Reading]]:
        """What the encoder makes of the single sentences that nothing speaks against, then of two together, then three.

        A sentence alone is soon taken to say more than it does, so that its whole passage has half a say. Nothing is
        read before it is asked for.
        """
        around: float | None = None
        for length in range(1, _MOST_SENTENCES + 1):
            runs = [run for run in _runs(passage, length) if not _objected(statement, passage, run, title)]
            quotes = [passage.quote(run) for run in runs]
            if runs and around is None:
                around, *logits = self._supported(statement, [passage.text, *quotes])
            else:
                logits = self._supported(statement, quotes)
            told = [(run, logit) for run, logit in zip(runs, logits, strict=True) if logit >= _OWN]
            yield [Reading(run, (logit + (around or 0.0)) / 2) for run, logit in told]

    def _supported(self, statement: str, texts: Sequence[str]) -> list[float]:
        return [each.supported for each in self._encoder.read(statement, texts)]


def _runs(passage: Passage, length: int) -> Iterator[Span]:
    """Every run of so many neighbouring sentences, in order."""
    for first in range(len(passage.sentences) - length + 1):
        yield Span(passage.sentences[first].start, passage.sentences[first + length - 1].end)


def _verbatim(statement: str, passage: Passage) -> Span | None:
    """The sentences of the passage that the statement says as they are, or None."""
    said = _plain(statement)
    runs = (run for length in range(1, len(passage.sentences) + 1) for run in _runs(passage, length))
    return next((run for run in runs if _plain(passage.quote(run)) == said), None)


def _spoken_against(statement: str, passage: Passage, run: Span, title: str) -> bool:
    """Whether a sentence outside a run says more of what a statement says, and something speaks against that one."""
    said = {word.stem for word in content_words(statement)}

    def shared(span: Span) -> int:
        return len(said & {word.stem for word in words(passage.quote(span))})

    others = [each for each in passage.sentences if not (run.start <= each.start and each.end <= run.end)]
    return any(shared(each) > shared(run) and _objected(statement, passage, each, title) for each in others)


def _is_foreign(statement: str, passage: Passage, title: str) -> bool:
    """Whether a statement speaks of other things than the passage: "I hope this helps.", or no words at all.

    The network was never taught such statements, and now and then takes one for borne out.
    """
    said = content_words(statement)
    there = {word.stem for word in words(f"{title}\n{passage.heading}\n{passage.text}")}
    return sum(word.stem in there for word in said) * _SHARED < len(said)


def _objected(statement: str, passage: Passage, run: Span, title: str) -> bool:
    """Whether anything speaks against a run, or it only asks."""
    sentences = [each for each in passage.sentences if run.start <= each.start and each.end <= run.end]
    if any(passage.quote(each).rstrip(_CLOSED).endswith("?") for each in sentences):
        return True
    context = f"{title}\n{passage.heading}\n{passage.text[: run.start - passage.start]}"
    quote = passage.quote(run)
    leans = any(LEANS.match(passage.quote(each)) for each in sentences)
    is_other = leans and not _opens_with_any_of(statement, f"{context}\n{quote}")
    return is_other or bool(objections(statement, quote, context))


def _opens_with_any_of(statement: str, said: str) -> bool:
    """Whether what a statement begins by speaking of was said: else "It" stands for something else."""
    there = {word.stem for word in words(said)}
    return any(word.stem in there for word in content_words(statement)[:_SUBJECT])


def _plain(text: str) -> str:
    """A text with blanks, quotation marks and dashes of one shape, and without what it may end in."""
    return " ".join(text.translate(PLAIN).split()).strip(_ENDS)
