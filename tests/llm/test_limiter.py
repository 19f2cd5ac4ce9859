"""Concurrency follows the server: up while it is at ease, down when it is busy, says so or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from contrafact.engines.llm.limiter import Limiter


def window(limiter: Limiter, busy: int = 0, seconds: float = 0.1, calls: int | None = None) -> None:
    """One round trip: as many calls as fit at once, all sent before any returns."""

    async def go() -> None:
        count = max(limiter.limit, 8) if calls is None else calls
        for start in range(0, count, limiter.limit):
            places = min(limiter.limit, count - start)
            epochs = [await limiter.acquire() for _ in range(places)]
            for number, epoch in enumerate(epochs, start):
                if number < busy:
                    limiter.overloaded(epoch)
                else:
                    limiter.worked(epoch, seconds)

    asyncio.run(go())


def test_a_clean_server_gets_more_at_once_until_the_most() -> None:
    limiter = Limiter(4, 32)
    for _ in range(10):
        window(limiter)
    assert limiter.limit == 32


def test_a_server_that_refuses_everything_gets_half_each_round_and_at_last_one() -> None:
    limiter = Limiter(64, 64)
    window(limiter, busy=64)
    assert limiter.limit == 32
    for _ in range(10):
        window(limiter, busy=99)
    assert limiter.limit == 1


def test_after_a_cut_the_limit_rises_by_one_a_round() -> None:
    limiter = Limiter(64, 64)
    window(limiter, busy=64)
    window(limiter)
    window(limiter)
    assert limiter.limit == 34


def test_a_stray_refusal_cuts_nothing() -> None:
    limiter = Limiter(64, 64)
    for _ in range(20):
        window(limiter, busy=3)
    assert limiter.limit == 64


def test_calls_sent_before_a_cut_do_not_cut_again() -> None:
    limiter = Limiter(16, 16)

    async def go() -> None:
        epochs = [await limiter.acquire() for _ in range(16)]
        for epoch in epochs:
            limiter.overloaded(epoch)

    asyncio.run(go())
    assert limiter.limit == 8
    late = Limiter(16, 16)

    async def stale() -> None:
        old = [await late.acquire() for _ in range(16)]
        for epoch in old[:8]:
            late.overloaded(epoch)
        for _ in range(8):
            late.overloaded(await late.acquire(first=True))
        assert late.limit == 8
        for epoch in old[8:]:
            late.overloaded(epoch)

    asyncio.run(stale())
    assert late.limit == 8


def test_a_server_that_only_grows_slow_is_cut_too() -> None:
    limiter = Limiter(32, 32)
    for _ in range(4):
        window(limiter, seconds=0.1)
    window(limiter, seconds=0.29)
    assert limiter.limit == 32
    window(limiter, seconds=0.5)
    assert limiter.limit == 22


def test_long_answers_are_not_taken_for_a_slow_server() -> None:
    limiter = Limiter(16, 16)

    async def go() -> None:
        for kind, seconds in ((4, 0.1), (9, 5.0)) * 4:
            for _ in range(16):
                limiter.worked(await limiter.acquire(), seconds, kind)

    asyncio.run(go())
    assert limiter.limit == 16


def test_no_more_are_in_flight_than_the_limit_and_retries_go_first() -> None:
    async def go() -> list[str]:
        limiter = Limiter(1, 1)
        order: list[str] = []

        async def call(name: str, *, first: bool = False) -> None:
            await limiter.acquire(first=first)
            assert limiter.in_flight == 1
            order.append(name)
            await asyncio.sleep(0)
            limiter.release()

        calls: list[Callable[[], Awaitable[None]]] = [
            lambda: call("a"),
            lambda: call("b"),
            lambda: call("c"),
            lambda: call("retry", first=True),
        ]
        await asyncio.gather(*(each() for each in calls))
        return order

    assert asyncio.run(go()) == ["a", "retry", "b", "c"]


def test_a_call_that_is_cancelled_gives_its_place_back() -> None:
    async def go() -> int:
        limiter = Limiter(1, 1)
        await limiter.acquire()
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        limiter.release()  # the first one's turn has come, and it is cancelled before it runs
        waiting[0].cancel()
        await waiting[1]
        return limiter.in_flight

    assert asyncio.run(go()) == 1
