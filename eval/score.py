"""A run -> the numbers of each example, and the figures of all: what is counted, over what.

An example without a result gets the worst of every number, so that leaving it out raises no figure.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from eval import metrics
from eval.dataset import Example
from eval.metrics import Numbers, Overlap, Ranking, mean
from eval.run import Ranked, Result, Run
from rag.answer import Answer

Step = Literal[
    "", "not asked", "not retrieved", "retrieved but not chosen", "wrongly abstained", "answered the unanswerable"
]
"""Which step failed an example; "" where none did."""

STEPS: tuple[Step, ...] = (
    "answered the unanswerable",
    "wrongly abstained",
    "retrieved but not chosen",
    "not retrieved",
    "not asked",
)

SHOWN = 5  # passages a reader is shown, for the figures of how passages are cut
_RESAMPLES = 1_000
_SEED = 7
_NEVER = float("inf")
_RANKED: tuple[Literal["documents", "passages"], ...] = ("documents", "passages")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The numbers of one example; None where its gold does not say.

    Attributes:
        example: What was asked.
        result: What came of it, or None.
        answered: 1 where Footnote answered, else 0; of a missing result the wrong one of the two.
        right: 1 where the answer, given or withheld, cites the evidence.
        exact_match: SQuAD's, of the short answer, or of the text where there is none.
        f1: Likewise.
        f1_said: Likewise, of the answer that was given or withheld.
        exact_quotes: Share of the quotes that stand in their document where they say; 1 where nothing is quoted.
        citation_precision: Share of the citations that point at evidence.
        citation_recall: Share of the facts for which evidence is cited.
        cited: The cited characters against the evidence.
        documents: How the ranking of documents does.
        passages: How the ranking of passages does.
        shown: The characters of the first passages against the evidence.
        step: Which step failed.
    """

    example: Example
    result: Result | None
    answered: float
    right: float
    exact_match: float | None
    f1: float | None
    f1_said: float | None
    exact_quotes: float
    citation_precision: float | None
    citation_recall: float | None
    cited: Overlap | None
    documents: Ranking | None
    passages: Ranking | None
    shown: Overlap | None
    step: Step

    @property
    def answerable(self) -> float:
        """1 where the documents hold an answer."""
        return float(self.example.answerable)

    @property
    def citation_f1(self) -> float | None:
        """The harmonic mean of the two."""
        if self.citation_precision is None or self.citation_recall is None:
            return None
        return metrics.f1(self.citation_precision, self.citation_recall)


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of many outcomes.

    Attributes:
        name: What tables and floors call it.
        row: An outcome's numbers for it, or None where it does not count. Whether it counts is told by the gold alone.
        of: The figure of all rows `(n, columns)`; NaN where it has no meaning.
        better: Which way is up.
    """

    name: str
    row: Callable[[Outcome], Sequence[float] | None]
    of: Callable[[Numbers], float]
    better: Literal["higher", "lower"] = "higher"

    def rows(self, outcomes: Iterable[Outcome]) -> Numbers:
        """The numbers that the figure is of, `(n, columns)`."""
        return np.array([row for row in map(self.row, outcomes) if row is not None], dtype=np.float64)

    def value(self, outcomes: Iterable[Outcome]) -> float:
        """The figure of some outcomes; NaN where it has no meaning."""
        rows = self.rows(outcomes)
        return self.of(rows) if len(rows) else float("nan")


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value over `count` examples, and its 95 % interval by the percentile bootstrap (Efron, 1979)."""

    metric: Metric
    value: float
    low: float
    high: float
    count: int


def outcomes(run: Run) -> tuple[Outcome, ...]:
    """The numbers of every example of a run, in the order of the set."""
    examples, results = run.header.examples, run.results
    documents = document_rankings(examples, {id: result.hits for id, result in results.items()})
    passages = metrics.rankings(
        {each.id: dict.fromkeys(results[each.id].relevant if each.id in results else (), 1) for each in examples},
        {id: [hit.id for hit in result.hits] for id, result in results.items()},
    )
    return tuple(_outcome(each, results.get(each.id), documents[each.id], passages[each.id]) for each in examples)


def document_rankings(examples: Sequence[Example], found: Mapping[str, Sequence[Ranked]]) -> dict[str, Ranking]:
    """For each example how the documents are ranked, each by its first passage."""
    return metrics.rankings(
        {each.id: {evidence.document: evidence.grade for evidence in each.evidence} for each in examples},
        {id: list(dict.fromkeys(hit.document_id for hit in hits)) for id, hits in found.items()},
    )


def figures(outcomes: Sequence[Outcome]) -> tuple[Figure, ...]:
    """Every metric that has a meaning here, with its interval."""
    every = (_figure(metric, metric.rows(outcomes)) for metric in METRICS)
    return tuple(figure for figure in every if not np.isnan(figure.value))


def interval(statistic: Callable[[npt.NDArray[np.int64]], float], count: int) -> tuple[float, float]:
    """The 95 % interval of a statistic of some of `count` rows, by drawing as many rows with replacement."""
    chance = np.random.default_rng(_SEED)
    drawn = np.array([statistic(chance.integers(0, count, count)) for _ in range(_RESAMPLES)])
    drawn = drawn[~np.isnan(drawn)]
    return metrics.percentile(drawn, 2.5), metrics.percentile(drawn, 97.5)


def right(answer: Answer, example: Example) -> bool:
    """Whether an answer cites evidence; where the set names none, whether there is something to answer with."""
    if not example.answerable or answer.status == "abstained":
        return False
    return not example.evidence or any(example.evidenced_by(citation) for citation in answer.citations)


def _figure(metric: Metric, rows: Numbers) -> Figure:
    if not len(rows) or np.isnan(value := metric.of(rows)):
        return Figure(metric, *(float("nan"),) * 3, len(rows))
    return Figure(metric, value, *interval(lambda picked: metric.of(rows[picked]), len(rows)), len(rows))


# --- one example ---


def _outcome(example: Example, result: Result | None, documents: Ranking, passages: Ranking) -> Outcome:
    evidence = example.evidence
    spanned = bool(evidence) and all(each.span for each in evidence)
    cited = result.answer.citations if result else ()
    first = result.hits[:SHOWN] if result else ()
    answered = float(result.answer.status == "answered") if result else float(not example.answerable)
    rightly = float(result is not None and right(result.said, example))
    answers = example.answers if example.answerable else ("",)
    return Outcome(
        example=example,
        result=result,
        answered=answered,
        right=rightly,
        exact_match=_compared(metrics.exact_match, result.answer if result else None, answers),
        f1=_compared(metrics.token_f1, result.answer if result else None, answers),
        f1_said=_compared(metrics.token_f1, result.said if result else None, answers),
        exact_quotes=_exact(result) if result else 0.0,
        citation_precision=metrics.citation_precision(cited, evidence) if evidence else None,
        citation_recall=metrics.citation_recall(cited, evidence) if evidence else None,
        cited=metrics.overlap(cited, evidence) if spanned else None,
        documents=documents if evidence and not example.within else None,
        passages=passages if spanned else None,
        shown=metrics.overlap(first, evidence) if spanned else None,
        step=_step(example, result, answered=answered, right=rightly),
    )


def _compared(
    metric: Callable[[str, Sequence[str]], float], answer: Answer | None, answers: Sequence[str]
) -> float | None:
    """A metric of the answer's words against the short answers; None where there are none."""
    if not answers:
        return None
    if answer is None:
        return 0.0
    return metric(answer.text[answer.short.start : answer.short.end] if answer.short else answer.text, answers)


def _exact(result: Result) -> float:
    same = [each.quote == stands for each, stands in zip(result.answer.citations, result.stands, strict=True)]
    return sum(same) / len(same) if same else 1.0


def _step(example: Example, result: Result | None, *, answered: float, right: float) -> Step:
    if result is None:
        return "not asked"
    if not example.answerable:
        return "answered the unanswerable" if answered else ""
    if right:
        return "" if answered else "wrongly abstained"
    read = {hit.passage.id for hit in result.answer.hits}
    return "retrieved but not chosen" if read & set(result.relevant) else "not retrieved"


# --- the metrics ---


def _mean_of(name: str, part: Literal["documents", "passages", "shown", "cited"], field: str) -> Metric:
    """The mean of a number of one part of the outcomes."""

    def row(outcome: Outcome) -> Sequence[float] | None:
        found: Ranking | Overlap | None = getattr(outcome, part)
        return None if found is None else (getattr(found, field),)

    return Metric(name, row, _mean)


def _mean(rows: Numbers) -> float:
    return mean(rows[:, 0])


def _one(value: float | None) -> Sequence[float] | None:
    return None if value is None else (value,)


def _of_answerable(rows: Numbers) -> float:
    """The mean of the second column, where the set has answers at all."""
    return mean(rows[:, 1]) if rows[:, 0].any() else float("nan")


def _with_answerable(outcome: Outcome, value: float | None) -> Sequence[float] | None:
    return None if value is None else (outcome.answerable, value)


def _said(outcome: Outcome) -> Sequence[float]:
    """Whether it was said and right; a missing result was said and wrong."""
    return (outcome.answered, outcome.right) if outcome.result else (1.0, 0.0)


def _trusted(outcome: Outcome) -> Sequence[float]:
    """Answerable or not, and the confidence; a missing result is on the wrong side of all."""
    missing = -1.0 if outcome.answerable else 2.0
    return outcome.answerable, outcome.result.answer.confidence if outcome.result else missing


def sure(outcome: Outcome) -> tuple[float, float]:
    """Right or not, and the confidence; a missing result is wrong beyond all confidence."""
    return outcome.right, outcome.result.answer.confidence if outcome.result else 2.0


def _abstained(outcome: Outcome) -> Sequence[float]:
    return 1 - outcome.answerable, 1 - outcome.answered


def _seconds(outcome: Outcome) -> Sequence[float]:
    return (outcome.result.seconds if outcome.result else _NEVER,)


METRICS: tuple[Metric, ...] = (
    *(
        _mean_of(f"{part}: {name}", part, field)
        for part in _RANKED
        for name, field in (
            ("hit@1", "hit_1"),
            ("hit@5", "hit_5"),
            ("hit@10", "hit_10"),
            ("recall@5", "recall_5"),
            ("recall@10", "recall_10"),
            ("MRR", "mrr"),
            ("nDCG@10", "ndcg_10"),
        )
    ),
    _mean_of("top 5 passages: recall", "shown", "recall"),
    _mean_of("top 5 passages: precision", "shown", "precision"),
    _mean_of("top 5 passages: IoU", "shown", "iou"),
    Metric(
        "answers: recall",
        lambda o: (o.answered * o.right,) if o.example.answerable else None,
        _mean,
    ),
    Metric("answers: precision", _said, lambda rows: mean(rows[rows[:, 0] == 1, 1])),
    Metric("answers: exact match", lambda o: _with_answerable(o, o.exact_match), _of_answerable),
    Metric("answers: F1", lambda o: _with_answerable(o, o.f1), _of_answerable),
    Metric("answers: F1 of the answerable", lambda o: _one(o.f1) if o.example.answerable else None, _mean),
    Metric(
        "answers: F1 of the answerable, none withheld",
        lambda o: _one(o.f1_said) if o.example.answerable else None,
        _mean,
    ),
    Metric("citations: exact quotes", lambda o: (o.exact_quotes,), _mean),
    Metric("citations: precision", lambda o: _one(o.citation_precision), _mean),
    Metric("citations: recall", lambda o: _one(o.citation_recall), _mean),
    Metric("citations: F1", lambda o: _one(o.citation_f1), _mean),
    _mean_of("citations: span IoU", "cited", "iou"),
    Metric("abstention: precision", _abstained, lambda rows: metrics.decision(rows[:, 0], rows[:, 1])[0]),
    Metric("abstention: recall", _abstained, lambda rows: metrics.decision(rows[:, 0], rows[:, 1])[1]),
    Metric("abstention: F1", _abstained, lambda rows: metrics.decision(rows[:, 0], rows[:, 1])[2]),
    Metric("abstention: balanced accuracy", _abstained, lambda rows: metrics.balanced_accuracy(rows[:, 0], rows[:, 1])),
    Metric("confidence: AUROC", _trusted, lambda rows: metrics.auroc(rows[:, 0], rows[:, 1])),
    Metric(
        "confidence: best balanced accuracy",
        _trusted,
        lambda rows: metrics.best_balanced_accuracy(rows[:, 0], rows[:, 1]),
    ),
    Metric("confidence: AURC", sure, lambda rows: metrics.aurc(rows[:, 0], rows[:, 1]), "lower"),
    Metric("confidence: ECE", sure, lambda rows: metrics.ece(rows[:, 0], rows[:, 1]), "lower"),
    Metric("seconds: p50", _seconds, lambda rows: metrics.percentile(rows[:, 0], 50), "lower"),
    Metric("seconds: p95", _seconds, lambda rows: metrics.percentile(rows[:, 0], 95), "lower"),
)

BY_NAME = {metric.name: metric for metric in METRICS}
