"""Bad files cannot hurt (S1), and no path escapes (S2): a small version of `python -m tests.hostile`."""

import hashlib
import time
from collections import defaultdict
from contextlib import closing
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path, PurePosixPath

import pytest

from index import embeddings
from index.document import Document, Heading
from index.library import Library
from tests import hostile
from tests.kills import QuickEmbedder
from tests.malice import BAIT, RECIPES, Recipe, lay_out, mutated, restless
from tests.malice.archives import wild_names
from tests.malice.honest import MAKERS, honest

MOST_BYTES = 64 * 2**20


def chosen(count: int) -> list[Recipe]:
    """Quick ones of each format in turn, a kind only once; which those are is drawn by their names."""
    by_suffix = defaultdict(list)
    drawn = sorted(
        (each for each in RECIPES if not each.slow), key=lambda each: hashlib.md5(each.name.encode()).digest()
    )
    for recipe in {each.kind: each for each in drawn}.values():
        by_suffix[PurePosixPath(recipe.file_name).suffix].append(recipe)
    turns = chain.from_iterable(zip_longest(*by_suffix.values()))
    return [recipe for recipe in turns if recipe][:count]


@pytest.fixture
def caught():
    with hostile.trap() as made:
        yield made


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(embeddings, "load", lambda _: QuickEmbedder())


# --- the files themselves ---


def test_there_are_many_hostile_files_and_each_has_a_name_of_its_own() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert len(names) == len(set(names)) >= 900
    assert {PurePosixPath(recipe.file_name).suffix for recipe in RECIPES} >= set(MAKERS) - {".tsv", ".vtt"}


def test_hostile_files_are_the_same_whenever_they_are_made() -> None:
    few = [recipe for recipe in RECIPES if not recipe.slow][::25]
    for recipe in few:
        made = recipe.made()
        assert made == recipe.made()
        assert 0 < len(made.data) <= MOST_BYTES


def test_broken_documents_are_the_same_whenever_they_are_made_and_each_is_another() -> None:
    made = [mutated(seed) for seed in range(200)]
    assert made == [mutated(seed) for seed in range(200)]
    assert len({each.data for each in made}) > 190
    assert {PurePosixPath(each.file_name).suffix for each in made} == set(MAKERS)


@pytest.mark.parametrize("suffix", MAKERS)
def test_an_honest_document_is_the_same_whenever_it_is_made(suffix) -> None:
    assert MAKERS[suffix]() == honest(suffix)


# --- each on its own ---


def test_S1_hostile_files_are_read_or_refused_in_a_sentence_and_bring_nothing_out(caught) -> None:
    makers = [partial(recipe.made, caught.bait) for recipe in chosen(60)]
    outcomes = list(hostile.read_all(makers, caught))
    assert [each for each in outcomes if each.faults] == []
    assert caught.taken() == []
    assert {each.state for each in outcomes} >= {"read", "refused"}


def test_S1_broken_documents_are_read_or_refused_in_a_sentence(caught) -> None:
    outcomes = list(hostile.read_all([partial(mutated, seed) for seed in range(60)], caught))
    assert [each for each in outcomes if each.faults] == []


def test_S1_what_would_fill_the_memory_is_ended_before_it_does(caught) -> None:
    bombs = [
        each
        for each in RECIPES
        if each.name in ("a bomb in the text in docx", "forms in a ring in pdf", "a bomb beside the text in xlsx")
    ]
    outcomes = list(hostile.read_all([partial(each.made, caught.bait) for each in bombs], caught))
    assert [each.state for each in outcomes if each.faults or each.state == "read"] == []
    assert all(each.megabytes <= hostile.MOST_MEGABYTES for each in outcomes)


# --- a folder of them ---


def test_S2_a_folder_of_hostile_files_and_links_is_read_and_the_good_one_is_found(tmp_path: Path, caught) -> None:
    assert hostile.of_library(tmp_path, chosen(60), caught, most=2**16) == []


def test_S2_no_link_is_followed_and_nothing_but_files_is_read(tmp_path: Path, caught, quick) -> None:
    folder = tmp_path / "docs"
    lay_out(folder, caught.bait)
    with closing(Library(folder)) as library:
        states = {file.id.removeprefix("docs/"): file for file in library.sync()}
    links = [path.name for path in folder.iterdir() if path.is_symlink()]
    assert len(links) == 12
    assert {states[name].reason for name in links} == {"it is a link; put the file itself into the folder"}
    assert states["pipe.txt"].reason == "it is not a regular file"
    assert states["sparse.txt"].state == states["empty.txt"].state == "refused"
    assert states["inside.txt"].state == "indexed" or states["hard.txt"].state == "indexed"
    assert all(hostile.is_sentence(file.reason) for file in states.values() if file.reason)
    assert all(id.isprintable() or "names/" in id for id in states)


def test_S2_a_folder_that_changes_while_it_is_read_is_read(tmp_path: Path, quick) -> None:
    folder = tmp_path / "docs"
    with restless(folder), closing(Library(folder)) as library:
        for _ in range(6):
            assert all(hostile.is_sentence(file.reason) for file in library.sync() if file.reason)
            time.sleep(0.01)


@pytest.mark.parametrize("name", wild_names(BAIT), ids=lambda name: repr(name[:30]))
def test_S2_an_upload_of_any_name_lies_among_the_uploads(tmp_path: Path, quick, name) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    before = sorted(tmp_path.rglob("*"))
    with closing(Library(folder)) as library:
        for suffix in ("", ".txt"):
            file = library.add(name.decode(errors="surrogateescape") + suffix, f"The mill burned. {suffix}".encode())
            assert file.state in ("indexed", "refused")
        kept = list((folder / ".footnote" / "uploads").iterdir())
        assert all(path.parent == folder / ".footnote" / "uploads" and not path.is_symlink() for path in kept)
    outside = {path for path in tmp_path.rglob("*") if folder / ".footnote" not in (path, *path.parents)}
    assert sorted(outside) == before
    assert not BAIT.escape.exists()


# --- that the harness would see it ---


@pytest.mark.parametrize(
    "said", ["", "Traceback (most recent call last)", "a\nb", "a\x1b[0m", "a\u202eb", "x" * 401, "it ends.", " a"]
)
def test_what_is_not_one_sentence_is_seen(said) -> None:
    assert not hostile.is_sentence(said)


def test_what_a_document_should_not_hold_is_seen() -> None:
    def faults(text: str, **told: object) -> list[str]:
        return hostile.of_document(Document("docs/a", "a", text, "", "text/plain", **told), "quetzal")

    assert faults("The mill burned.") == []
    assert faults("a\u202eb") == ["characters that hide"]
    assert faults("so: quetzal") == faults("x", author="quetzal") == ["tells the secret"]
    assert faults(" ") == ["no text"]
    assert faults("a", headings=(Heading(1, 0, 2),)) == ["places outside the text"]


def test_who_takes_a_bait_is_seen(caught) -> None:
    import urllib.request

    caught.bait.escape.write_text("x")
    with pytest.raises(OSError, match=r"."):
        urllib.request.urlopen(caught.bait.url, timeout=2)
    assert len(caught.taken()) == 2
