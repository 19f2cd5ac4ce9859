from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from contrafact.errors import ExpressionError, ModelError
from generators.scm import arithmetic, expression, grammar
from generators.scm.arithmetic import FUNCTIONS
from generators.scm.expression import Expression

ROWS = 40_000  # over two blocks
RNG = np.random.default_rng(5)
COLUMNS: dict[str, Any] = {
    "a": RNG.normal(size=ROWS),
    "b": RNG.normal(size=ROWS) * 3,
    "k": RNG.integers(-3, 4, size=ROWS),
    "s": RNG.random(ROWS) < 0.5,
    "arm": RNG.integers(0, 3, size=ROWS),
    "leg": RNG.integers(0, 3, size=ROWS),
}
A, B, S, ARM = COLUMNS["a"], COLUMNS["b"], COLUMNS["s"], COLUMNS["arm"]
K = COLUMNS["k"].astype(np.float64)
LEVELS = {"arm": ["low", "mid", "high"], "leg": ["low", "mid", "high"], "sex": ["f", "m"]}

SAME_AS: list[tuple[str, Any]] = [
    ("0.5*a + tanh(b) - 0.2*a*b", lambda: 0.5 * A + np.tanh(B) - 0.2 * A * B),
    ("a - b - 1", lambda: A - B - 1),
    ("a - (b - 1)", lambda: A - (B - 1)),
    ("-a**2", lambda: -(A**2)),
    ("2**-a", lambda: 2**-A),
    ("abs(a)**2**0.5", lambda: np.abs(A) ** (2**0.5)),
    ("(a + b)**2 / 3", lambda: (A + B) ** 2 / 3),
    ("a*b**2 % 3 // 0.5", lambda: A * B**2 % 3 // 0.5),
    ("+k * 2", lambda: K * 2),
    ("k / 2 + k // 2", lambda: K / 2 + K // 2),
    ("s + s", lambda: S * 2.0),
    ("-s", lambda: -(S * 1.0)),
    ("(a > 0) + (b > 0)", lambda: (A > 0) * 1.0 + (B > 0)),
    ("a < b", lambda: A < B),
    ("-1 < a <= 1 != b", lambda: (A > -1) & (A <= 1) & (B != 1)),
    ("s and a > 0 or not k", lambda: S & (A > 0) | (K == 0)),
    ("true and a > 0", lambda: A > 0),
    ("s == 1", lambda: S),
    ("a if b > 0 else -a", lambda: np.where(B > 0, A, -A)),
    ("a if k else b", lambda: np.where(K != 0, A, B)),
    ("1 if a > 1 else 2 if a > 0 else 3", lambda: np.where(A > 1, 1.0, np.where(A > 0, 2.0, 3.0))),
    ("s if a > 0 else b > 0", lambda: np.where(A > 0, S, B > 0) * 1.0),
    ("2 if arm == 'high' else 0", lambda: np.where(ARM == 2, 2.0, 0.0)),
    ("'high' != arm", lambda: ARM != 2),
    ("arm in ('low', 'high')", lambda: (ARM == 0) | (ARM == 2)),
    ("arm not in ['mid']", lambda: ARM != 1),
    ("arm == leg", lambda: np.equal(ARM, COLUMNS["leg"])),
    ("(arm == 'mid') * a", lambda: (ARM == 1) * A),
    ("sigmoid(a) + logit(sigmoid(b))", lambda: special.expit(A) + special.logit(special.expit(B))),
    ("softplus(a) + relu(b)", lambda: np.logaddexp(A, 0) + np.maximum(B, 0)),
    ("min(a, b, 1) + maximum(a, b)", lambda: np.minimum(np.minimum(A, B), 1) + np.maximum(A, B)),
    ("clip(a, -0.5, b)", lambda: np.minimum(np.maximum(A, -0.5), B)),
    ("where(a > b, a, b)", lambda: np.maximum(A, B)),
    ("step(k)", lambda: np.where(K >= 0, 1.0, 0.0)),
    ("round(b) + floor(a) + ceil(a) + sign(k)", lambda: np.rint(B) + np.floor(A) + np.ceil(A) + np.sign(K)),
    ("square(a) + sqrt(abs(b))", lambda: np.square(A) + np.sqrt(np.abs(B))),
    (
        "exp(a) + expm1(a) + log(abs(b)) + log1p(abs(b))",
        lambda: np.exp(A) + np.expm1(A) + np.log(abs(B)) + np.log1p(abs(B)),
    ),
    ("sin(a) + cos(a) + tan(a) + arctan(b)", lambda: np.sin(A) + np.cos(A) + np.tan(A) + np.arctan(B)),
    ("sinh(a) + cosh(a)", lambda: np.sinh(A) + np.cosh(A)),
    ("2*pi*a + e", lambda: 2 * math.pi * A + math.e),
]


@pytest.mark.parametrize(("text", "numpy"), SAME_AS, ids=[text for text, _ in SAME_AS])
def test_an_expression_means_what_numpy_says(text: str, numpy: Callable[[], Any]) -> None:
    values = Expression(text, LEVELS)(COLUMNS)
    wanted = numpy()
    assert values.shape == (ROWS,)
    assert values.dtype == wanted.dtype
    assert np.array_equal(values, wanted)


def test_every_function_is_compared_with_numpy() -> None:
    used = " ".join(text for text, _ in SAME_AS)
    spellings = {"minimum": "min", "max": "maximum"}
    assert [name for name in FUNCTIONS if f"{spellings.get(name, name)}(" not in used] == []


@given(st.sampled_from(SAME_AS), st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=70))
@settings(max_examples=300)
def test_a_rows_value_is_the_same_bit_for_bit_beside_any_others(case: tuple[str, Any], rows: list[int]) -> None:
    formula = Expression(case[0], LEVELS)
    whole = formula(COLUMNS)
    part = formula({name: values[rows] for name, values in COLUMNS.items()})
    assert part.tobytes() == whole[rows].tobytes()


def test_one_row_alone_takes_the_same_power_as_among_others() -> None:
    base, power = RNG.random(2000) * 50, np.full(2000, 2.0)
    whole = Expression("a**b")({"a": base, "b": power})
    alone = [Expression("a**b")({"a": base[[row]], "b": power[[row]]})[0] for row in range(2000)]
    assert whole.tolist() == alone


def test_strided_and_contiguous_columns_give_the_same_bits() -> None:
    wide = RNG.normal(size=(ROWS, 3))
    formula = Expression("tanh(a) * exp(b) + sin(a)")
    strided = formula({"a": wide[:, 0], "b": wide[::-1, 1]})
    packed = formula({"a": wide[:, 0].copy(), "b": wide[::-1, 1].copy()})
    assert strided.tobytes() == packed.tobytes()


@pytest.mark.parametrize("text", [text for text, _ in SAME_AS])
def test_columns_are_never_written_to(text: str) -> None:
    locked = {name: values.copy() for name, values in COLUMNS.items()}
    for values in locked.values():
        values.flags.writeable = False
    Expression(text, LEVELS)(locked)
    assert all(np.array_equal(locked[name], values) for name, values in COLUMNS.items())


def test_a_bare_name_gives_a_column_of_its_own() -> None:
    values = Expression("a")(COLUMNS)
    values[:] = 0
    assert COLUMNS["a"].any()


def test_names_are_those_read_in_order_of_appearance() -> None:
    assert Expression("b if a > c else d*b + exp(a) + pi").names == ("b", "a", "c", "d")
    assert Expression("1 + 2").names == ()


def test_a_constant_has_no_dimension() -> None:
    value = Expression("2*3 + sqrt(4)")({})
    assert value.shape == ()
    assert value == 8
    assert Expression("True")({}).dtype == np.bool_
    assert Expression("not 1 > 2 and (3 if true else 4) == 3")({})


def test_scalars_among_columns_stand_for_every_row() -> None:
    values = Expression("a + b")({"a": np.array(1.0), "b": np.arange(3.0)})
    assert values.tolist() == [1.0, 2.0, 3.0]
    assert Expression("a + 1")({"a": np.array(1.0)}).shape == ()
    assert Expression("a + 1")({"a": np.empty(0)}).shape == (0,)


def test_what_does_not_exist_is_inf_or_nan_without_a_warning() -> None:
    values = Expression("1/a + log(b) + a % 0 + exp(1000*b)")({"a": np.array([0.0, 1.0]), "b": np.array([1.0, -1.0])})
    assert not np.isfinite(values).any()


def test_an_expression_knows_whether_it_is_boolean() -> None:
    assert Expression("a > 1 and not b").boolean
    assert not Expression("a * (b > 1)").boolean


def test_a_sum_of_hundreds_of_terms_takes_no_depth() -> None:
    text = "+".join(["a"] * 900)
    assert np.allclose(Expression(text)({"a": np.ones(3)}), 900)


def test_nested_chained_comparisons_are_evaluated_once_a_side() -> None:
    text = "0 < a"
    for _ in range(40):
        text = f"0 < ({text}) < 2"
    assert Expression(text)({"a": np.array([1.0, -1.0])}).tolist() == [True, False]


def test_an_expression_over_several_lines_is_one() -> None:
    assert Expression("a +\n  b\n")({"a": np.ones(2), "b": np.ones(2)}).tolist() == [2.0, 2.0]


def test_a_known_name_comes_before_a_constant() -> None:
    assert Expression("e + 1", known=["e"])({"e": np.zeros(2)}).tolist() == [1.0, 1.0]


def test_an_expression_can_be_pickled() -> None:
    twin = pickle.loads(pickle.dumps(Expression("a if arm == 'mid' else b", LEVELS, ["a", "b", "arm"])))  # noqa: S301
    assert np.array_equal(twin(COLUMNS), np.where(ARM == 1, A, B))


ATTACKS = [
    ("__import__('os')", "unknown function '__import__', at column 1"),
    ("a.__class__", "an attribute (x.y) is not part of the language, at column 1"),
    ("1 + a.real", "at column 5"),
    ("a[0]", "an index"),
    ("lambda: 0", "a lambda"),
    ("[x for x in a]", "a comprehension"),
    ("(x for x in a)", "a comprehension"),
    ("{x: x for x in a}", "a comprehension"),
    ("10**10**10", "'10**10**10' is not a finite number"),
    ("a + 10**10**10", "is not a finite number"),
    ("1/0", "is not a finite number"),
    ("1/0*a", "'1/0' is not a finite number"),
    ("log(-1)", "is not a finite number"),
    ("1e999", "is not a finite number"),
    ("9" * 400, "is not a finite number"),
    ("1j", "1j is not part of the language"),
    ("a if", "is no expression"),
    ("a b", "is no expression"),
    ("a = 1", "is no expression"),
    ("import os", "is no expression"),
    ("f'{a}'", "an f-string"),
    ("(x := 1)", "an assignment"),
    ("'x'*10", "the text 'x' stands alone"),
    ("b'x'", "not part of the language"),
    ("None", "None is not part of the language"),
    ("...", "not part of the language"),
    ("clip(a, lo=0, hi=1)", "clip takes no named arguments"),
    ("max(*a, b)", "a star"),
    ("max(**a)", "max takes no named arguments"),
    ("*a", "is no expression"),
    ("a, b", "a tuple"),
    ("{1, 2}", "a set"),
    ("(" * 70 + "a" + ")" * 70, "nested too deep"),
    ("(" * 900 + "a" + ")" * 900, "nested too deep"),
    ("(" * 10_000 + "a" + ")" * 10_000, "20,001 characters"),
    ("-" * 1500 + "a", "nested too deep"),
    ("not " * 400 + "a", "nested too deep"),
    ("**".join(["a"] * 400), "nested too deep"),
    ("sin(" * 70 + "a" + ")" * 70, "nested too deep"),
    (" if a else ".join(["a"] * 150), "nested too deep"),
    ("a+" * 2500, "5,000 characters"),
    ("a\0b", "'\\x00' at column 2"),
    ("a # + b", "'#' at column 3"),
    ("a \\\n + b", "at column 3"),
    ("\u0430 + 1", "letters outside ASCII"),  # a Cyrillic a
    ("\uff45\uff58\uff50(a)", "unknown function"),  # a full-width exp, which Python folds into exp
    ("\uff41 + 1", "letters outside ASCII"),
    ("", "the expression is empty"),
    ("   ", "the expression is empty"),
    ("sigmiod(a)", "did you mean 'sigmoid'"),
    ("exp", "exp is a function"),
    ("exp(a, b)", "exp has 2 arguments"),
    ("clip(a)", "clip has 1 arguments"),
    ("min(a)", "min has 1 arguments"),
    ("(a)(b)", "unknown function 'a'"),
    ("exp(a)(b)", "cannot be called"),
    ("a @ b", "the operator MatMult"),
    ("a & b", "the operator BitAnd"),
    ("a << b", "the operator LShift"),
    ("~a", "the operator ~"),
    ("a is b", "a comparison of this kind"),
    ("a in (1, 2)", "its levels, written in quotes"),
    ("a == 'x'", "its levels are not known here"),
    ("arm == 'hihg'", "did you mean 'high'"),
    ("arm > 'high'", "levels are compared"),
    ("arm == 1", "its levels, written in quotes"),
    ("arm + 1", "arm is categorical and no number"),
    ("arm in 'high'", "must be in a list of levels"),
    ("arm in ()", "must be in a list of levels"),
    ("'high' in arm", "levels are compared with a categorical name only"),
    ("'a' == 'b'", "levels are compared with a categorical name only"),
    ("arm == 'low' == leg", "a comparison of this kind"),
    ("arm == sex", "different levels"),
    ("await a", "is not part of the language"),
    ("(yield a)", "is not part of the language"),
]


@pytest.mark.parametrize(("text", "words"), ATTACKS, ids=[repr(text[:24]) for text, _ in ATTACKS])
def test_what_is_not_in_the_language_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(text, LEVELS)
    assert words in str(caught.value)
    assert caught.value.allowed


@pytest.mark.parametrize("text", [1, None, ["a"], True])
def test_what_is_no_text_is_no_expression(text: Any) -> None:
    with pytest.raises(ExpressionError, match="is no expression"):
        Expression(text)


def test_an_unknown_name_is_refused_where_the_names_are_known() -> None:
    with pytest.raises(ExpressionError, match=r"unknown name 'dsoe' \(did you mean 'dose'\?\), at column 5"):
        Expression("2 * dsoe", known=["dose", "age"])
    with pytest.raises(ExpressionError, match="exp is a function"):
        Expression("2 * exp", known=["dose"])


def test_a_known_name_may_have_letters_outside_ascii() -> None:
    assert Expression("2*größe + 1", known=["größe"])({"größe": np.ones(2)}).tolist() == [3.0, 3.0]
    with pytest.raises(ExpressionError, match="at column 9"):
        Expression("größe + x.y", known=["größe"])


def test_a_missing_or_wide_column_is_named() -> None:
    with pytest.raises(ModelError, match="needs 'b'"):
        Expression("a + b")({"a": np.ones(2)})
    with pytest.raises(ModelError, match="'a' in 'a' has shape"):
        Expression("a")({"a": np.ones((2, 2))})


@given(st.text(alphabet="ab01.+-*/%()<>=!,'\"[]{}: \n_eif", max_size=40))
@settings(max_examples=500)
def test_any_text_is_either_an_expression_or_an_expression_error(text: str) -> None:
    try:
        formula = Expression(text, {"f": ["a", "b"]})
    except ExpressionError as error:
        assert error.allowed  # noqa: PT017  # either outcome is right, each has its own assertion
    else:
        columns = {name: np.ones(3) if name != "f" else np.zeros(3, np.int64) for name in formula.names}
        assert formula(columns).shape in ((3,), ())


def test_nothing_is_executed_as_python() -> None:
    for module in (arithmetic, grammar, expression):
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        assert not any(f"{word}(" in source for word in ("eval", "exec", "compile", "__import__"))
