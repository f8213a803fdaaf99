"""How long something takes."""

import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """The seconds of a wall clock that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
