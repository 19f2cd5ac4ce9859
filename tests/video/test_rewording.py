from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generators.video.questions.captions import caption
from generators.video.questions.facts import Fact
from generators.video.questions.rewording import keeps_facts
from tests.llm.server import LoopbackServer
from tests.video.footages import build, write_walk

FACT = Fact("brighten", "region", "left third", 8, 14, 24, "24", {"share": 0.5})
TEXT = caption(FACT, 24, 24.0)
GOOD = (
    "Until 0.33 s (from 0.00 s) nothing is done to the clip; then, from 0.33 to 0.58 s, the left third of the picture"
    " is all at once brighter, and between 0.58 and 1.00 s everything is normal."
)


def test_other_words_for_the_same_facts_are_kept() -> None:
    assert keeps_facts(TEXT, GOOD, FACT)
    assert keeps_facts(TEXT, TEXT, FACT)


@pytest.mark.parametrize(
    "other",
    [
        GOOD.replace("0.33 to 0.58", "0.33 to 0.60"),
        GOOD.replace("0.33 to 0.58 s, ", ""),
        GOOD.replace("left third", "right third"),
        GOOD.replace("brighter", "different"),
        GOOD.replace("brighter", "brighter and blurred"),
        GOOD + " 3 dogs run by.",
        GOOD + " It is a lovely day, is it not." * 20,
        "",
    ],
)
def test_a_fact_that_moved_keeps_the_templates_words(other: str) -> None:
    assert not keeps_facts(TEXT, other, FACT)


def answer(body: Any) -> str:
    """A dress for captions as filmed; for the others an invention."""
    asked = str(body["messages"][-1]["content"])
    if "the whole picture" in asked:
        return "Something else happens, and 7 dogs run by."
    return asked.replace("the clip runs as it was filmed", "one sees the clip just as it was filmed")


def test_a_language_model_rewords_what_it_does_not_change(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    write_walk(folder)
    with LoopbackServer(answer=answer) as server:
        llm = {
            "backend": "openai",
            "model": "loopback",
            "base_url": server.base_url,
            "cache": str(tmp_path / "replies"),
        }
        options = {"per_unit": 2, "edits": ["visual"], "places": ["frame"], "versus_edit": 0.0, "reword": True}
        _, pairs = build(folder, tmp_path / "out", 1, generator=options, engines={"llm": llm})
    assert len(pairs) == 2
    for pair in pairs:
        assert pair["factual"]["caption"] == "From 0.00 to 1.00 s one sees the clip just as it was filmed."
        assert "the whole picture" in pair["counterfactual"]["caption"], "the model's invention is not taken"
        assert len(pair["provenance"]["request_ids"]) == 1
        assert pair["provenance"]["model"] is not None
