"""What is wrong with a library, and the mend."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np

from index import embeddings, leftovers, private
from index.catalog import CATALOG, Catalog, File, access_to_read, damage, text_key
from index.derived import damaged, strays
from index.disk import see_room
from index.errors import LibraryError, ModelError, Refused
from index.formats import NO_TEXT, SCAN
from index.lock import Lock
from index.passages import Passage
from index.roots import path_of, roots_of
from index.sync import Found, Root, read_bytes
from index.trust import approval_of, see_plain

_OFF = 1e-3  # by which the length of a unit vector may differ from 1
_SAME = 0.95  # the least cosine of two vectors of one text by one model, on whatever computers they were made
_DRAWN = 8  # texts, evenly drawn, that are embedded again to see whether the model is the same
_LOOKED_AT, _LOOKED_AT_BYTES = 64, 256 * 2**20  # files, evenly drawn, whose bytes are looked at
_READ_ANEW = "what it holds is forgotten, and read anew"


@dataclass(frozen=True, slots=True)
class Ailment:
    """Something wrong with a library.

    Attributes:
        what: What it is, a sentence without its full stop.
        cure: What mends it, likewise.
        mend: Mends it, given the catalog; None where only a person can.
    """

    what: str
    cure: str
    mend: Callable[[Catalog], None] | None = None


def examine(home: Path, folder: Path | None = None) -> tuple[Ailment, ...]:
    """What is wrong with the library in `home`; another process may be writing it.

    Args:
        home: Where it lives.
        folder: That of its documents; by default the one that `home` lies in.

    Raises:
        LibraryError: There is no library, or it is of another version of Footnote.
    """
    with _locked(home) as lock:
        wrong = damage(home / CATALOG)
        if wrong:
            cure = "it is set aside, and the folder read anew; folders that were included have to be again"
            return (Ailment(f"{CATALOG} is damaged ({wrong})", cure),)
        with closing(Catalog(home / CATALOG, access_to_read(home / CATALOG))) as catalog, catalog.snapshot():
            return (*_ailments(catalog, home, in_use=not lock.held), *_of_files(catalog, home, folder or home.parent))


def mend(home: Path, folder: Path | None = None) -> None:
    """Mend what can be mended without a person; the next sync reads anew what was forgotten. See `examine`.

    What cannot be changed or deleted keeps nothing else from being mended.

    Raises:
        LibraryError: There is no library, or it is of another version of Footnote, written by another process, or
            cannot be written; or something in it cannot be changed or deleted.
    """
    with _locked(home) as lock:
        lock.require()
        see_room(home)
        if damage(home / CATALOG):
            _set_aside(home)
            return
        with closing(Catalog(home / CATALOG, "rw")) as catalog:
            found = *_ailments(catalog, home, in_use=False), *_of_files(catalog, home, folder or home.parent)
            troubles = dict.fromkeys(_trouble(ailment.mend, catalog) for ailment in found if ailment.mend)
    if any(troubles):
        raise LibraryError(" ".join(filter(None, troubles)))


def _trouble(mend: Callable[[Catalog], None], catalog: Catalog) -> str:
    """Mend an ailment, and say what went wrong with that, a sentence; "" where nothing did."""
    try:
        mend(catalog)
    except LibraryError as error:
        return str(error)
    return ""


@contextmanager
def _locked(home: Path) -> Iterator[Lock]:
    if not (home / CATALOG).is_file():
        raise LibraryError(f"There is no library in {home}; name the folder that it belongs to.")
    see_plain(home)
    lock = Lock(home)
    try:
        yield lock
    finally:
        lock.release()


def _ailments(catalog: Catalog, home: Path, *, in_use: bool) -> Iterator[Ailment]:
    yield from _of_model(catalog, home)
    yield from _of_documents(catalog)
    count = 0 if in_use else catalog.strays()  # a sync under way leaves some, and forgets them in the end
    if count:
        what = f"{count:,} rows of {CATALOG} belong to nothing that there is"
        yield Ailment(what, "they are forgotten", Catalog.sweep)
    for name in () if in_use else damaged(catalog, home):
        what = f"The {name} index is not what was closed last"
        yield Ailment(what, "it is built anew when the library is opened", partial(Catalog.unmark, name=name))
    yield from _left_behind(catalog, home, in_use=in_use)
    for file in catalog.files():
        if file.state == "failed" or file.reason in (NO_TEXT, SCAN):
            cure = f"mend {file.id.rpartition('/')[2]}, or name it in .footnoteignore"
            yield Ailment(f"{file.id} was not read: {file.reason}", cure)


def _of_files(catalog: Catalog, home: Path, folder: Path) -> Iterator[Ailment]:
    """Of some files, evenly drawn, those that hold something else under the size and time that they had."""
    own = Root(catalog.setting("root"), folder.expanduser().absolute())
    roots, bytes_left = roots_of(own, catalog.roots(), home, approval_of(home)), _LOOKED_AT_BYTES
    files = [file for file in catalog.files() if file.sha256]
    for file in files[:: -(-len(files) // _LOOKED_AT) or 1]:
        bytes_left -= file.size
        if bytes_left < 0:
            return
        if _holds_another(file, roots):
            what = f"{file.id} holds something else, under the same size and time, than when it was read"
            yield Ailment(
                what, f"{_READ_ANEW}; footnote sync --verify looks at every file", partial(_forget, id=file.id)
            )


def _holds_another(file: File, roots: Sequence[Root]) -> bool:
    """Whether a file has other bytes, and the size and time that it was read with; of one that is away, no."""
    try:
        path = path_of(roots, file.id)
        status = path.lstat()
        if (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
            return False  # the next sync looks at it
        return sha256(read_bytes(Found(file.id, path, file.size, file.mtime_ns))).hexdigest() != file.sha256
    except (OSError, ValueError, Refused, LibraryError):
        return False


def _left_behind(catalog: Catalog, home: Path, *, in_use: bool) -> Iterator[Ailment]:
    """What processes that were killed have left, and what others may read."""
    deleted = "it is deleted"
    for path in () if in_use else leftovers.parts(home):
        yield Ailment(f"{path.name} is a rest of an upload", deleted, partial(_delete, path=path))
    for folder in () if in_use else strays(catalog, home):
        what = f"{folder.relative_to(home)} is a rest of an index"
        yield Ailment(what, deleted, partial(_delete, path=folder))
    for folder in leftovers.left(home):
        what = f"{folder} is a rest of a backup, or of a library that was restored, and may hold all that was in it"
        yield Ailment(what, deleted, partial(_delete_left, folder=folder))
    for folder in leftovers.doubtful(home):
        what = f"{folder} looks like a rest of a backup, and nothing in it says that you made it"
        yield Ailment(what, "look into it, and delete or rename it by hand")
    if private.is_exposed(home):
        what = f"Other users of this computer may look into {home}"
        yield Ailment(what, "it is closed to them", partial(_withdraw, home=home))


def _delete(_: Catalog, path: Path) -> None:
    with _changing(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _delete_left(_: Catalog, folder: Path) -> None:
    with _changing(folder):
        leftovers.delete(folder)


def _withdraw(_: Catalog, home: Path) -> None:
    with _changing(home):
        private.withdraw(home)


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Change a file or folder, or delete it.

    Raises:
        LibraryError: The system does not allow it.
    """
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise LibraryError(f"{path} cannot be changed or deleted ({why}); do it by hand.") from error


def _of_model(catalog: Catalog, home: Path) -> Iterator[Ailment]:
    name = catalog.setting("model")
    if name not in ("", embeddings.DEFAULT_MODEL, *approval_of(home).models):
        what = f"The embedding model {name} has not been used with this library on this computer"
        yield Ailment(what, f"if you know it, for it may run code, open the library once with --model {name}")
        return
    try:
        embedder = embeddings.load(name) if name else None
    except ModelError as error:
        yield Ailment(f"The embedding model {name} cannot be had: {error}", "install it again")
        return
    try:
        if embedder is None or _are_of(embedder, catalog):
            return
    except (LibraryError, TypeError, ValueError):
        return  # of damaged rows, which are named with their documents
    dimension = str(embedder.dimension)
    what = f"The vectors were made by another model than {name}"

    def forget(catalog: Catalog) -> None:
        catalog.forget([file.id for file in catalog.files()])
        catalog.set("dimension", dimension)

    yield Ailment(what, "every document is read anew", forget)


def _are_of(embedder: embeddings.Embedder, catalog: Catalog) -> bool:
    """Whether the catalog's vectors are those that an embedder makes of their texts, as far as a few tell."""
    if catalog.setting("dimension") != str(embedder.dimension):
        return False
    ids = tuple(catalog.passage_keys())
    drawn = ids[:: max(1, len(ids) // _DRAWN)]
    vectors = catalog.vectors(drawn)
    texts = {id: passage.text for id, passage in catalog.passages(drawn).items() if id in vectors}
    again = embedder.embed_passages(list(texts.values()))
    alike = [
        len(vectors[id]) == len(vector) and float(vectors[id] @ vector) >= _SAME
        for id, vector in zip(texts, again, strict=True)
    ]
    return 2 * sum(alike) >= len(alike)  # one that is damaged says nothing of the others


def _of_documents(catalog: Catalog) -> Iterator[Ailment]:
    dimension = catalog.setting("dimension")
    for file in catalog.files():
        fault = (
            _fault(catalog, file.id, int(dimension) if dimension.isdecimal() else 0) if file.state == "indexed" else ""
        )
        if fault:
            yield Ailment(f"{file.id}: {fault}", _READ_ANEW, partial(_forget, id=file.id))


def _forget(catalog: Catalog, id: str) -> None:
    catalog.forget([id])


def _fault(catalog: Catalog, document_id: str, dimension: int) -> str:
    """What is wrong with what the catalog holds of a document, or ""."""
    try:
        text, passages = catalog.document(document_id).text, catalog.passages_of(document_id)
    except KeyError:
        return "its text is missing"
    except (LibraryError, TypeError, ValueError):
        return "its text, pages, headings or sentences cannot be read"
    try:
        return _of_passages(text, passages) or _of_vectors(catalog, passages, dimension)
    except (LibraryError, ValueError):
        return "a vector is none of the model's"


def _of_passages(text: str, passages: Sequence[Passage]) -> str:
    if any(text[passage.start : passage.end] != passage.text for passage in passages):
        return "a passage is not what stands in the text"
    borders = [(0, 0), *((passage.start, passage.end) for passage in passages), (len(text), len(text))]
    if any(text[end:start].strip() for (_, end), (start, _) in pairwise(borders)):
        return "a part of the text is in no passage"
    return ""


def _of_vectors(catalog: Catalog, passages: Sequence[Passage], dimension: int) -> str:
    keys = {text_key(passage.text) for passage in passages}
    vectors = catalog.known_vectors(keys).values()
    if len(vectors) < len(keys) or len(catalog.vectors([passage.id for passage in passages])) < len(passages):
        return "a passage has no vector"
    if any(len(vector) != dimension or not abs(float(np.linalg.norm(vector)) - 1) < _OFF for vector in vectors):
        return "a vector is none of the model's"
    return ""


def _set_aside(home: Path) -> None:
    """Move a damaged catalog out of the way, and keep it: who knows better may want to look at it."""
    number = next(free for free in range(1, 1_000_000) if not (home / f"{leftovers.SET_ASIDE}{free}").exists())
    for suffix in ("-wal", "-shm", ""):  # the file itself at last: without it there is no library
        path = home / f"{CATALOG}{suffix}"
        if path.exists():
            path.rename(home / f"{leftovers.SET_ASIDE}{number}{suffix}")
