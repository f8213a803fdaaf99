"""The figures of growth: a library written straight into its catalog is one that a sync would have made."""

from contextlib import closing
from pathlib import Path

import pytest

from eval import bench
from eval.bench import growth
from eval.bench.figure import Figure
from index.catalog import CATALOG, Catalog
from index.library import Library, home_of
from index.sync import Changes

PASSAGES = 250


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("growth")


@pytest.fixture(scope="module")
def figures(place: Path) -> dict[str, Figure]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growth, "_ASKED", 10)
        return {each.what: each for each in growth._figures(place, PASSAGES)}


def test_every_figure_tells_its_size_and_is_measured(figures: dict[str, Figure]) -> None:
    assert {(each.at, each.of) for each in figures.values()} == {(250, "passages")}
    assert len(figures) == 11
    assert all(each.value > 0 for each in figures.values())


def test_an_index_this_small_finds_what_comparing_finds(figures: dict[str, Figure]) -> None:
    assert figures["recall@20 of nearest passages"].value > 0.99


def test_the_library_is_written_once_and_every_passage_differs(place: Path, figures: dict[str, Figure]) -> None:
    folder = place / "250 notes"
    taken = growth._built(folder, PASSAGES)
    assert taken == figures["building the search indexes"].value
    with closing(Catalog(home_of(folder) / CATALOG, "ro")) as catalog:
        keys = catalog.passage_keys()
        assert len(keys) == len(set(keys.values())) == PASSAGES
        for id, passage in catalog.passages(keys).items():
            text = catalog.document(passage.document_id).text
            assert text[passage.start : passage.end] == passage.text, id
            assert " ".join(passage.quote(span) for span in passage.sentences) == passage.text, id


def test_a_sync_finds_nothing_to_do(place: Path, figures: dict[str, Figure]) -> None:
    with closing(Library(place / "250 notes")) as library:
        assert library.changes() == Changes((), (), (), ())


def test_the_floors_hold_at_their_sizes_only() -> None:
    assert growth._RETRIEVED.at(100_000, 21.0).verdict == "missed"
    assert growth._RETRIEVED.at(100_000, 9.0).verdict == "goal reached"
    assert growth._RECALL.at(100_000, 0.97).verdict == "missed"
    assert growth._RETRIEVED.at(1_000, 21.0).verdict == ""


def test_a_million_is_measured_only_where_it_is_named() -> None:
    assert "million" in bench.LONG
    assert "million" not in bench.PARTS
