"""Conversations kept in the library, in a SQLite file of their own: each is its owner's alone."""

import secrets
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from pydantic import TypeAdapter, ValidationError

from index import private
from index.catalog import TROUBLE, see_ours
from index.document import canonical
from index.errors import LibraryError
from rag.chat import Conversation, Turn

MAX_TITLE = 120  # characters

_FILE = "conversations.sqlite"
_TAKING_TURNS = Lock()  # SQLite would have threads of one process sleep and try again, for longer each time
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversation (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, asked TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS conversation_of_owner ON conversation (owner, asked);
CREATE TABLE IF NOT EXISTS turn (
    conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    turn TEXT NOT NULL, PRIMARY KEY (conversation, number)
) STRICT;
"""
_TURN = TypeAdapter(Turn)


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in the list of its owner's.

    Attributes:
        id: Under which it is kept.
        title: What it is called.
        asked: When its last question was asked, ISO 8601 in UTC, to the microsecond.
    """

    id: str
    title: str
    asked: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of conversations that hold text of documents which are gone.

    Attributes:
        count: How many were deleted.
        unread: The titles of those that cannot be read, and so are kept.
    """

    count: int
    unread: tuple[str, ...]


class DamagedConversation(LibraryError):
    """A conversation cannot be read, while others can."""


class Conversations:
    """The conversations of one owner in one library; whatever another owns is not there.

    Attributes:
        owner: Whose they are.

    Every method may raise `LibraryError`, where the file cannot be read or written.
    """

    def __init__(self, home: Path, owner: str) -> None:
        """Those of `owner`, kept in the library that lives in `home`; nothing is read yet."""
        self._home = home
        self.owner = owner

    def listed(self) -> tuple[Listed, ...]:
        """All of them, the one asked last first."""
        with _opened(self._home) as database:
            rows = database.execute(
                "SELECT id, title, asked FROM conversation WHERE owner = ? ORDER BY asked DESC, id", (self.owner,)
            )
            return tuple(Listed(*row) for row in rows)

    def __contains__(self, id: str) -> bool:
        """Whether there is one of this id."""
        with _opened(self._home) as database:
            return self._title(database, id) is not None

    def open(self, id: str) -> Conversation:
        """One of them, whole.

        Raises:
            LibraryError: There is none of this id.
        """
        with _opened(self._home) as database:
            return self._read(database, id)

    def add(self, id: str, turn: Turn, known: Conversation | None = None) -> Conversation:
        """Keep a turn, as the next of a conversation, or as the first of a new one where there is none of this id.

        Args:
            id: The conversation's.
            turn: The turn.
            known: The conversation as it was read last: its turns are not read again where none was added since.
        """
        kept, known = _TURN.dump_json(turn).decode(), known or Conversation()
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        with _opened(self._home) as database:
            if self._title(database, id) is None:
                id = secrets.token_hex(8)
                row = (id, self.owner, _shortened(turn.answer.question), now)
                database.execute("INSERT INTO conversation VALUES (?, ?, ?, ?)", row)
            database.execute("UPDATE conversation SET asked = ? WHERE id = ?", (now, id))
            database.execute(
                "INSERT INTO turn SELECT ?, count(*) + 1, ? FROM turn WHERE conversation = ?",
                (id, kept, id),
            )
            (count,) = database.execute("SELECT count(*) FROM turn WHERE conversation = ?", (id,)).fetchone()
            if not known.turns or (known.id, len(known.turns) + 1) != (id, count):
                return self._read(database, id)
            title = self._title(database, id) or known.title
            return Conversation(id, title, (*known.turns, _TURN.validate_json(kept)))

    def judge(self, id: str, number: int, judged: Turn) -> Conversation:
        """Keep what the reader says of a turn, its number from 1: the turn as it is kept, with that judgement or none.

        Raises:
            LibraryError: The conversation has no such turn there.
        """
        with _opened(self._home) as database:
            turns = self._read(database, id).turns[number - 1 : number]
            if [replace(turn, judgement=judged.judgement) for turn in turns] != [judged]:
                raise LibraryError("This answer is not kept, and so nothing can be said of it; ask the question again.")
            kept = _TURN.dump_json(judged).decode()
            database.execute("UPDATE turn SET turn = ? WHERE conversation = ? AND number = ?", (kept, id, number))
            return self._read(database, id)

    def rename(self, id: str, title: str) -> None:
        """Call one of them something else; its first `MAX_TITLE` characters count, and a blank one changes nothing."""
        called = _shortened(title) or None
        with _opened(self._home) as database:
            database.execute(
                "UPDATE conversation SET title = coalesce(?, title) WHERE id = ? AND owner = ?",
                (called, id, self.owner),
            )

    def delete(self, id: str) -> None:
        """Forget one of them; what it said is overwritten in the file."""
        with _opened(self._home) as database:
            database.execute("DELETE FROM conversation WHERE id = ? AND owner = ?", (id, self.owner))

    def hand_over(self, owner: str) -> None:
        """Make all of them another owner's, who keeps those that are theirs already."""
        with _opened(self._home) as database:
            database.execute("UPDATE conversation SET owner = ? WHERE owner = ?", (owner, self.owner))

    def _title(self, database: sqlite3.Connection, id: str) -> str | None:
        """What the owner calls the conversation of this id, or None where the owner has none."""
        found = database.execute("SELECT title FROM conversation WHERE id = ? AND owner = ?", (id, self.owner))
        return next((title for (title,) in found), None)

    def _read(self, database: sqlite3.Connection, id: str) -> Conversation:
        title = self._title(database, id)
        if title is None:
            raise LibraryError("There is no such conversation here; it may have been deleted.")
        rows = database.execute("SELECT turn FROM turn WHERE conversation = ? ORDER BY number", (id,))
        try:
            return Conversation(id, title, tuple(_TURN.validate_json(turn) for (turn,) in rows))
        except ValidationError as error:
            raise DamagedConversation(
                f"“{title}” is damaged, or was kept by another version of Footnote; delete it, or use the version that "
                f"kept it."
            ) from error


def every(home: Path) -> tuple[Conversation, ...]:
    """All conversations of a library, whosever they are, by id: for those who keep the library.

    Raises:
        LibraryError: The file cannot be read.
    """
    return tuple(Conversations(home, owner).open(listed.id) for listed, owner in _owned(home))


def forget_gone(home: Path, there: Collection[str]) -> Forgotten:
    """Delete the conversations that hold text of documents which are not there any more.

    Raises:
        LibraryError: The file cannot be read or written.
    """
    count, unread = 0, list[str]()
    for listed, owner in _owned(home):
        kept = Conversations(home, owner)
        try:
            quoted = _quoted(kept.open(listed.id))
        except DamagedConversation:
            unread.append(listed.title)
            continue
        if not quoted <= set(there):
            kept.delete(listed.id)
            count += 1
    return Forgotten(count, tuple(unread))


def _owned(home: Path) -> list[tuple[Listed, str]]:
    """Every conversation, and its owner."""
    with _opened(home) as database:
        rows = database.execute("SELECT id, title, asked, owner FROM conversation ORDER BY id")
        return [(Listed(id, title, asked), owner) for id, title, asked, owner in rows]


def _quoted(talk: Conversation) -> set[str]:
    """The documents that text in a conversation is of."""
    answers = [turn.answer for turn in talk.turns]
    cited = {citation.document_id for answer in answers for citation in answer.citations}
    return cited | {hit.passage.document_id for answer in answers for hit in answer.hits}


@contextmanager
def _opened(home: Path) -> Iterator[sqlite3.Connection]:
    """The file, made where there is none; all that is done with it is done together, or not at all."""
    path = home / _FILE
    try:
        private.make_file(path)
        with _TAKING_TURNS, closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA secure_delete = ON")
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("BEGIN IMMEDIATE")
            see_ours(path, database)
            _make(database)
            yield database
            database.execute("COMMIT")
    except (*TROUBLE, OSError) as error:
        raise LibraryError(
            f"Conversations cannot be kept in {path} ({error}); see that the disk has room, or move the file away to "
            f"start afresh."
        ) from error


def _shortened(title: str) -> str:
    """A title on one line, without invisible characters, cut where it is long."""
    line = " ".join(canonical(title)[0].split())
    return line if len(line) <= MAX_TITLE else f"{line[: MAX_TITLE - 1]}…"


def _make(database: sqlite3.Connection) -> None:
    """Make what is missing in the file.

    Raises:
        LibraryError: Another version of Footnote made it.
    """
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version == _VERSION:
        return
    if version:
        raise LibraryError(
            f"The conversations kept here are of version {version}, and this Footnote reads version {_VERSION}; use "
            f"the Footnote that made them, or move {_FILE} away to start afresh."
        )
    for statement in _SCHEMA.split(";"):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {_VERSION}")
