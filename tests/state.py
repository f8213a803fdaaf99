"""Whatever becomes of a folder and its library, a sync makes them equal (I5): `python -m tests.state --examples 500`.

Files are written, changed, renamed, copied, swapped and removed; documents are added in the chat and removed there; the
library is closed and opened, killed at some point of a sync, its indexes damaged, its forgotten documents purged. After
each step everything is asked for, and compared with what the folder holds.
"""

import os
import shutil
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from unittest import mock

import typer
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from index import embeddings
from index.library import Library
from tests import kills

_DAMAGES = ("gone", "emptied", "half", "flipped", "longer")
_WORDS = ("mill", "school", "port")


class AnyFolder(RuleBasedStateMachine):
    """A folder, its library, and what has been added to it in the chat."""

    names = st.sampled_from(["a.txt", "b.txt", "c.md", "sub/d.txt", "sub/é 👍.txt"])
    texts = st.sampled_from(
        [
            "The mill burned.",
            "The port burned.",
            "A school stayed.\n\nIt has a roof.",
            "Ports freeze. A port does. " * 60,
            "",
            "\x00",
        ]
    )

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory()
        self.folder = Path(self.place.name, "docs")
        self.folder.mkdir()
        self.clock = 10**18
        self.killed = 0
        self.library = Library(self.folder)

    def teardown(self) -> None:
        self.library.close()
        self.place.cleanup()

    @rule(name=names, text=texts)
    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.clock += 1
        os.utime(path, ns=(self.clock, self.clock))

    @rule(name=names)
    def remove(self, name):
        (self.folder / name).unlink(missing_ok=True)

    @rule(old=names, new=names)
    def rename(self, old, new):
        if (self.folder / old).exists():
            (self.folder / new).parent.mkdir(exist_ok=True)
            (self.folder / old).rename(self.folder / new)

    @rule(old=names, new=names)
    def copy(self, old, new):
        if (self.folder / old).exists() and old != new:
            (self.folder / new).parent.mkdir(exist_ok=True)
            shutil.copyfile(self.folder / old, self.folder / new)
            self.clock += 1
            os.utime(self.folder / new, ns=(self.clock, self.clock))

    @rule(old=names, new=names)
    def swap(self, old, new):
        if (self.folder / old).exists() and (self.folder / new).exists() and old != new:
            first, second = (self.folder / old).read_text(), (self.folder / new).read_text()
            self.write(old, second)
            self.write(new, first)

    @rule(name=st.sampled_from(["letter.txt", "a.txt"]), text=texts)
    def upload(self, name, text):
        self.library.add(name, text.encode())

    @rule(name=st.sampled_from(["letter.txt", "a.txt"]))
    def take_back(self, name):
        if (self.folder / ".footnote" / "uploads" / name).exists():
            self.library.remove(f"uploads/{name}")

    @rule(is_settled=st.booleans())
    def restart(self, is_settled):
        if is_settled:
            self.library.settle()
        self.library.close()
        self.library = Library(self.folder)

    @rule(index=st.sampled_from(["chroma", "lexical"]), damage=st.sampled_from(_DAMAGES), seed=st.integers(0, 99))
    def damage(self, index, damage, seed):
        self.library.settle()
        self.library.close()
        files = sorted(path for path in (self.folder / ".footnote" / index).rglob("*") if path.is_file())
        if files:
            _damage(files[seed % len(files)], damage)
        self.library = Library(self.folder)

    @rule()
    def purge(self):
        self.library.purge()
        self.library = Library(self.folder)

    @precondition(lambda self: not self.killed)
    @rule(point=st.sampled_from(kills.POINTS), count=st.integers(1, 3))
    def kill(self, point, count):
        self.killed += 1
        self.library.close()
        code = "import sys; from tests import state; state.sync(*sys.argv[1:])"
        command = [sys.executable, "-c", code, str(self.folder), point, str(count)]
        subprocess.run(command, cwd=kills.ROOT, check=False)
        self.library = Library(self.folder)

    @invariant()
    def equals_the_folder(self):
        library, folder = self.library, self.folder
        library.sync()
        roots = {"docs": folder, "uploads": folder / ".footnote" / "uploads"}
        there = {
            f"{name}/{path.relative_to(root).as_posix()}": path.read_bytes()
            for name, root in roots.items()
            for path in root.rglob("*.*")
            if path.is_file() and ".footnote" not in path.relative_to(root).parts
        }
        files = {file.id: file for file in library.files()}
        assert {id: sha256(data).hexdigest() for id, data in there.items()} == {
            id: file.sha256 for id, file in files.items()
        }
        readable = {data for data in there.values() if data not in (b"", b"\x00")}
        indexed = [file for file in files.values() if file.state == "indexed"]
        assert sorted(file.sha256 for file in indexed) == sorted(sha256(data).hexdigest() for data in readable)
        for file in files.values():
            if "same as" in file.reason:
                twin = files[file.reason.removeprefix("it is the same as ").removesuffix(", which is read")]
                assert (twin.state, twin.sha256) == ("indexed", file.sha256)
        self.finds({passage.id: passage.text for file in indexed for passage in library.passages_of(file.id)})

    def finds(self, passages: dict[str, str]) -> None:
        """Whether each passage is found, both ways, and nothing else; of those with the same text the first."""
        library = self.library
        firsts = {text: min(id for id in passages if passages[id] == text) for text in set(passages.values())}
        nearest = library.nearest(library.embedder.embed_query(" ".join(_WORDS)), 50)
        words = library.search(" ".join(_WORDS), 50)
        assert library.passage_count() == len(passages)
        assert {id for id, _ in nearest} == set(firsts.values())
        assert {id for id, _ in words} == {
            id for text, id in firsts.items() if any(word in text.lower() for word in _WORDS)
        }


def sync(folder: str, point: str, count: str) -> None:
    """Sync until killed when a point is met that often."""
    embeddings.load = lambda _: kills.QuickEmbedder()
    kills.kill_at(point, int(count))
    with closing(Library(Path(folder))) as library:
        library.sync()
        library.settle()


def _damage(path: Path, damage: str) -> None:
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
        return
    flipped = bytes(byte ^ 0xFF if place % 97 == 0 else byte for place, byte in enumerate(data))
    changed = {"emptied": b"", "half": data[: len(data) // 2], "flipped": flipped, "longer": data + b"?"}
    path.unlink()  # or who still has it mapped, and closes it later, would be ended by the system
    path.write_bytes(changed[damage])


def run(examples: int, steps: int) -> None:
    """Look for a counterexample in so many examples of so many steps at most."""
    wanted = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    with mock.patch.object(embeddings, "load", return_value=kills.QuickEmbedder()):
        run_state_machine_as_test(AnyFolder, settings=wanted)


def main(
    examples: Annotated[int, typer.Option(help="How many histories are tried.")] = 500,
    steps: Annotated[int, typer.Option(help="How many steps each has at most.")] = 20,
) -> None:
    """Try histories of a folder and its library, and fail with the shortest one that goes wrong."""
    run(examples, steps)
    typer.echo(f"{examples} examples: no counterexample")


if __name__ == "__main__":
    typer.run(main)
