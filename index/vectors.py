"""Nearest passages by cosine: Chroma (the only importer of chromadb), DERIVED and rebuildable, or exact search."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from index.catalog import Catalog
from index.embeddings import Vector
from index.errors import LibraryError

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateHNSWConfiguration

_BATCH = 1_000  # far under Chroma's limit of 5,461

# Wide enough that the graph search finds what an exact one would; ties and scores are settled after.
_HNSW: "CreateHNSWConfiguration" = {
    "space": "cosine",
    "ef_construction": 200,
    "ef_search": 200,
    "max_neighbors": 32,
}


class ChromaVectors:
    """One generation of a Chroma collection, in a folder of its own that never moves."""

    def __init__(self, folder: Path) -> None:
        """Open the generation in `folder`, or make it.

        Raises:
            LibraryError: Chroma cannot open it.
        """
        import chromadb  # heavy: 0.6 s
        from chromadb.config import Settings
        from chromadb.errors import ChromaError

        self._error = ChromaError
        folder.mkdir(parents=True, exist_ok=True)
        try:
            client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
            self._client = cast("Client", client)  # its declared type forgets close()
            self._collection = self._client.get_or_create_collection(
                "passages", embedding_function=None, configuration={"hnsw": _HNSW}
            )
        except ChromaError as error:
            raise LibraryError(f"The vector index {folder} cannot be opened ({error}).") from error

    def add(self, vectors: Mapping[str, Vector], document_of: Mapping[str, str]) -> None:
        """Write vectors by passage id; a passage already there is replaced.

        Raises:
            LibraryError: Chroma cannot write them.
        """
        ids = list(vectors)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            try:
                self._collection.upsert(
                    batch,
                    embeddings=np.stack([vectors[id] for id in batch]),
                    metadatas=[{"document_id": document_of[id]} for id in batch],
                )
            except self._error as error:
                raise LibraryError(f"The vector index cannot be written ({error}).") from error

    def remove(self, ids: Collection[str]) -> None:
        """Forget passages.

        Raises:
            LibraryError: Chroma cannot write.
        """
        every = list(ids)
        for start in range(0, len(every), _BATCH):
            try:
                self._collection.delete(every[start : start + _BATCH])
            except self._error as error:
                raise LibraryError(f"The vector index cannot be written ({error}).") from error

    def count(self) -> int:
        """How many passages it holds.

        Raises:
            LibraryError: Chroma cannot answer.
        """
        try:
            return self._collection.count()
        except self._error as error:
            raise LibraryError(f"The vector index cannot be read ({error}).") from error

    def nearest(self, vector: Vector, count: int, documents: Collection[str] | None) -> Collection[str]:
        """Ids of about the `count` nearest passages, of these documents only where they are given.

        Raises:
            LibraryError: Chroma cannot answer.
        """
        where = None if documents is None else {"document_id": {"$in": sorted(documents)}}
        try:
            found = self._collection.query(query_embeddings=[vector], n_results=count, where=where, include=[])  # type: ignore[arg-type]
        except self._error as error:
            raise LibraryError(f"The vector index cannot be read ({error}).") from error
        return found["ids"][0]

    def close(self) -> None:
        """Let go of the files."""
        self._client.close()


class ExactVectors:
    """Every vector of the catalog in memory, read again when the catalog has changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._revision = -1
        self._ids: tuple[str, ...] = ()
        self._documents: tuple[str, ...] = ()
        self._matrix = np.zeros((0, 0), dtype=np.float32)

    def nearest(self, vector: Vector, count: int, documents: Collection[str] | None) -> Collection[str]:
        """As `ChromaVectors.nearest`, and exact; ties by id."""
        self._refresh()
        rows = np.arange(len(self._ids))
        if documents is not None:
            rows = rows[[document in documents for document in self._documents]]
        cosines = self._matrix[rows] @ vector if len(rows) else np.zeros(0)
        best = sorted(zip(-cosines, (self._ids[row] for row in rows), strict=True))[:count]
        return [id for _, id in best]

    def _refresh(self) -> None:
        revision = self._catalog.revision()
        if revision != self._revision:
            self._ids, self._documents, self._matrix = self._catalog.every_vector()
            self._revision = revision
