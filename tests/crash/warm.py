"""What forked builds start from: everything imported, one build done, plans that are made once."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

from contrafact.pipeline import build, local_mapper
from contrafact.plan import Plan, make_plan
from contrafact.recipe import parse_recipe

__all__ = ["kept_plan", "warm_up"]


def warm_up() -> None:
    """One build here, so that no child has to import or read anything that it may find in memory."""
    recipe = {"name": "warm", "rows": 4, "generator": {"use": "tests.core.toys:Parity"}}
    with tempfile.TemporaryDirectory() as folder:
        build(make_plan(parse_recipe(recipe), None, Path(folder) / "warm"), local_mapper(1))


@cache
def kept_plan(recipe: str) -> Plan:
    """The plan of a recipe as JSON; where it is to be built is for the child to say."""
    return make_plan(parse_recipe(json.loads(recipe)), None, "outputs/not-here")
