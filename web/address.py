"""Where the page is served: an address of this computer, a port, and a password where others reach it."""

import errno
import re
import socket
from ipaddress import ip_network

from index.errors import FootnoteError
from rag.llm import LOOPBACK
from web import access
from web.login import FEWEST

HOST = "127.0.0.1"

_PATH = re.compile(r"(?:/[\w~-][\w.~-]*)*", re.ASCII)


def check(port: int, host: str = HOST, password: str = "") -> None:
    """See that the page can be served on this port of an address of this machine.

    Raises:
        FootnoteError: Another program uses the port, there is no such port or address, or a password is missing or too
            short.
    """
    if host not in LOOPBACK and not password:
        raise FootnoteError(f"Other computers reach {host}; set a password for them in FOOTNOTE_PASSWORD.")
    if password and len(password) < FEWEST:
        raise FootnoteError(
            f"The password in FOOTNOTE_PASSWORD is too short; take one of at least {FEWEST} characters."
        )
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except (OSError, OverflowError) as error:
            if isinstance(error, socket.gaierror) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
                raise FootnoteError(f"This computer has no IPv4 address {host}; name one of its own.") from error
            why = (error.strerror or "in use").lower() if isinstance(error, OSError) else "no such port"
            raise FootnoteError(
                f"Port {port} of {host} cannot be used ({why}); end the program that uses it, or choose another with "
                f"--port."
            ) from error


def proxies(setting: str) -> tuple[str, ...]:
    """The proxies named in a setting, addresses or networks with commas between them.

    Raises:
        FootnoteError: One of them is neither.
    """
    named = tuple(name for name in map(str.strip, setting.split(",")) if name)
    for name in named:
        try:
            ip_network(name)
        except ValueError as error:
            raise FootnoteError(
                f"{name} is no address of a proxy; name its IP address, such as 127.0.0.1, or a network."
            ) from error
    return named


def sub_path(setting: str) -> str:
    """The path under which a proxy has the page, such as "/docs"; "" where that is the root.

    Raises:
        FootnoteError: It is no such path.
    """
    path = setting.strip().removesuffix("/")
    if not _PATH.fullmatch(path):
        raise FootnoteError(
            f"{setting} is no root path; name the path under which the proxy has the page, such as /docs, without the "
            f"name of a computer."
        )
    if path and path.split("/")[1] in access.TOPS:  # it would be taken off twice
        raise FootnoteError(f"{setting} is a path of the page's own; name another one in the proxy, such as /docs.")
    return path
