"""HTML: what a page is about without its menus, what it hides, and which heads its tables have."""

import time

import pytest

from index.document import Span
from index.errors import Refused
from index.formats import read
from index.passages import Passage
from rag.cite import cite

PROSE = "The mill by the river burned in the autumn of 1902, as a spark fell into the dry dust of the grain. " * 4
MENU = "".join(f"<li><a href='/{name}'>{name}</a></li>" for name in ("Home", "News", "About us", "Contact"))


def text_of(source: str) -> str:
    return read("docs/a.html", source.encode()).text


@pytest.mark.parametrize(
    "menu",
    [
        f"<header><a href=/>Mill news</a><ul>{MENU}</ul></header>",
        f"<footer><ul>{MENU}</ul>© Mill</footer>",
        f"<aside><h3>More</h3><ul>{MENU}</ul></aside>",
        f"<div role=navigation>{MENU}</div>",
        "<div role=search>Search the site</div>",
        "<div role=contentinfo>Mill Press, all rights reserved</div>",
        f"<ul>{MENU}</ul>",
        f"<div class=menu><ul>{MENU}<li><a>More</a><ul>{MENU}</ul></li></ul></div>",
        "<div class='breadcrumbs'><a>Home</a> › <a>News</a> › Mill</div>",
        "<div id=cookie-banner>We use cookies. <button>Accept</button></div>",
        "<div id=onetrust-consent-sdk>We use cookies, as <a>we say</a>.</div>",
    ],
)
@pytest.mark.parametrize("around", ["{menu}<p>{prose}{menu}", "{menu}<article><p>{prose}</article>{menu}"])
def test_menus_and_banners_are_no_text(menu, around):
    assert text_of(around.format(menu=menu, prose=PROSE)) == PROSE.strip()


@pytest.mark.parametrize(
    "kept",
    [
        f"<footer>{PROSE}</footer>",
        "<aside>A mill grinds grain.</aside>",
        "<header><h1><a href=/>The mill</a></h1></header>",
        f"<h2>See also</h2><ul>{MENU}</ul>",
        f"<p>See also:</p><ul>{MENU}</ul>",
        "<ul>" + "<li><a>Brandt, A.: The mills of the valley, 1903</a></li>" * 5 + "</ul>",
        "<ul><li><a>Mill</a>: grinds</li><li><a>Barn</a>: keeps</li><li><a>Dam</a>: holds</li></ul>",
        f"<article><header><a>By Ann</a></header><ul>{MENU}</ul><aside><a>Note</a></aside></article><p>{PROSE}",
        "<div class=cookie-recipe>Two eggs.</div>",
    ],
)
def test_what_belongs_to_the_text_stays(kept):
    with_it, without = text_of(f"<p>{PROSE}</p>{kept}"), text_of(f"<p>{PROSE}</p>")
    assert len(with_it) > len(without) + 5


@pytest.mark.parametrize(
    "page", ["<ul>{menu}</ul>", "<aside><ul>{menu}</ul></aside>", "<h1>Links</h1><div><ul>{menu}</ul></div>"]
)
def test_a_page_of_links_is_read(page):
    assert "About us" in text_of(page.format(menu=MENU))


@pytest.mark.parametrize("tag", ["main", "div role=main", "article"])
def test_the_main_content_alone_is_read_with_the_title_above_it(tag):
    page = (
        f"<h1>The mill</h1><div>Shares: 12</div><{tag}><h2>Fire</h2><p>{PROSE}</{tag.split()[0]}><p>Next: the barn</p>"
    )
    document = read("docs/a.html", page.encode())
    assert document.text == f"The mill\n\nFire\n\n{PROSE.strip()}"
    assert [document.text[heading.start : heading.end] for heading in document.headings] == ["The mill", "Fire"]


@pytest.mark.parametrize(
    "page",
    [
        f"<main>Loading</main><p>{PROSE}</p>",
        f"<main></main><p>{PROSE}</p>",
        f"<article>Teaser</article><p>{PROSE}</p>",
        f"<article>{PROSE}</article><article>{PROSE}</article>",
    ],
)
def test_what_is_marked_as_main_and_is_not_leaves_the_rest(page):
    assert PROSE.strip() in text_of(page)


@pytest.mark.parametrize(
    "style",
    [
        "visibility:hidden",
        "color:red; visibility : hidden",
        "font-size:0",
        "font-size: 0px",
        "FONT-SIZE:0.0em",
        "display :none",
    ],
)
def test_what_a_style_hides_is_no_text(style):
    assert text_of(f"<p>seen<span style='{style}'>secret<b style='{style}'>secret</b></span></p>") == "seen"


@pytest.mark.parametrize(
    "style", ["font-size:0.9em", "font-size:0.05rem", "font-size:10px", "x-display:none-such", "margin:0"]
)
def test_what_a_style_shows_is_text(style):
    assert text_of(f"<p style='{style}'>seen</p>") == "seen"


def test_a_closed_dialog_is_no_text_and_an_open_one_is():
    assert text_of("<p>seen</p><dialog>secret</dialog><dialog open>too</dialog>") == "seen\n\ntoo"


# --- tables ---


def tables_of(source: str, name: str = "a.html") -> list[tuple[tuple[str, ...], str]]:
    document = read(f"docs/{name}", source.encode())
    return [(table.heads, document.text[table.start : table.end]) for table in document.tables]


@pytest.mark.parametrize(
    ("source", "tables"),
    [
        ("<table><tr><th>Year<th> the  Loss<tr><td>1902<td>all<tr><td>1903<td>none</table>", "1902 | all\n1903 | none"),
        ("<table><thead><tr><td>Year<td>the Loss</thead><tr><th>1902<td>all</table>", "1902 | all"),
        ("<table><thead><tr><th>x<tr><th>Year<th>the <b>Loss</b></thead><tr><td>1<td>2</table>after", "1 | 2"),
    ],
)
def test_the_rows_under_the_heads_of_a_table_are_told(source, tables):
    assert tables_of(f"<p>before</p>{source}<p>after</p>") == [(("Year", "the Loss"), tables)]


@pytest.mark.parametrize(
    "source",
    [
        "<table><tr><td>Year<td>Loss<tr><td>1902<td>all</table>",
        "<table><tr><th>Year<td>1902<tr><th>Loss<td>all</table>",
        "<table><tr><th colspan=2>Mill<tr><td>1902<td>all</table>",
        "<table><tr><th>Year<th>Loss</table>",
        "<table><tr><th>a<th>b<tr><td><table><tr><td>in</table><td>x<tr><td>1<td>2</table>",
    ],
)
def test_a_table_without_heads_tells_none(source):
    assert tables_of(source) == []


PRICES = "<table><tr><th>Product</th><th>Price 2023</th><th>Price 2024</th></tr>{}</table>"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("<tr><td>Ladder<td><td>70", ["Ladder |  | 70"]),
        ("<tr><td>Ladder<td>60<td>", ["Ladder | 60"]),
        ("<tr><td>Rope | thin<td>a<br>b<td>3", ["Rope|thin | a b | 3"]),
        (
            "<tr><td rowspan=2>Ladder<td>60<td>70<tr><td>61<td>71<tr><td>Rope<td>1<td>2",
            ["Ladder | 60 | 70", "Rope | 1 | 2"],
        ),
        ("<tr><td>Rope<td>1<td>2<tr><td colspan=3>since May<tr><td>Saw<td>3<td>4", ["Rope | 1 | 2", "Saw | 3 | 4"]),
        ("<tr><td>Rope<td colspan=2>1<td>2", []),
        ("<tr><td>Rope<td>1<td>2<tr><td><td><td><tr><td>Saw<td>3<td>4", ["Rope | 1 | 2", "Saw | 3 | 4"]),
        ("<tr><td>Rope<td>1<td>2<tr><td>a<td><h5>b</h5><td>3", ["Rope | 1 | 2"]),
    ],
    ids=["blank", "blank at the end", "border in a cell", "rows", "columns", "as many cells", "blank row", "heading"],
)
def test_a_row_keeps_its_blank_cells_and_has_no_heads_where_they_do_not_fit(rows, told):
    heads = ("Product", "Price 2023", "Price 2024")
    assert tables_of(PRICES.format(rows)) == [(heads, each) for each in told]


def test_a_row_with_a_blank_cell_is_cited_under_its_own_heads():
    document = read("docs/a.html", PRICES.format("<tr><td>Ladder<td><td>70").encode())
    start = document.text.index("Ladder")
    span = Span(start, len(document.text))
    passage = Passage("p", "docs/a.html", document.text[start:], span.start, span.end, None, "", (span,))
    cited = cite(1, passage, span, document)
    assert cited.named == "Product: Ladder | Price 2024: 70"


def test_a_border_in_a_cell_of_markdown_is_none():
    assert tables_of("|A|B|\n|-|-|\n|x \\| y|2|\n||3|", "a.md") == [(("A", "B"), "x|y | 2\n | 3")]


def test_two_tables_and_those_of_markdown_are_told_apart():
    markdown = "| Year | Loss |\n|---|---|\n| 1902 | all |\n\ntext\n\n| A | B |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    assert tables_of(markdown, "a.md") == [(("Year", "Loss"), "1902 | all"), (("A", "B"), "1 | 2\n3 | 4")]


# --- hostile pages ---


@pytest.mark.parametrize(
    "source",
    [
        "<header>" * 20_000 + "deep",
        "<div class=breadcrumb>" * 20_000 + "deep",
        "<p><li><td>x" * 30_000,
        "<article><main>" * 10_000 + "deep",
        "<nav>x" * 20_000 + "</nav>" * 20_000 + "text",
        "<p style='" + "font-size:0" * 100_000 + "9'>x</p>text",
        "<table><tr><th>x" + "<tr><td>y" * 30_000,
        "<b>x</b>" * 50_000,
    ],
)
def test_a_hostile_page_is_read_in_seconds(source):
    began = time.process_time()
    assert text_of(source)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "source", ["<div>" * 1_000_000, "<ul><li><a>x" * 20_000, "<b><p>x" * 100_000, "<p><x-y>" * 30_000]
)
def test_a_page_that_the_parser_would_not_end_is_refused_in_seconds(source):
    began = time.process_time()
    with pytest.raises(Refused, match="nested so deep"):
        text_of(source)
    assert time.process_time() - began < 5
