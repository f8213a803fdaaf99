"""Recipes of hostile files: what each is called, and the pure function that makes its bytes once it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bait:
    """What hostile files reach for.

    Attributes:
        path: A file that no reader may open.
        url: An address, with a slash at its end, that no reader may ask.
    """

    path: Path
    url: str

    @property
    def escape(self) -> Path:
        """Where what escapes from an archive would be written."""
        return self.path.with_name("escaped.txt")


BAIT = Bait(Path("/tmp/footnote-bait/secret.txt"), "http://127.0.0.1:9/")
"""Stands for any bait where nothing is read."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file made to harm: `name` says how, `file_name` is what it is called in a folder."""

    name: str
    file_name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a hostile file is made.

    Attributes:
        name: What it does, and " in " what kind of file where it does so in several.
        file_name: What it is called in a folder.
        make: Makes its bytes.
        slow: Whether making or reading it takes a second or more.
    """

    name: str
    file_name: str
    make: Callable[[Bait], bytes]
    slow: bool = False

    @property
    def kind(self) -> str:
        """What it does, whatever kind of file it does it in."""
        return self.name.rpartition(" in ")[0] or self.name

    def made(self, bait: Bait = BAIT) -> Hostile:
        """The file."""
        return Hostile(self.name, self.file_name, self.make(bait))


def plain(name: str, file_name: str, make: Callable[[], bytes | str]) -> Recipe:
    """A recipe that needs no bait; text is written as UTF-8, lone surrogates as they come."""

    def bytes_of(_: Bait) -> bytes:
        made = make()
        return made.encode("utf-8", "surrogatepass") if isinstance(made, str) else made

    return Recipe(name, file_name, bytes_of)


def baited(name: str, file_name: str, make: Callable[[Bait], bytes | str]) -> Recipe:
    """A recipe whose file reaches for a bait."""

    def bytes_of(bait: Bait) -> bytes:
        made = make(bait)
        return made.encode("utf-8", "surrogatepass") if isinstance(made, str) else made

    return Recipe(name, file_name, bytes_of)
