"""The contracts about who imports what are kept, and a module that breaks one is seen, also a new one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("web", "rag", "index", "eval", "training")
BREACHES = {
    "rag.chat -> torch": "import torch",
    "index.fill -> chromadb": "import chromadb",
    "index.formats.text -> tantivy": "import tantivy",
    "eval.metrics -> lxml": "from lxml import etree",
    "web.desk -> onnxruntime": "from onnxruntime import InferenceSession",
    "index.quite_new -> sentence_transformers": "def load() -> None:\n    import sentence_transformers",
    "rag.quite_new -> web.page": "import web.page",
    "index.sync -> rag.answer": "from rag import answer",
    "rag.retrieve -> eval.metrics": "from eval import metrics",
    "eval.score -> training.data": "from training import data",
    "training.fit -> web.line": "from web import line",
}
"""Code that breaks a contract, by what is said of it."""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the code and its contracts, to be changed."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=lambda folder, names: _unread(Path(folder), names))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _unread(folder: Path, names: list[str]) -> set[str]:
    return {name for name in names if (folder / name).is_file() and not name.endswith(".py")}


def kept(house: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)


def test_every_contract_is_kept_until_a_module_breaks_it(house: Path) -> None:
    assert kept(house).returncode == 0
    for breach, code in BREACHES.items():
        module = house / f"{breach.split(' -> ')[0].replace('.', '/')}.py"
        module.touch()
        module.write_text(f"{module.read_text(encoding='utf-8')}\n{code}\n", encoding="utf-8")
    broken = kept(house)
    assert broken.returncode == 1
    assert [breach for breach in BREACHES if breach not in broken.stdout] == []
