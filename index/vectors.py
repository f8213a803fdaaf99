"""Nearest passages by cosine: Chroma (the only importer of chromadb), DERIVED and rebuildable, or exact search."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Lock
from typing import TYPE_CHECKING, Self, cast

import numpy as np
import numpy.typing as npt

from index.catalog import Catalog, Every
from index.embeddings import Vector
from index.errors import LibraryError
from index.precedence import PRECEDENCE

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateHNSWConfiguration
    from chromadb.api.fastapi import FastAPI
    from chromadb.config import Settings

_BATCH = 250  # far under Chroma's limit of 5,461, for Python's other threads wait until one is written: 0.1 s
_DEADLINE = 10.0  # seconds for a server to answer, and for others to be done with a connection that is closed
_ROUTES = (
    "/api/v2/heartbeat",
    "/api/v2/auth/identity",
    "/api/v2/tenants/default_tenant",
    "/api/v2/tenants/default_tenant/databases/default_database",
)
_SEAL = "seal"
_CLIENTS: dict[str, "Client"] = {}

# Wide enough that the graph search finds what an exact one would; ties and scores are settled after. Of the 20 nearest
# among 100,000 vectors near those of real sentences it finds this share, in a processor's milliseconds a question:
#     ef_construction, built in    ef_search  200          300          400          600
#     200              241 s             0.9880, 3.8  0.9940, 5.2  0.9955, 4.9
#     100              135 s             0.9875, 3.6  0.9930, 4.0  0.9960, 4.6  0.9975, 5.5
# Among 20,000, with 400, it is 0.9985 with 32 neighbours and 0.998 with 16 or 24, which are built no sooner.
_HNSW: "CreateHNSWConfiguration" = {
    "space": "cosine",
    "ef_construction": 100,
    "ef_search": 400,
    "max_neighbors": 32,
}


def load_chroma() -> None:
    """Have it loaded before it is needed, where something else is waited for anyway."""
    import chromadb  # noqa: F401  # heavy: 0.6 s


class Chroma:
    """A connection to Chroma: to one embedded in this process, or to a server."""

    def __init__(self, client: "Client", where: str, errors: type[Exception]) -> None:
        """See `embedded` and `served`; `errors` are those it raises where something is wrong with `where`."""
        self.client = client
        self._where = where
        self._errors = errors
        self._uses = 0
        self._is_closed = False
        self._using = Condition()

    @classmethod
    def embedded(cls, folder: Path) -> Self:
        """The one whose files are in a folder, made where there is none.

        Raises:
            LibraryError: It cannot be opened.
        """
        import chromadb  # heavy: 0.6 s
        from chromadb.errors import ChromaError

        folder.mkdir(parents=True, exist_ok=True)
        try:
            client = chromadb.PersistentClient(str(folder), _settings())
        except ChromaError as error:
            raise LibraryError(f"The vector index {folder} cannot be opened ({error}).") from error
        return cls(cast("Client", client), str(folder), ChromaError)  # its declared type forgets close()

    @classmethod
    def served(cls, url: str) -> Self:
        """The server at an address such as `http://localhost:8000`.

        Raises:
            LibraryError: There is none, or it does not answer within seconds.
        """
        import httpx  # Chroma's own way to a server

        try:
            for route in _ROUTES:  # that Chroma's client asks for at once, and with no deadline
                httpx.get(httpx.URL(url).join(route), timeout=_DEADLINE).raise_for_status()
            client = _client_of(url)
            cast("FastAPI", client._server)._session.timeout = httpx.Timeout(_DEADLINE)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise LibraryError(
                f"There is no Chroma server at {url} ({error}); start it, name another, or leave out --chroma."
            ) from error
        return cls(client, url, Exception)  # it raises whatever HTTP and JSON do, and plain ones

    @contextmanager
    def saying(self, what: str) -> Iterator[None]:
        """Do something with it.

        Raises:
            LibraryError: It goes wrong, or is closed; the message says what could not be done.
        """
        with self._using:
            if self._is_closed:
                raise LibraryError(f"The vector index {self._where} cannot be {what} (it is closed).")
            self._uses += 1
        try:
            yield
        except self._errors as error:
            raise LibraryError(f"The vector index {self._where} cannot be {what} ({error}).") from error
        finally:
            with self._using:
                self._uses -= 1
                self._using.notify_all()

    def seals(self) -> dict[str, str]:
        """The seal of each collection by its name, "" where it has none.

        Raises:
            LibraryError: Chroma cannot answer.
        """
        with self.saying("read"):
            return {each.name: str((each.metadata or {}).get(_SEAL, "")) for each in self.client.list_collections()}

    def set_seal(self, name: str, seal: str) -> None:
        """Give a collection a seal.

        Raises:
            LibraryError: Chroma cannot write.
        """
        with self.saying("written"):
            self.client.get_collection(name, embedding_function=None).modify(metadata={_SEAL: seal})

    def delete(self, name: str) -> None:
        """Delete a collection.

        Raises:
            LibraryError: Chroma cannot write.
        """
        with self.saying("written"):
            self.client.delete_collection(name)

    def close(self) -> None:
        """Let go of its files and memory once nobody uses it, or seems to hang.

        A server's client is kept, for Chroma never lets go of one whole.
        """
        with self._using:
            self._is_closed = True
            self._using.wait_for(lambda: not self._uses, _DEADLINE)
        if self._where not in _CLIENTS:
            self.client.close()


class ChromaVectors:
    """One generation: a Chroma collection of its own."""

    def __init__(self, chroma: Chroma, name: str) -> None:
        """Open the collection of this name, or make it; the connection is closed with it.

        Raises:
            LibraryError: Chroma cannot open it.
        """
        self._chroma = chroma
        with chroma.saying("opened"):
            self._collection = chroma.client.get_or_create_collection(
                name, embedding_function=None, configuration={"hnsw": _HNSW}
            )

    def add(self, vectors: Mapping[str, Vector], document_of: Mapping[str, str]) -> None:
        """Write vectors by passage id; a passage already there is replaced.

        Raises:
            LibraryError: Chroma cannot write them.
        """
        ids = list(vectors)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            PRECEDENCE.give_way()
            with self._chroma.saying("written"):
                self._collection.upsert(
                    batch,
                    embeddings=np.stack([vectors[id] for id in batch]),
                    metadatas=[{"document_id": document_of[id]} for id in batch],
                )

    def remove(self, ids: Collection[str]) -> None:
        """Forget passages.

        Raises:
            LibraryError: Chroma cannot write.
        """
        every = list(ids)
        for start in range(0, len(every), _BATCH):
            PRECEDENCE.give_way()
            with self._chroma.saying("written"):
                self._collection.delete(every[start : start + _BATCH])

    def count(self) -> int:
        """How many passages it holds.

        Raises:
            LibraryError: Chroma cannot answer.
        """
        with self._chroma.saying("read"):
            return self._collection.count()

    def nearest(self, vector: Vector, count: int, documents: Collection[str] | None) -> Collection[str]:
        """Ids of about the `count` nearest passages, of these documents only where they are given.

        Raises:
            LibraryError: Chroma cannot answer.
        """
        where = None if documents is None else {"document_id": {"$in": sorted(documents)}}
        with self._chroma.saying("read"):
            found = self._collection.query(query_embeddings=[vector], n_results=count, where=where, include=[])  # type: ignore[arg-type]
            return found["ids"][0]

    def close(self) -> None:
        """Let go of the files."""
        self._chroma.close()


def _client_of(url: str) -> "Client":
    """The one client of a server in this process."""
    import chromadb  # heavy: 0.6 s
    from httpx import URL

    if url not in _CLIENTS:
        address = URL(url)
        is_safe = address.scheme == "https"
        port = address.port or (443 if is_safe else 80)
        _CLIENTS[url] = cast("Client", chromadb.HttpClient(address.host, port, is_safe, settings=_settings()))
    return _CLIENTS[url]


def _settings() -> "Settings":
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


class ExactVectors:
    """Every vector of the catalog in memory, read again when the catalog has changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._read: tuple[int, Every] = (-1, ((), (), np.zeros((0, 0), dtype=np.float32)))
        self._reading = Lock()  # several threads ask, and two readings at once take twice the memory

    def nearest(self, vector: Vector, count: int, documents: Collection[str] | None) -> Collection[str]:
        """As `ChromaVectors.nearest`, and exact; ties by id."""
        ids, document_ids, matrix = self._every()
        if documents is not None:
            rows = [row for row, document in enumerate(document_ids) if document in documents]
            ids, matrix = tuple(ids[row] for row in rows), matrix[rows]
        if not ids:
            return []
        if matrix.shape[1:] != vector.shape:
            raise LibraryError(
                "The library's vectors are not of its embedding model; have footnote doctor --mend read the documents "
                "anew."
            )
        return [ids[row] for row in _highest(matrix @ vector, count)]

    def _every(self) -> Every:
        with self._reading:
            revision = self._catalog.revision()
            read, every = self._read
            if read != revision:
                every = self._catalog.every_vector()
                self._read = revision, every
            return every


def _highest(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.intp]:
    """Where the `count` highest of some scores stand, highest first, equals as they stand; most are never sorted."""
    scores = np.nan_to_num(scores, nan=-np.inf)  # of a vector that was damaged
    least = np.partition(scores, -count)[-count] if count < len(scores) else -np.inf
    close = np.flatnonzero(scores >= least)
    return close[np.argsort(-scores[close], kind="stable")][:count]
