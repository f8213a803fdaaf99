"""Who asks goes first: background work gives way while a question is answered.

A question is many short steps, and after each it waits until Python lets its thread go on. Chroma, for one, lets no
other thread go on while it writes: a tenth of a second at every step would make seconds of a moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, local
from time import monotonic

_QUIET = 0.15  # seconds after a step of a question in which its next one may come, or its answer is kept and drawn
_PATIENCE, _TURN = 0.5, 0.1  # seconds that background work waits at most, and then goes on before it waits again
_NEVER = float("-inf")


class Precedence:
    """Knows whether questions are being answered. Any thread may ask, or give way."""

    def __init__(self) -> None:
        """Nobody asks yet."""
        self._changed = Condition()
        self._asking = 0
        self._asked = _NEVER  # when the last step of a question ended
        self._own = local()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A step of a question is done while the block runs."""
        with self._changed:
            self._asking += 1
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                self._asked = monotonic()
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait until nobody asks. To be called before each short step of background work.

        However much is asked, each thread goes on for a moment after a while, so that its work comes to its end.
        """
        now = monotonic()
        if now < getattr(self._own, "turn_ends", _NEVER):
            return
        until = now + _PATIENCE
        with self._changed:
            while left := self._left(now):
                if now >= until:
                    self._own.turn_ends = now + _TURN
                    return
                self._changed.wait(min(left, until - now))
                now = monotonic()

    def _left(self, now: float) -> float:
        """Seconds until nobody has asked for a moment, as far as is known now; 0 where that is so."""
        return float("inf") if self._asking else max(0.0, self._asked + _QUIET - now)


PRECEDENCE = Precedence()
"""The one of this process: its threads share one interpreter, whichever library they work for."""
