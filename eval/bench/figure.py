"""A figure of speed or memory, beside the floor that it has to keep and the goal."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, and what it should be.

    Attributes:
        what: Such as "ask from the shell, median of 5".
        value: In `unit`.
        unit: Such as "s", "MB" or "times".
        floor: What it must reach; None where it is only told.
        goal: What it should; None where there is none.
        better: Whether less of it is better, or more.
        at: With how many this was, where it was measured with several numbers of them.
        of: Of what, such as "passages".
    """

    what: str
    value: float
    unit: str
    floor: float | None = None
    goal: float | None = None
    better: Literal["less", "more"] = "less"
    at: int | None = None
    of: str = ""

    @property
    def kept(self) -> bool:
        """Whether it reaches its floor."""
        return self._reaches(self.floor)

    @property
    def verdict(self) -> str:
        """How it stands to floor and goal, in a word or two."""
        if self.floor is None:
            return ""
        if not self.kept:
            return "missed"
        return "goal reached" if self.goal is not None and self._reaches(self.goal) else "kept"

    def __str__(self) -> str:
        named = (("floor", self.floor), ("goal", self.goal))
        bounds = ", ".join(f"{name} {self.told(bound)}" for name, bound in named if bound is not None)
        what = self.what if self.at is None else f"{self.what}, {self.at:,} {self.of}"
        return f"{what}: {self.told(self.value)}" + (f" ({bounds}): {self.verdict}" if bounds else "")

    def told(self, value: float | None) -> str:
        """A value in its unit, with three digits, or all of a whole number; "" where it is None."""
        if value is None:
            return ""
        digits = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
        return f"{digits} {self.unit}".rstrip()

    def _reaches(self, bound: float | None) -> bool:
        return bound is None or (self.value <= bound if self.better == "less" else self.value >= bound)
