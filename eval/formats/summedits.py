"""SummEdits: documents and summaries of them, some edited so that the document no longer bears them out.

Laban et al., SummEdits: Measuring LLM Ability at Factual Reasoning Through the Lens of Summarization, EMNLP 2023.
A summary is a claim, and only its document is asked.
"""

from pathlib import Path
from typing import Literal

from eval.dataset import Dataset, Documents, Example
from eval.formats.records import Record, whole


class _Summary(Record):
    id: str
    doc: str
    summary: str
    label: Literal[0, 1]


def read(path: Path) -> Dataset:
    """Read a domain's file; label 1 means that the document supports the summary.

    Raises:
        DatasetError: The file is malformed.
    """
    documents = Documents(path.stem)
    examples = []
    for each in whole(path, list[_Summary]):
        document = documents.add(each.doc, each.id)
        tag = "consistent" if each.label else "inconsistent"
        examples.append(Example(each.id, each.summary, bool(each.label), tags=(tag,), within=(document,)))
    return Dataset(path.stem, tuple(examples), documents.all())
