"""Turn and Conversation: what was asked and said, in order; and a follow-up -> a standalone question.

A follow-up is told by its words: "what about", a pronoun that nothing before it explains, "the battle" and no word on
which. What it may speak of is looked for in the last turns, and the likeliest rewrites are read: one is taken where
the reader is surer of an answer to it than to the question as it was asked.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from index.document import Span
from index.lexical import Word, words
from rag.answer import Answer
from rag.extract import FUNCTION_WORDS
from rag.help import help_line
from rag.reader import Reading
from rag.retrieve import MAX_QUESTION

_LATELY = 3  # turns that a follow-up may point back to
_REWRITES = 3  # read besides the question as it was asked
_SURER = 1.0  # log odds that a rewrite needs over a question that may be understood as it is
_LATER = 1.0  # log odds that a rewrite needs over the likelier one before it
_FEW = 6  # words that a part of a question has at most
_TOPICS = 60  # things weighed as what the last turns speak of

Verdict = Literal["right", "wrong", "unanswerable"]
"""What a reader says of an answer; "unanswerable": it should have said that the documents don't say."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reader says of an answer.

    Attributes:
        verdict: Whether it is right.
        document_id: Where the right answer stands, or "" where the reader does not say.
        quote: Its words there, which stand in the document once; or "".
    """

    verdict: Verdict
    document_id: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and what was said to it.

    Attributes:
        answer: The answer; it holds the question.
        milliseconds: How long it took.
        documents: The ids of the documents that it was asked of; empty where of all.
        judgement: What its reader says of it, or None.
    """

    answer: Answer
    milliseconds: int
    documents: tuple[str, ...] = ()
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns that belong together.

    Attributes:
        id: Under which it is kept, or "" where it is not kept.
        title: The first question, or what its reader calls it; "" where nothing was asked yet.
        turns: The turns, in order.
    """

    id: str = ""
    title: str = ""
    turns: tuple[Turn, ...] = ()


# --- does a question depend on what came before? ---

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
_PERSON = ("he", "she", "him", "his", "her", "hers")
_POSSESSIVE = ("his", "its", "their", "hers", "theirs")
_OBJECT = ("him", "her", "it", "them")
_PRONOUNS = {*_PERSON, *_POSSESSIVE, *_OBJECT, "they"}

_ASKING = r"(?:who|whom|whose|what|which|when|where|why|how)"
_AUXILIARY = r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)"
_LINK = (
    r"(?:in|on|at|of|by|for|with|from|to|about|after|before|during|since|until|under|than|near|into|without|among|"
    r"between|through)"
)
_REPLY = r"(?:(?:and|but|so|then|yes|yeah|yep|no|nope|ok|okay|sure|right|well)\b(?![-'’])[,.!]* *)"

_WORD = re.compile(r"\w+")
_OPENER = re.compile(rf"{_REPLY}*(?:what|how) (?:about|of)\b *|{_REPLY}+", re.IGNORECASE)
_WHOLE = re.compile(rf"\b(?:{_AUXILIARY}|{_ASKING}|tell|explain|describe)\b", re.IGNORECASE)  # no part of a question
_BY_LINK = re.compile(rf"({_LINK})\b", re.IGNORECASE)
_PRONOUN = re.compile(rf"\b(?:{'|'.join(sorted(_PRONOUNS))})\b", re.IGNORECASE)
_EMPTY_IT = re.compile(  # "How long does it take to learn?", "Is it true that cats dream?", "Is it raining?"
    r"it(?:['’]s)?(?: \w+){0,3}? (?:to|that|if|for)\b|it (?:estimated|believed|thought|said|known|rain|snow)",
    re.IGNORECASE,
)
_OPENING = re.compile(  # what a pronoun follows that nothing has explained: "In what year was", "Who led", "Did"
    rf"(?:{_LINK} )?{_ASKING}\b(?: (?!{_AUXILIARY}\b)[\w'’-]+){{0,5}} {_AUXILIARY}"
    rf"|{_ASKING}(?: [\w'’-]+)?|{_AUXILIARY}",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r",|\b(?:and|but|or|if|when|while|because|that|which|who|whom|after|before|since|until|though|although|as|so"
    r"|whether)\b"
)
_SOME = re.compile(r"\b(?:an?|any|every|each|some|people|person|someone) \w", re.IGNORECASE)
_THAT = re.compile(r"\b(?:that|this|those|these)(?=\W*$)", re.IGNORECASE)
_POINTER = re.compile(
    r"\bth(?:is|ese)\b|\bthose\b(?! (?:who|that|which|of|in|with|from)\b)"
    rf"|\b(?:{_AUXILIARY}|{_LINK}|like|why|how) that\b(?! \w+ \w*(?:s|ed)\b)"
    r"|\b(?:which|this|that|the|other|another) ones?\b|\bthe (?:other|others|latter|former|same)(?=\W*$)"
    r"|\b(?:(?:any|some|no|every)(?:thing|one|body|where)|wh\w+) else\b|\bothers(?=\W*$)|\bthere(?=\W*$)",
    re.IGNORECASE,
)
_BARE_NOUN = re.compile(  # "the battle" without "of Hastings"; of some things there is but one
    r"\b[Tt]he (?!(?:world|sun|moon|earth|sky|sea|internet|universe|past|future|same|most|least)\b)"
    rf"[a-z][\w-]*(?: (?!{_LINK}\b)[a-z][\w-]*){{0,2}}?"
    rf"(?=\W*$|[,;:]| {_AUXILIARY}\b| (?:during|after|before|since|until|when|while|and|or)\b)"
    rf"|\b(?:did|does|do|can|could|will|would|should) the [a-z][\w-]*(?= (?!{_LINK}\b)[a-z])|\bthe [a-z][\w-]*['’]s\b"
)


@dataclass(frozen=True, slots=True)
class _Gap:
    """Where a question lacks what it speaks of.

    Attributes:
        span: The pronoun that stands for it, or an empty span before the last mark.
        pronoun: In small letters, or "".
        possessive: Whether the pronoun says whose.
    """

    span: Span
    pronoun: str = ""
    possessive: bool = False

    def filled(self, asked: str, topic: str) -> str:
        """The question with what it speaks of: in place of the pronoun, or in brackets at the end."""
        said = topic if self.pronoun else f" ({topic})"
        if self.possessive:
            said += "'" if topic.endswith("s") else "'s"
        return f"{asked[: self.span.start]}{said}{asked[self.span.end :]}"


def depends(question: str, turns: Sequence[Turn]) -> bool:
    """Whether a question needs what came before to be understood."""
    asked = question.strip()
    if not _lately(turns) or help_line(asked) is not None:
        return False
    opener = _OPENER.match(asked)
    if not _WORD.search(asked, opener.end() if opener else 0):
        return False  # no more than "Okay"
    return _says_nothing(asked) or bool(_part(asked)) or _gap(asked) is not None


def _lately(turns: Sequence[Turn]) -> list[Answer]:
    """What was said in the last turns, newest first; lines of help apart."""
    return list(islice((turn.answer for turn in reversed(turns) if turn.answer.mode != "help"), _LATELY))


def _says_nothing(asked: str) -> bool:
    """Whether it has no word that could be looked for: "Why?", "Who else?", "Tell me more."."""
    return not _content(asked)


def _content(text: str) -> list[Word]:
    """The words of a text that could be looked for."""
    return [word for word in words(text) if word.stem not in _COMMON]


def _part(asked: str) -> str:
    """The part of a question that it is, where it is no whole one: "in 1999" of "And in 1999?", or ""."""
    opener = _OPENER.match(asked)
    part = _unmarked(asked[opener.end() :] if opener else asked)
    if not (opener or _BY_LINK.match(part)) or _WHOLE.search(part) or len(part.split()) > _FEW:
        return ""
    return part


def _unmarked(text: str) -> str:
    return text.rstrip("?!. ")


def _gap(asked: str) -> _Gap | None:
    """Where a question lacks what it speaks of, or None where it does not."""
    for found in _PRONOUN.finditer(asked):
        if not _EMPTY_IT.match(asked, found.start()) and not _explained(asked, found):
            pronoun = found[0].lower()
            whose = pronoun in _POSSESSIVE or (pronoun == "her" and re.match(r" \w", asked[found.end() :]) is not None)
            return _Gap(Span(*found.span()), pronoun, whose)
    if names(asked):
        return None
    that = _THAT.search(asked)
    if that and not _says_before(asked[: that.start()]):
        return _Gap(Span(*that.span()), "that")
    return (
        _at_end(asked) if any(each.search(asked) for each in (_POINTER, _BARE_NOUN)) or _OPENER.match(asked) else None
    )


def _at_end(asked: str) -> _Gap:
    return _Gap(Span(len(_unmarked(asked)), len(_unmarked(asked))))


def _explained(asked: str, pronoun: re.Match[str]) -> bool:
    """Whether something before a pronoun may be what it stands for."""
    before, word = asked[: pronoun.start()].strip(), pronoun[0].lower()
    if _OPENING.fullmatch(before):
        return False
    later = _says_before(before)
    if word in _OBJECT and not later and not _WORD.search(asked, pronoun.end()):
        return False  # "What did Caesar say about it?": who says it is not what is spoken of
    if names(before) or _SOME.search(before):
        return True
    return word not in _PERSON and bool(_content(before)) and (later or word in _POSSESSIVE)


def _says_before(before: str) -> bool:
    """Whether a clause stands before that says something."""
    return bool(_CLAUSE.search(before) and _content(before))


# --- the question that stands alone ---


def standalone(question: str, turns: Sequence[Turn], read: Callable[[str], Reading]) -> str:
    """A question that is understood by itself: as it was asked, where it is so already or no rewrite is surer.

    Args:
        question: As it was asked.
        turns: What came before, oldest first.
        read: Searches and reads for a question; called at most four times, and never for one that does not depend.
    """
    if not depends(question, turns):
        return question
    asked, lately = question.strip(), _lately(turns)
    joined = _joined(asked, lately[0].query)
    if joined:
        return joined if len(joined) <= MAX_QUESTION else question
    rewrites = [each for each in islice(_rewrites(asked, lately), _REWRITES) if len(each) <= MAX_QUESTION]
    if not rewrites:
        return question
    gap = _gap(asked)
    needed = 0.0 if _part(asked) or (gap and gap.pronoun) else _SURER
    sure = [read(each).logit - place * _LATER for place, each in enumerate(rewrites)]
    best = max(range(len(rewrites)), key=lambda place: sure[place])
    return rewrites[best] if sure[best] > read(question).logit + needed else question


def _rewrites(asked: str, lately: Sequence[Answer]) -> Iterator[str]:
    """A question with what it may speak of, likeliest first."""
    gap = _gap(asked) or _at_end(asked)
    told = _stems(asked)
    for topic in _topics(lately):
        fits = gap.pronoun not in _PERSON or _NAME.fullmatch(topic)
        if fits and not set(_stems(topic)) <= set(told):
            yield gap.filled(asked, topic)


def _joined(asked: str, earlier: str) -> str:
    """A part of a question, or one that says nothing, with the question before; "" where it is neither.

    "And in 1999?" takes the place of a like part, or comes after the rest; "Why?" makes "Who left Rome, and why?".
    """
    gap, part, body = _gap(asked), _part(asked), _unmarked(earlier)
    if gap and gap.pronoun in _PRONOUNS:
        return ""
    if _says_nothing(asked):
        return f"{body}, and {asked[0].lower()}{asked[1:]}"
    mark = earlier[len(body) :]
    if link := _BY_LINK.match(part):
        place = _like_part(body, part, link[1])
        return f"{body[: place.start].rstrip()} {part[0].lower()}{part[1:]}{body[place.end :]}{mark}"
    if names(part) == [part] and len(names(body)) == 1:
        return f"{body.replace(names(body)[0], part)}{mark}"
    return ""


def _like_part(body: str, part: str, link: str) -> Span:
    """Where a question has a part like another one, with a number where that has one; or its end."""
    word = rf" (?!{_LINK}\b)[\w.'’-]*[\w.]"
    found = re.finditer(rf"(?<= )(?i:{link})\b(?: {_NAME.pattern}|(?:{word})*? \d\w*|(?:{word})+)", body)
    like = [each for each in found if _numbered(each[0]) == _numbered(part)]
    return Span(*like[-1].span()) if like else Span(len(body), len(body))


def _numbered(text: str) -> bool:
    return any(character.isdigit() for character in text)


# --- what the last turns speak of ---

_FADING = 0.6  # weight of what a turn speaks of, of that of the turn after it
_ASKED = 2.0  # weight of a thing asked about, of that of one said once
_NAMED = 1.5  # weight of a name, of that of another word
_MOST = 4  # times that it counts how often an answer says something

_PART = r"(?<!\w)[A-Z](?:(?:\.[A-Z])+\b\.?|[\w'’&-]*\w)?"
_NAME = re.compile(rf"(?:\bthe )?{_PART}(?: (?:(?:of|the|de|la|le|van|von|der|al|and|&) )*(?:{_PART}|\d+\b))*")
_NO_NOUN = re.compile(r"(?:ed|ly)$|^\w+(?:ing|ly)\b")  # how a phrase may not end or open, if it is to be a thing
_WHO_DID = re.compile(r"who (?!(?:is|are|was|were)\b)", re.IGNORECASE)
_BEFORE_VERB = frozenset(
    word.stem
    for word in words(
        "is are was were be been being do does did has have had can could will would shall should may might must not "
        "i you he she they it who to"
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


def _topics(lately: Sequence[Answer]) -> Iterator[str]:
    """What the last turns speak of, what they speak of most first, each thing once and a name in full."""
    things: dict[_Key, str] = {}
    for topic in islice((topic for answer in lately for topic in _told(answer)), _TOPICS):
        things.setdefault(_stems(topic.removeprefix("the ")), topic)
    said = [(_text(_about(answer)), _text("\n".join((answer.text, *_headings(answer))))) for answer in lately]
    weights = {key: _weight(key, said) * (_NAMED if _NAME.fullmatch(topic) else 1) for key, topic in things.items()}
    given: list[_Key] = []
    for key in sorted(filter(weights.get, things), key=lambda key: (-weights[key], -len(key))):
        longer = [key, *(each for each in things if _within(key, each) and _NAME.fullmatch(things[each]))]
        full = max(longer, key=len)
        if not any(_within(full, other) or _within(other, full) for other in given):
            given.append(full)
            yield things[full]


def _about(answer: Answer) -> str:
    """What a turn was about: the question and, where it asked who did something, those whom the answer names."""
    return "\n".join((answer.query, *(_answering(answer) if _WHO_DID.match(answer.query) else ())))


def _told(answer: Answer) -> Iterator[str]:
    """Things that a turn may speak of."""
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
    return [heading for heading in dict.fromkeys(headings) if heading and len(heading.split()) <= _FEW]


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
    found = (_without_common(each[0]) for each in _NAME.finditer(text))
    return [re.sub(r"['’]s?$", "", name) for name in found if name]


def _without_common(name: str) -> str:
    """A run of capitalised words without the common ones that it opens with."""
    while not name.startswith("the ") and (first := _WORD.match(name)) and not _content(first[0]):
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


def _stems(text: str) -> _Key:
    return tuple(word.stem for word in words(text))


def _text(text: str) -> _Text:
    return _Text(text, words(text))
