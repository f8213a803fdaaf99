"""Scans: their text is recognised where tesseract is installed, page by page, and missed by name where it is not."""

import os
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from index import formats, recognise
from index.errors import Refused, Spent
from index.library import Library
from index.sync import became
from index.workers import Workers

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


def scan(*pages: str) -> bytes:
    """A PDF of pictures of some words, a page each."""
    return mixed(*((words, True) for words in pages))


def partly(*pages: str | None, title: str = "") -> bytes:
    """A PDF of pages with some words and, where None stands, of pictures of others."""
    return mixed(*(("It was rebuilt.", True) if words is None else (words, False) for words in pages), title=title)


def mixed(*pages: tuple[str, bool], title: str = "") -> bytes:
    """A PDF of some words, a page each, and whether they are a picture."""
    written = BytesIO()
    canvas = Canvas(written, pagesize=(400, 300))
    canvas.setTitle(title)
    for words, is_picture in pages:
        if is_picture:
            picture = Image.new("L", (1600, 1200), 255)
            ImageDraw.Draw(picture).multiline_text((120, 200), words, 0, ImageFont.load_default(80))
            canvas.drawImage(ImageReader(picture), 0, 0, 400, 300)
        else:
            canvas.drawString(40, 200, words)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


@needs_tesseract
def test_of_a_file_that_is_partly_scanned_the_pictures_are_read_where_they_stand():
    workers = Workers(1)
    document = workers.read(
        "docs/mill.pdf", partly(None, "The mill burned in 1902.", "", None, "The end.", title="Mill")
    )
    assert document.text == "It was rebuilt.\n\nThe mill burned in 1902.\n\nIt was rebuilt.\n\nThe end."
    told = [(page.number, document.text[page.start : page.end], page.is_picture) for page in document.pages]
    assert told == [
        (1, "It was rebuilt.", False),
        (2, "The mill burned in 1902.", False),
        (3, "", False),
        (4, "It was rebuilt.", False),
        (5, "The end.", False),
    ]
    assert document.title == "Mill"
    workers.close()


def test_pages_without_text_are_told_and_read_once_they_can_be(tmp_path: Path, monkeypatch):
    pages = ["Words.", None, None, "", "Words.", None, *(["Words.", None] * 4)]
    (tmp_path / "partly.pdf").write_bytes(partly(*pages))
    monkeypatch.setattr(recognise, "is_there", lambda: False)
    library = Library(tmp_path)
    (file,) = library.sync()
    missed = "no text was found on 7 of its 14 pages (2-3, 6, 8, 10, 12, …)"
    assert (file.state, file.reason) == ("indexed", f"{missed}{formats.AS_IN_A_SCAN}")
    assert library.changes().changed == ()
    monkeypatch.setattr(recognise, "is_there", lambda: True)
    monkeypatch.setattr(recognise, "text", lambda png: "It was rebuilt.")
    assert library.changes().changed == (file.id,)
    (file,) = library.sync()
    assert (file.state, file.reason) == ("indexed", "")
    assert library.document(file.id).text.count("It was rebuilt.") == 7
    assert library.changes().changed == ()
    library.close()


@pytest.fixture
def workers(monkeypatch) -> Iterator[Workers]:
    """A worker, beside a tesseract that recognises the same on every page."""
    monkeypatch.setattr(recognise, "is_there", lambda: True)
    monkeypatch.setattr(recognise, "text", lambda png: "Seen.")
    reading = Workers(1)
    yield reading
    reading.close()


def failing(monkeypatch, workers: Workers, page: int, trouble: Refused | None) -> list[int | None]:
    """The page that is worked on, kept up to date; work on one of them ends in trouble, where there is some."""
    real, at = workers.asked, list[int | None]()

    def asked(request, blobs, dropped):
        at[:] = [request.get("number")]
        if trouble and at == [page]:
            raise trouble
        return real(request, blobs)

    monkeypatch.setattr(workers, "asked", asked)
    return at


@pytest.mark.parametrize(
    ("page", "trouble", "text", "missed"),
    [
        (1, Refused("its page 1 has no size"), "Words.\n\nSeen.\n\nSeen.", (1,)),
        (3, Spent("reading it takes more than 30 seconds"), "Seen.\n\nWords.", (3, 4)),
        (3, None, "Seen.\n\nWords.\n\nSeen.", (3,)),
    ],
)
def test_pages_that_are_not_recognised_are_told_and_the_others_read(workers, monkeypatch, page, trouble, text, missed):
    at = failing(monkeypatch, workers, page, trouble)
    monkeypatch.setattr(recognise, "text", lambda png: None if at == [page] else "Seen.")
    document = workers.read("docs/partly.pdf", partly(None, "Words.", None, None))
    assert (document.text, document.pictures) == (text, missed)


def test_a_scan_is_read_though_its_first_page_cannot_be_drawn(workers, monkeypatch):
    failing(monkeypatch, workers, 1, Refused("its page 1 has no size"))
    document = workers.read("docs/scan.pdf", scan("One.", "Two."))
    assert (document.text, document.pictures) == ("Seen.", (1,))


def test_where_too_many_pages_are_pictures_the_first_are_read(workers, monkeypatch):
    monkeypatch.setattr(recognise, "MAX_PAGES", 1)
    document = workers.read("docs/partly.pdf", partly("Words.", None, None))
    assert (document.text, document.pictures) == ("Words.\n\nSeen.", (3,))


def test_a_file_that_is_too_long_with_what_is_recognised_is_read_without(workers, monkeypatch):
    monkeypatch.setattr(recognise, "text", lambda png: "Seen. " * 1_000_000)
    document = workers.read("docs/partly.pdf", partly("Words.", None))
    assert (document.text, document.pictures) == ("Words.", (2,))


def test_a_page_with_a_frame_is_no_picture_and_one_of_outlines_is():
    written = BytesIO()
    canvas = Canvas(written, pagesize=(400, 300))
    canvas.drawString(40, 200, "Words.")
    for rules in (1, 40):
        canvas.showPage()
        for rule in range(rules):
            canvas.line(10, 5 * rule, 390, 5 * rule)
    canvas.save()
    assert formats.read("docs/a.pdf", written.getvalue()).pictures == (3,)


def test_what_is_asked_of_a_document_is_answered_from_what_is_recognised_since(tmp_path: Path, monkeypatch):
    """The file has not changed, and its text has: nothing read before is taken for it."""
    (tmp_path / "partly.pdf").write_bytes(data := partly(None, "Words."))
    monkeypatch.setattr(recognise, "is_there", lambda: False)
    library = Library(tmp_path)
    before = library.sync()
    version = library.document(before[0].id).version
    monkeypatch.setattr(recognise, "is_there", lambda: True)
    monkeypatch.setattr(recognise, "text", lambda png: "Seen.")
    after = library.add("again.pdf", data)
    assert (after.id, after.reason) == (before[0].id, "")
    assert became(before, library.files()) == "1 file read."
    assert library.document(after.id).version != version
    library.close()


@needs_tesseract
def test_a_scan_is_read_page_by_page():
    workers = Workers(1)
    document = workers.read("docs/scan.pdf", scan("The mill burned\nin 1902.", "", "It was rebuilt."))
    assert document.text.split() == ["The", "mill", "burned", "in", "1902.", "It", "was", "rebuilt."]
    assert [page.number for page in document.pages] == [1, 2, 3]
    last = document.pages[2]
    assert document.text[last.start : last.end] == "It was rebuilt."
    assert (document.title, document.media_type) == ("scan", "application/pdf")
    with pytest.raises(Refused, match="nor recognised"):
        workers.read("docs/blank.pdf", scan("", ""))
    workers.close()


def test_without_tesseract_a_scan_is_refused_by_name_and_read_once_there_is_one(tmp_path: Path, monkeypatch):
    (tmp_path / "scan.pdf").write_bytes(scan("The mill burned."))
    (tmp_path / "blank.md").write_text("# ")
    monkeypatch.setattr(recognise, "is_there", lambda: False)
    library = Library(tmp_path)
    blank, refused = library.sync()
    assert (refused.state, refused.reason) == ("refused", formats.SCAN)
    assert (blank.state, blank.reason) == ("refused", formats.NO_TEXT)
    assert library.changes().changed == ()
    monkeypatch.setattr(recognise, "is_there", lambda: True)
    monkeypatch.setattr(recognise, "text", lambda png: "The mill burned." if png.startswith(b"\x89PNG") else "")
    assert library.changes().changed == (refused.id,)
    assert library.sync()[1].state == "indexed"
    assert library.document(refused.id).text == "The mill burned."
    library.close()


def test_a_scan_of_too_many_pages_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(recognise, "is_there", lambda: True)
    monkeypatch.setattr(recognise, "MAX_PAGES", 1)
    workers = Workers(1)
    with pytest.raises(Refused, match="a scan of 2 pages"):
        workers.read("docs/scan.pdf", scan("One.", "Two."))
    workers.close()


@pytest.mark.parametrize("program", ["echo text; exit 1", "exec sleep 9", "python3 -c 'print(len(bytes(2**31)))'"])
def test_a_page_that_tesseract_cannot_read_has_no_text(tmp_path: Path, monkeypatch, program):
    (tmp_path / "tesseract").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "tesseract").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(recognise, "_SECONDS", 2)
    assert recognise.text(b"\x89PNG\r\n\x1a\n") is None


def test_what_is_no_picture_is_not_given_to_tesseract(tmp_path: Path, monkeypatch):
    (tmp_path / "tesseract").write_text("#!/bin/sh\necho run\n")
    (tmp_path / "tesseract").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert recognise.text(b"\x89PNG\r\n\x1a\n") == "run"
    assert recognise.text(b"/etc/passwd") is None
