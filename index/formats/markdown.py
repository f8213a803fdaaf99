"""Markdown: bytes -> readable text without the markup (CommonMark with tables)."""

import re
from dataclasses import replace

from markdown_it import MarkdownIt

from index.formats import html
from index.formats.content import Content
from index.formats.text import decode

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.DOTALL)
_FIELD = re.compile(r"^(title|author|date|url):[ \t]*[\"']?(.*?)[\"']?[ \t]*$", re.MULTILINE)


def read(data: bytes) -> Content:
    """The text as it reads when rendered; title, author, date and url from the front matter."""
    source = decode(data).replace("\r\n", "\n")
    front = _FRONT_MATTER.match(source)
    fields = dict(_FIELD.findall(front[1])) if front else {}
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source[front.end() if front else 0 :])
    content = html.read_text(rendered)
    return replace(
        content,
        title=fields.get("title", "") or content.title,
        author=fields.get("author", ""),
        date=fields.get("date", ""),
        url=fields.get("url", ""),
    )
