"""What the server of a language model sends is counted as it comes, and left where nobody waits for it."""

import json
import time
from collections.abc import Iterator
from itertools import count
from threading import Event, Thread, enumerate
from types import SimpleNamespace
from typing import Any

import pytest

from index.errors import ModelTrouble
from rag import llm, wire
from rag.llm import WINDOW, Line, Message, Model, load
from rag.wire import MOST_WHOLE, Unfit, Wire, bounded, events
from tests.behaviours import said
from tests.conftest import soon
from tests.llm_server import Script, delta, event, speaking

_MOST = 2 * 2**20


class Endless:
    """Bytes without end, and how many of them were taken."""

    def __init__(self, chunk: bytes) -> None:
        self.taken = 0
        self._chunk = chunk

    def __iter__(self) -> Iterator[bytes]:
        for _ in count():
            self.taken += len(self._chunk)
            yield self._chunk


def words(sent: bytes, size: int = 0) -> list[Any]:
    """What is handed on of some bytes, which come so many at a time."""
    chunks = [sent[start : start + size] for start in range(0, len(sent), size)] if size else [sent]
    return [each.removeprefix(b"data: ").decode().strip() for each in events(iter(chunks))]


@pytest.mark.parametrize(
    ("chunk", "most"),
    [
        (b": ping\n" * 9_000, _MOST),
        (b"\n" * 65_536, _MOST),
        (b"\r" * 65_536, _MOST),
        (delta("") * 300, _MOST),
        (b"a" * 65_536, 2**20),
        (b"data: " + b"a" * 65_530, 2**20),
    ],
)
def test_no_more_is_taken_of_a_stream_than_an_answer_has(
    chunk: bytes, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_STREAMED", _MOST)  # of so much, in a moment
    endless = Endless(chunk)
    with pytest.raises(Unfit):
        assert len(list(events(iter(endless)))) < 1_000  # one that says nothing is handed on now and then
    assert endless.taken <= most + 2 * len(chunk)


def test_no_more_is_taken_of_what_is_no_stream() -> None:
    endless = Endless(b"a" * 65_536)
    with pytest.raises(Unfit, match="more than 4 MB"):
        list(bounded(iter(endless)))
    assert endless.taken <= MOST_WHOLE + 65_536


def test_an_event_is_handed_on_as_the_protocol_has_it() -> None:
    sent = event(
        {"choices": [{"delta": {"content": "x", "role": 5}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7}}
    )
    for size in (0, 1, 7):  # however it comes
        first, end = words(sent + b"data: [DONE]\n\nmore", size)
        assert json.loads(first) == {
            "id": "",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "",
            "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7},
        }
        assert end == "[DONE]"


def test_a_line_that_breaks_off_is_no_event() -> None:
    assert words(delta("x") + b'data: {"choices": [{"delta": {"content": "y"}}]}') == words(delta("x"))
    assert words(b"data: [DONE]") == ["[DONE]"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"error": {"message": "sk-secret"}}', "an error of its own"),
    ],
)
def test_what_is_no_event(data: bytes, why: str) -> None:
    with pytest.raises(Unfit, match=why) as error:
        words(b"data: " + data + b"\n\n")
    assert "sk-secret" not in str(error.value)


def test_nothing_packed_is_asked_for_or_taken() -> None:
    script = Script(said(""), packed="gzip")
    with speaking(script) as setting:
        model = load(setting)
        assert model.room()
        with pytest.raises(ModelTrouble, match="packed, which was not asked for"):
            list(model.write([Message("user", "?")], Event()))
    assert script.prompts[0].headers["Accept-Encoding"] == "identity"


def waiting(name: str) -> list[Thread]:
    return [each for each in enumerate() if each.name == name]


@pytest.mark.parametrize(("endless", "pause"), [(" " * 65_536, 0.0), (" ", 0.05)])
def test_a_server_that_tells_of_its_models_without_end_is_left(
    endless: str, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "_ASKED", 0.5 if pause else 20.0)
    with speaking(Script(said(""), endless=endless, pause=pause)) as setting:
        model = load(setting)
        assert model.room() == WINDOW - llm.MOST_WRITTEN
        assert model.window == 0
        soon(lambda: not waiting("asking for a window"))


def test_nobody_listens_on_after_an_answer() -> None:
    stopped = Event()
    with speaking(Script(lambda _: iter(["The mill", 60.0]))) as setting:
        pieces = iter(load(setting).write([Message("user", "?")], stopped))
        assert next(pieces) == "The mill"
        assert waiting("listening to a model")
        stopped.set()
        with pytest.raises(ModelTrouble, match="You stopped"):
            next(pieces)
        soon(lambda: not waiting("listening to a model"))


class Tireless:
    """An integration whose model never stops, and how much it has written."""

    def __init__(self) -> None:
        self.written = 0

    def stream_chat(self, _: object) -> Iterator[Any]:
        for self.written in count(1):
            yield SimpleNamespace(delta="la ", raw=None)


def test_who_listens_does_not_run_ahead_of_who_reads() -> None:
    tireless: Any = Tireless()
    pieces = iter(Model("tireless@here", "tireless", lambda: Line(tireless)).write([Message("user", "?")], Event()))
    next(pieces)
    soon(lambda: tireless.written >= llm._AHEAD)
    time.sleep(0.2)  # in which it would write on
    assert tireless.written <= llm._AHEAD + 3
    (listening,) = waiting("listening to a model")
    pieces.close()
    listening.join(60)
    assert not listening.is_alive()


def test_what_waits_ends_where_it_is_hung_up() -> None:
    with speaking(Script(said(""), endless=" ", pause=60.0)) as setting:
        asking = Wire("here", 60.0, bounded, trust_env=False)
        troubles = []

        def ask() -> None:
            try:
                asking.json(f"{setting.partition('@')[2]}/models")
            except ModelTrouble as trouble:
                troubles.append(str(trouble))

        thread = Thread(target=ask, daemon=True)
        thread.start()
        soon(lambda: bool(asking._sockets))
        asking.hang_up()
        thread.join(60)
        assert not thread.is_alive()
        with pytest.raises(ModelTrouble, match="here cannot be asked"):
            asking.json(f"{setting.partition('@')[2]}/models")
