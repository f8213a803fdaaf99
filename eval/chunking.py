"""How well passages are cut: recall and IoU of what retrieval shows, by characters.

After Smith and Troynikov, Evaluating Chunking Strategies for Retrieval, Chroma, 2024, with characters in
place of tokens: for each question, the share of the reference's characters that the passages hold, and
the characters they share over those that either has (a character shown twice counts twice).
"""

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer

import rag
from index.document import Span
from index.passages import TARGET_TOKENS, Passage


@dataclass(frozen=True, slots=True)
class Reference:
    """A question and the characters of one corpus that answer it."""

    question: str
    corpus: str
    spans: tuple[Span, ...]


def main(
    folder: Annotated[Path, typer.Argument(help="Holds questions.csv and corpora/.")],
    k: Annotated[int, typer.Option("-k", help="How many passages are retrieved.")] = 5,
) -> None:
    """Measure how well passages are cut, on Chroma's chunking evaluation."""
    with tempfile.TemporaryDirectory() as copied:
        for corpus in sorted((folder / "corpora").iterdir()):
            shutil.copy(corpus, Path(copied) / f"{corpus.stem}.txt")  # offsets are into the plain text
        with rag.open(copied) as docs:
            references = tuple(load(folder / "questions.csv"))
            found = [[hit.passage for hit in docs.retrieve(each.question, k)] for each in references]
    pairs = list(zip(references, found, strict=True))
    typer.echo(
        f"passages of {TARGET_TOKENS} tokens, top {k}, {len(pairs)} questions: "
        f"recall {mean(recall(*pair) for pair in pairs):.1%}, IoU {mean(iou(*pair) for pair in pairs):.1%}"
    )


def load(path: Path) -> Iterator[Reference]:
    """Read questions with their references: JSON lists of `start_index` and `end_index`."""
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            spans = (Span(each["start_index"], each["end_index"]) for each in json.loads(row["references"]))
            yield Reference(row["question"], row["corpus_id"], tuple(spans))


def recall(reference: Reference, passages: Sequence[Passage]) -> float:
    """Share of the reference's characters that the passages hold."""
    wanted = _characters(reference.spans)
    return len(wanted & _shown(reference, passages)) / len(wanted)


def iou(reference: Reference, passages: Sequence[Passage]) -> float:
    """Characters in both over characters in either; those of other documents count as shown for nothing."""
    wanted, shown = _characters(reference.spans), _shown(reference, passages)
    length = sum(passage.end - passage.start for passage in passages)
    return len(wanted & shown) / (length + len(wanted - shown))


def _shown(reference: Reference, passages: Sequence[Passage]) -> set[int]:
    own = (each for each in passages if Path(each.document_id).stem == reference.corpus)
    return _characters([Span(each.start, each.end) for each in own])


def _characters(spans: Sequence[Span]) -> set[int]:
    return {character for span in spans for character in range(span.start, span.end)}
