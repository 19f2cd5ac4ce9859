"""Counterfactuals of observed units in one call: Pearl's three steps, block by block, on all cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from contrafact.errors import ModelError
from contrafact.streams import Streams
from generators.scm.engine import BLOCK_ROWS, Gathered, Recovered, Step, compute, cut, each_block, recover, steps_of
from generators.scm.interventions import Intervention, intervene
from generators.scm.mechanisms.base import Abduction, Columns
from generators.scm.model import SCM
from generators.scm.operations import Posterior, posterior_of

__all__ = ["BLOCK_ROWS", "counterfactual"]


def counterfactual(
    model: SCM,
    facts: Columns,
    intervention: Intervention,
    streams: Streams | None = None,
    start: int = 0,
    *,
    keep_noise: bool = True,
    block: int = BLOCK_ROWS,
    workers: int | None = None,
) -> tuple[dict[str, NDArray[Any]], Posterior]:
    """Pearl's three steps from facts alone (Pearl 2009, theorem 7.1.7), for the variables that they can change.

    The values equal bit for bit those of ``single(model, abduct(model, facts, streams, start).noise, n, intervention,
    facts, keep_unmoved=True)``, and come from the same engine; but noise is recovered only where it is used, and used
    while its block is still in cache.

    Parameters
    ----------
    facts : mapping of name to ndarray, shape (n,)
        A value for every variable, in the memory form of its support.
    intervention : Intervention
        Its values may be scalars or arrays of shape (n,).
    streams, start : Streams, optional, and int
        Needed where a noise has to be drawn from its posterior, with the number of the first unit, whose draw it is.
    keep_noise : bool
        False leaves ``posterior.noise`` empty, and saves writing it out.
    block, workers : int
        Rows in a block, and threads that share the blocks (all cores unless given): only the speed depends on them.

    Returns
    -------
    values : dict of name to ndarray, shape (n,)
        In topological order; a column that cannot change is the factual array itself.
    posterior : Posterior
        Noise, ``exact``, ``possible`` and ``ess`` of the variables whose noise was used, and of no others.

    Raises
    ------
    ModelError
        Where a variable has no facts, or where a noise has to be drawn and ``streams`` is missing.
    InterventionError
        For an unknown variable, two actions on one variable, or an array of another length than the facts.
    """
    _check_facts(model, facts)
    submodel, targets = intervene(model, intervention), intervention.targets(model)
    computed = targets | submodel.descendants(targets)
    used = _used(model, intervention, [name for name in submodel.order if name in computed], streams)
    steps = steps_of(submodel, computed, settled=True, changed=targets, factual=model)
    rows = len(facts[model.order[0]])
    values, found = Gathered.of(rows, steps, block), Recovered.of(rows)

    def fill(place: slice) -> None:
        window = cut(facts, place, rows)
        answers = recover(model, used, window, streams or Streams(0), start + place.start, start + place.stop)
        values.put(_predicted(steps, window, answers, place, rows), place)
        found.put(answers, place, keep_noise=keep_noise)

    each_block(rows, fill, block=block, workers=workers)
    return {name: values.columns.get(name, facts[name]) for name in submodel.order}, posterior_of(found, used)


def _predicted(
    steps: list[Step], facts: Columns, answers: Mapping[str, Abduction], place: slice, rows: int
) -> dict[str, NDArray[Any]]:
    noise = {name: answer.noise for name, answer in answers.items()}
    again = {name: answer.again for name, answer in answers.items()}
    return compute(steps, facts, noise, place, rows, again)


def _check_facts(model: SCM, facts: Columns) -> None:
    missing = [name for name in model.variables if name not in facts]
    if missing:
        raise ModelError(
            f"a counterfactual from facts needs a value for {', '.join(missing)}, and the facts have none",
            allowed=f"facts of {', '.join(model.variables)}",
            fix="sample the units from the model, whose noise is then known, or leave latent variables out",
        )


def _used(model: SCM, intervention: Intervention, computed: list[str], streams: Streams | None) -> list[str]:
    """Computed variables whose noise is used: do needs none. Checks that it can be had."""
    fixed = {action.variable for action in intervention.actions if action.operation == "do"}
    used = [name for name in computed if name not in fixed]
    drawn = [name for name in used if model.variables[name].mechanism.auxiliary]
    if drawn and streams is None:
        raise ModelError(
            f"the noise of {', '.join(drawn)} is not unique, and there are no random streams to draw it from",
            fix="give streams=Streams(seed)",
        )
    return used
