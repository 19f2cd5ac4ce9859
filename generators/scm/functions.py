"""A mechanism's function, however it was written: an expression or a Python callable, behind one small contract."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from generators.scm.code_identity import callable_name, callable_spec
from generators.scm.codes import Codes
from generators.scm.expression import Expression

__all__ = ["Function", "FunctionLike", "as_function", "merged_parents", "settled_parents"]

Columns = Mapping[str, NDArray[Any]]


class Function(ABC):
    """A function of parent columns, element by element.

    Attributes
    ----------
    parents : tuple of str
        Columns it reads, in order.
    declared : bool
        Whether the parents were given by the caller and not read off the function.
    boolean : bool
        Whether the values are known to be bool before any is computed.
    """

    parents: tuple[str, ...]
    declared: bool = False
    boolean: bool = False

    @abstractmethod
    def __call__(self, columns: Columns, **extra: NDArray[Any]) -> NDArray[Any]:
        """Values of shape (n,), or () where one stands for every row, as float64, int64 or bool.

        Raises
        ------
        ModelError
            For a result of another shape, or one that is not of numbers.
        """

    @abstractmethod
    def spec(self) -> Any:
        """What decides the values: the expression's text, or the callable's name and the hash of its code.

        Levels are not in it: they belong to the supports of the parents, in the same model.
        """

    def learn(self, levels: Mapping[str, Sequence[str]]) -> None:  # noqa: B027  # an expression knows them already
        """Told by a model which levels its categorical parents have."""


FunctionLike = str | float | Expression | Function | Callable[..., Any]


def as_function(value: FunctionLike, *, parents: Sequence[str] | None = None, extra: Sequence[str] = ()) -> Function:
    """The function behind an expression, a number or a callable.

    Parameters
    ----------
    value : str, float, Expression, Function or callable
        A callable is called with one keyword a parent, the parent's column: ``lambda age, dose: 0.5 * age + dose``.
        Categorical columns are codes that can be compared with names (:class:`generators.scm.codes.Codes`).
        A parameter with a default is the callable's own and no parent.
    parents : sequence of str, optional
        Names it reads, where they cannot be told (``**columns``) or are more than it uses.
    extra : sequence of str
        Names it must take besides its parents: ``noise``, say.

    Raises
    ------
    ModelError
        For a callable whose parameters do not fit, an ``extra`` that it does not take, a value that is no function.
    """
    if isinstance(value, Function):
        return value
    if isinstance(value, bool | int | float | np.number):
        value = repr(float(value))
    if isinstance(value, str):
        value = Expression(value, known=None if parents is None else [*parents, *extra])
    if isinstance(value, Expression):
        return _Formula(value, parents, tuple(extra))
    if callable(value):
        return _Callable(value, parents, tuple(extra))
    raise ModelError(f"{value!r} is no function", allowed='an expression such as "0.5*age", a number, or a callable')


def settled_parents(given: Sequence[str] | None, *functions: Function) -> tuple[str, ...]:
    """The given parents, or else those of the functions. Raises ``ModelError`` where a function reads another name."""
    merged = merged_parents(*functions)
    if given is None:
        return merged
    unknown = [name for name in merged if name not in given]
    if unknown:
        raise ModelError(
            f"{unknown[0]!r} is read, and is no parent", allowed=", ".join(given), fix=f"parents: {[*given, *unknown]}"
        )
    return tuple(given)


def merged_parents(*functions: Function) -> tuple[str, ...]:
    """Parents of all the functions, each once, in order of appearance."""
    return tuple(dict.fromkeys(name for function in functions for name in function.parents))


class _Formula(Function):
    def __init__(self, expression: Expression, parents: Sequence[str] | None, extra: tuple[str, ...]) -> None:
        self.expression, self.extra = expression, extra
        self.boolean, self.declared = expression.boolean, parents is not None
        names = tuple(name for name in expression.names if name not in extra)
        unread = [name for name in extra if name not in expression.names]
        if unread:
            raise ModelError(
                f"{expression.text!r} does not read {unread[0]!r}", fix=f"use {unread[0]} in the expression"
            )
        unknown = [name for name in names if parents is not None and name not in parents]
        if unknown:
            allowed = ", ".join([*(parents or ()), *extra])
            raise ModelError(f"{expression.text!r} reads {unknown[0]!r}, which is no parent", allowed=allowed)
        self.parents = names if parents is None else tuple(parents)

    def __call__(self, columns: Columns, **extra: NDArray[Any]) -> NDArray[Any]:
        return self.expression({**columns, **extra})

    def spec(self) -> str:
        return self.expression.text


class _Callable(Function):
    def __init__(self, function: Callable[..., Any], parents: Sequence[str] | None, extra: tuple[str, ...]) -> None:
        self.function, self.name = function, callable_name(function)
        self.positional = isinstance(function, np.ufunc)
        self.declared = parents is not None
        self.parents = tuple(parents) if self.positional and parents is not None else self._fitted(parents, extra)
        self.levels: dict[str, tuple[str, ...]] = {}

    def learn(self, levels: Mapping[str, Sequence[str]]) -> None:
        for name, each in levels.items():
            if name in self.parents:
                # Two models may share a mechanism, and have other levels: then it can be told in neither.
                known = self.levels.get(name, tuple(each))
                self.levels[name] = known if known == tuple(each) else ()

    def __call__(self, columns: Columns, **extra: NDArray[Any]) -> NDArray[Any]:
        given: dict[str, NDArray[Any]] = {**{name: columns[name] for name in self.parents}, **extra}
        for name, levels in self.levels.items():
            given[name] = Codes(given[name], name, levels)
        values = np.asarray(self.function(*given.values()) if self.positional else self.function(**given))
        rows = {column.shape for column in given.values() if column.ndim}
        if values.shape and values.shape not in rows:
            wanted = " or ".join(map(str, [*rows, ()]))
            raise ModelError(
                f"the function {self.name} returned shape {values.shape}",
                allowed=wanted,
                fix="return one value a row, in the rows' order",
            )
        if values.dtype.kind not in "fiub":
            raise ModelError(
                f"the function {self.name} returned values of type {values.dtype}", allowed="numbers or booleans"
            )
        wide = {"f": np.float64, "b": np.bool_}.get(values.dtype.kind, np.int64)
        return values.astype(wide, copy=False)

    def spec(self) -> dict[str, Any]:
        return callable_spec(self.function)

    def _fitted(self, parents: Sequence[str] | None, extra: tuple[str, ...]) -> tuple[str, ...]:
        parameters = self._parameters(parents)
        named = [
            each.name for each in parameters.values() if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        ]
        needed = [name for name in named if parameters[name].default is inspect.Parameter.empty]
        takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
        hidden = [each for each in parameters.values() if each.kind in (each.POSITIONAL_ONLY, each.VAR_POSITIONAL)]
        if parents is None:
            if hidden or takes_any:
                raise self._misfit("takes arguments without names", "give parents=[...], or name its parameters")
            parents = [name for name in needed if name not in extra]
        given = [*parents, *extra]
        untaken = [name for name in given if name not in named and not takes_any]
        if untaken:
            raise self._misfit(f"takes no parameter {untaken[0]!r}", f"name one of its parameters {untaken[0]}")
        missing = [name for name in needed if name not in given] + [each.name for each in hidden if not takes_any]
        if missing:
            raise self._misfit(f"needs {missing[0]!r}, which is no parent", f"parents: {[*parents, missing[0]]}")
        return tuple(parents)

    def _parameters(self, parents: Sequence[str] | None) -> Mapping[str, inspect.Parameter]:
        try:
            return inspect.signature(self.function).parameters
        except (TypeError, ValueError):
            raise self._misfit(
                "does not tell its parameters" + ("" if parents is None else ", so it cannot be called by their names"),
                "wrap it: lambda age: f(age)",
            ) from None

    def _misfit(self, what: str, fix: str) -> ModelError:
        return ModelError(
            f"the function {self.name} {what}",
            allowed="a callable with one parameter a parent, called by name",
            fix=fix,
        )
