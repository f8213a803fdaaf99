"""The training loop: length-bucketed batches, bfloat16, a checkpoint every few minutes, resumed where it stopped."""

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Protocol

import torch
from torch import nn

from training.data import Group
from training.model import Batch, ReaderModel, batch, lengths, loss

_PAIRS = 32  # in a batch, about
_BUCKET = 64  # batches that are cut from groups sorted by length
_HEADS = 5  # times the body's rate, at which the heads learn
_WARM = 0.03  # share of the steps until the full rate
_AVERAGED = 0.2  # share of the steps, the last ones, whose weights are averaged (Izmailov et al., SWA, UAI 2018)
_BETWEEN = 10  # steps between two of them
_SAVE_EVERY = 240  # seconds
_LOG_EVERY = 100  # steps


class Part(Protocol):
    """What a checkpoint holds: the model, its average, the optimizer, the schedule."""

    def state_dict(self) -> dict[str, Any]:
        """What to save."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> object:
        """Go on from what was saved."""


_log = logging.getLogger(__name__)


def fit(
    model: ReaderModel, groups: Sequence[Group], *, epochs: float, rate: float, seed: int, folder: Path
) -> ReaderModel:
    """Train on the groups and return the averaged model; goes on from the checkpoint in `folder` where there is one.

    Args:
        model: What to train.
        groups: What it learns from.
        epochs: How often to go through them; less than 1 is a part of them.
        rate: The highest learning rate of the body.
        seed: Orders the groups.
        folder: Where checkpoints are kept.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).train()
    plan = list(batches(groups, epochs, seed))
    optimizer = _optimizer(model, rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share_of_rate(step, len(plan)))
    averaged = torch.optim.swa_utils.AveragedModel(model)
    parts: tuple[Part, ...] = (model, averaged, optimizer, schedule)
    done = _resume(folder, *parts)
    diary = _Diary(done, len(plan))
    saved = time.monotonic()
    for step, places in enumerate(plan[done:], start=done + 1):
        taught = batch([groups[place] for place in places]).to(device)
        diary.note(step, _step(model, taught, optimizer, device))
        schedule.step()
        if step > len(plan) * (1 - _AVERAGED) and step % _BETWEEN == 0:
            averaged.update_parameters(model)
        if time.monotonic() - saved > _SAVE_EVERY or step == len(plan):
            _save(folder, step, *parts)
            saved = time.monotonic()
    best: ReaderModel = (averaged.module if averaged.n_averaged else model).cpu().eval()
    return best


class _Diary:
    """Logs the loss and the time left, every so many steps."""

    def __init__(self, done: int, steps: int) -> None:
        self._done, self._steps = done, steps
        self._began = time.monotonic()
        self._losses: list[float] = []

    def note(self, step: int, loss: float) -> None:
        """A step was made."""
        self._losses.append(loss)
        if step % _LOG_EVERY:
            return
        left = (time.monotonic() - self._began) / (step - self._done) * (self._steps - step) / 60
        mean = sum(self._losses) / len(self._losses)
        _log.info("step %d of %d, loss %.3f, %.1f min left", step, self._steps, mean, left)
        self._losses.clear()


def batches(groups: Sequence[Group], epochs: float, seed: int) -> Iterator[list[int]]:
    """The places of each batch's groups: of about one length, so that little is padded, in random order."""
    long = lengths(groups)
    wanted = round(epochs * len(groups))
    rng = Random(seed)
    order: list[int] = []
    while len(order) < wanted:
        epoch = list(range(len(groups)))
        rng.shuffle(epoch)
        order += epoch
    order = order[:wanted]
    window = _PAIRS * _BUCKET // 2
    for start in range(0, wanted, window):
        bucket = sorted(order[start : start + window], key=lambda place: long[place])
        cut: list[list[int]] = [[]]
        for place in bucket:
            if sum(len(groups[other]) for other in cut[-1]) >= _PAIRS:
                cut.append([])
            cut[-1].append(place)
        rng.shuffle(cut)
        yield from cut


def _step(model: ReaderModel, taught: Batch, optimizer: torch.optim.Optimizer, device: torch.device) -> float:
    with torch.autocast(device.type, dtype=torch.bfloat16):
        spans, verdicts = model(taught.input_ids, taught.token_type_ids, taught.attention_mask)
    found = loss(spans, verdicts, taught)
    optimizer.zero_grad()
    found.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return float(found.detach())


def _optimizer(model: ReaderModel, rate: float) -> torch.optim.Optimizer:
    heads = [*model.spans.parameters(), *model.pool.parameters(), *model.verdict.parameters()]
    return torch.optim.AdamW(
        [{"params": model.bert.parameters(), "lr": rate}, {"params": heads, "lr": _HEADS * rate}],
        weight_decay=0.01,
        fused=True,
    )


def _share_of_rate(step: int, steps: int) -> float:
    """Up in a straight line, then down in one."""
    warm = max(1, round(_WARM * steps))
    return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))


def _save(folder: Path, step: int, *parts: Part) -> None:
    """Write a checkpoint, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "checkpoint.part"
    torch.save({"step": step, "parts": [each.state_dict() for each in parts]}, part)
    part.replace(folder / "checkpoint.pt")
    _log.info("saved step %d", step)


def _resume(folder: Path, *parts: Part) -> int:
    """Load the checkpoint into the parts where there is one; returns how many steps it has done."""
    path = folder / "checkpoint.pt"
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True, map_location="cpu")
    for each, state in zip(parts, saved["parts"], strict=True):
        each.load_state_dict(state)
    _log.info("resumed at step %d", saved["step"])
    return int(saved["step"])
