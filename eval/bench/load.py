"""Many people who ask at once, each on a page of their own."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from statistics import median, quantiles
from threading import Barrier

from eval.bench.corpus import copied_seeds, questions
from eval.bench.figure import Figure
from eval.bench.visitor import Outcome, Visitor, visiting
from eval.served import served

LEVELS = (1, 2, 5, 10, 20, 50, 100, 200)
"""How many people ask at once."""

_EACH = 4  # questions that each of them asks, one after another
_FEWEST = 40  # questions in all, for few people ask more
_HELD = 50  # people for whom the floor and the goal are


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked: by whom, what came of it, and after how many seconds."""

    person: int
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What came of many people asking at once.

    Attributes:
        people: How many.
        asked: All that they asked.
        seconds: From the first question to the last answer.
    """

    people: int
    asked: Sequence[Asked]
    seconds: float

    @property
    def pace(self) -> float:
        """Answers a second."""
        return len(self._answers()) / self.seconds

    @property
    def p50(self) -> float:
        """Seconds that half of the answers took at most."""
        return median(self._answers() or [0.0])

    @property
    def p95(self) -> float:
        """Seconds that 95 % of the answers took at most."""
        return quantiles(self._answers() * 2 or [0.0, 0.0], n=20, method="inclusive")[-1]

    @property
    def unfairness(self) -> float:
        """How many times as long as the median person the one who waits longest waits; of each the median answer."""
        waited: dict[int, list[float]] = {}
        for each in self.asked:
            if each.outcome != "answered":
                continue
            waited.setdefault(each.person, []).append(each.seconds)
        medians = [median(seconds) for seconds in waited.values()]
        return max(medians) / median(medians)

    def count(self, outcome: Outcome) -> int:
        """How many questions came to this."""
        return Counter(each.outcome for each in self.asked)[outcome]

    def _answers(self) -> list[float]:
        return [each.seconds for each in self.asked if each.outcome == "answered"]


def figures() -> Iterator[Figure]:
    """What each waits for, from one person to two hundred."""
    with copied_seeds() as folder, served(folder) as (_, address):
        deck = cycle(questions())  # none is asked anew while what was read for it may still be kept
        load(address, deck, 1)  # what is not loaded yet is not measured
        for people in LEVELS:
            yield from _figures(load(address, deck, people))


def load(address: str, deck: Iterator[str], people: int) -> Load:
    """Have this many people ask the chat at an address at once, each some questions of a deck, one after another."""
    orders = [list(islice(deck, max(_EACH, _FEWEST // people))) for _ in range(people)]
    with ExitStack() as pages, ThreadPoolExecutor(people) as threads:
        visitors = [pages.enter_context(visiting(address)) for _ in range(people)]
        begin = Barrier(people + 1)

        def ask(person: int) -> list[Asked]:
            begin.wait()
            return [_asked(person, visitors[person], question) for question in orders[person]]

        asking = [threads.submit(ask, person) for person in range(people)]
        begin.wait()
        start = time.perf_counter()
        told = [each for doing in asking for each in doing.result()]
        return Load(people, told, time.perf_counter() - start)


def _asked(person: int, visitor: Visitor, question: str) -> Asked:
    start = time.perf_counter()
    outcome = visitor.ask(question)
    return Asked(person, outcome, time.perf_counter() - start)


def _figures(load: Load) -> Iterator[Figure]:
    counted = partial(Figure, at=load.people, of="at once")
    floor, goal = (8, 3) if load.people == _HELD else (None, None)
    yield counted("answers a second", load.pace, "", better="more")
    yield counted("an answer, p50", load.p50, "s")
    yield counted("an answer, p95", load.p95, "s", floor, goal)
    yield counted("errors", load.count("failed"), "", 0)
    yield counted("told at once that too many ask", load.count("full"), "", 0 if load.people <= _HELD else None)
    yield counted("the longest wait of one of them, over the median", load.unfairness, "times")
