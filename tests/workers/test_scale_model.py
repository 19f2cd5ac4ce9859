"""The paper model of large builds: cases whose answer is known without it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.costs import fitted
from benchmarks.scale_model import Limits, Load, completion, simulate

SURE = Limits(workers=10, dispatch=0.0, start=2.0, spread=0.0, deaths=0.0)


def test_shards_of_one_length_take_whole_rounds() -> None:
    run = simulate(95, 6.0, SURE)
    assert run.seconds == pytest.approx(2.0 + 10 * 6.0)
    assert run.busy == pytest.approx(95 * 6.0 / (run.seconds * 10))
    assert (run.dispatching, run.remade) == (0.0, 0)


def test_a_slow_dispatcher_is_what_a_run_of_short_shards_waits_for() -> None:
    slow = Limits(workers=1000, dispatch=0.01, start=0.0, spread=0.0, deaths=0.0)
    run = simulate(20_000, 1.0, slow)
    assert run.seconds == pytest.approx(20_000 * 0.01, rel=0.02)
    assert run.dispatching > 0.98
    assert run.busy < 0.11


def test_deaths_cost_their_shard_and_nothing_else() -> None:
    deadly = Limits(workers=10, dispatch=0.0, start=2.0, spread=0.0, deaths=20.0)
    run = simulate(1000, 10.0, deadly, seed=3)
    expected = 1000 * (math.exp(10 * 20 / 3600) - 1)
    assert expected * 0.6 < run.remade < expected * 1.5
    assert run.seconds < simulate(1000 + run.remade, 10.0, SURE).seconds + 20 * run.remade / 10 + 10


def test_what_the_builder_does_alone_grows_with_what_it_reads() -> None:
    load = Load("toy", 1e-5, 100.0, 4.0, pairs=10**7)
    one, ten = (completion(load, shards, SURE) for shards in (100, 1000))
    assert ten["manifest, bytes"] == 10 * one["manifest, bytes"]
    assert ten["fetching content hashes, s"] == one["fetching content hashes, s"] == pytest.approx(8e7 / 200e6)
    two = 10**7 * SURE.compared + 2 * 1000 * SURE.slice
    assert ten["comparing contents, s"] == pytest.approx(two), "eight million training pairs are two parts"
    assert ten["objects"] == 6000


def test_a_line_is_found_and_its_residual_told() -> None:
    pairs = [1000, 2000, 4000]
    line = fitted(pairs, [3 + 0.002 * each for each in pairs])
    assert line.fixed == pytest.approx(3)
    assert line.each == pytest.approx(0.002)
    assert line.residual < 1e-9
    bent = fitted(pairs, [3 + 0.002 * each + 1e-6 * each**2 for each in np.array(pairs)])
    assert 0.01 < bent.residual < 0.5
