"""An evaluation on disk and in tables: beside the dataset and no part of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contrafact.evaluation.arms import ARMS
from contrafact.evaluation.measures import NAMES
from contrafact.store.atomic import storable, write_json

__all__ = ["arm_lines", "gains", "group_rows", "meaning_of", "measure_rows", "verdict_of", "write_evaluation"]

Told = Mapping[str, Any]
_FILE = "evaluation.json"
_NULL_FILE = "evaluation_null.json"
_HEADLINES = ("net pair accuracy", "accuracy", "worst-group accuracy", "effect direction", "mae")


def write_evaluation(found: Told, folder: Path) -> Path:
    """Write ``evaluation.json``, or ``evaluation_null.json`` of shuffled labels, whole or not at all."""
    path = folder / (_NULL_FILE if found["settings"]["null"] else _FILE)
    write_json(path, storable(found))
    return path


def arm_lines(found: Told) -> list[str]:
    """What each student was trained on."""
    return [f"{arm}: {ARMS[arm]} ({rows:,.0f} rows)" for arm, rows in found["rows"].items()]


def measure_rows(found: Told) -> tuple[Sequence[str], list[list[str]]]:
    """Titles and rows of the measures; ``*`` marks a gain whose interval leaves 0 out, on the better side."""
    arms = list(found["rows"])
    titles = ["", *arms, "pairs − more facts"]
    rows = []
    for each in found["measures"]:
        less = " ↓" if each["better"] == "less" else ""
        cells = [_figure(each["arms"][arm]) for arm in arms]
        rows.append([f"{each['name']}{less}", *cells, _figure(each["gain"], _star(each), sign=True)])
    return titles, rows


def group_rows(found: Told, most: int = 8) -> tuple[Sequence[str], list[list[str]]]:
    """Titles and rows of the groups, those first in which students of pairs do worst."""
    arms = list(found["rows"])
    rows = [
        [each["group"], f"{each['members']:,}", *(f"{each['arms'][arm]:.3f}" for arm in arms)]
        for each in found["groups"][:most]
    ]
    return ["group", "members", *arms], rows


def verdict_of(found: Told) -> list[str]:
    """What the intervals allow to say, one line a headline measure."""
    lines = []
    for each in found["measures"]:
        name = each["name"].partition(":")[0]
        if name not in _HEADLINES and not name.startswith("ood"):
            continue
        gain, way = each["gain"], gains(each)
        told = f"{abs(gain['value']):.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
        what = each["name"]
        if way > 0:
            lines.append(f"✓ {what}: pairs are better than as many more facts by {told}")
        elif way < 0:
            lines.append(f"✗ {what}: pairs are worse than as many more facts by {told}")
        else:
            lines.append(f"· {what}: no difference is shown ({gain['low']:+.3f} to {gain['high']:+.3f})")
    return lines


def gains(measure: Told) -> int:
    """1 where pairs are better than more facts by an interval that leaves 0 out, -1 where they are worse, else 0.

    Always 0 for a measure of which guessing is not worth the same to every student.
    """
    if not measure["judged"]:
        return 0
    gain, sign = measure["gain"], -1 if measure["better"] == "less" else 1
    low, high = gain["low"] * sign, gain["high"] * sign
    return 1 if min(low, high) > 0 else -1 if max(low, high) < 0 else 0


def meaning_of(found: Told) -> list[str]:
    """What each measure is, in words."""
    lines = []
    for each in found["measures"]:
        known = NAMES.get(each["name"])
        if known:
            lines.append(f"{each['name']}: {known}")
    return lines


def _star(measure: Told) -> str:
    return {1: " *", -1: " ✗", 0: ""}[gains(measure)]


def _figure(figure: Mapping[str, float], mark: str = "", *, sign: bool = False) -> str:
    if math.isnan(figure["value"]):
        return ""
    form = "+.3f" if sign else ".3f"
    return f"{figure['value']:{form}}{mark} ({figure['low']:{form}} to {figure['high']:{form}})"
