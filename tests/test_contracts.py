"""Each contract about who imports a library names every module, but those that may import it."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOTS = ("web", "rag", "index", "eval", "training")
MAY_IMPORT = {
    "one importer of chromadb": {"index.vectors"},
    "files are parsed by index.formats alone, which the workers run": {"index.formats"},
    "one importer of tantivy": {"index.lexical"},
    "two importers of the model runtimes, one for vectors and one for reading": {
        "index.embeddings",
        "index.export",  # makes the weights that index.embeddings runs
        "rag.crossencoder",
        "training",
    },
}
PACKAGES = {"index", "rag"}
"""Themselves they are looked at nowhere, for who names them names all that is in them."""


def contracts() -> dict[str, set[str]]:
    """The modules that each contract about a library outside keeps from it, by the contract's name."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    return {
        each["name"]: set(each["source_modules"])
        for each in told
        if each["type"] == "forbidden" and not set(ROOTS).intersection(each["forbidden_modules"])
    }


def modules() -> set[str]:
    paths = (path.relative_to(ROOT).with_suffix("") for root in ROOTS for path in (ROOT / root).rglob("*.py"))
    return {".".join(path.parts).removesuffix(".__init__") for path in paths} - PACKAGES


def left_out(named: set[str]) -> set[str]:
    """The modules that neither are named nor lie in a package that is."""
    return {module for module in modules() if not any(f"{module}.".startswith(f"{each}.") for each in named)}


def test_every_contract_about_a_library_is_looked_at():
    assert contracts().keys() == MAY_IMPORT.keys()


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_a_contract_names_every_module_but_those_that_may_import_the_library(name):
    named, may = contracts()[name], MAY_IMPORT[name]
    assert left_out(named | may) == set()
    assert not named & may
    assert named | may <= modules() | PACKAGES
