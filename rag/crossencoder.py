"""Cross-encoder: a text and a passage, read together -> verdicts, and where an answer stands.

The only importer of its runtimes in this room. The shipped one is all-MiniLM-L6-v2 with heads of its own, made by
`training/`; any cross-encoder or extractive question answering model of Hugging Face can take its place.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from index import embeddings
from index.document import Span
from index.errors import ModelError

MAX_TOKENS, MAX_TEXT_TOKENS = 320, 96  # of text and passage together, and of the text
MAX_ANSWER_TOKENS = 30
WEIGHTS = Path(__file__).with_name("weights") / "reader-int8.onnx"

_KEPT = 1_024  # pairs of a text and a passage whose logits are kept: of 50 to 100 questions, some 15 MB

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


def full_name(name: str | None = None) -> str:
    """The name of the cross-encoder that `load` gives, without loading it."""
    return WEIGHTS.stem if name is None else embeddings.full_name(name)


def load(name: str | None = None) -> CrossEncoder:
    """The shipped cross-encoder, or a Hugging Face model by name or path, from this machine only.

    Raises:
        ModelError: It is not on this machine, or neither a cross-encoder nor a question answering model.
    """
    if name is None:
        return shipped()
    import transformers  # heavy: 5 s

    full, here = full_name(name), {"local_files_only": True}
    try:
        config = transformers.AutoConfig.from_pretrained(full, **here)
        kind = (config.architectures or ["model of no kind"])[0]
        if kind.endswith("ForQuestionAnswering"):
            model = transformers.AutoModelForQuestionAnswering.from_pretrained(full, **here)
            return HuggingFaceExtractor(full, model)
        if kind.endswith("ForSequenceClassification") and config.num_labels == 1:
            model = transformers.AutoModelForSequenceClassification.from_pretrained(full, **here)
            return HuggingFaceCrossEncoder(full, model)
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


def encode(text: str, passage: str) -> Encoded:
    """`[CLS] text [SEP] passage [SEP]`; what is longer than the model reads is cut off."""
    tokenizer = embeddings.tokenizer()
    asked, read = tokenizer.encode(text).ids, tokenizer.encode(passage)
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
        self._threads = ThreadPoolExecutor(embeddings.cores())  # of all who ask at once: more would wait for each other
        self._logits = lru_cache(_KEPT)(self._run)  # many ask what others have just asked, such as the examples

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        """See `CrossEncoder`."""
        return self._threads.map(partial(self._read, text), passages)

    def _run(self, ids: tuple[int, ...], first: int) -> tuple[Logits, Logits]:
        """What the network says of a text, which ends before `first`, and a passage: of each token `(t, 2)`, of all."""
        told = np.array([ids], dtype=np.int64)
        types = np.zeros_like(told)
        types[:, first:] = 1
        spans, verdict = self._session.run(["spans", "verdict"], {"input_ids": told, "token_type_ids": types})
        for each in (spans, verdict):
            each.setflags(write=False)  # they are kept
        return spans, verdict

    def _read(self, text: str, passage: str) -> Scores:
        pair = encode(text, passage)
        spans, (relevant, answered, supported) = self._logits(tuple(pair.ids), pair.first)
        inside = spans[pair.first : -1]
        return Scores(
            relevant=float(relevant),
            answered=float(answered),
            supported=float(supported),
            none=float(spans[0].sum()),
            starts=inside[:, 0],
            ends=inside[:, 1],
            tokens=pair.tokens,
        )


class HuggingFaceModel:
    """What the models of Hugging Face share: loaded from this machine only, one passage a run."""

    def __init__(self, name: str, model: Any) -> None:
        import torch  # heavy: 10 s
        from transformers import AutoTokenizer

        self.name = name
        self._model = model.eval()
        self._tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
        self._longest = min(self._tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", 512))
        self._inference = torch.inference_mode

    def _encode(self, text: str, passage: str) -> Any:
        """Text and passage as the model's inputs, cut to what it reads: first the text, as for the shipped model."""
        starts = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        text = text if len(starts) <= MAX_TEXT_TOKENS else text[: starts[MAX_TEXT_TOKENS][0]]
        return self._tokenizer(
            text,
            passage,
            truncation="only_second",
            max_length=self._longest,
            return_tensors="pt",
            return_offsets_mapping=True,
        )


class HuggingFaceCrossEncoder(HuggingFaceModel):
    """A sequence classifier with one label: it tells how relevant a passage is, and no more."""

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        """See `CrossEncoder`."""
        for passage in passages:
            inputs = self._encode(text, passage)
            del inputs["offset_mapping"]
            with self._inference():
                logit = float(self._model(**inputs).logits[0, 0])
            yield Scores(logit, logit, logit)


class HuggingFaceExtractor(HuggingFaceModel):
    """An extractive question answering model: how much better its best span is than none is all its verdicts."""

    def read(self, text: str, passages: Sequence[str]) -> Iterator[Scores]:
        """See `CrossEncoder`."""
        for passage in passages:
            inputs = self._encode(text, passage)
            offsets = inputs.pop("offset_mapping")[0]
            inside = [place for place, part in enumerate(inputs.sequence_ids()) if part == 1]
            with self._inference():
                logits = self._model(**inputs)
            starts, ends = logits.start_logits[0].numpy(), logits.end_logits[0].numpy()
            none = float(starts[0] + ends[0])
            starts, ends = starts[inside], ends[inside]
            best = best_span(starts, ends)
            verdict = (best.logit if best else none) - none
            tokens = tuple(Span(*map(int, offsets[place])) for place in inside)
            yield Scores(verdict, verdict, verdict, none, starts, ends, tokens)


def best_span(starts: Logits, ends: Logits) -> TokenSpan | None:
    """The span of at most `MAX_ANSWER_TOKENS` tokens whose start and end are likeliest; None of no tokens."""
    if not len(starts):
        return None
    beyond = np.full(MAX_ANSWER_TOKENS - 1, -np.inf, np.float32)
    pairs = starts[:, None] + sliding_window_view(np.concatenate([ends, beyond]), MAX_ANSWER_TOKENS)
    start, more = divmod(int(np.argmax(pairs)), MAX_ANSWER_TOKENS)
    return TokenSpan(start, start + more, float(pairs[start, more]))
