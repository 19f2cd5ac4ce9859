"""Building toy datasets, and looking at what is on disk afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contrafact.pipeline import run_local
from contrafact.plan import Plan, make_plan
from contrafact.recipe import Recipe, parse_recipe

PARITY = "tests.core.toys:Parity"
SMALL = {"use": "tests.core.toys:Small", "below": 30}
BREAKS = {"use": "tests.core.toys:Breaks"}
EVERY_OTHER = {"use": "tests.core.toys:EveryOther"}
DRUG: dict[str, Any] = {
    "name": "drug",
    "description": "A drug: with a colon, and 'quotes'.",
    "rows": 300,
    "licence": "apache-2.0",
    "tags": ["health: yes"],
    "citations": ["Pearl (2009), Causality"],
    "generator": {
        "use": "scm",
        "scm": {
            "variables": {
                "luck": {"mechanism": "root", "noise": "normal", "observed": False},
                "arm": {"mechanism": "categorical", "levels": ["low", "high"], "table": [0.5, 0.5]},
                "dose": {
                    "mechanism": "additive",
                    "expression": "luck + (2 if arm == 'high' else 0)",
                    "noise": "normal",
                },
            }
        },
        "interventions": [{"do": {"arm": "another"}}, {"shift": {"dose": 0.5}}],
        "label": {"expression": "dose > 1", "names": ["sick", "well"]},
    },
    "filters": {"label_flip": {"want": "flip"}},
}
"""A causal recipe with hidden truth, categorical and numeric changes, and a card that is all filled in."""

_STATE = {".lock"}  # the lock file outlives the build that held it and is no part of the dataset


def toy(options: dict[str, Any] | None = None, **keys: Any) -> Recipe:
    """A recipe of the toy generator: 45 units in shards of 10 unless ``keys`` say otherwise."""
    amount = {} if "accept" in keys else {"rows": 45}
    return parse_recipe({"name": "toy", "generator": {"use": PARITY, **(options or {})}, **amount, **keys})


def plan_of(recipe: Recipe, out: Path) -> Plan:
    return make_plan(recipe, None, out)


def built(recipe: Recipe, out: Path) -> dict[str, Any]:
    return run_local(recipe, None, out)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a run directory by its path in it, with its bytes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in _STATE)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def parquet_bytes(folder: Path) -> dict[str, bytes]:
    return {path: content for path, content in tree(folder).items() if path.endswith(".parquet")}


def stored(folder: Path, part: str = "data") -> pa.Table:
    """All rows of ``data``, ``rejected`` or ``hidden``, in the order of file names."""
    return pa.concat_tables([pq.read_table(path) for path in sorted((folder / part).glob("*.parquet"))])


def every_pair(folder: Path) -> pa.Table:
    """Accepted and rejected pairs of a run directory that has both."""
    return pa.concat_tables([stored(folder), stored(folder, "rejected")])
