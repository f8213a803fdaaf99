"""A library as one file, taken while it is in use, and made a library again.

Only what cannot be made anew is in it: SQLite's files, the uploads, and numbers of the library's own. The search
indexes are built from the catalog when a restored library is opened.
"""

import lzma
import os
import shutil
import sqlite3
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath

from index import private
from index.catalog import CATALOG, TROUBLE, connect_to_read, damage
from index.errors import LibraryError
from index.leftovers import COPY, PACKED, unfinished
from index.sync import UPLOADS
from index.trust import see_plain

_KEPT = "*.json"  # numbers of the library's own
_NO_BACKUP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, UnicodeDecodeError)
"""What unpacking raises of a file that is none, was cut or changed, or is encrypted or packed in an unknown way."""


def backup(home: Path, target: Path) -> None:
    """Write the library that lives in `home` to a new file, as it is at one moment; another process may be writing it.

    Only its owner may read the file.

    Raises:
        LibraryError: There is no library, or it is damaged; or the file exists, or cannot be written.
    """
    if not (home / CATALOG).is_file():
        raise LibraryError(f"There is no library in {home}; name the folder whose library is to be kept.")
    see_plain(home)
    if target.exists():
        raise LibraryError(f"{target} exists; name a file that does not.")
    try:
        with unfinished(target.absolute().parent, home) as folder:
            copy, part = folder / COPY, folder / PACKED
            _copy(home, copy)
            private.make_file(part)
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
                for path in sorted(copy.rglob("*")):
                    if _belongs(path.relative_to(copy).as_posix()):
                        packed.write(path, path.relative_to(copy))
            part.replace(target)
    except OSError as error:
        raise LibraryError(
            f"The backup {target} cannot be written ({(error.strerror or str(error)).lower()}); see that its disk has "
            f"room, or name another place."
        ) from error


def restore(source: Path, home: Path) -> None:
    """Make the library in `home` that a backup holds.

    Raises:
        LibraryError: It is no backup of a library, or it is damaged; or there is something in `home`, or it cannot be
            written.
    """
    try:
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise LibraryError(f"There is something in {home}; move it away, or name another place with --library.")
        home.parent.mkdir(parents=True, exist_ok=True)
        with unfinished(home.parent) as folder:
            copy = folder / COPY
            _unpack(source, copy)
            for database in copy.glob("*.sqlite"):
                _check(database)
            if not (copy / CATALOG).is_file():
                raise LibraryError(f"{source} is no backup of a library.")
            private.withdraw(copy)
            shutil.rmtree(home, ignore_errors=True)  # it is empty
            copy.replace(home)
    except OSError as error:
        raise LibraryError(
            f"{source} cannot be restored to {home} ({(error.strerror or str(error)).lower()}); see that it is there, "
            f"and that the disk has room."
        ) from error


def _unpack(source: Path, copy: Path) -> None:
    """Make a folder of what a backup holds.

    Raises:
        LibraryError: It is no backup of a library, or it is damaged.
        OSError: It cannot be read, or the folder cannot be written.
    """
    private.make_folder(copy)
    try:
        with zipfile.ZipFile(source) as packed:
            packed.extractall(copy, members=[name for name in packed.namelist() if _belongs(name)])
    except _NO_BACKUP as error:
        why = str(error) or "it ends before its end"
        raise LibraryError(f"{source} is no backup of a library, or is damaged ({why}).") from error


def _copy(home: Path, copy: Path) -> None:
    """Copy what cannot be made anew; the catalog before the uploads, so that none it knows is missing."""
    copy.mkdir()
    for database in sorted(home.glob("*.sqlite")):
        with (
            _saying(database),
            closing(connect_to_read(database)) as ours,
            closing(sqlite3.connect(copy / database.name)) as theirs,
        ):
            ours.backup(theirs)
        _check(copy / database.name)
    with _saying(home / CATALOG), closing(sqlite3.connect(copy / CATALOG)) as theirs:
        theirs.execute("PRAGMA trusted_schema = OFF")
        theirs.execute("DELETE FROM derived")  # of indexes that are not in it
        theirs.commit()
    for path in home.glob(_KEPT):
        _copy_file(path, copy / path.name)
    (copy / UPLOADS).mkdir()
    for path in (home / UPLOADS).iterdir():
        if not path.name.startswith(".") and stat.S_ISREG(path.lstat().st_mode):
            _copy_file(path, copy / UPLOADS / path.name)


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file and its time, but not what a link leads to: a backup holds nothing from outside the library.

    Raises:
        OSError: It cannot be copied, or is a link.
    """
    with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as from_, target.open("xb") as to:
        shutil.copyfileobj(from_, to)
        status = os.fstat(from_.fileno())
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


@contextmanager
def _saying(database: Path) -> Iterator[None]:
    """Copy a file.

    Raises:
        LibraryError: SQLite cannot read it.
    """
    try:
        yield
    except TROUBLE as error:
        raise LibraryError(f"{database} cannot be read ({error}); footnote doctor says more.") from error


def _belongs(name: str) -> bool:
    """Whether a backup may hold a file of this name."""
    path = PurePosixPath(name)
    if path.parts[:-1] == (UPLOADS,):
        return True
    return len(path.parts) == 1 and any(path.match(pattern) for pattern in ("*.sqlite", _KEPT, UPLOADS))


def _check(database: Path) -> None:
    """See that SQLite finds nothing wrong with a file.

    Raises:
        LibraryError: It does.
    """
    wrong = damage(database)
    if wrong:
        raise LibraryError(f"{database.name} is damaged ({wrong}).")
