"""What the reader learns from: pairs of a text and a passage, made from questions with known answers.

A question's group holds its own passage, a passage that retrieval puts near it and that does not answer (SQuAD's own
article or another), the question changed so that its passage does not answer it, and its passage without the sentence
that answers; some are said in other words than the passage's. Yes-or-no questions are made of a passage's sentences,
and one that says no settles them as well. Statements are made from question and answer, or are
sentences of the passage, whole or shortened; their false twins have another answer, number, name, or a negation or an
opposite.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random

from eval.dataset import Dataset, Example
from index.embeddings import cores
from index.library import Library
from index.passages import Passage
from rag.calibration import Fusion
from rag.retrieve import fuse, search
from training import perturb
from training.paraphrase import retold
from training.statements import declarative, shortened, yes_or_no
from training.thesaurus import Thesaurus

_HELD_OUT = 0.15  # of the articles: they teach the confidence and tell the figures
_NEAR = 8  # ranks that a negative is drawn from
_BESIDE_NEAR = 0.2  # of the questions also held against a passage near them
_CHANGED, _CUT = 0.25, 0.06  # of the questions also changed, or with their answer cut from the passage
_YES_OR_NO = 0.06  # of the questions that such ones are made beside, where a sentence of the passage allows it
_OPPOSED = 0.4  # of these that ask for the opposite, to which the answer is no
_RETOLD = 0.45  # of the texts said in other words
_STATED = 0.1  # of the questions that statements are made of
_FROM_ANSWERS = 0.65  # of the statements made of question and answer; the others are sentences of the passage
_SWAPPED = 0.6  # of the false ones of these that have another answer
_MOST_NAMES, _FEWEST_NAMES, _LONGEST_NAME = 60, 10, 40  # names of an article; characters
_SHORTEST_SENTENCE = 6  # words
_WITHOUT_MARK = 0.15  # of the questions, as people type them


@dataclass(frozen=True, slots=True)
class Pair:
    """A question or statement, a passage, and what is known of the two; None where nothing is.

    Attributes:
        text: The question or statement.
        passage: The passage.
        answers: Where the answer stands in the passage, every occurrence; empty where it does not.
        relevant: Whether this is the passage to look at.
        answered: Whether the passage answers the question.
        supported: Whether the passage bears the statement out.
    """

    text: str
    passage: str
    answers: tuple[tuple[int, int], ...] = ()
    relevant: bool | None = None
    answered: bool | None = None
    supported: bool | None = None


Group = tuple[Pair, ...]
"""Pairs of one text, or of it and its changed twins: they are learned from together."""


def held_out(example: Example) -> bool:
    """Whether an example's article is kept from training."""
    return int(sha256(example.tags[0].encode()).hexdigest()[:8], 16) % 1000 < 1000 * _HELD_OUT


def write(library: Library, dataset: Dataset, fusion: Fusion, seed: int, path: Path) -> None:
    """Write the groups of a set's questions, a JSON line each, `held_out` articles left out."""
    examples = [each for each in dataset.examples if not held_out(each)]
    maker = _Maker(library, replace(dataset, examples=tuple(examples)), fusion)
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as lines, ThreadPoolExecutor(cores()) as threads:
        for groups in threads.map(lambda each: list(maker.groups(each, Random(f"{seed}-{each.id}"))), examples):
            for group in groups:
                lines.write(json.dumps([asdict(pair) for pair in group], ensure_ascii=False) + "\n")
    part.replace(path)


def read(path: Path) -> list[Group]:
    """The groups that `write` wrote."""
    with path.open(encoding="utf-8") as lines:
        return [
            tuple(Pair(**{**pair, "answers": tuple(map(tuple, pair["answers"]))}) for pair in json.loads(line))
            for line in lines
        ]


class Twins:
    """Changes questions, and makes statements true and false, with the names of their article."""

    def __init__(self, examples: Sequence[Example], thesaurus: Thesaurus) -> None:
        self._thesaurus = thesaurus
        names: dict[str, dict[str, None]] = defaultdict(dict)
        for example in examples:
            known = names[example.tags[0]]
            known |= dict.fromkeys(answer for answer in example.answers if len(answer) <= _LONGEST_NAME)
            known |= dict.fromkeys(perturb.WORD.findall(example.question)[:4])
        self._names = {title: list(known) for title, known in names.items()}
        self._every = [name for known in self._names.values() for name in known[:8]]

    def question(self, example: Example, own: Passage, rng: Random) -> str | None:
        """A question like the example's that its own passage does not answer, or None where no way applies."""
        names = self._around(example, own, rng)
        return perturb.question(example.question, names, passage=own.text, answer=example.answers[0], rng=rng)

    def yes_or_no(self, example: Example, own: Passage, rng: Random) -> tuple[str, str, str | None] | None:
        """A yes-or-no question that a sentence of the passage settles, the words that do, and one that none settles.

        None where no sentence allows it; the last is None where the question has no name to change.
        """
        made = [each for each in map(yes_or_no, map(own.quote, own.sentences)) if each]
        if not made:
            return None
        question, end, settled = rng.choice(made)
        other = perturb.entity(question, self._around(example, own, rng), rng)
        if rng.random() < _OPPOSED:
            question = perturb.opposed(question, end, rng) or question
        return question, settled, other

    def statements(self, example: Example, own: Passage, rng: Random) -> tuple[str, str] | None:
        """A statement that the passage bears out and one like it that it does not, or None where none can be made."""
        names, answer = self._around(example, own, rng), example.answers[0]
        true = false = None
        if rng.random() < _FROM_ANSWERS:
            true = declarative(example.question, answer)
            other = perturb.swapped(answer, names, rng) if rng.random() < _SWAPPED else None
            if true:
                false = declarative(example.question, other) if other else self._false(true, names, own, rng)
        elif long := [each for each in map(own.quote, own.sentences) if len(each.split()) >= _SHORTEST_SENTENCE]:
            true = shortened(rng.choice(long), rng)
            false = self._false(true, names, own, rng)
        return (true, false) if true and false else None

    def _false(self, true: str, names: Sequence[str], own: Passage, rng: Random) -> str | None:
        return perturb.statement(true, names, passage=own.text, akin=self._thesaurus.akin, rng=rng)

    def _around(self, example: Example, own: Passage, rng: Random) -> list[str]:
        """Names, numbers and words to swap in: the passage's own twice, since they are the most misleading."""
        inside = [match[0] for kind in (perturb.ENTITY, perturb.NUMBER) for match in kind.finditer(own.text)]
        around = self._names.get(example.tags[0], [])
        around = rng.sample(around, min(len(around), _MOST_NAMES))
        if len(around) < _FEWEST_NAMES:
            around += rng.sample(self._every, min(len(self._every), 2 * _FEWEST_NAMES))
        return inside + inside + around


class _Maker:
    """Makes the groups of a question."""

    def __init__(self, library: Library, dataset: Dataset, fusion: Fusion) -> None:
        self._library = library
        self._fusion = fusion
        self._thesaurus = Thesaurus(library.embedder, (each.question for each in dataset.examples))
        self._twins = Twins(dataset.examples, self._thesaurus)
        self._seen = {evidence.document for each in dataset.examples for evidence in each.evidence}

    def groups(self, example: Example, rng: Random) -> Iterator[Group]:
        own = passage_of(self._library, example)
        if own is None:
            return
        near = self._near(example, own, rng) if rng.random() < _BESIDE_NEAR else []
        typed = partial(re.sub, r"\s*\?$", "") if rng.random() < _WITHOUT_MARK else str
        asked = self._retold(list(self._asked(example, own, near, rng)), own, rng)
        yield tuple(replace(pair, text=typed(pair.text)) for pair in asked)
        if rng.random() < _YES_OR_NO and (settled := self._twins.yes_or_no(example, own, rng)):
            yield tuple(self._retold(list(_settled(*settled, own, near)), own, rng))
        if rng.random() < _STATED and (made := self._twins.statements(example, own, rng)):
            true, false = made
            stated = [Pair(true, own.text, (), True, None, True), Pair(false, own.text, (), True, None, False)]
            if near:
                stated.append(Pair(true, near[-1].text, (), False, None, False))
            yield tuple(self._retold(stated, own, rng))

    def _retold(self, pairs: Sequence[Pair], own: Passage, rng: Random) -> list[Pair]:
        """Pairs, some of their texts said in other words than the passage's; one text in the same words throughout."""
        told = {
            text: retold(text, own.text, self._thesaurus, rng) if rng.random() < _RETOLD else text
            for text in dict.fromkeys(pair.text for pair in pairs)
        }
        return [replace(pair, text=told[pair.text]) for pair in pairs]

    def _asked(self, example: Example, own: Passage, near: Sequence[Passage], rng: Random) -> Iterator[Pair]:
        """A question with its passage, one near it and, of some, a twin of either."""
        question, evidence = example.question, example.evidence[0]
        yield Pair(question, own.text, _occurrences(evidence.quote, own.text), True, True)
        if near:
            yield Pair(question, near[0].text, (), False, False)
        drawn = rng.random()
        if drawn < _CHANGED:
            if changed := self._twins.question(example, own, rng):
                yield Pair(changed, own.text, (), True, False)
        elif drawn < _CHANGED + _CUT and (without := _without(own, example)):
            yield Pair(question, without, (), None, False)

    def _near(self, example: Example, own: Passage, rng: Random) -> list[Passage]:
        """Up to two passages near the question that do not answer it, in random order, the nearest the likelier."""
        scores = fuse(search(self._library, example.question), self._fusion)
        passages = self._library.passages(list(scores)[: _NEAR + 1])
        answers = [answer.lower() for answer in example.answers]
        wrong = [
            passages[id]
            for id in scores
            if id in passages
            and id != own.id
            and passages[id].document_id in self._seen
            and not example.evidenced_by(passages[id])
            and not any(answer in passages[id].text.lower() for answer in answers)
        ]
        weights = [1 / (rank + 1) for rank in range(len(wrong))]
        chosen: list[Passage] = []
        while wrong and len(chosen) < 2:
            place = rng.choices(range(len(wrong)), weights)[0]
            chosen.append(wrong.pop(place))
            weights.pop(place)
        return chosen


def passage_of(library: Library, example: Example) -> Passage | None:
    """The passage that holds an example's whole answer, or None where a border cuts it."""
    evidence = example.evidence[0]
    return next(
        (
            passage
            for passage in library.passages_of(evidence.document)
            if evidence.span and passage.start <= evidence.span.start and evidence.span.end <= passage.end
        ),
        None,
    )


def _occurrences(answer: str, text: str) -> tuple[tuple[int, int], ...]:
    """Every place where an answer stands as whole words."""
    pattern = rf"(?<!\w){re.escape(answer)}(?!\w)"
    return tuple(match.span() for match in re.finditer(pattern, text)) or tuple(
        match.span() for match in re.finditer(re.escape(answer), text)
    )


def _settled(question: str, words: str, other: str | None, own: Passage, near: Sequence[Passage]) -> Iterator[Pair]:
    """A yes-or-no question with the passage that settles it, one near it, and another question that none settles."""
    yield Pair(question, own.text, _occurrences(words, own.text), True, True)
    if near:
        yield Pair(question, near[-1].text, (), False, False)
    if other:
        yield Pair(other, own.text, (), True, False)


def _without(passage: Passage, example: Example) -> str | None:
    """A passage's text without the sentences that answer, or None where none is left or another one answers too."""
    cut = [evidence.span for evidence in example.evidence if evidence.span]
    left = [
        sentence
        for sentence in passage.sentences
        if not any(sentence.start < span.end and span.start < sentence.end for span in cut)
    ]
    text = " ".join(passage.quote(span).strip() for span in left)
    return text if text and not any(_occurrences(answer, text) for answer in example.answers) else None
