"""A folder that is watched is read as it changes."""

import logging
import time
from pathlib import Path

import pytest

from index.errors import LibraryError
from index.library import Library
from index.sync import Changes
from index.watch import watching
from tests.conftest import OpenLibrary, soon


def names(library: Library) -> set[str]:
    return {file.id.partition("/")[2] for file in library.files()}


def test_what_is_added_changed_and_removed_is_noticed(open_library: OpenLibrary, folder: Path) -> None:
    (folder / "before.txt").write_text("It was there before.")
    library = open_library()
    with watching(library):
        soon(lambda: names(library) == {"before.txt"})
        (folder / "new.txt").write_text("The mill burned.")
        soon(lambda: names(library) == {"before.txt", "new.txt"})
        (folder / "new.txt").write_text("The mill was rebuilt.")
        soon(lambda: library.document(f"{folder.name}/new.txt").text == "The mill was rebuilt.")
        (folder / "before.txt").unlink()
        soon(lambda: names(library) == {"new.txt"})
    (folder / "late.txt").write_text("Nobody watches.")
    time.sleep(1)
    assert names(library) == {"new.txt"}


def test_a_sync_that_fails_is_tried_again_at_the_next_change(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library = open_library()
    real, tries = library.sync, []

    def failing() -> object:
        tries.append(1)
        if len(tries) == 1:
            raise LibraryError("The disk is full.")
        return real()

    monkeypatch.setattr(library, "sync", failing)
    with caplog.at_level(logging.WARNING), watching(library):
        soon(lambda: len(tries) == 1)
        (folder / "new.txt").write_text("The mill burned.")
        soon(lambda: names(library) == {"new.txt"})
    assert "The disk is full." in caplog.text


def test_what_a_sync_would_do_is_told_and_not_done(open_library: OpenLibrary, folder: Path) -> None:
    for name in ("kept", "gone", "moved", "edited"):
        (folder / f"{name}.txt").write_text(f"This is {name}.")
    library = open_library()
    library.sync()
    before = library.files()
    assert library.changes() == Changes((), (), (), ())
    (folder / "gone.txt").unlink()
    (folder / "moved.txt").rename(folder / "there.txt")
    (folder / "edited.txt").write_text("This is something else.")
    (folder / "fresh.txt").write_text("This is fresh.")
    (folder / "twin.txt").write_text("This is moves.")  # as long as what moved, and not the same
    root = folder.name
    assert library.changes() == Changes(
        added=(f"{root}/fresh.txt", f"{root}/twin.txt"),
        changed=(f"{root}/edited.txt",),
        renamed=((f"{root}/moved.txt", f"{root}/there.txt"),),
        removed=(f"{root}/gone.txt",),
    )
    assert library.files() == before
