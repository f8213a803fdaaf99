"""A killed process leaves a library that lost nothing and mends itself; a small version of `python -m tests.kills`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import kills


def test_killed_at_every_named_point_nothing_is_lost_and_no_hand_is_needed(tmp_path: Path) -> None:
    """Two libraries at once, each killed at every other point."""

    def left(number: int) -> list[kills.Left]:
        points = kills.POINTS[number::2]
        return list(kills.rounds(tmp_path / str(number), len(points), seed=number, points=points))

    with ThreadPoolExecutor(2) as threads:
        every = [each for some in threads.map(left, range(2)) for each in some]
    assert len(every) == len(kills.POINTS) >= 16
    assert [each for each in every if not each.is_well] == []
