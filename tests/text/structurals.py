"""What tests of ``structural`` share: pairs of a setting, and a small setting of a test's own."""

from __future__ import annotations

import copy
from typing import Any

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.samples import named
from contrafact.stages import Context
from contrafact.streams import Streams
from generators.text.structural.generator import StructuralGenerator
from tests.text.phrasals import Answer, Model

SETTINGS = ("cv", "disease", "violence")

FEW: dict[str, Any] = {
    "scm": {
        "name": "few",
        "variables": {
            "rain": {"mechanism": "bernoulli", "probability": 0.5},
            "degrees": {"mechanism": "discrete", "values": [3, 12, 25], "table": [0.3, 0.4, 0.3]},
            "walk": {"mechanism": "boolean", "expression": "not rain and degrees > 10"},
        },
    },
    "label": "walk",
    "styles": {"plain": {"templates": ["{who} writes: [rain] [degrees]", "[degrees] [rain] ({who})"]}},
    "personas": [{"who": "Ada"}, {"who": "Bo"}],
    "concepts": {
        "rain": {
            "wordings": {"any": {"true": ["It rains.", "It is wet."], "false": ["It is dry.", "There is no rain."]}},
            "read": {"true": ["rains", "wet"], "false": ["dry", "no rain"]},
        },
        "degrees": {
            "wordings": {"any": ["It is {value} degrees.", "The thermometer shows {value} degrees."]},
            "read": [r"(\d+) degrees"],
        },
    },
}
"""Two concepts, one of them a number, and a label that no text tells."""


def few(**changes: Any) -> dict[str, Any]:
    """The small setting with some of its keys changed, one level down where both are mappings."""
    spec = copy.deepcopy(FEW)
    for key, value in changes.items():
        spec[key] = {**spec[key], **value} if isinstance(value, dict) and isinstance(spec.get(key), dict) else value
    return spec


def context(seed: int = 3, start: int = 0, model: Any = None) -> Context:
    engines = Engines()
    if model is not None:
        vars(engines)["llm"] = model
    return Context(Streams(seed, "tests"), "recipe", seed, start, engines)


def table(generator: StructuralGenerator, start: int, stop: int, model: Any = None, seed: int = 3) -> pa.Table:
    """Candidates of some units."""
    return generator.generate(generator.source(seed).read(start, stop), context(seed, start, model))


def pairs(setting: Any, interventions: Any, rows: int = 200, **options: Any) -> list[dict[str, Any]]:
    """Pairs of the first units, with levels by name."""
    return named_pairs(StructuralGenerator(setting, interventions, **options), rows)


def named_pairs(generator: StructuralGenerator, rows: int, answer: Answer | None = None) -> list[dict[str, Any]]:
    made = table(generator, 0, rows, None if answer is None else Model(answer))
    shape = generator.shape()
    struct = pa.struct(list(shape.members))
    columns = [made[name].combine_chunks() for name in made.column_names]
    fields = [
        pa.field(name, struct)
        if name in ("factual", "counterfactual")
        else shape.label.with_name(name)
        if name in ("label", "counterfactual_label")
        else made.schema.field(name)
        for name in made.column_names
    ]
    return named(pa.table(columns, schema=pa.schema(fields)))
