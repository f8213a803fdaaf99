"""Turnstile: guesses are slow, whoever makes them, and who knows the password gets in all the same."""

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.instant import run
from web import turnstile
from web.login import Login, _sender
from web.turnstile import Crowded, Turnstile

PASSWORD = "correct horse"


def _wrong() -> bool:
    return False


async def _outcome(gate: Turnstile, sender: str, is_right: Callable[[], bool] = _wrong) -> str:
    try:
        return "right" if await gate.look(sender, is_right) else "wrong"
    except Crowded as crowd:
        return "crowded" if 0 < crowd.seconds < 60 else "shut out"


async def _keeps_guessing(gate: Turnstile, sender: str) -> None:
    while True:
        await _outcome(gate, sender)
        await asyncio.sleep(0.01)


def test_of_many_guesses_at_once_one_a_second_is_looked_at_and_most_are_not() -> None:
    async def guess() -> None:
        gate, clock = Turnstile(), asyncio.get_running_loop().time
        outcomes = Counter(await asyncio.gather(*(_outcome(gate, "1.2.3.4") for _ in range(200))))
        assert outcomes == {"wrong": turnstile._WAITING, "crowded": 200 - turnstile._WAITING}
        assert clock() == pytest.approx(turnstile._WAITING - 1, abs=0.1)

    run(guess())


def test_a_guess_that_is_given_up_still_makes_the_next_wait() -> None:
    async def guess() -> None:
        gate, clock = Turnstile(), asyncio.get_running_loop().time
        looks: list[float] = []

        def look() -> bool:
            looks.append(clock())
            return False

        for _ in range(5):  # none of them waits to be told that it was wrong
            await asyncio.wait({asyncio.ensure_future(gate.look("1.2.3.4", look))}, timeout=0.01)
        given_up = [asyncio.ensure_future(gate.look("1.2.3.4", look)) for _ in range(turnstile._WAITING)]
        await asyncio.sleep(0)
        for each in given_up:
            each.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        assert await _outcome(gate, "1.2.3.4") == "wrong"
        assert all(after - before >= 0.99 for before, after in pairwise(looks))

    run(guess())


def test_who_knows_the_password_gets_in_while_others_keep_guessing_at_the_same_address() -> None:
    async def guess() -> None:
        gate, clock = Turnstile(), asyncio.get_running_loop().time
        guessing = [asyncio.ensure_future(_keeps_guessing(gate, "1.2.3.4")) for _ in range(10)]
        await asyncio.sleep(30)
        for _ in range(10):
            begun = clock()
            assert await _outcome(gate, "1.2.3.4", lambda: True) == "right"
            assert clock() - begun <= 11
            await asyncio.sleep(0.3)
        for each in guessing:
            each.cancel()

    run(guess())


def test_guesses_from_many_addresses_are_slow_together_and_each_address_has_its_turn() -> None:
    async def guess() -> None:
        gate, clock = Turnstile(), asyncio.get_running_loop().time
        looked = 0

        def look() -> bool:
            nonlocal looked
            looked += 1
            return False

        first = [asyncio.ensure_future(_outcome(gate, f"10.0.0.{number % 100}", look)) for number in range(1000)]
        await asyncio.sleep(0)
        begun = clock()
        assert await _outcome(gate, "192.0.2.1", lambda: True) == "right"
        assert clock() - begun <= 101 * turnstile._STEP
        await asyncio.sleep(60 - clock())
        assert looked <= 60 / turnstile._STEP + 1
        others = [asyncio.ensure_future(_outcome(gate, f"10.1.{number}")) for number in range(1000)]
        await asyncio.sleep(0)
        assert len(gate._lines) <= turnstile._SENDERS
        await asyncio.gather(*first, *others)
        await asyncio.sleep(1)
        assert gate._lines == {}

    run(guess())


def test_a_browser_that_was_signed_in_before_waits_for_nobody(tmp_path: Path) -> None:
    async def guess() -> None:
        login, clock = Login(PASSWORD, tmp_path), asyncio.get_running_loop().time
        secret = login.browsers.sign_out(await login.sign_in("", ""))
        waiting = [
            asyncio.ensure_future(_outcome(login._strangers, f"10.0.0.{number % 200}")) for number in range(4000)
        ]
        await asyncio.sleep(5)
        begun = clock()
        assert await login.is_right(b"password=correct+horse", secret, "10.0.0.1")
        assert clock() == begun
        for _ in range(2):  # nor may it guess faster than others
            assert not await login.is_right(b"password=correct+cow", secret, "10.0.0.1")
        assert clock() - begun >= 1
        with pytest.raises(Crowded):
            await login.is_right(b"password=correct+horse", "", "10.9.9.9")
        for each in waiting:
            each.cancel()

    run(guess())


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("anything", "else", True),
    ],
)
def test_who_has_many_addresses_counts_as_one(one: str, other: str, is_same: bool) -> None:
    assert (_sender(one) == _sender(other)) is is_same
