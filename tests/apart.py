"""Coroutines run in a thread of their own: where a browser is under way, the test's own thread has a loop already."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """What some work comes to."""
    return in_a_thread(lambda: asyncio.run(work))


def in_a_thread(work: Callable[[], Result]) -> Result:
    """What some work comes to, in a thread that has no loop yet."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()
