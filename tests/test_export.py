"""What a reader takes away: Markdown that shows the words as they are, and JSON."""

import json
from dataclasses import asdict, replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from index.document import canonical
from rag.chat import Conversation, Turn
from tests.fakes import DAM, FIRE, HOSTILE, abstaining, helping
from tests.payloads import PAYLOADS
from web.export import answer_markdown, as_json, markdown

TALK = Conversation("id", "The mill", (Turn(FIRE, 9), Turn(DAM, 8, ("seeds/mill.txt",))))


class _Shown(HTMLParser):
    """The text of some HTML, and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(text: str) -> _Shown:
    """What a reader of the Markdown sees."""
    return _Shown(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


def test_an_answer_has_its_footnotes_below() -> None:
    assert answer_markdown(FIRE) == (
        "The mill burned in 1902.[^1] The owner was Ada Brandt.[^2]\n\n"
        "[^1]: seeds/mill.txt, characters 0-24: “The mill burned in 1902.”\n"
        "[^2]: seeds/mill.txt, characters 65-90: “The owner was Ada Brandt.”"
    )
    assert answer_markdown(helping("hello")) == "Ask about your documents. You said: hello"
    assert answer_markdown(abstaining("Why?", "No *passage* speaks.", ())) == (
        "The documents don't say. No \\*passage\\* speaks."
    )


def test_what_is_said_of_an_answer_goes_with_it() -> None:
    told = replace(
        FIRE, query="When did the *mill* burn?", notice="m was cut off.", unsupported=("It was *sad*.", "So.")
    )
    text = markdown(Conversation("id", "The mill", (Turn(told, 9),)))
    assert "\n\nSearched for: When did the \\*mill\\* burn?\n\n" in text
    assert text.endswith("\n\nm was cut off.\n\nNot supported by your documents: It was \\*sad\\*. So.\n")


def test_the_footnotes_of_a_conversation_are_kept_apart() -> None:
    told = markdown(TALK)
    assert told.startswith("# The mill\n\n## When did the mill burn?\n\n")
    assert "Asked of seeds/mill.txt.\n" in told
    for mark in ("[^1-1]", "[^1-2]", "[^2-1]", "[^2-2]"):
        assert told.count(mark) == 2
    assert "seeds/report.pdf, page 1, characters" in told


def test_json_holds_every_answer_whole() -> None:
    told = json.loads(as_json(TALK))
    assert told["title"] == "The mill"
    assert told["turns"][0]["answer"] == json.loads(json.dumps(asdict(FIRE)))
    assert told["turns"][1]["documents"] == ["seeds/mill.txt"]


@given(st.one_of(st.sampled_from((*PAYLOADS, HOSTILE)), st.text(alphabet=st.characters(codec="utf-8"), max_size=60)))
def test_markdown_shows_the_words_and_nothing_else(drawn: str) -> None:
    """Whatever a document says, it is text: no heading, link, picture or script."""
    text = canonical(drawn)[0]
    words = " ".join(text.split())
    seen = shown(answer_markdown(abstaining("q", text, ())))
    assert " ".join(seen.text.split()) == f"The documents don't say. {words}".strip()
    assert seen.tags <= {"p"}
    alone = shown(answer_markdown(replace(helping("q"), text=text)))
    assert " ".join(alone.text.split()) == words
    assert alone.tags <= {"p"}
