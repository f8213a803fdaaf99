"""Words changed so that a text asks or says something else: what makes a question unanswerable or a statement false.

The ways are those that Rajpurkar, Jia and Liang (Know What You Don't Know, ACL 2018, table 1) found in SQuAD 2.0's
unanswerable questions: negation, antonym, entity or number swap, mutual exclusion, impossible condition. And in
statements a word that speaks of the same things and says something else: "wounded" for "killed".
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

ENTITY = re.compile(r"(?<![.!?:\n] )(?<!^)\b[A-Z][\w'’-]*(?:(?: of| the| de| von)? [A-Z][\w'’-]*)*")
NUMBER = re.compile(r"\b\d[\d,]*(?:\.\d+)?\b")
_CONTRACTED = {"can": "can't", "will": "won't"}
_CONDITIONS = 3  # of either kind, to draw from
WORD = re.compile(r"\b[a-z]{5,}\b")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|did|does|do|has|have|had|can|could|will|would|should|must)\b(?! not\b|n't)", re.IGNORECASE
)
_NEGATED = re.compile(r"\b(is|are|was|were|did|does|do|has|have|had|could|would|should|must) (?:not|never)\b")

_ANTONYMS = """
first last; early late; earliest latest; earlier later; before after; begin end; began ended; beginning ending;
start finish; started stopped; begun finished; increase decrease; increased decreased; increasing decreasing;
increases decreases; rise fall; rose fell; rising falling; gain lose; gained lost; win lose; won lost;
winner loser; more less; most least; many few; highest lowest; higher lower; high low; largest smallest;
larger smaller; large small; biggest smallest; big little; greatest least; major minor; majority minority;
maximum minimum; longest shortest; longer shorter; long short; old young; older younger; oldest youngest; new old;
newest oldest; ancient modern; best worst; better worse; good bad; positive negative; north south;
northern southern; east west; eastern western; northeast southwest; northwest southeast; upper lower; top bottom;
above below; over under; inside outside; internal external; include exclude; included excluded; includes excludes;
including excluding; open closed; opened closed; allow forbid; allowed forbade; permit prohibit;
permitted prohibited; accept reject; accepted rejected; agree disagree; agreed disagreed; support oppose;
supported opposed; supporters opponents; like dislike; love hate; cause prevent; caused prevented; causes prevents;
create destroy; created destroyed; build demolish; built demolished; buy sell; bought sold; import export;
imported exported; enter leave; entered left; arrive depart; arrived departed; join leave; joined left;
appear disappear; appeared disappeared; attack defend; attacked defended; strong weak; stronger weaker;
strongest weakest; fast slow; faster slower; hot cold; warm cool; wet dry; light dark; heavy light; hard soft;
rich poor; public private; male female; men women; man woman; boy girl; father mother; son daughter;
brother sister; husband wife; king queen; prince princess; legal illegal; common rare; easy difficult;
simple complex; same different; similar different; always never; often rarely; usually rarely; success failure;
successful unsuccessful; successfully unsuccessfully; known unknown; able unable; possible impossible;
formal informal; direct indirect; dependent independent; official unofficial; urban rural; domestic foreign;
native foreign; left right; right wrong; true false; near far; nearest farthest; present absent; full empty;
wide narrow; deep shallow; thick thin; active inactive; primary secondary; senior junior; live die; lived died;
born killed; alive dead; life death; war peace; victory defeat; ally enemy; allies enemies; friend enemy;
teacher student; employer employee; parent child; ancestor descendant; previous next; former current; past future;
day night; morning evening; summer winter; spring autumn; land sea; liberal conservative; democratic republican;
catholic protestant; religious secular; natural artificial; raise lower; raised lowered; expand shrink;
expanded shrank; remember forget; approve disapprove; approved disapproved; add remove; added removed; give take;
gave took; given taken; send receive; sent received; lend borrow; push pull; show hide; shown hidden;
advance retreat; advanced retreated; require forbid; required forbidden; encourage discourage;
encouraged discouraged; connect separate; connected separated; unite divide; united divided; only also; all none;
both neither; everyone nobody; increase reduce; improve worsen; improved worsened; maintain abandon;
maintained abandoned; continue stop; continued stopped; promote oppose; promoted demoted; hire fire; hired fired
"""
_OPPOSITE: dict[str, list[str]] = defaultdict(list)
for _one, _other in (pair.split() for pair in _ANTONYMS.split(";")):
    _OPPOSITE[_one].append(_other)
    _OPPOSITE[_other].append(_one)
_HAS_OPPOSITE = re.compile(rf"\b(?:{'|'.join(sorted(_OPPOSITE, key=len, reverse=True))})\b", re.IGNORECASE)

Way = Callable[[str, Sequence[str], Random], str | None]
Akin = Callable[[str], Sequence[str]]
"""A word -> words of the same things that say something else."""


def opposites(word: str) -> list[str]:
    """The words that say the opposite."""
    return _OPPOSITE.get(word, [])


def question(text: str, names: Sequence[str], *, passage: str, answer: str, rng: Random) -> str | None:
    """A question like this one that its passage does not answer, or None where no way applies.

    Args:
        text: The question.
        names: Names, numbers and words from the passage and its article, to swap in.
        passage: What answers the question as it is.
        answer: What it answers.
        rng: Chooses.
    """
    ways: list[tuple[float, Way]] = [
        (4, entity),
        (3, _number),
        (3, _antonym),
        (1.5, _negation),
        (1, partial(_exclusion, answer)),
        (1.5, partial(_condition, _elsewhere(names, passage))),
        (1, _word),
    ]
    return _some_way(text, names, ways, rng)


def statement(text: str, names: Sequence[str], *, passage: str, akin: Akin, rng: Random) -> str | None:
    """A statement like this one that its passage does not bear out, or None where no way applies; see `question`.

    `akin` knows words to swap in.
    """
    ways: list[tuple[float, Way]] = [
        (4, entity),
        (4, _number),
        (3, _antonym),
        (1.5, _negation),
        (1, partial(_condition, _elsewhere(names, passage))),
        (1, _word),
        (3, partial(_akin, akin, passage)),
    ]
    return _some_way(text, names, ways, rng)


def opposed(text: str, end: str, rng: Random) -> str | None:
    """The text with a word of its end turned into its opposite, or a "not" in it; None where neither can be.

    Only the end: "the last mill" is another mill than "the first mill".
    """
    other = _antonym(end, (), rng)
    return text.removesuffix(f"{end}?") + f"{other}?" if other else _negation(text, (), rng)


def swapped(answer: str, names: Sequence[str], rng: Random) -> str | None:
    """Another answer of the same kind: a number for a number of its length, a name for a name; or None."""
    if NUMBER.search(answer):
        return _number(answer, names, rng)
    kind = answer[:1].isupper()
    others = [name for name in names if name[:1].isupper() == kind and not NUMBER.search(name) and _apart(name, answer)]
    return rng.choice(others) if others else None


def _some_way(text: str, names: Sequence[str], ways: list[tuple[float, Way]], rng: Random) -> str | None:
    """The text changed by one of the ways that apply, drawn by weight."""
    left = list(ways)
    while left:
        place = rng.choices(range(len(left)), [weight for weight, _ in left])[0]
        changed = left.pop(place)[1](text, names, rng)
        if changed and changed.lower() != text.lower():
            return changed
    return None


def entity(text: str, names: Sequence[str], rng: Random) -> str | None:
    """A name in the text becomes another one."""
    lowered = text.lower()
    found = [match.span() for match in ENTITY.finditer(text)]
    if not found:  # typed without capitals
        inside = [name for name in names if name[:1].isupper() and len(name) > 3 and name.lower() in lowered]
        found = [(lowered.index(name.lower()), lowered.index(name.lower()) + len(name)) for name in inside]
    if not found:
        return None
    start, end = rng.choice(found)
    others = [name for name in names if name[:1].isupper() and not NUMBER.search(name) and _apart(name, text)]
    if not others:
        return None
    other = rng.choice(others)
    return text[:start] + (other if text[start].isupper() else other.lower()) + text[end:]


def _number(text: str, names: Sequence[str], rng: Random) -> str | None:
    """A number in the text becomes another one, near it or from the names."""
    found = list(NUMBER.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    others = [name for name in names if NUMBER.fullmatch(name) and len(name) == len(match[0]) and name != match[0]]
    if others and rng.random() < 0.6:
        other = rng.choice(others)
    else:
        digits = list(match[0])
        place = rng.choice([i for i, digit in enumerate(digits) if digit.isdigit()][-2:])
        digits[place] = rng.choice([digit for digit in "123456789" if digit != digits[place]])
        other = "".join(digits)
    return text[: match.start()] + other + text[match.end() :]


def _antonym(text: str, names: Sequence[str], rng: Random) -> str | None:
    """A word becomes its opposite."""
    del names
    found = list(_HAS_OPPOSITE.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    other = rng.choice(_OPPOSITE[match[0].lower()])
    return text[: match.start()] + (other.capitalize() if match[0][0].isupper() else other) + text[match.end() :]


def _negation(text: str, names: Sequence[str], rng: Random) -> str | None:
    """A "not" comes in, or goes."""
    del names
    negated = _NEGATED.search(text)
    if negated:
        return text[: negated.start()] + negated[1] + text[negated.end() :]
    found = _AUXILIARY.search(text)
    if not found:
        return None
    is_question = text.rstrip().endswith("?")
    contracted = _CONTRACTED.get(found[1].lower(), f"{found[1]}n't")
    said = contracted if is_question or rng.random() < 0.3 else f"{found[1]} {rng.choice(('not', 'never'))}"
    return text[: found.start()] + said + text[found.end() :]


def _exclusion(answer: str, text: str, names: Sequence[str], rng: Random) -> str | None:
    """What else, than the answer."""
    del names
    said = rng.choice(("other than", "besides", "apart from", "except"))
    return f"{_without_end(text)} {said} {answer}?"


def _condition(elsewhere: Sequence[str], text: str, names: Sequence[str], rng: Random) -> str | None:
    """A condition that the passage does not speak of."""
    del names
    years = [name for name in elsewhere if re.fullmatch(r"1\d\d\d|20\d\d", name) and name not in text]
    places = [name for name in elsewhere if name[:1].isupper() and not NUMBER.search(name) and _apart(name, text)]
    some = rng.sample(places, min(_CONDITIONS, len(places)))
    said = [f"{rng.choice(('in', 'after', 'before'))} {year}" for year in years[:_CONDITIONS]]
    said += [f"{rng.choice(('in', 'by', 'according to', 'for'))} {place}" for place in some]
    return f"{_without_end(text)} {rng.choice(said)}{_end(text)}" if said else None


def _word(text: str, names: Sequence[str], rng: Random) -> str | None:
    """A word becomes another one of the article's."""
    found = list(WORD.finditer(text))
    others = [name for name in names if WORD.fullmatch(name) and name not in text]
    if not found or not others:
        return None
    match = rng.choice(found)
    return text[: match.start()] + rng.choice(others) + text[match.end() :]


def _akin(akin: Akin, passage: str, text: str, names: Sequence[str], rng: Random) -> str | None:
    """A word that the passage says too becomes one of the same things that it does not say."""
    del names
    present = set(re.findall(r"\w+", passage.lower()))
    found = [(match, [other for other in akin(match[0]) if other not in present]) for match in WORD.finditer(text)]
    found = [(match, others) for match, others in found if others and match[0] in present]
    if not found:
        return None
    match, others = rng.choice(found)
    return text[: match.start()] + rng.choice(others) + text[match.end() :]


def _elsewhere(names: Sequence[str], passage: str) -> list[str]:
    """The names that a passage does not say."""
    return [name for name in names if name.lower() not in passage.lower()]


def _without_end(text: str) -> str:
    return text.rstrip().rstrip("?.!").rstrip()


def _end(text: str) -> str:
    """The mark that a text ends in; a question's where it has none."""
    end = text.rstrip()[-1:]
    return end if end in "?.!" else "?"


def _apart(name: str, text: str) -> bool:
    """Whether neither holds the other."""
    return name.lower() not in text.lower() and text.lower() not in name.lower()
