"""The maps and the tree agree; the arrows that import-linter cannot see."""

import ast
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import rag

ROOT = Path(__file__).parent.parent
README, ARCHITECTURE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "ARCHITECTURE.md"))
PACKAGES = ("index", "rag", "eval", "training", "web")


def mapped(block: str) -> set[str]:
    """The paths that a map names."""
    paths, parents = set(), []
    for line in block.strip().splitlines():
        indent, name = re.match(r"( *)(\S+) {2,}\S", line).groups()
        parents = [*parents[: len(indent) // 2], name]
        paths.add("".join(parents))
    return paths


def tracked() -> set[str]:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return {file for file in files if (ROOT / file).exists()}


def test_map_and_tree_agree() -> None:
    sources = {
        path
        for path in tracked()
        if path.split("/")[0] in PACKAGES
        and Path(path).suffix in (".py", ".css", ".js", ".html", ".j2", ".toml")
        and Path(path).name not in ("__init__.py", "__main__.py")
    }
    named = mapped(ARCHITECTURE.split("## The files")[1].split("```")[1])
    files = {path for path in named if not path.endswith("/")}
    assert files == sources | {"app.py"}
    assert all((ROOT / path).is_dir() for path in named - files)


def test_the_map_of_folders_names_them_all() -> None:
    named = mapped(README.split("## The map")[1].split("```")[1])
    assert named == {"app.py", "tests/", "seeds/", *(f"{package}/" for package in PACKAGES)}


def test_the_ways_of_a_document_and_of_a_question_are_of_files_that_are_there() -> None:
    ways = ARCHITECTURE.split("## The way of a document")[1].split("## The files")[0]
    named = set(re.findall(r"[a-z]+/[a-z]+(?:/|\.py)", ways))
    assert len(named) > 20
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_top_level_is_what_was_agreed() -> None:
    tops = {path.split("/")[0] for path in tracked()}
    assert {
        "app.py",
        "rag",
        "index",
        "eval",
        "web",
        "tests",
        "seeds",
        "pyproject.toml",
        "Makefile",
        "README.md",
    } <= tops


def test_nothing_imports_the_front_door() -> None:
    for path in (ROOT / name for name in tracked() if name.split("/")[0] in PACKAGES and name.endswith(".py")):
        imported = {
            name.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in node.names
        }
        assert "app" not in imported, path


def test_the_article_is_unchanged() -> None:
    article = (ROOT / "seeds/news/ceasefire-proposal.txt").read_bytes()
    assert sha256(article).hexdigest() == "9b1bc4851a6aff605c7f8082896057f654c389034daa224932dc7821eb2307ce"


def test_public_names() -> None:
    assert rag.__all__ == sorted(rag.__all__)
    assert all(hasattr(rag, name) for name in rag.__all__)
