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
_PASSAGES = 4  # looked at in a document
_EACH = 3  # questions tried from a document

_ASKED = re.compile(r"[A-Z][^\n?]{8,80}\?")  # a heading that is a question already
_SUBJECT = r"(?:[A-Z][\w.’'-]*\s){1,4}"
_REST = r"(?:[^,.;:()\n“”\"]|[.,](?=\S)){12,80}(?=[,;.](?:\s|$))"
_DID = re.compile(rf"{_SUBJECT}(?P<did>(?:has|had|was|were|will|said|told|[a-z]+ed)\s{_REST})")
_IS = re.compile(rf"(?P<what>(?:(?:A|An|The)\s)?(?:[\w’'-]+\s){{1,3}})(?P<verb>is|are)\s(?:a|an|the|one)\s{_REST}")
_ARTICLE = re.compile(r"^(?:A|An|The)\b")
_VAGUE = re.compile(r"(?:He|She|It|They|This|That|These|Those|There|What|Which|Who|If|When|We|You|I)\b")


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
    for passage in passages:
        if _ASKED.fullmatch(passage.heading):
            yield passage.heading
        for sentence in passage.sentences:
            text = passage.quote(sentence)
            if _VAGUE.match(text):
                continue
            if did := _DID.match(text):
                yield f"Who {_joined(did['did'])}?"
            elif named := _IS.match(text):
                what = _ARTICLE.sub(lambda article: article[0].lower(), _joined(named["what"]))
                yield f"What {named['verb']} {what}?"


def _joined(text: str) -> str:
    return " ".join(text.split())
