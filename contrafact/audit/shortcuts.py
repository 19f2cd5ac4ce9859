"""Shortcut audit: what a model could learn from these pairs without understanding them.

Small classifiers that see only the counterfactual's length, its words, its edited text or its style try to tell its
label, and which member of a pair is the counterfactual. Folds never divide a group. A shortcut is found where the
accuracy on held-out folds is above that of always giving the commonest answer, by its error in a bootstrap over groups,
corrected for the number of attempts.

A shortcut to the label is a defect of a dataset only where the label needs more than what was shown: words of one text
*are* what sentiment is told from, and a hypothesis without its premise should tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.audit.code_style import code_style
from contrafact.audit.correction import Correction, corrected
from contrafact.audit.features import VIEWS
from contrafact.audit.reading import Audited, texts_of
from contrafact.audit.statistics import Grouped, bootstrap_interval, bootstrap_means
from contrafact.streams import Streams

__all__ = ["FOLDS", "predicted", "shortcuts_of"]

FOLDS = 5
_LEAST_GROUPS = 40
_LEAST_OF_A_CLASS = 10


@dataclass(frozen=True)
class _Task:
    """Something to be told from one view: ``rows`` are whatever the classifier takes."""

    view: str
    tells: str
    rows: Any
    answers: NDArray[np.int64]
    groups: NDArray[np.int64]
    chance: float | None = None


def shortcuts_of(
    data: Audited, streams: Streams, alpha: float, correction: Correction, draws: int
) -> list[dict[str, Any]]:
    """Every attempt on the pairs (controls are none).

    Returns
    -------
    list of dict
        ``view``, ``tells`` (``label`` or ``member``), ``pairs``, ``groups``, ``accuracy``, ``low``, ``high``,
        ``chance``, ``above``, ``p``, ``p_corrected``, ``found``; or ``view``, ``tells`` and ``skipped``, the reason.
    """
    told = [_attempt(task, streams, alpha, draws) if isinstance(task, _Task) else task for task in _tasks(data)]
    told += code_style(data, streams, alpha, draws)
    values = corrected(np.array([each.get("p", np.nan) for each in told], dtype=np.float64), correction)
    for each, value in zip(told, values, strict=True):
        if "p" in each:
            each |= {"p_corrected": float(value), "found": bool(value <= alpha)}
    return told


def predicted(
    make: Any, rows: Any, answers: NDArray[np.int64], groups: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Each row's answer by a classifier that saw no row of its group."""
    from sklearn.model_selection import StratifiedGroupKFold

    found = np.empty(len(answers), dtype=np.int64)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, held in folds.split(np.zeros(len(answers)), answers, groups):
        classifier = make()
        classifier.fit(_taken(rows, train), answers[train])
        found[held] = classifier.predict(_taken(rows, held))
    return found


def _taken(rows: Any, places: NDArray[np.int64]) -> Any:
    return rows[places] if isinstance(rows, np.ndarray) else [rows[place] for place in places]


def _tasks(data: Audited) -> Iterator[_Task | dict[str, Any]]:
    pairs = data.pairs.take(pa.array(data.targets))
    groups = data.groups[data.targets]
    if data.text_fields:
        yield from _text_tasks(data, pairs, groups)
    else:
        for view in VIEWS:
            yield {"view": view, "tells": "label", "skipped": "these pairs have no text"}
    numbers = _numeric(pairs)
    if numbers is not None and not data.text_fields:
        yield {"view": "values", "tells": "label", "skipped": "the label is computed from these columns"}
        both = np.concatenate(numbers)
        yield _Task("values", "member", both, np.repeat([0, 1], len(groups)), np.tile(groups, 2), 0.5)


def _text_tasks(data: Audited, pairs: pa.Table, groups: NDArray[np.int64]) -> Iterator[_Task | dict[str, Any]]:
    fields = data.text_fields
    sides = {side: texts_of(pairs, side, fields) for side in ("factual", "counterfactual")}
    edited = _edited(sides["factual"], sides["counterfactual"])
    labels = pairs["counterfactual_label"].combine_chunks()
    for view in VIEWS:
        alone = view == "edited text alone"
        if alone and len(fields) == 1:
            # One text is all that there is of a pair: the words' view has seen it.
            yield {"view": view, "tells": "label", "skipped": "a pair has one text: see words"}
        elif data.levels is None or labels.null_count:
            yield {"view": view, "tells": "label", "skipped": "the labels are no classes"}
        else:
            shown = [(each,) for _, each in edited] if alone else sides["counterfactual"]
            yield _Task(view, "label", shown, np.asarray(labels, dtype=np.int64), groups)
    for view in [name for name in VIEWS if name != "edited text alone"]:
        shown = [(text,) for text, _ in edited] + [(text,) for _, text in edited]
        yield _Task(view, "member", shown, np.repeat([0, 1], len(groups)), np.tile(groups, 2), 0.5)


def _edited(before: Sequence[tuple[str, ...]], after: Sequence[tuple[str, ...]]) -> list[tuple[str, str]]:
    """The texts that differ, of either side; all of them together where several do."""
    pairs = []
    for one, other in zip(before, after, strict=True):
        differ = [place for place in range(len(one)) if one[place] != other[place]] or list(range(len(one)))
        pairs.append(("\n".join(one[place] for place in differ), "\n".join(other[place] for place in differ)))
    return pairs


def _numeric(pairs: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Numeric and boolean members of both sides, each of shape (n, f); None where there is none."""
    members = pairs.schema.field("factual").type
    names = [each.name for each in members if _is_number(each.type)]
    if not names:
        return None
    sides = [pairs[side].combine_chunks() for side in ("factual", "counterfactual")]
    one, other = (
        np.column_stack([side.field(name).cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
                         for name in names]) for side in sides
    )  # fmt: skip
    return one, other


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _trees() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=50, random_state=0)


def _attempt(task: _Task, streams: Streams, alpha: float, draws: int) -> dict[str, Any]:
    named = {"view": task.view, "tells": task.tells}
    classes, counts = np.unique(task.answers, return_counts=True)
    groups = len(np.unique(task.groups))
    if groups < _LEAST_GROUPS:
        return {**named, "skipped": f"{groups} groups are too few ({_LEAST_GROUPS} are needed)"}
    if len(classes) < 2 or counts.min() < _LEAST_OF_A_CLASS:
        return {**named, "skipped": f"some label has fewer than {_LEAST_OF_A_CLASS} pairs"}
    rng = streams.generator("shortcut", task.view, task.tells)
    make = VIEWS.get(task.view, _trees)
    try:
        answers = predicted(make, task.rows, task.answers, task.groups, int(rng.integers(2**31)))
    except ValueError as error:  # no word at all, say
        return {**named, "skipped": str(error).splitlines()[0]}
    right = (answers == task.answers).astype(np.float64)
    usual = float(counts.max() / counts.sum()) if task.chance is None else task.chance
    by_chance = (task.answers == classes[counts.argmax()]).astype(np.float64) if task.chance is None else usual
    _, numbers = np.unique(task.groups, return_inverse=True)
    means = bootstrap_means(Grouped.of(right, numbers), draws, rng)
    above = Grouped.of(right - by_chance, numbers)
    chance = _above_zero(above.mean, float(bootstrap_means(above, draws, rng).std(ddof=1)))
    low, high = bootstrap_interval(means, 1 - alpha)
    return {
        **named,
        "pairs": len(right) // (2 if task.tells == "member" else 1),
        "groups": groups,
        "accuracy": float(right.mean()),
        "low": low,
        "high": high,
        "chance": usual,
        "above": above.mean,
        "p": chance,
    }


def _above_zero(mean: float, error: float) -> float:
    """One-sided normal p value of a mean with its error: unlike a share of draws it may be as small as it is."""
    from scipy import stats

    if error == 0:
        return 0.0 if mean > 0 else 1.0
    return float(stats.norm.sf(mean / error))
