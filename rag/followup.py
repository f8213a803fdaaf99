"""A follow-up -> a question that stands alone.

A follow-up is told by its words: "what about", a pronoun that nothing before it explains, "the battle" and no word on
which. What it may speak of is looked for in the last turns, and the likeliest rewrites are read: one is taken where
the reader is surer of an answer to it than to the question as it was asked.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from index.document import Span
from rag.answer import Answer
from rag.chat import Turn
from rag.help import help_line
from rag.reader import Reading
from rag.retrieve import MAX_QUESTION
from rag.topics import NAME, content, names, persons, stems, topics

REMEMBERED = 3  # turns that a follow-up may point back to
_REWRITES = 3  # read besides the question as it was asked
GLANCED = 3  # hits read for each of them: what is surest by the first stays so
_SURER = 1.0  # log odds that a rewrite needs over a question that may be understood as it is
_LATER = 1.0  # log odds that a rewrite needs over the likelier one before it
_MOST_WORDS = 20  # that a model may add to a question
_FEW = 6  # words that a part of a question has at most

_PERSON = ("he", "she", "him", "his", "her", "hers")
_POSSESSIVE = ("his", "its", "their", "hers", "theirs")
_OBJECT = ("him", "her", "it", "them")
_THING = ("it", "its")
_PLURAL = ("they", "them", "their", "theirs")
_PRONOUNS = {*_PERSON, *_POSSESSIVE, *_OBJECT, "they"}

_ASKING = r"(?:who|whom|whose|what|which|when|where|why|how)"
_AUXILIARY = r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)"
_LINK = (
    r"(?:in|on|at|of|by|for|with|from|to|about|after|before|during|since|until|under|than|near|into|without|among|"
    r"between|through)"
)
_ASKED = re.compile(_ASKING, re.IGNORECASE)
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
_COUNTED = re.compile(rf"\bhow many ([a-z][\w-]*(?: (?!{_AUXILIARY}\b)[a-z][\w-]*s\b)?)", re.IGNORECASE)
_BARE_NOUN = re.compile(  # "the battle" without "of Hastings"; of some things there is but one
    r"\b[Tt]he (?!(?:documents?|files?|reports?|pages?|text|world|sun|moon|earth|sky|sea|internet|universe|past|future"
    r"|same|most|least)\b)"
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


def is_rewrite(text: str, question: str, turns: Sequence[Turn]) -> bool:
    """Whether a text may be the follow-up in other words: a question of which every name and thing was said before."""
    said = [question, *(part for each in _lately(turns) for part in (each.query, each.text))]
    known = {stem for part in said for stem in stems(part)}
    asking = [found[0].lower() for found in (_ASKED.match(question), _ASKED.match(text)) if found]
    return (
        0 < len(text) <= MAX_QUESTION
        and len(text.split()) <= _MOST_WORDS + len(question.split())
        and not text.endswith(".")
        and len(set(asking)) <= 1
        and {word.stem for word in content(question)} <= {word.stem for word in content(text)} <= known
        and bool(content(text))
    )


def _lately(turns: Sequence[Turn]) -> list[Answer]:
    """What was said in the last turns, newest first; lines of help apart."""
    return list(islice((turn.answer for turn in reversed(turns) if turn.answer.mode != "help"), REMEMBERED))


def _says_nothing(asked: str) -> bool:
    """Whether it has no word that could be looked for: "Why?", "Who else?", "Tell me more."."""
    return not content(asked)


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
    return word not in _PERSON and bool(content(before)) and (later or word in _POSSESSIVE)


def _says_before(before: str) -> bool:
    """Whether a clause stands before that says something."""
    return bool(_CLAUSE.search(before) and content(before))


def standalone(question: str, turns: Sequence[Turn], read: Callable[[str], Reading]) -> str:
    """A question that is understood by itself: as it was asked, where it is so already or no rewrite is surer.

    Args:
        question: As it was asked.
        turns: What came before, oldest first.
        read: Reads the `GLANCED` best hits for a question; called at most four times, and never for one that does not
            depend.
    """
    if not depends(question, turns):
        return question
    asked, lately = question.strip(), _lately(turns)
    spoken = [each.query for each in lately if not _says_nothing(each.question.strip())]
    joined = _joined(asked, next(iter(spoken), lately[0].query))
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
    told, people = stems(asked), persons(lately)
    counted = _COUNTED.search(lately[0].query) if gap.pronoun in _PLURAL else None
    if counted:
        yield gap.filled(asked, f"the {counted[1]}")
    for topic in topics(lately):
        name = NAME.search(topic)
        said = name[0] if name and not gap.pronoun else topic  # "the dam (Orsa)", and not "(the mill of Orsa)"
        fits = NAME.fullmatch(said) if gap.pronoun in _PERSON else gap.pronoun not in _THING or said not in people
        if fits and any(map(str.isalpha, said)) and not set(stems(said)) <= set(told):
            yield gap.filled(asked, said)


def _joined(asked: str, earlier: str) -> str:
    """A part of a question, or one that says nothing, with the question before; "" where it is neither.

    "And in 1999?" takes the place of a like part, or comes after the rest; "Why?" makes "Who left Rome, and why?".
    """
    opener = _OPENER.match(earlier)
    if opener and opener.end() < len(earlier):
        earlier = earlier[opener.end()].upper() + earlier[opener.end() + 1 :]
    gap, part, body = _gap(asked), _part(asked), _unmarked(earlier)
    if gap and gap.pronoun in _PRONOUNS:
        return ""
    if _says_nothing(asked):
        more = asked[opener.end() :] if (opener := _OPENER.match(asked)) else asked
        return f"{body}, and {more[0].lower()}{more[1:]}"
    mark = earlier[len(body) :]
    if link := _BY_LINK.match(part):
        place = _like_part(body, part, link[1])
        return f"{body[: place.start].rstrip()} {part[0].lower()}{part[1:]}{body[place.end :]}{mark}"
    if names(part) == [part] and len(names(body)) == 1:
        (name,) = names(body)
        head = name if " of " in part else name.partition(" of ")[0]  # "the CEO of Acme" -> "the CFO of Acme"
        return f"{body.replace(head, part)}{mark}"
    return ""


def _like_part(body: str, part: str, link: str) -> Span:
    """Where a question has a part like another one, with a number where that has one; or its end."""
    word = rf" (?!{_LINK}\b)[\w.'’-]*[\w.]"
    found = re.finditer(rf"(?<= )(?i:{link})\b(?: {NAME.pattern}|(?:{word})*? \d\w*|(?:{word})+)", body)
    like = [each for each in found if _numbered(each[0]) == _numbered(part)]
    return Span(*like[-1].span()) if like else Span(len(body), len(body))


def _numbered(text: str) -> bool:
    return any(character.isdigit() for character in text)
