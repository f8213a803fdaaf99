"""Further folders in one library: read, named apart, kept while they are away, and forgotten when excluded."""

import shutil
from pathlib import Path

import pytest

import app
from index.errors import LibraryError
from index.library import Library
from tests.conftest import OpenLibrary


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder elsewhere, with one document."""
    folder = tmp_path / "elsewhere" / "notes"
    folder.mkdir(parents=True)
    (folder / "dam.txt").write_text("The dam broke in 1911.")
    return folder


@pytest.fixture
def library(folder: Path, open_library: OpenLibrary) -> Library:
    """A library of one document, which includes nothing yet."""
    (folder / "mill.txt").write_text("The mill burned in 1902.")
    opened = open_library()
    opened.sync()
    return opened


def ids(library: Library) -> list[str]:
    return [file.id for file in library.files() if file.state == "indexed"]


def test_an_included_folder_is_read_searched_and_kept_up_with(library, notes, open_library):
    library.include(notes)
    assert ids(library) == ["docs/mill.txt", "notes/dam.txt"]
    assert library.search("dam", 5)[0][0].startswith("notes/dam.txt#")
    assert library.file_bytes("notes/dam.txt") == (notes / "dam.txt").read_bytes()
    (notes / "port.md").write_text("The port froze.")
    library.sync()
    assert ids(library) == ["docs/mill.txt", "notes/dam.txt", "notes/port.md"]
    library.close()
    again = open_library()
    (notes / "dam.txt").unlink()
    again.sync()
    assert ids(again) == ["docs/mill.txt", "notes/port.md"]


def test_an_excluded_folder_is_forgotten_and_its_files_are_left_alone(library, notes):
    library.include(notes)
    library.exclude(notes)
    assert ids(library) == ["docs/mill.txt"]
    assert (notes / "dam.txt").exists()
    assert library.search("dam", 5) == []
    with pytest.raises(LibraryError, match="is not included"):
        library.exclude(notes)


def test_what_an_included_folder_holds_is_kept_while_it_is_away(library, notes, tmp_path):
    library.include(notes)
    notes.rename(tmp_path / "unplugged")
    states = {file.id: (file.state, file.reason) for file in library.sync()}
    assert states["notes/dam.txt"][0] == "indexed"
    assert "cannot be listed" in states["notes"][1]
    (tmp_path / "unplugged").rename(notes)
    assert [file.id for file in library.sync()] == ["docs/mill.txt", "notes/dam.txt"]


@pytest.mark.parametrize("place", ["empty", "a file"])
def test_so_it_is_where_the_place_of_its_disk_is_empty_or_no_folder(library, notes, tmp_path, place):
    library.include(notes)
    notes.rename(tmp_path / "unplugged")
    notes.mkdir() if place == "empty" else notes.write_text("no folder")
    states = {file.id: file.state for file in library.sync()}
    assert (states["notes"], states["notes/dam.txt"]) == ("refused", "indexed")
    library.exclude(notes)
    assert ids(library) == ["docs/mill.txt"]


def test_folders_of_one_name_are_told_apart(library, notes, tmp_path):
    other = Path(shutil.copytree(notes, tmp_path / "other" / "docs"))
    (other / "mill.txt").write_text("Another mill stands.")
    library.include(other)
    assert ids(library) == ["docs (2)/dam.txt", "docs (2)/mill.txt", "docs/mill.txt"]


@pytest.mark.parametrize("where", [".", "sub", ".."])
def test_a_folder_that_holds_the_same_documents_is_refused(library, folder, where):
    (folder / "sub").mkdir()
    with pytest.raises(LibraryError, match="hold the same documents"):
        library.include(folder / where)
    assert len(library.roots) == 2


def test_a_folder_that_is_not_there_is_refused(library, tmp_path):
    for absent in (tmp_path / "absent", tmp_path / ("x" * 300), Path("~no-such-person/docs")):
        with pytest.raises(LibraryError, match=r"cannot be read \(.*\); name a folder that holds documents"):
            library.include(absent)


def test_a_document_that_lies_in_an_included_folder_is_its_owners_to_delete(library, notes):
    library.include(notes)
    with pytest.raises(LibraryError, match=f"dam.txt lies in {notes}; delete it there"):
        library.remove("notes/dam.txt")


def test_the_command_line_includes_and_excludes(folder, notes, capsys):
    (folder / "mill.txt").write_text("The mill burned in 1902.")
    for command, count in (("include", "2 documents"), ("exclude", "1 document,")):
        with pytest.raises(SystemExit, match="0"):
            app.main([command, str(notes), "--docs", str(folder)])
        assert count in capsys.readouterr().out
        with pytest.raises(SystemExit, match="0"):
            app.main(["status", "--docs", str(folder)])
        assert (f"notes is {notes}, which is included." in capsys.readouterr().out) == (command == "include")
