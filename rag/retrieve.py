"""Hit: dense and BM25 search, fused by weighted reciprocal rank, filtered by document."""

from collections.abc import Collection
from dataclasses import dataclass

from index.document import canonical
from index.errors import QuestionError
from index.library import Library
from index.passages import Passage
from rag.calibration import Fusion

MAX_QUESTION = 4_000  # characters

_CANDIDATES = 50  # of each search, before fusion


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
    """What the two searches found: passage ids, best first."""

    dense: tuple[str, ...]
    bm25: tuple[str, ...]


def search(library: Library, query: str, documents: Collection[str] | None = None) -> Found:
    """Look a query up both ways, in the documents with these ids only where they are given."""
    if documents is not None and not documents:
        return Found((), ())
    vector = library.embedder.embed_query(query)
    dense = library.nearest(vector, _CANDIDATES, documents)
    bm25 = library.search(query, _CANDIDATES, documents)
    return Found(tuple(id for id, _ in dense), tuple(id for id, _ in bm25))


def fuse(found: Found, fusion: Fusion) -> dict[str, float]:
    """The fused score of every passage found, best first, ties by id."""
    scores: dict[str, float] = {}
    for weight, ids in ((fusion.dense, found.dense), (fusion.bm25, found.bm25)):
        for rank, id in enumerate(ids, start=1):
            scores[id] = scores.get(id, 0.0) + weight / (fusion.k + rank)
    return dict(sorted(scores.items(), key=lambda scored: (-scored[1], scored[0])))


def retrieve(
    library: Library, query: str, k: int, fusion: Fusion, documents: Collection[str] | None = None
) -> tuple[Hit, ...]:
    """The `k` best passages for a query, best first, ties by id.

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
    passages = library.passages(list(scores)[:k])
    there = [id for id in scores if id in passages]  # not those that a sync has removed meanwhile
    return tuple(
        Hit(passages[id], scores[id], rank, dense_ranks.get(id), bm25_ranks.get(id))
        for rank, id in enumerate(there, start=1)
    )
