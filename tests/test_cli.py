"""The command line: exit codes, JSON and nothing else, one line for every trouble."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

import app
import rag
from eval.served import free_port
from index import export, recognise
from index.document import printable
from index.errors import FootnoteError
from index.formats import AS_IN_A_SCAN
from index.sync import Progress
from tests.test_recognise import partly

ROOT = Path(__file__).parent.parent
ANSWERED = "How many hostages are still held in Gaza?"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "app.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def told(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command line, run in this process."""
    with pytest.raises(SystemExit) as ended:
        app.main(arguments)
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_exit_codes_say_answered_or_abstained(
    seeds: Path, docs: rag.Footnote, capsys: pytest.CaptureFixture[str]
) -> None:
    assert docs  # open here, so the commands read beside a writer
    code, out, err = told(capsys, ["ask", ANSWERED, "--docs", str(seeds)])
    assert (code, err) == (0, "")
    assert "115 hostages" in out
    code, out, err = told(capsys, ["ask", "What is the capital of Mongolia?", "--docs", str(seeds)])
    assert (code, err) == (3, "")
    assert out.startswith("The documents don't say.")


def test_json_is_the_answer_and_nothing_else(seeds: Path, docs: rag.Footnote) -> None:
    answered = run("ask", ANSWERED, "--docs", str(seeds), "--json")
    assert answered.stderr == ""
    assert json.loads(answered.stdout) == json.loads(json.dumps(asdict(docs.ask(ANSWERED))))
    found = run("search", ANSWERED, "--docs", str(seeds), "--json", "-k", "2")
    assert json.loads(found.stdout) == json.loads(json.dumps([asdict(hit) for hit in docs.retrieve(ANSWERED, 2)]))


def test_answering_does_not_import_torch(seeds: Path, docs: rag.Footnote) -> None:
    assert docs
    code = (
        "import sys, app\n"
        "try: app.main(sys.argv[1:])\n"
        "except SystemExit as ended: print(ended.code, sorted({'torch', 'transformers', 'nltk'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", code, "ask", ANSWERED, "--docs", str(seeds)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert child.stdout.splitlines()[-1] == "0 []"


def test_no_library_makes_a_mark_of_its_own_to_call_home_with(seeds: Path, docs: rag.Footnote, tmp_path: Path) -> None:
    """onnxruntime keeps a device identifier in the user's cache unless it is told not to call home."""
    assert docs
    (tmp_path / "footnote").symlink_to(export.exported_model().parent)
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_CURRENT_TEST")}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, str(ROOT / "app.py"), "ask", ANSWERED, "--docs", str(seeds)]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["footnote"]


@pytest.mark.parametrize(
    "arguments", [["ask"], ["ask", "Who?", "--colour"], ["dance"], ["search", "x", "-k", "0"], ["ask", " "]]
)
def test_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capsys, arguments)
    assert (code, out) == (2, "")
    assert err


def one_line(err: str) -> str:
    assert "Traceback" not in err
    assert err.count("\n") == 1
    return err


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = told(capsys, ["status", "--docs", "/nowhere"])
    assert code == 1
    assert one_line(err) == "There is no folder /nowhere; name one that holds your documents.\n"


def test_a_library_that_cannot_be_written(seeds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = told(capsys, ["ask", "Who?", "--docs", str(seeds), "--library", "/proc/library"])
    assert code == 1
    assert "--library" in one_line(err)


def test_a_library_that_another_process_writes(
    seeds: Path, docs: rag.Footnote, capsys: pytest.CaptureFixture[str]
) -> None:
    assert docs.library.writable
    for command in (["sync", str(seeds)], ["serve", str(seeds), "--port", str(free_port())]):
        code, _, err = told(capsys, command)
        assert code == 1
        assert "is being written by process " in one_line(err)


def test_on_a_full_disk_what_was_read_is_asked_and_nothing_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mill.txt").write_text("The mill burned in 1902.")
    assert told(capsys, ["sync", str(folder)])[0] == 0
    (folder / "dam.txt").write_text("The dam broke in 1911.")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**20))
    code, out, err = told(capsys, ["ask", "When did the mill burn?", "--docs", str(folder)])
    assert code == 0
    assert "The mill burned in 1902." in out
    code, _, err = told(capsys, ["sync", str(folder)])
    assert code == 1
    assert "Only 1 MB are free on the disk of" in one_line(err)
    other = folder.with_name("other")
    other.mkdir()
    (other / "dam.txt").write_text("The dam broke in 1911.")
    assert told(capsys, ["ask", "When did the dam break?", "--docs", str(other)])[0] == 1


def test_a_port_that_is_taken(seeds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = told(capsys, ["serve", str(seeds), "--port", str(taken.getsockname()[1])])
    assert code == 1
    assert "--port" in one_line(err)


def test_a_root_path_that_is_none_is_said_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FOOTNOTE_ROOT_PATH", "docs")
    code, _, err = told(capsys, ["serve", str(tmp_path), "--port", str(free_port())])
    assert code == 1
    assert err.startswith("docs is no root path")
    assert not (tmp_path / ".footnote").exists()


def test_status_tells_what_became_of_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("Ann ate it.")
    (tmp_path / "b.txt").write_bytes(b"")
    code, out, err = told(capsys, ["status", "--docs", str(tmp_path)])
    assert (code, err) == (0, "")
    name = tmp_path.name
    assert out.splitlines()[:2] == [f"{name}/a.txt: indexed", f"{name}/b.txt: refused: it is empty"]
    assert "1 document, 1 passage; 1 file not read." in out
    code, out, err = told(capsys, ["sync", str(tmp_path)])
    assert code == 0
    assert err == f"{name}/b.txt was not read: it is empty\n"


def test_a_sync_says_on_which_pages_it_found_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recognise, "is_there", lambda: False)
    (tmp_path / "a.pdf").write_bytes(partly("Ann ate it.", None))
    code, _, err = told(capsys, ["sync", str(tmp_path)])
    missed = f"no text was found on 1 of its 2 pages (2){AS_IN_A_SCAN}"
    assert (code, err) == (0, f"{tmp_path.name}/a.pdf was read, but {missed}\n")


def test_a_dry_run_says_what_would_be_done(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "a.txt").write_text("The mill burned in 1902.")
    dry = ["sync", str(folder), "--dry-run"]
    assert told(capsys, dry)[:2] == (0, f"+ {folder.name}/a.txt\n")
    assert told(capsys, ["sync", str(folder)])[0] == 0
    assert told(capsys, dry)[:2] == (0, "Nothing has changed.\n")
    (folder / "a.txt").rename(folder / "b.txt")
    assert told(capsys, dry)[:2] == (0, f"> {folder.name}/a.txt is now {folder.name}/b.txt\n")
    (folder / "b.txt").unlink()
    assert told(capsys, dry)[:2] == (0, f"- {folder.name}/a.txt\n")


NAMES = (
    b"\x1b[31mred.txt",
    b"two\nlines.txt",
    b"bell\x07\xc2\x9b2J.md",
    "gpj.\u202etxt.md".encode(),
    b"\xff.txt",
    b"[red].txt",
)


def test_no_name_commands_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, other = tmp_path / "a\x1b[2Jb\nc", tmp_path / "\x1b]0;title\x07"
    for place in (folder, other):
        place.mkdir()
    for number, name in enumerate(NAMES):
        (folder / os.fsdecode(name)).write_text(f"The hat of Ida number {number} is blue.")
        (other / os.fsdecode(name)).write_text("")
    (other / "hat.txt").write_text("The hat of Eva is brown.")
    commands = [
        ["sync", str(folder), "--dry-run"],
        ["sync", str(folder)],
        ["include", str(other), "--docs", str(folder)],
        *(["status", "--docs", str(folder), *more] for more in ([], ["--json"])),
        *(["search", "hat", "--docs", str(folder), *more] for more in ([], ["--json"])),
        *(["ask", "What colour is the hat of Ida?", "--docs", str(folder), *more] for more in ([], ["--json"])),
        ["doctor", str(folder)],
        ["backup", str(tmp_path / "b\x1b.zip"), "--docs", str(folder)],
        ["backup", str(tmp_path / "no\x1b\n" / "b.zip"), "--docs", str(folder)],
        ["ask", "Who?", "--docs", str(tmp_path / "none\x1b[31m\u202e")],
        ["ask", "Who?", "--docs", str(folder), "--llm", "\x1b[31mred"],
        ["exclude", str(other), "--docs", str(folder)],
        ["exclude", str(other), "--docs", str(folder)],
    ]
    printed = ""
    for command in commands:
        with suppress(SystemExit):
            app.main(command)
        out, err = capsys.readouterr()
        assert printable(out + err) == out + err
        assert "--json" not in command or json.loads(out)
        assert err.count("\n") <= len(NAMES)
        printed += out
    assert r"\x1b[31mred.txt: indexed" in printed


def test_a_name_on_the_bar_is_no_markup(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with app._bar() as show:
        show(Progress(0, 2, "[/b]\x1b[2J\x07.txt", 1, 2))
    assert r"[/b]\x1b[2J\x07.txt" in capsys.readouterr().err


def test_a_name_in_a_log_commands_nothing() -> None:
    record = logging.LogRecord("index", logging.INFO, "", 0, "%s was read\nand kept", ("\x1b[2J\u202e",), None)
    assert app._Lines("%(message)s").format(record) == "\\x1b[2J\\u202e was read\nand kept"


def test_what_is_printed_commands_nothing_wherever_it_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert str(FootnoteError("a\x1b[2J\n\u202eb cannot be read.")) == r"a\x1b[2J\n\u202eb cannot be read."
    app._say("a\x1b[2J\nb", err=True)
    assert capsys.readouterr().err == "a\\x1b[2J\nb\n"
