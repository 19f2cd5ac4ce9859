"""What a function's parameters look like: kinds of values, guessed from defaults, annotations, use and names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from generators.code.mutation.methods import method_of

__all__ = ["KINDS", "Parameter", "Signature", "signature_of"]

KINDS = ("int", "float", "str", "bool", "none", "bytes", "ints", "strs", "floats", "pairs", "tuple", "dict", "set")
"""Kinds of values that are tried: ``ints`` is a list of whole numbers, ``pairs`` of pairs, and so on."""

_ANNOTATIONS = (
    (r"\b(list|Sequence|Iterable|Iterator|Collection)\[(tuple|list)", ("pairs",)),
    (r"\b(list|Sequence|Iterable|Iterator|Collection)\[str", ("strs",)),
    (r"\b(list|Sequence|Iterable|Iterator|Collection)\[float", ("floats",)),
    (r"\b(list|Sequence|Iterable|Iterator|Collection)\b", ("ints",)),
    (r"\b(dict|Mapping)\b", ("dict",)),
    (r"\b(set|frozenset)\b", ("set",)),
    (r"\b(tuple)\b", ("tuple",)),
    (r"\bstr\b", ("str",)),
    (r"\bbytes\b", ("bytes",)),
    (r"\bbool\b", ("bool",)),
    (r"\bint\b", ("int",)),
    (r"\bfloat\b", ("float", "int")),
)
_STRINGS = (
    "s st str text string line name word title path url uri host msg message prefix suffix sep delimiter pattern key p "
    "filename encoding tag header charset fmt format expr attr c ch char scheme netloc query doc"
)
_INTS = (
    "n i j k m num count width size length year month day hour level depth index start stop end pos lo hi limit indent "
    "tabsize mode base bits offset maxlen weekday nbytes value val number minute"
)
_LISTS = "data seq sequence iterable items values lst list heap array arr xs ys points nums numbers args it elements"
_NAMES = (
    ("str", _STRINGS),
    ("int", _INTS),
    ("float int", "x y z r g b h l v q a mu sigma alpha beta angle ratio weight mean std tol eps"),
    ("ints floats strs", _LISTS),
    ("strs", "lines words names texts strings parts tokens fields keys paths"),
    ("dict", "d dict mapping params kwargs options attrs headers table map namespace environ"),
    ("bool", "flag strict reverse verbose quote safe"),
    ("bytes", "buf buffer raw payload bytestring octets bs"),
)
_NAMED = {name: tuple(kinds.split()) for kinds, names in _NAMES for name in names.split()}
_METHODS = {
    "str": {"split", "strip", "lower", "upper", "startswith", "endswith", "find", "rfind", "replace", "join", "lstrip",
            "rstrip", "splitlines", "isdigit", "isalpha", "encode", "partition", "rpartition", "expandtabs", "title",
            "translate", "format", "rsplit", "islower", "isspace", "casefold", "ljust", "zfill", "isidentifier"},
    "bytes": {"decode", "hex", "startswith", "translate"},
    "ints": {"append", "sort", "pop", "insert", "extend", "reverse", "remove", "index", "count"},
    "dict": {"items", "keys", "values", "get", "setdefault", "update"},
    "set": {"add", "union", "intersection", "issubset", "difference", "discard"},
    "int": {"bit_length", "to_bytes"},
    "float": {"is_integer", "as_integer_ratio"},
}  # fmt: skip
_OF_TYPE = {"str": "str", "bytes": "bytes", "int": "int", "float": "float", "bool": "bool", "list": "ints",
            "tuple": "tuple", "dict": "dict", "set": "set", "frozenset": "set"}  # fmt: skip
_CALLED = {
    "ord": ["str"], "chr": ["int"], "range": ["int"], "sum": ["ints", "floats"], "sorted": ["ints"], "sub": ["str"],
    "divmod": ["int"], "len": ["ints", "strs", "str"], "enumerate": ["strs", "ints"], "match": ["str"],
}  # fmt: skip
_CONSTANTS: dict[type, str] = {str: "str", bytes: "bytes", bool: "bool", int: "int", float: "float"}


@dataclass(frozen=True)
class Parameter:
    """A parameter, the kinds of values it seems to want, and whether it may be left out.

    The likeliest kind comes first; there is none where nothing tells.
    """

    name: str
    kinds: tuple[str, ...]
    optional: bool
    keyword: bool = False


@dataclass(frozen=True)
class Signature:
    """What a function takes. ``objection`` says why no call of it can be made up."""

    parameters: tuple[Parameter, ...]
    starred: bool
    objection: str = ""


def signature_of(code: str, name: str = "") -> Signature:
    """The parameters of a function's text, with what they look like; of a method, those of its class come first."""
    method = method_of(code, name)
    if method is None:
        return _signature(
            next(each for each in ast.parse(code).body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
        )
    if method.objection:
        return Signature((), False, method.objection)
    own = _signature(method.node, skipped=0 if _is_static(method.node) else 1)
    owner = ast.parse(code).body[0]
    made = tuple(
        Parameter(each.arg, _kinds(each, None, list(_uses(owner, each.arg))), optional=False) for each in method.maker
    )
    called = any(_is_called(owner, each.arg) for each in method.maker)
    return Signature((*made, *own.parameters), own.starred, "its class takes a function" if called else own.objection)


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, skipped: int = 0) -> Signature:
    """Parameters but for the first so many: an object or its class."""
    given = node.args
    places = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*([None] * (len(places) - len(given.defaults))), *given.defaults]
    used = {each.arg: list(_uses(node, each.arg)) for each in [*places, *given.kwonlyargs]}
    made = [
        Parameter(each.arg, _kinds(each, default, used[each.arg]), default is not None)
        for each, default in list(zip(places, defaults, strict=True))[skipped:]
    ]
    made += [
        Parameter(each.arg, _kinds(each, default, used[each.arg]), default is not None, keyword=True)
        for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    objection = ""
    if places and places[0].arg in ("self", "cls") and not skipped:
        objection = "a method that was taken out of its class"
    elif any(_is_called(node, each.name) for each in made if not each.optional):
        objection = "it takes a function"
    return Signature(tuple(made), given.vararg is not None, objection)


def _kinds(node: ast.arg, default: ast.expr | None, used: list[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    if node.annotation is not None:
        written = ast.unparse(node.annotation)
        for pattern, kinds in _ANNOTATIONS:
            if re.search(pattern, written):
                found.update(dict.fromkeys(kinds))
                break
        if "None" in written or "Optional" in written:
            found["none"] = None
    if isinstance(default, ast.Constant) and default.value is not None:
        found[_CONSTANTS.get(type(default.value), "int")] = None
    if isinstance(default, ast.List | ast.Tuple):
        found["ints"] = None
    named = _NAMED.get(node.arg.lower().strip("_"), ())
    if not found:  # the name comes first where its use agrees with it
        found.update(dict.fromkeys(kind for kind in named if not used or kind in used))
    found.update(dict.fromkeys(used))
    if isinstance(default, ast.Constant) and default.value is None:
        found["none"] = None
    return tuple(found)


def _uses(function: ast.AST, name: str) -> Iterator[str]:
    """Kinds that the uses of a parameter speak for, each as often as it does."""
    votes: dict[str, int] = {}
    for node in ast.walk(function):
        for kind in _use(node, name):
            votes[kind] = votes.get(kind, 0) + 1
    yield from sorted(votes, key=lambda kind: -votes[kind])


def _use(node: ast.AST, name: str) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and _is(node.value, name):
        yield from (kind for kind, methods in _METHODS.items() if node.attr in methods)
    elif (
        isinstance(node, ast.Call) and len(node.args) == 2 and _is(node.func, "isinstance") and _is(node.args[0], name)
    ):
        types = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
        yield from (_OF_TYPE[each.id] for each in types if isinstance(each, ast.Name) and each.id in _OF_TYPE)
    elif isinstance(node, ast.Call) and any(_is(each, name) for each in node.args):
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        yield from _CALLED.get(called, ())
    elif isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(_is(each, name) for each in sides):
            yield from (_CONSTANTS[type(each.value)] for each in sides
                        if isinstance(each, ast.Constant) and type(each.value) in _CONSTANTS)  # fmt: skip
    elif isinstance(node, ast.BinOp) and (_is(node.left, name) or _is(node.right, name)):
        other = node.right if _is(node.left, name) else node.left
        if isinstance(other, ast.Constant) and type(other.value) in _CONSTANTS:
            text = type(other.value) in (str, bytes)
            yield _CONSTANTS[type(other.value)] if text else "float" if isinstance(node.op, ast.Div) else "int"
    elif isinstance(node, ast.Subscript) and _is(node.value, name):
        yield from (
            ("ints", "str") if not isinstance(node.slice, ast.Constant) or node.slice.value in (0, -1) else ("ints",)
        )
    elif isinstance(node, ast.For | ast.comprehension) and _is(node.iter, name):
        yield from _over(node)


def _over(node: ast.For | ast.comprehension) -> Iterator[str]:
    yield from ("pairs", "dict") if isinstance(node.target, ast.Tuple) else ("ints", "strs", "str")


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_called(function: ast.AST, name: str) -> bool:
    return any(isinstance(node, ast.Call) and _is(node.func, name) for node in ast.walk(function))
