"""An audit on disk: ``audit.json`` for programs, ``audit.md`` for people, beside the dataset and no part of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from contrafact.store.atomic import storable, write_json, write_text

__all__ = [
    "effect_rows",
    "markdown_of",
    "placebo_rows",
    "power_rows",
    "shortcut_rows",
    "skipped_of",
    "summary_of",
    "write_audit",
]

Told = Mapping[str, Any]

_CAVEAT = (
    "words of the text itself are what many labels are told from: that they tell one is a defect only where the label"
    " needs more than was shown (a hypothesis without its premise)"
)


def write_audit(found: Told, folder: Path) -> tuple[Path, Path]:
    """Write both files, each whole or not at all. Numbers that are none are null in JSON."""
    json_path, text_path = folder / "audit.json", folder / "audit.md"
    write_json(json_path, storable(found))
    write_text(text_path, markdown_of(found))
    return json_path, text_path


def summary_of(found: Told) -> list[str]:
    """What was audited, in sentences."""
    counts = found["counts"]
    lines = [f"{counts['pairs']:,} pairs and {counts['controls']:,} controls"]
    if "controls_within_half_a_point" in counts:
        share = counts["controls_within_half_a_point"] / max(1, counts["controls"])
        lines[0] += f", of which {share:.1%} change as many words as their pair's edit (within 0.5 points)"
    lines += [f"left out: {count:,} {reason}" for reason, count in found["drops"].items()]
    return [*lines, *found["notes"]]


def effect_rows(model: Told) -> tuple[Sequence[str], list[list[str]]]:
    """Titles and rows of the table of effects; ``*`` marks what is significant after correction."""
    titles = ["pairs", "n", "measure", "target", "control", "differ", "interval", "corrected p"]
    rows = [
        [
            each["family"],
            f"{each['pairs']:,}",
            each["measure"],
            f"{each['target']:.3f}",
            f"{each['control']:.3f}",
            f"{each['difference']:+.3f}",
            "" if each["low"] is None else f"{each['low']:+.3f} to {each['high']:+.3f}",
            _chance(each["p_corrected"]) + ("*" if each["significant"] else ""),
        ]
        for each in model["effects"]
    ]
    return titles, rows


def placebo_rows(model: Told) -> tuple[Sequence[str], list[list[str]]]:
    """Titles and rows of the A/A run."""
    tests = [*model["aa"]["tests"], {"family": "", "measure": "any", "test": "corrected", **model["aa"]["any"]}]
    rows = [[each["family"], each["measure"], each["test"], f"{each['rate']:.3f}",
             f"{each['low']:.3f} to {each['high']:.3f}", each["verdict"]] for each in tests]  # fmt: skip
    return ["pairs", "measure", "test", "false positives", "interval", "verdict"], rows


def power_rows(model: Told) -> tuple[Sequence[str], list[list[str]]]:
    """Titles and rows of the planted effects."""
    rows = [[each["measure"], each["test"], f"{each['effect']:.2f}", f"{each['power']:.3f}",
             f"{each['low']:.3f} to {each['high']:.3f}"] for each in model["power"]]  # fmt: skip
    return ["measure", "test", "planted", "found", "interval"], rows


def shortcut_rows(found: Told) -> tuple[Sequence[str], list[list[str]]]:
    """Titles and rows of the shortcuts that were tried."""
    rows = [
        [
            each["view"],
            each["tells"],
            f"{each['accuracy']:.3f}",
            f"{each['low']:.3f} to {each['high']:.3f}",
            f"{each['chance']:.3f}",
            _chance(each["p_corrected"]),
            "found" if each["found"] else "not found",
        ]
        for each in found["shortcuts"]
        if "skipped" not in each
    ]
    return ["sees", "tells", "accuracy", "interval", "chance", "corrected p", "shortcut"], rows


def skipped_of(found: Told) -> list[str]:
    """The shortcuts that were not tried, and why."""
    return [
        f"not tried, {each['view']} for the {each['tells']}: {each['skipped']}"
        for each in found["shortcuts"]
        if "skipped" in each
    ]


def markdown_of(found: Told) -> str:
    """The whole audit as Markdown."""
    told = found["settings"]
    settings = (
        f"Level {told['alpha']}, correction {told['correction']}, {told['draws']:,} bootstrap draws,"
        f" {told['runs']:,} simulated audits, seed {told['seed']}; identity {found['dataset']['identity']}."
    )
    shown = (
        "Classifiers that see only a part, on folds that divide no group, against always giving the commonest answer."
    )
    lines = [
        f"# Audit of {found['dataset']['name']}",
        "",
        *(f"* {line}" for line in summary_of(found)),
        "",
        settings,
        "",
    ]
    lines += [*_models(found["models"]), "## Shortcuts", "", shown, "", *_table(*shortcut_rows(found)), ""]
    lines += [*(f"* {line}" for line in skipped_of(found)), f"* {_CAVEAT}", ""]
    return "\n".join(lines)


def _models(models: Iterable[Told]) -> Iterator[str]:
    for model in models:
        yield from (f"## Effect of the edits on {model['model']}", "")
        yield from ("Target − control; every row is a test, and all of them are corrected together.", "")
        yield from (*_table(*effect_rows(model)), "")
        if model["aa"] is None:
            yield from (f"{model['selected'].capitalize()}.", "")
            continue
        yield from (f"### Where there is no effect ({model['aa']['runs']:,} A/A runs)", "")
        yield from (*_table(*placebo_rows(model)), "")
        yield from ("### Where one was planted", "", *_table(*power_rows(model)), "")


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _chance(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"
