"""The ``scm`` generator: pairs that belong to their unit, hold together, and can be computed again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.candidates import make_candidates
from contrafact.errors import RecipeError
from contrafact.pipeline import run_local
from contrafact.plan import Plan, make_plan
from contrafact.recipe import Recipe, parse_recipe
from contrafact.record import levels_of
from contrafact.validation import validate
from tests.core.builds import every_pair, stored
from tests.scm.clinic import SPEC, recipe

MANY: list[dict[str, Any]] = [
    {"do": {"arm": "another"}},
    {"shift": {"dose": 0.5}},
    {"do": {"visits": "another"}, "scale": {"dose": 2}},
    {"soft": {"dose": {"mechanism": "additive", "expression": "age / 25", "noise": {"normal": [0, 0.2]}}}},
    {"domain": "another"},
    {"domain": "north", "do": {"age": {"expression": "100 - age"}}},
]


def candidates(made: Recipe, shard: int = 0) -> pa.Table:
    return make_candidates(plan(made), shard)


def plan(made: Recipe) -> Plan:
    return make_plan(made)


def facts_by_unit(folder: Path) -> dict[str, Any]:
    whole = (
        pa.concat_tables([stored(folder), stored(folder, "rejected")])
        if (folder / "rejected").is_dir()
        else stored(folder)
    )
    return dict(zip(whole["unit_id"].to_pylist(), whole["factual"].to_pylist(), strict=True))


@pytest.mark.parametrize(
    "options",
    [{}, {"domain": ["base", "north"]}, {"abduction": "observed"}],
    ids=["known", "domains", "observed"],
)
def test_units_and_their_pairs_are_the_same_whatever_the_shards(options: dict[str, Any], tmp_path: Path) -> None:
    interventions = MANY if options.get("abduction") is None else MANY[:3]
    found = []
    for shard_rows in (7, 50, 1000):
        made = recipe(
            interventions,
            keys={"shard_rows": shard_rows, "filters": {"effect_size": {"min": 0.3, "variable": "dose"}}},
            per_unit="one",
            **options,
        )
        out = tmp_path / str(shard_rows)
        run_local(made, None, out)
        pairs = every_pair(out).drop_columns(["provenance"]).sort_by("pair_id").combine_chunks()
        noise = pa.concat_tables([stored(out, "hidden")]).sort_by("pair_id").combine_chunks()
        found.append((pairs, noise))
    for pairs, noise in found[1:]:
        assert pairs.equals(found[0][0])
        assert noise.equals(found[0][1])


def test_fewer_rows_are_a_prefix_of_more(tmp_path: Path) -> None:
    for rows in (50, 100):
        run_local(recipe(MANY, per_unit="one", keys={"rows": rows, "shard_rows": 30}), None, tmp_path / str(rows))
    few, more = (
        stored(tmp_path / str(rows)).drop_columns(["provenance"]).sort_by("pair_id").combine_chunks()
        for rows in (50, 100)
    )
    assert (few.num_rows, more.num_rows) == (50, 100)
    assert more.slice(0, 50).combine_chunks().equals(few)


def test_what_is_done_to_units_does_not_change_them() -> None:
    """The noise belongs to (seed, model, unit): another intervention, label or filter meets the same people."""
    one = candidates(recipe({"do": {"arm": "another"}}))
    other = candidates(recipe({"shift": {"dose": 1}}, label="dose > 1", keys={"filters": {"graph": {}}, "rows": 200}))
    assert one["unit_id"].to_pylist() == other["unit_id"].to_pylist()[:100]
    assert one["factual"].to_pylist() == other["factual"].to_pylist()[:100]


def test_another_seed_or_model_has_other_units() -> None:
    one = candidates(recipe({"do": {"arm": "another"}}))
    seed = candidates(recipe({"do": {"arm": "another"}}, keys={"seed": 1}))
    spec = {**SPEC, "variables": {**SPEC["variables"], "extra": {"mechanism": "root", "noise": "normal"}}}
    model = candidates(recipe({"do": {"arm": "another"}}, scm=spec))
    ids = [set(each["unit_id"].to_pylist()) for each in (one, seed, model)]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]


def test_all_interventions_or_one_drawn_for_each_unit() -> None:
    every = candidates(recipe(MANY))
    assert every.num_rows == 100 * len(MANY)
    assert every["unit_id"].to_pylist()[: len(MANY)] == [every["unit_id"][0].as_py()] * len(MANY)
    requests = every["hidden"].combine_chunks().field("request").to_pylist()
    assert requests == list(range(len(MANY))) * 100
    one = candidates(recipe(MANY, per_unit="one", keys={"rows": 1200}))
    assert one.num_rows == 1200
    counts = np.bincount(one["hidden"].combine_chunks().field("request").to_numpy(), minlength=len(MANY))
    assert (abs(counts - 200) < 70).all()


def test_a_pair_drawn_is_the_pair_that_all_would_have_had() -> None:
    every = {(row["unit_id"], row["hidden"]["request"]): row for row in candidates(recipe(MANY)).to_pylist()}
    for row in candidates(recipe(MANY, per_unit="one")).to_pylist():
        other = every[row["unit_id"], row["hidden"]["request"]]
        for name in ("factual", "counterfactual", "intervention", "label", "counterfactual_label", "held_fixed"):
            assert row[name] == other[name]


def test_the_record_says_what_was_measured() -> None:
    pairs = candidates(recipe({"do": {"arm": "another"}, "scale": {"dose": 3}})).to_pylist()
    levels = ["none", "low", "high"]
    for pair in pairs:
        first, second = pair["intervention"]
        assert first == {
            "variable": "arm",
            "operation": "do",
            "before": levels[pair["factual"]["arm"]],
            "after": levels[pair["counterfactual"]["arm"]],
            "where": None,
        }
        assert float(second["before"]) == pair["factual"]["dose"]
        assert float(second["after"]) == pair["counterfactual"]["dose"]
        assert pair["held_fixed"] == ["age", "visits"]
        assert all(pair["factual"][name] == pair["counterfactual"][name] for name in pair["held_fixed"])
        assert pair["label"] == pair["factual"]["cured"]
        assert pair["counterfactual_label"] == pair["counterfactual"]["cured"]
        assert pair["exact"]
        assert pair["scores"]["ess"] is None
        assert pair["provenance"]["model"].startswith("clinic:")


def test_the_null_intervention_gives_the_fact_to_the_last_bit() -> None:
    for options in ({}, {"abduction": "observed"}):
        table = candidates(recipe({"do": dict.fromkeys(SPEC["variables"], "same")}, **options))
        assert table["factual"].combine_chunks().equals(table["counterfactual"].combine_chunks())
        assert table["label"].equals(table["counterfactual_label"])


def test_domains_are_told_in_both_members_and_in_the_intervention() -> None:
    table = candidates(recipe({"domain": "another"}, domain=["base", "south"]))
    domain = table.schema.field("factual").type.field("domain")
    names = levels_of(domain)
    assert names == ("base", "north", "south")
    targets = set()
    for pair in table.to_pylist():
        here, there = names[pair["factual"]["domain"]], names[pair["counterfactual"]["domain"]]
        assert here in ("base", "south")
        assert here != there
        targets.add((here, there))
        changes = pair["intervention"]
        assert {(each["operation"], each["variable"], each["before"], each["after"]) for each in changes} == {
            ("domain", "domain", here, there)
        }
        # The same noise under another mechanism: south to north is a shift by exactly one.
        if (here, there) == ("south", "north"):
            assert pair["counterfactual"]["dose"] == pytest.approx(pair["factual"]["dose"] + 1, abs=1e-12)
    assert len(targets) == 4
    assert set(table["task"].to_pylist()) == {"domain_counterfactual"}


def test_a_variable_called_domain_is_refused_where_there_are_domains() -> None:
    spec = {
        "variables": {"domain": {"mechanism": "root", "noise": "normal"}},
        "domains": {"n": {"domain": {"mechanism": "root", "noise": {"normal": [1, 1]}}}},
    }
    with pytest.raises(RecipeError, match="cannot have a variable called 'domain'"):
        plan(recipe({"domain": "n"}, label="domain", scm=spec))


LATENT: dict[str, Any] = {
    "name": "hidden",
    "variables": {
        "luck": {"mechanism": "root", "noise": "normal", "observed": False},
        "dose": {"mechanism": "linear", "weights": {"luck": 1}, "noise": "normal"},
        "outcome": {"mechanism": "linear", "weights": {"luck": 2, "dose": 1}, "noise": "normal"},
    },
}


def test_latent_variables_are_only_in_the_hidden_truth() -> None:
    table = candidates(recipe({"do": {"dose": {"uniform": [0, 1]}}}, label="outcome", scm=LATENT))
    assert [field.name for field in table.schema.field("factual").type] == ["dose", "outcome"]
    for pair in table.to_pylist():
        assert set(pair["hidden"]["latent"]) == {"luck"}
        assert pair["hidden"]["latent"] == pair["hidden"]["counterfactual_latent"]
        assert "luck" not in pair["held_fixed"]


def test_an_intervention_on_a_latent_variable_reaches_what_is_observed() -> None:
    table = candidates(recipe({"shift": {"luck": 1}}, label="outcome", scm=LATENT))
    for pair in table.to_pylist():
        moved = pair["counterfactual"]["outcome"] - pair["factual"]["outcome"]
        assert moved == pytest.approx(3, abs=1e-9)
        assert pair["hidden"]["counterfactual_latent"]["luck"] == pytest.approx(pair["hidden"]["latent"]["luck"] + 1)


def test_units_without_a_value_are_rejects() -> None:
    spec = {
        "variables": {
            "x": {"mechanism": "root", "noise": {"uniform": [-1, 1]}},
            "y": {"mechanism": "additive", "expression": "log(x)", "noise": "normal"},
        }
    }
    table = candidates(recipe({"shift": {"x": 0.3}}, label="y", abduction="observed", scm=spec, keys={"rows": 400}))
    for pair in table.to_pylist():
        impossible = pair["factual"]["x"] < 0
        assert pair["reasons"] == (["scm: y is undefined"] if impossible else [])
        assert pair["accepted"] != impossible
        assert (pair["counterfactual"] is None) == impossible
    assert 100 < sum(table["accepted"].to_pylist()) < 300


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({}, "cured"),
        ({"abduction": "observed"}, "cured"),
        ({"per_unit": "one"}, "arm"),
        ({"domain": ["base", "north", "south"]}, {"expression": "dose > 1", "names": ["low", "high"]}),
        ({"domain": "north"}, "dose"),
    ],
)
def test_every_pair_is_computed_again_from_what_is_stored(options: dict[str, Any], label: Any, tmp_path: Path) -> None:
    made = recipe(MANY, label=label, **options)
    manifest = run_local(made, None, tmp_path)
    found = validate(tmp_path)
    assert found.problems == []
    assert found.recomputed == manifest["proposed"] > 0


def test_a_model_without_noise_builds_too(tmp_path: Path) -> None:
    spec = {
        "variables": {
            "a": {"mechanism": "boolean", "expression": "true"},
            "b": {"mechanism": "boolean", "expression": "not a"},
        }
    }
    made = recipe({"do": {"a": False}}, label="b", scm=spec, keys={"rows": 5})
    assert run_local(made, None, tmp_path)["accepted"] == 5
    assert validate(tmp_path).passed
    assert stored(tmp_path)["counterfactual"].to_pylist() == [{"a": False, "b": True}] * 5


def test_the_graph_knows_arrows_that_interventions_add() -> None:
    graph = plan(recipe(MANY)).generator.graph()
    assert ("age", "dose") in graph.edges
    assert ("arm", "dose") in graph.edges


def test_supports_are_told_for_the_filters() -> None:
    supports = plan(recipe(MANY)).generator.supports()
    assert supports["age"]["lower"] == 0
    assert supports["age"]["upper"] == 120
    assert (supports["arm"]["lower"], supports["arm"]["upper"]) == (0, 2)
    assert supports["dose"]["upper"] is None


def test_a_recipe_may_name_a_model_of_the_library() -> None:
    made = parse_recipe(
        {
            "name": "c",
            "rows": 20,
            "generator": {
                "use": "scm",
                "scm": "clinic",
                "interventions": {"do": {"arm": "another"}},
                "label": "recovery",
            },
        }
    )
    table = candidates(made)
    assert table.num_rows == 20
    assert all(table["exact"].to_pylist())


def test_a_pair_is_exact_where_the_noise_that_had_to_be_drawn_is_not_used() -> None:
    r"""What dose can change is recovered exactly; what coin can change is a draw.

    ::

        dose ──► level        coin (drawn) ──► mood (drawn)
    """
    variables = {
        "dose": {"mechanism": "root", "noise": "normal"},
        "level": {"mechanism": "linear", "weights": {"dose": 2.0}},
        "coin": {"mechanism": "bernoulli", "probability": "0.5"},
        "mood": {"mechanism": "bernoulli", "probability": "0.9 if coin else 0.2"},
    }
    generator = {
        "use": "scm",
        "scm": {"name": "small", "variables": variables},
        "interventions": [{"shift": {"dose": 1.0}}, {"do": {"coin": "another"}}],
        "label": "level",
        "abduction": "observed",
    }
    pairs = candidates(parse_recipe({"name": "small", "rows": 50, "generator": generator}))
    targets = [changes[0]["variable"] for changes in pairs["intervention"].to_pylist()]
    assert set(targets) == {"dose", "coin"}
    assert pairs["exact"].to_pylist() == [target == "dose" for target in targets]
