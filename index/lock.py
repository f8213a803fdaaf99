"""The one process that writes a library; the lock goes with it, however it ends."""

import errno
import os
import time
from pathlib import Path

import filelock

from index.errors import LibraryError

_LOCK, _WRITER = "lock", "writer"


class Lock:
    """Held by at most one process. A file left by one that is gone locks nobody out: the kernel holds it, not the file.

    Attributes:
        held: Whether this process holds it.
    """

    def __init__(self, home: Path) -> None:
        """Take the lock of the library in `home`, where nobody else holds it.

        Raises:
            LibraryError: Files cannot be locked there.
        """
        self._home = home
        self._lock = filelock.FileLock(home / _LOCK, blocking=False, thread_local=False)
        self.held = self._take()

    def release(self) -> None:
        """Let another process take it."""
        self._lock.release()
        self.held = False

    def holder(self) -> str:
        """Who holds it and since when, for people."""
        try:
            return (self._home / _WRITER).read_text(encoding="utf-8")
        except OSError:
            return "another process"

    def require(self) -> None:
        """See that this process holds it.

        Raises:
            LibraryError: Another one does.
        """
        if not self.held:
            raise LibraryError(
                f"{self._home} is being written by {self.holder()}; stop that one first, or wait until it is done."
            )

    def _take(self) -> bool:
        try:
            self._lock.acquire()
            self._say_who()
        except filelock.Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            raise LibraryError(
                f"{self._home} cannot be locked ({error}); name a place on another disk with --library."
            ) from error
        return True

    def _say_who(self) -> None:
        told = f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
        try:
            (self._home / _WRITER).write_text(told, encoding="utf-8")
        except OSError as error:
            if error.errno != errno.ENOSPC:  # on a full disk it can still be read
                raise
