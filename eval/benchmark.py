"""The table of record: our figures on public sets beside published ones, and a plain pipeline beside us.

Writes eval/BENCHMARK.md from benchmark.md.j2, which holds the words and the published figures.
"""

import os
import platform
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Annotated

import jinja2
import typer

from eval import compare, formats, metrics, proof, reading, score
from eval.bench.record import section
from eval.conversations import in_conversation
from eval.dataset import Dataset
from eval.library import RUNS, opened
from eval.metrics import Overlap, Ranking
from eval.report import shown
from eval.run import DEPTH, Ranked, Result, Run, ranked, run
from eval.score import BY_NAME, SHOWN, Outcome
from index.errors import DatasetError
from rag import crossencoder
from rag.calibration import Fusion, shipped
from rag.footnote import Footnote
from rag.retrieve import BM25_ALONE, DENSE_ALONE, retrieve
from rag.verify import Verifier

_HERE = Path(__file__).parent
_TEMPLATE = _HERE / "benchmark.md.j2"

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
    "conversed": "squad/dev-v1.1-visible.json",
    "multihop": "multihoprag",
}
SEARCHED = ("squad1", "policyqa", "chunking", "scifact", "inscit")
_PROVEN = 1_200  # examples that statements are made of, for the proof
CONVERSED = ("conversed",)  # whose questions stand alone, and are put in the middle of conversations


@dataclass(frozen=True, slots=True)
class Search:
    """What a system reaches on a set.

    Attributes:
        system: Its name.
        documents: How it ranks documents, each by its first passage: means over the examples with evidence.
        shown: The characters of its first passages against the evidence, likewise.
        milliseconds: Of the median question.
    """

    system: str
    documents: Ranking
    shown: Overlap
    milliseconds: float


_COLUMNS: dict[str, Callable[[Search], float]] = {
    "hit@1": lambda search: 100 * search.documents.hit_1,
    "hit@5": lambda search: 100 * search.documents.hit_5,
    "MRR": lambda search: 100 * search.documents.mrr,
    "nDCG@10": lambda search: 100 * search.documents.ndcg_10,
    "recall": lambda search: 100 * search.shown.recall,
    "precision": lambda search: 100 * search.shown.precision,
    "IoU": lambda search: 100 * search.shown.iou,
    "ms": lambda search: search.milliseconds,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A set measured: its size, the searches, and the outcomes of the full path."""

    questions: int
    documents: int
    passages: int
    searches: tuple[Search, ...]
    outcomes: tuple[Outcome, ...]

    def table(self, *columns: str) -> str:
        """A table with a row a system and some of `_COLUMNS`, Markdown."""
        rows = [[search.system, *(f"{_COLUMNS[name](search):.1f}" for name in columns)] for search in self.searches]
        return "\n".join(
            f"| {' | '.join(line)} |" for line in (["", *columns], ["---", *["---:"] * len(columns)], *rows)
        )

    def value(self, system: str, column: str) -> str:
        """A system's figure, as the table has it."""
        return next(f"{_COLUMNS[column](search):.1f}" for search in self.searches if search.system == system)

    def figure(self, name: str) -> str:
        """A metric of the full path, in per cent."""
        return figure(self.outcomes, name)


def main(
    data: Annotated[Path, typer.Option(help="The folder with the public sets.")] = Path("../shared/data"),
    limit: Annotated[int | None, typer.Option(min=1, help="Ask so many questions of each set at most.")] = None,
    out: Annotated[Path, typer.Option(help="Where to write.")] = _HERE / "BENCHMARK.md",
) -> None:
    """Measure Footnote on public sets, beside BM25, dense search and a plain llama-index pipeline."""
    missing = [place for place in SETS.values() if not (data / place).exists()]
    if missing:
        raise DatasetError(f"{data} does not hold {', '.join(missing)}; name the folder that does with --data.")
    read, measured = list(reading.lines(data / "pdf")), {}
    for name, place in SETS.items():
        typer.echo(f"{time.strftime('%H:%M:%S')} {place}", err=True)
        measured[name] = measure(data / place, name, limit, search=name in SEARCHED)
    typer.echo(f"{time.strftime('%H:%M:%S')} proof", err=True)
    proven = proof.prove(
        proof.cases(formats.load(data / SETS["squad1"]), _PROVEN), Verifier(crossencoder.shipped(), shipped().standard)
    )
    typer.echo(f"{time.strftime('%H:%M:%S')} seeds", err=True)
    written = record(measured, proven, *seeds_twice(limit), read, section(out), limit)
    out.write_text(written, encoding="utf-8")
    typer.echo(f"Written to {out}.")


def measure(path: Path, name: str, limit: int | None, *, search: bool) -> Measured:
    """Ask a set of the full path and, where wished, of each way to search alone."""
    with opened(path, numbers=shipped()) as (docs, whole):
        dataset = whole.sample(limit)
        if name in CONVERSED:
            dataset = in_conversation(dataset)
        full = run(docs, dataset, str(path.name), RUNS / "benchmark" / f"{name}.jsonl")
        searches: Iterable[Search] = (_full_path(dataset, full),) if name in CONVERSED else ()
        if search:
            searches = tuple(_searches(docs, dataset, full))
        return Measured(
            questions=len(dataset.examples),
            documents=len(dataset.documents),
            passages=docs.library.passage_count(),
            searches=tuple(searches),
            outcomes=score.outcomes(full),
        )


def seeds_twice(limit: int | None) -> tuple[tuple[Outcome, ...], tuple[int, int]]:
    """The outcomes of the set over seeds/, and how many answers of a second run are the same, of how many."""
    path = _HERE / "sets" / "seeds.jsonl"
    with opened(path, numbers=shipped()) as (docs, whole):
        dataset = whole.sample(limit)
        first, second = (run(docs, dataset, path.name, RUNS / "benchmark" / f"seeds-{time}.jsonl") for time in (1, 2))
    return score.outcomes(first), compare.repeated(first, second)


def record(
    measured: Mapping[str, Measured],
    proven: Sequence[proof.Outcome],
    seeds: tuple[Outcome, ...],
    repeated: tuple[int, int],
    read: Sequence[str],
    speed: str,
    limit: int | None,
) -> str:
    """The text of BENCHMARK.md."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        **measured,
        proven=proof.rows(proven),
        against=against,
        seeds=len(seeds),
        seeds_figure=partial(figure, seeds),
        same=repeated[0],
        both=repeated[1],
        read=read,
        speed=speed,
        limit=limit,
        calibration=shipped().provenance,
        machine=f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}",
        date=time.strftime("%Y-%m-%d"),
    )


def against(value: str, floor: float) -> str:
    """Whether a figure keeps a floor, and by how much."""
    over = float(value) - floor
    return f"{'kept' if over >= 0 else 'missed'} by {abs(over):.1f}"


def figure(outcomes: Sequence[Outcome], name: str) -> str:
    """A metric of some outcomes, in per cent."""
    return shown(BY_NAME[name], BY_NAME[name].value(outcomes))


def _searches(docs: Footnote, dataset: Dataset, full: Run) -> Iterable[Search]:
    ways = (("BM25 alone", BM25_ALONE), ("dense alone", DENSE_ALONE), ("fused", docs.calibration.fusion))
    for system, fusion in ways:
        yield _search(system, dataset, partial(_ours, docs, fusion))
    if any(example.history for example in dataset.examples):
        yield _search(
            "fused, standalone", _standing_alone(dataset, full), partial(_ours, docs, docs.calibration.fusion)
        )
    yield _full_path(dataset, full)
    follow_ups = tuple(example for example in dataset.examples if example.history)
    if follow_ups:
        yield _full_path(replace(dataset, examples=follow_ups), full, "full path, follow-ups alone")
    from eval.peer import Peer  # heavy: torch, 10 s

    peer = Peer(dataset.documents)
    yield _search("plain llama-index", dataset, lambda question: peer.retrieve(question, DEPTH))
    peer.close()


def _standing_alone(dataset: Dataset, full: Run) -> Dataset:
    """The set with the questions that were searched for in place of those that were asked."""
    queries = {id: result.answer.query for id, result in full.results.items()}
    return replace(
        dataset, examples=tuple(replace(example, question=queries[example.id]) for example in dataset.examples)
    )


def _full_path(dataset: Dataset, full: Run, system: str = "full path") -> Search:
    results = {example.id: full.results[example.id] for example in dataset.examples}
    met = {id: _met(result) for id, result in results.items()}
    return _scored(system, dataset, met, [result.seconds for result in results.values()])


def _ours(docs: Footnote, fusion: Fusion, question: str) -> list[Ranked]:
    return [ranked(hit.passage) for hit in retrieve(docs.library, question, DEPTH, fusion)]


def _met(result: Result) -> list[Ranked]:
    """The passages in the order a person meets them: cited, or that would have been, then as read, then the rest."""
    met = [*(each.passage_id for each in result.said.citations), *(hit.passage.id for hit in result.said.hits)]
    place = {id: number for number, id in reversed(list(enumerate(met)))}
    return sorted(result.hits, key=lambda hit: place.get(hit.id, len(met)))


def _search(system: str, dataset: Dataset, find: Callable[[str], Sequence[Ranked]]) -> Search:
    """Ask a system every question."""
    find(dataset.examples[0].question)  # what is loaded once is nobody's time
    found, seconds = {}, []
    for example in dataset.examples:
        start = time.perf_counter()
        found[example.id] = find(example.question)
        seconds.append(time.perf_counter() - start)
    return _scored(system, dataset, found, seconds)


def _scored(system: str, dataset: Dataset, found: Mapping[str, Sequence[Ranked]], seconds: Sequence[float]) -> Search:
    asked = [example for example in dataset.examples if example.evidence]
    rankings = score.document_rankings(asked, {example.id: found[example.id] for example in asked}).values()
    overlaps = [metrics.overlap(found[example.id][:SHOWN], example.evidence) for example in asked]
    return Search(
        system,
        Ranking(*(mean(column) for column in zip(*map(astuple, rankings), strict=True))),
        Overlap(*(mean(column) for column in zip(*map(astuple, overlaps), strict=True))),
        1_000 * median(seconds),
    )


def _processor() -> str:
    """The processor's name (Linux), or what Python knows of it."""
    info = Path("/proc/cpuinfo")
    told = re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return told[1] if told else platform.processor() or platform.machine()
