"""Browsers: those that have signed in to a page with a password, kept in the library in a SQLite file of their own.

A browser holds a secret, which changes whenever it signs in or out, so that one that was planted in it before, or
copied from it, is worth nothing afterwards. Kept here is what the secret can be known again by, and not the secret.
"""

import hmac
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import scrypt, sha256
from pathlib import Path
from time import monotonic

from index import private
from index.catalog import TROUBLE, see_ours
from index.errors import LibraryError

_FILE, _SALT = "browsers.sqlite", "browsers.salt"
_MOST = 10_000  # browsers; of more, those that never came back are forgotten first, then those that signed in first
_BYTES = 32  # of a secret
_TWICE = 10.0  # seconds in which a browser may send the password a second time
_TABLE = "browser"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS {_TABLE} (
    number INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE, owner TEXT NOT NULL UNIQUE, proof TEXT NOT NULL,
    came_back INTEGER NOT NULL DEFAULT 0
) STRICT
"""
_CAME_BACK = f"ALTER TABLE {_TABLE} ADD COLUMN came_back INTEGER NOT NULL DEFAULT 0"  # which older files have not


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that has signed in.

    Attributes:
        owner: Whose conversations it shows: a name that no other browser has, and that stays.
        proof: That it sent the password and holds a certain secret; "" once it has signed out.
        came_back: Whether it has ever sent the secret that it got when it signed in: some programs never do.
    """

    owner: str
    proof: str
    came_back: bool = False


class Browsers:
    """The browsers of one library's page; one process writes them."""

    def __init__(self, home: Path, password: str) -> None:
        """Those kept in the library that lives in `home`; who sent another password than this one is not signed in.

        Raises:
            LibraryError: The file cannot be read or written.
        """
        self._path = home / _FILE
        # Not in a backup: in a library that is restored nobody is signed in, also who had signed out meanwhile.
        salt = _salt(home / _SALT)
        self._key = scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1)
        with self._opened() as database:
            rows = database.execute(f"SELECT mark, owner, proof, came_back FROM {_TABLE}")
            self._known = {mark: Browser(owner, proof, bool(came_back)) for mark, owner, proof, came_back in rows}
        self._renewed: dict[str, tuple[str, float]] = {}  # by old mark: the fresh secret, and until when it is given

    def known(self, secret: str) -> Browser | None:
        """The browser with this secret, signed in or not; None where there is none."""
        return self._known.get(_mark(secret))

    def signed_in(self, secret: str) -> Browser | None:
        """The browser with this secret, where it is signed in."""
        browser = self.known(secret)
        right = browser and hmac.compare_digest(browser.proof.encode(), self._proof(secret).encode())
        return browser if right else None

    def came_back(self, secret: str) -> None:
        """A browser that is signed in has sent its secret: it is not among the first to be forgotten."""
        mark = _mark(secret)
        browser = self._known[mark]
        if browser.came_back:
            return
        self._known[mark] = replace(browser, came_back=True)
        with suppress(LibraryError), self._opened() as database:  # it is signed in all the same
            database.execute(f"UPDATE {_TABLE} SET came_back = 1 WHERE mark = ?", (mark,))

    def sign_in(self, secret: str) -> tuple[str, Browser]:
        """Sign in a browser that sent the password: the secret that it has from now on, and the browser.

        The browser that was known by its old secret is the same one still; any other secret makes it a new one. Who
        clicks twice sends the password twice with the old secret, and the second time gets what the first time gave.

        Raises:
            LibraryError: This cannot be kept.
        """
        if (renewed := self._just_renewed(secret)) and (browser := self.signed_in(renewed)):
            return renewed, browser
        fresh, before = secrets.token_urlsafe(_BYTES), self.known(secret)
        proof = self._proof(fresh)
        browser = replace(before, proof=proof) if before else Browser(secrets.token_hex(_BYTES), proof)
        self._change(secret, fresh, browser)
        if before:
            self._renewed[_mark(secret)] = fresh, monotonic() + _TWICE
        return fresh, browser

    def sign_out(self, secret: str) -> str:
        """Sign out the browser with this secret: the secret by which it is known when it signs in again.

        Raises:
            LibraryError: This cannot be kept; it is signed in still.
        """
        fresh = secrets.token_urlsafe(_BYTES)
        self._change(secret, fresh, replace(self._known[_mark(secret)], proof=""))
        return fresh

    def _just_renewed(self, secret: str) -> str:
        """The secret that was given a moment ago in place of this one, or ""."""
        now = monotonic()
        self._renewed = {mark: renewed for mark, renewed in self._renewed.items() if now < renewed[1]}
        return self._renewed.get(_mark(secret), ("", 0.0))[0]

    def _proof(self, secret: str) -> str:
        return hmac.digest(self._key, secret.encode(), "sha256").hex()

    def _change(self, secret: str, fresh: str, browser: Browser) -> None:
        """Keep a browser under its fresh secret, and forget the one that it had."""
        old, new = _mark(secret), _mark(fresh)
        with self._opened() as database:
            database.execute(f"DELETE FROM {_TABLE} WHERE mark = ?", (old,))
            row = new, browser.owner, browser.proof, browser.came_back
            database.execute(f"INSERT INTO {_TABLE} (mark, owner, proof, came_back) VALUES (?, ?, ?, ?)", row)
            forgotten = database.execute(
                f"DELETE FROM {_TABLE} WHERE number NOT IN (SELECT number FROM {_TABLE} "
                f"ORDER BY mark = ? DESC, came_back DESC, number DESC LIMIT ?) RETURNING mark",
                (new, _MOST),
            ).fetchall()
        self._known[new] = browser
        for mark in (old, *(mark for (mark,) in forgotten)):
            self._known.pop(mark, None)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The file, made where there is none, and read by its user alone; all is done with it, or nothing."""
        try:
            private.make_file(self._path)
            with closing(sqlite3.connect(self._path, isolation_level=None)) as database:
                database.execute("PRAGMA trusted_schema = OFF")
                database.execute("BEGIN IMMEDIATE")
                see_ours(self._path, database, {_TABLE})
                _make(database)
                yield database
                database.execute("COMMIT")
        except (*TROUBLE, OSError) as error:
            raise LibraryError(
                f"The list of signed-in browsers cannot be written to {self._path} ({error}); see that the disk has "
                f"room, or move the file away to have everybody sign in anew."
            ) from error


def _make(database: sqlite3.Connection) -> None:
    """Make what is missing in the file."""
    database.execute(_SCHEMA)
    if "came_back" not in {name for _, name, *_ in database.execute(f"PRAGMA table_info({_TABLE})")}:
        database.execute(_CAME_BACK)


def _mark(secret: str) -> str:
    """What a secret is known again by."""
    return sha256(secret.encode()).hexdigest()


def _salt(path: Path) -> bytes:
    """Chance that is this library's own, and read by its user alone.

    Raises:
        LibraryError: It cannot be kept.
    """
    try:
        salt = path.read_bytes() if path.exists() else b""
        if len(salt) != _BYTES:  # new, or half written
            salt = secrets.token_bytes(_BYTES)
            private.make_file(path)
            path.write_bytes(salt)
        return salt
    except OSError as error:
        raise LibraryError(
            f"{path} cannot be written or read ({error.strerror}); see that the disk has room."
        ) from error
