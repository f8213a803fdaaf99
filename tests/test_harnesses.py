"""Small versions of the long harnesses: `python -m tests.locks`, `diskfull`, `state`, `kills`, `gone` and `siege`."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eval.bench.soak import Sample
from tests import diskfull, gone, kills, locks, siege, state
from tests.attacks import ATTACKS, Target
from tests.browser import serving
from tests.fakes import FIRE, as_footnote, fake


@pytest.mark.parametrize("name", locks.HARNESSES)
def test_two_processes_and_one_library_harm_neither(tmp_path: Path, name: str) -> None:
    assert list(locks.HARNESSES[name](locks.made(tmp_path), 3)) == [True] * 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_costs_no_answer_and_loses_nothing() -> None:
    outcomes = list(diskfull.rounds(2))
    assert [each for each in outcomes if not each.is_well] == []
    assert all(each.said for each in outcomes)


def test_I5_after_sync_the_library_equals_the_folder_whatever_became_of_it() -> None:
    state.run(examples=20, steps=8)


def test_killed_at_every_named_point_and_by_chance_nothing_is_lost_and_no_hand_is_needed(tmp_path: Path) -> None:
    """Two libraries at once, each killed at every other point, and then by chance."""

    def left(number: int) -> list[kills.Left]:
        return list(kills.rounds(tmp_path / str(number), 10, seed=number, points=kills.POINTS[number::2]))

    with ThreadPoolExecutor(2) as threads:
        every = [each for some in threads.map(left, range(2)) for each in some]
    assert (len(kills.POINTS), len(every)) == (18, 20)
    assert [each for each in every if not each.is_well] == []


def test_what_is_removed_and_purged_is_nowhere_on_the_disk_whatever_was_killed_before(tmp_path: Path) -> None:
    """Kills the library twice, and its page once."""
    assert list(gone.rounds(tmp_path, 3, seed=1)) == [[], [], []]


def test_people_are_answered_under_attack() -> None:
    """Some seconds of `python -m tests.siege` in this process, over a page that is quick."""
    attacks = {name: each for name, each in ATTACKS.items() if name in ("half_sent", "never_read", "guesses")}
    with serving(as_footnote(fake()), password="correct horse") as url:
        target, deck = Target(url, "correct horse"), {FIRE.question: FIRE.citations[0].quote}
        seen = siege.besiege(os.getpid(), target, deck, quiet=1.0, attack=4.0, attacks=attacks, people=2, pace=0.5)
    assert {each.outcome for each in seen.asked} == {"right"}
    assert {each.phase for each in seen.asked} == {"quiet", "attack"}
    assert seen.quiet > 0
    assert "quiet" in str(seen)


def test_a_siege_tells_every_broken_promise() -> None:
    def sample(megabytes: float, handles: int = 50) -> Sample:
        return Sample(0.0, megabytes, handles, 9, 0)

    quiet = [siege.Asked("quiet", "right", 1.0)] * 20
    held = siege.Siege([*quiet, siege.Asked("attack", "right", 2.5)], [sample(300.0)] * 80, quiet=20, files_left=60)
    assert held.faults() == []
    attack = [siege.Asked("attack", outcome, 4.0) for outcome in ("right", "wrong", "full", "lost")]
    grown = [sample(300.0)] * 20 + [sample(300.0 + 20 * each) for each in range(60)]
    broken = siege.Siege([*quiet, *attack], grown, quiet=20, files_left=500, errors=2)
    said = "\n".join(broken.faults())
    for fault in (
        "1 answers lost",
        "1 people sent away",
        "1 answers wrong",
        "2 tracebacks",
        "4.0 times",
        "memory grew",
    ):
        assert fault in said
    assert "memory was 1180 MB" in said
    assert "450 more files" in said
