"""From what a recipe says of controls to what makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contrafact.errors import RecipeError, did_you_mean
from generators.text.controls.asked import AskedControls
from generators.text.controls.ruled import RuleControls
from generators.text.parsing import PARSER

__all__ = ["ControlSpec", "Spec", "maker_of", "open_controls", "read_controls"]

Spec = str | dict[str, Any] | None
_MAKERS = ("rules", "llm")

_KINDS: Mapping[str, Mapping[str, Any]] = {
    "rules": {"tolerance": (int, float), "wordnet": str},
    "llm": {"tolerance": (int, float), "tries": int, "mode": str, "temperature": (int, float)},
    "wording": {"tolerance": (int, float)},
    "matching": {},
}
_LIMITS: Mapping[str, tuple[float, float]] = {"tolerance": (0, 100), "tries": (1, 50), "temperature": (0, 2)}


@dataclass(frozen=True)
class ControlSpec:
    """What a recipe wants: a kind of control, and its options, checked."""

    kind: str
    options: Mapping[str, Any]

    @property
    def is_own(self) -> bool:
        """Whether the generator makes them itself, out of what it knows."""
        return self.kind not in _MAKERS


def open_controls(spec: Spec, parser: str = PARSER) -> RuleControls | AskedControls | None:
    """What makes controls; None where the recipe wants none.

    Parameters
    ----------
    spec : str or mapping, optional
        ``rules`` or ``llm``; or ``{by: rules, tolerance, wordnet}`` or ``{by: llm, tolerance, tries, mode,
        temperature}``.
    parser : str
        Package of the spaCy pipeline.

    Raises
    ------
    RecipeError
        For an unknown kind or key, or a value out of its range.
    MissingDependencyError
        Where a part that the rules need is not installed.
    """
    asked = read_controls(spec, _MAKERS)
    return None if asked is None else maker_of(asked, parser)


def read_controls(spec: Spec, kinds: Sequence[str]) -> ControlSpec | None:
    """What a recipe says of controls, checked; None where it wants none.

    Parameters
    ----------
    kinds : sequence of str
        Kinds that the generator has; the first is meant where a mapping names none.

    Raises
    ------
    RecipeError
        For an unknown kind or key, or a value out of its range.
    """
    if spec is None:
        return None
    options = {"by": spec} if isinstance(spec, str) else dict(spec)
    kind = str(options.pop("by", kinds[0]))
    if kind not in kinds:
        raise RecipeError(f"generator.control {kind!r}{did_you_mean(kind, kinds)}", allowed=", ".join(kinds))
    for key, value in options.items():
        _check(kind, key, value)
    return ControlSpec(kind, options)


def maker_of(asked: ControlSpec, parser: str = PARSER) -> RuleControls | AskedControls:
    """What makes controls that any generator of texts can have.

    Raises
    ------
    MissingDependencyError
        Where a part that the rules need is not installed.
    """
    return AskedControls(**asked.options) if asked.kind == "llm" else RuleControls(parser, **asked.options)


def _check(kind: str, key: str, value: Any) -> None:
    """Raise ``RecipeError`` unless a kind takes this key with this value."""
    known = _KINDS[kind]
    if key not in known:
        raise RecipeError(
            f"generator.control of kind {kind} has no key {key!r}{did_you_mean(key, known)}",
            allowed=", ".join(("by", *known)),
        )
    if isinstance(value, bool) or not isinstance(value, known[key]):
        raise RecipeError(f"generator.control.{key} is {value!r}", allowed="text" if known[key] is str else "a number")
    low, high = _LIMITS.get(key, (0, 0))
    if key in _LIMITS and not low <= float(str(value)) <= high:
        raise RecipeError(f"generator.control.{key} is {value}", allowed=f"{low} to {high}")
    if key == "mode" and value not in ("completion", "chat"):
        raise RecipeError(f"generator.control.mode {value!r}", allowed="completion, chat")
