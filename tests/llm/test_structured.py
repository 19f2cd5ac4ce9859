"""JSON is found where a person would see it, and checked against its schema."""

from __future__ import annotations

from typing import Any

import pytest

from contrafact.engines.llm.structured import check_schema, complaint, parse_json
from contrafact.errors import UserError

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2]\n", [1, 2]),
        ('"word"', "word"),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Sure! Here it is:\n```\n{"a": 1}\n```\nAnything else?', {"a": 1}),
        ('The answer is {"a": {"b": [1, 2]}} as you see {not this}.', {"a": {"b": [1, 2]}}),
        ('It\'s here: {"a": 1}', {"a": 1}),
        ('{"a": 1, "b": [1, 2,],}', {"a": 1, "b": [1, 2]}),
        ("{'a': 'it\\'s', 'b': True, 'c': None}", {"a": "it's", "b": True, "c": None}),
        ("{'a': 'say \"x\"'}", {"a": 'say "x"'}),
        ('{"a": "True, None, \'x\', }"}', {"a": "True, None, 'x', }"}),
        ('{"a": "}"} and more', {"a": "}"}),
        ('{"a": "\\ud83c\\udf88"}', {"a": "🎈"}),
    ],
)
def test_a_value_is_found(text: str, value: Any) -> None:
    assert parse_json(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no idea",
        "{",
        '{"a": 1',
        '{"a": NaN}',
        "[Infinity]",
        '{"a": "\\ud83c"}',
        "[" * 20_000,
        "{'a': 1 + 1}",
        "{{}}",
    ],
)
def test_what_is_no_json_is_not_made_into_some(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        parse_json(text)


def test_a_complaint_names_the_place_and_never_the_value() -> None:
    assert complaint({"a": 1}, SCHEMA) is None
    assert complaint({"a": "secret"}, SCHEMA) == "type fails at a"
    assert complaint({}, SCHEMA) == "required fails"
    assert complaint({"a": 1, "b": 2}, SCHEMA) == "additionalProperties fails"


def test_what_is_no_schema_is_the_users_to_mend() -> None:
    with pytest.raises(UserError, match="no JSON schema"):
        check_schema({"type": "objekt"})
