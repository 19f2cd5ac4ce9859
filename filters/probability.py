"""How probable a language model finds both members of a pair: as a whole, and where the edit ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.llm import LLM, Reply
from contrafact.engines.llm.scoring import perplexity, scoring_request
from filters.text import Edited

__all__ = ["AFTER", "break_of", "highest", "rises_and_breaks"]

AFTER = 3
"""Tokens after an edit that are looked at: a phrase that does not fit is noticed at once or not at all."""

_DECIMALS = 6


def rises_and_breaks(llm: LLM, edits: Sequence[Edited], rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each pair the ratio of perplexities and the break (:func:`break_of`), the highest over its edited fields.

    Each distinct text is asked about once. NaN where one has no score; 1 and 0 where nothing differs.

    Returns
    -------
    tuple of ndarray of float64, shape (rows,)
    """
    texts = list(dict.fromkeys(text for edit in edits for text in (edit.before, edit.after)))
    replies = dict(zip(texts, llm.ask([scoring_request(text) for text in texts]) if texts else [], strict=True))
    pairs = [(replies[edit.before], replies[edit.after]) for edit in edits]
    places = np.array([edit.row for edit in edits], dtype=np.int64)
    rises = [perplexity(after) / perplexity(before) for before, after in pairs]
    breaks = [break_of(before, after) for before, after in pairs]
    return highest(rises, places, rows, none=1.0), highest(breaks, places, rows, none=0.0)


def break_of(before: Reply, after: Reply) -> float:
    """How much less probable, in nats, the first tokens after an edit became: the text no longer goes on as it did.

    The sum over the first :data:`AFTER` words or marks of the end that both texts share; 0 where they share none, NaN
    where a text has no score.
    """
    if math.isnan(perplexity(before)) or math.isnan(perplexity(after)):
        return math.nan
    left, right = ("".join(each.token for each in reply.chances) for reply in (before, after))
    shared = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(reversed(left), reversed(right), strict=False))
    )
    old, new = _chances_of_end(before, len(left) - shared), _chances_of_end(after, len(right) - shared)
    return sum(a - b for a, b in zip(old[:AFTER], new[:AFTER], strict=False))


def _chances_of_end(reply: Reply, start: int) -> list[float]:
    """Log-probabilities of the tokens that begin at a place or after it; white space alone says nothing."""
    place, found = 0, []
    for each in reply.chances:
        if place >= start and each.token.strip():
            found.append(each.logprob)
        place += len(each.token)
    return found


def highest(values: Sequence[float], places: NDArray[np.int64], rows: int, *, none: float) -> NDArray[np.float64]:
    """The highest value of each row, NaN above all; ``none`` for a row without any."""
    found = np.full(rows, -np.inf)
    with np.errstate(invalid="ignore"):
        np.maximum.at(found, places, np.round(np.array(values, dtype=np.float64), _DECIMALS))
    return np.where(np.isneginf(found), none, found)
