"""Blender: what it is told, and, where an environment is named, that it draws the same world from the same place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from contrafact.errors import MissingDependencyError, RowError
from generators.video.physics.blender import Blender, find_python
from generators.video.physics.blender.worker import VARIABLE, scene_of
from generators.video.physics.draw import draw
from generators.video.physics.evidence import Run
from tests.video.scenes import LOOK, subject


def first_frames(count: int) -> Run:
    run = subject("collision").run
    return Run(run.world, run.names, run.states[:count], run.contacts)


def test_without_an_environment_the_message_says_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(MissingDependencyError, match="pip install bpy"):
        find_python()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "python"))
    with pytest.raises(MissingDependencyError, match="is not there"):
        find_python()


def test_the_scene_that_is_told_is_whole_and_plain() -> None:
    world = subject("collision").run.world
    told = json.loads(json.dumps(scene_of(world, LOOK, 4)))
    assert [each["shape"] for each in told["bodies"]] == [each.shape for each in world.bodies]
    assert len(told["fixtures"]) == len(world.fixtures)
    assert np.allclose(np.array(told["camera"]["axes"]) @ np.array(told["camera"]["axes"]).T, np.eye(3))


def test_a_blender_that_ends_early_costs_the_clip_and_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nread line\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(fake))
    with pytest.raises(RowError, match="ended before"):
        list(Blender(LOOK, 1).draw(first_frames(2)))


@pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} names no environment with bpy")
def test_blender_draws_objects_where_the_simulator_does() -> None:
    run = first_frames(1)
    (picture,) = Blender(LOOK, 4).draw(run)
    (ours,) = draw(run, LOOK)
    assert picture.shape == ours.colour.shape
    for number in range(1, len(run.names) + 1):
        inside = ours.mask == number
        # The same colour in the same place: nearer to ours under the mask than to the floor beside it.
        seen, drawn = picture[inside].mean(axis=0), ours.colour[inside].mean(axis=0)
        floor = picture[ours.mask == 0].mean(axis=0)
        assert np.linalg.norm(seen - drawn) < np.linalg.norm(floor - drawn)
