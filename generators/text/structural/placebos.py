"""Controls of structural pairs: the factual text in other wordings, with every concept and the label as they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.record import HIDDEN
from contrafact.stages import Context, Recomputed
from generators.scm.recompute import recompute_facts
from generators.text.controls import Maker, Rewording, Rewrite, Way, numbered, with_controls
from generators.text.structural.checking import TEXT, Sides, changed_by
from generators.text.structural.grounding import GROUNDING, Grounding, stored
from generators.text.structural.setting import Setting

if TYPE_CHECKING:
    from generators.text.structural.generator import StructuralGenerator

__all__ = ["CONTROL_WORDING", "beside", "joined", "recompute_controls"]

CONTROL_WORDING = "control_wording"
"""Field of the hidden truth: the wordings of a control's text, where they are the grammar's."""

_TOLERANCE = 0.5
_ELSEWHERE = 1.0  # a sentence that the edit did not change is reworded only for size


@dataclass(frozen=True)
class _Told:
    """What a pair's factual text tells, how, and which concepts its counterfactual tells otherwise."""

    values: Mapping[str, str]
    grounding: Grounding
    changed: set[str]


def beside(table: pa.Table, generator: StructuralGenerator, sides: Sides, context: Context) -> pa.Table:
    """The candidates, those of each unit followed by their controls."""
    rows = table.to_pylist()
    told = {
        pair: _Told(values, sides.grounding[place], changed_by(row["intervention"] or (), sides, place))
        for place, ((pair, row), values) in enumerate(zip(numbered(rows), sides.before, strict=True))
        if values is not None
    }
    maker = _maker(generator, told)
    hidden = {pair: row[HIDDEN] for pair, row in numbered(rows)}
    taken = maker.taken if isinstance(maker, Rewording) else {}
    whole = [
        row
        if row.get("control_of") is None
        else _control(row, generator, told[row["control_of"]], hidden[row["control_of"]], taken.get(row["control_of"]))
        for row in with_controls(rows, (TEXT,), maker, context, generator.name)
    ]
    added = [pa.field("control_of", pa.string()), pa.field("label_source", pa.string())]
    schema = pa.schema([*table.schema, *(each for each in added if each.name not in table.schema.names)])
    return pa.Table.from_pylist(whole, schema=schema)


def recompute_controls(generator: StructuralGenerator, pairs: pa.Table) -> Recomputed:
    """Facts, label and text of stored controls again; of a text that rules or a model wrote, only that it is there."""
    facts, label = recompute_facts(generator.scm, pairs)
    world = dict(facts)
    hidden = pairs[HIDDEN].combine_chunks()
    exact = np.zeros(pairs.num_rows, dtype=bool)
    if generator.realiser == "grammar":
        grounding = stored(hidden.field(GROUNDING).to_pylist())
        written = np.array(pairs["counterfactual"].combine_chunks().field(TEXT).to_pylist(), dtype=object)
        if generator.rewords:
            wordings = hidden.field(CONTROL_WORDING).to_pylist()
            exact = np.array([each is not None for each in wordings], dtype=bool)
            again = [replace(one, wording=each) for one, each in zip(grounding, wordings, strict=True)]
            written = generator.realised(facts, again)
        facts[TEXT], world[TEXT] = generator.realised(facts, grounding), written
    held = pa.array([list(generator.scm.model.observed)] * pairs.num_rows, pa.list_(pa.string()))
    return Recomputed(world, label, label, facts, exact, held)


def joined(one: Recomputed, other: Recomputed, order: NDArray[np.int64]) -> Recomputed:
    """The rows of both, one after another, taken in an order."""

    def both(left: Any, right: Any) -> Any:
        if isinstance(left, pa.Array | pa.ChunkedArray):
            return pa.concat_arrays([pa.array(left), pa.array(right).cast(left.type)]).take(pa.array(order))
        return np.concatenate([np.asarray(left), np.asarray(right)])[order]

    def all_of(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
        return {name: both(left[name], right[name]) for name in left}

    return Recomputed(
        all_of(one.counterfactual, other.counterfactual),
        both(one.label, other.label),
        both(one.counterfactual_label, other.counterfactual_label),
        all_of(one.factual or {}, other.factual or {}),
        both(one.exact, other.exact),
        both(one.held_fixed, other.held_fixed),
    )


def _maker(generator: StructuralGenerator, told: Mapping[str, _Told]) -> Maker:
    if generator.maker is not None:
        return generator.maker
    assert generator.control is not None  # noqa: S101  # nothing is made where none are wanted
    ways = {pair: list(_ways(each, generator.setting)) for pair, each in told.items()}
    return Rewording(ways, generator.control.options.get("tolerance", _TOLERANCE))


def _ways(told: _Told, setting: Setting) -> Iterator[Way]:
    """Every other wording of every concept that the text tells in one place."""
    values, grounding = told.values, told.grounding
    text = setting.realise(values, grounding)
    for name in setting.told(grounding):
        places = setting.spans(name, values, grounding)
        if len(places) > 1:
            continue
        start, stop = places[0]
        odd = 0.0 if name in told.changed else _ELSEWHERE
        for index in range(setting.concepts[name].count):
            other = replace(grounding, wording={**grounding.wording, name: index})
            said = setting.statement(name, values[name], other)
            if said != text[start:stop]:
                yield Way(Rewrite(start, stop, said, "wording", certain=True, odd=odd), name, index)


def _control(
    row: dict[str, Any],
    generator: StructuralGenerator,
    told: _Told,
    hidden: Mapping[str, Any],
    taken: Mapping[str, int] | None,
) -> dict[str, Any]:
    """A control with the hidden truth of its pair, and with what the reader finds in it."""
    wording = None if taken is None or row.get("counterfactual") is None else {**told.grounding.wording, **taken}
    requested = [None] * len(row.get("intervention") or ())
    own = {CONTROL_WORDING: wording} if generator.rewords else {}
    row = {**row, HIDDEN: {**hidden, "requested": requested, **own}}
    if row.get("counterfactual") is None:
        return row
    read = [_right(generator.setting, told.values, row[member][TEXT]) for member in ("factual", "counterfactual")]
    recall = {f"recall_{name}": (read[0][name] + read[1][name]) / 2 for name in read[0]}
    mean = float(np.mean(list(recall.values())))
    lost = [name for name, found in read[0].items() if found and not read[1][name]]
    row["scores"] = {**row["scores"], **recall, "concept_recall": mean}
    row["held_fixed"] = list(generator.scm.model.observed)
    row["reasons"] = [f"{generator.name}: control: {name} cannot be read back" for name in lost]
    return row if wording is None else {**row, "exact": True, "label_source": generator.label_source}


def _right(setting: Setting, values: Mapping[str, str], text: str) -> dict[str, bool]:
    """Which concepts the reader finds as they are."""
    found = setting.read(text)
    return {name: found[name] == value for name, value in values.items()}
