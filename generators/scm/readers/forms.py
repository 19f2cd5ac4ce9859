"""Each mechanism's form in a recipe: the keys it takes, those it needs, and how it is built from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contrafact.errors import ModelError, did_you_mean
from generators.scm.expression import Expression
from generators.scm.mechanisms import (
    Additive,
    Bernoulli,
    Boolean,
    Categorical,
    Deterministic,
    Discrete,
    Linear,
    LocationScale,
    Monotone,
    NonInvertible,
    Root,
)
from generators.scm.mechanisms.base import Mechanism
from generators.scm.noise import Noise
from generators.scm.readers.levels import as_levels, level_name, nested_table
from generators.scm.support import Support

__all__ = ["FORMS", "Form", "Setting", "build", "check_keys"]

_ANY = ("noise", "value")  # what a monotone or non-invertible expression reads besides its parents
_TRUTH = ("false", "true")


@dataclass(frozen=True)
class Setting:
    """What a mechanism may refer to.

    Attributes
    ----------
    levels : mapping of name to tuple of str
        Levels of the model's categorical variables.
    known : tuple of str, optional
        Names that expressions may use; any where it is None.
    values : mapping of name to tuple of int
        Whole numbers of its integer variables that have few.
    """

    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: tuple[str, ...] | None = None
    values: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def function(self, value: Any, extra: Sequence[str] = ()) -> Any:
        """An expression in this setting, or the number or callable that was given instead."""
        if isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(value, str):
            return value
        known = None if self.known is None else (*self.known, *extra)
        return Expression(value, levels=self.levels, known=known)

    def axis(self, parent: str) -> Sequence[str]:
        """Names of a table's rows along one parent, in the order of its codes."""
        if parent in self.values:
            return [str(number) for number in range(max(self.values[parent]) + 1)]
        return self.levels.get(parent, _TRUTH)


Builder = Callable[[str, Mapping[str, Any], Setting], Mechanism]


@dataclass(frozen=True)
class Form:
    """Keys of one kind of mechanism. ``one_of`` is a set of keys of which exactly one must be there."""

    build: Builder
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that the form has."""
        return (*self.needs, *self.one_of, *self.takes)


def check_keys(kind: str, given: Collection[str], others: Collection[str] = ()) -> None:
    """Raise ``ModelError`` for an unknown key or a missing one.

    Parameters
    ----------
    given : collection of str
        Keys of the mechanism's parameters, without ``mechanism``.
    others : collection of str
        Keys that are allowed beside them, for the message.
    """
    form = FORMS[kind]
    for key in given:
        if key not in form.keys:
            near = did_you_mean(str(key), [*form.keys, *others])
            raise ModelError(f"a {kind} mechanism has no key {key!r}{near}", allowed=_allowed(form, others))
    missing = [key for key in form.needs if key not in given]
    if missing:
        raise ModelError(f"a {kind} mechanism needs {missing[0]}", allowed=_allowed(form, others))
    chosen = [key for key in form.one_of if key in given]
    if form.one_of and len(chosen) != 1:
        what = f"{' and '.join(chosen)} at once" if chosen else f"none of {', '.join(form.one_of)}"
        raise ModelError(f"a {kind} mechanism has {what}", allowed=_allowed(form, others), fix="give exactly one")


def build(name: str, kind: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    """A mechanism from its parameters, whose keys were checked. Raises ``ModelError`` for what it refuses."""
    try:
        return FORMS[kind].build(name, given, setting)
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"a {kind} mechanism cannot be made of {dict(given)!r}: {error}", allowed=_allowed(FORMS[kind], ())
        ) from None


def _allowed(form: Form, others: Collection[str]) -> str:
    needed = ["mechanism", *form.needs, *([" | ".join(form.one_of)] if form.one_of else [])]
    rest = [*form.takes, *others]
    return ", ".join(needed) + (f"; where wanted {', '.join(rest)}" if rest else "")


def _noise(given: Mapping[str, Any]) -> Noise | None:
    return Noise.of(given["noise"]) if given.get("noise") is not None else None


def _linear(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    weights = given["weights"]
    if not isinstance(weights, Mapping):
        raise ModelError(f"weights are {weights!r}", allowed="a number a parent", fix="weights: {age: 0.02}")
    for parent, weight in weights.items():
        if parent in setting.levels:
            raise ModelError(
                f"a weight is given to {parent!r}, which has levels and no number",
                fix="mechanism: additive, with an expression that compares it: "
                f"\"{weight} if {parent} == '{setting.levels[parent][-1]}' else 0\"",
            )
        if setting.known is not None and parent not in setting.known:
            raise ModelError(
                f"unknown parent {parent!r}{did_you_mean(str(parent), setting.known)}",
                allowed=_others(setting.known, name),
            )
    return Linear(weights, given.get("intercept", 0.0), _noise(given))


def _additive(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    return Additive(setting.function(given["expression"]), _noise(given), given.get("parents"))


def _location_scale(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    location, scale = setting.function(given["location"]), setting.function(given["scale"])
    return LocationScale(location, scale, _noise(given))


def _monotone(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    function = setting.function(given.get("expression", given.get("function")), _ANY)
    return Monotone(function, setting.function(given["inverse"], _ANY), _noise(given), given.get("parents"))


def _noninvertible(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    return NonInvertible(
        setting.function(given["expression"], _ANY),
        _noise(given),
        given.get("particles", 256),
        given.get("tolerance"),
        _support(given) or Support(),
        given.get("parents"),
    )


def _deterministic(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    return Deterministic(setting.function(given["expression"]), _support(given), given.get("parents"))


def _boolean(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    return Boolean(setting.function(given["expression"]), given.get("flip", 0.0), given.get("parents"))


def _bernoulli(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    return Bernoulli(setting.function(given["probability"]), given.get("parents"))


def _categorical(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    levels = _levels(name, given, setting)
    parents = _parents(given)
    if "table" in given:
        return Categorical(levels, _table(name, given, parents, levels, setting), parents=parents)
    return Categorical(levels, logits=_functions(given["logits"], levels, setting), parents=parents)


def _discrete(name: str, given: Mapping[str, Any], setting: Setting) -> Mechanism:
    values, parents = given.get("values"), _parents(given)
    levels = _levels(name, given, setting) if values is None else None
    names = levels or tuple(str(each) for each in values or ())
    if "table" in given:
        return Discrete(levels, _table(name, given, parents, names, setting), values=values, parents=parents)
    functions = _functions(given["probabilities"], names, setting)
    return Discrete(levels, values=values, probabilities=functions, parents=parents)


def _levels(name: str, given: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    """The levels given, or those that the variable is known to have."""
    if "levels" not in given and name in setting.levels:
        return setting.levels[name]
    if "levels" not in given:
        raise ModelError("there are no levels", allowed="a list of names", fix="levels: [low, high]")
    return as_levels(given["levels"])


def _parents(given: Mapping[str, Any]) -> tuple[str, ...]:
    parents = given.get("parents") or ()
    if isinstance(parents, str) or not isinstance(parents, Sequence):
        raise ModelError(f"parents are {parents!r}", allowed="a list of names", fix=f"parents: [{parents}]")
    return tuple(str(parent) for parent in parents)


def _table(name: str, given: Mapping[str, Any], parents: Sequence[str], levels: Sequence[str], setting: Setting) -> Any:
    for parent in parents:
        if setting.known is not None and parent not in setting.known:
            raise ModelError(
                f"unknown parent {parent!r}{did_you_mean(parent, setting.known)}",
                allowed=_others(setting.known, name),
            )
    return nested_table(given["table"], [*((parent, setting.axis(parent)) for parent in parents), (name, levels)])


def _functions(given: Any, levels: Sequence[str], setting: Setting) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {level_name(level, levels): setting.function(each) for level, each in given.items()}


def _support(given: Mapping[str, Any]) -> Support | None:
    spec = given.get("support")
    if spec is None:
        return None
    if not isinstance(spec, Mapping):
        raise ModelError(f"support is {spec!r}", allowed="a mapping", fix="support: {kind: boolean}")
    known = ("kind", "levels", "lower", "upper", "values")
    for key in spec:
        if key not in known:
            raise ModelError(f"a support has no key {key!r}{did_you_mean(str(key), known)}", allowed=", ".join(known))
    return Support.of({**spec, **({"levels": as_levels(spec["levels"])} if "levels" in spec else {})})


FORMS: Mapping[str, Form] = {
    "root": Form(lambda name, given, setting: Root(_noise(given)), takes=("noise",)),
    "linear": Form(_linear, ("weights",), ("intercept", "noise")),
    "additive": Form(_additive, ("expression",), ("noise", "parents")),
    "location_scale": Form(_location_scale, ("location", "scale"), ("noise",)),
    "monotone": Form(_monotone, ("inverse",), ("noise", "parents"), ("expression", "function")),
    "categorical": Form(_categorical, (), ("levels", "parents"), ("table", "logits")),
    "discrete": Form(_discrete, (), ("levels", "values", "parents"), ("table", "probabilities")),
    "boolean": Form(_boolean, ("expression",), ("flip", "parents")),
    "bernoulli": Form(_bernoulli, ("probability",), ("parents",)),
    "deterministic": Form(_deterministic, ("expression",), ("support", "parents")),
    "noninvertible": Form(_noninvertible, ("expression",), ("noise", "particles", "tolerance", "support", "parents")),
}
"""Every mechanism by its name in recipes."""


def _others(known: Sequence[str], name: str) -> str:
    return ", ".join(each for each in known if each != name) or "none: there is no other variable"
