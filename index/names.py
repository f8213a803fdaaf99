r"""Names of files <-> names in ids: each name has its own, which prints and leads back to it.

What is no text, and what moves the cursor or turns the line around, is spelt out as in Python: `\xff`, `\u202e`. So is
the backslash itself, `\\`, that no name is spelt as another one stands.
"""

import re

# Control characters, line ends, marks that turn the direction of text, and bytes of a name that are no text.
_SPELT = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SPELLING = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4}))")


def spelt(name: str) -> str:
    """A name, or a path of names, as it stands in ids."""
    return _SPELT.sub(lambda found: _spelling(found[0]), name)


def unspelt(name: str) -> str:
    """The name, or the path, that `spelt` gave this for."""
    return _SPELLING.sub(lambda found: chr(int(found[1] or found[2] or "5c", 16)), name)


def _spelling(character: str) -> str:
    number = ord(character)
    if character == "\\":
        return "\\\\"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
