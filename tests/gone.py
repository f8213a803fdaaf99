"""A document that is removed and purged is nowhere on the disk: `python -m tests.gone --kills 100`.

Each round adds one, through the library or through its page, looks it up, makes a backup of it, restores that, removes
the document and purges, until it is killed by chance. A fresh process then opens what is left, removes the document
where it is still there, and purges. After that no file of the libraries, of the folder for temporary files, of the
user's home or of the place of the backups holds it, and nothing unfinished is left; a backup that was finished is its
owner's to delete.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Annotated

import httpx
import typer

from eval.bench.visitor import Visitor
from eval.served import free_port
from index import embeddings
from index.backup import backup, restore
from index.library import Library
from tests.kills import ROOT, QuickEmbedder

SECRET = "The safe of Ada opens with ZEBRA-CODEWORD on Mondays."
_NAME = "secret.txt"
_LARGE = 200  # times that it stands in what is sent to the page
_STEPS = ("keeping", "purging", "restoring", "removing", "adding", "settling")
_LONGEST = 0.4  # seconds from the beginning of one of them until the process is killed


@dataclass(frozen=True, slots=True)
class Place:
    """Where a round lives: two folders with libraries, the backups, and what stands for the user's other folders."""

    whole: Path

    @property
    def docs(self) -> Path:
        """The documents."""
        return self.whole / "docs"

    @property
    def again(self) -> Path:
        """The same library, restored."""
        return self.whole / "again"

    @property
    def kept(self) -> Path:
        """Where backups go."""
        return self.whole / "kept"

    def make(self) -> None:
        """Make all of it, with two documents that stay."""
        for name in ("docs", "again", "kept", "tmp", "home"):
            (self.whole / name).mkdir(parents=True)
        for folder in (self.docs, self.again):
            (folder / "mill.txt").write_text("The mill burned in 1902. It was rebuilt in brick.")
            (folder / "ferry.txt").write_text("The ferry leaves at seven.")

    def environment(self) -> dict[str, str]:
        """That of a user who has nothing else there."""
        places = {"TMPDIR": "tmp", "SQLITE_TMPDIR": "tmp", "HOME": "home", "XDG_STATE_HOME": "home/state"}
        return {**os.environ, **{name: str(self.whole / folder) for name, folder in places.items()}}

    def holding(self) -> list[str]:
        """The files that hold the document, and what is unfinished."""
        files = (path for path in self.whole.rglob("*") if path.is_file())
        holding = [str(path) for path in files if b"ZEBRA-CODEWORD" in path.read_bytes()]
        unfinished = [*self.whole.rglob(".footnote-*"), *self.whole.rglob("*.part")]
        return holding + [str(path) for path in unfinished]


def main(
    kills: Annotated[int, typer.Option(help="How often a process is killed.")] = 100,
    seed: Annotated[int, typer.Option(help="Draws when.")] = 7,
) -> None:
    """Kill what has a document under way again and again, and look for it on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        found = 0
        for number, holding in enumerate(rounds(Path(folder), kills, seed), start=1):
            found += bool(holding)
            if holding or number % 10 == 0:
                typer.echo(f"{number} killed: {', '.join(holding) or 'nothing is left'}")
    typer.echo(f"{kills} kills: after {found} of them something was left")
    raise typer.Exit(1 if found else 0)


def rounds(whole: Path, kills: int, seed: int) -> Iterator[list[str]]:
    """What is left after each kill, a purge and no more; every third time the page is killed, else the library."""
    place, chance = Place(whole), random.Random(seed)
    place.make()
    for number in range(kills):
        if number % 3 == 2:
            _served(place, chance)
        else:
            _lived(place, _STEPS[number % len(_STEPS)], chance.uniform(0.0, _LONGEST))
        assert _child(place, "purge").wait(120) == 0
        for path in place.kept.glob("*.zip"):
            path.unlink()
        yield place.holding()


def live(whole: Path) -> None:
    """Add the document, look it up, keep it, restore it, remove it and purge; say before each what is next."""
    place = Place(whole)
    with closing(Library(place.docs)) as library:
        library.sync()
        steps = {
            "adding": lambda: library.add(_NAME, SECRET.encode()),
            "settling": library.settle,
            "keeping": lambda: backup(library.home, place.kept / "kept.zip"),
            "restoring": lambda: restore(place.kept / "kept.zip", place.again / ".footnote"),
            "removing": lambda: library.remove(f"uploads/{_NAME}"),
            "purging": library.purge,
        }
        for name, do in steps.items():
            print(name, flush=True)  # noqa: T201
            do()


def serve(whole: Path) -> None:
    """Serve the page until killed."""
    import rag  # heavy, as what comes with Gradio is: the other processes do without
    from web.page import launch

    with rag.open(Place(whole).docs, llm="") as docs:
        page = launch(docs, port=free_port())
        print(page.local_url, flush=True)  # noqa: T201
        time.sleep(600)


def purge(whole: Path) -> None:
    """Remove the document where it is, and purge."""
    place = Place(whole)
    for folder in (place.docs, *([place.again] if any(place.again.glob(".footnote*")) else [])):
        with closing(Library(folder, model=QuickEmbedder.name)) as library:  # a restored one is asked about
            for file in library.sync():
                if file.id.startswith("uploads/"):
                    library.remove(file.id)
            library.purge()
    if not place.holding():
        shutil.rmtree(place.again / ".footnote", ignore_errors=True)  # so that the next round can restore it


def _lived(place: Place, step: str, seconds: float) -> None:
    """Have it all done until some time after a step has begun."""
    child = _child(place, "live")
    assert child.stdout is not None
    while child.stdout.readline().strip() != step:
        assert child.poll() is None, f"{step} was not met"
    time.sleep(seconds)
    _kill(child)


def _served(place: Place, chance: random.Random) -> None:
    """Have the page killed while the document is sent, while it waits to be added, or by chance after that."""
    child = _child(place, "serve")
    assert child.stdout is not None
    url = child.stdout.readline().strip()
    stop = chance.choice(("sending", "waiting", "adding"))
    text = "\n".join([SECRET] * _LARGE)

    def sending() -> Iterator[bytes]:
        head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{_NAME}"\r\n\r\n'
        yield head.encode() + text.encode()
        if stop == "sending":
            time.sleep(0.2)  # until it has arrived
            child.kill()
        yield b"\r\n--x--\r\n"

    with suppress(httpx.HTTPError), httpx.Client(base_url=url, timeout=30) as client:
        client.get("/").raise_for_status()
        headers = {"content-type": "multipart/form-data; boundary=x"}
        if stop == "adding":
            Timer(chance.uniform(0.0, 0.5), child.kill).start()
            Visitor(client).add(_NAME, text)
        else:
            client.post("gradio_api/upload", content=sending(), headers=headers)
    _kill(child)


def _child(place: Place, task: str) -> subprocess.Popen[str]:
    code = "import sys; from tests import gone; gone.begin(*sys.argv[1:])"
    command = [sys.executable, "-c", code, task, str(place.whole)]
    return subprocess.Popen(
        command, cwd=ROOT, env=place.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def begin(task: str, whole: str) -> None:
    """Do one of the tasks in this process."""
    embeddings.load = lambda _: QuickEmbedder()
    {"live": live, "serve": serve, "purge": purge}[task](Path(whole))


def _kill(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.communicate()


if __name__ == "__main__":
    typer.run(main)
