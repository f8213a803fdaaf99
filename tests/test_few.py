"""What is slow to make is made a few at once, and once for all who ask; who has left or asks much holds up nobody."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from threading import Event
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response

from index.document import Document, Span
from index.errors import Dropped, LibraryError, Spent
from tests import apart
from tests.fakes import MILL, REPORT, FakeDocs, as_footnote
from web.few import Few, Full, Make
from web.guard import OWNER
from web.routes import routes

LONG = 30.0


class Makers:
    """Makes things that take until they are let go, and tells which have been begun."""

    def __init__(self) -> None:
        self.go = Event()
        self.begun: list[str] = []
        self.dropped: list[str] = []

    def __call__(self, name: str) -> Make:
        def make(dropped: Event) -> Response:
            self.begun.append(name)
            while not self.go.wait(0.01):
                if dropped.is_set():
                    self.dropped.append(name)
                    raise Dropped("")
            return PlainTextResponse(name)

        return make


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    apart.run(asyncio.wait_for(work(), LONG))


async def stay() -> None:
    await asyncio.sleep(LONG)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


def test_a_few_are_made_at_once_and_the_line_has_an_end() -> None:
    async def work() -> None:
        few, makers = Few(2, 2, own=9), Makers()
        asked = [asyncio.create_task(few.made(name, name, "ada", makers(name), stay)) for name in "abcd"]
        await until(lambda: len(makers.begun) == 2)
        with pytest.raises(Full):
            await few.made("e", "e", "ben", makers("e"), stay)
        assert makers.begun == ["a", "b"]
        makers.go.set()
        assert [bytes((await each).body) for each in asked] == [b"a", b"b", b"c", b"d"]

    run(work)


def test_nobody_fills_the_line_alone() -> None:
    async def work() -> None:
        few, makers = Few(1, 9, own=2), Makers()
        asked = [asyncio.create_task(few.made(name, name, "ada", makers(name), stay)) for name in "ab"]
        await until(lambda: bool(makers.begun))
        with pytest.raises(Full):
            await few.made("c", "c", "ada", makers("c"), stay)
        other = asyncio.create_task(few.made("d", "d", "ben", makers("d"), stay))
        makers.go.set()
        await asyncio.gather(*asked, other)

    run(work)


def test_what_several_ask_for_is_made_once() -> None:
    async def work() -> None:
        few, makers = Few(2, 2, own=2), Makers()
        asked = [asyncio.create_task(few.made("a", "a", f"{each}", makers("a"), stay)) for each in range(60)]
        await until(lambda: bool(makers.begun))
        makers.go.set()
        assert {bytes((await each).body) for each in asked} == {b"a"}
        assert makers.begun == ["a"]

    run(work)


def test_what_nobody_waits_for_any_more_is_ended_or_not_begun() -> None:
    async def work() -> None:
        few, makers, left = Few(1, 2, own=9), Makers(), asyncio.Event()

        async def leave() -> None:
            await left.wait()

        asked = [asyncio.create_task(few.made(name, name, "ada", makers(name), leave)) for name in "ab"]
        staying = asyncio.create_task(few.made("b", "b", "ben", makers("b"), stay))
        await until(lambda: bool(makers.begun))
        left.set()
        for each in asked:
            with pytest.raises(Dropped):
                await each
        await until(lambda: makers.begun == ["a", "b"])
        assert makers.dropped == ["a"], "and not what another one waits for"
        makers.go.set()
        assert bytes((await staying).body) == b"b"

    run(work)


def test_what_took_too_long_is_not_tried_again_for_a_while() -> None:
    async def work() -> None:
        now, tries = 0.0, list[str]()
        few = Few(1, 9, own=99, clock=lambda: now, retry=60.0)

        def spent(_: Event) -> Response:
            tries.append("")
            raise LibraryError("This page cannot be drawn: that takes too long.") from Spent("")

        asked = [few.made(f"end={each}", "page 1", "ada", spent, stay) for each in range(60)]
        told = await asyncio.gather(*asked[:9], return_exceptions=True)
        told += await asyncio.gather(*asked[9:], return_exceptions=True)
        assert {str(each) for each in told} == {"This page cannot be drawn: that takes too long."}
        assert len(tries) == 1
        now = 61.0
        with pytest.raises(LibraryError):
            await few.made("end=1", "page 1", "ada", spent, stay)
        assert len(tries) == 2
        now = 122.0
        await few.made("a", "a", "ada", lambda _: PlainTextResponse("a"), stay)
        assert not few._spent, "what may be tried again is not remembered"

    run(work)


class Bytes(bytearray):
    """A file's, which can be looked for."""


def test_what_took_too_long_keeps_nothing_of_what_was_read_for_it() -> None:
    async def work() -> None:
        few, read = Few(1, 9, own=99), list["weakref.ref[Bytes]"]()

        def spent(_: Event) -> Response:
            data = Bytes()
            read.append(weakref.ref(data))
            try:
                raise Spent(str(len(data)))
            except Spent as error:
                raise LibraryError("That takes too long.") from error

        for _ in range(2):
            with pytest.raises(LibraryError, match=r"^That takes too long\.$"):
                await few.made("a", "a", "ada", spent, stay)
        await asyncio.sleep(0)
        gc.collect()
        assert [data() for data in read] == [None]

    run(work)


def test_what_nobody_waits_for_any_more_leaves_the_line() -> None:
    async def work() -> None:
        few, makers = Few(1, 2, own=9), Makers()
        first = asyncio.create_task(few.made("a", "a", "ada", makers("a"), stay))
        await until(lambda: bool(makers.begun))
        before = len(asyncio.all_tasks())

        async def leave() -> None:
            await asyncio.sleep(0)

        for number in range(20):
            with pytest.raises(Dropped):
                await few.made(number, number, "ben", makers("b"), leave)
        await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == before
        makers.go.set()
        await first
        assert makers.begun == ["a"]

    run(work)


def test_a_page_that_takes_long_to_draw_holds_up_nothing_else() -> None:
    docs, go, begun = FakeDocs((MILL, REPORT)), Event(), list[int]()

    def slow(_: Document, number: int, span: Span, dropped: Event) -> bytes:
        begun.append(span.end)
        while not (go.wait(0.01) or dropped.is_set()):
            pass
        return b"drawn"

    docs.library.picture = slow

    async def work() -> None:
        transport = httpx.ASGITransport(Starlette(routes=routes(as_footnote(docs))))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            asked = {"document": REPORT.id, "version": REPORT.version, "start": 0}
            pictures = [
                asyncio.create_task(
                    client.get("/pages/1.png", params={**asked, "end": end}, headers={OWNER: f"{end % 20}"})
                )
                for end in range(1, 61)
            ]
            await until(lambda: len(begun) == 2)
            part = await client.get("/parts", params={**asked, "after": 0, "tinted": ""}, headers={OWNER: "ada"})
            assert "The dam" in part.text
            await until(lambda: sum(each.done() for each in pictures) == 60 - 34)
            full = [await each for each in pictures if each.done()]
            assert {each.status_code for each in full} == {503}
            assert {each.headers["Retry-After"] for each in full} == {"5"}
            assert len(begun) == 2
            go.set()
            assert sorted(each.status_code for each in await asyncio.gather(*pictures)) == [200] * 34 + [503] * 26

    run(work)
