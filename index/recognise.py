"""Text in pictures of text: read by tesseract, where that program is installed."""

import shutil
import subprocess

from index import elsewhere

MAX_PAGES = 300
"""Of a file, whose text is recognised: one takes a second or two."""

_PROGRAM = "tesseract"
_SECONDS = 30.0  # for a page
_LIMITED = 'ulimit -v 1048576 2>/dev/null; exec "$0" "$@"'
"""A gigabyte, set before the program begins: set from outside, what it starts first would go free. macOS has no such
limit, and reads without."""
_PNG = b"\x89PNG\r\n\x1a\n"


def is_there() -> bool:
    """Whether tesseract is installed."""
    return shutil.which(_PROGRAM) is not None


def text(png: bytes) -> str | None:
    """The text in a picture, by lines, paragraphs set apart by a blank line; tesseract takes it for English.

    None where that breaks down, or takes more than half a minute or a gigabyte: the other pages are read all the same.
    """
    if not png.startswith(_PNG):  # what is no picture it would take for a list of files to read
        return None
    with subprocess.Popen(
        ["sh", "-c", _LIMITED, _PROGRAM, "stdin", "stdout"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**elsewhere.environment(), "OMP_THREAD_LIMIT": "1"},  # the embedding has the other cores
    ) as process:
        try:
            output, _ = process.communicate(png, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    return output.decode(errors="replace").strip() if process.returncode == 0 else None
