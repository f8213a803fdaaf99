"""Workers: whatever happens to a process that reads a file, this one hears of it in a sentence, and goes on."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from index import workers
from index.document import Span
from index.errors import Dropped, Failed, LibraryError, Refused, Spent
from index.worker import Limits
from index.workers import Workers, begun, in_order
from tests.conftest import soon
from tests.test_pdf import pdf

# Takes the place of what reads plain text in a worker: a parser that has been taken over does what the file says.
TAKEN_OVER = """
import ctypes, os, signal, socket, subprocess, sys, time
from index.formats import text
from index.formats.content import Content

def read(data):
    if data.startswith(b"lie "):
        tell(data[4:])
    return Content(str(eval(data.decode())))

def tell(head):
    # Writes a reply of its own to whatever pipe is open, and ends.
    for pipe in range(3, 64):
        try:
            written = memoryview(len(head).to_bytes(8, "big") + head)
            while written:
                written = written[os.write(pipe, written):]
        except OSError:
            continue
    os._exit(0)

text.read = read
"""
SMALL = Limits(seconds=600, memory=2**28, reply=2**20)


@pytest.fixture
def taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    (tmp_path / "sitecustomize.py").write_text(TAKEN_OVER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    workers = Workers(1, SMALL)
    yield workers
    workers.close()


def does(workers: Workers, code: str) -> str:
    """What a file that makes its reader do this is read as."""
    return workers.read("docs/a.txt", code.encode()).text


def test_a_file_is_read_as_it_is_in_this_process():
    workers = Workers(1)
    assert workers.read("docs/mill.md", b"# The mill\n\nIt burned.").headings
    with pytest.raises(Refused, match=r"^it is empty$"):
        workers.read("docs/a.txt", b"")
    with pytest.raises(Refused, match="not a format"):
        workers.read("docs/a.zip2", b"text")
    workers.close()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("[0 for _ in iter(int, 1)]", "takes more than 256 MB of memory"),
        ("'x' * 2**29", "takes more than 256 MB of memory"),
        ("'x' * 2**21", "more than 1 MB"),
        ("signal.raise_signal(11)", "broke down .SIGSEGV."),
        ("os.abort()", "broke down .SIGABRT."),
        ("ctypes.memset(ctypes.create_string_buffer(220 * 2**20), 1, 220 * 2**20) and os.abort()", "256 MB of memory"),
        ("ctypes.string_at(0)", "broke down .SIGSEGV."),
        ("os._exit(0)", "memory"),
        ("sys.exit('bye')", "memory"),
        ("1 / 0", "ZeroDivisionError"),
        ("(lambda f: f(f))(lambda f: f(f))", "RecursionError"),
    ],
)
def test_what_breaks_the_reader_of_a_file_is_told_in_a_sentence_and_the_next_is_read(taken_over, code, why):
    with pytest.raises(Refused, match=why):
        begun(lambda: does(taken_over, code)).result(60)  # long before its time is up
    assert does(taken_over, "1 + 1") == "2"


def test_what_takes_too_long_is_told_in_a_sentence_and_the_next_is_read(taken_over, monkeypatch):
    monkeypatch.setattr(workers, "_GRACE", 60.0)  # of which the worker takes some to begin
    hasty = Workers(1, replace(SMALL, seconds=2))
    with pytest.raises(Refused, match="takes more than 2 seconds"):
        begun(lambda: does(hasty, "time.sleep(600)")).result(60)
    assert does(hasty, "1 + 1") == "2"
    hasty.close()


def test_one_file_s_reader_leaves_nothing_behind_for_the_next(taken_over):
    assert does(taken_over, "setattr(sys, 'mine', 1) or sys.mine") == "1"
    assert does(taken_over, "hasattr(sys, 'mine')") == "False"


def test_what_a_reader_prints_is_not_taken_for_its_reply(taken_over):
    assert does(taken_over, "print('x' * 99) or os.write(1, b'y' * 99)") == "99"


def test_a_reader_opens_no_file_of_the_readers_owner(taken_over, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hush")
    for code in (f"open({str(secret)!r}).read()", f"os.open({str(secret)!r}, os.O_RDONLY)"):
        with pytest.raises(Failed, match="opens another"):
            does(taken_over, code)


def test_a_reader_writes_no_file(taken_over, tmp_path):
    inside = Path(contextlib.__file__).parent / "written.txt"
    for path in (tmp_path / "written.txt", inside):
        with pytest.raises(Failed, match="opens another"):
            does(taken_over, f"open({str(path)!r}, 'w').write('x')")
        assert not path.exists()


def test_not_a_byte_is_written_even_past_python(taken_over, tmp_path):
    path = tmp_path / "written.txt"
    written = f"(lambda c: c.write(c.open({str(path).encode()!r}, 0o101, 0o600), b'x', 1))(ctypes.CDLL(None))"
    assert does(taken_over, written) == "-1"
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "code", ["subprocess.run(['true'])", "os.system('true')", "os.fork()", "os.execv('/bin/true', ['true'])"]
)
def test_a_reader_starts_no_program(taken_over, code):
    with pytest.raises(Failed, match="PermissionError"):
        does(taken_over, code)


def test_a_reader_has_no_network(taken_over):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        with pytest.raises(Failed, match=r"socket\."):
            does(taken_over, f"socket.create_connection(('127.0.0.1', {port}))")
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_reader_has_no_network_even_past_python(taken_over):
    if "1" in does(taken_over, "os.path.samefile('/proc/self/ns/net', f'/proc/{os.getppid()}/ns/net') and 1"):
        inherited = os.stat("/proc/self/ns/net").st_ino
        if int(does(taken_over, "os.stat('/proc/self/ns/net').st_ino")) == inherited:
            pytest.skip("this kernel lets no process give up its network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = b"\x02\x00" + server.getsockname()[1].to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
        code = f"(lambda c: c.connect(c.socket(2, 1, 0), {address!r}, 16))(ctypes.CDLL(None))"
        assert does(taken_over, code) == "-1"


def test_a_worker_that_is_killed_is_begun_anew(taken_over):
    first = int(does(taken_over, "os.getppid()"))
    os.kill(first, signal.SIGKILL)
    with contextlib.suppress(Spent):  # who asks in that moment is told
        does(taken_over, "1")
    assert int(does(taken_over, "os.getppid()")) != first


ASKS = """
from index.worker import Limits
from index.workers import Workers
Workers(1, Limits(seconds=600)).read("docs/a.txt", b"time.sleep(600)")
"""


@pytest.mark.parametrize("killed", ["who asks", "the worker"])
def test_what_reads_a_file_ends_with_who_asks_and_with_its_worker(taken_over, killed):
    asking = subprocess.Popen([sys.executable, "-c", ASKS], cwd=Path(__file__).parent.parent, stderr=subprocess.DEVNULL)
    worker = _child_of(asking.pid)
    reading = _child_of(worker)
    os.kill(asking.pid if killed == "who asks" else worker, signal.SIGKILL)
    assert asking.wait(60)
    soon(lambda: not _runs(worker))
    soon(lambda: not _runs(reading))


def _child_of(process: int) -> int:
    children = Path(f"/proc/{process}/task/{process}/children")
    soon(children.read_text)
    return int(children.read_text())


def _runs(process: int) -> bool:
    """Whether a process has not ended; one that nobody waits for is still listed when it has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def told(**fields: object) -> bytes:
    """The head of a reply that tells of a document without text, but for some fields."""
    digest = sha256(b"lie ").hexdigest()
    document = {"id": "docs/a.txt", "title": "a", "sha256": digest, "media_type": "text/plain", **fields}
    return json.dumps({"sizes": [0], "outcome": "done", "document": document}).encode()


LIES = {  # what a reader that is taken over may write in place of its reply
    "no JSON": b"x",
    "null": b"null",
    "no object": b'"abc"',
    "too deep": b"[" * 100_000,
    "too long": b"[" + b"[]," * 300_000 + b"[]]",
    "nothing in it": b'{"sizes": []}',
    "no document": b'{"sizes": [], "outcome": "done"}',
    "another's id": told(id="docs/b.txt"),
    "another's digest": told(sha256="0" * 64),
    "no title": told(title=5),
    "a page of no number": told(pages=[{"number": "x", "start": 0, "end": 0}]),
    "no number": b'{"sizes": ["x"], "outcome": "done"}',
    "more than there is": b'{"sizes": [99], "outcome": "done"}',
}


@pytest.mark.parametrize("lie", LIES)
def test_a_reply_that_is_a_lie_is_a_failure_and_the_next_file_is_read(taken_over, lie):
    with pytest.raises(Refused):
        taken_over.read("docs/a.txt", b"lie " + LIES[lie])
    assert does(taken_over, "1 + 1") == "2"


def test_a_reason_is_one_line_without_what_hides(taken_over):
    with pytest.raises(Failed) as failure:
        taken_over.read("docs/a.txt", b'lie {"sizes": [], "outcome": "failed", "reason": "a\\u202eb\\n\\u0007c"}')
    assert str(failure.value) == "ab c"


@pytest.mark.parametrize(("part", "end"), [("pages", 99), ("headings", 1), ("tables", 10**9)])
def test_a_part_that_stands_outside_its_text_is_a_failure(monkeypatch, part, end):
    workers, data = Workers(1), pdf("One.", "Two.")
    told, blobs = workers.asked({"task": "read", "id": "docs/a.pdf"}, [data])
    monkeypatch.setattr(workers, "asked", lambda request, blobs_, dropped: (told, blobs))
    assert workers.read("docs/a.pdf", data).text == "One.\n\nTwo."
    fields = {"pages": {"number": 1}, "headings": {"level": 1}, "tables": {}}[part]
    told["document"][part] = [{**fields, "start": 2, "end": end}]
    with pytest.raises(Failed):
        workers.read("docs/a.pdf", data)


def test_a_worker_that_cannot_be_begun_is_said_and_no_file_is_blamed(monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(subprocess, "Popen", full)
    with pytest.raises(LibraryError, match="No process can be begun"):
        Workers(1).read("docs/a.txt", b"text")


def test_a_page_is_drawn_by_a_worker():
    workers = Workers(1)
    data = pdf("The mill burned.", "It was rebuilt.")
    document = workers.read("docs/mill.pdf", data)
    page = document.pages[1]
    assert workers.picture(document, data, page, Span(page.start, page.end)).startswith(b"\x89PNG")
    with pytest.raises(Refused, match="damaged"):
        workers.picture(document, b"%PDF-", page, Span(page.start, page.end))
    workers.close()


def test_what_nobody_waits_for_is_ended(taken_over):
    """A page of a PDF that takes long to draw, and whose reader has gone on."""
    workers = Workers(1, SMALL)
    dropped, ended = threading.Event(), list[type[BaseException]]()

    def ask(code: str) -> None:
        try:
            workers.asked({"task": "read", "id": "docs/a.txt"}, [code.encode()], dropped)
        except BaseException as error:
            ended.append(type(error))

    threads = [threading.Thread(target=ask, args=("time.sleep(600)",)) for _ in range(3)]  # for two none is free
    for thread in threads:
        thread.start()
    soon(workers._free.empty)
    dropped.set()
    for thread in threads:
        thread.join(60)
    assert ended == [Dropped] * 3
    assert does(workers, "'read'") == "read"
    workers.close()


def test_several_files_are_read_at_once(taken_over, monkeypatch):
    two, really = threading.Barrier(2, timeout=60), workers._Worker.asked

    def asked(*arguments: object) -> object:
        two.wait()  # for another that is asked meanwhile
        told = really(*arguments)
        two.wait()
        return told

    monkeypatch.setattr(workers._Worker, "asked", asked)
    both = Workers(2, SMALL)
    assert list(in_order(lambda n: does(both, f"{n}"), range(4))) == ["0", "1", "2", "3"]
    both.close()


def test_not_all_is_done_before_it_is_asked_for():
    done: list[int] = []
    coming = in_order(lambda n: done.append(n) or n, range(100), at_once=3)
    assert next(coming) == 0
    time.sleep(0.2)
    assert len(done) <= 5


def test_who_asks_for_no_more_leaves_no_thread_and_begins_nothing():
    before, done = set(threading.enumerate()), []
    coming = in_order(lambda n: time.sleep(0.05) or done.append(n), range(100), at_once=3)
    next(coming)
    begun = set(threading.enumerate()) - before
    assert len(begun) == 3
    coming.close()
    for thread in begun:
        thread.join(60)
        assert not thread.is_alive()
    assert len(done) <= 4
