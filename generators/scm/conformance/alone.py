"""Checks of one mechanism by itself, on the units that the model gives it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.scm.conformance.explain import failed, passed
from generators.scm.conformance.report import Check
from generators.scm.conformance.trial import METHODS, Broken, Trial, close, differs, gap
from generators.scm.interventions import as_column
from generators.scm.mechanisms.base import Abduction
from generators.scm.operations import sample

__all__ = ["abduction", "purity", "row_independence", "sampling", "support"]

_NOT_EXACT = (
    "not exact when the unit is observed: several noises explain its value, and abduction draws one of them from their"
    " posterior (exact where units are drawn from the model, whose noise is known)"
)
_SAME_UP_TO_ROUNDING = 1e-9
_KOLMOGOROV = 2.69  # sqrt(-ln(1e-6 / 2) / 2): one false alarm in a million


def sampling(trial: Trial, name: str) -> Check:
    """The mechanism draws noise and gives one value a unit; fills the trial's columns."""
    mechanism, column = trial.mechanism(name), trial.model.variables[name].support
    noise = mechanism.draw(trial.uniforms(name, "noise", mechanism.lanes))
    raw = mechanism.predict(trial.parents(name), noise)
    with np.errstate(invalid="ignore"):
        values = as_column(raw, column, trial.units)
    trial.noise[name], trial.raw[name], trial.facts[name] = noise, raw, values
    return passed("sampling", name)


def support(trial: Trial, name: str) -> Check:
    """Every sampled value is finite, and lies in the variable's support without being cut to fit."""
    column, values = trial.model.variables[name].support, trial.facts[name]
    raw = np.broadcast_to(trial.raw[name], (trial.units,))
    finite = np.isfinite(raw)
    if not finite.all():
        count = int(np.count_nonzero(~finite))
        detail = f"{count} of {trial.units} values are not finite"
        return failed("support", name, detail, trial.cause("not finite", name))
    cut = raw != values
    if cut.any():
        shown = f"{raw[cut][0]} became {values[cut][0]} in a column of {column.kind} values"
        return failed("support", name, shown, trial.cause("lossy", name))
    outside = ~column.contains(values)
    if outside.any():
        count, shown = int(np.count_nonzero(outside)), values[outside][0]
        detail = f"{count} of {trial.units} values, such as {shown}, are not {column.text()}"
        return failed("support", name, detail, trial.cause("outside", name))
    return passed("support", name)


def purity(trial: Trial, name: str) -> Check:
    """The same inputs give the same answer, whatever was computed in between, and are left as they were."""
    for method in METHODS:
        # A mechanism with a memory is first made to remember these units.
        sample(trial.model, trial.streams, 0, trial.units)
        first = trial.call(name, method)
        kept = first.copy()
        if differs(trial.call(name, method), kept).any():
            return _impure(trial, name, f"{method} gave two answers to the same inputs", "random")
        _disturb(trial, name, method)
        if differs(first, kept).any():
            return _impure(trial, name, f"the answer of {method} was overwritten by a later call", "buffer")
        if differs(trial.call(name, method), kept).any():
            detail = f"{method} gave another answer to the same inputs after other units were computed"
            return _impure(trial, name, detail, "state")
    written = trial.mechanism(name).written
    if written:
        return _impure(trial, name, f"it changed its inputs ({', '.join(sorted(written))})", "mutates")
    return passed("purity", name)


def row_independence(trial: Trial, name: str) -> Check:
    """A row's answer is the same, bit for bit, in another order, among fewer rows and alone."""
    order = trial.streams.generator("conformance", "rows").permutation(trial.units)
    picks: dict[str, Any] = {"shuffled": order, "every third": slice(None, None, 3), "one alone": slice(-1, None)}
    rounded = ""  # a mere rounding in one pick must not hide a real dependence in the next
    for method in METHODS:
        whole = trial.call(name, method)
        for how, rows in picks.items():
            try:
                part = trial.call(name, method, rows)
            except Broken as broken:
                detail = f"with rows {how}, {broken.what}"
                return _dependent(trial, name, detail, "rows")
            if not differs(part, whole[rows]).any():
                continue
            detail = f"{method} with rows {how} is {gap(part, whole[rows])}"
            if not _nearly(part, whole[rows]):
                return _dependent(trial, name, detail, "rows")
            rounded = rounded or detail
    return _dependent(trial, name, rounded, "rounding") if rounded else passed("row independence", name)


def abduction(trial: Trial, name: str) -> Check:
    """Recovered noise explains the value; it is the drawn noise where that is promised, else a posterior draw."""
    mechanism, facts = trial.mechanism(name), trial.facts[name]
    answer = trial.abduction(name)
    if answer.possible is not None and not answer.possible.all():
        count = int(np.count_nonzero(~answer.possible))
        detail = f"{count} of {trial.units} sampled values are called impossible"
        return failed("abduction", name, detail, trial.known_cause(name, "impossible"))
    if mechanism.lanes and _ignores_noise(trial, name, answer.exact):
        return failed("abduction", name, "values do not move when the noise does", trial.cause("ignores", name))
    explained = as_column(
        mechanism.predict(trial.parents(name), answer.noise), trial.model.variables[name].support, trial.units
    )
    if answer.exact or answer.ess is None:
        off = ~close(explained, facts)
        if off.any():
            detail = f"the value predicted from the recovered noise is {gap(explained, facts)}"
            return failed("abduction", name, detail, trial.known_cause(name, "inverse"))
    elif not _nearer_than_prior(trial, name, explained):
        detail = "the value predicted from the recovered noise is no nearer than that of noise drawn blindly"
        return failed("abduction", name, detail, trial.known_cause(name, "inverse"))
    return _recovered(trial, name, answer) if answer.exact else _calibrated(trial, name, answer)


def _recovered(trial: Trial, name: str, answer: Abduction) -> Check:
    if not trial.mechanism(name).lanes:
        return passed("abduction", name)
    again = trial.abduction(name, purpose="again")
    if differs(again.noise, answer.noise).any():
        detail = "it is exact, it says, yet other random numbers recover other noise"
        return failed("abduction", name, detail, trial.known_cause(name, "posterior"))
    drawn = trial.noise[name]
    if not close(answer.noise, drawn).all():
        detail = f"it is exact, it says, yet the recovered noise is {gap(answer.noise.astype(drawn.dtype), drawn)}"
        return failed("abduction", name, detail, trial.known_cause(name, "posterior"))
    return passed("abduction", name)


def _calibrated(trial: Trial, name: str, answer: Abduction) -> Check:
    drawn, recovered = trial.noise[name], answer.noise
    lanes = [(drawn, recovered)] if drawn.ndim == 1 else list(zip(drawn.T, recovered.T, strict=True))
    distance = max((_distance(prior, posterior) for prior, posterior in lanes), default=0.0)
    if distance > _KOLMOGOROV * np.sqrt(2 / trial.units):
        detail = f"its distribution is {distance:.2f} (Kolmogorov) from that of the drawn noise"
        return failed("abduction", name, detail, trial.known_cause(name, "prior"))
    sizes = "" if answer.ess is None else f", median effective sample size {np.median(answer.ess):.0f}"
    return passed("abduction", name, f"{_NOT_EXACT}{sizes}")


def _distance(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Largest difference of two empirical distribution functions (Kolmogorov-Smirnov)."""
    grid = np.concatenate([left, right])
    above = np.searchsorted(np.sort(left), grid, side="right") - np.searchsorted(np.sort(right), grid, side="right")
    return float(np.abs(above).max()) / len(left)


def _ignores_noise(trial: Trial, name: str, exact: bool) -> bool:
    drawn = trial.noise[name]
    other = np.roll(drawn, 1, axis=0)
    if not differs(other, drawn).any():
        return False
    elsewhere = np.broadcast_to(trial.mechanism(name).predict(trial.parents(name), other), (trial.units,))
    moved = differs(elsewhere, trial.call(name, "predict"))
    # A rare event may not happen among these units, so a posterior over few values is not blamed for standing still.
    return not moved.any() and (exact or trial.model.variables[name].support.kind == "real")


def _nearer_than_prior(trial: Trial, name: str, explained: NDArray[Any]) -> bool:
    facts = trial.facts[name].astype(np.float64)
    blind = trial.mechanism(name).predict(trial.parents(name), np.roll(trial.noise[name], 1, axis=0))
    return bool(np.median(np.abs(explained - facts)) <= np.median(np.abs(blind - facts)) / 2)


def _nearly(left: NDArray[Any], right: NDArray[Any]) -> bool:
    if left.dtype.kind != "f" or left.shape != right.shape:
        return False
    scale = float(np.nanmax(np.abs(right), initial=0.0))
    return bool(np.allclose(left, right, rtol=_SAME_UP_TO_ROUNDING, atol=_SAME_UP_TO_ROUNDING * scale, equal_nan=True))


def _disturb(trial: Trial, name: str, method: str) -> None:
    """Compute other units, and these in another order, to move whatever a mechanism may have kept."""
    sample(trial.model, trial.streams, trial.units, 2 * trial.units)
    trial.call(name, method, slice(None, None, -1))


def _impure(trial: Trial, name: str, detail: str, key: str) -> Check:
    trial.causes.setdefault(name, trial.cause(key, name))
    return failed("purity", name, detail, trial.cause(key, name))


def _dependent(trial: Trial, name: str, detail: str, key: str) -> Check:
    cause = trial.known_cause(name, key)
    trial.causes.setdefault(name, cause)
    return failed("row independence", name, detail, cause)
