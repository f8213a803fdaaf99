"""Gradio without the stubs that it writes for editors: half of the second that its import takes.

At each import, Gradio parses its own source twice for each of its components and writes a `.pyi` file beside it, for
the editors of its developers. Nothing of that is needed to run it, and the installation stays as it was installed.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

MODULE, WRITES = "gradio.component_meta", "create_or_modify_pyi"
"""Where Gradio writes them, and by which function."""


class _Unwritten(SourceFileLoader):
    """Loads the module, and takes the function's work from it; a Gradio without that function is loaded as it is."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if hasattr(module, WRITES):
            setattr(module, WRITES, lambda *_, **__: None)


class _Finder(MetaPathFinder):
    """Finds that one module as Python does, to be loaded so."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == MODULE else None
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Unwritten(spec.loader.name, spec.loader.path)
        return spec


def leave_out() -> None:
    """Have Gradio, which must not have been imported yet, write no stubs in this process."""
    sys.meta_path.insert(0, _Finder())
