"""BM25 over passages: every string is a question, every word just a word."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import LibraryError
from index.lexical import Lexical, words
from index.passages import Passage

CORPUS = {
    "a#1": "The mill burned in 1902.",
    "a#2": "The mill was a mill of the mill family.",
    "b#1": "A school burned down.",
    "b#2": "Nothing happened.",
    "c#1": "Café owners' e-mails: running, ran, runs.",
}


def passage(id: str, text: str) -> Passage:
    return Passage(id, id.partition("#")[0], text, 0, len(text), None, "", ())


def index_of(corpus: dict[str, str]) -> Lexical:
    lexical = Lexical(None)
    lexical.add(passage(id, text) for id, text in corpus.items())
    return lexical


@pytest.fixture(scope="module")
def lexical() -> Lexical:
    return index_of(CORPUS)


def found(lexical: Lexical, query: str, count: int = 10, documents: list[str] | None = None) -> list[str]:
    return [id for id, _ in lexical.search(query, count, documents)]


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "mill",
                "AND",
                "OR",
                "NOT",
                "+",
                "-",
                "*",
                ":",
                '"',
                "(",
                "^",
                "~",
                "[",
                "{",
                "\\",
                "/",
                "text:",
                "id:",
                "👩‍👩‍👧",
                " TO ",
            ]
        )
    ).map("".join)
)
@settings(max_examples=200, deadline=None)
def test_any_string_is_a_legal_query(query):
    shared = index_of(CORPUS)
    assert set(found(shared, query)) <= set(CORPUS)


@pytest.mark.parametrize(
    "query",
    [
        '"mill"',
        "mill AND",
        "NOT mill",
        "-mill",
        "+mill",
        "mill*",
        "text:mill",
        "mill^9",
        "[mill TO",
        "mill~2",
        "(mill",
        "👍mill",
    ],
)
def test_operators_are_no_operators(lexical, query):
    assert found(lexical, query) == ["a#2", "a#1"]


def test_a_query_without_words_finds_nothing(lexical):
    assert found(lexical, "") == found(lexical, " ?! ") == found(lexical, "...\n") == []


def test_scores_are_bm25():
    """Robertson et al., Okapi at TREC-3, 1994: k1 = 1.2, b = 0.75; short lengths are stored exactly."""
    scores = dict(index_of({"a": "red fish", "b": "red red fish", "c": "blue"}).search("red", 3, None))
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = {
        id: idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / 2))
        for id, count, length in [("a", 1, 2), ("b", 2, 3)]
    }
    assert scores == pytest.approx(expected, rel=1e-5)


def test_more_of_the_questions_words_rank_higher(lexical):
    assert found(lexical, "mill burned")[0] == "a#1"
    assert found(lexical, "which school burned") == ["b#1", "a#1"]


def test_a_word_said_twice_counts_once(lexical):
    assert lexical.search("mill mill Mill", 5, None) == lexical.search("mill", 5, None)


@pytest.mark.parametrize("query", ["cafe", "CAFÉ", "café", "run", "running", "mail", "owner"])
def test_accents_capitals_and_endings_do_not_matter(lexical, query):
    assert found(lexical, query) == ["c#1"]


def test_only_the_documents_asked_for_are_searched(lexical):
    assert found(lexical, "burned", documents=["b"]) == ["b#1"]
    assert found(lexical, "burned", documents=["c", "no-such"]) == []
    assert dict(lexical.search("burned", 5, ["b"]))["b#1"] == dict(lexical.search("burned", 5, None))["b#1"]


def test_ties_go_by_id_in_whatever_order_they_were_written():
    ids = [f"d{number:02}" for number in range(30)]
    forward, backward = index_of(dict.fromkeys(ids, "same words")), index_of(dict.fromkeys(reversed(ids), "same words"))
    for count in (1, 7, 30, 50):
        assert found(forward, "words", count) == found(backward, "words", count) == ids[:count]


def test_scores_do_not_tell_how_the_index_came_to_be():
    texts = {
        f"d{number:02}": f"mill {'fire ' * (number % 5)} wheel {'stone ' * (number % 3)}{number}"
        for number in range(40)
    }
    at_once, one_by_one = index_of(texts), Lexical(None)
    for id in reversed(texts):
        one_by_one.add([passage(id, texts[id])])
    assert at_once.search("fire at the stone mill", 15, None) == one_by_one.search("fire at the stone mill", 15, None)


def test_an_index_on_disk_is_there_when_opened_again(tmp_path):
    Lexical(tmp_path / "1").add([passage(id, text) for id, text in CORPUS.items()])
    again = Lexical(tmp_path / "1")
    assert again.count() == len(CORPUS)
    assert again.search("mill", 5, None) == index_of(CORPUS).search("mill", 5, None)


def test_a_damaged_index_is_a_library_error(tmp_path):
    Lexical(tmp_path).add([passage("a#1", "text")])
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(LibraryError, match="cannot be opened"):
        Lexical(tmp_path)


def test_words_are_lower_case_without_accents_stemmed_and_know_their_place():
    text = "Ünïted Mills' 👍 re-opened"
    assert [(word.stem, text[word.span.start : word.span.end]) for word in words(text)] == [
        ("unit", "Ünïted"),
        ("mill", "Mills"),
        ("re", "re"),
        ("open", "opened"),
    ]


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_words_stand_in_order_inside_the_text(text):
    place = 0
    for word in words(text):
        assert place <= word.span.start < word.span.end <= len(text)
        place = word.span.end
