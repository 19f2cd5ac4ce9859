"""What tests of ``executable`` share: items of a family, and the pairs of some units."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.record import HIDDEN
from contrafact.stages import Context
from contrafact.streams import Streams
from generators.code.executable.drawing import LANE, Draft, Draw, Knobs
from generators.code.executable.families import FAMILIES
from generators.code.executable.generator import ExecutableGenerator

Rows = list[dict[str, Any]]


def drafts(family: str, count: int, knobs: Knobs | None = None, seed: int = 3) -> list[Draft]:
    """Drawn and not yet run."""
    streams = Streams(seed, "tests")

    def draw(row: int) -> Draw:
        def lane(number: int) -> list[float]:
            found: list[float] = streams.uniforms(f"{family}:{number}", row, row + 1, LANE)[0].tolist()
            return found

        return Draw(lane(0), lane)

    return [FAMILIES[family](draw(row), knobs or Knobs()) for row in range(count)]


def table(generator: ExecutableGenerator, start: int, stop: int, seed: int = 3) -> pa.Table:
    """Candidates of some units."""
    engines = Engines()
    try:
        units = generator.source(seed).read(start, stop)
        return generator.generate(units, Context(Streams(seed, "tests"), "recipe", seed, start, engines))
    finally:
        engines.close()


def rows_of(count: int, seed: int = 3, **options: Any) -> Rows:
    """All candidates of the first units."""
    rows: Rows = table(ExecutableGenerator(**options), 0, count, seed).to_pylist()
    return rows


def made(rows: Rows, mode: str | None = None) -> Rows:
    """Those that are pairs, of one mode or both."""
    pairs = [row for row in rows if row["counterfactual"] is not None]
    return [row for row in pairs if mode in (None, row["factual"]["mode"])]


def hidden_of(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = row[HIDDEN]
    return found
