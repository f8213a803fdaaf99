"""Statements are made of questions and sentences in good English, changed as they say, and told apart in a table."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval import formats, proof
from eval.dataset import Dataset
from eval.proof import FLOORS, Outcome
from eval.statements import clipped, fronted, negated, stated
from index.document import Span
from index.passages import Passage
from rag.verify import Support
from tests.evaluation import command

PARAGRAPHS = (
    "Ada Lovell built the mill of Velton in 1821, which had 12 rooms. The river Milo runs through the town.",
    "Paul Brandt became the mayor of Renlo in 1904. He had 13 sons and owned 40 horses.",
    "The harbour of Velton was opened by Carl Otto in 1877. It held 25 ships.",
)
QUESTIONS = (
    (0, "Who built the mill of Velton in 1821?", "Ada Lovell"),
    (0, "When was the mill of Velton built?", "1821"),
    (1, "When did Paul Brandt become the mayor of Renlo?", "1904"),
    (1, "How many horses did Paul Brandt own?", "40"),
    (2, "When was the harbour of Velton opened?", "1877"),
    (2, "How big was it?", "25 ships"),
    (1, "How many sons did Paul Brandt have?", "13"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    paragraphs = [
        {
            "context": text,
            "qas": [
                {"id": str(number), "question": asked, "answers": [{"text": gold, "answer_start": text.index(gold)}]}
                for number, (place, asked, gold) in enumerate(QUESTIONS)
                if PARAGRAPHS[place] == text
            ],
        }
        for text in PARAGRAPHS
    ]
    made = tmp_path / "towns.json"
    made.write_text(json.dumps({"data": [{"title": "Velton", "paragraphs": paragraphs}]}))
    return made


@pytest.fixture
def dataset(path: Path) -> Dataset:
    return formats.load(path)


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Who built the mill?", "Ada Lovell", "Ada Lovell built the mill."),
        ("Who was the mayor of Renlo?", "Paul Brandt", "Paul Brandt was the mayor of Renlo."),
        ("Who was the first mayor?", None, None),
        ("What was the name of the river?", "Milo", "Milo was the name of the river."),
        ("What was Ada known for?", "her mill", None),
        ("What was Ada known for?", "mills", "Ada was known for mills."),
        ("When was the mill built?", "1821", "The mill was built in 1821."),
        ("When was the mill built?", "May 3, 1821", "The mill was built on May 3, 1821."),
        ("When was the mill built?", "the 1820s", "The mill was built in the 1820s."),
        ("When was the mill built?", "Velton", None),
        ("When did Ada Lovell leave Velton?", "1821", "Ada Lovell left Velton in 1821."),
        ("Where did Ada carry the stones?", "to Milo", "Ada carried the stones to Milo."),
        ("What did Ada plan?", "a mill", "Ada planned a mill."),
        ("What does Ada have?", "a mill", "Ada has a mill."),
        ("How many sons did Paul have?", "3", "Paul had 3 sons."),
        ("How many ships were there in 1877?", "25", "There were 25 ships in 1877."),
        ("Which river runs through it?", "Milo", None),
        ("How big was it?", "25 ships", None),
        ("Who built the mill?", "in 1821", None),
    ],
)
def test_only_templates_that_are_sure_make_a_statement(question: str, answer: str | None, expected: str | None) -> None:
    assert stated(question, answer or "") == expected


def test_a_not_comes_in_or_goes() -> None:
    assert negated("The mill was built in 1821.") == "The mill was not built in 1821."
    assert negated("The mill was not built in 1821.") == "The mill was built in 1821."
    assert negated("Ada left Velton.") == "Ada did not leave Velton."
    assert negated("Ada burned it.") is None
    assert negated("The mill that was built burned.") is None


def test_the_parts_of_a_sentence_are_moved_or_left_off() -> None:
    assert fronted("The mill was built in 1821.") == "In 1821, the mill was built."
    assert fronted("In 1821, Ada built the mill.") == "Ada built the mill in 1821."
    assert fronted("Ada built the mill.") is None
    assert clipped("Ada (a miller) built the mill of Velton, which burned.") == "Ada built the mill of Velton."
    assert clipped("Ada built it.") is None


def test_every_case_is_true_or_changed_as_it_says(dataset: Dataset) -> None:
    made = proof.cases(dataset)
    assert made.left_out == 1
    true = {case.example: case for case in made.cases if case.kind == "true"}
    assert set(true) == {"0", "1", "2", "3", "4", "6"}
    assert {case.kind for case in made.cases} == set(FLOORS)
    for case in made.cases:
        own = true[case.example]
        assert case.holds == (case.kind == "true")
        assert (case.passage.id == own.passage.id) == (case.kind != "wrong passage")
        assert (case.statement == own.statement) == (case.kind in {"true", "wrong passage", "forged mark"})
        assert own.passage.id not in {passage.id for passage in case.beside}
        assert case.title == "Velton"
    assert made == proof.cases(dataset)


def test_a_limit_takes_some_of_the_examples(dataset: Dataset) -> None:
    assert {case.example for case in proof.cases(dataset, limit=2).cases} <= {"0", "3"}


def test_the_table_counts_what_came_out_right(dataset: Dataset) -> None:
    case = next(iter(proof.cases(dataset).cases))
    changed = replace(case, kind="name")
    outcomes = [Outcome(case, kept=True), Outcome(case, kept=False), Outcome(changed, kept=False)]
    assert proof.share(outcomes, "true") == 0.5
    assert proof.share(outcomes, "name") == 1.0


def test_one_command_tells_each_kind_against_its_floor(path: Path) -> None:
    code, said = command("proof", path)
    assert code in {0, 1}
    for told in ("true, wrong passage", "date changed", "100.0% caught", "1 examples make no statement"):
        assert told in said


class Credulous:
    """Takes all of a passage for the proof of anything."""

    def support(self, statement: str, passage: Passage, title: str = "") -> Support:
        return Support(Span(passage.start, passage.end), 1.0)


def test_a_model_that_nobody_checks_is_found_out(dataset: Dataset) -> None:
    outcomes = proof.prove(proof.cases(dataset), Credulous())  # type: ignore[arg-type]
    assert proof.share(outcomes, "true") == 1.0
    for kind in FLOORS.keys() - {"true", "forged mark"}:
        assert proof.share(outcomes, kind) == 0.0
