"""Effects of concepts on a classifier of texts, and how near an explanation of the classifier comes to them.

Everything here is a function of predictions: a row of class probabilities (or logits) a text. Those of a pair's factual
and counterfactual text give the effect that is held for true; an explainer's estimates are judged against it.

Individual effects and order-faithfulness are those of Gat et al. (2024), "Faithful explanations of black-box NLP models
using LLM-generated counterfactuals", ICLR, and of LIBERTy (arXiv 2601.10700); ATE, TReATE and CONEXP those of Feder et
al. (2021), "CausaLM", Computational Linguistics 47(2).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contrafact.errors import DataError

__all__ = ["ate", "conexp", "error_distance", "icace", "order_faithfulness", "treate"]

Floats = NDArray[np.float64]
Distance = Literal["l2", "cosine", "norm"]

_BLOCK = 2048


def icace(before: ArrayLike, after: ArrayLike) -> Floats:
    """Individual causal concept effects: ICaCE(x; c -> c') = f(x_c') - f(x).

    Parameters
    ----------
    before, after : array_like, shape (n, classes)
        Predictions for the factual and the counterfactual texts.

    Returns
    -------
    ndarray of float64, shape (n, classes)

    Raises
    ------
    DataError
        Where the shapes differ, or there is a number that is not finite.
    """
    one, other = _two(before, after, "before", "after")
    return other - one


def error_distance(reference: ArrayLike, estimate: ArrayLike, distance: Distance = "l2") -> float:
    """Mean distance between true and estimated effects: 0 for a perfect explainer.

    Parameters
    ----------
    reference, estimate : array_like, shape (n, classes)
    distance : {'l2', 'cosine', 'norm'}
        Euclidean; 1 - cosine (0 between two effects of which both are zero, 1 where only one is); or the gap between
        the two lengths.

    Returns
    -------
    float
        NaN for no effects at all.
    """
    one, other = _two(reference, estimate, "reference", "estimate")
    if not len(one):
        return float("nan")
    lengths = np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1)
    if distance == "l2":
        return float(np.linalg.norm(one - other, axis=1).mean())
    if distance == "norm":
        return float(np.abs(lengths[0] - lengths[1]).mean())
    product = lengths[0] * lengths[1]
    cosine = np.divide((one * other).sum(axis=1), product, out=np.zeros(len(one)), where=product > 0)
    cosine[(lengths[0] == 0) & (lengths[1] == 0)] = 1.0
    return float((1.0 - cosine).mean())


def order_faithfulness(reference: ArrayLike, estimate: ArrayLike) -> float:
    """Share of pairs of interventions that an explainer puts in the true order: 1 at best, 0.5 by chance.

    Over all pairs (a, b) and classes, how often sign(estimate_a - estimate_b) = sign(reference_a - reference_b). Ties,
    in either, are left out: an explainer that calls every effect equal is not judged at all.

    Parameters
    ----------
    reference, estimate : array_like, shape (n,) or (n, classes)
        True and estimated effects of n interventions.

    Returns
    -------
    float
        NaN where there is no pair without a tie.
    """
    one, other = _two(reference, estimate, "reference", "estimate")
    agreed = compared = 0
    for start in range(0, len(one), _BLOCK):  # n² comparisons, but never n² numbers at once
        for first in range(start, len(one), _BLOCK):
            same, told = _order(one, other, slice(start, start + _BLOCK), slice(first, first + _BLOCK))
            agreed, compared = agreed + same, compared + told
    return agreed / compared if compared else float("nan")


def ate(before: ArrayLike, after: ArrayLike) -> float:
    """Average effect of a treatment: mean over units of |f(x) - f(x')|, summed over classes (CausaLM's ATE_gt).

    On pairs whose texts differ in the treatment alone it is no estimate but the effect itself.

    Parameters
    ----------
    before, after : array_like, shape (n, classes)
    """
    one, other = _two(before, after, "before", "after")
    return float(np.abs(one - other).sum(axis=1).mean()) if len(one) else float("nan")


def treate(original: ArrayLike, treated: ArrayLike) -> float:
    """Textual representation-based effect: as :func:`ate`, of two representations of the same text.

    Parameters
    ----------
    original, treated : array_like, shape (n, classes)
        Predictions from the plain representation, and from the one in which the treatment is no longer to be told.
    """
    return ate(original, treated)


def conexp(predictions: ArrayLike, treated: ArrayLike) -> float:
    """Difference of mean predictions between texts with and without a concept, summed over classes (CONEXP).

    What a correlation gives: it is the effect only where nothing else differs between the two groups.

    Parameters
    ----------
    predictions : array_like, shape (n, classes)
    treated : array_like of bool, shape (n,)

    Raises
    ------
    DataError
        Where one group is empty, or the lengths differ.
    """
    values, group = _matrix(predictions, "predictions"), np.asarray(treated, dtype=bool)
    if group.shape != (len(values),):
        raise DataError(f"treated has shape {group.shape}, and there are {len(values)} predictions")
    if group.all() or not group.any():
        raise DataError("all texts are in one group", allowed="texts with the concept and texts without it")
    return float(np.abs(values[group].mean(axis=0) - values[~group].mean(axis=0)).sum())


def _order(one: Floats, other: Floats, rows: slice, columns: slice) -> tuple[int, int]:
    """(comparisons in which both agree, comparisons without a tie) between two blocks, each pair once."""
    truth = np.sign(one[rows, None] - one[None, columns])
    said = np.sign(other[rows, None] - other[None, columns])
    told = (truth != 0) & (said != 0)
    if rows == columns:
        told &= np.triu(np.ones(told.shape[:2], dtype=bool), 1)[..., None]
    return int(((truth == said) & told).sum()), int(told.sum())


def _two(one: ArrayLike, other: ArrayLike, first: str, second: str) -> tuple[Floats, Floats]:
    found = _matrix(one, first), _matrix(other, second)
    if found[0].shape != found[1].shape:
        raise DataError(f"{first} has shape {found[0].shape}, and {second} {found[1].shape}", allowed="equal shapes")
    return found


def _matrix(values: ArrayLike, name: str) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2:
        raise DataError(f"{name} has {found.ndim} dimensions", allowed="shape (n, classes), or (n,) for one class")
    if not np.isfinite(found).all():
        raise DataError(f"{name} holds numbers that are not finite", fix="drop the texts that have no prediction")
    return found
