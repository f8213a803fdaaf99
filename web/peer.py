"""Who is at the other end of a connection within this computer: the user who runs Footnote, or another one.

Where several people share a computer, each reaches every page that is served on it, and what a page lets its reader do
is done with the rights of whoever serves it.
"""

import os
from ipaddress import ip_address
from pathlib import Path

_SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _REMOTE, _USER = 1, 2, 7  # columns: addresses as hexadecimal, the port after a colon; the owner's number


def is_own(client: tuple[str, int] | None, server: tuple[str, int] | None) -> bool:
    """Whether a connection was begun by the user who runs this process, on this computer.

    Linux tells (proc(5)); where the system does not, whoever reaches the loopback address is taken for that user.

    Args:
        client: Address and port that it comes from.
        server: Address and port that it goes to.
    """
    if client is None or server is None or client[0] != server[0]:
        return False
    told = [path.read_text().splitlines()[1:] for path in _SOCKETS if path.exists()]
    if not told:
        return ip_address(client[0]).is_loopback
    ports = client[1], server[1]
    owners = {
        int(row[_USER])
        for row in (line.split() for lines in told for line in lines)
        if (_port(row[_LOCAL]), _port(row[_REMOTE])) == ports
    }
    return owners == {os.getuid()}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
