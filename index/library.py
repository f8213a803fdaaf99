"""Library: the one object the rest of the house talks to."""

import itertools
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath

from index import embeddings, formats, leftovers, passages, private
from index.catalog import CATALOG, UNREAD, Catalog, File, Tabled, access_to_read, is_begun, is_made, lags
from index.derived import Indexes, OwnIndexes, SharedIndexes
from index.disk import see_room
from index.document import Document, Span, canonical
from index.errors import LibraryError, ModelMismatch, NoRoom, Refused
from index.ingest import Ingest, as_read, made_ready, orphans, twin, unread
from index.lock import Lock
from index.names import spelt
from index.passages import Passage
from index.roots import path_of, root_of, roots_of
from index.sync import (
    MAX_BYTES,
    UPLOADS,
    Changes,
    Found,
    OnProgress,
    Progress,
    Root,
    changes,
    may_be_read_now,
    plan,
    read_bytes,
    scan,
)
from index.trust import Approval, approval_of, approve, listed, see_plain
from index.workers import DRAWING, WANTED, WORKERS, awaited, begun

_HOME = ".footnote"
_PATIENCE = 10.0  # seconds that a sync is given to end when the library is closed, or another process to begin one
_LOOK = 0.05  # seconds between two looks at what another process has begun
_TELL = 0.5  # seconds between two tellings of who waits for another sync
_MAX_NAME = 200  # bytes of an upload's name: a disk takes 255, and it may get a number
_OVERFETCH = 64  # candidates asked of a search, before copies are collapsed

# How documents are read and cut; what was read by another recipe is read anew. Raise the number when the
# formats or the borders of passages change.
_RECIPE = f"6, {passages.TARGET_TOKENS} tokens"

_log = logging.getLogger(__name__)

_BEHIND = "Not all documents have been read yet, so this rests on those that have; try again in a moment."


def home_of(folder: Path) -> Path:
    """Where the library of a folder lives unless its owner says otherwise."""
    return folder.expanduser().absolute() / _HOME


class Library:
    """A folder of documents, others that are included, and what is needed to search them.

    The first process to open a library writes it. Any other reads it as it stands: it does not sync,
    and searches the catalog's vectors in place of Chroma's. So does every process where it cannot be written.

    What its catalog names outside of it, folders, a model or a server, is used only where this user has approved it for
    the library in this place: who includes a folder, or names a model, does. See index/trust.py.

    Attributes:
        folder: The folder that the library belongs to.
        home: Where the library lives.
        chroma: The address of the Chroma server that it searches with, or "".
        lock: Held by the one process that writes.
        writable: Whether this process is that one, and the disk has room.
        embedder: What turns texts into vectors.
    """

    def __init__(
        self, folder: Path, *, home: Path | None = None, model: str | None = None, chroma: str | None = None
    ) -> None:
        """Open the library of a folder, and make it where there is none.

        Args:
            folder: The documents.
            home: Where the library lives; by default `FOLDER/.footnote`.
            model: The embedding model; by default the one the library was made with.
            chroma: The address of a Chroma server, such as `http://localhost:8000`, in place of Chroma in this process;
                one that cannot be had is done without, until it can.

        Raises:
            LibraryError: The folder is missing, or the library cannot be made, opened or written.
            ModelMismatch: The library was made with another model.
            ModelError: The model cannot be loaded.
        """
        self.folder = folder.expanduser().absolute()
        self.home = home.expanduser().absolute() if home else home_of(self.folder)
        try:
            is_there = self.folder.is_dir()
        except OSError as error:
            raise LibraryError(
                f"{self.folder} cannot be looked into ({(error.strerror or str(error)).lower()})."
            ) from error
        if not is_there:
            raise LibraryError(f"There is no folder {self.folder}; name one that holds your documents.")
        see_plain(self.home)
        self._make_home()
        self.chroma = chroma or ""
        self.lock = Lock(self.home)
        self._approved = approval_of(self.home)
        self._looking = threading.RLock()  # held while the folders are gone through; taken before the next
        self._writing = threading.RLock()  # held while the catalog is changed, which takes a moment
        self._large = threading.Lock()  # held while a long document is made ready
        self._is_changed, self._closing = False, threading.Event()
        self._coming: set[str] = set()  # names of uploads that are being read
        self._tabled: tuple[int, tuple[Tabled, ...]] = (-1, ())
        catalog = self.home / CATALOG
        try:
            self._wait_for(catalog)
            self.writable = self.lock.held
            if self.writable:
                self._tidy()
            self._catalog = self._open_catalog(catalog)
        except LibraryError:
            self.lock.release()
            raise
        try:
            self.embedder = self._load_embedder(model)
            self._name = self._root_name()
            self._indexes: Indexes = (
                OwnIndexes(self._catalog, self.home, self._writing, self.chroma)
                if self.writable
                else SharedIndexes(self._catalog, self.home, self.lock)
            )
            if self.chroma:
                self._approve(Approval(servers=frozenset({self.chroma})))
            self._warn()
        except BaseException:
            self._catalog.close()
            self.lock.release()
            raise

    def close(self) -> None:
        """Let go of the library, so that another process may write it; a sync ends once what is ready is written."""
        self._closing.set()
        is_still = self._looking.acquire(timeout=_PATIENCE)
        try:
            with self._writing:
                self._indexes.close()
                self._catalog.close()
                self.lock.release()
        finally:
            if is_still:
                self._looking.release()

    # --- what is in it ---

    @property
    def roots(self) -> tuple[Root, ...]:
        """The library's own folder, those that are included, and that of the uploads."""
        return roots_of(Root(self._name, self.folder), self._catalog.roots(), self.home, self._approved)

    @property
    def unapproved(self) -> tuple[Root, ...]:
        """The folders that the catalog names and that are not read, because this user has not included them here."""
        return tuple(root for root in self.roots if not root.is_approved)

    def behind(self) -> str:
        """What is to be said of an answer while not all documents are read, a sentence; "" when they are."""
        return _BEHIND if self._catalog.setting(UNREAD) else ""

    def files(self) -> tuple[File, ...]:
        """Every file of the folders and every upload, by id, with what became of it."""
        return self._catalog.files()

    def document(self, document_id: str) -> Document:
        """A document by its id.

        Raises:
            KeyError: There is none.
        """
        return self._catalog.document(document_id)

    def file_bytes(self, document_id: str) -> bytes:
        """The bytes of a document's file, as they were read.

        Raises:
            KeyError: There is no such document.
            LibraryError: The file is gone, or has changed since.
        """
        digest, rest = self._catalog.document(document_id).sha256, document_id.partition("/")[2]
        try:
            data = read_bytes(Found(document_id, path_of(self.roots, document_id), 0, 0))
        except Refused as reason:
            raise LibraryError(f"{rest} cannot be read: {reason}.") from reason
        if sha256(data).hexdigest() != digest:
            raise LibraryError(f"{rest} has changed since it was read; start Footnote again to read it anew.")
        return data

    def picture(self, document: Document, number: int, span: Span, dropped: threading.Event = WANTED) -> bytes:
        """A page of a PDF as it is printed, a PNG, the characters of `span` marked; pages count from 1.

        It is not drawn any more once `dropped` is set, from another thread.

        Raises:
            Dropped: Nobody wants it any more.
            LibraryError: The file is gone, or has changed since, or the page cannot be drawn.
            KeyError: There is no such page.
        """
        page, data = {page.number: page for page in document.pages}[number], self.file_bytes(document.id)
        try:
            return DRAWING.picture(document, data, page, span, dropped)
        except Refused as reason:
            raise LibraryError(f"This page cannot be drawn: {reason}.") from reason

    def passages(self, ids: Collection[str]) -> dict[str, Passage]:
        """Passages by id; ids that are not there are left out."""
        return self._catalog.passages(ids)

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """A document's passages in order."""
        return self._catalog.passages_of(document_id)

    def passages_at(self, document_id: str, start: int, end: int) -> tuple[Passage, ...]:
        """The passages that hold characters `start` to `end` of a document, or some of them, in order."""
        return self._catalog.passages_at(document_id, start, end)

    def tabled(self) -> tuple[Tabled, ...]:
        """The documents with tables whose rows have numbers, by id; looked up anew only where documents changed."""
        revision = self.revision()
        if self._tabled[0] != revision:
            self._tabled = (revision, self._catalog.tabled())
        return self._tabled[1]

    def passage_count(self) -> int:
        """How many passages there are."""
        return self._catalog.passage_count()

    def revision(self) -> int:
        """A number that grows with every change to the documents."""
        return self._catalog.revision()

    # --- search ---

    def nearest(
        self, vector: embeddings.Vector, count: int, documents: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Ids and cosines of the `count` passages nearest to a unit vector, best first, ties by id.

        Of passages with the same text only the first by id is found: copies crowd nobody out.

        Args:
            vector: `(dimension,)`, of unit length.
            count: How many.
            documents: Search these only.
        """

        def look_up(asked: int) -> list[tuple[str, float]]:
            return list(self.cosines(vector, self._indexes.nearest(vector, asked, documents)).items())

        return self._distinct(look_up, count, documents)

    def cosines(self, vector: embeddings.Vector, ids: Collection[str]) -> dict[str, float]:
        """The cosines of passages to a unit vector `(dimension,)`; ids that are not there are left out."""
        return {id: float(passage @ vector) for id, passage in self._catalog.vectors(ids).items()}

    def search(self, query: str, count: int, documents: Collection[str] | None = None) -> list[tuple[str, float]]:
        """Ids and BM25 scores of the `count` best passages for a question's words, as `nearest` finds them."""
        return self._distinct(lambda asked: self._indexes.search(query, asked, documents), count, documents)

    def _distinct(
        self, look_up: Callable[[int], list[tuple[str, float]]], count: int, documents: Collection[str] | None
    ) -> list[tuple[str, float]]:
        """The `count` best texts, each by its first passage; looks further where copies fill the list."""
        asked = max(count, _OVERFETCH)
        while True:
            found = look_up(asked)
            firsts = self._catalog.first_copies([id for id, _ in found], documents)
            best = {firsts[id]: score for id, score in found if id in firsts}
            if len(best) >= count or len(found) < asked:
                return sorted(best.items(), key=lambda scored: (-scored[1], scored[0]))[:count]
            asked *= 2

    # --- sync ---

    def changes(self) -> Changes:
        """What a sync would do now.

        Raises:
            LibraryError: A list of files to ignore cannot be read.
        """
        known = {file.id: file for file in self._catalog.files()}
        if self._catalog.setting("recipe") != _RECIPE:
            known = {id: replace(file, sha256="") for id, file in known.items()}
        return changes(plan(scan(self.roots, self.home), known), known)

    def sync(self, on_progress: OnProgress = lambda _: None) -> tuple[File, ...]:
        """Read what is new or changed in the folders, forget what is gone, and tell what became of each file.

        A file whose time and size are as they were is taken for unchanged; see `verify`.

        Raises:
            LibraryError: Another process writes this library, or the disk is full.
        """
        return self._sync(lambda file: file, on_progress)

    def verify(self, on_progress: OnProgress = lambda _: None) -> tuple[File, ...]:
        """Sync, and look at the bytes of every file: also of those whose time and size are as they were.

        Raises:
            LibraryError: Another process writes this library, or the disk is full.
        """
        self._require()
        return self._sync(lambda file: replace(file, sha256=""), on_progress)

    def _sync(self, seen: Callable[[File], File], on_progress: OnProgress) -> tuple[File, ...]:
        """Sync; `seen` gives what is taken as known of each file."""
        while not self._looking.acquire(timeout=_TELL):
            on_progress(Progress(0, 1, self.folder.name))
        try:
            if self.writable and self._catalog.setting("recipe") != _RECIPE:
                self._catalog.forget_digests()
                self._catalog.set("recipe", _RECIPE)
            known = {file.id: file for file in self._catalog.files()}
            todo = plan(scan(self.roots, self.home), {id: seen(file) for id, file in known.items()})
            if todo.read or todo.removed or orphans(known.values()):
                self._require()
                self._catalog.set(UNREAD, "yes")
                try:
                    self._apply(todo.read, todo.removed, on_progress)
                finally:
                    self._catch_up()
            if self.writable and self._catalog.setting(UNREAD):
                self._catalog.set(UNREAD, "")
            return self._catalog.files()
        finally:
            self._looking.release()

    def include(self, folder: Path, on_progress: OnProgress = lambda _: None) -> None:
        """Read another folder as well, now and at every sync; so is one approved that the catalog names already.

        Its documents are kept while it is away, as when its disk is.

        Raises:
            LibraryError: It is missing, or read already, or another process writes this library, or the disk is full.
        """
        self.require_writable()
        path = _folder_of(folder)
        with self._looking:
            for root in self.roots:
                ours, theirs = root.path.resolve(), path.resolve()
                if root.is_approved and (ours.is_relative_to(theirs) or theirs.is_relative_to(ours)):
                    raise LibraryError(f"{path} and {root.path}, which is read already, hold the same documents.")
            real = os.path.realpath(path)
            named = [root.name for root in self.unapproved if os.path.realpath(root.path) == real]
            name = next(iter(named), _free_name(_name_of(path), {root.name for root in self.roots}))
            self._approve(Approval(roots=frozenset({str(path)})))
            self._catalog.set_roots({**self._catalog.roots(), name: path})
            self.sync(on_progress)

    def exclude(self, folder: Path) -> None:
        """Read a folder that was included no longer, and forget its documents.

        Raises:
            LibraryError: It was not included, or another process writes this library, or the disk is full.
        """
        self._require()
        with self._looking:
            roots = self._catalog.roots()
            path = os.path.realpath(folder.expanduser())
            left = {name: root for name, root in roots.items() if os.path.realpath(root) != path}
            if left == roots:
                raise LibraryError(f"{folder} is not included; the library's status says which folders are.")
            self._approved -= Approval(roots=frozenset(str(root) for name, root in roots.items() if name not in left))
            approve(self.home, self._approved)
            self._catalog.set_roots(left)
            self.sync()

    def add(self, name: str, data: bytes, on_progress: OnProgress = lambda _: None) -> File:
        """Add a document that does not lie in the folder, such as an upload.

        Args:
            name: The file's name, for people; folders in it are ignored.
            data: The file's bytes.
            on_progress: Told how far it is, again and again; what it raises ends the reading, and nothing is kept.

        Returns:
            What became of it. A file that is not read is not kept.

        Raises:
            LibraryError: Another process writes this library, or the disk is full.
        """
        self.require_writable()
        clean = _file_name(name)
        try:
            formats.check(clean, data[: formats.HEAD])
            if len(data) > MAX_BYTES:
                raise Refused(f"it is larger than {MAX_BYTES // 2**20} MB; split it, or save its text alone")
            known = self._twin(data, on_progress)
            if known is not None:
                return known
            with self._named(clean) as free:
                return self._added(File(f"{UPLOADS}/{free}", len(data), 0, "", "indexed"), data, on_progress)
        except Refused as reason:
            return unread(File(f"{UPLOADS}/{clean}", len(data), 0, "", "indexed"), reason)

    def _twin(self, data: bytes, on_progress: OnProgress) -> File | None:
        """The file with the same bytes that is read, as far as it can be now."""
        known = twin(self._catalog, sha256(data).hexdigest())
        if known is not None and may_be_read_now(known):
            self.sync(on_progress)
            known = twin(self._catalog, sha256(data).hexdigest())
        return known

    @contextmanager
    def _named(self, name: str) -> Iterator[str]:
        """A name for an upload that no other has, nor gets while the block runs.

        Raises:
            LibraryError: The folder of the uploads cannot be listed, or made where it is gone.
        """
        uploads = self.home / UPLOADS
        with self._writing:
            try:
                private.make_subfolder(uploads)
                taken = os.listdir(uploads)
            except OSError as error:
                raise self._not_kept(name, error) from error
            free = _free_name(name, [*taken, *self._coming])
            self._coming.add(free)
        try:
            yield free
        finally:
            self._coming.discard(free)

    def _added(self, file: File, data: bytes, on_progress: OnProgress) -> File:
        """A file read, and only then kept and written: what takes long holds nobody up.

        Raises:
            Refused: It cannot be read.
            LibraryError: It cannot be kept.
        """
        name, stopped = file.id.partition("/")[2], threading.Event()

        def tell(done: int = 0, total: int = 0) -> None:
            if self._closing.is_set():
                raise LibraryError(f"{self.home} is being closed; add {name} again.")
            on_progress(Progress(0, 1, name, len(data) * done // max(1, total), len(data), done, total))

        try:
            document = awaited(begun(partial(WORKERS.read, file.id, data, stopped)), tell)
        except BaseException:
            stopped.set()
            raise
        ready = made_ready(document, self._catalog, self.embedder, self._large, tell)
        with self._writing:
            known = twin(self._catalog, document.sha256)
            if known is not None:
                return known
            see_room(self.home)
            status = self._keep(name, data)
            file = replace(file, size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=document.sha256)
            try:
                self._changing()
                self._catalog.put(as_read(file, document), document, ready.passages, ready.vectors)
            except BaseException:
                _discard(self.home / UPLOADS / name)
                raise
            finally:
                self._catch_up()
            return as_read(file, document)

    def _keep(self, name: str, data: bytes) -> os.stat_result:
        """Keep the bytes of an upload, whole or not at all.

        Raises:
            LibraryError: They cannot be kept.
        """
        path = self.home / UPLOADS / name
        part = path.with_name(f".{name}.part")
        try:
            private.make_file(part)
            part.write_bytes(data)
            status = part.stat()
            part.replace(path)
            return status
        except OSError as error:
            _discard(part)
            raise self._not_kept(name, error) from error

    def _not_kept(self, name: str, error: OSError) -> LibraryError:
        why = (error.strerror or str(error)).lower()
        return LibraryError(
            f"{name} cannot be kept in {self.home / UPLOADS} ({why}); see that the disk has room, or name "
            f"another place with --library."
        )

    def remove(self, id: str) -> None:
        """Forget a document that was added, and delete its file.

        Raises:
            LibraryError: It lies in the folder, which is its owner's to change; or another process writes this library,
                or the file cannot be deleted.
            KeyError: There is no file of this id.
        """
        self._require()
        name, _, rest = id.partition("/")
        if all(file.id != id for file in self.files()):
            raise KeyError(id)
        if name != UPLOADS:
            raise LibraryError(f"{rest} lies in {root_of(self.roots, id).path}; delete it there.")
        with self._writing:
            try:
                path_of(self.roots, id).unlink(missing_ok=True)
            except OSError as error:
                raise LibraryError(f"{rest} cannot be deleted ({(error.strerror or str(error)).lower()}).") from error
            self._changing()
            try:
                self._catalog.remove(id)
            finally:
                self._catch_up()
        if orphans(self.files()):
            self.sync()

    def settle(self) -> None:
        """Wait until questions are looked up in Chroma and no longer by comparing every vector; the results are alike.

        Raises:
            LibraryError: Chroma's index cannot be opened or written.
        """
        self._indexes.settle()

    def purge(self) -> None:
        """Leave nothing on the disk of documents that were forgotten, neither their text nor their vectors, and close.

        Nor on a Chroma server, nor in what killed processes have left, nor in damaged catalogs that were set aside. The
        search indexes are built anew by the process that opens the library next.

        Raises:
            LibraryError: Another process writes or reads this library, or the disk is full, or a server is away.
        """
        self._require()
        with self._looking, self._writing:
            try:
                self._indexes.discard()
                self._catalog.prune()
                self._catalog.vacuum()
                self._forget_leftovers()
                self._indexes.discard_served(self._approved.servers)  # at last, for a server may be away
            finally:
                self.close()

    def _forget_leftovers(self) -> None:
        """Delete what killed processes have left, and damaged catalogs that were set aside.

        Raises:
            LibraryError: Something cannot be deleted.
        """
        try:
            leftovers.sweep(self.home)
            leftovers.forget_set_aside(self.home)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise LibraryError(f"{error.filename} cannot be deleted ({why}); delete it by hand.") from error

    def _apply(self, read: Sequence[Found], removed: Sequence[str], on_progress: OnProgress) -> None:
        ingest = Ingest(
            self._catalog, self.home, self.embedder, self._changing, self._closing, self._writing, self._large
        )
        ingest.apply(read, removed, on_progress)
        if again := orphans(self._catalog.files()):
            ingest.apply([found for found in scan(self.roots, self.home) if found.id in again], (), lambda _: None)
        size = sum(found.size for found in read)
        on_progress(Progress(len(read), len(read), "", size, size))

    def _changing(self) -> None:
        """To be called before the documents in the catalog are changed, by who holds `_writing`."""
        if not self._is_changed:
            self._indexes.distrust()
            self._is_changed = True

    def _catch_up(self) -> None:
        """To be called after, also where others go on changing them: they call `_changing` anew."""
        with self._writing:
            if self._is_changed:
                self._is_changed = False
                self._catalog.prune()
                self._indexes.catch_up()

    # --- opening ---

    def require_writable(self) -> None:
        """See that this process may write the library, and has room for more.

        Raises:
            LibraryError: Another process writes it.
            NoRoom: The disk is full.
        """
        self._require()
        see_room(self.home)

    def _require(self) -> None:
        """See that this process may write the library; what is only forgotten needs no room."""
        self.lock.require()
        if not self.writable:
            raise NoRoom(f"{self.home} was opened while its disk was full, and is only read; close and open it again.")

    def _wait_for(self, path: Path) -> None:
        """Wait until there is something to read in a catalog that another process is just making, or that one ends.

        Raises:
            LibraryError: It takes too long.
        """
        if self.lock.barred and not path.exists():
            self.lock.require()
        deadline = time.monotonic() + _PATIENCE
        while not (self.lock.barred or self.lock.held or is_begun(path)):
            if time.monotonic() > deadline:
                if is_made(path):
                    return
                raise self._being_made()
            time.sleep(_LOOK)
            self.lock.take()

    def _being_made(self) -> LibraryError:
        return LibraryError(f"{self.home} is being made by {self.lock.holder()}; try again in a moment.")

    def _tidy(self) -> None:
        """Close the library to others, and sweep what killed processes have left; what cannot be, doctor names."""
        with suppress(OSError):
            private.withdraw(self.home)
            leftovers.sweep(self.home)

    def _open_catalog(self, path: Path) -> Catalog:
        """The catalog: written by who holds the lock, unless the disk is full."""
        if not self.writable:
            return Catalog(path, access_to_read(path))
        try:
            private.make_file(path)
            return Catalog(path, "rw")
        except NoRoom:
            if lags(path) or not path.exists():
                raise
            self.writable = False
            return Catalog(path, "still")

    def _make_home(self) -> None:
        try:
            private.make_folder(self.home)
            private.make_subfolder(self.home / UPLOADS)
            ignore = self.home / ".gitignore"
            if not ignore.exists():
                private.make_file(ignore)
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            if (self.home / CATALOG).is_file():
                return  # it can still be read
            raise LibraryError(
                f"{self.home} cannot be written ({(error.strerror or str(error)).lower()}); name a place for the "
                f"library with --library."
            ) from error

    def _approve(self, more: Approval) -> None:
        """Let the library reach what its user has named, now and from now on."""
        self._approved |= more
        approve(self.home, self._approved)

    def _warn(self) -> None:
        """Say which folders are not read though the catalog names them."""
        if self.unapproved:
            _log.warning(
                "The library in %s names folders that you have not included here, and they are not read: %s. Include "
                "or exclude each with footnote include, or exclude, FOLDER --docs %s.",
                *(listed([self.home]), listed(root.path for root in self.unapproved), listed([self.folder])),
            )

    def _load_embedder(self, model: str | None) -> embeddings.Embedder:
        """The library's own model; an empty library takes the one asked for."""
        made_with = self._catalog.setting("model")
        asked = embeddings.full_name(model) if model else ""
        if made_with and asked and asked != made_with:
            raise ModelMismatch(
                f"This library was made with the embedding model {made_with}, and {asked} was asked for; leave out "
                f"--model, or make another library with --library."
            )
        known = {asked, embeddings.DEFAULT_MODEL, *self._approved.models}
        if made_with and made_with not in known:
            raise LibraryError(
                f"This library was made with the embedding model {made_with}, which you have not used with it "
                f"on this computer; if you know the model, for it may run code, add --model {made_with} once."
            )
        if not made_with and not self.writable:
            raise self._being_made()
        embedder = embeddings.load(asked or made_with or embeddings.DEFAULT_MODEL)
        dimension = self._catalog.setting("dimension")
        if dimension and dimension != str(embedder.dimension):
            raise ModelMismatch(
                f"This library was made with a model {made_with} of {dimension} dimensions, and the one found now has "
                f"{embedder.dimension}; have footnote doctor --mend read the documents anew."
            )
        if self.writable and not made_with:
            self._catalog.set("model", embedder.name)
            self._catalog.set("dimension", str(embedder.dimension))
        if embedder.name != embeddings.DEFAULT_MODEL:
            self._approve(Approval(models=frozenset({embedder.name})))
        return embedder

    def _root_name(self) -> str:
        """The folder's name when the library was made: ids stay as they are when the folder is renamed."""
        name = self._catalog.setting("root")
        if not name:
            name = _name_of(self.folder)
            if self.writable:
                self._catalog.set("root", name)
        return name


def _file_name(name: str) -> str:
    """A name that is safe for a file: no folders, nothing invisible, not hidden, not endless."""
    visible, _ = canonical(name.replace("\\", "/").rsplit("/", 1)[-1])
    path = PurePosixPath(re.sub(r"[\x00-\x1f/:*?\"<>|]", "_", visible).strip(" .") or "document")
    suffix = path.suffix[:16]
    return path.stem.encode()[: _MAX_NAME - len(suffix.encode())].decode(errors="ignore") + suffix


def _free_name(name: str, taken: Collection[str]) -> str:
    """`name`, or `name (2)` and so on where that is taken."""
    path = PurePosixPath(name)
    names = (f"{path.stem} ({number}){path.suffix}" for number in itertools.count(2))
    folded = {other.casefold() for other in taken}  # to some disks capitals are the same
    return next(free for free in itertools.chain([name], names) if free.casefold() not in folded)


def _discard(path: Path) -> None:
    """Delete a file of an upload that was not kept; what cannot be deleted now, the next start sweeps or reads."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _folder_of(folder: Path) -> Path:
    """A folder's whole path.

    Raises:
        LibraryError: There is none.
    """
    try:
        path = Path(os.path.normpath(folder.expanduser().absolute()))
        if path.is_dir():
            return path
        why = "there is no such folder"
    except (OSError, RuntimeError) as error:  # a name too long, no permission, or a home of nobody
        why = str(error)
    raise LibraryError(f"{folder} cannot be read ({why}); name a folder that holds documents.")


def _name_of(folder: Path) -> str:
    """What a folder is called at the beginning of its documents' ids."""
    name = spelt(folder.name)
    return "documents" if name in ("", UPLOADS) else name
