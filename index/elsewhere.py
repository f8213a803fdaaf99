"""A module of ours, run in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def begin(module: str, *arguments: str, **pipes: Any) -> "subprocess.Popen[bytes]":
    """Begin it; `pipes` are what `subprocess.Popen` takes for its input and outputs.

    Raises:
        OSError: No process can be begun.
    """
    places = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        # -P: what lies in the working directory, such as a document called sqlite3.py, is not to be run.
        [sys.executable, "-P", "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        start_new_session=True,  # Ctrl-C is for this process, which ends that one
        **pipes,
    )
