"""An event loop whose clock stands still while anything happens: a minute is over as soon as nothing else is."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.apart import in_a_thread

Result = TypeVar("Result")


class _Instant(selectors.SelectSelector):
    """Waits for nothing, and remembers how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        self.waited += 0 if found else timeout or 0
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Instant()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.waited


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """What some work comes to, on a clock of its own that begins at 0."""

    def ran() -> Result:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            return runner.run(work)

    return in_a_thread(ran)
