"""Gradio is imported without the stubs that it would write for editors, and any Gradio can still be imported."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

import web.page  # noqa: F401 - which imports Gradio
from web import stubs


def test_the_gradio_at_hand_writes_no_stubs() -> None:
    """Fails once Gradio calls it otherwise: then the page starts a second later again, and stubs.py does nothing."""
    writes = getattr(sys.modules[stubs.MODULE], stubs.WRITES)
    assert writes.__module__ == stubs.__name__


@pytest.mark.parametrize("name", ["writes", "other"])
def test_only_the_function_that_writes_them_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    module = f"a_gradio_that_{name}"
    (tmp_path / f"{module}.py").write_text(f"def {name}(): return 'stubs'\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path.copy())
    monkeypatch.setattr(stubs, "MODULE", module)
    monkeypatch.setattr(stubs, "WRITES", "writes")
    stubs.leave_out()
    assert getattr(import_module(module), name)() == (None if name == "writes" else "stubs")
