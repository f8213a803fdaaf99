"""Charts of figures of speed and memory, as SVG files of their own, in an ink that shows on light and dark."""

from collections.abc import Sequence

import altair

from eval import charts
from eval.bench.figure import Figure

_INK = "#808080"


def growth(figures: Sequence[Figure]) -> str:
    """How long questions take, over the passages of a library."""
    whats = ("retrieval, p50", "retrieval, p95", "answer, p50")
    return _curves(figures, whats, "passages", "milliseconds", altair.Scale(type="log"))


def load(figures: Sequence[Figure]) -> str:
    """How long answers take, over the people who ask at once."""
    return _curves(figures, ("an answer, p50", "an answer, p95"), "people at once", "seconds", altair.Scale())


def ingest(figures: Sequence[Figure]) -> str:
    """Characters a second and megabytes, beside the pipeline's."""
    value = {each.what: each.value for each in figures}
    ours, theirs = "Footnote", "plain llama-index"
    rows = [
        {"who": ours, "of": "characters a second", "value": value["characters a second"]},
        {"who": theirs, "of": "characters a second", "value": value["plain llama-index: characters a second"]},
        {"who": ours, "of": "peak memory, MB", "value": value["peak memory"]},
        {"who": theirs, "of": "peak memory, MB", "value": value["plain llama-index: peak memory"]},
    ]
    bars = (
        charts.of(rows)
        .mark_bar(color=charts.ACCENT)
        .encode(
            x=altair.X("value:Q", title=None, axis=altair.Axis(tickCount=4)),
            y=altair.Y("who:N", title=None, sort=None),
            column=altair.Column("of:N", title=None, sort=None, header=altair.Header(labelAnchor="start")),
        )
        .properties(height=60)
        .resolve_scale(x="independent")
    )
    return _inked(bars)


def _curves(figures: Sequence[Figure], whats: Sequence[str], x: str, y: str, scale: altair.Scale) -> str:
    """Some figures over how many there were, both in steps of the same factor or of the same size."""
    rows = [{"at": each.at, "value": each.value, "what": each.what} for each in figures if each.what in whats]
    lines = (
        charts.of(rows)
        .mark_line(point=True)
        .encode(
            x=altair.X("at:Q", title=x, scale=scale, axis=altair.Axis(tickCount=4, format="~s")),
            y=altair.Y("value:Q", title=y, scale=scale, axis=altair.Axis(tickCount=5)),
            color=altair.Color(
                "what:N",
                title=None,
                sort=list(whats),
                scale=altair.Scale(range=charts.COLOURS),
                legend=altair.Legend(orient="bottom"),
            ),
            strokeDash=altair.StrokeDash("what:N", sort=list(whats), legend=None),
        )
    )
    return _inked(lines)


def _inked(chart: altair.Chart) -> str:
    """A page gives no ink to a picture that it only links to; its letters may be wider than they were thought to be."""
    return charts.svg(chart.properties(padding=30)).replace("currentColor", _INK)
