"""A set of questions -> the library it asks, open: of a folder of yours, or of the documents the set brings."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

import rag
from eval import formats
from eval.dataset import Dataset
from eval.formats import own
from eval.terminal import bar
from index.errors import DatasetError, QuestionError
from rag.calibration import Calibration
from rag.footnote import Footnote
from rag.retrieve import check_question

ReaderName = Annotated[
    str | None, typer.Option(help="What reads in place of Footnote's own: a model that transformers knows.")
]

Llm = Annotated[str, typer.Option("--llm", help="A language model to write the answers: MODEL@http://host:port/v1.")]

SEEDS = Path(__file__).parent.parent / "seeds"
RUNS = Path("runs")


@contextmanager
def opened(
    path: Path,
    documents: Path | None = None,
    *,
    home: Path | None = None,
    reader: str | None = None,
    numbers: Calibration | None = None,
    llm: str = "",
) -> Iterator[tuple[Footnote, Dataset]]:
    """A set, and the library it asks: of `documents`, or of the documents the set brings, kept under runs/.

    Args:
        path: The set.
        documents: The folder that a set of our own asks about; seeds/ where none is given.
        home: Where that folder's library lives; by default in the folder.
        reader: What reads, by name or path; by default what Footnote ships.
        numbers: The calibration to answer with; by default the library's.
        llm: A language model that writes the answers; by default none, whatever the environment says.

    Raises:
        DatasetError: The set cannot be read or asked, or does not fit the documents.
        LibraryError: The library cannot be opened.
    """
    if formats.is_own(path):
        with _open(documents or SEEDS, home, reader, numbers, llm) as docs:
            if not docs.library.lock.held:
                typer.echo(
                    f"Asked as it stands: {docs.library.home} is written by {docs.library.lock.holder()}.", err=True
                )
            yield docs, _checked(path, own.read(path, partial(_text, docs)))
        return
    dataset = _checked(path, formats.load(path))
    if documents is not None or home is not None:
        raise DatasetError(f"{path} brings its own documents; leave out --documents and --library.")
    with _open(kept(dataset), None, reader, numbers, llm) as docs:
        docs.library.require_writable()  # a reader beside a sync would find half of the documents
        unread = [file for file in docs.files() if file.state != "indexed"]
        if unread:
            raise DatasetError(f"{path}: the document {unread[0].id} was not read: {unread[0].reason}.")
        yield docs, dataset


def kept(dataset: Dataset) -> Path:
    """The folder of a set's documents under runs/, written whole or not at all, so that it is embedded once."""
    digest = sha256(json.dumps(sorted(dataset.documents.items())).encode()).hexdigest()[:12]
    folder = RUNS / "documents" / digest
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as part:
            dataset.write(Path(part) / "whole")
            try:
                (Path(part) / "whole").rename(folder)
            except OSError:
                if not folder.exists():  # no other run was quicker, with the same documents
                    raise
    return folder / dataset.name


def _open(folder: Path, home: Path | None, reader: str | None, numbers: Calibration | None, llm: str) -> Footnote:
    with bar("Reading") as show:
        docs = rag.open(
            folder,
            home=home,
            reader=reader,
            calibration=numbers,
            llm=llm,
            on_progress=lambda done: show(done.done, done.total),
        )
    docs.library.settle()  # every question is looked up in the same way
    return docs


def _checked(path: Path, dataset: Dataset) -> Dataset:
    """The set, every question of which can be asked."""
    for example in dataset.examples:
        try:
            check_question(example.question)
        except QuestionError as error:
            raise DatasetError(f"{path}, example {example.id}: {error}") from error
    return dataset


def _text(docs: Footnote, document_id: str) -> str:
    """A document's text, or why there is none."""
    try:
        return docs.document(document_id).text
    except KeyError:
        unread = {file.id: file.reason for file in docs.files() if file.state != "indexed"}
    if document_id in unread:
        raise DatasetError(f"the document {document_id} was not read: {unread[document_id]}.")
    raise DatasetError(
        f"there is no document {document_id} in the folder; footnote status lists those that there are, and "
        f"--documents names another folder."
    )
