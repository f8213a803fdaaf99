"""The numbers learned from data, which say where they come from: shipped, or a library's own."""

import json
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from index.errors import CalibrationError

_SHIPPED = Path(__file__).with_name("calibration.json")
_OWN = "calibration.json"


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


@dataclass(frozen=True, slots=True)
class Weights:
    """What the reader has learned from training data.

    Attributes:
        choice: How well a sentence answers, from `rag.reader.FEATURES`.
        trust: How likely the best sentence is right, from its features, its logit and its lead.
        also: The share of the best sentence's score at which another is quoted too.
    """

    choice: Logistic
    trust: Logistic
    also: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything in Footnote that is a number from data.

    Attributes:
        weights: The reader's.
        fusion: How the two searches are weighed.
        confidence: The reader's trust -> the probability that an answer is right.
        threshold: The confidence under which Footnote abstains.
        provenance: Which data, when, and the figures reached, for people.
    """

    weights: Weights
    fusion: Fusion
    confidence: Platt
    threshold: float
    provenance: str


@cache
def shipped() -> Calibration:
    """The calibration that ships with Footnote, learned from training data."""
    data = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    return _fitted(data, Weights(_logistic(**data["choice"]), _logistic(**data["trust"]), data["also"]))


def calibration_of(home: Path) -> Calibration:
    """The calibration of the library in `home`: its own where `save` wrote one, else the shipped one.

    Raises:
        CalibrationError: Its own is damaged, or was fitted to other weights of the reader.
    """
    path = home / _OWN
    if not path.exists():
        return shipped()
    remedy = "delete it, or calibrate anew with python -m eval calibrate"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        own = _fitted(data, shipped().weights)
        fitted_to = data["weights"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CalibrationError(f"The calibration {path} is damaged ({error}); {remedy}.") from error
    if fitted_to != _digest(own.weights):
        raise CalibrationError(f"The calibration {path} was fitted to another version of the reader; {remedy}.")
    return own


def save(calibration: Calibration, home: Path) -> Path:
    """Write what a person's own questions taught, for the library in `home`; the file appears whole or not at all."""
    path = home / _OWN
    _write(path, {**_data(calibration), "weights": _digest(calibration.weights)})
    return path


def ship(calibration: Calibration) -> Path:
    """Write the calibration that ships with Footnote, every weight by its feature's name."""
    weights = calibration.weights
    learned = {"also": weights.also, "choice": _named(weights.choice), "trust": _named(weights.trust)}
    _write(_SHIPPED, {**_data(calibration), **learned})
    return _SHIPPED


def _fitted(data: Any, weights: Weights) -> Calibration:
    """What `_data` wrote, for a reader with these weights."""
    return Calibration(
        weights,
        fusion=Fusion(float(data["fusion"]["bm25"])),
        confidence=Platt(float(data["confidence"]["slope"]), float(data["confidence"]["offset"])),
        threshold=float(data["threshold"]),
        provenance=str(data["provenance"]),
    )


def _data(calibration: Calibration) -> dict[str, object]:
    """All but the reader's weights, as it is written down."""
    return {
        "provenance": calibration.provenance,
        "fusion": asdict(calibration.fusion),
        "confidence": asdict(calibration.confidence),
        "threshold": calibration.threshold,
    }


def _write(path: Path, data: dict[str, object]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def _digest(weights: Weights) -> str:
    return sha256(json.dumps(asdict(weights)).encode()).hexdigest()


def _named(model: Logistic) -> dict[str, object]:
    return {"bias": model.bias, "weights": dict(zip(model.names, model.weights, strict=True))}


def _logistic(bias: float, weights: dict[str, float]) -> Logistic:
    return Logistic(bias, tuple(weights), tuple(weights.values()))
