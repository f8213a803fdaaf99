"""One file a format: bytes -> Document. This one knows which file reads what, by content and then by suffix."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from json import loads
from pathlib import PurePosixPath
from typing import cast

from index.document import MAX_HEADING, SOURCE_CODE, Document, beginning, canonical
from index.errors import Failed, Refused
from index.formats import archive
from index.formats.content import Content

Parse = Callable[..., Content]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes:
        name: What people call it.
        media_type: Of the documents made of it.
        suffixes: What names of such files end with.
        module: Which file here reads it; imported where such a file is read, as parsers are heavy.
    """

    name: str
    media_type: str
    suffixes: tuple[str, ...]
    module: str

    @property
    def parse(self) -> Parse:
        """What reads it."""
        return cast(Parse, import_module(f"{__name__}.{self.module}").read)


_OFFICE = "application/vnd.openxmlformats-officedocument"
_TEXT = Format("plain text", "text/plain", (".txt", ".text", ".log", ".cfg", ".conf", ".ini", ".tex", ".org"), "text")
_HTML = Format("HTML", "text/html", (".html", ".htm", ".xhtml"), "html")
_PDF = Format("PDF", "application/pdf", (".pdf",), "pdf")
_MAIL = Format("mail", "message/rfc822", (".eml",), "mail")
_MAILBOX = Format("mailbox", "application/mbox", (".mbox",), "mbox")
_JSON = Format("JSON", "application/json", (".json",), "json")
_OFFICE_KINDS = {  # by the folder in which the parts of each lie, however its main part is called
    "word/": Format("Word", f"{_OFFICE}.wordprocessingml.document", (".docx", ".docm"), "docx"),
    "ppt/": Format("PowerPoint", f"{_OFFICE}.presentationml.presentation", (".pptx", ".pptm"), "pptx"),
    "xl/": Format("Excel", f"{_OFFICE}.spreadsheetml.sheet", (".xlsx", ".xlsm"), "xlsx"),
}
_EPUB = Format("EPUB", "application/epub+zip", (".epub",), "epub")
_CODE = (
    ".py .pyi .js .mjs .cjs .jsx .ts .tsx .java .kt .kts .scala .groovy .c .h .cc .cpp .cxx .hpp .hh .cs .fs .go .rs "
    ".rb .php .swift .m .mm .r .jl .lua .pl .pm .sh .bash .zsh .fish .ps1 .sql .hs .ml .ex .exs .erl .clj .dart .vb "
    ".asm .s .css .scss .less .vue .svelte .proto .graphql .tf .yaml .yml .toml .xml .svg .cmake .gradle .bat .diff"
)

FORMATS = (
    _TEXT,
    Format("Markdown", "text/markdown", (".md", ".markdown"), "markdown"),
    Format("reStructuredText", "text/x-rst", (".rst", ".rest"), "rst"),
    _HTML,
    _PDF,
    *_OFFICE_KINDS.values(),
    _EPUB,
    Format("CSV", "text/csv", (".csv", ".tsv", ".tab"), "csv"),
    _MAIL,
    _MAILBOX,
    _JSON,
    Format("JSON Lines", "application/jsonl", (".jsonl", ".ndjson"), "jsonl"),
    Format("subtitles", "text/vtt", (".srt", ".vtt"), "subtitles"),
    Format("source code", SOURCE_CODE, tuple(_CODE.split()), "text"),
)
"""What Footnote reads."""

SUFFIXES = tuple(suffix for format in FORMATS for suffix in format.suffixes)
NO_TEXT = "no text was found in it"
AS_IN_A_SCAN = ", as in a scan; install tesseract to have text recognised"
SCAN = f"{NO_TEXT}{AS_IN_A_SCAN}"
HEAD = 1_024
"""How many of a file's first bytes tell whether its content is of a known kind, however it is called."""

_SMALL, _MAX_GROWTH = 4_000_000, 50  # characters, and for each byte of a file where there are more of them
_WHY = 300  # characters of what a library says
_BY_SUFFIX = {suffix: format for format in FORMATS for suffix in format.suffixes}
_NAMES = ", ".join(format.name for format in FORMATS)
_ZIP = b"PK\x03\x04"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PAGE = (b"<!doctype html", b"<html")
_PLAIN = ("", ".txt")  # suffixes of files that may be anything
_BLOCK = 32_768  # bytes in which the head of a mail ends
_HEAD_LINE = rb"[A-Za-z][\w-]{0,60}:(?:[ \t][^\n]*)?\n(?:[ \t]+\S[^\n]*\n)*"
_MAIL_HEAD = re.compile(rb"(?:" + _HEAD_LINE + rb"){3,}\r?\n")
_MAIL_LINES = (rb"^From:", rb"^(?:Subject|Date):", rb"^(?:To|Received|Message-ID):")  # those that a mail has at least
_MAILBOX_HEAD = re.compile(
    rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d{1,2} \d{1,2}:\d\d[^\n]*\n" + _HEAD_LINE
)
_ARCHIVE = "it is an archive; unpack it, and put the files into the folder"
_INSTEAD = {  # of files that hold no text, or hold it as Footnote cannot read it: what to put there instead
    ".doc .dot .odt .ott .rtf .wpd .pages": "save it as .docx or .pdf",
    ".xls .xlsb .ods .numbers": "save it as .xlsx or .csv",
    ".ppt .pps .odp .key": "save it as .pptx or .pdf",
    ".msg .pst .ost": "save its mails as .eml or .mbox",
    ".mobi .azw .azw3 .djvu .ps .xps": "save it as .epub or .pdf",
    ".png .jpg .jpeg .gif .webp .bmp .tif .tiff .heic .avif": "it is a picture; text recognition can make a PDF of it "
    "that has text",
    ".mp3 .m4a .wav .ogg .flac .mp4 .mkv .mov .avi .webm": "it is a recording; its subtitles (.srt, .vtt) can be read",
    ".zip .tar .gz .tgz .bz2 .xz .zst .7z .rar": _ARCHIVE,
}
_SIGNED_OTHERS = {  # how files begin that are none of the formats, whatever their names say
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "it is of the old Office format, or locked by a password; save it "
    "anew, without a password, as .docx, .xlsx or .pptx",
    b"{\\rtf": "it is in Rich Text Format; save it as .docx",
}
_ADVICE = {suffix: advice for suffixes, advice in _INSTEAD.items() for suffix in suffixes.split()}


def check(name: str, head: bytes) -> None:
    """See that a file could be read, by its name and its first `HEAD` bytes.

    Raises:
        Refused: No format has this suffix, and it does not begin as one.
    """
    if not head.startswith(_ZIP):  # what an archive is, its members tell
        _told(name, head)


def detect(name: str, data: bytes) -> Format:
    """The format of a file: by its content where that tells, else by its suffix; without one it is plain text.

    Raises:
        Refused: It is of none.
    """
    if data.startswith(_ZIP) and archive.is_zip(data):
        found = _packed(archive.names(data))
        if found is None:
            raise Refused(_ADVICE.get(_suffix(name), _ARCHIVE))
        return found
    told = _told(name, data[:HEAD])
    return _of_text(data) if told is _TEXT and _suffix(name) in _PLAIN else told


def prepare(name: str) -> None:
    """Have at hand what reads files of such a name."""
    format = _BY_SUFFIX.get(PurePosixPath(name).suffix.lower())
    if format:
        import_module(f"{__name__}.{format.module}")


def read(document_id: str, data: bytes, recognised: Mapping[int, str] | None = None) -> Document:
    """The document in a file's bytes; see `detect` for how its format is told.

    Args:
        document_id: The document's; its name tells the format where the content does not.
        data: The file.
        recognised: The text in the pictures of a PDF's pages, by their number, where it was recognised.

    Raises:
        Refused: The file is empty, has no text, or cannot be read; the message says which.
        Failed: What reads this format broke down.
    """
    if not data:
        raise Refused("it is empty")
    format = detect(document_id, data)
    try:
        content = format.parse(data, recognised) if recognised else format.parse(data)
    except (Refused, MemoryError):
        raise
    except Exception as error:  # whatever it stumbles over: other files are read all the same
        why = _visible(f"{type(error).__name__}: {error}")[:_WHY]
        raise Failed(f"reading it broke down ({why}); save it anew, or in another format") from error
    if len(content.text) > max(_SMALL, _MAX_GROWTH * len(data)):
        raise Refused(f"its text is more than {_MAX_GROWTH} times as long as the file; save that text alone")
    if not content.text.strip():
        raise Refused(SCAN if format is _PDF else NO_TEXT)
    return Document(
        id=document_id,
        title=_visible(content.title) or _visible(PurePosixPath(document_id).stem),
        text=content.text,
        sha256=sha256(data).hexdigest(),
        media_type=format.media_type,
        pages=content.pages,
        headings=tuple(heading for heading in content.headings if heading.end - heading.start <= MAX_HEADING),
        tables=content.tables,
        author=_visible(content.author),
        date=_visible(content.date),
        url=_visible(content.url),
        dropped=content.dropped,
    )


def _told(name: str, head: bytes) -> Format:
    """The format that a file's first bytes tell, or else its suffix.

    Raises:
        Refused: They tell of none; the message says what to do where that is known.
    """
    start = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if start.startswith(b"%PDF-"):
        return _PDF
    if start.lower().startswith(_PAGE):
        return _HTML
    suffix = _suffix(name)
    signed = (advice for signature, advice in _SIGNED_OTHERS.items() if head.startswith(signature))
    advice = _ADVICE.get(suffix) or next(signed, None)
    if advice:
        raise Refused(advice)
    format = _BY_SUFFIX.get(suffix) if suffix else _TEXT
    if format is None:
        raise Refused(f"{suffix} is not a format that Footnote reads ({_NAMES})")
    return format


def _of_text(data: bytes) -> Format:
    """The format of a file whose name tells none: plain text, unless all of its beginning is of another."""
    start = data[:_BLOCK].removeprefix(_BYTE_ORDER_MARK)
    if _MAILBOX_HEAD.match(start):
        return _MAILBOX
    head = _MAIL_HEAD.match(start)
    if head and all(re.search(line, head[0], re.MULTILINE | re.IGNORECASE) for line in _MAIL_LINES):
        return _MAIL
    return _JSON if start.lstrip().startswith((b"{", b"[")) and _is_json(data) else _TEXT


def _is_json(data: bytes) -> bool:
    """Whether some bytes are records of JSON, not a text that begins with a bracket."""
    try:
        value = loads(data)
    except (ValueError, RecursionError):
        return False
    return bool(value) and (isinstance(value, dict) or any(isinstance(each, dict) for each in value))


def _packed(members: frozenset[str]) -> Format | None:
    """The format that the names of an archive's members tell."""
    if "META-INF/container.xml" in members:
        return _EPUB
    if "[Content_Types].xml" not in members:
        return None
    # What is embedded lies in folders below; binary workbooks (.xlsb) have no XML right in theirs.
    folders = {name[: name.find("/") + 1] for name in members if name.count("/") == 1 and name.endswith(".xml")}
    return next((format for folder, format in _OFFICE_KINDS.items() if folder in folders), None)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _visible(words: str) -> str:
    """What a file says of itself, on one line, without characters that hide or reorder it, and not endless."""
    return beginning(canonical(words)[0], MAX_HEADING)
