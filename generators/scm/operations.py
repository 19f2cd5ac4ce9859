"""The four operations: sample, abduct, intervene (in ``interventions``) and predict.

A counterfactual is nothing else than ``predict(intervene(model, x), abduct(model, facts).noise)``: Pearl's abduction,
action and prediction (Pearl 2009, theorem 7.1.7). The worlds in ``worlds`` are only ways of combining these four.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from contrafact.streams import Streams
from generators.scm.engine import Gathered, Recovered, compute, cut, each_block, recover, steps_of
from generators.scm.interventions import intervene
from generators.scm.mechanisms.base import Columns, Floats
from generators.scm.model import SCM

__all__ = ["Posterior", "abduct", "draw_noise", "intervene", "posterior_of", "predict", "sample"]


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
    found = Recovered.of(rows)

    def block(place: slice) -> None:
        first, last = start + place.start, start + place.stop
        found.put(recover(model, model.order, cut(facts, place, rows), streams, first, last), place)

    each_block(rows, block)
    return posterior_of(found, model.order)


def posterior_of(found: Recovered, order: Iterable[str]) -> Posterior:
    """What the engine recovered as a posterior, its columns in the given order."""
    noise, ess = (
        {name: each[name] for name in order if name in each} for each in (found.noise.columns, found.ess.columns)
    )
    return Posterior(noise, not found.drawn, found.possible, ess, frozenset(found.drawn))


def predict(
    model: SCM,
    noise: Mapping[str, NDArray[Any]],
    rows: int,
    *,
    facts: Columns | None = None,
    changed: Collection[str] | None = None,
    keep_unmoved: bool = False,
    factual: SCM | None = None,
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
        For abducted noise: a row keeps its factual value where the prediction is, bit for bit, the one that the factual
        parents give, since ``f + (x - f)`` may differ from ``x`` in the last bit. Parents that move within one leaf of
        a tree, or a shift by 0, so leave the fact as it is. A value set by do is never exchanged.
    factual : SCM, optional
        The model of the facts, whose mechanisms tell this of ``changed`` variables too; without it these always take
        their prediction.

    Returns
    -------
    dict of name to ndarray, shape (n,), in topological order
    """
    computed = set(model.variables)
    if facts is not None and changed is not None:
        computed = set(changed) | model.descendants(changed)
    settled = keep_unmoved and facts is not None
    steps = steps_of(model, computed, settled=settled, changed=changed or (), factual=factual)
    values = Gathered.of(rows, steps)

    def block(place: slice) -> None:
        values.put(compute(steps, cut(facts or {}, place, rows), cut(noise, place, rows), place, rows), place)

    each_block(rows, block)
    return {name: values.columns[name] if name in computed else (facts or {})[name] for name in model.order}
