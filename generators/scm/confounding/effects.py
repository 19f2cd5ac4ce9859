"""Measures of treatment-effect estimates against the hidden truth, and the estimate that confounding spoils."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import DataError
from generators.scm.mechanisms.base import Columns

__all__ = ["ate_error", "interval_coverage", "naive_effect", "sqrt_pehe"]

Numbers = NDArray[Any]


def sqrt_pehe(estimated: Numbers, effect: Numbers) -> float:
    """Root of the precision in estimation of heterogeneous effects, in units of the outcome (Hill 2011, section 4).

    Parameters
    ----------
    estimated, effect : ndarray, shape (n,)
        Effects ``Y1 - Y0`` of single units, estimated and true.
    """
    _same_length(estimated, effect)
    return float(np.sqrt(np.mean((np.asarray(estimated) - np.asarray(effect)) ** 2)))


def ate_error(estimated: Numbers | float, effect: Numbers) -> float:
    """Absolute error of the average treatment effect, from estimates of single units or of the average itself."""
    return float(abs(np.mean(estimated) - np.mean(effect)))


def interval_coverage(lower: Numbers, upper: Numbers, truth: Numbers) -> float:
    """Share of units whose true value lies in their interval, ends included."""
    _same_length(lower, truth)
    _same_length(upper, truth)
    return float(np.mean((np.asarray(lower) <= truth) & (truth <= np.asarray(upper))))


def naive_effect(facts: Columns, treatment: str, outcome: str, covariates: Sequence[str] = ()) -> float:
    """Least-squares coefficient of the treatment, adjusted for what was observed alone.

    Unbiased for a linear model without unobserved confounders, and biased by them otherwise.
    """
    regressors = [np.ones(len(facts[outcome])), *(facts[name].astype(np.float64) for name in (treatment, *covariates))]
    coefficients = np.linalg.lstsq(np.column_stack(regressors), facts[outcome].astype(np.float64), rcond=None)[0]
    return float(coefficients[1])


def _same_length(left: Numbers, right: Numbers) -> None:
    if np.shape(left) != np.shape(right):
        raise DataError(
            f"shapes {np.shape(left)} and {np.shape(right)} cannot be compared unit by unit",
            fix="give one value a unit in both",
        )
