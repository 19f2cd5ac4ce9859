"""What a build's questions to a language model cost: before it starts, and in its manifest.

The manifest speaks of the distinct replies that the dataset's pairs stand on (their ``request_ids``), whenever and by
whichever build they were paid for: a replay, which pays nothing, gives the same figures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from contrafact.engines.llm.budget import Estimate
    from contrafact.engines.llm.request import Request
    from contrafact.plan import Plan

__all__ = ["Forecast", "forecast", "per_accepted", "sampled_questions", "usage_block"]

Usage = dict[str, Any]
"""``requests``, ``prompt_tokens``, ``completion_tokens``, ``cost`` (None where unknown) and ``cost_per_accepted``."""

_SAMPLE = 256
_STRETCHES = 8
_COLUMNS = ("provenance.request_ids", "provenance.cost")


def usage_block(plan: Plan, reports: Iterable[Mapping[str, Any]], accepted: int) -> Usage | None:
    """The manifest's ``usage`` of a build whose files are all written; None where no pair was paid for.

    A quantity is None where it is not known: tokens of replies that are no longer in the cache, money where no prices
    were given.
    """
    paths = [
        plan.directory.path / file["path"]
        for report in reports
        if report.get("paid", True)
        for file in report["files"]
        if not file["path"].startswith("hidden/")
    ]
    if not paths:
        return None
    keys: set[str] = set()
    said = 0.0
    for path in paths:
        with pq.ParquetFile(path) as file:
            provenance = file.read(columns=list(_COLUMNS))["provenance"].combine_chunks()
        keys.update(pc.unique(provenance.field("request_ids").flatten()).to_pylist())
        said += pc.sum(provenance.field("cost")).as_py() or 0.0
    if not keys:  # a generator with a model of its own says what it paid, and no more
        return per_accepted({"requests": 0, "prompt_tokens": None, "completion_tokens": None, "cost": said}, accepted)
    return per_accepted(_paid(plan, keys), accepted)


def per_accepted(usage: Mapping[str, Any], accepted: int) -> Usage:
    """The usage with its cost an accepted pair; None where the cost is unknown or nothing was accepted."""
    cost = usage["cost"]
    return {**usage, "cost_per_accepted": None if cost is None or not accepted else cost / accepted}


@dataclass(frozen=True)
class Forecast:
    """What a build would ask.

    Attributes
    ----------
    units : int
        Units that it would read, at the most.
    sample : int
        Of these, how many the figures were found on; fewer than ``units`` means that they are scaled up.
    estimate : Estimate, optional
        None where the generator does not say what it would ask.
    """

    units: int
    sample: int
    estimate: Estimate | None


def forecast(plan: Plan, sample: int = _SAMPLE) -> Forecast:
    """What building this plan would ask of a language model. Sends nothing, and leaves nothing written.

    Parameters
    ----------
    sample : int
        Units to look at, in stretches spread evenly over all.
    """
    requests = sampled_questions(plan, plan.units, sample)
    if requests is None:
        return Forecast(plan.units, 0, None)
    seen = sum(stop - start for start, stop in _stretches(plan.units, sample))
    return Forecast(plan.units, seen, _scaled(_estimate(plan, requests), plan.units, seen))


def sampled_questions(plan: Plan, units: int, sample: int) -> list[Request] | None:
    """What the generator would ask about some of the first ``units`` units; None where it does not say."""
    requests: list[Request] = []
    for start, stop in _stretches(units, sample):
        asked = plan.generator.questions(plan.source.read(start, stop), plan.context(start))
        if asked is None:
            return None
        requests += asked
    return requests


def _stretches(units: int, sample: int) -> Iterator[tuple[int, int]]:
    if units <= sample:
        yield 0, units
        return
    count = min(_STRETCHES, sample)
    length = sample // count
    for number in range(count):
        start = number * (units - length) // max(count - 1, 1)
        yield start, start + length


def _estimate(plan: Plan, requests: Sequence[Request]) -> Estimate:
    from contrafact.engines.llm.budget import Estimate
    from contrafact.engines.llm.opening import open_backend
    from contrafact.engines.llm.settings import read_settings

    given = dict(plan.recipe.engines.get("llm") or {})
    settings = read_settings(given)
    if not requests:
        return Estimate(0, 0, 0, 0, 0.0)
    with tempfile.TemporaryDirectory() as scratch:
        if not settings.cache.is_file():  # opening a cache would make it
            given["cache"] = str(Path(scratch) / settings.cache.name)
        engine = open_backend(given)
        try:
            return engine.estimate(requests)
        finally:
            engine.close()


def _scaled(found: Estimate, units: int, sample: int) -> Estimate:
    from contrafact.engines.llm.budget import Estimate

    def up(value: int) -> int:
        return -(-value * units // sample)

    cost = None if found.cost is None else found.cost * units / sample
    return Estimate(up(found.requests), up(found.cached), up(found.prompt_tokens), up(found.completion_tokens), cost)


def _paid(plan: Plan, keys: set[str]) -> dict[str, Any]:
    from contrafact.engines.llm.cache import ReplyCache
    from contrafact.engines.llm.settings import read_settings

    settings = read_settings(plan.recipe.engines.get("llm") or {})
    unknown = {"requests": len(keys), "prompt_tokens": None, "completion_tokens": None, "cost": None}
    if not settings.cache.is_file():
        return unknown
    cache = ReplyCache(settings.cache)
    try:
        found = cache.usage_of(keys)
    finally:
        cache.close()
    if found.requests != len(keys):
        return unknown
    # What was paid by the prices given when it was asked; by the recipe's own where none were given then.
    cost = settings.cost(found.prompt_tokens, found.completion_tokens) if found.cost is None else found.cost
    return {
        "requests": found.requests,
        "prompt_tokens": found.prompt_tokens,
        "completion_tokens": found.completion_tokens,
        "cost": cost,
    }
