"""A page under attack, and the people who ask it meanwhile: `python -m tests.siege --minutes 30`.

Ten people ask at a steady pace what they know the answers to: first alone, then beside attackers of every kind. No
answer may be lost or wrong, the slowest may take at most three times as long as in quiet, and the page's process may
not grow: its memory in the last tenth of the attack is that of an early tenth, never far above that of quiet, and its
open files are as many as before once the attackers have gone.
"""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import median, quantiles
from threading import Event, Lock
from typing import Annotated, Literal
from urllib.parse import urlencode

import httpx
import typer

from eval.bench.memory import resident_megabytes
from eval.bench.soak import Sample, Soak
from eval.bench.visitor import outcome, visiting
from eval.served import served
from tests.attacks import ATTACKS, SLOW_LINE, Attack, Target, slow_pdf

Outcome = Literal["right", "wrong", "full", "lost"]
Phase = Literal["quiet", "attack"]

MOST_SLOWER = 3.0  # times the p95 of quiet
MOST_GROWTH = 10.0  # percent, from an early tenth of the attack to the last
MOST_MORE = 1_024.0  # megabytes over those of quiet, at any time
FILES_LEFT = 20  # more than in quiet, once the attackers have gone

_PASSWORD = "orsa-mill-1902"
_QUIET = 1 / 6  # of the time
_SAMPLES = 40  # fewer show no growth
_RETURN = 120.0  # seconds for the open files to be as before
_SHOWN = 30.0  # seconds between two lines
_THINGS = ("bridge", "school", "chapel", "harbour", "library", "theatre")
_TOWNS = ("Karlsby", "Elmwick", "Tarnford", "Oskarsund", "Bellmere", "Grenholm", "Ashport", "Vintervik", "Dunmore")
_MAKERS = ("Brandt", "Osgood", "Lindqvist", "Harrow", "Sorensen", "Whitlock")
_FROM = "127.0.0."  # on Linux all of these are addresses of this computer


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked: when, and what came of it after how many seconds."""

    phase: Phase
    outcome: Outcome
    seconds: float


@dataclass(slots=True)
class Siege:
    """What was seen of a page.

    Attributes:
        asked: All questions.
        samples: What its process took, in quiet and under attack.
        quiet: How many of those samples were taken in quiet.
        files_left: Its open files once the attackers have gone.
        errors: Lines of its log that begin a traceback.
    """

    asked: list[Asked] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    quiet: int = 0
    files_left: int = 0
    errors: int = 0
    counting: Lock = field(default_factory=Lock)

    def count(self, asked: Asked) -> None:
        """One more question was asked; any thread may say so."""
        with self.counting:
            self.asked.append(asked)

    def seconds(self, phase: Phase, percent: int) -> float:
        """What so many percent of the questions of a phase took at most."""
        took = [each.seconds for each in self.asked if each.phase == phase]
        return quantiles(took * 2, n=100, method="inclusive")[percent - 1] if took else 0.0

    @property
    def slower(self) -> float:
        """How many times as long as in quiet the slow answers take under attack."""
        return self.seconds("attack", 95) / max(self.seconds("quiet", 95), 0.001)

    @property
    def growth(self) -> float:
        """By how many percent memory grows under attack; 0 where too little was seen."""
        attack = self.samples[self.quiet :]
        return Soak(attack).growth(lambda each: each.megabytes) if len(attack) >= _SAMPLES else 0.0

    @property
    def more(self) -> float:
        """The most megabytes under attack beyond those of quiet."""
        attack = [each.megabytes for each in self.samples[self.quiet :]]
        return max(attack, default=0.0) - self._in_quiet(lambda each: each.megabytes)

    def faults(self) -> list[str]:
        """Which promises were broken."""
        count = Counter(each.outcome for each in self.asked)
        files = self.files_left - self._in_quiet(lambda each: each.handles)
        found = {
            f"{count['lost']} answers lost": count["lost"],
            f"{count['full']} people sent away": count["full"],
            f"{count['wrong']} answers wrong": count["wrong"],
            f"{self.errors} tracebacks": self.errors,
            f"the slow answers took {self.slower:.1f} times as long as in quiet": self.slower > MOST_SLOWER,
            f"memory grew by {self.growth:.0f} % under attack": self.growth > MOST_GROWTH,
            f"memory was {self.more:.0f} MB over that of quiet": self.more > MOST_MORE,
            f"{files:.0f} more files are open than in quiet": files > FILES_LEFT,
        }
        return [fault for fault, broken in found.items() if broken]

    def __str__(self) -> str:
        """The figures of both phases."""
        lines = [f"{'':8}{'asked':>7}{'right':>7}{'wrong':>7}{'full':>6}{'lost':>6}{'p50':>9}{'p95':>9}"]
        phases: tuple[Phase, Phase] = ("quiet", "attack")
        for phase in phases:
            count = Counter(each.outcome for each in self.asked if each.phase == phase)
            lines.append(
                f"{phase:8}{count.total():>7}{count['right']:>7}{count['wrong']:>7}{count['full']:>6}{count['lost']:>6}"
                f"{self.seconds(phase, 50):>7.2f} s{self.seconds(phase, 95):>7.2f} s"
            )
        lines.append(
            f"slower: {self.slower:.1f} times; memory: {self.growth:+.0f} % under attack, at most "
            f"{self.more:+.0f} MB; open files in the end: {self.files_left}; tracebacks: {self.errors}"
        )
        return "\n".join(lines)

    def _in_quiet(self, of: Callable[[Sample], float]) -> float:
        return median([of(each) for each in self.samples[: self.quiet]] or [0.0])


def besiege(
    pid: int,
    target: Target,
    deck: Mapping[str, str],
    *,
    quiet: float,
    attack: float,
    attacks: Mapping[str, Attack],
    people: int = 10,
    pace: float = 6.0,
    tell: Callable[[str], None] = lambda _: None,
) -> Siege:
    """Have people ask a page, in quiet for some seconds and then under attack.

    Args:
        pid: Of the page's process.
        target: The page.
        deck: Questions, and what stands in the answer of each.
        quiet: Seconds in quiet.
        attack: Seconds under attack.
        attacks: Who attacks it.
        people: How many ask.
        pace: Seconds between two questions of one of them.
        tell: Hears how it goes.
    """
    seen, over = Siege(), Event()
    phases: list[Phase] = ["quiet"]
    with ThreadPoolExecutor(people + len(attacks)) as threads:
        busy = {
            f"person {number}": threads.submit(_ask, target, number, deck, pace, seen, phases, over)
            for number in range(people)
        }
        try:
            _sample(pid, seen, quiet, tell)
            seen.quiet = len(seen.samples)
            phases.append("attack")
            for number, (name, each) in enumerate(attacks.items(), start=2):
                busy[name] = threads.submit(each, target, f"{_FROM}{number}", over)
            _sample(pid, seen, attack, tell)
        finally:
            over.set()
        for name, each in busy.items():
            if error := each.exception():
                raise AssertionError(f"{name} broke down") from error
    seen.files_left = _files_left(pid, seen)
    return seen


def _ask(
    target: Target,
    number: int,
    deck: Mapping[str, str],
    pace: float,
    seen: Siege,
    phases: Sequence[Phase],
    over: Event,
) -> None:
    """Ask as one person, each question in a conversation of its own."""
    chance = random.Random(number)
    with visiting(target.address, target.password) as visitor:
        over.wait(pace * chance.random())
        while not over.is_set():
            question, phase, start = chance.choice(list(deck)), phases[-1], time.monotonic()
            told = ""
            with suppress(httpx.HTTPError):
                visitor.click("clear")
                start = time.monotonic()
                told = visitor.heard(question)
            took = time.monotonic() - start
            seen.count(Asked(phase, _judged(told, deck[question]), took))
            over.wait(max(0.0, pace - took))


def _judged(told: str, expected: str) -> Outcome:
    """What came of a question."""
    came = outcome(told)
    if came == "answered":
        return "right" if expected in told else "wrong"
    return "full" if came == "full" else "lost"


def _sample(pid: int, seen: Siege, seconds: float, tell: Callable[[str], None]) -> None:
    """Look at the page's process for some seconds."""
    begun, shown = time.monotonic(), time.monotonic()
    while (now := time.monotonic()) - begun < seconds:
        seen.samples.append(_looked_at(pid, now, len(seen.asked)))
        if now - shown > _SHOWN:
            shown = now
            tell(str(seen.samples[-1]))
        time.sleep(min(seconds, max(0.2, seconds / 200)))


def _looked_at(pid: int, now: float, asked: int) -> Sample:
    process = Path(f"/proc/{pid}")
    handles, threads = (sum(1 for _ in (process / of).iterdir()) for of in ("fd", "task"))
    return Sample(now, resident_megabytes(pid), handles, threads, asked)


def _files_left(pid: int, seen: Siege) -> int:
    """The open files of a page that nobody asks or attacks any more, once they are as before, or it is too late."""
    until = time.monotonic() + _RETURN
    before = seen._in_quiet(lambda each: each.handles)
    while (left := _looked_at(pid, 0, 0).handles) > before + FILES_LEFT and time.monotonic() < until:
        time.sleep(0.5)
    return left


def deck() -> dict[str, str]:
    """Questions about towns, and what stands in the answer of each."""
    chance = random.Random(1902)
    return {
        f"In which year was the {thing} of {town} built?": str(chance.randrange(1_600, 1_990))
        for town in _TOWNS
        for thing in _THINGS
    }


@contextmanager
def besieged(log: Path) -> Iterator[tuple[int, Target]]:
    """A page in a process of its own, over towns and a page that takes long to draw; and the process."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "towns"
        folder.mkdir()
        for town in _TOWNS:
            built = (
                f"The {question.split(' of ')[0].split()[-1]} of {town} was built in {year} by {maker}."
                for (question, year), maker in zip(
                    (each for each in deck().items() if f" of {town} " in each[0]), _MAKERS, strict=True
                )
            )
            (folder / f"{town}.txt").write_text(f"{town}\n\n" + "\n\n".join(built) + "\n", encoding="utf-8")
        slow = slow_pdf()
        (folder / "quay.pdf").write_bytes(slow)
        version = f"{sha256(slow).hexdigest()}-{len(SLOW_LINE)}"
        with log.open("wb") as said, served(folder, password=_PASSWORD, log=said) as (process, address):
            yield process.pid, Target(address, _PASSWORD, urlencode({"document": "towns/quay.pdf", "version": version}))


def main(
    minutes: Annotated[float, typer.Option(help="How long, a sixth of it in quiet.")] = 30.0,
    people: Annotated[int, typer.Option(help="How many ask.")] = 10,
    pace: Annotated[float, typer.Option(help="Seconds between two questions of one of them.")] = 6.0,
    only: Annotated[str, typer.Option(help=f"Attackers, with commas between: {', '.join(ATTACKS)}.")] = "",
    log: Annotated[Path, typer.Option(help="Where what the page says goes.")] = Path("runs/siege.log"),
) -> None:
    """Attack a page while people ask it; and fail where a promise is broken."""
    attacks = {name: each for name, each in ATTACKS.items() if not only or name in only.split(",")}
    log.parent.mkdir(parents=True, exist_ok=True)
    with besieged(log) as (pid, target):
        seconds = 60 * minutes
        seen = besiege(
            pid,
            target,
            deck(),
            quiet=seconds * _QUIET,
            attack=seconds * (1 - _QUIET),
            attacks=attacks,
            people=people,
            pace=pace,
            tell=lambda line: typer.echo(line, err=True),
        )
    seen.errors = log.read_text(encoding="utf-8", errors="replace").count("Traceback (most recent call last)")
    typer.echo(str(seen))
    for fault in seen.faults():
        typer.echo(fault)
    raise typer.Exit(1 if seen.faults() else 0)


if __name__ == "__main__":
    typer.run(main)
