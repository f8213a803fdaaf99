"""A long file holds nobody up: others add, remove and look meanwhile, and stop is heard inside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import cast

import gradio as gr
import pytest

from index import embeddings, ingest
from index.catalog import File
from index.document import Document
from index.embeddings import OnnxEmbedder, Vector
from index.errors import LibraryError
from index.library import Library
from index.sync import OnProgress, Progress
from tests.conftest import OpenLibrary, soon
from tests.fakes import MILL, FakeDocs, as_footnote
from web.desk import Desk
from web.guard import OWNER
from web.incoming import Incoming
from web.work import Task

LONG = "\n\n".join(f"The slow river number {number} rises in the hills." for number in range(40))


class Enough(Exception):
    pass


@pytest.fixture
def held(open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Library, Event, Event]]:
    """A library that embeds the slow river only once it is let go; and what says that it has begun to."""
    library, begun, go = open_library(), Event(), Event()
    embed = library.embedder.embed_passages

    def slowly(texts: Sequence[str]) -> Iterator[Vector]:
        for text, vector in zip(texts, embed(texts), strict=True):
            if "slow river" in text:
                begun.set()
                assert go.wait(60)
            yield vector

    monkeypatch.setattr(library.embedder, "embed_passages", slowly)
    yield library, begun, go
    go.set()


def doing(work: Callable[[], object]) -> Thread:
    thread = Thread(target=work)
    thread.start()
    return thread


def names(library: Library) -> set[str]:
    return {file.id.partition("/")[2] for file in library.files() if file.state == "indexed"}


def test_others_add_remove_and_look_while_a_long_upload_is_embedded(
    held: tuple[Library, Event, Event], folder: Path
) -> None:
    library, begun, go = held
    long = doing(lambda: library.add("long.txt", LONG.encode()))
    assert begun.wait(60)
    assert library.add("short.txt", b"The mill burned in 1902.").state == "indexed"
    (folder / "new.txt").write_text("The dam broke in 1911.")
    library.sync()
    library.remove("uploads/short.txt")
    assert names(library) == {"new.txt"}
    go.set()
    long.join(60)
    assert names(library) == {"long.txt", "new.txt"}
    assert (library.home / "uploads" / "long.txt").read_text() == LONG
    assert [id.partition("#")[0] for id, _ in library.search("slow river number 7", 1)] == ["uploads/long.txt"]


def test_an_upload_in_the_middle_of_a_long_sync_leaves_indexes_that_are_whole(
    held: tuple[Library, Event, Event], folder: Path, open_library: OpenLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    library, begun, go = held
    for name, text in (("a.txt", "The mill burned in 1902."), ("b.txt", LONG), ("c.txt", "The dam broke in 1911.")):
        (folder / name).write_text(text)
    syncing = doing(library.sync)
    assert begun.wait(60)
    soon(lambda: "a.txt" in names(library))
    library.add("short.txt", b"The quay was built in 1931.")
    go.set()
    syncing.join(60)
    assert names(library) == {"a.txt", "b.txt", "c.txt", "short.txt"}
    for question, id in (("quay built", "uploads/short.txt"), ("dam broke", "docs/c.txt")):
        assert library.search(question, 1)[0][0].startswith(id)
    library.settle()
    library.close()
    caplog.clear()
    open_library().settle()
    assert "Rebuilding" not in caplog.text, "they were closed as equal to the catalog"


def rewritten(library: Library, begun: Event) -> Thread:
    """A sync in the middle of an upload that somebody has written another text to."""
    id = library.add("note.txt", b"The mill burned in 1902.").id
    (library.home / id).write_text(LONG)
    syncing = doing(library.sync)
    assert begun.wait(60)
    return syncing


def test_an_upload_that_is_removed_while_a_sync_embeds_it_stays_gone(held: tuple[Library, Event, Event]) -> None:
    library, begun, go = held
    syncing = rewritten(library, begun)
    library.remove("uploads/note.txt")
    go.set()
    syncing.join(60)
    assert library.files() == ()
    assert library.search("slow river", 1) == []
    assert library.passage_count() == 0


def test_an_upload_that_takes_the_place_of_a_removed_one_keeps_its_own_text(held: tuple[Library, Event, Event]) -> None:
    library, begun, go = held
    syncing = rewritten(library, begun)
    library.remove("uploads/note.txt")
    assert library.add("note.txt", b"The dam broke in 1911.").id == "uploads/note.txt"
    go.set()
    syncing.join(60)
    assert library.document("uploads/note.txt").text == "The dam broke in 1911."
    assert library.search("slow river", 1) == []


@pytest.mark.parametrize("when", [0, 1], ids=["not read yet", "read, and not written yet"])
def test_an_upload_that_is_removed_around_its_reading_leaves_no_row(open_library: OpenLibrary, when: int) -> None:
    library = open_library()
    for name, text in (("a.txt", b"The mill burned in 1902."), ("b.txt", b"The dam broke in 1911.")):
        library.add(name, text)

    def remove(progress: Progress) -> None:
        if progress.done == when and "a.txt" in names(library):
            library.remove("uploads/a.txt")

    library.verify(remove)
    assert [file.id for file in library.files()] == ["uploads/b.txt"]


def test_two_uploads_of_one_name_at_the_same_time_are_kept_apart(held: tuple[Library, Event, Event]) -> None:
    library, begun, go = held
    long = doing(lambda: library.add("note.txt", LONG.encode()))
    assert begun.wait(60)
    assert library.add("note.txt", b"The mill burned in 1902.").id == "uploads/note (2).txt"
    go.set()
    long.join(60)
    assert names(library) == {"note.txt", "note (2).txt"}


@pytest.mark.parametrize("of", ["upload", "sync"])
def test_who_says_stop_inside_a_file_leaves_nothing_of_it(open_library: OpenLibrary, folder: Path, of: str) -> None:
    library, told = open_library(), list[Progress]()
    (folder / "a.txt").write_text("The mill burned in 1902.")
    library.sync()

    def stop(progress: Progress) -> None:
        told.append(progress)
        if progress.passages_done:
            raise Enough

    if of == "upload":
        with pytest.raises(Enough):
            library.add("long.txt", LONG.encode(), stop)
        assert not list((library.home / "uploads").iterdir())
        assert 0 < told[-1].passages_done < told[-1].passages_total
    else:
        (folder / "long.txt").write_text(LONG)
        entered, embed = Event(), library.embedder.embed_passages

        def endlessly(texts: Sequence[str]) -> Iterator[Vector]:
            yield from embed(texts)
            entered.set()
            while not stopped.is_set():
                stopped.wait(0.05)
            yield from embed(["and no end"])

        stopped = Event()
        library.embedder.embed_passages = endlessly  # type: ignore[method-assign]
        try:
            with pytest.raises(Enough):
                library.sync(stop)
        finally:
            stopped.set()
            library.embedder.embed_passages = embed  # type: ignore[method-assign]
        assert entered.is_set()
    assert names(library) == {"a.txt"}


def test_who_says_stop_while_a_file_is_read_ends_the_process_that_reads_it(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Event()

    def endless(_: object, id: str, data: bytes, dropped: Event) -> Document:
        if dropped.wait(60):
            ended.set()
        raise LibraryError(id)

    def stop(_: Progress) -> None:
        raise Enough

    monkeypatch.setattr("index.workers.Workers.read", endless)
    with pytest.raises(Enough):
        open_library().add("endless.pdf", b"%PDF-1.7", stop)
    assert ended.wait(60)


def test_a_file_of_too_many_passages_is_refused_with_what_to_do(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "MOST_PASSAGES", 2)
    file = open_library().add("long.txt", LONG.encode())
    assert file.state == "refused"
    assert "passages, and Footnote reads at most 2 of a file; split it" in file.reason


def test_few_texts_of_a_document_wait_to_be_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or who has one would wait for all of somebody else's."""
    embedder, begun = embeddings.default(), list[str]()
    embed = embedder.embed_query

    def counted(_: OnnxEmbedder, text: str) -> Vector:
        begun.append(text)
        return embed(text)

    monkeypatch.setattr(OnnxEmbedder, "embed_query", counted)
    coming = embedder.embed_passages([f"number {number}" for number in range(1_000)])
    next(coming)
    coming.close()  # type: ignore[attr-defined]
    assert len(begun) <= 4 * embeddings.cores()


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that a browser has sent; it holds its own name."""

    name: str

    def read_bytes(self) -> bytes:
        return self.name.encode()


def test_one_reader_s_files_are_read_one_after_the_other_and_nobody_else_waits() -> None:
    docs, go, begun, order = FakeDocs((MILL,)), Event(), Event(), list[str]()

    def add(name: str, data: bytes, on_progress: OnProgress) -> File:
        if name == "long.txt":
            begun.set()
            assert go.wait(60)
        order.append(name)
        return File(f"uploads/{name}", len(data), 0, "", "indexed")

    docs.add = add  # type: ignore[method-assign]
    incoming = SimpleNamespace(arrived=Sent, forget=lambda names: None)
    desk = Desk(as_footnote(docs), cast(Incoming, incoming))

    def asked(owner: str) -> gr.Request:
        return cast(gr.Request, SimpleNamespace(session_hash=owner, headers={OWNER: owner}))

    def adding(name: str, owner: str) -> Thread:
        return doing(lambda: list(desk.add([name], asked(owner))))

    long = adding("long.txt", "ada")
    assert begun.wait(60)
    after = adding("next.txt", "ada")
    adding("other.txt", "ben").join(60)
    assert order == ["other.txt"]
    more = [adding(f"more {number}.txt", "ada") for number in range(7)]
    soon(lambda: len(desk.adding._waiting) == 8)
    (said,) = desk.add(["much.txt"], asked("ada"))
    assert "Many of your documents are waiting to be read" in said
    go.set()
    for thread in (long, after, *more):
        thread.join(60)
    assert order[:3] == ["other.txt", "long.txt", "next.txt"]


def test_who_closes_the_page_leaves_the_line_of_uploads() -> None:
    docs = FakeDocs((MILL,))
    desk = Desk(as_footnote(docs), cast(Incoming, SimpleNamespace(arrived=Sent, forget=lambda names: None)))
    request = cast(gr.Request, SimpleNamespace(session_hash="ada", headers={OWNER: "ada"}))
    with desk.adding.seat("ada", Task(), lambda _: None):
        adding = desk.add(["a.txt"], request)
        assert "Reading" in next(adding)
        assert len(desk.adding._waiting) == 1
        adding.close()
        soon(lambda: not desk.adding._waiting)
    assert not docs.added
