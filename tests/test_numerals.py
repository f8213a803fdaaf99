"""A quote is of the number, date, code or model that the question names, or it is not given."""

import datetime
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rag
from index.document import Table
from rag import footnote, guard
from rag.answer import Answer
from rag.naming import named, unsaid
from rag.numerals import numerals
from tests.behaviours import said
from tests.llm_server import Script, speaking

PUMPS = """# The Aldane K4 pump

The K4 pump moves 120 litres a minute and weighs 14 kg. It runs on 230 volts. The K4 carries a warranty of two years. \
The K6 pump moves 200 litres a minute.
"""
PEOPLE = """# People of Aldane Ltd

Aldane Ltd was founded in 1987 by Greta Holt in Leeds. In 2021 the company had 412 employees. The finance director is \
Lucy Marsh.

The company moved its head office to Manchester in 2015. Revenue was 38 million pounds in 2021 and 35 million in 2020.
"""
LEAVE = "Every member of staff may take at most 20 days of leave in a year. Parcels over 20 kg cost 9 euros to send."
SALES = "# Sales\n\n| Segment | 2021 | 2022 |\n|---|---|---|\n| Dairy | 120 | 131 |\n| Bakery | 80 | 88 |\n"
FILES = {"pumps.md": PUMPS, "people.md": PEOPLE, "leave.txt": LEAVE, "sales.md": SALES}
FILES |= {f"locker{n}.txt": f"The code of locker {n} is {n * 37 + 11}." for n in (739, 7311, 7319, 7301, 7410)}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rag.Footnote]:
    folder = tmp_path_factory.mktemp("house") / "docs"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    with rag.open(folder) as docs:
        yield docs


NOWHERE = [
    ("What is the code of locker 7310?", "7310"),
    ("What is the code of locker 8000?", "8000"),
    ("What is the code of locker 5?", "5"),
    ("How many litres a minute does the K8 pump move?", "K8"),
    ("How much does the K6 pump weigh?", "K6"),
    ("What is the warranty of the K6 pump?", "K6"),
    ("Does the K8 pump run on 230 volts?", "K8"),
    ("How many employees did Aldane have in 2019?", "2019"),
    ("What was the revenue in 2017?", "2017"),
]


@pytest.mark.parametrize(("question", "written"), NOWHERE)
def test_what_is_of_another_is_not_quoted(house: rag.Footnote, question: str, written: str) -> None:
    answer = house.ask(question)
    assert answer.status == "abstained"
    assert answer.confidence < 0.01
    assert f"of “{written}”" in answer.reason


def test_without_the_guard_other_lockers_disagree(house: rag.Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footnote, "of_the_named", lambda question, reading, documents, also: (reading, ""))
    assert house.ask("What is the code of locker 7310?").status == "answered"


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("What is the code of locker 7311?", "270518"),
        ("How many litres a minute does the K4 pump move?", "120 litres"),
        ("How many litres does the K6 move per minute?", "200 litres"),
        ("On what voltage does the K4 run?", "230 volts"),
        ("How many employees did Aldane have in 2021?", "412"),
        ("What was the revenue in 2020?", "35 million"),
        ("When did Aldane move its head office to Manchester?", "2015"),
        ("Can I take 25 days of leave in a year?", "at most 20 days"),
    ],
)
def test_what_is_of_the_same_is_quoted(house: rag.Footnote, question: str, quoted: str) -> None:
    assert quoted in house.ask(question).text


def test_examples_are_questions_that_are_answered(house: rag.Footnote) -> None:
    assert all(house.ask(question).status == "answered" for question in house.examples())


# --- one number, however it is written ---

SAME = [
    ("What is in room 1000?", "Room 1,000 is locked."),
    ("Who has 1,200 sheep?", "Ada keeps 1200 sheep."),
    ("Who has 42 sheep?", "Ada keeps forty-two sheep."),
    ("Who pays 50%?", "Ada pays 50 percent."),
    ("Who came 2nd?", "Ada was the second to come."),
    ("Who wrote chapter 7?", "Chapter seven is by Ada."),
    ("Who wrote Part IV?", "Part 4 is by Ada."),
    ("Who wrote chapter 3?", "Chapter 2 and the third chapter are by Ada."),
    ("Who wrote chapter 5?", "Chapters 2, 5 and 7 are by Ada, who wrote 12 books."),
    ("Who fought in World War II?", "Ada fought in the Second World War."),
    ("What happened on 3 May 2021?", "The mill burned on 2021-05-03."),
    ("What happened on May 3, 2021?", "The mill burned on 3 May 2021."),
    ("What happened in 2018?", "Ada led the mill from 2015–2020."),
    ("What happened in 2018?", "Ada has led the mill since 2015."),
    ("What happened in the 1980s?", "Ada led the mill in 1984."),
    ("What happened in the 19th century?", "The mill burned in 1871."),
    ("What opened between 2015 and 2020?", "The mill opened in 2017."),
    ("Who has led it since 2019?", "Ada has led it from 2020 on."),
    ("What was earned in Q3?", "In the third quarter 5 crowns were earned."),
    ("Who flies the A320neo?", "Ada flies the A320-neo."),
    ("What does GPT-4 cost?", "GPT 4 costs 5 crowns."),
    ("What is new in v2.1?", "Version 2.1 is faster."),
    ("How much does the PS3 cost?", "The PlayStation 3 costs 5 crowns."),
    ("Who fought in WW2?", "Ada fought in World War II."),
    ("What does ISO 9001 ask?", "ISO 9001 asks for records."),
    ("What does Windows 11 need?", "Windows 10/11 needs 4 GB."),
    ("Who owns locker 7310?", "Lockers 7300 to 7320 are Ada's."),
    ("What does §12 say?", "Section 12 says no."),
    ("What runs at 127.0.0.1?", "The mill runs at 127.0.0.1."),
    ("What is part AB-1234-X?", "AB-1234-X is a bolt."),
    ("How much CO2 is there?", "There is much CO₂."),
    ("What does a parcel of 30 kg cost?", "Parcels over 20 kg cost 5 crowns."),
]
OTHERS = [
    ("What is in room 731?", "Room 7310 is locked."),
    ("What is in room 7310?", "Room 731 is locked."),
    ("What does K8 cost?", "K80 costs 5 crowns."),
    ("What does K8 cost?", "The K8b costs 5 crowns."),
    ("What happened on 3 May 2021?", "The mill burned on 4 May 2021."),
    ("What happened in 2021?", "Ada led the mill from 2015 to 2020."),
    ("Who wrote Part IV?", "Part VI is by Ada."),
    ("What was earned in Q3?", "In the first quarter 5 crowns were earned."),
    ("Who reigned in the 15th century?", "Ada reigned in the 14th century."),
    ("Who fought in WW2?", "Ada fought in World War I."),
    ("What is new in v2.1?", "Version 2.2 is faster."),
    ("What is part AB-1234-X?", "AB-1243-X is a bolt."),
    ("What does a parcel of 15 kg cost?", "Parcels over 20 kg cost 5 crowns."),
    ("What is the code of locker 7310?", "Parcels over 20 kg cost 5 crowns."),
]


@pytest.mark.parametrize(("question", "quote"), SAME)
def test_the_same_in_another_form(question: str, quote: str) -> None:
    assert named(question)
    assert unsaid(named(question), quote, "") is None


@pytest.mark.parametrize(("question", "quote"), OTHERS)
def test_another_that_looks_alike(question: str, quote: str) -> None:
    assert unsaid(named(question), quote, quote) is not None


@pytest.mark.parametrize(
    "question",
    [
        "Give me 3 reasons.",
        "What are the top 5 exports?",
        "Name 20 rivers.",
        "Sum it up in 50 words?",
        "Which two of the members left?",
        "Who was the first president?",
        "Can I take 25 days?",
        "Is 15 kg too heavy?",
        "If I earn 50,000 euros, what do I pay?",
        "How many kilometres are 5 miles?",
        "What changed in the last 5 years?",
        "What happened 30 years ago?",
        "Am I allowed to park?",
        "Can you order 5 of them for me?",
    ],
)
def test_what_is_wanted_or_supposed_names_nothing(question: str) -> None:
    assert named(question) == ()


@pytest.mark.parametrize(
    ("question", "quote", "rival"),
    [
        ("How many people worked there in 2019?", "In 2021, 412 people worked there.", "2021"),
        ("What is the code of locker 7310?", "The code of locker 739 is 5.", "locker 739"),
        ("How fast is the K8?", "The K4 is fast.", "K4"),
        ("How many tracks has station 3?", "Station 0 has 3 tracks.", "Station 0"),
        ("Who sits in room 12?", "Room 5 has 12 chairs, and Ada sits in it.", "Room 5"),
        ("Where is Room 12B?", "Room 12C is on floor 2.", "12C"),
        ("What does the 13th Amendment say?", "The 14th Amendment says more.", "14th"),
    ],
)
def test_one_of_its_kind_in_its_place_refuses_what_stands_under_the_right_one(
    question: str, quote: str, rival: str
) -> None:
    missing = unsaid(named(question), quote, f"{question}\n{quote}")
    assert missing is not None
    assert missing.rival == rival


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How fast is the K8?", "It is fast."),
        ("How fast is the K8?", "The K8 is faster than the K4."),
        ("When was the host of the 2012 games chosen?", "The host was chosen in 2005."),
    ],
)
def test_what_names_no_other_may_stand_under_it(question: str, quote: str) -> None:
    assert unsaid(named(question), quote, f"{question}\n{quote}") is None


@given(st.integers(13, 10**9), st.integers(0, 3))
def test_a_number_is_itself_in_every_form_and_no_longer_one(number: int, form: int) -> None:
    written = (str(number), f"{number:,}", f"No. {number}", f"#{number}")[form]
    asked = named(f"What is the code of locker {number}?")
    assert unsaid(asked, f"The code of locker {written} is lost.", "") is None
    assert unsaid(asked, f"The code of locker {number}7 is lost.", "") is not None
    assert unsaid(asked, f"The code of locker 1{number} is lost.", "") is not None


DAYS = st.dates(datetime.date(1000, 1, 1), datetime.date(2099, 12, 31))


@given(DAYS, DAYS)
def test_a_day_is_itself_in_every_form_and_no_other(day: datetime.date, other: datetime.date) -> None:
    forms = ("{0.year:04}-{0.month:02}-{0.day:02}", "{0.day} {0:%B} {0.year:04}", "{0:%B} {0.day}, {0.year:04}")
    for asked in forms:
        for form in forms:
            question = named(f"What happened on {asked.format(day)}?")
            assert (unsaid(question, f"The mill burned on {form.format(other)}.", "") is None) == (day == other)


@given(st.text(max_size=300))
def test_nothing_breaks_whatever_is_asked_of_whatever(text: str) -> None:
    assert unsaid(named(text), text, text) is None
    numerals(text)


def test_very_many_heads_are_not_all_read() -> None:
    heads = tuple(f"Reading {number}" for number in range(8_000))
    assert len(guard._heads(Table(0, 1, heads))) <= guard._LONGEST_HEADS


def test_what_a_row_and_its_heads_have_is_theirs_together() -> None:
    both = "Sales of 2021\nPump K4 12 kg, locker 7, 2015-2018, 3 May 1999, 5-9"
    heads, row = both.split("\n")
    together, whole = numerals(row).under(numerals(heads)), numerals(both)
    assert (together.text, together.values, together.codes) == (whole.text, whole.values, whole.codes)
    assert (together.years, together.ranges) == (whole.years, whole.ranges)
    assert [label.written for label in together.labels] == [label.written for label in whole.labels]
    assert together.figures.years == whole.figures.years


def test_a_long_text_is_not_remembered() -> None:
    long, short = (f"Locker {number}. " * 1_000 for number in (5, 6)), "Locker 5."
    assert all(numerals(text) is not numerals(text) for text in long)
    assert numerals(short) is numerals(short)


PIECES = ("a1-", "1.2.", "III ", "locker 1, ", "from 2000 to 20", "K", "1,000", "between 1 ", "- ")


@pytest.mark.parametrize("piece", PIECES)
def test_what_is_read_is_read_in_time_that_grows_no_faster_than_it(piece: str) -> None:
    def spent(text: str) -> float:
        start = time.process_time()
        numerals(text)
        return time.process_time() - start

    short, long = (
        min(spent(piece * (length // len(piece))) for _ in range(3)) for length in (5_000, 50_000)
    )  # none is kept
    assert long < 40 * short + 0.5


def test_a_cell_that_is_empty_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("Part,Shelf,Supplier\nGasket,A1,Holm\nWasher,A2,\n", encoding="utf-8")
    with rag.open(tmp_path) as docs:
        empty, told = docs.ask("Who is the supplier of Washer?"), docs.ask("Who is the supplier of Gasket?")
    assert (empty.status, "its cell is empty" in empty.reason) == ("abstained", True)
    assert "Holm" in told.text


# --- a language model is held to the same ---


OF_K4, OF_K6 = "The K4 pump moves 120 litres a minute", "The K6 pump moves 200 litres a minute"
HOW_FAST = "How many litres a minute does the K4 pump move?"


def written(house: rag.Footnote, *sentences: str) -> Answer:
    """What comes of a model that writes these sentences."""
    with speaking(
        Script(said(" ".join(f"{sentence} {{mark}}." for sentence in sentences), passage="K4 pump"))
    ) as setting:
        house.write_with(setting)
        answer = house.ask(HOW_FAST)
        house.write_with("")
    return answer


def test_a_model_that_writes_of_another_model_is_not_shown(house: rag.Footnote) -> None:
    answer = written(house, OF_K6)
    assert (answer.status, answer.mode, answer.unsupported) == ("abstained", "generate", ())
    assert "of “K6” and not of “K4”" in answer.reason


def test_a_model_may_compare_with_another_once_it_has_said_what_is_asked(house: rag.Footnote) -> None:
    answer = written(house, OF_K4, OF_K6)
    assert (len(answer.statements), answer.notice) == (2, "")
    answer = written(house, OF_K6, OF_K4)
    assert answer.text == f"{OF_K4}."
    assert answer.notice == "Left out what is not of “K4”."
