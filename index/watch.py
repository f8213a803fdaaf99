"""Watching a folder: what is added, changed or removed in it is read, or forgotten, at once."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import watchfiles

from index.errors import LibraryError
from index.library import Library
from index.sync import became

_SETTLED = 800  # milliseconds without another change until what changed is read
_LOOK = 500  # milliseconds until it is seen that the watching is over

_log = logging.getLogger(__name__)


@contextmanager
def watching(library: Library) -> Iterator[None]:
    """Sync a library whenever its folder changes, in a thread of its own, while the block runs."""
    over = Event()
    watcher = Thread(target=watch, args=(library, over), name=f"watching {library.folder}", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def watch(library: Library, over: Event | None = None) -> None:
    """Sync a library whenever its folder changes, until `over` is set; in the main thread Ctrl-C comes through."""
    changes = watchfiles.watch(
        *(root.path for root in library.roots if root.is_approved and root.path.is_dir()),
        watch_filter=lambda _, path: not Path(path).is_relative_to(library.home),
        debounce=_SETTLED,
        rust_timeout=_LOOK,
        yield_on_timeout=True,
        stop_event=over,
    )
    behind = True  # what has changed before anyone watched
    for changed in changes:
        if changed or behind:
            _catch_up(library)
        behind = False


def _catch_up(library: Library) -> None:
    """Sync; where that fails, it is tried again at the next change."""
    before = library.files()
    try:
        after = library.sync()
    except LibraryError as error:
        _log.warning("%s", error)
        return
    if after != before:
        _log.info("%s: %s", library.folder, became(before, after))
