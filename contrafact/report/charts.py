"""Plots as inline SVG: no script, no font of its own, colours from the page's style."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

__all__ = ["heat", "histogram", "number", "percent", "scatter"]

_BINS = 24
_FEW = 14
"""Different values up to which each has a bar of its own."""
_POINTS = 500
"""Dots of a scatter plot: a sample of more looks the same."""


def number(value: float | None) -> str:
    """Four digits, or whole."""
    if value is None or not math.isfinite(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) < 0.01 or abs(value) >= 1e5 else f"{value:.4g}"


def percent(share: float) -> str:
    """A share in words that never rounds something to nothing or a part to all."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.3g} %" if share < 0.0995 or share in (0, 1) else f"{100 * share:.1f} %"


def histogram(name: str, values: NDArray[np.float64], accepted: NDArray[np.bool_]) -> Markup:
    """Accepted and rejected pairs over a score, one on the other; values that few pairs have get their own bars.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        NaN where a pair has no such score.
    accepted : ndarray of bool, shape (n,)
    """
    known = np.isfinite(values)
    values, accepted = values[known], accepted[known]
    edges = _edges(values)
    counts = [np.histogram(values[accepted == side], edges)[0] for side in (True, False)]
    tallest = int((counts[0] + counts[1]).max(initial=1))
    width, height, top = 320, 132, 14
    step = (width - 16) / (len(edges) - 1)
    bars = []
    for place, (good, bad) in enumerate(zip(*counts, strict=True)):
        base = float(height - 24)
        for count, kind in ((good, "accepted"), (bad, "rejected")):
            tall = (height - 24 - top) * float(count) / tallest
            if count:
                bars.append(_rect(8 + place * step + 0.5, base - tall, max(step - 1, 1), max(tall, 1), f"bar {kind}"))
            base -= tall
    axis = Markup('<line class="axis" x1="8" x2="{}" y1="{}" y2="{}"/>').format(width - 8, height - 24, height - 24)
    ends = _ends(values, edges, width, height)
    label = f"{name}: {len(values):,} pairs from {number(float(values.min()))} to {number(float(values.max()))}"
    most = Markup('<text class="tick" x="8" y="10">{}</text>').format(f"{tallest:,}")
    return _svg(width, height, label, [*bars, axis, *ends, most])


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    distinct = np.unique(values)
    if len(distinct) <= _FEW and np.array_equal(distinct, np.round(distinct)) and np.ptp(distinct) <= _FEW:
        return np.arange(distinct[0] - 0.5, distinct[-1] + 1)
    low, high = (float(each) for each in np.quantile(values, [0.001, 0.999]))
    if not high > low:
        low, high = float(distinct[0]), float(distinct[-1])
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    edges = np.linspace(low, high, _BINS + 1)
    edges[0], edges[-1] = min(edges[0], distinct[0]), max(edges[-1], distinct[-1])
    return np.asarray(edges, dtype=np.float64)


def _ends(values: NDArray[np.float64], edges: NDArray[np.float64], width: int, height: int) -> Iterator[Markup]:
    whole = edges[1] - edges[0] == 1 and float(edges[0] * 2).is_integer() and not float(edges[0]).is_integer()
    step = (width - 16) / (len(edges) - 1)
    ticks = [(8.0, float(values.min()), "start"), (width - 8.0, float(values.max()), "end")]
    if whole:
        every = -(-(len(edges) - 1) // 8)
        ticks = [
            (8 + (place + 0.5) * step, float(edges[place] + 0.5), "middle") for place in range(0, len(edges) - 1, every)
        ]
    for x, value, anchor in ticks:
        yield _text(x, height - 8, number(value), anchor)


def heat(title: str, rows: Sequence[str], columns: Sequence[str], values: NDArray[np.float64], texts: Any) -> Markup:
    """A matrix in shades; what a cell says is written in it.

    Parameters
    ----------
    values : ndarray of float64, shape (rows, columns)
        −1 to 1: blue for above zero, orange for below.
    texts : sequence of sequence of str, shape (rows, columns)
    """
    side = max((len(_short(each)) for each in rows), default=1) * 6.6 + 14
    cell, high = max(46.0, min(96.0, 560 / max(len(columns), 1))), 30
    most = int(cell / 6.8)
    top = 26 if all(len(each) <= most for each in columns) else 84
    width, height = side + cell * len(columns) + 8, top + high * len(rows) + 6
    shapes: list[Markup] = []
    for place, name in enumerate(columns):
        x = side + (place + 0.5) * cell
        turn = Markup("") if top == 26 else Markup(' transform="rotate(-35 {} {})"').format(f"{x:.1f}", top - 8)
        shapes.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="{}"{}>{}<title>{}</title></text>').format(
                f"{x:.1f}", top - 8, "middle" if top == 26 else "start", turn, _short(name), name
            )
        )
    for row, name in enumerate(rows):
        y = top + row * high
        shapes.append(_text(side - 8, y + high / 2 + 4, _short(name), "end"))
        shapes += [_cell(side + place * cell, y, cell, high, values[row][place], texts[row][place])
                   for place in range(len(columns)) if texts[row][place]]  # fmt: skip
    return _svg(width + (40 if top != 26 else 0), height, title, shapes)


def _cell(x: float, y: float, width: float, height: float, value: float, text: str) -> Markup:
    strength = 0.0 if math.isnan(value) else min(1.0, abs(value))
    shade = Markup('<rect class="shade {}" x="{}" y="{}" width="{}" height="{}" rx="3" fill-opacity="{}"/>').format(
        "above" if value >= 0 else "below", f"{x + 1:.1f}", f"{y + 1:.1f}", f"{width - 2:.1f}", f"{height - 2:.1f}",
        f"{0.06 + 0.5 * strength:.3f}",
    )  # fmt: skip
    return shade + Markup('<text class="cell" x="{}" y="{}" text-anchor="middle">{}</text>').format(
        f"{x + width / 2:.1f}", f"{y + height / 2 + 4:.1f}", text
    )


def scatter(
    names: tuple[str, str], x: NDArray[np.float64], y: NDArray[np.float64], kinds: Mapping[str, NDArray[np.bool_]]
) -> Markup:
    """Pairs over two scores; ``kinds`` are drawn in their order, so that the last lie on top."""
    width, height, left, top = 520, 320, 56, 12
    sound = np.isfinite(x) & np.isfinite(y)
    (x0, x1), (y0, y1) = (_bounds(each[sound]) for each in (x, y))
    dots = "".join(_dots(x, y, sound, kinds, lambda value: left + (width - left - 14) * (value - x0) / (x1 - x0),
                         lambda value: height - 40 - (height - 40 - top) * (value - y0) / (y1 - y0)))  # fmt: skip
    frame = Markup('<path class="axis" fill="none" d="M{} {} V{} H{}"/>').format(left, top, height - 40, width - 14)
    ticks = [
        _text(left, height - 24, number(x0), "start"), _text(width - 14, height - 24, number(x1), "end"),
        _text((left + width) / 2, height - 8, f"{names[0]} →", "middle"),
        _text(left - 6, height - 42, number(y0), "end"), _text(left - 6, top + 8, number(y1), "end"),
        Markup('<text class="tick" text-anchor="middle" transform="translate(14 {}) rotate(-90)">{} →</text>').format(
            (height - 30) / 2, names[1]),
    ]  # fmt: skip
    return _svg(width, height, f"{names[1]} over {names[0]}, pair by pair", [Markup(dots), frame, *ticks])  # noqa: S704  # numbers and names of ours


def _dots(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    sound: NDArray[np.bool_],
    kinds: Mapping[str, NDArray[np.bool_]],
    across: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    up: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Iterator[str]:
    (x0, x1), (y0, y1) = (_bounds(each[sound]) for each in (x, y))
    for kind, members in kinds.items():
        rows = np.flatnonzero(sound & members)
        rows = rows[np.linspace(0, len(rows) - 1, _POINTS).astype(int)] if len(rows) > _POINTS else rows
        size = "4" if kind == "front" else "2.4"
        for px, py in zip(
            across(np.clip(x[rows], x0, x1)).tolist(), up(np.clip(y[rows], y0, y1)).tolist(), strict=True
        ):
            yield f'<circle class="point {kind}" cx="{px:.1f}" cy="{py:.1f}" r="{size}"/>'


def _bounds(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = (float(each) for each in np.quantile(values, [0.002, 0.998]))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _short(text: str) -> str:
    return text if len(text) <= 22 else f"{text[:21]}…"


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, f"{x:.1f}", f"{y:.1f}", f"{width:.1f}", f"{height:.1f}"
    )


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        f"{x:.1f}", f"{y:.1f}", anchor, text
    )


def _svg(width: float, height: float, label: str, shapes: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(label, f"{width:.0f}", f"{height:.0f}", f"{width:.0f}", f"{height:.0f}", Markup("").join(shapes))
