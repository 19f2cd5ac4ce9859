"""One small model written out as a recipe writes it, and recipes around it."""

from __future__ import annotations

from typing import Any

from contrafact.recipe import Recipe, parse_recipe
from generators.scm.model import SCM
from generators.scm.readers.spec import scm_from_spec

SPEC: dict[str, Any] = {
    "name": "clinic",
    "variables": {
        "age": {"mechanism": "root", "noise": {"normal": [50, 10]}, "support": {"lower": 0, "upper": 120}},
        "arm": {
            "mechanism": "categorical",
            "levels": ["none", "low", "high"],
            "logits": {"none": 0, "low": 0.5, "high": "0.05 * (age - 50)"},
        },
        "dose": {
            "mechanism": "additive",
            "expression": "2 if arm == 'high' else 1 if arm == 'low' else 0",
            "noise": {"normal": [0, 0.2]},
        },
        "visits": {"mechanism": "discrete", "values": [0, 1, 2, 3], "table": [0.4, 0.3, 0.2, 0.1]},
        "cured": {"mechanism": "bernoulli", "probability": "sigmoid(dose - 0.02 * age + 0.1 * visits)"},
    },
    "domains": {
        "north": {"dose": {"mechanism": "additive", "expression": "1.5", "noise": {"normal": [0, 0.2]}}},
        "south": {"dose": {"mechanism": "additive", "expression": "0.5", "noise": {"normal": [0, 0.2]}}},
    },
}


def clinic() -> SCM:
    return scm_from_spec(SPEC)


def recipe(interventions: Any, label: Any = "cured", **options: Any) -> Recipe:
    """A recipe over the clinic; keys of the recipe itself are given as ``keys``."""
    keys = options.pop("keys", {})
    generator = {"use": "scm", "scm": SPEC, "interventions": interventions, "label": label, **options}
    return parse_recipe({"name": "clinic", "rows": 100, "generator": generator, **keys})
