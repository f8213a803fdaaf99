"""Training data in, a reader out: `python -m training squad/train-v1.1.json qed/train.jsonl`.

Makes the pairs, trains the network, exports it to rag/weights and learns rag/calibration.json. What has been done is
kept under runs/reader, so that an interrupted command goes on where it stopped.
"""

import logging
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from eval import formats
from eval.dataset import Dataset, merged
from eval.library import RUNS, kept
from index.library import Library
from rag import calibration
from rag.crossencoder import WEIGHTS, OnnxCrossEncoder
from training import data, fit
from training.agree import agreement
from training.export import export
from training.weigh import weigh

_SEED = 7
_WEIGHED = 2_400  # questions that the weights, the confidence and the figures are learned from
_COMPARED = 500  # questions that int8 is held against fp32 on
_ASKED_ELSEWHERE = {"Chloroplast", "French and Indian War"}  # QED articles that SQuAD's development set asks about too


def main(
    squad: Annotated[Path, typer.Argument(help="A SQuAD 1.1 training file.", exists=True)],
    qed: Annotated[Path, typer.Argument(help="A QED training file.", exists=True)],
    questions: Annotated[int, typer.Option(help="How many SQuAD questions to learn from, and all of QED's.")] = 42_000,
    epochs: Annotated[float, typer.Option(help="How often to go through them; less than 1 is a part of them.")] = 0.75,
    precision: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the answers given that are to be right.")
    ] = 0.7,
    folder: Annotated[Path, typer.Option(help="Where pairs and checkpoints are kept.")] = RUNS / "reader",
) -> None:
    """Train the reader and learn every number that Footnote ships."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    folder.mkdir(parents=True, exist_ok=True)
    whole = merged("training", [formats.load(squad), formats.load(qed)])
    library = Library(kept(whole))
    library.sync()
    pairs = folder / "pairs.jsonl"
    if not pairs.exists():
        data.write(library, _sampled(whole, questions), calibration.shipped().fusion, _SEED, pairs)
    full = folder / "reader-fp32.onnx"
    export(fit.fit(data.read(pairs), epochs, _SEED, folder), full, WEIGHTS)
    unseen = tuple(each for each in whole.examples if data.held_out(each))
    typer.echo(agreement(OnnxCrossEncoder(full), OnnxCrossEncoder(WEIGHTS), library, unseen[:_COMPARED]))
    learned = weigh(library, whole, OnnxCrossEncoder(WEIGHTS), _WEIGHED, precision)
    library.close()
    typer.echo(f"{learned.provenance}\nWritten to {calibration.ship(learned)}.")


def _sampled(whole: Dataset, questions: int) -> Dataset:
    """Some of the SQuAD questions, and all of QED's."""
    squad = [each for each in whole.examples if each.evidence[0].document.startswith(f"{whole.name}/train-v1.1/")]
    known = {each.id for each in squad}
    qed = [each for each in whole.examples if each.id not in known and each.tags[0] not in _ASKED_ELSEWHERE]
    Random(_SEED).shuffle(squad)
    return replace(whole, examples=(*squad[:questions], *qed))


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    app()
