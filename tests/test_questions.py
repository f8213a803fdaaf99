"""The questions over seeds/: how many are answered rightly, and how many are rightly refused."""

import json
from pathlib import Path

import pytest

import rag
from eval.questions import load

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
    with pytest.raises(ValueError, match=r"set\.jsonl, line 1 is not an example .*expected id, question"):
        load(path)
