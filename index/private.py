"""Who may read a library: the user whose it is, and a group that they share it with on purpose.

A library is shared where its folder has the set-group-ID bit, as `chmod g+s` gives it; the rights of its group are then
left as they are. Whatever the process's umask, nobody else may read it.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from index.sync import UPLOADS

_OTHERS, _GROUP_TOO = stat.S_IRWXO, stat.S_IRWXO | stat.S_IRWXG
_NEW_FOLDER, _NEW_FILE = 0o700, 0o600


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone, where there is none.

    Raises:
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(_NEW_FOLDER, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file for its owner alone, where there is none: whoever writes it later takes it as it is.

    Raises:
        OSError: It cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NEW_FILE))


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


def _modes(home: Path) -> Iterator[tuple[Path, int]]:
    """The folder, what holds text in it, and their modes; what is deleted meanwhile is left out."""
    for path in (home, home / UPLOADS, *home.glob("*.sqlite*"), *(home / UPLOADS).glob("*")):
        with suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                yield path, mode
