"""Structural text pairs: composition, effectiveness, preservation, descendants, repeatability, recomputation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import HIDDEN, pair_schema
from contrafact.stages import Generator
from contrafact.validation import validate
from filters.graph import GraphConsistency
from generators.scm.loading import load_model
from generators.text.structural.concepts import sentences_of
from generators.text.structural.generator import StructuralGenerator
from generators.text.structural.grounding import Grounding
from generators.text.structural.opening import read_setting, written_setting
from tests.text.structurals import FEW, SETTINGS, few, pairs, table

EVERY: dict[str, list[dict[str, Any]]] = {
    "disease": [{"do": {"disease": "another"}}, {"do": {"smoker": "another"}}, {"do": {"fever": "another"}}],
    "cv": [{"do": {"gender": "another"}}, {"do": {"age": "another"}}, {"do": {"home": "another"}}],
    "violence": [{"do": {"shift": "another"}}, {"do": {"staffing": "another"}}, {"do": {"guard": "another"}}],
}


def grounding_of(pair: Mapping[str, Any]) -> Grounding:
    return Grounding(**pair[HIDDEN]["grounding"])


@pytest.mark.parametrize("setting", SETTINGS)
def test_an_intervention_that_changes_nothing_changes_no_byte(setting: str) -> None:
    variables = load_model(written_setting(setting, None)[1]["scm"]).model.observed
    for pair in pairs(setting, [{"do": {name: "same"}} for name in variables], 60):
        assert pair["factual"]["text"].encode() == pair["counterfactual"]["text"].encode()
        assert pair["factual"] == pair["counterfactual"]
        assert pair["label"] == pair["counterfactual_label"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_was_set_is_read_back_by_the_patterns(setting: str) -> None:
    name, spec = written_setting(setting, None)
    model = load_model(spec["scm"]).model
    reader = read_setting(name, spec, model)
    made = pairs(setting, [{"do": {each: "another"}} for each in reader.concepts], 120)
    assert len(made) == 120 * len(reader.concepts)
    for pair in made:
        ((variable, after),) = [(each["variable"], each["after"]) for each in pair["intervention"]]
        assert reader.read(pair["counterfactual"]["text"])[variable] == after
        assert reader.read(pair["factual"]["text"])[variable] != after
        assert pair["scores"]["concept_recall"] == 1.0
        assert pair["reasons"] == []


@pytest.mark.parametrize("setting", SETTINGS)
def test_sentences_of_concepts_that_did_not_move_are_the_same_bytes(setting: str) -> None:
    name, spec = written_setting(setting, None)
    reader = read_setting(name, spec, load_model(spec["scm"]).model)
    moved_sometimes = 0
    for pair in pairs(setting, EVERY[setting], 150):
        unmoved = [each for each in reader.concepts if pair["factual"][each] == pair["counterfactual"][each]]
        assert set(pair["held_fixed"]) & set(reader.concepts) <= set(unmoved)
        moved_sometimes += len(unmoved) < len(reader.concepts)
        grounding = grounding_of(pair)
        masked = []
        for member in ("factual", "counterfactual"):
            text = pair[member]["text"]
            for each in reader.concepts:
                statement = reader.statement(each, reader.concepts[each].written(pair[member][each]), grounding)
                assert statement in text
                if each not in unmoved:
                    text = text.replace(statement, f"<{each}>", 1)
            masked.append(text)
        assert masked[0] == masked[1]
        where = pair["intervention"][0]["where"]
        variable = pair["intervention"][0]["variable"]
        assert (where is None) == (variable not in reader.concepts)
        if where is not None:
            said = reader.statement(variable, reader.concepts[variable].written(pair["factual"][variable]), grounding)
            assert {pair["factual"]["text"][start:stop] for start, stop in json.loads(where)["spans"]} == {said}
    assert moved_sometimes > 50


def replayed(noise: Mapping[str, Any], fixed: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, str]:
    """The disease model by hand: inverse distribution functions, and the largest logit plus Gumbel noise."""
    values: dict[str, str] = {}
    for name in ("season", "smoker", "family", "disease", "fever", "pain", "nose", "light", "aches"):
        levels = variables[name]["levels"]
        if name in fixed:
            values[name] = fixed[name]
        elif name == "disease":
            logits = [
                1.6 if values["family"] == "yes" else 0.0,
                1.2 if values["smoker"] == "yes" else 0.2,
                1.4 if values["season"] == "winter" else -0.8,
            ]
            values[name] = levels[int(np.argmax(np.array(logits) + np.array(noise[name])))]
        elif name == "pain":
            chances = variables[name]["table"][values["disease"]]
            values[name] = levels[int(np.argmax(np.log(chances) + np.array(noise[name])))]
        else:
            given = variables[name]["table"]
            chances = given[values["disease"]] if isinstance(given, dict) else given
            values[name] = levels[int(sum(noise[name] > edge for edge in np.cumsum(chances)[:-1]))]
    return values


def test_both_worlds_are_what_a_replay_by_hand_gives_with_the_stored_noise() -> None:
    variables = written_setting("disease", None)[1]["scm"]["variables"]
    followed = 0
    for pair in pairs("disease", EVERY["disease"], 200):
        noise = pair[HIDDEN]["noise"]
        fixed = {each["variable"]: each["after"] for each in pair["intervention"]}
        before, after = replayed(noise, {}, variables), replayed(noise, fixed, variables)
        assert {name: pair["factual"][name] for name in before} == before
        assert {name: pair["counterfactual"][name] for name in after} == after
        assert (pair["label"], pair["counterfactual_label"]) == (before["disease"], after["disease"])
        followed += sum(before[name] != after[name] for name in after) > 1
    assert followed > 100  # descendants did follow


def test_a_unit_is_the_same_whatever_the_size_of_its_shard() -> None:
    generator = StructuralGenerator("violence", EVERY["violence"], per_unit="one")
    whole = table(generator, 0, 40)
    parts = pa.concat_tables([table(generator, 0, 7), table(generator, 7, 8), table(generator, 8, 40)])
    assert parts.combine_chunks().equals(whole.combine_chunks())
    assert not table(generator, 0, 40, seed=4).equals(whole)


def test_grounding_is_the_units_own_and_varies_in_everything() -> None:
    made = pairs("cv", EVERY["cv"], 400)
    for first, second in zip(made[::3], made[1::3], strict=True):
        assert first["unit_id"] == second["unit_id"]
        assert first[HIDDEN]["grounding"] == second[HIDDEN]["grounding"]
    drawn = [pair[HIDDEN]["grounding"] for pair in made]
    assert len({(each["style"], each["template"]) for each in drawn}) == 12
    assert len({each["persona"] for each in drawn}) == 6
    for concept in drawn[0]["wording"]:
        assert len({each["wording"][concept] for each in drawn}) == 3


def built(generator: Mapping[str, Any], out: Path, rows: int = 60) -> dict[str, Any]:
    recipe = parse_recipe({"name": "made", "rows": rows, "generator": dict(generator), "filters": {"graph": {}}})
    return run_local(recipe, None, out)


@pytest.mark.parametrize("setting", [*SETTINGS, "few"])
def test_every_pair_is_computed_again_from_what_is_stored(setting: str, tmp_path: Path) -> None:
    given = FEW if setting == "few" else setting
    interventions = [{"do": {"rain": "another"}}] if setting == "few" else EVERY[setting]
    manifest = built({"use": "structural", "setting": given, "interventions": interventions}, tmp_path / "made")
    found = validate(tmp_path / "made")
    assert found.problems == []
    assert found.recomputed == manifest["proposed"] == manifest["accepted"]
    assert manifest["label_sources"] == {"oracle": manifest["accepted"]}
    assert manifest["exact"] == manifest["accepted"]


def test_a_stored_text_that_was_changed_is_found_out() -> None:
    generator = StructuralGenerator("disease", EVERY["disease"])
    made = table(generator, 0, 20)
    again = generator.recompute(made)
    assert again.counterfactual["text"].tolist() == [each["text"] for each in made["counterfactual"].to_pylist()]
    assert again.factual is not None
    assert again.factual["text"].tolist() == [each["text"] for each in made["factual"].to_pylist()]
    assert again.label.equals(made["label"].combine_chunks())
    assert again.counterfactual_label.equals(made["counterfactual_label"].combine_chunks())
    hidden = made[HIDDEN].to_pylist()
    hidden[0]["grounding"]["persona"] = (hidden[0]["grounding"]["persona"] + 1) % 6
    place = made.schema.get_field_index(HIDDEN)
    other = made.set_column(place, HIDDEN, pa.array(hidden, made.schema.field(HIDDEN).type))
    assert generator.recompute(other).counterfactual["text"][1:].tolist() == again.counterfactual["text"][1:].tolist()
    assert generator.recompute(other).counterfactual["text"][0] != again.counterfactual["text"][0]


def test_the_graph_filter_sees_a_text_that_nothing_accounts_for() -> None:
    generator = StructuralGenerator("disease", {"do": {"fever": "another"}})
    made = table(generator, 0, 30)
    judge = GraphConsistency()
    judge.bind("graph", generator)
    schema = pair_schema(generator.shape())
    named = made.cast(
        pa.schema(
            [schema.field(each) if each in schema.names else made.schema.field(each) for each in made.column_names]
        )
    )
    assert judge.judge(named).passed.all()
    world = named["counterfactual"].to_pylist()
    world[4]["text"] += " And so on."
    place = named.schema.get_field_index("counterfactual")
    spoilt = named.set_column(place, named.schema.field(place), pa.array(world, named.schema.field(place).type))
    assert np.flatnonzero(~judge.judge(spoilt).passed).tolist() == [4]


def test_a_number_is_written_and_read_back() -> None:
    made = pairs(few(), {"do": {"degrees": "another"}}, 60)
    for pair in made:
        assert str(pair["factual"]["degrees"]) in pair["factual"]["text"]
        assert str(pair["counterfactual"]["degrees"]) in pair["counterfactual"]["text"]
        assert pair["scores"]["recall_degrees"] == 1.0
    assert {pair["counterfactual"]["degrees"] for pair in made} == {3, 12, 25}


def test_a_real_number_is_told_in_the_form_that_the_setting_gives() -> None:
    spec = few(
        scm={
            "variables": {
                **FEW["scm"]["variables"],
                "degrees": {"mechanism": "root", "noise": {"normal": [12, 8]}},
            }
        },
        concepts={
            "degrees": {
                "wordings": {"any": ["It is {value} degrees."]},
                "read": [r"(-?\d+\.\d) degrees"],
                "format": ".1f",
            },
            "rain": FEW["concepts"]["rain"],
        },
    )
    made = pairs(spec, {"shift": {"degrees": 5.0}}, 40)
    assert all(pair["scores"]["concept_recall"] == 1.0 for pair in made)
    for pair in made:
        assert f"{pair['counterfactual']['degrees']:.1f} degrees" in pair["counterfactual"]["text"]


@pytest.mark.parametrize("scm", ["clinic", {"use": "clinic"}])
def test_any_model_that_the_project_loads_can_be_put_into_words(scm: Any) -> None:
    words = {
        "styles": {"plain": {"templates": ["[arm] [severity]"]}},
        "concepts": {
            "arm": {
                "wordings": {"any": {"placebo": ["Got the placebo."], "drug": ["Got the drug."]}},
                "read": {"placebo": ["placebo"], "drug": ["drug"]},
            },
            "severity": {
                "wordings": {
                    "any": {"mild": ["A mild case."], "moderate": ["A moderate case."], "severe": ["A severe case."]}
                },
                "read": {"mild": ["mild"], "moderate": ["moderate"], "severe": ["severe"]},
            },
        },
    }
    made = pairs(words, {"do": {"severity": "another"}}, 50, scm=scm, label="readmitted")
    assert {pair["label"] for pair in made} == {False, True}
    assert any(pair["factual"]["arm"] != pair["counterfactual"]["arm"] for pair in made)
    assert all(pair["reasons"] == [] for pair in made)


def test_a_text_that_the_reader_cannot_tell_is_rejected_and_kept() -> None:
    # Alone each wording reads well; a template that says something of rain itself spoils it.
    spec = few(styles={"plain": {"templates": ["It is dry here. [rain] [degrees]"]}})
    made = pairs(spec, {"do": {"rain": "another"}}, 40)
    reasons = {reason for pair in made for reason in pair["reasons"]}
    assert reasons == {
        "structural: rain cannot be read back from the factual text",
        "structural: rain cannot be read back from the counterfactual text",
    }
    assert all(len(pair["reasons"]) == 1 and pair["counterfactual"]["text"] for pair in made)
    assert all(pair["scores"]["recall_rain"] == 0.5 for pair in made)
    others = pairs(spec, {"do": {"degrees": "another"}}, 40)
    assert all(pair["reasons"] == [] for pair in others)
    strict = pairs(spec, {"do": {"degrees": "another"}}, 40, must_read="all")
    assert 0 < sum(bool(pair["reasons"]) for pair in strict) < 40


def test_the_record_says_what_it_is() -> None:
    generator: Generator = StructuralGenerator("cv", EVERY["cv"])
    shape = generator.shape()
    assert [field.name for field in shape.members][-1] == "text"
    assert "score" not in [field.name for field in shape.members]  # latent
    assert {"concept_recall", "recall_gender"} <= {field.name for field in shape.scores}
    graph = generator.graph()
    assert set(graph.predecessors("text")) == set(written_setting("cv", None)[1]["concepts"])
    notes = " ".join(generator.notes())
    assert "recall_<concept>" in notes
    assert json.dumps(generator.identity())
    assert sentences_of("One. Two!\nThree") == ["One.", "Two!", "Three"]
