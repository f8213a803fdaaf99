"""What no page sends, and what is asked of routes that nothing answers, ends in one sentence and in no traceback."""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx
import pytest
from playwright.sync_api import Browser, expect

from eval.bench.visitor import Visitor, visiting
from tests.browser import serving, visit
from tests.fakes import FIRE, MILL, as_footnote, fake

_JOIN, _DATA, _UPLOAD = "/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/upload"
_DEEP = b"[" * 400 + b"]" * 400


@dataclass(frozen=True, slots=True)
class Door:
    """A page, and somebody who sends it what they like."""

    visitor: Visitor
    client: httpx.Client

    def number(self, event: str) -> int:
        """The number of the handler of an event."""
        return self.visitor._handlers[event].number

    def joined(self, body: bytes | dict[str, object]) -> httpx.Response:
        """What is said to an event; one that says all it must where only some of it is given."""
        asking = {"data": [FIRE.question, None, None], "fn_index": self.number("question.submit"), "session_hash": "a"}
        whole = body if isinstance(body, bytes) else json.dumps(asking | body).encode()
        return self.client.post(_JOIN, content=whole)

    def got(self, address: str) -> tuple[int, str]:
        """What is said to who asks for an address; of a stream, its beginning."""
        with self.client.stream("GET", address) as answer:
            return answer.status_code, "" if "stream" in answer.headers["content-type"] else answer.read().decode()


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    docs = fake()
    docs.library.picture = _picture
    with (
        serving(as_footnote(docs)) as url,
        visiting(url) as visitor,
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        client.get("/")
        yield Door(visitor, client)


def _picture(document, number: int, span) -> bytes:
    return {page.number: b"" for page in document.pages}[number]


@pytest.fixture
def quiet(door: Door, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing but an answer may come of what a test sends; the page goes on."""
    yield
    assert door.visitor.ask(FIRE.question) == "answered"
    time.sleep(0.2)  # what a handler says of itself
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said, said


def _is_sentence(text: str) -> bool:
    return 0 < len(text) < 200 and "Traceback" not in text


@pytest.mark.usefixtures("quiet")
def test_an_event_that_no_page_sends_is_refused(door: Door) -> None:
    add, cite = door.number("upload.upload"), door.number("tabs.cite")
    odd: list[bytes | dict[str, object]] = [
        *({"fn_index": each} for each in (9_999, -1, 10**30, 1.5, "1", None, True, [], {})),
        *({"data": each} for each in ("x", {}, None, [], [1, None, None], [None] * 3, [[], None, None], ["x"] * 3)),
        *({"data": each, "fn_index": add} for each in ([None], ["x"], [["x"]], [[{}]], [[{"path": 5}]])),
        {"data": [{}], "fn_index": cite},
        {"session_hash": "\ud800"},
        *({"trigger_id": each} for each in ("x", 1.5, [])),
        *(b"", b"null", b"5", b'"x"', b"[]", b"{}", b"\xff", b"{", b'{"session_hash": "a"}'),
        *(b"[" * 100_000, b'{"a":' * 90_000, b"[" * 2**21),
        json.dumps({"session_hash": "a"}).encode("utf-16"),
        *(
            b'{"session_hash":"a","fn_index":%d,"data":[%s,null,null]}' % (door.number("question.submit"), value)
            for value in (_DEEP, b"[" * 50_000 + b"]" * 50_000, b"9" * 5_000, b"NaN", b"1e999", b'"\\ud800"', b'"\xff"')
        ),
    ]  # fmt: skip
    for body in odd:
        answer = door.joined(body)
        assert (answer.status_code, _is_sentence(answer.text)) in ((400, True), (413, True)), (body, answer.text)


_EVENTS = (
    "question.submit",
    "tabs.cite",
    "tabs.tick",
    "tabs.open",
    "tabs.judge",
    "tabs.rename",
    "tabs.turn",
    "tabs.hit",
)
_NAMES = ("turn", "number", "document", "documents", "verdict", "title", "quote", "folder", "conversation", "x")
_VALUES = (None, True, 0, 1, -1, 1.5, 10**30, "", "right", MILL.id, "\0", "💥", [], {}, "\ud800")


def _json(chance: random.Random, depth: int = 3) -> object:
    """Anything."""
    kind = chance.randrange(4) if depth else 0
    if kind < 2:
        return chance.choice(_VALUES)
    inner = [_json(chance, depth - 1) for _ in range(chance.randrange(4))]
    return inner if kind == 2 else {chance.choice(_NAMES): each for each in inner}


@pytest.mark.usefixtures("quiet")
def test_whatever_is_said_of_an_event_ends_in_an_answer(door: Door) -> None:
    chance = random.Random(7)
    for _ in range(200):
        handler = door.visitor._handlers[chance.choice(_EVENTS)]
        text = [FIRE.question] if handler.number == door.number("question.submit") else []
        known = [*text, *[None] * (handler.inputs - len(text))]
        values = chance.choice([known, known, [_json(chance) for _ in known]])
        said = chance.choice([_json(chance), {name: _json(chance) for name in _NAMES}])
        answer = door.joined({"fn_index": handler.number, "event_data": said, "data": values})
        assert answer.status_code == 200 or (answer.status_code == 400 and _is_sentence(answer.text)), (said, values)


_ODD = [
    "",
    "0",
    "-1",
    "x",
    "1.5",
    "\0",
    "٣",
    "9" * 30,
    "-" + "9" * 30,
    "9" * 5_000,
    "../../etc/passwd",
    "%",
    "💥",
    "1-2-3",
]
_VERSION = MILL.version
_ADDRESSES = (
    *("/conversations/{}.md", "/conversations/{}.json", "/gradio_api/heartbeat/{}", "/assets/{}", "/static/{}", "/{}"),
    *(f"{_DATA}?session_hash={{}}", "/gradio_api/upload_progress?upload={}"),
)


@pytest.mark.usefixtures("quiet")
def test_an_address_with_odd_parts_gets_one_sentence(door: Door) -> None:
    chance = random.Random(7)
    for _ in range(150):
        asked = {"document": MILL.id, "version": _VERSION, "start": "0", "end": "5", "tinted": "0-5", "after": "1"}
        for name in chance.sample(sorted(asked), chance.randint(1, 3)):
            asked[name] = chance.choice(_ODD)
        part = quote(chance.choice(_ODD), safe="")
        status, said = door.got(
            chance.choice(["/parts", "/pages/1.png", f"/pages/{part}.png"]) + f"?{urlencode(asked)}"
        )
        assert status == 200 or (status < 500 and _is_sentence(said)), (asked, part, status, said)
    for part in (quote(each, safe="") for each in _ODD):
        for address in _ADDRESSES:
            status, said = door.got(address.format(part))
            assert status == 200 or (status < 500 and _is_sentence(said)), (address, part, status, said)
        for name in ("page", "deep_link", "__theme", "view"):
            assert door.got(f"/?{name}={part}")[0] in (200, 414)


def test_a_question_is_taken_from_a_box_that_nobody_typed_in(browser: Browser) -> None:
    with serving(as_footnote(fake())) as url:
        seen = visit(browser, url)
        seen.page.get_by_role("button", name="Ask").click()
        expect(seen.page.locator("#notice")).to_contain_text("The question is empty")
        seen.page.context.close()
