"""The structural recipes build, validate, preview and read as datasets; a few hundred units of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe
from contrafact.samples import sample_pairs
from contrafact.store.layout import RunDirectory
from contrafact.validation import validate
from tests.flows.commands import contrafact

RECIPES = Path(__file__).parent.parent.parent / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("text_structural_*.yaml"))


def test_there_is_a_recipe_for_every_setting() -> None:
    assert NAMES == ["text_structural_cv", "text_structural_disease", "text_structural_violence"]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_builds_and_every_label_and_text_is_computed_again(name: str, tmp_path: Path) -> None:
    recipe, path = load_recipe(str(RECIPES / f"{name}.yaml"), rows=300)
    manifest = run_local(recipe, path, tmp_path / name)
    assert manifest["accepted"] == manifest["proposed"] == 300
    assert manifest["label_sources"] == {"oracle": 300}
    assert manifest["exact"] == 300
    found = validate(tmp_path / name, RECIPES)
    assert found.problems == []
    assert found.recomputed == 300
    pairs = sample_pairs(RunDirectory(tmp_path / name), 300)
    flips = sum(pair["label"] != pair["counterfactual_label"] for pair in pairs)
    assert 30 <= flips <= 270  # some interventions move the label, and some must not
    assert all(pair["factual"]["text"] != pair["counterfactual"]["text"] for pair in pairs)
    assert all(pair["scores"]["concept_recall"] == 1.0 for pair in pairs)
    card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
    assert "recall_<concept>" in card
    assert re.search(r"→ .*\btext\b", card)  # the causal graph ends in the text


def test_a_structural_recipe_previews(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "preview", RECIPES / "text_structural_violence.yaml", "-n", 3)
    assert outcome.code == 0
    assert "label source: oracle" in outcome.text
