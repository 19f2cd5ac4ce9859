"""The work on one shard: candidates, then verdicts, then Parquet. Each step is a function that leaves a report.

A report is written after the files it speaks of, so what has a report is finished; a step that finds one does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.candidates import hidden_of, make_candidates
from contrafact.controls import beside, kept_with_pairs, without_orphans
from contrafact.deciding import sketched, write_sketch
from contrafact.judging import Funnel, apply_judgements, judge, with_reasons
from contrafact.overlap import write_contents
from contrafact.plan import Plan
from contrafact.publishing.counting import counted
from contrafact.record import HIDDEN
from contrafact.stages import Judgement
from contrafact.store.atomic import read_json, write_json
from contrafact.store.layout import REJECTED
from contrafact.store.media import media_paths, media_there, put_media
from contrafact.store.mirrors import fetched
from contrafact.store.parquet import StoredFile, read_arrow, write_arrow, write_parquet
from contrafact.store.splits import assign_splits

__all__ = ["Report", "finish_shard", "finished_report", "propose", "settle"]

Report = dict[str, Any]


def propose(plan: Plan, shard: int) -> Report:
    """Make and judge one shard's candidates.

    They are written to wait for the others where the plan has set filters or a quota, and straight to Parquet where it
    has none.
    """
    # In a build of two steps a shard that is finished was proposed: what the other shards are told is the same as ever.
    done = finished_report(plan, "proposed" if plan.staged else "finished", shard)
    if done is not None:
        return done
    pairs = make_candidates(plan, shard)
    return settle(plan, shard, pairs, judge(pairs, plan.filters, plan.proof))


def settle(plan: Plan, shard: int, pairs: pa.Table, judgements: Mapping[str, Judgement]) -> Report:
    """Apply the pair filters' judgements to one shard's candidates, and write what comes of it."""
    funnel = Funnel()
    _count_made(pairs, plan, funnel)
    pairs = apply_judgements(pairs, judgements, funnel)
    if not plan.staged:
        return _write(plan, shard, without_orphans(pairs, funnel), funnel)
    place = beside(pairs)
    for each in plan.set_filters:
        write_sketch(plan.directory.sketch(each.alias, shard), sketched(each, pairs), pairs, place)
    pairs = put_media(pairs, plan.directory.path, plan.recipe.media)
    write_arrow(pairs, plan.directory.candidates(shard))
    report = {
        "shard": shard,
        "units": _units(plan, shard),
        "proposed": pairs.num_rows,
        "alive": int(np.count_nonzero(kept_with_pairs(pairs["accepted"].to_numpy(), place))),
        "controls": 0 if place is None else int(np.count_nonzero(place != -1)),
        "paid": _paid(pairs),
        "funnel": funnel.spec(),
    }
    if media := media_paths(pairs):
        report["media"] = media
    write_json(plan.directory.report("proposed", shard), report)
    return report


def finish_shard(plan: Plan, shard: int, room: int | None = None, *, needed: bool = True) -> Report:
    """Apply the set filters' verdicts and the quota to a shard that waited, and write its Parquet.

    Parameters
    ----------
    room : int, optional
        How many more accepted pairs the quota takes when this shard's turn comes; None where there is no quota.
    needed : bool
        False for a shard that the quota turned out not to need, and that stays because it was paid for: set filters
        do not judge it.
    """
    done = finished_report(plan, "finished", shard)
    if done is not None:
        return done
    report = read_json(plan.directory.report("proposed", shard))
    funnel = Funnel()
    funnel.add(report["funnel"])
    pairs = read_arrow(plan.directory.candidates(shard))
    if plan.set_filters and needed:
        pairs = apply_judgements(pairs, read_verdicts(plan, shard), funnel)
    pairs = without_orphans(pairs, funnel)
    if room is not None:
        pairs = _within_quota(pairs, room, plan.recipe.accept or 0, funnel)
    return _write(plan, shard, pairs, funnel)


def finished_report(plan: Plan, stage: str, shard: int) -> Report | None:
    """The report of a finished step whose files are all still whole, else None."""
    report = read_json(plan.directory.report(stage, shard))
    if report is None:
        return None
    files = [StoredFile(**spec) for spec in report.get("files", ())]
    whole = all(file.intact(plan.directory.path, deep=True) for file in files)
    waiting = stage != "proposed" or fetched(plan.directory.candidates(shard))
    there = media_there(report.get("media", ()), plan.directory.path)
    return report if whole and waiting and there else None


def read_verdicts(plan: Plan, shard: int) -> dict[str, Judgement]:
    """The set filters' judgements on one shard, by alias."""
    table = read_arrow(plan.directory.verdicts(shard))
    judgements = {}
    for each in plan.set_filters:
        names = [column.name for column in each.score_fields()]
        groups = f"{each.alias}:groups"
        judgements[each.alias] = Judgement(
            table[f"{each.alias}:passed"].to_numpy(),
            table[f"{each.alias}:reason"].to_numpy(),
            {name: table[f"{each.alias}:score:{name}"].combine_chunks() for name in names},
            table[groups].combine_chunks() if groups in table.column_names else None,
        )
    return judgements


def _count_made(pairs: pa.Table, plan: Plan, funnel: Funnel) -> None:
    made = int(np.count_nonzero(pairs["accepted"]))
    funnel.count(plan.generator.name, pairs.num_rows, pairs.num_rows - made)


def _paid(pairs: pa.Table) -> bool:
    """Whether any pair stands on a model's reply, or cost anything."""
    provenance = pairs["provenance"].combine_chunks()
    requests = pa.compute.list_value_length(provenance.field("request_ids"))
    return (
        bool(pa.compute.any(pa.compute.greater(requests, 0)).as_py())
        or (pa.compute.sum(provenance.field("cost")).as_py() or 0.0) > 0
    )


def _within_quota(pairs: pa.Table, room: int, quota: int, funnel: Funnel) -> pa.Table:
    alive = pairs["accepted"].to_numpy()
    over = alive & (np.cumsum(alive) > room)
    funnel.count("quota", int(alive.sum()), int(over.sum()))
    if not over.any():
        return pairs
    pairs = with_reasons(pairs, [(over, f"quota: {quota} accepted pairs were asked for, and there are as many")])
    position = pairs.schema.get_field_index("accepted")
    return pairs.set_column(position, pairs.schema.field("accepted"), pa.array(alive & ~over))


def _write(plan: Plan, shard: int, pairs: pa.Table, funnel: Funnel) -> Report:
    recipe, directory = plan.recipe, plan.directory
    pairs = put_media(pairs, directory.path, recipe.media)
    funnel.explain(pairs["reasons"].combine_chunks())
    parts = [*recipe.splits, REJECTED]
    place = np.full(pairs.num_rows, len(recipe.splits), dtype=np.int64)
    accepted = pairs["accepted"].to_numpy()
    split = assign_splits(pairs["group_id"].combine_chunks(), recipe.splits, recipe.seed)
    place[accepted] = split[accepted]
    order = np.argsort(place, kind="stable")
    counts = np.bincount(place, minlength=len(parts))
    hidden = hidden_of(pairs)
    seen = pairs.drop_columns([HIDDEN]) if hidden is not None else pairs
    files = []
    start = 0
    for part, count in zip(parts, counts, strict=True):
        rows = pa.array(order[start : start + count])
        start += int(count)
        if not count:
            continue
        files.append(write_parquet(seen.take(rows).combine_chunks(), directory.pairs(part, shard), directory.path))
        if hidden is not None:
            files.append(
                write_parquet(hidden.take(rows).combine_chunks(), directory.hidden(part, shard), directory.path)
            )
    write_contents(directory.contents(shard), seen, place, len(recipe.splits))
    report = {
        "shard": shard,
        "units": _units(plan, shard),
        "proposed": pairs.num_rows,
        "accepted": int(accepted.sum()),
        "rejected": int((~accepted).sum()),
        "parts": {part: int(count) for part, count in zip(parts, counts, strict=True)},
        "label_sources": _tally(pairs, "label_source", accepted),
        "exact": int(np.count_nonzero(pairs["exact"].to_numpy() & accepted)),
        "paid": _paid(pairs),
        "funnel": funnel.spec(),
        "counts": counted(pairs, plan.schema, accepted),
        "files": [file.spec() for file in files],
    }
    if media := media_paths(seen):
        report["media"] = media
    write_json(directory.report("finished", shard), report)
    return report


def _tally(pairs: pa.Table, name: str, accepted: NDArray[np.bool_]) -> dict[str, int]:
    counts = pa.compute.value_counts(pairs[name].filter(pa.array(accepted)))
    return {str(entry["values"]): entry["counts"].as_py() for entry in counts}


def _units(plan: Plan, shard: int) -> int:
    start, stop = plan.span(shard)
    return stop - start
