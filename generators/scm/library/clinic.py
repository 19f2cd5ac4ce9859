"""A clinic: variables of every kind in one small model, to try things on and to copy from.

::

    age ──► severity ──► arm
     │       │    │       │
     │       │    └─────► dose ──────────► cost ──► billed
     │       ▼             ▼                ▲
     └────► recovery ◄─────┘    ┌───────────┘
              │  └───────────► days ──► alarm
              └──► readmitted ───────────▲
                      ▲
    frailty (latent) ─┘ (and recovery)
"""

from __future__ import annotations

from generators.scm.expression import Expression
from generators.scm.mechanisms import (
    Additive,
    Bernoulli,
    Boolean,
    Categorical,
    Deterministic,
    Discrete,
    Linear,
    LocationScale,
    Monotone,
    Root,
)
from generators.scm.model import SCM, Variable
from generators.scm.noise import LogNormal, Normal
from generators.scm.support import Support

__all__ = ["Clinic"]

_SEVERITIES = ("mild", "moderate", "severe")
_ARMS = ("placebo", "drug")
_LEVELS = {"severity": _SEVERITIES, "arm": _ARMS}


class Clinic(SCM):
    """Patients of an invented clinic: ages in years, doses in grams, recovery on a scale of about 0 to 100."""

    frailty = Variable("frailty", Root(Normal()), observed=False)
    age = Variable(
        "age",
        Monotone("18 + 77*sigmoid(noise)", "logit((value - 18) / 77)", Normal(0.3, 0.9)),
        Support(lower=18, upper=95),
    )
    severity = Categorical(
        _SEVERITIES, logits={"mild": 1.0, "moderate": "0.02*(age - 50)", "severe": "0.05*(age - 65)"}
    )
    arm = Discrete(_ARMS, [[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]], parents=["severity"])
    dose = Variable(
        "dose",
        LocationScale(
            "0.5",
            Expression("(1.5 if arm == 'drug' else 0.2) + (0.5 if severity == 'severe' else 0)", _LEVELS),
            LogNormal(0, 0.3),
        ),
        Support(lower=0),
    )
    recovery = Additive(
        Expression("75 - 0.3*age + 12*tanh(dose) - (9 if severity == 'severe' else 0) - 4*frailty", _LEVELS),
        Normal(0, 5),
    )
    days = Discrete(
        values=range(1, 8),
        probabilities={day: f"exp(-0.5*square({day} - clip(9 - recovery/10, 1, 7)))" for day in range(1, 8)},
    )
    readmitted = Bernoulli("sigmoid(2 - 0.06*recovery + 0.5*frailty)")
    alarm = Boolean("readmitted and days > 4", flip=0.02)
    cost = Linear({"days": 400, "dose": 150}, 1000, Normal(0, 150))
    billed = Deterministic("max(cost, 500)", Support(lower=500))
