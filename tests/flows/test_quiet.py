"""A mistake in the middle of a build through Prefect: one message, and no log of the server that goes with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.connecting import quiet
from tests.flows.commands import spawned


def test_an_error_while_shards_wait_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_LOGGING_LEVEL", "PREFECT_SERVER_LOGGING_LEVEL", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    recipe = tmp_path / "stops.yaml"
    recipe.write_text("rows: 400\nworkers: 4\ngenerator: {use: 'tests.core.awkward:Stops'}\n", encoding="utf-8")
    outcome = spawned("build", recipe, "--out", tmp_path / "out", timeout=240, PREFECT_HOME=str(tmp_path / "home"))
    assert outcome.code == 2
    lines = outcome.err.splitlines()
    assert lines[-2:] == ["error: that will never do", "  fix: another number"]
    assert "Traceback" not in outcome.text
    assert len(lines) <= 4, outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("debug", [False, True])
def test_debugging_shows_what_is_silent_otherwise(debug: bool, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    names = (
        "PREFECT_LOGGING_LEVEL",
        "PREFECT_SERVER_LOGGING_LEVEL",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL",
        "PREFECT_LOGGING_TO_API_ENABLED",
    )
    for name in names:
        monkeypatch.setenv(name, "")  # so that it is put back afterwards as it was
        monkeypatch.delenv(name)
    if debug:
        monkeypatch.setenv("CONTRAFACT_DEBUG", "1")
    quiet(shown=shown)
    found = [os.environ.get(name) for name in names]
    if debug:
        assert found == [None] * 4
    elif shown:
        assert found == [None, "CRITICAL", "CRITICAL", None], "a server that shows runs gets their log"
    else:
        assert found == ["CRITICAL", "CRITICAL", None, "false"]
