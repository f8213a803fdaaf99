"""Who is at the other end of a connection within this computer: the user who runs Footnote, or another one.

Where several people share a computer, each reaches every page that is served on it, and what a page lets its reader do
is done with the rights of whoever serves it.
"""

import os
from ipaddress import ip_address
from pathlib import Path

_SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _REMOTE, _USER, _INODE = 1, 2, 7, 9  # columns: addresses, hexadecimal, a colon before the port; owner; file


def is_own(client: tuple[str, int] | None, server: tuple[str, int] | None) -> bool:
    """Whether a connection was begun by the user who runs this process, on this computer.

    Linux tells (proc(5)); where the system does not, whoever reaches the loopback address is taken for that user.

    Args:
        client: Address and port that it comes from.
        server: Address and port that it goes to.
    """
    if client is None or server is None or client[0] != server[0]:
        return False
    existing = [path for path in _SOCKETS if path.exists()]
    if not existing:
        return ip_address(client[0]).is_loopback
    try:
        rows = [line.split() for path in existing for line in path.read_text().splitlines()[1:]]
    except OSError:
        return False
    ports = client[1], server[1]
    owners = {
        int(row[_USER])
        for row in rows
        if (_port(row[_LOCAL]), _port(row[_REMOTE])) == ports and row[_INODE] != "0"  # else nobody holds it any more
    }
    return owners == {os.getuid()}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
