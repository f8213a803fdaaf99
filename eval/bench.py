"""Speed and memory, as a person meets them: the shell, the page, and retrieval over ten thousand passages."""

import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer

import rag
from eval.library import SEEDS
from index.passages import split_sentences

_APP = Path(__file__).parent.parent / "app.py"
_QUESTION = "How many hostages are still held in Gaza?"
_ASKED = 10  # questions in the browser
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
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(shutil.copytree(SEEDS, Path(folder) / "seeds", ignore=shutil.ignore_patterns(".*")))
        rag.open(seeds).close()
        seconds = shell_seconds(seeds, times)
        yield f"ask from the shell: median {median(seconds):.2f} s of {times}, at most 3 s"
        yield f"torch imported by it: {'yes' if imports_torch(seeds) else 'no'}, must be no"
        ready, painted, megabytes = page_figures(seeds)
        yield f"page served after serve: {ready:.2f} s; usable in a browser: {painted:.2f} s, at most 8 s"
        yield f"memory of its process after {_ASKED} questions there: {megabytes:.0f} MB, at most 700 MB"
        write_corpus(Path(folder) / "many", passages)
        with rag.open(Path(folder) / "many") as docs:
            found = docs.library.passage_count()
            for what, work, most in (("retrieval", docs.retrieve, 30), ("an answer", docs.ask, 400)):
                times_ms = milliseconds(docs, work)
                p50, p95 = median(times_ms), quantiles(times_ms, n=20)[-1]
                yield f"{what} over {found:,} passages, warm: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p50 at most {most} ms"


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
    child = subprocess.run(command, cwd=_APP.parent, capture_output=True, text=True, check=True)
    return child.stderr.strip().endswith("True")


def page_figures(folder: Path) -> tuple[float, float, float]:
    """Seconds from `serve` to a served page and to one a person can type into, and megabytes while chatting."""
    from playwright.sync_api import sync_playwright  # of the dev extra

    start = time.perf_counter()
    with served(folder) as (process, address), sync_playwright() as playwright:
        ready = time.perf_counter() - start
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        box = page.get_by_role("textbox", name="Question")
        box.wait_for()
        painted = time.perf_counter() - start
        for asked in range(_ASKED):
            box.fill(_QUESTION)
            box.press("Enter")
            page.locator("#conversation section .answer").nth(asked).wait_for()
        megabytes = resident_megabytes(process.pid)
        browser.close()
    return ready, painted, megabytes


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A chat of this folder in a process of its own, and its address; it is stopped in the end."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, str(_APP), "serve", str(folder), "--port", str(port)])
    try:
        for _ in range(600):
            if _answers(address) or process.poll() is not None:
                break
            time.sleep(0.1)
        yield process, address
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def resident_megabytes(pid: int) -> float:
    """The resident memory of a process (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def milliseconds(docs: rag.Footnote, work: Callable[[str], object]) -> list[float]:
    """The milliseconds of each of a hundred warm calls with a question."""
    sentences = [hit.passage.text.split(".")[0] for hit in docs.retrieve(_QUESTION, 5)]
    questions = [f"{sentence}: {_QUESTION}" for sentence in sentences] + [_QUESTION]
    for question in questions:
        work(question)
    return [1_000 * _seconds(partial(work, questions[turn % len(questions)])) for turn in range(100)]


def write_corpus(folder: Path, passages: int) -> None:
    """Documents with about this many passages in all: shuffled sentences of the seeds, the same every time."""
    with rag.open(SEEDS) as docs:
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


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, str(_APP), *arguments], check=True, capture_output=True)


def _answers(address: str) -> bool:
    try:
        with urlopen(address) as response:
            return bool(response.status == 200)
    except URLError:
        return False
