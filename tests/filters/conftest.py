from __future__ import annotations

from collections.abc import Iterator

import pytest

from contrafact.engines import Engines


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """Engines whose embedder is the embedded MiniLM, loaded once for all tests."""
    made = Engines()
    yield made
    made.close()
