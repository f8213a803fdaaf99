"""The reader, before an encoder whose scores can be computed in the head, and before the shipped one."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

import rag
from index.document import Span
from index.passages import Passage
from rag.calibration import Judge, Logistic, Weights, shipped, untaught
from rag.crossencoder import Scores
from rag.crossencoder import shipped as shipped_encoder
from rag.reader import FEATURES, FIRST, CrossReader, Reading, claims, is_statement, known
from rag.retrieve import Hit


class WordEncoder:
    """Every verdict is how many of the text's words stand in the passage, less 3; an answer starts and ends, by 5
    against 0, at the words that it is told to answer with, and that there is none is worth 1."""

    name = "words"

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.read_passages: list[str] = []

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        self.read_passages += passages
        return (self._scores(text, passage) for passage in passages)

    def _scores(self, text: str, passage: str) -> Scores:
        found = list(re.finditer(r"\w+", passage))
        verdict = float(len({*re.findall(r"\w+", text.lower())} & {match[0].lower() for match in found})) - 3
        at = np.array([5.0 if match[0] in self.answers else 0.0 for match in found], dtype=np.float32)
        return Scores(verdict, verdict, verdict, 1.0, at, at, tuple(Span(*match.span()) for match in found))


def hit(text: str, *sentences: str, rank: int = 1) -> Hit:
    """A hit whose passage is `text`, starting at character 100 of its document."""
    spans = tuple(Span(100 + text.index(each), 100 + text.index(each) + len(each)) for each in sentences or (text,))
    passage = Passage(f"d#{rank}", "d", text, 100, 100 + len(text), None, "", spans)
    return Hit(passage, 0.1, rank, rank, rank)


def read(question: str, hits: Sequence[Hit], *answers: str) -> Reading:
    return CrossReader(WordEncoder(*answers), untaught("words", FEATURES).weights).read(question, hits)


def texts(reading: Reading) -> list[str]:
    return [each.hit.passage.text[each.span.start - 100 : each.span.end - 100] for each in reading.candidates]


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


# --- questions ---


def test_the_sentence_with_the_likeliest_span_comes_first_and_shares_the_rank_of_its_passage() -> None:
    (reading,) = [read("Who ate it?", [hit("Bob saw it. Ann ate it.", "Bob saw it.", "Ann ate it.")], "Ann")]
    assert texts(reading) == ["Ann ate it.", "Bob saw it."]
    assert reading.logit == 2 - 3  # ate and it stand in the passage
    share = math.exp(10) / (math.exp(10) + 1)
    assert reading.candidates[0].score == pytest.approx(sigmoid(-1) * share)
    assert reading.candidates[1].score == pytest.approx(sigmoid(-1) * (1 - share))
    assert reading.candidates[0].short == Span(112, 115)


def test_hits_are_ranked_by_relevance_and_numbered_anew() -> None:
    far, near = hit("Bob saw.", rank=1), hit("Who ate it? Ann.", rank=2)
    reading = read("Who ate it?", [far, near])
    assert [(each.passage.id, each.rank) for each in reading.hits] == [("d#2", 1), ("d#1", 2)]
    assert [each.reader for each in reading.hits] == [sigmoid(0), sigmoid(-3)]


def test_more_hits_are_read_only_where_none_of_the_first_is_good_enough() -> None:
    poor = [hit("Bob saw.", rank=rank) for rank in range(1, 26)]
    assert len(read("Who ate it?", poor).hits) == 20
    good = [*poor[: FIRST - 1], hit("Who ate it? Ann did.", rank=FIRST), *poor[FIRST:]]
    assert len(read("Who ate it?", good).hits) == FIRST


def test_a_question_does_not_answer_and_neither_does_its_echo() -> None:
    text = 'Who ate it? Type ask("who ate it") now. Ann ate it.'
    reading = read("Who ate it?", [hit(text, "Who ate it?", 'Type ask("who ate it") now.', "Ann ate it.")])
    assert texts(reading) == ["Ann ate it."]
    assert len(read("Ann", [hit(text, "Ann ate it.")]).candidates) == 1  # words to look for are no question


def test_nothing_to_read_is_nothing_trusted() -> None:
    assert read("Who?", ()) == Reading((), (), -math.inf)


@pytest.mark.parametrize("question", ["\u0e31", "\u093c", ":", "👍"])
def test_a_question_without_words_finds_nothing(question: str) -> None:
    found = hit("Ann ate 3 apples.")
    assert read(question, [found]) == Reading((found,), (), -math.inf)


def test_a_passage_without_tokens_is_passed_over() -> None:
    encoder = shipped_encoder()
    reading = CrossReader(encoder, known(encoder.name).weights).read("Who?", [hit("\u0301\u0302")])
    assert reading.candidates == ()


# --- statements ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann ate it.", True),
        ("“Ann ate it.”", True),
        ("Who ate it?", False),
        ("Who ate it.", False),
        ("Tell me about Ann.", False),
        ("When did Ann eat.", False),
        ("Is it safe.", False),
        ("Does Footnote work offline.", False),
        ("When Ann ate it, Bob saw her.", True),
        ("Will asks Ann for help.", True),
        ("apples of Ann", False),
    ],
)
def test_what_states_is_told_from_what_asks(text: str, expected: bool) -> None:
    assert is_statement(text) == expected


def test_a_statement_is_taken_apart_into_its_sentences() -> None:
    assert claims("Ann ate it. Bob saw her. He slept.") == ["Ann ate it.", "Bob saw her.", "He slept."]
    assert claims("It cost 3.5 pounds.") == ["It cost 3.5 pounds."]
    assert claims("Mr. Smith of the U.S. Congress and J. K. Rowling saw it.") == [
        "Mr. Smith of the U.S. Congress and J. K. Rowling saw it."
    ]
    assert len(claims("One. " * 40)) == 3


def test_a_statement_is_as_sure_as_its_least_sure_sentence() -> None:
    found = [hit("Ann ate the red apple. Bob slept.", "Ann ate the red apple.", "Bob slept.")]
    both = read("Ann ate the red apple. Bob is king.", found)
    assert both.logit == read("Bob is king.", found).logit == 1 - 3
    assert read("Ann ate the red apple.", found).logit == 5 - 3
    assert both.needed == 2
    assert {each.passage.id for each in both.hits} == {"d#1"}


def test_the_sentence_that_bears_a_statement_out_is_found_by_reading_each() -> None:
    found = hit("Bob slept. Ann ate the red apple.", "Bob slept.", "Ann ate the red apple.")
    reading = read("Ann ate an apple.", [found], "Bob")
    assert texts(reading)[0] == "Ann ate the red apple."
    assert reading.candidates[0].short is None


# --- weights ---


def test_the_rank_chooses_the_passage_and_the_trust_says_how_sure() -> None:
    by_bm25 = Logistic(0.0, FEATURES, tuple(float(name == "fused") for name in FEATURES))
    plain = untaught("words", FEATURES).weights
    weights = replace(plain, question=Judge(by_bm25, plain.question.trust))
    near, first = hit("Ann ate it.", rank=2), replace(hit("Ann saw.", rank=1), score=0.9)
    reading = CrossReader(WordEncoder("Ann"), weights).read("Who ate it?", [first, near])
    assert texts(reading)[0] == "Ann saw."
    assert reading.logit == 0 - 3


def test_weights_of_other_features_are_refused() -> None:
    right = shipped().weights
    turned = Logistic(0.0, tuple(reversed(FEATURES)), (0.0,) * len(FEATURES))
    for wrong in (
        replace(right, question=Judge(turned, right.question.trust)),
        replace(right, statement=Judge(right.statement.rank, turned)),
    ):
        with pytest.raises(ValueError, match="other features"):
            CrossReader(WordEncoder(), wrong)


def test_the_shipped_numbers_are_read_with_only_by_the_shipped_encoder() -> None:
    assert known(shipped_encoder().name) == shipped()
    assert known("words").weights == Weights("words", *(untaught("words", FEATURES).weights.question,) * 2, also=1.0)


# --- the shipped encoder ---


def test_a_passage_is_read_alike_in_any_company(docs: rag.Footnote) -> None:
    passages = [found.passage.text for found in docs.retrieve("How many hostages are held?", k=6)]
    together = list(shipped_encoder().read("How many hostages are held?", passages))
    alone = [next(shipped_encoder().read("How many hostages are held?", [passage])) for passage in passages]
    for one, other in zip(together, alone, strict=True):
        assert one.relevant == other.relevant
        assert np.array_equal(one.starts, other.starts)
