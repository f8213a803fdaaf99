"""How far int8 is from fp32: `python -m training.agree runs/reader/reader-fp32.onnx SET`."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.dataset import Example
from eval.library import opened
from index.library import Library
from rag.calibration import shipped
from rag.crossencoder import WEIGHTS, OnnxCrossEncoder, Scores, best_span
from rag.retrieve import retrieve

_NEAR = 2  # passages of each question


def main(
    full: Annotated[Path, typer.Argument(help="The fp32 file.", exists=True)],
    examples: Annotated[Path, typer.Argument(metavar="SET", help="A set of questions.", exists=True)],
    limit: Annotated[int, typer.Option(min=1, help="How many questions to take.")] = 500,
) -> None:
    """Read the passages near the questions of a set with both, and say how often they agree."""
    with opened(examples, numbers=shipped()) as (docs, dataset):
        asked = dataset.sample(limit).examples
        typer.echo(agreement(OnnxCrossEncoder(full), OnnxCrossEncoder(WEIGHTS), docs.library, asked))


def agreement(full: OnnxCrossEncoder, small: OnnxCrossEncoder, library: Library, examples: tuple[Example, ...]) -> str:
    """How often the two find the same span and the same verdicts, and how far their logits are apart."""
    pairs: list[tuple[Scores, Scores]] = []
    for example in examples:
        hits = retrieve(library, example.question, _NEAR, shipped().fusion, example.within or None)
        passages = [hit.passage.text for hit in hits]
        pairs += zip(full.read(example.question, passages), small.read(example.question, passages), strict=True)
    same = np.mean([_span(one) == _span(other) for one, other in pairs])
    verdicts = np.array([[_verdicts(one), _verdicts(other)] for one, other in pairs])
    signs = np.mean(np.sign(verdicts[:, 0]) == np.sign(verdicts[:, 1]), axis=0)
    apart = np.median(np.abs(verdicts[:, 0] - verdicts[:, 1]), axis=0)
    told = [
        f"{name} {sign:.1%} (median {by:.2f} apart)"
        for name, sign, by in zip(("relevant", "answered", "supported"), signs, apart, strict=True)
    ]
    return f"int8 against fp32, {len(pairs)} pairs: the same best span {same:.1%}; the same verdict {', '.join(told)}."


def _span(scores: Scores) -> tuple[int, int] | None:
    best = best_span(scores.starts, scores.ends)
    return (best.start, best.end) if best else None


def _verdicts(scores: Scores) -> tuple[float, float, float]:
    return scores.relevant, scores.answered, scores.supported


if __name__ == "__main__":
    typer.run(main)
