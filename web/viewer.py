"""The conversation, the source and the documents list: values -> escaped HTML.

Pure. Whatever comes from a document, a name, a question or an answer is text and never markup: each value
passes `_text` on its way in, and a name `_isolated`, so that its letters order nothing but themselves. What comes back
from the browser as it was passes `_exact`. Spans are cut here and not in the browser, which counts in UTF-16 units.
Buttons say what they are for in `data-event`; page.js sends that to page.py.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise
from operator import attrgetter, itemgetter
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import urlencode

from index import tables
from index.catalog import File
from index.document import Document, Page, Span, beginning, printable, printable_name
from index.sync import Progress
from rag.answer import ABSTENTION, DISAGREEMENT, UNSUPPORTED, Answer, Statement
from rag.chat import Conversation, Turn, Verdict
from rag.cite import Citation, anchored
from rag.conversations import MAX_TITLE, Listed
from rag.retrieve import Hit
from web.export import answer_markdown
from web.shelf import Known

# How many characters a preview of a passage has, the quote in a footnote's name, and the one in its card.
_PREVIEW, _SPOKEN, _CARD = 180, 80, 400

# The most characters that are kept on one line with a footnote mark.
_TIED = 12

# How many characters of a document are sent at once, on each side of a passage and whenever its reader comes near
# the end of what is there: a dozen screens, which a browser lays out without a pause.
_REACH = 20_000

# How many of the passages found are offered under an abstention, and of the documents asked alone are named.
_CLOSEST, _NAMED = 3, 3

# Files from which on the list has a box to find one by its name.
_MANY = 9

# Seconds of reading before it is said how long it will take.
_MOMENT = 5.0

LAST = 10
"""How many questions of a conversation are drawn for each that is asked, so that a long one costs no more."""

_UPLOADED = "uploads/"
_MOVED = "This document has changed; the words stand here now."

DOCUMENTS = '<div class="heading"><h2>Documents</h2><button class="plain link fold">Hide</button></div>'
"""The head of the Documents column; page.js hides the column, and shows it again."""

LOOK = '<p class="quiet"><button class="plain link" data-event="look">Look for changes</button></p>'
"""Reads what is new or changed in the folder."""

SIGN_OUT = '<form class="quiet" method="post" action="sign-out"><button class="plain link">Sign out</button></form>'
"""Signs this browser out, on a page with a password."""

_NEW = '<button class="plain link" data-event="clear">New conversation</button>'

# What a reader can say of an answer, and of an abstention.
_OF_ANSWERS: tuple[tuple[Verdict, str], ...] = (
    ("right", "Yes"),
    ("wrong", "No"),
    ("unanswerable", "The documents don't say"),
)
_OF_ABSTENTIONS: tuple[tuple[Verdict, str], ...] = (("right", "Yes"), ("wrong", "No, they do say"))


@dataclass(frozen=True, slots=True)
class _Place:
    """What the Source column points at.

    Attributes:
        name: "Footnote 1", "Passage 2", or "".
        kind: Whether the span is a footnote's quote or a whole passage found.
        span: Its characters in the document.
        others: The quotes of the same answer's other footnotes in this document.
        moved: Whether it stands elsewhere now than when the answer was given.
        heading: The heading it stood under then, or "".
    """

    name: str
    kind: Literal["cited", "passage"]
    span: Span
    others: tuple[Span, ...]
    moved: bool = False
    heading: str = ""


def tabs(suffixes: Sequence[str], megabytes: int) -> str:
    """The columns' names, shown where only one of them fits; and what may be uploaded, for page.js."""
    names = (("chat", "Chat"), ("source", "Source"), ("documents", "Documents"))
    buttons = "".join(
        f'<button data-tab="{tab}" aria-pressed="{str(tab == "chat").lower()}">{name}</button>' for tab, name in names
    )
    accept = _text(",".join(suffixes))
    return f'<nav aria-label="Columns" data-accept="{accept}" data-megabytes="{megabytes}">{buttons}</nav>'


def promise(files: Sequence[File], model: str, leaving: str) -> str:
    """The line at the top of the page: what answers come from, which model writes them, what leaves the computer."""
    ready = sum(file.state == "indexed" for file in files)
    scope = {
        0: "There are no documents to answer from yet.",
        1: "Answers come only from this 1 document.",
    }.get(ready, f"Answers come only from these {ready:,} documents.")
    written = f" {model} writes them." if model and ready else ""
    unfold = '<button class="plain link unfold">Show documents</button>'
    return f"{unfold}<h1>Footnote</h1> <p>{scope}{_text(written)} {_text(leaving)}</p>"


def documents(files: Sequence[File], ticked: Collection[str]) -> str:
    """The list of files, each ready or not read for a reason; the ticked ones are asked alone."""
    if not files:
        return '<p class="quiet">Nothing here yet. Add a document to begin.</p>'
    find = '<input type="search" class="find" placeholder="Find a document" aria-label="Find a document">'
    folders = {file.id.partition("/")[0] for file in files if not file.id.startswith(_UPLOADED)}
    rows = "".join(
        _file(file, file.id if len(folders) > 1 else file.id.partition("/")[2] or file.id, file.id in ticked)
        for file in files
    )
    return f'{find if len(files) >= _MANY else ""}<ul class="files">{rows}</ul>'


def scope(ticked: Sequence[str]) -> str:
    """The line that says which documents alone are asked; nothing where all are."""
    if not ticked:
        return ""
    every = '<button class="plain link untick">Ask all documents</button>'
    return f'<p class="scope" role="status"><span>Asking only {_named(ticked)}</span>{every}</p>'


def conversations(listed: Sequence[Listed], current: str) -> str:
    """The reader's conversations, to reopen, rename and delete; nothing while there are none."""
    if not listed:
        return ""
    rows = "".join(_listed(each, current) for each in listed)
    return f'<details class="past"><summary>Conversations</summary><div>{_NEW}<ul>{rows}</ul></div></details>'


def conversation(shown: Conversation, examples: Sequence[str], last: int = LAST) -> str:
    """The last questions and answers so far, and a way to the others; example questions while there are none."""
    if not shown.turns:
        return _welcome(examples)
    links = "".join(
        f'<a class="link" href="conversations/{_text(shown.id)}.{suffix}" download>Save as {name}</a>'
        for suffix, name in (("md", "Markdown"), ("json", "JSON"))
        if shown.id
    )
    return f'{_log(shown.turns, "", last)}<p class="quiet links">{_NEW}{links}</p>'


def waiting(shown: Conversation, question: str, before: int | None = None) -> str:
    """The conversation while a question is being answered or, where so many come first, waits for that."""
    doing = "Looking through the documents" if before is None else f"Waiting: {_count(before, 'question')} first"
    body = f"{_question(question)}{_wait(doing, question)}"
    return _log(shown.turns, f"<section>{body}</section>")


def writing(shown: Conversation) -> str:
    """The conversation while a language model writes the last of its answers, of which some may be there."""
    *before, last = shown.turns
    answer = last.answer
    if answer.statements:
        body = _answer(len(shown.turns), answer) + _wait(f"{answer.model} is writing", answer.question)
    else:
        reads = f"{answer.model} is reading {_count(answer.read, 'passage')}"
        body = _wait(reads, answer.question)
    section = f"<section>{_question(answer.question)}{_searched(answer)}{body}</section>"
    return _log(before, section)


def notice(message: str) -> str:
    """One sentence on what went wrong and what to do; nothing for ""."""
    return f'<p class="notice" role="alert">{_text(message)}</p>' if message else ""


def progress(state: Progress, seconds: float, is_stopping: bool, *, stop: str) -> str:
    """What is being read, after how many seconds, and how much of it; a bar, the pace, and a button to stop."""
    several = state.total > 1
    count = f"{min(state.done + 1, state.total):,} of {state.total:,}: " if several else ""
    bar = _bar_of("Documents read", state.done, state.total) if several else ""
    parts = ""
    if state.passages_total:
        parts = f", {state.passages_done:,} of {state.passages_total:,} passages"
        bar = bar or _bar_of("Passages read", state.passages_done, state.passages_total)
    button = "Stopping" if is_stopping else f'<button class="plain link" data-event="{stop}">Stop</button>'
    line = f"<p>Reading {count}{_isolated(printable_name(state.name))}{parts}</p>{bar}{_pace(state, seconds)}"
    return f'<div role="status" class="quiet reading">{line}{button}</div>'


def _bar_of(label: str, done: int, total: int) -> str:
    return f'<progress value="{done}" max="{total}" aria-label="{label}"></progress>'


def outcome(lines: Iterable[str]) -> str:
    """What became of what was to be read or removed, a line each."""
    paragraphs = "".join(f"<p>{_isolated(printable_name(line))}</p>" for line in lines)
    return f'<div role="status" class="quiet">{paragraphs}</div>'


def writers(setting: str, tried: str = "", trouble: str = "") -> str:
    """Who writes the answers; under it, a place to name a language model, or to do without.

    Args:
        setting: The model as it is named, or "".
        tried: What was named and cannot be used, for `trouble`.
        trouble: Why, or "".
    """
    written = f"Answers written by {_isolated(setting.rpartition('@')[0])}"
    summary = written if setting else "Answers quoted from the documents"
    quote = '<button class="plain link" data-event="write" data-setting="">Quote the documents instead</button>'
    return (
        f'<details class="writers"{" open" if trouble else ""}><summary>{summary}</summary><form data-event="write">'
        f'<input name="setting" required aria-label="Language model" value="{_text(tried or setting)}" '
        'placeholder="MODEL@http://localhost:11434/v1" autocomplete="off" spellcheck="false">'
        f'<button class="plain link">Use</button></form>{notice(trouble)}{quote if setting else ""}'
        '<p class="quiet">Until Footnote ends; FOOTNOTE_LLM in the environment keeps it.</p></details>'
    )


def libraries(current: Path, known: Sequence[Known]) -> str:
    """The name of this library; under it, the others to turn to, and a place to name another folder."""
    rows = "".join(_library(each) for each in known if each.folder != current)
    listed = f'<ul aria-label="Libraries">{rows}</ul>' if rows else ""
    name = _isolated(printable_name(current.name))
    return (
        f'<details class="libraries"><summary title="{_text(printable_name(current))}">{name}</summary>'
        f'{listed}<form data-event="turn"><input name="folder" required aria-label="Another folder" '
        'placeholder="~/another folder" autocomplete="off" spellcheck="false">'
        '<button class="plain link">Open</button></form></details>'
    )


def way(name: str, url: str) -> str:
    """The way to another library, which page.js goes."""
    link = f'<a class="link" data-goto href="{_exact(url)}">Go to {_isolated(printable_name(name))}</a>'
    return f'<p class="quiet" role="status">{link}</p>'


def _library(each: Known) -> str:
    name, path = _isolated(printable_name(each.folder.name)), _text(printable_name(each.folder))
    if each.url:
        return f'<li><a class="link" href="{_exact(each.url)}" title="{path}">{name}</a></li>'
    folder = _exact(str(each.folder))
    button = f'<button class="plain link" data-event="turn" data-folder="{folder}" title="{path}">{name}</button>'
    return f"<li>{button}</li>"


def no_source(message: str = "") -> str:
    """The Source column while nothing is shown in it, or why something cannot be."""
    if message:
        return notice(message)
    return '<p class="quiet empty">Choose a footnote to read the passage it rests on.</p>'


def source_of_citation(document: Document, span: Span, *, turn: int, answer: Answer, citation: Citation) -> str:
    """The document with a footnote's quote marked where it stands now, and the answer's other quotes paler."""
    place = _Place(
        name=f"Footnote {citation.number}",
        kind="cited",
        span=span,
        others=_quotes(answer, document, citation),
        moved=span.start != citation.start,
        heading=next((hit.passage.heading for hit in answer.hits if hit.passage.id == citation.passage_id), ""),
    )
    steps = _steps("cite", turn, citation.number, len(answer.citations))
    return _source(document, place, steps)


def source_of_hit(document: Document, span: Span, *, turn: int, answer: Answer, number: int) -> str:
    """The document with a passage found marked where it stands now (the hit's number from 1), and the quotes paler."""
    hit = answer.hits[number - 1]
    place = _Place(
        name=f"Passage {number}",
        kind="passage",
        span=span,
        others=_quotes(answer, document, None),
        moved=span.start != hit.passage.start,
        heading=hit.passage.heading,
    )
    return _source(document, place, _steps("hit", turn, number, len(answer.hits)))


def source_of_document(document: Document) -> str:
    """The document from its beginning, with nothing marked."""
    return _source(document, _Place("", "passage", Span(0, 0), ()), "")


def part(document: Document, border: int, side: Literal["before", "after"], tinted: Sequence[Span]) -> str:
    """The part of a document that goes before or after a border, with some spans in the paler tint."""
    place = _Place("", "passage", Span(0, 0), tuple(tinted))
    if side == "before":
        shown = Span(max(0, border - _REACH), border)
        return _more(document, place, side, shown.start) + _marked(document, place, shown)
    shown = Span(border, min(len(document.text), border + _REACH))
    return _marked(document, place, shown) + _more(document, place, side, shown.end)


def _text(value: str) -> str:
    """A value as text inside HTML, in an element or in a quoted attribute; nothing in it hides or reorders the rest."""
    return escape(printable(value), quote=True)


def _isolated(value: str) -> str:
    """A value in letters that may run the other way than those around it, such as a name, as an element."""
    return f"<bdi>{_text(value)}</bdi>"


def _exact(value: str) -> str:
    """A value that the browser gives back and does not show, in a quoted attribute."""
    return escape(value, quote=True)


def _name(document_id: str) -> str:
    return printable_name(document_id.rsplit("/", 1)[-1])


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _named(ids: Sequence[str]) -> str:
    """Some documents by name: the first ones, and how many more."""
    names = [_isolated(_name(each)) for each in ids[:_NAMED]]
    if len(ids) > _NAMED:
        names.append(f"{len(ids) - _NAMED:,} more")
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _file(file: File, called: str, is_ticked: bool) -> str:
    name = _isolated(printable_name(called))
    if file.state != "indexed":
        state = f"{file.state}: {_text(file.reason)}"
        return f'<li><span class="name">{name}</span><span class="state unread">{state}</span></li>'
    is_name = _name(file.id).startswith(file.title)  # which says nothing more
    title = "" if is_name else f"<span>{_isolated(file.title)}</span>"
    missed = f'<span class="missed">{_text(file.reason)}</span>' if file.reason else ""
    tick = (
        f'<input type="checkbox" data-document="{_exact(file.id)}"{" checked" if is_ticked else ""} '
        f'aria-label="Ask only {_text(_name(file.id))}" title="Ask only the ticked documents">'
    )
    return (
        f'<li class="indexed">{tick}'
        f'<button class="plain name" data-event="open" data-document="{_exact(file.id)}">{name}</button>'
        f'<span class="state"><span>ready</span><span>{_kind_and_size(file)}</span>{title}{missed}</span>'
        f"{_removal(file)}</li>"
    )


def _kind_and_size(file: File) -> str:
    """What kind of file it is and how long, as people say it."""
    kind = PurePosixPath(file.id).suffix[1:].upper()
    return f"{_text(kind)}, {_size(file.size)}" if kind else _size(file.size)


def _size(count: float) -> str:
    """Bytes as people say them."""
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{max(1, round(count / 1024)):,} KB"


def _pace(state: Progress, seconds: float) -> str:
    """How fast it goes and how long it will take; nothing while that cannot be told, or is no matter."""
    if seconds < _MOMENT or not state.bytes_done:
        return ""
    left = seconds * (state.bytes_total - state.bytes_done) / state.bytes_done
    time = (
        f"about {_count(round(left / 60), 'minute')}" if left >= 90 else "about a minute" if left >= 45 else "a moment"
    )
    return f"<p>{_size(state.bytes_done / seconds)} a second, {time} left</p>"


def _removal(file: File) -> str:
    """The fold that removes what was added here; what lies in the folder is the folder's."""
    if not file.id.startswith(_UPLOADED):
        return ""
    sure = (
        f'<button class="plain link" data-event="remove" data-document="{_exact(file.id)}">Remove it for good</button>'
    )
    return f'<details class="removal"><summary>Remove</summary>{sure}</details>'


def _listed(each: Listed, current: str) -> str:
    id, title = _text(each.id), _text(each.title)
    is_current = ' aria-current="true"' if each.id == current else ""
    return (
        f'<li><button class="plain" dir="auto" data-event="reopen" data-conversation="{id}"{is_current}>'
        f"{title}</button>"
        f'<time class="quiet">{_text(each.asked[:10])}</time>'
        f'<details><summary aria-label="Edit: rename or delete {title}">Edit</summary>'
        f'<form data-event="rename" data-conversation="{id}"><input name="title" value="{title}" required '
        f'maxlength="{MAX_TITLE}" aria-label="Title"><button class="plain link">Rename</button></form>'
        f'<button class="plain link" data-event="delete" data-conversation="{id}">Delete for good</button>'
        "</details></li>"
    )


def _welcome(examples: Sequence[str]) -> str:
    if not examples:
        hint = "Ask a full question: who, when, where, why or how many."
        return f'<div class="welcome"><h2>Ask your documents</h2><p>{hint}</p></div>'
    buttons = "".join(
        f'<li><button class="example" dir="auto" data-event="example" data-question="{_exact(example)}">'
        f"{_text(example)}</button></li>"
        for example in examples
    )
    return f'<div class="welcome"><h2>Ask your documents</h2><p>For example:</p><ul>{buttons}</ul></div>'


def _log(turns: Sequence[Turn], coming: str, last: int = LAST) -> str:
    """The last of some turns, a way to those before, and what comes after them."""
    before = max(0, len(turns) - last)
    earlier = ""
    if before:
        words = f"Show {'the' if before == 1 else f'all {before:,}'} earlier question{'s' if before > 1 else ''}"
        earlier = f'<p class="quiet earlier"><button class="plain link" data-event="earlier">{words}</button></p>'
    drawn = "".join(_turn(number, turn) for number, turn in enumerate(turns[before:], start=before + 1))
    count = len(turns) + bool(coming)
    return f'<div role="log" class="turns" data-turns="{count}">{earlier}{drawn}{coming}</div>'


def _turn(number: int, turn: Turn) -> str:
    answer = turn.answer
    if answer.mode == "help":
        body = f'<p class="help" dir="auto">{_text(answer.text)}</p>'
    elif answer.status == "abstained":
        body = _abstention(number, answer) + _beside(answer) + _foot(number, turn)
    else:
        body = _answer(number, answer) + _beside(answer) + _foot(number, turn)
    return f"<section>{_question(answer.question)}{_searched(answer)}{body}</section>"


def _question(question: str) -> str:
    return f'<h2 class="question" dir="auto">{_text(question)}</h2>'


def _searched(answer: Answer) -> str:
    """What was looked for, where that is not what was asked."""
    if answer.is_as_asked:
        return ""
    return f'<p class="quiet searched">Searched for: {_isolated(answer.query)}</p>'


def _wait(doing: str, question: str) -> str:
    """What is being done, and a button to stop it."""
    stop = f'<button class="plain link" data-event="stop" data-question="{_exact(question)}">Stop</button>'
    return f'<div class="waiting"><p role="status">{_text(doing)}</p>{stop}</div>'


def _beside(answer: Answer) -> str:
    """What is said under an answer: trouble with a model, and what it wrote that was left out."""
    trouble = f'<p class="quiet" role="status">{_text(answer.notice)}</p>' if answer.notice else ""
    if not answer.unsupported:
        return trouble
    rows = "".join(f'<li dir="auto">{_text(each)}</li>' for each in answer.unsupported)
    return (
        f'{trouble}<details class="unsupported"><summary>{answer.supported}</summary>'
        f'<p class="quiet">{UNSUPPORTED}:</p><ul>{rows}</ul></details>'
    )


def _answer(turn: int, answer: Answer) -> str:
    """The answer's text, each statement followed by its footnote marks; before it, what the documents disagree on."""
    parts, end = [], 0
    for statement in answer.statements:
        parts += [_text(answer.text[end : statement.span.start]), _statement(turn, answer, statement)]
        end = statement.span.end
    parts.append(_text(answer.text[end:]))
    return f'{_disagreement(turn, answer)}<p class="answer" dir="auto">{"".join(parts)}</p>'


def _disagreement(turn: int, answer: Answer) -> str:
    """Each of the values that the documents disagree on, with its footnote, document and date."""
    if not answer.rivals:
        return ""
    rows = "".join(
        f"<li><strong>{_isolated(answer.text[value.start : value.end])}</strong>{_mark(turn, citation)} "
        f'<span class="quiet">{_isolated(_name(citation.document_id))}{_dated(citation.date)}</span></li>'
        for statement, value in answer.rivals
        for citation in answer.citations
        if citation.number in statement.citations
    )
    return f'<div class="disagreement"><h3>{DISAGREEMENT}</h3><ul>{rows}</ul></div>'


def _dated(date: str) -> str:
    return f', <span class="tied">{_text(date)}</span>' if date else ""


def _statement(turn: int, answer: Answer, statement: Statement) -> str:
    """A statement and its marks; its last word is tied to the first, so that no line begins with it.

    Statements stand apart, so that one whose letters run from right to left does not move the marks of another.
    """
    start, end = statement.span.start, statement.span.end
    last_word = answer.text[start:end].split()[-1][-_TIED:]
    tail = end - len(last_word)
    first, *more = (_mark(turn, citation) for citation in answer.citations if citation.number in statement.citations)
    short = statement.short if statement in dict(answer.rivals) else answer.short
    tied = f'<span class="tied">{_emphasised(answer.text, tail, end, short)}{first}</span>'
    return f'<span class="statement">{_emphasised(answer.text, start, tail, short)}{tied}{"".join(more)}</span>'


def _emphasised(text: str, start: int, end: int, short: Span | None) -> str:
    """A stretch of an answer's text, with what lies in it of a short answer emphasised."""
    if short is None or short.end <= start or short.start >= end:
        return _text(text[start:end])
    first, last = max(start, short.start), min(end, short.end)
    return f"{_text(text[start:first])}<strong>{_text(text[first:last])}</strong>{_text(text[last:end])}"


def _mark(turn: int, citation: Citation) -> str:
    """A footnote mark: a button that a screen reader names by its document and quote, and page.js gives a card."""
    quote = beginning(citation.quote, _SPOKEN)
    label = f'footnote {citation.number}: {_name(citation.document_id)}, "{quote}"'
    where = ", ".join(filter(None, (_name(citation.document_id), citation.where)))
    named = beginning(citation.named, _CARD) if citation.heads else ""
    return (
        f'<sup><button class="mark" data-event="cite" data-turn="{turn}" data-number="{citation.number}" '
        f'aria-label="{_text(label)}" data-where="{_text(where)}" '
        f'data-quote="{_text(beginning(citation.quote, _CARD))}" data-named="{_text(named)}">'
        f"{citation.number}</button></sup>"
    )


def _abstention(turn: int, answer: Answer) -> str:
    closest = "".join(
        f"<li>{_passage_button(turn, number, hit)}</li>" for number, hit in enumerate(answer.hits[:_CLOSEST], start=1)
    )
    shown = f'<p class="quiet">The closest passages:</p><ul class="closest">{closest}</ul>' if closest else ""
    return (
        f'<div class="abstention"><h3>{_text(ABSTENTION)}</h3>'
        f'<p dir="auto">{_text(answer.reason)}</p>{shown}'
        '<p class="quiet">You can ask in other words, tick other documents, or add a document that says.</p></div>'
    )


def _passage_button(turn: int, number: int, hit: Hit) -> str:
    where = f", {_isolated(hit.passage.where)}" if hit.passage.where else ""
    preview = beginning(hit.passage.text, _PREVIEW)
    return (
        f'<button class="plain passage" data-event="hit" data-turn="{turn}" data-number="{number}">'
        f"<cite>{_isolated(_name(hit.passage.document_id))}{where}</cite>"
        f'<span dir="auto">{_text(preview)}</span></button>'
    )


def _foot(number: int, turn: Turn) -> str:
    """The quiet line under an answer, and the fold that says how it was found."""
    answer = turn.answer
    passages = {citation.passage_id for citation in answer.citations}
    sources = {citation.document_id for citation in answer.citations}
    used = f"{_count(len(passages), 'passage')}, {_count(len(sources), 'document')} · " if passages else ""
    used += f"{answer.model} read {answer.read} of {len(answer.hits)} · " if answer.model else ""
    asked = f" · asked only of {_named(turn.documents)}" if turn.documents else ""
    copy = f'<button class="plain link" data-copy="{_exact(answer_markdown(answer))}">Copy</button>'
    line = f'<p class="quiet"><span>{_text(used)}{turn.milliseconds:,} ms{asked}</span> · {copy}</p>'
    return f"<footer>{line}{_found(number, answer) if answer.hits else ''}{_judging(number, turn)}</footer>"


def _judging(number: int, turn: Turn) -> str:
    """Buttons to say whether an answer is right, the chosen one pressed, and what one can do next."""
    chosen = turn.judgement
    verdicts = _OF_ANSWERS if turn.answer.status == "answered" else _OF_ABSTENTIONS
    buttons = "".join(
        f'<button class="plain link" data-event="judge" data-turn="{number}" data-verdict="{verdict}" '
        f'aria-pressed="{str(chosen is not None and chosen.verdict == verdict).lower()}">{words}</button>'
        for verdict, words in verdicts
    )
    words = ""
    if chosen and chosen.quote:
        words = f"Noted: “{_isolated(beginning(chosen.quote, _SPOKEN))}” answers it."
    elif chosen and chosen.verdict == "wrong":
        words = "You can also select the words that do answer, in the Source column."
    elif chosen:
        words = "Noted."
    awaits = f' data-awaits="{number}"' if chosen and chosen.verdict == "wrong" else ""
    note = f'<p class="quiet" role="status"{awaits}>{words}</p>' if words else ""
    return f'<div class="quiet judging" role="group" aria-label="Is this right?">Is this right?{buttons}</div>{note}'


def _found(turn: int, answer: Answer) -> str:
    rows = "".join(_row(turn, answer, number) for number in range(1, len(answer.hits) + 1))
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Rank", "Passage", "Dense", "BM25", "Reader", "Cited"))
    return (
        f'<details data-found="{turn}"><summary>How was this found?</summary>'
        f'<div class="table"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        '<p class="quiet">Dense and BM25 are ranks by meaning and by words. '
        "Reader says how likely it is the passage to look at, from 0 to 1. The longer a bar, the better.</p></details>"
    )


def _row(turn: int, answer: Answer, number: int) -> str:
    hit = answer.hits[number - 1]
    cited = ", ".join(str(each.number) for each in answer.citations if each.passage_id == hit.passage.id)
    ranks = [_bar(str(rank), 1 / rank) if rank else "–" for rank in (hit.dense_rank, hit.bm25_rank)]
    reader = "–" if hit.reader is None else _bar(f"{hit.reader:.2f}", hit.reader)
    cells = "".join(f"<td>{part}</td>" for part in (*ranks, reader, cited or "–"))
    return f"<tr><td>{number}</td><td>{_passage_button(turn, number, hit)}</td>{cells}</tr>"


def _bar(figure: str, share: float) -> str:
    """A figure over a bar of this share of the full length."""
    return f'<span class="bar" style="--share: {share:.0%}">{figure}</span>'


def _quotes(answer: Answer, document: Document, chosen: Citation | None) -> tuple[Span, ...]:
    """Where the answer's quotes from a document stand in it now, without the chosen one."""
    quoted = (each for each in answer.citations if each.document_id == document.id and each != chosen)
    return tuple(span for each in quoted if (span := anchored(each.start, each.quote, document.text)))


def _steps(event: Literal["cite", "hit"], turn: int, number: int, last: int) -> str:
    """Buttons to the footnote (or passage) before and after this one."""
    noun = "footnote" if event == "cite" else "passage"
    buttons = "".join(
        f'<button class="step" data-event="{event}" data-turn="{turn}" data-number="{to}" '
        f'aria-label="{word} {noun}"{"" if 1 <= to <= last else " disabled"}>{sign}</button>'
        for word, to, sign in (("previous", number - 1, "‹"), ("next", number + 1, "›"))
    )
    return f'<span class="steps">{buttons}</span>' if last > 1 else ""


def _source(document: Document, place: _Place, steps: str) -> str:
    """The document as it reads, under a header that says where in it the reader is."""
    where = [place.name] if place.name else []
    page = document.page_at(place.span.start)
    cells = tables.Places(document).where(place.span.start, place.span.end)
    where += [cells] if cells and place.name else []
    where += [place.heading] if place.heading else []
    moved = f'<p class="quiet" role="status">{_MOVED}</p>' if place.moved else ""
    picture = _picture(document, place.span, page) if page and place.name else ""
    view = (
        '<button class="plain link view"><span>Show the page</span><span>Show the text</span></button>'
        if picture
        else ""
    )
    shown = Span(max(0, place.span.start - _REACH), min(len(document.text), place.span.end + _REACH))
    return (
        f'<header><h2 dir="auto">{_text(document.title)}</h2>'
        f'<p class="quiet">{_isolated(printable_name(document.id))}</p>'
        f'<p class="where"><span>{" · ".join(map(_isolated, where))}</span>{view}{steps}</p>{moved}</header>{picture}'
        f'<article class="source-text" tabindex="0" aria-label="Document" data-document="{_exact(document.id)}">'
        f"{_more(document, place, 'before', shown.start)}{_marked(document, place, shown)}"
        f"{_more(document, place, 'after', shown.end)}</article>"
    )


def _picture(document: Document, span: Span, page: Page) -> str:
    """The printed page that a PDF's span stands on, fetched when it is looked at; nothing for other documents."""
    if document.media_type != "application/pdf":
        return ""
    marked = {"start": span.start, "end": span.end}
    asked = urlencode({"document": document.id, "version": document.version, **marked})
    caption = f"Page {page.number} of {document.title} as it is printed"
    return f'<img class="picture" loading="lazy" src="pages/{page.number}.png?{_text(asked)}" alt="{_text(caption)}">'


def _more(document: Document, place: _Place, side: Literal["before", "after"], border: int) -> str:
    """Where a document goes on, a mark that page.js puts the next part in place of when its reader comes near."""
    if border in (0, len(document.text)):
        return ""
    tinted = " ".join(f"{span.start}-{span.end}" for span in place.others)
    asked = urlencode({"document": document.id, "version": document.version, side: border, "tinted": tinted})
    return f'<span class="more {side}" aria-hidden="true" data-part="parts?{_text(asked)}"></span>'


def _marked(document: Document, place: _Place, shown: Span) -> str:
    """The shown part of a document: the chosen span in one mark, the others' remains in paler ones."""
    kinds = ((_kind(piece, place, is_tinted), piece) for piece, is_tinted in _pieces(place, shown))
    runs = [(kind, [piece for _, piece in run]) for kind, run in groupby(kinds, key=itemgetter(0))]
    return "".join(_run(document, kind, Span(pieces[0].start, pieces[-1].end)) for kind, pieces in runs)


def _pieces(place: _Place, shown: Span) -> Iterator[tuple[Span, bool]]:
    """The shown part cut wherever something begins or ends in it; and whether each piece lies in one of the others."""
    changes = Counter({border: 0 for span in (shown, place.span) for border in (span.start, span.end)})
    for span in (other for other in place.others if other.start < other.end):
        changes[span.start] += 1
        changes[span.end] -= 1
    open_spans = 0
    for start, end in pairwise(sorted(changes)):
        open_spans += changes[start]
        if shown.start <= start and end <= shown.end:
            yield Span(start, end), open_spans > 0


def _kind(piece: Span, place: _Place, is_tinted: bool) -> str:
    if _inside(piece, place.span):
        return place.kind
    return "other" if is_tinted else ""


def _inside(piece: Span, span: Span) -> bool:
    return span.start <= piece.start and piece.end <= span.end


def _run(document: Document, kind: str, span: Span) -> str:
    text = _paged(document.text, span, document.pages)
    if not kind:
        return text
    return f'<mark class="other">{text}</mark>' if kind == "other" else f'<mark id="shown" class="{kind}">{text}</mark>'


def _paged(text: str, span: Span, pages: Sequence[Page]) -> str:
    """The characters of a span, with an empty element where a page starts: CSS draws its number."""
    first, end = (bisect_left(pages, border, key=attrgetter("start")) for border in (span.start, span.end))
    starts = pages[first:end]
    borders = [span.start, *(page.start for page in starts), span.end]
    rules = ["", *(f'<span class="page" data-page="{_text(page.name)}"></span>' for page in starts)]
    return "".join(rule + _text(text[start:end]) for rule, (start, end) in zip(rules, pairwise(borders), strict=True))
