"""Is there room on the disk? A full one damages what is being written, so it is looked at before."""

import shutil
from pathlib import Path

from index.errors import LibraryError, NoRoom

FREE_BYTES = 200 * 2**20


def see_room(home: Path) -> None:
    """See that the disk of a library has room for what is written next, a document or a batch of vectors.

    Raises:
        NoRoom: It has not.
        LibraryError: The disk cannot be looked at.
    """
    try:
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise LibraryError(f"{home} cannot be looked at ({(error.strerror or str(error)).lower()}).") from error
    if free < FREE_BYTES:
        raise NoRoom(
            f"Only {free // 2**20} MB are free on the disk of {home}, and {FREE_BYTES // 2**20} MB are needed; free "
            f"some, or name another place with --library. What was read so far is kept."
        )
