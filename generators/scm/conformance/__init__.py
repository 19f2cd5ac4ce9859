"""Does a causal model obey the laws of counterfactuals? Checks for any model, with failures told in causal terms.

================ ============================================================================================
sampling         every mechanism draws noise and gives one value a unit
support          sampled values are finite and in their support
purity           a mechanism's answer is decided by its inputs, which it leaves alone
row independence a unit's value does not depend on the units beside it
abduction        recovered noise explains the value, and is the drawn noise where that is promised
replay           same seed and unit, same noise and values, whatever the shard
composition      the null intervention gives the fact, bit for bit
effectiveness    after do(X = x), X reads x; after a shift, its natural value plus the shift
preservation     what is not downstream stays; what is follows from its parents and stored noise
reversibility    do and undo gives the fact, starting back from the counterfactual
================ ============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from contrafact.errors import ContrafactError, ModelError
from contrafact.streams import Streams
from generators.scm.conformance import alone, whole
from generators.scm.conformance.explain import CAUSES, failed, passed
from generators.scm.conformance.report import Check, Report
from generators.scm.conformance.trial import Broken, Trial, Watched
from generators.scm.model import SCM

__all__ = ["Check", "Report", "check_model"]

_FEWEST = 10


def check_model(model: SCM, *, units: int = 1000, seed: int = 0) -> Report:
    """Try every law on sampled units of a model, the mechanisms that its domains change included.

    Parameters
    ----------
    model : SCM
        Any model; its mechanisms may be a user's own.
    units : int
        Units to sample, at least 10. A thousand tells rare values and posteriors well enough.
    seed : int

    Returns
    -------
    Report
        A mechanism that raises is a failed check in it, never an exception.

    Raises
    ------
    ModelError
        For fewer than 10 units.
    """
    if units < _FEWEST:
        few = f"{units} units are too few to check a model on"
        raise ModelError(few, allowed=f"{_FEWEST} and more", fix="units=1000")
    report = Report(model.name, units, seed)
    report.checks.append(_identity(model))
    if not report.passed:
        return report
    streams = Streams(seed, model.identity)
    trial = _trial(model, streams, units)
    if _sampled(trial, report, model.order):
        _alone(trial, report, model.order)
        _whole(trial, report)
        for domain, changes in model.domains.items():
            _in_domain(model.in_domain(domain), domain, tuple(changes), streams, report)
    return report


def _in_domain(model: SCM, domain: str, changed: tuple[str, ...], streams: Streams, report: Report) -> None:
    part = Report(model.name, report.units, report.seed)
    trial = _trial(model, streams, report.units)
    if _sampled(trial, part, model.order):
        _alone(trial, part, changed)
        others = [name for name in model.order if name not in changed]
        part.checks.extend(_guarded(trial, "support", name, partial(alone.support, trial, name)) for name in others)
    # Unchanged mechanisms were tried in the model itself: only what they make of the domain's values is news.
    news = (check for check in part.checks if check.variable in changed or not check.passed)
    report.checks.extend(replace(check, variable=f"{check.variable}@{domain}") for check in news)


def _trial(model: SCM, streams: Streams, units: int) -> Trial:
    watched = {name: Watched(name, variable.mechanism) for name, variable in model.variables.items()}
    variables = [replace(variable, mechanism=watched[name]) for name, variable in model.variables.items()]
    return Trial(SCM(model.name, variables), streams, units)


def _identity(model: SCM) -> Check:
    try:
        first, again = model.identity, SCM(model.name, model.variables.values(), model.domains).identity
    except Exception as error:  # noqa: BLE001 - whatever a model raises is a finding
        return failed("identity", None, f"spec() raised {type(error).__name__}: {error}", CAUSES["spec"])
    if first != again:
        return failed("identity", None, "spec() gives another answer every time", CAUSES["spec"])
    return passed("identity", None)


def _sampled(trial: Trial, report: Report, names: tuple[str, ...]) -> bool:
    for name in names:
        report.checks.append(_guarded(trial, "sampling", name, partial(alone.sampling, trial, name)))
        if not report.passed:
            return False
    return True


def _alone(trial: Trial, report: Report, names: tuple[str, ...]) -> None:
    # Purity and row independence come before what they help to explain.
    laws = {
        "support": alone.support,
        "purity": alone.purity,
        "row independence": alone.row_independence,
        "abduction": alone.abduction,
    }
    for law, check in laws.items():
        for name in names:
            report.checks.append(_guarded(trial, law, name, partial(check, trial, name)))


def _whole(trial: Trial, report: Report) -> None:
    try:
        report.checks.extend(whole.replay(trial))
    except Exception as error:  # noqa: BLE001 - whatever a model raises is a finding
        report.checks.append(_broken(trial, "replay", None, error))
    report.checks.append(_guarded(trial, "composition", None, partial(whole.composition, trial, None)))
    laws: dict[str, Callable[[Trial, str], Check]] = {
        "composition": whole.composition,
        "effectiveness": whole.effectiveness,
        "preservation": whole.preservation,
        "reversibility": whole.reversibility,
    }
    for law, check in laws.items():
        for name in trial.model.order:
            report.checks.append(_guarded(trial, law, name, partial(check, trial, name)))


def _guarded(trial: Trial, law: str, variable: str | None, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever a model raises is a finding
        return _broken(trial, law, variable, error)


def _broken(trial: Trial, law: str, variable: str | None, error: Exception) -> Check:
    if isinstance(error, Broken):
        cause = trial.known_cause(error.variable, error.cause)
        where = "" if error.variable == variable else f"{error.variable}: "
        return failed(law, variable or error.variable, f"{where}{error.what}", cause)
    text = error.what if isinstance(error, ContrafactError) else f"{type(error).__name__}: {error}"
    return failed(law, variable, text)
