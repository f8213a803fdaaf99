"""Login: the one password that opens a page which other computers can reach."""

import asyncio
import hmac
from hashlib import scrypt
from pathlib import Path
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, RedirectResponse, Response

FEWEST = 8  # characters that a password should have

_PAGE = (Path(__file__).parent / "login.html").read_text(encoding="utf-8")
_PAUSE = 1.0  # seconds after a wrong password until the next one is looked at, whoever sends it
_MOST_WAITING = 20
_SALT = b"footnote"  # the key is kept nowhere; the salt keeps other programs' tables from fitting it


class Login:
    """Knows a password, and which browsers have told it.

    A browser that has told it keeps a key made of the password and of the browser's own secret: nothing is kept here, a
    restart changes nothing, and another password or another browser needs another key.
    """

    def __init__(self, password: str) -> None:
        """Take this password."""
        self._password = password
        self._secret = scrypt(password.encode(), salt=_SALT, n=2**14, r=8, p=1)
        self._turn = asyncio.Lock()
        self._waiting = 0

    def key(self, visitor: str) -> str:
        """What a browser with this secret shows once it has told the password."""
        return hmac.digest(self._secret, visitor.encode(), "sha256").hex()

    def knows(self, visitor: str | None, key: str | None) -> bool:
        """Whether a browser has told the password before."""
        return visitor is not None and key is not None and hmac.compare_digest(self.key(visitor), key)

    async def told(self, body: bytes) -> bool:
        """Whether a form holds the password; they are looked at one by one, with a pause after a wrong one."""
        if self._waiting >= _MOST_WAITING:
            return False
        self._waiting += 1
        try:
            async with self._turn:
                said = parse_qs(body.decode("utf-8", "replace")).get("password", [""])[0]
                right = hmac.compare_digest(said.encode(), self._password.encode())
                if not right:
                    await asyncio.sleep(_PAUSE)
                return right
        finally:
            self._waiting -= 1


def asking(message: str) -> Response:
    """The page that asks for the password."""
    return HTMLResponse(_PAGE.replace("{message}", message), 401)


def opened() -> Response:
    """The way to the page, once the password was told."""
    return RedirectResponse("./", 303)
