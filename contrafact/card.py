"""The dataset card: a README.md from what the run found, with the header by which ``load_dataset`` finds the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from contrafact.plan import Plan
from contrafact.record import levels_of
from contrafact.store.atomic import write_text
from contrafact.store.layout import REJECTED
from contrafact.summaries import summaries

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["write_card"]

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)
_REASONS_SHOWN = 20


def write_card(plan: Plan, manifest: Mapping[str, Any]) -> None:
    """Write the card of a complete dataset."""
    configs, shown = list(_configs(manifest)), list(manifest["reasons"].items())[:_REASONS_SHOWN]
    text = _template().render(
        manifest=manifest,
        recipe=plan.recipe,
        configs=configs,
        names=[config["name"] for config in configs],
        size=next((name for limit, name in _SIZES if manifest["accepted"] < limit), "n>100M"),
        reasons=shown,
        other_reasons=len(manifest["reasons"]) - len(shown),
        other_rejected=manifest["rejected"] - sum(count for _, count in shown),
        advice=[(reason, fix) for reason, fix in plan.generator.advice().items() if reason in manifest["reasons"]],
        also=list(manifest["also"].items())[:_REASONS_SHOWN],
        scores=summaries(plan.schema, _accepted(plan, manifest)),
        columns=[(column.name, kind_text(column)) for column in plan.schema],
        edges=list(_edges(plan)),
        notes=plan.generator.notes(),
        origin=plan.generator.model_origin(),
    )
    write_text(plan.directory.card, text)


@cache
def _template() -> Template:
    """The card's template: reading it takes longer than a small build."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, autoescape=False)  # noqa: S701  # Markdown
    return environment.get_template("card.md.jinja")


def kind_text(column: pa.Field) -> str:
    """A column's type in words a reader of the card knows."""
    levels = levels_of(column)
    if levels is not None:
        return f"class label: {', '.join(levels)}"
    kind = column.type
    if pa.types.is_struct(kind):
        return "; ".join(f"`{inner.name}` {kind_text(inner)}" for inner in kind) or "nothing"
    if pa.types.is_list(kind):
        return f"list of ({kind_text(kind.value_field)})"
    return {"double": "float64", "bool": "boolean"}.get(str(kind), str(kind))


def _configs(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The configurations that have files: ``load_dataset`` fails on a pattern that matches nothing."""
    paths = {file["path"] for file in manifest["files"]}
    splits = [split for split, count in manifest["splits"].items() if count]
    if splits:
        files = [(split, f"data/{split}-*.parquet") for split in splits]
        yield {"name": "pairs", "default": True, "files": files}
    if manifest["rejected"]:
        yield {"name": REJECTED, "default": not splits, "files": [(REJECTED, "rejected/rejected-*.parquet")]}
    if any(path.startswith("hidden/") for path in paths):
        parts = [part for part in (*splits, REJECTED) if any(path.startswith(f"hidden/{part}-") for path in paths)]
        yield {"name": "hidden", "default": False, "files": [(part, f"hidden/{part}-*.parquet") for part in parts]}


def _accepted(plan: Plan, manifest: Mapping[str, Any]) -> list[Path]:
    return [plan.directory.path / file["path"] for file in manifest["files"] if file["path"].startswith("data/")]


def _edges(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    graph = plan.generator.graph()
    if graph is not None:
        yield from ((cause, sorted(graph.successors(cause))) for cause in graph if graph.out_degree(cause))
