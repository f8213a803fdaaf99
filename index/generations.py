"""Where an index lives, generation after generation: in folders, or in collections of a Chroma server.

Files that came with a folder from elsewhere are never opened: what their libraries read can run code. So the seal of a
folder is signed by the user who closed it.
"""

import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from index import elsewhere
from index.catalog import CATALOG, Catalog
from index.errors import LibraryError
from index.fill import MOVED
from index.private import make_subfolder
from index.selfcheck import finds_its_own
from index.trust import sign
from index.vectors import Chroma, ChromaVectors

SERVED = "chroma at "
"""What the names of indexes on a server begin with; the address follows."""

_COLLECTION = "passages"
_LOOK, _PATIENCE = 0.05, 120  # seconds between two looks at a process of its own, and that it is given
_PASSAGE = 0.05  # seconds that it is given for each passage to be written, besides


class Ended(LibraryError):
    """The library is being closed."""

    def __init__(self) -> None:
        super().__init__("The library is being closed.")


class Generations(Protocol):
    """Where an index lives. A generation never moves, and is known by its number.

    Attributes:
        name: What the catalog calls the index.
    """

    name: str

    def seal(self, generation: int) -> str:
        """What tells a generation that was closed just now from what may become of it; "" where there is none."""

    def is_sealed(self, generation: int, seal: str) -> bool:
        """Whether a generation is what it was when it got this seal."""

    def clear(self, generation: int) -> None:
        """Leave nothing of what may be there under this number."""

    def sweep(self, generation: int) -> None:
        """Leave nothing of all others."""

    def discard(self) -> None:
        """Leave nothing."""


class VectorGenerations(Generations, Protocol):
    """Where Chroma's index lives.

    Attributes:
        keeps_waiting: Whether writing it here keeps this process's other threads waiting.
    """

    keeps_waiting: bool

    def open(self, generation: int) -> ChromaVectors:
        """A generation, made where there is none.

        Raises:
            LibraryError: It cannot be opened.
        """

    def fill(self, generation: int, revision: int, count: int) -> bool:
        """Write a generation as the catalog is at a revision, with its `count` passages; whether it was done at all.

        Raises:
            LibraryError: It cannot be written.
            Ended: The library is being closed.
        """

    def open_checked(self, generation: int) -> ChromaVectors:
        """A generation that finds what it should.

        Raises:
            LibraryError: It does not, or cannot be opened.
            Ended: The library is being closed.
        """


class Folders:
    """A folder for each generation."""

    def __init__(self, path: Path) -> None:
        """Generations live in `path`, whose name is the index's."""
        self.name = path.name
        self._path = path

    def path(self, generation: int) -> Path:
        """A generation's folder."""
        return self._path / str(generation)

    def seal(self, generation: int) -> str:
        """See `Generations`: the SHA-256 of all files in it, their names and bytes, signed by this user."""
        whole, folder = sha256(), self.path(generation)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with path.open("rb") as stream:
                    name, digest = path.relative_to(folder).as_posix(), file_digest(stream, sha256).hexdigest()
                whole.update(f"{name}\0{digest}\0".encode())
        return sign(whole.hexdigest()) if folder.exists() else ""

    def is_sealed(self, generation: int, seal: str) -> bool:
        """See `Generations`."""
        return bool(seal) and seal == self.seal(generation)

    def clear(self, generation: int) -> None:
        """See `Generations`."""
        shutil.rmtree(self.path(generation), ignore_errors=True)

    def sweep(self, generation: int) -> None:
        """See `Generations`."""
        for folder in self._path.iterdir():
            if folder != self.path(generation):
                shutil.rmtree(folder, ignore_errors=True)

    def discard(self) -> None:
        """See `Generations`."""
        shutil.rmtree(self._path, ignore_errors=True)


class ChromaFolders(Folders):
    """Chroma's index, embedded in this process: a crash of it would be ours, so another one tries it first."""

    keeps_waiting = True

    def __init__(self, path: Path, over: threading.Event) -> None:
        """Generations live in `path`; once `over` is set, nothing is waited for."""
        super().__init__(path)
        self._over = over

    def open(self, generation: int) -> ChromaVectors:
        """See `VectorGenerations`."""
        return ChromaVectors(Chroma.embedded(self._made(generation)), _COLLECTION)

    def fill(self, generation: int, revision: int, count: int) -> bool:
        """See `VectorGenerations`; another process does it, for Chroma would keep this one's threads waiting."""
        self._made(generation)
        code = self._elsewhere("index.fill", generation, _PATIENCE + _PASSAGE * count, str(revision))
        if code not in (0, MOVED):
            raise LibraryError(f"The vector index {self.path(generation)} cannot be written ({code}).")
        return code == 0

    def open_checked(self, generation: int) -> ChromaVectors:
        """See `VectorGenerations`; another process opens it before."""
        code = self._elsewhere("index.selfcheck", generation, _PATIENCE)
        if code:
            raise LibraryError(f"The vector index {self.path(generation)} does not find what it should ({code}).")
        return self.open(generation)

    def _made(self, generation: int) -> Path:
        """A generation's folder, made where there is none."""
        make_subfolder(self.path(generation))
        return self.path(generation)

    def _elsewhere(self, module: str, generation: int, patience: float, *more: str) -> int:
        """The exit code of a module of ours, run on a generation in a process of its own.

        Raises:
            Ended: The library is being closed.
        """
        catalog = str(self._path.parent / CATALOG)
        silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        child = elsewhere.begin(module, str(self.path(generation)), catalog, _COLLECTION, *more, **silent)
        deadline = time.monotonic() + patience
        try:
            while child.poll() is None and time.monotonic() < deadline and not self._over.wait(_LOOK):
                pass
        finally:
            child.kill()
            code = child.wait()
        if self._over.is_set():
            raise Ended
        return code


class ChromaServer:
    """Chroma's index on a server, a collection for each generation.

    The collections are named after this computer and the library's place, so that a copy of the library has its own. A
    seal is a word drawn by chance that both catalog and collection hold: an older copy of the catalog holds another.
    """

    keeps_waiting = False

    def __init__(self, url: str, home: Path, catalog: Catalog) -> None:
        """Generations of the library in `home` live on the server at `url`, such as `http://localhost:8000`."""
        self.name = f"{SERVED}{url}"
        self._url = url
        self._catalog = catalog
        owner = sha256(f"{platform.node()}\0{home.resolve()}".encode()).hexdigest()[:32]
        self._prefix = f"footnote-{owner}-"

    def open(self, generation: int) -> ChromaVectors:
        """See `VectorGenerations`."""
        return ChromaVectors(Chroma.served(self._url), f"{self._prefix}{generation}")

    def fill(self, generation: int, revision: int, count: int) -> bool:  # noqa: ARG002
        """See `VectorGenerations`; not done, for a server keeps no thread of ours waiting."""
        return False

    def open_checked(self, generation: int) -> ChromaVectors:
        """See `VectorGenerations`."""
        vectors = self.open(generation)
        if not finds_its_own(vectors, self._catalog):
            vectors.close()
            raise LibraryError(f"The vector index at {self._url} does not find what it should.")
        return vectors

    def seal(self, generation: int) -> str:
        """See `Generations`."""
        seal = uuid4().hex
        with closing(Chroma.served(self._url)) as chroma:
            chroma.set_seal(f"{self._prefix}{generation}", seal)
        return seal

    def is_sealed(self, generation: int, seal: str) -> bool:
        """See `Generations`."""
        with closing(Chroma.served(self._url)) as chroma:
            return bool(seal) and chroma.seals().get(f"{self._prefix}{generation}") == seal

    def clear(self, generation: int) -> None:
        """See `Generations`."""
        self._delete(lambda name: name == f"{self._prefix}{generation}")

    def sweep(self, generation: int) -> None:
        """See `Generations`."""
        self._delete(lambda name: name != f"{self._prefix}{generation}")

    def discard(self) -> None:
        """See `Generations`."""
        self._delete(lambda _: True)

    def _delete(self, unwanted: Callable[[str], bool]) -> None:
        """Delete those of the library's collections."""
        with closing(Chroma.served(self._url)) as chroma:
            for name in chroma.seals():
                if name.startswith(self._prefix) and unwanted(name):
                    chroma.delete(name)
