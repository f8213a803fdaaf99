"""Small versions of the long harnesses: `python -m tests.locks`, `diskfull`, `state`, `kills` and `gone`."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import diskfull, gone, kills, locks, state


@pytest.mark.parametrize("name", locks.HARNESSES)
def test_two_processes_and_one_library_harm_neither(tmp_path: Path, name: str) -> None:
    assert list(locks.HARNESSES[name](locks.made(tmp_path), 3)) == [True] * 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_costs_no_answer_and_loses_nothing() -> None:
    outcomes = list(diskfull.rounds(3))
    assert [each for each in outcomes if not each.is_well] == []
    assert all(each.said for each in outcomes)


def test_I5_after_sync_the_library_equals_the_folder_whatever_became_of_it() -> None:
    state.run(examples=50, steps=8)


def test_killed_at_every_named_point_and_by_chance_nothing_is_lost_and_no_hand_is_needed(tmp_path: Path) -> None:
    """Two libraries at once, each killed at every other point, and then by chance."""

    def left(number: int) -> list[kills.Left]:
        return list(kills.rounds(tmp_path / str(number), 25, seed=number, points=kills.POINTS[number::2]))

    with ThreadPoolExecutor(2) as threads:
        every = [each for some in threads.map(left, range(2)) for each in some]
    assert (len(kills.POINTS), len(every)) == (18, 50)
    assert [each for each in every if not each.is_well] == []


def test_what_is_removed_and_purged_is_nowhere_on_the_disk_whatever_was_killed_before(tmp_path: Path) -> None:
    """Kills the library twice, and its page once."""
    assert list(gone.rounds(tmp_path, 3, seed=1)) == [[], [], []]
