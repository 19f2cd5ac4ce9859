"""Every law has a mechanism that breaks it, and the report names the law, the place and the cause."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contrafact.errors import ModelError
from generators.scm.conformance import Report, check_model
from generators.scm.library import LIBRARY
from generators.scm.mechanisms import Deterministic, Linear, Root
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.model import SCM, Variable
from generators.scm.noise import Normal, Uniform
from generators.scm.support import BOOLEAN, INTEGER, Support

Array = NDArray[Any]


class Own(Mechanism):
    """A user's own mechanism, ``recovery = 2 dose - age + noise``, sound as it is; the tests break it."""

    kind = "own"
    parents: tuple[str, ...] = ("dose", "age")

    def draw(self, uniforms: Floats) -> Array:
        return Normal().quantile(uniforms)

    def mean(self, parents: Columns) -> Array:
        return np.asarray(2 * parents["dose"] - parents["age"])

    def predict(self, parents: Columns, noise: Array) -> Array:
        return self.mean(parents) + noise

    def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
        return Abduction(values - self.mean(parents), exact=True)

    def spec(self) -> dict[str, Any]:
        return {"mechanism": self.kind}


def model_with(recovery: Mechanism, support: Support | None = None, **others: Mechanism) -> SCM:
    # age ──► dose ──► recovery ──► cost
    #   ╲_______________▲
    columns = {"age": Root(), "dose": Linear({"age": 0.5}), "cost": Linear({"recovery": 1.0}), **others}
    variables = [Variable(name, mechanism) for name, mechanism in columns.items()]
    kept = recovery.support if support is None else support
    return SCM("ward", [*variables, Variable("recovery", recovery, kept)])


def report_of(recovery: Mechanism, support: Support | None = None, **others: Mechanism) -> Report:
    return check_model(model_with(recovery, support, **others), units=200)


def failed(report: Report) -> set[tuple[str, str | None]]:
    return {(check.name, check.variable) for check in report.failures}


def text_of(report: Report, name: str) -> str:
    check = next(check for check in report.failures if check.name == name)
    assert check.detail in str(report)
    assert check.cause in str(report)
    assert check.fix in str(report)
    return f"{check.detail} {check.cause} {check.fix}"


def test_a_sound_model_passes_every_law() -> None:
    report = report_of(Own())
    assert report.passed, str(report)
    laws = {check.name for check in report.checks}
    assert laws >= {"composition", "effectiveness", "reversibility", "preservation", "replay", "abduction", "support"}
    assert {check.variable for check in report.checks} == {None, "age", "dose", "recovery", "cost"}
    assert str(report).startswith("ward: passed")


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_every_built_in_model_passes_every_law(name: str) -> None:
    module, _, attribute = LIBRARY[name].partition(":")
    report = check_model(getattr(importlib.import_module(module), attribute)(), units=200)
    assert report.passed, str(report)


def test_random_numbers_of_its_own_are_caught() -> None:
    class Hidden(Own):
        def predict(self, parents: Columns, noise: Array) -> Array:
            return super().predict(parents, noise) + np.random.default_rng().normal(size=len(noise))

    report = report_of(Hidden())
    assert {("purity", "recovery"), ("replay", "recovery"), ("composition", None)} <= failed(report)
    assert {("reversibility", "dose"), ("preservation", "age")} <= failed(report)
    assert ("purity", "cost") not in failed(report)
    assert ("replay", "cost") not in failed(report), "cost only follows"
    assert "draws random numbers of its own" in text_of(report, "replay")
    assert "doing and undoing age leaves recovery off by up to" in text_of(report, "reversibility")


def test_noise_that_is_not_the_unit_s_is_caught() -> None:
    class Reseeded(Own):
        def draw(self, uniforms: Floats) -> Array:
            return np.random.default_rng(0).normal(size=len(uniforms))

    report = report_of(Reseeded())
    assert {("row independence", "recovery"), ("replay", "recovery")} <= failed(report)
    assert "the noise is off by up to" in text_of(report, "replay")


def test_reading_neighbouring_rows_is_caught() -> None:
    class Centred(Own):
        def mean(self, parents: Columns) -> Array:
            return np.asarray(2 * parents["dose"] - parents["age"].mean())

    report = report_of(Centred())
    assert {("row independence", "recovery"), ("replay", "recovery")} <= failed(report)
    assert ("purity", "recovery") not in failed(report)
    assert "reads its neighbours' rows" in text_of(report, "row independence")
    assert "reads its neighbours' rows" in text_of(report, "replay")


def test_rounding_that_depends_on_the_number_of_rows_is_told_from_reading_neighbours() -> None:
    class Rounded(Own):
        def predict(self, parents: Columns, noise: Array) -> Array:
            return super().predict(parents, noise) * (1 + len(noise) * 2.0**-50)

        def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
            return super().abduct(parents, values / (1 + len(values) * 2.0**-50), uniforms)

    report = report_of(Rounded())
    assert ("row independence", "recovery") in failed(report)
    assert "rounds a row differently beside other rows" in text_of(report, "row independence")


def test_a_wrong_inverse_is_caught() -> None:
    class Backwards(Own):
        def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
            return Abduction(values + self.mean(parents), exact=True)

    report = report_of(Backwards())
    assert ("abduction", "recovery") in failed(report)
    assert ("reversibility", "dose") in failed(report), "the way back abducts from the counterfactual"
    assert ("purity", "recovery") not in failed(report)
    assert "abduct is not the inverse of predict" in text_of(report, "abduction")


def test_an_undeclared_parent_behind_a_closure_is_caught() -> None:
    kept: dict[str, Array] = {}

    class Dose(Root):
        def predict(self, parents: Columns, noise: Array) -> Array:
            kept["dose"] = noise
            return noise

    class Secretive(Own):
        parents = ("age",)

        def mean(self, parents: Columns) -> Array:
            return np.asarray(2 * kept["dose"][: len(parents["age"])] - parents["age"])

    report = check_model(model_with(Secretive(), dose=Dose()), units=200)
    assert {("purity", "recovery"), ("preservation", "age")} <= failed(report)
    assert "something other than its declared parents (age) and noise" in text_of(report, "purity")
    assert "no arrow" in text_of(report, "purity")


def test_a_column_kept_outside_is_caught() -> None:
    outside = np.linspace(0, 1, 200)

    class Fixed(Own):
        def mean(self, parents: Columns) -> Array:
            return np.asarray(parents["dose"] + outside)

    report = report_of(Fixed())
    assert {("row independence", "recovery"), ("replay", "recovery")} <= failed(report)
    assert "a column kept outside" in text_of(report, "row independence")


def test_a_posterior_that_claims_to_be_exact_is_caught() -> None:
    class Folded(Own):
        """recovery = |noise|: the sign is lost."""

        auxiliary = 1

        def predict(self, parents: Columns, noise: Array) -> Array:
            return np.abs(noise)

        def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
            return Abduction(np.where(uniforms < 0.5, -values, values), exact=True)

    report = report_of(Folded())
    assert failed(report) == {("abduction", "recovery")}
    assert "draw from the posterior" in text_of(report, "abduction")
    assert "exact=False" in text_of(report, "abduction")


def test_one_of_several_solutions_that_claims_to_be_exact_is_caught() -> None:
    class Positive(Own):
        def predict(self, parents: Columns, noise: Array) -> Array:
            return np.abs(noise)

        def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
            return Abduction(values, exact=True)

    report = report_of(Positive())
    assert failed(report) == {("abduction", "recovery")}
    assert "the recovered noise is off by up to" in text_of(report, "abduction")


def test_a_point_estimate_in_place_of_a_posterior_is_caught() -> None:
    class Thresholded(Own):
        support = BOOLEAN

        def predict(self, parents: Columns, noise: Array) -> Array:
            return noise > 0

        def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
            return Abduction(np.where(values, 0.5, -0.5), exact=False)

    report = report_of(Thresholded())
    assert failed(report) == {("abduction", "recovery")}
    assert "does not add up to the prior" in text_of(report, "abduction")


def test_a_true_posterior_that_says_so_passes_and_is_reported_as_not_exact() -> None:
    class Folded(Own):
        auxiliary = 1

        def predict(self, parents: Columns, noise: Array) -> Array:
            return np.abs(noise)

        def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
            return Abduction(np.where(uniforms < 0.5, -values, values), exact=False)

    report = report_of(Folded())
    assert report.passed, str(report)
    assert "  recovery: not exact when the unit is observed: several noises explain its value" in str(report)


def test_writing_into_the_inputs_is_caught() -> None:
    class Greedy(Own):
        def predict(self, parents: Columns, noise: Array) -> Array:
            dose = parents["dose"]
            dose *= 2
            dose -= parents["age"]
            return dose + noise

    report = report_of(Greedy())
    assert failed(report) == {("purity", "recovery")}
    assert "it changed its inputs (dose in predict)" in text_of(report, "purity")
    assert "against the graph" in text_of(report, "purity")


def test_handing_out_one_array_again_and_again_is_caught() -> None:
    class Thrifty(Own):
        def __init__(self) -> None:
            self.out = np.empty(1000)

        def predict(self, parents: Columns, noise: Array) -> Array:
            return np.add(self.mean(parents), noise, out=self.out[: len(noise)])

    report = report_of(Thrifty())
    assert ("purity", "recovery") in failed(report)
    assert "hands out the same array in every call" in text_of(report, "purity")


def test_a_wrong_shape_is_caught_before_anything_else() -> None:
    class Short(Own):
        def predict(self, parents: Columns, noise: Array) -> Array:
            return super().predict(parents, noise)[1:]

    report = report_of(Short())
    assert failed(report) == {("sampling", "recovery")}
    assert "predict returned values of shape (199,) instead of (200,)" in str(report)
    assert "Nothing else was tried" in str(report)


def test_a_column_of_text_is_caught() -> None:
    class Wordy(Own):
        def predict(self, parents: Columns, noise: Array) -> Array:
            return np.full(len(noise), "high")

    assert "instead of numbers or codes" in text_of(report_of(Wordy()), "sampling")


def test_values_that_are_not_a_number_are_caught() -> None:
    class Logarithmic(Own):
        def mean(self, parents: Columns) -> Array:
            with np.errstate(invalid="ignore"):
                return np.log(parents["dose"])

    report = report_of(Logarithmic())
    assert {("support", "recovery"), ("support", "cost")} <= failed(report)
    assert "values are not finite" in text_of(report, "support")
    assert "a logarithm or root of a negative number" in text_of(report, "support")


def test_values_outside_the_support_are_caught() -> None:
    report = report_of(Own(), Support(lower=0))
    assert failed(report) == {("support", "recovery")}
    assert "not a finite number in [0, inf]" in text_of(report, "support")


def test_fractions_in_a_column_of_whole_numbers_are_caught() -> None:
    report = report_of(type("Whole", (Own,), {"support": INTEGER})())
    assert ("support", "recovery") in failed(report)
    assert "in a column of integer values" in text_of(report, "support")


def test_ignoring_the_noise_is_caught() -> None:
    class Deaf(Own):
        def predict(self, parents: Columns, noise: Array) -> Array:
            return self.mean(parents)

    report = report_of(Deaf())
    assert failed(report) == {("abduction", "recovery")}
    assert "ignores its noise" in text_of(report, "abduction")


def test_calling_its_own_values_impossible_is_caught() -> None:
    class Doubtful(Own):
        def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
            return Abduction(values - self.mean(parents), exact=True, possible=values > 0)

    report = report_of(Doubtful())
    assert failed(report) == {("abduction", "recovery")}
    assert "impossible" in text_of(report, "abduction")


@pytest.mark.parametrize(("method", "law"), [("draw", "sampling"), ("predict", "sampling"), ("abduct", "abduction")])
def test_a_mechanism_that_raises_is_a_failed_check_and_no_traceback(method: str, law: str) -> None:
    class Raising(Own):
        pass

    def fail(*_: object) -> None:
        raise ZeroDivisionError("dose of nothing")

    setattr(Raising, method, fail)
    report = report_of(Raising())
    assert (law, "recovery") in failed(report)
    assert f"{method} raised ZeroDivisionError: dose of nothing" in str(report)
    assert "Traceback" not in str(report)


def test_a_mechanism_that_raises_on_counterfactual_values_alone_is_a_failed_check() -> None:
    class Fragile(Own):
        def mean(self, parents: Columns) -> Array:
            if (parents["dose"] != 2 * parents["age"]).any():
                raise KeyError("unseen dose")
            return np.asarray(parents["dose"])

    report = check_model(model_with(Fragile(), dose=Deterministic("2*age")), units=200)
    assert failed(report) == {(law, "dose") for law in ("effectiveness", "preservation", "reversibility")}
    assert "recovery: predict raised KeyError: 'unseen dose'" in text_of(report, "preservation")
    assert "make it answer for every value that its parents (dose, age) can take" in text_of(report, "preservation")


def test_a_specification_that_cannot_be_hashed_is_caught() -> None:
    class Opaque(Own):
        def spec(self) -> dict[str, Any]:
            return {"function": object()}

    report = report_of(Opaque())
    assert failed(report) == {("identity", None)}
    assert "has no canonical text" in str(report)


def test_mechanisms_that_only_a_domain_uses_are_checked_too() -> None:
    class Backwards(Own):
        def abduct(self, parents: Columns, values: Array, uniforms: Floats) -> Abduction:
            return Abduction(self.mean(parents) - values, exact=True)

    plain = model_with(Own())
    model = SCM("ward", plain.variables.values(), {"north": {"recovery": Backwards()}, "south": {}})
    report = check_model(model, units=200)
    assert failed(report) == {("abduction", "recovery@north")}


def test_what_a_domain_breaks_downstream_of_its_mechanisms_is_found() -> None:
    class Rooted(Own):
        parents = ("dose",)

        def mean(self, parents: Columns) -> Array:
            with np.errstate(invalid="ignore"):
                return np.sqrt(parents["dose"])

    plain = model_with(Rooted(), dose=Root(Uniform(1, 2)))
    assert check_model(plain, units=200).passed
    report = check_model(SCM("ward", plain.variables.values(), {"north": {"dose": Root(Uniform(-2, -1))}}), units=200)
    assert {("support", "recovery@north"), ("support", "cost@north")} == failed(report)


def test_too_few_units_are_refused() -> None:
    with pytest.raises(ModelError, match="too few to check"):
        check_model(model_with(Own()), units=3)


def test_two_checks_of_one_model_agree_word_for_word() -> None:
    assert str(report_of(Own(), Support(lower=0))) == str(report_of(Own(), Support(lower=0)))
