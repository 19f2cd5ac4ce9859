"""Plug-ins for tests of workers: rows that take Python's time, and rows that end the process."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from contrafact.errors import RowError, TransientError
from contrafact.pipeline import Watch, build, local_mapper
from contrafact.plan import make_plan
from contrafact.recipe import Recipe, parse_recipe
from contrafact.store.mirrors import Mirror
from contrafact.workers.pool import processes
from tests.core.toys import Parity

__all__ = ["Deadly", "Flaky", "Hashed", "Lost", "built_by_processes", "built_there", "objects_under", "of"]


class Hashed(Parity):
    """The parity of numbers, after so many rounds of hashing in Python a row."""

    name = "hashed"

    def __init__(self, rounds: int = 50, fail_every: int = 7) -> None:
        super().__init__(fail_every=fail_every)
        self.rounds = rounds

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        token = str(unit["number"]).encode()
        for _ in range(self.rounds):
            token = hashlib.sha256(token).hexdigest().encode()
        yield from super().make(unit, rng)


class Deadly(Parity):
    """Ends its process with ``kill -9`` at one number, ``times`` in all: what is left is counted in a folder."""

    name = "deadly"

    def __init__(self, at: int, times: int, counted: str) -> None:
        super().__init__()
        self.at, self.times, self.counted = at, times, counted

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        if unit["number"] == self.at and len(list(Path(self.counted).iterdir())) < self.times:
            Path(self.counted, str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super().make(unit, rng)


class Flaky(Parity):
    """Fails for a reason that may pass, in the process that makes number 12 first."""

    name = "flaky"

    def __init__(self, counted: str) -> None:
        super().__init__()
        self.counted = counted

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        if unit["number"] == 12 and not list(Path(self.counted).iterdir()):
            Path(self.counted, "once").touch()
            raise TransientError("the network is away")
        yield from super().make(unit, rng)


class Lost(Parity):
    """Cannot make anything."""

    name = "lost"

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        if time.time() < 0:
            yield {}
        raise (ZeroDivisionError if unit["number"] else RowError)("nothing can be made of this")


def of(kind: str, workers: int = 2, rows: int = 45, **options: Any) -> Recipe:
    """A recipe of one of the toys above, in shards of ten."""
    generator = {"use": f"tests.workers.toys:{kind}", **options.pop("generator", {})}
    amount = {} if "accept" in options else {"rows": rows}
    return parse_recipe({"name": "toy", "workers": workers, "generator": generator, **amount, **options})


def built_by_processes(recipe: Recipe, out: Path | str) -> tuple[dict[str, Any], list[str]]:
    """Build with worker processes; gives the manifest and what an operator was told."""
    plan, said = make_plan(recipe, None, out), list[str]()
    with processes(plan, said.append) as pool:
        return build(plan, pool.over(local_mapper(plan.workers))), said


def built_there(recipe: Recipe, url: str, watch: Watch | None = None) -> dict[str, Any]:
    """A build by two threads into an object store; its manifest."""
    return build(make_plan(recipe, None, url), local_mapper(2), watch)


def objects_under(url: str) -> dict[str, bytes]:
    """Everything under a prefix of an object store, by name."""
    mirror = Mirror(url)
    return {name: mirror.content(name) or b"" for name in mirror.list()}
