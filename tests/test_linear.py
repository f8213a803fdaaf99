"""No text of a document, a question or a model takes long to be looked through, however it was made to."""

import ast
import inspect
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pkgutil import walk_packages
from types import ModuleType

import pytest

import index
import rag
import web
from index.document import _flood
from rag.cite import Marks
from rag.numerals import _BETWEEN_PARTS
from rag.topics import NAME
from tests.hostile_texts import Attack, attacks
from web.access import _FILE

SMALL, LARGE = 2_000, 16_000  # characters
TINY = (24, 32, 100, 250)  # of what doubles its time with each
QUICK, LONG, STEEP = 0.001, 0.05, 20  # seconds; and how many times as long eight times the text may take
MODULES = (
    "app",
    *(module.name for each in (index, rag, web) for module in walk_packages(each.__path__, f"{each.__name__}.")),
)
_WORD = r" (?!of\b)[\w.'’-]*[\w.]"
_MARKS = Marks(["", ""])
BUILT: dict[str, tuple["str | bytes | re.Pattern[str]", ...]] = {  # in functions of what these know: an example of each
    "index.document": (_flood(),),
    "index.formats": (b"^From:",),
    "index.formats.mail": (rb"(?:\A|\r?\n)--a(--)?[ \t]*+(?:\r?\n|\Z)",),
    "index.formats.pdf": ("(?=aa)", "(?=aa)"),
    "index.passages": ("a",),  # Punkt's own, each matched against one word
    "rag.cite": (_MARKS._ours, _MARKS._runs),
    "rag.examples": (r"[a-z,;]\sword\b",),
    "rag.followup": (rf"(?<= )(?i:of)\b(?: {NAME.pattern}|(?:{_WORD})*? \d\w*|(?:{_WORD})+)",),
    "rag.numerals": (rf"(?<![^\W_])K{_BETWEEN_PARTS}8(?:['’]?s)?(?![^\W_])",),
    "web.access": (rf"\A/assets/{_FILE}\Z",),
    "rag.topics": (r"(?:^|[.!?] )Ada(?! [A-Z])",),
}
ANCHORED = {  # only ever tried at one place, by a name of another kind
    "rag.figures._AFTER",
    "web.guard._OWN",
}
TRUSTED = {  # what these see is no document's, question's or model's
    "rag.llm._SETTING",  # the name of a model, from the owner
    "web.guard._INLINE",  # the page that is served
}


@dataclass(frozen=True, slots=True)
class Used:
    """A pattern, what it is called, and whether it is only tried at one place of a text."""

    name: str
    pattern: "re.Pattern[str] | re.Pattern[bytes]"
    is_anchored: bool = False

    def seconds(self, text: str) -> float:
        """The processor time that it takes to look through a text."""
        searched = text.encode("latin-1", "replace") if isinstance(self.pattern.pattern, bytes) else text
        began = time.process_time()
        if self.is_anchored:
            self.pattern.match(searched)
            self.pattern.fullmatch(searched)
        else:
            for _ in self.pattern.finditer(searched):
                pass
        return time.process_time() - began

    def _takes_long(self, text: str) -> bool:
        return self.seconds(text) > LONG and self.seconds(text) > LONG

    def is_slowed_by(self, attack: Attack) -> bool:
        """Whether a longer text takes more than its share; a busy machine is given a second chance."""
        if any(self._takes_long(attack.text(size)) for size in TINY):
            return True
        if self.seconds(attack.text(SMALL)) < QUICK:
            return False
        for _ in range(2):
            small, large = self.seconds(attack.text(SMALL)), self.seconds(attack.text(LARGE))
            if large < LONG or large < STEEP * small:
                return False
        return True


def kept(module: ModuleType) -> Iterator[Used]:
    """The patterns that a module keeps under a name, alone or with others."""
    source = inspect.getsource(module)
    for name, value in vars(module).items():
        ways = set(re.findall(rf"(?<!\w){name}\.(\w+)\(", source)) or {"search"}
        whole = f"{module.__name__}.{name}"
        todo = [value]
        while todo:
            each = todo.pop()
            if isinstance(each, re.Pattern):
                yield Used(whole, each, ways <= {"match", "fullmatch"} or whole in ANCHORED)
            elif isinstance(each, tuple | list):
                todo += each


def written(module: ModuleType) -> Iterator[Used]:
    """The patterns that are written where they are used, such as `re.sub("a+", ...)` in a function."""
    functions = (node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.FunctionDef))
    calls = (node for node in chain.from_iterable(map(ast.walk, functions)) if isinstance(node, ast.Call))
    ours = [call for call in calls if re.fullmatch(r"re\.(?!escape)\w+", ast.unparse(call.func))]
    examples = iter(BUILT.get(module.__name__, ()))
    for call in ours:
        try:
            pattern = eval(ast.unparse(call.args[0]), vars(module))  # as the module would
        except NameError:
            pattern = next(examples, None)
            assert pattern is not None, f"line {call.lineno} of {module.__name__} builds a pattern: add one to BUILT"
        name = f"{module.__name__}, line {call.lineno}"
        yield Used(name, re.compile(pattern), ast.unparse(call.func) in ("re.match", "re.fullmatch"))
    assert not list(examples), f"{module.__name__} builds fewer patterns than are in BUILT"


def in_use() -> list[Used]:
    """Every pattern of ours that sees a text, each once."""
    found = chain.from_iterable((*kept(module), *written(module)) for module in map(import_module, MODULES))
    patterns = {(used.pattern, used.is_anchored): used for used in found if used.name not in TRUSTED}
    return list(patterns.values())


def test_no_pattern_takes_more_than_its_share_of_a_text_made_to_slow_it_down() -> None:
    patterns = in_use()
    assert len(patterns) > 150
    found = ((used.name, next(filter(used.is_slowed_by, attacks(used.pattern)), None)) for used in patterns)
    slow = [(name, attack) for name, attack in found if attack]
    assert slow == []


@pytest.mark.parametrize("source", [r"\s*<", r"\[[^\]]*\]"])
def test_a_pattern_that_goes_back_is_found_out(source: str) -> None:
    used = Used("", re.compile(source))
    assert any(map(used.is_slowed_by, attacks(used.pattern)))
