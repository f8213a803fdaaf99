"""Plan(read, removed): what a folder's files need; plan first, effects second."""

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from index import formats, recognise
from index.catalog import File
from index.errors import LibraryError, Refused
from index.names import spelt

MAX_BYTES = 64 * 2**20
UPLOADS = "uploads"
"""The root, and in the library the folder, of documents that lie in no folder of their owner's."""

AGAIN = "; it is tried once more at the next sync"
"""Ends why a file was not read that took too long, or whose reader was ended: a busy machine may be the cause."""

MAX_PATH = 1_000
"""Characters of an id, which every passage of its document bears; what has a longer one lies too deep to be read."""

IGNORE = ".footnoteignore"
"""In a folder of documents, names what is not to be read, as a .gitignore does (gitignore(5))."""


_UNAPPROVED = (
    "the library names this folder, {}, and you have not included it here; have footnote include or exclude it"
)


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of documents.

    Attributes:
        name: What their ids begin with.
        path: Where it is.
        may_be_away: Whether it may lie on a disk that is not plugged in: then its place is missing, or empty.
        is_approved: Whether this user has included it; one that only the catalog names is not looked into.
    """

    name: str
    path: Path
    may_be_away: bool = False
    is_approved: bool = True

    def require(self) -> None:
        """See that it may be read.

        Raises:
            LibraryError: The user has not approved it.
        """
        if not self.is_approved:
            raise LibraryError(f"{self.path} was not read: {_UNAPPROVED.format(self.path)}.")


@dataclass(frozen=True, slots=True)
class Found:
    """A file seen in a root; `size` in bytes, `mtime_ns` in nanoseconds since 1970."""

    id: str
    path: Path
    size: int
    mtime_ns: int
    unlisted: bool = False  # a folder that cannot be listed
    unapproved: bool = False  # or may not
    too_deep: bool = False  # a file, or a folder that is not looked into, for its path is too long


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
class Changes:
    """What a sync would do, by the ids of the documents.

    Attributes:
        added: Files that are new.
        changed: Files that may have changed, or could not be read before.
        renamed: Old and new id of files that are elsewhere now.
        removed: Files that are gone.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sync is.

    Attributes:
        done: How many files are done.
        total: Of how many.
        name: The one being read.
        bytes_done: Their sizes together, for what is to be told of time: files differ more in size than in pace.
        bytes_total: The sizes of all.
        passages_done: How many passages of the one being read are done.
        passages_total: Of how many; 0 while that is not known.
    """

    done: int
    total: int
    name: str
    bytes_done: int = 0
    bytes_total: int = 0
    passages_done: int = 0
    passages_total: int = 0


OnProgress = Callable[[Progress], None]


def scan(roots: Iterable[Root], home: Path | None = None) -> Iterator[Found]:
    """Every file under the roots, and every folder that cannot be listed or lies too deep; links are not followed.

    Hidden files and folders, `home`, and what the root's `IGNORE` names are passed over.

    Raises:
        LibraryError: A root's `IGNORE` cannot be read.
    """
    for root in roots:
        if not root.is_approved:
            yield Found(root.name, root.path, 0, 0, unlisted=True, unapproved=True)
            continue
        if _is_away(root):
            yield Found(_id(root, root.path), root.path, 0, 0, unlisted=True)
        else:
            yield from _walked(root, home, _ignored(root.path / IGNORE))


def _walked(root: Root, home: Path | None, ignored: GitIgnoreSpec) -> Iterator[Found]:
    """What `scan` finds in a root, a folder after the other; without recursion, for there may be thousands in a row."""
    unlisted: list[Found] = []
    folders = [root.path]
    while folders:
        folder = folders.pop()
        if len(_id(root, folder)) > MAX_PATH:
            yield Found(_id(root, folder), folder, 0, 0, too_deep=True)
            continue
        try:
            with os.scandir(folder) as listed:
                entries = sorted((entry for entry in listed if entry.name[0] != "."), key=lambda entry: entry.name)
        except OSError:
            unlisted.append(Found(_id(root, folder), folder, 0, 0, unlisted=True))
            continue
        below, inner = folder.relative_to(root.path), []
        for entry in entries:
            path = folder / entry.name
            if _leads_to_folder(entry):
                if path == home or ignored.match_file(f"{below / entry.name}/"):
                    continue
                if not entry.is_symlink():
                    inner.append(path)
                    continue
            if not ignored.match_file(below / entry.name):
                yield from _seen(root, path)
        folders += reversed(inner)
    yield from unlisted


def _leads_to_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _seen(root: Root, path: Path) -> Iterator[Found]:
    """A file as it is now; nothing where it has gone since its folder was listed: the next sync sees what is there."""
    id = _id(root, path)
    try:
        status = path.lstat()
    except OSError:
        return
    yield Found(id, path, status.st_size, status.st_mtime_ns, too_deep=len(id) > MAX_PATH)


def _is_away(root: Root) -> bool:
    """Whether a root cannot be listed, or is as empty as the place of a disk that is not plugged in."""
    try:
        with os.scandir(root.path) as entries:
            return root.may_be_away and next(entries, None) is None
    except OSError:
        return True


def _ignored(path: Path) -> GitIgnoreSpec:
    """The files that a list of patterns names; none where there is no such list.

    Raises:
        LibraryError: It cannot be read.
    """
    try:
        return GitIgnoreSpec.from_lines(path.read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return GitIgnoreSpec(())
    except (OSError, ValueError) as error:
        raise LibraryError(
            f"{path} cannot be read as a list of files to ignore ({error}); mend or delete it."
        ) from error


def _id(root: Root, path: Path) -> str:
    """The id of a file or folder; what of its name is no text, or does not print, is spelt out."""
    return str(PurePosixPath(root.name, spelt(str(path.relative_to(root.path)))))


def plan(found: Iterable[Found], known: Mapping[str, File]) -> Plan:
    """Compare what is there with what the catalog knows; time and size stand for the content.

    What lies in a folder that cannot be listed is not taken for removed.
    """
    read, seen = [], set()
    unlisted = set()
    for file in found:
        seen.add(file.id)
        if file.unlisted:
            unlisted.add(file.id)
        before = known.get(file.id)
        same = before is not None and (before.size, before.mtime_ns) == (file.size, file.mtime_ns)
        if not same or before is None or not before.sha256 or may_be_read_now(before):
            read.append(file)
    return Plan(tuple(read), tuple(id for id in known if id not in seen and unlisted.isdisjoint(_folders_of(id))))


def _folders_of(id: str) -> Iterator[str]:
    """The ids of the folders that a file lies in, the innermost first."""
    while id := id.rpartition("/")[0]:
        yield id


def may_be_read_now(before: File) -> bool:
    """Whether a file that was not read, or not all of it, may be, though it has not changed."""
    return before.reason.endswith(AGAIN) or (before.reason.endswith(formats.AS_IN_A_SCAN) and recognise.is_there())


def changes(todo: Plan, known: Mapping[str, File]) -> Changes:
    """What a plan amounts to; of new files as large as one that is gone, the bytes are looked at."""
    gone = {known[id].sha256: id for id in todo.removed if known[id].sha256}
    sizes = {known[id].size for id in gone.values()}
    renamed: dict[str, str] = {}
    for file in todo.read:
        if file.id not in known and file.size in sizes:
            with suppress(Refused):
                before = gone.pop(sha256(read_bytes(file)).hexdigest(), None)
                if before:
                    renamed[file.id] = before
    moved = set(renamed.values())
    return Changes(
        added=tuple(file.id for file in todo.read if file.id not in known and file.id not in renamed),
        changed=tuple(file.id for file in todo.read if file.id in known),
        renamed=tuple((before, now) for now, before in renamed.items()),
        removed=tuple(id for id in todo.removed if id not in moved),
    )


def became(before: Collection[File], after: Collection[File]) -> str:
    """What a sync did, in a line: how many files were read, not read or gone, and how many are as they were."""
    known, ids = {file.id: file for file in before}, {file.id for file in after}
    new = [file for file in after if not _is_as_before(file, known.get(file.id))]
    counts = {
        "read": sum(file.state == "indexed" for file in new),
        "not read": sum(file.state != "indexed" for file in new),
        "gone": sum(file.id not in ids for file in before),
        "unchanged": len(after) - len(new),
    }
    if not new and not counts["gone"]:
        return "Nothing has changed."
    (what, count), *others = ((what, count) for what, count in counts.items() if count)
    parts = [f"{count:,} {'file' if count == 1 else 'files'} {what}", *(f"{count:,} {what}" for what, count in others)]
    return f"{', '.join(parts)}."


def _is_as_before(file: File, before: File | None) -> bool:
    """Whether the same became of a file, whatever its time is now."""
    return before is not None and replace(file, mtime_ns=before.mtime_ns) == before


def read_bytes(file: Found) -> bytes:
    """The bytes of a regular file.

    Raises:
        Refused: It is a link, of no known format, too large, not a regular file, gone, or unreadable, or lies too deep.
    """
    if file.unapproved:
        raise Refused(_UNAPPROVED.format(file.path))
    if file.too_deep:
        raise Refused(f"its path has more than {MAX_PATH:,} characters; move it up, or give its folders shorter names")
    if file.unlisted:
        raise Refused("it is a folder that is empty or cannot be listed; see that it is there and that you may read it")
    if file.path.is_symlink():
        raise Refused("it is a link; put the file itself into the folder")
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Refused(_why(error)) from error
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused("it is not a regular file")
        try:
            data = stream.read(formats.HEAD)
            formats.check(file.id, data)
            data += stream.read(MAX_BYTES + 1 - len(data))
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
