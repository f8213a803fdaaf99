"""The questions over seeds/: how many are answered rightly, and how many are rightly refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import rag
from eval.questions import load, report, run
from index.errors import FootnoteError

SETS = Path(__file__).parent.parent / "eval" / "sets"


@pytest.mark.parametrize("name", [path.name for path in sorted(SETS.glob("*.jsonl"))])
def test_every_piece_of_evidence_stands_in_its_document_once(docs: rag.Footnote, name: str) -> None:
    for example in load(SETS / name):
        assert bool(example.answers) == bool(example.evidence), example.id
        for evidence in example.evidence:
            assert docs.document(evidence.document).text.count(evidence.quote) == 1, example.id


def test_a_line_that_is_no_example_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps({"id": "a", "question": "Who?"}) + "\n")
    with pytest.raises(FootnoteError, match=r"set\.jsonl, line 1 is not an example .*expected id, question"):
        load(path)


def test_the_natural_set_keeps_its_floors(docs: rag.Footnote) -> None:
    outcomes = run(docs, load(SETS / "seeds-natural.jsonl"))
    told = report(outcomes)
    answered = [outcome.right for outcome in outcomes if outcome.example.answers]
    refused = [outcome.right for outcome in outcomes if not outcome.example.answers]
    assert (len(answered), len(refused)) == (30, 20)
    assert sum(answered) >= 24, told
    assert sum(refused) >= 15, told
    assert all(outcome.exact for outcome in outcomes), told


def test_the_count_goes_red_when_everything_is_answered_or_a_span_is_wrong(docs: rag.Footnote) -> None:
    examples = load(SETS / "seeds-natural.jsonl")[:4]
    shifted = [
        replace(evidence, quote="not what is cited") for example in examples for evidence in example.evidence[:1]
    ]
    broken = [replace(example, evidence=(evidence,)) for example, evidence in zip(examples, shifted, strict=True)]
    assert not any(outcome.right for outcome in run(docs, broken))
    unanswerable = [replace(example, answers=(), evidence=()) for example in examples]
    assert not any(outcome.right for outcome in run(docs, unanswerable))
