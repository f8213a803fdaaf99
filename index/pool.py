"""Connections to one SQLite file: as many as threads use at once, for each holds open files and memory."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_KEPT = 8  # that nobody uses: a burst of readers leaves no more behind


class Closed(Exception):
    """No connection is lent any more."""


class Pool:
    """Lends connections, each to one thread at a time."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Lend what `connect` makes, which any thread may use and close."""
        self._connect = connect
        self._free: list[sqlite3.Connection] = []
        self._is_closed = False
        self._changing = threading.Lock()
        self._lent = threading.local()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread while the block runs; within such a block, the one that it has already.

        Raises:
            Closed: The pool is closed.
            sqlite3.Error: None can be made.
        """
        own: sqlite3.Connection | None = getattr(self._lent, "connection", None)
        if own is not None:
            yield own
            return
        own = self._lent.connection = self._taken()
        try:
            yield own
        finally:
            self._lent.connection = None
            self._give_back(own)

    def close(self) -> None:
        """Close all connections: those that are lent as soon as they come back."""
        with self._changing:
            self._is_closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _taken(self) -> sqlite3.Connection:
        with self._changing:
            if self._is_closed:
                raise Closed
            if self._free:
                return self._free.pop()  # the one used last, whose pages are at hand
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._changing:
            # One that could not end its transaction, in a damaged file, is of no use to the next thread.
            is_wanted = not (self._is_closed or connection.in_transaction or len(self._free) >= _KEPT)
            if is_wanted:
                self._free.append(connection)
        if not is_wanted:
            connection.close()
