"""Plan(read, removed): what a folder's files need; plan first, effects second."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from index import formats
from index.catalog import File
from index.errors import LibraryError, Refused

MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of documents; their ids begin with `name`."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Found:
    """A file seen in a root; `size` in bytes, `mtime_ns` in nanoseconds since 1970."""

    id: str
    path: Path
    size: int
    mtime_ns: int
    unlisted: bool = False  # a folder that cannot be listed


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sync will do.

    Attributes:
        read: Files that are new, may have changed, or could not be read before.
        removed: Ids of documents whose files are gone.
    """

    read: tuple[Found, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sync is: `done` of `total` files, and the name of the one being read."""

    done: int
    total: int
    name: str


def scan(roots: Iterable[Root], home: Path | None = None) -> Iterator[Found]:
    """Every file under the roots; links are not followed, and hidden files and folders and `home` are passed over.

    Raises:
        LibraryError: A root itself cannot be listed.
    """
    for root in roots:
        unlisted: list[OSError] = []
        for folder, folders, names in os.walk(root.path, onerror=unlisted.append):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and Path(folder, name) != home)
            links = [name for name in folders if Path(folder, name).is_symlink()]
            for name in sorted([*names, *links]):
                path = Path(folder, name)
                if name.startswith("."):
                    continue
                try:
                    status = path.lstat()
                except OSError:  # gone since the folder was listed: the next sync sees what is there then
                    continue
                yield Found(_id(root, path), path, status.st_size, status.st_mtime_ns)
        for error in unlisted:
            path = Path(error.filename)
            if path == root.path:
                why = (error.strerror or str(error)).lower()
                raise LibraryError(f"The folder {path} cannot be listed ({why}); see that you may read it.") from error
            yield Found(_id(root, path), path, 0, 0, unlisted=True)


def _id(root: Root, path: Path) -> str:
    """The id of a file; bytes of its name that are no text are spelt out."""
    relative = path.relative_to(root.path).as_posix()
    return f"{root.name}/{relative}".encode(errors="backslashreplace").decode()


def plan(found: Iterable[Found], known: Mapping[str, File]) -> Plan:
    """Compare what is there with what the catalog knows; time and size stand for the content.

    What lies in a folder that cannot be listed is not taken for removed.
    """
    read, seen = [], set()
    unlisted: tuple[str, ...] = ()
    for file in found:
        seen.add(file.id)
        if file.unlisted:
            unlisted = (*unlisted, f"{file.id}/")
        before = known.get(file.id)
        same = before is not None and (before.size, before.mtime_ns) == (file.size, file.mtime_ns)
        if not same or before is None or not before.sha256:
            read.append(file)
    return Plan(tuple(read), tuple(id for id in known if id not in seen and not id.startswith(unlisted)))


def read_bytes(file: Found) -> bytes:
    """The bytes of a regular file.

    Raises:
        Refused: It is a link, of no known format, too large, not a regular file, gone, or unreadable.
    """
    if file.unlisted:
        raise Refused("it is a folder that cannot be listed; see that you may read it")
    if file.path.is_symlink():
        raise Refused("it is a link; put the file itself into the folder")
    formats.check_suffix(file.id)
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Refused(_why(error)) from error
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused("it is not a regular file")
        try:
            data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise Refused(_why(error)) from error
    if len(data) > MAX_BYTES:
        raise Refused(f"it is larger than {MAX_BYTES // 2**20} MB; split it, or save its text alone")
    return data


def _why(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "it is a link; put the file itself into the folder"
    if isinstance(error, FileNotFoundError):
        return "it vanished while the folder was being read"
    return f"it cannot be read ({(error.strerror or str(error)).lower()})"
