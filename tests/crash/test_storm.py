"""Whatever happens to a build, the same command finishes it, and the bytes are those of an undisturbed one."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.builds import EVERY_OTHER, PARITY, SMALL
from tests.crash.stormy import Outcome, Storm, own_mounts, storm

COMMON: dict[str, Any] = {"name": "toy", "shard_rows": 10, "generator": {"use": PARITY, "fail_every": 7}}
RECIPES: dict[str, dict[str, Any]] = {
    "straight": {**COMMON, "rows": 45, "filters": {"small": SMALL}},
    "staged": {**COMMON, "rows": 45, "filters": {"small": SMALL, "turn": EVERY_OTHER}},
    "quota": {**COMMON, "accept": 14, "max_units": 60, "filters": {"small": SMALL}},
}
IN_A_ROW = 6
"""Disasters that one dataset meets before it is left in peace."""


@pytest.fixture(scope="module")
def driver() -> Iterator[Storm]:
    with storm() as started:
        yield started


@pytest.fixture(scope="module")
def expected(driver: Storm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The undisturbed outcome of each recipe."""
    folder = tmp_path_factory.mktemp("undisturbed")
    found = {kind: driver.run(recipe=recipe, out=folder / kind) for kind, recipe in RECIPES.items()}
    assert all(outcome["exit"] == 0 and outcome["complete"] for outcome in found.values()), found
    return found


def disaster(kind: str, seconds: float, chance: random.Random) -> dict[str, Any]:
    """Something to happen at a random instant, or at a random boundary, of a build that takes so long."""
    if kind in ("kill", "term", "interrupt"):
        return {kind: chance.uniform(0, seconds * 1.1)}
    if kind == "memory":
        return {"memory": chance.randrange(0, 8_000_000)}
    if kind == "clock":
        off = chance.choice((-1, 1)) * chance.uniform(60, 10 * 365 * 86400)
        return {"clock": chance.randrange(1, 20), "by": off, "kill": chance.uniform(0, seconds)}
    return {kind: chance.randrange(1, 25), "seed": chance.randrange(2**32)}


@pytest.mark.long(bounded=24, full=240)
def test_a_storm_of_every_kind_ends_in_the_same_bytes(
    amount: int, driver: Storm, expected: dict[str, Outcome], tmp_path: Path
) -> None:
    chance, crashes = random.Random(7), Counter[str]()
    kinds = ("kill", "term", "interrupt", "memory", "power", "readonly", "clock")
    dataset = 0
    while sum(crashes.values()) < amount:
        dataset += 1
        assert dataset < amount * 3, crashes
        recipe = chance.choice(list(RECIPES))
        out, story = tmp_path / str(dataset), []
        for _ in range(IN_A_ROW):
            kind = chance.choice(kinds)
            happens = disaster(kind, expected[recipe]["seconds"], chance)
            outcome = driver.run(recipe=RECIPES[recipe], out=out, **happens)
            story.append((happens, outcome["exit"], outcome["signal"]))
            if outcome["exit"] == 0:
                break
            crashes[kind] += 1
        last = driver.run(recipe=RECIPES[recipe], out=out)
        assert last["exit"] == 0, (recipe, story, last["said"])
        assert last["tree"] == expected[recipe]["tree"], (recipe, story)
        shutil.rmtree(out)
    assert amount < 200 or set(crashes) == set(kinds), crashes


@pytest.mark.parametrize(("kind", "code"), [("interrupt", 130), ("term", 143)])
def test_a_signal_ends_in_its_exit_code_and_leaves_whole_files(
    kind: str, code: int, driver: Storm, expected: dict[str, Outcome], tmp_path: Path
) -> None:
    seen = Counter[int | None]()
    for number in range(8):
        seconds = expected["staged"]["seconds"]
        outcome = driver.run(recipe=RECIPES["staged"], out=tmp_path / str(number), **{kind: seconds * number / 8})
        seen[outcome["exit"]] += 1
        assert outcome["exit"] in (0, code, None), outcome["said"]
        assert not [path for path in outcome["tree"] if ".tmp-" in path] or outcome["exit"] is None
    assert seen[code] >= 2, seen


def test_a_disk_that_turns_read_only_is_one_message(
    driver: Storm, expected: dict[str, Outcome], tmp_path: Path
) -> None:
    for first in (1, 2, 5, 11, 17, 25, 33):
        out = tmp_path / str(first)
        outcome = driver.run(recipe=RECIPES["staged"], out=out, readonly=first)
        assert outcome["exit"] == 3, (first, outcome)
        assert "cannot be written: the file system is read-only" in outcome["said"], first
        assert "Traceback" not in outcome["said"], first
        assert driver.run(recipe=RECIPES["staged"], out=out)["tree"] == expected["staged"]["tree"]


def test_a_clock_that_jumps_moves_no_byte(driver: Storm, expected: dict[str, Outcome], tmp_path: Path) -> None:
    for by in (-30 * 365 * 86400, 3600):
        outcome = driver.run(recipe=RECIPES["quota"], out=tmp_path / str(by), clock=3, by=by)
        assert outcome["exit"] == 0
        assert outcome["tree"] == expected["quota"]["tree"]


@pytest.mark.long(bounded=3, full=1)
def test_a_power_cut_at_any_file_costs_what_was_not_flushed_and_no_more(
    amount: int, driver: Storm, expected: dict[str, Outcome], tmp_path: Path
) -> None:
    for at in (1, 2, 3, *range(4, 90, amount)):
        out = tmp_path / str(at)
        outcome = driver.run(recipe=RECIPES["straight"], out=out, power=at, seed=at)
        last = driver.run(recipe=RECIPES["straight"], out=out)
        assert last["exit"] == 0, (at, last["said"])
        assert last["tree"] == expected["straight"]["tree"], at
        if outcome["exit"] == 0:
            break
    assert at > 10, "files were completed by another way than the one that is cut"


@pytest.mark.long(bounded=8, full=40)
def test_a_full_disk_is_one_message_and_room_lets_it_go_on(amount: int, tmp_path: Path) -> None:
    before = own_mounts()
    if before is None:
        pytest.skip("this machine lets no process mount a disk of its own")
    disk = tmp_path / "disk"
    disk.mkdir()
    full = 0
    with storm("--disk", disk, before=before) as driver:
        expected = driver.run(recipe=RECIPES["staged"], out=disk / "whole")
        assert expected["exit"] == 0, expected["said"]
        for number in range(amount):
            out = disk / str(number)
            for free in (4096 * (1 + 5 * number), 4096 * (2 + 7 * number)):
                outcome = driver.run(recipe=RECIPES["staged"], out=out, free=free)
                if outcome["exit"] == 0:
                    break
                full += 1
                assert outcome["exit"] == 3, (free, outcome["said"])
                assert "cannot be written: the disk is full" in outcome["said"]
                assert "Traceback" not in outcome["said"]
            last = driver.run(recipe=RECIPES["staged"], out=out)
            assert last["exit"] == 0, last["said"]
            assert last["tree"] == expected["tree"]
    assert full >= amount // 2, full
