"""Work under way: followed by the reader who set it off, and stopped where they have seen enough."""

from collections import Counter
from collections.abc import Callable, Container, Generator, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event
from time import monotonic
from typing import Any, TypeVar

from index.sync import OnProgress, Progress
from index.workers import begun

LOOK = 0.1  # seconds between two looks at how far something is, or whether it is still wanted

_PATIENCE = 5.0  # seconds that a page is waited for: it may be gone

Result = TypeVar("Result")
News = TypeVar("News")


class Stopped(Exception):
    """The reader has said stop, or turned away; what was done until then stays done."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something under way.

    Attributes:
        stopped: Set where its reader does not want what comes of it.
        left: Set where its reader no longer waits for it, for that reason or another.
        enough: Set where its reader waits no longer for all of it, and takes what there is.
        news: What it tells on its way, each time in a tuple; None where its reader is to look up.
    """

    stopped: Event = field(default_factory=Event)
    left: Event = field(default_factory=Event)
    enough: Event = field(default_factory=Event)
    news: SimpleQueue[tuple[Any] | None] = field(default_factory=SimpleQueue)

    def leave(self) -> None:
        """Have its reader wait no longer, from now on."""
        self.left.set()
        self.news.put(None)


class UnderWay:
    """What is under way in each session, so that it can be stopped there."""

    def __init__(self) -> None:
        self._tasks: dict[str, list[Task]] = {}
        self._begun: Counter[str] = Counter()

    @contextmanager
    def begun(self, session: str) -> Iterator[Task]:
        """Something is under way while the block runs."""
        task = Task()
        self._begun[session] += 1
        self._tasks[session] = [*self._tasks.get(session, []), task]
        try:
            yield task
        finally:
            left = [other for other in self._tasks[session] if other is not task]
            self._tasks[session] = left
            if not left:
                del self._tasks[session]

    def __contains__(self, session: str) -> bool:
        """Whether anything is under way in a session."""
        return session in self._tasks

    def begun_in(self, session: str) -> int:
        """How many have been begun in a session so far."""
        return self._begun[session]

    def keep(self, sessions: Container[str]) -> None:
        """Forget how many have been begun in all other sessions."""
        for session in [*self._begun]:
            if session not in sessions:
                del self._begun[session]

    def stop(self, session: str) -> None:
        """Say stop to all that is under way in a session."""
        for task in self._tasks.get(session, []):
            task.stopped.set()
            task.enough.set()
            task.leave()

    def enough(self, session: str) -> None:
        """Take of all that is under way in a session what there is, and wait for that."""
        for task in self._tasks.get(session, []):
            task.enough.set()

    def leave(self, session: str) -> None:
        """Wait no longer for what is under way in a session; it goes on, and what comes of it is kept."""
        for task in self._tasks.get(session, []):
            task.leave()


class Drawing:
    """The sessions whose page still draws what it opens with; what its reader asks is drawn after that.

    A browser may take up what was sent first after what was sent last, so that it is not enough to send in order.
    """

    def __init__(self) -> None:
        self._drawn: dict[str, Event] = {}

    def begin(self, session: str) -> None:
        """From now on it is waited for."""
        self._drawn[session] = Event()

    def end(self, session: str) -> None:
        """The page says that it is drawn."""
        if drawn := self._drawn.pop(session, None):
            drawn.set()

    def keep(self, sessions: Container[str]) -> None:
        """Forget all other sessions, whose pages never said that they are drawn."""
        for session in [*self._drawn]:
            if session not in sessions:
                self.end(session)

    def wait(self, session: str) -> None:
        """Wait until it is drawn, if it has begun."""
        if drawn := self._drawn.get(session):
            drawn.wait(_PATIENCE)


def awaited(work: Callable[[Callable[[News], None]], Result], task: Task) -> Generator[News, None, Result]:
    """Do some work in a thread of its own; give what it tells on its way, and in the end what it returns.

    Raises:
        Stopped: Its reader left before its end; it goes on by itself.
    """
    doing = begun(lambda: work(lambda item: task.news.put((item,))))
    doing.add_done_callback(lambda _: task.news.put(None))
    while not task.left.is_set():
        item = task.news.get()
        if task.left.is_set():
            break
        if item is None:
            return doing.result()
        yield item[0]
    raise Stopped


def followed(
    work: Callable[[OnProgress], Result], task: Task, draw: Callable[[Progress, float, bool], str]
) -> Generator[str, None, Result]:
    """Do some work in a thread of its own; give how far it is, as it is drawn, and in the end what it returns.

    Args:
        work: Tells how far it is, and ends at the next telling after the task is stopped.
        task: Stopped from elsewhere, or where nobody follows any more.
        draw: How far it is, after how many seconds, and whether it is being stopped -> HTML.

    Raises:
        Stopped: It was stopped before its end.
    """
    news: SimpleQueue[Progress] = SimpleQueue()
    began = monotonic()

    def tell(progress: Progress) -> None:
        if task.stopped.is_set() and progress.done < progress.total:
            raise Stopped
        news.put(progress)

    doing = begun(lambda: work(tell))
    shown: tuple[Progress, bool] | None = None
    try:
        while wait([doing], LOOK).not_done:
            latest = _latest(news) or (shown[0] if shown else None)
            now = (latest, task.stopped.is_set()) if latest else None
            if now and now != shown:
                yield draw(now[0], monotonic() - began, now[1])
                shown = now
        return doing.result()
    finally:
        task.stopped.set()
        task.enough.set()  # of waiting for its turn, too


def _latest(news: SimpleQueue[Progress]) -> Progress | None:
    """The last that was told since: of many files read in a moment one is shown."""
    latest = None
    while not news.empty():
        latest = news.get()
    return latest
