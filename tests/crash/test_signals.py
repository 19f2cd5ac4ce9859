"""Ctrl-C once: shards in work are finished, the command says how to resume. Twice: it ends now. Both lose nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe
from tests.core.builds import tree
from tests.crash.toys import CALLS, DELAY
from tests.flows.commands import ROOT

RECIPE = """
name: toy
rows: 80
shard_rows: 10
workers: 2
generator: {use: "tests.crash.toys:Recorded", fail_every: 7}
filters: {small: {use: "tests.core.toys:Small", below: 70}}
"""
PATIENCE = 60


class Command:
    """``contrafact build`` in a process of its own, slow enough to be met in the middle of a shard."""

    def __init__(self, folder: Path, delay: float) -> None:
        self.recipe, self.out, self.calls = folder / "toy.yaml", folder / "toy", folder / "calls"
        self.recipe.write_text(RECIPE, encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "build", str(self.recipe), "--out", str(self.out), "--local"],
            cwd=ROOT,
            env={**os.environ, CALLS: str(self.calls), DELAY: str(delay)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def begun(self) -> list[int]:
        return sorted(int(line) // 10 for line in self.calls.read_text().split()) if self.calls.exists() else []

    def finished(self) -> list[int]:
        return sorted(int(path.stem) for path in self.out.glob(".work/finished/[0-9]*.json"))

    def until(self, shards: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while len(self.begun()) < shards:
            assert self.process.poll() is None, "the build ended before it could be met"
            assert time.monotonic() < deadline, "the build did not get under way"
            time.sleep(0.01)

    def ended(self) -> tuple[int, str]:
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "toy.yaml").write_text(RECIPE, encoding="utf-8")
    os.environ[CALLS] = str(folder / "calls")
    try:
        recipe, path = load_recipe(str(folder / "toy.yaml"))
        run_local(recipe, path, folder / "toy")
    finally:
        del os.environ[CALLS]
    return tree(folder / "toy")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_once_finishes_what_is_in_work_and_says_how_to_resume(
    number: signal.Signals, code: int, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    command = Command(tmp_path, 0.5)
    command.until(3)
    command.process.send_signal(number)
    ended, said = command.ended()
    assert ended == code
    assert command.begun() == command.finished(), "what was begun is finished, and nothing was begun afterwards"
    assert 3 <= len(command.finished()) <= 4
    assert "stopping when the shards in work are finished" in said
    resume = f"contrafact build {command.recipe} --out {command.out} --local"
    assert said.rstrip().endswith(f"stopped; finished shards are kept. Resume with:\n  {resume}")
    assert "Traceback" not in said
    again = Command(tmp_path, 0)
    assert again.ended()[0] == 0
    assert again.begun() == list(range(8)), "the resumed build began only what was not there"
    assert tree(command.out) == expected


def test_twice_ends_now(tmp_path: Path, expected: dict[str, bytes]) -> None:
    command = Command(tmp_path, 20)
    command.until(1)
    began = time.monotonic()
    command.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    command.process.send_signal(signal.SIGINT)
    ended, said = command.ended()
    assert ended == 130
    assert time.monotonic() - began < 10, "it waited for shards of 20 s"
    assert command.finished() == []
    assert "Resume with:\n  contrafact build " in said
    assert Command(tmp_path, 0).ended()[0] == 0
    assert tree(command.out) == expected
