"""Metrics, named and defined as in the literature: pure functions over arrays with a row an example.

Every metric is total: its denominator is the examples it is given, and what a system did not answer is in them. Where
a metric has no meaning, such as a recall of nothing, it is NaN.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
import numpy.typing as npt
from ir_measures import RR, R, Success, nDCG
from sklearn.metrics import roc_auc_score, roc_curve

from eval.dataset import Evidence, Place
from index.document import Span

Numbers = npt.NDArray[np.float64]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_BINS = 10


# --- answers ---


def normalised(text: str) -> str:
    """SQuAD's normalisation: lower case, no ASCII punctuation, no articles, single blanks (Rajpurkar et al., 2016)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Iterable[str]) -> float:
    """1 where some answer is the prediction, normalised, else 0. Give `[""]` where nothing answers."""
    return float(any(normalised(prediction) == normalised(answer) for answer in answers))


def token_f1(prediction: str, answers: Iterable[str]) -> float:
    """The best F1 of the prediction's normalised words and an answer's; 0 or 1 where either has none."""
    return max((_token_f1(normalised(prediction).split(), normalised(each).split()) for each in answers), default=0.0)


def _token_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    return f1(_share(predicted, gold), _share(gold, predicted))


def _share(words: Sequence[str], others: Sequence[str]) -> float:
    return sum((Counter(words) & Counter(others)).values()) / len(words)


def f1(precision: float, recall: float) -> float:
    """The harmonic mean."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


# --- citations and passages against evidence ---


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two sets of characters against each other: shares of the wanted and of the shown, and of either."""

    recall: float
    precision: float
    iou: float


def citation_precision(cited: Sequence[Place], evidence: Sequence[Evidence]) -> float:
    """Share of the citations that point at some evidence, as HotpotQA counts supporting facts (Yang et al., 2018).

    0 where nothing is cited.
    """
    right = sum(any(each.overlaps(place) for each in evidence) for place in cited)
    return right / len(cited) if cited else 0.0


def citation_recall(cited: Sequence[Place], evidence: Sequence[Evidence]) -> float:
    """Share of the facts for which some citation points at evidence; 0 where there are none."""
    facts = {each.fact for each in evidence}
    found = {each.fact for each in evidence if any(each.overlaps(place) for place in cited)}
    return len(found) / len(facts) if facts else 0.0


def overlap(shown: Sequence[Place], evidence: Sequence[Evidence]) -> Overlap:
    """Recall, precision and IoU of the characters shown (Smith and Troynikov, Chroma, 2024).

    Characters shown twice count twice, as a reader reads them twice: IoU is what is wanted and shown, over all that is
    shown and what is wanted and not shown. Of the evidence of one fact, what is shown best is wanted.
    """
    seen = {(place.document_id, at) for place in shown for at in range(place.start, place.end)}
    facts: dict[int, set[tuple[str, int]]] = {}
    for each in evidence:
        span = each.span or Span(0, 0)
        own = {(each.document, at) for at in range(span.start, span.end)}
        facts[each.fact] = max(
            facts.get(each.fact, own), own, key=lambda characters: len(characters & seen) / max(len(characters), 1)
        )
    wanted = set().union(*facts.values())
    length = sum(place.end - place.start for place in shown)
    both = len(wanted & seen)
    return Overlap(
        recall=both / len(wanted) if wanted else 0.0,
        precision=both / length if length else 0.0,
        iou=both / (length + len(wanted) - both) if wanted or length else 0.0,
    )


# --- ranking ---


@dataclass(frozen=True, slots=True)
class Ranking:
    """How a ranking does: hit@k is 1 where something relevant is among the first k."""

    hit_1: float
    hit_5: float
    hit_10: float
    recall_5: float
    recall_10: float
    mrr: float
    ndcg_10: float


_MEASURES = (Success @ 1, Success @ 5, Success @ 10, R @ 5, R @ 10, RR, nDCG @ 10)


def rankings(relevant: Mapping[str, Mapping[str, int]], ranked: Mapping[str, Sequence[str]]) -> dict[str, Ranking]:
    """Each query's figures, by ir-measures; zeros for a query that has nothing relevant or is not in `ranked`.

    Args:
        relevant: For each query the ids that are relevant, with their grades from 1.
        ranked: For each query the ids found, best first.
    """
    qrels = [ir_measures.Qrel(query, id, grade) for query, grades in relevant.items() for id, grade in grades.items()]
    run = [ir_measures.ScoredDoc(query, id, -place) for query, ids in ranked.items() for place, id in enumerate(ids)]
    figures: dict[str, dict[object, float]] = {query: {} for query in relevant}
    if qrels:
        for metric in ir_measures.iter_calc(_MEASURES, qrels, run):
            figures[metric.query_id][metric.measure] = metric.value
    return {query: Ranking(*(row.get(measure, 0.0) for measure in _MEASURES)) for query, row in figures.items()}


# --- decisions and confidence; every array `(n,)` ---


def mean(values: Numbers) -> float:
    """The mean; NaN of nothing."""
    return float(values.mean()) if len(values) else float("nan")


def decision(truth: Numbers, said: Numbers) -> tuple[float, float, float]:
    """Precision, recall and F1 of saying 1: zeros where 1 is never said; NaN where nothing is 1 in truth."""
    if not truth.any():
        return (float("nan"),) * 3
    both = float((truth * said).sum())
    precision, recall = both / said.sum() if said.any() else 0.0, both / truth.sum()
    return float(precision), float(recall), f1(float(precision), float(recall))


def balanced_accuracy(truth: Numbers, said: Numbers) -> float:
    """The mean of the shares said rightly of either kind; NaN where there is one kind only."""
    return mean(np.array([mean(said[truth == 1]), 1 - mean(said[truth == 0])]))


def best_balanced_accuracy(truth: Numbers, score: Numbers) -> float:
    """The balanced accuracy at the score that is best to say 1 from; NaN where there is one kind only."""
    if truth.all() or not truth.any():
        return float("nan")
    wrongly, rightly, _ = roc_curve(truth, score)
    return float(((rightly + 1 - wrongly) / 2).max())


def auroc(truth: Numbers, score: Numbers) -> float:
    """How probably a 1 scores above a 0, ties a half; NaN where there is one kind only."""
    return float(roc_auc_score(truth, score)) if truth.any() and not truth.all() else float("nan")


def risks(right: Numbers, confidence: Numbers) -> Numbers:
    """Of the most confident 1, 2, ... n, the share that is wrong, `(n,)`; among equals the wrong ones come first."""
    order = np.lexsort((right, -confidence))
    return np.asarray(np.cumsum(1 - right[order]) / np.arange(1, len(right) + 1))


def aurc(right: Numbers, confidence: Numbers) -> float:
    """Area under the risk-coverage curve (Geifman and El-Yaniv, 2017): the mean of `risks`. Lower is better."""
    return mean(risks(right, confidence))


def reliability(right: Numbers, confidence: Numbers) -> list[tuple[float, float, int]]:
    """For each tenth of confidence that has any: its mean confidence, the share that is right, and how many."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return [
        (mean(confidence[bins == each]), mean(right[bins == each]), int((bins == each).sum()))
        for each in sorted(set(bins.tolist()))
    ]


def ece(right: Numbers, confidence: Numbers) -> float:
    """Expected calibration error over ten equal bins (Guo et al., 2017). Lower is better.

    A confidence above 1 stands for an answer that was not given, and is wrong by 1.
    """
    given = confidence <= 1
    gaps = [abs(sure - share) * count for sure, share, count in reliability(right[given], confidence[given])]
    return float(sum(gaps) + (~given).sum()) / len(right) if len(right) else float("nan")


def percentile(values: Numbers, percent: float) -> float:
    """The least value that this percentage does not exceed; NaN of nothing."""
    return float(np.percentile(values, percent, method="inverted_cdf")) if len(values) else float("nan")
