"""Effects of concepts on a model, and how far an explanation of them is from the truth.

For models and explainers of your own: hand over what the model says of both members of each pair. Where the pairs come
from a causal model these are true effects, as in LIBERTy (arXiv 2601.10700) and CEBaB (Abraham et al. 2022, arXiv
2205.14140); the distances are those that "Faithful Explanations" (Gat et al. 2024, arXiv 2310.00603) compares by.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Distance", "cace", "effect_error", "faithfulness_error", "icace", "order_faithfulness"]

Distance = Literal["l2", "cosine", "norm"]


def icace(factual: ArrayLike, counterfactual: ArrayLike) -> NDArray[np.float64]:
    """Individual causal concept effects: f(x') - f(x) of each pair.

    Parameters
    ----------
    factual, counterfactual : array of float, shape (n, k) or (n,)
        What the model says of each member: probabilities of k classes, or a value.

    Returns
    -------
    ndarray of float64, shape (n, k) or (n,)

    Raises
    ------
    ValueError
        For arrays of different shapes.
    """
    one, other = (np.asarray(each, dtype=np.float64) for each in (factual, counterfactual))
    if one.shape != other.shape:
        raise ValueError(f"factual and counterfactual have different shapes: {one.shape} and {other.shape}")
    return np.asarray(other - one)


def cace(effects: ArrayLike, kinds: ArrayLike | None = None) -> dict[Any, NDArray[np.float64]]:
    """Causal concept effects (Goyal et al. 2019, arXiv 1907.07165): the mean individual effect of each kind of edit.

    Parameters
    ----------
    effects : array of float, shape (n, k) or (n,)
        Of :func:`icace`.
    kinds : array, shape (n,), optional
        What was changed, such as ``food: good -> bad``; all are of one kind, ``""``, unless given.

    Returns
    -------
    dict of kind to ndarray of float64, shape (k,) or ()
    """
    values = np.asarray(effects, dtype=np.float64)
    names = np.full(len(values), "") if kinds is None else np.asarray(kinds)
    if len(names) != len(values):
        raise ValueError(f"there are {len(values)} effects and {len(names)} kinds")
    return {name.item(): np.asarray(values[names == name].mean(axis=0)) for name in np.unique(names)}


def effect_error(truth: ArrayLike, estimate: ArrayLike, distance: Distance = "l2") -> NDArray[np.float64]:
    """How far each estimated effect is from the true one; their mean is the error of CEBaB and LIBERTy.

    ``l2`` is the Euclidean distance; ``cosine`` 1 - cos, which looks at direction alone (0 between two effects that are
    both nothing, 1 where one of them is); ``norm`` the difference of their lengths, which looks at size alone.

    Parameters
    ----------
    truth, estimate : array of float, shape (n, k) or (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    one, other = (np.asarray(each, dtype=np.float64) for each in (truth, estimate))
    if one.shape != other.shape:
        raise ValueError(f"truth and estimate have different shapes: {one.shape} and {other.shape}")
    one, other = (each.reshape(len(each), -1) for each in (one, other))
    if distance == "l2":
        return np.asarray(np.linalg.norm(one - other, axis=1))
    lengths = np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1)
    if distance == "norm":
        return np.asarray(np.abs(lengths[0] - lengths[1]))
    if distance != "cosine":
        raise ValueError(f"the distance {distance!r} is none of l2, cosine, norm")
    product = lengths[0] * lengths[1]
    cosine = np.divide((one * other).sum(axis=1), product, out=np.zeros(len(one)), where=product > 0)
    return np.where(lengths[0] + lengths[1] == 0, 0.0, 1 - cosine)


def order_faithfulness(truth: ArrayLike, estimate: ArrayLike) -> float:
    """Share of pairs of effects whose order an explanation tells right: sign(S_a - S_b) = sign(C_a - C_b).

    Ties in the truth are left out; a tie in the estimate where the truth has none is half right, so that saying nothing
    is worth what guessing is, 0.5. A model of k classes is compared class by class.

    Parameters
    ----------
    truth, estimate : array of float, shape (n,) or (n, k)
        True and estimated effects of n edits.

    Returns
    -------
    float
        NaN where no two true effects differ.
    """
    one, other = (np.asarray(each, dtype=np.float64) for each in (truth, estimate))
    if one.shape != other.shape:
        raise ValueError(f"truth and estimate have different shapes: {one.shape} and {other.shape}")
    one, other = (each.reshape(len(each), -1) for each in (one, other))
    right = total = 0.0
    for row in range(1, len(one)):  # one effect against all before it: n² comparisons in n times k memory
        true, said = np.sign(one[row] - one[:row]), np.sign(other[row] - other[:row])
        counted = true != 0
        right += float(((true == said) & counted).sum() + 0.5 * ((said == 0) & counted).sum())
        total += float(counted.sum())
    return right / total if total else float("nan")


def faithfulness_error(
    factual: ArrayLike, counterfactual: ArrayLike, approximate: ArrayLike, distance: Distance = "l2"
) -> float:
    """Mean error of effects estimated from K approximate counterfactuals (matches, or texts that a model wrote).

    The estimate is the mean over k of f(x^(k)) - f(x), the truth f(x') - f(x) (Gat et al. 2024: top-K matching).

    Parameters
    ----------
    factual, counterfactual : array of float, shape (n, c) or (n,)
    approximate : array of float, shape (n, K, c) or (n, K)
        NaN where a unit has fewer than K.

    Returns
    -------
    float
        NaN where no unit has an approximation. Units without one are left out; count them yourself.
    """
    fact, other = (np.asarray(each, dtype=np.float64) for each in (factual, counterfactual))
    several = np.asarray(approximate, dtype=np.float64)
    if several.ndim != fact.ndim + 1 or several.shape[0] != len(fact) or several.shape[2:] != fact.shape[1:]:
        raise ValueError(f"approximate has the shape {several.shape}, which is not (n, K) over {fact.shape}")
    known = ~np.isnan(several)
    counts = known.sum(axis=1)
    means = np.divide(
        np.where(known, several, 0).sum(axis=1), counts, out=np.full(fact.shape, np.nan), where=counts > 0
    )
    kept = ~np.isnan(means).reshape(len(fact), -1).any(axis=1)
    if not kept.any():
        return float("nan")
    return float(effect_error(icace(fact, other)[kept], icace(fact, means)[kept], distance).mean())
