"""A billion pairs on a thousand workers, on paper. ``python -m benchmarks.scale_model``.

::

    costs.json ─► seconds, bytes and objects a pair ─► a queue of shards ─► makespan, and who was busy
                                                     └► completion: what one process reads and writes alone

Nothing here was run at that size. The shards' queue is simulated event by event: one dispatcher (the builder and its
Prefect server) hands shards to workers one after the other; shards differ in length; workers die now and then, and
their shard is made again. What the builder does alone afterwards is added up from bytes and measured rates.
"""

from __future__ import annotations

import argparse
import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import RESULTS

__all__ = ["Limits", "Load", "Outcome", "completion", "simulate"]

BILLION = 10**9


@dataclass(frozen=True)
class Load:
    """A dataset to be made, by what a pair of it costs.

    Attributes
    ----------
    cpu : float
        Processor seconds a pair.
    size : float
        Bytes a pair, as stored.
    files : float
        Data files a shard.
    """

    name: str
    cpu: float
    size: float
    files: float
    pairs: int = BILLION


@dataclass(frozen=True)
class Limits:
    """What the machines can do. All but the workers' number was measured on a small machine, or is a provider's word.

    Attributes
    ----------
    dispatch : float
        Seconds in which builder and Prefect server see to one task, one after the other.
    start : float
        Seconds until a worker has imported everything and made its plan.
    spread : float
        Standard deviation of the logarithm of a shard's time.
    deaths : float
        Deaths a worker and hour.
    puts : float
        Requests a second that a store takes under one prefix.
    wire : float
        Bytes a second between the builder and the store.
    report, entry : float
        Bytes of a shard's report, and of a file's entry in the manifest.
    heap : float
        Bytes of the builder's memory a shard.
    row : float
        Bytes of Prefect's database a task.
    compared, slice : float
        Seconds in which completion reads, sorts and looks up one content hash, and opens one shard's hashes for one
        part of the hash space.
    hashes : int
        Training pairs in one part of the hash space.
    """

    workers: int = 1000
    dispatch: float = 0.010
    start: float = 5.0
    spread: float = 0.15
    deaths: float = 0.01
    puts: float = 3500.0
    wire: float = 200e6
    report: float = 2500.0
    entry: float = 190.0
    heap: float = 12_000.0
    row: float = 2400.0
    compared: float = 45e-9
    slice: float = 230e-6
    hashes: int = 4_000_000


@dataclass(frozen=True)
class Outcome:
    """What a simulated run took; seconds, but for shares of the whole time."""

    seconds: float
    busy: float
    dispatching: float
    remade: int


def simulate(shards: int, seconds: float, limits: Limits, seed: int = 0) -> Outcome:
    """Shards of about ``seconds`` each through one dispatcher to all workers, event by event.

    A worker that is free asks the dispatcher, waits its turn and works. One that dies has lost its shard, comes back
    after ``start`` and the shard is queued again.
    """
    rng = np.random.default_rng(seed)
    free = [(limits.start, worker) for worker in range(min(limits.workers, shards))]
    heapq.heapify(free)
    dispatcher = end = worked = 0.0
    left, remade = shards, 0
    while left:
        asked, worker = heapq.heappop(free)
        dispatcher = max(dispatcher, asked) + limits.dispatch
        length = seconds * float(np.exp(rng.normal(0, limits.spread)))
        death = float(rng.exponential(3600 / limits.deaths)) if limits.deaths else float("inf")
        if death < length:
            remade += 1
            heapq.heappush(free, (dispatcher + death + limits.start, worker))
            continue
        left -= 1
        worked += length
        end = max(end, dispatcher + length)
        heapq.heappush(free, (dispatcher + length, worker))
    handed = (shards + remade) * limits.dispatch
    return Outcome(end, worked / (end * limits.workers), handed / end, remade)


def completion(load: Load, shards: int, limits: Limits) -> dict[str, float]:
    """Seconds, bytes and counts of what the builder does alone, once every shard is there."""
    files = shards * load.files
    parts = max(1, -(-int(0.8 * load.pairs) // limits.hashes))
    return {
        "objects": files + 2 * shards,
        "manifest, bytes": files * limits.entry + shards * 90,
        "builder's memory, bytes": shards * limits.heap,
        "Prefect's database, bytes": shards * limits.row,
        "reports read again, bytes": shards * limits.report,
        "fetching content hashes, s": load.pairs * 8 / limits.wire,
        "comparing contents, s": load.pairs * limits.compared + parts * shards * limits.slice,
    }


def table(load: Load, sizes: Sequence[int], limits: Limits) -> list[dict[str, Any]]:
    """One row a shard size: the run, what saturates first, and completion."""
    rows = []
    for size in sizes:
        shards = -(-load.pairs // size)
        run = simulate(shards, size * load.cpu, limits)
        alone = completion(load, shards, limits)
        puts = alone["objects"] / run.seconds
        uses = {
            "workers": run.busy,
            "dispatcher (Prefect)": run.dispatching,
            "requests to the store": puts / limits.puts,
            "wire of all workers together": load.pairs * load.size / run.seconds / (limits.workers * limits.wire / 10),
        }
        rows.append(
            {
                "load": load.name,
                "pairs a shard": size,
                "shards": shards,
                "seconds a shard": size * load.cpu,
                "hours": run.seconds / 3600,
                "workers busy": run.busy,
                "dispatcher busy": run.dispatching,
                "PUT a second": puts,
                "saturates first": max(uses, key=lambda name: uses[name]),
                "shards made again": run.remade,
                **alone,
            }
        )
    return rows


def loads(results: Path = RESULTS / "costs.json") -> list[Load]:
    """What was measured by :mod:`benchmarks.costs`."""
    told = json.loads(results.read_text(encoding="utf-8"))
    values = {row["name"]: row["value"] for row in told["results"]}
    names = sorted({name.partition(":")[0] for name in values})
    return [_load(name, values, told["settings"]) for name in names]


def _load(name: str, values: Mapping[str, float], settings: Mapping[str, Any]) -> Load:
    files = values[f"{name}: files a shard"]
    return Load(name, values[f"{name}: processor, a million pairs"] / 1e6, values[f"{name}: bytes a pair"], files)


def main() -> None:
    """Print a table for every kind of fact, then what remedies give, and keep both as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=Limits.workers)
    asked = parser.parse_args()
    limits = Limits(workers=asked.workers)
    rows: list[dict[str, Any]] = []
    for load in loads():
        sizes = sorted({max(1000, round(seconds / load.cpu, -3)) for seconds in (1.0, 10.0, 60.0, 300.0)})
        rows += table(load, [int(size) for size in sizes], limits)
    _print(rows)
    remedies = _remedies(limits)
    path = RESULTS / "scale_model.json"
    told = {"limits": limits.__dict__, "rows": rows, "remedies": remedies}
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _remedies(limits: Limits) -> list[dict[str, Any]]:
    """The same load with one thing changed at a time."""
    load = loads()[0]
    size = int(max(1000, round(60 / load.cpu, -3)))
    changed = {
        "as it is": limits,
        "ten builds of a tenth each": replace(limits, workers=limits.workers // 10),
        "contents compared in 16 parts": replace(limits, hashes=BILLION // 16),
        "a dispatcher ten times as fast": replace(limits, dispatch=limits.dispatch / 10),
    }
    found = []
    for name, those in changed.items():
        part = replace(load, pairs=load.pairs // 10) if name.startswith("ten builds") else load
        row = table(part, [size], those)[0]
        found.append({"remedy": name, **row})
    return found


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = (
        ("pairs a shard", "{:,.0f}"),
        ("shards", "{:,.0f}"),
        ("seconds a shard", "{:,.1f}"),
        ("hours", "{:,.2f}"),
        ("workers busy", "{:.0%}"),
        ("dispatcher busy", "{:.0%}"),
        ("PUT a second", "{:,.0f}"),
        ("objects", "{:,.0f}"),
        ("manifest, bytes", "{:,.0f}"),
        ("fetching content hashes, s", "{:,.0f}"),
        ("comparing contents, s", "{:,.0f}"),
    )
    printed = Table(title="10⁹ pairs", show_lines=False)
    printed.add_column("load")
    for name, _ in shown:
        printed.add_column(name, justify="right")
    printed.add_column("saturates first")
    for row in rows:
        printed.add_row(row["load"], *(text.format(row[name]) for name, text in shown), row["saturates first"])
    Console(width=200).print(printed)


if __name__ == "__main__":
    main()
