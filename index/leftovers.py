"""What is not finished, and what killed processes have left of it.

A backup and a restored library grow in a folder of their own beside the place where they will be. Its lock ends with
the process, however that ends, so that a folder whose lock is free is a leftover. A note in the library says where its
backups grow, for those may be anywhere.

Folders and libraries may come from anywhere. So a mark in each such folder, and each note, is sealed with the user's
secret: what bears no seal of theirs is never deleted.
"""

import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import filelock

from index.catalog import CATALOG
from index.private import make_file, make_subfolder
from index.sync import UPLOADS
from index.trust import is_signed, sign

COPY, PACKED = "copy", "zip"
"""What grows in such a folder: a library, and one packed into a file."""

SET_ASIDE = f"{CATALOG}.damaged-"
"""Begins the names of damaged catalogs that were moved out of the way, and kept."""

_PREFIX, _LOCK, _MARK, _NOTES = ".footnote-", "lock", "mark", "unfinished"
_NAME = re.compile(r"\.footnote-[a-z0-9_]{8}")  # as tempfile makes names
_OWN = {COPY, PACKED, _LOCK, _MARK}
_MOMENT = 60.0  # seconds in which a folder that was just made gets its lock and its mark
_SEAL_BYTES, _NOTE_BYTES = 64, 4_096  # of a seal, and of a note at most


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
    for leftover in _left_in(place):
        delete(leftover)
    with tempfile.TemporaryDirectory(dir=place, prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        lock = filelock.FileLock(folder / _LOCK, blocking=False, thread_local=False)
        with suppress(NotImplementedError):  # where files cannot be locked, nothing is ever taken for a leftover
            lock.acquire()
            (folder / _MARK).write_bytes(_sealed(os.fsencode(folder.name)))  # after its lock: see `_is_left`
        note = _noted(folder, home) if home else None
        try:
            yield folder
        finally:
            lock.release()
            with suppress(OSError):  # the next one deletes it
                delete(folder)
            if note:
                note.unlink(missing_ok=True)


def left(home: Path) -> tuple[Path, ...]:
    """What killed processes have left of backups of the library in `home`, and of a library restored to it."""
    noted = (folder for folder in map(_noted_folder, _notes(home)) if folder and _is_left(folder))
    return tuple(sorted({*_left_in(home.parent), *noted}))


def doubtful(home: Path) -> tuple[Path, ...]:
    """What lies beside a library and looks like that, but bears no seal of this user's: only they can tell."""
    now = time.time()
    return tuple(
        path
        for path in sorted(home.parent.glob(f"{_PREFIX}*"))
        if _looks_left(path) and not _is_marked(path) and now - path.lstat().st_mtime > _MOMENT and _is_idle(path)
    )


def parts(home: Path) -> tuple[Path, ...]:
    """What killed processes have left of uploads; only while no other process writes the library."""
    return tuple(sorted((home / UPLOADS).glob(".*.part")))


def sweep(home: Path) -> None:
    """Delete all that; by who writes the library.

    Raises:
        OSError: Something cannot be deleted.
    """
    for folder in left(home):
        delete(folder)
    for note in _notes(home):
        noted = _noted_folder(note)
        if noted and not noted.exists():
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
        make_subfolder(note.parent)
        make_file(note)
        note.write_bytes(_sealed(os.fsencode(folder.absolute())))
    except OSError:
        return None
    return note


def _notes(home: Path) -> tuple[Path, ...]:
    return tuple(sorted((home / _NOTES).glob(f"{_PREFIX}*")))


def _noted_folder(note: Path) -> Path | None:
    """The folder that a note tells of; none where this user has not written it."""
    path = _unsealed(note)
    return Path(os.fsdecode(path)) if path else None


def _sealed(data: bytes) -> bytes:
    """Data behind the seal of this user: nobody else can write it."""
    return sign(_digest(data)).encode() + data


def _unsealed(path: Path) -> bytes:
    """What a sealed file holds; b"" where this user has not sealed it, or it cannot be read."""
    try:
        held = _beginning(path)
    except OSError:
        return b""
    seal, data = held[:_SEAL_BYTES], held[_SEAL_BYTES:]
    return data if is_signed(_digest(data), seal) else b""


def _beginning(path: Path) -> bytes:
    """The first bytes of a plain file, and nothing of what is none: a pipe or a device might never end.

    Raises:
        OSError: It cannot be read, or is a link.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(_NOTE_BYTES) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""


def _digest(data: bytes) -> str:
    return f"unfinished {sha256(data).hexdigest()}"


def _left_in(place: Path) -> tuple[Path, ...]:
    return tuple(path for path in place.glob(f"{_PREFIX}*") if _is_left(path))


def _is_left(folder: Path) -> bool:
    """Whether a folder is one of these, made by this user, and no process is at work in it.

    It gets its lock before its mark, and loses its mark last: a marked one without a lock was not wholly deleted.
    """
    return _looks_left(folder) and _is_marked(folder) and _is_idle(folder)


def _looks_left(folder: Path) -> bool:
    """Whether a folder is as these are made: its name, its owner, who may read it, and the names in it."""
    try:
        status = folder.lstat()
        is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and status.st_mode & 0o777 == 0o700
        return is_ours and _NAME.fullmatch(folder.name) is not None and set(os.listdir(folder)) <= _OWN
    except (OSError, ValueError):
        return False


def _is_marked(folder: Path) -> bool:
    """Whether a folder bears the mark of this user."""
    return _unsealed(folder / _MARK) == os.fsencode(folder.name)


def _is_idle(folder: Path) -> bool:
    """Whether no process is at work in a folder."""
    if not (folder / _LOCK).exists():
        return True
    try:
        with filelock.FileLock(folder / _LOCK, blocking=False):
            return True
    except (filelock.Timeout, OSError, NotImplementedError):
        return False


def delete(folder: Path) -> None:
    """Delete a folder of these, its mark at last, so that what is left of a broken off deletion is found.

    Raises:
        OSError: It cannot be deleted.
    """
    with suppress(FileNotFoundError):  # another process deletes it too
        for name in (COPY, PACKED, _LOCK, _MARK):
            _remove(folder / name)
        folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
