"""Kept: what is read once, however many ask for it, and kept for the next question."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from threading import Event, Lock
from typing import Generic, TypeVar

from index.errors import Dropped

_SHORT = 4_096  # characters
_LOOK = 0.1  # seconds between two looks whether the answer is still wanted

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def remembered(texts: int) -> Callable[[Callable[[str], Value]], Callable[[str], Value]]:
    """Have what a function makes of the last `texts` short texts remembered; long ones take more room than time."""

    def remembering(read: Callable[[str], Value]) -> Callable[[str], Value]:
        known = lru_cache(texts)(read)

        @wraps(read)
        def reading(text: str) -> Value:
            return known(text) if len(text) <= _SHORT else read(text)

        return reading

    return remembering


class Kept(Generic[Key, Value]):
    """Values by key, those used last. Who waits for one holds up nobody who wants another."""

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        """Keep values of so much size together, and at least the one used last."""
        self._most = most
        self._size = size
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._reading: dict[Key, Lock] = {}
        self._lock = Lock()

    def get(self, key: Key, read: Callable[[], Value], dropped: Event) -> Value:
        """The value of a key, read where it is not known.

        Raises:
            Dropped: Nobody wants it any more.
        """
        with self._lock:
            reading = self._reading.setdefault(key, Lock())
        while not reading.acquire(timeout=_LOOK):
            see_wanted(dropped)
        try:
            with self._lock:
                known = self._values.get(key)
            value = read() if known is None else known
            self._keep(key, value)
            return value
        finally:
            with self._lock:
                self._reading.pop(key, None)
            reading.release()

    def _keep(self, key: Key, value: Value) -> None:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > 1 and sum(map(self._size, self._values.values())) > self._most:
                self._values.popitem(last=False)


def see_wanted(dropped: Event) -> None:
    """See that somebody still waits for an answer.

    Raises:
        Dropped: Nobody does.
    """
    if dropped.is_set():
        raise Dropped("Nobody waits for this answer any more.")
