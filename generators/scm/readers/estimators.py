"""What a fit learns: functions of the parents that predict a row from that row alone.

Predictions are sums over columns or walks down trees, never matrix products, so that a row's prediction does not depend
on the rows beside it. Coefficients are rounded to ten significant digits: what is left differs less between machines
than their linear-algebra libraries do, and with it the model's identity.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.identity import identity_of
from generators.scm.functions import Function
from generators.scm.mechanisms.base import Columns, Floats
from generators.scm.support import Support

__all__ = [
    "BoostedClassifier",
    "BoostedRegressor",
    "Classifier",
    "Inputs",
    "LinearFunction",
    "LogisticClassifier",
    "TableClassifier",
    "fit_boosted_classifier",
    "fit_boosted_regressor",
    "fit_linear",
    "fit_logistic",
    "fit_table",
]

Effect = float | tuple[float, ...]
_TREES: dict[str, Any] = {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31, "early_stopping": False}
_LOOSE_BITS = 20  # of the 52 that a float64's fraction has


@dataclass(frozen=True)
class Inputs:
    """The parents of one variable.

    Attributes
    ----------
    columns : mapping of name to ndarray, shape (n,)
        Exactly the parents, in order.
    supports : mapping of name to Support
    """

    columns: Columns
    supports: Mapping[str, Support]

    @property
    def names(self) -> tuple[str, ...]:
        """The parents' names."""
        return tuple(self.columns)

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """Number of values of each parent, or None unless all of them are categorical or boolean."""
        if not all(self.supports[name].kind in ("categorical", "boolean") for name in self.columns):
            return None
        return tuple(len(self.supports[name].discrete or ()) for name in self.columns)

    def rows(self, chosen: NDArray[np.int64]) -> Inputs:
        """The same parents in some rows only."""
        return Inputs({name: column[chosen] for name, column in self.columns.items()}, self.supports)

    def matrix(self) -> Floats:
        """Parents side by side as float64, shape (n, parents)."""
        return _matrix(self.columns, self.names)


class LinearFunction(Function):
    """``intercept + sum of effects``: a number times a numeric parent, or a number a level of a categorical one."""

    def __init__(self, intercept: float, effects: Mapping[str, Effect]) -> None:
        self.intercept, self.effects = intercept, dict(effects)
        self.parents = tuple(self.effects)

    def __call__(self, columns: Columns, **extra: NDArray[Any]) -> Floats:
        """The sum, float64 of shape (n,), or () without effects."""
        total: Any = self.intercept
        for name, effect in self.effects.items():
            column = columns[name]
            total = total + (np.asarray(effect)[column] if isinstance(effect, tuple) else effect * column)
        return np.asarray(total, dtype=np.float64)

    @property
    def weights(self) -> dict[str, float] | None:
        """The effects where each is a number; None where some parent is categorical."""
        numbers = {name: effect for name, effect in self.effects.items() if not isinstance(effect, tuple)}
        return numbers if len(numbers) == len(self.effects) else None

    def spec(self) -> dict[str, Any]:
        """Every number that decides the output."""
        effects = {name: list(each) if isinstance(each, tuple) else each for name, each in self.effects.items()}
        return {"linear": {"intercept": self.intercept, "effects": effects}}


class BoostedRegressor(Function):
    """Gradient-boosted trees (scikit-learn's histogram kind) as a function of the parents."""

    def __init__(self, model: Any, parents: Sequence[str], trained_on: str) -> None:
        self.model, self.parents, self.trained_on = model, tuple(parents), trained_on

    def __call__(self, columns: Columns, **extra: NDArray[Any]) -> Floats:
        """The trees' prediction, float64 of shape (n,)."""
        with _one_thread():
            values: Floats = self.model.predict(_matrix(columns, self.parents))
        return values

    def spec(self) -> dict[str, Any]:
        """Parameters, hash of the training data and version: the trees follow from these."""
        return {"boosted": {**_TREES, **_versions(), "trained_on": self.trained_on, "parents": list(self.parents)}}


class Classifier(ABC):
    """Probabilities of a variable's levels given its parents."""

    parents: tuple[str, ...]
    levels: int

    @abstractmethod
    def logits(self, columns: Columns) -> Floats:
        """Logarithms of the probabilities up to a constant a row, shape (n, levels)."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """Everything that decides the output."""

    def log_probabilities(self, columns: Columns) -> Floats:
        """Logarithms of the probabilities, shape (n, levels)."""
        scores = self.logits(columns)
        # Level by level, for the sum must not depend on how many rows are summed at once.
        total = scores[:, 0]
        for level in range(1, self.levels):
            total = np.logaddexp(total, scores[:, level])
        return scores - total[:, None]


class LogisticClassifier(Classifier):
    """Multinomial logistic regression: one :class:`LinearFunction` a level."""

    def __init__(self, functions: Sequence[LinearFunction], parents: Sequence[str]) -> None:
        self.functions, self.parents, self.levels = tuple(functions), tuple(parents), len(functions)

    def logits(self, columns: Columns) -> Floats:
        """One linear sum a level."""
        rows = len(columns[self.parents[0]])
        scores = np.empty((rows, self.levels))
        for level, function in enumerate(self.functions):
            scores[:, level] = function(columns)
        return scores

    def spec(self) -> dict[str, Any]:
        """The coefficients."""
        return {"logistic": [function.spec()["linear"] for function in self.functions]}


class BoostedClassifier(Classifier):
    """Gradient-boosted trees as probabilities of the levels; levels that were not seen have none."""

    def __init__(self, model: Any, parents: Sequence[str], levels: int, trained_on: str) -> None:
        self.model, self.parents, self.levels, self.trained_on = model, tuple(parents), levels, trained_on

    def logits(self, columns: Columns) -> Floats:
        """What the trees add up to: scikit-learn's softmax sums a row in another order beside other rows."""
        with _one_thread():
            found = self.model.decision_function(_matrix(columns, self.parents))
        if found.ndim == 1:  # of two levels, the score of the second against the first
            found = np.column_stack([np.zeros(len(found)), found])
        scores = np.full((len(found), self.levels), -np.inf)
        scores[:, self.model.classes_] = found
        return scores

    def spec(self) -> dict[str, Any]:
        """Parameters, hash of the training data and version: the trees follow from these."""
        return {"boosted": {**_TREES, **_versions(), "trained_on": self.trained_on, "parents": list(self.parents)}}


class TableClassifier(Classifier):
    """Smoothed counts: one row of probabilities for each combination of discrete parents."""

    def __init__(self, table: Floats, parents: Sequence[str]) -> None:
        self.table, self.parents, self.levels = table, tuple(parents), table.shape[-1]

    def logits(self, columns: Columns) -> Floats:
        """Logarithms of the table's entries."""
        cells = tuple(np.asarray(columns[name], dtype=np.intp) for name in self.parents)
        return np.asarray(np.log(self.table)[cells])

    def spec(self) -> dict[str, Any]:
        """The table."""
        return {"table": self.table.tolist()}


def fit_linear(inputs: Inputs, values: NDArray[Any]) -> LinearFunction:
    """Ordinary least squares in float64; the shortest solution where parents are collinear or constant."""
    design, centre, scale, columns = _standardised(inputs)
    found = np.linalg.lstsq(design, values - values.mean(), rcond=None)[0] / scale
    return _linear(found, float(values.mean() - found @ centre), columns, inputs)


def fit_logistic(inputs: Inputs, codes: NDArray[Any], levels: int) -> LogisticClassifier:
    """Multinomial logistic regression with scikit-learn's ridge penalty (C = 1) on standardised parents."""
    from sklearn.linear_model import LogisticRegression

    seen = np.unique(codes)
    never = LinearFunction(-np.inf, {})
    functions = [never] * levels
    if len(seen) == 1:
        functions[int(seen[0])] = LinearFunction(0.0, {})
        return LogisticClassifier(functions, inputs.names)
    design, centre, scale, columns = _standardised(inputs)
    model = LogisticRegression(solver="newton-cholesky", tol=1e-8, max_iter=200).fit(design, codes)
    weights, intercepts = model.coef_, model.intercept_
    if len(seen) == 2:  # scikit-learn gives one row for two classes
        weights, intercepts = np.vstack([0 * weights, weights]), np.append(0.0, intercepts)
    for level, weight, intercept in zip(seen, weights / scale, intercepts, strict=True):
        functions[int(level)] = _linear(weight, float(intercept - weight @ centre), columns, inputs)
    return LogisticClassifier(functions, inputs.names)


def fit_table(inputs: Inputs, codes: NDArray[Any], levels: int) -> TableClassifier:
    """Counts of each level in each combination of discrete parents, with one added to each (Laplace)."""
    shape = (*(inputs.sizes or ()), levels)
    cells = [np.asarray(column, dtype=np.intp) for column in inputs.columns.values()]
    flat = np.ravel_multi_index((*cells, np.asarray(codes, dtype=np.intp)), shape)
    counts = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape) + 1.0
    return TableClassifier(counts / counts.sum(axis=-1, keepdims=True), inputs.names)


def fit_boosted_regressor(inputs: Inputs, values: NDArray[Any], seed: int) -> BoostedRegressor:
    """Histogram gradient boosting on squared error, without early stopping."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    options = _TREES | {"categorical_features": _categorical(inputs), "random_state": seed % 2**32}
    model = _grown(HistGradientBoostingRegressor(**options), inputs, values)
    return BoostedRegressor(model, inputs.names, _fingerprint(inputs, values, seed))


def fit_boosted_classifier(inputs: Inputs, codes: NDArray[Any], levels: int, seed: int) -> Classifier:
    """Histogram gradient boosting on log-loss; a single seen level needs no trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    if len(np.unique(codes)) == 1:
        return fit_logistic(inputs, codes, levels)
    options = _TREES | {"categorical_features": _categorical(inputs), "random_state": seed % 2**32}
    model = _grown(HistGradientBoostingClassifier(**options), inputs, np.asarray(codes, dtype=np.int64))
    return BoostedClassifier(model, inputs.names, levels, _fingerprint(inputs, codes, seed))


def _grown(model: Any, inputs: Inputs, target: NDArray[Any]) -> Any:
    with _one_thread():
        return model.fit(inputs.matrix(), target)


def _one_thread() -> AbstractContextManager[Any]:
    # Several threads wait for each other in busy loops, and beside other work take many times as long as one.
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="openmp")
    return limited


@cache
def _controller() -> Any:
    import sklearn.ensemble  # noqa: F401  # its libraries must be there to be found
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


def _matrix(columns: Columns, names: Sequence[str]) -> Floats:
    """Columns side by side, each number rounded to 32 significant bits.

    Trees jump at their thresholds, and a threshold may be a value of the data: a parent recomputed from its noise, off
    by its last bit, must fall on the same side.
    """
    matrix = np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in names])
    bits = matrix.view(np.int64)
    return ((bits + (1 << (_LOOSE_BITS - 1))) & ~((1 << _LOOSE_BITS) - 1)).view(np.float64)


def _standardised(inputs: Inputs) -> tuple[Floats, Floats, Floats, list[tuple[str, int | None]]]:
    """Design matrix with categoricals as 0/1 columns (all levels but the first), centred and scaled."""
    parts: list[Floats] = []
    columns: list[tuple[str, int | None]] = []
    for name, column in inputs.columns.items():
        support = inputs.supports[name]
        if support.kind == "categorical":
            levels = range(1, len(support.levels))
            parts += [(column == level).astype(np.float64) for level in levels]
            columns += [(name, level) for level in levels]
        else:
            parts.append(np.asarray(column, dtype=np.float64))
            columns.append((name, None))
    design = np.column_stack(parts) if parts else np.empty((len(next(iter(inputs.columns.values()))), 0))
    centre, scale = design.mean(axis=0), design.std(axis=0)
    # A constant column has nothing to say: its centred values are zero up to rounding, which must not be blown up.
    constant = scale <= np.abs(centre) * 1e-12
    design = np.where(constant, 0.0, design - centre)
    scale = np.where(constant, 1.0, scale)
    return design / scale, centre, scale, columns


def _linear(
    weights: Floats, intercept: float, columns: Sequence[tuple[str, int | None]], inputs: Inputs
) -> LinearFunction:
    effects: dict[str, Effect] = {}
    for name, support in ((name, inputs.supports[name]) for name in inputs.names):
        mine = {
            level: _rounded(weight) for (owner, level), weight in zip(columns, weights, strict=True) if owner == name
        }
        levels = range(1, len(support.levels))
        effects[name] = (0.0, *(mine[level] for level in levels)) if support.kind == "categorical" else mine[None]
    return LinearFunction(_rounded(intercept), effects)


def _rounded(number: float) -> float:
    return float(f"{number:.10g}")


def _categorical(inputs: Inputs) -> list[bool]:
    return [inputs.supports[name].kind == "categorical" for name in inputs.names]


def _versions() -> dict[str, str]:
    import sklearn

    return {"sklearn": sklearn.__version__}


def _fingerprint(inputs: Inputs, target: NDArray[Any], seed: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for column in (*inputs.columns.values(), target):
        digest.update(np.ascontiguousarray(column).tobytes())
    return identity_of({"data": digest.hexdigest(), "seed": seed, "categorical": _categorical(inputs)})
