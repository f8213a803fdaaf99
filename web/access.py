"""Access: every method and path that the page's server answers, and to whom. What is not in the table is closed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Standing(IntEnum):
    """What is known of whoever sends a request; each may do what those before it may."""

    STRANGER = 0
    """Has not signed in to a page that has a password."""
    GUEST = 1
    """Comes to a page without a password."""
    KNOWN = 2
    """Has opened that page before, and holds the secret that it got there."""
    SIGNED_IN = 3
    """Has signed in, and not signed out since."""


@dataclass(frozen=True, slots=True)
class Door:
    """Something that is open.

    Attributes:
        method: The method.
        top: The first part of the path.
        path: The whole path, decoded.
        least: The least that has to be known of whoever comes.
    """

    method: str
    top: str
    path: re.Pattern[str]
    least: Standing


def _door(method: str, path: str, least: Standing, below: str = "") -> Door:
    """What is open at a path, or at each that a pattern has `below` it."""
    return Door(method, path.split("/")[1], re.compile(rf"\A{re.escape(path)}{below}\Z", re.ASCII), least)


_FILE = r"(?:[\w-][\w.-]*+/)*+[\w-][\w.-]*\.\w+"

SIGN_IN, SIGN_OUT = "/login", "/sign-out"

HEARTBEAT = "/gradio_api/heartbeat/"
"""Gradio's own: a stream for as long as a page is open; the name of its session comes after this."""

JOIN, DATA = "/gradio_api/queue/join", "/gradio_api/queue/data"
"""Gradio's own: what a reader does, and a stream of what comes of it."""

UPLOAD = "/gradio_api/upload"
"""Gradio's own: where files are sent to."""

SESSION = "session_hash"
"""What Gradio calls the name of a session, in a query and in JSON."""

ALWAYS = (
    _door("GET", "/", Standing.GUEST),
    _door("HEAD", "/", Standing.GUEST),
    _door("GET", "/assets/", Standing.GUEST, _FILE),
    _door("GET", "/static/", Standing.GUEST, _FILE),
    _door("GET", "/theme.css", Standing.GUEST),
    _door("GET", "/favicon.ico", Standing.GUEST),
    # A browser's own, and what comes from the documents.
    _door("GET", HEARTBEAT, Standing.KNOWN, r"\w{1,64}"),
    _door("GET", DATA, Standing.KNOWN),
    _door("POST", JOIN, Standing.KNOWN),
    _door("POST", UPLOAD, Standing.KNOWN),
    _door("GET", f"{UPLOAD}_progress", Standing.KNOWN),
    _door("GET", "/conversations/", Standing.KNOWN, r"\w{1,64}\.(?:md|json)"),
    _door("GET", "/pages/", Standing.KNOWN, r"[1-9]\d{0,8}\.png"),
    _door("GET", "/parts", Standing.KNOWN),
)
"""What is open on every page."""

WITH_PASSWORD = (
    *ALWAYS,
    _door("GET", SIGN_IN, Standing.STRANGER),
    _door("POST", SIGN_IN, Standing.STRANGER),
    _door("POST", SIGN_OUT, Standing.SIGNED_IN),
)
"""What is open on a page with a password."""

TOPS = frozenset(door.top for door in WITH_PASSWORD) - {""}
"""The first part of every path that is open on some page."""


def least(doors: Sequence[Door], method: str, path: str) -> Standing | None:
    """The least that has to be known of whoever asks for this; None where it is closed to everybody."""
    return next((door.least for door in doors if door.method == method and door.path.fullmatch(path)), None)


def methods(doors: Sequence[Door], path: str) -> tuple[str, ...]:
    """The methods by which a path is open to somebody."""
    return tuple(door.method for door in doors if door.path.fullmatch(path))
