"""PDF: the words of a page in reading order, tables as rows, marks where the words are printed."""

import random
import re
import shutil
import time
from collections import Counter
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from eval.reading import WHOLE, lines, recall, recalls
from index.document import Page, Span
from index.errors import DatasetError, Refused
from index.formats import pdf as pdf_format
from index.formats import read
from index.formats.content import Content
from index.formats.pdf import picture as picture_of
from index.passages import split_sentences

FILINGS = Path(__file__).parent.parent.parent / "shared" / "data" / "pdf"
NAMES = (
    "3M_2018_10K",
    "AMCOR_2022_8K_dated-2022-07-01",
    "AMCOR_2023Q2_10Q",
    "JOHNSON_JOHNSON_2022Q4_EARNINGS",
)
needs_filings = pytest.mark.skipif(not FILINGS.is_dir(), reason="the filings are not beside this checkout")
needs_poppler = pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler's pdftotext is not installed")


def pdf(*pages: str, encrypt: StandardEncryption | None = None, title: str = "", author: str = "") -> bytes:
    target = BytesIO()
    canvas = Canvas(target, encrypt=encrypt)
    canvas.setTitle(title)
    canvas.setAuthor(author)
    for page in pages:
        for place, line in enumerate(page.splitlines()):
            canvas.drawString(72, 720 - 14 * place, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def drawn(*pages: list[tuple[float, float, str]], size: float = 10, turned: int = 0, right: bool = False) -> bytes:
    """Pages of words at places; those that are numbers end there, where `right` is true."""
    target = BytesIO()
    canvas = Canvas(target, pagesize=(612, 792))
    for page in pages:
        canvas.setPageRotation(turned)
        canvas.setFont("Helvetica", size)
        for x, y, words in page:
            draw = canvas.drawRightString if right and re.fullmatch(r"[\d,.()%—-]+", words) else canvas.drawString
            draw(x, y, words)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def content_of(
    *pages: list[tuple[float, float, str]], size: float = 10, turned: int = 0, right: bool = False
) -> Content:
    return pdf_format.read(drawn(*pages, size=size, turned=turned, right=right))


def column(x: float, y: float, lines: list[str]) -> list[tuple[float, float, str]]:
    return [(x, y - 12 * number, line) for number, line in enumerate(lines)]


@cache
def filing(name: str) -> Content:
    return pdf_format.read((FILINGS / f"{name}.pdf").read_bytes())


# --- the file ---


def test_pages_stand_where_they_say_and_a_blank_one_keeps_its_number():
    document = read("docs/a.pdf", pdf("The mill burned.\nAll was lost.", "", "It was rebuilt."))
    pages = [(page.number, document.text[page.start : page.end]) for page in document.pages]
    assert pages == [(1, "The mill burned.\nAll was lost."), (2, ""), (3, "It was rebuilt.")]
    assert document.text == "The mill burned.\nAll was lost.\n\nIt was rebuilt."


def test_a_page_that_is_not_there_has_no_picture():
    with pytest.raises(Refused, match="no page 2"):
        picture_of(pdf("text"), "text", Page(2, 0, 4), Span(0, 4))


def test_a_pdf_tells_title_author_and_date():
    document = read("docs/a.pdf", pdf("text", title="The mill", author="Ada Brandt"))
    assert (document.title, document.author, document.media_type) == ("The mill", "Ada Brandt", "application/pdf")
    assert len(document.date) == len("2026-01-02")


def test_a_pdf_whose_title_is_not_text_is_read_under_its_name():
    data = pdf("text", title="X" * 12)
    lone_surrogate = data.replace(b"(" + b"X" * 12 + b")", b"<FEFF0041D800>")
    assert lone_surrogate != data
    assert read("docs/a.pdf", lone_surrogate).title == "a"


def test_an_encrypted_pdf_is_refused_as_encrypted():
    with pytest.raises(Refused, match="encrypted"):
        read("docs/a.pdf", pdf("secret", encrypt=StandardEncryption("password", canPrint=0)))


@pytest.mark.parametrize("data", [b"%PDF-1.7 and no more", b"not a PDF", pdf("text")[:300]])
def test_a_damaged_pdf_is_refused_as_damaged(data):
    with pytest.raises(Refused, match="damaged"):
        read("docs/a.pdf", data)


def test_a_pdf_without_text_is_refused_with_what_it_needs():
    with pytest.raises(Refused, match="install tesseract"):
        read("docs/a.pdf", pdf("", ""))


def test_a_pdf_of_too_many_pages_is_refused():
    with pytest.raises(Refused, match="2,001 pages"):
        read("docs/a.pdf", pdf(*["x"] * 2_001))


def test_a_pdf_of_too_many_characters_is_refused(monkeypatch):
    monkeypatch.setattr(pdf_format, "_MAX_CHARACTERS", 20)
    with pytest.raises(Refused, match="more than 20 characters"):
        read("docs/a.pdf", pdf("The mill burned.", "All was lost."))


# --- reading order ---

LEFT = ["The mill stood by the river for a", "hundred years and more before it", "burned in the dry summer of 1902."]
RIGHT = [
    "It was rebuilt of brick in the year",
    "after, and it still grinds the corn",
    "of all the valley as it always did.",
]


@pytest.mark.parametrize("by_lines", [False, True], ids=["column by column", "line by line"])
def test_two_columns_are_read_one_after_the_other_however_they_are_drawn(by_lines):
    words = column(72, 700, LEFT) + column(320, 700, RIGHT)
    words = sorted(words, key=lambda each: -each[1]) if by_lines else words
    content = content_of([(72, 730, "A title that runs over both of the columns, from edge to edge of it all"), *words])
    assert content.text.split("\n\n")[1:] == ["\n".join(LEFT), "\n".join(RIGHT)]
    assert not content.tables


def test_three_columns_are_read_one_after_the_other():
    columns = [[f"{word} {line} of the story goes on" for line in ("one", "two", "three", "four")] for word in "ABC"]
    words = [each for number, lines in enumerate(columns) for each in column(40 + 190 * number, 700, lines)]
    random.Random(7).shuffle(words)
    assert content_of(words).text.split() == " ".join(" ".join(lines) for lines in columns).split()


def test_a_page_that_is_turned_reads_like_one_that_is_not():
    plain, turned = (content_of(column(72, 700, LEFT), turned=quarter) for quarter in (0, 90))
    assert plain.text == turned.text == "\n".join(LEFT)


def test_words_written_upward_are_lines_of_their_own():
    target = BytesIO()
    canvas = Canvas(target)
    canvas.drawString(72, 700, "The mill burned in the summer of 1902.")
    canvas.saveState()
    canvas.translate(40, 300)
    canvas.rotate(90)
    canvas.drawString(0, 0, "Printed in the margin")
    canvas.restoreState()
    canvas.save()
    assert pdf_format.read(target.getvalue()).text == "The mill burned in the summer of 1902.\n\nPrinted in the margin"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["The old cor-", "ner burned."], "The old corner burned."),
        (["a long-term plan, a long-", "term loss"], "a long-term plan, a long-term loss"),
        (["the Anglo-", "Saxon mill"], "the Anglo-Saxon mill"),
        (["from 1901-", "1902 on"], None),
    ],
    ids=["broken", "known with a hyphen", "a capital", "numbers"],
)
def test_a_word_broken_at_the_end_of_a_line_is_made_whole(lines, text):
    read_text = content_of(column(72, 700, lines)).text
    assert read_text == text or (text is None and read_text.replace("\n", "") == "from 1901-1902 on")


def test_ligatures_are_letters():
    assert pdf_format._letters("eﬃcient ﬁre ﬂow oﬀ") == "efficientfireflowoff"
    assert pdf_format._spelled("eﬃcient", "eﬃcient", 8) == "efficient"


def test_a_sentence_of_several_lines_is_one_and_paragraphs_are_parted():
    words = column(72, 700, LEFT) + column(72, 640, RIGHT)
    text = content_of(words).text
    assert [text[span.start : span.end] for span in split_sentences(text)] == ["\n".join(LEFT), "\n".join(RIGHT)]


# --- running heads and feet ---


def report(number: int, body: list[str]) -> list[tuple[float, float, str]]:
    return [(72, 760, "The Mill: a report"), *column(72, 700, body), (300, 40, str(number))]


def test_running_heads_and_feet_are_no_part_of_a_sentence_that_runs_on():
    begun = "The {} of the valley came with buckets and"
    rest = "with ladders, and still the fire of the {} went on until the morning."
    text = content_of(
        *[report(n, [(begun if n % 2 else rest).format(word)]) for n, word in enumerate("abcdef", 1)]
    ).text
    assert "with buckets and\n\nwith ladders" in text
    assert text.count("The Mill: a report") == 6
    assert all(re.search(rf"(^|\n){number}(\n|$)", text) for number in range(1, 7))


def test_a_line_that_is_on_one_page_is_no_running_head():
    text = content_of(*[[(72, 760, f"Chapter about {word}"), (72, 700, "and so on")] for word in ("fire", "ash")]).text
    assert text == "Chapter about fire\n\nand so on\n\nChapter about ash\n\nand so on"


# --- tables ---

PRINTED = [  # the height on the page, then where words begin or numbers end
    (712, "Years ended December 31,", 385),
    (700, "(Millions)", 72, "2018", 390, "2017", 460, "2016", 530),
    (684, "Net sales", 72, "$", 350, "32,765", 390, "$", 420, "31,657", 460, "$", 490, "30,109", 530),
    (668, "Proceeds from maturities and sale of marketable", 72),
    (658, "securities, net", 80, "(1,234)", 390, "—", 460, "17", 530),
    (642, "Gains", 72, "12", 460),
    (626, "Total", 72, "$", 350, "31,531", 390, "$", 420, "31,669", 460, "$", 490, "30,126", 530),
]
TABLE = [(x, y, words) for y, *row in PRINTED for words, x in zip(row[::2], row[1::2], strict=True)]


def test_a_table_without_ruling_lines_is_rows_of_cells_under_heads():
    content = content_of([(72, 740, "A table follows."), *TABLE, (72, 590, "And prose goes on after it.")], right=True)
    (table,) = content.tables
    assert content.text[table.start : table.end].split("\n") == [
        "Net sales | $ 32,765 | $ 31,657 | $ 30,109",
        "Proceeds from maturities and sale of marketable securities, net | (1,234) | — | 17",
        "Gains |  | 12 | ",
        "Total | $ 31,531 | $ 31,669 | $ 30,126",
    ]
    period = "Years ended December 31,"
    assert table.heads == ("(Millions)", f"{period} 2018", f"{period} 2017", f"{period} 2016")
    assert content.text.endswith("And prose goes on after it.")


@pytest.mark.parametrize(
    "lines",
    [
        ["In 2018 sales were 32,765 and in 2017 they were 31,657, or 3.5% less,", "while costs of 16,682 rose by 627."],
        ["• sales of 32,765", "• costs of 16,682", "• a gain of 547"],
        ["1. Sales rose to 32,765 in 2018.", "2. Costs rose to 16,682.", "3. The gain was 547."],
        ["2018", "2017", "2016"],
    ],
    ids=["prose", "bullets", "numbers", "years"],
)
def test_prose_with_numbers_is_no_table(lines):
    assert not content_of(column(72, 700, lines)).tables


def test_a_list_whose_numbers_stand_apart_is_no_table():
    items = [f"The {word} of the plan is binding on all who signed it." for word in ("scope", "term", "end", "law")]
    words = [each for n, item in enumerate(items) for each in [(72, 700 - 20 * n, f"5.{n}."), (96, 700 - 20 * n, item)]]
    content = content_of(words)
    assert not content.tables
    assert content.text.splitlines()[0] == f"5.0. {items[0]}"


# --- any page ---


@given(
    st.lists(
        st.tuples(
            st.integers(20, 560), st.integers(20, 770), st.text(st.sampled_from("abcXYZ019$%().,|-• "), min_size=1)
        ),
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_character_of_a_page_is_lost(words):
    data = drawn([(x, y, text) for x, y, text in words])
    content = pdf_format.read(data)
    page = pdfium.PdfDocument(data)[0]
    assert letters(content.text) == letters(page.get_textpage().get_text_range())


def letters(text: str) -> Counter[str]:
    """How often each character is there, but for blanks, hyphens and borders of cells."""
    return Counter(re.sub("[\\s|\ufffe\x02-]", "", text))


def test_a_hostile_page_takes_no_more_than_its_share():
    seconds = []
    for count in (4_000, 64_000):
        dice = random.Random(3)
        data = drawn([(dice.random() * 600, dice.random() * 780, "7") for _ in range(count)], size=1)
        began = time.process_time()
        pdf_format.read(data)
        seconds.append(time.process_time() - began)
    assert seconds[1] < 64 * seconds[0]  # linear would be 16 times, quadratic 256


# --- marks ---


@pytest.mark.parametrize(("nth", "top", "bottom"), [(0, 0.12, 0.16), (1, 0.18, 0.23)])
def test_a_pages_picture_marks_the_words_where_they_are_printed(nth, top, bottom):
    data = pdf("no", "The mill burned.\n\n\n\nThe mill burned.")
    document = read("docs/a.pdf", data)
    start = [match.start() for match in re.finditer("mill burned", document.text)][nth]

    def picture(span):
        return Image.open(BytesIO(picture_of(data, document.text, document.pages[1], span)))

    plain, marked = picture(Span(0, 2)), picture(Span(start, start + 11))
    left, upper, right, lower = ImageChops.difference(plain, marked).getbbox()
    assert top * plain.height < upper < lower < bottom * plain.height
    assert 0.05 * plain.width < left < right < 0.5 * plain.width
    assert marked.convert("L").getextrema()[0] == plain.convert("L").getextrema()[0]


def test_each_cell_of_a_row_is_marked():
    data = drawn(TABLE, right=True)
    content = pdf_format.read(data)
    start = content.text.index("Proceeds")
    boxes = marked(data, content, Span(start, content.text.index("\n", start)))
    assert [
        sum(low < left < high for left, *_ in boxes) for low, high in ((70, 330), (340, 395), (440, 465), (515, 530))
    ] == [2, 1, 1, 1]


def marked(data: bytes, content: Content, span: Span) -> list[tuple[float, float, float, float]]:
    page = next(page for page in content.pages if page.start <= span.start < page.end)
    with pdf_format._opened(data) as document:
        return pdf_format._boxes(
            document, page.number - 1, content.text[page.start : span.start], content.text[span.start : span.end]
        )


@needs_filings
@pytest.mark.parametrize("name", NAMES)
def test_sentences_and_rows_of_filings_are_marked(name):
    data, content = (FILINGS / f"{name}.pdf").read_bytes(), filing(name)
    spans = [
        Span(page.start + span.start, page.start + span.end)
        for page in random.Random(5).sample(content.pages, min(8, len(content.pages)))
        for span in split_sentences(content.text[page.start : page.end])
    ]
    sample = random.Random(5).sample(spans, min(50, len(spans)))
    found = [is_marked_right(data, content, span) for span in sample]
    assert sum(found) >= 0.98 * len(found)


def is_marked_right(data: bytes, content: Content, span: Span) -> bool:
    """Whether what PDFium reads in the boxes of a span is, letter by letter, what the span says, give or take a few."""
    page = next(page for page in content.pages if page.start <= span.start < page.end)
    boxes = marked(data, content, span)
    text_page = pdfium.PdfDocument(data)[page.number - 1].get_textpage()
    seen = letters("".join(text_page.get_text_bounded(*box) for box in boxes))
    said = letters(content.text[span.start : span.end])
    return not said or (seen & said).total() >= 0.9 * said.total()


# --- filings, against a second extractor ---


# Text printed over other text (3M 141, 146), and heads whose cells run over several lines (Amcor 22).
ENTANGLED = {"3M_2018_10K": {141, 146}, "AMCOR_2023Q2_10Q": {22}}


@needs_filings
@needs_poppler
@pytest.mark.parametrize("name", NAMES)
def test_the_words_of_a_page_stand_in_the_order_that_another_extractor_finds(name):
    path = FILINGS / f"{name}.pdf"
    found = recalls(path, read(f"docs/{name}.pdf", path.read_bytes()))
    low = {number for number, each in enumerate(found, start=1) if each < WHOLE}
    assert low <= ENTANGLED.get(name, set())
    assert min(found) > 0.93


@needs_filings
@needs_poppler
def test_a_line_tells_how_a_pdf_is_read(tmp_path):
    (tmp_path / "a.pdf").write_bytes((FILINGS / f"{NAMES[-1]}.pdf").read_bytes())
    (line,) = lines(tmp_path)
    assert re.fullmatch(
        r"- a\.pdf: \d+ pages, words in order: median [\d.]+ %, mean .*; \d+ tables; [\d.]+ ms a page", line
    )
    with pytest.raises(DatasetError, match="holds no PDF"):
        list(lines(tmp_path / "none"))


def test_recall_is_the_longest_common_subsequence():
    assert recall(["a", "|", "b", "c", "d"], ["a", "b", "d"]) == 1
    assert recall(["b", "a"], ["a", "b"]) == 1 / 2
    assert recall([], ["a"]) == 0
    assert recall(["a"], []) == 1


# --- filings, figures read off the printed pages ---

M3, AMCOR, JNJ = "3M_2018_10K", "AMCOR_2023Q2_10Q", "JOHNSON_JOHNSON_2022Q4_EARNINGS"
THREE, SIX = "Three Months Ended December 31, ", "Six Months Ended December 31, "
FIGURES = [
    (M3, 56, "Net sales", "2018", "$ 32,765"),
    (M3, 56, "Gain on sale of businesses", "2017", "(586)"),
    (M3, 56, "Other expense (income), net", "2016", "(26)"),
    (M3, 56, "Provision for income taxes", "2017", "2,679"),
    (M3, 56, "Net income attributable to 3M", "2018", "$ 5,349"),
    (M3, 56, "Earnings per share attributable to 3M common shareholders — diluted", "2016", "$ 8.16"),
    (M3, 58, "Cash and cash equivalents", "December 31, 2018", "$ 2,853"),
    (M3, 58, "Accounts receivable — net of allowances of $95 and $103", "December 31, 2017", "4,911"),
    (M3, 58, "Less: Accumulated depreciation", "December 31, 2018", "(16,135)"),
    (M3, 58, "Common stock par value, $.01 par value", "December 31, 2017", "$ 9"),
    (M3, 58, "Total liabilities and equity", "December 31, 2017", "$ 37,987"),
    (M3, 60, "Company pension and postretirement contributions", "2017", "(967)"),
    (M3, 60, "Purchases of property, plant and equipment (PP&E)", "2018", "(1,577)"),
    (M3, 60, "Proceeds from sale of businesses, net of cash sold", "2017", "1,065"),
    (M3, 60, "Net cash provided by (used in) financing activities", "2016", "(4,626)"),
    (M3, 60, "Cash and cash equivalents at end of period", "2018", "$ 2,853"),
    (M3, 73, "Industrial", "Year ended December 31, 2018 United States", "$ 4,538"),
    (M3, 73, "Electronics and Energy", "Year ended December 31, 2018 Asia Pacific", "3,866"),
    (M3, 73, "Corporate and Unallocated", "Year ended December 31, 2018 Europe, Middle East and Africa", "—"),
    (M3, 73, "Elimination of Dual Credit", "Year ended December 31, 2018 Latin America and Canada", "(234)"),
    (M3, 73, "Total Company", "Year ended December 31, 2018 Other Unallocated", "$ (7)"),
    (M3, 73, "Total Company", "Year ended December 31, 2018 Worldwide", "$ 32,765"),
    (AMCOR, 5, "Net sales", f"{THREE}2022", "$ 3,642"),
    (AMCOR, 5, "Cost of sales", f"{SIX}2021", "(5,632)"),
    (AMCOR, 5, "Restructuring and other related activities, net", f"{THREE}2021", "(10)"),
    (AMCOR, 5, "Net income attributable to Amcor plc", f"{SIX}2022", "$ 691"),
    (AMCOR, 5, "Diluted earnings per share:", f"{SIX}2021", "$ 0.279"),
    (AMCOR, 7, "Cash and cash equivalents", "December 31, 2022", "$ 837"),
    (AMCOR, 7, "Assets held for sale, net", "December 31, 2022", "—"),
    (AMCOR, 7, "Trade payables", "June 30, 2022", "3,073"),
    (AMCOR, 7, "Issued (1,486 and 1,489 million shares, respectively)", "December 31, 2022", "$ 15"),
    (AMCOR, 7, "Total liabilities and shareholders' equity", "June 30, 2022", "$ 17,426"),
    (AMCOR, 28, "Rigid Packaging", f"{SIX}2022", "1,763"),
    (AMCOR, 28, "Net sales", f"{THREE}2021", "$ 3,507"),
    (
        AMCOR,
        28,
        "Less: Amortization of acquired intangible assets from business combinations (2)",
        f"{SIX}2021",
        "(82)",
    ),
    (AMCOR, 28, "Add: Russia-Ukraine conflict impacts (7)", f"{THREE}2022", "207"),
    (AMCOR, 28, "Income before income taxes", f"{SIX}2022", "$ 786"),
    (JNJ, 8, "Worldwide", "TWELVE MONTHS 2022", "94,943"),
    (JNJ, 8, "Worldwide", "TWELVE MONTHS Percent Change Operations", "6.1"),
    (JNJ, 8, "Worldwide excluding COVID-19 Vaccine (3)", "TWELVE MONTHS 2021", "91,390"),
    (JNJ, 8, "Worldwide excluding COVID-19 Vaccine (3)", "Percent Change Currency", "(5.3)"),
    (JNJ, 10, "Sales to customers", "FOURTH QUARTER 2022 Amount", "$ 23,706"),
    (JNJ, 10, "Interest (income) expense, net", "FOURTH QUARTER 2022 Percent to Sales", "(0.3)"),
    (JNJ, 10, "Provision for taxes on income", "FOURTH QUARTER Percent Increase (Decrease)", "581.0"),
    (JNJ, 10, "Effective tax rate", "FOURTH QUARTER 2021 Amount", "2.1 %"),
    (JNJ, 12, "Net Earnings, after tax- as reported", "Fourth Quarter 2022", "$3,520"),
    (JNJ, 12, "Acquisition, integration and divestiture related ¹", "Twelve Months Ended 2021", "(478)"),
    (JNJ, 12, "Medical Device Regulation 2", "Fourth Quarter 2021", "73"),
    (JNJ, 12, "Tax legislation and other tax related", "Twelve Months Ended 2022", "40"),
    (JNJ, 12, "Operational adjusted net earnings per share (Diluted)", "Twelve Months Ended 2022", "$10.70"),
]


def cells(content: Content, number: int, label: str) -> list[dict[str, str]]:
    """The cells of each row on a page that a label begins, by what their columns are called."""
    page = content.pages[number - 1]
    found = []
    for table in content.tables:
        if page.start <= table.start < page.end:
            rows = [row.split(" | ") for row in content.text[table.start : table.end].split("\n")]
            found += [dict(zip(table.heads, row, strict=True)) for row in rows if row[0] == label]
    return found


@needs_filings
@pytest.mark.parametrize(("name", "number", "label", "head", "value"), FIGURES)
def test_a_printed_figure_is_found_in_its_row_and_column(name, number, label, head, value):
    assert value in [row.get(head) for row in cells(filing(name), number, label)]


@needs_filings
@pytest.mark.parametrize("name", NAMES)
def test_tables_and_headings_of_filings_stand_in_order_and_do_not_overlap(name):
    content = filing(name)
    assert all(one.end <= other.start for one, other in pairwise(content.tables))
    assert all(one.end <= other.start for one, other in pairwise(content.headings))
