"""Completion: the recipe, the card and, last of all, the manifest. Only then is a dataset there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from contrafact import __version__
from contrafact.card import write_card
from contrafact.identity import IDENTITY_VERSION
from contrafact.judging import Funnel
from contrafact.overlap import overlap_of
from contrafact.plan import Plan
from contrafact.plugincode import libraries
from contrafact.publishing.about import about
from contrafact.publishing.croissant import write_croissant
from contrafact.report.making import looked_into, report_quickly
from contrafact.shards import Report
from contrafact.spending import per_accepted, usage_block
from contrafact.store.atomic import atomic_path, write_json, write_text
from contrafact.store.layout import FORMAT, REJECTED
from contrafact.store.media import remove_stray_media

__all__ = ["complete", "describe"]


def complete(
    plan: Plan, reports: Sequence[Report], ended: str, told: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write what describes the dataset, then the manifest, then tidy up. Returns the manifest.

    Parameters
    ----------
    told : mapping, optional
        Entries of the manifest that the reports do not know, or know otherwise.
    """
    directory = plan.directory
    contents = [directory.contents(report["shard"]).relative_to(directory.path).as_posix() for report in reports]
    directory.gather(contents)
    manifest = _manifest(plan, reports, ended) | dict(told or {})
    usage = manifest.get("usage")
    accepted = manifest["accepted"]
    usage = usage_block(plan, reports, accepted) if usage is None else per_accepted(usage, accepted)
    if usage is not None:
        manifest["usage"] = usage
    media = sorted({path for report in reports for path in report.get("media", ())})
    if media:
        manifest["media"] = len(media)
    manifest["about"] = about(plan, manifest, [report["counts"] for report in reports])
    _remove_strays(plan, {file["path"] for file in manifest["files"]})
    remove_stray_media(directory.path, media)
    _keep_plugins(plan)
    describe(plan, manifest)
    directory.settle([*(file["path"] for file in manifest["files"]), *media])
    write_json(directory.manifest, manifest)
    directory.discard_work()
    return manifest


def describe(plan: Plan, manifest: Mapping[str, Any]) -> None:
    """Write the recipe and the card where they are not there yet, or say something else than this recipe does.

    A licence, a citation or a better description changes no data: it may be mended after the build.
    """
    text = yaml.safe_dump(plan.recipe.spec(), sort_keys=False, allow_unicode=True)
    recipe = plan.directory.recipe
    if not recipe.is_file() or recipe.read_text(encoding="utf-8") != text:
        plan.directory.gather(looked_into(plan.directory, manifest))
        write_croissant(plan.directory, manifest, plan.recipe)
        write_card(plan.directory, manifest, plan.recipe)
        report_quickly(plan.directory, manifest, plan.recipe.spec())
        write_text(recipe, text)  # last: a recipe that says the same means that the card was written too


def _manifest(plan: Plan, reports: Sequence[Report], ended: str) -> dict[str, Any]:
    """Nothing in it depends on when, where or by how many workers it was made."""
    funnel = Funnel()
    for report in reports:
        funnel.add(report["funnel"])
    parts = {part: sum(report["parts"][part] for report in reports) for part in [*plan.recipe.splits, REJECTED]}
    total = {key: sum(report[key] for report in reports) for key in ("units", "proposed", "accepted", "rejected")}
    if total["proposed"] != total["accepted"] + total["rejected"]:  # pragma: no cover
        raise AssertionError(f"pairs were lost: {total}")
    sources = sorted({source for report in reports for source in report["label_sources"]})
    return {
        "format": FORMAT,
        "identity": plan.identity,
        "identity_version": IDENTITY_VERSION,
        "identity_parts": dict(plan.parts),
        "libraries": libraries(),
        "name": plan.recipe.name,
        "code_version": __version__,
        "seed": plan.recipe.seed,
        "ended": ended,
        **total,
        "exact": sum(report["exact"] for report in reports),
        "label_sources": {
            source: sum(report["label_sources"].get(source, 0) for report in reports) for source in sources
        },
        "splits": {part: count for part, count in parts.items() if part != REJECTED},
        "overlap": overlap_of(
            [plan.directory.contents(report["shard"]) for report in reports], list(plan.recipe.splits)
        ),
        "funnel": [
            {"step": step, "judged": judged, "rejected": rejected} for step, (judged, rejected) in funnel.steps.items()
        ],
        "reasons": _ranked(funnel.reasons),
        "also": _ranked(funnel.also),
        "shards": [
            {key: report[key] for key in ("shard", "units", "proposed", "accepted", "rejected")} for report in reports
        ],
        "files": [file for report in reports for file in report["files"]],
    }


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _keep_plugins(plan: Plan) -> None:
    for place, content in plan.code.kept():
        with atomic_path(plan.directory.plugins / place) as temporary:
            temporary.write_bytes(content)


def _remove_strays(plan: Plan, listed: set[str]) -> None:
    """Files of shards that the quota did not need, and what a stopped build left half-written."""
    for folder in ("data", "rejected", "hidden"):
        for path in (plan.directory.path / folder).glob("*"):
            if path.relative_to(plan.directory.path).as_posix() not in listed:
                path.unlink()
