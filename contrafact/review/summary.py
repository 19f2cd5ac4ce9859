"""Marks beside the pairs that they are about: precision overall, by reason and by score, and agreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from contrafact.identity import identity_of
from contrafact.report.reading import Shown, read_named
from contrafact.review.marks import Mark, latest, marks_file, read_marks
from contrafact.review.statistics import Kappa, Share, Threshold, bins, cohen_kappa, suggest_threshold
from contrafact.store.layout import RunDirectory, read_manifest

__all__ = ["ScoreBin", "Summary", "digest_of", "summarise"]

_COLUMNS = ("factual", "counterfactual", "intervention", "label", "counterfactual_label")


@dataclass(frozen=True)
class ScoreBin:
    """Marked pairs whose score lies from ``low`` to ``high``."""

    score: str
    low: float
    high: float
    share: Share


@dataclass
class Summary:
    """What a review came to.

    Attributes
    ----------
    accepted, rejected : Share
        Of marked pairs that the filters accepted: the dataset's precision. Of those that they rejected: what they
        should not have.
    reasons : dict of str to Share
        The rejected ones by each of their reasons.
    score_bins : list of ScoreBin
        All marked pairs that have the score, accepted or not.
    stale, unknown, damaged : int
        Marks on pairs that changed since, on pairs that are not in the dataset, and lines that are no marks.
    """

    reviewers: dict[str, int]
    pairs: int
    accepted: Share
    rejected: Share
    disputed: int = 0
    reasons: dict[str, Share] = field(default_factory=dict)
    score_bins: list[ScoreBin] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    kappas: list[Kappa] = field(default_factory=list)
    stale: int = 0
    unknown: int = 0
    damaged: int = 0


def digest_of(pair: Mapping[str, Any]) -> str:
    """Hash of what a reviewer judges: both members, the intervention and the labels."""
    return identity_of({name: _told(pair[name]) for name in _COLUMNS})


def summarise(path: Path, wanted: float | None = None, level: float = 0.95) -> Summary:
    """What the marks of a dataset say.

    A pair that several people marked counts once: as what most said, and as unclear where as many said another thing.

    Parameters
    ----------
    wanted : float, optional
        Suggest thresholds for this precision.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset.
    """
    directory = RunDirectory(path)
    manifest = read_manifest(directory)
    marks, damaged = read_marks(marks_file(path))
    shown = read_named(directory, manifest, {each.pair_id for each in marks}) if marks else None
    rows, counted, stale, unknown = _matched(shown, latest(marks))
    whole = [_majority(counted[row]) for row in rows]
    accepted = shown.accepted[rows] if shown is not None else np.zeros(0, dtype=bool)
    reviewers = Counter(each.reviewer for given in counted.values() for each in given)
    found = Summary(
        dict(reviewers),
        len(rows),
        Share.of([mark for mark, kept in zip(whole, accepted, strict=True) if kept], level),
        Share.of([mark for mark, kept in zip(whole, accepted, strict=True) if not kept], level),
        disputed=sum(len({each.mark for each in given}) > 1 for given in counted.values()),
        stale=stale,
        unknown=unknown,
        damaged=damaged,
        kappas=list(_kappas(counted.values(), level)),
    )
    if shown is not None:
        found.reasons = _by_reason(shown, rows, whole, level)
        found.score_bins = list(_by_score(shown, rows, whole, level))
        if wanted is not None:
            found.thresholds = list(_thresholds(shown, rows, whole, wanted, level))
    return found


def _matched(
    shown: Shown | None, last: Mapping[tuple[str, str], Mark]
) -> tuple[list[int], dict[int, list[Mark]], int, int]:
    """Rows that are marked, their marks, and how many marks are stale or of pairs that are not there."""
    if shown is None:
        return [], {}, 0, 0
    known = {name: row for row, name in enumerate(shown.column("pair_id").to_pylist())}
    digests = [digest_of(pair) for pair in shown.pairs.select(list(_COLUMNS)).to_pylist()]
    counted: dict[int, list[Mark]] = {}
    stale = unknown = 0
    for each in last.values():
        row = known.get(each.pair_id)
        if row is None:
            unknown += 1
        elif digests[row] != each.digest:
            stale += 1
        else:
            counted.setdefault(row, []).append(each)
    return sorted(counted), counted, stale, unknown


def _majority(given: Sequence[Mark]) -> str:
    counts = Counter(str(each.mark) for each in given).most_common(2)
    return "unclear" if len(counts) > 1 and counts[0][1] == counts[1][1] else counts[0][0]


def _by_reason(shown: Shown, rows: Sequence[int], whole: Sequence[str], level: float) -> dict[str, Share]:
    found: dict[str, list[str]] = {}
    reasons = shown.column("reasons").to_pylist()
    for row, mark in zip(rows, whole, strict=True):
        for reason in reasons[row]:
            found.setdefault(reason, []).append(mark)
    return {reason: Share.of(marks, level) for reason, marks in sorted(found.items(), key=lambda each: -len(each[1]))}


def _by_score(shown: Shown, rows: Sequence[int], whole: Sequence[str], level: float) -> Iterator[ScoreBin]:
    marks = np.array(whole, dtype=object)
    for name in shown.score_names():
        values = shown.score(name)[list(rows)]
        ranges = bins(values)
        for low, high in ranges if len(ranges) > 1 else ():
            inside = (values >= low) & (values <= high)
            yield ScoreBin(name, low, high, Share.of(marks[inside].tolist(), level))


def _thresholds(
    shown: Shown, rows: Sequence[int], whole: Sequence[str], wanted: float, level: float
) -> Iterator[Threshold]:
    clear = np.array([mark != "unclear" for mark in whole], dtype=bool)
    right = np.array([mark == "right" for mark in whole], dtype=bool)
    for name in shown.score_names():
        values = shown.score(name)[list(rows)]
        if len(np.unique(values[clear & np.isfinite(values)])) > 1:
            found = suggest_threshold(name, values[clear], right[clear], wanted, level)
            if found is not None:
                yield found


def _kappas(given: Iterable[Sequence[Mark]], level: float) -> Iterator[Kappa]:
    pairs = [{each.reviewer: str(each.mark) for each in marks} for marks in given]
    names = sorted({name for each in pairs for name in each})
    for one, other in combinations(names, 2):
        both = [each for each in pairs if one in each and other in each]
        if both:
            yield cohen_kappa([each[one] for each in both], [each[other] for each in both], (one, other), level)


def _told(value: Any) -> Any:
    """What JSON can say of it, exactly."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _told(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_told(each) for each in value]
    return repr(value) if isinstance(value, float) else value
