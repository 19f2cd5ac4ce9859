"""Checks of whole worlds: what must hold between the fact, its counterfactuals and the way back.

Composition, effectiveness and reversibility are the axioms of counterfactuals (Galles & Pearl 1998; Halpern 2000).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.scm.conformance.explain import failed, passed
from generators.scm.conformance.report import Check
from generators.scm.conformance.trial import Trial, close, differs, gap
from generators.scm.interventions import Action, Intervention, as_column, numeric
from generators.scm.mechanisms.additive import Root
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM, Variable
from generators.scm.operations import abduct, sample
from generators.scm.worlds import single

__all__ = ["composition", "effectiveness", "preservation", "replay", "reversibility"]
_Answers = Mapping[str, list[tuple[int, dict[str, NDArray[Any]], dict[str, NDArray[Any]]]]]


def replay(trial: Trial) -> Iterator[Check]:
    """Same seed and unit, same noise and values: in a second run, in uneven chunks, and one unit alone."""
    model, streams, units = trial.model, trial.streams, trial.units
    cuts = sorted({0, 1, min(8, units), units // 3, units // 3 + 1, units})
    runs = {
        "a second run": [(0, units)],
        "uneven chunks": list(pairwise(cuts)),
        "the last unit alone": [(units - 1, units)],
    }
    answers: _Answers = {
        how: [(start, *sample(model, streams, start, stop)) for start, stop in parts] for how, parts in runs.items()
    }
    for name in model.order:
        yield _replayed(trial, name, answers)


def _replayed(trial: Trial, name: str, answers: _Answers) -> Check:
    for how, parts in answers.items():
        for start, values, noise in parts:
            rows = slice(start, start + len(values[name]))
            facts = {each: column[rows] for each, column in trial.facts.items()}
            if differs(noise[name], trial.noise[name][rows]).any():
                detail = f"in {how}, the noise is {gap(noise[name], trial.noise[name][rows])}"
                return failed("replay", name, detail, trial.known_cause(name, "random"))
            own = differs(values[name], facts[name]) & _parents_equal(trial.model, name, values, facts)
            if own.any():
                detail = f"in {how}, with the same parents and noise, the value is {gap(values[name], facts[name])}"
                return failed("replay", name, detail, trial.known_cause(name))
    return passed("replay", name)


def composition(trial: Trial, target: str | None) -> Check:
    """Setting a variable to what it is, or nothing at all, changes nothing, bit for bit."""
    actions = () if target is None else (Action(target, "do", trial.facts[target]),)
    what = "intervening on nothing" if target is None else f"setting {target} to the value that it has"
    world = _world(trial, Intervention(actions))
    moved = _first_moved(trial, world, trial.facts)
    if moved:
        detail = f"{what} leaves {moved} {gap(world[moved], trial.facts[moved])}"
        return failed("composition", target, detail, trial.known_cause(moved))
    noise, intervention = trial.posterior.noise, Intervention(actions)
    world = single(trial.model, noise, trial.units, intervention, trial.facts, keep_unmoved=True)
    moved = _first_moved(trial, world, trial.facts)
    if moved:
        detail = f"{what} leaves {moved} {gap(world[moved], trial.facts[moved])}, with recovered noise"
        return failed("composition", target, detail, trial.known_cause(moved))
    return passed("composition", target)


def effectiveness(trial: Trial, target: str) -> Check:
    """After do the variable reads what it was set to; after shift, its natural value plus the shift."""
    wanted = _other_values(trial, target)
    world = _world(trial, Intervention((Action(target, "do", wanted),)))
    if differs(world[target], wanted).any():
        detail = f"after do, {target} is {gap(world[target], wanted)}"
        return failed("effectiveness", target, detail, trial.known_cause(target))
    column = trial.model.variables[target].support
    if not numeric(column):
        return passed("effectiveness", target)
    with np.errstate(invalid="ignore"):
        wanted = as_column(trial.raw[target] + 1, column, trial.units)
    world = _world(trial, Intervention((Action(target, "shift", 1),)))
    if differs(world[target], wanted).any():
        detail = f"after a shift by 1, {target} is {gap(world[target], wanted)}, against its natural value plus 1"
        return failed("effectiveness", target, detail, trial.known_cause(target))
    return passed("effectiveness", target)


def preservation(trial: Trial, target: str) -> Check:
    """After do, what is not downstream is untouched, and what is follows from its parents and its stored noise."""
    model, units = trial.model, trial.units
    world = _world(trial, Intervention((Action(target, "do", _other_values(trial, target)),)))
    below = model.descendants([target])
    # Other units are computed first, so that a mechanism with a memory cannot answer from it.
    sample(model, trial.streams, units, 2 * units)
    for name in model.order:
        if name == target:
            continue
        if name not in below:
            wanted, what = trial.facts[name], "which is not downstream of it,"
        else:
            parents = trial.parents(name, world=world)
            raw = trial.mechanism(name).predict(parents, trial.noise[name])
            with np.errstate(invalid="ignore"):
                wanted = as_column(raw, model.variables[name].support, units)
            what = "replayed from its parents and stored noise,"
        if differs(world[name], wanted).any():
            detail = f"do({target}) leaves {name}, {what} {gap(world[name], wanted)}"
            return failed("preservation", target, detail, trial.known_cause(name))
    return passed("preservation", target)


def reversibility(trial: Trial, target: str) -> Check:
    """Doing and undoing gives back the fact.

    The way back starts from the counterfactual world alone: once with its own noise (bit for bit) and once, where
    everything downstream is exact, with noise recovered from the counterfactual values. Starting the way back from
    the fact again would test nothing.
    """
    undo = Intervention((Action(target, "do", trial.facts[target]),))
    there = _world(trial, Intervention((Action(target, "do", _other_values(trial, target)),)))
    back = single(trial.model, trial.noise, trial.units, undo, there)
    moved = _first_moved(trial, back, trial.facts)
    if moved:
        detail = f"doing and undoing {target} leaves {moved} {gap(back[moved], trial.facts[moved])}"
        return failed("reversibility", target, detail, trial.known_cause(moved))
    held = _held(trial.model, target)
    posterior = abduct(held, there, trial.streams)
    if not all(trial.abduction(name).exact for name in trial.model.descendants([target])):
        return passed("reversibility", target)
    back = single(trial.model, posterior.noise, trial.units, undo, there)
    moved = next((name for name in trial.model.order if not close(back[name], trial.facts[name]).all()), None)
    if moved:
        detail = (
            f"doing {target}, recovering the noise from the counterfactual and undoing {target} leaves {moved} "
            f"{gap(back[moved], trial.facts[moved])}"
        )
        return failed("reversibility", target, detail, trial.known_cause(moved, "inverse"))
    return passed("reversibility", target)


def _world(trial: Trial, intervention: Intervention) -> dict[str, NDArray[Any]]:
    """The whole counterfactual world on the stored noise, every variable computed anew."""
    return single(trial.model, trial.noise, trial.units, intervention)


def _held(model: SCM, target: str) -> SCM:
    """The model with one variable held from outside, so that only what follows from it is abducted."""
    outside = Root()
    outside.whole = True  # whatever values it is given are the variable's own
    held = Variable(target, outside, model.variables[target].support)
    return SCM(model.name, [held if name == target else variable for name, variable in model.variables.items()])


def _other_values(trial: Trial, target: str) -> NDArray[Any]:
    """For each unit a value of the support that it does not have: another unit's, or else the next in the support."""
    facts, column = trial.facts[target], trial.model.variables[target].support
    other = np.roll(facts, 1)
    same = other == facts
    if not same.any():
        return other
    if column.discrete is not None:
        values = np.asarray(column.discrete, dtype=column.dtype)
        place = np.clip(np.searchsorted(values, facts), 0, len(values) - 1)
        return np.where(same, values[(place + 1) % len(values)], other)
    step = -1 if column.upper is not None else 1
    return np.where(same, facts + np.asarray(step, dtype=facts.dtype), other)


def _first_moved(trial: Trial, world: Columns, facts: Columns) -> str | None:
    """The variable to blame: the first that moved although its parents did not."""
    moved = [name for name in trial.model.order if differs(world[name], facts[name]).any()]
    for name in moved:
        if (differs(world[name], facts[name]) & _parents_equal(trial.model, name, world, facts)).any():
            return name
    return moved[0] if moved else None


def _parents_equal(model: SCM, name: str, world: Columns, facts: Columns) -> NDArray[np.bool_]:
    equal = np.ones(len(facts[name]), dtype=bool)
    for parent in model.variables[name].mechanism.parents:
        equal &= ~differs(world[parent], facts[parent])
    return equal
