"""Browsers: those in which the password of a page was told, kept in the library in a SQLite file of their own.

A browser holds a secret, which changes whenever it signs in or out, so that one that was planted in it before, or
copied from it, is worth nothing afterwards. Kept here is what the secret can be known again by, and not the secret.
"""

import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import scrypt, sha256
from pathlib import Path

from index.errors import LibraryError

_FILE, _SALT = "browsers.sqlite", "browsers.salt"
_MOST = 10_000  # browsers; of more, those that signed in longest ago are forgotten
_BYTES = 32  # of a secret
_SCHEMA = """
CREATE TABLE IF NOT EXISTS browser (
    number INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE, owner TEXT NOT NULL UNIQUE, proof TEXT NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser in which the password was told.

    Attributes:
        owner: Whose conversations it shows: a name that no other browser has, and that stays.
        proof: That it was told the password and holds a certain secret; "" once it has signed out.
    """

    owner: str
    proof: str


class Browsers:
    """The browsers of one library's page; one process writes them."""

    def __init__(self, home: Path, password: str) -> None:
        """Those kept in the library that lives in `home`; who told another password than this one is not signed in.

        Raises:
            LibraryError: The file cannot be read or written.
        """
        self._path = home / _FILE
        # Not in a backup: in a library that is restored nobody is signed in, also who had signed out meanwhile.
        salt = _salt(home / _SALT)
        self._key = scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1)
        with self._opened() as database:
            rows = database.execute("SELECT mark, owner, proof FROM browser ORDER BY number")
            self._known = {mark: Browser(owner, proof) for mark, owner, proof in rows}

    def known(self, secret: str) -> Browser | None:
        """The browser with this secret, signed in or not; None where there is none."""
        return self._known.get(_mark(secret))

    def signed_in(self, secret: str) -> Browser | None:
        """The browser with this secret, where it is signed in."""
        browser = self.known(secret)
        right = browser and hmac.compare_digest(browser.proof.encode(), self._proof(secret).encode())
        return browser if right else None

    def sign_in(self, secret: str) -> tuple[str, Browser]:
        """Sign in a browser that told the password: the secret that it has from now on, and the browser.

        The browser that was known by its old secret is the same one still; any other secret makes it a new one.

        Raises:
            LibraryError: This cannot be kept.
        """
        fresh, owner = secrets.token_urlsafe(_BYTES), secrets.token_hex(_BYTES)
        before = self.known(secret)
        browser = Browser(before.owner if before else owner, self._proof(fresh))
        self._change(secret, fresh, browser)
        return fresh, browser

    def sign_out(self, secret: str) -> str:
        """Sign out the browser with this secret: the secret by which it is known when it signs in again.

        Raises:
            LibraryError: This cannot be kept; it is signed in still.
        """
        fresh = secrets.token_urlsafe(_BYTES)
        self._change(secret, fresh, Browser(self._known[_mark(secret)].owner, ""))
        return fresh

    def _proof(self, secret: str) -> str:
        return hmac.digest(self._key, secret.encode(), "sha256").hex()

    def _change(self, secret: str, fresh: str, browser: Browser) -> None:
        """Keep a browser under its fresh secret, and forget the one that it had."""
        old, new = _mark(secret), _mark(fresh)
        with self._opened() as database:
            database.execute("DELETE FROM browser WHERE mark = ?", (old,))
            database.execute(
                "INSERT INTO browser (mark, owner, proof) VALUES (?, ?, ?)", (new, browser.owner, browser.proof)
            )
            database.execute(
                "DELETE FROM browser WHERE number NOT IN (SELECT number FROM browser ORDER BY number DESC LIMIT ?)",
                (_MOST,),
            )
        self._known.pop(old, None)
        self._known[new] = browser
        for mark in list(self._known)[:-_MOST]:  # in the order in which they signed in
            del self._known[mark]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The file, made where there is none, and read by its user alone; all is done with it, or nothing."""
        try:
            self._path.touch(mode=0o600)
            with closing(sqlite3.connect(self._path, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(_SCHEMA)
                yield database
                database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise LibraryError(
                f"Who is signed in cannot be kept in {self._path} ({error}); see that the disk has room, or move the "
                f"file away to have everybody sign in anew."
            ) from error


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
            with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
                file.write(salt)
        return salt
    except OSError as error:
        raise LibraryError(
            f"{path} cannot be written or read ({error.strerror}); see that the disk has room."
        ) from error
