"""Figures of speed beside their floors, the record they are written into, and ingest measured in small."""

from pathlib import Path

import pytest

from eval.bench import charts, ingest, record
from eval.bench.figure import Figure
from eval.bench.record import Part
from index.errors import FootnoteError


@pytest.mark.parametrize(
    ("figure", "verdict", "said"),
    [
        (Figure("ask", 0.8, "s", 3, 1.5), "goal reached", "ask: 0.8 s (floor 3 s, goal 1.5 s): goal reached"),
        (Figure("ask", 2.0, "s", 3, 1.5), "kept", "ask: 2 s (floor 3 s, goal 1.5 s): kept"),
        (Figure("ask", 3.14159, "s", 3, 1.5), "missed", "ask: 3.14 s (floor 3 s, goal 1.5 s): missed"),
        (Figure("faster", 2.5, "times", 2, 3, "more"), "kept", "faster: 2.5 times (floor 2 times, goal 3 times): kept"),
        (Figure("faster", 1.9, "times", 2, 3, "more"), "missed", None),
        (Figure("faster", 3.0, "times", 2, 3, "more"), "goal reached", None),
        (Figure("first paint", 424.2, "ms", 1500), "kept", "first paint: 424 ms (floor 1,500 ms): kept"),
        (Figure("passages", 12435, ""), "", "passages: 12,435"),
        (Figure("p95", 4, "s", 8, 3, at=50, of="people"), "kept", "p95, 50 people: 4 s (floor 8 s, goal 3 s): kept"),
    ],
)
def test_a_figure_says_how_it_stands_to_its_floor_and_goal(figure, verdict, said):
    assert figure.verdict == verdict
    assert said in (None, str(figure))


def part(title: str) -> Part:
    return Part(title, list)


PARTS = {"shell": part("From the shell"), "page": part("The page"), "growth": part("As it grows")}


def test_the_figures_of_a_part_replace_its_last_ones_and_nothing_else(tmp_path: Path) -> None:
    written = tmp_path / "RECORD.md"
    written.write_text("# Figures\n\nTold.\n\n## Speed and memory\n\n### Measured no more\n\nwhat was before\n")
    record.renew(written, PARTS, "page", [Figure("paint", 424, "ms")])
    record.renew(written, PARTS, "shell", [Figure("ask", 0.8, "s", 3, 1.5)])
    record.renew(written, PARTS, "shell", [Figure("ask", 0.9, "s", 3, 1.5)])
    head = "| | measured | floor | goal | |\n|---|---:|---:|---:|---|\n"
    section = (
        f"## Speed and memory\n\n### From the shell\n\n{head}| ask | 0.9 s | 3 s | 1.5 s | goal reached |\n\n"
        f"### The page\n\n{head}| paint | 424 ms |  |  |  |\n"
    )
    assert written.read_text() == f"# Figures\n\nTold.\n\n{section}"
    assert record.section(written) == section


def test_what_was_measured_with_several_numbers_is_a_row_with_a_column_each(tmp_path: Path) -> None:
    (tmp_path / "RECORD.md").write_text("## Speed and memory\n")
    figures = [
        Figure("p50", 9.06, "ms", at=1000, of="passages"),
        Figure("p50", 12.5, "ms", 15, 8, at=10_000, of="passages"),
        Figure("recall", 1, "", at=1000, of="passages"),
    ]
    charted = {"growth": Part("As it grows", list, lambda _: "<svg/>")}
    record.renew(tmp_path / "RECORD.md", charted, "growth", figures)
    assert (tmp_path / "RECORD.md").read_text() == (
        "## Speed and memory\n\n### As it grows\n\n![As it grows](figures/growth.svg)\n\n"
        "|  | 1,000 passages | 10,000 passages |\n|---|---:|---:|\n"
        "| p50 | 9.06 ms | 12.5 ms (floor 15 ms: kept) |\n| recall | 1 |  |\n"
    )
    assert (tmp_path / "figures" / "growth.svg").read_text() == "<svg/>"


def test_a_record_without_a_place_for_figures_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "RECORD.md").write_text("# Figures\n")
    with pytest.raises(FootnoteError, match="has no line '## Speed and memory'"):
        record.renew(tmp_path / "RECORD.md", PARTS, "page", [])
    assert (tmp_path / "RECORD.md").read_text() == "# Figures\n"


@pytest.fixture(scope="module")
def ingested() -> tuple[Figure, ...]:
    return tuple(ingest.figures(passages=80, times=1))


def test_ingest_is_measured_beside_the_pipeline_over_passages_as_long(ingested) -> None:
    told = {figure.what: figure.value for figure in ingested}
    assert told["passages a second"] > 0
    assert told["characters of a passage"] == pytest.approx(
        told["plain llama-index: characters of a passage"], rel=0.15
    )
    assert 0 < told["share of the cores' time inside the forward pass"] < 100
    assert 50 < told["peak memory"] < 2000
    assert told["peak memory against plain llama-index, median of 1"] < 1


def test_charts_show_what_was_measured_in_an_ink_of_their_own(ingested) -> None:
    over = [
        Figure(what, at / 50, "ms", at=at, of="") for what in ("retrieval, p50", "answer, p50") for at in (100, 900)
    ]
    waits = [Figure(f"an answer, {p}", at / 10, "s", at=at, of="") for p in ("p50", "p95") for at in (1, 50)]
    for drawn, labels in (
        (charts.ingest(ingested), ("Footnote", "plain llama-index", "peak memory, MB")),
        (charts.growth(over), ("retrieval, p50", "answer, p50", "passages")),
        (charts.load(waits), ("an answer, p95", "people at once")),
    ):
        assert drawn.startswith("<svg")
        assert "currentColor" not in drawn
        assert all(label in drawn for label in labels)
