"""Runs: written line by line, gone on with after an interruption, kept when made again, the same every time."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import rag
from eval import formats, library
from eval import run as runs
from eval.dataset import Dataset, Example
from eval.formats import own
from eval.library import kept, opened
from eval.run import ANSWER, Result, ask, before, load, run
from index.errors import DatasetError, LibraryError
from rag.calibration import save
from tests.evaluation import SEEDS_SET, command


@pytest.fixture(scope="module")
def dataset(docs: rag.Footnote) -> Dataset:
    """Some of the questions over seeds/."""
    return own.read(SEEDS_SET, lambda id: docs.document(id).text).sample(6)


def test_a_run_read_back_is_the_run(docs: rag.Footnote, dataset: Dataset, tmp_path: Path) -> None:
    made = run(docs, dataset, "seeds", tmp_path / "r.jsonl")
    assert load(tmp_path / "r.jsonl") == made
    assert list(made.results) == [example.id for example in dataset.examples]
    for example in dataset.examples:
        result = made.results[example.id]
        assert result.answer == docs.ask(example.question, turns=before(example))
        assert (result.withheld is None) == (result.answer.status == "answered")
        assert result.stands == tuple(citation.quote for citation in result.answer.citations)
        assert len(result.hits) == min(50, len(docs.retrieve(result.answer.query, 50)))
        if example.evidence:
            assert {id.partition("#")[0] for id in result.relevant} == {each.document for each in example.evidence}


def test_each_line_is_json_with_times_beside_the_answer(docs: rag.Footnote, dataset: Dataset, tmp_path: Path) -> None:
    run(docs, dataset, "seeds", tmp_path / "r.jsonl")
    header, *lines = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert {each["id"] for each in header["examples"]} == {line["id"] for line in lines}
    assert all(line["seconds"] > 0 and "seconds" not in line["answer"] for line in lines)


def test_an_interrupted_run_goes_on_where_it_stopped(
    docs: rag.Footnote, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.jsonl"
    whole = run(docs, dataset, "seeds", path)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(lines[:3]) + b"\n" + lines[3][:40])  # two results, and a part of a third
    asked = []
    monkeypatch.setattr(runs, "ask", lambda docs, example: asked.append(example.id) or ask(docs, example))
    assert list(load(path).results) == list(whole.results)[:2]
    again = run(docs, dataset, "seeds", path)
    assert asked == list(whole.results)[2:]
    assert [each.answer for each in again.results.values()] == [each.answer for each in whole.results.values()]
    assert load(path) == again
    assert sorted(each.name for each in tmp_path.iterdir()) == ["r.jsonl"]


def test_a_finished_run_and_one_of_other_questions_are_kept(
    docs: rag.Footnote, dataset: Dataset, tmp_path: Path
) -> None:
    path, previous = tmp_path / "r.jsonl", tmp_path / "r.previous.jsonl"
    first = run(docs, dataset, "seeds", path)
    second = run(docs, dataset, "seeds", path)
    assert load(previous) == first
    assert first.results.keys() == second.results.keys()
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:3]) + b"\n")
    fewer = run(docs, dataset.sample(2), "seeds", path)
    assert len(load(previous).results) == 2
    assert load(path) == fewer


def test_a_run_by_other_code_or_numbers_is_not_gone_on_with(
    docs: rag.Footnote, dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    run(docs, dataset, "seeds", path)
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:3]) + b"\n")
    other = rag.Footnote(docs.library, docs.reader, replace(docs.calibration, threshold=0.5))
    assert len(run(other, dataset, "seeds", path).results) == len(dataset.examples)
    assert len(load(tmp_path / "r.previous.jsonl").results) == 2


def test_two_runs_in_two_libraries_give_the_same_answers_byte_for_byte(
    docs: rag.Footnote, seeds: Path, dataset: Dataset, tmp_path: Path
) -> None:
    first = run(docs, dataset, "seeds", tmp_path / "a.jsonl")
    with rag.open(seeds, home=tmp_path / "library") as again:
        second = run(again, dataset, "seeds", tmp_path / "b.jsonl")
    for id, result in first.results.items():
        assert ANSWER.dump_json(result.answer) == ANSWER.dump_json(second.results[id].answer)
        assert (result.hits, result.relevant, result.withheld) == (
            second.results[id].hits,
            second.results[id].relevant,
            second.results[id].withheld,
        )


SQUAD = {
    "data": [
        {
            "title": name,
            "paragraphs": [
                {
                    "context": f"{name} is the capital of {land}. The river there is the {river}.",
                    "qas": [
                        {
                            "id": name,
                            "question": f"What is the capital of {land}?",
                            "answers": [{"text": name, "answer_start": 0}],
                        }
                    ],
                }
            ],
        }
        for name, land, river in (
            ("Vienna", "Austria", "Danube"),
            ("Rome", "Italy", "Tiber"),
            ("Cairo", "Egypt", "Nile"),
        )
    ]
}


@pytest.fixture
def squad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SQuAD file of three paragraphs, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.json").write_text(json.dumps(SQUAD))
    return Path("small.json")


def test_a_set_with_documents_of_its_own_is_run_from_the_command_line(squad: Path) -> None:
    code, said = command("run", squad, "--limit", 2)
    assert (code, said) == (0, "runs/small.jsonl: 2 questions asked. Next: python -m eval report runs/small.jsonl\n")
    results = load(Path("runs/small.jsonl")).results
    assert [result.answer.citations[0].quote for result in results.values()] == [
        "Vienna is the capital of Austria.",
        "Rome is the capital of Italy.",
    ]
    assert results["Rome"].relevant == (results["Rome"].hits[0].id,)


def test_the_documents_of_a_set_are_read_once(squad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command("run", squad)
    monkeypatch.setattr("index.embeddings.OnnxEmbedder.embed_passages", lambda *_: pytest.fail("embedded again"))
    assert command("run", squad)[0] == 0
    assert Path("runs/small.previous.jsonl").exists()


def test_a_set_with_documents_of_its_own_takes_no_folder(squad: Path) -> None:
    with pytest.raises(DatasetError, match=r"small.json brings its own documents; leave out --documents"):
        command("run", squad, "--documents", ".")


def test_nothing_is_written_when_a_set_is_malformed(squad: Path) -> None:
    squad.write_text('{"data": [{"title": 1}]}')
    with pytest.raises(DatasetError, match=r"data\[0\].title"):
        command("run", squad)
    assert not Path("runs").exists()


def test_a_blank_document_of_a_set_is_nothing_to_find(squad: Path) -> None:
    blank = json.loads(json.dumps(SQUAD))
    blank["data"][0]["paragraphs"].append({"context": " ", "qas": []})
    squad.write_text(json.dumps(blank))
    assert command("run", squad)[0] == 0


def test_a_set_whose_documents_are_being_read_by_another_process_waits(squad: Path) -> None:
    command("run", squad)
    folder = kept(formats.load(squad))
    with rag.open(folder), pytest.raises(LibraryError, match="is being written by process"):
        command("run", squad)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("  ", "small.json, example Rome: The question is empty"),
        ("x" * 4_001, "small.json, example Rome: The question has 4,001 ch"),
    ],
)
def test_a_question_that_cannot_be_asked_stops_the_run_before_it_starts(squad: Path, question: str, told: str) -> None:
    odd = json.loads(json.dumps(SQUAD))
    odd["data"][1]["paragraphs"][0]["qas"][0]["question"] = question
    squad.write_text(json.dumps(odd))
    with pytest.raises(DatasetError, match=told):
        command("run", squad)
    assert not Path("runs").exists()


def test_two_runs_do_not_write_one_file(docs: rag.Footnote, dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"

    def second(done: int, _: int) -> None:
        if done == 1:
            with pytest.raises(DatasetError, match=r"r.jsonl is being written by another run; wait for it"):
                run(docs, dataset, "seeds", path)

    assert len(run(docs, dataset, "seeds", path, second).results) == len(dataset.examples)
    assert [each.name for each in tmp_path.iterdir()] == ["r.jsonl"]


def test_a_library_that_is_open_elsewhere_is_asked_as_it_stands_and_says_so(
    docs: rag.Footnote, seeds: Path, tmp_path: Path
) -> None:
    assert docs.library.writable
    code, said = command("run", SEEDS_SET, "--documents", seeds, "--limit", 2, "--out", tmp_path / "r.jsonl")
    assert code == 0
    assert "Asked as it stands: " in said


def test_a_library_elsewhere_is_asked_with_its_own_calibration(seeds: Path, tmp_path: Path) -> None:
    with rag.open(seeds, home=tmp_path / "library") as docs:
        save(replace(docs.calibration, threshold=1.0, provenance="mine"), docs.library.home)
    arguments = ("--documents", seeds, "--library", tmp_path / "library", "--limit", 4, "--out", tmp_path / "r.jsonl")
    said = command("run", SEEDS_SET, *arguments)[1]
    assert "Answered with numbers of its own: mine" in said
    assert {result.answer.status for result in load(tmp_path / "r.jsonl").results.values()} == {"abstained"}


def test_evidence_in_a_refused_document_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.pdf").write_bytes(b"no PDF")
    quote = {"document": "d/a.pdf", "quote": "Ada"}
    record = {"id": "1", "question": "Who?", "answers": ["Ada"], "evidence": [quote]}
    (tmp_path / "s.jsonl").write_text(json.dumps(record))
    with (
        pytest.raises(DatasetError, match=r"s.jsonl, line 1: the document d/a.pdf was not read: "),
        opened(tmp_path / "s.jsonl", tmp_path / "d"),
    ):
        pass


def test_a_set_that_does_not_fit_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("Ada wrote it.")
    with (
        pytest.raises(DatasetError, match=r"there is no document seeds/\S+ in the folder; footnote status lists"),
        opened(SEEDS_SET, tmp_path / "other"),
    ):
        pass


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff\n", b'{"set": "x"}\nnonsense\n'])
def test_what_is_no_run_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.jsonl").write_bytes(content)
    with pytest.raises(DatasetError, match=r"r.jsonl holds no run of this version; make one") as refusal:
        load(tmp_path / "r.jsonl")
    assert "\n" not in str(refusal.value)


def test_an_interruption_says_how_to_go_on(squad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(docs: rag.Footnote, example: Example) -> Result:
        if example.id == "Cairo":
            raise KeyboardInterrupt
        return ask(docs, example)

    with monkeypatch.context() as patched:
        patched.setattr(runs, "ask", interrupted)
        assert command("run", squad) == (130, "2 of 3 asked; the same command goes on from there.\n")
    assert command("run", squad)[0] == 0
    assert not Path("runs/small.previous.jsonl").exists()


def test_the_page_of_an_earlier_run_is_kept_beside_it(squad: Path) -> None:
    command("run", squad)
    command("report", "runs/small.jsonl")
    assert "The earlier run is kept as runs/small.previous.jsonl." in command("run", squad)[1]
    assert sorted(path.name for path in Path("runs").glob("small*")) == [
        "small.jsonl",
        "small.previous.html",
        "small.previous.jsonl",
    ]


def test_a_file_that_is_no_run_is_not_written_over(docs: rag.Footnote, dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(
        DatasetError, match=r"notes.txt is there already, and no run of this version; name another file"
    ):
        run(docs, dataset, "seeds", path)
    assert path.read_text() == "mine"


def test_within_restricts_the_search(tmp_path: Path, squad: Path) -> None:
    doubled = json.loads(json.dumps(SQUAD))
    for article in doubled["data"]:
        for paragraph in article["paragraphs"]:
            paragraph["qas"][0]["is_impossible"] = False
    squad.write_text(json.dumps(doubled))
    command("run", squad)
    made = load(Path("runs/small.jsonl"))
    for example in made.header.examples:
        assert {hit.document_id for hit in made.results[example.id].hits} == set(example.within)


def test_the_seeds_are_asked_unless_another_folder_is_named(
    indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    copied = shutil.copytree(indexed, tmp_path / "seeds")
    monkeypatch.setattr(library, "SEEDS", Path(copied))
    code, said = command("run", SEEDS_SET, "--limit", 3, "--out", "x/y.jsonl")
    assert (code, len(load(Path("x/y.jsonl")).results)) == (0, 3)
    assert "3 questions asked" in said
