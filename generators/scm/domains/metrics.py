"""How good a map between domains is: the four axes of counterfactual soundness, for any function that does the edit.

An ``Edit`` takes columns of ``source`` and gives what they would be in ``target``. It may be exact
(:func:`domain_counterfactual`), fitted, or a neural network behind a function. Composition, effectiveness and
reversibility follow Monteiro et al. 2023, "Measuring axiomatic soundness of counterfactual image models"
(arXiv 2303.01274); preservation is what Zhou et al. 2024 add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.scm.mechanisms.base import Columns

__all__ = ["Edit", "composition", "counterfactual_error", "effectiveness", "preservation", "reversibility"]

Edit = Callable[[Columns, str, str], Columns]
"""``edit(columns, source, target)``: the columns as they would be in ``target``."""


def effectiveness(
    edit: Edit, facts: Columns, source: str, target: str, domain_of: Callable[[Columns], NDArray[Any]]
) -> float:
    """Share of counterfactuals that a judge takes for units of ``target``.

    ``domain_of`` gives a domain's name for each unit, shape (n,). Compare with its answer on real units of ``target``:
    domains that overlap cannot be told apart in every unit.
    """
    return float(np.mean(domain_of(edit(facts, source, target)) == target))


def preservation(
    edit: Edit, facts: Columns, source: str, target: str, property_of: Callable[[Columns], NDArray[Any]]
) -> float:
    """Share of units whose property (a class, say: shape (n,)) is the same before and after."""
    return float(np.mean(property_of(edit(facts, source, target)) == property_of(facts)))


def composition(edit: Edit, facts: Columns, domain: str, names: Sequence[str]) -> float:
    """Mean squared change of the named columns when nothing changes; 0 for a sound edit."""
    return _distance(edit(facts, domain, domain), facts, names)


def reversibility(edit: Edit, facts: Columns, source: str, target: str, names: Sequence[str]) -> float:
    """Mean squared difference of the named columns after a real round trip; 0 for a sound, invertible edit.

    The second hop is given the counterfactual, and only its named columns, so that it cannot look at the original.
    """
    there = edit(facts, source, target)
    back = edit({name: there[name] for name in names}, target, source)
    return _distance(back, facts, names)


def counterfactual_error(edit: Edit, truth: Edit, facts: Mapping[str, Columns], names: Sequence[str]) -> float:
    """Mean squared difference of two edits over every ordered pair of distinct domains (Zhou et al. 2024, section 5).

    ``facts`` holds units of each domain.
    """
    pairs = permutations(facts, 2)
    errors = [
        _distance(edit(facts[source], source, target), truth(facts[source], source, target), names)
        for source, target in pairs
    ]
    return float(np.mean(errors))


def _distance(left: Columns, right: Columns, names: Sequence[str]) -> float:
    return float(np.mean([np.mean((left[name] - right[name]) ** 2) for name in names]))
