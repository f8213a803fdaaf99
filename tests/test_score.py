"""What is counted, over what: each number of an example by hand, and nothing gained by leaving questions out."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import score
from eval.dataset import Evidence, Example
from eval.metrics import Overlap
from eval.run import Header, Result, Run
from eval.score import METRICS, Outcome
from index.document import Span
from rag.answer import Answer
from tests.evaluation import ASKED, TEXT, UNANSWERABLE, answer, result


def outcome(example: Example, *results: Result) -> Outcome:
    header = Header("set", 0, "", "", "", (example,))
    (only,) = score.outcomes(Run(header, {each.id: each for each in results}))
    return only


def test_an_answer_that_cites_the_evidence() -> None:
    found = outcome(ASKED, result(ASKED, answer(12, 30)))
    assert (found.answered, found.right, found.step) == (1, 1, "")
    assert (found.citation_precision, found.citation_recall, found.citation_f1) == (1 / 2, 1, pytest.approx(2 / 3))
    assert found.cited == Overlap(1, 1 / 2, 1 / 2)
    assert found.shown == Overlap(1, 6 / 30, 6 / 30)
    assert (found.exact_match, found.f1) == (0, 0)  # “234567 012345” against “2345”
    assert (found.exact_quotes, found.documents.hit_1) == (1, 1)
    assert (found.passages.hit_1, found.passages.hit_5, found.passages.mrr) == (0, 1, 1 / 2)


def test_the_short_answer_is_compared_where_there_is_one() -> None:
    said = replace(answer(12), short=Span(0, 4))
    assert said.text[:4] == "2345"
    assert outcome(ASKED, result(ASKED, said)).exact_match == 1


def test_a_quote_that_does_not_stand_where_it_says_is_counted() -> None:
    wrong = replace(result(ASKED, answer(12, 30)), stands=("234567", "x"))
    assert outcome(ASKED, wrong).exact_quotes == 1 / 2


@pytest.mark.parametrize(
    ("example", "said", "withheld", "step"),
    [
        (ASKED, answer(12), None, ""),
        (ASKED, answer(), answer(12), "wrongly abstained"),
        (ASKED, answer(), answer(30), "retrieved but not chosen"),
        (ASKED, answer(30), None, "retrieved but not chosen"),
        (ASKED, answer(30, read=(0, 2)), None, "not retrieved"),
        (ASKED, answer(read=()), None, "not retrieved"),
        (UNANSWERABLE, answer(), answer(30), ""),
        (UNANSWERABLE, answer(30), None, "answered the unanswerable"),
        (replace(ASKED, evidence=()), answer(), answer(30), "wrongly abstained"),
    ],
)
def test_the_step_that_failed(example: Example, said: Answer, withheld: Answer | None, step: str) -> None:
    assert outcome(example, result(example, said, withheld)).step == step


def test_a_missing_result_is_wrong_in_all() -> None:
    missing = outcome(ASKED)
    assert (missing.answered, missing.right, missing.f1, missing.exact_quotes, missing.step) == (
        0,
        0,
        0,
        0,
        "not asked",
    )
    assert missing.documents.hit_10 == missing.passages.hit_10 == missing.cited.iou == 0
    assert (outcome(UNANSWERABLE).answered, outcome(UNANSWERABLE).exact_match) == (1, 0)


def test_abstaining_on_the_unanswerable_is_an_exact_match() -> None:
    assert outcome(UNANSWERABLE, result(UNANSWERABLE, answer())).exact_match == 1
    assert outcome(UNANSWERABLE, result(UNANSWERABLE, answer(30))).f1 == 0


def value(name: str, *outcomes: Outcome) -> float:
    return next(metric for metric in METRICS if metric.name == name).value(outcomes)


def test_figures_of_a_whole_set() -> None:
    second = replace(ASKED, id="3")
    third = replace(UNANSWERABLE, id="4")
    examples = (ASKED, second, UNANSWERABLE, third)
    results = (
        result(ASKED, answer(12, confidence=0.9)),
        result(second, answer(confidence=0.2), answer(12)),
        result(UNANSWERABLE, answer(confidence=0.1), answer(30)),
        result(third, answer(30, confidence=0.7)),
    )
    outcomes = score.outcomes(Run(Header("set", 0, "", "", "", examples), {each.id: each for each in results}))
    assert value("answers: recall", *outcomes) == 1 / 2
    assert value("answers: precision", *outcomes) == 1 / 2
    assert value("abstention: precision", *outcomes) == value("abstention: recall", *outcomes) == 1 / 2
    assert value("abstention: balanced accuracy", *outcomes) == 1 / 2
    assert value("confidence: AUROC", *outcomes) == 3 / 4
    assert value("confidence: AURC", *outcomes) == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert value("seconds: p50", *outcomes) == 0.2


def test_metrics_without_a_meaning_are_left_out() -> None:
    claims = [replace(ASKED, answers=(), evidence=(), within=("d",)), replace(UNANSWERABLE, within=("d",))]
    results = {each.id: result(each, answer(12)) for each in claims}
    outcomes = score.outcomes(Run(Header("set", 0, "", "", "", tuple(claims)), results))
    names = {figure.metric.name for figure in score.figures(outcomes)}
    assert names >= {"confidence: AUROC", "abstention: balanced accuracy", "citations: exact quotes"}
    assert not [name for name in names if name.startswith(("documents", "passages", "top 5", "answers: F1"))]
    assert math.isnan(value("answers: F1", *outcomes))


def test_an_interval_is_drawn_the_same_every_time_and_holds_the_value() -> None:
    rows = np.array([[0.0], [1.0], [1.0], [1.0]])
    low, high = score.interval(lambda picked: float(rows[picked].mean()), len(rows))
    assert (low, high) == score.interval(lambda picked: float(rows[picked].mean()), len(rows))
    assert low < 0.75 < high


WHOLE = replace(ASKED, answers=(), evidence=(Evidence("d"), Evidence("other", fact=1, grade=2)))
TWO_FACTS = replace(ASKED, evidence=(*ASKED.evidence, Evidence("d", TEXT[52:58], Span(52, 58), 1)))
CLAIM = replace(ASKED, answers=(), evidence=(), within=("d",))
STARTS = st.lists(st.sampled_from([2, 12, 14, 32, 52]), unique=True, max_size=3)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    examples, results = [], {}
    for number in range(draw(st.integers(1, 8))):
        example = replace(draw(st.sampled_from([ASKED, UNANSWERABLE, WHOLE, TWO_FACTS, CLAIM])), id=str(number))
        said = answer(*draw(STARTS), confidence=draw(st.sampled_from([0.0, 0.1, 0.5, 0.55, 0.9, 1.0])))
        withheld = answer(*draw(STARTS)) if said.status == "abstained" else None
        found = tuple(draw(st.lists(st.integers(0, 9), unique=True, max_size=6)))
        made = result(example, said, withheld, found)
        stands = tuple(draw(st.sampled_from([each, "x"])) for each in made.stands)
        taken = draw(st.floats(0.01, 2))
        examples.append(example)
        results[example.id] = replace(made, stands=stands, seconds=taken)
    return Run(Header("set", 0, "", "", "", tuple(examples)), results)


@given(runs(), st.data())
def test_no_metric_is_raised_by_dropping_questions(run: Run, data: st.DataObject) -> None:
    dropped = data.draw(st.sets(st.sampled_from(sorted(run.results))))
    rest = Run(run.header, {id: each for id, each in run.results.items() if id not in dropped})
    before, after = score.outcomes(run), score.outcomes(rest)
    for metric in METRICS:
        old, new = metric.value(before), metric.value(after)
        assert math.isnan(old) == math.isnan(new) or metric.name == "answers: precision", metric.name
        if not math.isnan(old) and not math.isnan(new):
            gain = new - old if metric.better == "higher" else old - new
            assert gain <= 1e-9, metric.name
