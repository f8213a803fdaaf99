"""The gate and the comparison: green on what is good, red where retrieval, citing or abstaining breaks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import rag
from eval import compare, gate, score
from eval.dataset import Dataset
from eval.formats import own
from eval.run import Run, load, run
from index.document import Span
from index.errors import DatasetError
from index.passages import Passage
from rag import cite as citing
from rag import retrieve as retrieving
from rag.cite import Citation
from tests.evaluation import SEEDS_SET, command

FLOORS = SEEDS_SET.parent.parent / "gate.toml"

pytestmark = pytest.mark.usefixtures("read_once")


@pytest.fixture(scope="module")
def dataset(docs: rag.Footnote) -> Dataset:
    """A part of the questions over seeds/, for broken systems; the whole is gated by `make gate`."""
    return replace(own.read(SEEDS_SET, lambda id: docs.document(id).text).sample(25), left_out=0)


@pytest.fixture(scope="module")
def good(docs: rag.Footnote, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the system as it is."""
    path = tmp_path_factory.mktemp("good") / "good.jsonl"
    run(docs, dataset, "seeds", path)
    return path


@pytest.fixture
def floors(good: Path, tmp_path: Path) -> Path:
    """Floors a little under what the good run reaches, of the metrics that the project's own floors name."""
    outcomes = score.outcomes(load(good))
    named = gate.read(FLOORS).floor
    values = {metric.name: (metric.value(outcomes), metric.better) for metric in score.METRICS if metric.name in named}
    path = tmp_path / "floors.toml"
    lines = [
        f'"{name}" = {value - 0.02 if better == "higher" else value + 0.02}' for name, (value, better) in values.items()
    ]
    lines = [line if "exact quotes" not in line else '"citations: exact quotes" = 1.0' for line in lines]
    path.write_text("\n".join(["tolerance = 0.02", "[floor]", *lines]))
    return path


def backwards(fuse: Callable[..., dict[str, float]]) -> Callable[..., dict[str, float]]:
    """Fusion that puts the worst passage first."""
    return lambda *arguments: dict(reversed(fuse(*arguments).items()))


def next_to_it(cite: Callable[..., Citation]) -> Callable[..., Citation]:
    """Citing that is exact, and points at another sentence of the passage."""

    def wrong(number: int, passage: Passage, span: Span, *told: object) -> Citation:
        others = [each for each in passage.sentences if each.end <= span.start or span.end <= each.start]
        return cite(number, passage, others[0] if others else Span(passage.start, passage.start + 1), *told)

    return wrong


def short_of(path: Path, good: Path, floors: Path) -> set[str]:
    """The metrics that the gate says fell short, of a floor or of the good run."""
    before, after = compare.paired(load(good), load(path))
    told = gate.read(floors)
    verdicts = gate.against_floors(after, told) + gate.against_baseline(before, after, told.tolerance)
    return {verdict.metric.name for verdict in verdicts if not verdict.kept}


def test_the_gate_is_green_on_what_is_good(good: Path, floors: Path) -> None:
    code, said = command("gate", good, "--floor", floors, "--baseline", good)
    assert code == 0, said
    assert "The gate is green" in said


def test_the_gate_is_red_when_retrieval_breaks(
    docs: rag.Footnote, dataset: Dataset, good: Path, floors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieving, "fuse", backwards(retrieving.fuse))
    run(docs, dataset, "seeds", tmp_path / "r.jsonl")
    code, said = command("gate", tmp_path / "r.jsonl", "--floor", floors)
    assert code == 1
    assert "The gate is red" in said
    assert short_of(tmp_path / "r.jsonl", good, floors) >= {"passages: hit@5", "answers: recall", "citations: F1"}


def test_the_gate_is_red_when_a_wrong_span_is_cited(
    docs: rag.Footnote, dataset: Dataset, good: Path, floors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(citing, "cite", next_to_it(citing.cite))
    run(docs, dataset, "seeds", tmp_path / "r.jsonl")
    short = short_of(tmp_path / "r.jsonl", good, floors)
    assert short >= {"answers: recall", "citations: F1", "citations: span IoU"}
    assert "passages: hit@5" not in short


def test_the_gate_is_red_when_a_quote_is_not_exact(good: Path, floors: Path) -> None:
    whole = load(good)
    quoting = next(each for each in whole.results.values() if each.stands)
    forged = replace(quoting, stands=(f"{quoting.stands[0]} and more", *quoting.stands[1:]))
    outcomes = score.outcomes(Run(whole.header, {**whole.results, forged.id: forged}))
    verdicts = gate.against_floors(outcomes, gate.read(floors))
    assert [verdict.metric.name for verdict in verdicts if not verdict.kept] == ["citations: exact quotes"]


def test_the_gate_is_red_when_everything_is_answered(
    docs: rag.Footnote, dataset: Dataset, good: Path, floors: Path, tmp_path: Path
) -> None:
    run(docs.unguarded(), dataset, "seeds", tmp_path / "r.jsonl")
    code, said = command("gate", tmp_path / "r.jsonl", "--floor", floors, "--baseline", good)
    assert code == 1
    assert {"abstention: recall", "answers: precision"} <= short_of(tmp_path / "r.jsonl", good, floors)
    assert "fell short" in said


def test_the_gate_is_red_when_questions_are_left_out(good: Path, floors: Path, tmp_path: Path) -> None:
    lines = good.read_bytes().split(b"\n")
    (tmp_path / "r.jsonl").write_bytes(b"\n".join(lines[:-10]) + b"\n")
    code, said = command("gate", tmp_path / "r.jsonl", "--floor", floors)
    assert code == 1
    assert "9 questions are not asked yet and count as failed" in " ".join(said.split())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[floor]\n"zzz" = 1.0', "there is no metric “zzz”; the metrics are documents: hit@1, "),
        ('[floor]\n"confidence: ECE" = 18', "expected a share from 0 to 1 for “confidence: ECE”, and it is 18"),
        ('[floor]\n"answers: recall" = nan', "expected a share from 0 to 1"),
        ('[floor]\n"answer: recall" = 1.0', r"no metric “answer: recall”; did you mean “answers: recall”\?"),
        ("[floor]", "expected at least one floor"),
        ("floors = 1", "floors: is no field of such a record"),
        ("tolerance = 0.1", "floor: is missing"),
        ('tolerance = 2\n[floor]\n"answers: F1" = 0.1', "tolerance: input should be less than or equal to 1"),
        ('[floor]\n"citations: F1" = "high"', "input should be a valid number"),
        ("[floor", "floors.toml: "),
    ],
)
def test_a_floors_file_that_is_none_is_refused(tmp_path: Path, good: Path, text: str, told: str) -> None:
    path = tmp_path / "floors.toml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=told):
        gate.read(path)


def test_a_part_of_a_set_is_not_gated(docs: rag.Footnote, dataset: Dataset, floors: Path, tmp_path: Path) -> None:
    run(docs, dataset.sample(10), "seeds", tmp_path / "r.jsonl")
    with pytest.raises(DatasetError, match="leaves out 15 questions of its set; gate a run without --limit"):
        command("gate", tmp_path / "r.jsonl", "--floor", floors)
    assert "10 questions, 15 of the set left out" in command("report", tmp_path / "r.jsonl")[1]


def test_less_is_better_where_it_is(good: Path, floors: Path) -> None:
    outcomes = score.outcomes(load(good))
    value = score.BY_NAME["confidence: ECE"].value(outcomes)
    for bound, kept in ((value + 0.01, True), (value - 0.01, False)):
        (verdict,) = gate.against_floors(outcomes, gate.Floors(floor={"confidence: ECE": bound}))
        assert verdict.kept == kept


def test_what_a_set_holds_moves_no_cursor(good: Path) -> None:
    outcome = score.outcomes(load(good))[0]
    evil = replace(outcome, example=replace(outcome.example, question="a\x1b[2J [red]b[/x]"))
    assert compare.line("-", evil).plain.endswith(": a[2J [red]b[/x]")


def test_a_metric_without_a_meaning_falls_short(good: Path) -> None:
    whole = load(good)
    answerable = tuple(example for example in whole.header.examples if example.answerable)
    outcomes = score.outcomes(Run(replace(whole.header, examples=answerable), whole.results))
    (verdict,) = gate.against_floors(outcomes, gate.Floors(floor={"abstention: recall": 0.1}))
    assert not verdict.kept


def test_a_comparison_names_what_flipped_and_counts_equal_answers(
    docs: rag.Footnote, dataset: Dataset, good: Path, tmp_path: Path
) -> None:
    run(docs.unguarded(), dataset, "seeds", tmp_path / "r.jsonl")
    before, after = load(good), load(tmp_path / "r.jsonl")
    old, new = compare.paired(before, after)
    mended, broken = compare.flips(old, new), compare.flips(new, old)
    assert {outcome.example.answerable for outcome in mended} == {True}
    assert {outcome.example.answerable for outcome in broken} == {False}
    code, said = command("compare", good, tmp_path / "r.jsonl")
    assert code == 0
    assert f"{len(mended)} mended" in said
    assert all(f"- {outcome.example.id}: {outcome.example.question}"[:60] in said for outcome in broken)
    answered = sum(each.answer.status == "answered" for each in before.results.values())
    assert compare.repeated(before, after) == (answered, len(dataset.examples))
    recall = next(each for each in compare.changes(old, new) if each.metric.name == "abstention: recall")
    assert (recall.after < recall.before, recall.verdict) == (True, "worse")


def test_a_run_compared_with_itself_changes_nothing(good: Path) -> None:
    old, new = compare.paired(load(good), load(good))
    assert all((each.low, each.high, each.verdict) == (0, 0, "") for each in compare.changes(old, new))
    assert compare.flips(old, new) == []


def test_runs_of_other_questions_cannot_be_compared(
    docs: rag.Footnote, dataset: Dataset, good: Path, tmp_path: Path
) -> None:
    run(docs, dataset.sample(3), "seeds", tmp_path / "r.jsonl")
    with pytest.raises(DatasetError, match=r"did not ask the same questions: 2[0-9] are in one of them only"):
        compare.paired(load(good), load(tmp_path / "r.jsonl"))
