"""Files on their way into a library lie where no other program finds them, and are gone when nobody wants them."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from starlette.applications import Starlette

from eval.bench.visitor import visiting
from eval.served import free_port
from index.errors import LibraryError, NoRoom
from tests.apart import run
from tests.conftest import soon
from tests.fakes import FakeDocs, as_footnote, fake
from web import incoming
from web.guard import OWNER
from web.incoming import Incoming
from web.page import launch

HEADERS = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture
def arriving(tmp_path: Path) -> Incoming:
    return Incoming(tmp_path)


def sent(arriving: Incoming, *files: tuple[str, bytes], owner: str = "") -> httpx.Response:
    """What is said to a browser that sends files."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=[arriving.route]))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post(
                "/gradio_api/upload", files=[("files", each) for each in files], headers={OWNER: owner}
            )

    return run(send())


def form(*files: tuple[str, bytes], end: bytes = b"\r\n--x--\r\n") -> bytes:
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n' % name.encode() + data
        for name, data in files
    ]
    return b"\r\n".join(parts) + end


def test_what_is_sent_arrives_as_it_is_and_once(arriving):
    files = (("a.txt", b"The mill.\r\n--x\r\n" * 100_000), ("b.bin", bytes(range(256))), ("empty.txt", b""))
    tokens = sent(arriving, *files).json()
    assert len(set(tokens)) == 3
    arrived = [arriving.arrived(token) for token in tokens]
    assert [(each.name, each.read_bytes()) for each in reversed(arrived)] == list(reversed(files))
    assert not arriving._sendings
    with pytest.raises(LibraryError, match="kept no longer; add it again"):
        arrived[0].read_bytes()


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("../../evil.txt", "evil.txt"),
        ("C:\\docs\\mill.txt", "mill.txt"),
        ("grün 🚰.md", "grün 🚰.md"),
        ("..", "document"),
        ("a\u202etxt.exe", "atxt.exe"),
    ],
)
def test_a_file_is_called_by_its_name_without_folders_or_tricks(arriving, name, called):
    (token,) = sent(arriving, (name, b"x")).json()
    assert arriving.arrived(token).name == called


def test_while_it_waits_no_file_of_the_library_holds_it(arriving, tmp_path):
    tokens = sent(arriving, ("a.txt", b"Zebra"), ("b.txt", b"Zebra")).json()
    assert not list(tmp_path.rglob("*"))
    (sending,) = arriving._sendings
    if Path("/proc/self/fd").exists():  # and no other disk has it
        assert os.readlink(f"/proc/self/fd/{sending.stream.fileno()}").startswith(f"{tmp_path}/")
    arriving.forget(tokens[:1])
    assert not sending.stream.closed
    arriving.forget(tokens)
    assert sending.stream.closed
    assert not arriving._sendings


def test_nobody_waits_while_a_file_is_read_and_one_that_cannot_be_read_is_gone(arriving, monkeypatch):
    tokens = sent(arriving, ("a.txt", b"Zebra"), ("b.txt", b"Zebra")).json()
    really, locked = os.pread, []

    def pread(*given: int) -> bytes:
        locked.append(arriving._changing.locked())
        return really(*given)

    monkeypatch.setattr(os, "pread", pread)
    assert arriving.take(tokens[0]) == b"Zebra"
    assert locked == [False]

    def fail(*_: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(LibraryError, match=r"cannot be read \(Input/output error\); add it again"):
        arriving.take(tokens[1])
    assert not arriving._sendings


def told(arriving: Incoming, *bodies: bytes) -> int | None:
    """The status that a request gets whose sender hangs up after these bytes."""
    statuses = []
    messages = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    messages.append({"type": "http.disconnect"})

    async def receive():
        return messages.pop(0)

    async def send(message):
        statuses.append(message.get("status"))

    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": headers, "query_string": b""}
    run(arriving.route.app(scope, receive, send))
    return statuses[0]


@pytest.mark.parametrize("bodies", [(), (b"--x",), (form(("a.txt", b"Zebra" * 50_000), end=b""),)])
def test_of_what_is_broken_off_nothing_is_kept(arriving, bodies):
    assert told(arriving, *bodies) == 400
    assert not arriving._sendings


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary="])
def test_what_is_no_form_is_refused(arriving, monkeypatch, content_type):
    monkeypatch.setitem(HEADERS, "content-type", content_type)
    assert told(arriving, b"\x00nothing") == 400
    assert not arriving._sendings


@pytest.mark.parametrize(
    ("name", "most", "said"),
    [
        ("MAX_BYTES", 9, "a.txt is larger than"),
        ("MOST", 19, "wait to be read"),
        ("_FILES", 1, "more than 1 files"),
        ("OWN", 19, "MB of yours"),
        ("_SENDINGS", 0, "Too many files wait"),
        ("_OWN_SENDINGS", 0, "Too many files wait"),
    ],
)
def test_more_than_a_library_takes_is_refused_and_not_kept(arriving, monkeypatch, name, most, said):
    files = (("a.txt", b"0123456789"), ("b.txt", b"0123456789"))
    assert len(sent(arriving, *files).json()) == 2
    arriving.forget(tuple(arriving._waiting))
    monkeypatch.setattr(incoming, name, most)
    refused = sent(arriving, *files)
    assert (refused.status_code, said in refused.text) == (413, True)
    assert not arriving._sendings


def test_what_waits_counts_with_what_is_sent(arriving, monkeypatch):
    monkeypatch.setattr(incoming, "MOST", 1_000)  # of which each form has some hundred beside its file
    assert sent(arriving, ("a.txt", b"0" * 500)).status_code == 200
    assert sent(arriving, ("b.txt", b"0" * 500)).status_code == 413
    arriving.forget(tuple(arriving._waiting))
    assert sent(arriving, ("b.txt", b"0" * 500)).status_code == 200


def test_one_person_takes_no_room_of_another(arriving, monkeypatch):
    monkeypatch.setattr(incoming, "_OWN_SENDINGS", 2)
    assert [sent(arriving, ("a.txt", b"0"), owner="ada").status_code for _ in range(3)] == [200, 200, 413]
    assert sent(arriving, ("b.txt", b"0"), owner="ben").status_code == 200
    monkeypatch.setattr(incoming, "OWN", 1_000)
    assert sent(arriving, ("c.txt", b"0" * 1_000), owner="cem").status_code == 413
    assert sent(arriving, ("c.txt", b"0" * 500), owner="eva").status_code == 200


def test_what_is_sent_beside_files_has_an_end(arriving, monkeypatch):
    monkeypatch.setattr(incoming, "OWN", 1_000)
    assert told(arriving, *[b"--x\r\n\r\n\r\n"] * 200) == 413


def test_a_full_disk_is_told(arriving, monkeypatch):
    def full(home: Path) -> None:
        raise NoRoom("Only 3 MB are free.")

    monkeypatch.setattr(incoming, "see_room", full)
    refused = sent(arriving, ("a.txt", b"0123456789"))
    assert (refused.status_code, refused.text) == (507, "The files cannot be kept: Only 3 MB are free.")
    assert not arriving._sendings


@pytest.fixture
def served(docs_fake: FakeDocs) -> Iterator[str]:
    page = launch(as_footnote(docs_fake), port=free_port())
    yield page.local_url
    page.close(verbose=False)


@pytest.fixture
def docs_fake() -> FakeDocs:
    return fake()


@pytest.fixture
def every(monkeypatch: pytest.MonkeyPatch) -> list[Incoming]:
    """Every `Incoming` that is made."""
    made: list[Incoming] = []
    really = Incoming.__init__

    def remember(self, home):
        really(self, home)
        made.append(self)

    monkeypatch.setattr(Incoming, "__init__", remember)
    return made


def test_what_nobody_adds_is_forgotten_after_a_while_and_all_when_the_page_closes(every, docs_fake, monkeypatch):
    page = launch(as_footnote(docs_fake), port=free_port())
    with httpx.Client(base_url=page.local_url) as client:
        client.get("/")
        monkeypatch.setattr(incoming, "KEPT", 0.0)
        client.post("gradio_api/upload", files={"files": ("a.txt", b"Zebra")}).raise_for_status()
        soon(lambda: not every[0]._sendings)
        monkeypatch.setattr(incoming, "KEPT", 3600.0)
        client.post("gradio_api/upload", files={"files": ("a.txt", b"Zebra")}).raise_for_status()
        assert len(every[0]._sendings) == 1
    page.close(verbose=False)
    soon(lambda: not every[0]._sendings)


def test_what_was_added_or_refused_is_gone(every, served, docs_fake):
    with visiting(served) as visitor:
        assert "note.txt is ready" in visitor.add("note.txt", "The mill.")
        assert "was not read" in visitor.add("x.exe", "MZ")
    assert docs_fake.added == ["note.txt", "x.exe"]
    assert not every[0]._sendings


def test_gradio_keeps_and_fetches_no_file_that_a_browser_names(served, docs_fake, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (tmp_path / "there.txt").write_text("Zebra")
    fetched = []

    async def fetch(url: str, **_: object) -> str:
        fetched.append(url)
        return str(tmp_path / "there.txt")

    monkeypatch.setattr(gr.processing_utils, "async_ssrf_protected_download", fetch)
    with visiting(served) as visitor:
        for path in ("http://example.org/a.txt", str(tmp_path / "there.txt"), "/etc/hostname"):
            named = {"path": path, "meta": {"_type": "gradio.FileData"}}
            assert "kept no longer" in visitor._said("upload.upload", [[named]])
            visitor._said("question.submit", [named])
            visitor._said("question.submit", [[{"deep": named}]])
    assert not fetched
    assert not docs_fake.added
    assert [path.name for path in tmp_path.rglob("*")] == ["there.txt"]


def test_each_library_keeps_its_own(every):
    pages = [launch(as_footnote(fake()), port=free_port()) for _ in range(2)]
    for page, kept in zip(pages, every, strict=True):
        with httpx.Client(base_url=page.local_url) as client:
            client.get("/")
            client.post("gradio_api/upload", files={"files": ("a.txt", b"Zebra")}).raise_for_status()
        assert [len(each._sendings) for each in every] == [each is kept for each in every]
        kept.forget(tuple(kept._waiting))
        page.close(verbose=False)
