"""Attackers of a page, each of its own kind, for `python -m tests.siege`: they know the password, and mean harm."""

import json
import random
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from urllib.parse import urlsplit

import httpx

from eval.bench.visitor import Visitor, visiting
from index.errors import FootnoteError

_HALF = 1_100  # requests half sent at once
_PAUSE, _AGAIN = 0.5, 3.0  # seconds between two of most things, and until all that was left is opened again
_BURST, _EVERY, _PATIENCE = 20, 5.0, 8.0  # pictures at once, seconds between two bursts, and with a picture
_UNREAD = 20  # answers that are not taken, at once
_SEED = 7
_BITS = (
    b"",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\npassword=",
    b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5;",
)
_ODD = (b"[" * 100_000, b"", b"null", b'{"session_hash": 5}', b"\xff", b'{"fn_index":' + b"9" * 4_000, b"x" * 2**20)


@dataclass(frozen=True, slots=True)
class Target:
    """A page under attack.

    Attributes:
        address: Where it is.
        password: What opens it.
        slow: What a picture of a page that takes long to draw is asked for with; "" where there is none.
    """

    address: str
    password: str
    slow: str = ""


Attack = Callable[[Target, str, Event], None]
"""Attacks a page from an address of this computer, until it is over."""


def half_sent(target: Target, source: str, over: Event) -> None:
    """Half-sent requests, as many as there is room for, some of which grow by a byte now and then."""
    with ExitStack() as opened:
        held: list[socket.socket] = []
        while not over.wait(_AGAIN):
            held = [each for each in held if _still_there(each)]
            for number in range(_HALF - len(held)):
                with suppress(OSError):
                    connection = opened.enter_context(_connected(target, source))
                    connection.sendall(_BITS[number % len(_BITS)])
                    connection.setblocking(False)
                    held.append(connection)


def never_read(target: Target, source: str, over: Event) -> None:
    """Answers that are asked for again and again on a connection, and never taken."""
    with _signed_in(target, source) as visitor, ExitStack() as opened:
        cookie = "; ".join(f"{each.name}={each.value}" for each in visitor.client.cookies.jar)
        asked = f"GET / HTTP/1.1\r\nHost: {urlsplit(target.address).netloc}\r\nCookie: {cookie}\r\n\r\n".encode()
        held: list[socket.socket] = []
        while not over.wait(_PAUSE):
            held = [each for each in held if each.fileno() >= 0]
            with suppress(OSError):
                if len(held) < _UNREAD:
                    connection = opened.enter_context(_connected(target, source))
                    connection.settimeout(0.2)
                    held.append(connection)
                    connection.sendall(asked * 20)
                elif not _still_there(held[0]):
                    held.pop(0)


def guesses(target: Target, source: str, over: Event) -> None:
    """Wrong passwords, as if each came from another address."""
    chance = random.Random(_SEED)
    with _client(target, source) as client:
        while not over.wait(0.05):
            with suppress(httpx.HTTPError):
                client.post("/login", data={"password": secrets.token_hex(6)}, headers=_forged(chance))


def bad_requests(target: Target, source: str, over: Event) -> None:
    """Events that no page sends, odd addresses, and files that end halfway."""
    chance = random.Random(_SEED)
    with _signed_in(target, source) as visitor:
        while not over.wait(0.1):
            client, part = visitor.client, chance.choice(("%00", "9" * 30, "..%2f..%2fetc", "a" * 3_000))
            event = json.dumps({"fn_index": chance.randrange(10_000), "data": [], "session_hash": "a"}).encode()
            with suppress(httpx.HTTPError):
                client.post("/gradio_api/queue/join", content=chance.choice((*_ODD, event)), headers=_forged(chance))
                for address in ("/pages/{}.png", "/parts?document={}", "/conversations/{}.md", "/?page={}", "/{}"):
                    client.get(address.format(part))
                with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": secrets.token_hex(5)}):
                    pass
            with suppress(OSError), _connected(target, source) as connection:
                connection.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nx")


def freezing_files(target: Target, source: str, over: Event) -> None:
    """Small files that are much to read: runs of blanks, long headings, and a wide table that is asked about."""
    chance = random.Random(_SEED)
    with _signed_in(target, source) as visitor:
        while not over.wait(_PAUSE):
            name, text = chance.choice(_freezing(chance.randrange(10**6)))
            with suppress(httpx.HTTPError):
                visitor.add(name, text)
                if name.endswith(".csv"):
                    visitor.heard("What is the average of head17?")
                visitor.click("remove", document=f"uploads/{name}")


def long_files(target: Target, source: str, over: Event) -> None:
    """Files of a megabyte, one after the other."""
    chance = random.Random(_SEED)
    with _signed_in(target, source) as visitor:
        while not over.wait(_PAUSE):
            words = [f"w{chance.randrange(5_000)}" for _ in range(70)]
            text = "\n\n".join(" ".join(chance.sample(words, 60)) + "." for _ in range(2_500))
            with suppress(httpx.HTTPError):
                visitor.add("long.txt", text)
                visitor.click("remove", document="uploads/long.txt")


def slow_pages(target: Target, source: str, over: Event) -> None:
    """Bursts of pictures of a page that takes long to draw, none of which is waited for long."""
    with _signed_in(target, source) as visitor:
        client = visitor.client

        def look(end: int) -> None:
            with suppress(httpx.HTTPError):
                answer = client.get(f"/pages/1.png?{target.slow}&start=0&end={end}", timeout=_PATIENCE)
                if "nothing here" in answer.text or "has changed" in answer.text:
                    unseen.append(answer.text)

        unseen = list[str]()
        while not over.wait(_EVERY):
            looking = [Thread(target=look, args=[number]) for number in range(1, _BURST + 1)]  # of each another picture
            for each in looking:
                each.start()
            for each in looking:
                each.join()
        if unseen:
            raise AssertionError(f"A picture was answered with {unseen[0]}")


ATTACKS: dict[str, Attack] = {
    each.__name__: each
    for each in (half_sent, never_read, guesses, bad_requests, freezing_files, long_files, slow_pages)
}
"""All of them, by name."""


SLOW_LINE = "The quay of Elmwick is old."
"""The text of `slow_pdf`."""


def slow_pdf() -> bytes:
    """A PDF of one page that takes long to draw: hundreds of thousands of curves, and a line of text."""
    chance = random.Random(_SEED)
    curve = "{} {} m {} {} {} {} {} {} c S".format
    curves = "\n".join(curve(*(chance.randrange(600) for _ in range(8))) for _ in range(300_000))
    drawn = f"BT /F 12 Tf 72 720 Td ({SLOW_LINE}) Tj ET\n{curves}".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F 4 0 R >> >> "
        b"/Contents 5 0 R >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >> stream\n%s\nendstream" % (len(drawn), drawn),
    )
    numbered = (b"%d 0 obj %s endobj\n" % (number, each) for number, each in enumerate(objects, start=1))
    return b"%PDF-1.4\n" + b"".join(numbered) + b"trailer << /Root 1 0 R >>\n%%EOF\n"


def _freezing(number: int) -> tuple[tuple[str, str], ...]:
    """Small files that are much to read, each not the same as any before."""
    blanks = f"The weir {number} is old.\n{' ' * 60_000}x\nThe lock is new."
    heads = ",".join(f"head{i}" for i in range(4_000))
    rows = "\n".join(",".join(str(number + i) for i in range(4_000)) for _ in range(12))
    return (
        ("blanks.txt", blanks),
        ("blanks.html", f"<pre>{blanks}</pre>"),
        ("blanks.json", json.dumps({"text": blanks})),
        ("heading.md", f"# {'mill ' * 60_000}{number}\n\n" + "The dam is forty metres high and old. " * 8_000),
        ("heading.html", f"<h1>{'mill ' * 60_000}{number}</h1>" + "<p>The dam is high.</p>" * 5_000),
        ("heading.txt", "1." * 150_000 + f" Abc {number}\nX"),
        ("wide.csv", f"{heads}\n{rows}"),
    )


@contextmanager
def _signed_in(target: Target, source: str) -> Iterator[Visitor]:
    """A visitor from an address who has told the password, once it is taken."""
    with ExitStack() as visit:
        yield _first_in(visit, target, source)


def _first_in(visit: ExitStack, target: Target, source: str) -> Visitor:
    for _ in range(60):
        with suppress(FootnoteError, httpx.HTTPError):
            return visit.enter_context(visiting(target.address, target.password, source))
    raise AssertionError("An attacker could not sign in.")


def _client(target: Target, source: str) -> httpx.Client:
    return httpx.Client(base_url=target.address, timeout=30, transport=httpx.HTTPTransport(local_address=source))


def _forged(chance: random.Random) -> dict[str, str]:
    """A header that names another sender each time."""
    return {"X-Forwarded-For": ".".join(str(chance.randrange(1, 255)) for _ in range(4))}


def _connected(target: Target, source: str) -> socket.socket:
    where = urlsplit(target.address)
    return socket.create_connection((where.hostname, where.port), timeout=5, source_address=(source, 0))


def _still_there(connection: socket.socket) -> bool:
    """Whether the server has not ended a connection, after another byte."""
    try:
        connection.send(b"x")
        return connection.recv(65_536) != b""
    except BlockingIOError:
        return True
    except OSError:
        connection.close()
        return False
