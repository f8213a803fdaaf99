"""Sources that disagree are told apart from those that only say the same otherwise, or speak of something else."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

import rag
from index.document import Span
from index.passages import Passage
from rag.disagree import disagreeing
from rag.reader import Candidate
from rag.retrieve import Hit
from web.export import answer_markdown

QUESTION = "How many people crossed the bridge?"


def candidate(document_id: str, text: str, short: str, heading: str = "") -> Candidate:
    start = text.index(short)
    passage = Passage(f"{document_id}#0", document_id, text, 0, len(text), None, heading, (Span(0, len(text)),))
    return Candidate(Hit(passage, 1.0, 1, 1, 1), Span(0, len(text)), 0.9, Span(start, start + len(short)))


def told(*shorts: str, texts: str = "People crossed the bridge: {}") -> tuple[int, ...]:
    """What is made of one document for each of some short answers."""
    chosen = [candidate(f"d/{number}", texts.format(short), short) for number, short in enumerate(shorts)]
    return disagreeing(QUESTION, chosen)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1931", "1932"),
        ("4,200", "3,900"),
        ("12 people", "15"),
        ("twelve people", "15 people"),
        ("3 May 1931", "4 May 1931"),
        ("May 1931", "June 1931"),
        ("2023-11-30", "1 December 2023"),
        ("$5 million", "$6,000,000"),
        ("40 %", "45 %"),
        ("40 %", "45.5 %"),
        ("May 3rd, 1931", "May 4th, 1931"),
        ("Monday 3 May 1931", "Tuesday 4 May 1931"),
        ("twenty-five", "26"),
        ("in 1931", "on 1932"),
        ("1930", "1931"),
        ("4,213,456", "4,217,456"),
    ],
)
def test_other_amounts_and_dates_disagree(one: str, other: str) -> None:
    assert told(one, other) == told(other, one) == (1, 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1931", "1931"),
        ("4,200", "4200 people"),
        ("twelve", "12"),
        ("2023-11-30", "30 Nov 2023"),
        ("30 November 2023", "2023"),
        ("$5 million", "$5,000,000"),
        ("12 km", "7 miles"),
        ("about 12", "13"),
        ("at least 12", "15"),
        ("10 to 12", "11"),
        ("10–12", "13"),
        ("Ada Brandt", "Paul Brandt"),
        ("many", "12"),
        ("12 men and 3 women", "12"),
        ("$5 million", "€4.6 million"),
        ("12 %", "300"),
        ("12 km", "7"),
        ("19th century", "1850"),
        ("the 1930s", "1931"),
        ("2 dozen", "24"),
        ("$5m", "$5 million"),
        ("Q3 2020", "July 2020"),
        ("05/03/2020", "3 May 2020"),
        ("4.2 million", "4,213,456"),
        ("100", "103"),
        ("approx. 12", "13"),
        ("c. 1930", "1932"),
        ("twenty-five", "25"),
        ("3rd May 1931", "3 May 1931"),
    ],
)
def test_what_may_both_be_true_does_not_disagree(one: str, other: str) -> None:
    assert told(one, other) == told(other, one) == ()


def test_a_hedge_beside_the_short_answer_counts() -> None:
    assert told("12 people", "15 people", texts="It was crossed by more than {}.") == ()
    assert told("12", "15", texts="It was crossed by {} or more.") == ()
    assert told("12", "35", texts="It was crossed by {}-40 people.") == ()
    assert told("12", "15", texts="It was crossed by {}, so they say. Or more.") == (1, 2)


def test_a_unit_that_the_question_names_goes_without_saying() -> None:
    assert told("12 people", "15") == (1, 2)
    assert told("12 men", "15") == ()


def test_a_document_does_not_disagree_with_itself() -> None:
    assert disagreeing(QUESTION, [candidate("d/a", "Crossed by 12.", "12"), candidate("d/a", "By 15.", "15")]) == ()


@pytest.mark.parametrize(
    ("one", "other", "texts", "differ"),
    [
        ("Ada Brandt", "Jonas Lind", "The bridge of the people belongs to {}.", True),
        ("Ada Brandt", "A. Brandt", "The bridge of the people belongs to {}.", False),
        ("the United Nations", "the U.N.", "The bridge of the people belongs to {}.", False),
        ("Ada Brandt", "a farmer", "The bridge of the people belongs to {}.", False),
        ("Ada", "a man", "People crossed the bridge with {}.", False),
    ],
)
def test_names_are_held_against_each_other_where_all_else_is_the_same(
    one: str, other: str, texts: str, differ: bool
) -> None:
    assert told(one, other, texts=texts) == ((1, 2) if differ else ())


def test_names_in_sentences_that_say_something_else_are_not() -> None:
    crossed = candidate("d/a", "Ada Brandt crossed the bridge with people.", "Ada Brandt")
    built = candidate("d/b", "Jonas Lind built the bridge for people.", "Jonas Lind")
    assert disagreeing(QUESTION, [crossed, built]) == ()


def test_what_agrees_with_one_and_not_with_another_is_named_too() -> None:
    assert told("12", "12", "15") == (1, 2, 3)
    assert told("Ada", "12", "15") == (2, 3)


def test_passages_that_speak_of_other_words_of_the_question_are_not_held_against_each_other() -> None:
    near = candidate("d/a", "People crossed the bridge: 12", "12")
    elsewhere = candidate("d/b", "People crossed the river: 15", "15")
    assert disagreeing(QUESTION, [near, elsewhere]) == ()
    assert disagreeing(QUESTION, [near, candidate("d/b", "People crossed: 15", "15", heading="Bridge")]) == (1, 2)


def test_an_answer_says_what_the_documents_disagree_on(tmp_path: Path) -> None:
    (tmp_path / "new.md").write_text("---\ndate: 2023-11-30\n---\nThe bridge at Velton was opened in 1931.")
    (tmp_path / "old.md").write_text("---\ndate: 2021-02-01\n---\nThe bridge at Velton was opened in 1932.")
    with rag.open(tmp_path) as docs:
        answer = docs.ask("When was the bridge at Velton opened?")
    assert [answer.text[value.start : value.end] for _, value in answer.rivals] == ["1931", "1932"]
    assert [each.date for each in answer.citations] == ["2023-11-30", "2021-02-01"]
    assert str(answer).startswith("The documents disagree: 1931 [1]; 1932 [2].\n\nThe bridge")
    assert answer_markdown(answer).startswith("The documents disagree: 1931[^1]; 1932[^2].\n\nThe bridge")
    assert json.loads(json.dumps(asdict(answer)))["disagreeing"] == [1, 2]
