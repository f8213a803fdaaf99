"""Text in pictures of text: read by tesseract, where that program is installed."""

import os
import shutil
import subprocess

from index.errors import Refused

MAX_PAGES = 300
"""Of a scan: a page takes a second or two."""

_PROGRAM = "tesseract"
_SECONDS = 60.0  # for a page


def is_there() -> bool:
    """Whether tesseract is installed."""
    return shutil.which(_PROGRAM) is not None


def text(png: bytes) -> str:
    """The text in a picture, a PNG, by lines, paragraphs set apart by a blank line; tesseract takes it for English.

    Raises:
        Refused: Tesseract breaks down, or takes more than a minute.
    """
    try:
        done = subprocess.run(
            [_PROGRAM, "stdin", "stdout"],
            input=png,
            capture_output=True,
            timeout=_SECONDS,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},  # the embedding has the other cores
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(f"it is a scan, and its text was not recognised ({type(error).__name__})") from error
    return done.stdout.decode(errors="replace")
