"""Nearest passages: Chroma finds what an exact search finds."""

from contextlib import closing
from uuid import uuid4

import numpy as np
import pytest

from index.catalog import Catalog, File, text_key
from index.document import Document
from index.errors import LibraryError
from index.passages import Passage
from index.vectors import Chroma, ChromaVectors, ExactVectors

RANDOM = np.random.default_rng(7)


def unit(*numbers: float) -> np.ndarray:
    vector = np.array(numbers, dtype=np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float16).astype(np.float32)  # as the catalog keeps it


NEAR = {"a#1": unit(1, 0), "a#2": unit(1, 1), "b#1": unit(0, 1), "b#2": unit(-1, 1)}


def document_of(vectors: dict[str, np.ndarray]) -> dict[str, str]:
    return {id: id.partition("#")[0] for id in vectors}


@pytest.fixture(params=["embedded", "served"])
def chroma(request, tmp_path):
    if request.param == "embedded":
        connection = Chroma.embedded(tmp_path / "chroma")
    else:
        connection = Chroma.served(request.getfixturevalue("chroma_server"))
    with closing(ChromaVectors(connection, f"test-{uuid4().hex}")) as opened:
        yield opened


def exact(tmp_path, vectors: dict[str, np.ndarray]) -> ExactVectors:
    catalog = Catalog(tmp_path / "catalog.sqlite", "rw")
    for document_id in sorted(set(document_of(vectors).values())):
        own = {id: vector for id, vector in vectors.items() if id.partition("#")[0] == document_id}
        passages = [Passage(id, document_id, id, place, place + 1, None, "", ()) for place, id in enumerate(own)]
        catalog.put(
            File(document_id, 1, 1, "0" * 64, "indexed"),
            Document(document_id, "", "text", "0" * 64, "text/plain"),
            passages,
            {text_key(id): vector for id, vector in own.items()},
        )
    return ExactVectors(catalog)


def test_the_nearest_come_first_and_only_as_many_as_asked(chroma, tmp_path):
    chroma.add(NEAR, document_of(NEAR))
    for vectors in (chroma, exact(tmp_path, NEAR)):
        assert list(vectors.nearest(unit(1, 0.1), 10, None)) == ["a#1", "a#2", "b#1", "b#2"]
        assert list(vectors.nearest(unit(-1, 2), 2, None)) == ["b#2", "b#1"]


def test_chroma_finds_what_an_exact_search_finds(chroma, tmp_path):
    vectors = {f"d{number % 9}#{number}": unit(*RANDOM.normal(size=384)) for number in range(300)}
    chroma.add(vectors, document_of(vectors))
    reference = exact(tmp_path, vectors)
    for _ in range(20):
        query = unit(*RANDOM.normal(size=384))
        assert list(chroma.nearest(query, 30, None)) == list(reference.nearest(query, 30, None))
        wanted = ["d2", "d5"]
        assert list(chroma.nearest(query, 10, wanted)) == list(reference.nearest(query, 10, wanted))


def test_only_the_documents_asked_for_are_searched(chroma, tmp_path):
    chroma.add(NEAR, document_of(NEAR))
    for vectors in (chroma, exact(tmp_path, NEAR)):
        assert list(vectors.nearest(unit(1, 0), 10, ["b"])) == ["b#1", "b#2"]
        assert list(vectors.nearest(unit(1, 0), 10, ["no-such"])) == []


def test_exact_ties_go_by_id(tmp_path):
    vectors = {id: unit(1, 2) for id in ("c#1", "a#1", "b#1")}
    assert exact(tmp_path, vectors).nearest(unit(1, 2), 2, None) == ["a#1", "b#1"]


def test_a_passage_written_again_is_replaced(chroma):
    chroma.add(NEAR, document_of(NEAR))
    chroma.add({"a#1": unit(-1, 0)}, {"a#1": "z"})
    assert chroma.count() == len(NEAR)
    assert list(chroma.nearest(unit(-1, 0), 1, None)) == ["a#1"]
    assert list(chroma.nearest(unit(1, 0), 9, ["z"])) == ["a#1"]


def test_a_removed_passage_is_not_found(chroma):
    chroma.add(NEAR, document_of(NEAR))
    chroma.remove(["a#1", "b#2"])
    chroma.remove([])
    assert chroma.count() == 2
    assert list(chroma.nearest(unit(1, 0), 9, None)) == ["a#2", "b#1"]


def test_an_empty_collection_finds_nothing(chroma, tmp_path):
    assert list(chroma.nearest(unit(1, 0), 5, None)) == []
    assert list(exact(tmp_path, {}).nearest(unit(1, 0), 5, None)) == []
    assert list(exact(tmp_path, {}).nearest(unit(1, 0), 5, ["a"])) == []


def test_what_was_written_is_there_when_opened_again(tmp_path):
    with closing(ChromaVectors(Chroma.embedded(tmp_path), "passages")) as first:
        first.add(NEAR, document_of(NEAR))
    with closing(ChromaVectors(Chroma.embedded(tmp_path), "passages")) as again:
        assert again.count() == len(NEAR)
        assert list(again.nearest(unit(0, 1), 1, None)) == ["b#1"]


def test_a_damaged_collection_is_a_library_error(tmp_path):
    (tmp_path / "chroma.sqlite3").write_bytes(b"no database" * 1_000)
    with pytest.raises(LibraryError, match="cannot be opened"):
        ChromaVectors(Chroma.embedded(tmp_path), "passages")


@pytest.mark.parametrize("documents", [None, {"a", "b"}])
@pytest.mark.parametrize("count", range(1, 8))
def test_of_equals_the_first_by_id_are_found_however_many_are_asked(tmp_path, count, documents):
    equal = {f"{name}#{place}": unit(1, 1) for name in "abc" for place in (2, 1)} | {"a#3": unit(1, 0)}
    ordered = ["a#3", *sorted(equal.keys() - {"a#3"})]
    wanted = [id for id in ordered if documents is None or id[0] in documents]
    assert list(exact(tmp_path, equal).nearest(unit(1, 0), count, documents)) == wanted[:count]
