"""Two processes and one library: `python -m tests.locks --times 20`.

A second writer is refused and harms nothing; the lock of a process that was killed locks nobody out; and who reads
beside a writer that adds, changes and removes documents finds whole passages of documents that there are.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from index import embeddings
from index.errors import LibraryError
from index.library import Library
from tests.kills import ROOT, QuickEmbedder

_DOCUMENTS = 12


class Process:
    """A process that opens the library of a folder, and does what it is told."""

    def __init__(self, folder: Path) -> None:
        """Start it; it opens nothing yet."""
        code = "import sys; from pathlib import Path; from tests import locks; locks.live(Path(sys.argv[1]))"
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def tell(self, what: str) -> None:
        """Have it do something: open, sync, read or close."""
        assert self.child.stdin is not None
        self.child.stdin.write(f"{what}\n")
        self.child.stdin.flush()

    def said(self) -> object:
        """What it has to say of what it was told first and has not spoken of yet."""
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(self.child.communicate()[1])
        return json.loads(line)

    def does(self, what: str) -> object:
        """Tell it, and hear what it says."""
        self.tell(what)
        return self.said()

    def kill(self) -> None:
        """Kill it, whatever it is at."""
        self.child.kill()
        self.child.communicate()


def second_writers(folder: Path, times: int) -> Iterator[bool]:
    """Whether of two that open at once one writes, the other is told who does, and nothing is lost by its trying."""
    with _running(folder, 2) as (one, other):
        one.does("open"), one.does("close")  # who opens a library that is just being made is asked to wait
        for number in range(times):
            _write(folder, number)
            for each in (one, other):
                each.tell("open")
            writes = [one.said(), other.said()]
            writer, reader = (one, other) if writes[0] else (other, one)
            refused = reader.does("sync")
            synced = writer.does("sync")
            told = f"is being written by process {writer.child.pid} since"
            yield sorted(writes) == [False, True] and told in str(refused) and synced == _there(folder)
            for each in (reader, writer):
                each.does("close")


def stale_locks(folder: Path, times: int) -> Iterator[bool]:
    """Whether the library of a process that was killed is written by the next one, without a hand."""
    for number in range(times):
        _write(folder, number)
        with _running(folder, 2) as (killed, after):
            opened = killed.does("open")
            killed.tell("sync")
            killed.kill()
            yield opened is True and after.does("open") is True and after.does("sync") == _there(folder)


def readers(folder: Path, times: int) -> Iterator[bool]:
    """Whether who reads beside a writer finds what it should at every moment."""
    with _running(folder, 2) as (writer, reader):
        _write(folder, 0)
        ready = writer.does("open"), writer.does("sync"), reader.does("open")
        for number in range(1, times + 1):
            _write(folder, number)
            writer.tell("sync")
            during = [reader.does("read") for _ in range(20)]
            yield ready[0] is True and ready[2] is False and writer.said() == _there(folder) and set(during) == {""}


HARNESSES: dict[str, Callable[[Path, int], Iterator[bool]]] = {
    "second writer": second_writers,
    "stale lock": stale_locks,
    "reader beside a writer": readers,
}


def main(times: Annotated[int, typer.Option(help="How often each is tried.")] = 20) -> None:
    """Open one library from two processes, and see that neither harms the other."""
    every = True
    for name, harness in HARNESSES.items():
        with tempfile.TemporaryDirectory() as place:
            well = list(harness(made(Path(place)), times))
        typer.echo(f"{name}: {sum(well)}/{len(well)}")
        every = every and all(well)
    raise typer.Exit(0 if every else 1)


def made(place: Path) -> Path:
    """An empty folder for documents."""
    folder = place / "docs"
    folder.mkdir()
    return folder


def live(folder: Path) -> None:
    """Do what is told on standard input, and print what came of it, a line each."""
    embeddings.load = lambda _: QuickEmbedder()
    library: Library | None = None
    for line in sys.stdin:
        what = line.strip()
        if what == "open":
            library = Library(folder)
            said: object = library.writable
        elif library is None:
            raise AssertionError(f"{what} before open")
        elif what == "close":
            library.close()
            said = True
        else:
            said = {"sync": _sync, "read": _read}[what](library)
        sys.stdout.write(f"{json.dumps(said)}\n")
        sys.stdout.flush()


def _sync(library: Library) -> object:
    try:
        return sorted(file.id for file in library.sync())
    except LibraryError as error:
        return str(error)


def _read(library: Library) -> str:
    """What is wrong with what is found, or ""."""
    found = [*library.nearest(library.embedder.embed_query("mill owner"), 10), *library.search("mill owner", 10)]
    passages = library.passages([id for id, _ in found])
    for passage in passages.values():
        try:
            text = library.document(passage.document_id).text
        except KeyError:
            continue  # it was removed meanwhile
        now = library.passages([passage.id])
        if passage.id in now and text[passage.start : passage.end] != passage.text:
            return f"{passage.id} is not what stands in its document"
    return "" if passages else "nothing was found"


@contextmanager
def _running(folder: Path, count: int) -> Iterator[tuple[Process, ...]]:
    processes = tuple(Process(folder) for _ in range(count))
    try:
        yield processes
    finally:
        for each in processes:
            each.kill()


def _write(folder: Path, number: int) -> None:
    """Add, change and remove some documents; some stay."""
    for each in range(_DOCUMENTS):
        path = folder / f"{(number + each) % (2 * _DOCUMENTS)}.txt"
        path.write_text(f"The owner of mill {each} wrote letter {number}. " * (1 + each))
    (folder / f"{(number - 1) % (2 * _DOCUMENTS)}.txt").unlink(missing_ok=True)


def _there(folder: Path) -> list[str]:
    return sorted(f"docs/{path.name}" for path in folder.glob("*.txt"))


if __name__ == "__main__":
    typer.run(main)
