"""Sessions: what Gradio keeps of pages, and when that is forgotten."""

from collections.abc import Callable, Container
from datetime import datetime, timedelta

import gradio as gr

from web.memory import give_back

CAPACITY = 256
"""Pages that something is kept of; of more, those used longest ago are forgotten. Gradio's own default is 10,000."""

_KEPT, _CLOSED = timedelta(hours=1), 16  # after a page was used last, and pages, for a computer that only slept


def forget_closed(page: gr.Blocks, keep: Callable[[Container[str]], None]) -> None:
    """Have a chat's pages forgotten a while after they were closed, or once many others were, each time that one is.

    Gradio itself forgets a conversation after an hour, and what it looked like never: a megabyte of a long one.

    Args:
        page: The chat.
        keep: Forgets all other sessions than these.
    """

    async def forget() -> None:  # where Gradio looks through its sessions too, not in a thread beside that
        kept = page.state_holder
        late = datetime.now() - _KEPT
        used = {id: kept.time_last_used.get(id, late) for id, session in kept.session_data.items() if session.is_closed}
        newest = sorted(used, key=lambda closed: used[closed], reverse=True)[:_CLOSED]
        for id, when in used.items():
            if when <= late or id not in newest:
                kept.session_data.pop(id, None)
                kept.time_last_used.pop(id, None)
        keep(kept.session_data)
        give_back()

    page.unload(forget)
