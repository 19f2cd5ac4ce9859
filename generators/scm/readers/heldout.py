"""How well a fitted mechanism predicts rows that it was not fitted to: five folds, and a baseline beside each score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.streams import Streams
from generators.scm.mechanisms.base import Floats
from generators.scm.readers.estimators import Classifier, Inputs

__all__ = ["FOLDS", "FitReport", "VariableFit", "held_out_log_loss", "held_out_r2"]

FOLDS = 5


@dataclass(frozen=True)
class VariableFit:
    """How one variable was fitted.

    Attributes
    ----------
    variable : str
    kind : str
        ``empirical`` (no parents), ``linear``, ``logistic``, ``boosted`` or ``counts``.
    parents : tuple of str
    metric : {'r2', 'log_loss', ''}
        Coefficient of determination, or mean log-loss in nats; nothing for a variable without parents.
    score : float, optional
        Over all held-out rows of five folds. None where it says nothing (a constant column).
    baseline : float, optional
        The same for a prediction that ignores the parents.
    note : str
    """

    variable: str
    kind: str
    parents: tuple[str, ...]
    metric: str = ""
    score: float | None = None
    baseline: float | None = None
    note: str = ""


@dataclass(frozen=True)
class FitReport:
    """What was fitted, how well, and what was done to the table.

    Attributes
    ----------
    variables : mapping of name to VariableFit
    rows, dropped : int
        Rows fitted to, and rows left out for missing cells.
    ignored : tuple of str
        Columns of the table that the graph does not name.
    renamed : mapping of str to str
        Variable names by column names, where they differ.
    notes : tuple of str
    """

    variables: Mapping[str, VariableFit]
    rows: int
    dropped: int
    ignored: tuple[str, ...]
    renamed: Mapping[str, str]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.rows:,} rows, {self.dropped:,} dropped"]
        lines += [_sentence(each) for each in self.variables.values()]
        lines += self.notes
        if self.ignored:
            lines.append(f"columns not in the graph, ignored: {', '.join(self.ignored)}")
        return "\n".join(lines)


def _sentence(fit: VariableFit) -> str:
    words = [f"{fit.variable}: {fit.kind}", f"on {', '.join(fit.parents)}" if fit.parents else "values of its column"]
    if fit.score is not None:
        beside = "" if fit.metric == "r2" else f" against {fit.baseline:.3f} without parents"
        words.append(f"({fit.metric} {fit.score:.3f}{beside}, held out)")
    return " ".join([*words, f"[{fit.note}]"] if fit.note else words)


def held_out_r2(
    fit: Callable[[Inputs, NDArray[Any]], Callable[..., Floats]],
    inputs: Inputs,
    values: NDArray[Any],
    streams: Streams,
) -> float | None:
    """Share of the variance that is predicted in rows left out of the fit; None for a constant column."""
    spread = float(np.square(values - values.mean()).sum())
    if spread == 0:
        return None
    missed = 0.0
    for inside, outside in _folds(len(values), streams):
        predict = fit(inputs.rows(inside), values[inside])
        missed += float(np.square(values[outside] - predict(inputs.rows(outside).columns)).sum())
    return 1 - missed / spread


def held_out_log_loss(
    fit: Callable[[Inputs, NDArray[Any]], Classifier],
    inputs: Inputs,
    codes: NDArray[Any],
    levels: int,
    streams: Streams,
) -> tuple[float, float]:
    """Mean of -log p(level) in rows left out of the fit, and the same for the frequencies alone.

    No probability is taken to be under 1 / (rows + levels), what one count more would give: a level that a fold has
    not seen would otherwise cost infinitely much.
    """
    floor = -np.log(len(codes) + levels)
    fitted, plain = 0.0, 0.0
    for inside, outside in _folds(len(codes), streams):
        truth = np.asarray(codes[outside], dtype=np.intp)
        logs = fit(inputs.rows(inside), codes[inside]).log_probabilities(inputs.rows(outside).columns)
        fitted -= float(np.maximum(logs[np.arange(len(truth)), truth], floor).sum())
        counts = np.bincount(np.asarray(codes[inside], dtype=np.intp), minlength=levels) + 1.0
        plain -= float(np.log(counts / counts.sum())[truth].sum())
    return fitted / len(codes), plain / len(codes)


def _folds(rows: int, streams: Streams) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    order = streams.generator("folds").permutation(rows)
    for fold in range(FOLDS):
        outside = np.zeros(rows, dtype=bool)
        outside[order[fold::FOLDS]] = True
        yield np.flatnonzero(~outside), np.flatnonzero(outside)
