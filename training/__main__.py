"""Training data in, a reader out: `python -m training squad/train-v1.1.json qed/train.jsonl`.

Makes the pairs, trains the network, learns the numbers that weigh it, and puts both into rag/. What has been done is
kept under runs/reader, a folder for each set of arguments, so that an interrupted command goes on where it stopped.
"""

import logging
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Annotated

import torch
import typer

from eval import formats
from eval.dataset import Dataset
from eval.library import RUNS, kept
from index.library import Library
from rag import calibration
from rag.calibration import Fusion
from rag.crossencoder import WEIGHTS, OnnxCrossEncoder
from training import data, fit, standard
from training.agree import agreement
from training.export import export, imported
from training.model import ReaderModel, blend
from training.sets import merged
from training.weigh import weigh

_SEED = 7
_FUSION = Fusion(0.0175)  # of the searches that negatives come from
_WEIGHED = 4_000  # questions that the weights, the confidence and the figures are learned from
_OF_THE_START = 0.3  # of the weights that --start names, in those that come of going on from them
_COMPARED = 500  # questions that int8 is held against fp32 on
_ASKED_ELSEWHERE = {"Chloroplast", "French and Indian War"}  # QED articles that SQuAD's development set asks about too

_log = logging.getLogger(__name__)


def main(
    squad: Annotated[Path, typer.Argument(help="A SQuAD 1.1 training file.", exists=True)],
    qed: Annotated[Path, typer.Argument(help="A QED training file.", exists=True)],
    questions: Annotated[int, typer.Option(help="How many SQuAD questions to learn from, and all of QED's.")] = 42_000,
    skip: Annotated[int, typer.Option(help="How many to leave out before them: those that --start has seen.")] = 0,
    start: Annotated[
        Path | None, typer.Option(help="An int8 reader to go on from, in place of the sentence model.", exists=True)
    ] = None,
    epochs: Annotated[float, typer.Option(help="How often to go through them; less than 1 is a part of them.")] = 0.75,
    rate: Annotated[float, typer.Option(help="The highest learning rate.")] = 2e-4,
    precision: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the answers given that are to be right.")
    ] = 0.66,
    folder: Annotated[Path, typer.Option(help="Where pairs and checkpoints are kept.")] = RUNS / "reader",
) -> None:
    """Train the reader and learn every number that Footnote ships."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    read = [path.read_bytes() for path in (squad, qed, start) if path]
    given = [str(each).encode() for each in (questions, skip, epochs, rate, _SEED)]
    folder /= sha256(b"".join(sha256(each).digest() for each in read + given)).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    _log.info("in %s", folder)
    sets = [formats.load(squad), _without_others(formats.load(qed))]
    whole = merged("training", sets)
    library = Library(kept(whole))
    library.sync()
    pairs = folder / "pairs.jsonl"
    if not pairs.exists():
        data.write(library, merged("training", [_some(sets[0], skip, questions), sets[1]]), _FUSION, _SEED, pairs)
    full, small = folder / "reader-fp32.onnx", folder / WEIGHTS.name
    if not small.exists():
        torch.manual_seed(_SEED)  # the heads begin at random
        model = imported(start) if start else ReaderModel()
        trained = fit.fit(model, data.read(pairs), epochs=epochs, rate=rate, seed=_SEED, folder=folder)
        if start:
            blend(trained, imported(start), _OF_THE_START)
        export(trained, full, small)
    encoder = OnnxCrossEncoder(small)
    unseen = replace(whole, examples=tuple(each for each in whole.examples if data.held_out(each)))
    typer.echo(agreement(OnnxCrossEncoder(full), encoder, library, unseen.sample(_COMPARED).examples))
    learned = weigh(library, unseen.sample(_WEIGHED), encoder, precision)
    library.close()
    told = f"{squad.name} (SQuAD 1.1), {qed.name} (QED): {learned.provenance}"
    learned = replace(learned, provenance=told, standard=standard.learn(sets[0], encoder))
    shutil.copyfile(small, WEIGHTS)
    typer.echo(f"{learned.provenance}\nWritten to {WEIGHTS} and {calibration.ship(learned)}.")


def _without_others(qed: Dataset) -> Dataset:
    """QED without what the development sets ask about too."""
    return replace(qed, examples=tuple(each for each in qed.examples if each.tags[0] not in _ASKED_ELSEWHERE))


def _some(squad: Dataset, skip: int, questions: int) -> Dataset:
    """So many of the questions in the order of the seed, after those to skip."""
    examples = list(squad.examples)
    Random(_SEED).shuffle(examples)
    return replace(squad, examples=tuple(examples[skip : skip + questions]))


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    app()
