"""What set filters are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from contrafact.recipe import parse_recipe
from tests.core.builds import EVERY_OTHER, built, stored
from tests.core.controlled import Controlled


class Strays(Controlled):
    """Controls of pairs that are nowhere."""

    name = "strays"

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        pair, control = super().make(unit, rng)
        yield pair
        yield {**control, "control_of": "nowhere/0"}


def test_a_control_whose_pair_is_not_in_its_shard_is_no_pair_to_a_set_filter(tmp_path: Path) -> None:
    generator = {"use": "tests.core.test_deciding:Strays"}
    built(parse_recipe({"name": "toy", "rows": 45, "generator": generator, "filters": {"turn": EVERY_OTHER}}), tmp_path)
    assert {row["pair_id"] for row in stored(tmp_path).to_pylist()} == {f"n{number}/0" for number in range(0, 45, 2)}
