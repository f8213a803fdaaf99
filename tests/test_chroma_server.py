"""Chroma by URL in place of the embedded one: the same results, and nothing lost or held up when it is away."""

import logging
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

import app
from index import vectors
from index.catalog import CATALOG
from index.errors import LibraryError
from index.library import Library
from index.vectors import Chroma
from index.workers import begun
from tests.chroma_server import running
from tests.conftest import OpenLibrary
from tests.test_library import TEXTS, results, write


@pytest.fixture
def read(folder: Path, open_library: OpenLibrary) -> tuple[object, ...]:
    """What the embedded Chroma finds in a folder, whose library is closed again."""
    write(folder, TEXTS)
    library = open_library()
    library.sync()
    library.settle()
    library.close()
    return results_of(folder)


def results_of(folder: Path, chroma: str = "") -> tuple[object, ...]:
    """What is found in a folder, once it is looked up in Chroma."""
    with closing(Library(folder, chroma=chroma)) as library:
        library.sync()
        library.settle()
        assert library._indexes._vectors is not None
        assert library._indexes._vectors.count() == library.passage_count()
        return results(library)


def rebuilt(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether Chroma's index was built anew since this was asked last."""
    told = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return any("Rebuilding the chroma" in each for each in told)


def collections(url: str) -> set[str]:
    with closing(Chroma.served(url)) as chroma:
        return {name for name in chroma.seals() if name.startswith("footnote-")}


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "index")


def test_a_server_finds_what_the_embedded_one_finds_and_keeps_up_with_the_folder(folder, read, chroma_server, caplog):
    rebuilt(caplog)
    assert results_of(folder, chroma_server) == read
    assert rebuilt(caplog)
    assert results_of(folder, chroma_server) == read
    assert not rebuilt(caplog)
    (folder / "mill.txt").unlink()
    write(folder, {"dam.txt": "The dam broke, and a building burned."})
    changed = results_of(folder, chroma_server)
    assert not rebuilt(caplog)
    assert changed == results_of(folder) != read


def test_a_server_that_dies_costs_no_answer_and_is_caught_up_when_it_is_back(folder, read, tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "_DEADLINE", 600.0)  # nobody waits for it
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server") as (server, url), closing(Library(folder, chroma=url)) as library:
        library.settle()
        server.kill()
        server.wait()
        assert begun(lambda: results(library)).result(60) == read
        write(folder, {"dam.txt": "The dam broke."})
        library.sync()
        assert "docs/dam.txt" in {file.id for file in library.files()}
        with pytest.raises(LibraryError, match=f"There is no Chroma server at {url}"):
            library.settle()
        with running(tmp_path / "server", int(url.rpartition(":")[2])):
            library.settle()
            assert library._indexes._vectors.count() == library.passage_count()
            assert len(collections(url)) == 1


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a server that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def half_deaf() -> Iterator[str]:
    """The address of a server that answers its heartbeat, and nothing else while the test runs."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.endswith("heartbeat"):
                over.wait()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    over.set()
    server.shutdown()


@pytest.mark.parametrize("server", ["deaf", "half_deaf"])
def test_a_server_that_never_answers_holds_nobody_up(folder, read, request, monkeypatch, server):
    monkeypatch.setattr(vectors, "_DEADLINE", 0.5)

    def asked() -> None:
        with closing(Library(folder, chroma=request.getfixturevalue(server))) as library:
            assert results(library) == read
            with pytest.raises(LibraryError, match="There is no Chroma server at"):
                library.settle()

    begun(asked).result(60)


def test_a_server_that_falls_silent_costs_a_question_its_deadline_and_no_answer(folder, read, tmp_path, monkeypatch):
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server") as (server, url), closing(Library(folder, chroma=url)) as library:
        library.settle()
        monkeypatch.setattr(vectors._client_of(url)._server._session, "timeout", httpx.Timeout(1.0))
        monkeypatch.setattr(vectors, "_DEADLINE", 1.0)
        server.send_signal(signal.SIGSTOP)
        assert begun(lambda: results(library)).result(60) == read
        assert library._indexes._vectors is None  # who asks next does not wait


def test_what_another_has_changed_on_the_server_is_built_anew(folder, read, chroma_server, caplog):
    results_of(folder, chroma_server)
    with closing(Chroma.served(chroma_server)) as chroma:
        for name in collections(chroma_server):
            held = chroma.client.get_collection(name, embedding_function=None)
            held.update(held.get()["ids"], embeddings=[[1.0] + [0.0] * 383] * held.count())
    rebuilt(caplog)
    assert results_of(folder, chroma_server) == read
    assert rebuilt(caplog)


def test_a_copy_of_a_library_has_a_collection_of_its_own_and_an_old_one_is_not_trusted(
    folder, read, chroma_server, caplog, tmp_path
):
    results_of(folder, chroma_server)
    old = Path(shutil.copytree(folder, tmp_path / "copy" / "docs"))
    before = collections(chroma_server)
    assert results_of(old, chroma_server) == read
    assert len(collections(chroma_server) - before) == 1
    assert before < collections(chroma_server)
    kept = (folder / ".footnote" / CATALOG).read_bytes()
    results_of(folder, chroma_server)
    (folder / ".footnote" / CATALOG).write_bytes(kept)
    rebuilt(caplog)
    assert results_of(folder, chroma_server) == read
    assert rebuilt(caplog)


def test_a_purge_leaves_nothing_on_the_server(folder, read, chroma_server):
    before = collections(chroma_server)
    results_of(folder, chroma_server)
    assert len(collections(chroma_server) - before) == 1
    with closing(Library(folder)) as library:  # without it, this time
        library.purge()
    assert collections(chroma_server) == before
    assert not (folder / ".footnote" / "chroma").exists()


def test_the_command_line_asks_a_server(folder, read, chroma_server, monkeypatch, capsys):
    before = collections(chroma_server)
    monkeypatch.setenv("FOOTNOTE_CHROMA", chroma_server)
    with pytest.raises(SystemExit, match="0"):
        app.main(["sync", str(folder)])
    assert len(collections(chroma_server) - before) == 1
    with pytest.raises(SystemExit, match="1"):
        app.main(["sync", str(folder), "--chroma", "http://127.0.0.1:1"])
    assert "There is no Chroma server at http://127.0.0.1:1 (" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="1"):
        app.main(["sync", str(folder), "--chroma", "nonsense"])
    assert "There is no Chroma server at nonsense (" in capsys.readouterr().err
