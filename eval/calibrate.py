"""The fusion, the confidence and the threshold from a set of questions: a person's own, or training data."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from eval import metrics, score
from eval.dataset import Dataset, Example
from eval.library import ReaderName, opened
from eval.metrics import Numbers
from index.errors import DatasetError
from index.library import Library
from rag import calibration, crossencoder
from rag.calibration import Calibration, Fusion, Platt
from rag.footnote import Footnote
from rag.reader import known
from rag.retrieve import Found, fuse, search

_GRID = tuple(Fusion(round(bm25, 4)) for bm25 in np.linspace(0.0, 0.05, 21).tolist())
_FOLDS = 5
_LEAST = 20  # questions of either kind, right and not
_SEED = 7
_EPSILON = 1e-9
UNMAPPED = Platt(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Trials:
    """What came of questions that were all answered: an entry of each array `(n,)` a question.

    Attributes:
        right: 1 where the answer cites the evidence.
        answerable: 1 where the documents hold an answer.
        logits: The reader's trust in its answer.
    """

    right: Numbers
    answerable: Numbers
    logits: Numbers

    def take(self, places: npt.NDArray[np.int64]) -> "Trials":
        """Some of them."""
        return Trials(self.right[places], self.answerable[places], self.logits[places])


@dataclass(frozen=True, slots=True)
class Cut:
    """How the reader's trust becomes a confidence, and the confidence under which Footnote abstains."""

    confidence: Platt
    threshold: float

    def sure(self, trials: Trials) -> Numbers:
        """The confidence of each answer, 0..1."""
        return np.asarray(1 / (1 + np.exp(-(self.confidence.slope * trials.logits + self.confidence.offset))))

    def given(self, trials: Trials) -> Numbers:
        """1 where an answer is given, 0 where Footnote abstains."""
        return (self.sure(trials) >= self.threshold).astype(np.float64)


def main(
    examples: Annotated[
        Path, typer.Argument(metavar="SET", help="Your questions, some of which nothing answers.", exists=True)
    ],
    documents: Annotated[
        Path | None, typer.Option(help="The folder they ask about, whose library keeps what is learned; or seeds/.")
    ] = None,
    library: Annotated[
        Path | None, typer.Option(help="Where that folder's library lives; FOLDER/.footnote unless you say.")
    ] = None,
    reader: ReaderName = None,
    precision: Annotated[
        float, typer.Option(min=0.05, max=0.99, help="Share of the answers given that are to be right.")
    ] = 0.8,
) -> None:
    """Calibrate a folder's library on your own questions; its answers follow from then on."""
    numbers = known(crossencoder.full_name(reader))
    with opened(examples, documents, home=library, reader=reader, numbers=numbers) as (docs, dataset):
        before = as_it_is(docs, dataset)
        learned = calibrate(docs, dataset, precision)
        path = calibration.save(learned, docs.library.home)
    typer.echo(f"As shipped: {before}\nCalibrated: {learned.provenance}")
    typer.echo(f"Kept in {path}; start the chat again to use it, or delete it to go back.")


def calibrate(docs: Footnote, dataset: Dataset, precision: float) -> Calibration:
    """Learn fusion, confidence and threshold; the provenance tells what they make of questions not learned from.

    Raises:
        DatasetError: The set has too few questions of either kind, or no threshold reaches the precision.
    """
    fusion = learn_fusion(docs.library, dataset.examples, docs.calibration.fusion)
    untaught = replace(docs.calibration, fusion=fusion)
    trials = ask_all(docs, untaught, dataset.examples)
    cut = learn_cut(trials, precision)
    provenance = (
        f"{dataset.name}, {len(dataset.examples)} questions, {time.strftime('%Y-%m-%d')}, for {precision:.1%} of the "
        f"answers right. Confidence and threshold in {_FOLDS} folds: {told(trials, *_in_folds(trials, precision))}"
    )
    return replace(untaught, confidence=cut.confidence, threshold=cut.threshold, provenance=provenance)


def as_it_is(docs: Footnote, dataset: Dataset) -> str:
    """What comes of a set with the calibration there is."""
    numbers = docs.calibration
    trials = ask_all(docs, numbers, dataset.examples)
    cut = Cut(numbers.confidence, numbers.threshold)
    return told(trials, cut.sure(trials), cut.given(trials))


def learn_fusion(library: Library, examples: Sequence[Example], known: Fusion) -> Fusion:
    """The fusion that puts the first passage with evidence highest, by mean reciprocal rank; of equals the nearest."""
    looked_up = look_up(library, examples)
    if not looked_up:
        return known
    return max(_GRID, key=lambda each: (metrics.mean(1 / ranks(looked_up, each)), -abs(each.bm25 - known.bm25)))


def look_up(library: Library, examples: Sequence[Example]) -> list[tuple[Found, frozenset[str]]]:
    """What the searches find for each question with evidence, and the ids of the passages that hold some."""
    looked_up = []
    for example in examples:
        if example.evidence:
            found = search(library, example.question, example.within or None)
            passages = library.passages(found.cosines).values()
            looked_up.append((found, frozenset(each.id for each in passages if example.evidenced_by(each))))
    return looked_up


def ranks(looked_up: Sequence[tuple[Found, frozenset[str]]], fusion: Fusion) -> Numbers:
    """The rank of the first passage with evidence, infinite where none is found, `(n,)`."""
    return np.array(
        [
            next((rank for rank, id in enumerate(fuse(found, fusion), start=1) if id in right), np.inf)
            for found, right in looked_up
        ],
        dtype=np.float64,
    )


def ask_all(docs: Footnote, numbers: Calibration, examples: Sequence[Example]) -> Trials:
    """Have every question answered with these numbers, threshold or not."""
    always = Footnote(docs.library, docs.reader, replace(numbers, confidence=UNMAPPED, threshold=0.0))
    answers = [always.ask(example.question, documents=example.within or None) for example in examples]
    sure = np.clip([answer.confidence for answer in answers], _EPSILON, 1 - _EPSILON)
    return Trials(
        right=np.array([score.right(*pair) for pair in zip(answers, examples, strict=True)], dtype=np.float64),
        answerable=np.array([example.answerable for example in examples], dtype=np.float64),
        logits=np.log(sure / (1 - sure)),
    )


def learn_cut(trials: Trials, precision: float) -> Cut:
    """The map of confidence (Platt, 1999), and the least threshold at which `precision` of the answers are right.

    Raises:
        DatasetError: There are too few questions of either kind, or no threshold reaches the precision.
    """
    right, wrong = int(trials.right.sum()), int((1 - trials.right).sum())
    if min(right, wrong) < _LEAST:
        raise DatasetError(
            f"Of the questions {right} can be answered rightly and {wrong} not, and {_LEAST} of either are needed; add "
            f"questions, with some that nothing answers."
        )
    cut = _cut(trials, precision)
    if cut.confidence.slope <= 0:
        raise DatasetError("The reader is no surer of right answers than of wrong ones; calibrate on other questions.")
    reached = metrics.mean(trials.right[cut.given(trials) == 1])
    if reached < precision:
        raise DatasetError(f"No threshold makes {precision:.1%} of the answers right; {reached:.1%} is the most.")
    return cut


def told(trials: Trials, sure: Numbers, given: Numbers) -> str:
    """What comes of questions whose answers have this confidence `(n,)` and are given or not `(n,)`."""
    answerable, others = trials.answerable == 1, trials.answerable == 0
    parts = [
        f"{metrics.mean(given[answerable]):.1%} of the answerable are answered",
        f"{metrics.mean(trials.right[answerable][given[answerable] == 1]):.1%} of these rightly",
        f"{metrics.mean(trials.right[given == 1]):.1%} of all answers given are right",
        f"confidence: AUROC of right or wrong {metrics.auroc(trials.right, sure):.3f}",
        f"ECE {metrics.ece(trials.right, sure):.3f}",
    ]
    if others.any():
        parts.insert(2, f"{1 - metrics.mean(given[others]):.1%} of the others are refused")
        parts.append(f"AUROC of answerable or not {metrics.auroc(trials.answerable, sure):.3f}")
    return f"{'; '.join(parts)}."


def _in_folds(trials: Trials, precision: float) -> tuple[Numbers, Numbers]:
    """The confidence of each answer, and 1 where it is given, each by a cut that the others taught."""
    sure, given = np.zeros(len(trials.right)), np.zeros(len(trials.right))
    for others, own in KFold(_FOLDS, shuffle=True, random_state=_SEED).split(sure):
        cut, judged = _cut(trials.take(others), precision), trials.take(own)
        sure[own], given[own] = cut.sure(judged), cut.given(judged)
    return sure, given


def _cut(trials: Trials, precision: float) -> Cut:
    """The cut, at the highest precision there is where the wished one is not."""
    confidence = platt(trials.right, trials.logits)
    sure = Cut(confidence, 0.0).sure(trials)
    shares = 1 - metrics.risks(trials.right, sure)
    last = int(np.flatnonzero(shares >= min(precision, shares.max()))[-1])  # the last answer given, surest first
    ordered = np.sort(sure)[::-1]
    under = ordered[last + 1] if last + 1 < len(ordered) else 0.0
    return Cut(confidence, float(ordered[last] + under) / 2)


def platt(right: Numbers, logits: Numbers) -> Platt:
    """Platt's fit: no penalty and, in its place, targets a little inside 0 and 1, so that few answers teach it too."""
    positive, count = right.sum(), len(right)
    target = np.where(right == 1, (positive + 1) / (positive + 2), 1 / (count - positive + 2))
    both, kinds = np.tile(logits, 2)[:, None], np.repeat((1, 0), count)
    model = LogisticRegression(C=np.inf).fit(both, kinds, sample_weight=np.hstack([target, 1 - target]))
    return Platt(round(float(model.coef_[0, 0]), 6), round(float(model.intercept_[0]), 6))
