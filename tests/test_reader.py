"""The reader: what a question asks for, and features and weights as computed by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

import rag
from index import embeddings
from index.document import Span
from index.passages import Passage
from rag.calibration import Calibration, Fusion, Logistic, Platt, Weights, shipped
from rag.reader import FEATURES, TRUST_FEATURES, FeatureReader, Reading, answer_type, content_words, holds
from rag.retrieve import Hit


def hit(text: str, *sentences: str, rank: int = 1) -> Hit:
    """A hit whose passage is `text`, starting at character 100 of its document."""
    spans = tuple(Span(100 + text.index(each), 100 + text.index(each) + len(each)) for each in sentences or (text,))
    passage = Passage(f"d#{rank}", "d", text, 100, 100 + len(text), None, "", spans)
    return Hit(passage, 0.1, rank, rank, rank)


def reader(**weights: float) -> FeatureReader:
    """A reader that weighs only the features named."""
    choice = Logistic(0.0, FEATURES, tuple(weights.get(name, 0.0) for name in FEATURES))
    trust = Logistic(0.0, TRUST_FEATURES, tuple(float(name == "logit") for name in TRUST_FEATURES))
    return FeatureReader(
        embeddings.default(), Calibration(Weights(choice, trust, 1.0), Fusion(0.5), Platt(1.0, 0.0), 0.5, "")
    )


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many hostages are held?", "number"),
        ("What percentage agreed?", "number"),
        ("When did it begin?", "time"),
        ("In which year was it built?", "time"),
        ("Who rejected the deal?", "name"),
        ("Where were the talks held?", "name"),
        ("Why was it refused?", "reason"),
        ("What is a passage?", "other"),
    ],
)
def test_a_question_says_what_kind_of_answer_it_wants(question: str, kind: str) -> None:
    assert answer_type(question) == kind


@pytest.mark.parametrize(
    ("kind", "sentence", "expected"),
    [
        ("number", "There are 115 hostages.", 1.0),
        ("number", "There are hostages.", 0.0),
        ("number", "On October 7 it began.", 0.0),  # 7 stands in the question: nothing new
        ("time", "It began on a Sunday.", 1.0),
        ("time", "It began at last.", 0.0),
        ("name", "It was refused by Hamas.", 1.0),
        ("name", "It was refused by all.", 0.0),
        ("reason", "It failed because nobody came.", 1.0),
        ("other", "Anything.", 0.5),
    ],
)
def test_a_sentence_holds_the_kind_that_is_asked_for(kind: str, sentence: str, expected: float) -> None:
    assert holds(kind, sentence, {"7", "octob"}) == expected


def test_content_words_leave_out_what_every_question_has() -> None:
    assert [word.stem for word in content_words("Who rejected the proposal?")] == ["reject", "propos"]
    assert [word.stem for word in content_words("Who is it?")] == ["who", "is", "it"]


def test_every_sentence_has_every_feature() -> None:
    text = "Ann ate 3 apples. Bob slept."
    sentences, features = reader().features("Who ate apples in 1999?", [hit(text, "Ann ate 3 apples.", "Bob slept.")])
    assert [sentence.span for sentence in sentences] == [Span(100, 117), Span(118, 128)]
    assert features.shape == (2, len(FEATURES))
    values = dict(zip(FEATURES, features[0], strict=True))
    assert values["missing_numbers"] == 1
    assert values["missing_names"] == 0
    assert values["question_words"] == 3
    assert values["length"] == pytest.approx(math.log(18))
    assert values["sentence_match"] > dict(zip(FEATURES, features[1], strict=True))["sentence_match"]


def test_scores_are_the_logistic_of_the_weighted_features() -> None:
    reading = reader(length=1.0).read("Who?", [hit("Ann ate 3 apples. Bob slept.", "Ann ate 3 apples.", "Bob slept.")])
    assert [round(candidate.score, 6) for candidate in reading.candidates] == [round(18 / 19, 6), round(11 / 12, 6)]
    assert reading.confidence == pytest.approx(18 / 19)


def test_a_question_does_not_answer_and_neither_does_its_echo() -> None:
    text = 'Who ate it? Type ask("who ate it") now. Ann ate it.'
    sentences = ("Who ate it?", 'Type ask("who ate it") now.', "Ann ate it.")
    found, _ = reader().features("Who ate it?", [hit(text, *sentences)])
    assert [candidate.span for candidate in found] == [Span(100 + text.index("Ann"), 100 + len(text))]


def test_a_heading_is_read_with_the_sentences_under_it() -> None:
    headed = hit("How to stop Footnote\n\nPress Ctrl-C.", "Press Ctrl-C.")
    bare = hit("Press Ctrl-C.")
    with_heading, without = (reader().features("How do I stop Footnote?", [each])[1][0] for each in (headed, bare))
    match = FEATURES.index("sentence_match")
    assert with_heading[match] > without[match] + 0.2


def test_nothing_to_read_is_nothing_trusted() -> None:
    assert reader().read("Who?", ()).candidates == ()
    assert reader().read("Who?", ()).confidence == 0


def test_a_passage_is_read_alike_in_any_company(docs: rag.Footnote) -> None:
    hits = docs.retrieve("How many hostages are held?", k=6)
    together = reader().features("How many hostages are held?", hits)[1]
    alone = np.vstack([reader().features("How many hostages are held?", [hit])[1] for hit in hits])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("question", ["\u0e31", "\u093c", ":", "👍"])
def test_a_question_without_words_or_tokens_finds_nothing(question: str) -> None:
    assert reader(length=1.0).read(question, [hit("Ann ate 3 apples.")]) == Reading((), 0.0)


def test_a_passage_without_tokens_is_passed_over() -> None:
    assert reader(length=1.0).read("Who?", [hit("\u0301\u0302")]) == Reading((), 0.0)


def test_weights_of_other_features_are_refused() -> None:
    right = shipped()
    weights = right.weights
    mixed = replace(weights, choice=replace(weights.choice, names=tuple(reversed(weights.choice.names))))
    wrong = replace(right, weights=mixed)
    with pytest.raises(ValueError, match="other features"):
        FeatureReader(embeddings.default(), wrong)
