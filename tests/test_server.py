"""The server that a page runs on."""

import asyncio
from threading import Thread

from tests import apart
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
