"""Line: who asks waits for a seat; nobody waits behind all that one other asks, nor in a line without end."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from time import monotonic

from index.errors import QuestionError
from web.work import LOOK, Stopped, Task

LONGEST = 64  # questions that wait: of as many as are answered in some ten seconds on two cores
_OWN = 8  # of them, of one person

_FULL = "More people are asking than can be answered now; ask again in a moment."
_OWN_FULL = f"{_OWN} questions of yours are waiting; ask again once some are answered."
_TELL = 4.0  # seconds between two tellings of how many come first, since each has the page drawn


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """A place in the line; whoever has asked less of late stands before who came earlier.

    Attributes:
        round: That of the person called last, or one more than that of this person's last question.
        number: How many questions came before it in all.
        owner: Whose it is.
        called: Set when it is its turn.
    """

    round: int
    number: int
    owner: str = field(compare=False)
    called: Event = field(default_factory=Event, compare=False)


class Line:
    """Some seats and the line before them. Any thread may wait in it."""

    def __init__(
        self, seats: int, longest: int = LONGEST, *, own: int = 0, full: str = _FULL, own_full: str = _OWN_FULL
    ) -> None:
        """Seat this many at once, and have at most `longest` wait.

        Args:
            seats: How many.
            longest: How many wait at most.
            own: Seats that one person may have at once; by default all but one, so that nobody waits for all that
                another one asks.
            full: What is said to who comes to a full line.
            own_full: What is said to who has too many waiting in it already.
        """
        self._free = self._seats = seats
        self._own = own or max(1, seats - 1)
        self._full = full
        self._own_full = own_full
        self._seated: Counter[str] = Counter()
        self._longest = longest
        self._waiting: list[_Place] = []
        self._lock = Lock()
        self._came = 0
        self._round = 0  # of who was called last
        self._last: dict[str, int] = {}  # round of the last question of each person, where it is not over

    @contextmanager
    def seat(self, owner: str, task: Task, tell: Callable[[int | None], None]) -> Iterator[None]:
        """One of the seats, waited for, while the block runs; who has enough of waiting goes before the others.

        Args:
            owner: Who waits.
            task: What for.
            tell: Is told how many come first, those that are being answered among them, now and then; and None when it
                is its turn after that.

        Raises:
            QuestionError: Too many wait already, of all or of this person.
            Stopped: Nobody wants the seat any more.
        """
        place = self._joined(owner)
        try:
            self._wait(place, task, tell)
            if task.stopped.is_set():
                raise Stopped
            yield
        finally:
            self._leave(place)

    def _wait(self, place: _Place, task: Task, tell: Callable[[int | None], None]) -> None:
        last_told, when = 0, -_TELL
        while not (place.called.wait(LOOK) or task.enough.is_set()):
            before = self._before(place)
            if before not in (0, last_told) and monotonic() - when >= _TELL:
                last_told, when = before, monotonic()
                tell(before)
        if last_told:
            tell(None)

    def _joined(self, owner: str) -> _Place:
        with self._lock:
            self._last = {person: last for person, last in self._last.items() if last >= self._round}
            self._came += 1
            place = _Place(max(self._round, self._last.get(owner, -1) + 1), self._came, owner)
            if not self._free or self._seated[owner] >= self._own:
                self._check(owner)
            self._last[owner] = place.round
            insort(self._waiting, place)
            self._call()
            return place

    def _check(self, owner: str) -> None:
        if len(self._waiting) >= self._longest:
            raise QuestionError(self._full)
        if sum(place.owner == owner for place in self._waiting) >= _OWN:
            raise QuestionError(self._own_full)

    def _before(self, place: _Place) -> int:
        """How many come before this one, those in the seats among them."""
        with self._lock:
            return self._waiting.index(place) + self._seats - self._free if place in self._waiting else 0

    def _leave(self, place: _Place) -> None:
        """Free a seat, or the place in the line of who waits no longer."""
        with self._lock:
            if place.called.is_set():
                self._free += 1
                self._seated[place.owner] -= 1
            else:
                self._waiting.remove(place)
                if self._last.get(place.owner) == place.round:  # who asks anew stands where they stood
                    self._last[place.owner] = place.round - 1
            self._call()

    def _call(self) -> None:
        self._seated = +self._seated
        while self._free:
            place = next((place for place in self._waiting if self._seated[place.owner] < self._own), None)
            if place is None:
                return
            self._waiting.remove(place)
            self._free -= 1
            self._seated[place.owner] += 1
            self._round = place.round
            place.called.set()
