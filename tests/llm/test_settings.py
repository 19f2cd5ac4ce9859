"""Settings of a language model are checked before anything starts, and keep secrets out of sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contrafact.engines.llm.connection import read_key
from contrafact.engines.llm.settings import Caps, Prices, read_settings
from contrafact.errors import EndpointError, RecipeError
from contrafact.identity import EXCLUDED

OPENAI = {"backend": "openai", "model": "gpt"}


def test_a_recipe_without_settings_gets_the_local_model() -> None:
    settings = read_settings({})
    assert (settings.backend, settings.base_url, settings.api_key_env) == ("local", None, None)
    assert settings.start == settings.most == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"modle": "x"}, "did you mean 'model'"),
        ({"backend": "opnai"}, "did you mean 'openai'"),
        ({"backend": "openai"}, "names no model"),
        ({"base_url": "http://127.0.0.1:8000/v1"}, "belongs to backend: openai"),
        ({**OPENAI, "base_url": "localhost:8000"}, "is no address"),
        ({**OPENAI, "timeout": 0}, "above 0"),
        ({**OPENAI, "timeout": True}, "above 0"),
        ({**OPENAI, "timeout": float("nan")}, "above 0"),
        ({**OPENAI, "retries": -1}, "at least 0"),
        ({**OPENAI, "retries": 1.5}, "whole number"),
        ({**OPENAI, "batch": "yes"}, "true or false"),
        ({**OPENAI, "concurrency": {"start": 9, "max": 3}}, "may not exceed 3"),
        ({**OPENAI, "concurrency": {"min": 3}}, "no key 'min'"),
        ({**OPENAI, "concurrency": 0}, "at least 1"),
        ({**OPENAI, "prices": {"prompt": 1}}, "lacks completion"),
        ({**OPENAI, "prices": 3}, "is a mapping"),
        ({**OPENAI, "budget": {"tokens": 3}}, "no key 'tokens'"),
        ({**OPENAI, "budget": {"cost": 3}}, "no prices were given"),
    ],
)
def test_what_cannot_be_used_is_said_with_what_can(given: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read_settings(given)


@pytest.mark.parametrize("base_url", ["http://me:hunter2@host/v1", "https://host/v1?api_key=hunter2"])
def test_a_password_in_an_address_is_refused_and_not_repeated(base_url: str) -> None:
    with pytest.raises(RecipeError) as raised:
        read_settings({**OPENAI, "base_url": base_url})
    assert "hunter2" not in str(raised.value)


def test_a_key_in_place_of_its_variable_is_refused_and_not_repeated() -> None:
    with pytest.raises(RecipeError) as raised:
        read_settings({**OPENAI, "api_key_env": "sk-hunter2"})
    assert "hunter2" not in str(raised.value)


def test_everything_that_was_given_is_read(tmp_path: Path) -> None:
    settings = read_settings(
        {
            **OPENAI,
            "base_url": "http://host:1/v1",
            "api_key_env": "MY_KEY",
            "timeout": 3,
            "concurrency": {"max": 7},
            "retries": 0,
            "cache": str(tmp_path / "c"),
            "prices": {"prompt": 1, "completion": 2.5},
            "budget": {"requests": 3, "cost": 0.5},
            "batch": True,
        }
    )
    assert (settings.start, settings.most, settings.retries, settings.batch) == (7, 7, 0, True)
    assert settings.prices == Prices(1.0, 2.5)
    assert settings.caps == Caps(requests=3, cost=0.5)
    assert settings.cost(1_000_000, 2_000_000) == 6.0


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONTRAFACT_CACHE", str(tmp_path))
    assert read_settings({}).cache == tmp_path / "replies.sqlite"
    monkeypatch.delenv("CONTRAFACT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert read_settings({}).cache == tmp_path / "x" / "contrafact" / "replies.sqlite"


def test_a_provider_wants_its_usual_key_and_a_server_of_ones_own_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EndpointError, match="export OPENAI_API_KEY"):
        read_key(read_settings(OPENAI))
    assert read_key(read_settings({**OPENAI, "base_url": "http://host/v1"})) is None


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_a_key_that_no_header_could_carry_is_refused_and_not_repeated(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(EndpointError) as raised:
        read_key(read_settings({**OPENAI, "api_key_env": "MY_KEY"}))
    assert key not in str(raised.value)


def test_what_only_changes_speed_or_price_leaves_a_recipes_identity_alone() -> None:
    free = {"base_url", "api_key_env", "concurrency", "timeout", "retries", "patience", "budget", "prices", "cache"}
    assert {f"engines.llm.{name}" for name in free} <= set(EXCLUDED)
