"""A library of very many passages, written straight into its catalog: nothing is read, cut or embedded."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.bench import corpus
from index import embeddings
from index.catalog import CATALOG, Catalog, File, text_key
from index.document import Document, Span
from index.library import Library, home_of
from index.passages import Passage

_SEED = 7
_A_DOCUMENT = 100  # passages
_A_PASSAGE = 3  # sentences of the seeds: 400 characters, as passages of real documents have
_NOISE = 0.6  # length of what sets a passage's vector apart from others of like sentences, theirs being 1
_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences that passages are made of, and their vectors `(sentences, dimension)`."""

    texts: Sequence[str]
    vectors: npt.NDArray[np.float32]


def write(folder: Path, passages: int) -> None:
    """Make a folder of tiny files, and a library that takes them for documents with so many passages in all.

    A document is held in memory at a time. A sync finds nothing to do: the files are what the catalog says of them.
    """
    folder.mkdir(parents=True)
    with closing(Library(folder)) as library:
        library.sync()
    made, chance = _sentences(), np.random.default_rng(_SEED)
    with closing(Catalog(home_of(folder) / CATALOG, "rw")) as catalog:
        for first in range(0, passages, _A_DOCUMENT):
            file = _file(folder, f"{first:08}.txt")
            told, vectors = _drawn(made, range(first, min(first + _A_DOCUMENT, passages)), chance)
            cut = list(_passages(file.id, told))
            text = _GAP.join(passage.text for passage in cut)
            document = Document(file.id, file.title, text, file.sha256, "text/plain")
            catalog.put(file, document, cut, {text_key(each.text): vectors[place] for place, each in enumerate(cut)})


def _sentences() -> Sentences:
    texts = sorted(set(corpus.sentences()))
    return Sentences(texts, np.stack(list(embeddings.default().embed_passages(texts))))


def _file(folder: Path, name: str) -> File:
    """A file that says its own name, as a sync would know it."""
    path = folder / name
    path.write_text(name, encoding="utf-8")
    known = path.stat()
    return File(
        f"{folder.name}/{name}",
        known.st_size,
        known.st_mtime_ns,
        sha256(name.encode()).hexdigest(),
        "indexed",
        "",
        name,
    )


def _drawn(
    made: Sentences, numbers: Sequence[int], chance: np.random.Generator
) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
    """Passages of a few sentences each and a number of their own, and unit vectors near those of these sentences.

    Their neighbourhoods are like those of real passages: many say in part the same, none quite.
    """
    drawn = chance.integers(len(made.texts), size=(len(numbers), _A_PASSAGE))
    told = [
        [*(made.texts[each] for each in row), f"This is note {number}."]
        for number, row in zip(numbers, drawn, strict=True)
    ]
    about, noise = (
        made.vectors[drawn].mean(axis=1),
        chance.standard_normal((len(numbers), made.vectors.shape[1]), np.float32),
    )
    return told, _unit(_unit(about) + np.float32(_NOISE) * _unit(noise))


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rows `(n, dimension)` brought to unit length."""
    lengths: npt.NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths


def _passages(document_id: str, told: Sequence[Sequence[str]]) -> Iterator[Passage]:
    """Lists of sentences as the passages of a document in which they stand with a gap between two."""
    start = 0
    for sentences in told:
        text = " ".join(sentences)
        ends = list(accumulate((len(each) + 1 for each in sentences), initial=start))
        spans = tuple(Span(first, last - 1) for first, last in pairwise(ends))
        end = start + len(text)
        yield Passage(f"{document_id}#{start}-{end}", document_id, text, start, end, None, "", spans)
        start = end + len(_GAP)
