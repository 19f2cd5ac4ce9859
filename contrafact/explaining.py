"""A value of the wrong kind, in our words: what was given, what is allowed, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from contrafact.errors import RecipeError

__all__ = ["wrong_value"]

_SHOWN = 60
_BRANCH = re.compile(
    r"(str|int|float|bool|none|complex|any)$|(dict|list|tuple|set|literal|is-instance|function-)[\[\w-]"
)
_TEXT, _WHOLE, _NUMBER = ("a text", "some text"), ("a whole number", "10"), ("a number", "0.5")
_TRUTH, _MAPPING, _LIST = ("true or false", "true"), ("a mapping", "{key: value}"), ("a list", "[a, b]")
_STAGE = ("a name, or a mapping with use", "{use: name}")
_KINDS: Mapping[str, tuple[str, str]] = {
    "string_type": _TEXT,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": ("a finite number", "0.5"),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "model_type": _STAGE,
    "model_attributes_type": _STAGE,
}
"""What each of pydantic's error types expects, and how that is written in YAML."""

_OWN_WORDS = ("literal_error", "string_pattern_mismatch", "value_error", "assertion_error", "invalid_key")
"""Error types whose phrase says what is allowed, and is no name of a kind of value."""

_PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": ("letters, digits, '.', '_' and '-', with a letter or digit first", "my_dataset"),
    r"^\w+(\.\w+)*$": ("letters, digits and '_', with single dots between", "train"),
}
_BOUNDS: Mapping[str, tuple[str, str, Callable[[Any], Any]]] = {
    "greater_than": ("gt", "a number above {}", lambda bound: bound + 1),
    "greater_than_equal": ("ge", "a number from {} on", lambda bound: bound),
    "less_than": ("lt", "a number below {}", lambda bound: bound - 1),
    "less_than_equal": ("le", "a number up to {}", lambda bound: bound),
    "string_too_long": ("max_length", "at most {} characters", lambda bound: "a_shorter_name"),
}


def wrong_value(errors: Iterable[ErrorDetails], where: str = "") -> RecipeError:
    """The error to raise for pydantic's errors on one value; the first, where they are on several.

    Parameters
    ----------
    where : str
        Place in the recipe that the errors' own places start from.
    """
    several = list(errors)
    one = several[0]
    place = _place(one)
    same = [each for each in several if _place(each)[: len(place)] == place]
    # Of the ways that a value may be written, the one that fits furthest is the one that was meant.
    deepest = max(same, key=lambda each: len(_place(each)))
    if len(_place(deepest)) > len(place):
        same, place = [deepest], _place(deepest)
    name = ".".join([*([where] if where else []), *map(str, place)])
    if one["type"] == "missing":
        return RecipeError(f"{name} is needed and was not given", fix=f"add {name}: …")
    kinds = list(dict.fromkeys(_kind(each) for each in same))
    allowed = " or ".join(phrase for phrase, _ in kinds)
    given = repr(same[0]["input"])
    given = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}…"
    why = "" if same[0]["type"] in _OWN_WORDS else f", which is not {allowed}"
    mended = f"rename {given}, for instance {kinds[0][1]}" if _of_key(same[0]) else _written(place, kinds[0][1])
    return RecipeError(f"{name}: {given} was given{why}", allowed=allowed, fix=mended)


def _place(error: ErrorDetails) -> Sequence[int | str]:
    """Where a value stands, without the names that pydantic gives to the branches of a union."""
    first, *rest = error["loc"] or ("",)
    return [first, *(part for part in rest if part != "[key]" and not (isinstance(part, str) and _BRANCH.match(part)))]


def _written(place: Sequence[int | str], example: str) -> str:
    keys = [part for part in place if isinstance(part, str)]
    listed = bool(place) and not isinstance(place[-1], str)
    return f"write {keys[-1] if keys else 'it'}: {f'[{example}]' if listed else example}"


def _of_key(error: ErrorDetails) -> bool:
    return error["loc"][-1:] == ("[key]",) or error["type"] == "invalid_key"


def _kind(error: ErrorDetails) -> tuple[str, str]:
    """What was expected, and how such a value is written."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in _BOUNDS:
        key, phrase, example = _BOUNDS[kind]
        bound = context[key]
        return phrase.format(f"{bound:g}" if isinstance(bound, float) else bound), str(example(bound))
    if kind == "literal_error":
        return str(context["expected"]), str(context["expected"]).split(",")[0].split(" or ")[0].strip("'")
    if kind == "is_instance_of":
        return _LIST if context["class"] == "Sequence" else (f"a {context['class']}", "…")
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], (f"a text like {context['pattern']}", "name"))
    if kind == "invalid_key":
        return "keys that are texts", f'"{error["input"]}"'
    message = error["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:], "…"
