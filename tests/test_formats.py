"""Formats: bytes -> canonical text with exact offsets, or a refusal that says why."""

import codecs
import time
from hashlib import sha256
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.document import MAX_HEADING, SOURCE_CODE, Document, canonical
from index.errors import Refused
from index.formats import FORMATS, SUFFIXES, detect, read
from index.formats.content import TextBuilder
from tests.test_pdf import pdf

FRENCH = "L'été où l'élève mangea des pâtes à la crème brûlée, Noël était déjà passé. Où étaient les garçons ? À côté."


# A paragraph each, of about as many letters as tell a language.
JAPANESE = (
    "水車小屋は1902年の秋に焼け落ちた。原因は乾いた穀物の粉塵に火花が移ったことだと、当時の新聞は伝えている。翌年"
    "、村人たちは煉瓦で小屋を建て直し、古い水車の歯車をそのまま使った。再建の費用は三千二百円で、その半分は隣の町の商"
    "人が寄付した。今日では小さな博物館になっており、四月から十月まで毎週日曜日に公開されている。入場料は大人五百円、"
    "子供は無料である。見学者は実際に粉を挽くところを見ることができ、挽きたての蕎麦粉を買うこともできる。"
)
CHINESE = (
    "磨坊于1902年秋天被烧毁。据当时的报纸报道，起因是干燥的谷物粉尘被火花点燃。第二年，村民们用砖重建了磨坊，并保"
    "留了旧水车的齿轮。重建费用为三千二百元，其中一半由邻镇的商人捐助。如今它是一座小型博物馆，四月至十月每个星期日开"
    "放。成人票价五元，儿童免费。参观者可以看到磨面的过程，也可以购买新磨的面粉。附近还有一条沿河的小路，适合散步。"
)
RUSSIAN = (
    "Мельница сгорела осенью 1902 года. Газеты того времени писали, что сухую мучную пыль подожгла искра. Через год "
    "жители деревни построили её заново из кирпича и сохранили шестерни старого колеса. Строительство обошлось в три "
    "тысячи двести рублей, половину суммы пожертвовал купец из соседнего города. Сегодня здесь небольшой музей, "
    "открытый по воскресеньям с апреля по октябрь."
)
POLISH = (
    "Młyn spłonął jesienią 1902 roku. Ówczesne gazety pisały, że suchy pył zbożowy zapalił się od iskry. Rok później "
    "mieszkańcy wsi odbudowali go z cegły i zachowali koła zębate starego koła wodnego. Odbudowa kosztowała trzy "
    "tysiące dwieście złotych, a połowę tej sumy podarował kupiec z sąsiedniego miasta. Dziś mieści się tu małe "
    "muzeum, otwarte w niedziele od kwietnia do października."
)
CZECH = (
    "Mlýn vyhořel na podzim roku 1902. Tehdejší noviny psaly, že suchý obilný prach zapálila jiskra. O rok později "
    "jej vesničané znovu postavili z cihel a zachovali ozubená kola starého vodního kola. Stavba stála tři tisíce dvě"
    " stě korun a polovinu částky věnoval obchodník ze sousedního města. Dnes je zde malé muzeum, otevřené každou "
    "neděli od dubna do října."
)
HUNGARIAN = (
    "A malom 1902 őszén leégett. A korabeli újságok szerint a száraz gabonapor egy szikrától gyulladt meg. Egy évvel "
    "később a falusiak téglából újjáépítették, és megőrizték a régi vízikerék fogaskerekeit. Az építkezés háromezer-"
    "kétszáz koronába került, ennek felét egy szomszéd városi kereskedő adományozta. Ma kis múzeum működik benne, "
    "amely áprilistól októberig vasárnaponként tart nyitva."
)
ENGLISH = (
    "The mill burned in the autumn of 1902. “The dust caught fire,” wrote the Mercury, “from a spark – nothing more.”"
    " It wasn’t rebuilt until the next year; the villagers’ savings paid for it… The cost was £3,200, half of it "
    "given by a merchant of the next town. Today it’s a small museum — open on Sundays from April to October, and "
    "entry is €5 for adults."
)
KOREAN = (
    "방앗간은 1902년 가을에 불탔다. 당시 신문은 마른 곡물 가루에 불꽃이 옮겨 붙었다고 전했다. 이듬"
    "해 마을 사람들은 벽돌로 다시 지었고 옛 물레방아의 톱니바퀴를 그대로 썼다. 공사비는 삼천이백 원이었"
    "으며 그 절반은 이웃 마을의 상인이 기부했다. 오늘날에는 작은 박물관으로 사월부터 시월까지 일요일마다"
    " 문을 연다."
)


def text_of(name: str, source: str | bytes) -> str:
    return read(f"docs/{name}", source.encode() if isinstance(source, str) else source).text


def headings_of(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings]


# --- any file ---


def test_a_document_carries_its_id_digest_type_and_its_name_as_title():
    document = read("docs/sub/Mill report.txt", b"The mill burned.")
    assert document.id == "docs/sub/Mill report.txt"
    assert document.sha256 == sha256(b"The mill burned.").hexdigest()
    assert (document.title, document.media_type, document.dropped) == ("Mill report", "text/plain", 0)


@pytest.mark.parametrize("name", ["report.xyz", "notes.txt~", "mill.xyz.unknown"])
def test_an_unknown_suffix_is_refused_and_the_formats_are_named(name):
    with pytest.raises(Refused) as refusal:
        read(f"docs/{name}", b"text")
    assert all(format.name in str(refusal.value) for format in FORMATS)


@pytest.mark.parametrize("name", ["LICENSE", ".gitignore", "sub.d/report"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_without_a_suffix_is_read_as_plain_text(name, encoding):
    document = read(f"docs/{name}", FRENCH.encode(encoding))
    assert (document.text, document.media_type) == (FRENCH, "text/plain")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mill.PNG", "it is a picture"),
        ("mill.jpeg", "it is a picture"),
        ("talk.mp3", "its subtitles"),
        ("archive.tar.gz", "it is an archive; unpack it"),
        ("report.doc", "save it as .docx or .pdf"),
        ("report.odt", "save it as .docx or .pdf"),
        ("sheet.xlsb", "save it as .xlsx or .csv"),
        ("mail.msg", "save its mails as .eml"),
    ],
)
def test_a_file_that_another_can_stand_for_is_refused_with_which(name, reason):
    for head in (b"text", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", zipped("content.xml", "x" * 9)):
        with pytest.raises(Refused, match=reason):
            read(f"docs/{name}", head)


def zipped(name: str, text: str) -> bytes:
    target = BytesIO()
    with ZipFile(target, "w") as archive:
        archive.writestr(name, text)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office format, or locked"),
        ("a.txt", b"{\\rtf1 text}", "save it as .docx"),
        ("a.txt", zipped("a.txt", "text"), "it is an archive; unpack it"),
        ("a", zipped("a.txt", "text"), "it is an archive; unpack it"),
        ("a", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "binary"),
    ],
)
def test_what_a_file_holds_is_believed_before_its_name(name, data, reason):
    with pytest.raises(Refused, match=reason):
        read(f"docs/{name}", data)


@pytest.mark.parametrize("name", ["a.txt", "a", "a.unknown", "a.html"])
def test_a_pdf_under_another_name_is_read_as_a_pdf(name):
    assert read(f"docs/{name}", pdf("The mill burned.")).media_type == "application/pdf"


@pytest.mark.parametrize("name", ["a.txt", "a", "a.doc", "a.pdf"])
def test_a_page_under_another_name_is_read_as_html(name):
    document = read(f"docs/{name}", codecs.BOM_UTF8 + b"\n<!DOCTYPE html><p>The mill burned.")
    assert (document.text, document.media_type) == ("The mill burned.", "text/html")


LETTER = b"Received: from a\n by b\nFrom: Ada <ada@x.org>\nTo: Bob\nSubject: Mill\n\nIt burned.\n"


@pytest.mark.parametrize("name", ["a.txt", "a"])
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (LETTER, "message/rfc822"),
        (LETTER.replace(b"\n", b"\r\n"), "message/rfc822"),
        (b"From ada@x.org Mon Jan  6 10:00:01 2025\n" + LETTER, "application/mbox"),
        (b'{"mill": "It burned."}', "application/json"),
        (b'\n[{"mill": "It burned."}]\n', "application/json"),
        (b"From: a\n\nhe wrote this.", "text/plain"),
        (b"He wrote:\n" + LETTER, "text/plain"),
        (b"From: a\nTo: b\nThe mill burned.\nSubject: c\n\nIt burned.", "text/plain"),
        (b"From Monday on it burned.\nFrom: a\n", "text/plain"),
        (b"From ada@x.org Mon Jan  6 10:00:01 2025\nit burned.", "text/plain"),
        (b"[1] It burned.", "text/plain"),
        (b"[1]", "text/plain"),
        (b"{mill}", "text/plain"),
        (b"[" * 100_000, "text/plain"),
    ],
)
def test_mails_and_json_under_a_name_that_tells_nothing_are_told_by_what_they_hold(name, data, kind):
    assert detect(f"docs/{name}", data).media_type == kind
    assert detect("docs/a.log", data).media_type == "text/plain"


def test_a_text_like_the_head_of_a_mail_without_end_is_told_in_seconds():
    for data in (b"From: a\n" * 100_000, b"a:\n \n" * 100_000, b"a: b\n x" * 100_000, b"From " + b"x" * 1_000_000):
        assert detect("docs/a", data).media_type == "text/plain"


def test_text_that_speaks_of_another_format_is_text():
    source = "if head.startswith('%PDF-') or b'<html' in head or '{\\\\rtf' in head:\n    pass"
    document = read("docs/a.py", source.encode())
    assert (document.text, document.media_type) == (source, SOURCE_CODE)


@pytest.mark.parametrize("suffix", [".xml", ".svg", ".yaml", ".py"])
def test_source_code_is_read_as_it_stands(suffix):
    source = "<a>\n  <b>mill</b>\n</a>"
    document = read(f"docs/a{suffix}", source.encode())
    assert (document.text, document.media_type) == (source, SOURCE_CODE)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_refused(suffix):
    with pytest.raises(Refused, match="empty"):
        read(f"docs/a{suffix}", b"")


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html"])
@pytest.mark.parametrize("blank", [b" \n\t\n", "\u200b\u202e".encode(), b"\xef\xbb\xbf"])
def test_a_file_without_a_visible_character_is_refused(suffix, blank):
    with pytest.raises(Refused, match="no text"):
        read(f"docs/a{suffix}", blank)


def test_the_suffix_may_be_in_capitals():
    assert read("docs/A.TXT", b"text").media_type == "text/plain"


@given(st.sampled_from(SUFFIXES), st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_any_bytes_become_a_canonical_document_or_a_refusal(suffix, data):
    try:
        document = read(f"docs/a{suffix}", data)
    except Refused:
        return
    assert canonical(document.text) == (document.text, 0)
    for heading in document.headings:
        assert document.text[heading.start : heading.end].strip()


def test_a_text_far_longer_than_its_file_is_refused(monkeypatch):
    monkeypatch.setattr("index.formats._SMALL", 1_000)
    heads = ",".join(f"{'head' * 9}{number}" for number in range(40))
    rows = "\n".join(",".join("1" * 40) for _ in range(100))
    assert len(read("docs/a.csv", f"{heads}\n{rows}".encode()).text) > 100_000
    monkeypatch.setattr("index.formats._MAX_GROWTH", 1)
    with pytest.raises(Refused, match="more than 1 times as long as the file"):
        read("docs/a.csv", f"{heads}\n{rows}".encode())


# --- plain text ---


@pytest.mark.parametrize(
    "data",
    [
        FRENCH.encode(),
        codecs.BOM_UTF8 + FRENCH.encode(),
        FRENCH.encode("utf-16"),
        codecs.BOM_UTF16_BE + FRENCH.encode("utf-16-be"),
        FRENCH.encode("utf-32"),
        FRENCH.encode("latin-1"),
    ],
    ids=["utf-8", "utf-8 marked", "utf-16", "utf-16 big-endian", "utf-32", "latin-1"],
)
def test_text_in_any_usual_encoding_reads_the_same(data):
    assert text_of("a.txt", data) == FRENCH


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("It’s a “quoted” text – with dashes — and nothing else in it.", "cp1252"),
        ("Die Größe der Häuser überrascht, schöne Grüße aus München. Straße und Fuß sind für alle da.", "cp1252"),
        ("Değirmen yandı. İstanbul şehrinde güneş ışığı vardı, çünkü yağmur yağmıştı.", "cp1254"),
        ("Мельница сгорела в 1902 году. Её построили заново из кирпича через год.", "cp1251"),
        ("水車小屋は1902年に焼けた。翌年、煉瓦で再建された。", "shift_jis"),
    ],
)
def test_an_older_encoding_is_told_from_the_text(text, encoding):
    assert text_of("a.txt", text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (JAPANESE, ("shift_jis", "euc_jp", "iso2022_jp")),
        (CHINESE, ("gb18030",)),
        (KOREAN, ("euc_kr",)),
        (RUSSIAN, ("koi8_r", "cp1251", "iso8859_5", "cp866")),
        (POLISH, ("iso8859_2", "cp1250")),
        (CZECH, ("iso8859_2", "cp1250")),
        (HUNGARIAN, ("iso8859_2", "cp1250")),
        (ENGLISH, ("cp1252", "utf-16-le", "utf-16-be")),
    ],
    ids=["Japanese", "Chinese", "Korean", "Russian", "Polish", "Czech", "Hungarian", "English"],
)
def test_a_paragraph_in_an_older_encoding_reads_the_same(text, encodings):
    for encoding in encodings:
        assert text_of("a.txt", text.encode(encoding)) == text, encoding


def test_plain_text_is_canonical_and_tells_what_was_dropped():
    document = read("docs/a.txt", "one\r\ntwo\u200b\u202e\fthree".encode())
    assert (document.text, document.dropped) == ("one\ntwo\nthree", 2)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"a\x00b", b"\x7fELF\x02\x01\x01\x00"])
def test_a_binary_file_is_refused(data):
    with pytest.raises(Refused, match="binary"):
        text_of("a.txt", data)


# --- Markdown ---

MARKDOWN = """---
title: "The mill"
author: Ada Brandt
date: 2026-01-02
url: https://example.org/mill
---
# History

It **burned** in [1902](https://example.org).

## Causes & effects

- dry `grain`
- no ~~water~~

3. third
4. fourth

| Year | Loss |
|------|------|
| 1902 | all |

```python
if fire:
    run()
```

<script>alert(1)</script><b>Bold</b> <!-- hidden -->
"""


def test_markdown_reads_as_rendered():
    document = read("docs/mill.md", MARKDOWN.encode())
    assert document.text == (
        "History\n\nIt burned in 1902.\n\nCauses & effects\n• dry grain\n• no water\n3. third\n4. fourth\n"
        "Year | Loss\n1902 | all\n\nif fire:\n    run()\n\nBold"
    )


def test_markdown_headings_stand_where_they_say():
    document = read("docs/mill.md", MARKDOWN.encode())
    assert headings_of(document) == [(1, "History"), (2, "Causes & effects")]


def test_front_matter_tells_title_author_date_and_address_and_is_no_text():
    document = read("docs/mill.md", MARKDOWN.replace("\n", "\r\n").encode())
    assert (document.title, document.author) == ("The mill", "Ada Brandt")
    assert (document.date, document.url) == ("2026-01-02", "https://example.org/mill")
    assert "Ada" not in document.text


def test_without_front_matter_the_first_heading_is_the_title():
    assert read("docs/a.md", b"text\n\n# The mill\n\nmore").title == "The mill"
    assert read("docs/a.md", b"just text").title == "a"


# --- HTML ---


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>secret()</script>",
        "<style>.secret{}</style>",
        "<nav>secret</nav>",
        "<template>secret</template>",
        "<noscript>secret</noscript>",
        "<p hidden>secret</p>",
        "<p aria-hidden=true>secret</p>",
        "<p style='color:red;display: none'>secret</p>",
        "<svg><text>secret</text></svg>",
        "<!-- secret -->",
        "<nav>secret<nav hidden>secret<script>secret</script></nav></nav>",
        "<button>secret</button>",
    ],
)
def test_html_that_is_not_shown_is_no_text(hidden):
    assert text_of("a.html", f"<p>Seen{hidden}</p>{hidden}<p>too</p>") == "Seen\n\ntoo"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one<br>two <br/> three", "one\ntwo\nthree"),
        ("<p> folded \n\t blanks </p>", "folded blanks"),
        ("<pre>  kept\n    blanks</pre>", "  kept\n    blanks"),
        ("<div>one<div>two</div>three</div>", "one\n\ntwo\n\nthree"),
        ("<p>a<b>b</b><i>c</i></p>", "abc"),
        ("Fish &amp; chips &lt;b&gt; &eacute;", "Fish & chips <b> é"),
        ("<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul>", "• one\n• inner\n• two"),
        ("<ol><li>a<ol><li>b</li></ol></li><li>c</li></ol>", "1. a\n1. b\n2. c"),
        ("<ol start=7><li>a</li><li>b</li></ol>", "7. a\n8. b"),
        ("<ol start=x><li>a</li></ol>", "1. a"),
        ("<ul><li><p>one</p></li></ul>", "• one"),
        ("<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a | b\n1 | 2"),
        ("<table><tr><td>out<table><tr><td>in</table></table>", "out\nin"),
        ("<table><tr><td><p>one</p><td><div>two</div></table>", "one | two"),
    ],
)
def test_html_reads_as_a_browser_shows_it(source, text):
    assert text_of("a.html", source) == text


def test_html_headings_stand_where_they_say():
    document = read("docs/a.html", "<h1>One</h1>text<h3>a <i>b</i>\u200b &amp; c</h3><p>more<h2> </h2>".encode())
    assert headings_of(document) == [(1, "One"), (3, "a b & c")]
    assert document.dropped == 1


HEAD = """<head><title> The
mill </title><meta name=author content="Ada Brandt"><meta property="article:published_time" content="2026-01-02">
<link rel=canonical href="https://example.org/mill"><meta property="og:url" content="https://example.org/other"></head>
"""


def test_the_head_of_a_page_tells_title_author_date_and_address():
    document = read("docs/a.html", (HEAD + "<h1>Other</h1><p>text").encode())
    assert (document.title, document.author) == ("The mill", "Ada Brandt")
    assert (document.date, document.url) == ("2026-01-02", "https://example.org/mill")
    assert document.text == "Other\n\ntext"


def test_what_a_file_says_of_itself_hides_and_reorders_nothing():
    document = read(
        "docs/a.html", "<title>gpj.\u202efdp\u200b</title><meta name=author content='A\u2066B'>text".encode()
    )
    assert (document.title, document.author) == ("gpj.fdp", "AB")


@pytest.mark.parametrize("charset", ["windows-1252", "utf-8", "no-such", "undefined", "idna", "unicode_escape", "hex"])
def test_a_page_in_a_declared_encoding_is_read_in_it_and_a_bad_one_harms_nobody(charset):
    encoding = "cp1252" if charset == "windows-1252" else "utf-8"
    page = f"<meta charset={charset}><title>\\ud800</title><p>{FRENCH}".encode(encoding)
    text = text_of("a.html", page)
    assert text == FRENCH or charset == "unicode_escape"


def test_a_byte_order_mark_is_believed_before_the_declaration():
    assert text_of("a.html", codecs.BOM_UTF8 + b"<meta charset=iso-8859-1><p>caf\xc3\xa9") == "café"


def test_a_page_nested_twenty_thousand_deep_is_read():
    assert text_of("a.html", "<div>" * 20_000 + "deep") == "deep"


def test_a_list_of_thirty_thousand_is_read_in_seconds():
    began = time.process_time()
    assert text_of("a.html", "<ol>" + "<li>a" * 30_000).endswith("\n30000. a")
    assert time.process_time() - began < 10  # it was 40 when each item counted those before it


def test_html_without_end_is_refused():
    with pytest.raises(Refused, match="20,000,001 characters"):
        text_of("a.html", "a" * 20_000_001)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.md", "# ", "\n\nThe dam is high."),
        ("a.html", "<html><body><h1>", "</h1><p>The dam is high."),
        ("a.rst", "", "\n{line}\n\nThe dam is high."),
    ],
)
def test_a_heading_that_is_longer_than_any_is_a_paragraph(name: str, before: str, after: str) -> None:
    def headed(words: str) -> Document:
        return read(f"docs/{name}", f"{before}{words}{after.format(line='=' * len(words))}".encode())

    at_most, longer = ("mill " * 60).strip()[:MAX_HEADING], ("mill " * 80).strip()
    assert len(headed(at_most).headings) == 1
    assert (headed(longer).headings, headed(longer).text) == ((), f"{longer}\n\nThe dam is high.")


def test_what_a_file_says_of_itself_is_not_endless() -> None:
    names = "".join(f"<meta name={name} content='{'mill ' * 1_000}'>" for name in ("author", "date"))
    document = read("docs/a.html", f"<title>{'mill ' * 1_000}</title>{names}<p>text".encode())
    assert {len(each) <= MAX_HEADING for each in (document.title, document.author, document.date)} == {True}
    assert document.title.startswith("mill mill")


def test_what_a_page_is_called_is_not_endless() -> None:
    builder = TextBuilder()
    builder.begin_page("sheet " + "mill " * 1_000)
    builder.add_block("text")
    (page,) = builder.content().pages
    assert page.name.startswith("sheet mill mill")
    assert len(page.name) <= MAX_HEADING
