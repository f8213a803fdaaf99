"""Writes a generation of Chroma's index in a process of its own: `python -m index.fill FOLDER CATALOG NAME REVISION`.

Chroma keeps Python's other threads waiting while it writes, so the process that people talk to writes little at a time.
Exit code 0: it holds what the catalog held at that revision; 3: the catalog is at another one by now.
"""

import sys
from contextlib import closing
from pathlib import Path

from index.catalog import Catalog
from index.disk import see_room
from index.vectors import Chroma, ChromaVectors

MOVED = 3
_BATCH = 1_000  # passages held in memory at once


def fill(vectors: ChromaVectors, catalog: Catalog, home: Path, revision: int) -> int:
    """Write every passage of the catalog in `home`; the exit code."""
    with catalog.snapshot():
        if catalog.revision() != revision:
            return MOVED
        every = list(catalog.passage_keys())
        for ids in (every[start : start + _BATCH] for start in range(0, len(every), _BATCH)):
            see_room(home)
            vectors.add(catalog.vectors(ids), {id: each.document_id for id, each in catalog.passages(ids).items()})
    return 0


if __name__ == "__main__":
    with (
        closing(Catalog(Path(sys.argv[2]), "ro")) as opened,
        closing(ChromaVectors(Chroma.embedded(Path(sys.argv[1])), sys.argv[3])) as filled,
    ):
        sys.exit(fill(filled, opened, Path(sys.argv[2]).parent, int(sys.argv[4])))
