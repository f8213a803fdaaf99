"""Memory of a process that runs for long: what is given back in one thread is taken again in another."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def share() -> None:
    """Have all threads take memory from the same few places; where the C library has no such setting, nothing is done.

    By default glibc has eight for each core, and threads come and go: each of these places grows to what one of them
    took at most, hundreds of megabytes in an hour.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
