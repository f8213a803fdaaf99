"""Questions that a library answers, made from its own documents and tried before they are shown."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, islice, zip_longest
from pathlib import PurePosixPath
from typing import TypeVar

from index.library import Library
from index.passages import Passage

Item = TypeVar("Item")

_MOST_DOCUMENTS = 12
_PASSAGES = 12  # looked at in a document
_EACH = 3  # questions tried from a document

_ASKED = re.compile(r"[A-Z][^\n?]{8,80}\?")  # a heading that is a question already
_REST = r"(?:[^,.;:()\n“”\"]|[.,](?=\S)){12,80}(?=[,;.](?:\s|$))"
_THING = r"(?:(?:The|A|An)\s)?(?:[\w’'-]+\s){1,4}?"
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DAY = rf"(?:on|in|by)\s(?:(?:early|late|mid-)\s?)?(?:\d{{1,2}}\s)?(?:{_MONTH}|[12]\d{{3}}\b)"
_DONE = r"[a-z]+(?:ed|en|ilt|old|ade|eld|ought|ound|ut)"
_UNIT = r"(?:euros?|dollars?|pounds?|percent|per\scent|%|[Mm]illion|[Bb]illion)"

_DID = re.compile(rf"(?P<who>(?:[A-Z][\w.’'-]*\s){{1,4}})(?P<did>(?:has|had|was|will|said|told|[a-z]+ed)\s{_REST})")
_WHEN = re.compile(
    rf"(?P<what>{_THING})(?P<was>was|were)\s(?P<done>{_DONE}(?:\s(?:over|up|out|down|off|back))?)\s{_DAY}"
)
_MUCH = re.compile(rf"(?P<what>The\s(?:[a-z’'-]+\s){{1,4}})(?P<was>is|was)\s(?:[$€£]\s?\d|\d[\d.,]*\s?{_UNIT})")
_IS = re.compile(rf"(?P<what>(?:(?:A|An|The)\s)?(?:[\w’'-]+\s){{1,3}})(?P<verb>is|are)\s(?:a|an|the|one)\s{_REST}")
_ARTICLES = ("The", "A", "An")
_VAGUE = re.compile(r"(?:He|She|It|They|This|That|These|Those|There|What|Which|Who|If|When|We|You|I)\b")
_NO_VERBS = re.compile(r"(?:\w*[ncs]eed|feed|breed|indeed|speed|related|based|limited|described|discussed)\s")


def candidates(library: Library) -> Iterator[str]:
    """Questions that some sentence of the library may answer: of each folder and document in turn, none twice."""
    files = [PurePosixPath(file.id) for file in library.files() if file.state == "indexed"]
    folders = [list(group) for _, group in groupby(files, key=lambda path: path.parent)]
    ids = list(islice((str(path) for path in _in_turn(folders)), _MOST_DOCUMENTS))
    by_document = [list(islice(_questions(library.passages_of(id)[:_PASSAGES]), _EACH)) for id in ids]
    yield from dict.fromkeys(_in_turn(by_document))


def _in_turn(groups: Sequence[Sequence[Item]]) -> Iterator[Item]:
    """The first of each group, then the second of each, and so on."""
    return (item for turn in zip_longest(*groups) for item in turn if item is not None)


def _questions(passages: tuple[Passage, ...]) -> Iterator[str]:
    around = " ".join(passage.text for passage in passages)
    for passage in passages:
        if _ASKED.fullmatch(passage.heading):
            yield passage.heading
        for sentence in passage.sentences:
            text = " ".join(passage.quote(sentence).split())
            question = "" if _VAGUE.match(text) else _question(text, around)
            if question:
                yield question


def _question(text: str, around: str) -> str:
    """A question that a sentence answers, or ""."""
    if when := _WHEN.match(text):
        return f"When {when['was']} {_inside(when['what'], around)} {when['done']}?"
    if much := _MUCH.match(text):
        return f"How much {much['was']} {_inside(much['what'], around)}?"
    if (did := _DID.match(text)) and _is_name(did["who"].split()[-1], around) and not _NO_VERBS.match(did["did"]):
        return f"Who {did['did']}?"
    if named := _IS.match(text):
        return f"What {named['verb']} {_inside(named['what'], around)}?"
    return ""


def _inside(words: str, around: str) -> str:
    """The words that a sentence begins with, as they stand inside one."""
    first, _, rest = words.strip().partition(" ")
    return f"{first if _is_name(first, around) else first[0].lower() + first[1:]} {rest}".strip()


def _is_name(word: str, around: str) -> bool:
    """Whether a word that a sentence begins with is a name: it has its capital inside of sentences too."""
    return word not in _ARTICLES and bool(re.search(rf"[a-z,;]\s{re.escape(word)}\b", around))
