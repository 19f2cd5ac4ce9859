"""Categorical columns as a Python function gets them: whole numbers that can be compared with a level's name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError, did_you_mean

__all__ = ["Codes", "Level"]

_EQUALITY: tuple[Any, ...] = (np.equal, np.not_equal)
_IntArray = np.ndarray[tuple[Any, ...], np.dtype[np.int64]]


class Codes(_IntArray):
    """A column of codes that knows its levels: ``arm == "drug"`` holds where the code is that of ``drug``.

    A text stands for its code in ``==``, ``!=`` and ``np.isin``, also element by element (a loop, ``np.vectorize``),
    and ``astype(str)`` gives names. Whatever else is done is done with plain whole numbers and gives plain arrays. A
    text that names no level raises ``ModelError`` instead of being false everywhere.

    Parameters
    ----------
    column : ndarray of int64, shape (n,)
    variable : str
        For messages.
    levels : sequence of str
        In the order of their codes; none where it cannot be told which they are.
    """

    variable: str
    levels: tuple[str, ...]

    def __new__(cls, column: NDArray[Any], variable: str, levels: Sequence[str]) -> Codes:  # noqa: PYI034
        made = np.asarray(column).view(cls)
        made.variable, made.levels = variable, tuple(levels)
        return made

    def __array_finalize__(self, source: Any) -> None:
        self.variable, self.levels = getattr(source, "variable", ""), getattr(source, "levels", ())

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found if isinstance(found, np.ndarray) else Level(int(found), self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        given: Sequence[Any] = [self._code_of(each) for each in inputs] if ufunc in _EQUALITY else inputs
        by_element = all(set(kinds) <= set("O->") for kinds in ufunc.types)  # a Python function behind a ufunc
        plain = [_elements(each) if by_element and isinstance(each, Codes) else _plain(each) for each in given]
        return getattr(ufunc, method)(*plain, **_plain(options))

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        if func is np.isin:
            args = [self._code_of(each) for each in args]
            kwargs = {name: self._code_of(each) for name, each in kwargs.items()}
        return func(*_plain(tuple(args)), **_plain(dict(kwargs)))

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        """Names for a type of texts, else plain numbers."""
        if np.dtype(dtype).kind != "U":
            return _plain(self).astype(dtype, *args, **options)
        known = (self >= 0) & (self < len(self.levels))
        return np.asarray([*self.levels, ""])[np.where(known, self, len(self.levels))]

    def code(self, level: str) -> int:
        """Code of a level. Raises ``ModelError`` where there is no such level."""
        if level in self.levels:
            return self.levels.index(level)
        if not self.levels:
            raise ModelError(
                f"a function compares {self.variable!r} with the text {level!r}, and is part of two models in which"
                f" {self.variable!r} has different levels",
                allowed="whole numbers, the positions of the levels",
                fix="make the mechanism anew for each model",
            )
        raise ModelError(
            f"a function compares {self.variable!r} with {level!r}, which is none of its levels"
            f"{did_you_mean(level, self.levels)}",
            allowed=", ".join(self.levels),
            fix=f"{self.variable} == {self.levels[0]!r}, say",
        )

    def _code_of(self, value: Any) -> Any:
        """What to compare codes with: a text's code, the codes of texts, or the value itself."""
        if isinstance(value, str):
            return self.code(value)
        if isinstance(value, Codes):
            if value.levels != self.levels:
                raise ModelError(
                    f"a function compares {self.variable!r} with {value.variable!r}, which has other levels",
                    allowed="variables with the same levels",
                    fix=f"compare names: {self.variable}.astype(str) == {value.variable}.astype(str)",
                )
            return value
        if isinstance(value, set | frozenset):  # NumPy takes a set for one object, which nothing is equal to
            value = sorted(value, key=str)
        if isinstance(value, list | tuple | np.ndarray) and np.asarray(value).dtype.kind == "U":
            texts = np.asarray(value)
            return np.array([self.code(str(text)) for text in texts.ravel()], dtype=np.int64).reshape(texts.shape)
        return value


class Level(int):
    """One code out of a column: equal to its whole number and to its level's name."""

    column: Codes

    def __new__(cls, code: SupportsIndex, column: Codes) -> Level:  # noqa: PYI034
        made = super().__new__(cls, code)
        made.column = column
        return made

    def __eq__(self, other: object) -> bool:
        return int(self) == (self.column.code(other) if isinstance(other, str) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__


def _plain(value: Any) -> Any:
    """The value with every column of codes in it as a plain array."""
    if isinstance(value, Codes):
        return value.view(np.ndarray)
    if isinstance(value, list | tuple):
        return type(value)(_plain(each) for each in value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


def _elements(column: Codes) -> NDArray[np.object_]:
    found = np.empty(column.size, dtype=object)
    found[:] = [Level(int(each), column) for each in column.ravel().view(np.ndarray)]
    return found.reshape(column.shape)
