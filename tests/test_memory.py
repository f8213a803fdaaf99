"""Memory: many threads take it from few places, and what is free there is given back."""

import subprocess
import sys
from pathlib import Path

import pytest

_COUNT = """
import ctypes, sys, threading
from web.memory import share
if "shared" in sys.argv: share()
go = threading.Barrier(13)
def take():
    kept = [bytearray(1000) for _ in range(1000)]
    go.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for each in threads: each.start()
go.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
told = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(told))
libc.fclose(ctypes.c_void_p(told))
"""

_FREED = """
import os
from eval.bench.memory import resident_megabytes
from web.memory import give_back
taken = [bytearray(1000) for _ in range(50_000)]
del taken[:-1]  # the last one keeps what lies before it from being given back unasked
before = resident_megabytes(os.getpid())
give_back()
print(before - resident_megabytes(os.getpid()))
"""

glibc = pytest.mark.skipif(sys.platform != "linux", reason="both are of glibc")


@glibc
def test_what_is_free_is_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", _FREED], check=True, capture_output=True, text=True)
    assert float(told.stdout) > 30


@glibc
def test_threads_share_what_memory_is_taken_from(tmp_path: Path) -> None:
    def places(*arguments: str) -> int:
        told = tmp_path / "told.xml"
        subprocess.run([sys.executable, "-c", _COUNT, str(told), *arguments], check=True)
        return told.read_text().count("<heap nr=")

    assert places("shared") <= 2 < places()
