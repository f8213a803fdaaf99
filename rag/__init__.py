"""A question -> an answer that cites passages.

import rag

docs = rag.open("seeds")
print(docs.ask("Who rejected the proposal?"))
"""

import logging
import os
from os import PathLike
from pathlib import Path

from index.errors import CalibrationError, NoRoom
from index.library import Library
from index.sync import OnProgress
from rag import crossencoder
from rag.answer import Answer, Statement
from rag.calibration import Calibration, calibration_of
from rag.cite import Citation
from rag.footnote import Footnote
from rag.llm import SETTING
from rag.reader import CrossReader, known
from rag.retrieve import Hit
from rag.verify import Verifier

__all__ = ["Answer", "Citation", "Footnote", "Hit", "Statement", "open"]


def open(
    folder: str | PathLike[str],
    *,
    home: str | PathLike[str] | None = None,
    model: str | None = None,
    chroma: str | None = None,
    reader: str | None = None,
    calibration: Calibration | None = None,
    llm: str | None = None,
    on_progress: OnProgress = lambda _: None,
) -> Footnote:
    """Open a folder of documents for questions, after bringing its library up to date.

    Where another process has the library open already, it is read as it stands.

    Args:
        folder: The documents.
        home: Where the library lives; by default `FOLDER/.footnote`.
        model: The embedding model, by name or path; by default the one the library was made with.
        chroma: The address of a Chroma server, such as `http://localhost:8000`, in place of Chroma in this process.
        reader: A cross-encoder or extractive question answering model of Hugging Face, by name or path, in place of
            the one that Footnote ships.
        calibration: The numbers to answer with; by default the library's own, or those that Footnote ships.
        llm: The language model that writes answers, as `MODEL@http://host:port/v1`; see `rag.llm.load`. By default the
            one in the environment's FOOTNOTE_LLM; "" for none, so that the documents are quoted.
        on_progress: Told how far the sync is.

    Raises:
        LibraryError: The folder is missing, or the library cannot be made, opened or written.
        ModelMismatch: The library was made with another model.
        ModelError: A model cannot be loaded.
        CalibrationError: The library has a calibration of its own that cannot be used, or the one given was fitted to
            another reader.
    """
    library = Library(Path(folder), home=Path(home) if home else None, model=model, chroma=chroma)
    try:
        if library.writable:
            _catch_up(library, on_progress)
        encoder = crossencoder.load(reader)
        numbers = calibration or calibration_of(library.home, known(encoder.name))
        if numbers.weights.encoder != encoder.name:
            raise CalibrationError(
                f"The calibration given was fitted to the reader {numbers.weights.encoder}, and {encoder.name} is to "
                f"read; leave one of the two out."
            )
        docs = Footnote(library, CrossReader(encoder, numbers.weights), numbers, Verifier(encoder, numbers.standard))
        docs.write_with(os.environ.get(SETTING, "") if llm is None else llm)
        return docs
    except BaseException:
        library.close()
        raise


def _catch_up(library: Library, on_progress: OnProgress) -> None:
    """Bring a library up to date; on a full disk, what was read before is asked as it stands."""
    try:
        library.sync(on_progress)
    except NoRoom as error:
        if not library.files():
            raise
        logging.getLogger(__name__).warning("%s", error)
