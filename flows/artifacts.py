"""What a build leaves in the Prefect UI: small tables and texts, never data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from contrafact.plan import Plan
from contrafact.samples import sample_pairs

__all__ = ["artifact_key", "funnel_rows", "pairs_markdown"]

_SHOWN = 5


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
