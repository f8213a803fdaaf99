"""Few: what is slow to make is made a few at once, in threads of its own, so that nothing else waits for it.

What several ask for is made once for all of them, and what nobody waits for any more is not made.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from time import monotonic

from starlette.responses import Response

from index.errors import Dropped, FootnoteError, Spent

RETRY = 5
"""Seconds after which something that there was no room for may be asked for again."""

_FULL = "More is asked for than can be shown now; try again in a moment."
_REMEMBERED, _PATIENCE = 256, 600.0  # things that took too long, and for how many seconds they are not tried again

Make = Callable[[Event], Response]
"""Makes something; ends early where the event is set, from another thread, as nobody wants it any more."""


class Full(FootnoteError):
    """More is waited for than there is room for."""


@dataclass(slots=True)
class _Making:
    """Something that is waited for, in the line or already being made.

    Attributes:
        doing: Waits in the line, and has it made then.
        is_begun: Whether it is being made.
        dropped: Set where nobody waits for it any more.
        owners: Who wait for it.
    """

    doing: "asyncio.Task[Response]" = field(init=False)
    is_begun: bool = False
    dropped: Event = field(default_factory=Event)
    owners: list[str] = field(default_factory=list)

    def drop(self) -> None:
        """Have it not made, or no further."""
        self.dropped.set()
        if not self.is_begun:
            self.doing.cancel()


@dataclass(frozen=True, slots=True)
class _Spent:
    """What took too long.

    Attributes:
        until: When it may be tried again.
        kind: The error that it ended in; not that itself, which would keep all that was made of it until then.
        message: What that says.
    """

    until: float
    kind: type[FootnoteError]
    message: str


class Few:
    """A few things that are made at once, and the line before them. To be used from one event loop."""

    def __init__(
        self, at_once: int, longest: int, *, own: int, clock: Callable[[], float] = monotonic, retry: float = _PATIENCE
    ) -> None:
        """Make so many at once, have at most `longest` wait, and `own` of one person be waited for or made."""
        self._at_once = at_once
        self._longest = longest
        self._own = own
        self._clock = clock
        self._retry = retry
        self._threads = ThreadPoolExecutor(at_once)
        self._free = asyncio.Semaphore(at_once)
        self._making: dict[Hashable, _Making] = {}
        self._spent: OrderedDict[Hashable, _Spent] = OrderedDict()  # what may be tried again first stands first

    async def made(
        self, key: Hashable, of: Hashable, owner: str, make: Make, gone: Callable[[], Awaitable[None]]
    ) -> Response:
        """What `make` makes, or has made for somebody else who asked for the same.

        Args:
            key: Tells it from all else.
            of: What may be slow in it: where that took too long, nothing else of it is tried for a while.
            owner: Who asks.
            make: Makes it, in a thread.
            gone: Waits until whoever asks has left.

        Raises:
            Full: Too much is waited for already.
            Dropped: Who asked has left.
            FootnoteError: It cannot be made, or took too long just now.
        """
        making = self._making.get(key) or self._begun(key, of, owner, make)
        making.owners.append(owner)
        leaving = asyncio.ensure_future(gone())
        try:
            await asyncio.wait([making.doing, leaving], return_when=asyncio.FIRST_COMPLETED)
            if making.doing.done():
                return making.doing.result()
            raise Dropped("Who asked for this has left.")
        finally:
            leaving.cancel()
            making.owners.remove(owner)
            if not making.owners:
                making.drop()
                if self._making.get(key) is making:
                    del self._making[key]

    def _begun(self, key: Hashable, of: Hashable, owner: str, make: Make) -> _Making:
        """Something new, at the end of the line.

        Raises:
            Full: The line has no room for it.
        """
        self._see_spent(of)
        own = sum(owner in making.owners for making in self._making.values())
        if len(self._making) >= self._at_once + self._longest or own >= self._own:
            raise Full(_FULL)
        making = self._making[key] = _Making()
        making.doing = asyncio.create_task(self._awaited(of, make, making))
        making.doing.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may wait for it
        return making

    async def _awaited(self, of: Hashable, make: Make, making: _Making) -> Response:
        async with self._free:
            self._see_spent(of)
            making.is_begun = True
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, partial(make, making.dropped))
            except FootnoteError as error:
                if isinstance(error.__cause__, Spent):
                    self._remember(of, error)
                raise

    def _remember(self, of: Hashable, error: FootnoteError) -> None:
        """Have something not tried again for a while, which has just taken too long."""
        self._spent.pop(of, None)
        self._spent[of] = _Spent(self._clock() + self._retry, type(error), str(error))
        if len(self._spent) > _REMEMBERED:
            self._spent.popitem(last=False)

    def _see_spent(self, of: Hashable) -> None:
        """See that something has not taken too long just now.

        Raises:
            FootnoteError: It has.
        """
        while self._spent and next(iter(self._spent.values())).until <= self._clock():
            self._spent.popitem(last=False)
        if spent := self._spent.get(of):
            raise spent.kind(spent.message)
