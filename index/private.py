"""Who may read a library: the user whose it is, and a group that they share it with on purpose.

A library is shared where its folder has the set-group-ID bit, as `chmod g+s` gives it; the rights of its group are then
left as they are, and what is made in it later gets them too. Whatever the process's umask, nobody else may read it.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from index.sync import UPLOADS

_OTHERS, _GROUP_TOO = stat.S_IRWXO, stat.S_IRWXO | stat.S_IRWXG
_NEW_FOLDER, _NEW_FILE = 0o700, 0o600
_READ_AND_WRITE = stat.S_IRGRP | stat.S_IWGRP


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone, where there is none.

    Raises:
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(_NEW_FOLDER, exist_ok=True)


def make_subfolder(path: Path) -> None:
    """Make a folder in a library, and those that it lies in, where there is none; a group that shares it may enter.

    Raises:
        OSError: It cannot be made.
    """
    if path.is_dir():
        return
    make_subfolder(path.parent)
    path.mkdir(_NEW_FOLDER, exist_ok=True)
    rights = _rights_of_group(path.parent)
    if rights:
        path.chmod(_NEW_FOLDER | stat.S_ISGID | rights)


def make_file(path: Path) -> None:
    """Make an empty file in a library, where there is none: whoever writes it later takes it as it is.

    It is its owner's alone, or has the rights of the group that the folder it lies in is shared with.

    Raises:
        OSError: It cannot be made.
    """
    with suppress(FileExistsError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NEW_FILE)
        try:
            rights = _rights_of_group(path.parent) & _READ_AND_WRITE
            if rights:
                os.fchmod(file, _NEW_FILE | rights)  # whatever the umask
        finally:
            os.close(file)


def is_exposed(home: Path) -> bool:
    """Whether users who should not may enter the folder `home`."""
    return bool(home.stat().st_mode & _forbidden(home))


def withdraw(home: Path) -> None:
    """Have nobody read a library who should not; what belongs to another user is theirs to change."""
    forbidden = _forbidden(home)
    for path, mode in _modes(home):
        if mode & forbidden:
            with suppress(PermissionError, FileNotFoundError):
                path.chmod(stat.S_IMODE(mode) & ~forbidden)


def _forbidden(home: Path) -> int:
    """The rights that nobody should have in a library."""
    return _OTHERS if home.stat().st_mode & stat.S_ISGID else _GROUP_TOO


def _rights_of_group(folder: Path) -> int:
    """The rights that its group has in a folder which is shared with it on purpose; 0 where it is not."""
    mode = folder.stat().st_mode
    return mode & stat.S_IRWXG if mode & stat.S_ISGID else 0


def _modes(home: Path) -> Iterator[tuple[Path, int]]:
    """The folder, what holds text in it, and their modes; what is deleted meanwhile is left out."""
    for path in (home, home / UPLOADS, *home.glob("*.sqlite*"), *(home / UPLOADS).glob("*")):
        with suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                yield path, mode
