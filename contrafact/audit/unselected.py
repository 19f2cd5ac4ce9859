"""Candidates as they were before any model chose among them: what a model's own verdicts let through proves nothing.

A filter that keeps the pairs on which a model's answer moved, and the controls on which it did not, leaves a difference
between the two whatever the model is, a coin even. Its stored probabilities are tested on what it judged instead:
accepted rows, and rejected ones that nothing but such a filter, or what came after it, turned away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.audit.reading import Audited, drawn, numbered
from contrafact.controls import ALONE
from contrafact.errors import RecipeError
from contrafact.plugins import builtins_of, find
from contrafact.recipe import parse_recipe, parse_yaml
from contrafact.stages import SetFilter
from contrafact.store.layout import REJECTED
from contrafact.store.parquet import StoredFile, read_parquet

__all__ = ["SELECTED", "scored_aliases", "selecting", "unselected"]

SELECTED = "selected by the same model: no test"
"""What is said of a model whose rejects are gone."""


def scored_aliases(data: Audited) -> list[str]:
    """Filters that stored a model's probabilities of both sides with the pairs."""
    names = {each.name for each in data.column("scores").type if pa.types.is_list(each.type)}
    found = [name.removesuffix("_factual") for name in sorted(names) if name.endswith("_factual")]
    return [alias for alias in found if f"{alias}_counterfactual" in names]


def selecting(data: Audited, aliases: Collection[str]) -> int:
    """How many rejects these filters account for: reasons that they gave, first or besides."""
    starts = tuple(f"{alias}: " for alias in aliases)
    given = [*data.manifest["reasons"].items(), *data.manifest["also"].items()]
    return sum(count for reason, count in given if reason.startswith(starts))


def unselected(data: Audited, aliases: Collection[str], most: int) -> Audited | None:
    """Rows before the verdicts of ``aliases``: ``data`` itself where they rejected nothing.

    Filters of several models are taken together, since models agree. What judged only the rows that were left (set
    filters, a quota) is taken back too: it would thin out one side alone.

    Parameters
    ----------
    most : int
        Rows to read at the most, by whole groups.

    Returns
    -------
    Audited or None
        None where rejected rows are not there any more, or were changed.
    """
    if not selecting(data, aliases):
        return data
    files = [StoredFile(**spec) for spec in data.manifest["files"]]
    listed = [each for each in files if each.path.startswith(("data/", f"{REJECTED}/"))]
    if sum(each.rows for each in listed) != data.manifest["proposed"]:
        return None
    if not all(each.intact(data.directory.path, deep=True) for each in listed):
        return None
    forgiven = (ALONE, *(f"{alias}: " for alias in [*aliases, *_after(data), "quota"]))
    share = most / max(1, data.manifest["proposed"])
    tables = []
    for each in listed:
        pairs = read_parquet(data.directory.path / each.path)
        tables.append(drawn(pairs.filter(pa.array(_only(pairs, forgiven))), share, {}))
    pairs = pa.concat_tables(tables).combine_chunks()
    place, groups = numbered(pairs)
    return replace(data, pairs=pairs, place=place, groups=groups)


def _only(pairs: pa.Table, starts: tuple[str, ...]) -> NDArray[np.bool_]:
    """Rows that could be made and have no reason but those which begin so. Shape (n,)."""
    reasons = pairs["reasons"].combine_chunks()
    whole = pc.is_valid(pairs["counterfactual"]).to_numpy().copy()
    other = np.array([not text.startswith(starts) for text in reasons.flatten().to_pylist()], dtype=bool)
    whole[pc.list_parent_indices(reasons).to_numpy()[other]] = False
    return np.asarray(whole, dtype=bool)


def _after(data: Audited) -> Iterator[str]:
    """Aliases of built-in set filters. Others are not looked at: a dataset's own code is not run."""
    try:
        recipe = parse_recipe(parse_yaml(data.directory.recipe.read_text(encoding="utf-8"), "recipe.yaml"))
    except (OSError, RecipeError):
        return
    known = builtins_of("filter")
    for alias, each in recipe.filters.items():
        if each.use in known and issubclass(find("filter", each.use), SetFilter):
            yield alias
