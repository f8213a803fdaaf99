"""The chat as a newcomer meets it: `serve` in a process of its own, a real browser, real answers."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from eval.bench.memory import resident_megabytes
from eval.served import free_port, served
from tests.browser import Visit, check_quiet, visit

ROOT = Path(__file__).parent.parent
ANSWERED = "How many hostages are still held in Gaza?"


@dataclass(frozen=True, slots=True)
class Chat:
    """A running chat: its folder, process and address."""

    folder: Path
    process: int
    address: str


@pytest.fixture(scope="module")
def chat(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    folder = tmp_path_factory.mktemp("chat") / "seeds"
    folder.mkdir()
    for path in [*seeds.glob("news/*.txt"), *seeds.glob("guide/*.md")]:
        (folder / path.relative_to(seeds).parent).mkdir(exist_ok=True)
        (folder / path.relative_to(seeds)).write_bytes(path.read_bytes())
    with served(folder) as (process, address):
        yield Chat(folder, process.pid, address)


@pytest.fixture
def seen(browser: Browser, chat: Chat) -> Iterator[Visit]:
    opened = visit(browser, chat.address)
    yield opened
    check_quiet(opened)
    opened.page.context.close()


def ask_beside(chat: Chat, question: str) -> dict:
    """The same question on the command line, while the chat runs."""
    command = [sys.executable, str(ROOT / "app.py"), "ask", question, "--docs", str(chat.folder), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def test_I6_ask_click_and_see_the_quote_that_the_command_line_gives(seen: Visit, chat: Chat) -> None:
    answer = ask_beside(chat, ANSWERED)
    seen.ask(ANSWERED)
    marks = seen.page.locator("button.mark")
    expect(marks).to_have_count(len(answer["citations"]))
    for number, citation in enumerate(answer["citations"]):
        marks.nth(number).click()
        expect(seen.page.locator("#source .where")).to_contain_text(f"Footnote {number + 1}")
        assert seen.page.locator("mark.cited").text_content() == citation["quote"]
    said = re.sub(r"\d+$", "", seen.page.locator(".answer").inner_text().strip())
    assert answer["text"].startswith(said.split("\n")[0][:60])
    assert "115 hostages" in answer["text"]


def test_something_absent_is_refused_with_its_reason(seen: Visit, chat: Chat) -> None:
    question = "What is the capital of Mongolia?"
    seen.ask(question)
    card = seen.page.locator(".abstention")
    expect(card.locator("h3")).to_have_text("The documents don't say.")
    assert card.locator("p").first.text_content() == ask_beside(chat, question)["reason"]
    expect(seen.page.locator("button.mark")).to_have_count(0)


def test_a_file_is_uploaded_and_asked_about(seen: Visit, chat: Chat, tmp_path: Path) -> None:
    note = tmp_path / "orchard.md"
    note.write_text("# The orchard\n\nThe oldest pear tree in the orchard was planted by Wilhelmina Grant in 1887.\n")
    seen.page.locator("input[type=file]").set_input_files(note)
    expect(seen.page.locator("#reading")).to_contain_text("orchard.md is ready")
    expect(seen.page.locator("#files")).to_contain_text("orchard.md")
    seen.ask("Who planted the oldest pear tree?")
    seen.page.locator("button.mark").first.click()
    expect(seen.page.locator("#source h2")).to_have_text("The orchard")
    quote = "The oldest pear tree in the orchard was planted by Wilhelmina Grant in 1887."
    assert seen.page.locator("mark.cited").text_content() == quote
    assert ask_beside(chat, "Who planted the oldest pear tree?")["citations"][0]["quote"] == quote


def test_the_examples_have_answers(seen: Visit) -> None:
    count = seen.page.locator(".example").count()
    assert count == 4
    for number in range(count):
        seen.page.locator(".example").nth(number).click()
        seen.page.locator(".answer").wait_for()
        seen.page.get_by_role("button", name="New conversation").last.click()
        expect(seen.page.locator(".example")).to_have_count(4)


def test_a_python_script_works_beside_the_chat(chat: Chat) -> None:
    code = "import rag, sys; docs = rag.open(sys.argv[1]); print(docs.library.writable, docs.ask(sys.argv[2]).status)"
    command = [sys.executable, "-c", code, str(chat.folder), ANSWERED]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert child.stdout == "False answered\n"


def test_memory_while_chatting(seen: Visit, chat: Chat) -> None:
    for question in (ANSWERED, "Where did the recent talks take place?", "How do I stop Footnote?"):
        seen.ask(question)
    assert 0 < resident_megabytes(chat.process) < 700


@pytest.mark.skipif(shutil.which("strace") is None, reason="seeing every connection needs `strace`")
def test_nothing_leaves_this_computer(seeds: Path, browser: Browser, tmp_path: Path) -> None:
    """No connection but to this machine, not even to look a name up, while chatting and at the end."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_CURRENT_TEST")}
    trace, port = tmp_path / "trace", free_port()
    command = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-e",
        "trace=bind,connect,sendto",
        "-o",
        str(trace),
        sys.executable,
        str(ROOT / "app.py"),
    ]
    command += ["serve", str(seeds), "--library", str(tmp_path / "library"), "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().split()[3]
            seen = visit(browser, address)
            seen.ask(ANSWERED)
            seen.page.wait_for_timeout(5_000)
            seen.page.context.close()
            subprocess.run(["pkill", "--signal", "INT", "--parent", str(process.pid)], check=True)
            assert process.wait(600) == 0  # strace slows the end of many threads
        finally:
            subprocess.run(["pkill", "--signal", "KILL", "--parent", str(process.pid)], check=False)
    told = trace.read_text(encoding="utf-8", errors="replace")
    assert "bind(" in told  # the page's own port: it connects to nothing
    foreign = [line for line in told.splitlines() if "AF_INET" in line and not re.search(r"127\.0\.0\.1|::1", line)]
    assert foreign == []
