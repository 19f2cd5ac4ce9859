"""Whether the Prefect server that the environment names answers."""

from __future__ import annotations

import os

__all__ = ["api_url", "why_not"]

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
