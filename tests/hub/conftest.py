"""A hub for each test, the client turned to it, and one small dataset with hidden truth in several shards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contrafact.recipe import parse_recipe
from tests.core import builds
from tests.core.builds import built
from tests.hub.server import LoopbackHub
from tests.hub.turned import turned_to

DRUG: dict[str, Any] = {
    **builds.DRUG,
    "shard_rows": 100,
    "inputs": [{"name": "trial", "source": "a registry", "licence": "CC-BY-4.0", "citation": "The trial (2020)"}],
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub of this test's own; the client in this process speaks to it, with a token that may write."""
    with LoopbackHub(tmp_path / "hub") as running:
        turned_to(running, monkeypatch)
        yield running


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset, built once. Not to be changed."""
    out = tmp_path_factory.mktemp("made") / "drug"
    built(parse_recipe(DRUG), out)
    return out


@pytest.fixture
def drug(made: Path, tmp_path: Path) -> Path:
    """A copy of the dataset."""
    return Path(shutil.copytree(made, tmp_path / "drug"))
