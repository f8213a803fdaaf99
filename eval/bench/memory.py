"""How much memory processes take (Linux)."""

import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

_LOOK = 0.05  # seconds between two looks


def resident_megabytes(pid: int) -> float:
    """The resident memory of a process; 0 where it has ended."""
    told = _read(Path(f"/proc/{pid}/status"))
    return int(told.split("VmRSS:")[1].split()[0]) / 1024 if "VmRSS:" in told else 0.0


def peak_megabytes(process: "Popen[str]") -> float:
    """The most resident memory that a process and those it began took together, until it ends.

    Memory that two of them share counts for each.
    """
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, sum(map(resident_megabytes, _family(process.pid))))
        time.sleep(_LOOK)
    return peak


def _family(pid: int) -> Iterator[int]:
    """A process and all that it began, and they began."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(children).split():
            yield from _family(int(child))


def _read(path: Path) -> str:
    """What the kernel says of a process, or "" where it has ended."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
