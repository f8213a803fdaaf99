"""Subtitles (SubRip, WebVTT): bytes -> what is said, a minute on a page that is called by its time."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape

from index.document import canonical
from index.errors import Refused
from index.formats.content import Content, TextBuilder
from index.formats.text import decode

_TIMING = re.compile(r"\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{2})(?:[.,]\d{1,3})?\s*-->\s*[\d:]")
_VTT = "WEBVTT"
_COUNT = re.compile(r"\s*\d+\s*")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*+)?\s++([^<>]*+)>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}")  # of a kind, or a time, or where to show it
_ANOTHER = re.compile(r"[-–—♪>]")  # begins what another says
_ENDED = re.compile(r"[.!?…。!?♪][\"'”’»)\]]*$")
_PAGE = 60  # seconds; a sentence begun is ended on the same page, if it ends within
_LONGEST_PAGE = 90
_LAST = 10  # characters tell whether a sentence has ended
_MOST_LINES = 8  # of a cue that can be those of the one before, rolled up


@dataclass(frozen=True, slots=True)
class _Line:
    voice: str  # who speaks, or ""
    text: str


@dataclass(frozen=True, slots=True)
class _Cue:
    seconds: int  # from the beginning
    lines: tuple[_Line, ...]


def read(data: bytes) -> Content:
    """What is said, joined to sentences; lines that stay from one caption to the next are there once.

    Raises:
        Refused: The bytes are not text, or no line tells when it is shown.
    """
    source = canonical(decode(data))[0]
    head, *lines = source.split("\n")
    is_vtt = head.startswith(_VTT)
    script = _Script()
    for cue in _cues(lines, is_vtt=True) if is_vtt else _cues([head, *lines], is_vtt=False):
        script.add(cue)
    if script.cues == 0:
        raise Refused("it has no subtitles: no line tells when one is shown")
    return script.content(title=head.removeprefix(_VTT).strip(" \t-–") if is_vtt else "")


def _cues(lines: Iterable[str], *, is_vtt: bool) -> Iterator[_Cue]:
    """The cues in order; in WebVTT a blank line ends one, in SubRip the number of the next does."""
    seconds, gathered, is_open, before = -1, [""][:0], False, ""
    for line in lines:
        timing = _TIMING.match(line)
        if timing:
            if gathered and not is_vtt and _COUNT.fullmatch(before):
                gathered.pop()
            if seconds >= 0:
                yield _Cue(seconds, _said(gathered))
            hours, minutes, rest = (int(part or 0) for part in timing.groups())
            seconds, gathered, is_open = hours * 3600 + minutes * 60 + rest, [], True
        elif line.strip() and is_open:
            gathered.append(line)
        elif is_vtt:
            is_open = False
        before = line
    if seconds >= 0:
        yield _Cue(seconds, _said(gathered))


def _said(lines: Iterable[str]) -> tuple[_Line, ...]:
    """The lines of a cue without its marks; a voice holds until the cue ends."""
    said: list[_Line] = []
    voice = ""
    for line in lines:
        first, *rest = _VOICE.split(line)
        for name, text in ((voice, first), *zip(rest[::2], rest[1::2], strict=True)):
            voice = " ".join(unescape(name).split())
            words = " ".join(unescape(_TAG.sub("", text)).split())
            if words:
                said.append(_Line(voice, words))
    return tuple(said)


@dataclass(slots=True)
class _Script:
    """What is said, as it grows cue by cue."""

    cues: int = 0
    _builder: TextBuilder = field(default_factory=TextBuilder)
    _page: list[str] = field(default_factory=list)
    _since: int = 0  # seconds at which the page begins
    _shown: tuple[_Line, ...] = ()

    def add(self, cue: _Cue) -> None:
        """Add what a cue says that the one before has not said."""
        self.cues += 1
        lines = cue.lines[_rolled(self._shown, cue.lines) :]
        before = self._shown[-1].voice if self._shown else ""
        if cue.lines:
            self._shown = cue.lines
        if lines and (not self._page or self._is_full(cue.seconds)):
            self._end_page()
            self._since, before = cue.seconds, ""
            self._builder.begin_page(f"{cue.seconds // 3600}:{cue.seconds // 60 % 60:02}:{cue.seconds % 60:02}")
        for line in lines:
            is_another = line.voice != before
            told = f"{line.voice}: {line.text}" if line.voice and is_another else line.text
            gap = "\n" if is_another or _ANOTHER.match(line.text) else " "
            self._page.append(gap + told if self._page else told)
            before = line.voice

    def content(self, title: str) -> Content:
        """What has been said."""
        self._end_page()
        return self._builder.content(title=title)

    def _is_full(self, seconds: int) -> bool:
        """Whether a page is at an end: after a minute, and the sentence."""
        lasted = seconds - self._since
        return lasted < 0 or lasted >= (_PAGE if _ENDED.search(self._page[-1][-_LAST:]) else _LONGEST_PAGE)

    def _end_page(self) -> None:
        self._builder.add_block("".join(self._page))
        self._page.clear()


def _rolled(before: Sequence[_Line], lines: Sequence[_Line]) -> int:
    """How many of the first lines are the last ones of the caption before, rolled up or shown still."""
    most = min(len(before), len(lines), _MOST_LINES)
    return next((count for count in range(most, 0, -1) if before[-count:] == lines[:count]), 0)
