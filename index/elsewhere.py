"""A module of ours, run in a process of its own, which is given no key and no password of this one's environment."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_GIVEN = frozenset(
    {
        *("PATH", "HOME", "TMPDIR", "LANG", "LANGUAGE", "TZ", "XDG_CACHE_HOME"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("PYTHONHOME", "PYTHONPATH", "PYTHONUTF8", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONMALLOC"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ORT_DISABLE_TELEMETRY"),
        *("ANONYMIZED_TELEMETRY", "TESSDATA_PREFIX", "NLTK_DATA"),
    }
)
_GIVEN_KIND = "LC_"  # begins the names of those that say how numbers, days and letters are written


def environment() -> dict[str, str]:
    """Of the environment what programs need to run, and nothing else: where they are, and in which language.

    Whatever is not known to be harmless may be a key, a password, or the address of a server with one in it.
    """
    return {name: value for name, value in os.environ.items() if name in _GIVEN or name.startswith(_GIVEN_KIND)}


def begin(module: str, *arguments: str, **pipes: Any) -> "subprocess.Popen[bytes]":
    """Begin it; `pipes` are what `subprocess.Popen` takes for its input and outputs.

    Raises:
        OSError: No process can be begun.
    """
    given = environment()
    places = [str(Path(__file__).parent.parent), *filter(None, [given.get("PYTHONPATH")])]
    return subprocess.Popen(
        # -P: what lies in the working directory, such as a document called sqlite3.py, is not to be run.
        [sys.executable, "-P", "-m", module, *arguments],
        env={**given, "PYTHONPATH": os.pathsep.join(places)},
        start_new_session=True,  # Ctrl-C is for this process, which ends that one
        **pipes,
    )
