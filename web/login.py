"""Login: the one password that opens a page which other computers can reach."""

import asyncio
import hmac
from hashlib import scrypt
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, Response

FEWEST = 8  # characters that a password should have

_PAGE = (Path(__file__).parent / "login.html").read_text(encoding="utf-8")
_PAUSE = 1.0  # seconds after a wrong password until the next one from there is looked at
_SALT = b"footnote"  # the secret is kept nowhere; the salt keeps other programs' tables from fitting it


class Login:
    """Knows a password, and which browsers have told it.

    A browser that has told it keeps a key made of the password and of the browser's own secret: nothing is kept here, a
    restart changes nothing, and another password or another browser needs another key.
    """

    def __init__(self, password: str) -> None:
        """Take this password."""
        self._password = password.encode()
        self._secret = scrypt(self._password, salt=_SALT, n=2**14, r=8, p=1)
        self._trying: set[str] = set()

    def key(self, visitor: str) -> str:
        """What a browser with this secret shows once it has told the password."""
        return hmac.digest(self._secret, visitor.encode(), "sha256").hex()

    def knows(self, visitor: str | None, key: str | None) -> bool:
        """Whether a browser has told the password before."""
        return visitor is not None and key is not None and hmac.compare_digest(self.key(visitor).encode(), key.encode())

    async def told(self, form: bytes, sender: str) -> Literal["right", "wrong", "waiting"]:
        """Whether a form holds the password; not looked at while another one from the same sender is."""
        if sender in self._trying:
            return "waiting"
        said = parse_qs(form.decode("utf-8", "replace")).get("password", [""])[0]
        if hmac.compare_digest(said.encode(), self._password):
            return "right"
        self._trying.add(sender)
        try:
            await asyncio.sleep(_PAUSE)
        finally:
            self._trying.discard(sender)
        return "wrong"


def asking(message: str) -> Response:
    """The page that asks for the password."""
    return HTMLResponse(_PAGE.replace("{message}", message), 401)
