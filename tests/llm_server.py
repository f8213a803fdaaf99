"""A server that speaks the OpenAI protocol and answers by a script, for tests of what a language model may do."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_PASSAGE = re.compile(r"^(\[[a-z]{4}:\d+\]) begins: (.*?)\n(.*?)\n\1 ends\.$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the server was sent.

    Attributes:
        body: The request, as JSON.
        headers: Its headers.
    """

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """The messages, one under the other."""
        return "\n\n".join(each["content"] for each in self.body["messages"])

    @property
    def passages(self) -> dict[str, str]:
        """The text of each passage by its mark."""
        return {mark: text for mark, _, text in _PASSAGE.findall(self.text)}

    def mark(self, words: str) -> str:
        """The mark of the first passage that has some words."""
        return next(mark for mark, text in self.passages.items() if words in " ".join(text.split()))

    def other(self, words: str) -> str:
        """The mark of the first passage that has not, or "" where all have."""
        return next((mark for mark, text in self.passages.items() if words not in " ".join(text.split())), "")


Said = Callable[[Prompt], Iterator[bytes | str | float]]
"""What the server does to a prompt: text is sent as a piece, bytes as they are, and a number is waited for, in
seconds."""


@dataclass
class Script:
    """What a server says, and what it was asked.

    Attributes:
        said: What it writes.
        status: The status of its answer.
        ends: The finish reason at its end; "" for none, and None to break the connection off.
        models: What it says of its models.
        counted: How many tokens it says that it read; 0 where it says nothing of that.
        longest: How many passages it takes.
        packed: How it says that its answer is packed, or "".
        endless: What it says of its models in place of JSON, over and over; "" for JSON.
        pause: Seconds before it says that once more.
        prompts: What it was sent.
        sent: When each piece was sent, in seconds since the epoch.
    """

    said: Said
    status: int = 200
    ends: str | None = "stop"
    models: dict[str, Any] = field(default_factory=lambda: {"data": [{"id": "scripted", "max_model_len": 8192}]})
    counted: int = 0
    longest: int = 99
    packed: str = ""
    endless: str = ""
    pause: float = 0.0
    prompts: list[Prompt] = field(default_factory=list)
    sent: list[tuple[float, str]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.script.endless:
            self._begin(200, "application/json", None)
            try:
                for _ in range(10_000):
                    self._send(self.script.endless.encode())
                    time.sleep(self.script.pause)
            except OSError:  # who asked has gone
                self.close_connection = True
            return
        told = json.dumps(self.script.models if self.path.endswith("/models") else {}).encode()
        self._begin(200 if self.path.endswith("/models") else 404, "application/json", len(told))
        self.wfile.write(told)

    def do_POST(self) -> None:
        script, body = self.script, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = Prompt(body, dict(self.headers))
        script.prompts.append(prompt)
        too_long = len(prompt.passages) > script.longest
        if script.status != 200 or too_long:
            words = "the context is too long" if too_long else "".join(map(str, script.said(prompt)))
            told = json.dumps({"error": {"message": words}}).encode()
            self._begin(400 if too_long else script.status, "application/json", len(told))
            self.wfile.write(told)
            return
        self._begin(200, "text/event-stream", None)
        try:
            for each in script.said(prompt):
                if isinstance(each, float):
                    time.sleep(each)
                else:
                    self._send(each if isinstance(each, bytes) else _event({"content": each}))
                    script.sent.append((time.time(), str(each)))
            if script.ends is None:
                self.close_connection = True
                self.connection.close()
                return
            self._send(_event({}, script.ends or None))
            if script.counted:
                self._send(_counted(script.counted))
            self._send(b"data: [DONE]\n\n")
            self._send(b"")
        except OSError:  # who asked has gone
            self.close_connection = True

    def _begin(self, status: int, kind: str, length: int | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        if self.script.packed:
            self.send_header("Content-Encoding", self.script.packed)
        self.end_headers()

    def _send(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return _chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def event(data: Any) -> bytes:
    """Any value as an event of a stream."""
    return b"data: %s\n\n" % json.dumps(data).encode()


def delta(content: Any) -> bytes:
    """Any value in place of a piece of text."""
    return _event({"content": content})


def _counted(count: int) -> bytes:
    return _chunk({"choices": [], "usage": {"prompt_tokens": count, "completion_tokens": 9, "total_tokens": count + 9}})


def _chunk(more: dict[str, Any]) -> bytes:
    whole = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "scripted", **more}
    return event(whole)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked has hung up, as they may."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def speaking(script: Script) -> Iterator[str]:
    """The setting of a server on this machine that follows a script while the block runs."""
    handler = type("Handler", (_Handler,), {"script": script})
    server = _Server(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"scripted@http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def words(text: str, pause: float = 0.0) -> Iterator[str | float]:
    """A text word by word, as a model writes it, with a pause before each."""
    for word in re.findall(r"\s*\S+|\s+", text):
        if pause:
            yield pause
        yield word
