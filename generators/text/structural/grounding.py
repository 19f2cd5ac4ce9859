"""What a unit's text owes to no concept: who speaks, in which style, by which template, in which of the wordings.

It is exogenous: drawn once a unit, stored in the hidden truth, and the same before and after an intervention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.streams import Streams

__all__ = ["GROUNDING", "Choices", "Grounding", "draw", "grounding_field", "stored"]

GROUNDING = "grounding"
"""Field of the hidden truth that holds it."""


@dataclass(frozen=True)
class Choices:
    """What there is to draw from.

    Attributes
    ----------
    templates : mapping of style to int
        Templates of each style.
    personas : int
    wordings, details : mapping of name to int
        Wordings of each concept, and texts of each detail.
    """

    templates: Mapping[str, int]
    personas: int
    wordings: Mapping[str, int]
    details: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Grounding:
    """One unit's: a style by name, and indices from 0 for everything else."""

    style: str
    template: int
    persona: int
    wording: Mapping[str, int]
    details: Mapping[str, int] = field(default_factory=dict)


def draw(choices: Choices, streams: Streams, start: int, stop: int) -> list[Grounding]:
    """Grounding of units ``start`` to ``stop``, each choice uniform and from a stream of its own."""

    def indices(name: str, count: int) -> list[int]:
        return [int(each) for each in (streams.uniforms(f"grounding:{name}", start, stop) * count).astype(np.int64)]

    names = list(choices.templates)
    styles = [names[each] for each in indices("style", len(names))]
    places = streams.uniforms("grounding:template", start, stop)
    personas = indices("persona", choices.personas)
    wording = {name: indices(f"wording:{name}", count) for name, count in choices.wordings.items()}
    details = {name: indices(f"detail:{name}", count) for name, count in choices.details.items()}
    return [
        Grounding(
            styles[row],
            int(places[row] * choices.templates[styles[row]]),
            personas[row],
            {name: column[row] for name, column in wording.items()},
            {name: column[row] for name, column in details.items()},
        )
        for row in range(stop - start)
    ]


def grounding_field(choices: Choices) -> pa.Field:
    """The field of the hidden truth that holds a unit's grounding."""
    index = pa.int32()
    fields = [pa.field("style", pa.string()), pa.field("template", index), pa.field("persona", index)]
    fields.append(pa.field("wording", pa.struct([(name, index) for name in choices.wordings])))
    if choices.details:  # Parquet has no struct without fields
        fields.append(pa.field("details", pa.struct([(name, index) for name in choices.details])))
    return pa.field(GROUNDING, pa.struct(fields))


def stored(rows: Sequence[Mapping[str, Any]]) -> list[Grounding]:
    """Grounding from the hidden truth."""
    return [Grounding(**row) for row in rows]
