"""Thresholds and weights from data, never typed in: writes rag/calibration.json, with where it comes from.

    python -m eval.calibrate squad/train-v1.1.json qed/train.jsonl

Of some SQuAD articles and QED paragraphs half become a library; the questions on the other half have no
answer in it, though documents in it share their words. Two thirds of the articles teach, the last third
tells the figures. Use training data only: what it has seen can judge nothing.

SQuAD's questions were written by people who saw the paragraph, and share its words. QED's were typed into
a search engine by people who did not.
"""

import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from index import embeddings
from index.document import Span, canonical
from index.library import Library
from index.passages import Passage
from rag.answer import READ
from rag.calibration import Calibration, Fusion, Logistic
from rag.extract import extract
from rag.reader import FEATURES, TRUST_FEATURES, Candidate, FeatureReader, Features, Reading, trust_features, weigh
from rag.retrieve import Found, fuse, retrieve, search

_SEED = 7
_REFUSED = 0.8
_WORTH = 0.25


@dataclass(frozen=True, slots=True)
class Question:
    """A question on an article; `answer` is where its answer starts in the article's document, or None."""

    text: str
    article: str
    answer: int | None


@dataclass(frozen=True, slots=True)
class Read:
    """A question with its sentences' features and, for each sentence, whether the answer starts in it."""

    question: Question
    sentences: tuple[Candidate, ...]
    features: Features
    right: Features


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the choice makes of a question.

    Attributes:
        features: `TRUST_FEATURES` of the best sentence.
        confidence: How far the best sentence is trusted.
        first: Whether the best sentence holds the answer.
        right: Whether one of those quoted does.
        found: Whether any that was read does.
        answerable: Whether the library holds an answer.
    """

    features: Features
    confidence: float
    first: bool
    right: bool
    found: bool
    answerable: bool


def main(
    squad: Annotated[Path, typer.Argument(help="A SQuAD 1.1 training file.")],
    qed: Annotated[Path, typer.Argument(help="A QED training file.")],
    articles: Annotated[int, typer.Option(help="How many SQuAD articles to take.")] = 90,
    questions: Annotated[int, typer.Option(help="How many SQuAD questions to ask, and half as many of QED's.")] = 4_000,
    out: Annotated[Path, typer.Option(help="Where to write.")] = Path("rag/calibration.json"),
) -> None:
    """Learn the fusion, the choice of a sentence, the trust in it and the threshold; write them down."""
    with tempfile.TemporaryDirectory() as folder:
        asked = [
            *_sample(half_squad(squad, articles, Path(folder)), questions),
            *_sample(half_qed(qed, Path(folder)), questions // 2),
        ]
        library = Library(Path(folder))
        library.sync()
        calibration = calibrate(library, asked, f"{squad.name} (SQuAD 1.1), {qed.name} (QED)")
        library.close()
    write(calibration, out)
    typer.echo(calibration.provenance)


def half_squad(squad: Path, articles: int, folder: Path) -> Iterator[Question]:
    """Write half of each article's paragraphs as a document; yield the questions on both halves."""
    chance = random.Random(_SEED)
    data = json.loads(squad.read_text(encoding="utf-8"))["data"]
    for article in chance.sample(sorted(data, key=lambda each: str(each["title"])), articles):
        name, text = f"{article['title'].replace('/', '_')}.txt", ""
        for paragraph in article["paragraphs"]:
            context = paragraph["context"]
            if canonical(context) != (context, 0):
                continue
            kept = chance.random() < 0.5
            for each in paragraph["qas"]:
                start = len(text) + each["answers"][0]["answer_start"]
                yield Question(each["question"], f"{folder.name}/{name}", start if kept else None)
            text += f"{context}\n\n" if kept else ""
        (folder / name).write_text(text, encoding="utf-8")


def half_qed(qed: Path, folder: Path) -> Iterator[Question]:
    """Write half of QED's paragraphs as a document each; yield the questions that one sentence answers."""
    chance = random.Random(_SEED)
    names: dict[str, str] = {}
    kept: set[str] = set()
    for example in map(json.loads, qed.read_text(encoding="utf-8").splitlines()):
        context = example["paragraph_text"]
        if example["answer_type"] != "single_sentence" or canonical(context) != (context, 0):
            continue
        if context not in names:
            names[context] = name = f"qed-{len(names)}.txt"
            if chance.random() < 0.5:
                kept.add(name)
                (folder / name).write_text(context, encoding="utf-8")
        name = names[context]
        start = example["answer_spans"][0][0] if name in kept else None
        yield Question(f"{example['question_text']}?", f"{folder.name}/{name}", start)


def calibrate(library: Library, questions: Sequence[Question], source: str) -> Calibration:
    """Learn everything from a library and questions on it, some without an answer there."""
    articles = sorted({question.article for question in questions})
    random.Random(_SEED).shuffle(articles)
    taught = set(articles[: len(articles) * 2 // 3])
    teach = [question for question in questions if question.article in taught]
    test = [question for question in questions if question.article not in taught]

    fusion, fusion_figures = learn_fusion(library, teach, test)
    untaught = Calibration(fusion, _zeros(FEATURES), _zeros(TRUST_FEATURES), 0.0, 0.0, "")
    reader = FeatureReader(embeddings.default(), untaught)
    taught_reads = [read(library, reader, fusion, question) for question in teach]
    test_reads = [read(library, reader, fusion, question) for question in test]

    choice = learn(
        FEATURES, np.vstack([each.features for each in taught_reads]), np.hstack([each.right for each in taught_reads])
    )
    also = learn_also(taught_reads, replace(untaught, choice=choice))
    untrusted = replace(untaught, choice=choice, also=also)
    outcomes = [_outcome(each, untrusted) for each in taught_reads]
    trust = learn(
        TRUST_FEATURES,
        np.array([each.features for each in outcomes]),
        np.array([float(each.right) for each in outcomes]),
    )
    trusted = replace(untrusted, trust=trust)
    threshold = learn_threshold([_outcome(each, trusted) for each in taught_reads])
    provenance = (
        f"{source}; half of the paragraphs withheld, {len(questions)} questions, seed {_SEED}, "
        f"{time.strftime('%Y-%m-%d')}. {fusion_figures} "
        f"{figures([_outcome(each, trusted) for each in test_reads], threshold)}"
    )
    return replace(trusted, threshold=threshold, provenance=provenance)


def learn_fusion(library: Library, teach: Sequence[Question], test: Sequence[Question]) -> tuple[Fusion, str]:
    """The fusion with the best mean reciprocal rank of the answer's passage, and its figures."""
    grid = [Fusion(k, dense, 1.0) for k in (5.0, 10.0, 20.0, 60.0) for dense in (0.3, 0.5, 0.7, 1.0)]
    looked_up = _look_up(library, teach)
    best = max(grid, key=lambda fusion: float(np.mean(1 / _ranks(looked_up, fusion))))
    told = []
    looked_up = _look_up(library, test)
    for name, fusion in (("fused", best), ("BM25", Fusion(5.0, 0.0, 1.0)), ("dense", Fusion(5.0, 1.0, 0.0))):
        ranks = _ranks(looked_up, fusion)
        told.append(f"{name} Hit@1 {np.mean(ranks <= 1):.1%}, Hit@5 {np.mean(ranks <= 5):.1%}")
    return best, f"Passages, held out: {'; '.join(told)}."


def read(library: Library, reader: FeatureReader, fusion: Fusion, question: Question) -> Read:
    """Retrieve and take the features of every sentence."""
    hits = retrieve(library, question.text, READ, fusion)
    sentences, features = reader.features(question.text, hits)
    right = np.array([_holds_answer(question, each.hit.passage, each.span) for each in sentences])
    return Read(question, sentences, features, right.astype(float))


def learn(names: tuple[str, ...], features: Features, right: Features) -> Logistic:
    """A logistic regression, its scaling folded into its weights."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=5_000)).fit(features, right)
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - weights @ scaler.mean_)
    return Logistic(round(bias, 6), names, tuple(round(float(weight), 6) for weight in weights))


def learn_also(reads: Sequence[Read], calibration: Calibration) -> float:
    """The least share of the best score at which a further sentence is worth quoting.

    Worth it is: where the best sentence is wrong though there is an answer, `_WORTH` of those added are right.
    """
    wrong = [each for each in reads if each.right.any() and not _outcome(each, calibration).first]
    for share in np.linspace(0.3, 0.95, 14):
        quoted = [extract(_reading(each, calibration), replace(calibration, also=float(share))) for each in wrong]
        added = sum(len(sentences) - 1 for sentences in quoted)
        if added and sum(_any_right(*pair) for pair in zip(wrong, quoted, strict=True)) / added >= _WORTH:
            return round(float(share), 3)
    return 1.0


def learn_threshold(outcomes: Sequence[Outcome]) -> float:
    """The least confidence under which `_REFUSED` of the questions without an answer fall."""
    return round(float(np.quantile([each.confidence for each in outcomes if not each.answerable], _REFUSED)), 3)


def figures(outcomes: Sequence[Outcome], threshold: float) -> str:
    """What the reader reaches on questions it was not taught with."""
    confidence = np.array([each.confidence for each in outcomes])
    right = np.array([each.right for each in outcomes])
    answerable = np.array([each.answerable for each in outcomes])
    first = np.mean([each.first for each in outcomes if each.found])
    answered = confidence >= threshold
    return (
        f"Reader, held out ({len(outcomes)} questions): the right sentence first in {first:.1%} where retrieved; "
        f"confidence tells right answers from wrong with AUROC {roc_auc_score(right, confidence):.3f}, answerable "
        f"questions from others with {roc_auc_score(answerable, confidence):.3f}; at the threshold {threshold:.3f} "
        f"{np.mean(answered[answerable]):.1%} of the answerable are answered, "
        f"{np.mean(right[answerable & answered]):.1%} of these rightly; "
        f"{np.mean(~answered[~answerable]):.1%} of the others are refused."
    )


def write(calibration: Calibration, out: Path) -> None:
    """Write a calibration file, every weight by its feature's name."""
    data = {
        "provenance": calibration.provenance,
        "fusion": asdict(calibration.fusion),
        "threshold": calibration.threshold,
        "also": calibration.also,
        "choice": _named(calibration.choice, FEATURES),
        "trust": _named(calibration.trust, TRUST_FEATURES),
    }
    out.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _sample(questions: Iterator[Question], count: int) -> list[Question]:
    every = list(questions)
    return random.Random(_SEED).sample(every, min(count, len(every)))


def _named(model: Logistic, names: Sequence[str]) -> dict[str, object]:
    return {"bias": model.bias, "weights": dict(zip(names, model.weights, strict=True))}


def _zeros(names: tuple[str, ...]) -> Logistic:
    return Logistic(0.0, names, (0.0,) * len(names))


def _reading(each: Read, calibration: Calibration) -> Reading:
    return weigh(each.sentences, each.features, calibration)


def _outcome(each: Read, calibration: Calibration) -> Outcome:
    """What the weights make of a question, were everything answered."""
    reading = _reading(each, calibration)
    quoted = extract(reading, replace(calibration, threshold=0.0))
    return Outcome(
        features=trust_features(each.sentences, each.features, calibration.choice),
        confidence=reading.confidence,
        first=_any_right(each, reading.candidates[:1]),
        right=_any_right(each, quoted),
        found=bool(each.right.any()),
        answerable=each.question.answer is not None,
    )


def _any_right(each: Read, sentences: Sequence[Candidate]) -> bool:
    return any(_holds_answer(each.question, sentence.hit.passage, sentence.span) for sentence in sentences)


def _look_up(library: Library, questions: Sequence[Question]) -> list[tuple[Found, frozenset[str]]]:
    """What the two searches find for the first thousand answerable questions, and which passages are right."""
    looked_up = []
    for question in [question for question in questions if question.answer is not None][:1_000]:
        found = search(library, question.text)
        passages = library.passages({*found.dense, *found.bm25}).values()
        right = (each.id for each in passages if _holds_answer(question, each, Span(each.start, each.end)))
        looked_up.append((found, frozenset(right)))
    return looked_up


def _ranks(looked_up: Sequence[tuple[Found, frozenset[str]]], fusion: Fusion) -> Features:
    """The rank of the first right passage, infinite where it is not found."""
    return np.array(
        [
            next((rank for rank, id in enumerate(fuse(found, fusion), start=1) if id in right), np.inf)
            for found, right in looked_up
        ]
    )


def _holds_answer(question: Question, passage: Passage, span: Span) -> bool:
    same = passage.document_id == question.article
    return same and question.answer is not None and span.start <= question.answer < span.end


if __name__ == "__main__":
    typer.run(main)
