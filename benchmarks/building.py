"""Whole builds to Parquet, with and without Prefect: speed, growth and memory. ``python -m benchmarks.building``."""

from __future__ import annotations

import argparse
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.environment import REPOSITORY
from benchmarks.harness import Measurement, Seconds, Target, rate, ratio, report, run_interleaved
from flows.server import RECORDING

__all__ = ["main"]

ROWS = 1_000_000
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
TARGETS = {
    "flow, 1,000,000 pairs": Target(at_least=200_000),
    "flow / local, both beyond their start": Target(at_most=1.05),
    **{f"CPU a pair, {size:,} pairs / mean of sizes": Target(at_least=0.9, at_most=1.1) for size in SIZES},
    "wall time a pair, 10^7 / 10^6": Target(at_most=1.1),
    "peak memory, 10^7": Target(at_most=1536),
    "peak memory, 10^7 / 10^6": Target(at_most=1.2),
}


def main() -> None:
    """Time both engines in turn, then the sizes, and print it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="stop the growth at so many rows")
    asked = parser.parse_args()
    beyond: dict[str, list[float]] = {"local": [], "flow": []}

    def side(name: str, engine: str, environment: dict[str, str]) -> Seconds:
        answer = _worker(engine, ROWS, environment)
        beyond[name].append(answer["seconds"][0] - answer["fixed_seconds"])
        return Seconds(answer["seconds"][0])

    with prefect_server() as environment:
        sides = {
            "local": partial(side, "local", "local", environment),
            "flow": partial(side, "flow", "prefect", environment),
        }
        times = run_interleaved(sides, asked.repeats, warmups=0)
    rows = [
        rate("local, 1,000,000 pairs", beyond["local"], ROWS, "pairs/s"),
        rate("flow, 1,000,000 pairs", beyond["flow"], ROWS, "pairs/s"),
        rate("flow with its fixed start", times["flow"], ROWS, "pairs/s"),
        ratio("flow / local, both beyond their start", beyond["flow"], beyond["local"]),
    ]
    sizes = [size for size in SIZES if size <= asked.largest]
    grown = _growth(sizes)
    rows += grown
    measured = {row.name for row in rows}
    targets = {name: target for name, target in TARGETS.items() if name in measured}
    report("building", rows, targets, settings={"rows": ROWS, "sizes": sizes, "repeats": asked.repeats})


def _growth(sizes: Sequence[int]) -> list[Measurement]:
    """Cost a pair beyond the fixed start, and peak memory, at each size: a fresh process each, warmed up."""
    found = {
        size: _worker("local", size, dict(os.environ), repeats=max(1, min(9, 3_000_000 // size))) for size in sizes
    }
    cpu = {size: (_median(answer["cpu"]) - answer["fixed_cpu"]) / size for size, answer in found.items()}
    kernel = {size: (_median(answer["kernel"]) - answer["fixed_kernel"]) / size for size, answer in found.items()}
    wall = {size: (_median(answer["seconds"]) - answer["fixed_seconds"]) / size for size, answer in found.items()}
    rows = [Measurement(f"CPU a pair, {size:,} pairs", cpu[size] * 1e6, "us") for size in sizes]
    rows += [Measurement(f"of it in the kernel, {size:,} pairs", kernel[size] * 1e6, "us") for size in sizes]
    mean = sum(cpu.values()) / len(cpu)
    rows += [Measurement(f"CPU a pair, {size:,} pairs / mean of sizes", cpu[size] / mean, "x") for size in sizes]
    rows.append(Measurement("CPU a pair, slope a decade / mean of sizes", _slope(cpu) / mean))
    rows += [Measurement(f"wall time a pair, {size:,} pairs", wall[size] * 1e6, "us") for size in sizes]
    rows += [Measurement(f"peak memory, {size:,} pairs", found[size]["peak_mib"], "MiB") for size in sizes]
    if SIZES[-1] in found:
        large, small = SIZES[-1], SIZES[-2]
        rows += [
            Measurement("wall time a pair, 10^7 / 10^6", wall[large] / wall[small], "x"),
            Measurement("peak memory, 10^7", found[large]["peak_mib"], "MiB"),
            Measurement("peak memory, 10^7 / 10^6", found[large]["peak_mib"] / found[small]["peak_mib"], "x"),
        ]
    return rows


def _slope(cost: dict[int, float]) -> float:
    """Least-squares slope of the cost a pair over the decimal logarithm of the pairs: what ten times the pairs add."""
    points = [(math.log10(size), each) for size, each in cost.items()]
    if len(points) < 2:
        return math.nan
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    slope: float = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return slope


def _worker(engine: str, rows: int, environment: dict[str, str], repeats: int = 1) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.build_worker", "--engine", engine]
    command += ["--rows", str(rows), "--repeats", str(repeats)]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=1800
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stderr.strip()}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def prefect_server() -> Iterator[dict[str, str]]:
    """One real server on loopback with a database of its own; yields the environment that points at it."""
    with tempfile.TemporaryDirectory(prefix="contrafact-bench-prefect-") as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = {
            **os.environ,
            "PREFECT_HOME": home,
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "ERROR",
            **RECORDING,
        }
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        with (Path(home) / "server.log").open("w") as log:
            server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                _wait(f"http://127.0.0.1:{port}/api/health")
                yield {**environment, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
            finally:
                server.terminate()
                server.wait(timeout=30)


def _wait(url: str, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # loopback, made a few lines above
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit(f"the Prefect server did not answer within {seconds:.0f} s")


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
