"""Objections: what a statement says that some characters do not, word for word.

Pure, and no judge of meaning: it looks at what can be told without one. Amounts, dates and names must stand in the
characters (a name may stand in their context), what the one denies the other may not affirm, and "all", "most", "only"
and "half" must be there. What is left over is for `rag.verify`, which has a network read the two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from rag.extract import FUNCTION_WORDS
from rag.figures import figures, stem
from rag.names import WORD, bare, renamed, unnamed

_NEGATOR = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|without|hardly|scarcely"
    r"|lack(?:s|ed|ing)?(?: of)?|instead of|rather than"
    r"|(?:failed|fails|fail|failing|unable|refused|refuses|refuse|declined) to)\b"
    r"|\b[a-z]+n['’]t\b",
    re.IGNORECASE,
)
_NO_NEGATOR = re.compile(
    r"(?:not|[a-z]+n['’]t) (?:only|just|merely|least)\b"
    r"|(?:no|not) (?:more|less|fewer|later|earlier|higher|lower|greater) than\b"
    r"|no doubt\b|no sooner\b|not to mention\b|no\. ?\d",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[,;:.!?()\n–—]|\b(?:but|although|though|because|since|while|whereas|which|who|that|if|unless|when|where)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s)|$)", re.DOTALL)
_UNTIL = re.compile(r"\b(?:until|till)\b", re.IGNORECASE)
_IMPLIED = re.compile(  # what denies without a "not"
    r"\b(?:den(?:y|ies|ied)|reject(?:s|ed)?|refus(?:e|es|ed|al)|fail(?:s|ed|ure)?|unable|impossible|prevent(?:s|ed)?|"
    r"prohibit(?:s|ed)?|bann?(?:s|ed)?|forbid(?:s|den)?|forbade|avoid(?:s|ed)?|ceased?|stopp?(?:s|ed)?|absen(?:t|ce)|"
    r"unlike|excep(?:t|ting)|exclud(?:e|es|ed|ing)|unsuccessful(?:ly)?|rare(?:ly)?|seldom|un[a-z]{5,}(?:ed|able)|little|"
    r"few|only|opposed?|instead|false(?:ly)?|myth|abandon(?:s|ed)?|cancel(?:led|ed|s)?|declin(?:e|ed|es)|zero)\b",
    re.IGNORECASE,
)
_NOT_ONLY = re.compile(r"\bnot\s+$", re.IGNORECASE)
_UNMADE = ("un", "in", "im", "il", "ir", "dis", "non")
_VERBS = """
win:won go:went,gone take:took,taken give:gave,given make:made write:wrote,written lead:led become:became
begin:began,begun build:built buy:bought come:came do:did,done fall:fell,fallen feel:felt find:found fight:fought
fly:flew,flown get:got,gotten grow:grew,grown have:had,has hold:held keep:kept know:knew,known leave:left lose:lost
meet:met pay:paid rise:rose,risen run:ran say:said see:saw,seen sell:sold send:sent sing:sang,sung speak:spoke,spoken
spend:spent stand:stood steal:stole,stolen swim:swam teach:taught tell:told think:thought wear:wore,worn bring:brought
choose:chose,chosen draw:drew,drawn drive:drove,driven eat:ate,eaten break:broke,broken bear:bore,born,borne
sink:sank,sunk strike:struck throw:threw,thrown understand:understood withdraw:withdrew,withdrawn catch:caught
deal:dealt mean:meant shoot:shot sit:sat
"""
_BASE = {past: verb.split(":")[0] for verb in _VERBS.split() for past in verb.split(":")[1].split(",")}
_AGAIN = ("", "re", "un", "over", "out")  # what irregular verbs are put together with: "repaid"
_ALL = r"(?<!\bat )(?<!\babove )(?<!\bafter )\ball\b(?!-)"
_QUANTIFIED = {  # what a statement may not say by itself
    "all": rf"{_ALL}|\b(?:every|everyone|everybody|always|entirely)\b",
    "most": r"\b(?:most|majority|mostly)\b",
    "only": r"\b(?:only|solely|exclusively)\b",
    "half": r"\bhalf\b",
}
_BEARING = {  # what bears it out
    "all": rf"{_ALL}|\b(?:every|each|everyone|everybody|everything|always|whole|entire|entirely|any|both|completely|"
    r"fully|wholly|universally|invariably|100 percent)\b|\b100 ?%",
    "most": r"\b(?:most|mostly|majority|mainly|largely|predominantly|predominant|primarily|chiefly|usually|generally|"
    r"typically|commonly|\w{3,}est|best|top|main|leading|primary|principal|bulk|[5-9]\d(?:\.\d+)? ?percent)\b"
    r"|\b[5-9]\d(?:\.\d+)? ?%|\b(?:more|over|greater) than (?:half|50)\b",
    "only": r"\b(?:only|solely|sole|exclusively|exclusive|alone|merely|just|unique|uniquely|single|purely|nothing but|"
    r"restricted|limited|except)\b",
    "half": r"\b(?:half|halves|halved|50 ?percent)\b|\b50 ?%|½|\b1/2\b",
}
_OPPOSITES = """
rise increase grow climb surge jump gain expand/fall decrease decline drop shrink plunge reduce lose
before earlier prior previously/after later following subsequently
open/close shut
begin start commence/end finish stop expire conclude
allow permit authorise/ban prohibit forbid
cause/prevent avoid
win/lose
buy acquire purchase/sell
import/export
accept approve adopt/reject refuse
include/exclude
higher more larger greater/lower less fewer smaller
highest largest biggest greatest/lowest smallest least fewest
first/last
north northern/south southern
east eastern/west western
profit/loss
arrive/depart
"""
_VAGUE = ("dozens", "hundreds", "thousands", "millions", "billions")
_QUANTIFIERS = [
    (re.compile(said, re.IGNORECASE), re.compile(bearing, re.IGNORECASE))
    for said, bearing in (
        *((_QUANTIFIED[name], _BEARING[name]) for name in _QUANTIFIED),
        *((rf"\b{name}\b", rf"\b{name}?\b") for name in _VAGUE),
    )
]
_NOT_QUANTIFIED = re.compile(r"\b(?:not|n['’]t)\s+$", re.IGNORECASE)
_WARS = re.compile(r"\b(?:(?:First|Second) World War|WW(?:II|I|1|2))\b")
_TEXTS = 4_096  # whose words are remembered


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text, as stems, by what it says of them.

    Attributes:
        affirmed: Those that stand somewhere outside the reach of a "not".
        denied: Those that a "not" speaks of, and how that is said.
        only_denied: Those of them that their own sentence does not affirm besides.
        denies: Whether anything is denied, in whatever way.
    """

    affirmed: frozenset[str]
    denied: tuple[tuple[str, str], ...]
    only_denied: tuple[tuple[str, str], ...]
    denies: bool

    @property
    def stems(self) -> frozenset[str]:
        """Of all its words, however said."""
        return self.affirmed | self.heads

    @property
    def heads(self) -> frozenset[str]:
        """The words that a "not" speaks of."""
        return frozenset(head for head, _ in self.denied)


def objections(statement: str, span: str, context: str = "") -> tuple[str, ...]:
    """What a statement says that the characters do not, worded for people; nothing where no such thing is found.

    Args:
        statement: A sentence.
        span: What is to bear it out.
        context: The title, the heading, what stands before the span: names may stand there instead.
    """
    statement, span, context = (_WARS.sub(_war, text) for text in (statement, span, context))
    found = (
        *figures(statement).unborne(figures(span)),
        *(f"the name “{name}”" for name in unnamed(statement, span, context)),
        *(f"the name “{name}”, where the source says “{other}”" for name, other in renamed(statement, span)),
        *_opposed(_words(statement), _words(span)),
        *(f"the word “{word}”" for word in _unquantified(statement, span)),
        *(f"the word “{word}”, where the source says “{other}”" for word, other in _contrary(statement, span)),
    )
    return tuple(dict.fromkeys(found))


def _war(match: re.Match[str]) -> str:
    """A world war by its usual name, for all its others."""
    return f"World War {'II' if match[0].startswith('Second') or match[0].endswith(('2', 'II')) else 'I'}"


@lru_cache(_TEXTS)
def _words(text: str) -> _Words:
    """What a text affirms and denies."""
    reached: dict[int, tuple[str, str]] = {}
    denies = any(not _NOT_ONLY.search(text[: found.start()]) for found in _IMPLIED.finditer(text))
    for negator in _NEGATOR.finditer(text):
        if _NO_NEGATOR.match(text, negator.start()):
            continue
        end = _CLAUSE_END.search(text, negator.end())
        scope = text[negator.end() : end.start() if end else len(text)]
        if _UNTIL.search(scope):
            continue
        denies = True
        for match in WORD.finditer(scope):
            word = _base(match[0])
            if word and word not in FUNCTION_WORDS and not match[0].lower().endswith("ly") and not word.isdigit():
                said = " ".join(f"{negator[0]}{scope[: match.end()]}".split())
                reached[negator.end() + match.start()] = (word, said)
                break
    affirmed: set[str] = set()
    only_denied: list[tuple[str, str]] = []
    for sentence in _SENTENCE.finditer(text):
        own = {_base(match[0]) for match in WORD.finditer(text, *sentence.span()) if match.start() not in reached}
        only_denied += [
            told for place, told in reached.items() if sentence.start() <= place < sentence.end() and told[0] not in own
        ]
        affirmed |= own
    return _Words(frozenset(affirmed - FUNCTION_WORDS), tuple(reached.values()), tuple(only_denied), denies)


def _base(word: str) -> str:
    """The stem of a word, or of what an irregular verb is called by: "won" is "win"."""
    lower = bare(word).lower()
    again = next((prefix for prefix in _AGAIN if lower.removeprefix(prefix) in _BASE and lower.startswith(prefix)), "")
    return stem(again + _BASE.get(lower.removeprefix(again), lower.removeprefix(again)))


def _opposed(mine: _Words, theirs: _Words) -> Iterator[str]:
    """What the one text denies and the other does not."""
    for head, said in mine.denied:
        if head in theirs.heads or any(f"{prefix}{head}" in theirs.stems for prefix in _UNMADE):
            continue
        if head in theirs.affirmed or not theirs.denies or (theirs.heads and theirs.heads <= mine.affirmed):
            yield f"the negation “{said}”"
    for head, said in theirs.only_denied:
        if head in mine.affirmed - mine.heads:
            yield f"what the source denies: “{said}”"
    for word in sorted(mine.affirmed - theirs.stems):
        unmade = next((f"{prefix}{word}" for prefix in _UNMADE if f"{prefix}{word}" in theirs.stems), "")
        if unmade and len(word) > 3:
            yield f"the word “{word}”, where the source says “{unmade}”"


def _contrary(statement: str, span: str) -> Iterator[tuple[str, str]]:
    """The words of a statement for which the span has none but those that say the opposite; and one of those."""
    if _words(statement).denied or _words(span).denied:  # "did not accept" is "rejected"
        return
    mine, theirs = _told(statement), _told(span)
    for one, other in _contraries():
        for said, opposite in ((one, other), (other, one)):
            spoken = [mine[base] for base in mine if base in said]
            against = [theirs[base] for base in theirs if base in opposite]
            if spoken and against and not said & theirs.keys() and not opposite & mine.keys():
                yield spoken[0], against[0]


@lru_cache(_TEXTS)
def _told(text: str) -> dict[str, str]:
    """The words of a text by what they are called by."""
    return {_base(match[0]): match[0] for match in WORD.finditer(text)}


@cache
def _contraries() -> list[tuple[frozenset[str], frozenset[str]]]:
    """Words that say the opposite of others, both sides by what they are called by."""
    pairs = (line.split("/") for line in _OPPOSITES.strip().splitlines())
    return [(frozenset(map(_base, one.split())), frozenset(map(_base, other.split()))) for one, other in pairs]


def _unquantified(statement: str, span: str) -> Iterator[str]:
    """The words of a statement for how many or how often that the span has no word for."""
    for said, bearing in _QUANTIFIERS:
        for match in said.finditer(statement):
            borne = [_NOT_QUANTIFIED.search(span[: other.start()]) for other in bearing.finditer(span)]
            if all(borne) and not (borne and _NOT_QUANTIFIED.search(statement[: match.start()])):
                yield match[0]
