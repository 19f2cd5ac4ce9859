"""A Python function may compare a categorical parent with a level's name, and one that no level has is an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contrafact.errors import ModelError, UserError
from contrafact.plan import make_plan
from contrafact.recipe import parse_recipe
from contrafact.streams import Streams
from generators.scm import SCM, Additive, Categorical, Linear, Normal, Root, Variable, sample
from generators.scm.codes import Codes
from generators.scm.conformance import check_model
from generators.scm.expression import Expression

LEVELS = ("none", "low", "high")
CODES = np.array([0, 1, 2, 1, 0, 2])
ARM = Codes(CODES, "arm", LEVELS)
LOW = CODES == 1


def by_element(arm: Any) -> Any:
    return np.array([1.0 if each == "low" else 0.0 for each in arm])


def by_place(arm: Any) -> Any:
    return np.array([arm[row] != "low" for row in range(len(arm))])


SAME: list[tuple[Callable[[Any], Any], Any]] = [
    (lambda arm: arm == "low", LOW),
    (lambda arm: "low" == arm, LOW),  # noqa: SIM300
    (lambda arm: arm != "low", ~LOW),
    (lambda arm: ~(arm == "low"), ~LOW),
    (lambda arm: np.where(arm == "low", 2.0, 0.5), np.where(LOW, 2.0, 0.5)),
    (lambda arm: (arm == "low") * 3.0, LOW * 3.0),
    (lambda arm: np.isin(arm, ["low", "high"]), CODES > 0),
    (lambda arm: np.isin(arm, {"low", "high"}), CODES > 0),  # type: ignore[arg-type]  # NumPy's own would not do
    (lambda arm: np.isin(arm, [1, 2]), CODES > 0),
    (lambda arm: np.select([arm == "low", arm == "high"], [1.0, 2.0]), CODES.astype(float)),
    (lambda arm: arm == np.array(["none", "low", "high", "none", "none", "high"]), [1, 1, 1, 0, 1, 1]),
    (lambda arm: arm.astype(str) == "low", LOW),
    (np.vectorize(lambda each: 1.0 if each == "low" else 0.0), LOW * 1.0),
    (by_element, LOW * 1.0),
    (by_place, ~LOW),
    (lambda arm: arm[::2] == "low", LOW[::2]),
    (lambda arm: arm == arm, np.ones(6, dtype=bool)),  # noqa: PLR0124
    (lambda arm: arm == 1, LOW),
    (lambda arm: arm == LEVELS.index("low"), LOW),
    (lambda arm: np.array([0.0, 1.5, 4.0])[arm], np.array([0.0, 1.5, 4.0])[CODES]),
    (lambda arm: [0.0, 1.5, 4.0][arm[2]], 4.0),
    (lambda arm: 0.5 * arm + arm**2, 0.5 * CODES + CODES**2),
    (lambda arm: arm.astype(float).sum() + arm.max(), 8.0),
    (lambda arm: np.stack([arm, arm]), np.stack([CODES, CODES])),
]


@pytest.mark.parametrize(("function", "wanted"), SAME)
def test_codes_compare_by_name_and_count_as_numbers(function: Callable[[Any], Any], wanted: Any) -> None:
    found = function(ARM)
    assert np.array_equal(found, wanted)
    assert type(np.asarray(found)) is np.ndarray


@pytest.mark.parametrize(
    "function",
    [
        lambda arm: arm == "hihg",
        lambda arm: np.isin(arm, ["hihg"]),
        by_element,
        lambda arm: arm == np.array(["hihg"] * 6),
    ],
)
def test_a_text_that_no_level_has_is_an_error_and_never_false(function: Callable[[Any], Any]) -> None:
    arm = Codes(CODES, "arm", LEVELS) if function is not by_element else Codes(CODES, "arm", ("none", "lwo", "high"))
    with pytest.raises(ModelError, match=r"compares 'arm' with '(hihg|low)', which is none of its levels \(did you"):
        function(arm)


def test_columns_of_other_levels_are_not_compared_by_their_places() -> None:
    with pytest.raises(ModelError, match="compares 'leg' with 'arm', which has other levels"):
        _ = Codes(CODES, "leg", ("no", "yes", "both")) == ARM


def ward(function: Any) -> SCM:
    arm, age = Categorical(LEVELS, [0.2, 0.3, 0.5]), Root(Normal(50, 9))
    dose = Additive(function, Normal(0, 0.1))
    return SCM("ward", [Variable("arm", arm), Variable("age", age), Variable("dose", dose)])


def test_a_model_teaches_its_functions_the_levels_of_their_parents() -> None:
    text = Expression("(3 if arm == 'high' else 0.5) * age", levels={"arm": LEVELS})
    python = ward(lambda arm, age: np.where(arm == "high", 3.0, 0.5) * age)
    for model in (python, python.with_mechanisms({"age": Root(Normal(9, 1))})):
        facts, noise = sample(model, Streams(0), 0, 500)
        assert np.array_equal(facts["dose"], text(facts) + noise["dose"])
        assert type(facts["arm"]) is np.ndarray
    assert check_model(python, units=200).passed


def test_functions_of_domains_are_taught_too() -> None:
    north = Additive(lambda arm, age: np.where(arm == "low", age, 0.0), Normal(0, 0.1))
    base = ward(lambda arm, age: 0 * age)
    model = SCM("ward", base.variables.values(), {"north": {"dose": north}}).in_domain("north")
    facts, noise = sample(model, Streams(0), 0, 200)
    assert np.array_equal(facts["dose"], np.where(facts["arm"] == 1, facts["age"], 0.0) + noise["dose"])


def test_a_level_that_is_not_there_stops_a_recipe_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "wards.py").write_text(
        "import numpy as np\n"
        "from generators.scm import SCM, Additive, Categorical, Normal\n\n\n"
        "class Ward(SCM):\n"
        "    arm = Categorical(['none', 'low', 'high'], [0.2, 0.3, 0.5])\n"
        "    dose = Additive(lambda arm: np.where(arm == 'hihg', 3.0, 0.5), Normal(0, 0.1))\n",
        encoding="utf-8",
    )
    generator = {"use": "scm", "scm": "wards.py:Ward", "interventions": {"do": {"arm": "another"}}, "label": "dose"}
    with pytest.raises(UserError, match=r"'hihg', which is none of its levels \(did you mean 'high'\?\)") as caught:
        make_plan(parse_recipe({"name": "w", "rows": 10, "generator": generator}), tmp_path / "w.yaml")
    assert caught.value.allowed == "none, low, high"


def test_a_function_in_two_models_of_other_levels_still_takes_numbers() -> None:
    shared = Additive(lambda arm: np.where(arm == 1, 3.0, 0.5), Normal(0, 0.1))
    named = Additive(lambda arm: np.where(arm == "low", 3.0, 0.5), Normal(0, 0.1))
    for dose, fails in ((shared, False), (named, True)):
        models = [
            SCM("m", [Variable("arm", Categorical(levels, [0.5, 0.5])), Variable("dose", dose)])
            for levels in (("low", "high"), ("high", "low"))
        ]
        for model in models:
            if fails:
                with pytest.raises(ModelError, match="part of two models in which 'arm' has different levels"):
                    sample(model, Streams(0), 0, 10)
            else:
                facts, noise = sample(model, Streams(0), 0, 10)
                assert np.array_equal(facts["dose"], np.where(facts["arm"] == 1, 3.0, 0.5) + noise["dose"])


def test_numbers_are_left_as_they_are() -> None:
    seen: list[type] = []

    def spied(age: Any) -> Any:
        seen.append(type(age))
        return age

    model = SCM("m", [Variable("age", Root()), Variable("y", Additive(spied)), Variable("z", Linear({"age": 1}))])
    sample(model, Streams(0), 0, 5)
    assert set(seen) == {np.ndarray}
