"""Calibration: what a set teaches, by hand; kept in the library, used by every answer, and refused when damaged."""

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold

import rag
from eval import calibrate, metrics
from eval.calibrate import Trials, learn_cut, learn_fusion, look_up, ranks
from eval.dataset import Dataset
from eval.formats import own
from index.errors import CalibrationError, DatasetError
from rag import calibration
from rag.calibration import Fusion, shipped
from rag.retrieve import Found
from tests.evaluation import SEEDS_SET, command

pytestmark = pytest.mark.usefixtures("read_once")


@pytest.fixture(scope="module")
def dataset(docs: rag.Footnote) -> Dataset:
    return own.read(SEEDS_SET, lambda id: docs.document(id).text)


def trials(right: list[int], logits: list[float]) -> Trials:
    array = np.array(right, dtype=np.float64)
    return Trials(array, array, np.array(logits, dtype=np.float64))


# --- fusion ---


def test_the_rank_of_the_first_passage_with_evidence() -> None:
    one = Found({}, {"a": 4.0, "b": 1.0}, {"a": 0.1, "b": 0.9, "c": 0.8})
    looked_up = [(one, frozenset("b")), (one, frozenset("c")), (one, frozenset("z"))]
    assert ranks(looked_up, Fusion(0.0)).tolist() == [1, 2, np.inf]
    assert ranks(looked_up, Fusion(1.0)).tolist() == [2, 3, np.inf]


def test_the_fusion_learned_is_the_best_of_all_tried(docs: rag.Footnote, dataset: Dataset) -> None:
    asked = dataset.sample(60).examples
    looked_up = look_up(docs.library, asked)
    assert len(looked_up) == sum(bool(example.evidence) for example in asked)

    def reached(fusion: Fusion) -> float:
        return metrics.mean(1 / ranks(looked_up, fusion))

    learned = learn_fusion(docs.library, asked, Fusion(0.01))
    assert reached(learned) == max(reached(Fusion(bm25 / 400)) for bm25 in range(21))
    assert learn_fusion(docs.library, (), Fusion(0.01)) == Fusion(0.01)


# --- confidence and threshold ---


def sorted_trials() -> Trials:
    """A hundred answers, the surer the oftener right: of the 40 surest 90 %, of the next 30 half, then none."""
    right = [int(n % 10 != 5) for n in range(40)] + [n % 2 for n in range(30)] + [0] * 30
    return trials(right, [5 - n / 10 for n in range(100)])


def test_the_threshold_is_the_least_at_which_so_many_answers_are_right() -> None:
    made = sorted_trials()
    cut = learn_cut(made, 0.8)
    given = cut.sure(made) >= cut.threshold
    assert metrics.mean(made.right[given]) >= 0.8
    more = np.sort(cut.sure(made))[::-1][int(given.sum())]
    assert all(metrics.mean(made.right[cut.sure(made) >= least]) < 0.8 for least in cut.sure(made) if least <= more)


@given(st.floats(0.5, 0.9), st.floats(0.5, 0.9))
def test_a_higher_wish_answers_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    made = sorted_trials()
    assert learn_cut(made, low).threshold <= learn_cut(made, high).threshold


def test_confidence_becomes_the_share_that_is_right() -> None:
    chance = random.Random(7)
    logits = [chance.uniform(-4, 4) for _ in range(4_000)]
    right = [int(chance.random() < 1 / (1 + np.exp(-(0.5 * logit + 1)))) for logit in logits]
    cut = learn_cut(trials(right, logits), 0.5)
    assert cut.confidence.slope == pytest.approx(0.5, abs=0.05)
    assert cut.confidence.offset == pytest.approx(1, abs=0.1)
    assert metrics.ece(trials(right, logits).right, cut.sure(trials(right, logits))) < 0.03


def test_the_map_keeps_the_order() -> None:
    made = sorted_trials()
    sure = learn_cut(made, 0.7).sure(made)
    assert (np.diff(sure) < 0).all()


@pytest.mark.parametrize(
    ("made", "precision", "told"),
    [
        (trials([1] * 19 + [0] * 99, [0.0] * 118), 0.8, "19 can be answered rightly and 99 not, and 20 of either"),
        (trials([1] * 99, [0.0] * 99), 0.8, "99 can be answered rightly and 0 not"),
        (trials([1] * 30 + [0] * 30, [-1.0] * 30 + [1.0] * 30), 0.8, "no surer of right answers than of wrong"),
        (sorted_trials(), 1.01, "No threshold makes 101.0% of the answers right; 100.0% is the most"),
    ],
)
def test_a_set_that_teaches_nothing_is_refused(made: Trials, precision: float, told: str) -> None:
    with pytest.raises(DatasetError, match=told):
        learn_cut(made, precision)


def test_the_figures_told_are_of_questions_that_did_not_teach() -> None:
    """What one fold holds changes nothing that is told of it."""
    made = sorted_trials()
    folds = KFold(calibrate._FOLDS, shuffle=True, random_state=calibrate._SEED).split(made.right)
    own_fold = next(iter(folds))[1]
    other = made.right.copy()
    other[own_fold] = 1 - other[own_fold]
    before, after = (calibrate._in_folds(Trials(right, right, made.logits), 0.7) for right in (made.right, other))
    for old, new in zip(before, after, strict=True):
        assert (old[own_fold] == new[own_fold]).all()
        assert (old != new).any()


def test_a_set_that_is_all_answerable_tells_nothing_of_others() -> None:
    made = Trials(np.array([1.0, 0.0]), np.array([1.0, 1.0]), np.array([1.0, -1.0]))
    assert "nan" not in calibrate.told(made, np.array([0.7, 0.3]), np.array([1.0, 0.0]))


# --- kept and used ---


@pytest.fixture
def copied(indexed: Path, tmp_path: Path) -> Path:
    """seeds/ with a library of its own."""
    return Path(shutil.copytree(indexed, tmp_path / "seeds"))


def a_part_of_the_set(folder: Path, step: int) -> Path:
    """One in so many of the questions over seeds/: as good for what is tested here, and sooner asked."""
    part = folder / "part.jsonl"
    part.write_text("".join(SEEDS_SET.read_text().splitlines(keepends=True)[::step]))
    return part


def test_a_library_is_calibrated_with_one_command_and_answers_by_it(copied: Path, tmp_path: Path) -> None:
    thresholds, abstained, questions = [], [], a_part_of_the_set(tmp_path, 4)
    for precision in (0.6, 0.9):
        code, said = command("calibrate", questions, "--documents", copied, "--precision", precision)
        assert code == 0
        assert f"for {precision:.1%} of the answers right. Confidence and threshold in 5 folds: " in said
        assert "calibration.json; start the chat again to use it, or delete it to go back" in said
        assert "As shipped: " in said
        with rag.open(copied) as docs:
            assert f"Calibrated: {docs.calibration.provenance}" in said
            assert docs.calibration.weights == shipped().weights
            thresholds.append(docs.calibration.threshold)
            asked = own.read(SEEDS_SET, lambda id: docs.document(id).text).sample(40).examples
            abstained.append(sum(docs.ask(example.question).status == "abstained" for example in asked))
    assert thresholds[0] < thresholds[1]
    assert abstained[0] < abstained[1]
    code, said = command("run", SEEDS_SET, "--documents", copied, "--limit", 2, "--out", copied / "r" / "x.jsonl")
    assert "Answered with numbers of its own" in said
    (copied / ".footnote" / "calibration.json").unlink()
    with rag.open(copied) as docs:
        assert docs.calibration == shipped()


REMEDY = "; delete it, or calibrate anew with python -m eval calibrate"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:40],
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: json.dumps({**json.loads(text), "threshold": 0.0}),
        lambda text: json.dumps({**json.loads(text), "seal": None}),
        lambda text: json.dumps({key: value for key, value in json.loads(text).items() if key != "seal"}),
    ],
    ids=["cut", "empty", "nested", "changed", "of another user", "unsealed"],
)
def test_a_calibration_that_this_user_has_not_made_is_not_used_and_that_is_said(
    tmp_path: Path, change: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    learned = replace(shipped(), threshold=0.9)
    path = calibration.save(learned, tmp_path)
    assert calibration.calibration_of(tmp_path, shipped()) == learned
    assert not caplog.messages
    path.write_text(change(path.read_text()))
    assert calibration.calibration_of(tmp_path, shipped()) == shipped()
    (message,) = caplog.messages
    assert f"{path} is damaged, or not made by you on this computer, and not used{REMEDY}" in message


def test_a_calibration_of_another_reader_is_refused_with_the_remedy(tmp_path: Path) -> None:
    calibration.save(replace(shipped(), weights=replace(shipped().weights, also=0.0)), tmp_path)
    with pytest.raises(CalibrationError, match=f"was fitted to another reader{REMEDY}"):
        calibration.calibration_of(tmp_path, shipped())


@pytest.mark.parametrize("change", [{"threshold": "x"}, {"fusion": {"sparse": 1.0}}])
def test_a_calibration_of_another_version_is_refused_with_the_remedy(
    tmp_path: Path, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = calibration._data(shipped())
    monkeypatch.setattr(calibration, "_data", lambda _: {**data, **change})
    calibration.save(shipped(), tmp_path)
    with pytest.raises(CalibrationError, match=f"is of another version .*{REMEDY}"):
        calibration.calibration_of(tmp_path, shipped())


def test_a_damaged_calibration_can_be_made_anew(copied: Path, tmp_path: Path) -> None:
    with rag.open(copied) as docs:
        calibration.save(docs.calibration, docs.library.home).write_text("{")
    with rag.open(copied) as docs:
        assert docs.calibration == shipped()
    questions = a_part_of_the_set(tmp_path, 4)
    assert command("calibrate", questions, "--documents", copied, "--precision", 0.6)[0] == 0
    rag.open(copied).close()


def test_what_is_shipped_was_learned_from_training_data() -> None:
    provenance = shipped().provenance
    assert provenance.startswith("train-v1.1.json (SQuAD 1.1), train.jsonl (QED): ")
    assert 0 < shipped().threshold < 1
    assert shipped().confidence.slope > 0
