"""Demonstrations: our own, those of a file, and which of them a unit gets."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import DataError, RecipeError
from generators.text.base import Unit
from generators.text.demonstrations import open_demonstrations
from generators.text.tasks import read_task
from tests.text.phrasals import NLI, SENTIMENT, Model, context_with

CONTEXT = context_with(Model(lambda _: ""))


def unit(text: str, name: str = "u0") -> Unit:
    return Unit(name, 0, {"text": text}, "negative", "positive")


@pytest.mark.parametrize(
    "task", [SENTIMENT, {**NLI, "edited": "premise"}, {**NLI, "edited": "hypothesis"}], ids=["text", "premise", "other"]
)
def test_ours_show_every_direction_four_times_or_more(task: dict[str, Any]) -> None:
    known = read_task(task)
    examples = open_demonstrations(known)
    for direction in permutations(known.labels, 2):
        shown = examples.of(*direction)
        assert len({each.texts for each in shown}) >= 4, direction
        for each in shown:
            assert each.texts[each.field][each.start : each.stop] == each.before != each.after
            assert each.field == known.fields.index(known.edited)
            assert each.reversed().reversed() == each


def test_a_file_of_ones_own_replaces_ours(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("- {review: 'So {dull|gripping}.', label: bad, target: good}\n", encoding="utf-8")
    task = read_task({"kind": "classification", "fields": ["review"], "labels": ["bad", "good"]})
    examples = open_demonstrations(task, path)
    assert [(each.texts, each.after) for each in examples.of("bad", "good")] == [(("So dull.",), "gripping")]
    assert [(each.texts, each.after) for each in examples.of("good", "bad")] == [(("So gripping.",), "dull")]
    assert examples.identity() != open_demonstrations(read_task(SENTIMENT)).identity()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [", "cannot be read"),
        ("just words", "no list"),
        ("- {text: 'So {dull|nice}.', label: negative}", "keys"),
        ("- {text: 'So {dull|nice}.', label: negative, target: great}", "no label of the task"),
        ("- {text: 'So dull.', label: negative, target: positive}", "marks 0 phrases"),
        ("- {text: '{So|Too} {dull|nice}.', label: negative, target: positive}", "marks 2 phrases"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        open_demonstrations(read_task(SENTIMENT), path)


def test_a_direction_that_nothing_shows_is_named() -> None:
    examples = open_demonstrations(read_task({"kind": "classification", "labels": ["bad", "good"]}))
    with pytest.raises(RecipeError, match="from bad to good"):
        examples.need([("bad", "good")], "text")


def test_the_nearest_come_most_alike_last_whoever_stands_beside() -> None:
    examples = open_demonstrations(read_task(SENTIMENT))
    alone = examples.nearest([unit("I hate my old phone.")], ["text"], 3, CONTEXT)
    both = examples.nearest([unit("The train was late."), unit("I hate my old phone.")], ["text"], 3, CONTEXT)
    assert alone[0][-1].texts == ("I hate my new phone.",)
    assert both[1] == alone[0]
    assert len(alone[0]) == 3


def test_random_ones_are_drawn_by_unit() -> None:
    examples = open_demonstrations(read_task(SENTIMENT))
    drawn = [examples.at_random(unit("x", f"u{number}"), 3, CONTEXT) for number in range(8)]
    assert drawn[2] == examples.at_random(unit("another text", "u2"), 3, CONTEXT)
    assert len({tuple(each) for each in drawn}) > 1
