"""What a finished dataset says of itself: interventions, moves of the label, witnesses that agree, scores.

Added up from what every shard counted of its own pairs (:mod:`contrafact.publishing.counting`), in the order of shards,
so that sums come out the same every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contrafact.errors import DataError

__all__ = ["agreements", "interventions", "label_moves", "schema_of", "score_rows"]

Counts = Mapping[str, Any]
_MOST = 50


def schema_of(paths: Sequence[Path]) -> pa.Schema | None:
    """Schema of the first file; None where there is no file. Raises ``DataError`` where it is damaged."""
    try:
        return pq.read_schema(paths[0]) if paths else None
    except (OSError, pa.ArrowInvalid):
        raise DataError(
            f"{paths[0].name} in {paths[0].parent} is missing or was changed",
            fix=f"contrafact validate {paths[0].parent.parent} lists the damage",
        ) from None


def interventions(shards: Iterable[Counts]) -> list[dict[str, Any]]:
    """How many pairs each kind of intervention proposed, and how many of them were accepted; the commonest first.

    Parameters
    ----------
    shards : iterable of mapping
        What :func:`contrafact.publishing.counting.counted` gave of each.

    Returns
    -------
    list of dict
        ``intervention`` (operation and variable, several joined by ``+``), ``proposed`` and ``accepted``; at most 50,
        and then one that holds all others.
    """
    kept: dict[str, int] = {}
    totals: dict[str, int] = {}
    for shard in shards:
        for side in ("accepted", "rejected"):
            for name, count in shard["changes"][side].items():
                totals[name] = totals.get(name, 0) + count
                if side == "accepted":
                    kept[name] = kept.get(name, 0) + count
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    rows = [{"intervention": name, "proposed": totals[name], "accepted": kept.get(name, 0)} for name in ranked[:_MOST]]
    if rest := ranked[_MOST:]:
        proposed, there = sum(totals[name] for name in rest), sum(kept.get(name, 0) for name in rest)
        rows.append({"intervention": f"{len(rest)} others", "proposed": proposed, "accepted": there})
    return rows


def label_moves(shards: Sequence[Counts], *, numbers: bool) -> dict[str, Any]:
    """Where the labels of accepted pairs moved.

    Parameters
    ----------
    numbers : bool
        Whether labels are amounts and no classes.

    Returns
    -------
    dict
        For classes ``classes``: rows of ``label``, ``counterfactual_label`` and ``pairs``, at most 50, the commonest
        first. For numbers ``mean_change`` and ``mean_absolute_change`` in the label's units, over ``pairs``.
    """
    if numbers:
        pairs = sum(int(shard["moves"][0]) for shard in shards)
        total, size = (sum(shard["moves"][place] for shard in shards) for place in (1, 2))
        return {"pairs": pairs, "mean_change": total / pairs, "mean_absolute_change": size / pairs} if pairs else {}
    counts: dict[tuple[str, str], int] = {}
    for shard in shards:
        for before, after, count in shard["moves"]:
            counts[before, after] = counts.get((before, after), 0) + count
    ranked = sorted(counts, key=lambda move: (-counts[move], move))[:_MOST]
    keys = ("label", "counterfactual_label", "pairs")
    return {"classes": [dict(zip(keys, (*move, counts[move]), strict=True)) for move in ranked]}


def agreements(shards: Iterable[Counts]) -> list[dict[str, Any]]:
    """How often a teacher filter's likeliest label is the one that a stronger witness gave, accepted or not.

    Only pairs count whose label an oracle computed or the construction made true, and about both of whose members the
    teacher gave probabilities.

    Returns
    -------
    list of dict
        ``teacher`` (the filter's alias), ``witness``, ``pairs``, and of these ``factual`` and ``counterfactual``: on
        how many labels of that member the two agree.
    """
    found: dict[tuple[str, str], NDArray[np.int64]] = {}
    for shard in shards:
        for alias, witness, *counts in shard["agreed"]:
            found[alias, witness] = found.get((alias, witness), np.zeros(3, dtype=np.int64)) + counts
    keys = ("pairs", "factual", "counterfactual")
    return [
        {"teacher": alias, "witness": witness, **dict(zip(keys, counts.tolist(), strict=True))}
        for (alias, witness), counts in sorted(found.items(), key=lambda each: (each[0][0], each[0][1] != "oracle"))
    ]


def score_rows(shards: Iterable[Counts]) -> list[dict[str, Any]]:
    """Mean and range of every score that is a number, over the accepted pairs that have it.

    Returns
    -------
    list of dict
        ``name``, ``pairs``, ``mean``, ``least`` and ``greatest``.
    """
    found: dict[str, list[float]] = {}
    for shard in shards:
        for name, (pairs, total, least, greatest) in shard["scores"].items():
            held = found.setdefault(name, [0, 0.0, least, greatest])
            held[0], held[1] = held[0] + pairs, held[1] + total
            held[2], held[3] = min(held[2], least), max(held[3], greatest)
    return [
        {"name": name, "pairs": int(pairs), "mean": total / pairs, "least": least, "greatest": greatest}
        for name, (pairs, total, least, greatest) in found.items()
    ]
