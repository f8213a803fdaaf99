"""SQLite: documents, passages, vectors and the state of every file. THE RECORD.

Chroma and tantivy are derived from it, and can be thrown away and rebuilt at any time.
"""

import json
import os
import re
import sqlite3
import sys
import threading
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from index.disk import see_room
from index.document import Document, Heading, Page, Span, Table
from index.embeddings import Vector
from index.errors import LibraryError
from index.passages import Passage
from index.pool import Closed, Pool

CATALOG = "catalog.sqlite"
"""The file's name in a library."""

UNREAD = "unread"
"""The setting that is not "" while not all documents are read, as from the beginning."""

TROUBLE = (sqlite3.Error, UnicodeDecodeError)
"""What Python raises where SQLite is in trouble: the second where SQLite quotes bytes of a damaged file."""

Access = Literal["rw", "ro", "still"]
"""How a catalog is opened: to be written; to be read, also while another process writes; to be read while none does.

Only the last takes no room on the disk.
"""

Every = tuple[tuple[str, ...], tuple[str, ...], npt.NDArray[np.float32]]
"""Ids of passages and of their documents, and the passages' vectors `(passages, dimension)`, in one order."""

_What = ParamSpec("_What")
_Read = TypeVar("_Read")

_ACCESS: dict[Access, str] = {"rw": "mode=rwc", "ro": "mode=ro", "still": "mode=ro&immutable=1"}

_SCHEMA_VERSION = 7

_ROOTS = "CREATE TABLE root (name TEXT PRIMARY KEY, path BLOB NOT NULL) STRICT, WITHOUT ROWID;"
_FILES = """
CREATE TABLE file (
    id TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('indexed', 'refused', 'failed')), reason TEXT NOT NULL, title TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX file_of_content ON file (sha256);
"""
_HEADINGS = """
CREATE TABLE heading (
    document_id TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE, start INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (document_id, start)
) STRICT, WITHOUT ROWID;
"""
_PASSAGES = """
CREATE TABLE passage (
    id TEXT PRIMARY KEY, document_id TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE, text TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER, heading INTEGER, sentences TEXT NOT NULL,
    text_sha256 TEXT NOT NULL REFERENCES vector (text_sha256), "where" TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX passage_of_document ON passage (document_id, start);
CREATE INDEX passage_of_text ON passage (text_sha256, id);
"""
_SCHEMA = f"""
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
{_ROOTS}
{_FILES}
CREATE TABLE document (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, sha256 TEXT NOT NULL, media_type TEXT NOT NULL,
    pages TEXT NOT NULL, headings TEXT NOT NULL, author TEXT NOT NULL, date TEXT NOT NULL, url TEXT NOT NULL,
    dropped INTEGER NOT NULL, tables TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE TABLE vector (text_sha256 TEXT PRIMARY KEY, vector BLOB NOT NULL) STRICT;
{_HEADINGS}
{_PASSAGES}
CREATE TABLE derived (
    name TEXT PRIMARY KEY, generation INTEGER NOT NULL, revision INTEGER, digest TEXT NOT NULL DEFAULT '',
    forgotten INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
"""
_MIGRATIONS = {  # from a version to the next
    1: "ALTER TABLE derived ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
    2: f"""
    {_ROOTS}
    ALTER TABLE file RENAME TO file_2;
    DROP INDEX file_of_content;
    {_FILES}
    INSERT INTO file SELECT * FROM file_2;
    DROP TABLE file_2
    """,
    3: """
    ALTER TABLE document ADD COLUMN tables TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE passage ADD COLUMN "where" TEXT NOT NULL DEFAULT ''
    """,
    4: """
    UPDATE vector SET vector = halved(vector);
    UPDATE derived SET revision = NULL, digest = '' WHERE name LIKE 'chroma%'
    """,
    5: f"""
    {_HEADINGS}
    INSERT INTO heading SELECT document_id, min(start), heading FROM passage WHERE heading != ''
        GROUP BY document_id, heading;
    ALTER TABLE passage RENAME TO passage_5;
    DROP INDEX passage_of_document;
    DROP INDEX passage_of_text;
    {_PASSAGES}
    INSERT INTO passage SELECT id, document_id, text, start, "end", page,
        CASE WHEN heading != '' THEN min(start) OVER (PARTITION BY document_id, heading) END,
        sentences, text_sha256, "where" FROM passage_5;
    DROP TABLE passage_5
    """,
    6: "ALTER TABLE derived ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0",
}

_KEPT = np.float16  # half the room of float32, for cosines that differ by less than 0.0001

# Rows that belong to nothing: no row that should name them does. In the order in which they are forgotten.
_STRAYS = (
    ("document", "id NOT IN (SELECT id FROM file WHERE state = 'indexed')"),
    ("heading", "document_id NOT IN (SELECT id FROM document)"),
    ("passage", "document_id NOT IN (SELECT id FROM document)"),
    ("vector", "NOT EXISTS (SELECT 1 FROM passage WHERE passage.text_sha256 = vector.text_sha256)"),
)

_FILE = "id, size, mtime_ns, sha256, state, reason, title"
# A heading is kept once, by where the first passage starts that stands under it.
_PASSAGE = """
SELECT id, passage.document_id, passage.text, passage.start, "end", page, coalesce(heading.text, ''), sentences, "where"
FROM passage LEFT JOIN heading ON heading.document_id = passage.document_id AND heading.start = passage.heading
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a library's folders and what became of it.

    Attributes:
        id: `<root>/<POSIX path under it>`, the id of its document.
        size: Bytes.
        mtime_ns: When it was last changed, in nanoseconds since 1970.
        sha256: Hexadecimal digest of its bytes, or "" where they were not read.
        state: "indexed"; or, for the reason given, "refused", or "failed" where reading it broke down.
        reason: Why it was not read, or what of it was not; else "".
        title: The document's title, or "".
    """

    id: str
    size: int
    mtime_ns: int
    sha256: str
    state: Literal["indexed", "refused", "failed"]
    reason: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Tabled:
    """What is known of a document with tables before its text is read.

    Attributes:
        id: The document's.
        title: Its.
        sha256: Of its file.
        tables: Each with what people call the page that it stands on, such as "sheet Sales", or "".
    """

    id: str
    title: str
    sha256: str
    tables: tuple[tuple[str, Table], ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """A derived index.

    Attributes:
        generation: Its number, which names its folder.
        revision: The catalog revision that it equals, None while it is written.
        digest: SHA-256 of its files once they are closed, "" before.
        forgotten: How many passages it has forgotten, whose room it does not give back.
    """

    generation: int
    revision: int | None
    digest: str = ""
    forgotten: int = 0


def _decoded(read: Callable[_What, _Read]) -> Callable[_What, _Read]:
    """Says in a sentence that what is read is not what was written.

    Raises:
        LibraryError: It is not.
    """

    @wraps(read)
    def reading(*arguments: _What.args, **named: _What.kwargs) -> _Read:
        try:
            return read(*arguments, **named)
        except (ValueError, TypeError) as error:
            raise LibraryError(
                f"The library's catalog is damaged ({error}); footnote doctor --mend has what is damaged read anew."
            ) from error

    return reading


class Catalog:
    """One SQLite file, in WAL mode with synchronous=FULL.

    Threads read side by side, each through a connection that it has meanwhile; one thread at a time writes.
    """

    def __init__(self, path: Path, access: Access) -> None:
        """Open the catalog, and make it where it may be written and does not exist.

        Raises:
            LibraryError: The file is missing, damaged, or of another version of Footnote.
            NoRoom: The disk is full.
        """
        self._path = path
        self._access = access
        self._pool = Pool(self._connect)
        self._write_lock = threading.RLock()
        try:
            if access == "rw":
                self._create()
            version = self.setting("schema")
        except LibraryError:
            self.close()
            raise
        except TROUBLE as error:
            self.close()
            if _is_damage(error):
                raise _damaged(path, error) from error
            see_room(path.parent)
            raise LibraryError(
                f"The library's catalog {path} cannot be opened ({error}); see that its folder can be written, or name "
                f"another place with --library."
            ) from error
        if version in map(str, _MIGRATIONS):
            self.close()
            raise LibraryError(f"{path} is of version {version}; footnote sync brings it to version {_SCHEMA_VERSION}.")
        if version != str(_SCHEMA_VERSION):
            self.close()
            raise LibraryError(
                f"{path} is of version {version or 'unknown'}, and this Footnote reads version {_SCHEMA_VERSION}; "
                f"use the Footnote that made it, or move its folder away to start afresh."
            )
        try:
            with self._reading() as connection:
                see_ours(path, connection, _names())
        except LibraryError:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection; what is read or written just now comes to its end."""
        self._pool.close()

    # --- settings and revisions ---

    def setting(self, key: str) -> str:
        """A setting's value, or ""."""
        row = self._row("SELECT value FROM setting WHERE key = ?", key)
        return str(row[0]) if row else ""

    def set(self, key: str, value: str) -> None:
        """Write a setting."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))

    def roots(self) -> dict[str, Path]:
        """The further folders of documents, by the names that the ids of their documents begin with."""
        return {name: Path(os.fsdecode(path)) for name, path in self._rows("SELECT name, path FROM root ORDER BY name")}

    def set_roots(self, roots: Mapping[str, Path]) -> None:
        """Write what `roots` reads."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM root")
            connection.executemany(
                "INSERT INTO root VALUES (?, ?)", ((name, os.fsencode(path)) for name, path in roots.items())
            )

    def revision(self) -> int:
        """A number that grows with every change to the documents."""
        return int(self.setting("revision") or 0)

    def derived(self, name: str) -> Derived:
        """The state of a derived index."""
        row = self._row("SELECT generation, revision, digest, forgotten FROM derived WHERE name = ?", name)
        return Derived(*row) if row else Derived(0, None)

    def set_derived(self, name: str, state: Derived) -> None:
        """Write the state of a derived index."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO derived VALUES (?, ?, ?, ?, ?)", (name, *astuple(state)))

    def derived_names(self) -> tuple[str, ...]:
        """The derived indexes that there have been."""
        return tuple(row[0] for row in self._rows("SELECT name FROM derived ORDER BY name"))

    def forget_derived(self, name: str) -> None:
        """Forget that there has been a derived index."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM derived WHERE name = ?", (name,))

    def unmark(self, name: str) -> None:
        """Write that a derived index equals no revision now, whatever its generation is."""
        with self._transaction() as connection:
            connection.execute("UPDATE derived SET revision = NULL, digest = '' WHERE name = ?", (name,))

    # --- writing documents ---

    def put(self, file: File, document: Document, passages: Sequence[Passage], vectors: Mapping[str, Vector]) -> None:
        """Write a document, its passages and their vectors (by `text_key`) in one transaction."""
        with self._transaction() as connection:
            self._forget(connection, file.id)
            connection.executemany(
                "INSERT OR IGNORE INTO vector VALUES (?, ?)",
                ((key, vector.astype(_KEPT).tobytes()) for key, vector in vectors.items()),
            )
            connection.execute(
                f"INSERT INTO document VALUES ({', '.join('?' * 12)})",
                (
                    *(document.id, document.title, document.text, document.sha256, document.media_type),
                    json.dumps([astuple(page) for page in document.pages]),
                    json.dumps([astuple(heading) for heading in document.headings]),
                    *(document.author, document.date, document.url, document.dropped),
                    json.dumps([astuple(table) for table in document.tables]),
                ),
            )
            headings = _headings(passages)
            connection.executemany(
                "INSERT INTO heading VALUES (?, ?, ?)", ((document.id, start, text) for text, start in headings.items())
            )
            connection.executemany(
                f"INSERT INTO passage VALUES ({', '.join('?' * 10)})",
                (_passage_row(passage, headings.get(passage.heading)) for passage in passages),
            )
            self._put_file(connection, file)
            self._grow_revision(connection)

    def refuse(self, file: File) -> None:
        """Write down a file that was refused or failed; a document it once was is forgotten."""
        with self._transaction() as connection:
            self._forget(connection, file.id)
            self._put_file(connection, file)
            self._grow_revision(connection)

    def touch(self, file: File) -> None:
        """Write a file's new time or size where its content did not change."""
        with self._transaction() as connection:
            self._put_file(connection, file)

    def remove(self, document_id: str) -> None:
        """Forget a file, its document and its passages."""
        with self._transaction() as connection:
            self._forget(connection, document_id)
            self._grow_revision(connection)

    def prune(self) -> None:
        """Forget the vectors that no passage has any more; a sync's last step, so that a rename embeds nothing."""
        table, stray = _STRAYS[-1]
        with self._transaction() as connection:
            connection.execute(f"DELETE FROM {table} WHERE {stray}")

    def vacuum(self) -> None:
        """Leave nothing in the file of what was forgotten.

        Raises:
            LibraryError: The disk is full, or another process is reading.
        """
        with self._write_lock:
            try:
                with self._lent() as connection:
                    connection.execute("VACUUM")
                    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except TROUBLE as error:
                raise LibraryError(
                    f"The library {self._path.parent} cannot be purged ({error}); see that the disk has room for a "
                    f"second copy of {self._path.name}."
                ) from error
            if busy:
                raise LibraryError(f"{self._path} is being read by another process; stop that one, then purge again.")

    # --- what is wrong with it ---

    def strays(self) -> int:
        """How many rows belong to nothing: documents without a file, passages without a document, unused vectors."""
        return sum(int(self._rows(f"SELECT count(*) FROM {table} WHERE {stray}")[0][0]) for table, stray in _STRAYS)

    def sweep(self) -> None:
        """Forget the strays."""
        with self._transaction() as connection:
            for table, stray in _STRAYS:
                connection.execute(f"DELETE FROM {table} WHERE {stray}")
            self._grow_revision(connection)

    def forget(self, document_ids: Collection[str]) -> None:
        """Forget documents, their files, passages and vectors, so that the next sync reads and embeds them anew."""
        with self._transaction() as connection:
            keys = connection.execute(
                "SELECT DISTINCT text_sha256 FROM passage WHERE document_id IN (SELECT value FROM json_each(?))",
                (_list(document_ids),),
            ).fetchall()
            for document_id in document_ids:
                self._forget(connection, document_id)
            connection.executemany(
                "DELETE FROM vector WHERE text_sha256 = ? "
                "AND NOT EXISTS (SELECT 1 FROM passage WHERE passage.text_sha256 = vector.text_sha256)",
                keys,
            )
            self._grow_revision(connection)

    # --- reading ---

    def files(self) -> tuple[File, ...]:
        """Every file, by id."""
        return tuple(File(*row) for row in self._rows(f"SELECT {_FILE} FROM file ORDER BY id"))

    def file(self, file_id: str) -> File | None:
        """A file by its id, or None."""
        row = self._row(f"SELECT {_FILE} FROM file WHERE id = ?", file_id)
        return File(*row) if row else None

    def copies(self, digest: str) -> tuple[File, ...]:
        """The files whose bytes have this SHA-256, by id."""
        return tuple(File(*row) for row in self._rows(f"SELECT {_FILE} FROM file WHERE sha256 = ? ORDER BY id", digest))

    @_decoded
    def document(self, document_id: str) -> Document:
        """A document by its id.

        Raises:
            KeyError: There is none.
        """
        row = self._row("SELECT * FROM document WHERE id = ?", document_id)
        if row is None:
            raise KeyError(document_id)
        id, title, text, digest, media_type, pages, headings, author, date, url, dropped, tables = row
        return Document(
            id=id,
            title=title,
            text=text,
            sha256=digest,
            media_type=media_type,
            pages=_pages(pages),
            headings=tuple(Heading(*heading) for heading in json.loads(headings)),
            tables=_tables(tables),
            author=author,
            date=date,
            url=url,
            dropped=dropped,
        )

    def tabled(self) -> tuple[Tabled, ...]:
        """The documents with tables whose rows have numbers, by id."""
        rows = self._rows("SELECT id, title, sha256, pages, tables FROM document WHERE tables != '[]' ORDER BY id")
        told = (
            Tabled(id, title, digest, tuple(_placed(_tables(tables), _pages(pages))))
            for id, title, digest, pages, tables in rows
        )
        return tuple(each for each in told if each.tables)

    def passage_count(self) -> int:
        """How many passages there are."""
        return int(self._rows("SELECT count(*) FROM passage")[0][0])

    def passage_keys(self) -> dict[str, str]:
        """The id of every passage, by document and place in it, and what tells its text from any other."""
        return dict(self._rows("SELECT id, substr(text_sha256, 1, 16) FROM passage ORDER BY document_id, start"))

    def passages(self, ids: Collection[str]) -> dict[str, Passage]:
        """Passages by id; ids that are not there are left out."""
        rows = self._rows(f"{_PASSAGE} WHERE id IN (SELECT value FROM json_each(?))", _list(ids))
        return {row[0]: _passage(row) for row in rows}

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """A document's passages in order."""
        rows = self._rows(f"{_PASSAGE} WHERE passage.document_id = ? ORDER BY passage.start", document_id)
        return tuple(_passage(row) for row in rows)

    def passages_at(self, document_id: str, start: int, end: int) -> tuple[Passage, ...]:
        """The passages that hold characters `start` to `end` of a document, or some of them, in order."""
        rows = self._rows(
            f"{_PASSAGE} WHERE passage.document_id = ? AND passage.start < CAST(? AS INTEGER) AND passage.start >= "
            "coalesce((SELECT max(start) FROM passage WHERE document_id = ? AND start <= CAST(? AS INTEGER)), 0) "
            'AND "end" > CAST(? AS INTEGER) ORDER BY passage.start',
            *(document_id, str(end), document_id, str(start), str(start)),
        )
        return tuple(_passage(row) for row in rows)

    def vectors(self, ids: Collection[str]) -> dict[str, Vector]:
        """The vectors `(dimension,)` of passages, by passage id."""
        rows = self._rows(
            "SELECT id, vector FROM passage JOIN vector USING (text_sha256) "
            "WHERE id IN (SELECT value FROM json_each(?))",
            _list(ids),
        )
        return {row[0]: _vector(row[1]) for row in rows}

    def first_copies(self, ids: Collection[str], documents: Collection[str] | None) -> dict[str, str]:
        """For each passage the first by id that has the same text, among these documents where they are given."""
        among, values = "", [_list(ids)]
        if documents is not None:
            among, values = "AND copy.document_id IN (SELECT value FROM json_each(?))", [_list(documents), _list(ids)]
        rows = self._rows(
            "SELECT id, (SELECT min(copy.id) FROM passage AS copy "
            f"WHERE copy.text_sha256 = passage.text_sha256 {among}) "
            "FROM passage WHERE id IN (SELECT value FROM json_each(?))",
            *values,
        )
        return {id: first for id, first in rows if first is not None}

    def forget_digests(self) -> None:
        """Have every file read anew at the next sync."""
        with self._transaction() as connection:
            connection.execute("UPDATE file SET sha256 = ''")

    @_decoded
    def every_vector(self) -> Every:
        """Every passage with its vector, by id."""
        ids: list[str] = []
        documents: list[str] = []
        vectors = bytearray()
        with self._reading() as connection:  # a row at a time: all of them together take as much room again
            for id, document_id, vector in connection.execute(
                "SELECT id, document_id, vector FROM passage JOIN vector USING (text_sha256) ORDER BY id"
            ):
                ids.append(id)
                documents.append(sys.intern(document_id))
                vectors += vector
        return tuple(ids), tuple(documents), _vector(vectors).reshape(len(ids), -1 if ids else 0)

    def known_vectors(self, keys: Collection[str]) -> dict[str, Vector]:
        """The vectors that texts with these keys already have."""
        rows = self._rows(
            "SELECT text_sha256, vector FROM vector WHERE text_sha256 IN (SELECT value FROM json_each(?))",
            _list(keys),
        )
        return {row[0]: _vector(row[1]) for row in rows}

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read in this thread while the block runs is as of one moment, whatever others write."""
        with self._reading() as connection:
            connection.execute("BEGIN")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")

    # --- inside ---

    def _create(self) -> None:
        """Make the file where it is new, and bring it forward where an earlier Footnote made it."""
        with self._transaction() as connection:
            if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                see_ours(self._path, connection)
                self._migrate(connection)
                return
            _run(connection, _SCHEMA)
            values = (str(_SCHEMA_VERSION), UNREAD)
            connection.execute("INSERT INTO setting VALUES ('schema', ?), (?, 'yes')", values)

    @staticmethod
    def _migrate(connection: sqlite3.Connection) -> None:
        """Bring the file to this version, or leave it as it is where its version is not known."""
        found = connection.execute("SELECT value FROM setting WHERE key = 'schema'").fetchone()
        version = int(found[0]) if found and found[0].isdecimal() else 0
        if not 0 < version < _SCHEMA_VERSION:
            return
        connection.create_function("halved", 1, _halved)
        for step in range(version, _SCHEMA_VERSION):
            _run(connection, _MIGRATIONS[step])
        connection.execute("UPDATE setting SET value = ? WHERE key = 'schema'", (str(_SCHEMA_VERSION),))

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread while the block runs.

        Raises:
            LibraryError: The catalog is closed.
        """
        try:
            with self._pool.connection() as connection:
                yield connection
        except Closed as error:
            raise LibraryError(f"The library's catalog {self._path} is closed; open the library again.") from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?{_ACCESS[self._access]}",
            uri=True,
            timeout=10,
            isolation_level=None,
            check_same_thread=False,  # each is used by one thread at a time
        )
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        if self._access == "rw":
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """What a query finds.

        Raises:
            LibraryError: The file is damaged, or cannot be read.
        """
        with self._reading() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read the file with while the block runs.

        Raises:
            LibraryError: It is damaged, or cannot be read.
        """
        try:
            with self._lent() as connection:
                yield connection
        except TROUBLE as error:
            if _is_damage(error):
                raise _damaged(self._path, error) from error
            raise LibraryError(
                f"The library's catalog {self._path} cannot be read ({error}); move {self._path.parent} away and open "
                f"the folder again to read it anew."
            ) from error

    def _row(self, query: str, *values: str) -> tuple[Any, ...] | None:
        return next(iter(self._rows(query, *values)), None)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread writes while the block runs is written whole, or not at all.

        Raises:
            LibraryError: The file cannot be written.
            NoRoom: The disk is full.
        """
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it is written, or none; what is in another transaction of this thread, with that.

        Raises:
            LibraryError: The file cannot be written.
            NoRoom: The disk is full.
        """
        with self._write_lock:
            try:
                with self._lent() as connection:
                    if connection.in_transaction:
                        yield connection
                        return
                    try:
                        connection.execute("BEGIN IMMEDIATE")
                        yield connection
                        connection.execute("COMMIT")
                    finally:
                        if connection.in_transaction:
                            _roll_back(connection)
            except sqlite3.IntegrityError:
                raise  # a mistake of ours, and no remedy for a person to try
            except TROUBLE as error:
                raise self._unwritten(error) from error

    def _unwritten(self, error: Exception) -> LibraryError:
        """What is said where the file cannot be written.

        Raises:
            NoRoom: The disk is full.
        """
        if _is_damage(error):
            return _damaged(self._path, error)
        see_room(self._path.parent)
        return LibraryError(
            f"The library {self._path.parent} cannot be written ({error}); see that the folder can be written, or name "
            f"another place with --library."
        )

    @staticmethod
    def _forget(connection: sqlite3.Connection, document_id: str) -> None:
        connection.execute("DELETE FROM document WHERE id = ?", (document_id,))
        connection.execute("DELETE FROM file WHERE id = ?", (document_id,))

    @staticmethod
    def _put_file(connection: sqlite3.Connection, file: File) -> None:
        connection.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(file))

    @staticmethod
    def _grow_revision(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO setting VALUES ('revision', '1') ON CONFLICT DO UPDATE SET value = CAST(value + 1 AS TEXT)"
        )


def is_made(path: Path) -> bool:
    """Whether a catalog is there, and not just about to be made by another process."""
    return _finds(path, "SELECT 1 FROM setting WHERE key = 'schema'")


def is_begun(path: Path) -> bool:
    """Whether there is something to read in a catalog that another process may be making: documents, or all there are.

    One that is damaged, or of another version, is for whoever opens it.
    """
    unread = f"SELECT 1 FROM setting WHERE key = '{UNREAD}' AND value != ''"
    return _finds(path, f"SELECT 1 WHERE EXISTS (SELECT 1 FROM passage) OR NOT EXISTS ({unread})")


def _finds(path: Path, query: str) -> bool:
    """Whether a query finds something; so it does in a file that is damaged, for whoever opens it to say."""
    if not path.exists():
        return False
    try:
        with closing(connect_to_read(path)) as opened:
            return opened.execute(query).fetchone() is not None
    except TROUBLE as error:
        return _is_damage(error)


def lags(path: Path) -> bool:
    """Whether what was written last is not in a catalog's file yet, but beside it."""
    wal = path.with_name(f"{path.name}-wal")
    return wal.exists() and wal.stat().st_size > 0


def access_to_read(path: Path) -> Access:
    """How a file is read: where nothing can be written beside it, which SQLite would, as one that nobody writes."""
    is_effective = os.access in os.supports_effective_ids
    may_write = os.access(path.parent, os.W_OK, effective_ids=is_effective)
    return "ro" if may_write or lags(path) else "still"


def connect_to_read(database: Path) -> sqlite3.Connection:
    """A connection that only reads; nothing that the file says of itself is run.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?{_ACCESS[access_to_read(database)]}", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def see_ours(path: Path, connection: sqlite3.Connection, names: Collection[str] | None = None) -> None:
    """See that a SQLite file holds tables and indexes alone, of these names where they are given.

    Nothing else is made by us, and a trigger or a view of another's making would be run by what we do.

    Raises:
        LibraryError: It does not.
    """
    made = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_schema").fetchall()
    for kind, name, sql in made:
        is_plain = kind in {"table", "index"} and not re.match(r"\s*CREATE\s+VIRTUAL", sql, re.IGNORECASE)
        if not is_plain or (names is not None and name not in names and not name.startswith("sqlite_")):
            raise LibraryError(
                f"{path} holds the {kind} {name}, which Footnote does not make; move that file away, and one is "
                f"made anew."
            )


@cache
def _names() -> frozenset[str]:
    """Of what a catalog holds."""
    with closing(sqlite3.connect(":memory:")) as empty:
        _run(empty, _SCHEMA)
        return frozenset(name for (name,) in empty.execute("SELECT name FROM sqlite_schema"))


def _is_damage(error: Exception) -> bool:
    """Whether the file is at fault, and not what surrounds it."""
    code = getattr(error, "sqlite_errorcode", None)  # an error of Python's own module has none
    return isinstance(error, UnicodeDecodeError) or (
        code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    )


def _damaged(path: Path, error: Exception) -> LibraryError:
    why = "its names cannot be read" if isinstance(error, UnicodeDecodeError) else error
    return LibraryError(
        f"The library's catalog {path} is damaged ({why}); footnote doctor --mend sets it aside, and the folder is "
        f"read anew."
    )


def _roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction that failed; one of a damaged file may have no way back, and is gone with the connection."""
    with suppress(*TROUBLE):
        connection.execute("ROLLBACK")


def damage(database: Path) -> str:
    """What SQLite finds wrong with a file, on one line; "" where it finds nothing.

    Raises:
        LibraryError: It cannot be looked at now, for another reason.
        NoRoom: The disk is full.
    """
    try:
        with closing(connect_to_read(database)) as opened:
            told = str(opened.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except TROUBLE as error:
        if not _is_damage(error):
            see_room(database.parent)
            raise LibraryError(f"{database} cannot be looked at ({error}); try again in a moment.") from error
        told = str(error)
    return "" if told == "ok" else told.splitlines()[-1]


def text_key(text: str) -> str:
    """What a text's vector is filed under: the SHA-256 of the text, hexadecimal."""
    return sha256(text.encode()).hexdigest()


@_decoded
def _vector(kept: bytes | bytearray) -> Vector:
    """A vector as it is kept, or several one after another."""
    return np.frombuffer(kept, dtype=_KEPT).astype(np.float32)


def _halved(vector: bytes) -> bytes:
    """A vector as it is kept, from float32; of one that is damaged nothing, which doctor notices."""
    if len(vector) % np.dtype(np.float32).itemsize:
        return b""
    return np.frombuffer(vector, dtype=np.float32).astype(_KEPT).tobytes()


def _run(connection: sqlite3.Connection, statements: str) -> None:
    """Run some statements inside a transaction, which sqlite3's own `executescript` would end."""
    for statement in statements.split(";"):
        connection.execute(statement)


def _headings(passages: Iterable[Passage]) -> dict[str, int]:
    """The headings of a document's passages, each with where the first passage starts that stands under it."""
    headings: dict[str, int] = {}
    for passage in passages:
        if passage.heading:
            headings.setdefault(passage.heading, passage.start)
    return headings


def _passage_row(passage: Passage, heading: int | None) -> tuple[object, ...]:
    return (
        *(
            passage.id,
            passage.document_id,
            passage.text,
            passage.start,
            passage.end,
            passage.page,
            heading,
        ),
        json.dumps([astuple(sentence) for sentence in passage.sentences]),
        text_key(passage.text),
        passage.where,
    )


@_decoded
def _passage(row: Sequence[Any]) -> Passage:
    id, document_id, text, start, end, page, heading, sentences, where = row
    spans = tuple(Span(*sentence) for sentence in json.loads(sentences))
    return Passage(id, document_id, text, start, end, page, heading, spans, where)


@_decoded
def _pages(told: str) -> tuple[Page, ...]:
    return tuple(Page(*page) for page in json.loads(told))


@_decoded
def _tables(told: str) -> tuple[Table, ...]:
    return tuple(Table(start, end, tuple(heads), *at) for start, end, heads, *at in json.loads(told))


def _placed(tables: Sequence[Table], pages: Sequence[Page]) -> Iterator[tuple[str, Table]]:
    """The tables whose rows have numbers, each with the name of its page."""
    starts = [page.start for page in pages]
    for table in tables:
        number = bisect_right(starts, table.start)
        name = pages[number - 1].name if number and table.start < pages[number - 1].end else ""
        if table.row:
            yield name, table


def _list(values: Collection[str]) -> str:
    return json.dumps(list(values))
