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
    """Has told the password, and not signed out since."""


@dataclass(frozen=True, slots=True)
class Door:
    """Something that is open.

    Attributes:
        method: The method.
        path: The whole path, decoded.
        least: The least that has to be known of whoever comes.
    """

    method: str
    path: re.Pattern[str]
    least: Standing


def _door(method: str, path: str, least: Standing) -> Door:
    return Door(method, re.compile(rf"\A{path}\Z", re.ASCII), least)


_FILE = r"(?:[\w-][\w.-]*+/)*+[\w-][\w.-]*\.\w+"

SIGN_IN, SIGN_OUT = "/login", "/sign-out"

ALWAYS = (
    _door("GET", "/", Standing.GUEST),
    _door("HEAD", "/", Standing.GUEST),
    _door("GET", f"/assets/{_FILE}", Standing.GUEST),
    _door("GET", f"/static/{_FILE}", Standing.GUEST),
    _door("GET", r"/theme\.css", Standing.GUEST),
    _door("GET", r"/favicon\.ico", Standing.GUEST),
    # A browser's own, and what comes from the documents.
    _door("GET", r"/gradio_api/heartbeat/\w{1,64}", Standing.KNOWN),
    _door("GET", "/gradio_api/queue/data", Standing.KNOWN),
    _door("POST", "/gradio_api/queue/join", Standing.KNOWN),
    _door("POST", "/gradio_api/upload", Standing.KNOWN),
    _door("GET", "/gradio_api/upload_progress", Standing.KNOWN),
    _door("GET", r"/conversations/\w{1,64}\.(?:md|json)", Standing.KNOWN),
    _door("GET", r"/pages/[1-9]\d{0,8}\.png", Standing.KNOWN),
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


def least(doors: Sequence[Door], method: str, path: str) -> Standing | None:
    """The least that has to be known of whoever asks for this; None where it is closed to everybody."""
    return next((each.least for each in doors if each.method == method and each.path.fullmatch(path)), None)


def methods(doors: Sequence[Door], path: str) -> tuple[str, ...]:
    """The methods by which a path is open to somebody."""
    return tuple(each.method for each in doors if each.path.fullmatch(path))
