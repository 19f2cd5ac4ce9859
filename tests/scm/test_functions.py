from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contrafact.errors import ModelError
from generators.scm.code_identity import _source
from generators.scm.expression import Expression
from generators.scm.functions import as_function, merged_parents, settled_parents

ROOT = Path(__file__).parent.parent.parent
A, B = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -0.5])
RATE = 2.0


def named(age: Any, dose: Any) -> Any:
    return age + RATE * dose


def holding(k: Any) -> Any:
    return lambda age: age * k


class Slope:
    def __init__(self, slope: Any) -> None:
        self.slope = slope

    def __call__(self, **columns: Any) -> Any:
        return self.slope * columns["age"]


class Steeper(Slope):
    pass


class Fitted(Slope):
    def spec(self) -> dict[str, Any]:
        return {"slope": self.slope, "data": "abc"}


def test_an_expression_reads_its_names_less_the_extra_ones() -> None:
    function = as_function("a*noise + b", extra=["noise"])
    assert function.parents == ("a", "b")
    assert function({"a": A, "b": B}, noise=B).tolist() == (A * B + B).tolist()
    assert function.spec() == "a*noise + b"


def test_a_number_is_a_function_of_nothing() -> None:
    assert as_function(-0.5).parents == ()
    assert as_function(2)({}) == 2
    assert as_function(True)({}) == 1


def test_a_function_stays_itself() -> None:
    function = as_function("a")
    assert as_function(function) is function


def test_a_callable_is_called_by_the_names_of_its_parents() -> None:
    function = as_function(named)
    assert function.parents == ("age", "dose")
    assert function({"dose": B, "age": A, "other": A}).tolist() == (A + 2 * B).tolist()


def test_a_parameter_with_a_default_is_no_parent() -> None:
    function = as_function(lambda age, weight=3.0: weight * age)
    assert function.parents == ("age",)
    assert function({"age": A}).tolist() == (3 * A).tolist()


def test_a_callable_of_any_names_takes_the_parents_given() -> None:
    function = as_function(Slope(2.0), parents=["age"])
    assert function.parents == ("age",)
    assert function.declared
    assert function({"age": A}).tolist() == (2 * A).tolist()


def test_a_ufunc_takes_its_parents_in_order() -> None:
    assert as_function(np.arctan2, parents=["b", "a"])({"a": A, "b": B}).tolist() == np.arctan2(B, A).tolist()


def test_values_come_back_as_float64_int64_or_bool() -> None:
    kinds = [lambda age: age.astype(np.float32), lambda age: age.astype(np.uint8), lambda age: age > 1, lambda age: 1.0]
    dtypes = [as_function(each)({"age": A}).dtype for each in kinds]
    assert dtypes == [np.float64, np.int64, np.bool_, np.float64]


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (lambda **columns: 0, {}, "takes arguments without names"),
        (lambda *columns: 0, {}, "takes arguments without names"),
        (lambda age, /: 0, {}, "takes arguments without names"),
        (lambda age: 0, {"extra": ["noise"]}, "takes no parameter 'noise'"),
        (lambda age: 0, {"parents": ["dose"]}, "takes no parameter 'dose'"),
        (lambda age, dose: 0, {"parents": ["dose"]}, "needs 'age'"),
        (np.tanh, {}, "takes arguments without names"),
        ("a + 1", {"extra": ["noise"]}, "does not read 'noise'"),
        ("a + b", {"parents": ["a"]}, "unknown name 'b'"),
        (Expression("a + b"), {"parents": ["a"]}, "reads 'b', which is no parent"),
        ([1], {}, "is no function"),
        (None, {}, "is no function"),
    ],
)
def test_a_function_that_does_not_fit_says_why(function: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError) as caught:
        as_function(function, **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda age: age[:-1], "returned shape (2,)"),
        (lambda age: np.ones((3, 2)), "returned shape (3, 2)"),
        (lambda age: np.ones(1), "returned shape (1,)"),
        (lambda age: age.astype(str), "returned values of type"),
        (lambda age: None, "returned values of type object"),
    ],
)
def test_a_result_that_is_no_column_names_the_function(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(ModelError, match="<lambda>") as caught:
        as_function(function)({"age": A})
    assert words in str(caught.value)


def test_what_a_callable_raises_comes_through() -> None:
    def broken(age: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        as_function(broken)({"age": A})


def test_parents_of_several_functions_are_merged_in_order() -> None:
    functions = as_function("b + a"), as_function("a + c")
    assert merged_parents(*functions) == ("b", "a", "c")
    assert settled_parents(["c", "a", "b", "d"], *functions) == ("c", "a", "b", "d")
    with pytest.raises(ModelError, match="'b' is read, and is no parent"):
        settled_parents(["a", "c"], *functions)


def spec(function: Any, parents: Any = ("age",)) -> Any:
    return as_function(function, parents=parents).spec()


def test_different_callables_have_different_specs() -> None:
    one, two = lambda age: age + 1, lambda age: age + 2  # on one line, on purpose
    weights = np.arange(3.0)
    held = [
        one,
        two,
        lambda age, weight=1.0: age * weight,
        lambda age, weight=2.0: age * weight,
        *[holding(k) for k in (1, 2, "x", (1, 2), [1, 2], {1: 2}, {1, 2}, None, 1.5)],
        *[holding(k) for k in (weights, weights + 1, weights.astype(np.float32))],
        functools.partial(lambda age, k: age * k, k=2),
        functools.partial(lambda age, k: age * k, k=3),
        Slope(1.0),
        Slope(2.0),
        Steeper(2.0),
        Slope(Slope(2.0)),
        Fitted(2.0),
        Slope(2.0).__call__,
        np.exp,
        np.log,
    ]
    identities = [spec(each)["identity"] for each in held]
    assert len(set(identities)) == len(held)


def test_a_lambda_is_known_by_its_own_text() -> None:
    one, two = lambda age: (age + 1) * 2, lambda age: age  # on one line, on purpose
    assert _source(one.__code__) == "(age + 1) * 2"
    assert _source(two.__code__) == "age"


def test_the_same_callable_has_the_same_spec() -> None:
    assert spec(lambda age: age + 1) == spec(lambda age: age + 1)
    assert spec(Slope(2.0)) == spec(Slope(2.0))
    assert spec(Fitted(2.0)) == spec(Fitted(2.0))
    assert spec(Slope({"b", "a", "c"})) == spec(Slope({"c", "b", "a"}))


def test_a_value_named_in_the_module_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = spec(named, ["age", "dose"])
    monkeypatch.setitem(globals(), "RATE", 3.0)
    assert spec(named, ["age", "dose"]) != before


def test_recursion_has_a_spec() -> None:
    def again(age: Any) -> Any:
        return again(age - 1) if age.max() > 0 else age

    assert spec(again) == spec(again)


@pytest.mark.parametrize("held", [np.random.default_rng(0), iter([1]), re.compile("a")])
def test_a_callable_that_holds_what_cannot_be_told_says_so(held: Any) -> None:
    with pytest.raises(ModelError, match="cannot be told") as caught:
        spec(lambda age: (held, age)[1])
    assert "spec()" in str(caught.value)


DEFINE = """
import numpy as np
weights = np.arange(4.0)
def make(k):
    def scaled(age):
        return age * k * weights[1]
    return scaled
names = frozenset(["b", "a", "c"])
made = [make(2.0), make(3.0), lambda age: age if "a" in names else 0, lambda age: age in {"x", "y", "z"}, np.tanh]
"""
PRINT = """
from generators.scm.functions import as_function
print(*[as_function(each, parents=["age"]).spec()["identity"] for each in made])
"""


def _identities(folder: Path, define: str, hash_seed: str) -> list[str]:
    program = f"import sys\nsys.path[:0] = {[str(ROOT), str(folder)]!r}\n{define}\n{PRINT}"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()


@pytest.mark.parametrize("define", ["from mine import made", DEFINE], ids=["source", "code object"])
def test_a_spec_agrees_across_processes(tmp_path: Path, define: str) -> None:
    (tmp_path / "mine.py").write_text(DEFINE, encoding="utf-8")
    one, two = (_identities(tmp_path, define, seed) for seed in ("1", "2"))
    assert one == two
    assert len(set(one)) == 5
