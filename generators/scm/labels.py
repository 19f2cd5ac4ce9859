"""The label of a pair: a variable of the model, or an expression over its observed variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from generators.scm.readers.levels import level_name
from generators.scm.support import REAL

__all__ = ["Labeller"]

_TRUTH = ("false", "true")


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
        Where it is neither an observed variable nor an expression over observed variables, or names are given for what
        is neither true nor false.
    """

    def __init__(self, spec: str | Mapping[str, Any], model: SCM) -> None:
        self.model = model
        text, names = _parts(spec)
        self.variable = text if text in model.variables else None
        if self.variable is not None:
            _check_observed(text, [text], model)
            _check_names(text, names, of_variable=True)
            self.field = model.variables[text].support.arrow(text)
            return
        levels = {name: each.support.levels for name, each in model.variables.items() if each.support.levels}
        try:
            self.expression = Expression(text, levels=levels, known=list(model.variables))
        except ModelError as error:
            raise RecipeError(
                f"the label {text!r} is no variable of {model.name!r}{did_you_mean(text, model.variables)}"
                f" and no expression: {error.what}",
                allowed=", ".join(model.observed),
            ) from None
        _check_observed(text, self.expression.names, model)
        if self.expression.boolean:
            self.field = class_label("label", names or _TRUTH)
            return
        _check_names(text, names, of_variable=False)
        self.field = pa.field("label", pa.float64())

    @property
    def depends(self) -> frozenset[str]:
        """Variables that the label is read from."""
        return frozenset(self.expression.names if self.variable is None else (self.variable,))

    def of(self, world: Columns, rows: int) -> pa.Array:
        """Labels of ``rows`` units: class codes, booleans or numbers; anything where they are undefined."""
        return self.read(world, rows)[0]

    def read(self, world: Columns, rows: int) -> tuple[pa.Array, NDArray[np.bool_]]:
        """Labels of ``rows`` units, and where there is none. The mask has shape (rows,).

        A computed number does not exist where it is not finite (the logarithm of -1, say), and whether something is
        true does not where a comparison with nan would decide it.
        """
        nowhere = np.zeros(rows, dtype=bool)
        if self.variable is not None:
            return pa.array(world[self.variable]), nowhere
        values: NDArray[Any] = self.expression({name: world[name] for name in self.expression.names})
        if self.field.type == pa.float64():
            return pa.array(as_column(values, REAL, rows)), np.broadcast_to(~np.isfinite(values), (rows,))
        truth = np.broadcast_to(np.equal(values, 1), (rows,)).astype(np.int64)
        return pa.array(truth), nowhere if values.dtype == bool else np.broadcast_to(np.isnan(values), (rows,))


def _check_observed(text: str, names: Sequence[str], model: SCM) -> None:
    latent = [name for name in names if name in model.latent]
    if latent:
        raise RecipeError(
            f"the label {text!r} reads {latent[0]!r}, which is latent: hidden truth would stand among what is seen",
            allowed=", ".join(model.observed),
            fix="label an observed variable; the latent one is in the hidden truth of every pair",
        )


def _check_names(text: str, names: tuple[str, str] | None, *, of_variable: bool) -> None:
    if names is None:
        return
    raise RecipeError(
        f"label.names {list(names)} are given for {text!r}, which is {'a variable' if of_variable else 'a number'}",
        allowed="names for an expression that is true or false",
        fix="remove names" if of_variable else f'names, with a comparison: "{text} > 0"',
    )


def _parts(spec: str | Mapping[str, Any]) -> tuple[str, tuple[str, str] | None]:
    if isinstance(spec, str):
        return spec, None
    unknown = [key for key in spec if key not in ("expression", "variable", "names")]
    if unknown:
        raise RecipeError(f"label has an unknown key {unknown[0]!r}", allowed="variable, expression, names")
    if len({"expression", "variable"} & set(spec)) != 1:
        raise RecipeError(f"label {dict(spec)!r}", allowed="one of variable and expression", fix="label: a_variable")
    text, names = str(spec.get("expression") or spec.get("variable")), spec.get("names")
    if "names" not in spec:
        return text, None
    if not isinstance(names, list | tuple) or len(names) != 2 or level_name(names[0]) == level_name(names[1]):
        raise RecipeError(
            f"label.names {names!r}",
            allowed="[name when false, name when true], two different ones",
            fix="names: [low, high]",
        )
    return text, (level_name(names[0]), level_name(names[1]))
