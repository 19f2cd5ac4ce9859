"""The text recipes of the repository build, validate and preview; a handful of units of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe
from contrafact.validation import validate
from tests.flows.commands import contrafact

RECIPES = Path(__file__).parent.parent.parent / "recipes"


def built(name: str, rows: int, out: Path) -> dict[str, Any]:
    recipe, path = load_recipe(str(RECIPES / f"{name}.yaml"), rows=rows)
    return run_local(recipe, path, out)


def test_every_text_recipe_is_built_here() -> None:
    # The tests of the other generators build theirs: test_structural_recipes.py, test_template.py ...
    ours = {path.stem for kind in ("lexical", "phrasal") for path in RECIPES.glob(f"text_{kind}_*.yaml")}
    assert ours == {*LEXICAL, *PHRASAL}


LEXICAL = ("text_lexical_controlled", "text_lexical_nli", "text_lexical_sentiment")
PHRASAL = ("text_phrasal_nli", "text_phrasal_sentiment", "text_phrasal_teacher")


@pytest.mark.system("wordnet-base")
@pytest.mark.parametrize("name", LEXICAL)
def test_a_lexical_recipe_builds_and_validates(name: str, tmp_path: Path) -> None:
    manifest = built(name, 60, tmp_path / name)
    assert manifest["accepted"] >= 20
    assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"]
    assert set(manifest["label_sources"]) <= {"construction", "llm"}
    assert validate(tmp_path / name, RECIPES).problems == []


@pytest.mark.parametrize("name", PHRASAL)
def test_a_phrasal_recipe_builds_with_the_embedded_model(name: str, tmp_path: Path) -> None:
    manifest = built(name, 3, tmp_path / name)
    assert manifest["proposed"] >= 3
    assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"]
    assert manifest["usage"]["requests"] >= 1
    assert validate(tmp_path / name, RECIPES).problems == []


@pytest.mark.system("wordnet-base")
def test_a_text_recipe_previews(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "preview", RECIPES / "text_lexical_nli.yaml", "-n", 3)
    assert outcome.code == 0
    assert "hypothesis" in outcome.text
