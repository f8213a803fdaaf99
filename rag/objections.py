"""Objections: what a statement says that some characters do not, word for word.

Pure, and no judge of meaning: it looks at what can be told without one. Amounts, dates and names must stand in the
characters (a name may stand in their context), what the one denies the other may not affirm, and "all", "most", "only"
and "half" must be there. What is left over is for `rag.verify`, which has a network read the two.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, normalize

from rag.amounts import MONTH, SCALES, WEEKDAYS, WORTH
from rag.extract import FUNCTION_WORDS
from rag.figures import codes, figures, stem

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_BREAKS = re.compile(
    r"(?:^|[.!?:;\n•*|]|--|–|—)[\s\"'“”‘’(\[-]*$"
)  # what stands before a word with which something begins
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Prof|Rev|Gen|Col|Sen|Gov|Capt|Lt|Jr|No|vs|[A-Z])\.\s*$")
_AFTER_ONE = """
is was has does had can could will would may might must should became becomes did won wrote made led
"""
_OPENING = """
however although though while since because despite unlike like today later earlier meanwhile instead thus hence
therefore furthermore moreover nevertheless yes per following upon within without among between across both each every
most many several few all some one two three another such even once until unless whereas often next last first people no
not never none nobody neither nothing everyone everything someone only half
"""
_SINGULAR, _OPENERS = frozenset(_AFTER_ONE.split()), frozenset(_OPENING.split())
_NO_NAMES = frozenset({"mr", "mrs", "ms", "miss", "sir", "the", "a", "an", "i", "of", "and", *WORTH, *SCALES, *MONTH})
_ENDINGS = ("ians", "ian", "ans", "an", "ese", "ish", "ern", "ic", "s", "y", "e", "a", "i")
_SHORTEST_ROOT = 4  # letters of a name without its ending; one more where both have one

_PEOPLES = """
france:french britain:british england:english scotland:scottish ireland:irish spain:spanish poland:polish wales:welsh
turkey:turkish sweden:swedish denmark:danish finland:finnish netherlands:dutch switzerland:swiss greece:greek
portugal:portuguese china:chinese norway:norwegian europe:european philippines:filipino thailand:thai iraq:iraqi
"""
_PEOPLE = {name: other for pair in _PEOPLES.split() for name, other in (pair.split(":"), pair.split(":")[::-1])}

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
_VAGUE = ("dozens", "hundreds", "thousands", "millions", "billions")
_QUANTIFIERS = [
    (re.compile(said, re.IGNORECASE), re.compile(bearing, re.IGNORECASE))
    for said, bearing in (
        *((_QUANTIFIED[name], _BEARING[name]) for name in _QUANTIFIED),
        *((rf"\b{name}\b", rf"\b{name}?\b") for name in _VAGUE),
    )
]
_NOT_QUANTIFIED = re.compile(r"\b(?:not|n['’]t)\s+$", re.IGNORECASE)
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
    found = (
        *figures(statement).unborne(figures(span)),
        *(f"the name “{name}”" for name in _unnamed(statement, span, context)),
        *_renamed(statement, span),
        *_opposed(_words(statement), _words(span)),
        *(f"the word “{word}”" for word in _unquantified(statement, span)),
    )
    return tuple(dict.fromkeys(found))


def _unnamed(statement: str, span: str, context: str) -> Iterator[str]:
    """The names in a statement that neither the span nor its context says."""
    said = f"{span}\n{context}"
    known = _spellings(said)
    initials = _initials(said)
    for run in _names(statement):
        if _initials_of(run) in known or " ".join(run).lower() in initials:
            continue
        missing = [word for word in run if not _known(word, known) and _folded(word) not in initials]
        if missing:
            yield " ".join(missing)
    yield from (code for code in codes(statement) if _folded(code) not in {_folded(other) for other in codes(said)})


def _renamed(statement: str, span: str) -> Iterator[str]:
    """Names in whose place, between the same words, the span has another one."""
    rest = figures(statement).rest
    for run in _names(statement):
        name = re.compile(r"[\W_]+".join(map(re.escape, run)))
        for match in name.finditer(rest):
            before, after = _WORD.findall(rest[: match.start()])[-2:], _WORD.findall(rest[match.end() :])[:1]
            if len(before) < 2 or not after or all(stem(word) in FUNCTION_WORDS for word in (*before, *after)):
                continue
            found = re.findall(_between(before, after), span)
            if found and not any(_known(word, _spellings(other)) for other in found for word in run):
                yield f"the name “{' '.join(run)}”, where the source says “{' '.join(found[0].split())}”"


def _between(before: Sequence[str], after: Sequence[str]) -> str:
    """The pattern of up to five words, one of them with a capital, between some words in a sentence."""
    first, last = (r"[\W_]+".join(map(re.escape, words)) for words in (before, after))
    return rf"\b{first}\W+((?:[^\W_][^\s.;]*\s+){{0,4}}?[A-Z][^\s.;]*(?:\s+[^\s.;]+){{0,3}}?),?\s+{last}\b"


def _names(text: str) -> list[list[str]]:
    """The names of a text, each as its words."""
    rest = figures(text).rest
    found = list(_WORD.finditer(rest))
    runs: list[list[str]] = []
    last = -2
    for place, match in enumerate(found):
        after = found[place + 1][0] if place + 1 < len(found) else ""
        if _is_name(rest, match, after):
            joined = last == place - 1 and re.fullmatch(r"[\s.&-]*", rest[found[place - 1].end() : match.start()])
            runs = [*runs[:-1], [*runs[-1], match[0]]] if joined and runs else [*runs, [match[0]]]
            last = place
    return runs


def _is_name(text: str, match: re.Match[str], after: str) -> bool:
    """Whether a word is a name: it has a capital, and not only because something begins with it."""
    word, lower = match[0], _bare(match[0]).lower()
    if not word[0].isupper() or len(lower) < 2 or any(character.isdigit() for character in word):
        return False
    if lower in _NO_NAMES:
        return False
    before = text[: match.start()]
    if not _BREAKS.search(before) or _ABBREVIATION.search(before):
        return stem(lower) not in FUNCTION_WORDS or word.isupper()
    return stem(lower) not in FUNCTION_WORDS and lower not in _OPENERS and _is_first_name(word, after)


def _is_first_name(word: str, after: str) -> bool:
    """Whether what begins a sentence is a name, as far as the next word tells: Alan Turing, Turing's, Ada wrote."""
    if after[:1].isupper() or word.isupper() or _bare(word) != word or word.lower() in WEEKDAYS:
        return True
    if word.endswith(("ly", "ing", "ed")):
        return False
    return after in _SINGULAR or (not word.endswith("s") and after.endswith("ed"))


def _bare(word: str) -> str:
    """A word without the mark of possession."""
    return re.sub(r"['’](?:s|S)?$|['’]s\b", "", word)


@lru_cache(_TEXTS)
def _folded(word: str) -> str:
    """A word in small letters without accents and the mark of possession."""
    plain = "".join(character for character in normalize("NFKD", _bare(word)) if not combining(character))
    return plain.lower().replace("’", "'")


@lru_cache(_TEXTS)
def _spellings(text: str) -> frozenset[str]:
    """Every word of a text as it may be matched: plain, its stem and, marked, its roots."""
    known = {_folded(match[0]) for match in _WORD.finditer(text)}
    known |= {"".join(match[0].split(".")).lower() for match in re.finditer(r"\b(?:[A-Za-z]\.){2,}", text)}
    return frozenset(known | {stem(word) for word in known} | {f"{root}~" for word in known for root in _roots(word)})


def _known(word: str, known: frozenset[str]) -> bool:
    """Whether a name is among some spellings, or one that comes of the same root: Japan and Japanese."""
    folded = _folded(word)
    roots = _roots(folded)
    return bool({folded, stem(folded), f"{folded}~", _PEOPLE.get(folded, folded), *roots} & known) or any(
        len(root) > _SHORTEST_ROOT and f"{root}~" in known for root in roots
    )


def _roots(word: str) -> list[str]:
    """What a name may come of: Japan of Japanese, Austria of Austrian."""
    roots = [word.removesuffix(end) for end in _ENDINGS if word.endswith(end)]
    roots += [word[:-1]] if word.endswith("an") else []
    return [root for root in roots if len(root) >= _SHORTEST_ROOT]


@lru_cache(_TEXTS)
def _initials(text: str) -> frozenset[str]:
    """The initials of every run of up to six words with capitals, small words between them left out: nasa, un."""
    runs = re.findall(r"[A-Z][\w’'-]*(?:(?:,? (?:of|the|and|for|de|&))* [A-Z][\w’'-]*)+", text)
    made: set[str] = set()
    for run in runs:
        letters = "".join(word[0] for word in re.split(r"[\s-]+", run) if word[0].isupper()).lower()
        made |= {letters[first:last] for first in range(len(letters)) for last in range(first + 2, first + 7)}
    return frozenset(made)


def _initials_of(run: list[str]) -> str:
    return "".join(word[0] for word in run).lower() if len(run) > 1 else "\0"


@lru_cache(_TEXTS)
def _words(text: str) -> _Words:
    """What a text affirms and denies."""
    reached: dict[int, tuple[str, str]] = {}
    denies = _IMPLIED.search(text) is not None
    for negator in _NEGATOR.finditer(text):
        if _NO_NEGATOR.match(text, negator.start()):
            continue
        end = _CLAUSE_END.search(text, negator.end())
        scope = text[negator.end() : end.start() if end else len(text)]
        if _UNTIL.search(scope):
            continue
        denies = True
        for match in _WORD.finditer(scope):
            word = _base(match[0])
            if word and word not in FUNCTION_WORDS and not match[0].lower().endswith("ly") and not word.isdigit():
                said = " ".join(f"{negator[0]}{scope[: match.end()]}".split())
                reached[negator.end() + match.start()] = (word, said)
                break
    affirmed: set[str] = set()
    only_denied: list[tuple[str, str]] = []
    for sentence in _SENTENCE.finditer(text):
        own = {_base(match[0]) for match in _WORD.finditer(text, *sentence.span()) if match.start() not in reached}
        only_denied += [
            told for place, told in reached.items() if sentence.start() <= place < sentence.end() and told[0] not in own
        ]
        affirmed |= own
    return _Words(frozenset(affirmed - FUNCTION_WORDS), tuple(reached.values()), tuple(only_denied), denies)


def _base(word: str) -> str:
    """The stem of a word, or of what an irregular verb is called by: "won" is "win"."""
    lower = _bare(word).lower()
    return stem(_BASE.get(lower, lower))


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


def _unquantified(statement: str, span: str) -> Iterator[str]:
    """The words of a statement for how many or how often that the span has no word for."""
    for said, bearing in _QUANTIFIERS:
        for match in said.finditer(statement):
            borne = [_NOT_QUANTIFIED.search(span[: other.start()]) for other in bearing.finditer(span)]
            if all(borne) and not (borne and _NOT_QUANTIFIED.search(statement[: match.start()])):
                yield match[0]
