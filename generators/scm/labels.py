"""The label of a pair: a variable of the model, or an expression over its observed variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import ModelError, RecipeError, did_you_mean
from contrafact.record import class_label
from generators.scm.expression import Expression
from generators.scm.interventions import as_column
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM
from generators.scm.support import REAL

__all__ = ["Labeller"]


class Labeller:
    """Reads the label from a world.

    Parameters
    ----------
    spec : str or mapping
        A variable's name; an expression; or ``{expression: ..., names: [when false, when true]}``.
    model : SCM

    Raises
    ------
    RecipeError
        Where it is neither a variable nor an expression over the model's variables.
    """

    def __init__(self, spec: str | Mapping[str, Any], model: SCM) -> None:
        self.model = model
        text, names = _parts(spec)
        self.variable = text if text in model.variables else None
        if self.variable is not None:
            self.field = model.variables[text].support.arrow(text)
            return
        levels = {name: each.support.levels for name, each in model.variables.items() if each.support.levels}
        try:
            self.expression = Expression(text, levels=levels, known=list(model.variables))
        except ModelError as error:
            raise RecipeError(
                f"the label {text!r} is no variable of {model.name!r}{did_you_mean(text, model.variables)}"
                f" and no expression: {error.what}",
                allowed=", ".join(model.variables),
            ) from None
        probe = {name: np.zeros(1, dtype=each.support.dtype) for name, each in model.variables.items()}
        self.field = (
            class_label("label", names) if self.expression(probe).dtype == bool else pa.field("label", pa.float64())
        )

    def of(self, world: Columns, rows: int) -> pa.Array:
        """Labels of ``rows`` units: class codes, booleans or numbers."""
        if self.variable is not None:
            return pa.array(world[self.variable])
        values: NDArray[Any] = self.expression({name: world[name] for name in self.expression.names})
        if values.dtype == bool:
            return pa.array(np.broadcast_to(values, (rows,)).astype(np.int64))
        return pa.array(as_column(values, REAL, rows))


def _parts(spec: str | Mapping[str, Any]) -> tuple[str, tuple[str, str]]:
    if isinstance(spec, str):
        return spec, ("false", "true")
    unknown = [key for key in spec if key not in ("expression", "variable", "names")]
    if unknown:
        raise RecipeError(f"label has an unknown key {unknown[0]!r}", allowed="variable, expression, names")
    if len({"expression", "variable"} & set(spec)) != 1:
        raise RecipeError(f"label {dict(spec)!r}", allowed="one of variable and expression", fix="label: a_variable")
    names = spec.get("names", ("false", "true"))
    if len(names) != 2:
        raise RecipeError(f"label.names {names!r}", allowed="[name when false, name when true]")
    return str(spec.get("expression") or spec.get("variable")), (str(names[0]), str(names[1]))
