"""What a complete dataset tells of itself beyond counts, in its manifest: graph, inputs, methods, limits, what moved.

It is all that the card, the report and Croissant need besides the recipe, so that they can be written again without
the plug-ins that made the dataset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrafact.inputs import Input
from contrafact.publishing.counting import counts_numbers
from contrafact.publishing.facts import agreements, interventions, label_moves, score_rows

if TYPE_CHECKING:
    from contrafact.plan import Plan
    from contrafact.stages import PairFilter, SetFilter

__all__ = ["about"]


def about(plan: Plan, manifest: Mapping[str, Any], shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The manifest's ``about``.

    Parameters
    ----------
    shards : sequence of mapping
        What each counted of its pairs (:func:`contrafact.publishing.counting.counted`), in their order.
    manifest : mapping
        With all but ``about``. Where the dataset was decided again, it holds what it told before: its inputs stay,
        since nothing opens them a second time.

    Returns
    -------
    dict
        ``model``, ``model_origin``, ``graph`` (``nodes`` and ``edges``, or None), ``inputs``, ``citations``, ``notes``,
        ``advice``, ``interventions``, ``label_moves``, ``agreement`` and ``scores``.
    """
    inputs = {each["name"]: each for each in manifest.get("about", {}).get("inputs", ())}
    generator = plan.generator
    return {
        "model": generator.model_name(),
        "model_origin": generator.model_origin(),
        "graph": _graph(plan),
        "inputs": list((inputs | {each.name: each.spec() for each in _inputs(plan, manifest)}).values()),
        "citations": list(dict.fromkeys(_citations(plan))),
        "notes": list(generator.notes()),
        "advice": {reason: fix for reason, fix in generator.advice().items() if reason in manifest["reasons"]},
        "interventions": interventions(shards),
        "label_moves": label_moves(shards, numbers=counts_numbers(plan.schema)),
        "agreement": agreements(shards),
        "scores": score_rows(shards),
    }


def _graph(plan: Plan) -> dict[str, Any] | None:
    graph = plan.generator.graph()
    if graph is None:
        return None
    edges = [[cause, effect] for cause in graph for effect in sorted(graph.successors(cause))]
    return {"nodes": list(graph), "edges": edges}


def _inputs(plan: Plan, manifest: Mapping[str, Any]) -> Iterator[Input]:
    yield from _source(plan)
    yield from plan.source.inputs()
    if "usage" in manifest:
        model = plan.generator.model_name() or plan.recipe.engines.get("llm", {}).get("model") or "a language model"
        yield Input(f"replies of {model}", "a language model")
    yield from plan.generator.inputs()
    for judge in _filters(plan):
        yield from judge.inputs()


def _source(plan: Plan) -> Iterator[Input]:
    """The recipe's own source by its name: paths of the machine that built are nobody's business."""
    spec = plan.recipe.source
    given = {"path": spec} if isinstance(spec, str) else dict(spec or {})
    text = str(given.get("dataset") or given.get("path") or "")
    if "dataset" in given or text.startswith("hf:"):
        name = text.removeprefix("hf:")
        yield Input(name, f"https://huggingface.co/datasets/{name}")
    elif text:
        yield Input(Path(text).name, "a file of the author's")


def _citations(plan: Plan) -> Iterator[str]:
    yield from plan.generator.citations
    for judge in _filters(plan):
        yield from judge.citations


def _filters(plan: Plan) -> list[PairFilter | SetFilter]:
    return [*plan.filters, *plan.set_filters]
