"""A causal model written out in a recipe.

::

    name: clinic
    variables:
      age:  {mechanism: root, noise: {normal: [50, 12]}, support: {lower: 0, upper: 120}}
      arm:  {mechanism: categorical, levels: [low, high], logits: {low: 0, high: "0.05*(age-50)"}}
      dose: {mechanism: linear, weights: {age: 0.02}, intercept: 1, noise: {normal: [0, 0.5]}}
      mood: {mechanism: discrete, levels: [bad, good], parents: [arm], table: {low: [0.7, 0.3], high: [0.2, 0.8]}}
      u:    {mechanism: root, noise: normal, observed: false}
    domains:
      north: {dose: {mechanism: linear, weights: {age: 0.05}, noise: {normal: [0, 0.5]}}}

Variables may come in any order. A level that YAML reads as a boolean (an unquoted yes or no) is the level ``yes`` or
``no``. The spec of a model made of expressions and tables reads back as an equal model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from contrafact.errors import ModelError, did_you_mean
from generators.scm.mechanisms.base import Mechanism
from generators.scm.model import SCM, Variable
from generators.scm.readers.forms import FORMS, Setting, build, check_keys
from generators.scm.readers.levels import as_levels
from generators.scm.support import Support

__all__ = ["mechanism_from_spec", "scm_from_spec"]

_MODEL_KEYS = ("name", "variables", "domains")
_VARIABLE_KEYS = ("support", "observed", "description")
_BOUNDS = ("lower", "upper")
_SUPPORT_KEYS = ("kind", "levels", "values", *_BOUNDS)


def scm_from_spec(spec: Mapping[str, Any]) -> SCM:
    """The model that a recipe's mapping describes.

    Parameters
    ----------
    spec : mapping
        ``variables`` (name to mechanism and its parameters; also ``support: {lower, upper}``, ``observed: false`` and
        ``description``), and where wanted ``name`` and ``domains`` (name to {variable: mechanism}).

    Raises
    ------
    ModelError
        For an unknown, missing or ill-typed key (with the nearest valid one), an unknown parent, a cycle, a table that
        does not sum to one, a domain that changes what values a variable takes.
    ExpressionError
        For an expression outside the language.
    """
    for key in spec:
        if key not in _MODEL_KEYS:
            raise ModelError(
                f"a model has no key {key!r}{did_you_mean(str(key), _MODEL_KEYS)}", allowed=", ".join(_MODEL_KEYS)
            )
    given = _mapping(spec.get("variables"), "variables", "variables: {age: {mechanism: root}}")
    entries = {str(name): _mapping(each, str(name), f"{name}: {{mechanism: root}}") for name, each in given.items()}
    for name, entry in entries.items():
        with _named(name):
            _parameters(entry, _own_keys(entry))
    setting = Setting(levels=_all_levels(entries), known=tuple(entries), values=_all_values(entries))
    variables = [_variable(name, entry, setting) for name, entry in entries.items()]
    supports = {variable.name: variable.support for variable in variables}
    domains = {}
    for domain, changes in _mapping(spec.get("domains") or {}, "domains", "domains: {north: {…}}").items():
        named = _mapping(changes, f"domain {domain}", f"{domain}: {{dose: {{mechanism: linear, …}}}}")
        domains[str(domain)] = {
            str(name): _in_domain(str(domain), str(name), each, setting, supports) for name, each in named.items()
        }
    return SCM(str(spec.get("name") or "model"), variables, domains)


def mechanism_from_spec(
    name: str,
    spec: Mapping[str, Any],
    levels: Mapping[str, Sequence[str]] | None = None,
    *,
    known: Collection[str] | None = None,
    support: Support | None = None,
) -> Mechanism:
    """One mechanism: what an intervention puts in the place of another, say.

    Parameters
    ----------
    name : str
        The variable it is for. Where ``levels`` has it, the mechanism must give the same levels.
    spec : mapping
        ``mechanism`` and its parameters.
    levels : mapping of name to sequence of str, optional
        Levels of the model's categorical variables.
    known : collection of str, optional
        Names that expressions may use; any where it is None.
    support : Support, optional
        The variable's. A deterministic or non-invertible formula for whole numbers is then rounded to them.

    Raises
    ------
    ModelError, ExpressionError
        See :func:`scm_from_spec`.
    """
    named = {each: tuple(texts) for each, texts in (levels or {}).items()}
    setting = Setting(named, known=None if known is None else tuple(known))
    return _mechanism(name, _rounded(_mapping(spec, name, f"{name}: {{mechanism: linear, …}}"), support), setting)


def _mechanism(name: str, spec: Mapping[str, Any], setting: Setting) -> Mechanism:
    with _named(name):
        mechanism = build(name, *_parameters(spec), setting)
    _check_levels(name, mechanism, setting)
    return mechanism


def _parameters(spec: Mapping[str, Any], others: Collection[str] = ()) -> tuple[str, Mapping[str, Any]]:
    """Kind and parameters of a mechanism, their keys checked; ``others`` are the variable's own keys."""
    if "mechanism" not in spec:
        raise ModelError("there is no mechanism", allowed=", ".join(FORMS), fix="mechanism: root")
    kind = spec["mechanism"]
    if kind not in FORMS:
        raise ModelError(f"unknown mechanism {kind!r}{did_you_mean(str(kind), FORMS)}", allowed=", ".join(FORMS))
    given = {key: each for key, each in spec.items() if key not in others and key != "mechanism"}
    check_keys(kind, given, others)
    return kind, given


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the variable's name before whatever is wrong with it."""
    try:
        yield
    except ModelError as error:
        raise type(error)(f"{name}: {error.what}", allowed=error.allowed, fix=error.fix) from None


def _check_levels(name: str, mechanism: Mechanism, setting: Setting) -> None:
    wanted = setting.levels.get(name)
    if wanted is not None and mechanism.support.levels != tuple(wanted):
        given = ", ".join(mechanism.support.levels) or f"{mechanism.support.kind} values"
        raise ModelError(
            f"{name}: this mechanism gives {given}, and the variable has levels {', '.join(wanted)}",
            fix=f"levels: [{', '.join(wanted)}]",
        )


def _own_keys(entry: Mapping[str, Any]) -> tuple[str, ...]:
    # A deterministic mechanism's support is a parameter of it: nothing else tells what values come out.
    takes = FORMS[entry["mechanism"]].takes if entry.get("mechanism") in FORMS else ()
    return tuple(key for key in _VARIABLE_KEYS if key not in takes)


def _variable(name: str, entry: Mapping[str, Any], setting: Setting) -> Variable:
    own = _own_keys(entry)
    mechanism = _mechanism(name, {key: each for key, each in entry.items() if key not in own}, setting)
    observed = entry.get("observed", True)
    if not isinstance(observed, bool):
        raise ModelError(f"{name}: observed is {observed!r}", allowed="true or false", fix="observed: false")
    bounded = "support" in own and "support" in entry
    support = _support(name, mechanism, entry["support"]) if bounded else mechanism.support
    return Variable(name, mechanism, support, observed, str(entry.get("description", "")))


def _support(name: str, mechanism: Mechanism, given: Any) -> Support:
    """The mechanism's support within the given bounds; another kind of value is a mistake, but for whole noise."""
    bounds = _mapping(given, f"{name}: support", "support: {lower: 0, upper: 120}")
    for key in bounds:
        if key not in _SUPPORT_KEYS:
            raise ModelError(
                f"{name}: a support has no key {key!r}{did_you_mean(str(key), _SUPPORT_KEYS)}",
                allowed=", ".join(_SUPPORT_KEYS),
            )
    base = mechanism.support
    kind = bounds.get("kind", base.kind)
    levels = as_levels(bounds["levels"]) if "levels" in bounds else base.levels
    if kind == "integer" and base.kind == "real" and mechanism.whole:
        base = Support("integer")
    if kind != base.kind or levels != base.levels:
        raise ModelError(
            f"{name}: support asks for {kind} {', '.join(levels)}".rstrip()
            + f", and a {mechanism.kind} mechanism gives {base.kind} {', '.join(base.levels)}".rstrip(),
            allowed="lower and upper bounds",
            fix="leave kind and levels out of support",
        )
    if tuple(bounds.get("values", base.values)) != base.values:
        raise ModelError(
            f"{name}: support asks for values {bounds['values']!r}, and a {mechanism.kind} mechanism decides its own",
            allowed="lower and upper bounds",
            fix="leave values out of support",
        )
    for key in _BOUNDS:
        if isinstance(bounds.get(key), bool) or not isinstance(bounds.get(key), int | float | None):
            raise ModelError(f"{name}: support {key} is {bounds[key]!r}", allowed="a number", fix=f"{key}: 0")
    return replace(base, **{key: bounds[key] for key in _BOUNDS if key in bounds})


def _in_domain(domain: str, name: str, spec: Any, setting: Setting, supports: Mapping[str, Support]) -> Mechanism:
    entry = _mapping(spec, f"{domain}.{name}", f"{name}: {{mechanism: linear, …}}")
    if name not in supports:
        raise ModelError(
            f"domain {domain!r} changes {name!r}, which is no variable{did_you_mean(name, supports)}",
            allowed=", ".join(supports),
        )
    mechanism = _mechanism(name, _rounded(entry, supports[name]), setting)
    if mechanism.support.kind != supports[name].kind and not (supports[name].kind == "integer" and mechanism.whole):
        raise ModelError(
            f"{name}: domain {domain!r} gives it {mechanism.support.kind} values, "
            f"and it has {supports[name].kind} ones",
            fix="use a mechanism for the same kind of values: for whole numbers, discrete or deterministic",
        )
    return mechanism


def _rounded(spec: Mapping[str, Any], support: Support | None) -> Mapping[str, Any]:
    """A formula that says nothing of its values gives those of the variable: whole numbers, say, by rounding."""
    form = FORMS.get(spec.get("mechanism", ""))
    plain = support is not None and support.kind in ("integer", "boolean")
    if form is None or "support" not in form.takes or "support" in spec or not plain:
        return spec
    assert support is not None  # noqa: S101  # plain says so
    return {**spec, "support": {"kind": support.kind}}


def _all_levels(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, entry in entries.items():
        support = entry.get("support")
        given = entry.get("levels") or (support.get("levels") if isinstance(support, Mapping) else None)
        with _named(name):
            if given:
                found[name] = as_levels(given)
            elif entry["mechanism"] in ("categorical", "discrete") and "values" not in entry:
                raise ModelError("there are no levels", allowed="a list of names", fix="levels: [low, high]")
    return found


def _all_values(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, ...]]:
    """Whole numbers of the discrete variables that have them in the place of levels."""
    return {
        name: tuple(entry["values"])
        for name, entry in entries.items()
        if isinstance(entry.get("values"), list | tuple) and all(isinstance(each, int) for each in entry["values"])
    }


def _mapping(value: Any, what: str, fix: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ModelError(f"{what} is {value!r}", allowed="a mapping", fix=fix)
    return value
