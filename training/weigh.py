"""What weighs the cross-encoder's verdicts, from articles that it has not seen: writes rag/calibration.json.

A quarter of the paragraphs are withheld: what is asked about them has no answer in the library, though it shares their
words. Some questions are changed so that nothing answers them, some are made statements, true and false. Half of the
articles teach the weights, a quarter the confidence and the threshold, and the last quarter tells the figures.

SQuAD's questions were written by people who saw the paragraph, and share its words. QED's were typed into a search
engine by people who did not.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from eval import calibrate, metrics
from eval.dataset import Dataset, Evidence, Example
from eval.library import kept
from index.document import Span
from index.library import Library
from rag.calibration import Calibration, Fusion, Judge, Logistic, Weights, untaught
from rag.cite import cite
from rag.crossencoder import CrossEncoder, Scores
from rag.extract import extract
from rag.footnote import Footnote
from rag.reader import FEATURES, FIRST, MORE, Asked, Candidate, CrossReader, Features, is_statement
from rag.retrieve import BM25_ALONE, DENSE_ALONE, retrieve
from training.data import Twins, passage_of
from training.sets import thinned
from training.thesaurus import Thesaurus

_SEED = 7
_WITHHELD = 0.25  # of the paragraphs; with the changed ones, about half of the questions have no answer then
_AS_IT_IS, _CHANGED = 0.5, 0.2  # of the questions; the others are made statements


class Remembered:
    """A cross-encoder that reads no pair twice."""

    def __init__(self, encoder: CrossEncoder) -> None:
        self.name = encoder.name
        self._encoder = encoder
        self._known: dict[tuple[str, str], Scores] = {}

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        """See `CrossEncoder`."""
        new = [passage for passage in dict.fromkeys(passages) if (text, passage) not in self._known]
        self._known |= {
            (text, passage): scores for passage, scores in zip(new, self._encoder.read(text, new), strict=True)
        }
        return (self._known[text, passage] for passage in passages)


@dataclass(frozen=True, slots=True)
class Taught:
    """What was read for an example, `(n, len(FEATURES))`, and of each hit whether it holds the place and the answer."""

    features: Features
    there: Features
    right: Features


def weigh(whole: Library, unseen: Dataset, encoder: CrossEncoder, precision: float) -> Calibration:
    """Learn all that Footnote ships beside the network, from articles that the network has not seen.

    Args:
        whole: A library of all the set's documents.
        unseen: Questions on articles that the network has not seen.
        encoder: The trained cross-encoder.
        precision: Share of the answers given that are to be right.
    """
    ids = {evidence.document for each in unseen.examples for evidence in each.evidence}
    places = {each.id: each.evidence for each in unseen.examples}
    documents = {id: text for id, text in unseen.documents.items() if id in ids}
    varied = Dataset(unseen.name, tuple(vary(whole, unseen.examples)), documents)
    asked = thinned(varied, _WITHHELD, _SEED)
    library = Library(kept(asked))
    library.sync()
    learned = _learn(library, asked.examples, places, Remembered(encoder), precision)
    library.close()
    return learned


def vary(whole: Library, examples: Sequence[Example]) -> Iterator[Example]:
    """Each question as it is, changed so that nothing answers it, or made a statement, true or false."""
    twins = Twins(examples, Thesaurus(whole.embedder, (each.question for each in examples)))
    rng = random.Random(_SEED)
    for example in examples:
        own, drawn = passage_of(whole, example), rng.random()
        silent = replace(example, answerable=False, answers=(), evidence=())
        if own is None or drawn < _AS_IT_IS:
            yield example
        elif drawn < _AS_IT_IS + _CHANGED:
            changed = twins.question(example, own, rng)
            yield replace(silent, question=changed) if changed else example
        elif made := twins.statements(example, own, rng):
            true = rng.random() < 0.5
            held = (Evidence(own.document_id, own.text, Span(own.start, own.end)),)
            stated = replace(example, question=made[0], answers=(), evidence=held)
            yield stated if true else replace(silent, question=made[1])
        else:
            yield example


def _learn(
    library: Library,
    examples: Sequence[Example],
    places: Mapping[str, tuple[Evidence, ...]],
    encoder: CrossEncoder,
    precision: float,
) -> Calibration:
    """Learn everything from a library and questions on it, some without an answer there."""
    teach, fit, test = split(examples)
    base = untaught(encoder.name, FEATURES)
    fusion = calibrate.learn_fusion(library, teach, base.fusion)
    reader = CrossReader(encoder, base.weights)
    reads = {
        kind: [
            taught(library, reader, fusion, example, places[example.id])
            for example in teach
            if is_statement(example.question) == kind
        ]
        for kind in (False, True)
    }
    weights = Weights(encoder.name, question=judge(reads[False]), statement=judge(reads[True]), also=1.0)
    numbers = replace(base, fusion=fusion, weights=weights, threshold=0.0)
    also = learn_also(library, encoder, numbers, [each for each in teach if each.evidence])
    numbers = replace(numbers, weights=replace(numbers.weights, also=also))
    docs = Footnote(library, CrossReader(encoder, numbers.weights), numbers)
    cut = calibrate.learn_cut(calibrate.ask_all(docs, numbers, fit), precision)
    trials = calibrate.ask_all(docs, numbers, test)
    provenance = (
        f"{len(examples)} questions and statements on articles that the network has not seen, {_WITHHELD:.0%} of the "
        f"paragraphs withheld, seed {_SEED}, {time.strftime('%Y-%m-%d')}, for {precision:.1%} of the answers right. "
        f"{_passages(library, test, fusion)} Answers to {len(test)} held out: "
        f"{calibrate.told(trials, cut.sure(trials), cut.given(trials))}"
    )
    return replace(numbers, confidence=cut.confidence, threshold=round(cut.threshold, 4), provenance=provenance)


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example], list[Example]]:
    """Half, a quarter and a quarter of the articles, no article in two."""
    titles = sorted({example.tags for example in examples})
    random.Random(_SEED).shuffle(titles)
    place = {title: number / len(titles) for number, title in enumerate(titles)}
    borders = ((0.0, 0.5), (0.5, 0.75), (0.75, 1.0))
    first, second, third = ([each for each in examples if low <= place[each.tags] < high] for low, high in borders)
    return first, second, third


def taught(
    library: Library, reader: CrossReader, fusion: Fusion, example: Example, place: tuple[Evidence, ...]
) -> Taught:
    """Retrieve and read for an example, whose place is known even where its text was changed."""
    hits = retrieve(library, example.question, FIRST, fusion)
    asked = Asked(example.question, is_statement(example.question))
    features = [read.features for read in reader.scored(asked, hits)]
    return Taught(
        np.array(features, dtype=np.float64).reshape(-1, len(FEATURES)),
        np.array([any(each.overlaps(hit.passage) for each in place) for hit in hits], dtype=np.float64),
        np.array([example.evidenced_by(hit.passage) for hit in hits], dtype=np.float64),
    )


def judge(reads: Sequence[Taught]) -> Judge:
    """What tells the passage to look at, and the one that answers."""
    features = np.vstack([each.features for each in reads])
    there, right = np.hstack([each.there for each in reads]), np.hstack([each.right for each in reads])
    return Judge(_ranking(reads, features, there), _logistic(features, right))


def _ranking(reads: Sequence[Taught], features: Features, there: Features) -> Logistic:
    """A logistic regression whose weights come from comparing the passages of a question with one another.

    Taught with all passages of all questions together, it would also weigh what tells easy questions from hard ones,
    which puts no passage before another (Joachims, Optimizing Search Engines using Clickthrough Data, KDD 2002).
    """
    apart = [
        right - wrong
        for each in reads
        for right in each.features[each.there == 1]
        for wrong in each.features[each.there == 0]
    ]
    scale = np.std(features, axis=0)
    scale[scale == 0] = 1
    both = np.vstack([apart, np.negative(apart)]) / scale
    better = np.repeat([1.0, 0.0], len(apart))
    weights = LogisticRegression(C=1.0, fit_intercept=False, max_iter=5_000).fit(both, better).coef_[0] / scale
    sure = LogisticRegression().fit((features @ weights)[:, None], there)
    return _rounded(float(sure.intercept_[0]), weights * sure.coef_[0, 0])


def learn_also(library: Library, encoder: CrossEncoder, numbers: Calibration, examples: Sequence[Example]) -> float:
    """The share of the best score at which a further sentence is quoted: the one with the best F2 of citations.

    F2 (van Rijsbergen, 1979) weighs recall twice: a fact left out is worse than a sentence too many.
    """
    reader = CrossReader(encoder, numbers.weights)
    readings = [
        (example, reader.read(example.question, retrieve(library, example.question, FIRST + MORE, numbers.fusion)))
        for example in examples
    ]

    def reached(share: float) -> float:
        shared = replace(numbers, weights=replace(numbers.weights, also=share))
        return metrics.mean(np.array([_cited_rightly(each, extract(reading, shared)) for each, reading in readings]))

    shares: list[float] = np.linspace(0.05, 1.0, 20).round(3).tolist()
    return max(shares, key=reached)


def _cited_rightly(example: Example, sentences: Sequence[Candidate]) -> float:
    """F2 of the citations that quote some sentences."""
    cited = [cite(1, each.hit.passage, each.span) for each in sentences]
    precision = metrics.citation_precision(cited, example.evidence)
    recall = metrics.citation_recall(cited, example.evidence)
    return 5 * precision * recall / (4 * precision + recall) if precision + recall else 0.0


def _logistic(features: Features, right: Features) -> Logistic:
    """A logistic regression, its scaling folded into its weights."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=5_000)).fit(features, right)
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    return _rounded(float(regression.intercept_[0] - weights @ scaler.mean_), weights)


def _rounded(bias: float, weights: Features) -> Logistic:
    return Logistic(round(bias, 6), FEATURES, tuple(round(float(weight), 6) for weight in weights))


def _passages(library: Library, examples: Sequence[Example], fusion: Fusion) -> str:
    looked_up = calibrate.look_up(library, examples)
    told = []
    for name, each in (("fused", fusion), ("BM25", BM25_ALONE), ("dense", DENSE_ALONE)):
        ranks = calibrate.ranks(looked_up, each)
        first, fifth = (metrics.mean((ranks <= place).astype(np.float64)) for place in (1, 5))
        told.append(f"{name} Hit@1 {first:.1%}, Hit@5 {fifth:.1%}")
    return f"Passages, held out: {'; '.join(told)}."
