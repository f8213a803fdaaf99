"""A text said in other words, so that the reader does not go by the words that a text shares with its passage.

SQuAD's questions were written in sight of the paragraph and share its words; people who look something up do not know
them. A shared word becomes one that the embedding model puts near it ("owns" -> "owner", "lawsuit" -> "sued"), or is
left out. Names and numbers stay: with others the text would ask something else.
"""

from random import Random

from index.lexical import words
from rag.extract import content_words
from training.thesaurus import Thesaurus

_REPLACED, _LEFT_OUT = 0.5, 0.15  # of the words shared
_FEWEST = 3  # words that say what a text is about; no fewer are left


def retold(text: str, passage: str, thesaurus: Thesaurus, rng: Random) -> str:
    """The text, some of the words that it shares with the passage replaced or left out."""
    present = {word.stem for word in words(passage)}
    about = content_words(text)
    spare = len(about) - _FEWEST
    for word in reversed(about):
        said, drawn = text[word.span.start : word.span.end], rng.random()
        if word.stem not in present or not said.islower():
            continue
        same = thesaurus.same(said)
        if drawn < _REPLACED and same:
            text = text[: word.span.start] + rng.choice(same) + text[word.span.end :]
        elif _REPLACED <= drawn < _REPLACED + _LEFT_OUT and spare > 0:
            spare -= 1
            text = text[: word.span.start].rstrip() + text[word.span.end :]
    return text
