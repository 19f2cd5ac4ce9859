"""Every recipe of the repository builds, validates, previews, and reads as a dataset; small ones of each here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import MissingDependencyError
from contrafact.identity import canonical
from contrafact.pipeline import run_local
from contrafact.plan import make_plan
from contrafact.recipe import all_recipes, load_recipe
from contrafact.samples import sample_pairs
from contrafact.store.layout import RunDirectory
from contrafact.validation import validate
from generators.scm.readers.fit import FittedSCM, scm_from_fit_spec
from tests.flows.commands import contrafact

ROOT = Path(__file__).parent.parent
# Recipes for text stand on other witnesses, and those for video and images draw few but large pairs:
# tests/text/test_recipes.py, tests/video and tests/image build them.
ELSEWHERE = ("image_", "text_", "video_")
RECIPES = sorted(path for path in (ROOT / "recipes").glob("*.yaml") if not path.stem.startswith(ELSEWHERE))
UNITS = 300


@pytest.fixture(scope="module", autouse=True)
def _fitted_once() -> Iterator[None]:
    """A recipe is made ready three times here, and fitting a table takes seconds: each table is fitted once."""
    with pytest.MonkeyPatch.context() as patch:
        fitted: dict[str, FittedSCM] = {}

        def once(spec: Mapping[str, Any], folder: Path | None = None) -> FittedSCM:
            key = canonical(spec)
            if key not in fitted:
                fitted[key] = scm_from_fit_spec(spec, folder)
            return fitted[key]

        patch.setattr("generators.scm.readers.fit.scm_from_fit_spec", once)
        yield


@pytest.fixture(scope="module", params=RECIPES, ids=lambda path: path.stem)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, dict[str, Any]]:
    """A recipe, its run directory, and its manifest."""
    path: Path = request.param
    out = tmp_path_factory.mktemp("recipes") / path.stem
    recipe, _ = load_recipe(str(path))
    few = 30 if path.stem.endswith("_c") else 100  # C is compiled, pair by pair
    amount: dict[str, Any] = {"rows": UNITS} if recipe.rows is not None else {"accept": few}
    small, _ = load_recipe(str(path), **amount)
    return path, out, run_local(small, path, out)


def test_there_are_recipes_of_every_kind_of_mechanism() -> None:
    names = {path.stem for path in RECIPES}
    kinds = ("linear", "additive", "location_scale", "monotone", "categorical", "discrete", "boolean", "deterministic")
    assert names >= {"quickstart", *(f"scm_{kind}" for kind in (*kinds, "noninvertible"))}
    assert any(name.startswith("bif_") for name in names)
    assert any(name.startswith("domains_") for name in names)
    assert any(name.startswith("effect_") for name in names)
    assert {path.stem for path in all_recipes()} >= names


def test_a_recipe_builds_and_validates(built: tuple[Path, Path, dict[str, Any]]) -> None:
    path, out, manifest = built
    assert manifest["name"] == path.stem
    assert manifest["accepted"] >= 25
    assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"]
    assert manifest["label_sources"] == {"oracle": manifest["accepted"]}
    found = validate(out, path.parent)
    assert found.problems == []
    assert found.pairs == manifest["proposed"]
    # A pair outside the support is turned away by the generator, and was computed all the same.
    made = manifest["proposed"] - manifest["funnel"][0]["rejected"]
    assert made <= found.recomputed <= found.pairs


def test_a_recipe_holds_out_nothing_that_it_trains_on(built: tuple[Path, Path, dict[str, Any]]) -> None:
    path, _, manifest = built
    held = manifest["overlap"].get("held_out", {})
    assert {split: each["in_train"] for split, each in held.items()} == dict.fromkeys(held, 0), path.stem


def test_a_recipe_changes_what_it_says_and_only_what_follows(built: tuple[Path, Path, dict[str, Any]]) -> None:
    path, out, _ = built
    pairs = sample_pairs(RunDirectory(out), 50)
    assert pairs
    for pair in pairs:
        targets = {each["variable"] for each in pair["intervention"]}
        moved = {name for name, fact in pair["factual"].items() if fact != pair["counterfactual"][name]}
        assert moved, f"{path.stem}: nothing moved in {pair['pair_id']}"
        assert not moved & set(pair["held_fixed"]), f"{path.stem}: {pair['pair_id']}"
        for each in pair["intervention"]:
            name = each["variable"]
            if each["operation"] == "do" and name in pair["counterfactual"]:
                assert str(pair["counterfactual"][name]).lower() in (each["after"].lower(), f"{each['after']}.0")
        assert targets


def test_a_recipe_previews(built: tuple[Path, Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    path, _, _ = built
    outcome = contrafact(capsys, "preview", path, "-n", 2)
    assert outcome.code == 0, outcome
    assert "factual" in outcome.out
    assert "label source: oracle" in outcome.text
    assert "intervened on" in outcome.text
    # A mark that something moved which nothing could have moved would be a lie of the pair or of the graph.
    assert " ! " not in outcome.out


def test_a_recipe_is_listed_with_what_it_is(
    built: tuple[Path, Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, _, _ = built
    outcome = contrafact(capsys, "list", "recipes")
    assert outcome.code == 0
    assert path.stem in outcome.out
    assert "broken" not in outcome.out


@pytest.mark.parametrize("network", ["asia", "alarm"])
def test_a_network_without_pgmpy_says_how_to_install_it(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins
    import sys

    real = builtins.__import__

    def without(name: str, *others: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == "pgmpy":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *others)

    for name in [name for name in sys.modules if name.split(".")[0] == "pgmpy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    recipe, path = load_recipe(f"bif_{network}")
    with pytest.raises(MissingDependencyError, match="pip install"):
        make_plan(recipe, path)
