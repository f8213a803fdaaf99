"""The table of record: our figures on public sets beside published ones, and a plain pipeline beside us.

Writes eval/BENCHMARK.md from benchmark.md.j2, which holds the words and the published figures.
"""

import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Annotated

import jinja2
import typer

from eval import bench, compare, metrics, score
from eval.dataset import Dataset
from eval.report import shown
from eval.run import RUNS, Ranked, Result, Run, opened, ranked, run
from eval.score import METRICS, Outcome
from index.errors import DatasetError
from rag.answer import Footnote
from rag.calibration import Fusion, shipped
from rag.retrieve import retrieve

_HERE = Path(__file__).parent
_TEMPLATE = _HERE / "benchmark.md.j2"
_DEPTH = 50
_SHOWN = 5

SETS = {
    "squad1": "squad/dev-v1.1-visible.json",
    "squad2": "squad/dev-v2.0-visible.json",
    "policyqa": "policyqa/dev.json",
    "chunking": "chunking",
    "scifact": "scifact",
    "wice": "wice/claim_dev.jsonl",
    "wice_oracle": "wice/oracle_chunks_claim_dev.jsonl",
    "podcast": "summedits/summedits_podcast.json",
    "sales_call": "summedits/summedits_sales_call.json",
    "samsum": "summedits/summedits_samsum.json",
    "scitldr": "summedits/summedits_scitldr.json",
    "inscit": "inscit/dev-visible.json",
}
SEARCHED = ("squad1", "policyqa", "chunking", "scifact", "inscit")


@dataclass(frozen=True, slots=True)
class Search:
    """What a system found for each example, and the milliseconds of the median question."""

    system: str
    found: Mapping[str, Sequence[Ranked]]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A set measured: its size, the searches, and the outcomes of the full path."""

    questions: int
    documents: int
    passages: int
    searches: tuple[Search, ...]
    dataset: Dataset
    outcomes: tuple[Outcome, ...]

    def search_table(self, *columns: str) -> str:
        """A table with a row a system and these columns, Markdown.

        Args:
            columns: Of "hit@1", "hit@5", "MRR", "nDCG@10", "recall", "precision", "IoU", "ms".
        """
        rows = [
            (search.system, *(f"{_figures(self.dataset, search)[name]:.1f}" for name in columns))
            for search in self.searches
        ]
        return markdown(("", *columns), rows)

    def figure(self, name: str) -> str:
        """A metric of the full path, in per cent."""
        metric = next(metric for metric in METRICS if metric.name == name)
        return shown(metric, metric.value(self.outcomes))


def main(
    data: Annotated[Path, typer.Option(help="The folder with the public sets.")] = Path("../shared/data"),
    limit: Annotated[int | None, typer.Option(min=1, help="Ask so many questions of each set at most.")] = None,
    out: Annotated[Path, typer.Option(help="Where to write.")] = _HERE / "BENCHMARK.md",
) -> None:
    """Measure Footnote on public sets, beside BM25, dense search and a plain llama-index pipeline."""
    missing = [place for place in SETS.values() if not (data / place).exists()]
    if missing:
        raise DatasetError(f"{data} does not hold {', '.join(missing)}; name the folder that does with --data.")
    measured = {}
    for name, place in SETS.items():
        typer.echo(f"{time.strftime('%H:%M:%S')} {place}", err=True)
        measured[name] = measure(data / place, name, limit, search=name in SEARCHED)
    typer.echo(f"{time.strftime('%H:%M:%S')} seeds, speed and memory", err=True)
    out.write_text(record(measured, *seeds_twice(limit), list(bench.lines())), encoding="utf-8")
    typer.echo(f"Written to {out}.")


def measure(path: Path, name: str, limit: int | None, *, search: bool) -> Measured:
    """Ask a set of the full path and, where wished, of each way to search alone."""
    with opened(path) as (docs, whole):
        dataset = whole.sample(limit) if limit else whole
        full = run(docs, dataset, str(path.name), RUNS / "benchmark" / f"{name}.jsonl")
        searches = tuple(_searches(docs, dataset, full)) if search else ()
        return Measured(
            questions=len(dataset.examples),
            documents=len(dataset.documents),
            passages=docs.library.passage_count(),
            searches=searches,
            dataset=dataset,
            outcomes=score.outcomes(full),
        )


def seeds_twice(limit: int | None) -> tuple[tuple[Outcome, ...], tuple[int, int]]:
    """The outcomes of the set over seeds/, and how many answers of a second run are the same, of how many."""
    path = _HERE / "sets" / "seeds.jsonl"
    with opened(path) as (docs, whole):
        dataset = whole.sample(limit) if limit else whole
        first, second = (run(docs, dataset, path.name, RUNS / "benchmark" / f"seeds-{time}.jsonl") for time in (1, 2))
    return score.outcomes(first), compare.repeated(first, second)


def record(
    measured: Mapping[str, Measured],
    seeds: tuple[Outcome, ...],
    repeated: tuple[int, int],
    speed: Sequence[str],
) -> str:
    """The text of BENCHMARK.md."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        **measured,
        seeds=Measured(len(seeds), 0, 0, (), Dataset("seeds", ()), seeds),
        same=repeated[0],
        both=repeated[1],
        speed=speed,
        calibration=shipped().provenance,
        machine=f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}",
        date=time.strftime("%Y-%m-%d"),
    )


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, the first column to the left."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _searches(docs: Footnote, dataset: Dataset, full: Run) -> Iterable[Search]:
    ways = (("BM25 alone", Fusion(0.0)), ("dense alone", Fusion(1.0)), ("fused", docs.calibration.fusion))
    for system, fusion in ways:
        yield _timed(system, dataset, partial(_ours, docs, fusion))
    yield Search(
        "full path",
        {id: _met(result) for id, result in full.results.items()},
        1_000 * median(r.seconds.ask for r in full.results.values()),
    )
    from eval.peer import Peer  # heavy: torch, 10 s

    peer = Peer(dataset.documents)
    yield _timed("plain llama-index", dataset, lambda question: peer.retrieve(question, _DEPTH))
    peer.close()


def _ours(docs: Footnote, fusion: Fusion, question: str) -> list[Ranked]:
    return [ranked(hit.passage) for hit in retrieve(docs.library, question, _DEPTH, fusion)]


def _met(result: Result) -> list[Ranked]:
    """The passages in the order a reader meets them: those cited, or that would have been, then the rest."""
    said = result.withheld or result.answer
    cited = [each.passage_id for each in said.citations]
    return sorted(result.hits, key=lambda hit: cited.index(hit.id) if hit.id in cited else len(cited))


def _timed(system: str, dataset: Dataset, find: Callable[[str], Sequence[Ranked]]) -> Search:
    find(dataset.examples[0].question)  # what is loaded once is nobody's time
    found, taken = {}, []
    for example in dataset.examples:
        start = time.perf_counter()
        found[example.id] = find(example.question)
        taken.append(time.perf_counter() - start)
    return Search(system, found, 1_000 * median(taken))


def _figures(dataset: Dataset, search: Search) -> dict[str, float]:
    """What a search reaches, by column; documents ranked by their first passage, characters of the first five."""
    asked = [example for example in dataset.examples if example.evidence]
    rankings = metrics.rankings(
        {each.id: dict.fromkeys(evidence.document for evidence in each.evidence) for each in asked},
        {each.id: list(dict.fromkeys(hit.document_id for hit in search.found[each.id])) for each in asked},
    ).values()
    overlaps = [metrics.overlap(search.found[each.id][:_SHOWN], each.evidence) for each in asked]
    return {
        "hit@1": 100 * mean(ranking.hit_1 for ranking in rankings),
        "hit@5": 100 * mean(ranking.hit_5 for ranking in rankings),
        "MRR": 100 * mean(ranking.mrr for ranking in rankings),
        "nDCG@10": 100 * mean(ranking.ndcg_10 for ranking in rankings),
        "recall": 100 * mean(each.recall for each in overlaps),
        "precision": 100 * mean(each.precision for each in overlaps),
        "IoU": 100 * mean(each.iou for each in overlaps),
        "ms": search.milliseconds,
    }


def _processor() -> str:
    """The processor's name (Linux), or what Python knows of it."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()
