"""What Prefect and many shards cost beside the work. ``python -m benchmarks.orchestration``.

The same builds with and without Prefect, against a server that runs already. What the flow takes beyond its fixed start
(a build of one shard) is held against the build without it; the rest is Prefect's share. Peak memory of the builder is
that of a build of 10, 500 and 2,000 shards, on threads, on processes and through Prefect.
"""

from __future__ import annotations

import argparse
from functools import partial

from benchmarks.building import prefect_server
from benchmarks.harness import Measurement, Seconds, Target, report, run_interleaved, spread
from benchmarks.shards import timed_build

__all__ = ["main"]

SHARDS = 500
COUNTS = (10, 500, 2000)
_RECIPE = "scm_linear"
_ROWS = 100_000
_FEW = 20
TARGETS = {
    f"Prefect's share at {SHARDS} shards of {_ROWS:,} units": Target(at_most=0.05),
    "fixed start to the first shard, without Prefect": Target(at_most=3),
    **{f"memory, {kind}: 2,000 shards / 10": Target(at_most=1.15) for kind in ("threads", "processes", "Prefect")},
}


def main() -> None:
    """Time both sides in turn, then weigh the builder, and print it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shards", type=int, default=SHARDS)
    asked = parser.parse_args()
    with prefect_server() as environment:
        rows = _share(asked.shards, asked.repeats, environment)
        rows += _memory(environment)
    measured = {row.name for row in rows}
    targets = {name: target for name, target in TARGETS.items() if name in measured}
    report("orchestration", rows, targets, settings={"shards": asked.shards, "rows a shard": _ROWS})


def _share(shards: int, repeats: int, environment: dict[str, str]) -> list[Measurement]:
    whole = {"rows": shards * _ROWS, "shard_rows": _ROWS}
    one = {"rows": 10, "shard_rows": 10}
    starts: dict[str, float] = {}
    first: list[float] = []
    for name, options in (("local", ()), ("flow", ("--prefect",))):
        found = [timed_build(_RECIPE, *options, settings=one, environment=environment) for _ in range(repeats)]
        starts[name] = min(each["seconds"] for each in found)
        if name == "local":
            first = [each["first_report"] for each in found]

    def side(name: str, *options: str) -> Seconds:
        taken = timed_build(_RECIPE, *options, settings=whole, environment=environment)["seconds"]
        return Seconds(taken - starts[name])

    times = run_interleaved(
        {"local": partial(side, "local"), "flow": partial(side, "flow", "--prefect")}, repeats, warmups=0
    )
    shares = sorted(1 - one / other for one, other in zip(times["local"], times["flow"], strict=True))
    name = f"Prefect's share at {shards} shards of {_ROWS:,} units"
    return [
        spread("fixed start to the first shard, without Prefect", first),
        Measurement("fixed time of a build, without Prefect", starts["local"], "s"),
        Measurement("fixed time of a build, through a server that runs", starts["flow"], "s"),
        spread(f"{shards} shards, without Prefect", times["local"]),
        spread(f"{shards} shards, through Prefect", times["flow"]),
        Measurement(name, shares[len(shares) // 2], "", shares[0], shares[-1], len(shares)),
    ]


def _memory(environment: dict[str, str]) -> list[Measurement]:
    """Peak memory of the builder itself; shards are small, so that only their number matters."""
    kinds = {
        "threads": ("--engine=threads",),
        "processes": ("--engine=processes",),
        "Prefect": ("--engine=threads", "--prefect"),
    }
    rows = []
    for kind, options in kinds.items():
        peaks = {}
        for count in COUNTS:
            settings = {"rows": count * _FEW, "shard_rows": _FEW}
            peaks[count] = timed_build(_RECIPE, *options, settings=settings, environment=environment)["peak_mib"]
            rows.append(Measurement(f"memory, {kind}: {count:,} shards", peaks[count], "MiB"))
        rows.append(Measurement(f"memory, {kind}: 2,000 shards / 10", peaks[COUNTS[-1]] / peaks[COUNTS[0]], "x"))
    return rows


if __name__ == "__main__":
    main()
