"""Reads files, each in a process of its own: `python -m index.worker LIMITS`, asked by index/workers.py.

It answers one request after the other: for each it forks, so that what reads a file begins as it did for the one
before, and is ended by the kernel where it takes more than its share. Nothing else is open here, no index and no
model, and no thread runs, so forking is safe. A process that reads a file writes not a byte to any, and has no network
where the kernel lets a process give that up; its Python code connects nowhere, starts no program, and opens no files
but those that Python itself is made of.
"""

import contextlib
import ctypes
import io
import json
import os
import resource
import select
import signal
import site
import struct
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from index import formats
from index.document import Page, Span
from index.errors import Failed, Refused


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may take to be read.

    Attributes:
        seconds: From the request to the reply.
        memory: Bytes of address space.
        reply: Bytes of what is read in it.
    """

    seconds: float = 30.0
    memory: int = 2**30
    reply: int = 2**28


_LIBC = ctypes.CDLL(None)
_DIE_WITH_PARENT = 1  # of prctl(2)
_NEW_USER, _NEW_NETWORK = 0x1000_0000, 0x4000_0000  # flags of unshare(2)
_GRACE, _LOOK = 1.0, 0.001  # seconds that a process has to end once it has replied, and between two looks
_NICE = 10  # who asks a question goes before who reads a file
_FULL = 0.8  # of its memory, where a library that gets no more ends its process in its own way
_FORBIDDEN = (
    *("socket.", "subprocess.", "shutil.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.kill", "os.mkdir"),
    *("os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime"),
)
_LENGTH = struct.Struct(">Q")
_STEP = 2**20  # bytes read at a time
_PLACES = tuple(  # where Python and the libraries are
    os.path.realpath(place)
    for place in {
        *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        str(Path(__file__).parent),
        os.devnull,
    }
)

Blobs = Sequence[bytes]


def send(stream: IO[bytes], message: Mapping[str, Any], blobs: Blobs = ()) -> None:
    """Write a message: a line of JSON, and some bytes after it.

    JSON and not pickle: whoever reads the message does not trust who wrote it.
    """
    head = json.dumps({**message, "sizes": [len(blob) for blob in blobs]}).encode()
    for piece in (_LENGTH.pack(len(head)), head, *blobs):
        stream.write(piece)
    stream.flush()


def receive(stream: IO[bytes], most: int, head: int = 2**23) -> tuple[dict[str, Any], list[bytes]]:
    """Read a message of at most so many bytes, whose line of JSON has at most `head`.

    Raises:
        EOFError: It ends before its end.
        ValueError: It is none, or longer.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size, most))
    try:
        message: dict[str, Any] = json.loads(_exactly(stream, length, min(head, most)))
        sizes = [int(size) for size in message.pop("sizes")]
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError("no message of ours") from error
    left, blobs = most - length, []
    for size in sizes:
        blobs.append(_exactly(stream, size, left))
        left -= size
    return message, blobs


def _exactly(stream: IO[bytes], size: int, most: int) -> bytes:
    if not 0 <= size <= most:
        raise ValueError(f"a message of {size:,} bytes")
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


# --- what is done in a process of its own ---


def _read(told: Mapping[str, Any], blobs: Blobs) -> tuple[dict[str, Any], Blobs]:
    data, *recognised = blobs
    document = formats.read(told["id"], data, dict(json.loads(recognised[0])) if recognised else None)
    fields = asdict(document)
    return {"document": fields}, [fields.pop("text").encode()]


def _picture(told: Mapping[str, Any], blobs: Blobs) -> tuple[dict[str, Any], Blobs]:
    from index.formats import pdf  # heavy: only who looks at a page needs it

    data, text = blobs
    return {}, [pdf.picture(data, text.decode(), Page(**told["page"]), Span(**told["span"]))]


def _scan(told: Mapping[str, Any], blobs: Blobs) -> tuple[dict[str, Any], Blobs]:
    from index.formats import pdf

    return {}, [pdf.scan(blobs[0], told["number"])]


def _count(_: Mapping[str, Any], blobs: Blobs) -> tuple[dict[str, Any], Blobs]:
    from index.formats import pdf

    return {"count": pdf.count(blobs[0])}, ()


_TASKS: dict[str, Callable[[Mapping[str, Any], Blobs], tuple[dict[str, Any], Blobs]]] = {
    "read": _read,
    "picture": _picture,
    "scan": _scan,
    "count": _count,
}


def _done(told: Mapping[str, Any], blobs: Blobs, limits: Limits) -> tuple[dict[str, Any], Blobs]:
    """The reply to a request."""
    try:
        done, results = _TASKS[told["task"]](told, blobs)
    except Failed as reason:
        return {"outcome": "failed", "reason": str(reason)}, ()
    except Refused as reason:
        return {"outcome": "refused", "reason": str(reason)}, ()
    except MemoryError:
        return {"outcome": "spent", "reason": _too_large(limits)}, ()
    except Exception as error:  # of what draws pages: to whoever asks it is one more page that cannot be drawn
        return {"outcome": "failed", "reason": f"reading it broke down ({type(error).__name__})"}, ()
    return {"outcome": "done", **done}, results


def _too_large(limits: Limits) -> str:
    return f"reading it takes more than {limits.memory / 2**20:,.0f} MB of memory; split it, or save its text alone"


def _too_long(limits: Limits) -> str:
    return f"reading it takes more than {limits.seconds:,.0f} seconds; split it, or save its text alone"


def _confine(limits: Limits) -> None:
    """Take from this process what reading a file does not need."""
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # a library that prints does not print into a message
        os.dup2(null, descriptor)
    if sys.platform != "darwin":  # which refuses this limit
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    sys.dont_write_bytecode = True
    sys.addaudithook(_forbid)


def _forbid(event: str, arguments: tuple[object, ...]) -> None:
    """Let no code of Python's in this process reach out of it.

    Raises:
        PermissionError: It tries.
    """
    if event == "open" and not _is_own(arguments[0], arguments[1], arguments[2]):
        raise PermissionError(f"a file being read opens another: {arguments[0]!r}"[:200])
    if event in ("os.listdir", "os.scandir") and not _is_own(arguments[0], "r", 0):
        raise PermissionError(f"a file being read lists {arguments[0]!r}"[:200])
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"a file being read calls {event}")


def _is_own(path: object, mode: object, flags: object) -> bool:
    """Whether a file is opened to be read, and is a part of Python or of a library."""
    if isinstance(path, int):
        return True
    writes = isinstance(mode, str) and not set(mode) <= set("rbtU")
    if writes or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        return False
    whole = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else ""
    return any(whole == place or whole.startswith(place + os.sep) for place in _PLACES)


# --- the process that forks ---


def _attempt(told: Mapping[str, Any], blobs: Blobs, limits: Limits) -> bytes:
    """The reply to a request, from a process of its own; or what became of that."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):  # whatever happens, this process ends here
            os.close(reader)
            _confine(limits)
            with open(writer, "wb") as pipe:
                send(pipe, *_done(told, blobs, limits))
            os._exit(0)
        os._exit(1)
    os.close(writer)
    reply, in_time = _drained(reader, limits)
    os.close(reader)
    status, used = _ended(child, _GRACE if in_time else 0)
    spent = {"megabytes": used.ru_maxrss / 1024}
    if not in_time:
        return _message({"outcome": "spent", "reason": _too_long(limits), **spent})
    if status or not 0 < len(reply) <= limits.reply:
        return _message({**_broken(status, limits, len(reply), used.ru_maxrss * 1024), **spent})
    return _message({"outcome": "told", **spent}, [reply])  # unread: who wrote it is not trusted


def _ended(child: int, patience: float) -> tuple[int, resource.struct_rusage]:
    """How a process ended and what it used; one that goes on for more than so many seconds is killed."""
    deadline = time.monotonic() + patience
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            return status, used
        if time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            _, status, used = os.wait4(child, 0)
            return status, used
        time.sleep(_LOOK)


def _message(told: Mapping[str, Any], blobs: Blobs = ()) -> bytes:
    written = io.BytesIO()
    send(written, told, blobs)
    return written.getvalue()


def _drained(reader: int, limits: Limits) -> tuple[bytes, bool]:
    """What a process writes until it ends, but no more than a reply may have; and whether that was in time.

    Where nobody waits for the reply any more, this process ends, and that one with it.
    """
    deadline, pieces, size = time.monotonic() + limits.seconds, [], 0
    looked = select.poll()
    looked.register(reader, select.POLLIN)
    looked.register(0, 0)  # that it was hung up is told unasked
    while size <= limits.reply:
        ready = looked.poll(max(0, 1000 * (deadline - time.monotonic())))
        if not ready:
            return b"", False
        if any(descriptor == 0 for descriptor, _ in ready):
            os._exit(1)  # and the process that reads dies with it
        piece = os.read(reader, _STEP)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), True


def _broken(status: int, limits: Limits, size: int, memory: int) -> dict[str, str]:
    """What became of a process that ended without a reply that can be read."""
    if size > limits.reply:
        reason = f"what is written in it is more than {limits.reply / 2**20:,.0f} MB; split it"
        return {"outcome": "refused", "reason": reason}
    signals = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else ""
    if signals not in ("", "SIGKILL") and memory < _FULL * limits.memory:
        reason = f"reading it broke down ({signals}); save it anew, or in another format"
        return {"outcome": "failed", "reason": reason}
    return {"outcome": "spent", "reason": _too_large(limits)}


def _leave_network() -> None:
    """Have no network from now on, where the kernel lets a process give it up."""
    if hasattr(_LIBC, "unshare") and _LIBC.unshare(_NEW_NETWORK):
        _LIBC.unshare(_NEW_USER | _NEW_NETWORK)


def main() -> None:
    """Answer requests from standard input on standard output until that is closed."""
    limits = Limits(**json.loads(sys.argv[1]))
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    _leave_network()
    os.nice(_NICE)
    while True:
        try:
            told, blobs = receive(requests, sys.maxsize)
        except (EOFError, struct.error):
            return
        with contextlib.suppress(Exception):  # whoever reads the file meets it again, and tells it
            formats.prepare(told["id"])
        with contextlib.suppress(BrokenPipeError):
            replies.write(_attempt(told, blobs, limits))
            replies.flush()


if __name__ == "__main__":
    main()
