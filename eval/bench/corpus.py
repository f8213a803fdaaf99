"""What is measured over: the seeds, or documents made of their sentences, the same every time."""

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import rag
from eval.library import SEEDS
from index.passages import split_sentences

QUESTION = "How many hostages are still held in Gaza?"
"""One that the seeds answer."""

_SET = Path(__file__).parent.parent / "sets" / "seeds.jsonl"
_SEED = 7
_PASSAGES = 95  # of a document, about


def questions() -> tuple[str, ...]:
    """Questions of the seeds, no two the same."""
    lines = _SET.read_text(encoding="utf-8").splitlines()
    return tuple(dict.fromkeys(json.loads(line)["question"] for line in lines))


@contextmanager
def copied_seeds() -> Iterator[Path]:
    """The seeds in a temporary folder, not indexed."""
    with TemporaryDirectory() as folder:
        yield Path(shutil.copytree(SEEDS, Path(folder) / "seeds", ignore=shutil.ignore_patterns(".*")))


def sentences() -> list[str]:
    """Every sentence of the seeds, on one line each."""
    with copied_seeds() as seeds, rag.open(seeds, llm="") as docs:
        text = "\n\n".join(docs.document(file.id).text for file in docs.files() if file.state == "indexed")
    return [" ".join(text[span.start : span.end].split()) for span in split_sentences(text)]


def write(folder: Path, passages: int) -> None:
    """Write text files with about this many passages in all: shuffled sentences of the seeds and words of theirs."""
    every = sentences()
    folder.mkdir()
    chance = random.Random(_SEED)
    words = sorted({word for sentence in every for word in sentence.split()})
    for number in range(-(-passages // _PASSAGES)):
        paragraphs = (
            " ".join([*chance.sample(every, 3), *chance.sample(words, 20), f"number {number}.{paragraph}."])
            for paragraph in range(100)
        )
        (folder / f"{number}.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
