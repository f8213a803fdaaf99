"""Hit: dense and BM25 search, fused by their scores, filtered by document."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from index.document import canonical
from index.errors import QuestionError
from index.library import Library
from index.passages import Passage
from rag.calibration import Fusion

MAX_QUESTION = 4_000  # characters

_CANDIDATES = 50  # of each search, before fusion

# Quotation marks, apostrophes, dashes and hyphens that a word processor sets in place of those one types.
PLAIN = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‘’‚‛", "'") | dict.fromkeys("‐‑‒–—", "-"))

DENSE_ALONE, BM25_ALONE = Fusion(0.0), Fusion(1e6)  # to measure the two searches by


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a query, with the parts of its score.

    Attributes:
        passage: The passage.
        score: Fused score; higher is better.
        rank: From 1.
        dense_rank: Rank by cosine similarity, from 1, or None where it was not among the candidates.
        bm25_rank: Rank by BM25, likewise.
        reader: The reader's score, 0..1, or None where it has not read the passage.
    """

    passage: Passage
    score: float
    rank: int
    dense_rank: int | None
    bm25_rank: int | None
    reader: float | None = None


def check_question(question: str) -> str:
    """The question as canonical text, like the documents, without blanks at its ends.

    Raises:
        QuestionError: It is empty, or longer than `MAX_QUESTION` characters.
    """
    if len(question) > MAX_QUESTION:
        raise QuestionError(
            f"The question has {len(question):,} characters, and {MAX_QUESTION:,} is the most; shorten it."
        )
    query = canonical(question)[0].strip()
    if not query:
        raise QuestionError("The question is empty; type one.")
    return query


@dataclass(frozen=True, slots=True)
class Found:
    """What the two searches found, by passage id, best first.

    Attributes:
        dense: Cosines of the nearest passages.
        bm25: BM25 scores of the passages with the question's words.
        cosines: The cosine of every passage that either found.
    """

    dense: dict[str, float]
    bm25: dict[str, float]
    cosines: dict[str, float]


def search(library: Library, query: str, documents: Collection[str] | None = None) -> Found:
    """Look a query up both ways, in the documents with these ids only where they are given."""
    if documents is not None and not documents:
        return Found({}, {}, {})
    vector = library.embedder.embed_query(query)
    dense = dict(library.nearest(vector, _CANDIDATES, documents))
    bm25 = dict(library.search(query, _CANDIDATES, documents))
    return Found(dense, bm25, dense | library.cosines(vector, bm25.keys() - dense.keys()))


def fuse(found: Found, fusion: Fusion) -> dict[str, float]:
    """The fused score of every passage found, best first, ties by id."""
    scores = {id: cosine + fusion.bm25 * found.bm25.get(id, 0.0) for id, cosine in found.cosines.items()}
    return dict(sorted(scores.items(), key=lambda scored: (-scored[1], scored[0])))


def retrieve(
    library: Library, query: str, k: int, fusion: Fusion, documents: Collection[str] | None = None
) -> tuple[Hit, ...]:
    """The `k` best passages for a query, best first, ties by id; one that a better one repeats is left out.

    Args:
        library: Where to search.
        query: Words or a question.
        k: How many hits at most.
        fusion: How the two searches are weighed.
        documents: Search the documents with these ids only.
    """
    found = search(library, query, documents)
    scores = fuse(found, fusion)
    dense_ranks = {id: rank for rank, id in enumerate(found.dense, start=1)}
    bm25_ranks = {id: rank for rank, id in enumerate(found.bm25, start=1)}
    return tuple(
        Hit(each, scores[each.id], rank, dense_ranks.get(each.id), bm25_ranks.get(each.id))
        for rank, each in enumerate(islice(_new(_passages(library, list(scores), max(1, 2 * k))), k), start=1)
    )


def _passages(library: Library, ids: Sequence[str], count: int) -> Iterator[Passage]:
    """Passages in this order, `count` looked up at a time; but not those that a sync has removed meanwhile."""
    for start in range(0, len(ids), count):
        batch = ids[start : start + count]
        there = library.passages(batch)
        yield from (there[id] for id in batch if id in there)


def _new(passages: Iterable[Passage]) -> Iterator[Passage]:
    """The passages that say something no earlier one does: more than the same characters, set in another way."""
    told: list[str] = []
    for passage in passages:
        plain = f" {' '.join(passage.text.translate(PLAIN).casefold().split())} "
        if not any(plain in earlier for earlier in told):
            told.append(plain)
            yield passage
