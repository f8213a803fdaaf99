"""Sets of questions put together, and thinned so that some have no answer left."""

import random
from collections.abc import Sequence
from dataclasses import replace

from eval.dataset import Dataset, Example


def merged(name: str, datasets: Sequence[Dataset]) -> Dataset:
    """Several sets with documents of their own as one, its documents in a folder each."""

    def moved(example: Example) -> Example:
        evidence = tuple(replace(each, document=f"{name}/{each.document}") for each in example.evidence)
        return replace(example, evidence=evidence, within=tuple(f"{name}/{id}" for id in example.within))

    return Dataset(
        name,
        tuple(moved(example) for dataset in datasets for example in dataset.examples),
        {f"{name}/{id}": text for dataset in datasets for id, text in dataset.documents.items()},
    )


def thinned(dataset: Dataset, share: float, seed: int) -> Dataset:
    """The set without a share of its documents; what only they answer is unanswerable now.

    The questions left without an answer share the words of the documents that stay, as real ones do.
    """
    chance = random.Random(seed)
    kept = {id: text for id, text in dataset.documents.items() if chance.random() >= share}

    def asked(example: Example) -> Example:
        evidence = tuple(each for each in example.evidence if each.document in kept)
        if evidence:
            return replace(example, evidence=evidence)
        return replace(example, answerable=False, answers=(), evidence=())

    return Dataset(dataset.name, tuple(asked(example) for example in dataset.examples), kept)
