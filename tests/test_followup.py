"""A follow-up becomes a question that stands alone; one that does so already is left as it is, and costs nothing."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rag
from eval.conversations import in_conversation
from eval.dataset import Dataset, Example
from eval.dataset import Turn as Said
from eval.run import ask
from index.document import Document
from rag.answer import Answer
from rag.chat import Turn
from rag.followup import GLANCED, depends, standalone
from rag.reader import FIRST, MORE, Reading
from rag.retrieve import MAX_QUESTION, Hit
from rag.topics import names
from tests.fakes import abstaining, helping, quoting


def turn(question: str, text: str = "") -> Turn:
    return Turn(Answer(question, question, "answered", text=text) if text else abstaining(question, "No.", ()), 0)


NORMANS = (turn("Who led the Normans to Rouen?", "Their leader was Rollo, a Viking."),)
LAW = (turn("What does the law on photographs in France say?", "It protects the photographer."),)


@dataclass
class Reader:
    """Reads as surely as it was told, by words of the question; else not surely."""

    logits: dict[str, float] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def __call__(self, query: str) -> Reading:
        self.read.append(query)
        return Reading((), (), next((logit for words, logit in self.logits.items() if words in query), -3.0))


@pytest.mark.parametrize(
    "question",
    [
        "Why?",
        "How so?",
        "Who else?",
        "What else?",
        "Tell me more.",
        "When was that?",
        "Since when?",
        "And in 1999?",
        "In Canada?",
        "How about in Canada?",
        "What about Harald?",
        "Okay, and the population?",
        "When did he die?",
        "what year was she born",
        "What did he do next?",
        "Was his wife a Christian?",
        "Where did they settle?",
        "Who opposed them?",
        "Who invented it?",
        "What causes it?",
        "What caused their decline?",
        "Among whom was his empire split?",
        "How old was he when Rome fell?",
        "What did Caesar say about it?",
        "But why did it fail?",
        "Is it true?",
        "What happened in the battle?",
        "What did the company sell?",
        "What are the penalties for violating the act?",
        "What do those restrictions consist of?",
        "Which one is bigger?",
        "What is the other one called?",
        "Did anything else happen?",
        "Who lives there?",
    ],
)
def test_what_needs_the_turns_before_it(question: str) -> None:
    assert depends(question, NORMANS)
    assert not depends(question, ())
    assert not depends(question, (Turn(helping("hello"), 0),))


STANDING_ALONE = [
    "Who was Rollo?",
    "who was rollo",
    "What is the capital of Mongolia?",
    "When did Luther publish his theses?",
    "Why did Tesla lose his patents?",
    "When Tesla photographed Mark Twain, what did he see?",
    "How long does it take to learn French?",
    "Is it true that cats dream?",
    "Is it raining?",
    "How do cats clean their fur?",
    "Do people who exercise improve their health?",
    "Why do birds sing when they wake?",
    "Which court argued that its rulings bind?",
    "If a number is prime, what divides it?",
    "What is a prime number?",
    "what is overfitting",
    "how do i add documents",
    "What is the tallest tree in the world?",
    "Who rejected the proposal of March 2024?",
    "In what year did the Lunar Module land?",
    "Is there a difference between maize and corn?",
    "Which theorem states that every number has a factor?",
    "geocaching types",
    "Tell me about the Orangutan Land Trust.",
    "hello",
    "Thanks!",
    "What can you do?",
    "ok",
    "Yes.",
    "…",
    "",
]


@pytest.mark.parametrize("question", STANDING_ALONE)
@pytest.mark.parametrize("turns", [NORMANS, LAW, (*NORMANS, *LAW)])
def test_what_stands_alone_is_left_as_it_is_and_not_read(question: str, turns: tuple[Turn, ...]) -> None:
    reader = Reader({"Rollo": 9.0, "Normans": 9.0, "France": 9.0})
    assert standalone(question, turns, reader) == question
    assert not reader.read


TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(STANDING_ALONE),
    st.lists(
        st.sampled_from(["Why", "did", "he", "it", "the", "battle", "Rome", "and", "in", "1999", "their", "that", "?"]),
        max_size=9,
    ).map(" ".join),
)


@given(TEXTS, st.lists(st.builds(turn, TEXTS.filter(str.strip), TEXTS), max_size=5), st.integers(0, 3))
def test_it_depends_or_is_left_alone_and_four_are_read_at_most(question: str, turns: list[Turn], liked: int) -> None:
    def surest() -> Callable[[str], Reading]:
        return lambda query: reader(query) and Reading((), (), 5.0 if len(reader.read) == liked else 0.0)

    reader = Reader()
    found = standalone(question, turns, surest())
    assert len(reader.read) <= 4
    assert found == question or depends(question, turns)
    assert bool(found.strip()) == bool(question.strip())
    if not depends(question, turns):
        assert not reader.read
    reader = Reader()
    assert standalone(question, turns, surest()) == found


@pytest.mark.parametrize(
    ("question", "turns", "found"),
    [
        ("Why?", NORMANS, "Who led the Normans to Rouen, and why?"),
        ("And in Germany?", LAW, "What does the law on photographs in Germany say?"),
        ("In 1999?", LAW, "What does the law on photographs in France say in 1999?"),
        ("What about Rollo?", (turn("Where was Harald born?", "In Oslo."),), "Where was Rollo born?"),
    ],
)
def test_a_part_of_a_question_is_put_into_the_one_before_without_reading(
    question: str, turns: tuple[Turn, ...], found: str
) -> None:
    reader = Reader()
    assert standalone(question, turns, reader) == found
    assert not reader.read


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("When did he die?", "When did Rollo die?"),
        ("Was his wife a Christian?", "Was Rollo's wife a Christian?"),
        ("What did Caesar say about him?", "What did Caesar say about Rollo?"),
        ("What happened in the battle?", "What happened in the battle (Rollo)?"),
    ],
)
def test_the_reader_chooses_among_what_it_may_speak_of(question: str, found: str) -> None:
    reader = Reader({"Rollo": 3.0})
    assert standalone(question, NORMANS, reader) == found
    assert question in reader.read
    assert len(reader.read) == 4


def test_of_two_as_sure_the_likelier_is_taken_and_the_question_as_it_is_before_both() -> None:
    assert standalone("When did he settle?", NORMANS, Reader({"he settle": -4.0})) == "When did Rollo settle?"
    assert standalone("When did he settle?", NORMANS, Reader()) == "When did he settle?"
    asked = Reader({"Rollo": 0.0, "the Normans": 0.9})
    assert standalone("When did he settle?", NORMANS, asked) == "When did Rollo settle?"


def test_what_may_be_understood_as_it_is_has_to_be_beaten_clearly() -> None:
    question = "What happened in the battle?"
    assert standalone(question, NORMANS, Reader({"Rollo": -2.1})) == question
    assert standalone(question, NORMANS, Reader({"Rollo": -1.9})) == "What happened in the battle (Rollo)?"


def test_where_nothing_is_found_the_question_stays() -> None:
    class Nothing(Reader):
        def __call__(self, query: str) -> Reading:
            return replace(super().__call__(query), logit=-math.inf)

    assert standalone("When did he die?", NORMANS, Nothing()) == "When did he die?"


def test_an_abstained_question_counts_and_a_line_of_help_does_not() -> None:
    turns = (turn("Where was Ada Brandt born?"), Turn(helping("Thank You Charles Babbage"), 0))
    assert standalone("When did she die?", turns, Reader({"Ada": 1.0})) == "When did Ada Brandt die?"
    reader = Reader()
    standalone("When did she die?", turns, reader)
    assert not any("Babbage" in query for query in reader.read)


def test_only_the_last_three_turns_count() -> None:
    later = tuple(turn(f"what is tea number {number}") for number in range(3))
    reader = Reader({"Rollo": 9.0, "Normans": 9.0})
    assert standalone("When did he die?", (*NORMANS, *later), reader) == "When did he die?"
    assert standalone("When did he die?", (*NORMANS, *later[1:]), reader) == "When did Rollo die?"


def test_a_follow_up_of_a_follow_up_is_understood_by_what_was_searched_for() -> None:
    asked = Answer("When did he die?", "When did Rollo die?", "answered", text="About 930.")
    assert standalone("Where?", (Turn(asked, 0),), Reader()) == "When did Rollo die, and where?"


def test_the_headings_over_what_was_cited_are_tried() -> None:
    source = Document("d/a.txt", "A", "It was rebuilt in brick.", "0" * 64, "text/plain")
    answer = quoting("what was rebuilt", (source, source.text))
    (hit,) = answer.hits
    answer = replace(answer, hits=(replace(hit, passage=replace(hit.passage, heading="The Old Mill")),))
    assert standalone("Who owned it?", (Turn(answer, 0),), Reader({"Mill": 1.0})) == "Who owned The Old Mill?"


def test_a_heading_that_asks_names_nothing() -> None:
    source = Document("d/a.txt", "A", "Remove the file.", "0" * 64, "text/plain")
    answer = quoting("how is a document deleted", (source, source.text))
    (hit,) = answer.hits
    answer = replace(answer, hits=(replace(hit, passage=replace(hit.passage, heading="How do I delete it?")),))
    reader = Reader()
    standalone("Is its text gone?", (Turn(answer, 0),), reader)
    assert not any("How do I" in query for query in reader.read)


def test_they_are_those_that_were_counted() -> None:
    turns = (turn("How many hostages are still held in Gaza?", "115."),)
    reader = Reader({"hostages": 1.0})
    assert standalone("How many of them are women?", turns, reader) == "How many of the hostages are women?"


def test_why_and_where_go_on_with_what_was_asked_last() -> None:
    turns = (turn("And how high is the dam?", "40 metres."), Turn(Answer("Why?", "How high?", "abstained"), 0))
    assert standalone("Where?", turns, Reader()) == "How high is the dam, and where?"


def test_what_is_set_in_brackets_is_a_name() -> None:
    turns = (turn("When did the mill of Orsa burn?", "In 1902."),)
    assert standalone("How high is the dam?", turns, Reader({"(Orsa)": 9.0})) == "How high is the dam (Orsa)?"
    assert standalone("Who rebuilt it?", turns, Reader({"mill": 1.0})) == "Who rebuilt the mill of Orsa?"


def test_no_rewrite_is_too_long_to_be_asked() -> None:
    long = turn(f"Where is {'Rome ' * (MAX_QUESTION // 5 - 3)}?")
    reader = Reader()
    for question in ("Why?", "When did it fall?", "And in 1999 or in the years after?"):
        assert len(standalone(question, (long,), reader)) <= MAX_QUESTION
    assert all(len(query) <= MAX_QUESTION for query in reader.read)


def test_names_are_told_from_words_that_open_a_sentence() -> None:
    assert names("Did Walter Mondale's law firm in the U.S. hire Tesla?") == ["Walter Mondale", "the U.S.", "Tesla"]
    assert names("How about it? Yes, And Then I saw") == []
    assert names("who led the normans") == []


# --- with the real reader ---


def test_a_follow_up_over_the_seeds_says_what_was_searched_for(docs: rag.Footnote) -> None:
    first = docs.ask("Who rejected the ceasefire proposal?")
    answer = docs.ask("Why did they reject it?", turns=[Turn(first, 0)])
    assert answer.question == "Why did they reject it?"
    assert answer.query != answer.question
    assert any(name in answer.query for name in ("Hamas", "ceasefire proposal"))
    assert answer.status == "answered"
    assert answer.citations[0].document_id == first.citations[0].document_id


def test_of_each_way_to_put_a_follow_up_few_hits_are_read(docs: rag.Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    turns, read, given = [Turn(docs.ask("Who rejected the ceasefire proposal?"), 0)], docs.reader.read, []

    def counted(question: str, hits: Sequence[Hit]) -> Reading:
        given.append((question, len(hits)))
        return read(question, hits)

    monkeypatch.setattr(docs.reader, "read", counted)
    answer = docs.ask("Why did they reject it?", turns=turns)
    *glances, (chosen, whole) = given
    assert len(glances) > 1
    assert {count for _, count in glances} == {GLANCED}
    assert (chosen, whole) == (answer.query, FIRST + MORE)


def test_a_question_that_stands_alone_has_the_same_answer_anywhere(docs: rag.Footnote) -> None:
    turns = [Turn(docs.ask("How do I stop Footnote?"), 0)]
    question = "How many hostages are still held in Gaza?"
    assert docs.ask(question, turns=turns) == docs.ask(question)


# --- measuring ---


def test_each_question_of_a_set_is_put_after_two_others() -> None:
    examples = tuple(Example(str(place), f"Who is {place}?", True, (f"No. {place}",)) for place in range(6))
    changed = in_conversation(Dataset("d", examples)).examples
    assert [replace(each, history=()) for each in changed] == list(examples)
    assert changed[0].history == (Said("Who is 3?", "No. 3"), Said("Who is 4?", "No. 4"))
    assert all(each.question not in {said.question for said in each.history} for each in changed)
    (alone,) = in_conversation(Dataset("d", examples[:1])).examples
    assert alone.history == ()


def test_an_example_is_asked_after_its_history(docs: rag.Footnote) -> None:
    history = (Said("Who rejected the ceasefire proposal?", "Hamas"),)
    result = ask(docs, Example("1", "Why did they reject it?", True, history=history))
    assert result.question == result.answer.question == "Why did they reject it?"
    assert "Hamas" in result.answer.query
    assert [hit.id for hit in result.hits] == [hit.passage.id for hit in docs.retrieve(result.answer.query, 50)]
