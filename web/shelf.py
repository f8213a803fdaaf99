"""Shelf: the libraries that can be turned to from a page, each served at an address of its own.

Only for a page that this computer alone opens: whoever may turn to another folder may read it.
"""

import json
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

import platformdirs

from index import private
from index.errors import LibraryError
from index.sync import OnProgress
from rag.footnote import Footnote

_MOST = 8  # libraries remembered

_log = logging.getLogger(__name__)


class Opener(Protocol):
    """Opens a library; `rag.open`, mostly."""

    def __call__(self, folder: Path, *, home: Path | None, on_progress: OnProgress) -> Footnote:
        """Open the library of a folder, brought up to date; it lives in `home`, or where libraries usually do."""


Launch = Callable[[Footnote], tuple[str, Callable[[], None]]]
"""Serves a library: its address, and what ends it."""


@dataclass(frozen=True, slots=True)
class Known:
    """A library that can be turned to: the folder of its documents, and its address, or "" where it is not open."""

    folder: Path
    url: str = ""


class Shelf:
    """The libraries open in this process, and those that were open before."""

    def __init__(self, opener: Opener, launch: Launch, remembered: Path | None = None) -> None:
        """Open with `opener`, serve with `launch`, and remember in a file; by default one of the user's state."""
        self._opener = opener
        self._launch = launch
        self._file = remembered or platformdirs.user_state_path("footnote") / "libraries.json"
        self._urls: dict[Path, str] = {}
        self._ends = ExitStack()
        self._opening = Lock()
        self._over = False

    def put(self, docs: Footnote, url: str) -> None:
        """Remember a library that is served."""
        folder = docs.library.folder.resolve()
        self._urls[folder] = url
        self._remember(folder, docs.library.home)

    def known(self) -> tuple[Known, ...]:
        """The libraries remembered whose folders are there, the one opened last first."""
        return tuple(Known(folder, self._urls.get(folder, "")) for folder in self._remembered() if _is_there(folder))

    def turn_to(self, folder: Path, on_progress: OnProgress = lambda _: None) -> str:
        """Open the library of a folder where it is not open yet, and make it where there is none.

        Returns:
            Its address.

        Raises:
            FootnoteError: There is no such folder, or its library cannot be made, opened, written or served.
        """
        try:
            folder = folder.expanduser().resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise LibraryError(f"There is no folder {folder} ({error}).") from error
        if folder in self._urls:
            return self._urls[folder]
        with self._opening, ExitStack() as undone:
            if folder in self._urls:
                return self._urls[folder]
            docs = self._opener(folder, home=self._remembered().get(folder), on_progress=on_progress)
            undone.callback(docs.close)
            docs.library.lock.require()
            if self._over:
                raise LibraryError("Footnote is ending.")
            url, end = self._launch(docs)
            undone.callback(end)
            self.put(docs, url)
            self._ends.push(undone.pop_all())
            return url

    def close(self) -> None:
        """End the pages of the libraries that were turned to, and let go of them; nothing more is opened."""
        self._over = True
        self._ends.close()

    def _remembered(self) -> dict[Path, Path]:
        """Where the library of each folder remembered lives, by folder, the one turned to last first."""
        try:
            saved = json.loads(self._file.read_text(encoding="utf-8"))
            return {Path(folder): Path(home) for folder, home in saved.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            _log.warning("The libraries opened before cannot be read from %s (%s).", self._file, error)
            return {}

    def _remember(self, folder: Path, home: Path) -> None:
        """Put a library first of those remembered."""
        others = {other: place for other, place in self._remembered().items() if other != folder}
        places = list(({folder: home} | others).items())
        saved = {str(known): str(place) for known, place in places[:_MOST]}
        try:
            private.make_folder(self._file.parent)
            part = self._file.with_suffix(".part")
            private.make_file(part)
            part.write_text(json.dumps(saved), encoding="utf-8")
            part.replace(self._file)
        except OSError as error:
            _log.warning("The libraries opened cannot be remembered in %s (%s).", self._file, error)


def _is_there(folder: Path) -> bool:
    """Whether a folder can be opened, and named on a page; one on a disk that is away cannot."""
    try:
        str(folder).encode()
        return folder.is_dir()
    except (OSError, UnicodeEncodeError):
        return False
