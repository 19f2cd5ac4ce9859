"""Which rewrites together change as many words as the target edit did: exact search over those that do not overlap."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from contrafact.wording import distance, tokens
from generators.text.controls.change import Rewrite, Target, applied

__all__ = ["choose", "size_of"]

_WORST = float("inf")
_SLACK = 6
"""Words by which sizes that are added up may be above what is measured: long rewrites share words with what is near."""


def size_of(text: str, rewrites: Sequence[Rewrite]) -> int:
    """Words that the rewrites change together."""
    return distance(tokens(text), tokens(applied(text, rewrites)))


def choose(target: Target, rewrites: Sequence[Rewrite], odd: Sequence[float], most: int) -> tuple[Rewrite, ...]:
    """The least odd rewrites that change as many words as the target edit; else the most below that, up to ``most``.

    Sizes add up where places are apart; what counts is the whole text's, which is measured in the end.

    Parameters
    ----------
    odd : sequence of float
        Oddness of each rewrite here.
    most : int
        Words that may be changed: the target's own size, or more within the tolerance.

    Returns
    -------
    tuple of Rewrite
        Empty where nothing can be made.
    """
    order = sorted(range(len(rewrites)), key=lambda place: (rewrites[place].stop, rewrites[place].start, place))
    ready = [rewrites[place] for place in order]
    sizes = [size_of(target.text, [each]) for each in ready]
    found = _least_odd(ready, sizes, [odd[place] for place in order], most + _SLACK)
    best: tuple[tuple[int, int], list[Rewrite]] | None = None
    for wanted in sorted(range(1, most + _SLACK + 1), key=lambda size: (abs(size - target.size), size)):
        chosen = [ready[place] for place in found[wanted]]
        size = size_of(target.text, chosen)
        rank = (abs(size - target.size), size)
        if chosen and size <= most and (best is None or rank < best[0]):
            best = (rank, chosen)
        if best is not None and not best[0][0]:
            break
    return () if best is None else tuple(sorted(best[1], key=lambda each: each.start))


def _least_odd(
    ready: Sequence[Rewrite], sizes: Sequence[int], odd: Sequence[float], most: int
) -> list[tuple[int, ...]]:
    """For each number of words the places of the least odd rewrites that change so many; empty where none do.

    Weighted interval scheduling with one more dimension. Two rewrites must have a character between them.
    """
    stops = [each.stop for each in ready]
    costs = [[0.0, *[_WORST] * most]]
    taken: list[list[bool]] = []
    for place, each in enumerate(ready):
        before = costs[bisect_left(stops, each.start, hi=place)]
        row, took = list(costs[-1]), [False] * (most + 1)
        for total in range(sizes[place], most + 1):
            cost = before[total - sizes[place]] + odd[place]
            if sizes[place] and cost < row[total]:
                row[total], took[total] = cost, True
        costs.append(row)
        taken.append(took)
    return [tuple(_traced(ready, stops, sizes, taken, total)) for total in range(most + 1)]


def _traced(
    ready: Sequence[Rewrite], stops: Sequence[int], sizes: Sequence[int], taken: Sequence[Sequence[bool]], total: int
) -> Iterator[int]:
    left = total
    place = len(ready)
    chosen = []
    while place and left:
        place -= 1
        if taken[place][left]:
            chosen.append(place)
            left -= sizes[place]
            place = bisect_left(stops, ready[place].start, hi=place)
    yield from chosen if not left else ()
