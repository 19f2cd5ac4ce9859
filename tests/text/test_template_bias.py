"""Biased sampling hits the correlation that was asked for, and mistakes in templates are told before any work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from generators.text.template.bias import bias_of, correlation
from generators.text.template.generator import TemplateGenerator
from tests.text.test_template import SPEC, context

UNITS = 100_000


def bias(kind: str, wanted: float, value: str = "female", label: str = "sad") -> dict[str, Any]:
    return {"concept": "gender", "value": value, "label": label, "kind": kind, "correlation": wanted}


def drawn(spec: dict[str, Any], **options: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Whether each of many units is female, and its label."""
    generator = TemplateGenerator(**{**SPEC, "bias": spec, **options})
    values, _, _ = generator._drawn(context().streams, 0, UNITS)
    return values["gender"] == "female", values["mood"]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("balanced", 0.0),
        ("gentle", 0.2),
        ("gentle", 0.45),
        ("gentle", -0.3),
        ("aggressive", 0.2),
        ("aggressive", 0.5),
        ("aggressive", 0.9),
        ("aggressive", -0.6),
        ("aggressive", 1.0),
    ],
)
def test_the_correlation_is_the_one_that_was_asked_for(kind: str, wanted: float) -> None:
    female, mood = drawn(bias(kind, wanted))
    found = float(np.corrcoef(female, mood == "sad")[0, 1])
    assert abs(found - wanted) < 3 / np.sqrt(UNITS)  # three standard errors
    # The labels themselves are as they were.
    assert abs((mood == "sad").mean() - 1 / 3) < 0.02


def test_a_gentle_bias_leaves_the_other_labels_alone_and_an_aggressive_one_does_not() -> None:
    female, mood = drawn(bias("gentle", 0.4))
    for label in ("glad", "cross"):
        assert abs(female[mood == label].mean() - 0.5) < 0.02
    assert female[mood == "sad"].mean() > 0.8
    female, mood = drawn(bias("aggressive", 0.4))
    for label in ("glad", "cross"):
        assert female[mood == label].mean() < 0.4


def test_what_is_not_biased_stays_independent() -> None:
    concepts = {**SPEC["concepts"], "size": {"role": "confounder", "values": {"small": 3, "large": 1}}}
    generator = TemplateGenerator(**{**SPEC, "concepts": concepts, "bias": bias("aggressive", 0.5)})
    values, _, _ = generator._drawn(context().streams, 0, UNITS)
    assert abs(np.corrcoef(values["size"] == "small", values["mood"] == "sad")[0, 1]) < 0.02
    assert abs((values["size"] == "small").mean() - 0.75) < 0.02


def test_a_value_among_several_keeps_the_others_in_proportion() -> None:
    concepts = {**SPEC["concepts"], "city": {"role": "confounder", "values": {"a": 1, "b": 2, "c": 1}}}
    spec = {"concept": "city", "value": "a", "label": "glad", "kind": "aggressive", "correlation": 0.5}
    generator = TemplateGenerator(**{**SPEC, "concepts": concepts, "bias": [spec]})
    values, _, _ = generator._drawn(context().streams, 0, UNITS)
    assert abs(np.corrcoef(values["city"] == "a", values["mood"] == "glad")[0, 1] - 0.5) < 0.015
    for inside in (values["mood"] == "glad", values["mood"] != "glad"):
        others = values["city"][inside]
        assert (others == "b").sum() / (others == "c").sum() == pytest.approx(2.0, rel=0.15)


def test_phi_is_that_of_the_joint_table() -> None:
    label, inside, outside = 0.3, 0.8, 0.4
    table = np.array([[label * inside, label * (1 - inside)], [(1 - label) * outside, (1 - label) * (1 - outside)]])
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    phi = (table[0, 0] * table[1, 1] - table[0, 1] * table[1, 0]) / np.sqrt(np.prod(rows) * np.prod(columns))
    assert correlation(label, inside, outside) == pytest.approx(phi, abs=1e-12)
    assert correlation(label, 1.0, 1.0) == 0.0


def test_the_note_states_the_correlation_and_its_tolerance() -> None:
    notes = " ".join(TemplateGenerator(**{**SPEC, "bias": bias("aggressive", 0.4)}).notes())
    assert "phi = 0.4 by design (aggressive" in notes
    assert "2/sqrt(n)" in notes


def test_a_correlation_that_cannot_be_reached_says_how_far_it_goes() -> None:
    with pytest.raises(RecipeError, match=r"(?s)gentle sample cannot have a correlation of 0.9.*aggressive") as error:
        TemplateGenerator(**{**SPEC, "bias": bias("gentle", 0.9)})
    fix = float(str(error.value).rpartition("correlation: ")[2])
    female, mood = drawn(bias("gentle", fix))
    assert np.corrcoef(female, mood == "sad")[0, 1] == pytest.approx(fix, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "agressive"}, "did you mean 'aggressive'"),
        ({"concept": "mood"}, "from which the label follows"),
        ({"concept": "city"}, "bias.concept is 'city'"),
        ({"value": "femal"}, "did you mean 'female'"),
        ({"label": "gladd"}, "did you mean 'glad'"),
        ({"correlation": 1.5}, "from -1 to 1"),
        ({"correlation": True}, "from -1 to 1"),
        ({"kind": "balanced"}, "a balanced sample has none"),
        ({"strength": 1}, "no key 'strength'"),
    ],
)
def test_a_bias_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=f"(?s){said}"):
        TemplateGenerator(**{**SPEC, "bias": {**bias("gentle", 0.2), **changes}})


def test_a_bias_needs_all_its_keys_and_is_one_a_concept() -> None:
    with pytest.raises(RecipeError, match="has no label"):
        bias_of(
            {"concept": "gender", "value": "female"}, {"gender": {"female": 0.5, "male": 0.5}}, {"sad": 0.5}, ["mood"]
        )
    with pytest.raises(RecipeError, match="one concept twice"):
        TemplateGenerator(**{**SPEC, "bias": [bias("gentle", 0.1), bias("gentle", 0.2)]})


def changed(key: str, **inner: Any) -> dict[str, Any]:
    return {**SPEC, key: {**SPEC[key], **inner}}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({**SPEC, "templates": ["{Name} is {feels."]}, "stands alone"),
        ({**SPEC, "templates": ["{Name} is feels}."]}, "stands alone"),
        ({**SPEC, "templates": ["{Nam} is {feels}."]}, "unknown slot {Nam}.*under generator.slots"),
        ({**SPEC, "templates": []}, "templates is"),
        ({**SPEC, "templates": ["It was {feels} in {city}."]}, "tells no treatment"),
        (changed("slots", city=[]), "a list of texts, at least one"),
        (changed("slots", city="citys"), "did you mean 'cities'"),
        (changed("slots", city={"words": "cities", "by": "place"}), "which is no concept"),
        (changed("slots", city={"word": "cities"}), "words, and by"),
        (changed("slots", feels={"by": "mood", "words": "moods"}), "not for glad, sad, cross"),
        (changed("slots", she={"by": "gender", "words": {"female": ["she"]}}), "no words for gender = male"),
        (changed("slots", she={"by": "gender", "words": {"female": ["she"], "male": []}}), "at least one"),
        (changed("slots", she={"by": "gender", "words": {"female": ["she"], "mail": ["x"]}}), "did you mean 'male'"),
        (changed("slots", she={"by": "gender", "words": ["she", "he"]}), "words for each gender"),
        (changed("concepts", gender={"role": "treatmant", "values": ["female", "male"]}), "did you mean 'treatment'"),
        (changed("concepts", gender={"values": ["female", "male"]}), "has no treatment"),
        (changed("concepts", gender={"role": "treatment", "values": ["female"]}), "two or more different values"),
        (changed("concepts", mood={"values": {"glad": 1, "sad": 0, "cross": 1}}), "weights above 0"),
        ({**SPEC, "label": "moods"}, "did you mean 'mood'"),
        ({**SPEC, "label": {"by": "mood", "table": {"glad": "a", "sad": "b"}}}, "no row for mood = cross"),
        ({**SPEC, "label": {"by": "mood", "table": {"glad": "a", "sad": "a", "cross": "a"}}}, "every text one label"),
        ({**SPEC, "label": {"by": "mood", "table": {"glad": ["a"], "sad": "b", "cross": "b"}}}, "nested too deep"),
        ({**SPEC, "label": {"by": ["mood", "gender"], "table": {"glad": "a", "sad": "b"}}}, "one level a concept"),
        ({**SPEC, "label": {"of": "mood"}}, "by .concepts. and table"),
        (changed("concepts", text={"values": ["a", "b"]}), "'text'"),
    ],
)  # fmt: skip
def test_templates_that_cannot_be_used_are_refused(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=f"(?s){said}"):
        TemplateGenerator(**spec)
