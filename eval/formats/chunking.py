"""Chroma's chunking evaluation: a folder with questions.csv and corpora/; references are character spans.

Smith and Troynikov, Evaluating Chunking Strategies for Retrieval, Chroma, 2024.
"""

import csv
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from eval.dataset import Dataset, Documents, Example
from eval.formats.records import Record, read_text
from index.errors import DatasetError

_COLUMNS = ("question", "references", "corpus_id")


class _Reference(Record):
    content: str
    start_index: int
    end_index: int


def read(path: Path) -> Dataset:
    """Read a folder; an example's tag is its corpus.

    Raises:
        DatasetError: A file is missing or malformed, or a reference does not stand at its offset.
    """
    documents = Documents(path.name)
    corpora = {file.stem: read_text(file) for file in sorted((path / "corpora").glob("*"))}
    rows = csv.DictReader(StringIO(read_text(path / "questions.csv"), newline=""))
    references = TypeAdapter(list[_Reference])
    examples = []
    for row in rows:
        place = f"{path / 'questions.csv'}, line {rows.line_num}"
        corpus = row.get("corpus_id") or ""
        if not row.get("question") or corpus not in corpora:
            raise DatasetError(f"{place}: expected {', '.join(_COLUMNS)}, the last naming a file of corpora/.")
        try:
            found = references.validate_python(json.loads(row["references"]))
        except (ValidationError, ValueError, TypeError) as error:
            raise DatasetError(
                f"{place}: expected references, a JSON list of content, start_index and end_index."
            ) from error
        examples.append(
            Example(
                id=f"{corpus}-{rows.line_num}",
                question=row["question"],
                answerable=True,
                evidence=tuple(
                    replace(
                        documents.evidence(corpora[corpus], corpus, each.start_index, each.content, place), fact=fact
                    )
                    for fact, each in enumerate(found)
                ),
                tags=(corpus,),
            )
        )
    return Dataset(path.name, tuple(examples), documents.all())
