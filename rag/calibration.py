"""The numbers learned from data: read from calibration.json, which says where they come from."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Fusion:
    """Weighted reciprocal rank fusion: a passage scores the sum of `weight / (k + rank)`.

    Cormack, Clarke and Büttcher, Reciprocal Rank Fusion, SIGIR 2009; the weights are ours.
    """

    k: float
    dense: float
    bm25: float


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression: `1 / (1 + exp(-(bias + weights · features)))`."""

    bias: float
    names: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything in Footnote that is a number from data.

    Attributes:
        fusion: How the two searches are weighed.
        choice: How well a sentence answers, from `rag.reader.FEATURES`.
        trust: How likely the best sentence is right, from its features, its logit and its lead.
        threshold: The confidence under which Footnote abstains.
        also: The share of the best sentence's score at which another is quoted too.
        provenance: Which data, when, and the figures reached, for people.
    """

    fusion: Fusion
    choice: Logistic
    trust: Logistic
    threshold: float
    also: float
    provenance: str


@cache
def shipped() -> Calibration:
    """The calibration that ships with Footnote."""
    return load(_FILE)


def load(path: Path) -> Calibration:
    """Read a calibration file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Calibration(
        fusion=Fusion(**data["fusion"]),
        choice=_logistic(**data["choice"]),
        trust=_logistic(**data["trust"]),
        threshold=data["threshold"],
        also=data["also"],
        provenance=data["provenance"],
    )


def _logistic(bias: float, weights: dict[str, float]) -> Logistic:
    return Logistic(bias, tuple(weights), tuple(weights.values()))
