"""A greeting or a wish gets a line of help; a question does not."""

import pytest

import rag
from rag.help import help_line


@pytest.mark.parametrize("said", ["hello", "Hi there!", "Good morning", "thanks", "help", "Who are you?", "tl;dr"])
@pytest.mark.parametrize("wish", ["{}", "  {} "])
def test_a_greeting_gets_one_line(said: str, wish: str) -> None:
    assert help_line(wish.format(said))


@pytest.mark.parametrize(
    "said",
    [
        "What can you do?",
        "Summarise the article",
        "please summarize seeds/news",
        "Give me an overview of the guide",
    ],
)
def test_a_wish_gets_one_line(said: str) -> None:
    line = help_line(said)
    assert line
    assert "\n" not in line


@pytest.mark.parametrize(
    "asked",
    [
        "Who said hello?",
        "What can you do about hostages?",
        "Hi-fi sound?",
        "Which help is offered?",
        "Who summarised it?",
    ],
)
def test_a_question_is_a_question(asked: str) -> None:
    assert help_line(asked) is None


def test_help_is_not_an_abstention_and_offers_questions_that_have_answers(docs: rag.Footnote) -> None:
    answer = docs.ask("hello")
    assert (answer.status, answer.mode, answer.reason) == ("answered", "help", "")
    examples = docs.examples()
    assert len(examples) == 4
    assert all(example in answer.text for example in examples)
    assert [docs.ask(example).status for example in examples] == ["answered"] * 4
    assert any("news" in docs.ask(example).citations[0].document_id for example in examples)
