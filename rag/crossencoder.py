"""Cross-encoder: a text and a passage, read together -> verdicts, and where an answer stands.

The only importer of its runtimes in this room. The shipped one is all-MiniLM-L6-v2 with heads of its own, made by
`training/`; any cross-encoder or extractive question answering model of Hugging Face can take its place.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from index import embeddings, export
from index.document import Span
from index.errors import ModelError

MAX_TOKENS, MAX_TEXT_TOKENS = 320, 96  # of text and passage together, and of the text
MAX_ANSWER_TOKENS = 30
WEIGHTS = Path(__file__).with_name("weights") / "reader-int8.onnx"

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a cross-encoder makes of a text and a passage; logits throughout.

    Attributes:
        relevant: Whether this is the passage to look at.
        answered: Whether it answers the question.
        supported: Whether it bears the statement out.
        none: That no answer stands in it.
        starts: That the answer starts at a token, `(t,)`; empty where the model finds no spans.
        ends: That it ends there, `(t,)`.
        tokens: Where the tokens stand in the passage, t of them.
    """

    relevant: float
    answered: float
    supported: float
    none: float = 0.0
    starts: Logits = field(default_factory=lambda: np.zeros(0, np.float32))
    ends: Logits = field(default_factory=lambda: np.zeros(0, np.float32))
    tokens: tuple[Span, ...] = ()


class CrossEncoder(Protocol):
    """Reads passages for a text, each by itself, so that none changes another's scores.

    Attributes:
        name: What the numbers fitted to it are kept under.
    """

    name: str

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        """The scores of each passage, in order."""


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """The tokens from `start` to `end`, both in it, and the sum of their logits."""

    start: int
    end: int
    logit: float


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text and a passage as token ids: `ids[:first]` are the text's, `tokens` says where those after it stand."""

    ids: list[int]
    first: int
    tokens: tuple[Span, ...]


def load(name: str | None = None) -> CrossEncoder:
    """The shipped cross-encoder, or a Hugging Face model by name or path, from this machine only.

    Raises:
        ModelError: It is not on this machine, or neither a cross-encoder nor a question answering model.
    """
    if name is None:
        return shipped()
    from transformers import AutoConfig  # heavy: 5 s

    full = embeddings.full_name(name)
    try:
        config = AutoConfig.from_pretrained(full, local_files_only=True)
        kind = (config.architectures or ["model of no kind"])[0]
        if kind.endswith("ForQuestionAnswering"):
            return HuggingFaceExtractor(full)
        if kind.endswith("ForSequenceClassification") and config.num_labels == 1:
            return HuggingFaceCrossEncoder(full)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The reader {name!r} is not on this machine; download it with transformers or give the folder it is in."
        ) from error
    raise ModelError(
        f"The reader {name!r} is a {kind}; a cross-encoder with one label or an extractive question answering model "
        f"is needed."
    )


@cache
def shipped() -> "OnnxCrossEncoder":
    """The one shipped cross-encoder of this process."""
    return OnnxCrossEncoder(WEIGHTS)


@cache
def tokenizer() -> Tokenizer:
    """The tokenizer of the shipped cross-encoder, without padding or truncation."""
    made = Tokenizer.from_file(str(export.packaged_model() / "tokenizer.json"))
    made.no_padding()
    made.no_truncation()
    return made


def encode(text: str, passage: str) -> Encoded:
    """`[CLS] text [SEP] passage [SEP]`; what is longer than the model reads is cut off."""
    asked, read = tokenizer().encode(text).ids, tokenizer().encode(passage)
    end = asked[-1]
    first = [*asked[:-1][:MAX_TEXT_TOKENS], end]
    room = MAX_TOKENS - len(first) - 1
    tokens = tuple(Span(*offsets) for offsets in read.offsets[1:-1][:room])
    return Encoded([*first, *read.ids[1:-1][:room], end], len(first), tokens)


class OnnxCrossEncoder:
    """The network of `training/` on onnxruntime, int8, one passage a run, a thread a core; see `OnnxEmbedder`."""

    def __init__(self, weights: Path) -> None:
        self.name = weights.stem
        self._session = embeddings.session(weights, "reinstall Footnote")

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        """See `CrossEncoder`."""
        with ThreadPoolExecutor(embeddings.cores()) as threads:
            yield from threads.map(partial(self._read, text), passages)

    def _read(self, text: str, passage: str) -> Scores:
        pair = encode(text, passage)
        ids = np.array([pair.ids], dtype=np.int64)
        types = np.zeros_like(ids)
        types[:, pair.first :] = 1
        spans, (relevant, answered, supported) = self._session.run(
            ["spans", "verdict"], {"input_ids": ids, "token_type_ids": types}
        )
        inside = spans[pair.first : -1]
        return Scores(
            *(float(relevant), float(answered), float(supported), float(spans[0].sum())),
            *(inside[:, 0], inside[:, 1], pair.tokens),
        )


class HuggingFaceCrossEncoder:
    """A sequence classifier with one label: it tells how relevant a passage is, and no more."""

    def __init__(self, name: str) -> None:
        import torch  # heavy: 10 s
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self.name = name
        self._inference = torch.inference_mode
        self._tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
        self._model = AutoModelForSequenceClassification.from_pretrained(name, local_files_only=True).eval()

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        """See `CrossEncoder`; one passage a run."""
        for passage in passages:
            inputs = self._tokenizer(text, passage, truncation="only_second", return_tensors="pt")
            with self._inference():
                logit = float(self._model(**inputs).logits[0, 0])
            yield Scores(logit, logit, logit)


class HuggingFaceExtractor:
    """An extractive question answering model: how much better its best span is than none is all its verdicts."""

    def __init__(self, name: str) -> None:
        import torch  # heavy: 10 s
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        self.name = name
        self._inference = torch.inference_mode
        self._tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
        self._model = AutoModelForQuestionAnswering.from_pretrained(name, local_files_only=True).eval()

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        """See `CrossEncoder`; one passage a run."""
        for passage in passages:
            inputs = self._tokenizer(
                text, passage, truncation="only_second", return_tensors="pt", return_offsets_mapping=True
            )
            inside = [place for place, part in enumerate(inputs.sequence_ids()) if part == 1]
            tokens = tuple(Span(*map(int, inputs["offset_mapping"][0, place])) for place in inside)
            del inputs["offset_mapping"]
            with self._inference():
                logits = self._model(**inputs)
            starts, ends = logits.start_logits[0].numpy(), logits.end_logits[0].numpy()
            none = float(starts[0] + ends[0])
            starts, ends = starts[inside], ends[inside]
            best = best_span(starts, ends)
            verdict = (best.logit if best else none) - none
            yield Scores(verdict, verdict, verdict, none, starts, ends, tokens)


def best_span(starts: Logits, ends: Logits) -> TokenSpan | None:
    """The span of at most `MAX_ANSWER_TOKENS` tokens whose start and end are likeliest; None of no tokens."""
    if not len(starts):
        return None
    pairs = starts[:, None] + ends[None]
    allowed = np.triu(np.ones_like(pairs, dtype=bool)) & np.tril(np.ones_like(pairs, dtype=bool), MAX_ANSWER_TOKENS - 1)
    start, end = np.unravel_index(np.argmax(np.where(allowed, pairs, -np.inf)), pairs.shape)
    return TokenSpan(int(start), int(end), float(pairs[start, end]))
