"""A cell named by its row and its column: found in the four filings and in small tables, and never guessed."""

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import pytest

import rag
from index import formats
from index.document import Document, Span
from index.library import Library
from index.passages import Passage
from rag.answer import Answer
from rag.cells import Cells, is_head_line, is_of_another_row, is_of_other_years, period
from rag.footnote import Footnote
from tests.fakes import hit_of
from tests.test_pdf import FILINGS, NAMES, needs_filings

# Questions, and what is printed on the pages; the second half was written when the code was done, and asked once.
FIRST = [
    ("What were 3M's net sales in 2018?", "32,765"),
    ("What was the operating income of 3M in 2017?", "7,692"),
    ("What were 3M's research, development and related expenses in 2016?", "1,764"),
    ("How much was 3M's provision for income taxes in 2017?", "2,679"),
    ("What was 3M's total operating expenses in 2016?", "23,082"),
    ("What was net income attributable to 3M in 2018?", "5,349"),
    ("What were 3M's diluted earnings per share attributable to 3M common shareholders in 2018?", "8.89"),
    ("What was 3M's goodwill at December 31, 2018?", "10,051"),
    ("What were 3M's total inventories as of December 31, 2017?", "4,034"),
    ("How much accounts payable did 3M have in 2018?", "2,266"),
    ("What was 3M's long-term debt in 2017?", "12,096"),
    ("What were 3M's dividends paid to shareholders in 2017?", "(2,803)"),
    ("What was net cash provided by operating activities of 3M in 2016?", "6,662"),
    ("What were 3M's purchases of treasury stock in 2018?", "(4,870)"),
    ("What were 3M's net sales of Abrasives in 2017?", "1,746"),
    ("What were the net sales of Oral Care at 3M in 2018?", "1,353"),
    ("What was 3M's goodwill balance for Health Care as of December 31, 2017?", "1,682"),
    ("What were Amcor's net sales for the three months ended December 31, 2022?", "3,642"),
    ("What was Amcor's gross profit for the six months ended December 31, 2021?", "1,295"),
    ("What was Amcor's income tax expense in the three months ended December 31, 2021?", "(61)"),
    ("What were Amcor's trade payables as of June 30, 2022?", "3,073"),
    ("How much goodwill did Amcor have on December 31, 2022?", "5,281"),
    ("What were Amcor's dividends paid in the six months ended December 31, 2022?", "(365)"),
    ("What were Amcor's proceeds from divestitures for the six months ended December 31, 2022?", "370"),
    ("What was Amcor's service cost for the three months ended December 31, 2021?", "6"),
    ("What were net sales of the Flexibles segment of Amcor for the three months ended December 31, 2022?", "2,812"),
    ("What was Adjusted EBIT of Amcor's Rigid Packaging segment for the three months ended December 31, 2021?", "55"),
    ("What were J&J's sales to customers in 2022?", "94,943"),
    ("What were J&J's net earnings in 2021?", "20,878"),
    ("What was Johnson & Johnson's gross profit in the fourth quarter of 2022?", "15,941"),
    ("What was J&J's cost of products sold for the full year 2021?", "29,855"),
    ("What was the effective tax rate of J&J in the fourth quarter of 2021?", "2.1"),
    ("What were Johnson & Johnson's MedTech sales in Q4 2022?", "6,776"),
    ("What was J&J's research and development expense in twelve months 2022?", "14,603"),
    ("What were worldwide sales of J&J in the full year 2022?", "94,943"),
    ("What were J&J's total sales in 2022?", "94,943"),
]
SECOND = [
    ("What was 3M's cost of sales in 2018?", "16,682"),
    ("What were the selling, general and administrative expenses of 3M in 2017?", "6,626"),
    ("What was 3M's income before income taxes in 2016?", "7,053"),
    ("How much was 3M's gain on sale of businesses in 2017?", "(586)"),
    ("What was 3M's basic earnings per share attributable to 3M common shareholders in 2016?", "8.35"),
    ("What were 3M's retained earnings at December 31, 2017?", "39,115"),
    ("What were 3M's total current liabilities as of December 31, 2018?", "7,244"),
    ("What was 3M's treasury stock at the end of 2018?", "(29,626)"),
    ("What was 3M's depreciation and amortization in 2017?", "1,544"),
    ("How much cash did 3M use for purchases of marketable securities and investments in 2016?", "(1,410)"),
    ("What was 3M's interest expense in 2018?", "350"),
    ("How much deferred revenue did 3M have at December 31, 2018?", "617"),
    ("What was 3M's machinery and equipment in 2017?", "15,907"),
    ("What were 3M's net sales in Asia Pacific for the year ended December 31, 2018?", "10,254"),
    ("What was the net sales of 3M's Personal Safety in 2018?", "3,681"),
    ("What was the goodwill of 3M's Consumer segment as of December 31, 2018?", "208"),
    ("What were 3M's patents at December 31, 2017?", "561"),
    ("What was Amcor's operating income for the three months ended December 31, 2021?", "322"),
    ("What was Amcor's cost of sales in the six months ended December 31, 2022?", "(6,024)"),
    ("What was Amcor's diluted earnings per share for the six months ended December 31, 2022?", "0.461"),
    ("What was Amcor's net income attributable to Amcor plc for the three months ended December 31, 2022?", "459"),
    ("How much cash and cash equivalents did Amcor have at December 31, 2022?", "837"),
    ("What was Amcor's total shareholders' equity as of June 30, 2022?", "4,141"),
    ("What was Amcor's short-term debt on December 31, 2022?", "48"),
    ("What was the gain on disposal of Amcor's Russian business in the three months ended December 31, 2022?", "215"),
    ("What was Amcor's interest cost for the six months ended December 31, 2021?", "21"),
    ("What was Amcor's Rigid Packaging goodwill balance as of June 30, 2022?", "978"),
    ("What was Amcor's net cash provided by operating activities in the six months ended December 31, 2021?", "323"),
    ("What was Amcor's EBIT for Flexibles, adjusted, in the six months ended December 31, 2022?", "706"),
    ("What was J&J's provision for taxes on income in the fourth quarter of 2022?", "681"),
    ("What were J&J's selling, marketing and administrative expenses in 2021?", "24,659"),
    ("What were Johnson & Johnson's adjusted net earnings for the full year 2022?", "27,038"),
    ("What were J&J's Consumer Health sales for the full year 2022?", "14,953"),
    ("What were US sales of STELARA at J&J in the fourth quarter of 2022?", "1,621"),
    ("What was J&J's litigation related amount in Q4 2021?", "274"),
    ("What were J&J's average shares outstanding (diluted) in 2022?", "2,663.9"),
]

# What no cell answers: prose, other years, labels that are only near, several tables.
OTHERS = [
    "What were 3M's net sales in 2015?",
    "What were Amcor's net sales in 2022?",
    "What was Amcor's Adjusted EBIT as a percentage of net sales for the three months ended December 31, 2022?",
    "What was 3M's net income per share in 2018?",
    "What were net sales?",
    "What was net income in 2019 at 3M?",
    "What were 3M's sales in 2018?",
    "What were U.S. sales of J&J in 2022?",
    "Why did 3M's net sales increase in 2018?",
    "How did 3M's operating income change in 2018?",
    "Did 3M's net sales grow in 2018?",
    "Who is the chief executive officer of 3M?",
    "What does 3M sell?",
    "How many employees does 3M have?",
    "What was 3M's net sales growth in 2018?",
    "What was Amcor's operating income in 2022?",
    "What were Amcor's trade payables in 2022?",
    "What were Amcor's total assets?",
    "What was 3M's net income excluding the TCJA in 2018?",
    "What was 3M's adjusted operating income in 2018?",
    "What was the average operating income of 3M in 2018?",
    "What were Amcor's net sales for the nine months ended December 31, 2022?",
    "What were Amcor's net sales for the three months ended September 30, 2022?",
    "What was J&J's net income in 2022?",
    "What were J&J's total assets in 2022?",
    "What were J&J's sales to customers in the third quarter of 2022?",
    "What were 3M's net sales to Walmart in 2018?",
    "What were 3M's segment operating incomes in 2018?",
    "When did Amcor complete the sale of its Russian business?",
    "What is the goodwill?",
    "What is Amcor's net sales and operating income for the three months ended December 31, 2022?",
    "Where are 3M's principal executive offices?",
    "How much did Amcor pay for the Czech acquisition?",
    "What was Amcor's interest in 2022?",
    "What was the increase in Amcor's net sales for the three months ended December 31, 2022?",
    "What were the International sales of J&J in 2022?",
    "What did J&J announce in January 2023?",
    "What were 3M's net sales of Abrasives?",
    "What was Amcor's net income in the fourth quarter of 2022?",
    "What was 3M's EBITDA in 2018?",
    "What were 3M's net sales in 2018 and 2017?",
    "What was Stelara's share of J&J's sales in 2022?",
    "What were 3M's worldwide Health Care sales growth in 2019?",
    "What was 3M's cost of sales in 2013?",
    "What was Amcor's cost of sales in 2021?",
    "What was 3M's operating income in the third quarter of 2016?",
    "How were 3M's sales in Asia Pacific?",
    "What was Amcor's goodwill in 2022?",
    "Which segment of J&J grew fastest in 2022?",
    "What is J&J's guidance for 2023?",
    "What was 3M's interest rate in 2018?",
    "What was 3M's net income per employee in 2018?",
    "What was Amcor's income tax in the three months ended December 31, 2022?",
    "What was 3M's cost of sales as a percent of net sales in 2014?",
    "What was J&J's net earnings excluding litigation in 2022?",
    "What was the Health Care worldwide sales change at 3M in Canada in 2018?",
]

# Of those with an answer: that it is not found is no virtue, but it is known.
NOT_FOUND = {
    "How much accounts payable did 3M have in 2018?",
    "How much cash did 3M use for purchases of marketable securities and investments in 2016?",
    "What was 3M's interest expense in 2018?",
    "What was Amcor's Rigid Packaging goodwill balance as of June 30, 2022?",
    "What was the gain on disposal of Amcor's Russian business in the three months ended December 31, 2022?",
    "What was the goodwill of 3M's Consumer segment as of December 31, 2018?",
    "What were J&J's Consumer Health sales for the full year 2022?",
}


class Shelf:
    """A library of some documents, each row of which is a passage."""

    def __init__(self, *documents: Document) -> None:
        self.documents = {document.id: document for document in documents}

    def document(self, id: str) -> Document:
        return self.documents[id]

    def passages_at(self, id: str, start: int, end: int) -> tuple[Passage, ...]:
        return (hit_of(self.documents[id], 1, start, end).passage,)


@cache
def cells_of(*documents: Document) -> Cells:
    return Cells(cast(Library, Shelf(*documents)))


def answered(question: str, *documents: Document) -> tuple[Answer | None, str]:
    hits = [hit_of(document, rank, 0, 1) for rank, document in enumerate(documents, 1)]
    return cells_of(*documents).answer(Answer(question, question, "abstained"), hits)


def short(question: str, *documents: Document) -> str:
    """The cell that answers, "" where there is none."""
    answer, _ = answered(question, *documents)
    return answer.text[answer.short.start : answer.short.end] if answer and answer.short else ""


@cache
def filings() -> tuple[Document, ...]:
    return tuple(formats.read(f"filings/{name}.pdf", (FILINGS / f"{name}.pdf").read_bytes()) for name in NAMES)


def bare(cell: str) -> str:
    return cell.replace("$", "").replace("%", "").strip()


@needs_filings
@pytest.mark.parametrize(("question", "value"), [each for each in FIRST + SECOND if each[0] not in NOT_FOUND])
def test_a_figure_of_a_filing_is_found_in_its_row_and_column(question, value):
    assert bare(short(question, *filings())) == value


@needs_filings
@pytest.mark.parametrize("question", [*OTHERS, *sorted(NOT_FOUND)])
def test_what_no_one_cell_answers_is_left_to_the_reader(question):
    assert answered(question, *filings())[0] is None


@needs_filings
def test_a_row_is_quoted_whole_with_its_heads():
    answer, _ = answered("What were 3M's net sales in 2017?", *filings())
    assert answer is not None
    (citation,), (statement,) = answer.citations, answer.statements
    assert citation.quote == answer.text == "Net sales | $ 32,765 | $ 31,657 | $ 30,109"
    assert (citation.page, citation.heads[1:]) == (56, ("2018", "2017", "2016"))
    assert (statement.support, answer.status, answer.mode) == ("verbatim", "answered", "extract")


@needs_filings
def test_where_several_tables_fit_the_reason_says_where():
    answer, why = answered("What was 3M's interest expense in 2018?", *filings())
    assert answer is None
    assert "“268” (filings/3M_2018_10K.pdf, page 45)" in why
    assert "“$ 350” (filings/3M_2018_10K.pdf, page 80)" in why


# --- small tables ---

ROOMS = """\
# The Mill

| Room | Area | Rent |
|---|---|---|
| Loft | 40 m² | 900 |
| Cellar | 25 m² | 310 |
| Back room | 12 m² |  |
"""
SALES = """\
<h1>Acme</h1><h2>Shop sales</h2>
<table><tr><th>Product</th><th>2023</th><th>2024</th></tr>
<tr><td>Lamps</td><td>120</td><td>150</td></tr><tr><td>Table lamps</td><td>20</td><td>30</td></tr></table>
<h2>Web sales</h2>
<table><tr><th>Product</th><th>2023</th><th>2024</th></tr>
<tr><td>Lamps</td><td>75</td><td>150</td></tr><tr><td>Chairs</td><td>8</td><td>9</td></tr></table>
"""
STAFF = "Name,Town,Phone\nAda,Kiel,12\nBen,Oslo,34\n"


def rooms() -> Document:
    return formats.read("docs/mill.md", ROOMS.encode())


@pytest.mark.parametrize(
    ("question", "cell"),
    [
        ("What is the area of the Loft?", "40 m²"),
        ("How much is the rent of the cellar?", "310"),
        ("What is the rent of the room called Loft?", "900"),
        ("What is the area of the room?", ""),  # the back room is not said in full
        ("What is the rent of the back room?", ""),  # it has none
        ("What is the height of the Loft?", ""),
        ("What was the rent of the Loft in 2019?", ""),
        ("Why is the rent of the Loft 900?", ""),
        ("Is the area of the Loft 40?", ""),
        ("The area of the Loft is 40 m².", ""),
        ("Loft", ""),
    ],
)
def test_a_cell_of_a_markdown_table(question, cell):
    assert short(question, rooms()) == cell


@pytest.mark.parametrize(
    ("question", "cell"),
    [
        ("What were Acme's shop sales of lamps in 2023?", "120"),
        ("What were the web sales of lamps in 2023?", "75"),
        ("What were the sales of table lamps in 2024?", "30"),
        ("What were the sales of lamps in 2024?", "150"),  # both tables say so
        ("What were the sales of lamps in 2023?", ""),  # they differ
        ("What were the sales of lamps in 2022?", ""),
        ("What were the sales of lamps?", ""),
        ("What were the shop sales of chairs in 2023?", ""),  # sold on the web only
        ("What was the growth of sales of chairs in 2024?", ""),
    ],
)
def test_a_cell_of_tables_with_the_same_rows(question, cell):
    assert short(question, formats.read("docs/acme.html", SALES.encode())) == cell


def test_a_text_that_has_grown_since_is_read_anew():
    """As where a page of a PDF is recognised later: the file has the same digest."""
    table = b"Region,Revenue\nNorth,1234\nSouth,99\n"
    before = formats.read("docs/a.csv", table)
    grown = replace(formats.read("docs/a.csv", b"Region,Revenue\nEast,5\nNorth,1234\nSouth,99\n"), sha256=before.sha256)
    question = "What is the revenue of North?"
    shelf = Shelf(before)
    cells = Cells(cast(Library, shelf))
    for document in (before, grown):
        shelf.documents[document.id] = document
        answer, _ = cells.answer(Answer(question, question, "abstained"), [hit_of(document, 1, 0, 1)])
        assert answer is not None
        (citation,) = answer.citations
        assert document.text[citation.start : citation.end] == citation.quote
        assert "1234" in citation.quote


def test_a_cell_of_a_csv_file():
    document = formats.read("docs/staff.csv", STAFF.encode())
    assert short("What is the town of Ben?", document) == "Oslo"
    assert short("What is Ben's phone?", document) == "34"
    assert short("What is Cara's phone?", document) == ""


@pytest.mark.parametrize(
    ("text", "years", "days", "lengths"),
    [
        ("Three Months Ended December 31, 2022", {"2022"}, {"dec 31"}, {"3"}),
        ("the quarter ended 31 March 2021", {"2021"}, {"mar 31"}, {"3"}),
        ("Q4 2022", {"2022"}, set(), {"q4"}),
        ("the fourth quarter of 2022", {"2022"}, set(), {"q4"}),
        ("TWELVE MONTHS 2021", {"2021"}, set(), {"year"}),
        ("Year ended December 31, 2018", {"2018"}, {"dec 31"}, {"year"}),
        ("2018 versus 2017", {"2018", "2017"}, set(), set()),
        ("$ 2,018 of 1.2018", set(), set(), set()),
    ],
)
def test_the_time_that_a_text_names(text, years, days, lengths):
    found, _ = period(text)
    assert (set(found.years), set(found.days), set(found.lengths)) == (years, days, lengths)


@needs_filings
def test_the_heads_of_a_table_and_rows_of_other_years_are_no_statements():
    document = filings()[0]
    start = document.text.index("(Millions, except per share amounts) | 2018 | 2017 | 2016\nNet sales")
    heads = Span(start, document.text.index("\n", start))
    row = Span(heads.end + 1, document.text.index("\n", heads.end + 1))
    assert is_head_line(document, heads)
    assert not is_head_line(document, row)
    assert is_of_other_years("What were net sales in 2015?", document, row)
    assert not is_of_other_years("What were net sales in 2016?", document, row)


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("What was the income of Bakery in 2023?", "Bakery"),
        ("Which segment is run by Berg?", "Bakery"),
        ("What was the income of frozen vegetables in 2023?", "Frozen vegetables"),
    ],
)
def test_a_row_of_another_thing_is_no_statement(question: str, row: str) -> None:
    text = "# Sales\n\n| Segment | 2023 | Head |\n|---|---|---|\n| Dairy | 9 | Holm |\n| Bakery | 8 | Berg |\n"
    source = formats.read("docs/sales.md", f"{text}| Frozen vegetables | 7 | Lund |\n".encode())
    for name in ("Dairy", "Bakery", "Frozen vegetables"):
        start = source.text.index(name)
        span = Span(start, source.text.find("\n", start) if "\n" in source.text[start:] else len(source.text))
        assert is_of_another_row(question, source, span) == (name != row)
        assert not is_of_another_row("What was earned in all?", source, span)


def test_a_row_is_quoted_before_prose_and_no_model_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "mill.md").write_text(f"{ROOMS}\nThe loft of the mill was built in 1902 by Ada Brandt.\n", "utf-8")
    with rag.open(folder, llm="") as docs:
        prose = docs.ask("Who built the loft of the mill?")
        monkeypatch.setattr(Footnote, "_sources", lambda *_: pytest.fail("a model is asked"))
        docs.writer = cast("rag.generate.Writer", object())
        row = docs.ask("What is the area of the Loft?")
    assert "Ada Brandt" in prose.text
    assert row.text == "Loft | 40 m² | 900"
    assert row.short is not None
    assert row.text[row.short.start : row.short.end] == "40 m²"
    assert row.citations[0].passage_id in {hit.passage.id for hit in row.hits}


def figures() -> str:
    """How many of each half are right, wrong and not told, for a report."""
    lines = []
    for name, asked in (("first", FIRST), ("second", SECOND)):
        told = [(bare(short(question, *filings())), value) for question, value in asked]
        right, none = sum(got == value for got, value in told), sum(not got for got, _ in told)
        lines.append(f"{name} half: {right} right, {len(told) - right - none} wrong, {none} not told, of {len(told)}")
    wrong = sum(answered(question, *filings())[0] is not None for question in OTHERS)
    return "\n".join([*lines, f"no cell's questions: {wrong} answered by one, of {len(OTHERS)}"])


if __name__ == "__main__":
    sys.stdout.write(f"{figures()}\n")
