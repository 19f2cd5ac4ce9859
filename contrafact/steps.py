"""A step on a shard as data: what is to be done where, so that another thread, process or machine can do it.

::

    build ─► Step (a plan and what the quota left) ─► Job (plain values) ─► Job.run(plan) ─► report

A :class:`Job` says nothing of data: whoever holds the same plan and reaches the same run directory can run it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from contrafact.plan import Plan
from contrafact.shards import Report, finish_shard, propose
from contrafact.stopping import Stop

__all__ = ["Job", "Step"]


@dataclass(frozen=True)
class Job:
    """One step on one shard.

    Attributes
    ----------
    room : int, optional
        How many more accepted pairs the quota takes when this shard's turn comes; None where there is no quota.
    needed : bool
        False for a shard that the quota turned out not to need, and that stays because it was paid for.
    """

    name: Literal["propose", "finish"]
    shard: int
    room: int | None = None
    needed: bool = True

    def run(self, plan: Plan) -> Report:
        """Do it, with a plan of the dataset that it belongs to."""
        if self.name == "propose":
            return propose(plan, self.shard)
        return finish_shard(plan, self.shard, self.room, needed=self.needed)


@dataclass(frozen=True)
class Step:
    """One step on any shard of a build. Called with a shard's number it does the work here.

    Attributes
    ----------
    room : mapping of shard to int
        What the quota leaves each shard; empty where there is no quota.
    needed : int, optional
        How many of the first shards the quota needs; all where it is None.
    stop : Stop
        Once it was asked for, no job is given out any more (``StoppedError``).
    """

    plan: Plan
    name: Literal["propose", "finish"]
    room: Mapping[int, int] = field(default_factory=dict)
    needed: int | None = None
    stop: Stop = field(default_factory=Stop)

    def job(self, shard: int) -> Job:
        """The step on one shard, as data. To be asked for when the shard's turn has come."""
        self.stop.check()
        return Job(self.name, shard, self.room.get(shard), self.needed is None or shard < self.needed)

    def finished(self, shard: int) -> bool:
        """Whether a report of this step is here already; whether its files are whole is for the step to say."""
        stage = "proposed" if self.name == "propose" and self.plan.staged else "finished"
        return self.plan.directory.report(stage, shard).is_file()

    def __call__(self, shard: int) -> Report:
        return self.job(shard).run(self.plan)
