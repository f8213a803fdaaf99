"""Every error a person may see. The message is one sentence: what is wrong, and what to do.

FootnoteError           anything Footnote refuses or cannot do
├── Refused             this file will not be read (the rest of the folder is)
│   ├── Failed          because reading it broke down
│   └── Spent           because reading it took more than its share, which a busy machine may be the cause of
├── LibraryError        this library cannot be opened or written
│   ├── ModelMismatch   it was made with another embedding model
│   └── NoRoom          its disk is full
├── ModelError          a model cannot be had
│   └── ModelTrouble    or does not answer as it should
├── CalibrationError    the numbers learned for a library cannot be used
├── DatasetError        a set of questions, or a run of one, cannot be used
├── QuestionError       this question cannot be asked
└── Dropped             nobody waits for this any more
"""

from index.document import printable_name


class FootnoteError(Exception):
    """Something Footnote refuses or cannot do; its message is fit to be shown as it is, whatever names it holds."""

    def __str__(self) -> str:
        """The message, on one line."""
        return printable_name(super().__str__())


class Refused(FootnoteError):
    """A file that will not be read; the message is the reason, without the file's name."""


class Failed(Refused):
    """A file that a reader of its format stumbled over; it is not tried again until it changes."""


class Spent(Refused):
    """A file that took more time or memory than one may, or whose process was ended; it is tried once more."""


class LibraryError(FootnoteError):
    """A library that cannot be opened or written."""


class ModelMismatch(LibraryError):
    """A library opened with another embedding model than the one it was made with."""


class NoRoom(LibraryError):
    """A library whose disk is full, or nearly so; what was read before can still be asked."""


class ModelError(FootnoteError):
    """A model that cannot be loaded or does not have the expected weights."""


class ModelTrouble(ModelError):
    """A language model that does not answer, or not as it should; the message says why, without a full stop."""


class CalibrationError(FootnoteError):
    """A calibration that is damaged, or was fitted to another reader."""


class DatasetError(FootnoteError):
    """A set of questions, or a run of one, that is malformed or does not fit its documents."""


class QuestionError(FootnoteError):
    """A question that cannot be asked, because it is empty or too long."""


class Dropped(FootnoteError):
    """Something that is not gone on with, since nobody waits for it any more."""
