"""Which examples tell a program: a literal listener, and a speaker who reasons about it.

Rational speech acts (Frank & Goodman 2012), one example at a time as in Vaduguru, Fried & Pu (2024): M[p, e] is 1 where
program p gives example e the sign that the target gives it. The literal listener L0 believes each program that agrees
alike: M with its columns normalised. The speaker S1 says what makes L0 believe the target: L0 with its rows normalised.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose", "literal", "speaker", "survivors"]


def literal(agrees: NDArray[np.bool_]) -> NDArray[np.float64]:
    """L0(program | example): the consistency matrix with its columns normalised.

    Parameters
    ----------
    agrees : ndarray of bool, shape (programs, examples)
        Row 0 is the target and all true, so that no column is empty.
    """
    given = agrees.astype(np.float64)
    return np.asarray(given / given.sum(axis=0, keepdims=True))


def speaker(agrees: NDArray[np.bool_]) -> NDArray[np.float64]:
    """S1(example | program): L0 with its rows normalised; a program that agrees with no example has a row of zeros."""
    believed = literal(agrees)
    sums = believed.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(believed, sums, out=np.zeros_like(believed), where=sums > 0))


def choose(verdicts: NDArray[np.bool_], strings: Sequence[str], most: int) -> list[int]:
    """Examples for the target, in the order in which the speaker says them.

    Each is the one that S1 finds best for the target among the programs that agree with all examples so far: the one
    that leaves the fewest. Of equals the shortest, then the first by code points. It stops when only the target is
    left; one more follows where all signs so far are alike, because a reader wants to see either.

    Parameters
    ----------
    verdicts : ndarray of bool, shape (programs, strings)
        What each program says of each string; row 0 is the target.
    most : int
        Examples at the most.

    Returns
    -------
    list of int
        Columns.
    """
    agrees = verdicts == verdicts[0]
    order = sorted(range(len(strings)), key=lambda column: (len(strings[column]), strings[column]))
    left, chosen = np.ones(len(agrees), dtype=bool), list[int]()
    while len(chosen) < most and left.sum() > 1:
        best = _best(agrees[left], [each for each in order if each not in chosen])
        if best is None or agrees[left, best].all():
            break  # no example tells the target from those that are left
        chosen.append(best)
        left &= agrees[:, best]
    signs = {bool(verdicts[0, each]) for each in chosen}
    lacking = [each for each in order if each not in chosen and bool(verdicts[0, each]) not in signs]
    if len(signs) == 1 and lacking and len(chosen) < most:
        best = _best(agrees, lacking)
        chosen += [] if best is None else [best]
    return chosen


def survivors(verdicts: NDArray[np.bool_], chosen: Sequence[int]) -> int:
    """Programs, the target among them, that agree with the target on all chosen examples."""
    agrees = verdicts[:, list(chosen)] == verdicts[0, list(chosen)]
    return int(agrees.all(axis=1).sum())


def _best(agrees: NDArray[np.bool_], columns: Sequence[int]) -> int | None:
    """The first of the columns that the speaker finds best for the target (row 0)."""
    if not columns:
        return None
    # What is equal by the formula may differ in the last bit; what differs does so by far more.
    return columns[int(np.argmax(speaker(agrees[:, list(columns)])[0].round(12)))]
