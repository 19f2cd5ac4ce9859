"""One ``kill -9`` of the real command in the middle of a build through Prefect, and the same command again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe
from tests.core.builds import tree
from tests.crash.toys import CALLS, DELAY
from tests.flows.commands import ROOT, spawned

RECIPE = """
name: toy
rows: 80
shard_rows: 10
workers: 2
generator: {use: "tests.crash.toys:Recorded", fail_every: 7}
filters:
  small: {use: "tests.core.toys:Small", below: 70}
  turn: {use: "tests.core.toys:EveryOther"}
"""
SHARDS = 8
PATIENCE = 120


def calls_in(path: Path) -> list[int]:
    return [int(line) // 10 for line in path.read_text(encoding="utf-8").split()] if path.exists() else []


def test_the_real_command_killed_half_way_ends_in_the_same_bytes(prefect_server: str, tmp_path: Path) -> None:
    recipe, out, calls = tmp_path / "toy.yaml", tmp_path / "toy", tmp_path / "calls"
    recipe.write_text(RECIPE, encoding="utf-8")
    settings: dict[str, Any] = {CALLS: str(calls), "PREFECT_API_URL": prefect_server}
    command = [sys.executable, "-m", "flows.cli", "build", str(recipe), "--out", str(out)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **settings, DELAY: "0.6"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while len(list(out.glob(".work/proposed/[0-9]*.json"))) < 3:
            assert process.poll() is None, "the build ended before it could be killed"
            assert time.monotonic() < deadline, "the build did not get under way"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=PATIENCE) == -signal.SIGKILL
    done = {int(path.stem) for path in out.glob(".work/proposed/[0-9]*.json")}
    assert 3 <= len(done) < SHARDS
    assert not (out / "manifest.json").exists()
    first = calls_in(calls)
    calls.unlink()

    again = spawned("build", recipe, "--out", out, **settings)
    assert again.code == 0, again
    assert "Traceback" not in again.text
    second = calls_in(calls)
    assert not set(second) & done, "shards that were finished were made again"
    assert set(first) | set(second) == set(range(SHARDS))
    assert len(first) + len(second) <= SHARDS + 2, "more was made twice than the two shards in flight"

    os.environ[CALLS] = str(tmp_path / "undisturbed")
    try:
        read, path = load_recipe(str(recipe))
        run_local(read, path, tmp_path / "whole")
    finally:
        del os.environ[CALLS]
    assert tree(out) == tree(tmp_path / "whole")
    assert not list(out.rglob(".tmp-*"))
