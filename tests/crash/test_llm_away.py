"""Killed again and again, and its language model gone for a while: nothing that was answered is asked twice."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.stormy import Storm, storm
from tests.llm.server import Behaviour, LoopbackServer

CONCURRENCY = 4


@pytest.fixture(scope="module")
def driver() -> Iterator[Storm]:
    with storm() as started:
        yield started


def asking(server: LoopbackServer, **engine: Any) -> dict[str, Any]:
    """A recipe that asks a question for each unit, and one for each shard that is always the same."""
    where = {"backend": "openai", "model": "loopback", "base_url": server.base_url}
    llm = {**where, "concurrency": CONCURRENCY, "timeout": 5, **engine}
    return {"name": "asks", "rows": 32, "generator": {"use": "tests.core.askers:Asker"}, "engines": {"llm": llm}}


def asked(server: LoopbackServer) -> Counter[str]:
    """How often each question reached the server."""
    return Counter(str(call.body["prompt"]) for call in server.calls if "prompt" in call.body)


def cached_in(folder: Path) -> dict[str, str]:
    """A cache of its own, told by the environment so that the recipe, and every byte, stays the same."""
    return {"CONTRAFACT_CACHE": str(folder)}


def answered(folder: Path) -> int:
    """How many answers are stored."""
    cache = folder / "replies.sqlite"
    if not cache.exists():
        return 0
    with contextlib.closing(sqlite3.connect(cache)) as file:
        try:
            return int(file.execute("SELECT count(*) FROM replies").fetchone()[0])
        except sqlite3.OperationalError:
            return 0  # killed before the table was there


@pytest.mark.long(bounded=6, full=60)
def test_no_paid_request_is_repeated_whatever_is_killed(amount: int, driver: Storm, tmp_path: Path) -> None:
    chance, crashes, dataset = random.Random(3), 0, 0
    with LoopbackServer(latency=0.01) as server:
        recipe = asking(server)
        whole = driver.run(recipe=recipe, out=tmp_path / "whole", env=cached_in(tmp_path / "once"))
        assert whole["exit"] == 0, whole["said"]
        once = asked(server)
        assert set(once.values()) == {1}
        while crashes < amount:
            dataset += 1
            out, cache = tmp_path / str(dataset), tmp_path / f"{dataset}-cache"
            server.calls.clear()
            killed = 0
            for _ in range(8):
                at = chance.uniform(0.05, whole["seconds"])
                outcome = driver.run(recipe=recipe, out=out, env=cached_in(cache), kill=at)
                if outcome["exit"] == 0:
                    break
                killed += 1
                # Every question reached the server at most as often as its answer was lost on the way.
                assert sum(asked(server).values()) <= answered(cache) + killed * CONCURRENCY
            last = driver.run(recipe=recipe, out=out, env=cached_in(cache))
            assert last["exit"] == 0, last["said"]
            assert last["tree"] == whole["tree"]
            count = asked(server)
            assert set(count) == set(once)
            assert sum(count.values()) - len(count) <= killed * CONCURRENCY, "more was asked again than was in flight"
            crashes += killed
    assert crashes >= amount


def test_a_server_that_goes_away_ends_in_one_message_and_the_rest_is_asked_later(driver: Storm, tmp_path: Path) -> None:
    cache, out = tmp_path / "cache", tmp_path / "asks"
    with LoopbackServer(latency=0.01) as server:
        recipe, port = asking(server, retries=1, timeout=1, patience=0.5), server.port
        whole = driver.run(recipe=recipe, out=tmp_path / "whole", env=cached_in(tmp_path / "once"))
        assert whole["exit"] == 0, whole["said"]
        questions = set(asked(server))
    with LoopbackServer(port=port, behave=lambda number, call: Behaviour(cut=number >= 12)) as server:
        outcome = driver.run(recipe=recipe, out=out, env=cached_in(cache), impatient=True)
        assert outcome["exit"] == 4, outcome
        assert "did not answer for 0.5 s" in outcome["said"]
        assert "Traceback" not in outcome["said"], outcome["said"]
    first = answered(cache)
    assert 0 < first <= 12
    with LoopbackServer(latency=0.01, port=port) as server:
        last = driver.run(recipe=recipe, out=out, env=cached_in(cache))
        assert last["exit"] == 0, last["said"]
        assert set(asked(server).values()) == {1}
        assert len(asked(server)) == len(questions) - first
    assert last["tree"] == whole["tree"]
