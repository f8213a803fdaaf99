"""What this user lets a library reach outside its own folder: kept with the user, and never in what a folder brings.

A folder may come from anywhere, and bring a library of its own. Its catalog says which other folders it reads, with
which model and on which server; that counts only where this user has said so, of the library in this place.
"""

import hmac
import json
import logging
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from tempfile import NamedTemporaryFile

import platformdirs

from index.document import printable_name
from index.errors import LibraryError
from index.sync import UPLOADS

INDEXES = ("chroma", "lexical")
"""The folders in a library that hold what is made from its catalog."""

_SECRET = "secret"
_BYTES = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Approval:
    """What a library may reach outside its own folder.

    Attributes:
        roots: Other folders that it reads, whole paths.
        models: Embedding models other than Footnote's own, by name or whole path: loading one may run its code.
        servers: Addresses of Chroma servers.
    """

    roots: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()

    def __or__(self, other: "Approval") -> "Approval":
        """What either lets it reach."""
        return Approval(self.roots | other.roots, self.models | other.models, self.servers | other.servers)

    def __sub__(self, other: "Approval") -> "Approval":
        """What the other does not let it reach."""
        return Approval(self.roots - other.roots, self.models - other.models, self.servers - other.servers)


def approval_of(home: Path) -> Approval:
    """What this user lets the library in `home` reach; nothing where they have never said."""
    path = _path(home)
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        return Approval(*(frozenset(map(str, saved[name])) for name in ("roots", "models", "servers")))
    except FileNotFoundError:
        return Approval()
    except (OSError, ValueError, TypeError, KeyError) as error:
        _log.warning("What libraries may reach cannot be read from %s (%s).", path, error)
        return Approval()


def approve(home: Path, approval: Approval) -> None:
    """Write what `approval_of` reads; where that cannot be, the user is asked again."""
    if approval_of(home) == approval:
        return
    saved = {
        "library": str(home.resolve()),
        "roots": sorted(approval.roots),
        "models": sorted(approval.models),
        "servers": sorted(approval.servers),
    }
    path = _path(home)
    try:
        _write(path, json.dumps(saved, indent=2).encode()).replace(path)
    except OSError as error:
        _log.warning("What %s may reach cannot be kept in %s (%s), and is asked about again.", home, path, error)


def sign(digest: str) -> str:
    """A digest of what this user made, as nobody else can write it: with the user's secret; "" where there is none."""
    secret = _secret()
    return hmac.new(secret, digest.encode(), sha256).hexdigest() if secret else ""


def is_signed(digest: str, seal: bytes) -> bool:
    """Whether a seal is what `sign` makes of a digest; of a user without a secret, none is."""
    expected = sign(digest).encode()
    return bool(expected) and hmac.compare_digest(expected, seal)


def see_plain(home: Path) -> None:
    """See that a library holds plain files and folders alone: what is written to a link would be written elsewhere.

    Of the uploads only the folder itself: a link among them is not followed, and told of where it would be read.

    Raises:
        LibraryError: It does not, or cannot be looked into.
    """
    if home.is_symlink():
        raise LibraryError(f"{home} is a link; name the place that it leads to with --library.")
    try:
        folders = [home]
        while folders:
            for path, mode in _entries(folders.pop()):
                if not S_ISREG(mode) and not S_ISDIR(mode):
                    raise LibraryError(
                        f"{path} is a link or no plain file, and no library makes one; delete it, or name "
                        f"another place for the library with --library."
                    )
                if S_ISDIR(mode) and path != home / UPLOADS:
                    folders.append(path)
    except OSError as error:
        raise LibraryError(f"{home} cannot be looked into ({(error.strerror or str(error)).lower()}).") from error


def listed(paths: Iterable[object]) -> str:
    """Some paths or names in a sentence, as they can be printed: a foreign catalog may have named them."""
    *others, last = map(printable_name, paths)
    return f"{', '.join(others)} and {last}" if others else last


def _entries(folder: Path) -> Iterator[tuple[Path, int]]:
    """What lies in a folder, and the mode of each; another process may be deleting it."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for entry in os.scandir(folder):
            with suppress(FileNotFoundError):
                yield Path(entry.path), entry.stat(follow_symlinks=False).st_mode


def _secret() -> bytes:
    """A secret of this user, drawn at the first call; b"" where it cannot be kept."""
    path = _state() / _SECRET
    try:
        if not path.exists():
            part = _write(path, secrets.token_bytes(_BYTES))
            try:
                with suppress(FileExistsError):  # another process was quicker, and its secret counts
                    os.link(part, path)
            finally:
                part.unlink()
        return path.read_bytes()
    except OSError as error:
        _log.warning("%s cannot be kept (%s), so search indexes are made anew at each start.", path, error)
        return b""


def _write(path: Path, data: bytes) -> Path:
    """Write data that is going to be in `path` to a file beside it, which this user alone can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as part:  # it has mode 0600
        part.write(data)
    return Path(part.name)


def _path(home: Path) -> Path:
    """Where what a library may reach is kept."""
    return _state() / "approved" / f"{sha256(os.fsencode(home.resolve())).hexdigest()[:32]}.json"


def _state() -> Path:
    return platformdirs.user_state_path("footnote")
