"""I3, I4, I6: what an answer is, and that it is one answer whoever asks, wherever, however often."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import FrozenInstanceError, asdict, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import rag
from index.document import Document, canonical
from index.errors import LibraryError
from rag.answer import Answer

ROOT = Path(__file__).parent.parent
ANSWERED = "How many hostages are still held in Gaza?"
ABSTAINED = "What is the capital of Mongolia?"
WORDS = (
    *("Hamas", "Gaza", "proposal", "hostages", "who", "when", "how", "many", "why", "is"),
    *("footnote", "document", "library", "private", "folder"),
)
QUESTIONS = st.one_of(
    st.text(min_size=1, max_size=120), st.lists(st.sampled_from(WORDS), min_size=1).map(" ".join)
).filter(lambda question: canonical(question)[0].strip())


def check(docs: rag.Footnote, answer: Answer) -> None:
    """I2, I3 and I4 of one answer."""
    if answer.status == "abstained":
        assert (answer.text, answer.citations, answer.statements) == ("", (), ())
        assert answer.reason
        return
    used = {number for statement in answer.statements for number in statement.citations}
    assert used == {citation.number for citation in answer.citations} == set(range(1, len(answer.citations) + 1))
    passages = {hit.passage.id: hit.passage for hit in answer.hits}
    for statement in answer.statements:
        assert statement.citations
        quote = answer.citations[statement.citations[0] - 1].quote
        assert answer.text[statement.span.start : statement.span.end] == quote
    for citation in answer.citations:
        assert docs.document(citation.document_id).text[citation.start : citation.end] == citation.quote
        passage = passages[citation.passage_id]
        assert passage.start <= citation.start < citation.end <= passage.end


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUESTIONS)
def test_I3_I4_every_answer_is_cited_and_every_abstention_explained(docs: rag.Footnote, question: str) -> None:
    check(docs, docs.ask(question))


@settings(max_examples=12)
@given(st.lists(st.text(max_size=300), min_size=1, max_size=4), QUESTIONS)
@example(["\u0301\u0302", "Hostages are held."], "Who holds hostages?")
def test_I2_I3_I4_whatever_the_documents_hold(texts: list[str], question: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        for number, text in enumerate(texts):
            (Path(name) / f"{number}.txt").write_bytes(text.encode("utf-8", "replace"))
        with rag.open(name) as opened:
            check(opened, opened.ask(question))


def test_an_answer_that_a_sync_overtakes_is_asked_again(docs: rag.Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    before = docs.ask(ANSWERED)
    real, gone = docs.library.document, [True]

    def overtaken(document_id: str) -> Document:
        if gone:
            gone.pop()
            raise KeyError(document_id)
        return real(document_id)

    monkeypatch.setattr(docs.library, "document", overtaken)
    assert docs.ask(ANSWERED) == before
    monkeypatch.setattr(docs.library, "document", lambda id: replace(real(id), text=""))
    with pytest.raises(LibraryError, match="ask again"):
        docs.ask(ANSWERED)


def test_I4_answered(docs: rag.Footnote) -> None:
    answer = docs.ask(ANSWERED)
    assert answer.status == "answered"
    assert "115 hostages" in answer.citations[0].quote
    check(docs, answer)


def test_I3_abstained(docs: rag.Footnote) -> None:
    answer = docs.ask(ABSTAINED)
    assert answer.status == "abstained"
    assert "“capital”" in answer.reason
    assert "“Mongolia”" in answer.reason
    check(docs, answer)


def test_answers_cannot_be_changed(docs: rag.Footnote) -> None:
    with pytest.raises(FrozenInstanceError):
        docs.ask(ANSWERED).text = "something else"


def test_an_answer_prints_with_marks_and_footnotes(docs: rag.Footnote) -> None:
    answer = docs.ask(ANSWERED)
    said, _, footnotes = str(answer).partition("\n\n")
    assert "\n" not in said
    assert said.startswith(answer.statements[0].span and answer.text[: answer.statements[0].span.end] + " [1]")
    citation = answer.citations[0]
    assert footnotes.startswith(f"[1] {citation.document_id}, characters {citation.start}-{citation.end}: “")
    assert str(docs.ask(ABSTAINED)).startswith("The documents don't say. The closest passage is in ")


def test_only_the_documents_asked_for_answer(docs: rag.Footnote) -> None:
    assert docs.ask(ANSWERED, documents=["seeds/guide/privacy.md"]).status == "abstained"
    assert docs.ask(ANSWERED, documents=[]).reason == "No document holds a passage near this question."


def asked_elsewhere(folder: Path, times: int) -> list[str]:
    """The answers of another process, as JSON."""
    code = (
        "import json, sys, rag\nfrom dataclasses import asdict\n"
        "docs = rag.open(sys.argv[1])\n"
        "for _ in range(int(sys.argv[2])): print(json.dumps(asdict(docs.ask(sys.argv[3]))))"
    )
    command = [sys.executable, "-c", code, str(folder), str(times), ANSWERED]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_I6_twenty_times_in_two_processes_it_is_one_answer(docs: rag.Footnote, seeds: Path) -> None:
    here = {json.dumps(asdict(docs.ask(ANSWERED))) for _ in range(20)}
    there = set(asked_elsewhere(seeds, 20))  # beside this one, so reading with exact search
    assert len(here) == 1
    assert here == there


def test_I6_after_a_reload_and_a_rebuild_it_is_the_same_answer(docs: rag.Footnote, seeds: Path, tmp_path: Path) -> None:
    with rag.open(seeds, home=tmp_path / "first") as first:
        answers = [first.ask(ANSWERED)]
    with rag.open(seeds, home=tmp_path / "first") as again:
        answers.append(again.ask(ANSWERED))
    with rag.open(seeds, home=tmp_path / "second") as rebuilt:
        answers.append(rebuilt.ask(ANSWERED))
    assert answers == [docs.ask(ANSWERED)] * 3


def test_I6_history_leaves_no_trace(seeds: Path, tmp_path: Path) -> None:
    """What was added and removed again changes nothing, not even BM25's statistics."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "news").symlink_to(seeds / "news")  # a link is not followed: the folder stays ours
    (folder / "kept.txt").write_text((seeds / "news/ceasefire-proposal.txt").read_text())
    with rag.open(folder) as docs:
        before = docs.ask(ANSWERED)
        for number in range(5):
            (folder / f"{number}.txt").write_text(f"Hostages, hostages, hostages are held in Gaza by number {number}.")
        docs.sync()
        assert docs.ask(ANSWERED) != before
        for number in range(5):
            (folder / f"{number}.txt").unlink()
        docs.sync()
        assert docs.ask(ANSWERED) == before


def first_example(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]


@pytest.mark.parametrize(
    ("example", "quoted"),
    [
        (first_example("README.md"), "Hamas has outrightly rejected"),
        (first_example("seeds/guide/python.md"), "Stop Footnote with Ctrl-C"),
    ],
    ids=["README.md", "seeds/guide/python.md"],
)
def test_the_example_runs_as_written(seeds: Path, docs: rag.Footnote, example: str, quoted: str) -> None:
    assert docs  # open here, so the example reads beside a writer
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", example]
    printed = subprocess.run(command, cwd=seeds.parent, env=environment, capture_output=True, text=True, check=True)
    assert "[1]" in printed.stdout
    assert quoted in printed.stdout.splitlines()[-1]


@pytest.mark.skipif(
    subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0
    if Path("/usr/bin/unshare").exists()
    else True,
    reason="a process without a network needs `unshare --net`, for which this user lacks the right",
)
def test_it_answers_with_networking_removed(seeds: Path, tmp_path: Path) -> None:
    command = ["unshare", "--net", sys.executable, str(ROOT / "app.py"), "ask", ANSWERED, "--docs", str(seeds)]
    command += ["--library", str(tmp_path / "library")]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    assert "115 hostages" in child.stdout


def test_no_connection_is_tried(monkeypatch: pytest.MonkeyPatch, seeds: Path, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with rag.open(seeds, home=tmp_path / "library") as docs:
        assert docs.ask(ANSWERED).status == "answered"
