"""One file a format: bytes -> Document. This one knows which file reads what."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import PurePosixPath

from index.document import Document, canonical
from index.errors import Failed, Refused
from index.formats import html, markdown, pdf, text
from index.formats.content import Content

Parse = Callable[[bytes], Content]

_READERS: dict[str, tuple[str, Parse]] = {
    ".txt": ("text/plain", text.read),
    ".text": ("text/plain", text.read),
    ".md": ("text/markdown", markdown.read),
    ".markdown": ("text/markdown", markdown.read),
    ".html": ("text/html", html.read),
    ".htm": ("text/html", html.read),
    ".xhtml": ("text/html", html.read),
    ".pdf": ("application/pdf", pdf.read),
}

SUFFIXES = tuple(_READERS)
NO_TEXT = "no text was found in it (a scan needs text recognition first)"


def check_suffix(name: str) -> None:
    """See that a file of this name can be read.

    Raises:
        Refused: No format has this suffix.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in _READERS:
        raise Refused(f"{suffix or 'a name without a suffix'} is not a format Footnote reads ({', '.join(SUFFIXES)})")


def read(document_id: str, data: bytes) -> Document:
    """The document in a file's bytes; the format is told by the suffix of its id.

    Raises:
        Refused: The file is empty, has no text, or cannot be read; the message says which.
        Failed: What reads this format broke down.
    """
    check_suffix(document_id)
    if not data:
        raise Refused("it is empty")
    path = PurePosixPath(document_id)
    media_type, parse = _READERS[path.suffix.lower()]
    try:
        content = parse(data)
    except Refused:
        raise
    except Exception as error:  # whatever it stumbles over: other files are read all the same
        why = f"{type(error).__name__}: {error}"
        raise Failed(f"reading it broke down ({why}); save it anew, or in another format") from error
    if not content.text.strip():
        raise Refused(NO_TEXT)
    return Document(
        id=document_id,
        title=_visible(content.title) or _visible(path.stem),
        text=content.text,
        sha256=sha256(data).hexdigest(),
        media_type=media_type,
        pages=content.pages,
        headings=content.headings,
        author=_visible(content.author),
        date=_visible(content.date),
        url=_visible(content.url),
        dropped=content.dropped,
    )


def _visible(words: str) -> str:
    """What a file says of itself, on one line and without characters that hide or reorder it."""
    return " ".join(canonical(words)[0].split())
