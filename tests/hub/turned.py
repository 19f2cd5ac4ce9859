"""Turning the client of this process, or of another one, to a loopback hub."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from tests.hub.server import LoopbackHub

__all__ = ["environment", "rows_of", "turned_to", "unhurried"]


def turned_to(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, token: str | None = None) -> None:
    """What the variables of :func:`environment` would do, had they been set before the client was imported."""
    import datasets
    from huggingface_hub import constants

    template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    for name, value in (("ENDPOINT", hub.url), ("HF_HUB_OFFLINE", False), ("HF_HUB_DISABLE_XET", True)):
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    for name, value in (("HF_ENDPOINT", hub.url), ("HF_HUB_OFFLINE", False), ("HF_DATASETS_OFFLINE", False)):
        monkeypatch.setattr(datasets.config, name, value)
    monkeypatch.setenv("HF_TOKEN", hub.token if token is None else token)


def environment(hub: LoopbackHub) -> dict[str, str]:
    """Variables of a process that is to speak to the hub."""
    return {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}


def unhurried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let nobody wait before trying again; gives the seconds that would have been waited."""
    from huggingface_hub.utils import _http

    from contrafact.publishing import hub

    waited: list[float] = []
    clock = SimpleNamespace(sleep=waited.append, monotonic=time.monotonic, time=time.time)
    monkeypatch.setattr(_http, "time", clock)
    monkeypatch.setattr(hub, "time", clock)
    return waited


def rows_of(data: Any) -> dict[str, list[dict[str, Any]]]:
    """Every row of every split."""
    return {split: rows.to_list() for split, rows in data.items()}
