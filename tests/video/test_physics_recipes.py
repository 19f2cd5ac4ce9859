"""The recipes for simulated video: a few pairs of each, whole and validated."""

from __future__ import annotations

from pathlib import Path

import pytest

from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe
from contrafact.validation import validate

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.system("libegl1", "libegl-mesa0", "libgl1-mesa-dri")


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("video_physics_*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_builds_and_every_answer_is_recomputed(path: Path, tmp_path: Path) -> None:
    recipe, _ = load_recipe(str(path), ["generator.size=[64, 48]", "generator.rate=8"], rows=3)
    manifest = run_local(recipe, path, tmp_path / "out")
    assert manifest["accepted"] > 0
    found = validate(tmp_path / "out")
    assert found.problems == []
    assert found.witnesses == {"oracle": found.recomputed}
