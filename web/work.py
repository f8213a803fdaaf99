"""Work under way: followed by the reader who set it off, and stopped where they have seen enough."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event
from typing import TypeVar

from index.library import OnProgress
from index.sync import Progress

_LOOK = 0.1  # seconds until it is seen that a reader has said stop

Result = TypeVar("Result")


class Stopped(Exception):
    """The reader has said stop, or turned away; what was done until then stays done."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something under way.

    Attributes:
        stopped: Set where its reader does not want what comes of it.
        left: Set where its reader no longer waits for it, for that reason or another.
    """

    stopped: Event = field(default_factory=Event)
    left: Event = field(default_factory=Event)


class UnderWay:
    """What is under way in each session, so that it can be stopped there."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    @contextmanager
    def begun(self, session: str) -> Iterator[Task]:
        """Something is under way while the block runs."""
        self._tasks[session] = task = Task()
        try:
            yield task
        finally:
            if self._tasks.get(session) is task:
                del self._tasks[session]

    def __contains__(self, session: str) -> bool:
        """Whether anything is under way in a session."""
        return session in self._tasks

    def stop(self, session: str) -> None:
        """Say stop to what is under way in a session, if anything is."""
        if task := self._tasks.get(session):
            task.stopped.set()
            task.left.set()

    def leave(self, session: str) -> None:
        """Wait no longer for what is under way in a session; it goes on, and what comes of it is kept."""
        if task := self._tasks.get(session):
            task.left.set()


def awaited(work: Callable[[], Result], task: Task) -> Result:
    """What some work returns, done in a thread of its own.

    Raises:
        Stopped: Its reader left before its end; it goes on by itself.
    """
    thread = ThreadPoolExecutor(1)
    doing = thread.submit(work)
    thread.shutdown(wait=False)
    doing.add_done_callback(lambda _: task.left.set())
    task.left.wait()
    if not doing.done():
        raise Stopped
    return doing.result()


def followed(
    work: Callable[[OnProgress], Result], stop: Event, draw: Callable[[Progress, bool], str]
) -> Generator[str, None, Result]:
    """Do some work in a thread of its own; give how far it is, as it is drawn, and in the end what it returns.

    Args:
        work: Tells how far it is, and ends at the next telling after `stop` is set.
        stop: Set from elsewhere.
        draw: How far it is, and whether it is being stopped -> HTML.

    Raises:
        Stopped: It was stopped before its end.
    """
    told: SimpleQueue[Progress] = SimpleQueue()

    def tell(progress: Progress) -> None:
        if stop.is_set():
            raise Stopped
        told.put(progress)

    with ThreadPoolExecutor(1) as thread:
        try:
            doing = thread.submit(work, tell)
            shown: tuple[Progress, bool] | None = None
            while not doing.done():
                latest = _latest(told) or (shown[0] if shown else None)
                now = (latest, stop.is_set()) if latest else None
                if now and now != shown:
                    yield draw(*now)
                    shown = now
            return doing.result()
        finally:
            stop.set()


def _latest(told: SimpleQueue[Progress]) -> Progress | None:
    """The last that was told, waiting a moment where nothing was: of many files read in a moment one is shown."""
    latest = None
    try:
        latest = told.get(timeout=_LOOK)
        while True:
            latest = told.get_nowait()
    except Empty:
        return latest
