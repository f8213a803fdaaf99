"""Writes a generation of Chroma's index in a process of its own: `python -m index.fill FOLDER CATALOG NAME REVISION`.

Chroma keeps Python's other threads waiting while it writes, so the process that people talk to writes little at a time.
Exit code 0: it holds what the catalog held at that revision; 3: the catalog is at another one by now.
"""

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from index.catalog import Catalog
from index.disk import see_room
from index.vectors import Chroma, ChromaVectors

MOVED = 3
_BATCH = 1_000  # passages held in memory at once
_NICE = 10  # who asks a question goes before


def fill(vectors: ChromaVectors, catalog: Catalog, home: Path, revision: int) -> int:
    """Write every passage of the catalog in `home`; the exit code."""
    with catalog.snapshot():
        if catalog.revision() != revision:
            return MOVED
        for ids in batches(tuple(catalog.passage_keys())):
            write_vectors(vectors, catalog, home, ids)
    return 0


def write_vectors(vectors: ChromaVectors, catalog: Catalog, home: Path, ids: Collection[str]) -> None:
    """Write some passages of the catalog in `home`, but for those that a sync has removed meanwhile.

    Raises:
        LibraryError: Chroma cannot write them.
        NoRoom: The disk is full.
    """
    see_room(home)
    document_of = {id: passage.document_id for id, passage in catalog.passages(ids).items()}
    vectors.add({id: vector for id, vector in catalog.vectors(ids).items() if id in document_of}, document_of)


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many at a time as may be held in memory with all that they stand for."""
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]


if __name__ == "__main__":
    os.nice(_NICE)
    with (
        closing(Catalog(Path(sys.argv[2]), "ro")) as opened,
        closing(ChromaVectors(Chroma.embedded(Path(sys.argv[1])), sys.argv[3])) as filled,
    ):
        sys.exit(fill(filled, opened, Path(sys.argv[2]).parent, int(sys.argv[4])))
