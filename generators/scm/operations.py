"""The four operations: sample, abduct, intervene (in ``interventions``) and predict.

A counterfactual is nothing else than ``predict(intervene(model, x), abduct(model, facts).noise)``: Pearl's abduction,
action and prediction (Pearl 2009, theorem 7.1.7). The worlds in ``worlds`` are only ways of combining these four.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from contrafact.streams import Streams
from generators.scm.interventions import as_column, intervene
from generators.scm.mechanisms.base import Columns, Floats
from generators.scm.model import SCM

__all__ = ["Posterior", "abduct", "draw_noise", "intervene", "predict", "sample"]


@dataclass(frozen=True)
class Posterior:
    """Noise of n observed units.

    Attributes
    ----------
    noise : mapping of name to ndarray, shape (n,) or (n, lanes)
    exact : bool
        True only where every variable's noise was uniquely recovered.
    drawn : frozenset of str
        Variables whose noise is one draw from its posterior: a counterfactual that recomputes none of them is exact.
    ess : mapping of name to ndarray of float64, shape (n,)
        Effective sample sizes, of the variables whose noise was drawn from weighted samples.
    possible : ndarray of bool, shape (n,)
        False for a unit that the model cannot produce.
    """

    noise: Mapping[str, NDArray[Any]]
    exact: bool
    possible: NDArray[np.bool_]
    ess: Mapping[str, Floats] = field(default_factory=dict)
    drawn: frozenset[str] = frozenset()


def draw_noise(model: SCM, streams: Streams, start: int, stop: int) -> dict[str, NDArray[Any]]:
    """Noise of units ``start`` to ``stop`` from its prior; a unit's noise depends on nothing but its number."""
    noise = {}
    for name, variable in model.variables.items():
        mechanism = variable.mechanism
        lanes = mechanism.lanes
        uniforms = streams.uniforms(f"noise:{name}", start, stop, lanes) if lanes else np.empty((stop - start, 0))
        noise[name] = mechanism.draw(uniforms)
    return noise


def sample(
    model: SCM, streams: Streams, start: int, stop: int
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Values and noise of units ``start`` to ``stop``, each a mapping of columns."""
    noise = draw_noise(model, streams, start, stop)
    return predict(model, noise, stop - start), noise


def abduct(model: SCM, facts: Columns, streams: Streams, start: int = 0) -> Posterior:
    """Noise that explains the facts: unique where the mechanisms allow, else one draw from its posterior.

    Parameters
    ----------
    facts : mapping of name to ndarray, shape (n,)
        A value for every variable of the model.
    start : int
        Number of the first unit; posterior draws belong to the unit, as all randomness does.

    Raises
    ------
    ModelError
        Where a variable has no facts (a latent one, say).
    """
    missing = [name for name in model.variables if name not in facts]
    if missing:
        raise ModelError(
            f"abduction needs a value for {', '.join(missing)}, and the facts have none",
            fix="sample the units from the model, whose noise is then known, or leave latent variables out",
        )
    rows = len(facts[model.order[0]])
    noise, ess, drawn, possible = {}, {}, set(), np.ones(rows, dtype=bool)
    for name, variable in model.variables.items():
        mechanism = variable.mechanism
        width = mechanism.auxiliary
        uniforms = streams.uniforms(f"abduct:{name}", start, start + rows, width) if width else np.empty((rows, 0))
        answer = mechanism.abduct(_parents(mechanism.parents, facts), facts[name], uniforms)
        noise[name] = answer.noise
        if not answer.exact:
            drawn.add(name)
        if answer.ess is not None:
            ess[name] = answer.ess
        if answer.possible is not None:
            possible &= answer.possible
    return Posterior(noise, not drawn, possible, ess, frozenset(drawn))


def predict(
    model: SCM,
    noise: Mapping[str, NDArray[Any]],
    rows: int,
    *,
    facts: Columns | None = None,
    changed: Collection[str] | None = None,
    keep_unmoved: bool = False,
) -> dict[str, NDArray[Any]]:
    """Values of every variable under the given noise.

    Parameters
    ----------
    rows : int
        Number of units, n.
    facts, changed : mapping and collection, optional
        Where both are given, only ``changed`` variables and their descendants are computed; every other column is the
        factual one itself. That is what makes non-descendants equal bit for bit, and what saves the time.
    keep_unmoved : bool
        For abducted noise: a row none of whose parents moved keeps its factual value, since ``f + (x - f)`` may differ
        from ``x`` in the last bit.

    Returns
    -------
    dict of name to ndarray, shape (n,), in topological order
    """
    computed = set(model.variables)
    if facts is not None and changed is not None:
        computed = set(changed) | model.descendants(changed)
    values: dict[str, NDArray[Any]] = {}
    for name, variable in model.variables.items():
        if name not in computed:
            assert facts is not None  # noqa: S101  # only reached where facts were given
            values[name] = facts[name]
            continue
        parents = _parents(variable.mechanism.parents, values)
        column = as_column(variable.mechanism.predict(parents, noise[name]), variable.support, rows)
        if keep_unmoved and facts is not None and name not in (changed or ()):
            column = np.where(_unmoved(parents, facts, rows), facts[name], column)
        values[name] = column
    return values


def _parents(names: tuple[str, ...], values: Columns) -> dict[str, NDArray[Any]]:
    return {name: values[name] for name in names}


def _unmoved(parents: Columns, facts: Columns, rows: int) -> NDArray[np.bool_]:
    still = np.ones(rows, dtype=bool)
    for name, column in parents.items():
        if column is not facts[name]:
            still &= column == facts[name]
    return still
