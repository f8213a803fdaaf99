"""Opens a Chroma index in a process of its own: `python -m index.selfcheck FOLDER CATALOG NAME`; exit code 0: all well.

What crashes here, or answers wrongly, is not opened by the process that people talk to.
"""

import sys
from contextlib import closing
from pathlib import Path

from index.catalog import Catalog
from index.vectors import Chroma, ChromaVectors

_ASKED = 64  # passages, evenly drawn, that are looked up by their own vectors
_MISSED = 0.02  # the share of them that a sound index may miss, as the graph it searches is not exhaustive
_SAME = 0.999  # cosine of a vector and itself, rounded as it is kept


def finds_its_own(vectors: ChromaVectors, catalog: Catalog) -> bool:
    """Whether an index holds as many passages as the catalog, and finds some of them by their own vectors."""
    ids = tuple(catalog.passage_keys())
    drawn = ids[:: max(1, len(ids) // _ASKED)]
    if vectors.count() != len(ids):
        return False
    missed = 0
    for vector in catalog.vectors(drawn).values():
        nearest = catalog.vectors(vectors.nearest(vector, 1, None))
        missed += not any(float(other @ vector) >= _SAME for other in nearest.values())
    return missed <= _MISSED * len(drawn)


if __name__ == "__main__":
    with (
        closing(Catalog(Path(sys.argv[2]), "ro")) as opened,
        closing(ChromaVectors(Chroma.embedded(Path(sys.argv[1])), sys.argv[3])) as tried,
    ):
        sys.exit(0 if finds_its_own(tried, opened) else 1)
