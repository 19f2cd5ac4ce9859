"""Controls of concept pairs: a matched placebo, or a paraphrase in which every concept still reads as before.

A matched pair is two real texts, and whatever else they say differs as well as the concept. Its placebo is a third one:
as near to the unit as the match is, with the unit's own value of the concept, equal confounders and the same label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.record import LABEL_SOURCES
from contrafact.stages import Context
from generators.text.concept.concepts import read_codes
from generators.text.concept.nearest import Match, Side, Wanted
from generators.text.concept.setting import Setting
from generators.text.controls import Maker, Target, with_controls

__all__ = ["paraphrased", "placebo_matches", "sizes"]

_UNITS, _CANDIDATES = 64, 8192
_FURTHEST = 0.1
"""Cosine between a match and its placebo: beyond it they are not alike in how near they are to the unit."""

Codes = NDArray[np.int64]


def placebo_matches(
    units: Side, found: Sequence[Sequence[Match]], pool: Side, wanted: Wanted, fixed: Sequence[int]
) -> list[list[Match | None]]:
    """For each match of each unit the text whose cosine is nearest to the match's, each text once; None for none near.

    Parameters
    ----------
    found : sequence of sequence of Match
        Matches of each unit.
    fixed : sequence of int
        Places of the concepts in which a placebo equals the unit: the one that changes, the held ones, the label.
    """
    chosen: list[list[Match | None]] = [[None] * len(each) for each in found]
    asked = np.array([row for row, each in enumerate(found) if each], dtype=np.int64)
    equal = list(fixed)
    kinds, members = np.unique(units.codes[asked][:, equal], axis=0, return_inverse=True)
    there = pool.codes[:, equal]
    for kind, values in enumerate(kinds):
        rows = asked[members.ravel() == kind]
        candidates = np.flatnonzero((there == values).all(axis=1))
        for start in range(0, len(rows), _UNITS):
            block = rows[start : start + _UNITS]
            for row, cosines in zip(block, _cosines(units.take(block), pool, candidates, wanted), strict=True):
                chosen[int(row)] = list(_nearest(cosines, found[int(row)], candidates))
    return chosen


def _cosines(units: Side, pool: Side, candidates: Codes, wanted: Wanted) -> NDArray[np.float64]:
    """Cosines of a block of units with candidates, shape (units, candidates); infinite where none can be used."""
    vectors = units.vectors.astype(np.float64)
    found = np.full((len(vectors), len(candidates)), np.inf)
    for start in range(0, len(candidates), _CANDIDATES):
        there = pool.take(candidates[start : start + _CANDIDATES])
        cosines = np.round(vectors @ there.vectors.astype(np.float64).T, 6)
        own = units.nodes[:, None] == there.nodes[None, :]
        own |= (units.groups[:, None] == there.groups[None, :]) & (units.groups[:, None] >= 0)
        outside = own | (cosines < wanted.least) | (cosines > wanted.most)
        found[:, start : start + _CANDIDATES] = np.where(outside, np.inf, cosines)
    return found


def _nearest(cosines: NDArray[np.float64], matches: Sequence[Match], candidates: Codes) -> Iterator[Match | None]:
    left = cosines.copy()
    for match in matches:
        gaps = np.abs(left - match.cosine)
        place = int(np.argmin(gaps)) if len(gaps) else 0
        if not len(gaps) or not gaps[place] <= _FURTHEST:
            yield None
            continue
        yield Match(int(candidates[place]), float(left[place]), ())
        left[place] = np.inf


def sizes(pair: str, field: str, texts: tuple[str, str, str]) -> dict[str, float]:
    """Scores of a control from the texts of the unit, of its match and of its placebo."""
    text, match, placebo = texts
    share = Target(pair, field, text, placebo)
    target = Target(pair, field, text, match)
    own = share.share(share.size)
    return {"control_share": own, "control_shortfall": target.share(target.size) - own}


def paraphrased(
    rows: Sequence[Mapping[str, Any]], setting: Setting, maker: Maker, context: Context
) -> list[dict[str, Any]]:
    """Candidates with controls by rules or a model: rejects where a concept no longer reads as it did."""
    whole = with_controls(rows, (setting.field,), maker, context, setting.name)
    groups = {row["unit_id"]: row["group_id"] for row in rows}
    made = [row for row in whole if row.get("control_of") is not None and row.get("counterfactual") is not None]
    texts = {row[member][setting.field] for row in made for member in ("factual", "counterfactual")}
    said = sorted(texts)
    codes = dict(zip(said, read_codes(said, setting.concepts, context.engines), strict=True))
    for row in whole:
        if row.get("control_of") is not None:
            row["group_id"] = groups[row["unit_id"]]
    for row in made:
        _judged(row, setting, codes)
    return whole


def _judged(row: dict[str, Any], setting: Setting, codes: Mapping[str, Codes]) -> None:
    """What the readers find of a paraphrase: where they cannot tell, the value is empty, as in a rewritten text."""
    before, after = (codes[row[member][setting.field]] for member in ("factual", "counterfactual"))
    names = [each.name for each in setting.concepts]
    broken = [name for name, one, other in zip(names, before, after, strict=True) if one != other]
    unread = {name for name, code in zip(names, after, strict=True) if code < 0}
    row["reasons"] = [f"{setting.name}: control: the paraphrase broke {', '.join(broken)}"] if broken else []
    row["counterfactual"] = {name: None if name in unread else value for name, value in row["counterfactual"].items()}
    row["held_fixed"] = [name for name in names if name not in unread and name not in broken]
    own = setting.witness(setting.concepts[setting.label].column is not None)
    row["label_source"] = max(own, row["label_source"], key=LABEL_SOURCES.index)
