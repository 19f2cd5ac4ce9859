"""Pairs that change nothing and pairs that a unit has already are rejected, and both can still be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contrafact.candidates import make_candidates
from contrafact.errors import RecipeError
from contrafact.plan import make_plan
from contrafact.recipe import parse_recipe
from generators.scm.repeats import ADVICE, NOTHING, TWICE
from tests.core.builds import built

WARD = {
    "arm": {"mechanism": "discrete", "levels": ["none", "low", "high"], "table": [0.3, 0.3, 0.4]},
    "age": {"mechanism": "root", "noise": {"normal": [50, 9]}},
    "given": {"mechanism": "bernoulli", "probability": 0.5},
    "well": {"mechanism": "linear", "weights": {"age": -0.1, "given": 2}, "noise": "normal"},
}


def recipe(interventions: Any, **options: Any) -> Any:
    scm = {"variables": WARD, "domains": options.pop("domains", {})}
    generator = {"use": "scm", "scm": scm, "interventions": interventions, "label": "well", **options}
    return parse_recipe({"name": "ward", "rows": 300, "generator": generator})


def made(interventions: Any, **options: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = make_candidates(make_plan(recipe(interventions, **options)), 0).to_pylist()
    return rows


def test_setting_what_a_unit_has_already_is_a_reject_with_its_reason() -> None:
    pairs = made({"do": {"given": True}})
    had = [pair for pair in pairs if pair["factual"]["given"]]
    assert 100 < len(had) < 200
    for pair in pairs:
        assert pair["reasons"] == ([NOTHING] if pair["factual"]["given"] else [])
        assert pair["counterfactual"] is not None
        assert (pair["factual"] == pair["counterfactual"]) == pair["factual"]["given"]


def test_a_pair_in_which_one_of_two_variables_moves_changes_something() -> None:
    for pair in made({"do": {"given": True, "arm": "low"}}):
        same = pair["factual"]["given"] and pair["factual"]["arm"] == 1
        assert pair["reasons"] == ([NOTHING] if same else [])


@pytest.mark.parametrize(
    "asked",
    [{"do": {"given": "same"}}, {"shift": {"age": 0}}, {"scale": {"age": 1}}, {"do": {"arm": "same", "age": "same"}}],
)
def test_a_null_intervention_that_is_meant_is_kept(asked: Any) -> None:
    for pair in made(asked):
        assert pair["accepted"]
        assert pair["factual"] == pair["counterfactual"]


def test_a_new_mechanism_that_gives_a_unit_what_it_has_is_an_answer() -> None:
    pairs = made({"soft": {"given": {"mechanism": "bernoulli", "probability": 0.6}}})
    assert all(pair["accepted"] for pair in pairs)
    assert any(pair["factual"] == pair["counterfactual"] for pair in pairs)


def test_the_same_intervention_twice_for_one_unit_is_a_reject() -> None:
    pairs = made([{"do": {"given": "another"}}, {"do": {"given": True}}, {"do": {"given": False}}])
    for pair in pairs:
        number, fact = int(pair["pair_id"].rsplit("/")[1]), pair["factual"]["given"]
        asked = [not fact, True, False][number]
        wanted = [NOTHING] if asked == fact else [TWICE] if number else []
        assert pair["reasons"] == wanted
    assert sum(pair["accepted"] for pair in pairs) == 300


def test_policies_that_come_to_the_same_are_found_unit_by_unit() -> None:
    pairs = made([{"do": {"arm": "low"}}, {"do": {"arm": {"choice": ["low", "high"]}}}])
    again = [pair for pair in pairs if pair["reasons"] == [TWICE]]
    assert 50 < len(again) < 150
    for pair in again:
        assert pair["pair_id"].endswith("/1")
        assert (pair["factual"]["arm"], pair["counterfactual"]["arm"]) in {(0, 1), (2, 1)}
    rest = [pair for pair in pairs if pair["pair_id"].endswith("/1") and pair["accepted"]]
    assert {pair["counterfactual"]["arm"] for pair in rest} == {2}


def test_shifts_by_other_amounts_and_other_operations_are_no_repeats() -> None:
    pairs = made([{"shift": {"age": 1}}, {"shift": {"age": 2}}, {"do": {"age": {"expression": "age + 1"}}}])
    assert all(pair["accepted"] for pair in pairs)


def test_units_of_several_environments_are_compared_within_their_own() -> None:
    north = {"given": {"mechanism": "bernoulli", "probability": 0.9}}
    asked = [{"do": {"given": True}}, {"do": {"given": {"choice": [True, False]}}}]
    pairs = made(asked, domains={"north": north}, domain=["base", "north"])
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        fact, set_to = one["factual"]["given"], other["counterfactual"]["given"]
        assert other["reasons"] == ([NOTHING] if fact == set_to else [TWICE] if set_to else [])


@pytest.mark.parametrize(
    "asked",
    [
        [{"do": {"given": True}}, {"shift": {"age": 1}}, {"do": {"given": True}}],
        [{"do": {"age": {"uniform": [1, 9]}}}, {"do": {"age": {"uniform": [1, 9]}}}],
        [{"do": {"given": True, "arm": "low"}}, {"do": {"arm": "low", "given": True}}],
    ],
)
def test_a_recipe_that_names_one_intervention_twice_is_refused(asked: Any) -> None:
    with pytest.raises(RecipeError, match=r"interventions 1 and \d are the same") as caught:
        make_plan(recipe(asked))
    assert caught.value.fix
    assert caught.value.allowed
    make_plan(recipe(asked, per_unit="one"))


def test_the_build_counts_them_and_knows_what_to_do(tmp_path: Path) -> None:
    asked = recipe([{"do": {"given": "another"}}, {"do": {"given": True}}])
    manifest = built(asked, tmp_path / "ward")
    assert manifest["reasons"].keys() == {NOTHING, TWICE}
    assert sum(manifest["reasons"].values()) == manifest["rejected"] == 300
    assert make_plan(asked).generator.advice() == ADVICE
    card = (tmp_path / "ward" / "README.md").read_text(encoding="utf-8")
    assert all(fix in card for fix in ADVICE.values())
