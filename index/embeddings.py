"""Text -> vectors. The only importer of the embedding runtimes."""

import os
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from index import export
from index.document import Span
from index.errors import ModelError
from index.precedence import PRECEDENCE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vector = npt.NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"

_NO_GAIN = ("SkipLayerNormFusion",)  # without it, for it has no vector code, a pass takes a fifth less time
_AHEAD = 2  # texts of one document for each core, that are being embedded or wait for that
_NICE = 10  # what reads documents; who asks a question has 0


class Embedder(Protocol):
    """Turns texts into vectors of unit length, the same text always into the same vector.

    Attributes:
        name: What a library remembers: vectors of two embedders of one name are comparable.
        dimension: Length of a vector.
        max_tokens: How many tokens of a text it reads; what comes after is not seen.
    """

    name: str
    dimension: int
    max_tokens: int

    def embed_passages(self, texts: Sequence[str]) -> Iterator[Vector]:
        """The vectors of some passages, `(dimension,)` each, in order."""

    def embed_query(self, text: str) -> Vector:
        """The vector `(dimension,)` of a question."""

    def token_spans(self, text: str) -> Sequence[Span]:
        """Where each token stands in the text."""


def load(model: str = DEFAULT_MODEL) -> Embedder:
    """The embedder of this name: the default one, or any sentence-transformers model by name or path.

    Raises:
        ModelError: It is not on this machine, or not what it should be.
    """
    return default() if model == DEFAULT_MODEL else SentenceTransformerEmbedder(model)


def full_name(model: str) -> str:
    """What a library remembers of a model: its name, or where its folder is, whatever the working directory."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model


@cache
def default() -> "OnnxEmbedder":
    """The one default embedder of this process.

    Raises:
        ModelError: The packaged weights are missing, or not the expected ones.
    """
    return OnnxEmbedder()


class OnnxEmbedder:
    """all-MiniLM-L6-v2 on onnxruntime, int8, one text a run, a thread a core.

    One at a time, because dynamic int8 quantisation scales by the largest activation of a run: in a
    batch a text's vector would depend on its neighbours. One thread a run, because a sum split over
    threads would depend on how many cores the machine has.
    """

    name = DEFAULT_MODEL
    dimension = 384
    max_tokens = 256

    def __init__(self) -> None:
        self._session = session(export.exported_model(), "delete it to have it made anew")
        self._tokenizer = tokenizer()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """A thread a core for all documents, behind who asks a question meanwhile."""
        return ThreadPoolExecutor(cores(), initializer=_step_back)

    def embed_passages(self, texts: Sequence[str]) -> Iterator[Vector]:
        """See `Embedder`; as many texts at once as there are cores, whatever documents they are of.

        Only a few more wait, so that who has a short document waits for nobody who has a long one.
        """
        coming: deque[Future[Vector]] = deque()
        try:
            for text in texts:
                coming.append(self._threads.submit(self._embed_passage, text))
                if len(coming) > _AHEAD * cores():
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for each in coming:
                each.cancel()

    def _embed_passage(self, text: str) -> Vector:
        """A thread that steps back would keep a question waiting for Python's lock, were it to hold that."""
        PRECEDENCE.give_way()
        return self.embed_query(text)

    def embed_query(self, text: str) -> Vector:
        """See `Embedder`."""
        ids = self._tokenizer.encode(text).ids
        if len(ids) > self.max_tokens:
            ids = [*ids[: self.max_tokens - 1], ids[-1]]
        (vector,) = self._session.run(["vector"], {"input_ids": np.array([ids], dtype=np.int64)})
        return np.asarray(vector, dtype=np.float32)

    def token_spans(self, text: str) -> Sequence[Span]:
        """See `Embedder`; without the two marks every text gets."""
        return [Span(*offsets) for offsets in self._tokenizer.encode(text, add_special_tokens=False).offsets]


class SentenceTransformerEmbedder:
    """Any model of sentence-transformers, one text a run, loaded from this machine only."""

    def __init__(self, model: str) -> None:
        self.name = full_name(model)
        self.dimension = self._model.get_sentence_embedding_dimension() or 0
        self.max_tokens = self._model.max_seq_length or 512

    @cached_property
    def _model(self) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer  # heavy: torch, 10 s

        try:
            return SentenceTransformer(self.name, local_files_only=True)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The embedding model {self.name!r} is not on this machine; download it with sentence-transformers "
                f"or give the folder it is in."
            ) from error

    def embed_passages(self, texts: Sequence[str]) -> Iterator[Vector]:
        """See `Embedder`."""
        for text in texts:
            yield self._embed(self._model.encode_document(text, normalize_embeddings=True))

    def embed_query(self, text: str) -> Vector:
        """See `Embedder`; with the model's own prompt for questions where it has one."""
        return self._embed(self._model.encode_query(text, normalize_embeddings=True))

    def token_spans(self, text: str) -> Sequence[Span]:
        """See `Embedder`."""
        tokens = self._model.tokenizer(text, return_offsets_mapping=True, add_special_tokens=False, verbose=False)
        return [Span(*offsets) for offsets in tokens["offset_mapping"]]

    @staticmethod
    def _embed(vector: object) -> Vector:
        return np.asarray(vector, dtype=np.float32)


def _step_back() -> None:
    """Let other threads of this machine go before this one, where a thread can be told so."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _broken() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a file that is no model; its errors share no base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        *(state.NoSuchFile, state.Fail, state.InvalidArgument),
        *(state.InvalidGraph, state.InvalidProtobuf, state.RuntimeException),
    )


@cache
def tokenizer() -> "Tokenizer":
    """The packaged model's tokenizer: nothing is padded or cut off, and a "[SEP]" in a text is a word like others.

    Raises:
        ModelError: The package is not installed.
    """
    from tokenizers import Tokenizer  # heavy

    made = Tokenizer.from_file(str(export.packaged_model() / "tokenizer.json"))
    made.no_padding()
    made.no_truncation()
    made.encode_special_tokens = True
    return made


def session(model: Path, remedy: str) -> "InferenceSession":
    """An ONNX file, ready to run on one thread a run.

    Raises:
        ModelError: It is missing or damaged, which the remedy mends.
    """
    import onnxruntime  # heavy

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, ["CPUExecutionProvider"], disabled_optimizers=_NO_GAIN)
    except _broken() as error:
        raise ModelError(f"The model {model} is missing or damaged; {remedy}.") from error


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
