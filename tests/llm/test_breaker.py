"""While an endpoint is away calls wait, one at a time asks whether it is back, and none is lost."""

from __future__ import annotations

import asyncio

import pytest

from contrafact.engines.llm.breaker import Breaker
from contrafact.errors import TransientError


def breaker(patience: float = 60.0) -> Breaker:
    return Breaker("http://host/v1", patience, failures=3, pause=0.02, longest=0.05)


def test_it_opens_after_failures_in_a_row_only() -> None:
    async def go() -> None:
        each = breaker()
        for _ in range(5):
            each.failed("HTTP 500")
            each.failed("HTTP 500")
            each.worked()
        assert not each.open
        for _ in range(3):
            each.failed("HTTP 500")
        assert each.open

    asyncio.run(go())


def test_one_probe_at_a_time_goes_out_and_its_success_lets_all_pass() -> None:
    async def go() -> None:
        each = breaker()
        for _ in range(3):
            each.failed("connection lost")
        passed: list[int] = []

        async def call(number: int) -> None:
            await each.passage()
            passed.append(number)

        calls = [asyncio.create_task(call(number)) for number in range(5)]
        await asyncio.sleep(0.1)
        assert len(passed) == 1
        each.failed("connection lost")  # the probe's own failure: another probe, after a pause
        await asyncio.sleep(0)
        assert len(passed) == 1
        await asyncio.sleep(0.2)
        assert len(passed) == 2
        each.abandoned()  # a probe that was interrupted says nothing, and another goes out
        await asyncio.sleep(0.1)
        assert len(passed) == 3
        each.worked()
        await asyncio.gather(*calls)
        assert sorted(passed) == [0, 1, 2, 3, 4]
        assert each.opened == 1

    asyncio.run(go())


def test_it_gives_up_when_patience_ends_and_tries_anew_when_asked_anew() -> None:
    async def go() -> None:
        each = breaker(patience=0.05)
        for _ in range(3):
            each.failed("HTTP 503")
        waiting = asyncio.create_task(each.passage())
        await waiting
        await asyncio.sleep(0.06)
        each.failed("HTTP 503")
        with pytest.raises(TransientError, match=r"did not answer for 0\.05 s .*HTTP 503"):
            await each.passage()
        each.forgive()
        await each.passage()

    asyncio.run(go())


def test_a_wait_beyond_all_patience_is_not_waited_for() -> None:
    async def go() -> None:
        each = breaker(patience=10)
        each.failed("HTTP 429", wait=3600)
        with pytest.raises(TransientError):
            await each.passage()

    asyncio.run(go())
