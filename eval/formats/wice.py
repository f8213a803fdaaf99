"""WiCE: claims of Wikipedia and the web pages cited for them; supported stands against partially and not.

Kamoi et al., WiCE: Real-World Entailment for Claims in Wikipedia, EMNLP 2023. The text of a claim is a document,
a sentence a line, and only that document is asked.
"""

from itertools import accumulate
from pathlib import Path
from typing import Literal

from eval.dataset import Dataset, Documents, Evidence, Example
from eval.formats.records import Record, lines
from index.errors import DatasetError


class _Meta(Record):
    id: str
    claim_title: str = ""


class _Claim(Record):
    claim: str
    label: Literal["supported", "partially_supported", "not_supported"]
    evidence: list[str]
    supporting_sentences: tuple[list[int], ...] = ()
    meta: _Meta


def read(path: Path) -> Dataset:
    """Read a file of claims; an example's tag is its label.

    Raises:
        DatasetError: A line is malformed.
    """
    documents = Documents(path.stem)
    examples = []
    for number, (place, claim) in enumerate(lines(path, _Claim)):
        text = "\n".join(claim.evidence)
        document = documents.add(text, claim.meta.claim_title)
        supported = claim.label == "supported"
        examples.append(
            Example(
                id=f"{claim.meta.id}-{number}",
                question=claim.claim,
                answerable=supported,
                evidence=tuple(_evidence(claim, text, documents, place)) if supported else (),
                tags=(claim.label,),
                within=(document,),
            )
        )
    return Dataset(path.stem, tuple(examples), documents.all())


def _evidence(claim: _Claim, text: str, documents: Documents, place: str) -> list[Evidence]:
    """Every sentence of some sufficient group of sentences."""
    starts = list(accumulate((len(sentence) + 1 for sentence in claim.evidence), initial=0))
    supporting = sorted({number for group in claim.supporting_sentences for number in group})
    if supporting and not 0 <= supporting[0] <= supporting[-1] < len(claim.evidence):
        raise DatasetError(
            f"{place}, supporting_sentences: expected numbers of sentences, 0 to {len(claim.evidence) - 1}."
        )
    return [
        documents.evidence(text, claim.meta.claim_title, starts[number], claim.evidence[number], place)
        for number in supporting
    ]
