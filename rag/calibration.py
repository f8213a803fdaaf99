"""The numbers learned from data, which say where they come from: shipped, or a library's own."""

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from index import private
from index.errors import CalibrationError
from index.trust import is_signed, sign

_SHIPPED = Path(__file__).with_name("calibration.json")
_OWN = "calibration.json"
_MOST = 2**20  # bytes of one

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fusion:
    """Interpolation: a passage scores `cosine + bm25 * BM25`.

    Wang, Zhuang and Zuccon, BERT-based Dense Retrievers Require Interpolation with BM25, ICTIR 2021. The scores
    stay as they are, so that the more words a question shares with a passage, the more its words weigh, and what
    else was found changes no score.
    """

    bm25: float


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression: `1 / (1 + exp(-(bias + weights · features)))`."""

    bias: float
    names: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Platt:
    """A score's logit -> a probability: `1 / (1 + exp(-(slope * logit + offset)))`.

    Platt, Probabilistic Outputs for Support Vector Machines, 1999. It keeps the order of what it maps.
    """

    slope: float
    offset: float

    def probability(self, logit: float) -> float:
        """What a logit says."""
        return sigmoid(self.slope * logit + self.offset)


@dataclass(frozen=True, slots=True)
class Standard:
    """What characters must reach to bear a statement out; as it stands, that of an encoder that nothing is known of.

    Attributes:
        alone: What the cross-encoder says of one sentence and its passage -> the probability that the sentence bears
            the statement out.
        together: The same of neighbouring sentences, read where none of them does alone: they are the likelier to
            speak of the same things and say something else.
        bar: The probability under which the statement is refused.
        provenance: Which data, when, and the figures reached, for people.
    """

    alone: Platt = Platt(1.0, 0.0)
    together: Platt = Platt(1.0, 0.0)
    bar: float = 0.5
    provenance: str = ""


@dataclass(frozen=True, slots=True)
class Judge:
    """What weighs `rag.reader.FEATURES` of a passage.

    Attributes:
        rank: How likely it is the passage to look at.
        trust: How likely it answers the question, or bears the statement out.
    """

    rank: Logistic
    trust: Logistic


@dataclass(frozen=True, slots=True)
class Weights:
    """What has been learned from training data to read by.

    Attributes:
        encoder: The cross-encoder it was learned for.
        question: What judges the passages read for a question.
        statement: What judges those read for a statement.
        also: The share of the best sentence's score at which another is quoted too.
    """

    encoder: str
    question: Judge
    statement: Judge
    also: float

    def of(self, *, statement: bool) -> Judge:
        """What judges the passages of a statement, or of a question."""
        return self.statement if statement else self.question


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything in Footnote that is a number from data.

    Attributes:
        weights: What the reader weighs by.
        fusion: How the two searches are weighed.
        confidence: The trust in the best passage -> the probability that an answer is right.
        threshold: The confidence under which Footnote abstains.
        provenance: Which data, when, and the figures reached, for people.
        standard: What bears a statement of a language model out.
    """

    weights: Weights
    fusion: Fusion
    confidence: Platt
    threshold: float
    provenance: str
    standard: Standard = Standard()


@cache
def shipped() -> Calibration:
    """The calibration that ships with Footnote, learned from training data."""
    data = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    weights, standard = data["weights"], data["standard"]
    judges = _judge(weights["question"]), _judge(weights["statement"])
    return _fitted(
        data,
        Weights(weights["encoder"], *judges, weights["also"]),
        Standard(_platt(standard["alone"]), _platt(standard["together"]), standard["bar"], standard["provenance"]),
    )


def untaught(encoder: str, features: Sequence[str]) -> Calibration:
    """The calibration of a cross-encoder that nothing is known of: its own verdicts are all that counts."""

    def alone(name: str) -> Logistic:
        return Logistic(0.0, tuple(features), tuple(float(each == name) for each in features))

    judge = Judge(alone("relevant"), alone("verdict"))
    return Calibration(
        Weights(encoder, judge, judge, 1.0), shipped().fusion, Platt(1.0, 0.0), 0.5, f"{encoder}, not calibrated"
    )


def calibration_of(home: Path, given: Calibration) -> Calibration:
    """The calibration of the library in `home`: its own where this user had `save` write one, else the one given.

    A folder may come from anywhere and bring one, which could have every guess given for an answer.

    Raises:
        CalibrationError: Its own is of another version, or was fitted to another reader than the given one.
    """
    path = home / _OWN
    if not path.exists():
        return given
    remedy = "delete it, or calibrate anew with python -m eval calibrate"
    data = _unsealed(path)
    if data is None:
        _log.warning(
            "The calibration %s is damaged, or not made by you on this computer, and not used; %s.", path, remedy
        )
        return given
    try:
        own = _fitted(data, given.weights, given.standard)
        fitted_to = data["weights"]
    except (ValueError, KeyError, TypeError) as error:
        raise CalibrationError(f"The calibration {path} is of another version ({error}); {remedy}.") from error
    if fitted_to != _digest(own.weights):
        raise CalibrationError(
            f"The calibration {path} was fitted to another reader; {remedy}, or name that one with --reader."
        )
    return own


def save(calibration: Calibration, home: Path) -> Path:
    """Write what a person's own questions taught, for the library in `home`; the file appears whole or not at all.

    They teach nothing of the reader's weights and its standard, which stay those that were given.
    """
    path, data = home / _OWN, {**_data(calibration), "weights": _digest(calibration.weights)}
    private.make_file(_part_of(path))
    _write(path, {**data, "seal": sign(_sum(data))})
    return path


def ship(calibration: Calibration) -> Path:
    """Write the calibration that ships with Footnote, every weight by its feature's name."""
    weights = calibration.weights
    judges = {"question": _named_judge(weights.question), "statement": _named_judge(weights.statement)}
    learned = {"encoder": weights.encoder, "also": weights.also, **judges}
    _write(_SHIPPED, {**_data(calibration), "weights": learned, "standard": asdict(calibration.standard)})
    return _SHIPPED


def sigmoid(logit: float) -> float:
    """Log odds -> probability, without overflow."""
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


def _fitted(data: Any, weights: Weights, standard: Standard) -> Calibration:
    """What `_data` wrote, for a reader with these weights and this standard."""
    return Calibration(
        weights,
        fusion=Fusion(float(data["fusion"]["bm25"])),
        confidence=_platt(data["confidence"]),
        threshold=float(data["threshold"]),
        provenance=str(data["provenance"]),
        standard=standard,
    )


def _data(calibration: Calibration) -> dict[str, object]:
    """All but the reader's weights and its standard, as it is written down."""
    return {
        "provenance": calibration.provenance,
        "fusion": asdict(calibration.fusion),
        "confidence": asdict(calibration.confidence),
        "threshold": calibration.threshold,
    }


def _unsealed(path: Path) -> dict[str, Any] | None:
    """What `save` wrote for this user; None where nobody can tell that of a file, or it cannot be read."""
    try:
        with path.open("rb") as file:
            data: dict[str, Any] = json.loads(file.read(_MOST))
        seal = str(data.pop("seal"))
        return data if is_signed(_sum(data), seal.encode()) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sum(data: dict[str, Any]) -> str:
    """What is sealed of numbers written down."""
    return f"calibration {sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()}"


def _part_of(path: Path) -> Path:
    """The file beside `path` in which it grows."""
    return path.with_name(f".{path.name}.part")


def _write(path: Path, data: dict[str, object]) -> None:
    part = _part_of(path)
    part.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def _digest(weights: Weights) -> str:
    return sha256(json.dumps(asdict(weights)).encode()).hexdigest()


def _named(model: Logistic) -> dict[str, object]:
    return {"bias": model.bias, "weights": dict(zip(model.names, model.weights, strict=True))}


def _named_judge(judge: Judge) -> dict[str, object]:
    return {"rank": _named(judge.rank), "trust": _named(judge.trust)}


def _judge(data: Any) -> Judge:
    return Judge(_logistic(**data["rank"]), _logistic(**data["trust"]))


def _platt(data: Any) -> Platt:
    return Platt(float(data["slope"]), float(data["offset"]))


def _logistic(bias: float, weights: dict[str, float]) -> Logistic:
    return Logistic(bias, tuple(weights), tuple(weights.values()))
