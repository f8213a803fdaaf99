"""What is not finished, and what killed processes have left of it.

A backup and a restored library grow in a folder of their own beside the place where they will be. Its lock ends with
the process, however that ends, so that a folder whose lock is free is a leftover. A note in the library says where its
backups grow, for those may be anywhere.
"""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from index.catalog import CATALOG
from index.private import make_folder
from index.sync import UPLOADS

COPY, PACKED = "copy", "zip"
"""What grows in such a folder: a library, and one packed into a file."""

SET_ASIDE = f"{CATALOG}.damaged-"
"""Begins the names of damaged catalogs that were moved out of the way, and kept."""

_PREFIX, _LOCK, _NOTES = ".footnote-", "lock", "unfinished"
_OWN = {COPY, PACKED, _LOCK}
_MOMENT = 60.0  # seconds in which a folder that was just made gets its lock


@contextmanager
def unfinished(place: Path, home: Path | None = None) -> Iterator[Path]:
    """A new folder in `place`, its owner's alone, for `COPY` and `PACKED`; deleted when the block ends.

    What others have left there is deleted before.

    Args:
        place: Where it is made.
        home: The library that is told of it, so that it is found should this process be killed.

    Raises:
        OSError: It cannot be made.
    """
    for each in _left_in(place):
        _delete(each)
    with tempfile.TemporaryDirectory(dir=place, prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        lock = filelock.FileLock(folder / _LOCK, blocking=False, thread_local=False)
        with suppress(NotImplementedError):  # where files cannot be locked, nothing is ever taken for a leftover
            lock.acquire()
        note = _noted(folder, home) if home else None
        try:
            yield folder
        finally:
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)
            if note:
                note.unlink(missing_ok=True)


def left(home: Path) -> tuple[Path, ...]:
    """What killed processes have left of backups of the library in `home`, and of a library restored to it."""
    noted = (folder for folder in map(_told, _notes(home)) if _is_left(folder))
    return tuple(sorted({*_left_in(home.parent), *noted}))


def parts(home: Path) -> tuple[Path, ...]:
    """What killed processes have left of uploads; only while no other process writes the library."""
    return tuple(sorted((home / UPLOADS).glob(".*.part")))


def sweep(home: Path) -> None:
    """Delete all that; by who writes the library.

    Raises:
        OSError: Something cannot be deleted.
    """
    for folder in left(home):
        _delete(folder)
    for note in _notes(home):
        if not _told(note).exists():
            note.unlink(missing_ok=True)
    for path in parts(home):
        path.unlink(missing_ok=True)


def forget_set_aside(home: Path) -> None:
    """Delete the damaged catalogs that were set aside.

    Raises:
        OSError: One cannot be deleted.
    """
    for path in home.glob(f"{SET_ASIDE}*"):
        path.unlink(missing_ok=True)


def _noted(folder: Path, home: Path) -> Path | None:
    """A note in a library of where a folder is; none where the library can only be read."""
    note = home / _NOTES / folder.name
    try:
        make_folder(note.parent)
        note.write_bytes(os.fsencode(folder.absolute()))
    except OSError:
        return None
    return note


def _notes(home: Path) -> tuple[Path, ...]:
    return tuple(sorted((home / _NOTES).glob(f"{_PREFIX}*")))


def _told(note: Path) -> Path:
    """The folder that a note tells of: a library may come from elsewhere, so it says little of what that is."""
    try:
        return Path(os.fsdecode(note.read_bytes()))
    except (OSError, ValueError):
        return Path()


def _left_in(place: Path) -> tuple[Path, ...]:
    return tuple(path for path in place.glob(f"{_PREFIX}*") if _is_left(path))


def _is_left(folder: Path) -> bool:
    """Whether a folder is one of these, made by this user, and no process is at work in it."""
    try:
        status = folder.lstat()
        is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and folder.name.startswith(_PREFIX)
        names = set(os.listdir(folder)) if is_ours else set()
        if not is_ours or not names <= _OWN:
            return False
        if _LOCK not in names:  # an empty one may have been made just now; else its deletion was broken off
            return bool(names) or time.time() - status.st_mtime > _MOMENT
        with filelock.FileLock(folder / _LOCK, blocking=False):
            return True
    except (filelock.Timeout, OSError, NotImplementedError, ValueError):
        return False


def _delete(folder: Path) -> None:
    with suppress(FileNotFoundError):  # another process deletes it too
        shutil.rmtree(folder)
