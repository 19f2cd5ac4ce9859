"""What a build leaves in the Prefect UI: its progress, small tables and texts, never data."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from contrafact.plan import Plan
from contrafact.samples import sample_pairs
from contrafact.shards import Report

__all__ = ["Progress", "artifact_key", "cost_rows", "funnel_rows", "leave_artifacts", "pairs_markdown"]

_SHOWN = 5
_EVERY_SECONDS = 2.0  # each step of a bar is a request to the server


class Progress:
    """A bar on the run's page, of all the work that the plan is; after a step that the server missed it stays."""

    def __init__(self, plan: Plan) -> None:
        from prefect.artifacts import create_progress_artifact

        self.plan = plan
        self._units, self._alive, self._said = {"proposed": 0, "finished": 0}, 0, time.monotonic()
        self._artifact: UUID | None = _tried(
            lambda: create_progress_artifact(
                progress=0.0,
                key=artifact_key(plan.recipe.name, "progress"),
                description=f"{plan.recipe.name}: {_amount(plan)}",
            )
        )

    def __call__(self, stage: str, report: Report) -> None:
        """One more step on one shard is finished."""
        self._units[stage] += report["units"]
        self._alive += report.get("alive", 0)
        if time.monotonic() - self._said >= _EVERY_SECONDS:
            self._say(min(self.share() * 100, 99.0))

    def share(self) -> float:
        """How much is done, from 0 to 1: by units, or while a quota is being filled by accepted pairs."""
        finished = self._units["finished"] / max(self.plan.units, 1)
        if not self.plan.staged:
            return min(finished, 1.0)
        quota = self.plan.recipe.accept
        proposed = self._alive / quota if quota else self._units["proposed"] / max(self.plan.units, 1)
        return (min(proposed, 1.0) + (finished if not quota else float(self._units["finished"] > 0))) / 2

    def done(self) -> None:
        self._say(100.0)

    @property
    def shown(self) -> bool:
        """Whether the server took all that it was told: each further word to one that is away would cost a wait."""
        return self._artifact is not None

    def _say(self, percent: float) -> None:
        from prefect.artifacts import update_progress_artifact

        artifact = self._artifact
        if artifact is not None:
            self._artifact = _tried(lambda: update_progress_artifact(artifact, progress=percent))
        self._said = time.monotonic()


def leave_artifacts(plan: Plan, manifest: Mapping[str, Any], seconds: float) -> None:
    """The funnel, the costs and some pairs of a finished dataset, on the page of the run that is under way."""
    from prefect.artifacts import create_markdown_artifact, create_table_artifact

    name = plan.recipe.name
    funnel, cost, pairs = funnel_rows(manifest), cost_rows(manifest, seconds), pairs_markdown(plan)
    _tried(lambda: create_table_artifact(funnel, key=artifact_key(name, "funnel"), description="Filter funnel"))
    _tried(lambda: create_table_artifact(cost, key=artifact_key(name, "cost"), description="Time and money"))
    _tried(lambda: create_markdown_artifact(pairs, key=artifact_key(name, "pairs"), description="Accepted pairs"))


def _tried(make: Callable[[], Any]) -> Any:
    """What it gives, or None where the server does not take it: a dataset is not to fail for its picture."""
    import httpx
    from prefect import get_run_logger

    try:
        return make()
    except httpx.HTTPError as error:
        get_run_logger().warning("an artifact was left out: %s", error)
        return None


def _amount(plan: Plan) -> str:
    accept = plan.recipe.accept
    return f"{accept:,} accepted pairs" if accept else f"{plan.units:,} units in {plan.shards:,} shards"


def cost_rows(manifest: Mapping[str, Any], seconds: float) -> list[dict[str, Any]]:
    """What the build took and what its language model's replies cost, a row each."""
    pairs, accepted = manifest["proposed"], manifest["accepted"]
    rows: list[dict[str, Any]] = [
        {"what": "seconds of this run", "value": round(seconds, 3)},
        {"what": "pairs a second", "value": round(pairs / seconds, 1) if seconds else None},
        {"what": "seconds an accepted pair", "value": round(seconds / accepted, 6) if accepted else None},
    ]
    usage = manifest.get("usage") or {}
    names = {"requests": "replies of a language model", "cost": "money", "cost_per_accepted": "money an accepted pair"}
    return rows + [{"what": names.get(key, key.replace("_", " ")), "value": value} for key, value in usage.items()]


def artifact_key(name: str, what: str) -> str:
    """An artifact key: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"contrafact-{name}-{what}".lower()).strip("-")


def funnel_rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a step, and the total."""
    rows = [{**row, "accepted": row["judged"] - row["rejected"]} for row in manifest["funnel"]]
    total = {"step": "all", "judged": manifest["proposed"], "rejected": manifest["rejected"]}
    return [*rows, {**total, "accepted": manifest["accepted"]}]


def pairs_markdown(plan: Plan) -> str:
    """A few accepted pairs as Markdown: what was changed, and every member that moved."""
    lines = []
    for pair in sample_pairs(plan.directory, _SHOWN):
        changes = ", ".join(
            f"{each['operation']} {each['variable']}: {each['before']} → {each['after']}"
            for each in pair["intervention"]
        )
        lines += [f"**{pair['pair_id']}** ({changes})", "", "| | factual | counterfactual |", "|---|---|---|"]
        for name, fact in pair["factual"].items():
            other = pair["counterfactual"][name]
            mark = "" if fact == other else "**"
            lines.append(f"| {name} | {_cell(fact)} | {mark}{_cell(other)}{mark} |")
        lines += [f"| *label* | {_cell(pair['label'])} | {_cell(pair['counterfactual_label'])} |", ""]
    return "\n".join(lines) or "No pair was accepted."


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
