"""What several tests begin with: a folder of documents, and a way to open its library."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import rag
from index.library import Library
from rag.crossencoder import OnnxCrossEncoder
from rag.llm import KEY, SETTING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser import Visit
    from tests.fakes import FakeDocs

# In CI the same examples every time, so that a red run is the change's; elsewhere new ones are looked for.
settings.register_profile("footnote", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("footnote")

# Begun first, so that of several workers none is left alone with one of them in the end.
LONG = ("test_harnesses.py", "test_training.py", "test_gate.py", "test_web.py")

SEEDS = Path(__file__).parent.parent / "seeds"

PATIENCE = 60  # seconds that something is waited for which comes in a moment: only what never comes takes as long

OpenLibrary = Callable[..., Library]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def soon(holds: Callable[[], bool]) -> None:
    """Wait until something holds, however busy the computer is."""
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"it did not come about within {PATIENCE} seconds")
        time.sleep(0.05)


@pytest.fixture(scope="session", autouse=True)
def forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a user keeps of the libraries opened is not touched, and no language model of theirs is asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        for name in (SETTING, KEY):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for documents."""
    made = tmp_path / "docs"
    made.mkdir()
    return made


@pytest.fixture
def open_library(folder: Path) -> Iterator[OpenLibrary]:
    """Opens the library of `folder`, with any arguments of `Library`; closed when the test is over."""
    with ExitStack() as opened:
        yield lambda **arguments: opened.enter_context(closing(Library(folder, **arguments)))


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of seeds/ with its library, closed: not to be opened but copied, which is sooner done than embedding."""
    ignored = shutil.ignore_patterns(".footnote")
    made = Path(shutil.copytree(SEEDS, tmp_path_factory.mktemp("indexed") / "seeds", ignore=ignored))
    with rag.open(made) as opened:
        opened.library.settle()
    return made


@pytest.fixture(scope="session")
def seeds(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of seeds/ with a library, for all tests."""
    return Path(shutil.copytree(indexed, tmp_path_factory.mktemp("copy") / "seeds"))


@pytest.fixture(scope="session")
def docs(seeds: Path) -> Iterator[rag.Footnote]:
    """The seeds, open for questions."""
    with rag.open(seeds) as opened:
        yield opened


_remembered = cache(OnnxCrossEncoder._read)


@pytest.fixture(scope="module")
def read_once() -> Iterator[None]:
    """Has the reader remember what it read, a text and a passage at a time: to test what is made of that, and sooner.

    The same questions are asked again and again, of a system that is broken elsewhere; what is tested of the reader
    itself, and of its being repeatable, does without.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OnnxCrossEncoder, "_read", _remembered)
        yield


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Chroma server for all tests, which name their collections apart."""
    from tests.chroma_server import running

    with running(tmp_path_factory.mktemp("chroma")) as (_, url):
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The system's Chromium."""
    from tests.browser import chromium  # heavy, and few tests need it: Gradio, 1 s

    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def chat() -> Iterator[tuple["FakeDocs", str]]:
    """A chat over `fakes.fake()` for all tests, since each start takes a second; and its address."""
    from tests.browser import serving
    from tests.fakes import as_footnote, fake

    docs = fake()
    with serving(as_footnote(docs)) as url:
        yield docs, url


@pytest.fixture
def seen(browser: "Browser", chat: tuple["FakeDocs", str]) -> Iterator["Visit"]:
    """A visit to the chat over `fakes.fake()` as new; afterwards nothing may have gone wrong or gone out."""
    from tests.browser import check_quiet, visit
    from tests.fakes import fake

    docs, url = chat
    vars(docs).update(vars(fake()))
    opened = visit(browser, url)
    yield opened
    check_quiet(opened)
    opened.page.context.close()
