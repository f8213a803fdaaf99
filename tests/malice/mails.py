"""Hostile mail: borders, depth, floods of headers, and encodings that lie."""

import base64
from collections.abc import Callable

from tests.malice.honest import honest
from tests.malice.recipe import Recipe, plain

_HEAD = "From: a@example.org\nTo: b@example.org\nSubject: The mill\nDate: Fri, 02 Jan 2026 03:04:05 +0000\n"


def _mixed(body: str, border: str = "b") -> str:
    return f'{_HEAD}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{border}"\n\n{body}'


def _nested_parts(levels: int) -> str:
    body = "".join(f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(levels))
    return _mixed(f"{body}--b{levels}\n\nThe mill.\n", "b0")


def _nested_letters(levels: int) -> str:
    return (
        _HEAD + "Content-Type: message/rfc822\n\n" + "Content-Type: message/rfc822\n\n" * levels + "Subject: x\n\ndeep"
    )


def _encoded(kind: str, body: str, encoding: str, charset: str = "utf-8") -> str:
    told = f"MIME-Version: 1.0\nContent-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n"
    return f"{_HEAD}{told}\n{body}"


def _attached(suffix: str, name: str, count: int = 1) -> str:
    data = base64.encodebytes(honest(suffix)).decode()
    part = (
        f'--b\nContent-Type: application/octet-stream; name="{name}"\nContent-Transfer-Encoding: base64\n'
        f'Content-Disposition: attachment; filename="{name}"\n\n{data}\n'
    )
    return _mixed("--b\n\nThe mill burned.\n" + part * count + "--b--\n")


_LETTERS: dict[str, Callable[[], str | bytes]] = {
    "10,000 parts deep": lambda: _nested_parts(10_000),
    "300 parts deep": lambda: _nested_parts(300),
    "10,000 parts": lambda: _mixed("--b\nContent-Type: text/plain\n\nThe mill.\n" * 10_000 + "--b--\n"),
    "5,000 letters deep": lambda: _nested_letters(5_000),
    "80 letters deep": lambda: _nested_letters(80),
    "a border that never comes": lambda: _mixed("The mill.\n" * 1_000, "nowhere"),
    "a border of blanks": lambda: _mixed("--   \n\nThe mill.\n", "   "),
    "an empty border": lambda: _mixed("--\n\nThe mill.\n--\n" * 500, ""),
    "a border of a megabyte": lambda: _mixed("The mill.\n", "b" * 1_000_000),
    "a border that begins another": lambda: _mixed("--b\n\na\n--bb\n\nc\n--b-\n\nd\n--b--\ne\n--b\n\nf\n"),
    "a million borders": lambda: _mixed("--b\n" * 1_000_000),
    "a header of 10 MB": lambda: f"{_HEAD}X: {'x' * 10_000_000}\n\nThe mill.\n",
    "a subject of a megabyte": lambda: f"Subject: {'mill ' * 200_000}\nFrom: a@b\n\nThe mill.\n",
    "a header folded 100,000 times": lambda: "Subject: a\n" + " b\n" * 100_000 + "\nThe mill.\n",
    "100,000 headers": lambda: _HEAD + "X-A: b\n" * 100_000 + "\nThe mill.\n",
    "encoded words": lambda: "Subject: " + "=?utf-8?q?=41=E2=80=AE?= " * 20_000 + "\n\nThe mill.\n",
    "encoded words of no encoding": lambda: "Subject: " + "=?no-such?b?!!!!?= =?utf-8?z?a?= =?" * 5_000 + "\n\nmill\n",
    "addresses": lambda: (
        "To: " + "(((" * 5_000 + ", ".join("<a@b>" for _ in range(20_000)) + "\nFrom: " + "<" * 9_000 + "\n\nmill\n"
    ),
    "comments 50,000 deep": lambda: "From: " + "(" * 50_000 + "a\nDate: " + "(" * 50_000 + "\n\nThe mill.\n",
    "parameters in pieces": lambda: (
        _HEAD
        + "Content-Type: text/plain"
        + "".join(f"; name*{n}*=utf-8''%41" for n in range(10_000))
        + "\n\nThe mill.\n"
    ),
    "a date of no calendar": lambda: "Date: Xxx, 99 Foo 999999999999 99:99:99 +9999999\nSubject: x\n\nThe mill.\n",
    "base64 that is none": lambda: _encoded("text/plain", "The mill! *** ===\n" * 500, "base64"),
    "base64 of a megabyte of padding": lambda: _encoded("text/plain", "=" * 1_000_000, "base64"),
    "quoted-printable cut off": lambda: _encoded("text/plain", "mill=\n=4=GG==E2=80=AE=" * 5_000, "quoted-printable"),
    "uuencode that is none": lambda: _encoded("text/plain", "begin 644 ../../x.txt\n" + "M~~~\n" * 500, "x-uuencode"),
    "a charset that does not exist": lambda: _encoded("text/plain", "The mill.", "8bit", "no-such"),
    "a charset that is a codec": lambda: _encoded("text/plain", "The mill.", "8bit", "zlib_codec"),
    "a charset that does not fit": lambda: _encoded("text/plain", "caf\xe9 \u2014 \U0001f600", "8bit", "ascii"),
    "a charset of UTF-16": lambda: _encoded("text/plain", "The mill", "8bit", "utf-16"),
    "an encoding that does not exist": lambda: _encoded("text/plain", "The mill.", "no-such"),
    "a page 100,000 deep": lambda: _encoded("text/html", "<div>" * 100_000 + "deep", "7bit"),
    "a file with a name that leads out": lambda: _attached(".txt", "../../../../tmp/escaped.txt"),
    "a name of a file that hides": lambda: _attached(".docx", "=?utf-8?q?gpj=E2=80=AE?=.txt"),
    "a thousand files": lambda: _attached(".docx", "x.docx", 60),
    "a letter in itself": lambda: _attached(".eml", "x.eml"),
    "no headers": lambda: "\n\nThe mill burned.\n",
    "no body": lambda: _HEAD,
    "headers without colons": lambda: "From a\nnothing here\n" * 5_000 + "\nThe mill.\n",
    "NULs": lambda: f"{_HEAD}X-\x00: \x00\n\nThe mill\x00 burned.\n",
    "carriage returns alone": lambda: (_HEAD + "\nThe mill.\n").replace("\n", "\r"),
    "8-bit headers": lambda: b"Subject: caf\xe9 \xff\xfe\nFrom: \xe9@b\n\nThe mill.\n",
    "a part that says it is partial": lambda: _HEAD + "Content-Type: message/partial; id=x; number=1\n\nThe mill.\n",
    "a body elsewhere": lambda: (
        _HEAD + 'Content-Type: message/external-body; access-type=local-file; name="/etc/passwd"\n\nThe mill.\n'
    ),
    "a type of types": lambda: f"{_HEAD}Content-Type: {'a/' * 50_000}b;;;;=\n\nThe mill.\n",
}
_BOXES: dict[str, Callable[[], str | bytes]] = {
    "a million letters begun": lambda: "From a@b Fri Jan  2 03:04:05 2026\n" * 1_000_000,
    "20,000 letters": lambda: "From a@b Fri Jan  2 03:04:05 2026\nSubject: x\n\nThe mill.\n\n" * 20_000,
    "no letter at all": lambda: "The mill burned.\n" * 1_000,
    "From in every body": lambda: (
        "From a@b Fri Jan  2 03:04:05 2026\nSubject: x\n\n" + "From the mill it came.\n" * 20_000
    ),
    "one line of a megabyte": lambda: "From " + "a" * 1_000_000,
    "letters of noise": lambda: b"From a@b Fri Jan  2 03:04:05 2026\n" + bytes(range(256)) * 400,
    "letters 10,000 parts deep": lambda: f"From a@b Fri Jan  2 03:04:05 2026\n{_nested_parts(10_000)}",
}

RECIPES: tuple[Recipe, ...] = (
    *(plain(f"{kind} in eml", "x.eml", make) for kind, make in _LETTERS.items()),
    *(plain(f"{kind} in mbox", "x.mbox", make) for kind, make in _BOXES.items()),
)
