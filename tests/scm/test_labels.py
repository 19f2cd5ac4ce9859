from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.errors import RecipeError
from contrafact.record import levels_of
from generators.scm.labels import Labeller
from tests.scm.clinic import clinic

WORLD: dict[str, Any] = {
    "age": np.array([40.0, 60.0]),
    "arm": np.array([0, 2]),
    "dose": np.array([0.1, 2.2]),
    "visits": np.array([0, 3]),
    "cured": np.array([False, True]),
}


@pytest.mark.parametrize(
    ("spec", "kind", "levels", "values"),
    [
        ("dose", pa.float64(), None, [0.1, 2.2]),
        ("visits", pa.int64(), None, [0, 3]),
        ("cured", pa.bool_(), None, [False, True]),
        ("arm", pa.int64(), ("none", "low", "high"), [0, 2]),
        ({"variable": "arm"}, pa.int64(), ("none", "low", "high"), [0, 2]),
        ("2 * dose", pa.float64(), None, [0.2, 4.4]),
        ("visits + 1", pa.float64(), None, [1.0, 4.0]),
        ("dose > 1", pa.int64(), ("false", "true"), [0, 1]),
        ("arm == 'high'", pa.int64(), ("false", "true"), [0, 1]),
        ("3", pa.float64(), None, [3.0, 3.0]),
        ({"expression": "age > 50 and cured", "names": ["no", "yes"]}, pa.int64(), ("no", "yes"), [0, 1]),
        ({"expression": "cured or dose > 3", "names": [False, True]}, pa.int64(), ("no", "yes"), [0, 1]),
    ],
)
def test_a_label_is_a_variable_or_an_expression(
    spec: Any, kind: pa.DataType, levels: tuple[str, ...] | None, values: list[Any]
) -> None:
    labeller = Labeller(spec, clinic())
    assert labeller.field.type == kind
    assert levels_of(labeller.field) == levels
    assert labeller.of(WORLD, 2).to_pylist() == values


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("dsoe", r"'dsoe' is no variable of 'clinic' \(did you mean 'dose'\?\)"),
        ("dose >", r"'dose >' is no variable"),
        ("__import__('os')", r"no expression"),
        ({"expression": "dose", "name": ["a", "b"]}, r"label has an unknown key 'name'"),
        ({"expression": "dose > 1", "names": ["a"]}, r"label\.names \['a'\]"),
        ({"expression": "dose > 1", "names": ["a", "a"]}, r"label\.names \['a', 'a'\]"),
        ({"expression": "dose > 1", "names": 5}, r"label\.names 5"),
        ({"expression": "2 * dose", "names": ["a", "b"]}, r"given for '2 \* dose', which is a number"),
        ({"variable": "cured", "names": ["no", "yes"]}, r"given for 'cured', which is a variable"),
        ({"names": ["a", "b"]}, r"label"),
        ({}, r"label"),
        ({"expression": "dose", "variable": "arm"}, r"label"),
    ],
)
def test_what_is_no_label_is_told(spec: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Labeller(spec, clinic())
