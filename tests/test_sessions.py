"""Sessions: what is kept of a page is forgotten a while after it was closed."""

from datetime import timedelta

import pytest

from eval.bench.visitor import visiting
from eval.served import free_port
from tests.conftest import soon
from tests.fakes import FIRE, as_footnote, fake
from web import sessions
from web.desk import Desk
from web.page import launch


@pytest.mark.parametrize(("name", "value"), [("_KEPT", timedelta(0)), ("_CLOSED", 0)])
def test_a_page_that_was_closed_is_forgotten_and_an_open_one_not(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(sessions, name, value)
    desks: list[Desk] = []
    monkeypatch.setattr("web.page.Desk", lambda *given: desks.append(Desk(*given)) or desks[0])
    page = launch(as_footnote(fake()), port=free_port())
    try:
        with visiting(page.local_url) as stays:
            assert stays.ask(FIRE.question) == "answered"
            with visiting(page.local_url) as goes:
                assert goes.ask(FIRE.question) == "answered"
            soon(lambda: len(page.state_holder.session_data) == 1)
            assert stays.ask(FIRE.question) == "answered"
            assert set(desks[0].asking._begun) == set(page.state_holder.session_data)
            assert len(desks[0].drawing._drawn) <= 1
    finally:
        page.close(verbose=False)
