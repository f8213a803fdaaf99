"""What a folder needs, and that no file in it can stop the others from being read."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from index import sync
from index.catalog import File
from index.document import Document
from index.errors import LibraryError, Refused, Spent
from index.library import Library
from index.sync import Changes, Found, Plan, Root, became, plan, read_bytes, scan

SEEN = Found("docs/a.txt", Path("/docs/a.txt"), 3, 7)


def known(*, size: int = 3, mtime_ns: int = 7, sha256: str = "1" * 64) -> dict[str, File]:
    return {SEEN.id: File(SEEN.id, size, mtime_ns, sha256, "indexed")}


@pytest.mark.parametrize(
    ("found", "before", "todo"),
    [
        ([SEEN], {}, Plan((SEEN,), ())),
        ([SEEN], known(), Plan((), ())),
        ([SEEN], known(size=4), Plan((SEEN,), ())),
        ([SEEN], known(mtime_ns=8), Plan((SEEN,), ())),
        ([SEEN], known(sha256=""), Plan((SEEN,), ())),
        ([], known(), Plan((), (SEEN.id,))),
    ],
    ids=["new", "same", "other size", "other time", "never read", "gone"],
)
def test_a_plan_reads_what_is_new_or_changed_and_removes_what_is_gone(found, before, todo):
    assert plan(found, before) == todo


def test_a_scan_finds_every_file_but_hidden_ones_and_follows_no_link(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (folder / "sub" / "deep").mkdir(parents=True)
    for name in ("b.txt", "a.txt", ".hidden.txt", "sub/deep/c.md", "sub/.c.txt", "noise.xyz"):
        (folder / name).write_text(name)
    (folder / ".git").mkdir()
    (folder / ".git" / "d.txt").write_text("d")
    (folder / "link").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    found = list(scan([Root("docs", folder)]))
    assert [file.id for file in found] == [
        "docs/a.txt",
        "docs/b.txt",
        "docs/link",
        "docs/loop",
        "docs/noise.xyz",
        "docs/sub/deep/c.md",
    ]
    assert (found[0].path, found[0].size) == (folder / "a.txt", 5)


@pytest.fixture
def nested(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """1,500 folders in each other, more than Python 3.11 calls itself; taken away one by one, for the same reason."""
    monkeypatch.chdir(folder)
    for _ in range(1_500):
        os.mkdir("a")
        os.chdir("a")
    yield
    for _ in range(1_500):
        os.chdir("..")
        os.rmdir("a")


@pytest.mark.usefixtures("nested")
def test_a_folder_that_lies_too_deep_is_told_and_the_other_files_are_read(folder: Path) -> None:
    (folder / "a.txt").write_text("The ferry leaves at seven.")
    (folder / "z.txt").write_text("The ferry is blue.")
    with closing(Library(folder)) as library:
        first, deep, second = library.sync()
        assert [first.state, second.state] == ["indexed", "indexed"]
        assert deep.state == "refused"
        assert deep.reason == "its path has more than 1,000 characters; move it up, or give its folders shorter names"
        assert sync.MAX_PATH < len(deep.id) <= sync.MAX_PATH + len("/a")
        assert library.sync() == (first, deep, second)


def test_a_file_with_a_path_that_is_too_long_is_told(folder: Path) -> None:
    place = folder / "/".join(["b" * 240] * 4)
    place.mkdir(parents=True)
    for name in ("fits.txt", "c" * 40 + ".txt"):
        (place / name).write_text("The ferry leaves at seven.")
    long, fits = scan([Root("docs", folder)])
    assert read_bytes(fits)
    with pytest.raises(Refused, match=r"more than 1,000 characters"):
        read_bytes(long)


def test_what_lies_in_a_folder_that_cannot_be_listed_is_not_taken_for_removed() -> None:
    away = Found("docs/away", Path("/docs/away"), 0, 0, unlisted=True)
    before = {id: File(id, 3, 7, "1" * 64, "indexed") for id in ("docs/away/b/c.txt", "docs/away2/d.txt")}
    assert plan([away], before) == Plan((away,), ("docs/away2/d.txt",))


def test_what_the_folder_ignores_is_passed_over(folder: Path) -> None:
    (folder / "drafts" / "deep").mkdir(parents=True)
    (folder / "papers").mkdir()
    for name in (
        "a.txt",
        "a.log.txt",
        "kept.log.txt",
        "drafts/b.txt",
        "drafts/deep/c.txt",
        "papers/d.txt",
        "papers/a.txt",
    ):
        (folder / name).write_text(name)
    (folder / ".footnoteignore").write_text("# not these\ndrafts/\n*.log.txt\n!kept.log.txt\n/a.txt\n")
    found = [file.id for file in scan([Root("docs", folder)])]
    assert found == ["docs/kept.log.txt", "docs/papers/a.txt", "docs/papers/d.txt"]


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"!\n"], ids=["no text", "no pattern"])
def test_a_list_of_ignored_files_that_cannot_be_read_is_said(folder: Path, bad: bytes) -> None:
    (folder / ".footnoteignore").write_bytes(bad)
    with pytest.raises(LibraryError, match="cannot be read as a list of files to ignore"):
        list(scan([Root("docs", folder)]))


def test_a_name_that_is_not_unicode_still_has_an_id(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("text")
    (found,) = scan([Root("docs", folder)])
    assert found.id == "docs/caf\\udce9.txt"
    assert read_bytes(found) == b"text"


def test_a_file_that_grew_after_the_scan_is_not_read_without_end(folder, monkeypatch):
    monkeypatch.setattr(sync, "MAX_BYTES", 10)
    (folder / "a.txt").write_bytes(b"x" * 10)
    (found,) = scan([Root("docs", folder)])
    assert read_bytes(found) == b"x" * 10
    (folder / "a.txt").write_bytes(b"x" * 11)
    with pytest.raises(Refused, match="larger"):
        read_bytes(found)


def encrypted(path: Path) -> None:
    canvas = Canvas(str(path), encrypt=StandardEncryption("password"))
    canvas.drawString(72, 720, "secret")
    canvas.save()


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(200 * 2**20)


def linked(path: Path) -> None:
    path.with_name("target.txt").write_text("The target of the link.")
    path.symlink_to("target.txt")


def test_a_file_that_takes_too_long_is_tried_once_more_and_then_left(tmp_path, monkeypatch):
    tried = []

    def slow(_: object, id: str, data: bytes, __: object) -> Document:
        tried.append(id)
        raise Spent("reading it takes more than 30 seconds; split it, or save its text alone")

    monkeypatch.setattr("index.workers.Workers.read", slow)
    (tmp_path / "slow.txt").write_text("The mill burned.")
    library = Library(tmp_path)
    (first,) = library.sync()
    assert first.reason.endswith("save its text alone; it is tried once more at the next sync")
    (second,) = library.sync()
    assert (second.state, second.reason.endswith("save its text alone")) == ("refused", True)
    assert library.changes() == Changes((), (), (), ())
    library.sync()
    assert len(tried) == 2
    (tmp_path / "slow.txt").write_text("The dam burned.")
    assert library.sync()[0].reason.endswith("once more at the next sync")
    library.close()


BAD = {
    "empty.txt": (Path.touch, "it is empty"),
    "blank.md": (lambda path: path.write_text(" \n"), "no text was found"),
    "binary.txt": (lambda path: path.write_bytes(b"\x89PNG\x00\x01"), "it is binary"),
    "damaged.pdf": (lambda path: path.write_bytes(b"%PDF-1.7"), "it is damaged"),
    "locked.pdf": (encrypted, "it is encrypted"),
    "table.xyz": (lambda path: path.write_bytes(b"PK"), ".xyz is not a format that Footnote reads (plain text, "),
    "noname": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00"), "it is binary"),
    "mill.png": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00"), "it is a picture"),
    "unreadable.doc": (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0"), "save it as .docx or .pdf"),
    "large.txt": (sparse, "it is larger than 64 MB"),
    "link.txt": (linked, "it is a link"),
    "broken.txt": (lambda path: path.symlink_to("nowhere.txt"), "it is a link"),
    "folder-link.txt": (lambda path: path.symlink_to("/usr"), "it is a link"),
    "pipe.txt": (os.mkfifo, "it is not a regular file"),
    "copy.txt": (lambda path: path.write_text("The mill burned in 1902."), "it is the same as docs/a-good.txt"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_read_is_refused_by_name_and_the_rest_is_read(folder, open_library, name):
    make, reason = BAD[name]
    (folder / "a-good.txt").write_text("The mill burned in 1902.")
    make(folder / name)
    (folder / "z-good.txt").write_text("The school stayed.")
    library = open_library()
    became = {file.id: file for file in library.sync()}
    assert became.pop(f"docs/{name}").state == "refused"
    assert library.sync() == library.files()
    assert reason in next(file.reason for file in library.files() if file.id == f"docs/{name}")
    assert {file.state for file in became.values()} == {"indexed"}
    assert {"docs/a-good.txt", "docs/z-good.txt"} <= set(became)
    assert [id.partition("#")[0] for id, _ in library.search("school", 5)] == ["docs/z-good.txt"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied"), "it cannot be read (permission denied)"),
        (FileNotFoundError(2, "No such file"), "it vanished while the folder was being read"),
        (OSError(5, "Input/output error"), "it cannot be read (input/output error)"),
    ],
    ids=["unreadable", "vanished", "broken disk"],
)
def test_a_file_the_system_does_not_give_is_refused_and_read_when_it_does(
    folder, open_library, monkeypatch, error, reason
):
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(f"Text of {name}.")
    library = open_library()
    really = os.open

    def refuse(path, *arguments, **others):
        if str(path).endswith("a.txt"):
            raise error
        return really(path, *arguments, **others)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        first, second = library.sync()
    assert (first.id, first.state, first.reason) == ("docs/a.txt", "refused", reason)
    assert second.state == "indexed"
    assert [file.state for file in library.sync()] == ["indexed", "indexed"]


def test_a_file_that_vanishes_in_the_middle_of_a_sync_stops_nothing(folder, open_library):
    for name in ("a.txt", "b.txt", "c.txt"):
        (folder / name).write_text(f"Text of {name}.")
    library = open_library()
    files = library.sync(lambda progress: (folder / "b.txt").unlink(missing_ok=True))
    assert [(file.id, file.state) for file in files if file.state == "indexed"] == [
        ("docs/a.txt", "indexed"),
        ("docs/c.txt", "indexed"),
    ]
    assert files[1].reason == "it vanished while the folder was being read"
    assert [file.id for file in library.sync()] == ["docs/a.txt", "docs/c.txt"]


def test_progress_is_told_file_by_file(folder, open_library):
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(name)
    told = []
    open_library().sync(told.append)
    assert [(progress.done, progress.total, progress.name) for progress in told] == [
        (0, 2, "a.txt"),
        (1, 2, "b.txt"),
        (2, 2, ""),
    ]


def test_a_sync_without_changes_writes_nothing(folder, open_library):
    (folder / "a.txt").write_text("The mill.")
    (folder / "a.docx").write_text("unread")
    library = open_library()
    library.sync()
    revision = library.revision()
    library.sync()
    assert library.revision() == revision


def test_what_a_sync_did_is_told_in_a_line() -> None:
    kept, changed, gone = (File(f"docs/{name}.txt", 3, 7, name * 64, "indexed") for name in "abc")
    before = (kept, changed, gone)
    assert became(before, before) == became((), ()) == "Nothing has changed."
    assert became(before, (replace(kept, mtime_ns=8), changed, gone)) == "Nothing has changed."
    refused = File("docs/d.txt", 0, 7, "d" * 64, "refused", "it is empty")
    after = (kept, replace(changed, sha256="e" * 64), refused)
    assert became(before, after) == "1 file read, 1 not read, 1 gone, 1 unchanged."
    assert became((refused,), (replace(refused, state="failed"),)) == "1 file not read."
