"""One file a format: a set of questions -> Dataset. This one knows which file reads what."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from eval.dataset import Dataset
from eval.formats import beir, chunking, inscit, multihoprag, qed, squad, summedits, wice
from eval.formats.records import fields
from index.errors import DatasetError

Read = Callable[[Path], Dataset]

_FOLDERS: dict[str, Read] = {
    "corpus.jsonl": beir.read,
    "questions.csv": chunking.read,
    "ground_truth.json": multihoprag.read,
}
_FILES: dict[str, Read] = {
    "data": squad.read,
    "paragraph_text": qed.read,
    "claim": wice.read,
    "summary": summedits.read,
    "turns": inscit.read,
}
_OWN = frozenset({"question", "answers"})


def is_own(path: Path) -> bool:
    """Whether a set is in our own format, which asks of a folder of documents instead of bringing its own."""
    if path.is_dir():
        return False
    named = fields(path)
    return bool(named & _OWN) and not named & _FILES.keys()


def load(path: Path) -> Dataset:
    """Read a set that brings its own documents; its format is told by its files or its first record.

    Raises:
        DatasetError: It is missing, malformed, or of no format that is known.
    """
    if path.is_dir():
        reads = [read for name, read in _FOLDERS.items() if (path / name).exists()]
    else:
        named = fields(path)
        reads = [read for name, read in _FILES.items() if name in named]
    if not reads:
        raise DatasetError(
            f"{path} is no set that can be read; expected our JSON lines, SQuAD or INSCIT JSON, QED or WiCE lines, "
            f"SummEdits JSON, or a folder of BEIR, MultiHop-RAG or Chroma's chunking evaluation."
        )
    dataset = reads[0](path)
    if not dataset.examples:
        raise DatasetError(f"{path} holds no examples.")
    twice = [id for id, count in Counter(example.id for example in dataset.examples).items() if count > 1]
    if twice:
        raise DatasetError(f"{path}: expected an id for each example, and {twice[0]} comes more than once.")
    return dataset
