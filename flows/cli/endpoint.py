"""Whether a server answers: Prefect's, that the environment names, or a recipe's language model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrafact.errors import UserError

__all__ = ["api_url", "model_problem", "why_not"]

_SECONDS = 5


def api_url() -> str | None:
    """The server named by ``PREFECT_API_URL``; None where each build starts one for itself."""
    return os.environ.get("PREFECT_API_URL") or None


def why_not(url: str) -> str | None:
    """Why the server at ``url`` does not answer, in a word; None where it does."""
    import httpx

    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=_SECONDS).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return None


def model_problem(settings: Mapping[str, Any]) -> UserError | None:
    """Why the language model of a recipe's ``engines.llm`` cannot be used; None where it answers. Asks it nothing."""
    from contrafact.engines.llm import open_llm
    from contrafact.errors import UserError

    try:
        engine = open_llm(settings)
        try:
            engine.check()
        finally:
            engine.close()
    except UserError as error:
        return error
    return None
