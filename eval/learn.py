"""The reader's weights from training data: writes rag/calibration.json, with where it comes from.

    python -m eval learn squad/train-v1.1.json qed/train.jsonl

Half of the paragraphs are withheld: the questions on them have no answer in the library, though it shares their words.
Half of the articles teach the weights, a quarter the confidence and the threshold, and the last quarter tells the
figures. Use training data only: what it has seen can judge nothing.

SQuAD's questions were written by people who saw the paragraph, and share its words. QED's were typed into a search
engine by people who did not.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from eval import calibrate, formats, metrics
from eval.dataset import Dataset, Example, merged, thinned
from index import embeddings
from index.library import Library
from rag import calibration
from rag.answer import READ
from rag.calibration import Calibration, Fusion, Logistic, Weights
from rag.cite import cite
from rag.extract import extract
from rag.reader import FEATURES, TRUST_FEATURES, Candidate, FeatureReader, Features, trust_features, weigh
from rag.retrieve import BM25_ALONE, DENSE_ALONE, retrieve

_SEED = 7
_WITHHELD = 0.5
_WORTH = 0.25
_UNTAUGHT = Fusion(0.0)


@dataclass(frozen=True, slots=True)
class Read:
    """A question with its sentences' features and, for each sentence, 1 where it holds evidence."""

    example: Example
    sentences: tuple[Candidate, ...]
    features: Features
    right: Features


def main(
    squad: Annotated[Path, typer.Argument(help="A SQuAD 1.1 training file.", exists=True)],
    qed: Annotated[Path, typer.Argument(help="A QED training file.", exists=True)],
    articles: Annotated[int, typer.Option(help="How many SQuAD articles to take.")] = 90,
    questions: Annotated[int, typer.Option(help="How many SQuAD questions to ask, and half as many of QED's.")] = 4_000,
    precision: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the answers given that are to be right.")
    ] = 0.7,
) -> None:
    """Learn all that Footnote ships, from training data: fusion, reader, confidence, threshold."""
    sets = [some(formats.load(squad), articles).sample(questions), formats.load(qed).sample(questions // 2)]
    dataset = thinned(merged("training", sets), _WITHHELD, _SEED)
    with tempfile.TemporaryDirectory() as folder:
        library = Library(dataset.write(Path(folder)))
        library.sync()
        learned = learn(library, dataset.examples, precision)
        library.close()
    origin = f"{squad.name} (SQuAD 1.1), {qed.name} (QED); half of the paragraphs withheld"
    learned = replace(
        learned, provenance=f"{origin}, {len(dataset.examples)} questions, seed {_SEED}, {learned.provenance}"
    )
    typer.echo(f"{learned.provenance}\nWritten to {calibration.ship(learned)}.")


def some(dataset: Dataset, articles: int) -> Dataset:
    """The questions on some of the articles, and the documents that answer them."""
    titles = sorted({example.tags for example in dataset.examples})
    chosen = set(random.Random(_SEED).sample(titles, min(articles, len(titles))))
    examples = tuple(example for example in dataset.examples if example.tags in chosen)
    wanted = {evidence.document for example in examples for evidence in example.evidence}
    return Dataset(dataset.name, examples, {id: text for id, text in dataset.documents.items() if id in wanted})


def learn(library: Library, examples: Sequence[Example], precision: float) -> Calibration:
    """Learn everything from a library and questions on it, some without an answer there."""
    teach, fit, test = split(examples)
    fusion = calibrate.learn_fusion(library, teach, _UNTAUGHT)
    untaught = Calibration(Weights(_zeros(FEATURES), _zeros(TRUST_FEATURES), 1.0), fusion, calibrate.UNMAPPED, 0.0, "")
    numbers = replace(untaught, weights=learn_weights(library, teach, untaught))
    cut = calibrate.learn_cut(calibrate.ask_all(library, numbers, fit), precision)
    trials = calibrate.ask_all(library, numbers, test)
    provenance = (
        f"{time.strftime('%Y-%m-%d')}, for {precision:.1%} of the answers right. {_passages(library, test, fusion)} "
        f"Answers to {len(test)} questions held out: "
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


def learn_weights(library: Library, examples: Sequence[Example], untaught: Calibration) -> Weights:
    """What chooses a sentence, what trusts it, and what is quoted beside it."""
    reader = FeatureReader(embeddings.default(), untaught)
    reads = [read(library, reader, untaught.fusion, example) for example in examples]
    choice = _logistic(
        FEATURES, np.vstack([each.features for each in reads]), np.hstack([each.right for each in reads])
    )
    chosen = replace(untaught, weights=replace(untaught.weights, choice=choice))
    chosen = replace(chosen, weights=replace(chosen.weights, also=learn_also(reads, chosen)))
    told = [each for each in reads if each.sentences]
    trust = _logistic(
        TRUST_FEATURES,
        np.array([trust_features(each.sentences, each.features, choice) for each in told]),
        np.array([float(_any_right(each, _quoted(each, chosen))) for each in told]),
    )
    return replace(chosen.weights, trust=trust)


def read(library: Library, reader: FeatureReader, fusion: Fusion, example: Example) -> Read:
    """Retrieve and take the features of every sentence."""
    sentences, features = reader.features(example.question, retrieve(library, example.question, READ, fusion))
    return Read(example, sentences, features, np.array([float(_holds(example, each)) for each in sentences]))


def learn_also(reads: Sequence[Read], numbers: Calibration) -> float:
    """The least share of the best score at which a further sentence is worth quoting.

    Worth it is: where the best sentence is wrong though there is an answer, `_WORTH` of those added are right.
    """
    wrong = [each for each in reads if each.right.any() and not _any_right(each, _quoted(each, numbers)[:1])]
    for share in np.linspace(0.3, 0.95, 14).tolist():
        shared = replace(numbers, weights=replace(numbers.weights, also=share))
        quoted = [_quoted(each, shared) for each in wrong]
        added = sum(len(sentences) - 1 for sentences in quoted)
        if added and sum(_any_right(*pair) for pair in zip(wrong, quoted, strict=True)) / added >= _WORTH:
            return round(float(share), 3)
    return 1.0


def _quoted(each: Read, numbers: Calibration) -> tuple[Candidate, ...]:
    """What would be quoted, were everything answered."""
    return extract(weigh(each.sentences, each.features, numbers), numbers)


def _any_right(each: Read, sentences: Sequence[Candidate]) -> bool:
    return any(_holds(each.example, sentence) for sentence in sentences)


def _holds(example: Example, sentence: Candidate) -> bool:
    """Whether a sentence would be the right one to cite."""
    return example.evidenced_by(cite(1, sentence.hit.passage, sentence.span))


def _logistic(names: tuple[str, ...], features: Features, right: Features) -> Logistic:
    """A logistic regression, its scaling folded into its weights."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=5_000)).fit(features, right)
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - weights @ scaler.mean_)
    return Logistic(round(bias, 6), names, tuple(round(float(weight), 6) for weight in weights))


def _zeros(names: tuple[str, ...]) -> Logistic:
    return Logistic(0.0, names, (0.0,) * len(names))


def _passages(library: Library, examples: Sequence[Example], fusion: Fusion) -> str:
    looked_up = calibrate.look_up(library, examples)
    told = []
    for name, each in (("fused", fusion), ("BM25", BM25_ALONE), ("dense", DENSE_ALONE)):
        ranks = calibrate.ranks(looked_up, each)
        first, fifth = (metrics.mean((ranks <= place).astype(np.float64)) for place in (1, 5))
        told.append(f"{name} Hit@1 {first:.1%}, Hit@5 {fifth:.1%}")
    return f"Passages, held out: {'; '.join(told)}."
