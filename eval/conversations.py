"""Questions that stand alone, put in the middle of conversations: what came before must not change what they find."""

from dataclasses import replace

from eval.dataset import Dataset, Example, Turn

_BEFORE = 2  # turns


def in_conversation(dataset: Dataset) -> Dataset:
    """Each question of a set after two others and their answers, which stand half the set away from it."""
    examples = dataset.examples
    away = len(examples) // 2
    return replace(
        dataset,
        examples=tuple(
            replace(
                example,
                history=tuple(
                    _turn(examples[(place + away + turn) % len(examples)])
                    for turn in range(_BEFORE)
                    if (away + turn) % len(examples)  # never itself
                ),
            )
            for place, example in enumerate(examples)
        ),
    )


def _turn(example: Example) -> Turn:
    return Turn(example.question, example.answers[0] if example.answers else "")
