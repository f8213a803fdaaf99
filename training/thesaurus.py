"""Words that the embedding model puts near one another: some say the same, others only belong to the same things."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from index.embeddings import Embedder
from index.lexical import words
from training.perturb import WORD, opposites

_SEEN = 10  # times that a word is met, or nothing is known of it
_SAME = 0.7  # cosine from which a word says nearly the same
_AKIN = (0.42, 0.58)  # between these it speaks of the same things and says something else ("wounded" for "killed")
_ENDING = 2  # last letters shared with what is akin, so that it fits in the word's place
_MOST_SAME, _MOST_AKIN = 4, 12  # words of each


class Thesaurus:
    """Which words may stand for one another, and which only look as if they could."""

    def __init__(self, embedder: Embedder, texts: Iterable[str]) -> None:
        """Learn the words of some texts."""
        seen = Counter(
            word for text in texts for word in {text[each.span.start : each.span.end] for each in words(text)}
        )
        known = sorted(word for word, times in seen.items() if times >= _SEEN and word.isalpha() and word.islower())
        self._same: dict[str, list[str]] = {}
        self._akin: dict[str, list[str]] = {}
        if not known:
            return
        vectors = np.stack(list(embedder.embed_passages(known)))
        stems = [words(word)[0].stem for word in known]
        for place, (word, row) in enumerate(zip(known, vectors @ vectors.T, strict=True)):
            nearest = [other for other in np.argsort(-row, kind="stable") if row[other] >= _AKIN[0]]
            apart = [(row[other], known[other]) for other in nearest if stems[other] != stems[place]]
            self._same[word] = [other for cosine, other in apart if cosine >= _SAME and other not in opposites(word)][
                :_MOST_SAME
            ]
            self._akin[word] = [
                other
                for cosine, other in apart
                if cosine <= _AKIN[1] and WORD.fullmatch(word) and other[-_ENDING:] == word[-_ENDING:]
            ][:_MOST_AKIN]

    def same(self, word: str) -> list[str]:
        """Words that say nearly the same, the nearest first; none of a word not learned."""
        return self._same.get(word, [])

    def akin(self, word: str) -> list[str]:
        """Words of the same things that say something else, the nearest first; none of a word not learned."""
        return self._akin.get(word, [])
