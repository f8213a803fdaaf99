"""INSCIT: information-seeking conversations; the passages that any of its turns names are the documents.

Wu et al., InSCIt: Information-Seeking Conversations with Mixed-Initiative Interactions, TACL 2023.
"""

from pathlib import Path

from eval.dataset import Dataset, Documents, Evidence, Example, Turn
from eval.formats.records import Record, whole
from index.errors import DatasetError


class _Passage(Record):
    passage_id: str
    passage_text: str


class _Label(Record):
    responseType: str  # noqa: N815  # the set's own name
    response: str
    evidence: list[_Passage]


class _Turn(Record):
    context: list[str]
    prevEvidence: list[list[_Passage]]  # noqa: N815  # the set's own name
    labels: list[_Label]


class _Conversation(Record):
    turns: list[_Turn]


def read(path: Path) -> Dataset:
    """Read a file; a turn is answerable unless every annotator found no answer. Its tags say what they found.

    Raises:
        DatasetError: The file is malformed.
    """
    documents = Documents(path.stem)
    examples = []
    for name, conversation in whole(path, dict[str, _Conversation]).items():
        for number, turn in enumerate(conversation.turns):
            if len(turn.context) % 2 == 0:
                raise DatasetError(
                    f"{path}, {name}.turns[{number}].context: expected questions and answers in turn, a question last."
                )
            for passage in (each for earlier in turn.prevEvidence for each in earlier):
                documents.add(passage.passage_text, passage.passage_id)
            answering = [label for label in turn.labels if not label.responseType.startswith("noAnswer")]
            gold = [
                Evidence(documents.add(passage.passage_text, passage.passage_id))
                for label in turn.labels
                for passage in label.evidence
            ]
            *said, question = turn.context
            examples.append(
                Example(
                    id=f"{name}-{number}",
                    question=question,
                    answerable=bool(answering),
                    answers=tuple(label.response for label in answering),
                    evidence=tuple(dict.fromkeys(gold)) if answering else (),
                    history=tuple(Turn(*pair) for pair in zip(said[::2], said[1::2], strict=True)),
                    tags=("follow-up" if said else "first", *sorted({label.responseType for label in turn.labels})),
                )
            )
    return Dataset(path.stem, tuple(examples), documents.all())
