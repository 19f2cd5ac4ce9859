"""JSON out of what a model wrote: strictly where it is JSON, leniently where a person would still read it as such."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from contrafact.errors import UserError

__all__ = ["check_schema", "complaint", "parse_json"]

_FENCE = re.compile(r"```[A-Za-z]*\s*\n?(.*?)```", re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}
_TOKEN = re.compile(r"""("(?:[^"\\]|\\.)*")|('(?:[^'\\]|\\.)*')|,(\s*[}\]])|\b(True|False|None)\b""", re.DOTALL)
_JSON_NAMES = {"True": "true", "False": "false", "None": "null"}


def parse_json(text: str) -> Any:
    """The JSON value in a model's answer.

    Read in this order: the whole text; what stands in a code fence; the first object or list in prose. Trailing
    commas, single quotes and Python's ``True``, ``False``, ``None`` are forgiven. NaN and infinities are not JSON.

    Raises
    ------
    ValueError
        Where there is no such value.
    """
    fences = [match.group(1) for match in _FENCE.finditer(text)]
    for piece in (text, *fences, *filter(None, (_embedded(part) for part in (*fences, text)))):
        for candidate in (piece, _mended(piece)):
            try:
                return _storable(json.loads(candidate, parse_constant=_no_number))
            except (ValueError, RecursionError):
                continue
    raise ValueError("no JSON")


def complaint(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Why a value does not satisfy a schema, in a few words without the value; None where it does."""
    for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(value):
        place = "/".join(str(part) for part in error.absolute_path if isinstance(part, str))
        return f"{error.validator} fails" + (f" at {place}" if place else "")
    return None


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise ``UserError`` for what is no JSON schema."""
    from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise UserError(f"a model was to answer by a schema that is no JSON schema: {error.message}") from None


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    # An empty registry: a schema that points elsewhere must not make us fetch it.
    return Draft202012Validator(json.loads(schema), registry=Registry())


def _storable(value: Any) -> Any:
    """The value, unless some text in it could not be stored as UTF-8 (half an emoji, escaped)."""
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _embedded(text: str) -> str | None:
    """The first object or list in a text, up to the bracket that closes it."""
    starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    if not starts:
        return None
    stack: list[str] = []
    quote = ""
    skip = False
    for place in range(min(starts), len(text)):
        sign = text[place]
        if skip:
            skip = False
        elif quote:
            skip, quote = sign == "\\", "" if sign == quote else quote
        elif sign in "\"'":
            # An apostrophe inside a word opens nothing.
            quote = sign if sign == '"' or not text[place - 1].isalnum() else ""
        elif sign in _CLOSING:
            stack.append(_CLOSING[sign])
        elif stack and sign == stack[-1]:
            stack.pop()
            if not stack:
                return text[min(starts) : place + 1]
    return None


def _mended(text: str) -> str:
    """The text with single quotes, trailing commas and Python's constants turned into JSON's."""

    def mend(match: re.Match[str]) -> str:
        double, single, end, name = match.groups()
        if single is not None:
            try:
                return json.dumps(ast.literal_eval(single), ensure_ascii=False)
            except (ValueError, SyntaxError):
                return json.dumps(single[1:-1], ensure_ascii=False)
        return double or end or _JSON_NAMES[name]

    return _TOKEN.sub(mend, text)
