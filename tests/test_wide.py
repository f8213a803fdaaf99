"""Tables of thousands of columns are worked over in time linear in their cells, and that can be stopped."""

from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from time import thread_time
from typing import cast

import pytest

from index import formats, tables
from index.catalog import Tabled
from index.document import Document
from index.errors import Dropped
from index.library import Library
from index.passages import Passage
from index.workers import WANTED
from rag import sheet
from rag.answer import Answer
from rag.cells import Cells
from rag.kept import Kept, see_wanted
from rag.sheet import are_too_large, sheets
from rag.spreadsheets import Spreadsheets
from rag.wish import Asked, NotAsked, listed
from tests.fakes import hit_of

COLUMNS = 8_000
SECONDS = 5.0  # of the processor: ten times what it takes, a tenth of what it took when it was quadratic


class Shelf:
    """A library of one document, each row of which is a passage."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.tables = (Tabled(document.id, document.title, document.sha256, tuple(("", t) for t in document.tables)),)

    def document(self, _: str) -> Document:
        return self._document

    def tabled(self) -> tuple[Tabled, ...]:
        return self.tables

    def passages_at(self, _: str, start: int, end: int) -> tuple[Passage, ...]:
        return (hit_of(self._document, 1, start, end).passage,)


def wide(columns: int = COLUMNS, rows: int = 6) -> Document:
    heads = ",".join(f"head{number}" for number in range(columns))
    lines = [
        ",".join([("Ada", "Ben", "Cara", "Dan", "Eva", "Finn")[row], *(str(each + row) for each in range(1, columns))])
        for row in range(rows)
    ]
    return formats.read("docs/wide.csv", "\n".join([heads, *lines]).encode())


@pytest.fixture(scope="module")
def document() -> Document:
    return wide()


def within(work: Callable[[], object]) -> None:
    began = thread_time()
    work()
    assert thread_time() - began < SECONDS


def test_the_cells_of_a_wide_row_are_placed_at_once() -> None:
    heads = [f"head{number}" for number in range(30_000)]
    row = tables.line(heads, list(map(str, range(30_000))))
    told = list[str]()
    within(lambda: told.extend(row[span.start : span.end] for _, span in tables.Heads(heads).places(row)))
    assert told == list(map(str, range(30_000)))


def test_a_figure_over_a_wide_table_is_worked_out_at_once(document: Document) -> None:
    docs = Spreadsheets(cast(Library, Shelf(document)))
    for question in ("What is the sum of head17?", "How many rows are there?", f"{'head1 of ' * 45}head2?"):
        within(partial(docs.answer, Answer(question, question, "abstained")))
    question = "What is the sum of head17?"
    answer = docs.answer(Answer(question, question, "abstained"))
    assert answer is not None
    assert answer.short is not None
    assert answer.text[answer.short.start : answer.short.end] == str(sum(17 + row for row in range(6)))


def test_a_row_of_a_wide_table_is_denied_at_once(document: Document) -> None:
    (read,) = sheets(document)
    within(lambda: [read.denies(row, "Which is the head3 of Ada and of Ben?") for row in range(6)])


def test_a_cell_of_a_wide_table_is_found_at_once() -> None:
    document = wide(4_000)  # of more text than that it is a spreadsheet
    question, cells = "What is the head17 of Dan?", Cells(cast(Library, Shelf(document)))
    told = list[Answer | None]()
    silent = Answer(question, question, "abstained")
    within(lambda: told.append(cells.answer(silent, [hit_of(document, 1, 0, 1)])[0]))
    (answer,) = told
    assert answer is not None
    assert answer.short is not None
    assert answer.text[answer.short.start : answer.short.end] == "20"


def test_a_question_longer_than_any_of_a_table_is_of_none(document: Document) -> None:
    (read,) = sheets(document)
    with pytest.raises(NotAsked):
        Asked("What is the sum of head17 " + "and of head17 " * 40, read)


def test_of_many_columns_some_are_named() -> None:
    assert listed(["a", "b", "c"], "or") == "“a”, “b” or “c”"
    assert listed(list(map(str, range(8_000))), "or").endswith("“11” or one of 7,988 others")


def test_more_cells_than_can_be_worked_over_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of many heads over many short rows: blank cells cost as much as others."""
    text = ",".join(f"head{number}" for number in range(500)) + "\nx,1,2,3\n" + "a,1\n" * 500
    document = formats.read("docs/sparse.csv", text.encode())
    assert sheets(document)
    assert not are_too_large(document)
    monkeypatch.setattr(sheet, "MOST_CELLS", 100_000)
    assert not sheets(document)
    assert are_too_large(document)


def test_few_wide_tables_are_kept_for_the_next_question() -> None:
    kept = Spreadsheets(cast(Library, None))._sheets
    for number in range(10):
        read = sheets(wide(columns=3_000, rows=3), lambda: None)
        kept.get((str(number), ""), partial(tuple, read), WANTED)
    assert 1 <= len(kept._values) <= 4  # of which each takes some ten megabytes


def test_who_says_stop_ends_the_reading_of_a_table(document: Document) -> None:
    stopped = Event()
    stopped.set()
    with pytest.raises(Dropped):
        sheets(document, partial(see_wanted, stopped))
    question = "What is the sum of head17?"
    with pytest.raises(Dropped):
        Spreadsheets(cast(Library, Shelf(document))).answer(Answer(question, question, "abstained"), dropped=stopped)


def test_what_is_read_for_one_keeps_nobody_waiting_who_wants_another() -> None:
    kept, begun, go, told = Kept[str, str](8, len), Event(), Event(), list[str]()

    def slow() -> str:
        begun.set()
        go.wait(60)
        return "slow"

    threads = [Thread(target=lambda: told.append(kept.get("a", slow, WANTED))) for _ in range(2)]
    threads[0].start()
    begun.wait(60)
    begun.clear()
    threads[1].start()
    assert kept.get("b", lambda: "other", WANTED) == "other"
    stopped = Event()
    stopped.set()
    with pytest.raises(Dropped):
        kept.get("a", slow, stopped)
    go.set()
    for thread in threads:
        thread.join(60)
    assert told == ["slow", "slow"]
    assert not begun.is_set(), "it is read once for both"
