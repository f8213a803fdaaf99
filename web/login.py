"""Login: the one password that opens a page which other computers can reach."""

import asyncio
import hmac
import secrets
from contextlib import suppress
from hashlib import sha256
from html import escape
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, Response

from index.errors import LibraryError
from rag.conversations import Conversations
from web.browsers import Browsers
from web.turnstile import Turnstile

FEWEST = 8  # characters that a password should have

_PAGE = (Path(__file__).parent / "login.html").read_text(encoding="utf-8")


class Login:
    """Knows a password, and the browsers that have signed in with it."""

    def __init__(self, password: str, home: Path) -> None:
        """Take this password for the library that lives in `home`.

        Raises:
            LibraryError: The list of signed-in browsers cannot be kept there.
        """
        self._home = home
        self.browsers = Browsers(home, password)
        self._key = secrets.token_bytes(32)
        self._password = self._digest(password)
        self._strangers, self._acquainted = Turnstile(), Turnstile()

    async def is_right(self, form: bytes, secret: str, address: str) -> bool:
        """Whether a form holds the password, once it has its turn.

        A browser that was signed in before, as its secret shows, has turns of its own: whoever guesses at the address
        that it comes from, or at many, does not keep it waiting.

        Raises:
            Crowded: Too many wait for their turn.
        """
        guess = parse_qs(form.decode("utf-8", "replace")).get("password", [""])[0]
        known = self.browsers.known(secret)
        turnstile, sender = (self._acquainted, known.owner) if known else (self._strangers, _sender(address))
        return await turnstile.look(sender, lambda: hmac.compare_digest(self._digest(guess), self._password))

    async def sign_in(self, secret: str, unlocked: str) -> str:
        """Sign in a browser that sent the password; returns the secret that it has from now on.

        What it asked while the page had no password comes along, and is nobody else's any more.

        Args:
            secret: The one that it had, or "".
            unlocked: Whose its conversations of that time are, or "".

        Raises:
            LibraryError: This cannot be kept.
        """
        fresh, browser = self.browsers.sign_in(secret)
        if unlocked:
            with suppress(LibraryError):  # of conversations, which the page will tell as well
                await asyncio.to_thread(Conversations(self._home, unlocked).hand_over, browser.owner)
        return fresh

    def _digest(self, password: str) -> bytes:
        """Of the same length for all, so that the time of a comparison tells nothing, and quick to make."""
        return hmac.digest(self._key, password.encode("utf-8", "surrogatepass"), sha256)


def asking(notice: str = "", status: int = 401) -> Response:
    """The page that asks for the password, with a line about the last one."""
    return HTMLResponse(_PAGE.replace("{notice}", escape(notice)), status)


def _sender(address: str) -> str:
    """Who counts as one sender: an address, or in IPv6 all that one connection to the network has."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or IPv6Address(int(ip) >> 64 << 64))
