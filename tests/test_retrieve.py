"""Retrieval: fusion as computed by hand, copies collapsed, documents filtered, any question legal."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rag
from index.document import canonical
from index.errors import QuestionError
from index.passages import Passage
from rag import retrieve
from rag.calibration import Fusion
from rag.retrieve import Found, fuse


def found(cosines: dict[str, float], bm25: dict[str, float]) -> Found:
    return Found(dense={}, bm25=bm25, cosines=cosines)


def test_fusion_adds_bm25_to_the_cosine() -> None:
    fused = fuse(found({"a": 0.6, "b": 0.2, "c": -1.0}, {"b": 8.0, "c": 4.0}), Fusion(bm25=0.1))
    assert fused == pytest.approx({"b": 0.2 + 0.8, "a": 0.6, "c": -1.0 + 0.4})
    assert list(fused) == ["b", "a", "c"]


@given(st.dictionaries(st.text(), st.tuples(st.floats(-1, 1), st.floats(0, 50)), min_size=2), st.floats(0, 1))
def test_what_is_found_beside_a_passage_changes_no_score(scores, bm25) -> None:
    whole = found({id: each[0] for id, each in scores.items()}, {id: each[1] for id, each in scores.items()})
    first = next(iter(scores))
    alone = found({first: whole.cosines[first]}, {first: whole.bm25[first]})
    assert fuse(whole, Fusion(bm25))[first] == fuse(alone, Fusion(bm25))[first]


def test_ties_break_by_id() -> None:
    assert list(fuse(found({"b": 0.5, "x": 0.9, "a": 0.5}, {}), Fusion(0.5))) == ["x", "a", "b"]


def test_hits_are_ranked_from_one_and_carry_the_parts_of_their_score(docs: rag.Footnote) -> None:
    hits = docs.retrieve("Who rejected the proposal?", k=5)
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.dense_rank or hit.bm25_rank for hit in hits)


def test_copies_of_a_passage_are_one_hit(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"The moon is made of cheese.\n\n{'Filling words here. ' * 60}{name}")
    (tmp_path / "c.txt").write_text("The moon is made of cheese.\n")
    (tmp_path / "d.txt").write_text("The moon is made of cheese.\n\n\n")
    with rag.open(tmp_path) as docs:
        texts = [hit.passage.text for hit in docs.retrieve("What is the moon made of?", k=10)]
    assert texts.count("The moon is made of cheese.") == 1


SAID = "The owner’s mill – built in brick – burned in 1902."


@pytest.mark.parametrize(
    ("text", "is_new"),
    [
        (SAID.replace("’", "'").replace("–", "-"), False),
        (SAID.upper(), False),
        (SAID.replace(" burned", "\n  burned") + "\n", False),
        ("built in brick", False),
        (SAID + " It was rebuilt.", True),
        (SAID.replace("1902", "1903"), True),
        (SAID.replace("burned", "stood"), True),
        ("10²", True),
        ("102", True),
        ("the own", True),
    ],
)
def test_a_passage_that_only_repeats_a_better_one_is_left_out(text: str, is_new: bool) -> None:
    first, second = (
        Passage(f"{id}#0", id, each, 0, len(each), None, "", ()) for id, each in (("a", SAID), ("b", text))
    )
    assert [each.id for each in retrieve._new([first, second])] == ["a#0", "b#0"][: 1 + is_new]


def test_a_passage_left_out_makes_room_for_another(tmp_path: Path) -> None:
    for name, text in (("a", SAID), ("b", SAID.upper()), ("c", "The mill stood by the dam.")):
        (tmp_path / f"{name}.txt").write_text(text)
    with rag.open(tmp_path) as docs:
        hits = docs.retrieve("When did the mill burn?", k=2)
    assert [hit.rank for hit in hits] == [1, 2]
    assert sum("1902" in hit.passage.text for hit in hits) == 1


def test_only_the_documents_asked_for_are_searched(docs: rag.Footnote) -> None:
    wanted = {"seeds/guide/privacy.md", "seeds/guide/ask.md"}
    hits = docs.retrieve("Who rejected the proposal?", k=10, documents=wanted)
    assert {hit.passage.document_id for hit in hits} == wanted
    assert docs.retrieve("Who rejected the proposal?", documents=[]) == ()
    assert docs.retrieve("Who rejected the proposal?", documents=["seeds/absent.md"]) == ()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=80).filter(lambda question: canonical(question)[0].strip()))
@pytest.mark.filterwarnings("default")
def test_any_text_is_a_legal_question(docs: rag.Footnote, question: str) -> None:
    assert len(docs.retrieve(question, k=3)) == 3


@pytest.mark.parametrize(
    "question", ['"a" AND (b* OR c:d) -e ^2 ~3 [x TO y]', "\\", "' OR 1=1 --", "👩‍👩‍👧", "\x00 a", "*", "AND"]
)
def test_a_question_has_no_operators(docs: rag.Footnote, question: str) -> None:
    assert docs.retrieve(question)


@pytest.mark.parametrize("question", ["", "  \n ", "x" * 4_001])
def test_a_question_that_cannot_be_asked_is_refused(docs: rag.Footnote, question: str) -> None:
    with pytest.raises(QuestionError, match=r"type one|shorten it"):
        docs.ask(question)


def test_the_longest_question_is_asked(docs: rag.Footnote) -> None:
    assert docs.ask("hostages " * 444 + "Gaza")


def test_I6_copies_crowd_nobody_out_and_every_process_finds_the_same_one(tmp_path: Path) -> None:
    notice = "This notice about the ferry to Ostrava stands at the end of every page of the handbook."
    for number in range(250):
        (tmp_path / f"{number:03}.md").write_text(
            f"# {number}\n\n{notice}\n\n## Page\n\nPage {number} of the handbook.\n"
        )
    (tmp_path / "ferry.txt").write_text("The ferry to Ostrava leaves at seven.")
    with rag.open(tmp_path) as writer, rag.open(tmp_path) as reader:
        assert (writer.library.writable, reader.library.writable) == (True, False)
        for question in ("When does the ferry to Ostrava leave?", notice):
            hits = writer.retrieve(question, k=6)
            assert hits == reader.retrieve(question, k=6)
            assert len({hit.passage.text for hit in hits}) == 6
        assert writer.ask("When does the ferry to Ostrava leave?").citations[0].document_id.endswith("ferry.txt")


def test_a_question_is_made_canonical_like_the_documents(docs: rag.Footnote) -> None:
    plain, hidden = "How many hostages are held?", "How many hos\u00adta\u200bges are\u2028held?"
    assert docs.retrieve(hidden) == docs.retrieve(plain)
    assert docs.ask("\ud800How many hostages are held?").question == plain
    with pytest.raises(QuestionError, match="type one"):
        docs.ask("\u200b\ufeff")


def test_passages_are_looked_up_a_few_at_a_time_until_enough_say_something_new(
    docs: rag.Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    really = docs.library.passages

    def passages(ids: Sequence[str]) -> dict[str, Passage]:
        asked.append(len(ids))
        return really(ids)

    whole = docs.retrieve("Who rejected the proposal?", k=40)
    monkeypatch.setattr(docs.library, "passages", passages)
    assert docs.retrieve("Who rejected the proposal?", k=1) == whole[:1]
    assert asked == [2]
    assert docs.retrieve("Who rejected the proposal?", k=40) == whole


def test_none_wanted_is_none_found(docs) -> None:
    assert docs.retrieve("Who rejected the proposal?", 0) == ()
