"""Example questions read as a person would ask them."""

import pytest

from rag import examples


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Keys were handed over on 2 May 2025.", "When were keys handed over?"),
        ("Hamas was founded in 1987 by some.", "When was Hamas founded?"),
        ("The monthly rent is 1,450 euros, payable in advance.", "How much is the monthly rent?"),
        ("The late fee was $25.", "How much was the late fee?"),
        ("Ada Brandt owned the mill by the dam for years.", "Who owned the mill by the dam for years?"),
        ("A reader is the small model that chooses sentences.", "What is a reader?"),
        ("Payments received after the tenth day carry a late fee.", ""),
        ("Dogs need the landlord's written consent, which may be withdrawn.", ""),
    ],
)
def test_a_sentence_becomes_the_question_it_answers_or_none(text: str, question: str) -> None:
    around = "In May, Hamas and Brandt met. Then the rent rose, and Dogs of War was shown by May."
    assert examples._question(text, around) == question
