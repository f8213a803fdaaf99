"""A person on the page, without a browser: says to its server what a browser says, and heeds the answer."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from index.errors import FootnoteError

Outcome = Literal["answered", "full", "failed"]
"""Answered, be it that the documents don't say; told that too many ask already; or neither."""

FULL = 'role=\\"alert\\">More people are asking'
"""What the page says where its line is full, and a passage that is shown does not."""

_PATIENCE = 120.0  # seconds without a word of the server
_CONFIG = re.compile(r"window\.gradio_config = (.*?);?</script>", re.DOTALL)
_TOLD = "process_completed"


@dataclass(frozen=True, slots=True)
class Handler:
    """What the page's server does on an event: the number it has, and how many values it takes."""

    number: int
    inputs: int


class Visitor:
    """A person with a browser of their own on the page; `visiting` makes one."""

    def __init__(self, client: httpx.Client) -> None:
        """Open the page that this client asks, which so far has no cookies.

        Raises:
            FootnoteError: It is no page of Footnote.
        """
        found = _CONFIG.search(client.get("/").text)
        if found is None:
            raise FootnoteError(f"The page at {client.base_url} names no handlers; is it Footnote?")
        self.session = secrets.token_hex(5)
        self.client = client
        self._handlers = dict(_handlers(json.loads(found[1])))

    def ask(self, question: str) -> Outcome:
        """Type a question and wait for what comes of it."""
        return outcome(self.heard(question))

    def heard(self, question: str) -> str:
        """Type a question; what the server tells of the conversation once it is answered, as it comes."""
        return self._said("question.submit", [question])

    def click(self, event: str, **said: object) -> str:
        """Click on something that stands for this event; what the server tells, as it comes."""
        return self._said(f"tabs.{event}", [], said)

    def add(self, name: str, text: str) -> str:
        """Add a document; what the server tells, as it comes."""
        sent = self.client.post("/gradio_api/upload", files={"files": (name, text.encode())})
        (path,) = sent.raise_for_status().json()
        return self._said("upload.upload", [[{"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}]])

    def _said(self, event: str, values: list[Any], said: object = None) -> str:
        """What comes last of an event, as it comes; "" where the server refuses it, or does not end it."""
        handler = self._handlers[event]
        states = [None] * (handler.inputs - len(values))  # the server has them
        body = {"data": values + states, "fn_index": handler.number, "session_hash": self.session, "event_data": said}
        try:
            joined = self.client.post("/gradio_api/queue/join", json=body)
            return self._last() if joined.is_success else ""
        except httpx.TransportError:
            return ""

    def _last(self) -> str:
        """What the server tells of an event when it is through with it."""
        last = ""
        told = self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session})
        with told as stream:
            for line in stream.iter_lines():
                if _TOLD in line[:40]:  # what comes before it need not be read
                    last = line
        return last


def outcome(told: str) -> Outcome:
    """What came of a question, from what the server tells of it."""
    if FULL in told:
        return "full"
    if 'class=\\"notice' in told:  # beside the answers before
        return "failed"
    return "answered" if 'class=\\"answer' in told or 'class=\\"abstention' in told else "failed"


@contextmanager
def visiting(address: str, password: str = "", source: str | None = None) -> Iterator[Visitor]:
    """A person who opens the page at an address, and closes it in the end.

    Args:
        address: Where the page is.
        password: What opens it, where it has one.
        source: The address of this computer to come from, where that is not all the same.

    Raises:
        FootnoteError: It is no page of Footnote, or the password does not open it.
    """
    way = httpx.HTTPTransport(local_address=source, verify=False)
    with httpx.Client(base_url=address, timeout=_PATIENCE, transport=way) as client:
        if password:
            client.post("/login", data={"password": password})
        visitor = Visitor(client)
        with client.stream("GET", f"/gradio_api/heartbeat/{visitor.session}"):  # its end tells that the page is closed
            yield visitor


def _handlers(config: dict[str, Any]) -> Iterator[tuple[str, Handler]]:
    """The page's handlers, by the name of what they listen to and its event."""
    names = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
    for each in config["dependencies"]:
        for target, event in each["targets"]:
            yield f"{names.get(target, '')}.{event}", Handler(each["id"], len(each["inputs"]))
