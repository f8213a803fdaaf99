"""Passages: exact, in order, covering, and never longer than the model reads (I1)."""

import re
import subprocess
import sys
import time
from copy import copy
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index import passages
from index.document import Document, Heading, Page, Span, Table, canonical
from index.embeddings import OnnxEmbedder, default
from index.passages import TARGET_TOKENS, cut, split_sentences

PARTS = (
    *("Dr. Ada Brandt paid $3.50. ", "She left! ", "Why? ", "\r\n", "\n\n", "\f", "\t", "- item\n", "2) item\n"),
    *("3. Pets\n", "\n4.1 Notice\n", "(2) Fees\nApply. "),
    *(
        "| a | b |\n",
        "👩‍👩‍👧 ",
        "🇩🇪",
        "שלום עולם. ",
        "مرحبا. ",
        "e\u0301",
        "漢字。",
        "… ",
        "word " * 40,
        "x" * 130 + " ",
    ),
    *("z" * 1_300, "a.b,c;" * 60, "\u200b", "\u00a0", "# ", "“Quoted.” ", "\u3000", "字" * 300, "ａ" * 90, "\ufffd\n"),
)
mixed_text = st.lists(st.sampled_from(PARTS) | st.text(max_size=12), max_size=14).map(
    lambda parts: canonical("".join(parts))[0]
)


def document(text: str, headings: tuple[Heading, ...] = (), pages: tuple[Page, ...] = ()) -> Document:
    return Document("docs/a.txt", "A", text, "0" * 64, "text/plain", pages, headings)


@cache
def model() -> OnnxEmbedder:
    return default()


def words_as_tokens(text: str) -> list[Span]:
    """A tokenizer that anyone can follow: a token is a word between blanks."""
    spans, place = [], 0
    for word in text.split():
        start = text.index(word, place)
        place = start + len(word)
        spans.append(Span(start, place))
    return spans


@given(mixed_text)
@settings(max_examples=150, deadline=None)
@example("word " * 700)
@example("z" * 1_290 + ". " + "Tail here. " * 30)
@example("\ufffd\n\n" * 400)
def test_I1_passages_are_exact_in_order_and_cover_all_that_is_not_blank(text):
    source = document(text)
    passages = cut(source, model().token_spans)
    end = 0
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert passage.id == f"docs/a.txt#{passage.start}-{passage.end}"
        assert passage.start >= end
        assert not text[end : passage.start].strip()
        assert passage.start < passage.end
        end = passage.end
    assert not text[end:].strip()


@given(mixed_text)
@settings(max_examples=150, deadline=None)
@example("a" * 101 + "b" * 1_189 + ". " + "It is so. " * 30)
@example("a.b,c;" * 1_000)
@example("# " + "a.b,c;" * 150)
def test_no_passage_is_longer_than_the_model_reads(text):
    for passage in cut(document(text), model().token_spans):
        assert len(model().token_spans(passage.text)) <= model().max_tokens - 2  # two marks are added to every text
        assert len(passage.text.split()) <= model().max_tokens


@given(mixed_text)
@settings(max_examples=100, deadline=None)
def test_sentences_lie_inside_their_passage_in_order(text):
    for passage in cut(document(text), model().token_spans):
        place = passage.start
        assert passage.sentences
        for sentence in passage.sentences:
            assert place <= sentence.start < sentence.end <= passage.end
            assert text[sentence.start : sentence.end] == text[sentence.start : sentence.end].strip()
            place = sentence.end


def test_passages_are_filled_with_whole_sentences_up_to_the_target():
    text = "One two three. Four five six. Seven eight nine. Ten."
    passages = cut(document(text), words_as_tokens, 6)
    assert [passage.text for passage in passages] == ["One two three. Four five six.", "Seven eight nine. Ten."]


def test_a_sentence_over_the_target_is_cut_at_lines_then_between_words():
    text = "one two three\nfour five six seven eight"
    assert [passage.text for passage in cut(document(text), words_as_tokens, 3)] == [
        "one two three",
        "four five six",
        "seven eight",
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. Brandt came. She left.", ["Dr. Brandt came.", "She left."]),
        ("A title\n\nThe text", ["A title", "The text"]),
        ("Bring:\n- salt\n- oil", ["Bring:", "- salt", "- oil"]),
        ("Steps\n1. mix\n2. bake", ["Steps", "1. mix", "2. bake"]),
        ("Prices\n| egg | 1 |\n| oil | 2 |", ["Prices", "| egg | 1 |", "| oil | 2 |"]),
        ("Prices\negg | 1\noil | 2", ["Prices", "egg | 1", "oil | 2"]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_blank_lines_lists_and_table_rows_end_a_sentence(text, sentences):
    assert [text[span.start : span.end] for span in split_sentences(text)] == sentences


HANDBOOK = "Rules\nLeave is 20 days.\nPay\nPay comes monthly. It is fair.\nEnd\nAnnex\nNames."


def headed(text: str, *titles: str) -> Document:
    starts = [text.index(title + "\n") for title in titles]
    return document(
        text, tuple(Heading(1, start, start + len(title)) for start, title in zip(starts, titles, strict=True))
    )


def test_a_heading_starts_a_passage_and_names_it():
    passages = cut(headed(HANDBOOK, "Rules", "Pay", "End", "Annex"), words_as_tokens)
    assert [(passage.heading, passage.text) for passage in passages] == [
        ("Rules", "Rules\nLeave is 20 days."),
        ("Pay", "Pay\nPay comes monthly. It is fair."),
        ("Annex", "End\nAnnex\nNames."),  # only a heading stands before this one
    ]


def test_a_heading_is_no_sentence_unless_there_is_nothing_else():
    source = headed(HANDBOOK, "Rules", "Pay", "End", "Annex")
    sentences = [HANDBOOK[s.start : s.end] for passage in cut(source, words_as_tokens) for s in passage.sentences]
    assert sentences == ["Leave is 20 days.", "Pay comes monthly.", "It is fair.", "Names."]
    (alone,) = cut(document("Rules", (Heading(1, 0, 5),)), words_as_tokens)
    assert alone.sentences == (Span(0, 5),)


def test_a_passage_is_on_the_page_where_it_starts():
    text = "First page. \n\nSecond page.\n\nThird."
    pages = (Page(1, 0, 12), Page(2, 14, 26), Page(3, 28, 34))
    passages = cut(document(text, pages=pages), words_as_tokens, 2)
    assert [(passage.page, passage.text) for passage in passages] == [
        (1, "First page."),
        (2, "Second page."),
        (3, "Third."),
    ]
    assert cut(document(text), words_as_tokens)[0].page is None


def test_a_page_starts_a_passage():
    text = "It goes on\n\nand on."
    passages = cut(document(text, pages=(Page(1, 0, 10), Page(2, 12, 19))), words_as_tokens)
    assert [passage.text for passage in passages] == ["It goes on", "and on."]


@pytest.mark.parametrize("paragraph", ["word and more " * 143_000, "字" * 700_000, "\ufffd\n\n" * 100_000])
def test_two_megabytes_without_a_full_stop_are_cut_in_seconds(paragraph):
    began = time.process_time()
    passages = cut(document(paragraph), model().token_spans)
    assert time.process_time() - began < 40  # about 4 here; quadratic would be hours
    assert max(len(passage.text) for passage in passages) <= 1_200
    assert sum(len("".join(passage.text.split())) for passage in passages) == len("".join(paragraph.split()))


def test_punkt_is_never_given_much_at_once(monkeypatch):
    given_to = []

    class Punkt:
        def span_tokenize(self, text):
            given_to.append(text)
            return [(0, len(text))]

    monkeypatch.setattr(passages, "_punkt", Punkt)
    for text in ("a.B" * 200_000, "short", "It burned. " * 50_000):
        given_to.clear()
        list(split_sentences(text))
        assert "".join(given_to) == text
        assert max(map(len, given_to)) <= 100_000
    assert {each[-1] for each in given_to} == {" "}


def test_the_target_leaves_room_below_what_the_model_reads():
    assert model().max_tokens // 2 + 2 >= TARGET_TOKENS


def test_a_number_belongs_to_what_it_numbers() -> None:
    text = "Lease\n3. Pets bite.\n4. Repairs up to\n120 euros are the tenant's.\n(2) Fees apply. 1. Yes."
    assert [text[span.start : span.end] for span in split_sentences(text)] == [
        "Lease",
        "3. Pets bite.",
        "4. Repairs up to\n120 euros are the tenant's.",
        "(2) Fees apply.",
        "1.",
        "Yes.",
    ]


def test_a_short_line_with_a_number_is_a_heading_where_the_format_tells_of_none() -> None:
    text = "Lease\n3. Pets\nCats are allowed. Dogs are not.\n4.1 Notice\nIt is three months.\n5. Keys are few.\nTwo."
    found = cut(document(text), words_as_tokens)
    assert [(passage.heading, [passage.quote(span) for span in passage.sentences]) for passage in found] == [
        ("", ["Lease"]),
        ("3. Pets", ["Cats are allowed.", "Dogs are not."]),
        ("4.1 Notice", ["It is three months.", "5. Keys are few.", "Two."]),
    ]
    told = cut(document(text, headings=(Heading(1, 0, 5),)), words_as_tokens)
    assert {passage.heading for passage in told} == {"Lease"}


CUTTERS = """
import sys, threading
from index.document import Span
from index.passages import split_sentences

def cut():
    said.append(list(split_sentences("Dr. Ada Brandt owned it. It burned.")))

said = []
threads = [threading.Thread(target=cut) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert said == [[Span(0, 24), Span(25, 35)]] * 8, said
assert not {"nltk", "scipy", "sklearn", "pandas"} & sys.modules.keys()
import nltk
assert nltk.tokenize.WhitespaceTokenizer and nltk.FreqDist
"""


def test_threads_cut_at_once_without_all_of_nltk_and_others_can_import_it_after():
    done = subprocess.run([sys.executable, "-c", CUTTERS], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@given(st.text("aZ.é١ 1-,?!'\n", max_size=200))
def test_punkt_cuts_as_it_does_with_patterns_under_a_deadline(text: str):
    ours = passages._loaded_punkt()
    theirs = copy(ours)
    theirs._Token, theirs._lang_vars = ours._Token.__base__, type(ours._lang_vars).__base__()
    assert theirs._Token.__module__ == theirs._lang_vars.__class__.__module__ == "nltk.tokenize.punkt"
    assert list(ours.span_tokenize(text)) == list(theirs.span_tokenize(text))


def test_punkt_cuts_whatever_the_computer_does_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    punkt = passages._loaded_punkt()
    limits = type(punkt._lang_vars.period_context_re()).search.__globals__  # of nltk's patterns, whose time is over
    monkeypatch.setitem(limits, "DEFAULT_TIMEOUT", 1e-9)
    text = 'It burned. "Who said so?" asked Dr. Brandt. ' * 500
    assert len(list(punkt.span_tokenize(text))) == 1_500


@pytest.mark.parametrize("blanks", [" ", "\t", "\u00a0", " \u2003"])
def test_a_line_break_before_a_million_blanks_is_cut_in_no_time(blanks: str) -> None:
    text = f"The weir is old.\n{blanks * (1_000_000 // len(blanks))}x\nThe lock is new."
    began = time.process_time()
    assert [passage.text[:8] for passage in cut(document(text), words_as_tokens)] == ["The weir"]
    assert time.process_time() - began < 5  # hours, where each blank is gone back to


def test_passages_share_the_text_of_their_heading() -> None:
    heading = "A heading of some length " * 10
    text = heading + "\n\n" + "The dam is forty metres high. " * 400
    passages = cut(document(text, (Heading(1, 0, len(heading)),)), words_as_tokens, 6)
    assert len(passages) > 300
    assert len({id(passage.heading) for passage in passages}) == 1


def test_a_line_with_a_number_that_is_too_long_for_a_heading_is_none() -> None:
    (passage,) = cut(document("1." * 200 + " Pets\nNo dogs."), lambda _: [])
    assert passage.heading == ""


def test_a_row_of_a_hundred_thousand_cells_is_cut_piece_by_piece() -> None:
    row = " | ".join(["cell"] * 100_000)
    source = replace(document(row), tables=(Table(0, len(row), (), 1, 1),))
    began = time.process_time()
    passages = cut(source, lambda piece: [Span(*match.span()) for match in re.finditer(r"\w+", piece)])
    assert passages[0].where == passages[-1].where == "A1:EQXD1"
    assert time.process_time() - began < 10  # minutes, where the whole row is looked at for each of its passages
