"""The one process that writes a library; the lock goes with it, however it ends."""

import errno
import fcntl
import os
import time
from pathlib import Path

import filelock

from index.errors import LibraryError
from index.private import make_file

_LOCK, _WRITER = "lock", "writer"
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_NOT_HERE = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP)  # a disk of another computer locks no folders


class Lock:
    """Held by at most one process. A file left by one that is gone locks nobody out: the kernel holds it, not the file.

    The library's folder itself is locked, which nobody deletes by the way, and the file `lock` in it as well: for disks
    that lock no folders, and for earlier versions of Footnote.

    Attributes:
        held: Whether this process holds it.
        barred: Why no process of this user can write there, or "".
    """

    def __init__(self, home: Path) -> None:
        """Take the lock of the library in `home`, where nobody else holds it and `home` may be written.

        Raises:
            LibraryError: Files cannot be locked there.
        """
        self._home = home
        self._file = filelock.FileLock(home / _LOCK, blocking=False, thread_local=False)
        self._folder: int | None = None
        self._guarded, self._identity = home, (0, 0)
        self.barred = ""
        self.held = False
        self.take()

    def take(self) -> bool:
        """Take it where nobody else holds it any more; whether this process holds it now.

        Raises:
            LibraryError: Files cannot be locked there.
        """
        if not self.held:
            self.held = self._take()
        return self.held

    def release(self) -> None:
        """Let another process take it."""
        self._file.release()
        if self._folder is not None:
            os.close(self._folder)
        self._folder = None
        self.held = False

    def holder(self) -> str:
        """Who holds it and since when, for people."""
        try:
            return (self._home / _WRITER).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return "another process"

    def require(self) -> None:
        """See that this process holds it, and that it is still that of the library in this place.

        Raises:
            LibraryError: Another one does, or the library was deleted or moved away.
        """
        if self.barred:
            raise LibraryError(
                f"{self._home} cannot be written ({self.barred}); name another place for the library with --library."
            )
        if not self.held:
            raise LibraryError(
                f"{self._home} is being written by {self.holder()}; stop that one first, or wait until it is done."
            )
        if _identity(self._guarded) != self._identity:
            raise LibraryError(
                f"{self._guarded} was deleted or moved while Footnote had it open; end Footnote and start it again."
            )

    def _take(self) -> bool:
        try:
            if not self._take_folder():
                return False
            make_file(self._home / _LOCK)
            self._file.acquire()
            self._say_who()
        except filelock.Timeout:
            self.release()
            return False
        except (OSError, NotImplementedError) as error:
            self.release()
            if isinstance(error, OSError) and error.errno in _READ_ONLY:
                self.barred = (error.strerror or str(error)).lower()
                return False
            raise LibraryError(
                f"{self._home} cannot be locked ({error}); name a place on another disk with --library."
            ) from error
        self._guarded = self._home / _LOCK if self._folder is None else self._home
        self._identity = _identity(self._guarded)
        return True

    def _take_folder(self) -> bool:
        """Whether nobody else holds the folder; it is held by this process now, where its disk locks folders."""
        folder = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            return False
        except OSError as error:
            os.close(folder)
            if error.errno not in _NOT_HERE:
                raise
        else:
            self._folder = folder
        return True

    def _say_who(self) -> None:
        who = f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
        try:
            make_file(self._home / _WRITER)
            (self._home / _WRITER).write_text(who, encoding="utf-8")
        except OSError as error:
            if error.errno != errno.ENOSPC:  # on a full disk it can still be read
                raise


def _identity(path: Path) -> tuple[int, int]:
    """What tells a file or folder from any other that comes to its place; (0, 0) where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino
