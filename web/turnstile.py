"""Turnstile: guesses at the password are looked at one after another, and a wrong one makes the next wait."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

_PAUSE = 1.0  # seconds after a wrong guess until the next one of the same sender is looked at
_STEP = 0.2  # seconds after a wrong guess until the next one of anybody is looked at
_WAITING = 16  # guesses of one sender that wait for their turn
_SENDERS = 128  # senders whose guesses wait


class Crowded(Exception):
    """Too many guesses wait already.

    Attributes:
        seconds: After which there may be room.
    """

    def __init__(self, seconds: float) -> None:
        """There may be room after so many seconds."""
        super().__init__(seconds)
        self.seconds = math.ceil(seconds)


@dataclass(slots=True)
class _Line:
    """The guesses of one sender: one is at the turnstile, and the others wait in turn.

    Attributes:
        turn: Is had by the one at the turnstile, in the order in which it was asked for.
        waiting: How many there are.
        rested: When another may be looked at, on the event loop's clock.
    """

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    rested: float = 0.0


class Turnstile:
    """Looks at one guess after another, of each sender in turn; lives in one event loop.

    Who knows the password waits for the guesses of the same sender that came before, of which there are at most so
    many, and for one of each other sender. No one sender shuts out others; so many that guess at once can.
    """

    def __init__(self) -> None:
        """Nobody waits."""
        self._lines: dict[str, _Line] = {}
        self._turn = asyncio.Lock()
        self._rested = 0.0

    async def look(self, sender: str, is_right: Callable[[], bool]) -> bool:
        """Whether a guess is right, once it has its turn; one that is given up meanwhile leaves its place.

        Raises:
            Crowded: Too many wait; it is not looked at.
        """
        loop, line = asyncio.get_running_loop(), self._joined(sender)
        try:
            async with line.turn:
                await asyncio.sleep(line.rested - loop.time())
                async with self._turn:
                    await asyncio.sleep(self._rested - loop.time())
                    right = is_right()
                    if not right:
                        line.rested, self._rested = loop.time() + _PAUSE, loop.time() + _STEP
            return right
        finally:
            line.waiting -= 1
            loop.call_at(line.rested, self._forget, sender, line, line.rested)

    def _joined(self, sender: str) -> _Line:
        """The line of a sender, with one more in it.

        Raises:
            Crowded: There is no room in it, or for it.
        """
        line = self._lines.get(sender)
        if line is None:
            if len(self._lines) >= _SENDERS:
                raise Crowded(_SENDERS * _STEP)
            line = self._lines[sender] = _Line()
        if line.waiting >= _WAITING:
            raise Crowded(_WAITING * _PAUSE)
        line.waiting += 1
        return line

    def _forget(self, sender: str, line: _Line, rested: float) -> None:
        """Forget a line in which nobody is left, and that no other pause keeps."""
        if not line.waiting and line.rested == rested and self._lines.get(sender) is line:
            del self._lines[sender]
