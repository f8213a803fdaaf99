"""Hostile folders: links, pipes, devices, files that change while they are read, and names that no eye takes well."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.malice.archives import wild_names
from tests.malice.recipe import Bait

_SPARSE = 5 * 2**30
_GOOD = "A quarry lies behind the mill. Its stone is {}.\n"


def lay_out(folder: Path, bait: Bait) -> None:
    """Fill a folder with links of every kind, with what is no file, and with files of wild names."""
    folder.mkdir(parents=True, exist_ok=True)
    _link(folder, bait)
    _odd(folder)
    _name(folder, bait)


def _link(folder: Path, bait: Bait) -> None:
    """Links to a file, a folder, outside, to themselves and to nothing; and a hard link."""
    (folder / "inside.txt").write_text(_GOOD.format("grey"), encoding="utf-8")
    outside = bait.path.parent
    for name, target in {
        "to-file.txt": folder / "inside.txt",
        "to-secret.txt": bait.path,
        "to-secret-relative.md": Path(os.path.relpath(bait.path, folder)),
        "to-folder": outside,
        "to-root": Path("/"),
        "to-itself.txt": folder / "to-itself.txt",
        "to-parent": folder,
        "to-nothing.txt": folder / "nothing.txt",
        "to-device.txt": Path("/dev/zero"),
        "to-process.txt": Path("/proc/self/environ"),
        "ring-a.txt": folder / "ring-b.txt",
        "ring-b.txt": folder / "ring-a.txt",
    }.items():
        (folder / name).symlink_to(target)
    os.link(folder / "inside.txt", folder / "hard.txt")


def _odd(folder: Path) -> None:
    """A pipe, a socket, a device, a file of five gigabytes of nothing, and one that nobody may read."""
    os.mkfifo(folder / "pipe.txt")
    # A socket's path may have a hundred bytes, so it is bound from within the folder.
    place = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"/proc/self/fd/{place}/socket.txt")
    os.close(place)
    with suppress(PermissionError):  # only root may make one
        os.mknod(folder / "device.txt", 0o20666, os.makedev(1, 5))
    with (folder / "sparse.txt").open("wb") as sparse:
        sparse.truncate(_SPARSE)
    (folder / "locked.txt").write_text(_GOOD.format("locked"), encoding="utf-8")
    (folder / "locked.txt").chmod(0)
    (folder / "folder.txt").mkdir()
    (folder / "locked").mkdir(mode=0)
    (folder / "empty.txt").touch()
    deep = folder
    for _ in range(60):
        deep /= "deep" * 10
    deep.mkdir(parents=True)
    (deep / "deep.txt").write_text(_GOOD.format("deep"), encoding="utf-8")


def _name(folder: Path, bait: Bait) -> None:
    """Good files of wild names, as far as the disk takes them."""
    place = folder / "names"
    place.mkdir()
    for number, name in enumerate([*wild_names(bait), b"n" * 251 + b".txt", b"trailing.txt.", b"a:b?*.txt"]):
        last = name.replace(b"\x00", b"").rsplit(b"/", 1)[-1]
        if last in (b"", b".", b".."):
            continue
        with suppress(OSError):  # too long for the disk
            Path(os.fsdecode(os.path.join(os.fsencode(place), last))).write_text(_GOOD.format(number), encoding="utf-8")


@contextmanager
def restless(folder: Path) -> Iterator[None]:
    """Files that grow, shrink, vanish, come back and are locked as long as this lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    ends = threading.Event()
    changing = threading.Thread(target=_change, args=(folder, ends))
    changing.start()
    try:
        yield
    finally:
        ends.set()
        changing.join()


def _change(folder: Path, ends: threading.Event) -> None:
    growing, moving = folder / "growing.txt", folder / "moving.txt"
    turn = 0
    while not ends.wait(0.002):
        turn += 1
        with growing.open("a", encoding="utf-8") as grown:
            grown.write(_GOOD.format(turn) * 50)
        if turn % 50 == 0:
            growing.write_text("", encoding="utf-8")
        moving.write_text(_GOOD.format("moving") * (turn % 9), encoding="utf-8")
        moving.chmod(0 if turn % 3 == 0 else 0o644)
        if turn % 2:
            moving.unlink()
        elif turn % 5 == 0:
            moving.unlink()
            moving.symlink_to(growing)
            moving.unlink()
