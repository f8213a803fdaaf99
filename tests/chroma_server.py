"""A Chroma server in a process of its own, on loopback."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from eval.served import free_port

_PATIENCE = 60  # seconds until it must be up


@contextmanager
def running(folder: Path, port: int | None = None) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server that keeps its data in a folder, and its address, while the block runs."""
    port = port or free_port()
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(folder), "--host", "127.0.0.1"]
    server = subprocess.Popen(
        [*command, "--port", str(port)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(server, f"{url}/api/v2/heartbeat")
        yield server, url
    finally:
        server.kill()
        server.wait()


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            httpx.get(address, timeout=1).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"no Chroma server at {address}")
