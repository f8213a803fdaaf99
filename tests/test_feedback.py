"""What readers say of answers becomes a set of questions that the evaluation reads."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import rag
from eval import feedback
from index.errors import DatasetError
from index.passages import Passage
from rag.answer import Answer
from rag.chat import Conversation, Judgement, Turn
from rag.cite import Citation
from rag.conversations import Conversations
from rag.retrieve import Hit
from tests.evaluation import command

MILL = "The mill of Velton was built in 1821. It burned in 1902. It burned again later. It burned again later."
ASKED, ABSENT = "When was the mill of Velton built?", "Who painted the ceiling of the opera house?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mill.txt").write_text(MILL)
    return folder


def judge(folder: Path, question: str, judgement: Judgement | None, talk: str = "") -> str:
    """Ask in a chat and judge the answer; returns the conversation's id."""
    with rag.open(folder) as docs:
        kept = Conversations(docs.library.home, "ada")
        conversation = kept.add(talk, Turn(docs.ask(question), 1))
        kept.judge(conversation.id, len(conversation.turns), replace(conversation.turns[-1], judgement=judgement))
    return conversation.id


def test_judged_answers_become_questions_that_can_be_asked(folder: Path, tmp_path: Path) -> None:
    talk = judge(folder, ASKED, Judgement("right"))
    judge(folder, ABSENT, Judgement("right"), talk)
    judge(folder, "When did it burn?", Judgement("wrong", "docs/mill.txt", "It burned in 1902."), talk)
    judge(folder, "When did the mill burn down?", Judgement("unanswerable"), talk)
    judge(folder, "When did the mill close?", Judgement("wrong"), talk)
    judge(folder, "When did the mill open?", None, talk)
    code, said = command("feedback", folder, "--out", tmp_path / "set.jsonl")
    assert code == 0, said
    assert "4 of 5 answers judged are questions" in said
    lines = [json.loads(line) for line in (tmp_path / "set.jsonl").read_text().splitlines()]
    assert [line["question"] for line in lines] == [ASKED, ABSENT, "When did it burn?", "When did the mill burn down?"]
    assert [len(line["history"]) for line in lines] == [0, 1, 2, 3]
    assert lines[0]["evidence"][0]["quote"] == "The mill of Velton was built in 1821."
    assert lines[1]["answers"] == lines[1]["evidence"] == lines[3]["answers"] == []
    assert lines[2]["answers"] == ["It burned in 1902."]
    assert lines[2]["tags"] == ["feedback", "wrong"]
    code, said = command("run", tmp_path / "set.jsonl", "--documents", folder, "--out", tmp_path / "run.jsonl")
    assert code == 0, said


def test_a_set_is_never_overwritten_and_never_empty(folder: Path, tmp_path: Path) -> None:
    judge(folder, ASKED, None)
    out = tmp_path / "set.jsonl"
    with pytest.raises(DatasetError, match="Of the 0 answers judged in this chat none tells what is right"):
        command("feedback", folder, "--out", out)
    out.write_text("mine")
    with pytest.raises(DatasetError, match="is there already"):
        command("feedback", folder, "--out", out)
    assert out.read_text() == "mine"


def test_a_quote_that_stands_twice_is_its_passages_and_one_that_is_gone_is_left_out() -> None:
    text = "It burned. " * 3
    passage = Passage("p", "d", text.strip(), 0, len(text) - 1, None, "", ())
    answer = Answer(
        "When?",
        "When?",
        "answered",
        "It burned.",
        citations=(Citation(1, "d", "p", 0, 10, "It burned.", None),),
        hits=(Hit(passage, 1.0, 1, 1, 1),),
    )
    talk = Conversation("t", "When?", (Turn(answer, 1, (), Judgement("right")),))
    (made,) = feedback.examples([talk], lambda _: text.strip())
    assert [each.quote for each in made.evidence] == [text.strip()]
    assert list(feedback.examples([talk], lambda _: "")) == []


def test_what_some_documents_do_not_say_others_may() -> None:
    silent = Turn(Answer("When?", "When?", "abstained", reason="No."), 1, ("d",), Judgement("right"))
    assert list(feedback.examples([Conversation("t", "When?", (silent,))], lambda _: "")) == []
    assert (
        len(list(feedback.examples([Conversation("t", "When?", (replace(silent, documents=()),))], lambda _: ""))) == 1
    )
