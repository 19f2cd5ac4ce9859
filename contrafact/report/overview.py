"""The figures and plots of a report: what the template is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from markupsafe import Markup

from contrafact.publishing.showing import exact_meaning
from contrafact.report.charts import heat, histogram, number, percent, scatter
from contrafact.report.featured import featured
from contrafact.report.fields import Field
from contrafact.report.graph import graph_svg
from contrafact.report.metrics import directions, disagreements, pareto_set, rank_correlations, verdicts
from contrafact.report.reading import Shown

__all__ = ["Overview", "overview"]

_REASONS = 12
_BARS = 10
_SCORES = 12
_CLASSES = 10
_METRICS = 10


@dataclass(frozen=True)
class Overview:
    """What stands above the pairs.

    Attributes
    ----------
    context : dict
        What the template reads.
    front : ndarray of int64
        Rows of the Pareto set.
    """

    context: dict[str, Any]
    front: Any


def overview(shown: Shown, fields: Sequence[Field], manifest: Mapping[str, Any], recipe: Mapping[str, Any]) -> Overview:
    """Everything that the page tells of a dataset as a whole.

    Parameters
    ----------
    recipe : mapping
        The resolved recipe.
    """
    about = manifest.get("about") or {}
    graph = about.get("graph")
    drawn = graph_svg(graph) if graph else None
    sides, front = _metrics(shown, manifest)
    context = {
        "manifest": manifest,
        "about": about,
        "description": recipe.get("description") or "",
        "licence": recipe.get("licence") or "",
        "recipe": yaml.safe_dump(_told(recipe), sort_keys=False, allow_unicode=True, width=100),
        "shown": shown,
        "rate": percent(manifest["accepted"] / max(1, manifest["proposed"])),
        "exact": percent(manifest["exact"] / max(1, manifest["accepted"])),
        "exact_meaning": exact_meaning(manifest),
        "sources": _shares(manifest["label_sources"]),
        "main_source": max(_shares(manifest["label_sources"]), key=lambda each: int(each["count"]), default=None),
        "funnel": list(_funnel(manifest)),
        "reasons": list(_reasons(manifest)),
        "other_reasons": max(0, len(manifest["reasons"]) - _REASONS),
        "splits": _shares(manifest["splits"]),
        "labels": _labels(shown),
        "edits": _edits(shown),
        "scores": list(_scores(shown)),
        "graph": drawn,
        "large_graph": graph if graph and drawn is None else None,
        "pair": featured(shown, fields, graph),
        "sides": sides,
        "usage": manifest.get("usage"),
    }
    return Overview(context, front)


def _told(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe without what says how it was run: that changes no byte of a dataset, and shall change none here."""
    left_out = ("workers", "output")
    return {key: value for key, value in recipe.items() if key not in left_out and value not in (None, "", [], {})}


def _shares(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    whole = max(1, sum(counts.values()))
    return [
        {"name": name, "count": count, "share": count / whole, "text": percent(count / whole)}
        for name, count in counts.items()
        if count
    ]


def _funnel(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step with what came to it and what it turned away, as shares of what was proposed."""
    proposed = max(1, manifest["proposed"])
    for step in manifest["funnel"]:
        left = step["judged"] - step["rejected"]
        yield {
            **step,
            "left": left,
            "kept_share": 100 * left / proposed,
            "lost_share": 100 * step["rejected"] / proposed,
            "text": percent(step["rejected"] / max(1, step["judged"])),
        }


def _reasons(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    shown = list(manifest["reasons"].items())[:_REASONS]
    most = max((count for _, count in shown), default=1)
    for reason, count in shown:
        step, _, why = reason.partition(": ")
        share = count / max(1, manifest["rejected"])
        yield {"whole": reason, "step": step, "why": why or step, "count": count,
               "width": 100 * count / most, "text": percent(share)}  # fmt: skip


def _targets(shown: Shown) -> Shown:
    """Accepted pairs that are no controls."""
    kept = pc.and_(pa.array(shown.accepted), pc.is_null(shown.column("control_of")))
    return Shown(shown.pairs.filter(kept), shown.whole, shown.how)


def _labels(shown: Shown) -> dict[str, Any]:
    """How labels moved, among accepted pairs that are no controls: a matrix of classes, or a plot of numbers."""
    pairs = _targets(shown)
    fact, other = pairs.column("label"), pairs.column("counterfactual_label")
    known = pc.and_(pc.is_valid(fact), pc.is_valid(other))
    fact, other = fact.filter(known), other.filter(known)
    if not len(fact):
        return {}
    moved = int(pc.sum(pc.not_equal(fact, other)).as_py() or 0)
    controls = int(np.count_nonzero(shown.accepted)) - pairs.rows
    told: dict[str, Any] = {"moved": percent(moved / len(fact)), "pairs": len(fact), "controls": controls}
    if pa.types.is_floating(fact.type):
        x, y = (each.cast(pa.float64()).to_numpy(zero_copy_only=False) for each in (fact, other))
        drawn = {"accepted": np.ones(len(x), dtype=bool)}
        return {**told, "plot": scatter(("factual label", "counterfactual label"), x, y, drawn)}
    names = _classes(shown, fact, other)
    if names is None:
        return told
    codes = [pc.index_in(each.cast(pa.string()), pa.array(list(names))).to_numpy() for each in (fact, other)]
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (codes[0], codes[1]), 1)
    words = [names[key] for key in names]
    texts = [[f"{count:,}" if count else "·" for count in row] for row in counts.tolist()]
    shades = counts / max(1, counts.max())
    return {**told, "plot": heat("Factual labels in rows, counterfactual ones in columns", words, words, shades, texts)}


def _classes(shown: Shown, fact: pa.Array, other: pa.Array) -> dict[str, str] | None:
    """Labels as they are stored, by the text of their code, with their names; None for too many of them."""
    used = pc.unique(pa.chunked_array([fact, other]).combine_chunks().cast(pa.string())).to_pylist()
    levels = shown.levels
    if levels is not None and len(levels) <= _CLASSES:
        return {str(code): name for code, name in enumerate(levels)} | {
            each: each for each in used if not each.isdigit()
        }
    if len(used) > _CLASSES:
        return None
    return {each: levels[int(each)] if levels is not None else each for each in sorted(used)}


def _edits(shown: Shown) -> list[dict[str, Any]]:
    """The commonest interventions among accepted pairs that are no controls: operation, variable, share."""
    lists = _targets(shown).column("intervention").flatten()
    if not len(lists):
        return []
    names = pc.binary_join_element_wise(
        pc.struct_field(lists, "operation").fill_null(""), pc.struct_field(lists, "variable").fill_null(""), " "
    )
    counts = sorted(((each["counts"], each["values"]) for each in pc.value_counts(names).to_pylist()), reverse=True)
    rest = sum(count for count, _ in counts[_BARS:])
    told = {name: count for count, name in counts[:_BARS]} | ({"others": rest} if rest else {})
    return _shares(told)


def _scores(shown: Shown) -> Iterator[dict[str, Any]]:
    accepted = shown.accepted
    for name in shown.score_names():
        values = shown.score(name)
        finite = np.isfinite(values)
        if finite.any() and np.ptp(values[finite]) > 0:
            kept = values[finite & accepted]
            middle = number(float(np.median(kept))) if len(kept) else "–"
            yield {"name": name, "plot": histogram(name, values, accepted), "median": middle,
                   "pairs": int(np.count_nonzero(finite))}  # fmt: skip


def _metrics(shown: Shown, manifest: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """Scores and verdicts beside one another."""
    steps = [step["step"] for step in manifest["funnel"]]
    away = verdicts(shown.column("reasons"), steps[1:])
    made = pc.is_valid(shown.column("counterfactual")).to_numpy(zero_copy_only=False)
    scores = {name: shown.score(name) for name in shown.score_names()}
    varying = {name: values for name, values in scores.items() if _varies(values)}
    better = directions(varying, away)
    # Rows compete where they could be made; what is turned away may still be on the front, and that is worth a look.
    front = pareto_set(varying, better) if len(better) > 1 else np.empty(0, dtype=np.int64)
    told: dict[str, Any] = {"better": better, "front": len(front), "differ": []}
    for each in sorted(disagreements(away, made), key=lambda each: -each.differ)[:_BARS]:
        told["differ"].append({"pair": each, "differ": percent(each.differ), "kappa": number(each.kappa)})
    names = list(varying)[:_METRICS]
    if len(names) > 1:
        told["plot"] = _correlations({name: varying[name] for name in names})
    if len(front):
        told["scatter"] = _front_plot(shown, varying, better, front)
    return told, front


def _varies(values: Any) -> bool:
    finite = values[np.isfinite(values)]
    return len(finite) > 2 and float(np.ptp(finite)) > 0


def _correlations(scores: Mapping[str, Any]) -> Markup:
    names = list(scores)
    values, texts = np.zeros((len(names), len(names))), [["" for _ in names] for _ in names]
    for each in rank_correlations(scores):
        row, column = names.index(each.other), names.index(each.one)
        values[row, column] = 0.0 if np.isnan(each.rho) else each.rho
        texts[row][column] = "–" if np.isnan(each.rho) else f"{each.rho:+.2f}"
    return heat("Spearman's rank correlations of the scores", names[1:], names[:-1], values[1:, :-1],
                [row[:-1] for row in texts[1:]])  # fmt: skip


def _front_plot(shown: Shown, scores: Mapping[str, Any], better: Mapping[str, int], front: Any) -> Markup:
    spread = sorted(better, key=lambda name: -len(np.unique(scores[name][np.isfinite(scores[name])])))
    one, other = spread[:2]
    ahead = np.zeros(shown.rows, dtype=bool)
    ahead[front] = True
    accepted = shown.accepted
    kinds = {"rejected": ~accepted & ~ahead, "accepted": accepted & ~ahead, "front": ahead}
    return scatter((one, other), scores[one], scores[other], kinds)
