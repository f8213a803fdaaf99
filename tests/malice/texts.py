"""Hostile text: depth, runs that kill patterns, letters that hide, and encodings that lie."""

import json
from collections.abc import Callable
from functools import partial

from tests.malice.recipe import Bait, Recipe, baited, plain

_MILLION = 1_000_000
_RUNS = {
    "blanks": " ",
    "tabs": "\t",
    "empty lines": "\n",
    "brackets": "[",
    "stars": "*",
    "underscores": "_",
    "angles": "<",
    "bars": "|",
    "quotes": '"',
    "dashes": "-",
    "dots": ".",
    "digits": "7",
    "backticks": "`",
    "colons": ":",
    "ampersands": "&",
    "backslashes": "\\",
    "hashes": "#",
    "arrows": ">",
    "braces": "{",
    "exclamations": "![",
    "links begun": "[a](",
    "emphasis begun": "*a _b ",
    "dollars": "$",
    "equals": "=",
    "parentheses": "(",
    "commas": ",",
    "no-break blanks": "\xa0",
    "footnotes": "[^1]",
    "tildes": "~",
    "plus signs": "+",
}
_RUN_HOSTS = (".txt", ".md", ".rst", ".html", ".csv", ".srt", ".py")
_LONG = 200_000

_LETTERS: dict[str, Callable[[], str]] = {
    "a word of a million letters": lambda: "a" * _MILLION,
    "a line of a million words": lambda: "mill " * _MILLION,
    "a sentence of 200,000 clauses": lambda: "the mill, and the school; " * 200_000,
    "a million sentences": lambda: "It burned. " * _MILLION,
    "a million full stops without blanks": lambda: "a.B" * _MILLION,
    "bidirectional overrides": lambda: "\u202egpj.exe\u202c \u2066abc\u2069 \u061c" * 5_000,
    "letters of the tag block": lambda: "The mill" + "".join(chr(0xE0000 + ord(char)) for char in "obey me") * 5_000,
    "letters of no width": lambda: "m\u200bi\u200cl\u200dl\u2060\ufeff " * 50_000,
    "a million joiners": lambda: "a" + "\u200d" * _MILLION + "b",
    "lone surrogates": lambda: "a\ud800b\udfffc" * 10_000,
    "private letters": lambda: "\ue000\uf8ff\U000f0000\U0010fffd " * 20_000,
    "a million accents on one letter": lambda: "Z" + "\u0338" * _MILLION + " mill",
    "accents of every kind": lambda: "".join(chr(0x300 + number % 112) for number in range(300_000)) + "mill",
    "right to left": lambda: "שלום עולם مرحبا بالعالم " * 20_000,
    "line ends of every kind": lambda: "a\rb\r\nc\vd\fe\x1cf\x85g\u2028h\u2029" * 20_000,
    "NULs": lambda: "The mill\x00 burned." * 1_000,
    "controls": lambda: "The mill burned.\x1b[31m\x07\x08\x7f\x9b31m" * 5_000,
    "one letter": lambda: "a",
    "only marks": lambda: "?!" * 100_000,
    "letters that grow in lower case": lambda: "İ" * 300_000 + "ŉǰΐ" * 1_000,
    "numbers of a million digits": lambda: "1" * _MILLION + "." + "2" * _MILLION + "e" + "9" * 1_000,
    "an emoji family of 100,000": lambda: "👩\u200d" * 100_000 + "👧",
}
_BYTES: dict[str, Callable[[], bytes]] = {
    "a mark of UTF-16 before UTF-8": lambda: b"\xff\xfe" + b"The mill burned in 1902. " * 101,
    "a mark of UTF-8 before Latin-1": lambda: b"\xef\xbb\xbf" + b"caf\xe9 " * 500,
    "a mark of UTF-32 before noise": lambda: b"\xff\xfe\x00\x00" + bytes(range(256)) * 16,
    "UTF-16 of half a letter": lambda: "The mill".encode("utf-16") + b"\x00\xd8\x41",
    "every byte": lambda: bytes(range(1, 256)) * 400,
    "letters cut in two": lambda: ("é" * 1_000).encode()[:-1],
    "overlong UTF-8": lambda: b"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf mill" * 500,
    "UTF-7": lambda: b"+ADw-script+AD4-alert(1)+ADw-/script+AD4- " * 300,
    "EBCDIC": lambda: ("The mill burned in 1902. " * 100).encode("cp037"),
    "escapes of ISO-2022": lambda: b"\x1b$B" + b"!!" * 20_000 + b"\x1b(B",
    "noise without NULs of a megabyte": lambda: bytes(1 + number * 7_919 % 255 for number in range(_MILLION)),
    "UTF-16 without a mark": lambda: ("The mill burned. " * 500).encode("utf-16-le"),
}


def _markup() -> dict[str, Callable[[], str]]:
    """Hostile Markdown."""
    return {
        "quotes 100,000 deep": lambda: "> " * 100_000 + "deep",
        "brackets 50,000 deep": lambda: "[" * 50_000 + "a" + "](b)" * 50_000,
        "lists 2,000 deep": lambda: "".join("  " * level + "- a\n" for level in range(2_000)),
        "emphasis 50,000 deep": lambda: "*a **b " * 50_000 + "c** d*" * 50_000,
        "reference definitions": lambda: "".join(f"[{number}]: /x\n" for number in range(50_000)) + "[1]" * 10_000,
        "a table of 1,000 columns": lambda: ("|a" * 1_000 + "|\n" + "|-" * 1_000 + "|\n") + ("|b" * 1_000 + "|\n") * 50,
        "code fences that never close": lambda: "```\n~~~\n" * 20_000,
        "front matter that never closes": lambda: "---\n" + "title: x\n" * 100_000,
        "front matter of blanks": lambda: "---\ntitle:" + " " * 100_000 + "x\n---\nThe mill.\n",
        "html begun": lambda: "<a <!-- <![CDATA[ <? " * 20_000,
        "entities": lambda: "&amp;&#x202e;&#0;&#xD800;&nosuch;" * 20_000,
        "headings": lambda: "# a\n" * 100_000,
        "backtick runs that differ": lambda: "".join("`" * (number % 800 + 1) + " " for number in range(2_000)),
        "links of scripts": lambda: "[a](javascript:alert(1)) ![b](http://127.0.0.1:9/x) <file:///etc/passwd>\n" * 500,
        "link titles never closed": lambda: '[a](b "' * 30_000,
        "autolinks begun": lambda: "<a:" * 50_000 + "a@" * 50_000,
    }


def _pages() -> dict[str, Callable[[], str]]:
    """Hostile HTML."""
    return {
        "500,000 elements deep": lambda: "<div>" * 500_000 + "deep",
        "tables 5,000 deep": lambda: "<table><tr><td>" * 5_000 + "deep",
        "lists 20,000 deep": lambda: "<ul><li>a" * 20_000,
        "formatting 20,000 deep": lambda: "<b><i><a><p>" * 20_000 + "deep",
        "500,000 attributes": lambda: "<p " + "".join(f"a{number}=1 " for number in range(500_000)) + ">mill",
        "a row of 30,000 cells": lambda: "<table><tr>" + "<td>a" * 30_000,
        "a comment that never ends": lambda: "The mill<!--" + "-" * 500_000,
        "a script that never ends": lambda: "The mill<script>" + "<!--<script>" * 50_000,
        "a style that hides": lambda: "<p style='" + "x" * 500_000 + "display:none'>a</p>The mill",
        "50,000 hidden": lambda: "<p hidden>a<svg>b</svg>" * 50_000 + "The mill",
        "entities that hide": lambda: "a&#x202E;b&#0;&#xD800;&#x10FFFF;&#xE0041;&zwj;c" * 5_000,
        "a plaintext element": lambda: "<plaintext>" + "</plaintext><script>" * 10_000,
        "frames and objects": lambda: "<iframe srcdoc='<p>a'></iframe><object data=file:///etc/passwd>" * 2_000,
        "a title of a megabyte": lambda: f"<title>{'t' * _MILLION}</title>The mill",
        "a base and a refresh": lambda: "<base href=http://127.0.0.1:9/><meta http-equiv=refresh content=0>The mill",
        "rows in rows": lambda: "<table>" + "<tr><td><p>a<table>" * 3_000,
        "lists numbered to the end": lambda: "<ol start=999999999>" + "<li>a" * 20_000,
        "select, template and math": lambda: "<select><template><math><mtext><table>" * 5_000 + "The mill",
        "declared UTF-16": lambda: "<meta charset=utf-16><p>The mill burned.",
        "a declared codec of another kind": lambda: "<meta charset=zlib_codec><p>The mill burned.",
        "a NUL in every tag": lambda: "<\x00p\x00>The mill\x00</p\x00>" * 500,
    }


def _rst() -> dict[str, Callable[[Bait], str]]:
    """Hostile reStructuredText."""
    return {
        "an included file": lambda bait: f"Mill\n\n.. include:: {bait.path}\n\n.. literalinclude:: {bait.path}\n",
        "a raw file": lambda bait: f"Mill\n\n.. raw:: html\n   :file: {bait.path}\n",
        "a raw address": lambda bait: f"Mill\n\n.. raw:: html\n   :url: {bait.url}raw\n",
        "a table from a file": lambda bait: f"Mill\n\n.. csv-table:: t\n   :file: {bait.path}\n",
        "a table from an address": lambda bait: f"Mill\n\n.. csv-table:: t\n   :url: {bait.url}table\n",
        "an image elsewhere": lambda bait: f"Mill\n\n.. image:: {bait.url}x.png\n\n.. figure:: {bait.path}\n",
        "an included file above": lambda bait: f"Mill\n\n.. include:: {'../' * 30}{str(bait.path)[1:]}\n   :literal:\n",
        "a standard included file": lambda _: "Mill\n\n.. include:: <isonum.txt>\n\n.. include:: <s5defs.txt>\n",
        "a substitution of itself": lambda _: "|a|\n\n.. |a| replace:: |b| |b|\n.. |b| replace:: |a| |a|\n",
        "substitutions that double": lambda _: (
            "|s20|\n\n.. |s0| replace:: lol\n"
            + "".join(f".. |s{number}| replace:: |s{number - 1}| |s{number - 1}|\n" for number in range(1, 21))
        ),
        "roles of roles": lambda _: ".. role:: a\n.. role:: b(a)\n.. role:: c(b)\n\n" + ":c:`:b:`:a:`x``` " * 500,
        "a role of raw": lambda _: ".. role:: raw-html(raw)\n   :format: html\n\n:raw-html:`<script>` mill\n",
        "lists 300 deep": lambda _: "".join("  " * level + "* a\n\n" for level in range(300)),
        "quotes 900 deep": lambda _: "".join(" " * level + "a\n\n" for level in range(900)),
        "directives 400 deep": lambda _: (
            "".join("   " * level + ".. note::\n\n" for level in range(400)) + "   " * 400 + "deep\n"
        ),
        "a table that is not one": lambda _: "+--+--+\n|a |b |\n" * 5_000,
        "a grid of 300 columns": lambda _: ("+-" * 300 + "+\n" + "|a" * 300 + "|\n") * 60 + "+-" * 300 + "+\n",
        "a simple table without end": lambda _: "== ==\n" + "a  b\n" * 50_000,
        "10,000 headings": lambda _: "".join(f"a{number}\n=====\n\n" for number in range(10_000)),
        "headings of every line": lambda _: "".join(f"a\n{char * 3}\n\n" for char in "=-`:.'\"~^_*+#!$%&,/;<>?@[]{|}"),
        "10,000 errors": lambda _: ".. nosuch:: x\n\n:nosuch:`y` `z`_ |w| *u\n\n" * 2_500,
        "10,000 footnotes": lambda _: "[#]_ " * 3_000 + "\n\n" + ".. [#] a\n" * 3_000,
        "code in no language": lambda _: (
            ".. code:: nosuch\n\n   a\n\n.. code-block:: python\n   :number-lines: 1\n\n   a"
        ),
        "an evaluated date": lambda _: "|now|\n\n.. |now| date:: " + "%c" * 10_000 + "\n",
        "a pending class": lambda _: (
            ".. class:: a b\n\n" * 2_000 + "mill\n\n.. contents::\n.. sectnum::\n.. target-notes::\n"
        ),
        "a mathematical bomb": lambda _: ".. math:: " + "\\frac{" * 3_000 + "x" + "}" * 3_000 + "\n\nmill\n",
        "a stylesheet elsewhere": lambda bait: (
            f".. meta::\n   :x: y\n\nmill\n\n.. default-role:: raw\n\n`{bait.url}`\n"
        ),
    }


def _data() -> dict[str, tuple[str, Callable[[], str | bytes]]]:
    """Hostile JSON, CSV and subtitles, each with its suffix."""
    return {
        "a million arrays deep": (".json", lambda: "[" * _MILLION + "]" * _MILLION),
        "100,000 objects deep": (".json", lambda: '{"a":' * 100_000 + "1" + "}" * 100_000),
        "900 objects deep": (".json", lambda: '{"a":' * 900 + "1" + "}" * 900),
        "a number of a million digits": (".json", lambda: f'{{"a": {"9" * _MILLION}}}'),
        "no numbers": (".json", lambda: '{"a": [NaN, Infinity, -Infinity, 1e999, -0.0]}'),
        "the same key a million times": (".json", lambda: "{" + ",".join(['"a":1'] * _MILLION) + "}"),
        "a key of a megabyte": (".json", lambda: json.dumps({"k" * _MILLION: "mill"})),
        "an array of a million": (".json", lambda: "[" + ",".join(["1"] * _MILLION) + "]"),
        "200,000 keys": (".json", lambda: json.dumps({f"k{number}": "mill" for number in range(200_000)})),
        "escaped surrogates": (".json", lambda: '{"a": "\\ud800 \\udfff \\u202e \\u0000 mill"}'),
        "a string that never ends": (".json", lambda: '{"a": "' + "x" * _MILLION),
        "keys that are code": (
            ".json",
            lambda: '{"__proto__": {"__class__": "os.system"}, "$ref": "file:///etc/passwd"}',
        ),
        "a notebook of odd cells": (
            ".json",
            lambda: json.dumps({"cells": [{"cell_type": 3, "source": {"a": []}}] * 500}),
        ),
        "a million empty rows": (".jsonl", lambda: "{}\n" * _MILLION),
        "rows of other kinds": (".jsonl", lambda: '1\n"a"\nnull\n[]\n{"a":1}\n[[[[]]]]\n' * 5_000),
        "rows cut off": (".jsonl", lambda: '{"a": "mill"}\n{"a": \n' * 5_000),
        "a row 100,000 deep": (".jsonl", lambda: '{"a":1}\n' + "[" * 100_000 + "\n"),
        "rows with new keys each": (".jsonl", lambda: "".join(f'{{"k{n}": {n}}}\n' for n in range(20_000))),
        "a quote that never closes": (".csv", lambda: 'a,b\n1,"' + "x,y\n" * 500_000),
        "a field of 10 MB": (".csv", lambda: "a,b\n1," + "x" * 10_000_000),
        "a million columns": (".csv", lambda: "a," * _MILLION + "\n" + "b," * _MILLION),
        "5,000 columns named alike": (".csv", lambda: "a," * 5_000 + "\n" + "b," * 5_000),
        "five million empty lines": (".csv", lambda: "a,b\n" + "\n" * 5_000_000 + "1,2\n"),
        "NULs in fields": (".csv", lambda: "a,b\n1\x00,2\x00\n" * 1_000),
        "quotes in quotes": (".csv", lambda: '"a""b","' + '""' * 200_000 + '"\n'),
        "rows of all lengths": (".csv", lambda: "\n".join("x," * (number % 300) for number in range(5_000))),
        "formulas": (".csv", lambda: "a,b\n=cmd|'/C calc'!A0,@SUM(1)\n+1,-1\n" * 500),
        "a separator of each kind": (".csv", lambda: "a;b,c\td|e\n" * 20_000),
        "a million rows": (".csv", lambda: "a,b\n" + "1,2\n" * _MILLION),
        "carriage returns alone": (".csv", lambda: "a,b\r1,2\r" * 20_000),
        "one column of bars": (".tsv", lambda: "a | b: c\td\n" + "| : |\t||: \n" * 20_000),
        "absurd times": (".srt", lambda: "1\n99999999:99:99,999 --> -1:00:00,000\nThe mill.\n\n" * 2_000),
        "times that run back": (
            ".srt",
            lambda: "".join(f"{n}\n00:00:{59 - n % 60:02},0 --> 00:00:00,0\na\n\n" for n in range(3_000)),
        ),
        "100,000 cues": (
            ".srt",
            lambda: "".join(f"{n}\n00:00:01,000 --> 00:00:02,000\na{n}\n\n" for n in range(100_000)),
        ),
        "arrows without times": (".srt", lambda: "-->\n" * 100_000),
        "digits before an arrow": (".srt", lambda: "1" * 300_000 + " --> " + "2" * 300_000 + "\nmill\n"),
        "tags in cues 10,000 deep": (
            ".vtt",
            lambda: "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<v a><c.b>" * 10_000 + "mill\n",
        ),
        "styles and regions": (
            ".vtt",
            lambda: "WEBVTT\n\nSTYLE\n::cue{}\n\nREGION\nid:a\n\n" * 3_000 + "00:01.000 --> 00:02.000\na\n",
        ),
        "cues that are identifiers": (".vtt", lambda: "WEBVTT\n\n" + "a\n" * 100_000),
        "no header": (".vtt", lambda: "00:01.000 --> 00:02.000\nThe mill.\n"),
    }


_LIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a picture called text": ("x.txt", lambda: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(500)),
    "a program called Markdown": ("x.md", lambda: b"\x7fELF\x02\x01\x01" + bytes(500)),
    "text called PDF": ("x.pdf", lambda: b"The mill burned."),
    "text called Word": ("x.docx", lambda: b"The mill burned."),
    "a page called Word": ("x.docx", lambda: b"<html><body>The mill burned."),
    "old Office called Word": ("x.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)),
    "Rich Text called text": ("x.txt", lambda: b"{\\rtf1 " + b"{" * 50_000),
    "XML called JSON": ("x.json", lambda: b"<?xml version='1.0'?><a>mill</a>"),
    "JSON called CSV": ("x.csv", lambda: b'{"a": [1, 2, 3]}'),
    "a mailbox called subtitles": ("x.srt", lambda: b"From a@b Fri Jan  2 03:04:05 2026\nSubject: x\n\nThe mill.\n"),
    "gzip called JSON": ("x.json", lambda: b"\x1f\x8b\x08\x00" + bytes(500)),
    "a tar called mail": ("x.eml", lambda: b"x.txt" + bytes(252) + b"ustar\x0000" + bytes(1_000)),
    "noise called anything": ("x", lambda: bytes(range(256)) * 40),
    "a suffix of suffixes": ("x.pdf.exe.txt.md", lambda: b"The mill burned."),
    "PDF's mark far in": ("x.txt", lambda: b"The mill burned. " * 50 + b"%PDF-1.7"),
}

RECIPES: tuple[Recipe, ...] = (
    *(
        plain(
            f"200,000 {kind} in {suffix[1:]}",
            f"x{suffix}",
            partial(lambda run: f"The {run * (_LONG // len(run))} mill", run),
        )
        for kind, run in _RUNS.items()
        for suffix in _RUN_HOSTS
    ),
    *(
        plain(f"{kind} in {suffix[1:]}", f"x{suffix}", make)
        for kind, make in _LETTERS.items()
        for suffix in (".txt", ".md")
    ),
    *(
        plain(f"{kind} in {suffix[1:]}", f"x{suffix}", make)
        for kind, make in _BYTES.items()
        for suffix in (".txt", ".html", ".csv")
    ),
    *(plain(f"{kind} in md", "x.md", make) for kind, make in _markup().items()),
    *(plain(f"{kind} in html", "x.html", make) for kind, make in _pages().items()),
    *(baited(f"{kind} in rst", "x.rst", make) for kind, make in _rst().items()),
    *(plain(f"{kind} in {suffix[1:]}", f"x{suffix}", make) for kind, (suffix, make) in _data().items()),
    *(plain(kind, file_name, make) for kind, (file_name, make) in _LIES.items()),
)
