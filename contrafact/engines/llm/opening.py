"""From a recipe's settings to an engine: a server of our own on this machine, or an endpoint that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrafact.engines.llm.client import Engine
from contrafact.engines.llm.connection import Endpoint
from contrafact.engines.llm.settings import read_settings

__all__ = ["open_backend"]


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
    settings = read_settings(given)
    if settings.backend == "openai":
        model = settings.model or ""
        return Engine(model, settings, lambda: Endpoint(settings.base_url, model), replay=replay)
    from contrafact.engines.llm.local import local_identity, open_local

    def start() -> Endpoint:
        base_url, model, close = open_local(given)
        return Endpoint(base_url, model, listed=False, close=close)

    return Engine(local_identity(given), settings, start, replay=replay)
