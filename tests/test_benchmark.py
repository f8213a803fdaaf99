"""The table of record, in small: every set read, every system run, and the record written."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval import benchmark
from eval.benchmark import SETS
from eval.library import opened
from eval.peer import Peer
from eval.run import load
from index.errors import DatasetError
from rag.calibration import save, shipped
from tests.evaluation import command
from tests.test_pdf import pdf

TOWNS = {"Vienna": "Danube", "Rome": "Tiber", "Cairo": "Nile", "Paris": "Seine", "London": "Thames", "Prague": "Vltava"}


def text(town: str) -> str:
    return f"{town} is a city with old bridges. The river {TOWNS[town]} flows through {town}."


def squad(*, impossible: bool | None) -> object:
    def asked(town: str) -> list[dict[str, object]]:
        start = text(town).index(TOWNS[town])
        answered = {"answers": [{"text": TOWNS[town], "answer_start": start}]}
        if impossible is None:
            return [{"id": town, "question": f"Which river flows through {town}?", **answered}]
        return [
            {"id": town, "question": f"Which river flows through {town}?", "is_impossible": False, **answered},
            {"id": f"{town}-no", "question": f"Who was born in {town}?", "is_impossible": True, "answers": []},
        ]

    return {"data": [{"title": town, "paragraphs": [{"context": text(town), "qas": asked(town)}]} for town in TOWNS]}


def claims() -> str:
    rows = []
    for town, river in TOWNS.items():
        for label, named in (("supported", river), ("not_supported", "Rhine")):
            meta = {"id": f"{town}{label}", "claim_title": town}
            claim = f"The {named} flows through {town}."
            rows.append({"claim": claim, "label": label, "evidence": text(town).split(". "), "meta": meta})
    return "\n".join(map(json.dumps, rows))


def summaries() -> str:
    return json.dumps(
        [
            {"id": f"{town}{label}", "doc": text(town), "summary": f"{named} is in {town}.", "label": label}
            for town, river in TOWNS.items()
            for label, named in ((1, river), (0, "Rhine"))
        ]
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with every set of the record, some towns in each."""
    corpus = "\n".join(text(town) for town in TOWNS)
    start = corpus.index("The river Nile")
    reference = [{"content": "The river Nile", "start_index": start, "end_index": start + 14}]
    quoted = json.dumps(reference).replace('"', '""')
    passage = [{"passage_id": "Rome:1", "passage_text": text("Rome")}]
    label = {"responseType": "directAnswer", "response": "The Tiber.", "evidence": passage}
    asked, followed = "Which river flows through Rome?", "How long is it?"
    turns = [
        {"context": context, "prevEvidence": [], "labels": [label]}
        for context in ([asked], [asked, "The Tiber.", followed])
    ]
    contents = {
        "squad/dev-v1.1-visible.json": json.dumps(squad(impossible=None)),
        "squad/dev-v2.0-visible.json": json.dumps(squad(impossible=True)),
        "policyqa/dev.json": json.dumps(squad(impossible=None)),
        "chunking/questions.csv": f'question,references,corpus_id\nWhich river is in Cairo?,"{quoted}",towns\n',
        "chunking/corpora/towns.md": corpus,
        "scifact/corpus.jsonl": "\n".join(
            json.dumps({"_id": town, "title": town, "text": text(town)}) for town in TOWNS
        ),
        "scifact/queries.jsonl": json.dumps({"_id": "1", "text": "The Seine flows through Paris."}),
        "scifact/qrels/train.tsv": "query-id\tcorpus-id\tscore\n1\tParis\t1\n",
        "wice/claim_dev.jsonl": claims(),
        "wice/oracle_chunks_claim_dev.jsonl": claims(),
        **{f"summedits/summedits_{name}.json": summaries() for name in ("podcast", "sales_call", "samsum", "scitldr")},
        "inscit/dev-visible.json": json.dumps({"talk": {"turns": turns}}),
        "multihoprag/queries.json": json.dumps(
            [
                {"id": "1", "question": "Which river flows through Rome?", "question_type": "inference_query"},
                {"id": "2", "question": "Who was born in Rome?", "question_type": "null_query"},
            ]
        ),
        "multihoprag/ground_truth.json": json.dumps(
            {
                "1": {"answer": "Tiber", "evidence_list": [{"title": "R", "url": "r", "fact": text("Rome")}]},
                "2": {"answer": "Insufficient information.", "evidence_list": []},
            }
        ),
    }
    for name, content in contents.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "data" / "pdf").mkdir()
    (tmp_path / "data" / "pdf" / "nile.pdf").write_bytes(pdf(text("Cairo")))
    return tmp_path / "data"


def test_the_record_is_written_from_every_set(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RECORD.md").write_text("# Old\n\n## Speed and memory\n\nask from the shell: quick\n")
    code, said = command("benchmark", "--data", data, "--limit", 12, "--out", tmp_path / "RECORD.md")
    assert code == 0, said
    record = (tmp_path / "RECORD.md").read_text(encoding="utf-8")
    assert "nan" not in record
    assert "| – |" not in record
    for system in ("BM25 alone", "dense alone", "fused", "plain llama-index"):
        assert record.count(f"| {system} |") == len(benchmark.SEARCHED), system
    assert record.count("| full path |") == len(benchmark.SEARCHED) + len(benchmark.CONVERSED)
    assert record.count("| fused, standalone |") == 1
    assert "6 questions over 6 paragraphs (6 passages)" in record
    assert "| fused | 100.0 | 100.0 |" in record
    assert "12 of 12 answers of a second run the same byte for byte" in record
    assert record.endswith("ask from the shell: quick\n")


def test_the_record_is_of_the_calibration_that_ships(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = data / SETS["squad1"]
    with opened(path) as (docs, _):
        save(replace(docs.calibration, threshold=1.0, provenance="fitted to the test set"), docs.library.home)
    measured = benchmark.measure(path, "squad1", None, search=False)
    assert load(Path("runs/benchmark/squad1.jsonl")).header.calibration == shipped().provenance
    assert any(outcome.answered for outcome in measured.outcomes)


def test_where_a_set_is_absent_it_is_named(data: Path, tmp_path: Path) -> None:
    (data / "policyqa" / "dev.json").unlink()
    with pytest.raises(
        DatasetError, match=r"data does not hold policyqa/dev.json; name the folder that does with --data"
    ):
        command("benchmark", "--data", data, "--out", tmp_path / "RECORD.md")
    with pytest.raises(DatasetError, match=f"does not hold {next(iter(SETS.values()))}, "):
        command("benchmark", "--data", tmp_path / "nowhere", "--out", tmp_path / "RECORD.md")
    assert not (tmp_path / "RECORD.md").exists()


def test_the_peer_finds_what_is_near_with_offsets_into_the_document() -> None:
    documents = {f"d/{town}.txt": text(town) for town in TOWNS}
    documents["d/long.txt"] = " ".join(f"Sentence {number} says nothing of rivers." for number in range(400))
    peer = Peer(documents)
    first, *_ = found = peer.retrieve("Which river flows through Prague?", 3)
    assert (len(found), first.document_id, first.start) == (3, "d/Prague.txt", 0)
    late, *_ = peer.retrieve("Sentence 399 says nothing of rivers.", 1)
    assert documents["d/long.txt"][late.start : late.end].endswith("Sentence 399 says nothing of rivers.")
    peer.close()
