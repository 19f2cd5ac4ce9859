"""Executable counterfactuals: composition, reversibility, preservation, abduction by hand, recomputation."""

from __future__ import annotations

import json
import operator
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.engines import Engines
from contrafact.errors import RecipeError
from contrafact.exports import export
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import HIDDEN
from contrafact.validation import validate
from generators.code.executable import evaluating
from generators.code.executable.abduction import Worlds, objection, worlds_of
from generators.code.executable.families import FAMILIES
from generators.code.executable.generator import ExecutableGenerator
from generators.code.executable.items import compared, examine, pair_of
from generators.code.executable.recomputing import recomputed
from generators.code.executable.reward import reward, verify
from generators.code.executable.syntax import Function, Name, Return
from tests.code.executables import Rows, drafts, hidden_of, made, rows_of, table

pytestmark = pytest.mark.system("bubblewrap")


@pytest.fixture(scope="module")
def candidates() -> Rows:
    return rows_of(500, families="all")


def python_of(code: str) -> Any:
    """The stored code, run here: it is ours, and nothing but arithmetic."""
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102  # drawn from our own grammar
    return scope[re.findall(r"^def (\w+)", code, re.MULTILINE)[-1]]


def by_hand(row: dict[str, Any]) -> tuple[list[tuple[int, ...]], list[Any]]:
    """Hidden values that fit the fact and what they give, by nested loops and Python itself."""
    fact, other = row["factual"], row["counterfactual"]
    call = python_of(fact["code"])
    given, asked = json.loads(fact["input"]), json.loads(other["input"])
    fits: list[tuple[int, ...]] = [()]
    for low, high in json.loads(fact["domain"]).values():
        fits = [(*each, value) for each in fits for value in range(low, high + 1)]
    if fact["mode"] == "interventional":
        fits = [tuple(json.loads(hidden_of(row)["values"]).values())]
    fits = [each for each in fits if json.dumps(call(given, *each)) == fact["output"]]
    return fits, [call(asked, *each) for each in fits]


def test_answers_are_those_of_every_hidden_value_that_fits_the_fact(candidates: Rows) -> None:
    several = 0
    for row in made(candidates):
        fits, results = by_hand(row)
        hidden = hidden_of(row)
        assert [tuple(json.loads(each)) for each in hidden["consistent"]] == fits
        assert [json.loads(each) for each in hidden["outputs"]] == results
        assert {json.loads(each) for each in row["counterfactual"]["answers"]} == set(results)
        assert tuple(json.loads(hidden["values"]).values()) in fits
        assert json.loads(hidden["output"]) in results
        assert row["exact"] == (len(fits) == 1)
        assert (row["counterfactual"]["output"] is None) == (len(set(results)) > 1)
        several += len(set(results)) > 1
    assert several > 20


def test_every_family_is_there_and_only_vacuous_or_wide_items_are_rejected(candidates: Rows) -> None:
    assert {row["factual"]["family"] for row in made(candidates)} == set(FAMILIES)
    reasons = {reason for row in candidates for reason in row["reasons"]}
    assert {
        "executable: vacuous: the other input gives what the fact gave",
        "executable: vacuous: the fact rules out no answer",
        "executable: too many answers are possible",
    } <= reasons
    assert not [reason for reason in reasons if "sandbox" in reason]


def test_no_accepted_item_is_vacuous(candidates: Rows) -> None:
    for row in made(candidates, "counterfactual"):
        fact, other = row["factual"], row["counterfactual"]
        assert other["answers"] != fact["answers"]
        call = python_of(fact["code"])
        unaided = {call(json.loads(other["input"]), *each) for each in every_hidden(fact["domain"])}
        assert 1 <= len(other["answers"]) < len(unaided) == row["scores"]["unaided"]


def every_hidden(domain: str) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for low, high in json.loads(domain).values():
        found = [(*each, value) for each in found for value in range(low, high + 1)]
    return found


def test_twins_share_program_input_and_group_and_differ_in_what_is_told(candidates: Rows) -> None:
    twins: dict[str, Rows] = {}
    for row in made(candidates):
        twins.setdefault(row["unit_id"], []).append(row)
    for one, other in twins.values():
        assert [one["factual"]["mode"], other["factual"]["mode"]] == ["counterfactual", "interventional"]
        assert one["group_id"] == other["group_id"]
        for side in ("factual", "counterfactual"):
            assert {name for name in one[side] if one[side][name] != other[side][name]} <= {
                "mode",
                "question",
                "output",
                "answers",
            }
        assert set(other["counterfactual"]["answers"]) <= set(one["counterfactual"]["answers"])
        assert other["exact"]
        (value, *_) = json.loads(hidden_of(one)["values"]).values()
        assert re.search(rf"\b{value}\b", other["counterfactual"]["question"])


def test_who_does_not_abduct_is_right_about_twins_and_wrong_about_most_counterfactuals(candidates: Rows) -> None:
    """A solver that runs the code for the hidden value it was told, or for the middle of the domain without one."""
    right = {"counterfactual": 0, "interventional": 0}
    for row in made(candidates):
        asked = row["counterfactual"]
        spans = json.loads(asked["domain"])
        told = json.loads(hidden_of(row)["values"])
        guess = {name: (low + high) // 2 for name, (low, high) in spans.items()}
        values = told if asked["mode"] == "interventional" else guess
        response = f"Answer: {json.dumps(python_of(asked['code'])(json.loads(asked['input']), *values.values()))}"
        right[asked["mode"]] += reward(response, row)
    count = len(made(candidates, "counterfactual"))
    assert right["interventional"] == count
    assert right["counterfactual"] < 0.4 * count


def test_code_and_all_that_is_held_fixed_stay_the_same_bytes(candidates: Rows) -> None:
    for row in made(candidates):
        assert row["held_fixed"] == ["family", "mode", "code", "domain"]
        for name in row["held_fixed"]:
            assert row["factual"][name].encode() == row["counterfactual"][name].encode()
        (change,) = row["intervention"]
        assert (change["before"], change["after"]) == (row["factual"]["input"], row["counterfactual"]["input"])
        assert change["before"] != change["after"]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_input_that_stays_gives_the_fact_and_an_undone_one_gives_it_back(family: str) -> None:
    undone = 0
    for draft in drafts(family, 60):
        item = examine("unit", family, draft, "flow", 99, 99)
        if item.worlds is None:
            continue
        null = examine("unit", family, replace(draft, other=draft.fact), "flow", 99, 99)
        assert null.reason is not None  # nobody would ask it
        for mode in ("counterfactual", "interventional"):
            pair = pair_of(null, mode)
            assert pair["factual"] == pair["counterfactual"]
            assert pair["label"] == pair["counterfactual_label"]
        back = examine("unit", family, replace(draft, fact=draft.other, other=draft.fact), "flow", 99, 99)
        assert back.worlds is not None
        if len(back.worlds.consistent) == 1:  # exact: the hidden value is known again
            assert back.worlds.answers == [item.worlds.output]
            undone += 1
        assert item.worlds.output in back.worlds.answers
    assert undone > 0


def test_questions_tell_what_is_needed_and_never_the_hidden_value(candidates: Rows) -> None:
    for row in made(candidates):
        fact, asked = row["factual"], row["counterfactual"]
        text = asked["question"]
        assert not re.search(r"\{\w+\}", text)  # a place in a story that nothing filled
        assert asked["family"] != "gsm" or not re.search("[<>]", text)
        assert "Answer:" in text
        assert not re.search(r"\b1 (coins|cents|litres|weeks|days|people|teachers)\b", text)
        if asked["family"] != "gsm":
            assert f"```python\n{asked['code']}```" in text
        if asked["mode"] == "counterfactual":
            assert fact["output"] in text
            assert fact["input"] in text
            assert asked["input"] in text
            for low, high in json.loads(asked["domain"]).values():
                assert f"from {low} to {high}" in text
            for name, value in json.loads(hidden_of(row)["values"]).items():
                assert f"`{name} = {value}`" not in text


def test_the_same_seed_gives_the_same_rows_whatever_the_shards() -> None:
    generator = ExecutableGenerator("all")
    whole = table(generator, 0, 60)
    parts = pa.concat_tables([table(generator, 0, 7), table(generator, 7, 40), table(generator, 40, 60)])
    assert whole.equals(parts)
    assert not whole.equals(table(generator, 0, 60, seed=4))


def test_what_is_stored_is_computed_again_and_a_lie_is_found() -> None:
    generator = ExecutableGenerator(["if_else", "sequences"])
    pairs = table(generator, 0, 40)
    pairs = pairs.filter(pa.compute.is_valid(pairs["counterfactual"]))
    again = generator.recompute(pairs)
    assert again.label.equals(pairs["label"].combine_chunks())
    assert again.counterfactual_label.equals(pairs["counterfactual_label"].combine_chunks())
    assert again.exact is not None
    assert again.exact.tolist() == pairs["exact"].to_pylist()
    rows = pairs.to_pylist()
    for row in rows:
        row["counterfactual"]["code"] = row["factual"]["code"].replace("return ", "return 1 / 0 or ")
    lied = generator.recompute(pa.Table.from_pylist(rows, schema=pairs.schema))
    assert set(lied.counterfactual_label.to_pylist()) == {"raises ZeroDivisionError"}
    rows[0]["counterfactual"]["code"] = "def f(x, r):\n    import os\n    os._exit(3)\n"
    rows[1]["counterfactual"]["code"] = rows[1]["factual"]["code"]
    told = generator.recompute(pa.Table.from_pylist(rows[:2], schema=pairs.schema)).counterfactual_label.to_pylist()
    assert told == ["exit 3", rows[1]["counterfactual_label"]]


def test_a_hidden_value_outside_the_domain_is_found() -> None:
    generator = ExecutableGenerator("if_else")
    pairs = table(generator, 0, 10)
    rows = made(pairs.to_pylist())[:2]
    rows[0][HIDDEN]["values"] = '{"r": 99}'
    engines = Engines()
    again = recomputed(pa.Table.from_pylist(rows, schema=pairs.schema), engines.sandbox)
    engines.close()
    assert again.label[0].as_py() == "the hidden value is outside the domain"
    assert again.label[1].as_py() == rows[1]["label"]


def test_an_interpreter_that_disagrees_with_cpython_makes_rejects_and_no_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(evaluating._OPERATORS, "-", operator.add)
    rows = rows_of(60, families="if_else")
    reasons = [reason for row in rows for reason in row["reasons"]]
    assert "executable: the sandbox gives other values than our interpreter" in reasons


def test_values_of_another_type_do_not_count_as_the_same() -> None:
    (draft,) = drafts("if_else", 1)
    item = examine("unit", "if_else", draft, "flow", 99, 99)
    assert compared(item, [item.before, item.after]) is None
    floats = [[float(each) for each in table] for table in (item.before, item.after)]
    assert floats == [item.before, item.after]
    assert compared(item, floats) == "the sandbox gives other values than our interpreter"
    assert compared(item, "timeout") == "the sandbox says otherwise: timeout"


@pytest.mark.parametrize(
    ("before", "after", "place", "most", "reason"),
    [
        ([1, 2, 3], [5, 5, 5], 0, 4, "vacuous: the answer is the same for every hidden value"),
        ([1, 1, 1], [4, 5, 6], 0, 4, "vacuous: the fact rules out no answer"),
        ([4, 4, 1], [4, 4, 6], 0, 4, "vacuous: the other input gives what the fact gave"),
        ([1, 1, 1, 2], [4, 5, 6, 7], 0, 2, "too many answers are possible"),
        ([1, 1, 2], [4, 5, 6], 0, 2, None),
        ([1, 2, 2], [4, 5, 6], 0, 1, None),
    ],
)
def test_vacuous_items_have_their_reasons(
    before: list[int], after: list[int], place: int, most: int, reason: str | None
) -> None:
    assert objection(worlds_of(before, after, place), most) == reason


def test_worlds_by_hand() -> None:
    assert worlds_of([3, 1, 3, 3], [9, 2, 10, 9], 2) == Worlds("3", [0, 2, 3], ["9", "10"], 3)
    assert worlds_of(["b", "a"], ["y", "z"], 1) == Worlds('"a"', [1], ['"z"'], 2)


def test_a_build_validates_and_splits_by_family(tmp_path: Path) -> None:
    spec = {"use": "executable", "families": "all", "split_by": "family"}
    recipe = parse_recipe(
        {
            "name": "mixed",
            "seed": 125,
            "rows": 150,
            "generator": spec,
            "shard_rows": 60,
            "splits": {"train": 0.6, "test": 0.4},
        }
    )
    manifest = run_local(recipe, None, tmp_path / "made")
    found = validate(tmp_path / "made")
    assert found.problems == []
    assert found.recomputed == manifest["accepted"]
    splits = [split for split, count in manifest["splits"].items() if count]
    assert len(splits) > 1
    export(tmp_path / "made", "flat", out=tmp_path / "flat")
    families = [set(pq.read_table(tmp_path / "flat" / f"{split}.parquet")["family"].to_pylist()) for split in splits]
    assert set.union(*families) == set(FAMILIES)
    assert sum(map(len, families)) == len(FAMILIES)
    assert families[splits.index("test")] == {"while", "gsm"}


def test_programs_of_one_flow_share_a_group_and_so_a_split() -> None:
    rows = made(rows_of(120, families="if_else"))
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row["factual"]["code"], set()).add(row["group_id"])
    assert all(len(each) == 1 for each in groups.values())
    assert 3 < len({row["group_id"] for row in rows}) < len(groups)
    assert len({row["group_id"] for row in made(rows_of(120, families="if_else", split_by="program"))}) == len(groups)


def test_exports_hold_the_question_and_what_a_reward_takes(tmp_path: Path) -> None:
    recipe = parse_recipe({"name": "small", "rows": 30, "generator": {"use": "executable"}, "splits": {"train": 1.0}})
    run_local(recipe, None, tmp_path / "made")
    for view in ("rlvr", "sft", "preference"):
        export(tmp_path / "made", view)
    asked, answered, preferred = (
        pq.read_table(tmp_path / "made" / "exports" / view / "train.parquet").to_pylist()
        for view in ("rlvr", "sft", "preference")
    )
    assert len(asked) == len(answered) > 20
    for one, other in zip(asked, answered, strict=True):
        assert one["verifier"] == "generators.code.executable.reward:verify"
        assert one["question"] == other["prompt"]
        assert verify(other["completion"], one["reference"]) == 1
        assert verify("Answer: 123456", one["reference"]) == 0
    truths = {row["question"]: row["reference"] for row in asked}
    assert len(preferred) > 5
    for row in preferred:  # the fact's answer is what a model says that did not hear the supposition
        assert verify(row["chosen"], truths[row["prompt"]]) == 1
        assert verify(row["rejected"], truths[row["prompt"]]) == 0


@pytest.mark.parametrize("mode", ["counterfactual", "interventional"])
def test_one_mode_alone_gives_one_pair_a_unit(mode: str) -> None:
    rows = rows_of(30, families="gsm", mode=mode)
    assert len(rows) == 30
    assert {row["factual"]["mode"] for row in made(rows)} == {mode}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"families": "if_els"}, "did you mean 'if_else'|if_else"),
        ({"families": []}, "is none"),
        ({"depth": 0}, "depth is 0"),
        ({"answers": 0}, "answers is 0"),
        ({"domain": [5, 5]}, r"domain is \[5, 5\]"),
        ({"domain": [0, 900]}, "901 values"),
        ({"constants": [0, 5]}, "constants is"),
        ({"inputs": [1, 2, 3]}, "inputs is"),
    ],
)
def test_a_wrong_option_says_what_is_allowed(options: dict[str, Any], what: str) -> None:
    with pytest.raises(RecipeError, match=what) as caught:
        ExecutableGenerator(**options)
    assert caught.value.allowed


def test_an_unknown_return_is_no_crash() -> None:
    function = Function("f", (("x", "int"), ("r", "int")), "int", (Return(Name("x")),))
    (draft,) = drafts("if_else", 1)
    item = examine("unit", "if_else", replace(draft, program=(function,)), "flow", 9, 9)
    assert item.reason == "vacuous: the answer is the same for every hidden value"
