"""An hour on the page: whether a few people who ask, add, open and remove make its process grow."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Event, Lock

import typer

from eval.bench.corpus import copied_seeds, questions
from eval.bench.figure import Figure
from eval.bench.memory import resident_megabytes
from eval.bench.visitor import Visitor, visiting
from eval.served import served

_HOUR = 3_600.0  # seconds
_PEOPLE = 4
_STAY = 20  # questions that one asks before the page is opened anew, by another person
_PAUSE = 0.5  # seconds between an answer and the next question
_OFTEN = 0.1  # of the questions, after which a source is opened, and likewise a document added and removed
_WARM = 1 / 4  # of the time, before growth is looked for
_SAMPLES = 360
_SEED = 7
_DOCUMENTS = ("seeds/news/ceasefire-proposal.txt", "seeds/guide/start.md")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the chat's process takes.

    Attributes:
        seconds: When, since the beginning.
        megabytes: Its resident memory.
        handles: Its open files and sockets.
        threads: Its threads.
        answers: How many it has given by then.
    """

    seconds: float
    megabytes: float
    handles: int
    threads: int
    answers: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:5.0f} s: {self.megabytes:.1f} MB, {self.handles} file handles, {self.threads} threads, "
            f"{self.answers:,} answers"
        )


@dataclass(slots=True)
class Soak:
    """What was seen of a chat in use."""

    samples: list[Sample] = field(default_factory=list)
    answers: int = 0
    errors: int = 0
    counting: Lock = field(default_factory=Lock)

    def count(self, answers: int = 0, errors: int = 0) -> None:
        """Count some more; any thread may."""
        with self.counting:
            self.answers += answers
            self.errors += errors

    def growth(self, of: Callable[[Sample], float]) -> float:
        """By how many percent the median of the last tenth exceeds that of the first, after it has warmed up."""
        warm = self.samples[int(len(self.samples) * _WARM) :]
        tenth = max(1, len(warm) // 10)
        first, last = (median(of(each) for each in some) for some in (warm[:tenth], warm[-tenth:]))
        return 100 * (last - first) / first


def figures() -> Iterator[Figure]:
    """By how much the chat's process grows in an hour."""
    with copied_seeds() as folder, served(folder) as (process, address):
        seen = soak(process.pid, address, _HOUR, lambda sample: typer.echo(str(sample), err=True))
    yield Figure("an hour of use: answers", seen.answers, "", better="more")
    yield Figure("an hour of use: errors", seen.errors, "", 0)
    yield Figure("an hour of use: growth of memory", seen.growth(lambda each: each.megabytes), "%", 10, 2)
    yield Figure("an hour of use: growth of file handles", seen.growth(lambda each: each.handles), "%", 10, 0)
    yield Figure("an hour of use: growth of threads", seen.growth(lambda each: each.threads), "%", 10, 0)
    yield Figure("an hour of use: memory at its end", seen.samples[-1].megabytes, "MB", 700)


def soak(pid: int, address: str, seconds: float, tell: Callable[[Sample], None]) -> Soak:
    """Have a few people use the chat of this process for some seconds; each sample is told as it is taken."""
    seen, over = Soak(), Event()
    with ThreadPoolExecutor(_PEOPLE) as threads:
        using = [threads.submit(_use, address, person, seen, over) for person in range(_PEOPLE)]
        try:
            for sample in _sampled(pid, seconds, seen, using):
                seen.samples.append(sample)
                tell(sample)
        finally:
            over.set()
        for each in using:
            each.result()
    return seen


def _sampled(pid: int, seconds: float, seen: Soak, using: Sequence[Future[None]]) -> Iterator[Sample]:
    """Samples at equal distances, the process being in use all the time."""
    begun = time.monotonic()
    while (at := time.monotonic() - begun) < seconds and not any(each.done() for each in using):
        process = Path(f"/proc/{pid}")
        handles, threads = (sum(1 for _ in (process / of).iterdir()) for of in ("fd", "task"))
        yield Sample(at, resident_megabytes(pid), handles, threads, seen.answers)
        time.sleep(seconds / _SAMPLES)


def _use(address: str, person: int, seen: Soak, over: Event) -> None:
    """Use the page until it is over, as one person after the other."""
    chance = random.Random(_SEED + person)
    while not over.is_set():
        with visiting(address) as visitor:
            for question in chance.sample(questions(), _STAY):
                if over.wait(_PAUSE):
                    break
                outcome = visitor.ask(question)
                seen.count(answers=outcome == "answered", errors=outcome == "failed")
                if chance.random() < _OFTEN:
                    seen.count(errors=not visitor.click("open", document=chance.choice(_DOCUMENTS)))
                if chance.random() < _OFTEN:
                    seen.count(errors=not _add(visitor, person, chance))


def _add(visitor: Visitor, person: int, chance: random.Random) -> bool:
    """Add a document and remove it; whether the server did both."""
    name = f"note-{person}.txt"
    added = visitor.add(name, f"The note of person {person} was written on day {chance.randrange(365)}.")
    return bool(added and visitor.click("remove", document=f"uploads/{name}"))
