"""What values a variable may take, and how they are stored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import InterventionError, ModelError, did_you_mean
from contrafact.record import class_label

__all__ = ["BOOLEAN", "INTEGER", "REAL", "Kind", "Support"]

Kind = Literal["real", "integer", "boolean", "categorical"]
_LISTED = 65_536  # integers that are written out one by one
_KINDS: tuple[Kind, ...] = ("real", "integer", "boolean", "categorical")


@dataclass(frozen=True)
class Support:
    """The set of values of one variable.

    In memory a real is float64, an integer int64, a boolean bool, and a categorical an int64 code into ``levels``.

    Parameters
    ----------
    kind : {'real', 'integer', 'boolean', 'categorical'}
    levels : tuple of str
        Names of a categorical's codes, in order.
    lower, upper : float, optional
        Bounds that no value may pass.
    seen : tuple of float, optional
        Lowest and highest value of the data the model was fitted to.
    values : tuple of int, optional
        The only values of an integer, ascending, where they are not all between two bounds.
    """

    kind: Kind = "real"
    levels: tuple[str, ...] = ()
    lower: float | None = None
    upper: float | None = None
    seen: tuple[float, float] | None = None
    values: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ModelError(
                f"{self.kind!r} is no kind of variable", allowed=", ".join(_KINDS), fix="support: {kind: real}"
            )
        if (self.kind == "categorical") != bool(self.levels):
            raise ModelError(
                f"a support of kind {self.kind} with levels {list(self.levels)}",
                allowed="levels for a categorical variable, and for no other kind",
                fix="kind: categorical, levels: [low, high]",
            )
        if len(set(self.levels)) != len(self.levels):
            raise ModelError(
                f"levels {list(self.levels)} name one value twice", allowed="different names", fix="rename one of them"
            )
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ModelError(
                f"lower bound {self.lower} is above upper bound {self.upper}",
                allowed="lower <= upper",
                fix=f"lower: {self.upper}, upper: {self.lower}",
            )
        if self.values and (self.kind != "integer" or list(self.values) != sorted(set(self.values))):
            raise ModelError(
                f"values {list(self.values)} do not serve for a support of kind {self.kind}",
                allowed="whole numbers, ascending, of an integer",
                fix="values: [0, 2, 5]",
            )

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy type of a column of such values."""
        return np.dtype({"real": "float64", "boolean": "bool"}.get(self.kind, "int64"))

    @property
    def discrete(self) -> tuple[Any, ...] | None:
        """Every value in memory form where they can be listed: codes, False and True, or bounded integers."""
        if self.kind == "categorical":
            return tuple(range(len(self.levels)))
        if self.kind == "boolean":
            return (False, True)
        if self.values:
            return tuple(each for each in self.values if self._within(each))
        if self.kind == "integer" and self.lower is not None and self.upper is not None:
            whole = range(math.ceil(self.lower), math.floor(self.upper) + 1)
            return tuple(whole) if len(whole) <= _LISTED else None
        return None

    def arrow(self, name: str) -> pa.Field:
        """Field in which such a column is stored."""
        if self.kind == "categorical":
            return class_label(name, self.levels)
        return pa.field(name, {"real": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}[self.kind])

    def encode(self, value: Any, variable: str) -> Any:
        """A value as a person writes it, in memory form. Raises ``InterventionError`` outside the support."""
        code = self._encode(value, variable)
        if not self._within(code) or (self.values and code not in self.values):
            raise InterventionError(
                f"{variable} = {value!r} is out of bounds",
                allowed=self.text(),
                fix=f"another value, or a wider support of {variable}",
            )
        return code

    def contains(self, column: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether each value (in memory form) is in the support. Shape (n,)."""
        inside = self.defined(column)
        if self.values:
            inside = inside & np.isin(column, self.values)
        if self.lower is not None:
            inside &= column >= self.lower
        if self.upper is not None:
            inside &= column <= self.upper
        return inside

    def defined(self, column: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether each entry is a value at all, within bounds or not: a finite number, the code of a level. Shape (n,).

        The lowest int64 stands for what rounds to no whole number. A boolean column cannot tell: see
        :meth:`generators.scm.mechanisms.base.Mechanism.defined`.
        """
        if self.kind == "real":
            return np.asarray(np.isfinite(column))
        if self.kind == "categorical":
            return np.asarray((column >= 0) & (column < len(self.levels)))
        if self.kind == "integer":
            return np.asarray(column != np.iinfo(np.int64).min)
        return np.ones(len(column), dtype=bool)

    def text(self) -> str:
        """The support in words, for messages."""
        if self.kind == "categorical":
            return "one of " + ", ".join(self.levels)
        if self.kind == "boolean":
            return "true or false"
        if self.values:
            return "one of " + ", ".join(map(str, self.discrete or ()))
        low = "-inf" if self.lower is None else f"{self.lower:g}"
        high = "inf" if self.upper is None else f"{self.upper:g}"
        return f"{'a whole number' if self.kind == 'integer' else 'a finite number'} in [{low}, {high}]"

    def spec(self) -> dict[str, Any]:
        """What rebuilds this support; only what differs from a plain real."""
        whole = {
            "kind": self.kind,
            "levels": list(self.levels),
            "lower": self.lower,
            "upper": self.upper,
            "values": list(self.values),
        }
        return {key: value for key, value in whole.items() if value not in (None, [])}

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Support:
        """Support from its ``spec``."""
        levels, values = spec.get("levels", ()), spec.get("values", ())
        return cls(**{**spec, "levels": tuple(str(level) for level in levels), "values": tuple(values)})

    def _within(self, value: Any) -> bool:
        return not ((self.lower is not None and value < self.lower) or (self.upper is not None and value > self.upper))

    def _encode(self, value: Any, variable: str) -> Any:
        if self.kind == "categorical":
            return self._code(value, variable)
        if self.kind == "boolean" and isinstance(value, bool | int) and value in (0, 1):
            return bool(value)
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if self.kind == "real" and number and np.isfinite(value):
            return float(value)
        if self.kind == "integer" and number and float(value).is_integer():
            return int(value)
        raise InterventionError(
            f"{variable} cannot be {value!r}",
            allowed=self.text(),
            fix=f"do: {{{variable}: a value of these}}, or a policy: another, {{uniform: [...]}}, {{choice: [...]}}",
        )

    def _code(self, value: Any, variable: str) -> int:
        # YAML reads an unquoted yes/no level as a boolean; a level is told by its text.
        texts = {True: ("true", "yes", "on"), False: ("false", "no", "off")}.get(value, ()) if value in (0, 1) else ()
        for text in (str(value), *texts) if isinstance(value, bool) else (str(value),):
            if text in self.levels:
                return self.levels.index(text)
        raise InterventionError(
            f"{variable} has no level {value!r}{did_you_mean(str(value), self.levels)}",
            allowed=self.text(),
            fix=f"do: {{{variable}: {self.levels[0]}}}, or do: {{{variable}: another}}",
        )


REAL = Support()
INTEGER = Support("integer")
BOOLEAN = Support("boolean")
