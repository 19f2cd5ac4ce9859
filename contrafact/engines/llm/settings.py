"""The settings of a language model in a recipe: read, checked and completed before anything starts."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contrafact.engines.llm.request import Usage
from contrafact.errors import RecipeError, did_you_mean

__all__ = ["CACHE_VARIABLE", "Caps", "Prices", "Settings", "default_cache", "read_settings"]

CACHE_VARIABLE = "CONTRAFACT_CACHE"
"""Environment variable that names the folder of the cache."""

_KEYS = (
    "backend",
    "model",
    "base_url",
    "api_key_env",
    "timeout",
    "concurrency",
    "retries",
    "patience",
    "cache",
    "prices",
    "budget",
    "batch",
)
_BACKENDS = ("local", "openai")
_MILLION = 1e6
_LOCAL_SLOTS = 4
_WHERE = "engines.llm"


def default_cache() -> Path:
    """``replies.sqlite`` in the folder that CONTRAFACT_CACHE names, else in the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named) / "replies.sqlite"
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "contrafact" / "replies.sqlite"


@dataclass(frozen=True)
class Prices:
    """Money per million tokens, in whatever currency the user thinks in."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _MILLION


@dataclass(frozen=True)
class Caps:
    """Hard caps of one run; None leaves a quantity open."""

    requests: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None


@dataclass(frozen=True)
class Settings:
    """A recipe's ``engines.llm``, whole.

    Attributes
    ----------
    api_key_env : str, optional
        Environment variable that holds the key; None where the endpoint needs none.
    timeout : float
        Seconds that one call may take.
    start, most : int
        Calls in flight at the beginning, and at the most.
    retries : int
        How often an unusable answer (no JSON, cut off, empty) is asked for again.
    patience : float
        Seconds that an endpoint may stay away before the run gives up.
    """

    backend: str = "local"
    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    timeout: float = 120.0
    start: int = 16
    most: int = 64
    retries: int = 2
    patience: float = 600.0
    cache: Path = field(default_factory=default_cache)
    prices: Prices | None = None
    caps: Caps = field(default_factory=Caps)
    batch: bool = False

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Price of so many tokens; None where no prices were given."""
        return None if self.prices is None else self.prices.of(prompt_tokens, completion_tokens)

    def usage(self, prompt_tokens: int, completion_tokens: int) -> Usage:
        """Tokens with their price."""
        return Usage(prompt_tokens, completion_tokens, self.cost(prompt_tokens, completion_tokens))


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Settings from a recipe's mapping.

    Raises
    ------
    RecipeError
        For an unknown key, a value of the wrong kind, or keys that contradict each other.
    """
    _known(given, _KEYS, _WHERE)
    backend = str(given.get("backend", "local"))
    if backend not in _BACKENDS:
        raise RecipeError(
            f"{_WHERE}.backend {backend!r} is none{did_you_mean(backend, _BACKENDS)}", allowed=", ".join(_BACKENDS)
        )
    prices = _prices(given.get("prices"))
    caps = _caps(given.get("budget"))
    if caps.cost is not None and prices is None:
        raise RecipeError(
            f"{_WHERE}.budget.cost is a cap on money, and no prices were given",
            fix=f"add {_WHERE}.prices: {{prompt: …, completion: …}}, per million tokens",
        )
    start, most = _concurrency(given.get("concurrency"), local=backend == "local")
    settings = Settings(
        backend=backend,
        model=_text(given, "model"),
        timeout=_number(given, "timeout", _WHERE, default=Settings.timeout, above=0),
        start=start,
        most=most,
        retries=_whole(given, "retries", _WHERE, default=Settings.retries),
        patience=_number(given, "patience", _WHERE, default=Settings.patience),
        cache=Path(str(given["cache"])).expanduser() if given.get("cache") else default_cache(),
        prices=prices,
        caps=caps,
        batch=_switch(given, "batch"),
        **_endpoint(given, backend),
    )
    if backend == "openai" and settings.model is None:
        raise RecipeError(f"{_WHERE} names no model", fix=f"add {_WHERE}.model, as the endpoint calls it")
    return settings


def _endpoint(given: Mapping[str, Any], backend: str) -> dict[str, str | None]:
    base_url, variable = _text(given, "base_url"), _text(given, "api_key_env")
    if backend == "local":
        for name in ("base_url", "api_key_env", "batch"):
            if given.get(name):
                raise RecipeError(
                    f"{_WHERE}.{name} belongs to backend: openai, and the backend is local",
                    fix=f"set {_WHERE}.backend: openai, or remove {name}",
                )
        return {}
    if base_url is not None:
        _check_address(base_url)
    if variable is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        # Not repeated either: whoever misreads this setting writes the key itself here.
        raise RecipeError(
            f"{_WHERE}.api_key_env is the name of an environment variable, not a key", fix="api_key_env: MY_KEY"
        )
    # A server of one's own seldom asks for a key; the provider that the client knows by itself always does.
    return {"base_url": base_url, "api_key_env": variable or (None if base_url else "OPENAI_API_KEY")}


def _check_address(base_url: str) -> None:
    parts = urlsplit(base_url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        # The address itself is not repeated: it holds what should not be seen.
        raise RecipeError(
            f"{_WHERE}.base_url holds a password or a query, which would be stored with the dataset",
            fix=f"put the key in an environment variable and name that in {_WHERE}.api_key_env",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecipeError(
            f"{_WHERE}.base_url {base_url!r} is no address", allowed="http://host:port/v1 or https://host/v1"
        )


def _concurrency(given: Any, *, local: bool) -> tuple[int, int]:
    where = f"{_WHERE}.concurrency"
    start, most = (_LOCAL_SLOTS, _LOCAL_SLOTS) if local else (Settings.start, Settings.most)
    if given is None:
        return start, most
    if isinstance(given, int) and not isinstance(given, bool):
        given = {"start": given, "max": given}
    options = _mapping(given, where, ("start", "max"))
    most = _whole(options, "max", where, default=max(most, options.get("start") or 1), least=1)
    start = _whole(options, "start", where, default=min(start, most), least=1)
    if start > most:
        raise RecipeError(f"{where} starts at {start} and may not exceed {most}", fix="give start at most max")
    return start, most


def _prices(given: Any) -> Prices | None:
    if given is None:
        return None
    where = f"{_WHERE}.prices"
    options = _mapping(given, where, ("prompt", "completion"))
    missing = [name for name in ("prompt", "completion") if options.get(name) is None]
    if missing:
        raise RecipeError(f"{where} lacks {' and '.join(missing)}", fix="give both, per million tokens")
    return Prices(_number(options, "prompt", where), _number(options, "completion", where))


def _caps(given: Any) -> Caps:
    if given is None:
        return Caps()
    where = f"{_WHERE}.budget"
    options = _mapping(given, where, ("requests", "prompt_tokens", "completion_tokens", "cost"))
    whole = {
        name: _whole(options, name, where)
        for name in ("requests", "prompt_tokens", "completion_tokens")
        if options.get(name) is not None
    }
    return Caps(**whole, cost=None if options.get("cost") is None else _number(options, "cost", where))


def _mapping(given: Any, where: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise RecipeError(f"{where} is a mapping, and {given!r} is none", allowed=", ".join(keys))
    _known(given, keys, where)
    return given


def _known(given: Mapping[Any, Any], keys: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in keys:
            raise RecipeError(f"{where} has no key {key!r}{did_you_mean(str(key), keys)}", allowed=", ".join(keys))


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise RecipeError(f"{_WHERE}.{name} is a text, and {value!r} is none")
    return value


def _switch(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise RecipeError(f"{_WHERE}.{name} is true or false, and {value!r} is neither")
    return value


def _number(
    given: Mapping[str, Any], name: str, where: str, *, default: float = 0.0, above: float | None = None
) -> float:
    value = given.get(name, default)
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < 0 or (above is not None and value <= above):
        bound = "above 0" if above is not None else "of at least 0"
        raise RecipeError(f"{where}.{name} is a number {bound}, and {value!r} is none")
    return float(value)


def _whole(given: Mapping[str, Any], name: str, where: str, *, default: int = 0, least: int = 0) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RecipeError(f"{where}.{name} is a whole number of at least {least}, and {value!r} is none")
    return value
