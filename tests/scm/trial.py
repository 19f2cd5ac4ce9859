"""A made-up trial whose mechanisms are known, for the tests of models that are fitted to tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

__all__ = ["GRAPH", "ROWS", "trial_table"]

ROWS = 3_000
GRAPH = "age -> dose; age, arm -> sick; dose, arm, sick -> cost; sick -> ward; arm -> ward"


def trial_table() -> pa.Table:
    """3,000 rows of six variables and one column that no graph names."""
    #  age ──► dose ──► cost ◄── sick ──► ward
    #   ╰────► sick      ▲        ▲        ▲
    #          arm ──────┴────────┴────────╯
    rng = np.random.default_rng(7)
    age = rng.normal(50, 10, ROWS)
    arm = rng.integers(0, 3, ROWS)
    dose = 0.3 * age + 2 + rng.normal(0, 1, ROWS)
    sick = rng.uniform(size=ROWS) < 1 / (1 + np.exp(-(0.1 * (age - 50) + arm - 1)))
    cost = 2 * dose + np.array([0.0, 5.0, -3.0])[arm] + 4 * sick + rng.normal(0, 1, ROWS)
    ward = (rng.uniform(size=ROWS) < 0.2 + 0.6 * sick).astype(int)
    return pa.table(
        {
            "age": age,
            "arm": np.array(["high", "low", "middle"])[arm],
            "dose": dose,
            "sick": sick,
            "cost": cost,
            "ward": np.array(["east", "west"])[ward],
            "left over": np.zeros(ROWS),
        }
    )
