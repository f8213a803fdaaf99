"""A library in one file, taken while it is written; and what is purged is gone from the disk."""

import os
import sqlite3
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

import app
from index.backup import backup, restore
from index.document import canonical
from index.errors import LibraryError
from index.library import Library
from rag.conversations import Conversations
from tests.conftest import OpenLibrary
from tests.test_conversations import turn


def dump(home: Path) -> list[str]:
    """Everything that the catalog in a library says, but of the search indexes, which are made anew."""
    with closing(sqlite3.connect(home / "catalog.sqlite")) as opened:
        return sorted(line for line in opened.iterdump() if not line.startswith('INSERT INTO "derived"'))


def test_a_backup_holds_all_that_cannot_be_made_anew(open_library: OpenLibrary, folder: Path, tmp_path: Path) -> None:
    (folder / "mill.txt").write_text("The mill burned in 1902.")
    library = open_library()
    library.sync()
    library.add("letter.txt", b"The owner was Ada Brandt.")
    Conversations(library.home, "ada").add("", turn("When did the mill burn?"))
    (library.home / "calibration.json").write_text("{}")
    backup(library.home, tmp_path / "kept.zip")
    restore(tmp_path / "kept.zip", tmp_path / "again")
    assert dump(tmp_path / "again") == dump(library.home)
    assert (tmp_path / "again" / "uploads" / "letter.txt").read_bytes() == b"The owner was Ada Brandt."
    assert (tmp_path / "again" / "calibration.json").read_text() == "{}"
    assert [each.title for each in Conversations(tmp_path / "again", "ada").listed()] == ["When did the mill burn?"]
    with closing(Library(folder, home=tmp_path / "again")) as again:
        assert [(file.id, file.sha256) for file in again.sync()] == [(file.id, file.sha256) for file in library.files()]
        assert again.search("owner", 1) == library.search("owner", 1)
        assert again.nearest(again.embedder.embed_query("fire"), 2) == library.nearest(
            library.embedder.embed_query("fire"), 2
        )


def test_a_backup_taken_during_a_sync_is_whole(open_library: OpenLibrary, folder: Path, tmp_path: Path) -> None:
    """Twenty of them: each says of every file what was read of it, its passages and their vectors, or nothing."""
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"This is number {number}. " * 40)
    library = open_library()
    syncing = Thread(target=library.sync)
    syncing.start()
    counts = []
    for number in range(20):
        backup(library.home, tmp_path / f"{number}.zip")
        restore(tmp_path / f"{number}.zip", tmp_path / f"{number}")
        with closing(sqlite3.connect(tmp_path / f"{number}" / "catalog.sqlite")) as opened:
            files = opened.execute("SELECT id FROM file").fetchall()
            documents = dict(opened.execute("SELECT id, text FROM document").fetchall())
            passages = opened.execute("SELECT document_id, text, start, end FROM passage").fetchall()
            bare = "SELECT count(*) FROM passage WHERE text_sha256 NOT IN (SELECT text_sha256 FROM vector)"
            assert opened.execute(bare).fetchone() == (0,)
        assert {id for (id,) in files} == documents.keys() == {id for id, *_ in passages}
        for id, text in documents.items():
            assert text == canonical((folder / id.partition("/")[2]).read_text())[0]
        assert all(documents[id][start:end] == text for id, text, start, end in passages)
        counts.append(len(files))
    syncing.join()
    assert counts == sorted(counts)
    assert counts[0] < 60
    backup(library.home, tmp_path / "last.zip")
    restore(tmp_path / "last.zip", tmp_path / "last")
    assert dump(tmp_path / "last") == dump(library.home)


def test_nothing_is_written_over(open_library: OpenLibrary, folder: Path, tmp_path: Path) -> None:
    library = open_library()
    kept = tmp_path / "kept.zip"
    backup(library.home, kept)
    with pytest.raises(LibraryError, match="exists; name a file that does not"):
        backup(library.home, kept)
    with pytest.raises(LibraryError, match="There is something in"):
        restore(kept, library.home)
    with pytest.raises(LibraryError, match="There is no library in"):
        backup(tmp_path, tmp_path / "other.zip")
    with pytest.raises(LibraryError, match="cannot be written"):
        backup(library.home, tmp_path / "nowhere" / "kept.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name, "kept.zip"]


def test_what_is_no_backup_makes_no_library(open_library: OpenLibrary, tmp_path: Path) -> None:
    good, home = tmp_path / "good.zip", tmp_path / "home"
    backup(open_library().home, good)
    data = good.read_bytes()
    for bad in (b"", b"no zip", data[: len(data) // 2]):
        (tmp_path / "bad.zip").write_bytes(bad)
        with pytest.raises(LibraryError, match=r"bad\.zip is no backup"):
            restore(tmp_path / "bad.zip", home)
    with pytest.raises(LibraryError, match="cannot be restored"):
        restore(tmp_path / "none.zip", home)
    with zipfile.ZipFile(tmp_path / "damaged.zip", "w") as packed:
        packed.writestr("catalog.sqlite", "SQLite format 3\x00" + "x" * 5000)
    with pytest.raises(LibraryError, match=r"catalog\.sqlite is damaged"):
        restore(tmp_path / "damaged.zip", home)
    assert not home.exists()


def flipped(data: bytearray) -> None:
    at = len(data) // 2
    data[at : at + 64] = bytes(byte ^ 0xFF for byte in data[at : at + 64])


def of_flags_and_method(flags: int, method: int) -> Callable[[bytearray], None]:
    """Has every file in a zip say that it is packed in this way."""

    def change(data: bytearray) -> None:
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = data.find(mark)
            while at >= 0:
                data[at + offset : at + offset + 4] = flags.to_bytes(2, "little") + method.to_bytes(2, "little")
                at = data.find(mark, at + 4)

    return change


@pytest.mark.parametrize(
    "damage",
    [flipped, *(of_flags_and_method(flags, method) for flags, method in ((1, 8), (0, 14), (0, 99), (0, 12)))],
    ids=["flipped", "encrypted", "lzma", "unknown", "bzip2"],
)
def test_a_backup_that_cannot_be_unpacked_is_refused_in_a_sentence(
    open_library: OpenLibrary, tmp_path: Path, damage: Callable[[bytearray], None]
) -> None:
    kept = tmp_path / "kept.zip"
    backup(open_library().home, kept)
    data = bytearray(kept.read_bytes())
    damage(data)
    kept.write_bytes(data)
    with pytest.raises(LibraryError, match=r"kept\.zip (is no backup of a library, or is damaged|cannot be restored)"):
        restore(kept, tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "error",
    [
        zlib.error("invalid block type"),
        EOFError(),
        RuntimeError("encrypted"),
        UnicodeDecodeError("utf-8", b"\xa7", 0, 1, "invalid start byte"),
    ],
)
def test_whatever_unpacking_raises_is_a_sentence(
    open_library: OpenLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    backup(open_library().home, tmp_path / "kept.zip")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(zipfile.ZipFile, "extractall", fail)
    with pytest.raises(LibraryError, match=r"is no backup of a library, or is damaged \(['\w]+"):
        restore(tmp_path / "kept.zip", tmp_path / "home")


def test_a_place_that_is_a_file_is_refused(open_library: OpenLibrary, tmp_path: Path) -> None:
    backup(open_library().home, tmp_path / "kept.zip")
    (tmp_path / "home").write_text("Mine.")
    with pytest.raises(LibraryError, match="There is something in"):
        restore(tmp_path / "kept.zip", tmp_path / "home")
    assert (tmp_path / "home").read_text() == "Mine."


@pytest.mark.parametrize("year", [1970, 2110])
def test_an_upload_of_any_time_is_kept(open_library: OpenLibrary, tmp_path: Path, year: int) -> None:
    library = open_library()
    file = library.add("note.txt", b"The mill burned.")
    time = datetime(year, 1, 2, tzinfo=UTC).timestamp()
    os.utime(library.home / file.id, (time, time))
    backup(library.home, tmp_path / "kept.zip")
    restore(tmp_path / "kept.zip", tmp_path / "home")
    assert (tmp_path / "home" / file.id).read_bytes() == b"The mill burned."


def test_a_backup_puts_nothing_beside_the_library(open_library: OpenLibrary, tmp_path: Path) -> None:
    kept = tmp_path / "kept.zip"
    backup(open_library().home, kept)
    with zipfile.ZipFile(kept, "a") as packed:
        for name in ("../evil.txt", "/evil.txt", "uploads/../../evil.txt", "chroma/evil.txt", "evil.txt"):
            packed.writestr(name, "evil")
    restore(kept, tmp_path / "home")
    assert not [path for path in tmp_path.rglob("*") if path.name == "evil.txt"]
    assert not Path("/evil.txt").exists()


def test_what_is_purged_is_gone_from_the_disk(
    open_library: OpenLibrary, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the text nor the vector of a hundred documents is in any file of the library."""
    (folder / "kept.txt").write_text("The mill is kept.")
    marks = [f"Secret number {number * 7919} lies under pear tree {number}." for number in range(100)]
    for number, mark in enumerate(marks):
        (folder / f"{number}.txt").write_text(mark)
    library = open_library()
    library.sync()
    library.settle()  # Chroma keeps what it was told to forget
    passages = [library.passages_of(f"{folder.name}/{number}.txt")[0].id for number in range(100)]
    vectors = [library._catalog.vectors([id])[id].tobytes() for id in passages]
    assert all(left(library.home, [marks[0].encode(), vectors[0]]))
    for number in range(100):
        (folder / f"{number}.txt").unlink()
    library.sync()
    library.close()
    assert any(left(library.home, [mark.encode() for mark in marks] + vectors))
    with pytest.raises(SystemExit) as ended:
        app.main(["purge", str(folder)])
    assert not ended.value.code
    assert "1 document, 1 passage" in capsys.readouterr().out
    child = [sys.executable, str(app.__file__), "sync", str(folder)]
    assert "1 document, 1 passage" in subprocess.run(child, capture_output=True, text=True, check=True).stdout
    assert (library.home / "chroma").exists()
    assert not any(left(library.home, [mark.encode() for mark in marks] + vectors))


def left(home: Path, needles: list[bytes]) -> list[bool]:
    """Of each, whether any file of the library holds it."""
    hay = b"\n".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    return [needle in hay for needle in needles]
