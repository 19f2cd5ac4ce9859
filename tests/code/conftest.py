from __future__ import annotations

import pytest

from tests.code import leftovers


@pytest.fixture(autouse=True)
def _note_children() -> None:
    leftovers.note_children()
