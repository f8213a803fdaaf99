"""A text said in other words, so that the reader does not go by the words that a text shares with its passage.

SQuAD's questions were written in sight of the paragraph and share its words; people who look something up do not know
them. A shared word becomes one that the embedding model puts near it ("owns" -> "owner", "lawsuit" -> "sued"), or is
left out. Names and numbers stay: with others the text would ask something else.
"""

from collections import Counter
from collections.abc import Iterable
from random import Random

import numpy as np

from index.embeddings import Embedder
from index.lexical import words
from rag.extract import content_words
from training.perturb import opposites

_SEEN = 10  # times that a word is met, or it has no near ones
_NEAR = 0.7  # cosine from which a word says nearly the same
_MOST = 4  # near words of each
_REPLACED, _LEFT_OUT = 0.5, 0.15  # of the words shared
_FEWEST = 3  # words that say what a text is about; no fewer are left


class Paraphraser:
    """Says texts in other words."""

    def __init__(self, embedder: Embedder, texts: Iterable[str]) -> None:
        """Find the words that may stand for one another among those of some texts."""
        seen = Counter(
            word for text in texts for word in {text[each.span.start : each.span.end] for each in words(text)}
        )
        known = sorted(word for word, times in seen.items() if times >= _SEEN and word.isalpha() and word.islower())
        self._near: dict[str, list[str]] = {}
        if not known:
            return
        vectors = np.stack(list(embedder.embed_passages(known)))
        stems = [words(word)[0].stem for word in known]
        for place, (word, row) in enumerate(zip(known, vectors @ vectors.T, strict=True)):
            near = [other for other in np.argsort(-row, kind="stable")[:20] if row[other] >= _NEAR and other != place]
            apart = [known[other] for other in near if stems[other] != stems[place]]
            self._near[word] = [other for other in apart if other not in opposites(word)][:_MOST]

    def retell(self, text: str, passage: str, rng: Random) -> str:
        """The text, some of the words that it shares with the passage replaced or left out."""
        present = {word.stem for word in words(passage)}
        about = content_words(text)
        spare = len(about) - _FEWEST
        for word in reversed(about):
            said, drawn = text[word.span.start : word.span.end], rng.random()
            if word.stem not in present or not said.islower():
                continue
            near = self._near.get(said)
            if drawn < _REPLACED and near:
                text = text[: word.span.start] + rng.choice(near) + text[word.span.end :]
            elif _REPLACED <= drawn < _REPLACED + _LEFT_OUT and spare > 0:
                spare -= 1
                text = text[: word.span.start].rstrip() + text[word.span.end :]
        return text
