"""Library: the one object the rest of the house talks to."""

import itertools
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

import filelock

from index import embeddings, formats, passages
from index.catalog import CATALOG, Catalog, File, text_key
from index.derived import Indexes, OwnIndexes, SharedIndexes
from index.document import Document, canonical
from index.errors import LibraryError, ModelMismatch, Refused
from index.passages import Passage
from index.sync import MAX_BYTES, UPLOADS, Changes, Found, Progress, Root, changes, plan, read_bytes, scan

_HOME = ".footnote"
_WRITER = "writer"
_FREE_BYTES = 200 * 2**20
_MAX_NAME = 200  # bytes of an upload's name: a disk takes 255, and it may get a number
_COPY = "it is the same as "  # begins the reason why a copy is refused
_OVERFETCH = 100  # candidates asked of a search, before copies are collapsed

# How documents are read and cut; what was read by another recipe is read anew. Raise the number when the
# formats or the borders of passages change.
_RECIPE = f"1, {passages.TARGET_TOKENS} tokens"

OnProgress = Callable[[Progress], None]


def home_of(folder: Path) -> Path:
    """Where the library of a folder lives unless its owner says otherwise."""
    return folder.expanduser().absolute() / _HOME


class Library:
    """A folder of documents and, beside them, what is needed to search them.

    The first process to open a library writes it. Any other reads it as it stands: it does not sync,
    and searches the catalog's vectors in place of Chroma's.

    Attributes:
        folder: The documents.
        home: Where the library lives.
        writable: Whether this process is the one that writes.
        embedder: What turns texts into vectors.
    """

    def __init__(self, folder: Path, *, home: Path | None = None, model: str | None = None) -> None:
        """Open the library of a folder, and make it where there is none.

        Args:
            folder: The documents.
            home: Where the library lives; by default `FOLDER/.footnote`.
            model: The embedding model; by default the one the library was made with.

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
        self._make_home()
        self._lock = filelock.FileLock(self.home / "lock", blocking=False, thread_local=False)
        self.writable = self._take_lock()
        self._syncing = threading.RLock()
        catalog = self.home / CATALOG
        if not self.writable and not catalog.exists():
            raise LibraryError(f"{self.home} is being made by {self.writer()}; try again in a moment.")
        try:
            self._catalog = Catalog(catalog, read_only=not self.writable)
        except LibraryError:
            self._lock.release()
            raise
        try:
            self.embedder = self._load_embedder(model)
            self._roots = (Root(self._root_name(), self.folder), Root(UPLOADS, self.home / UPLOADS))
            self._indexes: Indexes = (
                OwnIndexes(self._catalog, self.home, self._syncing)
                if self.writable
                else SharedIndexes(self._catalog, self.home)
            )
        except BaseException:
            self._catalog.close()
            self._lock.release()
            raise

    def close(self) -> None:
        """Let go of the library, so that another process may write it."""
        self._indexes.close()
        self._catalog.close()
        self._lock.release()

    # --- what is in it ---

    def files(self) -> tuple[File, ...]:
        """Every file of the folder and every upload, by id, with what became of it."""
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
        digest = self._catalog.document(document_id).sha256
        name, _, rest = document_id.partition("/")
        path = next(root.path for root in self._roots if root.name == name) / rest
        try:
            data = read_bytes(Found(document_id, path, 0, 0))
        except Refused as reason:
            raise LibraryError(f"{rest} cannot be read: {reason}.") from reason
        if sha256(data).hexdigest() != digest:
            raise LibraryError(f"{rest} has changed since it was read; start Footnote again to read it anew.")
        return data

    def passages(self, ids: Collection[str]) -> dict[str, Passage]:
        """Passages by id; ids that are not there are left out."""
        return self._catalog.passages(ids)

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """A document's passages in order."""
        return self._catalog.passages_of(document_id)

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
            LibraryError: The folder cannot be listed.
        """
        known = {file.id: file for file in self._catalog.files()}
        if self._catalog.setting("recipe") != _RECIPE:
            known = {id: replace(file, sha256="") for id, file in known.items()}
        return changes(plan(scan(self._roots, self.home), known), known)

    def sync(self, on_progress: OnProgress = lambda _: None) -> tuple[File, ...]:
        """Read what is new or changed in the folder, forget what is gone, and tell what became of each file.

        Raises:
            LibraryError: Another process writes this library, or the disk is full.
        """
        with self._syncing:
            if self.writable and self._catalog.setting("recipe") != _RECIPE:
                self._catalog.forget_digests()
                self._catalog.set("recipe", _RECIPE)
            known = {file.id: file for file in self._catalog.files()}
            todo = plan(scan(self._roots, self.home), known)
            if todo.read or todo.removed or _orphans(known.values()):
                self.require_writable()
                self._indexes.distrust()
                try:
                    self._apply(todo.read, todo.removed, on_progress)
                finally:
                    self._indexes.catch_up()
            return self._catalog.files()

    def add(self, name: str, data: bytes, on_progress: OnProgress = lambda _: None) -> File:
        """Add a document that does not lie in the folder, such as an upload.

        Args:
            name: The file's name, for people; folders in it are ignored.
            data: The file's bytes.
            on_progress: Told how far the sync is.

        Returns:
            What became of it. A refused file is not kept.

        Raises:
            LibraryError: Another process writes this library, or the disk is full.
        """
        self.require_writable()
        clean = _file_name(name)
        refused = File(f"{UPLOADS}/{clean}", len(data), 0, "", "refused")
        try:
            formats.check_suffix(clean)
            if len(data) > MAX_BYTES:
                raise Refused(f"it is larger than {MAX_BYTES // 2**20} MB; split it, or save its text alone")
            formats.read(refused.id, data)
        except Refused as reason:
            return replace(refused, reason=str(reason))
        with self._syncing:
            twin = self._twin(sha256(data).hexdigest())
            if twin is not None:
                return twin
            self._see_room()
            path = _free_path(self.home / UPLOADS, clean)
            try:
                part = path.with_name(f".{path.name}.part")
                part.write_bytes(data)
                part.replace(path)
            except OSError as error:
                raise LibraryError(
                    f"{clean} cannot be kept in {path.parent} ({(error.strerror or str(error)).lower()}); see that the "
                    f"disk has room, or name another place with --library."
                ) from error
            self.sync(on_progress)
            return next(file for file in self.files() if file.id == f"{UPLOADS}/{path.name}")

    def remove(self, id: str) -> None:
        """Forget a document that was added, and delete its file.

        Raises:
            LibraryError: It lies in the folder, which is its owner's to change; or another process writes this library,
                or the file cannot be deleted.
            KeyError: There is no file of this id.
        """
        self.require_writable()
        root, _, name = id.partition("/")
        if all(file.id != id for file in self.files()):
            raise KeyError(id)
        if root != UPLOADS:
            raise LibraryError(f"{name} lies in {self.folder}; delete it there.")
        with self._syncing:
            try:
                (self.home / UPLOADS / name).unlink(missing_ok=True)
            except OSError as error:
                raise LibraryError(f"{name} cannot be deleted ({(error.strerror or str(error)).lower()}).") from error
            self.sync()

    def settle(self) -> None:
        """Wait until questions are looked up in Chroma and no longer by comparing every vector; the results are alike.

        Raises:
            LibraryError: Chroma's index cannot be opened or written.
        """
        self._indexes.settle()

    def purge(self) -> None:
        """Leave nothing on the disk of documents that were forgotten, neither their text nor their vectors, and close.

        The search indexes are built anew by the process that opens the library next.

        Raises:
            LibraryError: Another process writes or reads this library, or the disk is full.
        """
        self.require_writable()
        with self._syncing:
            self._indexes.discard()
            self._catalog.prune()
            self._catalog.vacuum()
            self.close()

    def _apply(self, read: Sequence[Found], removed: Sequence[str], on_progress: OnProgress) -> None:
        for done, found in enumerate(read):
            on_progress(Progress(done, len(read), PurePosixPath(found.id).name))
            self._read(found, removed)
        for document_id in removed:
            self._catalog.remove(document_id)
        if orphans := _orphans(self._catalog.files()):
            for found in scan(self._roots, self.home):
                if found.id in orphans:
                    self._read(found, ())
        self._catalog.prune()
        on_progress(Progress(len(read), len(read), ""))

    def _read(self, found: Found, removed: Collection[str]) -> None:
        """Read one file and write down what became of it."""
        self._see_room()
        known = self._catalog.file(found.id)
        digest = ""
        try:
            data = read_bytes(found)
            digest = sha256(data).hexdigest()
            if known and known.state == "indexed" and known.sha256 == digest:
                self._catalog.touch(replace(known, size=found.size, mtime_ns=found.mtime_ns))
                return
            twin = self._twin(digest)
            if twin and twin.id not in (found.id, *removed):
                raise Refused(_copy_of(twin))
            document = formats.read(found.id, data)
        except Refused as reason:
            refused = File(found.id, found.size, found.mtime_ns, digest, "refused", str(reason))
            if refused != known:
                self._catalog.refuse(refused)
            return
        self._index(File(found.id, found.size, found.mtime_ns, digest, "indexed", "", document.title), document)

    def _index(self, file: File, document: Document) -> None:
        """Cut and embed a document and write it; a text that has a vector is not embedded again."""
        target = min(passages.TARGET_TOKENS, self.embedder.max_tokens - 2)  # two marks that every text gets
        cut = passages.cut(document, self.embedder.token_spans, target)
        texts = {text_key(passage.text): passage.text for passage in cut}
        vectors = self._catalog.known_vectors(texts)
        missing = [key for key in texts if key not in vectors]
        embedded = self.embedder.embed_passages([texts[key] for key in missing])
        vectors.update(zip(missing, embedded, strict=True))
        self._catalog.put(file, document, cut, vectors)

    def _twin(self, digest: str) -> File | None:
        """The file with these bytes that is read."""
        return next((file for file in self._catalog.copies(digest) if file.state == "indexed"), None)

    # --- opening ---

    def writer(self) -> str:
        """Who writes this library and since when."""
        try:
            return (self.home / _WRITER).read_text(encoding="utf-8")
        except OSError:
            return "another process"

    def require_writable(self) -> None:
        """See that this process is the one that writes.

        Raises:
            LibraryError: Another process is.
        """
        if not self.writable:
            raise LibraryError(
                f"{self.home} is being written by {self.writer()}; stop that one first, or wait until it is done."
            )

    def _make_home(self) -> None:
        try:
            (self.home / UPLOADS).mkdir(parents=True, exist_ok=True)
            (self.home / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise LibraryError(
                f"{self.home} cannot be written ({(error.strerror or str(error)).lower()}); name a place for the "
                f"library with --library."
            ) from error

    def _take_lock(self) -> bool:
        """Become the one process that writes; the lock goes with the process, however it ends."""
        try:
            self._lock.acquire()
            since = time.strftime("%Y-%m-%d %H:%M:%S")
            (self.home / _WRITER).write_text(f"process {os.getpid()} since {since}", encoding="utf-8")
        except filelock.Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            raise LibraryError(
                f"{self.home} cannot be locked ({error}); name a place on another disk with --library."
            ) from error
        return True

    def _load_embedder(self, model: str | None) -> embeddings.Embedder:
        """The library's own model; an empty library takes the one asked for."""
        made_with = self._catalog.setting("model")
        asked = embeddings.full_name(model) if model else ""
        if made_with and asked and asked != made_with:
            raise ModelMismatch(
                f"This library was made with the embedding model {made_with}, and {asked} was asked for; leave out "
                f"--model, or make another library with --library."
            )
        embedder = embeddings.load(asked or made_with or embeddings.DEFAULT_MODEL)
        dimension = self._catalog.setting("dimension")
        if dimension and dimension != str(embedder.dimension):
            raise ModelMismatch(
                f"This library was made with a model {made_with} of {dimension} dimensions, and the one found now has "
                f"{embedder.dimension}; delete {self.home} to read the folder anew."
            )
        if self.writable and not made_with:
            self._catalog.set("model", embedder.name)
            self._catalog.set("dimension", str(embedder.dimension))
        return embedder

    def _root_name(self) -> str:
        """The folder's name when the library was made: ids stay as they are when the folder is renamed."""
        name = self._catalog.setting("root")
        if not name:
            name = self.folder.name.encode(errors="backslashreplace").decode()
            name = "documents" if name in ("", UPLOADS) else name
            if self.writable:
                self._catalog.set("root", name)
        return name

    def _see_room(self) -> None:
        """Raise before the disk is full, because a full one damages what is being written."""
        free = shutil.disk_usage(self.home).free
        if free < _FREE_BYTES:
            raise LibraryError(
                f"Only {free // 2**20} MB are free on the disk of {self.home}, and {_FREE_BYTES // 2**20} MB are "
                f"needed; free some, or name another place with --library. What was read so far is kept."
            )


def _orphans(files: Collection[File]) -> set[str]:
    """Copies refused because of a twin that is gone now, elsewhere, or says something else: to be read again."""
    read = {file.sha256: file for file in files if file.state == "indexed"}
    copies = (file for file in files if file.state == "refused" and file.reason.startswith(_COPY))
    return {copy.id for copy in copies if copy.sha256 not in read or copy.reason != _copy_of(read[copy.sha256])}


def _copy_of(twin: File) -> str:
    """Why a copy of a file that is read is refused."""
    return f"{_COPY}{twin.id}, which is read"


def _file_name(name: str) -> str:
    """A name that is safe for a file: no folders, nothing invisible, not hidden, not endless."""
    visible, _ = canonical(name.replace("\\", "/").rsplit("/", 1)[-1])
    path = PurePosixPath(re.sub(r"[\x00-\x1f/:*?\"<>|]", "_", visible).strip(" .") or "document")
    suffix = path.suffix[:16]
    return path.stem.encode()[: _MAX_NAME - len(suffix.encode())].decode(errors="ignore") + suffix


def _free_path(folder: Path, name: str) -> Path:
    """`name` in the folder, or `name (2)` and so on where that is taken."""
    path = folder / name
    for number in itertools.count(2):
        if not path.exists():
            return path
        path = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
    raise AssertionError("numbers do not end")
