"""Reader: is the passage relevant, which of its sentences answers, is there an answer at all.

This one computes a few features of each sentence and weighs them by logistic regression. Its heart
is late interaction: how well each word of the question finds a likeness among the tokens of the
sentence, after Khattab and Zaharia, ColBERT, SIGIR 2020, with the embedding model's own token states.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from index.document import Span
from index.embeddings import OnnxEmbedder, Vector
from index.lexical import Word, words
from rag.calibration import Calibration, Logistic
from rag.retrieve import Hit

FEATURES = (
    "sentence_cosine",  # of the question and the mean of the sentence's tokens
    "passage_cosine",  # of the question and the mean of the passage's tokens
    "sentence_match",  # mean best cosine of the question's content words in the sentence and its heading, by rarity
    "passage_match",  # the same in the passage
    "sentence_weakest",  # the content word that finds least likeness in the sentence
    "passage_weakest",  # the same in the passage
    "sentence_tokens",  # mean best cosine of all the question's tokens in the sentence
    "passage_tokens",  # the same in the passage
    "covered",  # share of the content words, by rarity, that stand in the passage
    "missing_names",  # capitalised words of the question that do not stand in the passage
    "missing_numbers",  # numbers, likewise
    "answer_type",  # 1 where the sentence holds what is asked for (a number, a date, a name), else 0
    "fused_score",  # of retrieval
    "question_words",  # how many content words the question has
    "length",  # log of the sentence's characters
)
TRUST_FEATURES = (
    *FEATURES,
    "logit",
    "lead",
)  # of the best sentence, and its lead over the next passage's best

Features = npt.NDArray[np.float64]
AnswerType = Literal["number", "time", "name", "reason", "other"]

_FUNCTION_WORDS = frozenset(
    word.stem
    for word in words(
        "a an the of in on at to for by from with as is are was were be been being do does did done have has had "
        "having and or but if that this these those it its he she they them his her their we you i me my your our us "
        "what who whom whose which when where why how many much long far often old can could will would shall should "
        "may might must not no any some there than then so such about into over under after before between during "
        "through also other s t re ve ll d m name called type kind according"
    )
)

_ASKS: dict[AnswerType, re.Pattern[str]] = {
    "number": re.compile(
        r"\bhow (?:many|much|old|long|far|tall|large|big|high|often|fast|deep|wide)\b"
        r"|\b(?:what|which) (?:number|percent\w*|amount|population|proportion|age)\b",
        re.IGNORECASE,
    ),
    "time": re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time|era)\b", re.IGNORECASE),
    "name": re.compile(
        r"\b(?:who|whom|whose|where)\b"
        r"|\b(?:what|which) (?:city|country|state|place|location|region|continent|town|county|river|island)\b",
        re.IGNORECASE,
    ),
    "reason": re.compile(r"\bwhy\b", re.IGNORECASE),
}
_NUMBER = re.compile(
    r"\d[\d.,]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|"
    r"thousand|million|billion|half|dozen|third|quarter|once|twice)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:1\d|20)\d\d\b|\b\d0s\b|\bcentur\w+|\b(?:january|february|march|april|may|june|july|august|september|"
    r"october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|yesterday)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\s)[A-Z]\w+")  # not a sentence's first word, which is always capitalised
_REASON = re.compile(r"\b(?:because|due to|since|in order to|so that|reason|as a result|to \w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer.

    Attributes:
        hit: The hit it stands in.
        span: Where, in the document.
        score: How well it answers, 0..1.
    """

    hit: Hit
    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of a question and some hits.

    Attributes:
        candidates: Sentences, best first.
        confidence: How likely the best one is right, 0..1.
    """

    candidates: tuple[Candidate, ...]
    confidence: float


class Reader(Protocol):
    """Reads passages for a question."""

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """The sentences of the hits, by how well they answer; no candidates where there are no hits."""


class FeatureReader:
    """Weighs features of sentences; see the module's docstring."""

    def __init__(self, embedder: OnnxEmbedder, calibration: Calibration) -> None:
        """Read with these weights.

        Raises:
            ValueError: They are weights of other features.
        """
        weights = calibration.weights
        if (weights.choice.names, weights.trust.names) != (FEATURES, TRUST_FEATURES):
            raise ValueError("the calibration has weights for other features; learn it anew with python -m eval learn")
        self._embedder = embedder
        self._calibration = calibration

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """See `Reader`."""
        return weigh(*self.features(question, hits), self._calibration)

    def features(self, question: str, hits: Sequence[Hit]) -> tuple[tuple[Candidate, ...], Features]:
        """Every sentence of the hits that may answer, unscored, and its features, `(sentences, len(FEATURES))`."""
        asked = self._asked(question)
        if not asked.stems or not len(asked.states):
            return (), np.zeros((0, len(FEATURES)))
        states = self._embedder.token_states([hit.passage.text for hit in hits])
        sentences: list[Candidate] = []
        rows: list[list[float]] = []
        for hit, (tokens, spans) in zip(hits, states, strict=True):
            if not len(tokens):  # nothing but marks that the model's vocabulary strips
                continue
            passage = _passage_features(asked, hit, tokens)
            start = hit.passage.start
            heading = _rows(spans, Span(0, hit.passage.sentences[0].start - start))
            for span in hit.passage.sentences:
                text = hit.passage.text[span.start - start : span.end - start]
                own = _rows(spans, Span(span.start - start, span.end - start))
                if own and not _asks(text, asked):
                    sentences.append(Candidate(hit, span, 0.0))
                    rows.append(_row(asked, passage, _SentenceStates(tokens[own], tokens[heading + own]), text))
        return tuple(sentences), np.array(rows, dtype=np.float64).reshape(-1, len(FEATURES))

    def _asked(self, question: str) -> "_Asked":
        """What is asked, as the features need it."""
        ((states, spans),) = self._embedder.token_states([question])
        content = content_words(question)
        texts = [question[word.span.start : word.span.end] for word in content]
        return _Asked(
            vector=self._embedder.embed_query(question),
            states=states,
            tokens=[
                [row for row, token in enumerate(spans) if token.start < word.span.end and word.span.start < token.end]
                for word in content
            ],
            rarity=np.array([self._embedder.rarity(text) + 0.1 for text in texts], dtype=np.float32),
            stems=[word.stem for word in content],
            names=[w.stem for w, text in zip(content, texts, strict=True) if text[0].isupper() and w.span.start],
            numbers=[w.stem for w, text in zip(content, texts, strict=True) if text[0].isdigit()],
            kind=answer_type(question),
            every_stem=frozenset(word.stem for word in words(question)),
            echo=" ".join(word.stem for word in words(question)),
        )


def content_words(question: str) -> list[Word]:
    """The words of a question that say what it is about; all of them where none does."""
    every = words(question)
    return [word for word in every if word.stem not in _FUNCTION_WORDS] or every


def answer_type(question: str) -> AnswerType:
    """What kind of thing a question asks for, by its question word."""
    return next((kind for kind, pattern in _ASKS.items() if pattern.search(question)), "other")


def holds(kind: AnswerType, sentence: str, question_stems: Collection[str]) -> float:
    """1 where a sentence holds a thing of this kind that the question does not name itself, 0 where not.

    One half where the kind cannot be seen from the words.
    """
    match kind:
        case "number":
            return float(any(_fresh(match[0], question_stems) for match in _NUMBER.finditer(sentence)))
        case "time":
            return float(any(_fresh(match[0], question_stems) for match in _TIME.finditer(sentence)))
        case "name":
            return float(any(_fresh(match[0], question_stems) for match in _NAME.finditer(sentence)))
        case "reason":
            return float(bool(_REASON.search(sentence)))
        case _:
            return 0.5


def weigh(sentences: Sequence[Candidate], features: Features, calibration: Calibration) -> Reading:
    """What the weights make of some sentences and their features, `(sentences, len(FEATURES))`."""
    if not sentences:
        return Reading((), 0.0)
    logits = _logits(calibration.weights.choice, features)
    order = sorted(range(len(sentences)), key=lambda row: (-logits[row], sentences[row].hit.rank, row))
    candidates = tuple(
        Candidate(sentences[row].hit, sentences[row].span, _sigmoid(float(logits[row]))) for row in order
    )
    trust = trust_features(sentences, features, calibration.weights.choice)
    logit = float(_logits(calibration.weights.trust, trust[None])[0])
    confidence = calibration.confidence
    return Reading(candidates, _sigmoid(confidence.slope * logit + confidence.offset))


def trust_features(sentences: Sequence[Candidate], features: Features, choice: Logistic) -> Features:
    """`TRUST_FEATURES` of the best sentence, `(len(TRUST_FEATURES),)`.

    Args:
        sentences: As `FeatureReader.features` gives them, at least one.
        features: `(sentences, len(FEATURES))`.
        choice: What weighs the features of a sentence.
    """
    logits = _logits(choice, features)
    best = int(np.argmax(logits))
    passage = sentences[best].hit.passage.id
    others = [logits[row] for row, sentence in enumerate(sentences) if sentence.hit.passage.id != passage]
    lead = logits[best] - max(others) if others else 0.0
    return np.array([*features[best], logits[best], lead])


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, taken apart: its vector, token states, content words and kind."""

    vector: Vector
    states: Vector
    tokens: list[list[int]]
    rarity: Vector
    stems: list[str]
    names: list[str]
    numbers: list[str]
    kind: AnswerType
    every_stem: frozenset[str]
    echo: str


@dataclass(frozen=True, slots=True)
class _PassageFeatures:
    """The features that all sentences of a passage share."""

    cosine: float
    match: float
    weakest: float
    tokens: float
    covered: float
    missing_names: int
    missing_numbers: int
    fused_score: float


@dataclass(frozen=True, slots=True)
class _SentenceStates:
    """The token states of a sentence, alone and together with the heading it stands under."""

    own: Vector
    headed: Vector


def _rows(tokens: Sequence[Span], inside: Span) -> list[int]:
    """Which tokens lie inside a stretch of their text."""
    return [row for row, token in enumerate(tokens) if inside.start <= token.start and token.end <= inside.end]


def _passage_features(asked: _Asked, hit: Hit, states: Vector) -> _PassageFeatures:
    stems = {word.stem for word in words(hit.passage.text)}
    found = np.array([stem in stems for stem in asked.stems], dtype=float)
    match, weakest, tokens = _late_interaction(asked, states)
    return _PassageFeatures(
        cosine=_cosine(asked.vector, states),
        match=match,
        weakest=weakest,
        tokens=tokens,
        covered=float(found @ asked.rarity / asked.rarity.sum()),
        missing_names=sum(name not in stems for name in asked.names),
        missing_numbers=sum(number not in stems for number in asked.numbers),
        fused_score=hit.score,
    )


def _row(asked: _Asked, passage: _PassageFeatures, states: _SentenceStates, sentence: str) -> list[float]:
    """One sentence's features, in the order of `FEATURES`."""
    match, weakest, tokens = _late_interaction(asked, states.headed)
    return [
        *(_cosine(asked.vector, states.own), passage.cosine),
        *(match, passage.match, weakest, passage.weakest, tokens, passage.tokens),
        *(passage.covered, passage.missing_names, passage.missing_numbers),
        *(holds(asked.kind, sentence, asked.every_stem), passage.fused_score),
        *(len(asked.stems), math.log1p(len(sentence))),
    ]


def _late_interaction(asked: _Asked, states: Vector) -> tuple[float, float, float]:
    """How well the question's content words, its weakest one, and all its tokens are met by some tokens."""
    best = (asked.states @ states.T).max(axis=1)
    met = np.array([best[rows].max() if rows else 0.0 for rows in asked.tokens])
    return float(met @ asked.rarity / asked.rarity.sum()), float(met.min()), float(best.mean())


def _cosine(vector: Vector, states: Vector) -> float:
    mean = states.mean(axis=0)
    return float(vector @ mean / np.linalg.norm(mean))


def _asks(text: str, asked: _Asked) -> bool:
    """Whether a sentence is a question, or says this one over: neither answers."""
    said = " ".join(word.stem for word in words(text))
    return text.rstrip("\"'”’) ").endswith("?") or asked.echo in said


def _fresh(text: str, question_stems: Collection[str]) -> bool:
    """Whether some word of a stretch of text does not stand in the question."""
    return any(word.stem not in question_stems for word in words(text))


def _logits(model: Logistic, features: Features) -> Features:
    return np.asarray(features @ np.array(model.weights) + model.bias)


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))
