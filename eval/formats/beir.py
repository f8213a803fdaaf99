"""BEIR: a folder with corpus.jsonl, queries.jsonl and qrels/; what is relevant is a whole document.

Thakur et al., BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models, NeurIPS 2021.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Container
from io import StringIO
from pathlib import Path

from pydantic import Field

from eval.dataset import Dataset, Documents, Evidence, Example
from eval.formats.records import Record, lines, read_text
from index.errors import DatasetError

_SPLITS = ("test", "dev", "train")  # the first that is there is taken


class _Entry(Record):
    id: str = Field(alias="_id")
    title: str | None = None
    text: str


def read(path: Path) -> Dataset:
    """Read a folder; documents judged above zero are the evidence of their query.

    Raises:
        DatasetError: A file is missing or malformed, or speaks of a query or document that is not there.
    """
    documents = Documents(path.name)
    corpus = {entry.id: documents.add(_text(entry), entry.id) for _, entry in lines(path / "corpus.jsonl", _Entry)}
    queries = {entry.id: entry.text for _, entry in lines(path / "queries.jsonl", _Entry)}
    examples = [
        Example(
            id=query,
            question=queries[query],
            answerable=True,
            evidence=tuple(
                Evidence(corpus[each], fact=fact, grade=grade) for fact, (each, grade) in enumerate(relevant.items())
            ),
        )
        for query, relevant in _judged(path / "qrels", queries.keys(), corpus.keys()).items()
    ]
    return Dataset(path.name, tuple(examples), documents.all())


def _text(entry: _Entry) -> str:
    return f"{entry.title}\n\n{entry.text}" if entry.title else entry.text


def _judged(folder: Path, queries: Container[str], corpus: Container[str]) -> dict[str, dict[str, int]]:
    """The relevant documents of each query with their grades, in the order of the file."""
    path = next((folder / f"{split}.tsv" for split in _SPLITS if (folder / f"{split}.tsv").exists()), None)
    if path is None:
        raise DatasetError(f"{folder} holds none of {', '.join(f'{split}.tsv' for split in _SPLITS)}.")
    relevant: dict[str, dict[str, int]] = defaultdict(dict)
    for number, row in enumerate(csv.reader(StringIO(read_text(path)), delimiter="\t"), start=1):
        if not row or (number == 1 and row[0] == "query-id"):
            continue
        if len(row) != 3 or not re.fullmatch(r"-?[0-9]+", row[2]):
            raise DatasetError(
                f"{path}, line {number}: expected query, document and a whole number, tabs between them."
            )
        query, document, score = row
        if query not in queries or document not in corpus:
            raise DatasetError(
                f"{path}, line {number}: expected a query and a document of this set, not {query}, {document}."
            )
        if int(score) > 0:
            relevant[query][document] = int(score)
    return relevant
