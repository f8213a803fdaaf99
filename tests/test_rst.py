"""reStructuredText: bytes -> the text as it reads, without what a hostile file would draw in."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.document import canonical
from index.errors import Failed, Refused
from index.formats import read

SOURCE = """
The mill
========
:Author: Ann Brandt
:Date: 2024-01-02
:Version: 3

.. a comment

History
-------
It *burned* in `1902 <https://example.org>`_, and |who| saw ``all``. [1]_

* dry grain
* no water

.. |who| replace:: Bo
.. note:: It was rebuilt.

====  ====
Year  Loss
====  ====
1902  all
====  ====

Causes
~~~~~~
::

    if fire:
        run()

.. [1] The Mercury.
"""


def text_of(source: str) -> str:
    return read("docs/a.rst", source.encode()).text


def test_it_reads_as_rendered():
    assert text_of(SOURCE) == (
        "The mill\n\nVersion:\n\n3\n\nHistory\n\nIt burned in 1902, and Bo saw all. [1]\n• dry grain\n• no water\n\n"
        "Note\n\nIt was rebuilt.\nYear | Loss\n1902 | all\n\nCauses\n\nif fire:\n    run()\n\n[1]\n\nThe Mercury."
    )


def test_headings_title_author_and_date_are_told():
    document = read("docs/a.rst", SOURCE.replace("\n", "\r\n").encode())
    headings = [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings]
    assert headings == [(1, "The mill"), (2, "History"), (3, "Causes")]
    assert (document.title, document.author, document.date) == ("The mill", "Ann Brandt", "2024-01-02")
    several = "T\n=\n:Authors: - Ann\n          - Bo\n\nText."
    assert read("docs/a.rst", several.encode()).author == "Ann, Bo"


def test_what_sphinx_adds_says_its_words():
    source = (
        "See :ref:`the mill <mill>`, :class:`~a.Mill` and :doc:`/a`.\n\n.. versionadded:: 3.1\n   It *burned*.\n\n"
        ".. function:: f(*a, b)\n\n   Burns.\n\n.. toctree::\n\n   a\n   b\n"
    )
    assert text_of(source) == "See the mill, a.Mill and /a.\n\n3.1 It burned.\n\nf(*a, b)\n\nBurns."


def test_what_docutils_does_not_know_is_kept_as_it_stands():
    assert text_of(".. unknown:: a\n\n   It burned.\n\nNot so.") == ".. unknown:: a\n\n   It burned.\n\nNot so."
    broken = "= =\na b c\n===\n\nmore"
    assert "a b c" in text_of(broken)


@pytest.mark.parametrize(
    "source",
    [
        ".. include:: {}",
        ".. raw:: html\n   :file: {}",
        ".. raw:: html\n\n   <p>secret</p>",
        ".. csv-table::\n   :file: {}",
        ".. csv-table::\n   :url: file://{}",
        ".. literalinclude:: {}",
        ".. |x| include:: {}",
        ".. figure:: {}\n   :figwidth: image",
        ".. image:: {}\n   :scale: 50",
        ".. role:: r(raw)\n   :format: html\n\n:r:`<p>secret</p>`",
    ],
)
def test_nothing_is_drawn_in_from_other_files(source, tmp_path):
    (tmp_path / "secret.txt").write_text("secret words")
    text = text_of(source.format(tmp_path / "secret.txt") + "\n\nAfter.")
    assert "secret words" not in text
    assert "<p>secret" not in text.replace(":r:`<p>secret", "")
    assert "After." in text


BOMB = "|a|\n\n" + "\n".join(
    f".. |{old}| replace:: {f'|{new}| ' * 9}" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
HOSTILE = {
    "bomb": BOMB + "\n.. |j| replace:: xxxxxxxxxx\n",
    "circle": "|a| text\n\n.. |a| replace:: |b|\n.. |b| replace:: |a|\n",
    "wide": "|a| " * 2_000 + "\n\n.. |a| replace:: " + "b *c* " * 1_500,
    "quotes": "\n\n".join(" " * level + "x" for level in range(1_000)),
    "lists": "\n\n".join("  " * level + "- x" for level in range(500)),
    "line blocks": "".join("|" + " " * (level + 1) + "x\n" for level in range(1_000)),
    "stars": ("*a " * 3_000 + "\n") * 30,
    "backquotes": ("`a " * 900 + "\n\n") * 60,
    "few backquotes": ("`a " * 20 + "\n\n") * 2_000,
    "names": "a_ " * 3_000,
    "bullets": "- x\n" * 100_000,
    "line": "x" * 1_000_000,
    "fields": ":a: b\n" * 3_000,
    "targets": "".join(f".. _t{number}: http://x\n" for number in range(3_000)) + "\ntext",
    "directives": ".. unknown::\n\n   x\n\n" * 2_000,
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_read_in_seconds(source):
    began = time.process_time()
    assert text_of(source)
    assert time.process_time() - began < 5


PIECES = [
    "x",
    "  x",
    "",
    "===",
    "- x",
    "1. x",
    ".. x::",
    ".. |a| replace:: b",
    "|a|",
    "`x`_",
    "*x",
    ":a: b",
    "::",
    "+--+",
    "| x",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20)))
def test_any_lines_become_a_canonical_document_or_a_refusal(lines):
    try:
        document = read("docs/a.rst", "\n".join(lines).encode())
    except Failed:
        raise
    except Refused:
        return
    assert canonical(document.text) == (document.text, 0)
