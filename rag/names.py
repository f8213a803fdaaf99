"""Names: the words that a statement says with a capital, and whether some characters say them too.

Pure. A name may be spelt with or without accents, possessive, as its initials, or as the people of a country.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from unicodedata import combining, normalize

from rag.amounts import MONTH, SCALES, WEEKDAYS, WORTH
from rag.extract import FUNCTION_WORDS
from rag.figures import codes, figures, stem

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_OPENING_MARKS = r"[\s\"'“”‘’(\[-]"
_BREAKS = re.compile(  # what stands before a word with which something begins; a run of marks is looked at once
    rf"(?:^|[.!?:;•*|–—]|(?<!{_OPENING_MARKS})(?={_OPENING_MARKS}*(?:\n|--))){_OPENING_MARKS}*+$"
)
# Words with capitals, small words between them left out; looked for once in each run of letters.
_CAPITALS = re.compile(
    r"(?<![\w’'-])(?:(?![A-Z])[\w’'-])*+([A-Z][\w’'-]*+(?:(?:,? (?:of|the|and|for|de|&))* [A-Z][\w’'-]*+)+)"
)
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
_OF_NO_NAME = ("ly", "ing", "ed")  # the ends of words that are seldom names
_NO_NAMES = frozenset({"mr", "mrs", "ms", "miss", "sir", "the", "a", "an", "i", "of", "and", *WORTH, *SCALES, *MONTH})
_ENDINGS = ("ians", "ian", "ans", "an", "ese", "ish", "ern", "ic", "s", "y", "e", "a", "i")
_SHORTEST_ROOT = 4  # letters of a name without its ending; one more where both have one

_PEOPLES = """
france:french britain:british england:english scotland:scottish ireland:irish spain:spanish poland:polish wales:welsh
turkey:turkish sweden:swedish denmark:danish finland:finnish netherlands:dutch switzerland:swiss greece:greek
portugal:portuguese china:chinese norway:norwegian europe:european philippines:filipino thailand:thai iraq:iraqi
"""
_PEOPLE = {name: other for pair in _PEOPLES.split() for name, other in (pair.split(":"), pair.split(":")[::-1])}
_BESIDE, _LONGEST = 3, 7  # words beside a name that place it, and of what stands in that place
_TEXTS = 4_096  # whose words are remembered


def unnamed(statement: str, span: str, context: str) -> Iterator[str]:
    """The names in a statement that neither the span nor its context says."""
    known = _spellings(span) | _spellings(context)  # a context may be all the heads of a table, for each of its rows
    initials = _initials(span) | _initials(context)
    for run in _names(statement):
        if _initials_of(run) in known or " ".join(run).lower() in initials:
            continue
        missing = [word for word in run if not _known(word, known) and _folded(word) not in initials]
        if missing:
            yield " ".join(missing)
    yield from (code for code in codes(statement) if _folded(code) not in _codes(span) | _codes(context))


def renamed(statement: str, span: str) -> Iterator[tuple[str, str]]:
    """Names in whose place, between or beside the same words, the span has another one; and that one."""
    said, theirs = _in_order(figures(statement).rest), _in_order(span)
    lower = [word.lower() for word in theirs]
    for run in _names(statement):
        for place in _places(run, said):
            slots = [
                slot
                for first, last in _slots(said[:place], said[place + len(run) :], theirs, lower)
                if (slot := theirs[first:last])
            ]
            if slots and not any(_known(word, _spellings(" ".join(slot))) for slot in slots for word in run):
                yield " ".join(run), " ".join(slots[0])


def _slots(
    before: Sequence[str], after: Sequence[str], theirs: Sequence[str], lower: Sequence[str]
) -> Iterator[tuple[int, int]]:
    """The stretches of a text's words that hold a name and stand where a name stands in a statement."""
    left, right = [word.lower() for word in before[-_BESIDE:]], [word.lower() for word in after[:_BESIDE]]
    starts = [place + len(left[-2:]) for place in _found(left[-2:], lower)] if len(left) > 1 else []
    ends = _found(right[:1], lower) if right else []
    between: list[tuple[int, int]] = []
    if _tells([*left[-2:], *right[:1]]):
        for first in starts:
            last = next((end for end in ends if first < end <= first + _LONGEST), 0)
            if any(map(_may_be_name, theirs[first:last])):
                between.append((first, last))
    yield from between or _beside(left, right, theirs, lower)


def _beside(
    left: Sequence[str], right: Sequence[str], theirs: Sequence[str], lower: Sequence[str]
) -> Iterator[tuple[int, int]]:
    """The stretches of a text's words that begin with a name after some words, or end with one before some."""
    if len(left) == _BESIDE and _tells(left):
        for place in _found(left, lower):
            first = place + _BESIDE
            if first < len(theirs) and _may_be_name(theirs[first]):
                yield first, first + _LONGEST
    if len(right) == _BESIDE and _tells(right):
        for last in _found(right, lower):
            first = max(0, last - _LONGEST)
            if last and _may_be_name(theirs[last - 1]) and "the" not in lower[max(0, last - 2) : last]:
                yield first, last


def _places(run: Sequence[str], words: Sequence[str]) -> list[int]:
    return [place for place in range(len(words)) if list(words[place : place + len(run)]) == list(run)]


def _found(sought: Sequence[str], lower: Sequence[str]) -> list[int]:
    """Where some words stand one after another."""
    return [place for place in range(len(lower)) if list(lower[place : place + len(sought)]) == list(sought)]


def _may_be_name(word: str) -> bool:
    """Whether a word with a capital is more than what a sentence begins with."""
    plain = stem(word) in FUNCTION_WORDS or word.lower() in _OPENERS or word.endswith(_OF_NO_NAME)
    return word[0].isupper() and not plain


def _tells(words: Sequence[str]) -> bool:
    """Whether one of some words has a meaning of its own."""
    return any(stem(word) not in FUNCTION_WORDS for word in words)


def _in_order(text: str) -> list[str]:
    """The words of a text, those in brackets left out."""
    return [match[0] for match in WORD.finditer(re.sub(r"[(\[][^()\[\]]*[)\]]", " ", text))]


def _names(text: str) -> list[list[str]]:
    """The names of a text, each as its words."""
    rest = figures(text).rest
    found = list(WORD.finditer(rest))
    runs: list[list[str]] = []
    last = -2
    for place, match in enumerate(found):
        after = found[place + 1][0] if place + 1 < len(found) else ""
        if _is_name(rest, match, after, found[place - 1].start() if place else 0):
            joined = last == place - 1 and re.fullmatch(r"[\s.&-]*", rest[found[place - 1].end() : match.start()])
            if joined and runs:
                runs[-1].append(match[0])
            else:
                runs.append([match[0]])
            last = place
    return runs


def _is_name(text: str, match: re.Match[str], after: str, before: int) -> bool:
    """Whether a word is a name: it has a capital, and not only because something begins with it.

    Args:
        text: What it stands in.
        match: Where.
        after: The next word, or "".
        before: Where the word before it starts; 0 where there is none.
    """
    word, lower = match[0], bare(match[0]).lower()
    if not word[0].isupper() or len(lower) < 2 or any(character.isdigit() for character in word):
        return False
    if lower in _NO_NAMES:
        return False
    if not _BREAKS.search(text, before, match.start()) or _ABBREVIATION.search(text, before, match.start()):
        return stem(lower) not in FUNCTION_WORDS or word.isupper()
    return stem(lower) not in FUNCTION_WORDS and lower not in _OPENERS and _is_first_name(word, after)


def _is_first_name(word: str, after: str) -> bool:
    """Whether what begins a sentence is a name, as far as the next word tells: Alan Turing, Turing's, Ada wrote."""
    if after[:1].isupper() or word.isupper() or bare(word) != word or word.lower() in WEEKDAYS:
        return True
    if word.endswith(_OF_NO_NAME):
        return False
    return after in _SINGULAR or (not word.endswith("s") and after.endswith("ed"))


def bare(word: str) -> str:
    """A word without the mark of possession."""
    return re.sub(r"['’](?:s|S)?$|['’]s\b", "", word)


@lru_cache(_TEXTS)
def _folded(word: str) -> str:
    """A word in small letters without accents and the mark of possession."""
    plain = "".join(character for character in normalize("NFKD", bare(word)) if not combining(character))
    return plain.lower().replace("’", "'")


@lru_cache(_TEXTS)
def _spellings(text: str) -> frozenset[str]:
    """Every word of a text as it may be matched: plain, its stem and, marked, its roots."""
    known = {_folded(match[0]) for match in WORD.finditer(text)}
    known |= {"".join(match[0].split(".")).lower() for match in re.finditer(r"\b(?:[A-Za-z]\.){2,}", text)}
    return frozenset(known | {stem(word) for word in known} | {f"{root}~" for word in known for root in _roots(word)})


@lru_cache(_TEXTS)
def _codes(text: str) -> frozenset[str]:
    return frozenset(map(_folded, codes(text)))


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
    runs = _CAPITALS.findall(text)
    made: set[str] = set()
    for run in runs:
        letters = "".join(word[0] for word in re.split(r"[\s-]+", run) if word[:1].isupper()).lower()
        made |= {letters[first:last] for first in range(len(letters)) for last in range(first + 2, first + 7)}
    return frozenset(made)


def _initials_of(run: list[str]) -> str:
    return "".join(word[0] for word in run).lower() if len(run) > 1 else "\0"
