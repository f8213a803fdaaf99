"""What Office files have in common: a refusal where one is damaged, and what each tells of itself."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from zipfile import ZipFile

from index.errors import Refused

MAX_XML = 48 * 2**20  # bytes of all parts, which are taken into memory as trees of up to twenty times as many

_STRICT = re.compile(rb"[\"']http://purl\.oclc\.org/ooxml/")  # its namespaces are others, throughout
_MAIN = re.compile(r"_rels/\.rels|(?:word/document|xl/workbook|ppt/presentation)\w*\.xml")
_DECLARED = 8_192  # bytes in which a part declares its namespaces
_SUFFIXES = {"word": ".docx", "xl": ".xlsx", "ppt": ".pptx"}


@contextmanager
def whole(kind: str) -> Iterator[None]:
    """Open and read a file within: where it is damaged, that is said in one sentence.

    Args:
        kind: What the file should be, such as "a Word document".

    Raises:
        Refused: What reads it stumbled.
    """
    try:
        yield
    except (Refused, MemoryError):
        raise
    except Exception as error:  # the libraries raise whatever they stumble over: KeyError, AttributeError, BadZipFile …
        raise Refused(f"it is damaged, or not {kind} ({type(error).__name__}); save it anew") from error


def told(*, title: str | None, author: str | None, dates: tuple[date | None, ...]) -> dict[str, str]:
    """Title, author and date, from the properties that an Office file has; the first date that is told counts."""
    day = next((each.isoformat()[:10] for each in dates if each), "")
    return {"title": (title or "").strip(), "author": (author or "").strip(), "date": day}


def check_parts(packed: ZipFile, *streamed: str) -> None:
    """See that the parts are not too large to be taken into memory, and of the format that the libraries know.

    Args:
        packed: The file.
        streamed: How the names of the parts begin that never are.

    Raises:
        Refused: They are, or of another.
    """
    parts = (part for part in packed.infolist() if part.filename.endswith((".xml", ".rels")))
    size = sum(part.file_size for part in parts if not part.filename.startswith(streamed))
    if size > MAX_XML:
        raise Refused(f"unpacked it has {size >> 20} MB of XML, and Footnote reads at most {MAX_XML >> 20}; split it")
    if any(_is_strict(packed, part.filename) for part in packed.infolist() if _MAIN.fullmatch(part.filename)):
        folders = {part.filename.partition("/")[0] for part in packed.infolist()}
        suffix = next((suffix for folder, suffix in _SUFFIXES.items() if folder in folders), ".docx")
        raise Refused(f"it is in the Strict Open XML format; save it as a normal {suffix}")


def _is_strict(packed: ZipFile, name: str) -> bool:
    """Whether a part declares the namespaces of Strict Open XML, or refers to parts by them."""
    with packed.open(name) as part:
        return bool(_STRICT.search(part.read(_DECLARED)))
