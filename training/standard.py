"""The standard that characters must reach to bear a statement out: `python -m training.standard squad/train-v1.1.json`.

Learned from statements that `eval.proof` makes of articles that the network has not seen, true and changed. The figures
are of each half of the articles by what the other half taught.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
import typer

from eval import calibrate, formats, proof
from eval.dataset import Dataset
from eval.proof import FLOORS, Case, Kind
from rag import calibration, crossencoder
from rag.calibration import Platt, Standard
from rag.crossencoder import CrossEncoder
from rag.verify import Verifier
from training.data import held_out

_SEED = 7
_ASKED = 3_000  # questions that the statements are made from
_KEPT = 0.91  # of the true statements
_BARS: tuple[float, ...] = tuple(np.linspace(0.9, 0.05, 86).round(2).tolist())

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """A case and the best that the encoder says of one sentence, and of some together; None where none may be read."""

    case: Case
    alone: float | None
    together: float | None


def main(squad: Annotated[Path, typer.Argument(help="A SQuAD 1.1 training file.", exists=True)]) -> None:
    """Learn the standard of the shipped reader anew, and leave all else that ships as it is."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    learned = learn(formats.load(squad), crossencoder.load())
    path = calibration.ship(replace(calibration.shipped(), standard=learned))
    typer.echo(f"{learned.provenance}\nWritten to {path}.")


def learn(squad: Dataset, encoder: CrossEncoder) -> Standard:
    """The standard for an encoder that has not seen the `held_out` articles of a set."""
    unseen = replace(squad, examples=tuple(each for each in squad.examples if held_out(each)))
    made = proof.cases(unseen, _ASKED)
    _log.info("%d statements", len(made.cases))
    verifier = Verifier(encoder, Standard())
    trials = [_tried(verifier, case) for case in made.cases]
    first, second = _halves(trials)
    judged: dict[Kind, list[bool]] = {kind: [] for kind in FLOORS}
    for teach, test in ((first, second), (second, first)):
        half = fit(teach, _KEPT)
        for each in test:
            judged[each.case.kind].append(_reached(half, each) == each.case.holds)
    figures = "; ".join(f"{kind} {np.mean(right):.1%} of {len(right)}" for kind, right in judged.items())
    provenance = (
        f"{squad.name} (SQuAD 1.1): {len(trials)} statements of articles that the network has not seen, seed "
        f"{_SEED}, {time.strftime('%Y-%m-%d')}, for {_KEPT:.1%} of the true ones kept. Rightly kept or refused, each "
        f"half of the articles by what the other taught: {figures}."
    )
    return replace(fit(trials, _KEPT), provenance=provenance)


def fit(trials: Sequence[Trial], share: float) -> Standard:
    """The standard with the highest bar at which such a share of the true statements is kept."""
    alone = _platt([(each.case.holds, each.alone) for each in trials])
    for bar in _BARS:
        single = Standard(alone, alone, bar)
        left = [each for each in trials if not _reached(single, replace(each, together=None))]
        standard = replace(single, together=_platt([(each.case.holds, each.together) for each in left]))
        if np.mean([_reached(standard, each) for each in trials if each.case.holds]) >= share:
            return standard
    return standard


def _tried(verifier: Verifier, case: Case) -> Trial:
    alone, *together = (
        [each.logit for each in readings] for readings in verifier.read(case.statement, case.passage, case.title)
    )
    return Trial(case, max(alone, default=None), max((logit for logits in together for logit in logits), default=None))


def _platt(said: Sequence[tuple[bool, float | None]]) -> Platt:
    """The map of what was read at all; the verdict as it comes where nothing was."""
    read = [(holds, logit) for holds, logit in said if logit is not None]
    if not read:
        return calibrate.UNMAPPED
    return calibrate.platt(*(np.array(column, dtype=np.float64) for column in zip(*read, strict=True)))


def _reached(standard: Standard, trial: Trial) -> bool:
    """Whether a statement is kept."""
    parts = ((standard.alone, trial.alone), (standard.together, trial.together))
    return any(logit is not None and sure.probability(logit) >= standard.bar for sure, logit in parts)


def _halves(trials: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The trials of two halves of the articles."""
    titles = sorted({each.case.title for each in trials})
    first = set(Random(_SEED).sample(titles, len(titles) // 2))
    teach = [each for each in trials if each.case.title in first]
    return teach, [each for each in trials if each.case.title not in first]


if __name__ == "__main__":
    typer.run(main)
