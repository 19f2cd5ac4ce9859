"""One variable at a time: which kind of function suits it, how well that predicts, and the mechanism it makes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contrafact.streams import Streams
from generators.scm.functions import Function
from generators.scm.mechanisms import Additive, Bernoulli, Categorical, Discrete, Linear, Root
from generators.scm.mechanisms.base import Columns, Floats, Mechanism
from generators.scm.noise import Empirical
from generators.scm.readers.estimators import (
    Classifier,
    Inputs,
    LinearFunction,
    LogisticClassifier,
    TableClassifier,
    fit_boosted_classifier,
    fit_boosted_regressor,
    fit_linear,
    fit_logistic,
    fit_table,
)
from generators.scm.readers.heldout import VariableFit, held_out_log_loss, held_out_r2
from generators.scm.support import BOOLEAN, REAL, Support

__all__ = ["COUNTS_AT_MOST", "KINDS", "Kind", "Learnt", "learn"]

Kind = Literal["linear", "boosted", "logistic", "counts", "auto"]
KINDS: tuple[Kind, ...] = get_args(Kind)
COUNTS_AT_MOST = 20
"""A column of no more different whole numbers, none negative, is a count, whose probabilities are fitted."""

_ROWS_A_COUNT = 5  # on average; with fewer there is nothing to fit a probability to
_FRACTIONS = "whole numbers, modelled on the real line: their counterfactuals may be fractions"
_WORTH = 0.01  # how much better than the plain fit the boosted one must predict before `auto` takes it


@dataclass(frozen=True)
class Learnt:
    """A fitted mechanism with the support of its values, and how good it is."""

    mechanism: Mechanism
    support: Support
    fit: VariableFit


def learn(
    name: str,
    inputs: Inputs,
    column: NDArray[Any],
    support: Support,
    kind: Kind,
    streams: Streams,
    *,
    numeric: bool = False,
) -> Learnt:
    """Fit one variable to its parents.

    Parameters
    ----------
    column : ndarray, shape (n,)
        The variable's values in the memory form of ``support``.
    kind : {'linear', 'boosted', 'logistic', 'counts', 'auto'}
        A kind that does not fit the variable gives way to the plain one: least squares for numbers; for levels and
        small counts, counts where all parents are discrete and rows outnumber the table's cells, else logistic
        regression.
    numeric : bool
        Whether small counts are fitted as numbers all the same.
    """
    if not inputs.names:
        return _root(name, column, support)
    if not numeric and _is_count(column, support):
        return _count(name, inputs, column, support, kind, streams)
    plain = support.kind in ("real", "integer")
    return (_real if plain else _levels)(name, inputs, column, support, kind, streams)


def _root(name: str, column: NDArray[Any], support: Support) -> Learnt:
    fit = VariableFit(name, "empirical", ())
    if support.kind in ("real", "integer"):
        return Learnt(Root(Empirical(column.astype(np.float64))), support, fit)
    if support.kind == "boolean":
        return Learnt(Bernoulli(repr(float(column.mean()))), BOOLEAN, fit)
    shares = np.bincount(column, minlength=len(support.levels)) / len(column)
    return Learnt(Categorical(support.levels, table=shares), support, fit)


def _real(name: str, inputs: Inputs, column: NDArray[Any], support: Support, kind: Kind, streams: Streams) -> Learnt:
    values = column.astype(np.float64)
    boosted = partial(fit_boosted_regressor, seed=streams.seed)
    plain_r2 = held_out_r2(fit_linear, inputs, values, streams) if kind != "boosted" else None
    boosted_r2 = held_out_r2(boosted, inputs, values, streams) if kind in ("boosted", "auto") else None
    trees = kind == "boosted" or (plain_r2 is not None and boosted_r2 is not None and boosted_r2 > plain_r2 + _WORTH)
    function = boosted(inputs, values) if trees else fit_linear(inputs, values)
    score = boosted_r2 if trees else plain_r2
    note = "" if score is not None else "constant in the table"
    if support.kind == "integer":
        note = "; ".join(filter(None, [note, _FRACTIONS]))
    baseline = None if score is None else 0.0
    fit = VariableFit(name, "boosted" if trees else "linear", inputs.names, "r2", score, baseline, note)
    return Learnt(_additive(function, inputs, values), replace(REAL, seen=support.seen), fit)


def _additive(function: Any, inputs: Inputs, values: Floats) -> Mechanism:
    """``function + residual``, its residuals kept as the noise that new units are drawn from."""

    def build(noise: Empirical | None) -> Mechanism:
        weights = function.weights if isinstance(function, LinearFunction) else None
        return Additive(function, noise) if weights is None else Linear(weights, function.intercept, noise)

    # Residuals come from the mechanism's own arithmetic, so that they are the noise it will abduct, bit for bit.
    residuals = build(None).abduct(inputs.columns, values, np.empty((len(values), 0))).noise
    return build(Empirical(residuals))


def _is_count(column: NDArray[Any], support: Support) -> bool:
    """Whether a column has values few enough, and often enough, that each gets a probability."""
    if support.kind != "integer" or column.min() < 0 or column.max() == column.min():
        return False
    different = len(np.unique(column))
    return different <= COUNTS_AT_MOST and different * _ROWS_A_COUNT <= len(column)


def _count(name: str, inputs: Inputs, column: NDArray[Any], support: Support, kind: Kind, streams: Streams) -> Learnt:
    """Probabilities of the values that the table has, by inverse distribution function: whole numbers stay whole."""
    values, codes = np.unique(column, return_inverse=True)
    classifier, fit = _classified(name, inputs, codes.astype(np.int64), len(values), kind, streams)
    outcomes = [int(value) for value in values]
    if isinstance(classifier, TableClassifier):
        mechanism = Discrete(values=outcomes, table=classifier.table, parents=classifier.parents)
    else:
        shares = {value: _Share(classifier, code) for code, value in enumerate(outcomes)}
        mechanism = Discrete(values=outcomes, probabilities=shares)
    # An intervention may set more than was seen, as it may at a root.
    within = Support("integer", lower=outcomes[0], seen=support.seen)
    note = f"whole numbers from {outcomes[0]} to {outcomes[-1]}, each with a probability"
    return Learnt(mechanism, within, replace(fit, note=note))


def _levels(name: str, inputs: Inputs, column: NDArray[Any], support: Support, kind: Kind, streams: Streams) -> Learnt:
    codes, levels = column.astype(np.int64), len(support.discrete or ())
    classifier, fit = _classified(name, inputs, codes, levels, kind, streams)
    if support.kind == "boolean":
        return Learnt(Bernoulli(_Chance(classifier)), BOOLEAN, fit)
    return Learnt(_categorical(classifier, support.levels), support, fit)


def _classified(
    name: str, inputs: Inputs, codes: NDArray[np.int64], levels: int, kind: Kind, streams: Streams
) -> tuple[Classifier, VariableFit]:
    """The classifier of the kind that is asked for, or that is best on held-out rows, and how good it is."""
    fitters = _fitters(levels, streams.seed)
    scores = {
        each: held_out_log_loss(fitters[each], inputs, codes, levels, streams)
        for each in _candidates(kind, inputs, levels, len(codes))
    }
    chosen, *others = scores
    for other in others:
        chosen = other if scores[other][0] < scores[chosen][0] - _WORTH else chosen
    note = "constant in the table" if len(np.unique(codes)) == 1 else ""
    fit = VariableFit(name, chosen, inputs.names, "log_loss", *scores[chosen], note)
    return fitters[chosen](inputs, codes), fit


def _categorical(classifier: Classifier, levels: Sequence[str]) -> Categorical:
    if isinstance(classifier, TableClassifier):
        return Categorical(levels, table=classifier.table, parents=classifier.parents)
    if isinstance(classifier, LogisticClassifier):
        return Categorical(levels, logits=dict(zip(levels, classifier.functions, strict=True)))
    return Categorical(levels, logits={level: _Logit(classifier, code) for code, level in enumerate(levels)})


def _candidates(kind: Kind, inputs: Inputs, levels: int, rows: int) -> tuple[str, ...]:
    """Kinds to try on a variable of levels, the plain one first."""
    sizes = inputs.sizes
    countable = sizes is not None and (kind == "counts" or int(np.prod(sizes)) * levels <= rows)
    plain = "counts" if countable and kind != "logistic" else "logistic"
    if kind == "auto":
        return (plain, "boosted")
    return ("boosted",) if kind == "boosted" else (plain,)


def _fitters(levels: int, seed: int) -> Mapping[str, Callable[[Inputs, NDArray[Any]], Classifier]]:
    return {
        "counts": partial(fit_table, levels=levels),
        "logistic": partial(fit_logistic, levels=levels),
        "boosted": partial(fit_boosted_classifier, levels=levels, seed=seed),
    }


class _Chance(Function):
    """Probability that a boolean variable is true."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier, self.parents = classifier, classifier.parents

    def __call__(self, columns: Columns, **extra: NDArray[Any]) -> Floats:
        scores = self.classifier.logits(columns)
        chance: Floats = special.expit(scores[:, 1] - scores[:, 0])
        return chance

    def spec(self) -> dict[str, Any]:
        return self.classifier.spec()


class _Logit(Function):
    """Log-probability of one level, up to a constant a row, out of a classifier that gives all levels at once."""

    def __init__(self, classifier: Classifier, level: int) -> None:
        self.classifier, self.level, self.parents = classifier, level, classifier.parents

    def __call__(self, columns: Columns, **extra: NDArray[Any]) -> Floats:
        # A mechanism asks level after level, on one mapping: the trees are walked for the first level only. What the
        # last level leaves behind is dropped, so that columns which change in place are never met again.
        held = getattr(_PENDING, "scores", None)
        if self.level and held is not None and held[0] is self.classifier and held[1] is columns:
            scores = held[2]
        else:
            scores = self._scores(columns)
        _PENDING.scores = None if self.level == self.classifier.levels - 1 else (self.classifier, columns, scores)
        return np.ascontiguousarray(scores[:, self.level])

    def spec(self) -> dict[str, Any]:
        return {**self.classifier.spec(), "level": self.level}

    def _scores(self, columns: Columns) -> Floats:
        return self.classifier.logits(columns)


class _Share(_Logit):
    """Probability of one level, out of a classifier that gives all levels at once."""

    def _scores(self, columns: Columns) -> Floats:
        shares: Floats = np.exp(self.classifier.log_probabilities(columns))
        return shares


_PENDING = threading.local()
