"""How long it takes to push a dataset to a hub on loopback, new and unchanged: ``python -m benchmarks.publishing``.

The hub of the tests runs in a process of its own, and so does every push, as a user's command does: interpreter,
imports and command line are in the figure. The network is not: what a real hub takes for the same calls comes on top.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from benchmarks.harness import Measurement, Seconds, Target, machine_facts, report, run_interleaved, spread
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from tests.hub.server import LoopbackHub

__all__ = ["main"]

PAIRS = 100_000
NEW, UNCHANGED = "push, everything new", "push of an unchanged dataset"
TARGET = Target(at_most=2.0)
WORK: dict[str, list[float]] = {}
"""Processor seconds of each push, by repository: what a busy machine does not change."""

_ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """A hub in a process of its own; gives the variables that turn a client to it."""
    command = [sys.executable, "-u", "-m", "tests.hub", "--port", "0", "--folder", str(folder)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split(",")[0].removeprefix("A hub on ")
        try:
            yield {
                **os.environ,
                "HF_ENDPOINT": url,
                "HF_TOKEN": LoopbackHub.token,
                "HF_HUB_DISABLE_XET": "1",
                "HF_HUB_OFFLINE": "0",
                "HF_HUB_DISABLE_TELEMETRY": "1",
            }
        finally:
            process.terminate()


def pushed(folder: Path, repository: str, environment: dict[str, str]) -> Seconds:
    """Seconds of one command."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "flows.cli", "push", str(folder), repository]
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - begin
    assert done.returncode == 0, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    WORK.setdefault(repository, []).append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Seconds(elapsed)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    generator = {"use": "scm", "scm": "clinic", "interventions": [{"do": {"arm": "another"}}], "label": "readmitted"}
    recipe = parse_recipe({"name": "pushed", "rows": asked.pairs, "shard_rows": 10_000, "generator": generator})
    with tempfile.TemporaryDirectory(prefix="contrafact-publishing-") as scratch:
        folder = Path(scratch) / "pushed"
        run_local(recipe, None, folder)
        sent = sum(path.stat().st_size for path in folder.rglob("*.parquet") if path.parent.name != "hidden")
        with served(Path(scratch) / "hub") as environment:
            pushed(folder, "newcomer/pushed", environment)
            number = iter(range(10_000))
            times = run_interleaved(
                {
                    NEW: lambda: pushed(folder, f"newcomer/new-{next(number)}", environment),
                    UNCHANGED: lambda: pushed(folder, "newcomer/pushed", environment),
                },
                asked.repeats,
            )
    rows = [spread(NEW, times[NEW]), spread(UNCHANGED, times[UNCHANGED])]
    rows.append(spread("of that, processor time", WORK["newcomer/pushed"][1:]))
    rows.append(Measurement("data pushed", sent / 1e6, "MB"))
    settings = {"pairs": asked.pairs, "shards": -(-asked.pairs // 10_000), "repeats": asked.repeats}
    facts = machine_facts(huggingface_hub=metadata.version("huggingface_hub"))
    report("publishing", rows, {UNCHANGED: TARGET}, settings=settings, facts=facts)


if __name__ == "__main__":
    main()
