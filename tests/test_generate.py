"""What a language model writes is cited to the character or left out, and its troubles end in the documents' words."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rag
from index.document import Span, canonical
from index.passages import Passage
from rag.answer import Answer
from rag.chat import Turn
from rag.cite import Marks
from rag.generate import sentences
from rag.verify import Support
from tests import behaviours
from tests.behaviours import BEHAVIOURS, BURNED, TRUE, Behaviour, play, said, wrong
from tests.llm_server import Prompt, Said, Script, speaking, words

ROOT = Path(__file__).parent.parent
MARKS = Marks(["no tag here"])


def words_of(text: str) -> Said:
    return lambda prompt: words(text)


ONE, TWO = MARKS.mark(1), MARKS.mark(2)


@pytest.fixture(scope="module")
def orsa() -> Iterator[rag.Footnote]:
    with behaviours.library() as docs:
        yield docs


def check(docs: rag.Footnote, answer: Answer) -> None:
    """I2, I3 and I4 of an answer that a model wrote."""
    if answer.status == "abstained":
        assert (answer.text, answer.citations, answer.statements) == ("", (), ())
        return
    assert answer.text == " ".join(answer.text[each.span.start : each.span.end] for each in answer.statements)
    used = [number for each in answer.statements for number in each.citations]
    assert set(used) == {each.number for each in answer.citations} == set(range(1, len(answer.citations) + 1))
    passages = {hit.passage.id: hit.passage for hit in answer.hits}
    for each in answer.citations:
        assert docs.document(each.document_id).text[each.start : each.end] == each.quote
        assert passages[each.passage_id].start <= each.start < each.end <= passages[each.passage_id].end
    if answer.mode == "generate":
        assert all(
            each.passage_id in {hit.passage.id for hit in answer.hits[: answer.read]} for each in answer.citations
        )


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=[each.name for each in BEHAVIOURS])
def test_whatever_a_model_does(orsa: rag.Footnote, behaviour: Behaviour) -> None:
    came = play(orsa, behaviour)
    for answer in came.answers:
        check(orsa, answer)
    assert wrong(behaviour, came.answers[-1]) == []
    assert came.answers[-1].status == "answered" or came.answers[-1].reason
    assert came.seconds < behaviour.deadlines.whole + 2
    for earlier, later in zip(came.answers, came.answers[1:], strict=False):
        assert later.mode == "extract" or later.text.startswith(earlier.text)  # what is there does not jump


def test_a_sentence_appears_soon_after_its_last_word(orsa: rag.Footnote) -> None:
    slow = next(each for each in BEHAVIOURS if each.name == "slowly, but steadily")
    delays = [delay for _ in range(5) for delay in play(orsa, slow).delays]
    assert len(delays) == 10
    assert statistics.median(delays) < 0.3
    assert max(delays) < 1.0


def test_no_model_is_asked_where_the_passages_are_not_good_enough(orsa: rag.Footnote) -> None:
    script = Script(said("Ulan Bator."))
    with speaking(script) as setting:
        orsa.write_with(setting)
        answer = orsa.ask("What is the capital of Mongolia?")
        orsa.write_with("")
    assert (answer.status, answer.mode, script.prompts) == ("abstained", "extract", [])


def test_the_prompt_is_the_same_each_time_and_asks_for_no_chance(orsa: rag.Footnote) -> None:
    script = Script(said(f"{TRUE} {{mark}}."))
    with speaking(script) as setting:
        orsa.write_with(setting)
        answers = [orsa.ask(BURNED) for _ in range(3)]
        orsa.write_with("")
    assert answers[0] == answers[1] == answers[2]
    bodies = [prompt.body for prompt in script.prompts]
    assert bodies[0] == bodies[1] == bodies[2]
    assert (bodies[0]["temperature"], bodies[0]["stream"]) == (0.0, True)
    assert len(script.prompts[0].passages) == answers[0].read


def test_what_does_not_fit_the_window_is_left_out_whole(orsa: rag.Footnote) -> None:
    counts = []
    for window in (600, 750, 1000, 8192):
        script = Script(said(f"{TRUE}."))
        script.models = {"data": [{"id": "other", "max_model_len": 9}, {"id": "scripted", "max_model_len": window}]}
        with speaking(script) as setting:
            orsa.write_with(setting)
            answer = orsa.ask(BURNED)
            orsa.write_with("")
        shown = script.prompts[-1].passages if script.prompts else {}
        texts = {hit.passage.text for hit in answer.hits}
        assert all(text in texts for text in shown.values())
        assert sum(len(each["content"]) for each in (script.prompts[-1].body["messages"] if shown else ())) < 3 * window
        assert len(shown) == answer.read
        counts.append(answer.read)
    assert counts == sorted(counts)
    assert counts[0] < counts[1] < counts[-1] == 6


def test_what_a_server_finds_too_long_is_sent_by_half(orsa: rag.Footnote) -> None:
    script = Script(said(f"{TRUE} {{mark}}."), longest=4)
    with speaking(script) as setting:
        orsa.write_with(setting)
        answer = orsa.ask(BURNED)
        orsa.write_with("")
    assert (answer.mode, answer.read, len(script.prompts)) == ("generate", 3, 2)


def test_a_key_goes_to_the_server_and_nowhere_else(
    orsa: rag.Footnote,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM_KEY", "sk-secret-123")
    caplog.set_level("DEBUG")
    for status in (200, 401, 500):
        script = Script(said(f"{TRUE} {{mark}}. Your key is sk-secret-123."), status=status)
        with speaking(script) as setting:
            orsa.write_with(setting)
            answer = orsa.ask(BURNED)
            orsa.write_with("")
        assert script.prompts[0].headers["Authorization"] == "Bearer sk-secret-123"
        assert status == 200 or "sk-secret" not in str(asdict(answer))
    assert "sk-secret" not in caplog.text + "".join(capfd.readouterr())
    home = orsa.library.home
    assert not any(b"sk-secret" in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_I6_the_same_answer_in_python_and_on_the_command_line(orsa: rag.Footnote) -> None:
    slow = said(f"{TRUE} {{mark}}.", "It was sold for 4,300 crowns {mark}.", "It was rebuilt in brick {mark}.")
    with speaking(Script(slow)) as setting:
        orsa.write_with(setting)
        answer = orsa.ask(BURNED)
        orsa.write_with("")
        arguments = ["ask", BURNED, "--docs", str(orsa.library.folder), "--llm", setting, "--json"]
        shell = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), *arguments], capture_output=True, text=True, check=True
        )
    assert (len(answer.statements), answer.supported) == (2, "2 of 3 statements supported")
    assert shell.stdout == json.dumps(asdict(answer), ensure_ascii=False, indent=2) + "\n"
    assert "Not supported by your documents: It was sold for 4,300 crowns." in str(answer)


def test_stopped_before_it_began_nothing_is_sent(orsa: rag.Footnote) -> None:
    script, stopped = Script(said(f"{TRUE} {{mark}}.")), Event()
    stopped.set()
    with speaking(script) as setting:
        orsa.write_with(setting)
        answer = orsa.ask(BURNED, stopped=stopped)
        orsa.write_with("")
    assert (answer.mode, script.prompts) == ("extract", [])
    assert answer.notice.startswith("You stopped scripted")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"One {ONE}. Two {TWO}.", [("One.", (1,)), ("Two.", (2,))]),
        (f"One. {ONE} Two. {TWO}", [("One.", (1,)), ("Two.", (2,))]),
        (f"One. {ONE}{TWO} Two.", [("One.", (1, 2)), ("Two.", ())]),
        (f"Dr. Lind has 3.5 {ONE}. So", [("Dr. Lind has 3.5.", (1,)), ("So", ())]),
        (f"He said “no {ONE}.” She left", [("He said “no.”", (1,)), ("She left", ())]),
        ("# Head\n- one\n- two\n", [("Head", ()), ("one", ()), ("two", ())]),
        ("Sold [3] and [4, 5].", [("Sold and.", ())]),
        (f"Both [{MARKS.tag}:1, 2] of {MARKS.tag.upper()}:7", [("Both of.", (1, 2, 7))]),
        ("  \n ", []),
    ],
)
def test_sentences_and_the_passages_they_name(text: str, told: list[tuple[str, tuple[int, ...]]]) -> None:
    for pieces in ([text], text):  # at once, and a letter at a time
        assert [(each.text, each.named) for each in sentences(pieces, MARKS)] == told


@given(st.lists(st.text(max_size=40), max_size=6), st.integers(1, 40))
def test_no_text_holds_a_mark_and_none_is_left(texts: list[str], number: int) -> None:
    marks = Marks(texts)
    assert marks.tag == Marks(texts).tag
    for text in texts:
        assert marks.tag not in text.lower()
        assert marks.read(text)[1] == ()
        plain, named = marks.read(f"{text}{marks.mark(number)}")
        assert named == (number,)
        assert marks.tag not in plain


@given(
    st.lists(st.sampled_from(["The mill burned", "in 1902", ONE, TWO, ".", " ", "\n", "[1]", "Then", "It"])), st.data()
)
def test_sentences_do_not_depend_on_how_they_come(parts: list[str], data: st.DataObject) -> None:
    text = canonical("".join(parts))[0]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = list(sentences([text], MARKS))
    assert list(sentences(pieces, MARKS)) == whole
    assert all(not list(MARKS.runs(each.text)) for each in whole)


def test_runs_of_marks() -> None:
    text = f"a {ONE}{TWO} b [1]"
    assert list(MARKS.runs(text)) == [Span(1, 1 + len(f" {ONE}{TWO}")), Span(len(text) - 4, len(text))]


def test_rivals_are_said_beside_what_the_model_wrote(orsa: rag.Footnote) -> None:
    tells = next(each for each in BEHAVIOURS if each.name == "it tells one side of what disagrees")
    answer = play(orsa, tells).answers[-1]
    values = [answer.text[value.start : value.end] for _, value in answer.rivals]
    assert sorted(value.split()[0] for value in values) == ["900", "950"]
    dates = {each.date for each in answer.citations}
    assert {"2023-05-01", "2024-05-01"} <= dates
    assert replace(answer, disagreeing=()).rivals == ()


def after(docs: rag.Footnote, first: str, follow_up: str, rewriting: Said) -> tuple[Script, Answer]:
    """A follow-up after a first question, where the model rewrites it so; what the server was asked for both."""

    def write(prompt: Prompt) -> Iterator[bytes | str | float]:
        yield from (said(f"{TRUE} {{mark}}.") if prompt.passages else rewriting)(prompt)

    script = Script(write)
    with speaking(script) as setting:
        before = docs.ask(first)
        docs.write_with(setting)
        docs.writer.model.deadlines = behaviours.PATIENT  # type: ignore[union-attr]
        answer = docs.ask(follow_up, turns=[Turn(before, 0)])
        docs.write_with("")
    return script, answer


def test_a_model_rewrites_a_follow_up(orsa: rag.Footnote) -> None:
    script, answer = after(orsa, BURNED, "Who rebuilt it?", words_of("Who rebuilt the mill of Orsa?"))
    assert (answer.question, answer.query) == ("Who rebuilt it?", "Who rebuilt the mill of Orsa?")
    assert [bool(prompt.passages) for prompt in script.prompts] == [False, True]
    assert BURNED in script.prompts[0].text
    assert "burned in 1902" in script.prompts[0].text  # what was answered


@pytest.mark.parametrize("question", ["Who rebuilt the mill of Orsa?", "How high is the dam at Orsa?"])
def test_a_question_that_stands_alone_is_left_alone(orsa: rag.Footnote, question: str) -> None:
    script, answer = after(orsa, BURNED, question, words_of("Something else?"))
    assert answer.query == question
    assert all(prompt.passages for prompt in script.prompts)


@pytest.mark.parametrize(
    "rewriting",
    ["", "Who rebuilt the palace of Versailles?", "word " * 500, "?", "Who burned the school of Velton in 1789?"],
)
def test_what_a_model_makes_up_is_not_searched_for(orsa: rag.Footnote, rewriting: str) -> None:
    before = orsa.ask(BURNED)
    without = orsa.ask("Who rebuilt it?", turns=[Turn(before, 0)])
    _, answer = after(orsa, BURNED, "Who rebuilt it?", words_of(rewriting))
    assert answer.query == without.query == "Who rebuilt the mill of Orsa?"


def test_a_long_row_of_blanks_is_read_in_no_time() -> None:
    start = time.process_time()
    list(sentences([f"{TRUE}{' ' * 20_000}", *[" "] * 200, f"{ONE}."], MARKS))
    assert time.process_time() - start < 2


class Broken:
    """A verifier that nobody has foreseen."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def support(self, statement: str, passage: Passage, title: str = "") -> Support | None:
        raise self.error


def test_whatever_goes_wrong_while_a_model_writes_ends_in_the_documents_words(
    orsa: rag.Footnote, caplog: pytest.LogCaptureFixture
) -> None:
    with speaking(Script(said(f"{TRUE} {{mark}}."))) as setting:
        for error in (KeyError("sk-secret"), RecursionError(), MemoryError(), UnicodeError()):
            orsa.write_with(setting)
            orsa.writer._verifier = Broken(error)  # type: ignore[union-attr]
            answer = orsa.ask(BURNED)
            name = type(error).__name__
            assert (answer.mode, answer.status) == ("extract", "answered")
            assert (
                answer.notice == f"What scripted wrote could not be read ({name}); these are your documents' own words."
            )
            assert caplog.records[-1].getMessage().startswith(f"{name} while scripted was writing\n")
        assert "sk-secret" not in caplog.text
        orsa.writer._verifier = Broken(KeyboardInterrupt())  # type: ignore[union-attr]
        with pytest.raises(KeyboardInterrupt):
            orsa.ask(BURNED)
        orsa.write_with("")


def test_a_rewritten_question_hides_nothing(orsa: rag.Footnote) -> None:
    _, answer = after(orsa, BURNED, "Who rebuilt it?", words_of("Who re\u202ebuilt the mill\x1b of\u200b Orsa?"))
    assert answer.query == "Who rebuilt the mill of Orsa?"


def test_a_failed_model_is_not_waited_for_twice(orsa: rag.Footnote) -> None:
    orsa.write_with("")
    before = orsa.ask(BURNED)
    script = Script(behaviours.hanging())
    with speaking(script) as setting:
        orsa.write_with(setting)
        orsa.writer.model.deadlines = behaviours.QUICK  # type: ignore[union-attr]
        answer = orsa.ask("Who rebuilt it?", turns=[Turn(before, 0)])
        orsa.write_with("")
    assert (len(script.prompts), answer.mode) == (1, "extract")
    assert answer.notice.startswith("scripted did not write on in time")
    assert answer.query == "Who rebuilt the mill of Orsa?"
