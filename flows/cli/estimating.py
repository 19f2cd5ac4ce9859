"""``contrafact build --dry-run``: what a build would ask of a language model, before anything is sent."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from contrafact.plan import Plan
from contrafact.readiness import missing_key
from contrafact.spending import Forecast, forecast
from contrafact.store.layout import FORMAT
from contrafact.store.manifest import load_manifest

__all__ = ["estimate_command"]


def estimate_command(plan: Plan) -> None:
    """Print requests, tokens and money. Writes and sends nothing."""
    console = Console()
    manifest = load_manifest(plan.directory.manifest, FORMAT)
    if manifest is not None and manifest.get("identity") == plan.identity:
        console.print(f"{plan.directory.path} is complete already: nothing would be asked", highlight=False)
        return
    found = forecast(plan)
    name = plan.recipe.generator.use
    if found.estimate is None:
        console.print(
            f"the generator {name!r} does not say that it asks a language model anything: nothing to estimate",
            highlight=False,
            soft_wrap=True,
        )
        return
    console.print(_table(found))
    for line in _remarks(plan, found):
        console.print(line, style="dim", highlight=False, soft_wrap=True)
    if (problem := missing_key(plan)) is not None:
        console.print(
            f"a build would stop at once: {problem}", style="red", highlight=False, markup=False, soft_wrap=True
        )


def _table(found: Forecast) -> Table:
    estimate = found.estimate
    assert estimate is not None  # noqa: S101  # the caller looked
    cost = "unknown: engines.llm.prices are not given" if estimate.cost is None else f"{estimate.cost:,.4f}"
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for what, value in (
        ("requests", f"{estimate.requests:,}"),
        ("of which cached", f"{estimate.cached:,}"),
        ("prompt tokens", f"{estimate.prompt_tokens:,}"),
        ("completion tokens, at most", f"{estimate.completion_tokens:,}"),
        ("money, at most", cost),
    ):
        table.add_row(what, value)
    return table


def _remarks(plan: Plan, found: Forecast) -> list[str]:
    """What the figures rest on."""
    most = "at most " if plan.recipe.accept is not None else ""
    if found.sample < found.units:
        basis = f"scaled up from a sample of {found.sample:,} of {most}{found.units:,} units"
    else:
        basis = f"for all of {most}{found.units:,} units"
    lines = [
        f"{basis}; tokens and money are those of requests that are not cached",
        "prompt tokens are estimated at four characters each; answers that must be asked for again come on top",
    ]
    if plan.filters or plan.set_filters:
        asking = [who for what, who in plan.engines.needs.items() if what in ("logprobs", "scores")]
        lines.append(f"filters are not in it: what they ask depends on the pairs{_named(asking)}")
    return lines


def _named(asking: list[str]) -> str:
    return f" (they will: {', '.join(asking)})" if asking else ""
