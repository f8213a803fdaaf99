"""The chat in a process of its own, as `footnote serve` starts it: its address, and the memory it takes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from index.errors import FootnoteError

APP = Path(__file__).parent.parent / "app.py"

_TRIES, _BETWEEN = 1_200, 0.1  # and seconds between two: a long document is read before the page is served
_PATIENCE = 5  # seconds with a page that has begun to answer


@contextmanager
def served(
    folder: Path, *, password: str = "", log: IO[bytes] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A chat of this folder in a process of its own, and its address; it is stopped in the end.

    Args:
        folder: Whose documents it is about.
        password: What opens its page; "" where that needs none.
        log: What it says on standard error goes there; to this process's own where there is none.

    Raises:
        FootnoteError: It ended, or did not answer in time.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if name != "FOOTNOTE_PASSWORD"}
    if password:
        environment["FOOTNOTE_PASSWORD"] = password
    command = [sys.executable, str(APP), "serve", str(folder), "--port", str(port)]
    with TemporaryDirectory() as forgotten:  # the libraries that it turns to are not those of its user
        process = subprocess.Popen(command, env={**environment, "XDG_STATE_HOME": forgotten}, stderr=log)
        try:
            _wait(process, address)
            yield process, address
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def chromium_path() -> str | None:
    """The system's Chromium, or None where it has none."""
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path), None)


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(_TRIES):
        if _answers(address):
            return
        if process.poll() is not None:
            raise FootnoteError(
                f"The chat ended with exit code {process.returncode} before it was served; see above why."
            )
        time.sleep(_BETWEEN)
    raise FootnoteError(f"The chat did not answer at {address} within {_TRIES * _BETWEEN:.0f} seconds.")


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=_PATIENCE) as response:
            return bool(response.status == 200)
    except HTTPError as error:
        return error.code == HTTPStatus.UNAUTHORIZED  # it asks for its password
    except (URLError, TimeoutError):
        return False
