"""reStructuredText: bytes -> readable text without the markup, by docutils."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from docutils import nodes
from docutils.core import publish_doctree, publish_from_doctree
from docutils.parsers.rst import Directive, directives, roles
from docutils.readers import standalone
from docutils.transforms import Transform
from docutils.transforms.references import Substitutions
from docutils.transforms.universal import FilterMessages

from index.document import canonical
from index.formats import html
from index.formats.content import Content
from index.formats.text import decode

_MAX_LINES = 5_000
_MAX_LINE = 10_000  # characters: docutils reads no longer one
_MAX_SEARCH = 50_000_000  # characters that it would look at for the ends of inline markup
_MAX_SUBSTITUTED = 200_000  # characters put in for substitutions
_NODE = 50  # characters that a node of docutils weighs as much as
_MAX_MESSAGES = 500  # of what is wrong: each takes docutils some milliseconds
_MARKUP = re.compile(r"[*`|_]")
_SETTINGS: dict[str, object] = {
    "_disable_config": True,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "halt_level": 5,  # above the highest: never
    "report_level": 5,
    "warning_stream": False,
    "line_length_limit": _MAX_LINE,
    "math_output": "LaTeX",
    "embed_stylesheet": False,
    "stylesheet_path": "",
    "output_encoding": "unicode",
}
# What Sphinx adds and many files use: a role that says its words, and a directive that says its title and its text.
_ROLES = (
    "any attr class command const data dfn doc download envvar exc file func guilabel kbd keyword menuselection meth "
    "mod numref obj option program pep ref regexp rfc samp term token py:attr py:class py:const py:data py:exc py:func "
    "py:meth py:mod py:obj c:func c:type c:macro"
)
_DIRECTIVES = (
    "attribute centered data deprecated describe envvar exception function glossary method module option "
    "py:attribute py:class py:data py:exception py:function py:method py:module seealso tab versionadded "
    "versionchanged versionremoved"
)
_MENU = re.compile(r"\.\. *(?:toctree|index|include|literalinclude|raw|highlight|currentmodule|auto\w+|csv-table) *::")
_TARGET = re.compile(r"(?<!\s)\s*+<[^<>]*+>$")


def read(data: bytes) -> Content:
    """The text as it reads when rendered; title, author and date from the fields at its beginning.

    Nothing is included from other files. What docutils would read for minutes, or cannot, is read as plain text.

    Raises:
        Refused: The bytes are not text.
    """
    source = decode(data)
    if _is_within_bounds(source):
        try:
            return _rendered(source)
        except (RecursionError, _TooMuchError):  # nested deeper, or more broken, than what people write
            pass
    text, dropped = canonical(source)
    return Content(text, dropped=dropped)


def _is_within_bounds(source: str) -> bool:
    """Whether docutils is done in seconds: it takes some for each thousand lines, and searches paragraphs for ends."""
    lines = source.splitlines()
    blocks = re.split(r"\n[^\S\n]*\n", source)
    searched = sum(len(block) * len(_MARKUP.findall(block)) for block in blocks)
    return len(lines) <= _MAX_LINES and max(map(len, lines), default=0) <= _MAX_LINE and searched <= _MAX_SEARCH


def _rendered(source: str) -> Content:
    document = publish_doctree(source, reader=_Reader(), settings_overrides=dict(_SETTINGS))
    told = _docinfo(document)
    for image in list(document.findall(nodes.image)):
        image.parent.remove(image)
    page = publish_from_doctree(document, writer="html5", settings_overrides=dict(_SETTINGS))
    title = str(document.get("title", ""))
    return replace(html.read_text(str(page)), title=title, author=told.get("author", ""), date=told.get("date", ""))


def _docinfo(document: nodes.document) -> dict[str, str]:
    """What the fields at a document's beginning tell of author and date, which are taken out of it."""
    told: dict[str, str] = {}
    for docinfo in list(document.findall(nodes.docinfo)):
        for kind, name in ((nodes.authors, "author"), (nodes.author, "author"), (nodes.date, "date")):
            for field in list(docinfo.findall(kind)):
                if field.parent is docinfo:
                    told[name] = ", ".join(" ".join(each.astext().split()) for each in _each(field))
                    docinfo.remove(field)
        if not docinfo.children:
            docinfo.parent.remove(docinfo)
    return told


def _each(field: nodes.Element) -> Sequence[nodes.Node]:
    return field.children if isinstance(field, nodes.authors) else [field]


class _TooMuchError(Exception):
    """A text has more mistakes than docutils tells of in seconds."""


class _Reader(standalone.Reader):  # type: ignore[type-arg]  # the class takes none where it runs
    """Reads as docutils does, but for what would take it minutes."""

    def new_document(self) -> nodes.document:
        """An empty document, which gives up over too many mistakes."""
        document = super().new_document()
        told = count(1)

        def give_up(_: nodes.system_message) -> None:
            if next(told) > _MAX_MESSAGES:
                raise _TooMuchError

        document.reporter.attach_observer(give_up)
        return document

    def get_transforms(self) -> list[type[Transform]]:
        """Those of docutils, and ours."""
        return [*super().get_transforms(), _Bounds, _Kept]


class _Kept(Transform):
    """Keeps the source of what docutils does not know or cannot read, in place of the message that says so."""

    default_priority = FilterMessages.default_priority - 1

    def apply(self, **_: object) -> None:
        """Look at each message once; lists of other files and of names say nothing to a reader."""
        for message in list(self.document.findall(nodes.system_message)):
            for source in message.findall(nodes.literal_block):
                if not _MENU.match(source.astext()):
                    message.parent.replace(message, source)
                    break


class _Bounds(Transform):
    """Puts in names for what a substitution would put in within another, which grows with each, and beyond bounds."""

    default_priority = Substitutions.default_priority - 1

    def apply(self, **_: object) -> None:
        """Look at each substitution once."""
        sizes: dict[str, int] = {}
        for name, definition in self.document.substitution_defs.items():
            for inner in list(definition.findall(nodes.substitution_reference)):
                inner.parent.replace(inner, nodes.Text(inner.astext()))
            sizes[name.lower()] = len(definition.astext()) + _NODE * sum(1 for _ in definition.findall())
        left = _MAX_SUBSTITUTED
        for reference in list(self.document.findall(nodes.substitution_reference)):
            left -= sizes.get(str(reference.get("refname", "")).lower(), 0)
            if left < 0:
                reference.parent.replace(reference, nodes.Text(reference.astext()))


def _say(_role: str, rawtext: str, text: str, *_: object) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """A role that says its words, without where they lead to."""
    words = _TARGET.sub("", text) or text
    return [nodes.inline(rawtext, words.lstrip("~!"))], []


class _Said(Directive):
    """A directive that says what it is given."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Its title as a paragraph, and its text."""
        said = nodes.container()
        for argument in self.arguments:
            words, _ = self.state.inline_text(" ".join(argument.split()), self.lineno)
            said += nodes.paragraph(argument, "", *words)
        self.state.nested_parse(self.content, self.content_offset, said)
        return [said]


for _role in _ROLES.split():
    roles.register_local_role(_role, _say)  # type: ignore[arg-type]  # the stubs know of references alone
for _directive in _DIRECTIVES.split():
    directives.register_directive(_directive, _Said)
