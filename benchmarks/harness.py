"""What the benchmarks share: interleaved timing, medians and ratios with their spread, targets, a table and JSON.

A benchmark times its sides with :func:`run_interleaved`, turns them into :class:`Measurement` rows and hands these to
:func:`report`, which says of every row whether its target was met.
"""

from __future__ import annotations

import gc
import json
import math
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = [
    "RESULTS",
    "Measurement",
    "Seconds",
    "Target",
    "machine_facts",
    "peak_memory",
    "rate",
    "ratio",
    "report",
    "run_interleaved",
    "spread",
]

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("numpy", "scipy", "pyarrow", "networkx", "prefect")


class Seconds(float):
    """A time that a side measured by itself (in another process, say) and that the harness takes as it is."""


@dataclass(frozen=True)
class Target:
    """A bound that a measured value has to keep; either end may be open."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float) -> bool:
        """Whether the value keeps the bound; never so for a value that is not a number."""
        low = self.at_least is None or value >= self.at_least
        high = self.at_most is None or value <= self.at_most
        return low and high and not math.isnan(value)

    def text(self) -> str:
        """The bound in words."""
        ends = [(">=", self.at_least), ("<=", self.at_most)]
        return " and ".join(f"{sign} {end:g}" for sign, end in ends if end is not None)


@dataclass(frozen=True)
class Measurement:
    """One measured figure: its median, its unit, and the lowest and highest of its repetitions."""

    name: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    repeats: int = 1


def peak_memory() -> float:
    """Peak resident memory of this process in MiB; what ``getrusage`` tells may be that of its parent."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel tells no VmHWM")


def run_interleaved(
    sides: Mapping[str, Callable[[], object]], repeats: int, *, warmups: int = 1
) -> dict[str, list[float]]:
    """Time every side once a round, so that a busy spell of the machine hits all (A B C, then C A B, then B C A ...).

    The order within a round is shuffled (the same way in every run): whoever follows a side that fills memory finds
    colder caches, and that should not always be the same one.

    Parameters
    ----------
    sides : mapping of name to callable
        A callable that returns :class:`Seconds` has timed itself; any other is timed around the call.
    warmups : int
        Rounds before the first that counts.

    Returns
    -------
    dict of name to list of float
        Seconds, one a round; the same place in every list is the same round.
    """
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(warmups + repeats):
        for name in random.Random(turn).sample(list(sides), len(sides)):
            seconds = _seconds(sides[name])
            if turn >= warmups:
                times[name].append(seconds)
    return times


def spread(name: str, seconds: Sequence[float]) -> Measurement:
    """Median time with the fastest and the slowest repetition."""
    return _measurement(name, seconds, "s")


def rate(name: str, seconds: Sequence[float], items: int, unit: str = "rows/s") -> Measurement:
    """Items per second, at the median time and at either end."""
    return _measurement(name, [items / each for each in seconds], unit)


def ratio(name: str, slower: Sequence[float], faster: Sequence[float]) -> Measurement:
    """How many times faster the second side is: the median over rounds of ``slower / faster``, each round by itself."""
    return _measurement(name, [one / other for one, other in zip(slower, faster, strict=True)], "x")


def machine_facts(**versions: str) -> dict[str, Any]:
    """What the figures depend on: processor, cores, memory, load, versions and date; nothing that names the machine.

    ``versions`` adds what another environment runs, such as ``dowhy="0.14"``.
    """
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {**{name: _version(name) for name in _PACKAGES}, **versions},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def report(
    name: str,
    rows: Sequence[Measurement],
    targets: Mapping[str, Target],
    *,
    settings: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    folder: Path = RESULTS,
) -> Path:
    """Print a table and write ``results/<name>.json``: every row with its target and whether it was met.

    Parameters
    ----------
    targets : mapping of measurement name to Target
        Every target must have its measurement, so that none is lost by a renamed row.
    settings : mapping, optional
        What was measured: rows, repeats, the model.
    facts : mapping, optional
        :func:`machine_facts`, where versions of another environment were added to them.

    Raises
    ------
    ValueError
        For a target without a measurement.
    """
    unmeasured = sorted(set(targets) - {row.name for row in rows})
    if unmeasured:
        raise ValueError(f"targets without a measurement: {', '.join(unmeasured)}")
    lines = [_line(row, targets.get(row.name)) for row in rows]
    _print(name, lines)
    whole = {
        "benchmark": name,
        "machine": dict(facts or machine_facts()),
        "settings": dict(settings or {}),
        "results": lines,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path, partial = folder / f"{name}.json", folder / f"{name}.json.tmp"
    partial.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def _seconds(side: Callable[[], object]) -> float:
    gc.collect()
    begin = time.perf_counter()
    answer = side()
    elapsed = time.perf_counter() - begin
    return float(answer) if isinstance(answer, Seconds) else elapsed


def _measurement(name: str, values: Sequence[float], unit: str) -> Measurement:
    return Measurement(name, statistics.median(values), unit, min(values), max(values), len(values))


def _line(row: Measurement, target: Target | None) -> dict[str, Any]:
    line: dict[str, Any] = {
        "name": row.name,
        "value": _rounded(row.value),
        "unit": row.unit,
        "low": _rounded(row.low),
        "high": _rounded(row.high),
        "repeats": row.repeats,
    }
    # The verdict is on the value as measured, before it is rounded for reading.
    return line if target is None else {**line, "target": target.text(), "met": target.met(row.value)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


def _print(name: str, lines: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=name)
    for heading in ("measured", "median", "lowest", "highest", "target", "met"):
        table.add_column(heading, justify="left" if heading == "measured" else "right", no_wrap=True)
    for line in lines:
        figures = [_figure(line[key], line["unit"]) for key in ("value", "low", "high")]
        verdict = {True: "yes", False: "NO"}.get(line.get("met", ""), "")
        table.add_row(line["name"], *figures, line.get("target", ""), verdict)
    Console(width=132).print(table)


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:.4g} {unit}"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        return lines[0].partition(":")[2].strip() if lines else platform.machine()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
