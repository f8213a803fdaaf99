"""What is quoted, what is quoted with it, and what is said when nothing is."""

import math

from index.document import Span
from index.passages import Passage
from rag.calibration import Calibration, Fusion, Judge, Logistic, Platt, Weights
from rag.extract import content_words, extract, why_not
from rag.reader import Candidate, Reading
from rag.retrieve import Hit

NONE = Judge(Logistic(0, (), ()), Logistic(0, (), ()))
CALIBRATION = Calibration(Weights("", NONE, NONE, also=0.8), Fusion(0.5), Platt(1, 0), threshold=0.5, provenance="")


def hit(text: str, *sentences: str, name: str = "d", heading: str = "") -> Hit:
    spans = tuple(Span(text.index(each), text.index(each) + len(each)) for each in sentences)
    return Hit(Passage(f"{name}#0-{len(text)}", name, text, 0, len(text), None, heading, spans), 0.1, 1, 1, 1)


def reading(confidence: float, *scored: tuple[Hit, int, float]) -> Reading:
    """Candidates from (hit, number of the sentence from 0, score), best first."""
    candidates = tuple(Candidate(hit, hit.passage.sentences[n], score) for hit, n, score in scored)
    return Reading((), candidates, math.log(confidence / (1 - confidence)))


def quotes(reading: Reading) -> list[str]:
    return [each.hit.passage.text[each.span.start : each.span.end] for each in extract(reading, CALIBRATION)]


AB = hit("Ann ate it. Bob saw her.", "Ann ate it.", "Bob saw her.")


def test_below_the_threshold_nothing_is_said() -> None:
    assert quotes(reading(0.49, (AB, 0, 0.9))) == []
    assert quotes(reading(0.5, (AB, 0, 0.9))) == ["Ann ate it."]
    assert quotes(reading(0.9)) == []


def test_others_are_quoted_where_they_answer_nearly_as_well_and_in_the_order_they_stand() -> None:
    assert quotes(reading(0.9, (AB, 1, 0.9), (AB, 0, 0.8))) == ["Ann ate it.", "Bob saw her."]
    assert quotes(reading(0.9, (AB, 1, 0.9), (AB, 0, 0.7))) == ["Bob saw her."]


def test_a_sentence_that_leans_on_the_one_before_brings_it_along() -> None:
    leaning = hit("Ann came. She ate it.", "Ann came.", "She ate it.")
    assert quotes(reading(0.9, (leaning, 1, 0.9), (leaning, 0, 0.1))) == ["Ann came.", "She ate it."]


def test_a_colon_brings_its_list_along() -> None:
    listed = hit("It reads:\n• text\n• pages\n", "It reads:", "• text", "• pages")
    assert quotes(reading(0.9, (listed, 0, 0.9), (listed, 1, 0.85))) == ["It reads:\n• text\n• pages"]


def test_a_list_and_an_item_of_it_are_quoted_once() -> None:
    listed = hit("It reads:\n• text\n• pages\n", "It reads:", "• text", "• pages")
    assert quotes(reading(0.9, (listed, 1, 0.9), (listed, 0, 0.85))) == ["It reads:\n• text\n• pages"]


def test_the_same_sentence_is_said_once_and_at_most_three_are() -> None:
    copies = [hit("Ann ate it.", "Ann ate it.", name=name) for name in "abc"]
    assert quotes(reading(0.9, *((copy, 0, 0.9) for copy in copies))) == ["Ann ate it."]
    others = [hit(f"{name} ate it.", f"{name} ate it.", name=name) for name in "abcd"]
    assert len(quotes(reading(0.9, *((other, 0, 0.9) for other in others)))) == 3


def test_the_reason_names_the_closest_passage_and_what_is_missing() -> None:
    near = hit("Hostages are held in Gaza.", "Hostages are held in Gaza.", name="news.txt", heading="The\nwar")
    reason = why_not("How many hostages were released in November?", (near,))
    assert reason == (
        "The closest passage is in news.txt, under “The war”. It does not speak of “released” or “November”."
    )
    assert "Neither it nor the next ones speak of “released”" in why_not("Who was released?", (near, near))
    assert "No sentence in it answers" in why_not("How many hostages are held?", (near,))
    assert why_not("Who?", ()) == "No document holds a passage near this question."


def test_content_words_leave_out_what_every_question_has() -> None:
    assert [word.stem for word in content_words("Who rejected the proposal?")] == ["reject", "propos"]
    assert [word.stem for word in content_words("Who is it?")] == ["who", "is", "it"]


def test_a_statement_that_nothing_bears_out_is_told_so() -> None:
    assert "bears your statement out" in why_not("Ann ate.", [AB])
    assert "answers your question" in why_not("Who ate?", [AB])
