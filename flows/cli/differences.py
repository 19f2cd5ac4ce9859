"""Two texts as one, with what was taken out and what was put in: how ``contrafact preview`` shows an edited text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from contrafact.differences import pieces

__all__ = ["has_texts", "marked_texts", "prose", "text_pair"]

_WINDOW = 80
"""Characters on either side of a change that are shown."""
_LINES = 3
"""The same for text of several lines, such as code."""
_WHOLE = 25
"""Lines of a text that did not change and is shown all the same: what a question is about, say."""
_PROSE = 40
"""Characters from which a text beside other variables is too long for a cell of a table."""

_STYLES = {"removed": "red strike", "added": "green"}
_SIGNS = {"removed": ("[-", "-]"), "added": ("{+", "+}")}
"""Around a change where there are no colours, as ``git diff --word-diff`` writes them."""

_OF_TEACHERS = "_counterfactual"


def has_texts(pair: Mapping[str, Any]) -> bool:
    """Whether a pair is of texts alone, which a table would tear apart."""
    fact = pair["factual"] or {}
    return bool(fact) and all(isinstance(text, str) for text in fact.values())


def prose(pair: Mapping[str, Any]) -> list[str]:
    """Members that are read as a text and not as a value, among variables that are values."""
    other = pair["counterfactual"] or {}
    return [name for name, text in (pair["factual"] or {}).items() if _is_prose(text) or _is_prose(other.get(name))]


def marked_texts(pair: Mapping[str, Any], names: Sequence[str], *, signs: bool = False) -> RenderableType:
    """The named texts of a pair, each with its edit marked."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    other = pair["counterfactual"]
    for name in names:
        text = pair["factual"][name] or ""
        grid.add_row(name, _marked(text, text if other is None else other.get(name) or "", signs=signs))
    return Padding(grid, (0, 0, 0, 3))


def text_pair(pair: Mapping[str, Any], levels: Sequence[str] | None = None, *, signs: bool = False) -> RenderableType:
    """One pair of texts: each field with its edit marked, then what was done, the labels, and the filters' scores.

    Parameters
    ----------
    levels : sequence of str, optional
        Names of the labels in order, for a teacher's probabilities.
    signs : bool
        Mark changes with signs too, for output without colours.
    """
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    other = pair["counterfactual"]
    for name, text in pair["factual"].items():
        grid.add_row(name, _marked(text, text if other is None else other.get(name) or "", signs=signs))
    if other is not None:
        grid.add_row("edit", ", ".join(_edits(pair["intervention"] or ())))
    grid.add_row("label", _labels(pair))
    for name, value in _told(pair["scores"] or {}, levels):
        grid.add_row(name, value)
    return Padding(grid, (0, 0, 0, 2))


def _marked(before: str, after: str, *, signs: bool) -> Text:
    found = pieces(before, after)
    line = Text()
    for place, piece in enumerate(found):
        if piece.kind == "same":
            line.append(_near(piece.text, first=place == 0, last=place == len(found) - 1), "dim" * (len(found) == 1))
        else:
            opened, closed = _SIGNS[piece.kind] if signs else ("", "")
            line.append(f"{opened}{piece.text}{closed}", _STYLES[piece.kind])
            if not signs and piece.kind == "removed" and place + 1 < len(found) and found[place + 1].kind == "added":
                line.append(" ")
    return line


def _near(text: str, *, first: bool, last: bool) -> str:
    """What stayed the same, without what is far from any change."""
    if "\n" in text:
        return _near_lines(text, first=first, last=last)
    head, tail = _WINDOW * (not first or last), _WINDOW * (not last)
    if len(text) <= head + tail + _WINDOW // 4:
        return text
    opening = text[:head].rpartition(" ")[0] + " …" if head else "… "
    closing = " " * bool(head) + text[-tail:].partition(" ")[2] if tail else ""
    return opening + closing


def _near_lines(text: str, *, first: bool, last: bool) -> str:
    lines = text.split("\n")
    if first and last and len(lines) <= _WHOLE:
        return text
    head, tail = _LINES * (not first or last), _LINES * (not last)
    if len(lines) <= head + tail + 1:
        return text
    return "\n".join([*lines[:head], "…", *lines[len(lines) - tail :]])


def _is_prose(text: Any) -> bool:
    return isinstance(text, str) and ("\n" in text or (len(text) > _PROSE and " " in text))


def _labels(pair: Mapping[str, Any]) -> Text:
    before, after = pair["label"], pair["counterfactual_label"]
    if after is None:
        return Text(str(before))
    moved = before != after
    line = Text.assemble((str(before), "red" * moved), " → ", (str(after), "green" * moved))
    return line.append(f"  by {pair['label_source']}", "dim")


def _edits(interventions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in interventions:
        yield f"{each['operation']} of {each['variable']}{_place(each.get('where'), each['variable'] or '')}"


def _place(where: str | None, variable: str) -> str:
    """Where an edit lies, in words where it is spans of characters; nothing where its variable says so already."""
    if not where or where == variable or variable.startswith(f"{where}."):
        return ""
    try:
        found = json.loads(where)
    except ValueError:
        return f" at {where}"
    spans = _spans(found)
    if not spans:
        return f" at {where}"
    *others, last = (f"{start} to {stop}" for start, stop in spans)
    kind = f" ({found['kind']})" if found.get("kind") else ""
    return f" at {', '.join(others)}{' and ' if others else ''}{last}{kind}"


def _spans(found: Any) -> list[tuple[Any, Any]]:
    if not isinstance(found, Mapping):
        return []
    if {"start", "stop"} <= found.keys():
        return [(found["start"], found["stop"])]
    spans = [found["span"]] if "span" in found else found.get("spans")
    if not isinstance(spans, list) or not all(isinstance(each, list) and len(each) == 2 for each in spans):
        return []
    return [(start, stop) for start, stop in spans]


def _told(scores: Mapping[str, Any], levels: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    """Each teacher's probabilities before and after, then all scores that are numbers."""
    for name, after in scores.items():
        alias = name.removesuffix(_OF_TEACHERS)
        before = scores.get(f"{alias}_factual")
        if alias != name and before and after:
            names = levels or [str(place) for place in range(len(after))]
            yield alias, ", ".join(f"{each} {a:.2f} → {b:.2f}" for each, a, b in zip(names, before, after, strict=True))
    numbers = [f"{name} {value:.3g}" for name, value in scores.items() if isinstance(value, float)]
    if numbers:
        yield "scores", ", ".join(numbers)
