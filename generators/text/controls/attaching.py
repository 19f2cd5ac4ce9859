"""Controls beside finished pairs: the one function that every generator of texts calls.

A control is a row of its own: the same factual, a paraphrase of it as the counterfactual, the same label on both sides,
and the pair that it stands beside in ``control_of``. Controls follow all pairs of their unit, so that the pairs are the
same, ids and all, as without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.errors import ContrafactError, RowError
from contrafact.stages import Context
from generators.text.controls.change import Control, Target
from generators.text.edits import Failed, candidate

__all__ = ["CONTROL_SCORES", "Maker", "numbered", "with_controls"]

CONTROL_SCORES = (pa.field("control_share", pa.float64()), pa.field("control_shortfall", pa.float64()))
"""Scores of a control: words that it changes in percent of the text's, and percentage points that its target edit has
above that (negative where it changes more). A generator that makes controls adds them to its shape."""

Row = Mapping[str, Any]


class Maker(Protocol):
    """Makes controls, by rule or by asking."""

    note: ClassVar[str]

    def borrow(self, engines: Engines, name: str) -> None:
        """Say what :meth:`make` will ask for, in the name of the generator."""

    def make(self, targets: Sequence[Target], context: Context) -> Sequence[Control | Failed]:
        """A control for each target, in order, or why there is none."""


def with_controls(
    rows: Iterable[Row], fields: Sequence[str], maker: Maker, context: Context, name: str
) -> list[dict[str, Any]]:
    """The rows of finished units, each unit's followed by controls for those of its pairs that were made.

    Parameters
    ----------
    rows : iterable of mapping
        Candidates as a generator gives them, all rows of a unit one after another. Rows with ``reasons`` get none.
    fields : sequence of str
        Text members. A pair has a control where exactly one of them differs between its sides.
    maker : Maker
    name : str
        The generator's name, for reasons.

    Returns
    -------
    list of dict
        A control that could not be made is a row too: without a counterfactual, and with its reason. That is all that
        a maker which breaks on a target costs: its pair stands.
    """
    units = [list(group) for _, group in groupby(rows, key=lambda row: row["unit_id"])]
    wanted = [(pair, row) for unit in units for pair, row in numbered(unit) if _is_made(row)]
    targets = [_target(row, pair, fields) for pair, row in wanted]
    asked = [each for each in targets if isinstance(each, Target)]
    answers = dict(zip([each.pair_id for each in asked], _made(maker, asked, context), strict=True))
    beside: dict[str, list[dict[str, Any]]] = {}
    for (pair, row), target in zip(wanted, targets, strict=True):
        made = answers[target.pair_id] if isinstance(target, Target) else target
        beside.setdefault(row["unit_id"], []).append(_control(row, pair, target, made, name))
    return list(_interleaved(units, beside))


def numbered(rows: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    """Each row with the pair id that the core will give it; all rows of a unit one after another."""
    for unit_id, group in groupby(rows, key=lambda row: row["unit_id"]):
        for place, row in enumerate(group):
            yield f"{unit_id}/{place}", row


def _interleaved(
    units: Iterable[Sequence[Row]], beside: Mapping[str, list[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    for unit in units:
        yield from (dict(row) for row in unit)
        yield from beside.get(unit[0]["unit_id"], ())


def _made(maker: Maker, targets: Sequence[Target], context: Context) -> Sequence[Control | Failed]:
    """The maker's answers; where it breaks, those for each target alone."""
    if not targets:
        return ()
    try:
        return maker.make(targets, context)
    except Exception as error:  # noqa: BLE001  # somebody's text may break any rule, and must not lose finished pairs
        failed = _failed(error)
    return [failed] if len(targets) == 1 else [_made(maker, [each], context)[0] for each in targets]


def _failed(error: Exception) -> Failed:
    """Why a control was not made; errors that are not about its text (the user's, a busy server's) pass through."""
    if isinstance(error, RowError):
        return Failed(str(error))
    if isinstance(error, ContrafactError | MemoryError):
        raise error
    return Failed(f"{type(error).__name__}: {error}")


def _is_made(row: Row) -> bool:
    return not row.get("reasons") and row.get("counterfactual") is not None and row.get("control_of") is None


def _target(row: Row, pair: str, fields: Sequence[str]) -> Target | Failed:
    fact, other = row["factual"], row["counterfactual"]
    differ = [name for name in fields if fact[name] != other[name]]
    if len(differ) != 1:
        return Failed("the edit is in more than one text" if differ else "the edit is in no text")
    return Target(pair, differ[0], fact[differ[0]], other[differ[0]])


def _control(row: Row, pair: str, target: Target | Failed, made: Control | Failed, name: str) -> dict[str, Any]:
    common = {"unit_id": row["unit_id"], "control_of": pair, "exact": False}
    changed = made if isinstance(made, Failed) else _changed(row, made)
    if isinstance(made, Failed) or isinstance(target, Failed) or isinstance(changed, Failed):
        failed = next(each for each in (made, target, changed) if isinstance(each, Failed))
        paid = {"request_ids": list(failed.request_ids), "cost": failed.cost}
        known = {"factual": dict(row["factual"]), "label": row["label"]}
        return {**common, **known, **paid, "reasons": [f"{name}: control: {failed.reason}"]}
    share = target.share(made.size)
    return {
        **common,
        **changed,
        "reasons": [],
        "label_source": "construction" if made.certain else "llm",
        "scores": {"control_share": share, "control_shortfall": target.share(target.size) - share},
        "request_ids": list(made.request_ids),
        "cost": made.cost,
    }


def _changed(row: Row, made: Control) -> dict[str, Any] | Failed:
    try:
        return candidate(row["factual"], made.edits, row["label"], row["label"])
    except ValueError as error:
        return Failed(f"ValueError: {error}", made.request_ids, made.cost)
