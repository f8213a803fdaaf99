"""Conversations kept in a library: whole, each its owner's alone, and gone when deleted."""

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.document import Span
from index.errors import LibraryError
from index.passages import Passage
from rag.answer import Answer, Statement
from rag.chat import Conversation, Judgement, Turn
from rag.cite import Citation
from rag.conversations import MAX_TITLE, Conversations, Forgotten, every, forget_gone
from rag.retrieve import Hit

QUOTE = "The mill burned in 1902."


def turn(question: str, quote: str = QUOTE) -> Turn:
    """A turn with something in every field."""
    passage = Passage("p", "seeds/mill.txt", quote, 5, 5 + len(quote), 2, "Fire", (Span(5, 5 + len(quote)),), "page 2")
    answer = Answer(
        question,
        question.strip(),
        "answered",
        quote,
        short=Span(0, 3),
        statements=(Statement(Span(0, len(quote)), (1,), "verbatim", 0.25, Span(0, 3)),),
        disagreeing=(1,),
        unsupported=("nothing bore this out",),
        citations=(Citation(1, "seeds/mill.txt", "p", 5, 5 + len(quote), quote, 2, "2001-02-03", "page 2"),),
        hits=(Hit(passage, 0.5, 1, None, 2, 0.125),),
        confidence=0.75,
    )
    return Turn(answer, 12, ("seeds/mill.txt",))


def test_what_was_asked_and_said_comes_back_the_same(tmp_path: Path) -> None:
    kept = Conversations(tmp_path, "ada")
    first = kept.add("", turn("When did the mill burn?"))
    second = kept.add(first.id, turn("And the school?"))
    assert second.id == first.id
    assert second.title == "When did the mill burn?"
    assert Conversations(tmp_path, "ada").open(first.id) == second
    assert second.turns == (turn("When did the mill burn?"), turn("And the school?"))


def test_a_turn_is_kept_without_reading_those_before_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a question would cost more, the longer its conversation is."""
    kept, known, reads = Conversations(tmp_path, "ada"), Conversation(), list[str]()
    read = Conversations._read
    monkeypatch.setattr(Conversations, "_read", lambda self, database, id: reads.append(id) or read(self, database, id))
    for number in range(12):
        known = kept.add(known.id, turn(f"Question {number}?"), known)
    assert len(reads) == 1
    assert known == kept.open(known.id)
    kept.add(known.id, turn("Asked in another tab?"))
    assert len(kept.add(known.id, turn("Asked here?"), known).turns) == 14, "what was added elsewhere is there too"


@given(question=st.text(min_size=1).filter(lambda text: text.isprintable()), quote=st.text(min_size=3))
def test_any_text_comes_back_the_same(tmp_path_factory: pytest.TempPathFactory, question: str, quote: str) -> None:
    text = quote.encode("utf-8", "replace").decode()  # a document holds no lone surrogates
    kept = Conversations(tmp_path_factory.mktemp("home"), "ada")
    assert kept.add("", turn(question, text)).turns == (turn(question, text),)


def test_the_one_asked_last_is_listed_first(tmp_path: Path) -> None:
    kept = Conversations(tmp_path, "ada")
    one, two = (kept.add("", turn(question)).id for question in ("One?", "Two?"))
    assert [each.id for each in kept.listed()] == [two, one]
    kept.add(one, turn("And one?"))
    assert [each.title for each in kept.listed()] == ["One?", "Two?"]


def test_another_owner_sees_changes_and_deletes_nothing(tmp_path: Path) -> None:
    ada, bert = Conversations(tmp_path, "ada"), Conversations(tmp_path, "bert")
    id = ada.add("", turn("One?")).id
    assert bert.listed() == ()
    with pytest.raises(LibraryError, match="no such conversation"):
        bert.open(id)
    bert.rename(id, "mine")
    bert.delete(id)
    assert bert.add(id, turn("Two?")).id != id
    assert ada.open(id).title == "One?"
    assert len(ada.open(id).turns) == 1


def test_a_conversation_is_renamed(tmp_path: Path) -> None:
    kept = Conversations(tmp_path, "ada")
    id = kept.add("", turn("word " * 100)).id
    assert len(kept.open(id).title) <= MAX_TITLE
    kept.rename(id, "  The\u202e mill\n fire ")
    assert kept.listed()[0].title == kept.open(id).title == "The mill fire"
    kept.rename(id, " \n")
    assert kept.open(id).title == "The mill fire"
    kept.rename(id, "x" * 500)
    assert len(kept.open(id).title) == MAX_TITLE


def test_a_turn_is_judged_and_the_judgement_taken_back(tmp_path: Path) -> None:
    kept = Conversations(tmp_path, "ada")
    id = kept.add("", turn("One?")).id
    kept.add(id, turn("Two?"))
    said = Judgement("wrong", "seeds/mill.txt", QUOTE)
    judged = replace(turn("Two?"), judgement=said)
    assert kept.judge(id, 2, judged).turns == (turn("One?"), judged)
    for number, other in ((1, judged), (3, judged), (2, replace(judged, milliseconds=1))):
        with pytest.raises(LibraryError, match="This answer is not kept"):
            kept.judge(id, number, other)
    assert kept.judge(id, 2, turn("Two?")).turns == (turn("One?"), turn("Two?"))
    with pytest.raises(LibraryError):
        Conversations(tmp_path, "bert").judge(id, 2, judged)
    Conversations(tmp_path, "bert").add("", turn("Three?"))
    assert {each.title for each in every(tmp_path)} == {"One?", "Three?"}


# A turn as version 1 keeps it. Where this is no longer read, the version in conversations.py has to change, or people
# lose what they have kept.
_KEPT = (
    '{"answer":{"question":"Q?","query":"Q?","status":"answered","text":"It burned.","short":{"start":0,"end":2},'
    '"statements":[{"span":{"start":0,"end":10},"citations":[1],"support":"verbatim","score":0.5}],"unsupported":[],'
    '"citations":[{"number":1,"document_id":"d","passage_id":"p","start":0,"end":10,"quote":"It burned.","page":null}],'
    '"hits":[{"passage":{"id":"p","document_id":"d","text":"It burned.","start":0,"end":10,"page":null,"heading":"",'
    '"sentences":[{"start":0,"end":10}]},"score":1.0,"rank":1,"dense_rank":1,"bm25_rank":null,"reader":0.5}],'
    '"confidence":0.5,"reason":"","mode":"extract"},"milliseconds":1,"documents":["d"],"judgement":{"verdict":"wrong",'
    '"document_id":"d","quote":"It"}}'
)


def test_what_version_1_kept_is_read(tmp_path: Path) -> None:
    kept = Conversations(tmp_path, "ada")
    id = kept.add("", turn("One?")).id
    with sqlite3.connect(tmp_path / "conversations.sqlite") as database:
        database.execute("UPDATE turn SET turn = ?", (_KEPT,))
    database.close()
    (read,) = kept.open(id).turns
    assert (read.answer.question, read.judgement) == ("Q?", Judgement("wrong", "d", "It"))
    with sqlite3.connect(tmp_path / "conversations.sqlite") as database:
        database.execute("UPDATE turn SET turn = '{}'")
    database.close()
    with pytest.raises(LibraryError, match="“One\\?” is damaged, or was kept by another version"):
        kept.open(id)
    kept.delete(id)
    assert kept.listed() == ()


def test_deleted_is_gone_from_the_disk(tmp_path: Path) -> None:
    kept = Conversations(tmp_path, "ada")
    id = kept.add("", turn("Where is the treasure?", "Under the old pear tree. " * 400)).id
    other = kept.add("", turn("One?")).id
    kept.delete(id)
    assert [each.id for each in kept.listed()] == [other]
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"pear tree" not in left
    assert b"treasure" not in left


def test_turns_of_many_threads_are_all_kept(tmp_path: Path) -> None:
    id = Conversations(tmp_path, "ada").add("", turn("First?")).id
    threads = [
        threading.Thread(target=lambda n=n: Conversations(tmp_path, "ada").add(id, turn(f"{n}?"))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.answer.question for each in Conversations(tmp_path, "ada").open(id).turns} == {
        "First?",
        *(f"{n}?" for n in range(8)),
    }


def test_a_file_that_is_none_of_ours_is_said_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(LibraryError, match=r"cannot be kept in .*move the file away"):
        Conversations(tmp_path, "ada").listed()
    assert path.read_bytes().startswith(b"not a database")
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(LibraryError, match="version 9"):
        Conversations(tmp_path, "ada").add("", turn("One?"))


def test_those_of_documents_that_are_gone_are_forgotten_and_damaged_ones_are_named(tmp_path: Path) -> None:
    kept = Conversations(tmp_path, "ada")
    damaged = [kept.add("", turn(f"Damaged {number}?")) for number in range(2)]
    with sqlite3.connect(tmp_path / "conversations.sqlite") as opened:
        opened.execute("UPDATE turn SET turn = '{'")
    opened.close()
    whole = kept.add("", turn("Whole?"))
    assert forget_gone(tmp_path, {"seeds/mill.txt"}) == Forgotten(0, tuple(each.title for each in by_id(damaged)))
    assert forget_gone(tmp_path, ()) == Forgotten(1, tuple(each.title for each in by_id(damaged)))
    assert whole.id not in kept
    assert all(each.id in kept for each in damaged)


def by_id(talks: list[Conversation]) -> list[Conversation]:
    return sorted(talks, key=lambda each: each.id)
