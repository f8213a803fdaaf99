"""What the commands show on a terminal: tables that keep their width in a log, a bar for what takes a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_WIDTH = 110  # of a log, where nobody can say how wide it is


def console() -> Console:
    """Where tables are printed."""
    made = Console()
    return made if made.is_terminal else Console(width=_WIDTH)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, and something to tell it how many of how many are done."""
    error = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=error, transient=True, disable=not error.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
