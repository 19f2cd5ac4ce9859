"""What a million pairs cost, by kind of fact: processor time, bytes, files, requests. ``python -m benchmarks.costs``.

Every recipe is built at several sizes, each in a fresh process. A straight line through them (ordinary least squares)
parts what a build costs anyway from what a pair costs; the largest residual says how straight the line is. Prices are
those of ``PRICES``, to be replaced by one's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.harness import Measurement, report
from benchmarks.shards import timed_build

__all__ = ["KINDS", "PRICES", "Line", "fitted", "main"]

PRICES = {"core hour": 0.04, "GB stored a month": 0.023, "million PUT requests": 5.0}
"""Money, in one currency; list prices of large providers in 2026 are about these."""


@dataclass(frozen=True)
class Kind:
    """One kind of fact: a recipe, and the units that it is built with."""

    recipe: str
    sizes: Sequence[int]
    settings: Mapping[str, Any]


KINDS: dict[str, Kind] = {
    "causal table": Kind("scm_linear", (100_000, 200_000, 400_000), {"shard_rows": 100_000}),
    "categorical table": Kind("scm_categorical", (100_000, 200_000, 400_000), {"shard_rows": 100_000}),
    "text, template": Kind("text_template_reviews", (5_000, 10_000, 20_000), {"shard_rows": 5000}),
    "text, causal model": Kind("text_structural_cv", (2_000, 4_000, 8_000), {"shard_rows": 2000}),
    "text, rules": Kind("text_lexical_sentiment", (500, 1_000, 2_000), {"shard_rows": 500}),
    "code, executed": Kind("code_executable_if_else", (500, 1_000, 2_000), {"shard_rows": 500}),
}


@dataclass(frozen=True)
class Line:
    """``fixed + each * pairs``; ``residual`` is the largest, as a share of what was measured there."""

    fixed: float
    each: float
    residual: float


def fitted(pairs: Sequence[int], values: Sequence[float]) -> Line:
    """Ordinary least squares through the points, weighted so that the relative error counts."""
    x, y = np.asarray(pairs, dtype=float), np.asarray(values, dtype=float)
    weights = 1 / np.maximum(np.abs(y), 1e-12)
    design = np.stack([np.ones_like(x), x], axis=1) * weights[:, None]
    (fixed, each), *_ = np.linalg.lstsq(design, y * weights, rcond=None)
    off = np.abs(fixed + each * x - y) * weights
    return Line(float(fixed), float(each), float(off.max()))


def main() -> None:
    """Build every kind at every size, fit, and print it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(KINDS))
    asked = parser.parse_args()
    rows: list[Measurement] = []
    for name in asked.only or KINDS:
        rows += _kind(name, KINDS[name])
    report(
        "costs",
        rows,
        {},
        settings={"prices": PRICES, "sizes": {name: list(each.sizes) for name, each in KINDS.items()}},
    )


def _kind(name: str, kind: Kind) -> list[Measurement]:
    found = [timed_build(kind.recipe, "--workers=1", settings={**kind.settings, "rows": size}) for size in kind.sizes]
    pairs = [each["pairs"] for each in found]
    cpu = fitted(pairs, [each["cpu"] for each in found])
    size = fitted(pairs, [each["bytes"] for each in found])
    units = kind.sizes[-1] / pairs[-1]
    shards = 1e6 * units / kind.settings["shard_rows"]
    objects = shards * found[-1]["files"] / found[-1]["shards"]
    money = cpu.each * 1e6 / 3600 * PRICES["core hour"] + objects / 1e6 * PRICES["million PUT requests"]
    rows = [
        (f"{name}: processor, fixed", cpu.fixed, "s"),
        (f"{name}: processor, a million pairs", cpu.each * 1e6, "s"),
        (f"{name}: largest residual of processor time", cpu.residual, ""),
        (f"{name}: bytes a pair", size.each, "B"),
        (f"{name}: largest residual of bytes", size.residual, ""),
        (f"{name}: files a shard", found[-1]["files"] / found[-1]["shards"], ""),
        (f"{name}: objects, a million pairs", objects, ""),
        (f"{name}: pairs a unit", 1 / units, ""),
        (f"{name}: accepted share", found[-1]["accepted"] / pairs[-1], ""),
        (f"{name}: made, a million pairs", money, "money"),
        (f"{name}: stored, a million pairs and month", size.each * 1e6 / 1e9 * PRICES["GB stored a month"], "money"),
    ]
    return [Measurement(label, value, unit) for label, value, unit in rows]


if __name__ == "__main__":
    main()
