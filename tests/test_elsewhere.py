"""What runs in a process of its own is given no key and no password of this one's environment."""

import os
import subprocess
from pathlib import Path

import pytest

from index import elsewhere, export, recognise
from tests.test_workers import does, taken_over  # noqa: F401  # a fixture

SECRETS = {
    "FOOTNOTE_PASSWORD": "hunter2",
    "FOOTNOTE_LLM": "model@http://user:hunter2@host/v1",
    "FOOTNOTE_LLM_KEY": "hunter2",
    "FOOTNOTE_CHROMA": "http://hunter2@host",
    "OPENAI_API_KEY": "hunter2",
    "ANTHROPIC_API_KEY": "hunter2",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
    "HF_TOKEN": "hunter2",
    "HTTPS_PROXY": "http://user:hunter2@proxy:3128",
    "all_proxy": "socks5://user:hunter2@proxy",
    "PIP_INDEX_URL": "https://user:hunter2@index",
    "PGPASSFILE": "hunter2",
    "SSH_AUTH_SOCK": "hunter2",
    "SOMETHING_NEW": "hunter2",
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module and a program that tell their environment."""
    (tmp_path / "environment_told.py").write_text("import os; print(dict(os.environ))")
    (tmp_path / "tesseract").write_text("#!/bin/sh\ncat >/dev/null; env\n")
    (tmp_path / "tesseract").chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def holds_none(environment: str) -> bool:
    return "PATH" in environment and not any(each in environment for each in ("hunter2", *SECRETS))


def test_what_reads_files_has_no_secret(taken_over):  # noqa: F811
    assert holds_none(does(taken_over, "dict(os.environ)"))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="this system does not tell")
def test_the_kernel_keeps_no_secret_for_what_reads_files(taken_over):  # noqa: F811
    worker = int(does(taken_over, "os.getppid()"))
    assert holds_none(Path(f"/proc/{worker}/environ").read_bytes().decode())


def test_a_module_run_elsewhere_has_no_secret(told):
    with elsewhere.begin("environment_told", stdout=subprocess.PIPE) as process:
        said, _ = process.communicate()
    assert holds_none(said.decode())


def test_what_recognises_text_has_no_secret(told):
    said = recognise.text(b"\x89PNG\r\n\x1a\n")
    assert said is not None
    assert "OMP_THREAD_LIMIT=1" in said
    assert holds_none(said)


def test_what_exports_the_model_has_no_secret(told, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(told / "cache"))
    given = {}

    def run(command, **more):
        given.update(more)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    export.exported_model()
    assert holds_none(str(given["env"]))


def test_what_programs_need_is_left_to_them(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TESSDATA_PREFIX", "/data")
    given = elsewhere.environment()
    assert (given["PATH"], given["LC_ALL"], given["TESSDATA_PREFIX"]) == (os.environ["PATH"], "C.UTF-8", "/data")
