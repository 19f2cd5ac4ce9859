"""What other commands found out about a dataset and left in its folder: an audit, an evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contrafact.store.atomic import read_json

__all__ = ["findings_of"]

Told = Mapping[str, Any]


def findings_of(folder: Path, identity: str) -> list[dict[str, Any]]:
    """Sections for the page: ``title``, ``lines`` and ``tables`` (``title``, ``titles``, ``rows``).

    What speaks of another version of the dataset, or cannot be read, is left out.
    """
    known = (("audit.json", _audit), ("evaluation.json", _evaluation))
    found = []
    for name, section in known:
        told = read_json(folder / name)
        if isinstance(told, dict) and (told.get("dataset") or {}).get("identity") == identity:
            try:
                found.append(section(told))
            except (KeyError, TypeError, ValueError):
                continue  # of another version of contrafact
    return found


def _audit(told: Told) -> dict[str, Any]:
    from contrafact.audit.writing import effect_rows, shortcut_rows, summary_of

    tables = [
        _table(f"Effect of the edits on {Path(str(model['model'])).name}, target − control", effect_rows(model))
        for model in told["models"]
    ]
    shortcuts = shortcut_rows(told)
    if shortcuts[1]:
        tables.append(_table("Shortcuts: what can be told without understanding", shortcuts))
    return {"title": "Audit", "lines": summary_of(told), "tables": tables}


def _evaluation(told: Told) -> dict[str, Any]:
    from contrafact.evaluation.writing import arm_lines, measure_rows, verdict_of

    told = _numbers(told)
    tables = [_table("Students trained with and without the pairs", measure_rows(told))]
    return {"title": "Does it help?", "lines": [*arm_lines(told), *verdict_of(told)], "tables": tables}


def _numbers(value: Any) -> Any:
    """JSON has no NaN: what is null was one."""
    if isinstance(value, dict):
        return {name: _numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return math.nan if value is None else value


def _table(title: str, rows: tuple[Sequence[str], Sequence[Sequence[str]]]) -> dict[str, Any]:
    return {"title": title, "titles": rows[0], "rows": rows[1]}
