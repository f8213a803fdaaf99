"""The folders of a library, and where in them the file of a document lies."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from index.errors import LibraryError
from index.names import unspelt
from index.sync import UPLOADS, Root
from index.trust import Approval


def roots_of(own: Root, included: Mapping[str, Path], home: Path, approval: Approval) -> tuple[Root, ...]:
    """The library's own folder, those that its catalog names as included, and that of the uploads in `home`."""
    others = (
        Root(name, path, may_be_away=True, is_approved=str(path) in approval.roots) for name, path in included.items()
    )
    return own, *others, Root(UPLOADS, home / UPLOADS)


def root_of(roots: Iterable[Root], document_id: str) -> Root:
    """The folder that a document lies in.

    Raises:
        LibraryError: It is not included any more, or this user has not approved it.
    """
    name = document_id.partition("/")[0]
    for root in roots:
        if root.name == name:
            root.require()
            return root
    raise LibraryError(f"The folder of {name} is not included any more; the next sync forgets its documents.")


def path_of(roots: Iterable[Root], document_id: str) -> Path:
    """Where the file of a document is.

    Raises:
        LibraryError: Not in a folder of the library's, whatever its catalog says.
    """
    root, rest = root_of(roots, document_id).path, document_id.partition("/")[2]
    below = PurePosixPath(unspelt(rest))
    path = root / below
    try:
        lies_in_it = path.parent.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle, or a NUL
        lies_in_it = False
    if not lies_in_it or ".." in below.parts:
        raise LibraryError(f"{rest} does not lie in {root}; start Footnote again to read it anew.")
    return path
