"""From a recipe's settings to an engine: a server of our own on this machine, or an endpoint that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrafact.engines.llm.client import Engine
from contrafact.engines.llm.connection import Endpoint
from contrafact.engines.llm.settings import read_settings

__all__ = ["model_name", "open_backend"]


def model_name(given: Mapping[str, Any]) -> str:
    """Identity of the model that ``engines.llm`` means, without opening anything. Errors are those of opening it."""
    settings = read_settings(given)
    if settings.backend == "openai":
        return settings.model or ""
    from contrafact.engines.llm.local import local_identity

    return local_identity(given)


def open_backend(given: Mapping[str, Any], *, replay: bool = False) -> Engine:
    """An engine from ``engines.llm``. Starts and sends nothing yet: see :meth:`Engine.check`.

    Raises
    ------
    RecipeError
        For settings that cannot be used.
    MissingDependencyError
        For the backend ``local``, where its packages are not installed.
    CacheError, StorageError
        Where the cache cannot be opened.
    """
    settings, name = read_settings(given), model_name(given)
    if settings.backend == "openai":
        return Engine(name, settings, lambda: Endpoint(settings.base_url, name), replay=replay)
    from contrafact.engines.llm.local import open_local

    def start() -> Endpoint:
        base_url, model, close = open_local(given)
        return Endpoint(base_url, model, listed=False, echoes=False, close=close)

    return Engine(name, settings, start, replay=replay)
