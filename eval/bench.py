"""Speed and memory, as a person meets them: the shell, the page, and retrieval over ten thousand passages."""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated

import typer

import rag
from eval.library import SEEDS
from eval.served import APP
from index.errors import FootnoteError
from index.passages import split_sentences

_QUESTION = "How many hostages are still held in Gaza?"
_SEED = 7


def main(
    passages: Annotated[int, typer.Option(help="How many passages to retrieve from.")] = 10_000,
    times: Annotated[int, typer.Option(help="How often each command is timed.")] = 5,
) -> None:
    """Measure speed and memory, each figure with the floor it has to keep."""
    for line in lines(passages, times):
        typer.echo(line)


def lines(passages: int = 10_000, times: int = 5) -> Iterator[str]:
    """Each figure with the floor it has to keep, as it is measured."""
    if find_spec("playwright") is None:
        raise FootnoteError("Measuring the page needs what `make test` installs, and a Chromium; run that first.")
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(shutil.copytree(SEEDS, Path(folder) / "seeds", ignore=shutil.ignore_patterns(".*")))
        rag.open(seeds, llm="").close()
        seconds = shell_seconds(seeds, times)
        yield f"ask from the shell: median {median(seconds):.2f} s of {times}, at most 3 s"
        yield f"torch imported by it: {'yes' if imports_torch(seeds) else 'no'}, must be no"
        yield from page_lines(seeds, Path(folder) / "long")
        files = 10_000
        write_files(Path(folder) / "files", files)
        with rag.open(Path(folder) / "files", llm="") as docs:
            again = [_seconds(docs.sync) for _ in range(times)]
        yield f"sync of a folder of {files:,} files that has not changed: median {median(again):.2f} s, at most 2 s"
        write_corpus(Path(folder) / "many", passages)
        with rag.open(Path(folder) / "many", llm="") as docs:
            docs.library.settle()
            found = docs.library.passage_count()
            for what, work, most in (("retrieval", docs.retrieve, 30), ("an answer", docs.ask, 400)):
                times_ms = milliseconds(docs, work)
                p50, p95 = median(times_ms), quantiles(times_ms, n=20)[-1]
                yield f"{what} over {found:,} passages, warm: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p50 at most {most} ms"


def page_lines(seeds: Path, long: Path) -> Iterator[str]:
    """The figures of the page: over the seeds, and over documents so long that a careless page would wait for them."""
    from eval import bench_page  # of the dev extra

    started = bench_page.started(seeds, _QUESTION)
    yield f"page served after serve: {started.served:.2f} s; usable in a browser: {started.usable:.2f} s, at most 8 s"
    yield f"memory of its process after {bench_page.ASKED} questions: {started.megabytes:.0f} MB, at most 700 MB"
    felt = bench_page.felt(long)
    yield f"first paint of a page that is served: {felt.paint:.0f} ms, at most 1,500 ms"
    yield f"click to marked words in 2 MB of text: {felt.text:.0f} ms; on 300 pages: {felt.pdf:.0f} ms, at most 150 ms"
    yield f"a letter typed while a document is read: p95 {felt.typing:.0f} ms, at most 100 ms"


def shell_seconds(folder: Path, times: int) -> list[float]:
    """Wall seconds of `ask` on an indexed folder, each in a process of its own."""
    return [_seconds(lambda: _run("ask", _QUESTION, "--docs", str(folder))) for _ in range(times)]


def imports_torch(folder: Path) -> bool:
    """Whether answering from the shell imports torch."""
    code = (
        "import sys, app\n"
        "try: app.main(sys.argv[1:])\n"
        "except SystemExit: print('torch' in sys.modules, file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, "ask", _QUESTION, "--docs", str(folder)]
    child = subprocess.run(command, cwd=APP.parent, capture_output=True, text=True, check=True)
    return child.stderr.strip().endswith("True")


def milliseconds(docs: rag.Footnote, work: Callable[[str], object]) -> list[float]:
    """The milliseconds of each of a hundred warm calls with a question."""
    sentences = [hit.passage.text.split(".")[0] for hit in docs.retrieve(_QUESTION, 5)]
    questions = [f"{sentence}: {_QUESTION}" for sentence in sentences] + [_QUESTION]
    for question in questions:
        work(question)
    return [1_000 * _seconds(partial(work, questions[turn % len(questions)])) for turn in range(100)]


def write_corpus(folder: Path, passages: int) -> None:
    """Documents with about this many passages in all: shuffled sentences of the seeds, the same every time."""
    with rag.open(SEEDS, llm="") as docs:
        text = "\n\n".join(docs.document(file.id).text for file in docs.files() if file.state == "indexed")
    folder.mkdir()
    chance = random.Random(_SEED)
    sentences = [" ".join(text[span.start : span.end].split()) for span in split_sentences(text)]
    words = sorted({word for sentence in sentences for word in sentence.split()})
    for number in range(passages // 75):
        paragraphs = (
            " ".join([*chance.sample(sentences, 3), *chance.sample(words, 20), f"number {number}.{paragraph}."])
            for paragraph in range(100)
        )
        (folder / f"{number}.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")


def write_files(folder: Path, count: int) -> None:
    """Files that say the same, told apart by the blanks at their ends: they are read in no time."""
    folder.mkdir()
    for number in range(count):
        blanks = f"{number:b}".translate(str.maketrans("01", " \t"))
        (folder / f"{number}.txt").write_text(f"The owner of the mill saw it burn.{blanks}\n", encoding="utf-8")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, str(APP), *arguments], check=True, capture_output=True)
