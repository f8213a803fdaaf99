"""An answer or a conversation -> Markdown with footnotes, or JSON: what a reader takes away. Pure."""

import json
import re
from dataclasses import asdict

from index.document import Span, printable, printable_name
from rag.answer import ABSTENTION, DISAGREEMENT, Answer
from rag.chat import Conversation
from rag.cite import Citation, place

# What Markdown would take for something else than text; and at the start of a line, for a heading, list or quote.
_MARKUP = re.compile(r"[\\`*_\[\]<>|~$]|^(?:[#+=-]|\d+(?=[.)]))|&(?=\w+;|#)")


def answer_markdown(answer: Answer, prefix: str = "") -> str:
    """An answer as Markdown, its footnotes below; `prefix` keeps the footnotes of several answers apart."""
    if answer.status == "abstained":
        return "\n\n".join([f"{ABSTENTION} {_plain(answer.reason)}", *map(_plain, answer.beside)])
    if not answer.statements:
        return _plain(answer.text)
    marks = {each: "".join(f"[^{prefix}{number}]" for number in each.citations) for each in answer.statements}
    lines = [" ".join(_plain(_cut(answer, each.span)) + mark for each, mark in marks.items()), ""]
    if answer.rivals:
        values = "; ".join(_plain(_cut(answer, value)) + marks[each] for each, value in answer.rivals)
        lines = [f"{DISAGREEMENT}: {values}.", "", *lines]
    whole = "\n".join([*lines, *(_footnote(each, prefix) for each in answer.citations)])
    return "\n\n".join([whole, *map(_plain, answer.beside)])


def _cut(answer: Answer, span: Span) -> str:
    return answer.text[span.start : span.end]


def markdown(conversation: Conversation) -> str:
    """A conversation as Markdown: a heading for each question, footnotes numbered by turn."""
    parts = [f"# {_plain(conversation.title)}"]
    for number, turn in enumerate(conversation.turns, start=1):
        parts.append(f"## {_plain(turn.answer.question)}")
        if not turn.answer.is_as_asked:
            parts.append(f"Searched for: {_plain(turn.answer.query)}")
        if turn.documents:
            parts.append(f"Asked of {', '.join(map(_plain, turn.documents))}.")
        parts.append(answer_markdown(turn.answer, f"{number}-"))
    return "\n\n".join(parts) + "\n"


def as_json(conversation: Conversation) -> str:
    """A conversation as JSON: title and turns, every answer as `ask --json` prints it."""
    return written({"title": conversation.title, "turns": [asdict(turn) for turn in conversation.turns]}) + "\n"


def written(value: object) -> str:
    """A value as JSON, exact whatever it holds; where that would command a terminal or hide something, in ASCII."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if printable(text) == text else json.dumps(value, indent=2)


def _footnote(citation: Citation, prefix: str) -> str:
    named = f" ({_plain(citation.named)})" if citation.heads else ""
    return f"[^{prefix}{citation.number}]: {_plain(place(citation))}: “{_plain(citation.quote)}”{named}"


def _plain(text: str) -> str:
    """Text on one line that Markdown shows as it is."""
    return _MARKUP.sub(
        lambda found: f"\\{found[0]}" if not found[0].isdigit() else f"{found[0]}\\",
        printable_name(" ".join(text.split())),
    )
