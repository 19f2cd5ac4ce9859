"""What is latent stays hidden, what is hidden can be computed again, and a unit's name says all that decides it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.candidates import make_candidates
from contrafact.errors import InterventionError, RecipeError
from contrafact.judging import judge
from contrafact.pipeline import run_local
from contrafact.plan import Plan, make_plan
from contrafact.recipe import parse_recipe
from contrafact.stages import Recomputed
from contrafact.validation import validate
from tests.core.builds import stored
from tests.scm.clinic import SPEC, recipe
from tests.scm.test_generator import LATENT, MANY

CONFOUNDED = {"use": "confounded"}


def planned(scm: Any, interventions: Any, label: Any, **options: Any) -> Plan:
    keys = options.pop("keys", {})
    generator = {"use": "scm", "scm": scm, "interventions": interventions, "label": label, **options}
    return make_plan(parse_recipe({"name": "h", "rows": 200, "generator": generator, **keys}))


@pytest.mark.parametrize(
    "operation",
    [
        {"shift": {"luck": 1}},
        {"do": {"luck": 0.5}},
        {"do": {"luck": {"uniform": [0, 1]}}},
        {"do": {"luck": {"expression": "dose"}}},
    ],
)
def test_the_values_of_a_latent_variable_are_in_the_hidden_truth_alone(operation: Any, tmp_path: Path) -> None:
    plan = planned(LATENT, operation, "outcome")
    for pair in make_candidates(plan, 0).to_pylist():
        [change] = pair["intervention"]
        assert (change["variable"], change["before"], change["after"]) == ("luck", None, None)
        latent = pair["hidden"]["counterfactual_latent"]["luck"]
        [asked] = pair["hidden"]["requested"]
        assert (asked is None) if change["operation"] == "shift" else (float(asked) == latent)
    run_local(plan.recipe, None, tmp_path)
    assert validate(tmp_path).problems == []


def test_neither_a_label_nor_a_policy_reads_what_is_latent() -> None:
    with pytest.raises(RecipeError, match="the label 'Y0' reads 'Y0', which is latent") as caught:
        planned({"use": "ihdp_b"}, {"do": {"T": "another"}}, "Y0")
    assert "Y0" not in str(caught.value).split("allowed:")[1].split("fix:")[0]
    with pytest.raises(RecipeError, match="the label 'U > 0' reads 'U'"):
        planned(CONFOUNDED, {"shift": {"T": 1}}, {"expression": "U > 0", "names": ["low", "high"]})
    with pytest.raises(InterventionError, match="the value 'T \\+ U' of T reads 'U', which is latent"):
        planned(CONFOUNDED, {"do": {"T": {"expression": "T + U"}}}, "Y")


def recomputed(plan: Plan, pairs: pa.Table) -> Recomputed:
    whole = pairs.filter(pa.compute.is_valid(pairs["counterfactual"])).combine_chunks()
    answer = plan.generator.recompute(whole)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"domain": ["base", "north", "south"]},
        {"abduction": "observed"},
        {"abduction": "observed", "domain": "north"},
    ],
)
def test_facts_exactness_and_what_is_held_follow_from_the_record_again(options: dict[str, Any]) -> None:
    plan = make_plan(recipe(MANY, **options))
    pairs = make_candidates(plan, 0)
    pairs = pairs.filter(pa.compute.is_valid(pairs["counterfactual"]))
    again = recomputed(plan, pairs)
    facts = pairs["factual"].combine_chunks()
    assert again.factual is not None
    assert set(again.factual) == set(SPEC["variables"])
    for name, values in again.factual.items():
        stored_values = np.asarray(facts.field(name).to_numpy(zero_copy_only=False))
        if options.get("abduction") == "observed":
            np.testing.assert_allclose(values.astype(float), stored_values.astype(float), atol=1e-12)
        else:
            np.testing.assert_array_equal(values, stored_values)
    assert again.exact is not None
    assert again.exact.tolist() == pairs["exact"].to_pylist()
    assert again.held_fixed is not None
    assert again.held_fixed.to_pylist() == pairs["held_fixed"].to_pylist()
    assert again.exact.all() == ("abduction" not in options)


def test_facts_that_do_not_follow_from_their_noise_show() -> None:
    plan = make_plan(recipe({"shift": {"dose": 1}}))
    pairs = make_candidates(plan, 0)
    hidden = pairs["hidden"].to_pylist()
    hidden[3]["noise"]["age"] += 1
    place = pairs.schema.get_field_index("hidden")
    moved = pairs.set_column(place, pairs.schema.field(place), pa.array(hidden, pairs.schema.field(place).type))
    again = recomputed(plan, moved)
    assert again.factual is not None
    facts = np.asarray(pairs["factual"].combine_chunks().field("age"))
    assert np.flatnonzero(again.factual["age"] != facts).tolist() == [3]


def test_noise_of_weighted_particles_does_not_judge_the_fact() -> None:
    blurred = {"x": {"mechanism": "root"}, "y": {"mechanism": "noninvertible", "expression": "abs(x + noise)"}}
    plan = planned({"variables": blurred}, {"shift": {"x": 1}}, "y", abduction="observed")
    pairs = make_candidates(plan, 0)
    again = recomputed(plan, pairs)
    assert again.factual is not None
    np.testing.assert_array_equal(again.factual["y"], np.asarray(pairs["factual"].combine_chunks().field("y")))


def test_what_was_requested_is_kept_apart_from_what_came_of_it() -> None:
    plan = make_plan(recipe(MANY, keys={"filters": {"graph": {}}}))
    pairs = make_candidates(plan, 0)
    for pair in pairs.to_pylist():
        asked = pair["hidden"]["requested"]
        assert len(asked) == len(pair["intervention"])
        for text, change in zip(asked, pair["intervention"], strict=True):
            assert text == (change["after"] if change["operation"] == "do" else None)
    assert all(judge(pairs, plan.filters)["graph"].passed)


def test_a_mechanism_that_ignores_do_is_caught_although_before_and_after_agree() -> None:
    """The record's ``after`` is copied from the counterfactual, so only the request can tell."""
    plan = make_plan(recipe({"do": {"dose": 1.5}}, keys={"filters": {"graph": {}}}))
    pairs = make_candidates(plan, 0)
    members, changes = pairs["counterfactual"].to_pylist(), pairs["intervention"].to_pylist()
    members[2]["dose"], changes[2][0]["after"] = 1.25, "1.25"
    for name, values in (("counterfactual", members), ("intervention", changes)):
        place = pairs.schema.get_field_index(name)
        pairs = pairs.set_column(place, pairs.schema.field(place), pa.array(values, pairs.schema.field(place).type))
    verdict = judge(pairs, plan.filters)["graph"]
    assert np.flatnonzero(~verdict.passed).tolist() == [2]
    assert "dose does not read the value that do set" in str(np.asarray(verdict.reason)[2])


def test_a_unit_has_one_name_for_one_content() -> None:
    """Two recipes give a unit one name exactly where they give it one content."""
    spec = {**SPEC, "domains": SPEC["domains"]}
    found: dict[str, Any] = {}
    for options in ({}, {"domain": "north"}, {"domain": ["base", "north"]}, {"abduction": "observed"}):
        pairs = make_candidates(make_plan(recipe({"shift": {"age": 1}}, "dose", scm=spec, **options)), 0)
        facts = [{name: row[name] for name in SPEC["variables"]} for row in pairs["factual"].to_pylist()]
        for name, fact in zip(pairs["unit_id"].to_pylist(), facts, strict=True):
            assert found.setdefault(name, fact) == fact
    assert len(found) == 300


def test_a_table_and_samples_of_its_model_are_other_units(tmp_path: Path) -> None:
    rows = "\n".join(f"{x},{2 * x + x % 3}.5" for x in range(40))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}\n", encoding="utf-8")
    scm = {"fit": {"table": str(tmp_path / "t.csv"), "graph": [["x", "y"]]}}
    ids = [
        set(make_candidates(planned(scm, {"shift": {"y": 1}}, "y", facts=facts), 0)["unit_id"].to_pylist())
        for facts in ("table", "sampled")
    ]
    assert not ids[0] & ids[1]


def test_a_model_that_can_complete_its_facts_works_from_observation(tmp_path: Path) -> None:
    made = parse_recipe(
        {
            "name": "ild",
            "rows": 300,
            "generator": {
                "use": "scm",
                "scm": {"use": "ild"},
                "domain": "base",
                "abduction": "observed",
                "interventions": {"domain": "another"},
                "label": "x1",
            },
            "filters": {"graph": {}},
        }
    )
    manifest = run_local(made, None, tmp_path / "observed")
    assert (manifest["accepted"], manifest["exact"]) == (300, 300)
    assert validate(tmp_path / "observed").problems == []
    known = made.model_copy(deep=True)
    known.generator.options["abduction"] = "known"
    run_local(known, None, tmp_path / "known")
    one, other = (stored(tmp_path / name).sort_by("pair_id") for name in ("observed", "known"))
    assert one["factual"].equals(other["factual"])
    for name in ("x0", "x5"):
        inferred, truth = (np.array([row[name] for row in each["counterfactual"].to_pylist()]) for each in (one, other))
        np.testing.assert_allclose(inferred, truth, atol=1e-8)
