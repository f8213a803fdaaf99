"""Memory of a process that runs for long: what one thread no longer needs is there for others, and for the system."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def give_back() -> None:
    """Give memory that is not in use any more back to the system, which the C library would keep for itself."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def share() -> None:
    """Have all threads take memory from the same few places; where the C library has no such setting, nothing is done.

    By default glibc has eight for each core, and threads come and go: each of these places grows to what one of them
    took at most, hundreds of megabytes in an hour.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
