"""Each metric against a worked example, and the corners of its definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import metrics
from eval.dataset import Evidence
from eval.metrics import Overlap, Ranking
from eval.run import Ranked
from index.document import Span


def numbers(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def place(start: int, end: int, document: str = "d") -> Ranked:
    return Ranked(f"{document}#{start}-{end}", document, start, end)


def gold(start: int, end: int, fact: int = 0) -> Evidence:
    return Evidence("d", "x" * (end - start), Span(start, end), fact)


# --- answers ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat", "cat"),
        ("an  apple,\na day", "apple day"),
        ("a", ""),
        ("U.S.-backed", "usbacked"),  # punctuation goes, and leaves no blank
        ("theatre", "theatre"),  # an article is a whole word
        ("$32", "32"),
        ("naïve – “quoted”", "naïve – “quoted”"),  # only ASCII punctuation, as in SQuAD's script
        ("the a an", ""),
    ],
)
def test_squads_normalisation(text: str, expected: str) -> None:
    assert metrics.normalised(text) == expected


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "f1"),
    [
        ("The Cat.", ["cat"], 1, 1),
        ("black cat", ["the cat"], 0, 2 / 3),  # precision 1/2, recall 1
        ("cat cat dog", ["cat dog"], 0, 4 / 5),  # a word counts as often as both have it: precision 2/3, recall 1
        ("dog", ["cat", "the dog"], 1, 1),  # the best answer counts
        ("", [""], 1, 1),  # nothing answers, and nothing is said
        ("cat", [""], 0, 0),
        ("", ["cat"], 0, 0),
        ("the", ["a"], 1, 1),  # both are nothing, normalised
        ("the", ["cat"], 0, 0),
    ],
)
def test_exact_match_and_f1(prediction: str, answers: list[str], exact: float, f1: float) -> None:
    assert metrics.exact_match(prediction, answers) == exact
    assert metrics.token_f1(prediction, answers) == pytest.approx(f1)


@given(st.text(), st.text())
def test_f1_is_symmetric_and_between_zero_and_one(one: str, other: str) -> None:
    assert 0 <= metrics.token_f1(one, [other]) <= 1
    assert metrics.token_f1(one, [other]) == pytest.approx(metrics.token_f1(other, [one]))
    assert metrics.token_f1(one, [one]) == metrics.exact_match(one, [one]) == 1


# --- citations and passages ---

EVIDENCE = [gold(10, 20, 1), gold(30, 40, 2)]


def test_a_citation_is_right_where_it_shares_characters_with_evidence() -> None:
    cited = [place(0, 11), place(20, 30), place(10, 20, "other")]
    assert metrics.citation_precision(cited, EVIDENCE) == 1 / 3
    assert metrics.citation_recall(cited, EVIDENCE) == 1 / 2
    assert metrics.citation_precision([], EVIDENCE) == metrics.citation_recall([], EVIDENCE) == 0


def test_of_the_evidence_of_one_fact_any_is_enough() -> None:
    either = [gold(10, 20, 1), gold(30, 40, 1), gold(50, 60, 2)]
    assert metrics.citation_recall([place(30, 40)], either) == 1 / 2
    assert metrics.overlap([place(30, 40)], either) == Overlap(10 / 20, 1, 10 / 20)


def test_evidence_without_a_place_is_the_whole_document() -> None:
    assert metrics.citation_precision([place(5, 6)], [Evidence("d")]) == 1
    assert metrics.citation_precision([place(5, 6, "other")], [Evidence("d")]) == 0


def test_overlap_counts_what_is_shown_for_nothing_and_what_is_shown_twice() -> None:
    assert metrics.overlap([place(15, 35)], EVIDENCE) == Overlap(10 / 20, 10 / 20, 10 / (20 + 10))
    assert metrics.overlap([place(15, 35), place(0, 10, "other")], EVIDENCE) == Overlap(10 / 20, 10 / 30, 10 / 40)
    assert metrics.overlap([place(15, 20), place(15, 20)], EVIDENCE) == Overlap(5 / 20, 5 / 10, 5 / 25)
    assert metrics.overlap([], EVIDENCE) == Overlap(0, 0, 0)


# --- ranking ---


def test_rankings_as_computed_by_hand() -> None:
    relevant = {"q": {"b": 1, "d": 1, "z": 1}, "nothing found": {"a": 1}, "nothing relevant": {}}
    found = metrics.rankings(relevant, {"q": ["a", "b", "c", "d"], "nothing relevant": ["a"]})
    ideal = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert found["q"] == Ranking(
        hit_1=0,
        hit_5=1,
        hit_10=1,
        recall_5=pytest.approx(2 / 3),
        recall_10=pytest.approx(2 / 3),
        mrr=1 / 2,
        ndcg_10=pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal),
    )
    assert found["nothing found"] == found["nothing relevant"] == Ranking(0, 0, 0, 0, 0, 0, 0)


def test_a_ranking_keeps_its_order_whatever_the_ids() -> None:
    """ir-measures breaks ties by id: there must be none."""
    for ids in (["a", "z"], ["z", "a"]):
        assert metrics.rankings({"q": {ids[0]: 1}}, {"q": ids})["q"].mrr == 1


def test_ndcg_weighs_grades() -> None:
    found = metrics.rankings({"q": {"a": 1, "b": 3}}, {"q": ["a", "b"]})
    assert found["q"].ndcg_10 == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))


# --- decisions and confidence ---


def test_decision_is_precision_recall_and_f1() -> None:
    truth, said = numbers(1, 1, 1, 0, 0), numbers(1, 1, 0, 1, 0)
    assert metrics.decision(truth, said) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert metrics.decision(truth, numbers(0, 0, 0, 0, 0)) == (0, 0, 0)
    assert all(math.isnan(each) for each in metrics.decision(numbers(0, 0), numbers(1, 0)))


def test_balanced_accuracy_is_the_mean_of_both_recalls() -> None:
    assert metrics.balanced_accuracy(numbers(1, 1, 1, 1, 0), numbers(1, 1, 1, 0, 0)) == (3 / 4 + 1) / 2
    assert math.isnan(metrics.balanced_accuracy(numbers(1, 1), numbers(1, 0)))


def test_the_best_balanced_accuracy_is_that_of_the_best_threshold() -> None:
    assert metrics.best_balanced_accuracy(numbers(1, 1, 0, 0, 0, 0), numbers(0.9, 0.4, 0.6, 0.3, 0.2, 0.1)) == 0.875
    assert metrics.best_balanced_accuracy(numbers(1, 0), numbers(0.1, 0.9)) == 0.5
    assert math.isnan(metrics.best_balanced_accuracy(numbers(1, 1), numbers(0.9, 0.4)))


def test_auroc_counts_pairs() -> None:
    assert metrics.auroc(numbers(1, 1, 0, 0), numbers(0.9, 0.4, 0.4, 0.1)) == (1 + 1 + 0.5 + 1) / 4
    assert math.isnan(metrics.auroc(numbers(1, 1), numbers(0.9, 0.4)))


def test_risk_and_coverage() -> None:
    right, confidence = numbers(1, 0, 1), numbers(0.5, 0.7, 0.9)
    assert metrics.risks(right, confidence) == pytest.approx([0, 1 / 2, 1 / 3])
    assert metrics.aurc(right, confidence) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    assert metrics.risks(numbers(1, 0), numbers(0.5, 0.5)) == pytest.approx([1, 1 / 2])  # of equals the wrong one first


def test_calibration_error_weighs_the_gap_of_each_bin() -> None:
    right, confidence = numbers(1, 0, 1, 1), numbers(0.81, 0.89, 0.15, 1.0)
    gaps = abs(0.85 - 0.5) * 2 + abs(0.15 - 1) + 0
    assert metrics.ece(right, confidence) == pytest.approx(gaps / 4)
    assert metrics.ece(numbers(0), numbers(2)) == 1  # what was not answered at all
    assert metrics.reliability(right, confidence) == [(0.15, 1.0, 1), (pytest.approx(0.85), 0.5, 2), (1.0, 1.0, 1)]


def test_a_percentile_is_a_value_that_there_is() -> None:
    assert metrics.percentile(numbers(*range(1, 21)), 95) == 19
    assert metrics.percentile(numbers(1, 2, 3), 50) == 2
    assert metrics.percentile(numbers(1, math.inf, math.inf), 50) == math.inf


def test_means_of_nothing_are_no_number() -> None:
    assert math.isnan(metrics.mean(numbers()))
    assert math.isnan(metrics.percentile(numbers(), 50))
