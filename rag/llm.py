"""A language model by name and address, asked over llama-index's LLM interface (its only importer in this room).

It may fail in any way: what it writes is followed with deadlines, and every trouble is one sentence.
"""

import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from queue import Empty, Queue, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

from index.document import canonical, canonical_pieces
from index.errors import ModelError, ModelTrouble

if TYPE_CHECKING:  # heavy: 3 s, and only where a model is asked
    from llama_index.core.base.llms.types import ChatResponse
    from llama_index.core.llms import LLM

    from rag.wire import Wire

SETTING, KEY = "FOOTNOTE_LLM", "FOOTNOTE_LLM_KEY"  # in the environment

MOST_WRITTEN = 768  # tokens of an answer
WINDOW = 4_096  # tokens where neither the setting nor the server says: what Ollama gives a model unasked

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_FORM = "name one as MODEL@http://host:port/v1"
_SETTING = re.compile(r"(?P<name>\S+?)@(?P<where>https?://\S+|[\w-]+)")
_BYTES_A_TOKEN = 3  # of letters, fewer than in the prose of any language that today's vocabularies know
_CUT = 7  # bytes: a server that counts fewer tokens than one for so many has not read all
_ASKED = 4.0  # seconds that a server is asked for its window
_AHEAD = 64  # pieces that are listened to before they are read
_MOST_PIECES = 100_000  # of an answer, with those of which nothing is read
_TOO_LONG = re.compile(r"context[ _](?:length|window|size)|too (?:long|large|many)|maximum", re.IGNORECASE)
_LETTERS_AND_BLANKS = re.compile(r"[^\W\d_]+|\s+")

# Where servers say how many tokens a model reads (vLLM, llama.cpp, LM Studio, Ollama), and what they call it.
_TOLD_AT = ("{base}/models", "{root}/props", "{root}/api/v0/models", "{root}/api/ps")
_TOLD_AS = ("max_model_len", "loaded_context_length", "n_ctx", "context_length", "context_window")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a model is waited for, in seconds.

    Attributes:
        first: For its first word: it may have to be loaded, and reads the passages on a bare CPU.
        next: For each word after that.
        whole: For all it writes.
    """

    first: float = 180.0
    next: float = 30.0
    whole: float = 600.0


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a model."""

    role: Literal["system", "user"]
    text: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a model writes at once, and what is said beside it.

    Attributes:
        text: Its words.
        ends: Why it ends here, or "" where it does not.
        counted: How many tokens its server says that it has read, or 0.
    """

    text: str
    ends: str
    counted: int


class Reply:
    """What a model writes, piece by piece as it comes; what is known of it once it has ended.

    The text is canonical, as those of documents are: nothing in it hides or reorders what is read. Iterating raises
    `ModelTrouble` where it does not end well.

    Attributes:
        is_unfinished: Whether it was cut off at its longest.
        was_read_in_part: Whether the server says that it read much less than it was sent.
    """

    def __init__(self, model: "Model", messages: Sequence[Message], stopped: Event) -> None:
        self.is_unfinished = False
        self.was_read_in_part = False
        self._model = model
        self._messages = messages
        self._stopped = stopped
        self._sent = sum(len(each.text.encode()) for each in messages)

    def __iter__(self) -> Generator[str, None, None]:
        """The pieces, each within its deadline; closing it ends all that waits for more."""
        with closing(self._pieces()) as pieces:
            yield from canonical_pieces(pieces)

    def _pieces(self) -> Generator[str, None, None]:
        if self._stopped.is_set():  # before anything is sent
            raise self._model.stopped()
        came: Queue[_Piece | Exception | None] = Queue(_AHEAD)
        left, line = Event(), self._model.connect()
        Thread(target=self._listen, args=(line.llm, came, left), name="listening to a model", daemon=True).start()
        deadlines, began = self._model.deadlines, monotonic()
        patience, is_whole = deadlines.first, not self._model.address
        try:
            for _ in range(_MOST_PIECES):
                piece = self._next(came, patience, began + deadlines.whole)
                if piece is None:
                    break
                patience = deadlines.next
                is_whole = self._heed(piece) or is_whole
                yield piece.text
            else:
                raise ModelTrouble(f"{self._model.name} wrote on and on")
        finally:
            left.set()
            line.hang_up()
            _drain(came)
        if not is_whole:
            raise ModelTrouble(f"{self._model.place} broke off in the middle of its answer")

    def _listen(self, llm: "LLM", came: "Queue[_Piece | Exception | None]", left: Event) -> None:
        """Pass on what the model writes until it ends, or nobody listens."""
        from llama_index.core.llms import ChatMessage  # heavy: 2 s

        try:
            messages = [ChatMessage(role=each.role, content=each.text) for each in self._messages]
            for response in llm.stream_chat(messages):
                came.put(_piece(response))
                if left.is_set():
                    return
            came.put(None)
        except Exception as error:  # of whatever library speaks with it: `_next` says which
            came.put(error)

    def _next(self, came: "Queue[_Piece | Exception | None]", seconds: float, end: float) -> _Piece | None:
        """The next piece, or None at the end.

        Raises:
            ModelTrouble: There is none within so many seconds and before `end`, or its reader says stop.
        """
        until = min(monotonic() + seconds, end)
        while not self._stopped.is_set():
            if monotonic() >= end:
                raise ModelTrouble(f"{self._model.name} did not come to an end in time")
            try:
                piece = came.get(timeout=min(0.05, max(0.0, until - monotonic())))
            except Empty:
                if monotonic() >= until:
                    raise ModelTrouble(f"{self._model.name} did not write on in time") from None
                continue
            if isinstance(piece, Exception):
                raise self._model.trouble(piece) from piece
            return piece
        raise self._model.stopped()

    def _heed(self, piece: _Piece) -> bool:
        """What is said beside the words; returns whether this is the end."""
        self.was_read_in_part |= 0 < piece.counted * _CUT < self._sent
        self.is_unfinished |= piece.ends == "length"
        return bool(piece.ends)


def _piece(response: "ChatResponse") -> _Piece:
    """What an integration hands on, whatever is in it."""
    choices = getattr(response.raw, "choices", None)
    reasons = [getattr(each, "finish_reason", None) for each in choices] if isinstance(choices, list) else []
    counted = getattr(getattr(response.raw, "usage", None), "prompt_tokens", None)
    return _Piece(
        response.delta if isinstance(response.delta, str) else "",
        next((str(each) for each in reasons if each), ""),
        counted if type(counted) is int else 0,
    )


def _drain(came: "Queue[_Piece | Exception | None]") -> None:
    """Let go who waits to pass something on that nobody reads."""
    with suppress(Empty):
        while True:
            came.get_nowait()


@dataclass(frozen=True, slots=True)
class Line:
    """A connection of llama-index's to a model, and what ends it, whatever is being waited for."""

    llm: "LLM" = field(repr=False)  # it holds the key
    hang_up: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Model:
    """A language model that can be asked.

    Attributes:
        setting: As it was named.
        name: What its server calls it.
        connect: Gives a line to it, for one answer.
        address: The base address of an OpenAI-compatible server, or "" where another integration is used.
        place: Who answers, for people: "localhost:11434".
        window: How many tokens it reads and writes in all, or 0 where its server is asked.
        deadlines: How long it is waited for.
    """

    setting: str
    name: str
    connect: Callable[[], Line]
    address: str = ""
    place: str = ""
    window: int = 0
    deadlines: Deadlines = field(default_factory=Deadlines)

    @property
    def remote(self) -> str:
        """The host that questions and passages go to, or "" where they stay on this machine."""
        host = urlsplit(self.address).hostname or "" if self.address else self.place
        return "" if host in LOOPBACK else host

    def room(self) -> int:
        """How many tokens it can be sent, and still write an answer.

        Raises:
            ModelTrouble: Its integration cannot tell.
        """
        if not self.window:
            self.window = self._told() if self.address else self._known()
        window = self.window or WINDOW
        return window - min(MOST_WRITTEN, window // 3)

    def write(self, messages: Sequence[Message], stopped: Event) -> Reply:
        """What it writes to some messages; `stopped` ends it."""
        return Reply(self, messages, stopped)

    def stopped(self) -> ModelTrouble:
        """What is said where its reader stops it."""
        return ModelTrouble(f"You stopped {self.name}")

    def trouble(self, error: Exception) -> ModelTrouble:
        """What went wrong, as one sentence; of a server's own words none, since they may hold keys or questions."""
        status = getattr(error, "status_code", None)
        if status in {400, 413, 422} and _TOO_LONG.search(str(error)):
            return TooLong(f"{self.name} was sent more than it can read")
        if status is not None:
            said = _SAID.get(status, "{place} failed (status {status})")
            return ModelTrouble(said.format(name=self.name, place=self.place, status=status))
        causes = list(_causes(error))
        kinds = [type(each).__name__ for each in causes]
        if known := next((each for each in causes if isinstance(each, ModelTrouble)), None):
            return known
        if {"ConnectError", "ConnectTimeout"} & set(kinds):
            return ModelTrouble(f"No language model answers at {self.place}")
        if any("Timeout" in kind for kind in kinds):
            return ModelTrouble(f"{self.name} did not write on in time")
        return ModelTrouble(f"What {self.place} sent is no answer ({kinds[-1]})")

    def _known(self) -> int:
        """How many tokens its integration knows it to read."""
        try:
            return self.connect().llm.metadata.context_window
        except Exception as error:  # of whatever library it is
            raise self.trouble(error) from error

    def _told(self) -> int:
        """How many tokens its server says that it reads; 0 where it does not say so, so that it is asked again.

        Of a server far away, which is asked but once, what is usual.
        """
        from rag.wire import Wire, bounded  # heavy: httpx, and only those who ask a model wait for it

        headers = {"Authorization": f"Bearer {_key()}"} if _key() else {}
        wire = Wire(self.place, _ASKED, bounded, trust_env=bool(self.remote), headers=headers)
        told: SimpleQueue[int] = SimpleQueue()
        Thread(target=lambda: told.put(self._asked(wire)), name="asking for a window", daemon=True).start()
        try:
            return told.get(timeout=_ASKED)
        except Empty:
            return 0
        finally:
            wire.hang_up()

    def _asked(self, wire: "Wire") -> int:
        """See `_told`."""
        root = urlunsplit(urlsplit(self.address)._replace(path=""))
        try:
            for place in _TOLD_AT:
                windows = _windows(wire.json(place.format(base=self.address, root=root)), self.name)
                if windows:
                    return min(windows)
        except (ModelTrouble, RecursionError):
            return 0
        return WINDOW if self.remote else 0


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what it comes of, and so on."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


class TooLong(ModelTrouble):
    """A model was sent more than it reads."""


_SAID = {
    401: f"{{place}} refuses the key; put the right one into {KEY}",
    403: f"{{place}} refuses the key; put the right one into {KEY}",
    404: "{place} has no model {name}",
    429: "{place} takes no more questions at the moment",
}


def load(setting: str) -> Model:
    """The model of a setting; nothing is sent anywhere yet.

    `MODEL@http://host:port/v1` is a model of an OpenAI-compatible server, `?context=8192` after it how many tokens the
    server gives it, where it does not say. `MODEL@NAME` is one of llama-index's integration `llama-index-llms-NAME`.
    A key is read from the environment only.

    Raises:
        ModelError: It cannot be read, or its integration is not installed.
    """
    named = _SETTING.fullmatch(canonical(setting)[0].strip())
    if named is None:
        raise ModelError(f"No language model can be read from {SETTING} or --llm; {_FORM}.")  # a key may stand in it
    name, where = named["name"], named["where"]
    return _compatible(name, where) if "://" in where else _native(name, where)


def _key() -> str:
    """The key in the environment.

    Raises:
        ModelError: It cannot be one.
    """
    key = os.environ.get(KEY, "").strip()
    if not key.isascii() or not key.isprintable():
        raise ModelError(f"The key in {KEY} has characters that no key has; copy it again.")
    return key


def tokens(text: str) -> int:
    """How many tokens a text has at most, as vocabularies go: one for each digit and mark, fewer for letters."""
    marks = len(_LETTERS_AND_BLANKS.sub("", text).encode())
    return marks + (len(text.encode()) - marks) // _BYTES_A_TOKEN + 1


def _compatible(name: str, where: str) -> Model:
    """A model of an OpenAI-compatible server."""
    try:
        address = urlsplit(where)
        host, port = address.hostname, address.port
        asked = parse_qs(address.query, keep_blank_values=True)
        context = [int(each) for each in asked.get("context", ["0"])]
    except ValueError as error:
        raise ModelError(f"The address of {name} cannot be read ({error}); {_FORM}.") from error
    if not host or min(context) < 0 or asked.keys() - {"context"}:
        raise ModelError(f"The address of {name} is none of a server; {_FORM}.")
    if address.username or address.password:
        raise ModelError(f"A key in an address is seen by others; put it into {KEY} instead.")
    import httpx
    from llama_index.llms import openai_like  # heavy: 3 s

    from rag.wire import Wire, events

    opened: Any = openai_like.OpenAILike
    base = urlunsplit((address.scheme, address.netloc, address.path.rstrip("/"), "", ""))
    place = f"{host}:{port}" if port else host
    key, certificates, patience = _key() or "none", httpx.create_ssl_context(), Deadlines().first

    def connect() -> Line:
        # Not through a proxy to this machine itself, and to no other host than the one that people are told of.
        wire = Wire(place, patience, events, verify=certificates, trust_env=host not in LOOPBACK)
        llm = opened(
            model=name,
            api_base=base,
            api_key=key,
            is_chat_model=True,
            temperature=0.0,
            max_tokens=MOST_WRITTEN,
            max_retries=0,
            timeout=patience,
            additional_kwargs={"stream_options": {"include_usage": True}},
            http_client=wire.client,
        )
        return Line(llm, wire.hang_up)

    return Model(f"{name}@{where}", name, connect, base, place, context[0])


def _native(name: str, integration: str) -> Model:
    """A model of one of llama-index's integrations, which take their keys from the environment."""
    from llama_index.core.llms import LLM  # heavy: 2 s

    module = f"llama_index.llms.{integration.replace('-', '_')}"
    if not integration.replace("-", "_").isidentifier() or find_spec(module) is None:
        raise ModelError(f"There is no integration {integration}; install llama-index-llms-{integration}, or {_FORM}.")
    held = vars(import_module(module)).values()
    found: list[Any] = [each for each in held if isinstance(each, type) and issubclass(each, LLM)]
    if not found:
        raise ModelError(f"llama-index-llms-{integration} has no language model; {_FORM}.")
    try:
        line = Line(found[0](model=name, temperature=0.0, max_tokens=MOST_WRITTEN))
    except Exception as error:  # of whatever library it is
        raise ModelError(
            f"{integration} does not open {name} ({type(error).__name__}); see that its key is in the environment."
        ) from error
    return Model(f"{name}@{integration}", name, lambda: line, place=integration)


def _windows(told: Any, name: str) -> list[int]:
    """The windows that a server's answer gives: of the model of this name, where it tells of several."""
    if isinstance(told, list):
        named = [each for each in told if isinstance(each, dict) and name in (each.get("id"), each.get("name"))]
        told = named or (told if len(told) == 1 else [])
        return [window for each in told for window in _windows(each, name)]
    if not isinstance(told, dict):
        return []
    here = [int(told[key]) for key in _TOLD_AS if type(told.get(key)) is int and told[key] > 0]
    return here + [window for value in told.values() for window in _windows(value, name)]
