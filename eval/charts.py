"""Charts of a run as SVG text, which needs neither a script nor a network: confidence, risk, time."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import altair
import numpy as np
import vl_convert

from eval import metrics
from eval.metrics import Numbers
from eval.score import Outcome, sure

_WIDTH, _HEIGHT = 300, 200
_BINS = 20
_POINTS = 200  # of a curve
ACCENT, _OTHER = "#3b8ea5", "#c77d2e"  # told apart without colour too: by place, dash or label
COLOURS = [ACCENT, _OTHER, "#8a6fb0"]

_FEW = altair.Axis(tickCount=5)
_COUNT = altair.Y("count:Q", title="questions", axis=altair.Axis(tickMinStep=1, tickCount=4, format="d"))

Channel = TypeVar("Channel", altair.X, altair.Y)

Datum = dict[str, Any]
"""A row of a chart's data, by the names of its columns, as altair takes it."""


def risk_coverage(outcomes: Sequence[Outcome]) -> str:
    """Share of the answers that is wrong, over the share of the questions answered, surest first."""
    right, confidence = _confidence(outcomes)
    risks = metrics.risks(right, confidence)
    places = np.unique(np.linspace(0, len(risks) - 1, _POINTS).astype(int))
    rows = [{"coverage": (place + 1) / len(risks), "risk": risks[place]} for place in places.tolist()]
    return svg(
        of(rows)
        .mark_line(color=ACCENT, strokeWidth=2)
        .encode(x=_share(altair.X, "coverage", "questions answered"), y=_share(altair.Y, "risk", "of these wrong"))
    )


def reliability(outcomes: Sequence[Outcome]) -> str:
    """How often answers of each confidence are right; on the diagonal, confidence is what it says."""
    right, confidence = _confidence(outcomes)
    rows = [
        {"confidence": mean, "right": share, "questions": count}
        for mean, share, count in metrics.reliability(right[confidence <= 1], confidence[confidence <= 1])
    ]
    points = (
        of(rows)
        .mark_circle(color=ACCENT, opacity=0.9)
        .encode(
            x=_share(altair.X, "confidence", "confidence"),
            y=_share(altair.Y, "right", "of these right"),
            size=altair.Size(
                "questions:Q", scale=altair.Scale(range=[20, 300]), legend=altair.Legend(orient="bottom", tickCount=3)
            ),
        )
    )
    diagonal = (
        of([{"confidence": 0, "right": 0}, {"confidence": 1, "right": 1}])
        .mark_line(color=_OTHER, strokeDash=[4, 4])
        .encode(x="confidence:Q", y="right:Q")
    )
    return svg(diagonal + points)


def confidences(outcomes: Sequence[Outcome]) -> str:
    """How sure Footnote is of questions that the documents answer, and of those that they do not."""
    rows = [
        {**row, "kind": kind}
        for kind, answerable in (("answerable", True), ("unanswerable", False))
        for row in _histogram(
            [
                each.result.answer.confidence
                for each in outcomes
                if each.result and each.example.answerable == answerable
            ],
            1.0,
        )
    ]
    bars = (
        of(rows)
        .mark_rect()
        .encode(
            x=altair.X("low:Q", title="confidence", scale=altair.Scale(domain=[0, 1]), axis=_FEW),
            x2="high:Q",
            y=_COUNT,
            y2=altair.datum(0),
            color=altair.Color("kind:N", legend=None, scale=altair.Scale(range=[ACCENT, _OTHER])),
            row=altair.Row("kind:N", title=None, header=altair.Header(labelAnchor="start", labelOrient="top")),
        )
        .properties(height=_HEIGHT // 2 - 24)
    )
    return svg(bars)


def seconds(outcomes: Sequence[Outcome]) -> str:
    """How long questions took."""
    taken = [1_000 * each.result.seconds for each in outcomes if each.result]
    return svg(
        of(_histogram(taken, max(taken)))
        .mark_rect(color=ACCENT)
        .encode(
            x=altair.X("low:Q", title="milliseconds", axis=_FEW),
            x2="high:Q",
            y=_COUNT,
            y2=altair.datum(0),
        )
    )


def _confidence(outcomes: Iterable[Outcome]) -> tuple[Numbers, Numbers]:
    right, confidence = np.array([sure(outcome) for outcome in outcomes]).T
    return right, confidence


def _histogram(values: Sequence[float], high: float) -> list[Datum]:
    counts, edges = np.histogram(values, bins=_BINS, range=(0.0, high))
    borders = edges.tolist()
    return [
        {"low": low, "high": top, "count": count}
        for low, top, count in zip(borders, borders[1:], counts.tolist(), strict=False)
    ]


def of(rows: list[Datum]) -> altair.Chart:
    """A chart of some rows, not yet drawn."""
    return altair.Chart(altair.InlineData(values=rows)).properties(width=_WIDTH, height=_HEIGHT)


def _share(channel: type[Channel], column: str, title: str) -> Channel:
    """A channel from 0 to 100 %."""
    axis, scale = altair.Axis(format="%", tickCount=5), altair.Scale(domain=[0, 1])
    return channel(f"{column}:Q", title=title, axis=axis, scale=scale)


def svg(chart: altair.TopLevelMixin) -> str:
    """A chart as SVG text, in the ink of the page that it is put into."""
    plain = chart.configure(background="transparent", font="sans-serif").configure_view(stroke=None)
    ink = plain.configure_axis(
        labelColor="currentColor", titleColor="currentColor", domainColor="#888", tickColor="#888", gridColor="#8884"
    ).configure_legend(labelColor="currentColor", titleColor="currentColor")
    return str(vl_convert.vegalite_to_svg(ink.configure_header(labelColor="currentColor").to_dict()))
