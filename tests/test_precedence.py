"""Who asks goes first, and background work comes to its end all the same."""

import threading
from collections.abc import Callable

import pytest

from index import embeddings, precedence
from index.precedence import Precedence
from index.workers import begun


class Clock:
    """Seconds that pass only while something is waited for."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time, which each wait lets pass at once."""
    clock = Clock()
    monkeypatch.setattr(precedence, "monotonic", clock)
    return clock


@pytest.fixture
def first(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Precedence:
    """Nobody asks yet."""
    first = Precedence()

    def wait(timeout: float | None = None) -> bool:
        clock.now += timeout or 0.0
        return False

    monkeypatch.setattr(first._changed, "wait", wait)
    return first


@pytest.fixture
def waited(first: Precedence, clock: Clock) -> Callable[[], float]:
    """How long background work gives way, in the clock's seconds."""

    def waited() -> float:
        began = clock.now
        first.give_way()
        return clock.now - began

    return waited


def test_nothing_is_waited_for_where_nobody_asks(waited: Callable[[], float]) -> None:
    assert waited() == 0


def test_background_work_waits_until_a_moment_after_the_last_step_of_a_question(
    first: Precedence, waited: Callable[[], float]
) -> None:
    with first.asking():
        pass
    assert waited() == pytest.approx(precedence._QUIET)
    assert waited() == 0


def test_however_much_is_asked_background_work_goes_on_for_a_moment_after_a_while(
    first: Precedence, waited: Callable[[], float], clock: Clock
) -> None:
    with first.asking():
        assert waited() == pytest.approx(precedence._PATIENCE)
        assert waited() == 0
        clock.now += precedence._TURN
        assert waited() == pytest.approx(precedence._PATIENCE)


def test_background_work_goes_on_when_the_last_question_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "_PATIENCE", 600.0)
    first, begins = Precedence(), threading.Event()

    def work() -> None:
        begins.set()
        first.give_way()

    with first.asking(), first.asking():
        working = begun(work)
        assert begins.wait(60)
        assert not working.done()
    working.result(60)


def test_a_document_is_embedded_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Precedence()
    monkeypatch.setattr(embeddings, "PRECEDENCE", first)
    monkeypatch.setattr(precedence, "_PATIENCE", 600.0)
    with first.asking():
        coming = begun(lambda: list(embeddings.default().embed_passages(["The mill burned."])))
        assert len(embeddings.default().embed_query("What burned?")) == 384  # a question does not give way
        assert not coming.done()
    assert len(coming.result(60)) == 1
