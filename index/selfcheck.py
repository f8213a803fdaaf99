"""Opens a Chroma index in a process of its own: `python -m index.selfcheck FOLDER CATALOG`; exit code 0: all is well.

What crashes here, or answers wrongly, is not opened by the process that people talk to.
"""

import sys
from contextlib import closing
from pathlib import Path

from index.catalog import Catalog
from index.vectors import ChromaVectors

_ASKED = 64  # passages, evenly drawn, that are looked up by their own vectors
_NEAREST = 10
_SAME = 0.999  # cosine of a vector and itself, as float32 has it


def finds_its_own(folder: Path, catalog: Catalog) -> bool:
    """Whether an index holds as many passages as the catalog, and finds some of them by their own vectors."""
    ids = catalog.passage_ids()
    drawn = ids[:: max(1, len(ids) // _ASKED)]
    with closing(ChromaVectors(folder)) as vectors:
        if vectors.count() != len(ids):
            return False
        for vector in catalog.vectors(drawn).values():
            found = catalog.vectors(vectors.nearest(vector, _NEAREST, None))
            if max((float(other @ vector) for other in found.values()), default=0.0) < _SAME:
                return False
    return True


if __name__ == "__main__":
    with closing(Catalog(Path(sys.argv[2]), read_only=True)) as opened:
        sys.exit(0 if finds_its_own(Path(sys.argv[1]), opened) else 1)
