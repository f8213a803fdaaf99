"""A killed process leaves a library that lost nothing and mends itself; a small version of `python -m tests.kills`."""

from pathlib import Path

from tests import kills


def test_killed_at_every_named_point_nothing_is_lost_and_no_hand_is_needed(tmp_path: Path) -> None:
    left = list(kills.rounds(tmp_path, len(kills.POINTS), seed=7))
    assert len(left) >= 16
    assert [each for each in left if not each.is_well] == []
