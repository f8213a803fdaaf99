"""What the last turns of a conversation speak of: names, and things asked about, the likeliest first. Pure."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from index.lexical import Word, words
from rag.answer import Answer
from rag.extract import FUNCTION_WORDS

_TOPICS = 60  # things weighed
_FEW = 6  # words of a short answer, and of a heading that names something
_FADING = 0.6  # weight of what a turn speaks of, of that of the turn after it
_ASKED = 2.0  # weight of a thing asked about, of that of one said once
_NAMED = 1.5  # weight of a name, of that of another word
_MOST = 4  # times that it counts how often an answer says something

_PART = r"(?<!\w)[A-Z](?:(?:\.[A-Z])+\b\.?|[\w'’&-]*\w)?"
NAME = re.compile(rf"(?:\bthe )?{_PART}(?: (?:(?:of|the|de|la|le|van|von|der|al|and|&) )*(?:{_PART}|\d+\b))*")
_SUBJECT = re.compile(  # "When did the mill of Orsa burn?"; "the population of Paris" in "What is" it is none
    r"(?i:\b(?:when|where|why|how) (?:\w+ )?(?:is|are|was|were|has|have|had|can|will)|\b(?:did|does|do)) "
    rf"((?:[Tt]he )?(?:[a-z][\w-]* ){{1,2}}(?:of|in|at|from|for) (?:{NAME.pattern}))"
)
_NO_NOUN = re.compile(r"(?:ed|ly)$|^\w+(?:ing|ly)\b")  # how a phrase may not end or open, if it is to be a thing
_WHO = re.compile(r"\bwho\b", re.IGNORECASE)
_WHO_DID = re.compile(r"who (?!(?:is|are|was|were)\b)", re.IGNORECASE)
_BEFORE_VERB = frozenset(
    word.stem
    for word in words(
        "is are was were be been being do does did has have had can could will would shall should may might must not "
        "i you he she they it who to"
    )
)
_WORD = re.compile(r"\w+")

# Words that a question is asked with, and that say as little of what it is about as function words do.
_COMMON = FUNCTION_WORDS | frozenset(
    word.stem
    for word in words(
        "tell show explain describe elaborate continue go give list find know learn like want need interested see say "
        "said says please sure okay ok yes yeah no nope right well just also too still yet again really actually now "
        "more most else exactly instead happen happens happened next last thing things anything something everything "
        "one ones others another example examples reason reasons detail details way come mean means let us am year "
        "because while although however besides aside since like compare interesting"
    )
)

_Key = tuple[str, ...]  # the stems of a thing's words


@dataclass(frozen=True, slots=True)
class _Text:
    """A text and its words."""

    text: str
    words: list[Word]

    def times(self, key: _Key) -> int:
        """How often it says something where a thing may stand: not as the first part of more, nor after "to"."""
        return sum(self._thing(place, place + len(key)) for place in range(len(self.words)) if self._at(place, key))

    def _at(self, place: int, key: _Key) -> bool:
        return tuple(word.stem for word in self.words[place : place + len(key)]) == key

    def _thing(self, start: int, end: int) -> bool:
        if self.text[self.words[start].span.start].isupper():
            return True
        between = self.text[self.words[end - 1].span.end : self.words[end].span.start] if end < len(self.words) else ""
        ends = end == len(self.words) or self.words[end].stem in FUNCTION_WORDS or bool(between.strip())
        return ends and (not start or self.words[start - 1].stem not in _BEFORE_VERB)


def topics(lately: Sequence[Answer]) -> Iterator[str]:
    """What the last turns speak of, what they speak of most first, each thing once and a name in full."""
    things: dict[_Key, str] = {}
    for topic in islice((topic for answer in lately for topic in _told(answer)), _TOPICS):
        things.setdefault(stems(topic.removeprefix("the ")), topic)
    said = [(_text(_about(answer)), _text("\n".join((answer.text, *_headings(answer))))) for answer in lately]
    weights = {key: _weight(key, said) * (_NAMED if NAME.fullmatch(topic) else 1) for key, topic in things.items()}
    given: list[_Key] = []
    for key in sorted(filter(weights.get, things), key=lambda key: (-weights[key], -len(key))):
        longer = [key, *(each for each in things if _within(key, each) and _is_full(things[each]))]
        full = max(longer, key=len)
        if not any(_within(full, other) or _within(other, full) for other in given):
            given.append(full)
            yield things[full]


def persons(lately: Sequence[Answer]) -> set[str]:
    """The names in the answers to what asked who."""
    return {name for answer in lately if _WHO.search(answer.query) for name in _answering(answer)}


def _is_full(topic: str) -> bool:
    """Whether a thing is called by its full name: "Ada Brandt", "the mill of Orsa"."""
    return bool(NAME.fullmatch(topic)) or any(map(str.isupper, topic))


def _about(answer: Answer) -> str:
    """What a turn was about: the question and, where it asked who did something, those whom the answer names."""
    return "\n".join((answer.query, *(_answering(answer) if _WHO_DID.match(answer.query) else ())))


def _told(answer: Answer) -> Iterator[str]:
    """Things that a turn may speak of."""
    yield from (found[1] for found in _SUBJECT.finditer(answer.query))
    yield from names(answer.query)
    yield from _answering(answer)
    yield from _headings(answer)
    yield from _phrases(answer.query)


def _answering(answer: Answer) -> list[str]:
    """The names in the answer proper, or else the first two that are no mere openings of sentences."""
    if answer.short:
        return names(answer.text[answer.short.start : answer.short.end])
    if len(answer.text.split()) <= _FEW:
        return names(answer.text)
    return [
        name for name in names(answer.text) if not re.search(rf"(?:^|[.!?] ){re.escape(name)}(?! [A-Z])", answer.text)
    ][:2]


def _headings(answer: Answer) -> list[str]:
    """The headings, not long ones, over what an answer cites."""
    cited = {citation.passage_id for citation in answer.citations}
    headings = (" ".join(hit.passage.heading.split()) for hit in answer.hits if hit.passage.id in cited)
    named = (heading for heading in dict.fromkeys(headings) if not heading.endswith("?"))
    return [heading for heading in named if heading and len(heading.split()) <= _FEW]


def _phrases(question: str) -> Iterator[str]:
    """Up to three words beside each other that may be a thing asked about."""
    run: list[Word] = []
    for word in words(question):
        if word.stem in _COMMON or question[word.span.start].isupper():
            run = []
            continue
        beside = run and not question[run[-1].span.end : word.span.start].strip(" -")
        run = [*run[-2:], word] if beside else [word]
        for start in range(len(run)):
            before, phrase = question[: run[start].span.start], question[run[start].span.start : word.span.end]
            if len(phrase) > 2 and not _NO_NOUN.search(phrase):
                yield f"the {phrase}" if before.endswith(("the ", " a ", " an ")) else phrase


def names(text: str) -> list[str]:
    """The names in a text, in order; a word that opens a sentence is one unless it is a common one."""
    found = (_without_common(each[0]) for each in NAME.finditer(text))
    return [re.sub(r"['’]s?$", "", name) for name in found if name]


def _without_common(name: str) -> str:
    """A run of capitalised words without the common ones that it opens with."""
    while not name.startswith("the ") and (first := _WORD.match(name)) and not content(first[0]):
        name = name[first.end() :].lstrip("'’- ")
    return name


def _weight(key: _Key, said: Sequence[tuple[_Text, _Text]]) -> float:
    """How much the last turns speak of something: whether they ask about it, and how often they say it."""
    return sum(
        _FADING**age * (_ASKED * bool(asked.times(key)) + math.sqrt(min(told.times(key), _MOST)))
        for age, (asked, told) in enumerate(said)
    )


def _within(short: _Key, long: _Key) -> bool:
    return any(long[place : place + len(short)] == short for place in range(len(long) - len(short) + 1))


def stems(text: str) -> _Key:
    """The words of a text, as stems, in order."""
    return tuple(word.stem for word in words(text))


def _text(text: str) -> _Text:
    return _Text(text, words(text))


def content(text: str) -> list[Word]:
    """The words of a text that could be looked for."""
    return [word for word in words(text) if word.stem not in _COMMON]
