"""The server that a page runs on."""

import asyncio
from threading import Thread
from urllib.parse import urlsplit

import httpx

from tests import apart
from tests.fakes import as_footnote, fake
from web.page import launch
from web.server import Ending


def test_what_streams_wait_for_is_set_by_the_thread_that_closes_the_page_in_the_loop_of_the_server() -> None:
    async def serve() -> list[bool]:
        ending = Ending()
        waiting = [asyncio.create_task(ending.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        closing = Thread(target=ending.set)
        closing.start()
        closing.join()
        assert not ending.is_set(), "nothing is changed beside the loop"
        return await asyncio.wait_for(asyncio.gather(*waiting), 60)

    assert apart.run(serve()) == [True, True, True]


def test_it_is_set_where_nobody_waits() -> None:
    ending = Ending()
    ending.set()
    assert ending.is_set()


def test_a_page_on_any_free_port_says_which() -> None:
    pages = [launch(as_footnote(fake()), port=0) for _ in range(2)]
    try:
        addresses = [urlsplit(page.local_url) for page in pages]
        assert len({address.port for address in addresses} | {0}) == 3
        assert all(httpx.get(address.geturl()).status_code == 200 for address in addresses)
    finally:
        for page in pages:
            page.close(verbose=False)
