"""Line: seats are given in turn, one person after the other, and a line has an end."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from index.errors import QuestionError
from tests.conftest import PATIENCE
from web.line import Line
from web.work import Stopped, Task


@contextmanager
def taken(line: Line) -> Iterator[None]:
    """All but those who wait have gone when the block ends; within it the only seat is taken."""
    with line.seat("nobody", Task(), lambda _: None):
        yield


def waiting(line: Line, name: str, owner: str, order: list[str], task: Task | None = None) -> Thread:
    """Someone who waits for a seat, and writes down when it was had; returns once they wait."""
    waits = Event()

    def wait() -> None:
        with line.seat(owner, task or Task(), lambda _: waits.set()):
            order.append(name)

    thread = Thread(target=wait)
    thread.start()
    assert waits.wait(PATIENCE)
    return thread


def test_who_asks_many_lets_others_pass() -> None:
    line, order, threads = Line(1), [], []
    with taken(line):
        for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
            threads.append(waiting(line, name, name[0], order))
    for each in threads:
        each.join()
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_nobody_has_all_seats_while_others_may_come() -> None:
    line, order = Line(3), list[str]()
    with line.seat("a", Task(), print), line.seat("a", Task(), print):
        third = waiting(line, "a3", "a", order)
        with line.seat("b", Task(), print):
            assert not order
    third.join()
    assert order == ["a3"]


def test_how_many_come_first_is_told_and_when_it_is_their_turn() -> None:
    line, told, done = Line(1), [], Event()

    def wait() -> None:
        with line.seat("a", Task(), told.append):
            done.set()

    with taken(line):
        other = waiting(line, "b", "b", [])
        thread = Thread(target=wait)
        thread.start()
        while not told:
            assert not done.wait(0.05)
    assert done.wait(PATIENCE)
    other.join()
    thread.join()
    assert told == [2, None]


def test_who_comes_to_a_full_line_is_told_at_once() -> None:
    line, order = Line(1, longest=2), []
    with taken(line):
        threads = [waiting(line, name, name, order) for name in "ab"]
        with pytest.raises(QuestionError, match="More people are asking"), line.seat("c", Task(), print):
            pass
    for each in threads:
        each.join()
    assert order == ["a", "b"]
    with line.seat("c", Task(), print):
        order.append("c")


def test_nobody_fills_the_line_alone() -> None:
    line, order = Line(1), []
    with taken(line):
        threads = [waiting(line, str(number), "a", order) for number in range(8)]
        with pytest.raises(QuestionError, match="8 questions of yours are waiting"), line.seat("a", Task(), print):
            pass
        threads.append(waiting(line, "b", "b", order))
    for each in threads:
        each.join()
    assert order.index("b") == 1


def test_who_stops_or_has_enough_leaves_the_line() -> None:
    line, order, stopped, enough = Line(1), [], Task(), Task()
    with taken(line):
        stopped.stopped.set()
        stopped.enough.set()
        with pytest.raises(Stopped), line.seat("a", stopped, print):
            pass
        thread = waiting(line, "b", "b", order, enough)
        enough.enough.set()
        thread.join(PATIENCE)
        assert order == ["b"]
        last = waiting(line, "c", "c", order)
    last.join(PATIENCE)
    assert order == ["b", "c"]
    with line.seat("d", Task(), print):
        order.append("d")
