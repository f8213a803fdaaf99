"""The page's speed as its reader feels it: its first paint, a click on a footnote, a letter while a file is read."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from textwrap import wrap
from typing import TYPE_CHECKING

import rag
from eval.bench.corpus import copied_seeds, questions
from eval.bench.figure import Figure
from eval.bench.memory import resident_megabytes
from eval.library import SEEDS
from eval.served import chromium_path, served
from index.errors import FootnoteError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_ASKED = 10  # questions, before memory is looked at
_TIMES = 5  # loads of the page, and clicks on each footnote
_TYPED = 40  # letters
_TEXT_CHARACTERS, _PAGES, _LINES, _LINE = 2_000_000, 300, 45, 90  # of the PDF: pages, lines a page, characters a line
_SEED = 7
_FACTS = {
    "When was the lighthouse of Velton lit for the first time?": "The lighthouse of Velton was first lit in 1884.",
    "Who opened the observatory of Renlo?": "The observatory of Renlo was opened by Ada Lovell.",
}

# Milliseconds from a click on a footnote to the frame after the one that shows its quote, marked and in view.
_CLICK = """(mark, quote) => new Promise((done, fail) => {
    const begun = performance.now();
    const look = () => {
        const shown = document.getElementById("shown"), column = document.getElementById("source-column");
        const place = shown?.textContent === quote && shown.getBoundingClientRect();
        if (!place || place.bottom < 0 || place.top > innerHeight) requestAnimationFrame(look);
        else requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
    };
    setTimeout(() => fail(new Error(`the source never shows: ${quote}`)), 10_000);
    mark.click();
    look();
})"""

# Milliseconds from a letter to the frame after the one that shows it, of each.
_TYPE = """async (box, count) => {
    const times = [];
    for (let typed = 0; typed < count; typed++) {
        const begun = performance.now();
        box.focus();
        document.execCommand("insertText", false, "a");
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        times.push(performance.now() - begun);
        await new Promise((done) => setTimeout(done, 50));
    }
    return times;
}"""


@dataclass(frozen=True, slots=True)
class Started:
    """A chat that was started.

    Attributes:
        served: Seconds from `serve` to a page that is served.
        usable: And to one in a browser that can be typed into.
        megabytes: Memory of its process after `_ASKED` questions.
    """

    served: float
    usable: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Felt:
    """What a reader waits for; milliseconds where not said otherwise.

    Attributes:
        paint: From the address to the first thing seen, median, the page being served already.
        text: From a click on a footnote to the marked words, median, in a text of two megabytes.
        pdf: The same in a PDF of three hundred pages.
        typing: From a letter to the box showing it, 95th percentile, while an added document is read.
    """

    paint: float
    text: float
    pdf: float
    typing: float


def figures() -> Iterator[Figure]:
    """The figures of the page: over the seeds, and over documents so long that a careless page would wait for them."""
    if find_spec("playwright") is None:
        raise FootnoteError("Measuring the page needs what `make test` installs, and a Chromium; run that first.")
    with copied_seeds() as seeds:
        rag.open(seeds, llm="").close()
        begun = started(seeds, questions()[:_ASKED])
    yield Figure("page answering after serve", begun.served, "s", 6, 3)
    yield Figure("page usable in a browser after serve", begun.usable, "s", 8)
    yield Figure(f"memory of its process after {_ASKED} questions", begun.megabytes, "MB", 700)
    with TemporaryDirectory() as folder:
        reader = felt(Path(folder) / "long")
    yield Figure("first paint of a page that is served", reader.paint, "ms", 1_500)
    yield Figure("click to marked words in 2 MB of text", reader.text, "ms", 150)
    yield Figure("click to marked words on 300 pages", reader.pdf, "ms", 150)
    yield Figure("a letter typed while a document is read, p95", reader.typing, "ms", 100)


def started(folder: Path, asked: Sequence[str]) -> Started:
    """Start a chat of this folder and ask it some questions."""
    begun = time.perf_counter()
    with served(folder) as (process, address), browser() as chromium:
        up = time.perf_counter() - begun
        page = chromium.new_page()
        page.goto(address)
        page.get_by_role("textbox", name="Question").wait_for()
        usable = time.perf_counter() - begun
        for question in asked:
            ask(page, question)
        return Started(up, usable, resident_megabytes(process.pid))


def felt(folder: Path) -> Felt:
    """Measure it over a folder made for it, with a long text and a long PDF in it."""
    folder.mkdir()
    _write_long(folder)
    with served(folder) as (_, address), browser() as chromium:
        paint = median(_first_paint(chromium, address) for _ in range(_TIMES))
        page = chromium.new_page()
        page.goto(address)
        for question in _FACTS:
            ask(page, question)
        marks = [page.locator("section").nth(place).locator("button.mark").first for place in range(len(_FACTS))]
        for mark, fact in zip(marks, _FACTS.values(), strict=True):
            mark.evaluate(_CLICK, fact)  # the first one is not measured
        clicks = [
            [float(mark.evaluate(_CLICK, fact)) for mark, fact in zip(marks, _FACTS.values(), strict=True)]
            for _ in range(_TIMES)
        ]
        text, pdf = (median(each) for each in zip(*clicks, strict=True))
        return Felt(paint, text, pdf, _typing(page))


def ask(page: "Page", question: str) -> None:
    """Type a question into the page and wait for its answer."""
    answers = page.locator("#conversation .answer")
    before = answers.count()
    box = page.get_by_role("textbox", name="Question")
    box.fill(question)
    box.press("Enter")
    answers.nth(before).wait_for()


@contextmanager
def browser() -> "Iterator[Browser]":
    """The system's Chromium, for as long as the block runs."""
    from playwright.sync_api import sync_playwright  # of the dev extra

    with sync_playwright() as playwright:
        begun = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        try:
            yield begun
        finally:
            begun.close()


def _first_paint(chromium: "Browser", address: str) -> float:
    page = chromium.new_page()
    page.goto(address)
    page.get_by_role("textbox", name="Question").wait_for()
    painted = float(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    page.close()
    return painted


def _typing(page: "Page") -> float:
    """Type while a document of two hundred kilobytes is read."""
    chance = random.Random(_SEED)
    words = " ".join("".join(chance.choices("aeioulmnrst", k=6)) for _ in range(30_000))
    page.locator("input[type=file]").set_input_files(
        {"name": "added.txt", "mimeType": "text/plain", "buffer": words.encode()}
    )
    page.get_by_text("Reading added.txt").wait_for()
    times: list[float] = page.get_by_role("textbox", name="Question").evaluate(_TYPE, _TYPED)
    if not page.get_by_text("Reading added.txt").is_visible():
        raise FootnoteError("The document was read before the typing ended; let page.py add a longer one.")
    return quantiles(times, n=20)[-1]


def _write_long(folder: Path) -> None:
    """Two long documents, a fact in the middle of each; they repeat themselves, so that little is embedded."""
    filler = (SEEDS / "news" / "ceasefire-proposal.txt").read_text(encoding="utf-8")
    in_text, in_pdf = _FACTS.values()
    half = [filler] * (_TEXT_CHARACTERS // len(filler) // 2)
    (folder / "long.txt").write_text("\n\n".join([*half, in_text, *half]), encoding="utf-8")
    from reportlab.pdfgen.canvas import Canvas  # likewise

    lines = wrap(filler, _LINE)
    canvas = Canvas(str(folder / "long.pdf"))
    for number in range(_PAGES):
        for place, line in enumerate([in_pdf] if number == _PAGES // 2 else lines[:_LINES]):
            canvas.drawString(50, 780 - 15 * place, line)
        canvas.showPage()
    canvas.save()
