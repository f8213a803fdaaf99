"""An answer written by a language model from numbered passages; no sentence of it is believed before it is checked."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from threading import Event
from traceback import format_tb
from typing import Protocol

from index.document import Document, Span, beginning
from index.errors import FootnoteError, ModelTrouble
from index.lexical import words
from index.passages import Passage
from rag import prompts
from rag.answer import Answer, Draft
from rag.cite import Marks, cite
from rag.disagree import disagreeing
from rag.extract import closest, content_words, short_in
from rag.guard import strays, why
from rag.llm import Message, Model, Reply, TooLong, tokens
from rag.naming import Missing
from rag.reader import CLAIM_END, Candidate
from rag.retrieve import Hit
from rag.verify import Support

_MOST_READ = 10  # passages
_MOST_SPOKEN = 8_000  # characters of an answer, twice what it is allowed to have
_MOST_THOUGHT = 200_000  # characters before it
_MOST_RECALLED = 400  # characters of each answer before a follow-up
_LONGEST_MARK = 16  # characters
_LIKELY = 3  # passages looked at for a sentence that names none

_THOUGHT = ("<think>", "</think>")  # what some models write before they answer stands between these
_MARKUP = re.compile(r"^\s*(?:(?:[-*•]|#+|\d+[.)])\s+)+|^\s*answer:\s+|\*\*|`", re.IGNORECASE)
_ABSTAINS = re.compile(  # the sentence it was given, and what models say in its place
    r".{0,40}\b(?:documents?|passages?|sources?|text|information)\b.{0,20}\b(?:don['’]t|doesn['’]t|do(?:es)? not|not)"
    r" (?:say|mention|contain|state|specify|answer|provide|include|tell|give)\b.*",
    re.IGNORECASE,
)
_CLOSERS = re.compile(r"[\"'”’)]*")
_JOINED = re.compile(r"^[\s,;]*(?:(?:and|but|while|whereas)\b)?", re.IGNORECASE)
_MAY_END = re.compile(r"[\n.!?]")  # what no sentence ends without
_STOPPED = re.compile(r"[.!?][\"'”’)]*\s*\Z")

_log = logging.getLogger(__name__)


class Verifier(Protocol):
    """Says what bears a statement out; see `rag.verify.Verifier`."""

    def support(self, statement: str, passage: Passage, title: str = "") -> Support | None:
        """The smallest span of the passage that bears the statement out, or None."""


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that a model may read, and its document."""

    hit: Hit
    document: Document

    @property
    def where(self) -> str:
        """Where it stands, on one line."""
        passage = self.hit.passage
        parts = [self.document.title, passage.where, passage.heading, self.document.date]
        return ", ".join(" ".join(part.split()) for part in parts if part)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that a model wrote, without marks, and the numbers of the passages that it names, from 1.

    Attributes:
        text: What it says.
        named: The passages.
        parts: What it says before each of its marks, and what that names; empty where it has marks in one place only.
    """

    text: str
    named: tuple[int, ...]
    parts: tuple["Sentence", ...] = ()

    @property
    def abstains(self) -> bool:
        """Whether it says that there is no answer."""
        return bool(_ABSTAINS.fullmatch(self.text))

    @property
    def is_statement(self) -> bool:
        """Whether it states anything: not where it opens a list or asks, and names nothing."""
        has_words = any(character.isalpha() for character in self.text)
        return has_words and (bool(self.named) or not self.text.endswith((":", "?")))


class Writer:
    """Has a model write answers, and keeps of them what the passages bear out."""

    def __init__(self, model: Model, verifier: Verifier) -> None:
        self.model = model
        self._verifier = verifier

    def write(
        self, silent: Answer, sources: Sequence[Source], quoted: Sequence[Candidate], stopped: Event
    ) -> Iterator[Answer]:
        """The answer as it grows: first silent, then a statement more each time, the last one whole.

        Args:
            silent: What is known before anything is said.
            sources: The passages to read, best first; what does not fit the model's window is left out whole.
            quoted: The sentences that would be quoted without a model: they tell whether the documents disagree.
            stopped: Set to stop it.

        Raises:
            ModelTrouble: The model does not write an answer, or is stopped.
        """
        with _in_trouble(self.model):
            yield from self._fitting(silent, _Prompt(silent.query, sources[:_MOST_READ]), quoted, stopped)

    def _fitting(
        self, silent: Answer, prompt: "_Prompt", quoted: Sequence[Candidate], stopped: Event
    ) -> Iterator[Answer]:
        """See `write`; from as many passages as the model reads."""
        count = prompt.fitting(self.model.room())
        while True:
            if not count:
                raise ModelTrouble(f"{self.model.name} has no room for a passage")
            try:
                yield from self._written(silent, prompt, count, quoted, stopped)
            except TooLong:  # said before it wrote anything
                count //= 2
            else:
                return

    def rewritten(self, question: str, said: Sequence[tuple[str, str]], stopped: Event) -> str:
        """A follow-up as a question of its own, as the model puts it, on one line; `said` are question and answer.

        Raises:
            ModelTrouble: It does not, or is stopped.
        """
        told = [(asked, beginning(answer, _MOST_RECALLED)) for asked, answer in said]
        messages = [Message("system", prompts.REWRITING), Message("user", prompts.conversation(told, question))]
        with _in_trouble(self.model):
            if sum(tokens(each.text) for each in messages) > self.model.room():
                raise ModelTrouble(f"{self.model.name} has no room for the conversation")
            with closing(iter(self.model.write(messages, stopped))) as pieces:
                return " ".join("".join(_spoken(pieces)).split())

    def _written(
        self, silent: Answer, prompt: "_Prompt", count: int, quoted: Sequence[Candidate], stopped: Event
    ) -> Iterator[Answer]:
        """See `write`; from the first `count` passages."""
        silent = replace(silent, mode="generate", model=self.model.name, read=count)
        sources = prompt.sources[:count]
        yield silent
        reply = self.model.write(prompt.messages(count), stopped)
        draft, left_out, kinds, stray = Draft(silent), list[str](), set[str](), None
        with closing(iter(reply)) as pieces:
            for sentence in sentences(_spoken(pieces), prompt.marks):
                named = _there(sentence, sources)
                kinds.add("abstains" if sentence.abstains else "named" if named else "bare")
                is_cut = reply.is_unfinished and not _STOPPED.search(sentence.text)
                if sentence.abstains or not sentence.is_statement or is_cut:
                    continue
                borne = self._bearing(sentence, sources)
                missing = _missing(silent.query, draft, sentence.text, borne)
                if missing:
                    stray = stray or missing
                elif borne:
                    self._say(draft, sentence, sources, borne)
                    yield draft.answer(unsupported=left_out)
                else:
                    left_out.append(sentence.text)
        if not kinds:
            raise ModelTrouble(f"{self.model.name} wrote nothing")
        if draft.is_empty and kinds == {"bare"}:
            raise ModelTrouble(f"{self.model.name} wrote nothing that rests on a passage")
        disagreeing = _with_rivals(draft, silent.query, quoted, sources)
        if draft.is_empty:
            reason = why(stray, silent.hits) if stray else self._why_not(silent, left_out)
            yield replace(silent, reason=reason, unsupported=tuple(left_out))
        else:
            notice = self._notice(reply) or (f"Left out what is not of “{stray.numeral.written}”." if stray else "")
            yield replace(draft.answer(disagreeing, left_out), notice=notice)

    def _bearing(self, sentence: Sentence, sources: Sequence[Source]) -> list[tuple[Source, Support]]:
        """What bears a sentence out of the passages that it names, or of any where it names none."""
        borne = self._borne(sentence.text, _there(sentence, sources) or _likely(sentence.text, sources))
        if borne or not sentence.parts:
            return borne
        parts = [self._borne(part.text, _there(part, sources)) for part in sentence.parts]
        return [support for part in parts for support in part] if all(parts) else []  # "in 1902 [k:1], and 40 m [k:2]."

    def _say(
        self, draft: Draft, sentence: Sentence, sources: Sequence[Source], borne: Sequence[tuple[Source, Support]]
    ) -> None:
        """Add a sentence and what bears it out."""
        best = max(borne, key=lambda each: each[1].score)
        citations = [cite(0, source.hit.passage, support.span, source.document) for source, support in borne]
        draft.say(
            sentence.text,
            citations if _there(sentence, sources) else [citations[borne.index(best)]],
            "verbatim" if best[1].verbatim and len(borne) == 1 else "supported",
            min(support.score for _, support in borne) if sentence.parts else best[1].score,
        )

    def _borne(self, text: str, sources: Sequence[Source]) -> list[tuple[Source, Support]]:
        """The sources that bear a statement out, each with what does."""
        looked = ((each, self._verifier.support(text, each.hit.passage, each.document.title)) for each in sources)
        return [(source, support) for source, support in looked if support]

    def _notice(self, reply: Reply) -> str:
        """What is to be known of an answer that a model has ended, or ""."""
        if reply.was_read_in_part:
            return f"{self.model.place} cut what {self.model.name} was to read; put ?context=TOKENS after its address."
        if reply.is_unfinished:
            return f"{self.model.name} was cut off at its longest; what it had said by then is here."
        return ""

    def _why_not(self, silent: Answer, left_out: Sequence[str]) -> str:
        said = f"{self.model.name} found no answer in the {silent.read} closest passages."
        if left_out:
            said = f"Nothing that {self.model.name} wrote is borne out by the passages it named."
        return f"{closest(silent.hits[0])}. {said}"


class _Prompt:
    """A question and the passages to answer it from, under marks of their own."""

    def __init__(self, question: str, sources: Sequence[Source]) -> None:
        self.sources = sources
        self.marks = Marks([question, *(f"{each.where}\n{each.hit.passage.text}" for each in sources)])
        self._question = question
        self._rules = prompts.rules(self.marks.mark(1))
        self._passages = [
            prompts.passage(self.marks.mark(number), each.where, each.hit.passage.text)
            for number, each in enumerate(sources, start=1)
        ]

    def fitting(self, room: int) -> int:
        """How many passages, from the first, fit into so many tokens beside the rest."""
        whole = accumulate(map(tokens, self._passages), initial=tokens(self._rules) + tokens(self._question))
        return sum(count <= room for count in islice(whole, 1, None))

    def messages(self, count: int) -> list[Message]:
        """What a model is sent, with the first `count` passages."""
        return [
            Message("system", self._rules),
            Message("user", prompts.asked(self._question, self._passages[:count])),
        ]


def sentences(pieces: Iterable[str], marks: Marks) -> Iterator[Sentence]:
    """The sentences of a text that comes in pieces, each as soon as it is whole."""
    held = ""
    for piece in pieces:
        held += piece
        while _MAY_END.search(held) and (end := _end(held, marks)):
            yield from _sentence(held[:end], marks)
            held = held[end:]
    yield from _sentence(held, marks)


def _end(held: str, marks: Marks) -> int:
    """Where the first sentence of a text that goes on ends; 0 where that cannot be told yet."""
    begun = len(held) - len(held.lstrip())
    ends = [held.find("\n", begun) + 1]
    ends += [_end_at(held, begun, run) for run in marks.runs(held)]
    split = CLAIM_END.search(held, begun)
    ends.append(split.end() if split else 0)
    return min((end for end in ends if end), default=0)


def _end_at(held: str, begun: int, marks: Span) -> int:
    """Where a sentence ends whose marks stand there; 0 where it does not end with them, or that cannot be told yet."""
    if held[marks.end : marks.end + 1] in {".", "!", "?"}:  # "... in 1902 [k:1]."
        end = marks.end + 1
        if not _is_open(held[begun:end]):
            return end
        closed = _CLOSERS.match(held, end)
        return closed.end() if closed and closed.end() < len(held) else 0
    rest = held[marks.end :].lstrip()
    may_be_mark = rest[:1] in {"[", "【"} and len(rest) < _LONGEST_MARK
    if rest and not may_be_mark and _STOPPED.search(held, begun, marks.start):  # "... in 1902. [k:1] Then"
        return marks.end
    return 0


def _is_open(text: str) -> bool:
    """Whether quotation marks in a text await their end."""
    return text.count("“") > text.count("”") or text.count('"') % 2 == 1


def _sentence(text: str, marks: Marks) -> Iterator[Sentence]:
    """A stretch of a text as a sentence, where there is anything in it."""
    text = text.rpartition(_THOUGHT[1])[2]  # a thought whose beginning was not written
    plain, named = marks.read(text)
    plain = " ".join(_MARKUP.sub("", plain).split())
    if named and plain and plain[-1].isalnum():
        plain += "."  # it ended with its line
    if plain or named:
        yield Sentence(plain, named, tuple(_parts(text, marks)))


def _parts(text: str, marks: Marks) -> Iterator[Sentence]:
    """What stands before each of the marks of a text, where there are several."""
    runs, start = list(marks.runs(text)), 0
    for run in runs if len(runs) > 1 else ():
        said = _JOINED.sub("", _MARKUP.sub("", text[start : run.start])).strip()
        yield Sentence(said, marks.read(text[run.start : run.end])[1])
        start = run.end


def _missing(question: str, draft: Draft, text: str, borne: Sequence[tuple[Source, Support]]) -> Missing | None:
    """The numeral of a question that neither a sentence is of, nor what was said before it or bears it out."""
    quoted = [(source.document, source.hit.passage, support.span) for source, support in borne]
    return strays(question, "\n".join([*draft.said, text]), quoted) if borne else None


def _there(sentence: Sentence, sources: Sequence[Source]) -> list[Source]:
    """The sources that a sentence names, without those that there are none of."""
    return [sources[number - 1] for number in sentence.named if 1 <= number <= len(sources)]


def _spoken(pieces: Iterable[str]) -> Iterator[str]:
    """What a model says, without what it thinks before.

    Raises:
        ModelTrouble: It does not come to an end.
    """
    first, last = _THOUGHT
    held, thought, count = "", 0, 0
    for piece in pieces:
        held += piece
        if not count and first.startswith(held.lstrip()[: len(first)]):  # it thinks, or may be about to
            thought += len(piece)
            if thought > _MOST_THOUGHT:
                raise ModelTrouble("The model thought on and on")
            if last not in held:
                held = held.lstrip()
                held = held if len(held) <= len(first) else first + held[len(first) :][-len(last) :]
                continue
            held = held.partition(last)[2]
        count += len(held)
        if count > _MOST_SPOKEN:
            raise ModelTrouble("The model wrote on and on")
        yield held
        held = ""


@contextmanager
def _in_trouble(model: Model) -> Iterator[None]:
    """Whatever goes wrong in the block is trouble with a model; what nobody has foreseen is logged besides.

    What is logged has no message: it may hold what a person asks, or a key.
    """
    try:
        yield
    except FootnoteError:
        raise
    except Exception as error:
        where = "".join(format_tb(error.__traceback__))
        _log.error("%s while %s was writing\n%s", type(error).__name__, model.name, where)
        raise ModelTrouble(f"What {model.name} wrote could not be read ({type(error).__name__})") from error


def _likely(text: str, sources: Sequence[Source]) -> list[Source]:
    """The passages that share most words with a statement, best first."""
    said = {word.stem for word in content_words(text)}
    shared = {source.hit.passage.id: len(said & _stems(source.hit.passage)) for source in sources}
    return sorted(sources, key=lambda each: -shared[each.hit.passage.id])[:_LIKELY]


def _stems(passage: Passage) -> set[str]:
    return {word.stem for word in words(passage.text)}


def _with_rivals(
    draft: Draft, question: str, quoted: Sequence[Candidate], sources: Sequence[Source]
) -> tuple[int, ...]:
    """Have a draft say each of the values that the documents disagree on, as they say it; the statements' numbers."""
    documents = {source.document.id: source.document for source in sources}
    numbers = []
    for number in disagreeing(question, quoted):
        rival = quoted[number - 1]
        citation = cite(0, rival.hit.passage, rival.span, documents.get(rival.hit.passage.document_id))
        numbers.append(draft.say(citation.quote, [citation], "verbatim", rival.score, short_in(rival)))
    return tuple(numbers)
