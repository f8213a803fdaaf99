"""Connections that are lent: as many as are used at once, each by one thread."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from index import pool
from index.pool import Closed, Pool


class Made:
    """The connections that were made, to a file of one table."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections: list[sqlite3.Connection] = []

    def __call__(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute("CREATE TABLE IF NOT EXISTS mill (name TEXT)")
        self.connections.append(connection)
        return connection

    def opened(self) -> int:
        """How many are not closed."""
        return sum(map(_is_open, self.connections))


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    made = Made(tmp_path / "mill.sqlite")
    yield made
    for connection in made.connections:
        connection.close()


def _read(connections: Pool) -> int:
    with connections.connection() as connection:
        return int(connection.execute("SELECT count(*) FROM mill").fetchone()[0])


def test_threads_that_read_one_after_another_share_one_connection(made: Made) -> None:
    connections = Pool(made)
    for _ in range(20):
        thread = threading.Thread(target=_read, args=[connections])
        thread.start()
        thread.join()
    assert len(made.connections) == 1


def test_threads_that_read_at_once_have_one_each_and_a_burst_leaves_few_behind(made: Made) -> None:
    connections, many = Pool(made), 3 * pool._KEPT
    met = threading.Barrier(many)

    def meet() -> int:
        with connections.connection() as connection:
            met.wait(60)
            return id(connection)

    with ThreadPoolExecutor(many) as threads:
        lent = [doing.result() for doing in [threads.submit(meet) for _ in range(many)]]
    assert len(set(lent)) == many
    assert made.opened() == pool._KEPT


def test_a_block_within_a_block_has_the_same_connection(made: Made) -> None:
    connections = Pool(made)
    with connections.connection() as outer:
        outer.execute("BEGIN")
        outer.execute("INSERT INTO mill VALUES ('Orsa')")
        with connections.connection() as inner:
            assert inner is outer
        assert _read(connections) == 1  # also before it is written down
        outer.execute("COMMIT")


def test_one_that_is_still_in_a_transaction_is_not_lent_again(made: Made) -> None:
    connections = Pool(made)
    with connections.connection() as connection:
        connection.execute("BEGIN")
    assert made.opened() == 0
    assert _read(connections) == 0


def test_a_pool_that_is_closed_lends_none_and_closes_those_that_come_back(made: Made) -> None:
    connections = Pool(made)
    with ExitStack() as lent:
        lent.enter_context(connections.connection())
        connections.close()
        assert made.opened() == 1
        with ThreadPoolExecutor(1) as threads, pytest.raises(Closed):
            threads.submit(partial(_read, connections)).result()
    assert made.opened() == 0
    with pytest.raises(Closed):
        _read(connections)
