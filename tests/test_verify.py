"""What a statement says and the characters do not is objected to, and nothing else is; the span is the smallest."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from index.document import Span
from index.passages import Passage, split_sentences
from rag import crossencoder
from rag.calibration import Platt, Standard, shipped, untaught
from rag.crossencoder import Scores
from rag.verify import Support, Verifier, objections

# --- what is objected to: statement, span, context, and what stands in the objection ---

OBJECTED = [
    # numbers
    ("It has 43 rooms.", "It has 42 rooms.", "", "the number “43”"),
    ("It has forty-three rooms.", "It has 42 rooms.", "", "the number “forty-three”"),
    ("It has three rooms.", "It has two rooms.", "", "the number “three”"),
    ("It holds 4.3 million books.", "It holds 4.2 million books.", "", "the number “4.3 million”"),
    ("It holds 4.2 billion books.", "It holds 4.2 million books.", "", "the number “4.2 billion”"),
    ("It holds 4,200 books.", "It holds 4,213 books.", "", "the number “4,200”"),
    ("It holds 4,200,000 books.", "It holds 4,213,456 books.", "", "the number “4,200,000”"),
    ("It holds 4.3 million books.", "It holds 4,213,456 books.", "", "the number “4.3 million”"),
    ("It holds 4,213,456 books.", "It holds 4.2 million books.", "", "the number “4,213,456”"),
    ("Between 10 and 15 men came.", "Between 10 and 12 men came.", "", "the number “15”"),
    ("12 women and 3 men came.", "3 women and 12 men came.", "", "the number “12”"),
    ("It fell to 5 degrees.", "It fell to -5 degrees.", "", "the number “5 degrees”"),
    # units
    ("It is 40 miles long.", "It is 40 km long.", "", "the number “40 miles”"),
    ("It covers 40 square km.", "It covers 40 km of road.", "", "the number “40 square km”"),
    ("It costs 5 million euros.", "It costs $5 million.", "", "the number “5 million euros”"),
    ("It rose by 40 percent.", "It rose by 40 dollars.", "", "the number “40 percent”"),
    ("It took 3 hours.", "It took 3 days.", "", "the number “3 hours”"),
    # bounds
    ("More than 40 people came.", "40 people came.", "", "the number “More than 40”"),
    ("At least 40 people came.", "At most 40 people came.", "", "the number “At least 40”"),
    ("Less than 40 people came.", "More than 40 people came.", "", "the number “Less than 40”"),
    ("40 people came.", "Up to 40 people came.", "", "the number “40”"),
    ("40 people came.", "At least 40 people came.", "", "the number “40”"),
    # ordinals, decades, centuries
    ("He came third.", "He came 2nd.", "", "the number “third”"),
    ("It was the first bridge.", "It was the second bridge.", "", "the number “first”"),
    ("It grew in the 1940s.", "It grew in 1935.", "", "the number “1940s”"),
    ("It dates from the 18th century.", "It dates from 1850.", "", "the number “18th century”"),
    # dates
    ("He was born in 1913.", "He was born in 1912.", "", "the date “1913”"),
    ("He died on 4 May 1931.", "He died on May 3, 1931.", "", "the date “4 May 1931”"),
    ("He died in June 1931.", "He died on 3 May 1931.", "", "the date “June 1931”"),
    ("He died in June.", "He died in May 1931.", "", "the date “June”"),
    ("He died on 3 May 1932.", "He died on 1931-05-03.", "", "the date “3 May 1932”"),
    ("He died on 3 May 1932.", "On 3 May 1931 he fell; in 1932 he was buried.", "", "the date “3 May 1932”"),
    ("They met on Tuesday.", "They met on Monday.", "", "the name “Tuesday”"),
    # names
    ("Edison was born in 1912.", "He was born in 1912.", "Alan Turing", "the name “Edison”"),
    ("It was built by Ada Brandt.", "It was built by Paul Brandt.", "", "the name “Ada”"),
    ("It lies in Austria.", "It lies in Australia.", "", "the name “Austria”"),
    ("It ran on a B52.", "It ran on a B47.", "", "the name “B52”"),
    (
        "The charter of the Company of Milo lapsed.",
        "The charter of the Company of Velton lapsed near Milo.",
        "",
        "Velton",
    ),
    ("Turing's mill burned.", "The mill burned.", "", "the name “Turing's”"),
    # negation
    ("He was not elected.", "He did not win, but was elected.", "", "not elected"),
    ("He won.", "He did not win, but was elected.", "", "not win"),
    ("The mill was not built of brick.", "The mill was built of brick.", "", "not built"),
    ("The mill was built of brick.", "The mill was never built of brick.", "", "never built"),
    ("The mill was built of brick.", "The mill wasn't built of brick.", "", "wasn't built"),
    ("A member voted.", "No member voted.", "", "No member"),
    ("It opened with a permit.", "It opened without a permit.", "", "without a permit"),
    ("They paid the tax.", "They failed to pay the tax.", "", "failed to pay"),
    ("He is married.", "He is unmarried.", "", "unmarri"),
    ("The crisis was predicted.", "The crisis was not predicted. A few predicted it.", "", "not predicted"),
    # quantifiers
    ("All members voted.", "The members voted.", "", "the word “All”"),
    ("Every mill burned.", "Most mills burned.", "", "the word “Every”"),
    ("Most members voted.", "Some members voted.", "", "the word “Most”"),
    ("Only members vote.", "Members vote.", "", "the word “Only”"),
    ("Half of the members voted.", "The members voted.", "", "the word “Half”"),
    ("All members voted.", "Not all members voted.", "", "the word “All”"),
    ("Thousands of people came.", "Hundreds of people came.", "", "the word “Thousands”"),
]

BORNE_OUT = [
    # numbers
    ("It has 42 rooms.", "It has forty-two rooms.", ""),
    ("It has two hundred and five rooms.", "It has 205 rooms.", ""),
    ("It holds 4.2 million books.", "It holds 4,213,456 books.", ""),
    ("It holds 1,000 books.", "It holds a thousand books.", ""),
    ("It holds 24 books.", "It holds two dozen books.", ""),
    ("About 4,200 people came.", "4,213 people came.", ""),
    ("Nearly 4,000 people came.", "3,952 people came.", ""),
    ("4,000 people came.", "About 4,000 people came.", ""),
    ("Between 10 and 12 men came.", "10–12 men came.", ""),
    ("One of the mills burned.", "Among the mills, this burned.", ""),
    ("Three schools opened.", "Seven state schools and three selective state schools opened.", ""),
    # units
    ("It is 40 kilometres long.", "It is 40 km long.", ""),
    ("It costs $5 million.", "It costs 5,000,000 dollars.", ""),
    ("It costs $5 million.", "It costs $5m.", ""),
    ("It rose by 40 percent.", "It rose by 40%.", ""),
    ("It rose by 40 per cent.", "It rose by 40 %.", ""),
    ("It covers 40 square kilometres.", "It covers 40 sq km.", ""),
    # bounds
    ("Over 40 percent left.", "More than 40% left.", ""),
    ("At least 40 people came.", "40 or more people came.", ""),
    ("At least 40 people came.", "45 people came.", ""),
    ("No more than 40 people came.", "At most 40 people came.", ""),
    # ordinals, decades, centuries
    ("He came third.", "He finished 3rd.", ""),
    ("It grew in the 1930s.", "It grew in 1935.", ""),
    ("It dates from the 19th century.", "It dates from 1850.", ""),
    ("It dates from the twenty-first century.", "It dates from the 21st century.", ""),
    # dates
    ("He died on May 3, 1931.", "He died on 3 May 1931.", ""),
    ("He died on the 3rd of May, 1931.", "He died on 1931-05-03.", ""),
    ("He died on 3 May 1931.", "He died on 5/3/1931.", ""),
    ("He died in May 1931.", "He died on 3 May 1931.", ""),
    ("He died in 1931.", "He died on 3 May 1931.", ""),
    ("It lasted until 14 May 1931.", "It ran from 3 to 14 May 1931.", ""),
    ("The war ended in 1945.", "The war of 1939–45 ended.", ""),
    # names
    ("Alan Turing was born in 1912.", "He was born in 1912.", "Alan Turing"),
    ("Turing's mill burned.", "The mill of Turing burned.", ""),
    ("It lies in Zürich.", "It lies in Zurich.", ""),
    ("The army of Germany left.", "The German army left.", ""),
    ("The French army left.", "The army of France left.", ""),
    ("NASA launched it.", "The National Aeronautics and Space Administration launched it.", ""),
    ("The United States left.", "The U.S. left.", ""),
    ("Scientists found it.", "Researchers found it.", ""),
    ("Initially it failed.", "At first it failed.", ""),
    ("It was built in World War II.", "It was built in the Second World War.", ""),
    # negation
    ("He was elected.", "He did not win, but was elected.", ""),
    ("He did not win.", "He did not win, but was elected.", ""),
    ("He never married.", "He did not marry.", ""),
    ("They had no money.", "They lacked money.", ""),
    ("They did not accept it.", "They rejected it.", ""),
    ("It opened in 1912.", "It was not opened until 1912.", ""),
    ("It grows wheat.", "It grows not only wheat but also corn.", ""),
    ("He is not married.", "He is unmarried.", ""),
    # quantifiers
    ("All members voted.", "Every member voted.", ""),
    ("Most members voted.", "The majority of the members voted.", ""),
    ("Most members voted.", "70% of the members voted.", ""),
    ("Only members vote.", "Voting is limited to members.", ""),
    ("Half of the members voted.", "50% of the members voted.", ""),
    ("Not all members voted.", "Not all of the members voted.", ""),
]


OBJECTED += [
    ("Ticket sales fell by 3 percent.", "Ticket sales rose by 3 percent.", "", "rose"),
    ("It was built after 1900.", "It was built before 1900.", "", "before"),
    ("The shop closes at 9.", "The shop opens at 9.", "", "opens"),
    ("The lease ended in 2020.", "The lease began in 2020.", "", "began"),
    ("The firm did not repay it.", "Not only did it grow, but the firm also repaid it.", "", "not repay"),
    ("12 of the 12 members came.", "10 of the 12 members came.", "", "said again"),
]
BORNE_OUT += [
    ("Sales fell in 2020.", "Sales rose in 2019 but declined in 2020.", ""),
    ("Revenue increased.", "Revenue grew.", ""),
]


@pytest.mark.parametrize(("statement", "span", "context", "said"), OBJECTED)
def test_what_the_characters_do_not_say_is_objected_to(statement: str, span: str, context: str, said: str) -> None:
    assert any(said in objection for objection in objections(statement, span, context))


@pytest.mark.parametrize(("statement", "span", "context"), BORNE_OUT)
def test_what_they_say_in_other_words_is_not(statement: str, span: str, context: str) -> None:
    assert objections(statement, span, context) == ()


def test_the_context_bears_out_names_only() -> None:
    assert objections("Ada was born in 1912.", "She was born then.", "Ada, 1912") == ("the date “1912”",)
    assert objections("All mills burned.", "They burned.", "All mills") == ("the word “All”",)


# --- for any text ---

SENTENCES = st.sampled_from([span for _, span, *_ in (*OBJECTED, *BORNE_OUT)])


@given(st.lists(SENTENCES, min_size=1, max_size=3).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_what_is_said_bears_itself_out(text: str) -> None:
    assert objections(text, text) == ()


@given(st.text(max_size=80), st.text(alphabet="aA 1-’'.(n%$5th", max_size=60), st.text(max_size=40))
@example("A-Bc- D-", "A-", "")
@settings(max_examples=400, deadline=None)
def test_any_text_can_be_looked_at(statement: str, span: str, context: str) -> None:
    assert isinstance(objections(statement, span, context), tuple)
    assert isinstance(objections(span, statement, context), tuple)


@given(SENTENCES, st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_digit_is_objected_to(sentence: str, data: st.DataObject) -> None:
    places = [match.start() for match in re.finditer(r"\d", sentence)]
    assume(places)
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([digit for digit in "123456789" if digit != sentence[place]]))
    changed = f"{sentence[:place]}{digit}{sentence[place + 1 :]}"
    assert objections(changed, sentence)


# --- the span ---


@dataclass
class Encoder:
    """Says of each text what it was told to by a word in it, else that it bears nothing out."""

    logits: dict[str, float]
    name: str = "fake"
    read_texts: list[str] = field(default_factory=list)

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        for passage in passages:
            self.read_texts.append(passage)
            logit = max((logit for word, logit in self.logits.items() if word in passage), default=-9.0)
            yield Scores(0.0, 0.0, logit)


def passage_of(text: str, heading: str = "", start: int = 0) -> Passage:
    spans = tuple(Span(start + each.start, start + each.end) for each in split_sentences(text))
    return Passage("d/a#0", "d/a", text, start, start + len(text), None, heading, spans)


MILL = passage_of("The mill burned in 1902. It was rebuilt in brick. Its owner was Ada Brandt.", start=100)


def supported(statement: str, logits: dict[str, float], passage: Passage = MILL, title: str = "") -> Support | None:
    return Verifier(Encoder(logits), Standard()).support(statement, passage, title)


def test_one_sentence_is_enough_where_one_is() -> None:
    found = supported("The mill was rebuilt.", {"rebuilt": 2.0})
    assert found is not None
    assert MILL.quote(found.span) == "It was rebuilt in brick."
    assert (round(found.score, 2), found.verbatim) == (0.88, False)


def test_neighbours_are_read_where_no_sentence_is_enough() -> None:
    found = supported("The mill of 1902 was owned by Ada Brandt.", {"1902": 2.0})
    assert found is not None
    assert MILL.quote(found.span) == MILL.text


def test_the_surest_of_the_shortest_wins_and_of_equals_the_first() -> None:
    found = supported("The mill stood.", {"burned": 1.0, "brick": 2.0, "owner": 2.0})
    assert found is not None
    assert MILL.quote(found.span) == "It was rebuilt in brick."


def test_the_passage_has_half_a_say() -> None:
    found = supported("The mill was rebuilt.", {"It was": 1.0, "in 1902. It was": 5.0})
    assert found is not None
    assert (MILL.quote(found.span), round(found.score, 2)) == ("It was rebuilt in brick.", 0.95)


def test_what_is_objected_to_is_not_even_read() -> None:
    encoder = Encoder({"1902": 9.0})
    assert Verifier(encoder, Standard()).support("The mill burned in 1903.", MILL) is None
    assert encoder.read_texts == []


def test_what_the_encoder_is_not_sure_of_is_refused() -> None:
    assert supported("The mill was rebuilt.", {"rebuilt": -0.1}) is None


def test_sentences_together_are_held_to_their_own_standard() -> None:
    strict = Standard(together=Platt(1.0, -9.0))
    statement = "The mill of 1902 was owned by Ada Brandt."
    assert Verifier(Encoder({"1902": 2.0}), strict).support(statement, MILL) is None


def test_a_quote_is_found_as_it_is_whatever_the_encoder_says() -> None:
    passage = passage_of("He said: “It’s gone.” Nobody\nelse  knew. All 12 left.")
    for statement in ("Nobody else knew.", "All 12 left", 'He said: "It\'s gone."'):
        found = supported(statement, {}, passage)
        assert found is not None
        assert (found.score, found.verbatim) == (1.0, True)
    assert supported("He knew.", {}, passage) is None


def test_a_question_bears_nothing_out_and_nothing_is_no_statement() -> None:
    passage = passage_of("Did the mill burn? It stood.")
    assert supported("The mill did burn.", {"burn": 8.0}, passage) is None
    assert supported("...", {"burn": 9.0}, passage) is None


def test_title_heading_and_earlier_sentences_name_what_is_spoken_of() -> None:
    born = passage_of("He was born in 1912.", heading="Alan Turing")
    assert supported("Alan Turing was born in 1912.", {"born": 2.0}, born)
    assert supported("Alan Turing was born in 1912.", {"born": 2.0}, passage_of(born.text), title="Alan Turing")
    assert supported("Alan Turing was born in 1912.", {"born": 2.0}, passage_of(born.text)) is None
    later = passage_of("Turing was a mathematician. He was born in 1912.")
    found = supported("Turing was born in 1912.", {"born": 2.0}, later)
    assert found is not None
    assert later.quote(found.span) == "He was born in 1912."


@given(st.lists(SENTENCES, min_size=1, max_size=4), SENTENCES, st.integers(0, 50))
@settings(max_examples=200, deadline=None)
def test_the_span_lies_in_the_passage_and_nothing_speaks_against_it(
    sentences: list[str], statement: str, start: int
) -> None:
    passage = passage_of(" ".join(sentences), start=start)
    found = supported(statement, {"": 3.0}, passage)
    if found is not None:
        assert passage.start <= found.span.start < found.span.end <= passage.end
        assert found.span.start in {each.start for each in passage.sentences}
        assert found.span.end in {each.end for each in passage.sentences}
        before = passage.text[: found.span.start - passage.start]
        assert objections(statement, passage.quote(found.span), before) == ()


def test_the_shipped_reader_keeps_what_is_borne_out_and_refuses_the_rest() -> None:
    verifier = Verifier(crossencoder.shipped(), shipped().standard)
    assert verifier.support("The mill was destroyed by fire in 1902.", MILL)
    assert verifier.support("The mill makes paper for newspapers.", MILL) is None


def test_the_standard_was_learned_from_training_data_and_an_unknown_encoder_has_none() -> None:
    assert shipped().standard.provenance.startswith("train-v1.1 (SQuAD 1.1): ")
    assert shipped().standard.alone.slope > 0
    assert untaught("other", ()).standard == Standard(Platt(1.0, 0.0), Platt(1.0, 0.0), 0.5)


def test_a_sentence_that_its_passage_alone_makes_likely_is_not_cited() -> None:
    text = "The tenant may keep a cat, but not a dog. Notice must be given in writing three months in advance."
    border = text.index(" Notice")
    spans = (Span(0, border), Span(border + 1, len(text)))
    passage = Passage("d/lease.txt#0", "d/lease.txt", text, 0, len(text), None, "", spans)
    verifier = Verifier(crossencoder.shipped(), shipped().standard)
    assert verifier.support("The tenant may keep a dog.", passage) is None
    found = verifier.support("The tenant may keep a cat.", passage)
    assert found is not None
    assert found.span == spans[0]


def test_what_speaks_of_something_else_is_refused() -> None:
    text = "The dam at Orsa is 40 metres high. It was built in 1931."
    border = text.index(" It")
    spans = (Span(0, border), Span(border + 1, len(text)))
    passage = Passage("d/dam.txt#0", "d/dam.txt", text, 0, len(text), None, "", spans)
    verifier = Verifier(crossencoder.shipped(), shipped().standard)
    for statement in ("The school was founded in 1931.", "I hope this helps.", "This is an interesting question."):
        assert verifier.support(statement, passage) is None
    assert verifier.support("The dam was built in 1931.", passage) is not None
