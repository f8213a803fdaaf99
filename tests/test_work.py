"""What is under way: who left or said stop waits no longer, and nothing waits for them."""

from collections.abc import Callable, Generator
from threading import Event, Semaphore

import pytest

from index.library import OnProgress
from index.sync import Progress
from index.workers import begun
from web.work import Drawing, Stopped, Task, UnderWay, awaited, followed


def draw(progress: Progress, seconds: float, is_stopping: bool) -> str:
    return f"{progress.done}{' stopping' if is_stopping else ''}"


def ended(following: Generator[str, None, str]) -> tuple[list[str], str]:
    """All that is told, and what is returned."""
    told: list[str] = []

    def through() -> Generator[str, None, None]:
        result.append((yield from following))

    result: list[str] = []
    told.extend(through())
    return told, result[0]


def steps(count: int) -> Callable[[OnProgress], str]:
    def work(tell: OnProgress) -> str:
        for done in range(count):
            tell(Progress(done, count, "a"))
        tell(Progress(count, count, ""))
        return "done"

    return work


def test_what_is_awaited_comes_or_fails() -> None:
    def work(tell: Callable[[str], None]) -> str:
        tell("one")
        tell("two")
        return "done"

    assert ended(awaited(work, Task())) == (["one", "two"], "done")
    with pytest.raises(ZeroDivisionError):
        ended(awaited(lambda _: 1 // 0, Task()))


def test_who_left_waits_no_longer_and_the_work_goes_on() -> None:
    task, go, done = Task(), Event(), Event()

    def work(_: object) -> None:
        go.wait(60)
        done.set()

    task.left.set()
    with pytest.raises(Stopped):
        ended(awaited(work, task))
    assert not done.is_set()
    go.set()
    assert done.wait(60)


def test_what_is_followed_is_told_and_returned() -> None:
    seen = Semaphore(0)

    def work(tell: OnProgress) -> str:
        for done in range(3):
            tell(Progress(done, 3, "a"))
            assert seen.acquire(timeout=60)
        return "done"

    def drawn(progress: Progress, seconds: float, is_stopping: bool) -> str:
        seen.release()
        return draw(progress, seconds, is_stopping)

    assert ended(followed(work, Task(), drawn)) == (["0", "1", "2"], "done")


def test_of_much_in_a_moment_one_is_told() -> None:
    assert len(list(followed(steps(10_000), Task(), draw))) < 100


def test_what_is_stopped_says_so_and_ends_at_the_next_telling() -> None:
    task, go = Task(), Event()

    def work(tell: OnProgress) -> None:
        tell(Progress(0, 2, "a"))
        assert go.wait(60)
        tell(Progress(1, 2, "a"))

    following = followed(work, task, draw)
    assert next(following) == "0"
    task.stopped.set()
    assert next(following) == "0 stopping"
    go.set()
    with pytest.raises(Stopped):
        next(following)


def test_a_stop_after_the_last_step_comes_too_late() -> None:
    task = Task()

    def work(tell: OnProgress) -> str:
        tell(Progress(0, 1, "a"))
        task.stopped.set()
        tell(Progress(1, 1, ""))
        return "done"

    assert ended(followed(work, task, draw))[1] == "done"


def test_who_closes_the_page_waits_for_nothing() -> None:
    """Gradio closes a generator on the loop that serves everyone."""
    task, go, done = Task(), Event(), Event()

    def work(tell: OnProgress) -> str:
        tell(Progress(0, 1, "a"))
        go.wait(60)
        done.set()
        return "done"

    following = followed(work, task, draw)
    next(following)
    following.close()
    assert not done.is_set()
    assert task.stopped.is_set()
    assert task.enough.is_set()
    go.set()
    assert done.wait(60)


def test_a_session_stops_all_that_is_its_own_and_nothing_else() -> None:
    under = UnderWay()
    with under.begun("ada") as first, under.begun("ada") as second, under.begun("ben") as other:
        under.leave("ada")
        assert first.left.is_set()
        assert second.left.is_set()
        assert not first.stopped.is_set()
        under.stop("ada")
        assert first.stopped.is_set()
        assert second.stopped.is_set()
        assert not other.left.is_set()
        assert "ada" in under
    assert "ada" not in under
    under.stop("nobody")


def test_what_is_asked_waits_for_the_page_of_its_own_session() -> None:
    drawing, waited = Drawing(), Event()
    drawing.begin("ada")
    waiting = begun(lambda: (drawing.wait("ada"), waited.set()))
    drawing.wait("ben")
    drawing.end("ben")
    assert not waited.wait(0.2)
    drawing.end("ada")
    waiting.result(60)
    drawing.wait("ada")


def test_of_other_sessions_nothing_is_kept() -> None:
    under, drawing = UnderWay(), Drawing()
    for session in ("ada", "ben"):
        drawing.begin(session)
        with under.begun(session):
            pass
    with under.begun("cem"):
        under.keep({"ada"})
        drawing.keep({"ada"})
        assert "cem" in under
    assert [under.begun_in(session) for session in ("ada", "ben", "cem")] == [1, 0, 0]
    drawing.wait("ben")
    assert (set(under._begun), set(drawing._drawn)) == ({"ada"}, {"ada"})
