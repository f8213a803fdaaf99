"""Archives, such as Word files are: opened only where they stay within bounds when unpacked."""

import zlib
from io import BytesIO
from zipfile import BadZipFile, LargeZipFile, ZipFile, ZipInfo, is_zipfile

from index.errors import Refused

MAX_MEMBERS = 2_000
MAX_UNPACKED = 200 * 2**20  # bytes of all members
MAX_RATIO = 200  # of those to the file's own, where they are more than `_SMALL`
_SMALL = 2**20
_PIECE = 2**20  # bytes unpacked at a time
_OVERHEAD = 1_024  # bytes by which what cannot be packed grows


def is_zip(data: bytes) -> bool:
    """Whether some bytes are a ZIP archive, whole enough to tell its members."""
    return is_zipfile(BytesIO(data))


def names(data: bytes) -> frozenset[str]:
    """The names of an archive's members; see `opened`."""
    with opened(data) as archive:
        return frozenset(archive.namelist())


def opened(data: bytes) -> ZipFile:
    """An archive that stays within bounds when it is unpacked.

    Every member is unpacked once, a piece at a time: one whose directory says less than it holds is damaged.

    Raises:
        Refused: It is damaged, locked, or too large unpacked.
    """
    try:
        archive = ZipFile(BytesIO(data))
    except (BadZipFile, LargeZipFile, NotImplementedError, ValueError, OSError) as error:
        raise Refused(f"it is damaged ({error}); save it anew") from error
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS:
        raise Refused(f"it holds {len(members):,} files, and Footnote unpacks at most {MAX_MEMBERS:,}")
    if size > MAX_UNPACKED:
        raise Refused(
            f"unpacked it would have {size // 2**20:,} MB, and Footnote unpacks at most {MAX_UNPACKED // 2**20}"
        )
    if size > max(_SMALL, MAX_RATIO * len(data)):
        raise Refused(f"unpacked it would be more than {MAX_RATIO} times as large, as no honest document is")
    if any(member.flag_bits & 1 for member in members):
        raise Refused("it is encrypted; save a copy without the password and add that")
    for member in members:
        _see_whole(archive, member)
    return archive


def _see_whole(archive: ZipFile, member: ZipInfo) -> None:
    """See that a member holds what its directory says.

    Raises:
        Refused: It does not.
    """
    if member.compress_size > member.file_size + _OVERHEAD:  # what is packed is no larger; the rest would be unpacked
        raise Refused("it is damaged (a part holds more than it says); save it anew")
    try:
        with archive.open(member) as stream:
            while stream.read(_PIECE):
                pass
    except (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error) as error:
        raise Refused(f"it is damaged ({type(error).__name__}); save it anew") from error
