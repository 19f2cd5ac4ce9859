"""Biased sampling: how often a concept has a value among the texts with a label, and among the others.

After CausaLM (Feder et al. 2021): texts without the value are thinned out where the label is the biased one, and where
that is *aggressive*, texts with the value are thinned out among all other labels. Here the fraction that is kept is the
one that gives the correlation asked for, and units are drawn from the thinned distribution at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contrafact.errors import RecipeError, did_you_mean

__all__ = ["KINDS", "Bias", "bias_of", "correlation"]

KINDS = ("balanced", "gentle", "aggressive")
_KEYS = ("concept", "value", "label", "kind", "correlation")
_STEPS = 200


@dataclass(frozen=True)
class Bias:
    """One concept's bias.

    Attributes
    ----------
    concept, value, label : str
        Among texts with ``label`` the ``concept`` has ``value`` more often (or, for a negative correlation, less).
    kind : {'balanced', 'gentle', 'aggressive'}
    correlation : float
        Of the two indicators (the phi coefficient), in the distribution that units are drawn from.
    inside, outside : float
        Chance of the value where the label is the biased one, and where it is another.
    """

    concept: str
    value: str
    label: str
    kind: str
    correlation: float
    inside: float
    outside: float

    def note(self) -> str:
        """What a reader of the dataset must know."""
        return (
            f"{self.concept} = {self.value} and the label {self.label} correlate at phi = {self.correlation:.3g} by"
            f" design ({self.kind}: the value has a chance of {self.inside:.3f} with that label and {self.outside:.3f}"
            " with others). In a sample of n units phi is within 2/sqrt(n) of it, 19 times out of 20."
        )


def correlation(label: float, inside: float, outside: float) -> float:
    """Phi of two indicators: chance of the first, and chances of the second where the first is 1 and where it is 0.

    0 where one of them never varies.
    """
    value = label * inside + (1 - label) * outside
    spread = label * (1 - label) * value * (1 - value)
    return label * (1 - label) * (inside - outside) / math.sqrt(spread) if spread > 0 else 0.0


def bias_of(
    spec: Any, concepts: Mapping[str, Mapping[str, float]], labels: Mapping[str, float], deciding: Sequence[str]
) -> Bias:
    """A bias from a recipe.

    Parameters
    ----------
    spec : mapping
        ``concept``, ``value``, ``label``, ``kind`` and ``correlation``.
    concepts : mapping of concept to {value: chance}
    labels : mapping of label to chance
    deciding : sequence of str
        Concepts that the label follows from: these cannot be biased by it.

    Raises
    ------
    RecipeError
        For an unknown key, concept, value, label or kind, or a correlation that cannot be reached.
    """
    if not isinstance(spec, Mapping):
        raise RecipeError(f"generator.bias is {spec!r}", allowed=f"a mapping with {', '.join(_KEYS)}")
    for key in [*spec, *_KEYS[:4]]:
        if key not in _KEYS:
            raise RecipeError(
                f"generator.bias has no key {key!r}{did_you_mean(str(key), _KEYS)}", allowed=", ".join(_KEYS)
            )
        if key not in spec:
            raise RecipeError(f"generator.bias has no {key}", allowed=", ".join(_KEYS))
    concept, value, label, kind = (str(spec[key]) for key in _KEYS[:4])
    free = [name for name in concepts if name not in deciding]
    for what, given, known in (
        ("concept", concept, free),
        ("value", value, list(concepts.get(concept, ()))),
        ("label", label, list(labels)),
        ("kind", kind, list(KINDS)),
    ):
        if given not in known:
            raise RecipeError(
                f"generator.bias.{what} is {given!r}{did_you_mean(given, known)}"
                + (", from which the label follows" if given in deciding and what == "concept" else ""),
                allowed=", ".join(known) or "none: the label follows from every concept",
            )
    wanted = _wanted(spec.get("correlation", 0.0), kind)
    inside, outside = _solved(labels[label], concepts[concept][value], wanted, kind)
    return Bias(concept, value, label, kind, correlation(labels[label], inside, outside), inside, outside)


def _wanted(given: Any, kind: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not -1 <= given <= 1:
        raise RecipeError(f"generator.bias.correlation is {given!r}", allowed="a number from -1 to 1")
    if kind == "balanced" and given != 0:
        raise RecipeError(
            f"generator.bias.correlation is {given}, and a balanced sample has none",
            allowed="0",
            fix="kind: gentle or aggressive, or correlation: 0",
        )
    return float(given)


def _thinned(base: float, kept: float, kind: str, sign: float) -> tuple[float, float]:
    """Chances inside and outside the label when only a fraction is ``kept`` of what speaks against the correlation."""

    def without_others(chance: float) -> float:
        return chance / (chance + kept * (1 - chance)) if chance + kept * (1 - chance) else 1.0

    more, less = without_others(base), 1 - without_others(1 - base)
    inside, outside = (more, less) if sign > 0 else (less, more)
    return inside, outside if kind == "aggressive" else base


def _solved(label: float, base: float, wanted: float, kind: str) -> tuple[float, float]:
    """The chances that give a correlation: it grows in size as less is kept, so that halving finds the fraction."""
    if wanted == 0:
        return base, base
    furthest = correlation(label, *_thinned(base, 0.0, kind, wanted))
    if abs(wanted) > abs(furthest) + 1e-12:
        raise RecipeError(
            f"a {kind} sample cannot have a correlation of {wanted}: here it ends at {furthest:.3f}",
            allowed=f"{min(furthest, 0):.3f} to {max(furthest, 0):.3f}"
            + ("" if kind == "aggressive" else ", or kind: aggressive"),
            fix=f"correlation: {math.floor(abs(furthest) * 1000) / 1000 * math.copysign(1, wanted):g}",
        )
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        further = abs(correlation(label, *_thinned(base, middle, kind, wanted))) > abs(wanted)
        low, high = (middle, high) if further else (low, middle)
    return _thinned(base, (low + high) / 2, kind, wanted)
