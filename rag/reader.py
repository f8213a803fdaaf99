"""Reader: which passage answers, which of its sentences, which of its words, and is there an answer at all.

A cross-encoder reads each passage with the question; what it says is weighed by logistic regressions learned from
training data. A statement is read for what bears it out.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from index.document import Span
from index.lexical import words
from rag.calibration import Calibration, Judge, Logistic, Weights, shipped, sigmoid, untaught
from rag.crossencoder import CrossEncoder, Scores, best_span
from rag.retrieve import Hit

FEATURES = (
    "relevant",  # the cross-encoder's logits: that this is the passage to look at,
    "verdict",  # that it answers the question, or bears the statement out,
    "margin",  # how much likelier its best span is than none; 0 of a statement
    "fused",  # the score of retrieval
)
FIRST, MORE = 10, 10  # hits read, and read besides where none of the first is good enough

_GOOD = 0.05  # trust that what is shipped answers with: a passage further down seldom beats one that reaches it
_CLOSE = 3  # passages whose sentences are read one by one, where no span says which of them counts
_MOST_CLAIMS = 3  # sentences of a statement that are looked at by themselves

# What ends in a full stop and asks all the same; what ends in a question mark, or in no mark, asks anyway.
_ASKS = re.compile(
    r"(?:who|whom|whose|what|which|how|is|are|was|were|do|does|did|has|can|could|should|would)\b"
    r"|(?:when|where|why) (?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must)\b"
    r"|(?:please|tell|list|name|give|show|find|describe|explain|define|compare|i (?:want|would like|need) to know)\b",
    re.IGNORECASE,
)

# Between two sentences that state something.
CLAIM_END = re.compile(
    r"(?<!\b[A-Z]\.)(?<!\b(?:Mr|Ms|Dr|St|No|vs)\.)(?<!\b(?:Mrs|Rev|Gen|Col|Sen|etc)\.)(?<!\bProf\.)"
    r"(?<=[.!])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z])"
)

Features = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer.

    Attributes:
        hit: The hit it stands in.
        span: Where, in the document.
        score: How well it answers, 0..1.
        short: The answer proper in it, in the document, or None where the reader finds no spans.
        trust: How likely its passage answers, as log odds not calibrated yet.
    """

    hit: Hit
    span: Span
    score: float
    short: Span | None = None
    trust: float = -math.inf


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of a question and some hits.

    Attributes:
        hits: Those it has read, as it ranks them.
        candidates: Sentences, best first.
        logit: How likely the best one is right, as log odds not calibrated yet; minus infinity where there is none.
        needed: How many of the first candidates are needed: one, or of a statement one for each of its sentences.
    """

    hits: tuple[Hit, ...]
    candidates: tuple[Candidate, ...]
    logit: float
    needed: int = 1


class Reader(Protocol):
    """Reads passages for a question or a statement."""

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """The sentences of the hits, by how well they answer; no candidates where there are no hits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question or, to be checked, one sentence of a statement."""

    text: str
    statement: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A hit with what the cross-encoder makes of it, and its `FEATURES`."""

    hit: Hit
    scores: Scores
    features: tuple[float, ...]


class CrossReader:
    """Weighs what a cross-encoder says; see the module's docstring."""

    def __init__(self, encoder: CrossEncoder, weights: Weights) -> None:
        """Read with these weights.

        Raises:
            ValueError: They are weights of other features.
        """
        judges = (weights.question, weights.statement)
        if any(model.names != FEATURES for judge in judges for model in (judge.rank, judge.trust)):
            raise ValueError("the calibration has weights for other features; learn it anew with python -m training")
        self._encoder = encoder
        self._weights = weights

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """See `Reader`; the first hits, and the others only where none of the first is good enough."""
        if is_statement(question):
            return _together([self._one(Asked(claim, statement=True), hits) for claim in claims(question)])
        return self._one(Asked(question, statement=False), hits)

    def scored(self, asked: Asked, hits: Sequence[Hit]) -> list[Read]:
        """What the cross-encoder makes of each hit."""
        scores = self._encoder.read(asked.text, [hit.passage.text for hit in hits])
        return [Read(hit, each, _features(asked, hit, each)) for hit, each in zip(hits, scores, strict=True)]

    def _one(self, asked: Asked, hits: Sequence[Hit]) -> Reading:
        """A question, or one sentence of a statement."""
        if not _has_words(asked.text):
            return Reading(tuple(hits[:FIRST]), (), -math.inf)
        judge = self._weights.of(statement=asked.statement)
        reads = self.scored(asked, hits[:FIRST])
        if not any(probability(judge.trust, each.features) >= _GOOD for each in reads):
            reads += self.scored(asked, hits[FIRST : FIRST + MORE])
        candidates = _best_first(candidate for each in self._apart(asked, reads, judge) for candidate in each)
        best = [each for each in reads if candidates and each.hit is candidates[0].hit]
        trust = log_odds(judge.trust, best[0].features) if best else -math.inf
        return Reading(_ranked(reads, judge), candidates, trust)

    def _apart(self, asked: Asked, reads: Sequence[Read], judge: Judge) -> Iterator[list[Candidate]]:
        """The sentences of each passage, each with its share of how likely the passage is the one to look at."""
        echo = [word.stem for word in words(asked.text)]
        scores = [probability(judge.rank, each.features) for each in reads]
        close = sorted(range(len(reads)), key=lambda place: (-scores[place], place))[:_CLOSE]
        for place, (each, score) in enumerate(zip(reads, scores, strict=True)):
            passage = each.hit.passage
            sentences = [span for span in passage.sentences if _says(passage.quote(span), asked, echo)]
            found: list[tuple[float, Span | None]] = []
            if len(each.scores.starts) and not asked.statement:
                found = [_in_sentence(each, span) for span in sentences]
            elif place in close:
                told = self._encoder.read(asked.text, [passage.quote(span) for span in sentences])
                found = [(said.supported, None) for said in told]
            if found:
                trust = log_odds(judge.trust, each.features)
                yield [replace(one, trust=trust) for one in _shared(each.hit, sentences, found, score)]


def known(encoder: str) -> Calibration:
    """The numbers to read with, by the cross-encoder's name: the shipped ones, or its verdicts as they come."""
    return shipped() if shipped().weights.encoder == encoder else untaught(encoder, FEATURES)


def is_statement(text: str) -> bool:
    """Whether a text states something, which is to be checked, rather than asks."""
    return text.rstrip("\"'”’) ").endswith((".", "!")) and not _ASKS.match(text.lstrip("\"'“‘( "))


def claims(statement: str) -> list[str]:
    """The sentences of a statement, the last of very many together."""
    return CLAIM_END.split(statement, maxsplit=_MOST_CLAIMS - 1)


def log_odds(model: Logistic, features: Sequence[float]) -> float:
    """What a logistic regression gives some features, before it is a probability."""
    return model.bias + sum(weight * feature for weight, feature in zip(model.weights, features, strict=True))


def probability(model: Logistic, features: Sequence[float]) -> float:
    """The probability that a logistic regression gives some features."""
    return sigmoid(log_odds(model, features))


def _features(asked: Asked, hit: Hit, scores: Scores) -> tuple[float, ...]:
    """In the order of `FEATURES`."""
    if asked.statement:
        return (scores.relevant, scores.supported, 0.0, hit.score)
    best = best_span(scores.starts, scores.ends)
    return (scores.relevant, scores.answered, best.logit - scores.none if best else 0.0, hit.score)


def _best_first(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """By score; equals in the order in which they were found and stand."""
    return tuple(sorted(candidates, key=lambda each: (-each.score, each.hit.rank, each.span.start)))


def _in_sentence(each: Read, sentence: Span) -> tuple[float, Span | None]:
    """How likely the best span inside a sentence is, as a logit, and where it stands in the document."""
    start = each.hit.passage.start
    tokens = each.scores.tokens
    inside = [
        place
        for place, token in enumerate(tokens)
        if sentence.start <= start + token.start and start + token.end <= sentence.end
    ]
    best = best_span(each.scores.starts[inside], each.scores.ends[inside])
    if best is None:
        return -math.inf, None
    return best.logit, Span(start + tokens[inside[best.start]].start, start + tokens[inside[best.end]].end)


def _shared(
    hit: Hit, sentences: Sequence[Span], found: Sequence[tuple[float, Span | None]], score: float
) -> list[Candidate]:
    """The sentences of a passage as candidates: its score, shared by softmax of their logits."""
    logits = np.array([logit for logit, _ in found])
    if not np.isfinite(logits).any():
        return []
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return [
        Candidate(hit, span, score * float(share), short)
        for span, (_, short), share in zip(sentences, found, shares, strict=True)
        if share > 0
    ]


def _ranked(reads: Sequence[Read], judge: Judge) -> tuple[Hit, ...]:
    """The hits read, best first, each with the reader's score."""
    return _renumbered(replace(each.hit, reader=probability(judge.rank, each.features)) for each in reads)


def _renumbered(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Hits by the reader's score, equals as they were, ranked from 1."""
    ordered = sorted(hits, key=lambda hit: (-(hit.reader or 0.0), hit.rank))
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1))


def _together(readings: Sequence[Reading]) -> Reading:
    """The readings of a statement's sentences as one: as sure as of the least sure, the best of each first."""
    if len(readings) == 1:
        return readings[0]
    hits: dict[str, Hit] = {}
    for hit in _renumbered(hit for reading in readings for hit in reading.hits):
        hits.setdefault(hit.passage.id, hit)
    first = tuple(reading.candidates[0] for reading in readings if reading.candidates)
    rest = _best_first(candidate for reading in readings for candidate in reading.candidates[1:])
    least = min(reading.logit for reading in readings)
    return Reading(_renumbered(hits.values()), first + rest, least, needed=len(first))


def _says(sentence: str, asked: Asked, echo: Sequence[str]) -> bool:
    """Whether a sentence may answer: it has letters, is no question, and does not say over the question asked.

    A number alone, such as that of a page, states nothing.
    """
    if not any(map(str.isalpha, sentence)) or sentence.rstrip("\"'”’) ").endswith("?"):
        return False
    if asked.statement or not asked.text.rstrip().endswith("?"):
        return True
    said = [word.stem for word in words(sentence)]
    return not any(said[place : place + len(echo)] == list(echo) for place in range(len(said) - len(echo) + 1))


def _has_words(text: str) -> bool:
    """Whether there is anything in a text that an encoder has tokens for, other than marks."""
    return any(character.isalnum() for character in text)
