"""Treatment effects with known potential outcomes, in the manner of the Infant Health and Development Program.

Hill 2011, "Bayesian nonparametric modeling for causal inference" (J. Comput. Graph. Stat. 20(1), section 4.1), kept
the covariates of 747 children, 139 of them treated, and simulated their outcomes. The response surfaces here are hers.
**The covariates are synthesised**: none of them is the program's, they only resemble its table in number and kind.

::

    F ──► x1 ... x25 ──► T ──► Y       F: latent factor that correlates the covariates
              │     U ──►┘     ▲       U: latent confounder, without arrows at strength 0
              │     ▼          │
              └──► Y0, Y1 ─────┘       both potential outcomes, latent
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contrafact.errors import ModelError
from contrafact.streams import Streams
from generators.scm.confounding.dial import check_strength
from generators.scm.mechanisms import Additive, Bernoulli, Deterministic, Linear, Root
from generators.scm.mechanisms.base import Floats, Mechanism
from generators.scm.model import SCM, Variable
from generators.scm.noise import Normal
from generators.scm.operations import sample

__all__ = ["COVARIATES", "EFFECT_ON_TREATED", "TREATED_SHARE", "ihdp_like"]

COVARIATES = tuple(f"x{i}" for i in range(1, 26))
"""Six standardised continuous covariates and nineteen binary ones, as in Hill's table."""

TREATED_SHARE = 139 / 747
EFFECT_ON_TREATED = 4.0

_CONTINUOUS = 6
_CALIBRATION = 100_000  # units on which the treated share and the effect on the treated are set
_COEFFICIENTS = {
    "A": ((0, 1, 2, 3, 4), (0.5, 0.2, 0.15, 0.1, 0.05)),
    "B": ((0, 0.1, 0.2, 0.3, 0.4), (0.6, 0.1, 0.1, 0.1, 0.1)),
}


def ihdp_like(surface: Literal["A", "B"] = "A", strength: float = 0.0, seed: int = 0) -> SCM:
    """A treatment-effect model with 25 synthesised covariates and both potential outcomes.

    Surface A: ``Y0 ~ N(X b, 1)``, ``Y1 ~ N(X b + 4, 1)``, b in {0, 1, 2, 3, 4} with probabilities .5, .2, .15, .1, .05.
    Surface B: ``Y0 ~ N(exp((X + 0.5) b), 1)``, ``Y1 ~ N(X b - w, 1)``, b in {0, .1, .2, .3, .4} with probabilities
    .6, .1, .1, .1, .1, and w such that the average effect on the treated is 4. ``Y`` is ``Y1`` where treated and
    ``Y0`` elsewhere. Both shares and w are set on 100,000 units drawn for the purpose, so the effect on the treated is
    4 in the population to about a tenth, and not in each sample.

    Parameters
    ----------
    surface : {'A', 'B'}
    strength : float
        Weight of the latent confounder U (standard normal) in the logit of the treatment and in both outcomes. At 0
        the treatment is ignorable given the covariates.
    seed : int
        Decides coefficients, propensities and covariates: another seed is another model.

    Raises
    ------
    ModelError
        For another surface, or a strength that is negative or not finite.
    """
    if surface not in _COEFFICIENTS:
        raise ModelError(f"no response surface {surface!r}", allowed="A, B", fix="surface: A")
    strength = check_strength(strength)
    streams = Streams(seed, "ihdp")
    causes = _covariates(streams)
    causes["U"] = Root(Normal())
    propensity = dict(zip(COVARIATES, streams.uniforms("propensity", 0, len(COVARIATES)) - 0.5, strict=True))
    beta = dict(zip(COVARIATES, _coefficients(streams, surface), strict=True))

    units = sample(SCM("covariates", [Variable(*each) for each in causes.items()]), streams, 0, _CALIBRATION)[0]
    logit = _combined(propensity, units) + strength * units["U"]
    intercept = _intercept(logit)
    weights = special.expit(intercept + logit)

    outcome = _sum({**beta, "U": strength})
    if surface == "A":
        y0, y1 = outcome, f"{outcome} + {EFFECT_ON_TREATED!r}"
    else:
        effect = _combined(beta, units) - np.exp(_combined(beta, units) + 0.5 * sum(beta.values()))
        omega = float(np.average(effect, weights=weights)) - EFFECT_ON_TREATED
        y0 = f"exp({_sum(beta)} + {0.5 * sum(beta.values())!r}) + {_sum({'U': strength})}"
        y1 = f"{outcome} - ({omega!r})"
    mechanisms: dict[str, Mechanism] = {
        **causes,
        "T": Bernoulli(f"sigmoid({intercept!r} + {_sum({**propensity, 'U': strength})})"),
        "Y0": Additive(y0, Normal()),
        "Y1": Additive(y1, Normal()),
        "Y": Deterministic("where(T, Y1, Y0)"),
    }
    latent = {"F", "U", "Y0", "Y1"}
    variables = [Variable(name, mechanism, observed=name not in latent) for name, mechanism in mechanisms.items()]
    return SCM(f"ihdp_{surface.lower()}", variables)


def _covariates(streams: Streams) -> dict[str, Mechanism]:
    loadings = 0.3 + 0.4 * streams.uniforms("loadings", 0, len(COVARIATES))
    prevalence = 0.15 + 0.7 * streams.uniforms("prevalence", 0, len(COVARIATES))
    made: dict[str, Mechanism] = {"F": Root(Normal())}
    for i, name in enumerate(COVARIATES):
        loading = float(loadings[i])
        if i < _CONTINUOUS:
            made[name] = Linear({"F": loading}, noise=Normal(0, (1 - loading**2) ** 0.5))
        else:
            base = float(special.logit(prevalence[i]))
            made[name] = Bernoulli(f"sigmoid({base!r} + {2 * loading!r}*F)")
    return made


def _coefficients(streams: Streams, surface: str) -> list[float]:
    values, probabilities = _COEFFICIENTS[surface]
    chosen = np.searchsorted(np.cumsum(probabilities), streams.uniforms(f"beta:{surface}", 0, len(COVARIATES)))
    return [float(values[min(i, len(values) - 1)]) for i in chosen]


def _intercept(logit: Floats) -> float:
    """The constant at which the mean probability is the share of treated children, by bisection."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        below = special.expit(logit + middle).mean() < TREATED_SHARE
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2


def _combined(weights: Mapping[str, float], columns: Mapping[str, NDArray[Any]]) -> Floats:
    total = np.zeros(len(columns["F"]))
    for name, weight in weights.items():
        total += weight * columns[name]
    return total


def _sum(weights: Mapping[str, float]) -> str:
    terms: Sequence[str] = [f"({float(weight)!r})*{name}" for name, weight in weights.items() if weight]
    return " + ".join(terms) or "0.0"
