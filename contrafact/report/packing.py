"""Pairs as the page carries them: an index of all, and blocks of their members that are unpacked when looked at.

Both are JSON, compressed with gzip and written in base64, so that nothing in them can be read as HTML. Columns, not
rows: names are not repeated, and likes compress beside likes.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.report.charts import number
from contrafact.report.fields import Field, member
from contrafact.report.media import Pictures
from contrafact.report.reading import Shown

__all__ = ["BLOCK", "blocks_of", "index_of", "numbers", "packed"]

BLOCK = 500
"""Pairs in a block."""

_LONGEST = 20_000
"""Characters of a cell that are shown."""

_TOLD = 56
"""Characters of an edit in the list of pairs."""

_FRACTION = re.compile(r"-?\d+\.\d{4,}(e[-+]?\d+)?", re.IGNORECASE)
"""Numbers that were computed: what people write has fewer digits, and stays as it was written."""

_LEVEL = 6
"""Of gzip: beyond it a percent is saved, for twice the time."""

_NAMED = 200
"""Different interventions that are offered as a choice; beyond, operations alone."""


def packed(value: Any) -> str:
    """JSON, gzip, base64. The same value gives the same text every time."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), _LEVEL, mtime=0)).decode()


def index_of(
    shown: Shown, fields: Sequence[Field], graph: Mapping[str, Any] | None, front: Sequence[int]
) -> dict[str, Any]:
    """What is known of every pair at once: to list, to filter and to find it.

    Parameters
    ----------
    graph : mapping, optional
        ``nodes`` and ``edges`` of the causal graph.
    front : sequence of int
        Rows of the Pareto set.
    """
    names, first, also = _reasons(shown.column("reasons"))
    scores = {name: shown.score(name) for name in shown.score_names()}
    scores = {name: values for name, values in scores.items() if np.isfinite(values).any()}
    edits, told = _edits(shown.column("intervention"))
    return {
        "block": BLOCK,
        "ids": shown.column("pair_id").to_pylist(),
        "split": _coded(shown.column("split")),
        "reason": {"names": names, "codes": first},
        "also": also,
        "label": _label(shown, "label"),
        "other": _label(shown, "counterfactual_label"),
        "source": _coded(shown.column("label_source")),
        "edit": edits,
        "told": told,
        "exact": "".join("1" if each else "0" for each in shown.column("exact").to_pylist()),
        "control": {
            str(row): name for row, name in enumerate(shown.column("control_of").to_pylist()) if name is not None
        },
        "scores": {name: numbers(values) for name, values in scores.items()},
        "ranges": {name: _range(values) for name, values in scores.items()},
        "held": _held(shown)[0],
        "fields": [each.spec() for each in fields],
        "graph": _children(graph),
        "front": [int(row) for row in front],
    }


def blocks_of(shown: Shown, fields: Sequence[Field], pictures: Pictures) -> Iterator[dict[str, Any]]:
    """The members of ``BLOCK`` pairs at a time, in order."""
    sides = _sides(shown, fields, pictures)
    moved = [_moved(shown, each) for each in fields]
    edits = _edit_rows(shown.column("intervention"))
    held, groups, more = _held(shown)[1], shown.column("group_id").to_pylist(), _more(shown)
    for start in range(0, shown.rows, BLOCK):
        span = slice(start, start + BLOCK)
        yield {
            **{side: [values[span] for values in columns] for side, columns in sides.items()},
            "moved": [None if flags is None else flags[span] for flags in moved],
            "edits": edits[span],
            "held": held[span],
            "group": groups[span],
            "more": more[span],
        }


def numbers(values: NDArray[Any]) -> list[Any]:
    """Numbers to six digits, for JSON: whole ones whole, NaN as null, infinite ones as words."""
    if values.dtype.kind in "iub":
        return list(values.tolist())
    rounded = _rounded(values)
    finite = np.isfinite(values)
    if finite.all():
        return [int(each) if each.is_integer() else each for each in rounded.tolist()]
    words = {True: "inf", False: "-inf"}
    return [
        (int(each) if each.is_integer() else each) if sound else None if np.isnan(each) else words[each > 0]
        for each, sound in zip(rounded.tolist(), finite.tolist(), strict=True)
    ]


def _rounded(values: NDArray[Any]) -> NDArray[np.float64]:
    whole = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = np.where((whole == 0) | ~np.isfinite(whole), 0.0, np.floor(np.log10(np.abs(whole))))
        scale = 10.0 ** np.clip(5 - size, -300, 300)
        rounded = np.round(whole * scale) / scale
    return np.where(np.isfinite(rounded), rounded, whole)


def _range(values: NDArray[np.float64]) -> list[float]:
    finite = values[np.isfinite(values)]
    return [float(each) for each in _rounded(np.array([finite.min(), finite.max()]))]


def _coded(values: pa.Array) -> dict[str, Any]:
    whole = values.dictionary_encode()
    return {"names": whole.dictionary.to_pylist(), "codes": whole.indices.fill_null(-1).to_pylist()}


def _label(shown: Shown, name: str) -> dict[str, Any]:
    """Codes and names of classes, words and booleans; other labels as they are."""
    values, levels = shown.column(name), shown.levels
    if levels is not None:
        known = pc.and_(pc.greater_equal(values, 0), pc.less(values, len(levels)))
        return {"names": list(levels), "codes": pc.if_else(known, values, -1).fill_null(-1).to_pylist()}
    if pa.types.is_boolean(values.type):
        return {"names": ["false", "true"], "codes": values.cast(pa.int8()).fill_null(-1).to_pylist()}
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return {"values": numbers(values.cast(pa.float64()).to_numpy(zero_copy_only=False))}
    return (
        _coded(_shortened(values.cast(pa.string())))
        if pc.count_distinct(values).as_py() <= _NAMED
        else {"values": _shortened(values.cast(pa.string())).to_pylist()}
    )


def _shortened(values: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(values, 0, _TOLD)


def _reasons(column: pa.Array) -> tuple[list[str], list[int], dict[str, list[int]]]:
    """Names, the code of each pair's first reason (-1: none), and the codes of the others where there are any."""
    whole = column.flatten().dictionary_encode()
    codes = whole.indices.to_pylist()
    ends = np.cumsum(pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)).tolist()
    starts = [0, *ends[:-1]]
    first = [codes[start] if end > start else -1 for start, end in zip(starts, ends, strict=True)]
    also = {
        str(row): codes[start + 1 : end]
        for row, (start, end) in enumerate(zip(starts, ends, strict=True))
        if end > start + 1
    }
    return whole.dictionary.to_pylist(), first, also


def _edits(column: pa.Array) -> tuple[dict[str, Any], list[str]]:
    """Each pair's interventions by name, as a choice, and in a line for the list."""
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    first = column.flatten().take(pa.array(np.cumsum(lengths) - lengths, mask=lengths == 0))
    parts = {name: pc.struct_field(first, name) for name in ("variable", "operation", "before", "after")}
    count = lengths.tolist()
    several = [row for row, each in enumerate(count) if each > 1]
    names = pc.binary_join_element_wise(
        parts["operation"].fill_null(""), parts["variable"].fill_null(""), " ", null_handling="replace"
    ).to_pylist()
    told = _lines(parts)
    for row in several:
        whole = column[row].as_py()
        names[row] = " + ".join(f"{each['operation']} {each['variable']}" for each in whole)
        told[row] = f"{told[row]}  + {count[row] - 1} more"
    for row, each in enumerate(count):
        if not each:
            names[row], told[row] = None, ""
    if len(set(names)) > _NAMED:
        names = parts["operation"].to_pylist()
    return _coded(pa.array(names, pa.string())), told


def _lines(parts: Mapping[str, pa.Array]) -> list[str]:
    short = {
        side: pc.utf8_slice_codeunits(
            pc.replace_substring_regex(parts[side].fill_null(""), r"\s+", " "), 0, _TOLD
        ).to_pylist()
        for side in ("before", "after")
    }
    variables = parts["variable"].fill_null("").to_pylist()
    plain = {"text", "code", "premise", "hypothesis", "sentence"}  # the one thing there is: not worth its name
    return [
        f"{'' if variable in plain else variable + ': '}{before or '∅'} → {after or '∅'}"
        for variable, (before, after) in zip(variables, map(_neat, short["before"], short["after"]), strict=True)
    ]


def _neat(before: str, after: str) -> tuple[str, str]:
    """Numbers of many digits with four; as they are where they would look alike."""
    one, other = (number(float(each)) if _FRACTION.fullmatch(each) else each for each in (before, after))
    return (before, after) if one == other else (one, other)


def _edit_rows(column: pa.Array) -> list[list[list[Any]]]:
    names = ("variable", "operation", "before", "after", "where")
    flat = column.flatten()
    values = [_texts(pc.struct_field(flat, name)) for name in names]
    whole = list(map(list, zip(*values, strict=True)))
    ends = np.cumsum(pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)).tolist()
    return [whole[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _texts(values: pa.Array) -> list[Any]:
    """Texts; one that is too long as [its beginning, its length]."""
    lengths = pc.utf8_length(values)
    if (pc.max(lengths).as_py() or 0) <= _LONGEST:
        return list(values.to_pylist())
    short = pc.utf8_slice_codeunits(values, 0, _LONGEST).to_pylist()
    return [
        [text, length] if length is not None and length > _LONGEST else text
        for text, length in zip(short, lengths.to_pylist(), strict=True)
    ]


def _sides(shown: Shown, fields: Sequence[Field], pictures: Pictures) -> dict[str, list[list[Any]]]:
    """Both members, column by column."""
    sides = ("factual", "counterfactual")
    media = {
        (side, each.name): member(shown, side, each.name) for each in fields if each.kind == "media" for side in sides
    }
    drawn = pictures.of(media)
    return {side: [drawn.get((side, each.name)) or _member(shown, side, each) for each in fields] for side in sides}


def _member(shown: Shown, side: str, field: Field) -> list[Any]:
    values = member(shown, side, field.name)
    if field.kind == "number":
        if values.null_count:
            whole = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
            return numbers(whole)
        return numbers(values.to_numpy(zero_copy_only=False))
    if field.kind in ("text", "code", "value") and pa.types.is_string(values.type):
        return _texts(values)
    if field.kind in ("series", "json"):
        return [_plain(each) for each in values.to_pylist()]
    return list(values.to_pylist())


def _plain(value: Any) -> Any:
    """What JSON can say of it: bytes are told by their size, long lists and texts are cut."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, list):
        return [_plain(each) for each in value[:_LONGEST]]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, str):
        return value[:_LONGEST]
    return value if value is None or isinstance(value, int | bool) else str(value)


def _moved(shown: Shown, field: Field) -> str | None:
    """Whether each number moved at all, at full precision: the page has six digits. None for other kinds."""
    if field.kind != "number":
        return None
    fact, other = (member(shown, side, field.name) for side in ("factual", "counterfactual"))
    both = pc.and_(pc.is_valid(fact), pc.is_valid(other))
    apart = pc.and_(both, pc.not_equal(fact, other).fill_null(False))
    if pa.types.is_floating(fact.type):
        apart = pc.and_(apart, pc.invert(pc.and_(pc.is_nan(fact), pc.is_nan(other)).fill_null(False)))
    return "".join("1" if each else "0" for each in apart.to_pylist())


def _held(shown: Shown) -> tuple[list[list[str]], list[int]]:
    """Different lists of what was held fixed, and which one each pair has."""
    names: dict[tuple[str, ...], int] = {}
    codes = [names.setdefault(tuple(each or ()), len(names)) for each in shown.column("held_fixed").to_pylist()]
    return [list(each) for each in names], codes


def _more(shown: Shown) -> list[dict[str, Any] | None]:
    """What a pair's foot tells besides: model and cost, and scores that are lists (a teacher's distributions)."""
    provenance = shown.column("provenance")
    columns = {name: pc.struct_field(provenance, name).to_pylist() for name in ("model", "cost")}
    kind = shown.pairs.schema.field("scores").type
    lists = [each.name for each in kind if pa.types.is_list(each.type) or pa.types.is_string(each.type)]
    for name in lists:
        columns[name] = [_plain(each) for each in pc.struct_field(shown.column("scores"), name).to_pylist()]
    return [
        {name: value for name, value in zip(columns, each, strict=True) if value} or None
        for each in zip(*columns.values(), strict=True)
    ]


def _children(graph: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    if not graph:
        return None
    children: dict[str, list[str]] = {name: [] for name in graph["nodes"]}
    for cause, effect in graph["edges"]:
        children[cause].append(effect)
    return children
