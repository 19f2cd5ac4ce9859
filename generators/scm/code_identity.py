"""What a Python function computes, as plain values: equal across processes, different for different code.

Made of a function's own source (its code object where there is no source), its defaults, what it closes over, and the
plain values and functions of its own module that it names. Left out: the code of other modules, which are named only.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import linecache
import textwrap
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from contrafact.errors import ModelError
from contrafact.identity import canonical, identity_of

__all__ = ["callable_name", "callable_spec"]

_MAX_DEPTH = 16
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class made by a class statement
_SCALARS = (bool, int, float, complex, str, bytes, type(None), np.generic)


def callable_name(function: Any) -> str:
    """Qualified name, for messages and specs; the class's for an instance."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def callable_spec(function: Callable[..., Any]) -> dict[str, Any]:
    """``{"callable": qualified name, "identity": hash}``.

    A callable with a ``spec`` method says by itself what decides its output.

    Raises
    ------
    ModelError
        Where the callable holds something of which no value can be told (a model in C, an open file, a generator).
    """
    name = callable_name(function)
    try:
        return {"callable": name, "identity": identity_of(_described(function, ()))}
    except _UntellableError as error:
        raise ModelError(
            f"{name} holds a {error}, and what that contributes to its values cannot be told",
            allowed="numbers, texts, arrays, containers, functions, and objects made of them",
            fix="give the callable a spec() method that returns what decides its output",
        ) from None


class _UntellableError(Exception):
    pass


def _described(value: Any, path: tuple[int, ...]) -> Any:
    if isinstance(value, _SCALARS):
        return [type(value).__name__, repr(value)]
    if id(value) in path:
        return "itself"
    if len(path) > _MAX_DEPTH:
        raise _UntellableError("structure nested over 16 deep")
    path = (*path, id(value))
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest = hashlib.blake2b(np.ascontiguousarray(value).tobytes()).hexdigest()
        return ["array", value.dtype.str, list(value.shape), digest]
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(_described(each, path) for each in value)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(canonical(_described(each, path)) for each in value)]
    if isinstance(value, Mapping):
        return ["mapping", *([_described(key, path), _described(each, path)] for key, each in value.items())]
    return _described_code(value, path)


def _described_code(value: Any, path: tuple[int, ...]) -> Any:
    if isinstance(value, types.FunctionType):
        return _described_function(value, path)
    if isinstance(value, types.MethodType):
        return ["method", _described(value.__func__, path), _described(value.__self__, path)]
    if isinstance(value, functools.partial):
        return ["partial", *(_described(each, path) for each in (value.func, value.args, value.keywords))]
    if isinstance(value, np.ufunc | types.BuiltinFunctionType | types.ModuleType | type):
        return ["named", getattr(value, "__module__", None), getattr(value, "__qualname__", value.__name__)]
    return _described_object(value, path)


def _described_object(value: Any, path: tuple[int, ...]) -> Any:
    kind = type(value)
    own = getattr(value, "spec", None)
    if callable(own):
        return ["spec", kind.__qualname__, own()]
    if not all(map(_from_class_statement, kind.__mro__[:-1])) or isinstance(value, Iterator):
        raise _UntellableError(kind.__qualname__)
    slots = [name for each in kind.__mro__ for name in getattr(each, "__slots__", ()) if hasattr(value, name)]
    state = {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots if name != "__dict__"}}
    members = [each for base in kind.__mro__[:-1] for each in vars(base).values()]
    methods = [each for each in members if isinstance(each, types.FunctionType)]
    return ["object", kind.__qualname__, _described(state, path), [_described(each, path) for each in methods]]


def _from_class_statement(kind: type) -> bool:
    # A type written in C may hide its state; one that cannot have attributes of its own surely does.
    open_to_view = "__slots__" in vars(kind) or any("__dict__" in vars(each) for each in kind.__mro__[:-1])
    return bool(kind.__flags__ & _HEAP_TYPE) and open_to_view


def _described_function(function: types.FunctionType, path: tuple[int, ...]) -> Any:
    code = function.__code__
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    held = {name: cell.cell_contents for name, cell in cells if not _empty(cell)}
    named = {name: function.__globals__[name] for name in sorted(_names(code)) if name in function.__globals__}
    kept = {name: each for name, each in named.items() if _belongs(each, function.__module__)}
    return {
        "parameters": list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]),
        "source": _source(code) or _code(code),
        "defaults": _described([function.__defaults__, function.__kwdefaults__], path),
        "closure": _described(held, path),
        "globals": _described(kept, path),
    }


def _belongs(value: Any, module: str) -> bool:
    if isinstance(value, types.FunctionType):
        return value.__module__ == module
    return isinstance(value, _SCALARS) or (isinstance(value, np.ndarray) and value.dtype != object)


def _empty(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018  # reading an empty cell is what raises
    except ValueError:
        return True
    return False


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(each) for each in code.co_consts if isinstance(each, types.CodeType)]
    return set(code.co_names).union(*inner)


def _source(code: types.CodeType) -> str | None:
    try:
        if code.co_name != "<lambda>":
            return textwrap.dedent(inspect.getsource(code))
    except (OSError, TypeError):
        return None
    return _lambda_source(code)


def _lambda_source(code: types.CodeType) -> str | None:
    # inspect gives whole lines, and two lambdas may share one: the instructions know the body's very columns.
    spans = [span for span in code.co_positions() if None not in span and span[2] != span[3]]
    lines = linecache.getlines(code.co_filename)
    if not spans or not lines:
        return None
    first = min((start, column) for start, _, column, _ in spans)
    last = max((end, column) for _, end, _, column in spans)
    body = [line.encode() for line in lines[first[0] - 1 : last[0]]]  # type: ignore[operator]
    if not body:
        return None
    body[-1] = body[-1][: last[1]]
    body[0] = body[0][first[1] :]
    return b"".join(body).decode(errors="replace")


def _code(code: types.CodeType) -> list[Any]:
    constants = [_code(each) if isinstance(each, types.CodeType) else _described(each, ()) for each in code.co_consts]
    return [code.co_code.hex(), constants, list(code.co_names), list(code.co_varnames), list(code.co_freevars)]
