"""Specifications: every sign is the engine's, every string proven shortest, and what cannot be made says why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.engines import Engines
from contrafact.errors import MissingDependencyError, RecipeError
from contrafact.pipeline import run_local
from contrafact.plan import make_plan
from contrafact.recipe import Recipe, load_recipe, parse_recipe
from contrafact.samples import sample_pairs
from contrafact.stages import Context
from contrafact.store.layout import RunDirectory
from contrafact.streams import Streams
from contrafact.validation import validate
from generators.code.specification.asking import TIMEOUT
from generators.code.specification.drafting import probe_of
from generators.code.specification.generator import SpecificationGenerator

RECIPES = Path(__file__).parent.parent.parent / "recipes"
PATTERNS = [
    r"\d{3}-\d{4}", r"^[\w.]+@[\w.]+\.\w{2,4}$", r"(?P<year>\d{4})-(?P<month>\d{2})", r"[A-Z][a-z]*?( [A-Z][a-z]*)?",
    r"#[0-9a-fA-F]{6}", r"(\d+)(,\d{3})*(\.\d{2})?", r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", r"[01]?\d:[0-5]\d",
]  # fmt: skip

pytestmark = pytest.mark.system("bubblewrap")


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    lent = Engines()
    yield lent
    lent.close()


def made(engines: Engines, start: int = 0, stop: int = 60, seed: int = 3, **options: Any) -> list[dict[str, Any]]:
    generator = SpecificationGenerator(**options)
    source = generator.source(seed)
    assert source is not None
    context = Context(Streams(seed, "tests"), "recipe", seed, start, engines)
    rows: list[dict[str, Any]] = generator.generate(source.read(start, stop), context).to_pylist()
    return rows


@pytest.fixture(scope="module")
def pairs(engines: Engines) -> list[dict[str, Any]]:
    rows = made(engines)
    kept = [row for row in rows if not row["reasons"]]
    assert len(kept) >= 0.9 * len(rows)
    return kept


def recipe_of(rows: int, **more: Any) -> Recipe:
    return parse_recipe({"name": "told", "seed": 5, "rows": rows, "generator": {"use": "specification"}, **more})


def users(
    folder: Path, patterns: list[str | None], engines: dict[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    pq.write_table(pa.table({"regex": patterns}), folder / "patterns.parquet")
    spec = {
        "source": "patterns.parquet",
        "engines": engines or {},
        "generator": {"use": "specification", "column": "regex", **options},
    }
    return run_local(recipe_of(len(patterns), **spec), folder / "recipe.yaml", folder / "made")


def test_every_sign_and_label_is_pythons_own(pairs: list[dict[str, Any]]) -> None:
    for pair in pairs:
        for member, label in (("factual", "label"), ("counterfactual", "counterfactual_label")):
            world = pair[member]
            matches = re.compile(world["pattern"]).fullmatch
            assert world["signs"] == [matches(text) is not None for text in world["examples"]]
            assert pair[label] == int(matches(world["string"]) is not None)
        assert pair["label"] != pair["counterfactual_label"]


def test_no_shorter_string_of_the_characters_in_play_tells_the_two_apart(pairs: list[dict[str, Any]]) -> None:
    checked = 0
    for pair in pairs:
        string = pair["factual"]["string"]
        one, other = (re.compile(pair[member]["pattern"]).fullmatch for member in ("factual", "counterfactual"))
        letters = sorted({*string, *"aZ0-"})
        for length in range(min(len(string), 5)):
            for text in map("".join, product(letters, repeat=length)):
                checked += 1
                assert (one(text) is None) == (other(text) is None)
    assert checked > 1000


def test_examples_tell_the_target_from_all_of_its_pool(pairs: list[dict[str, Any]]) -> None:
    both = 0
    for pair in pairs:
        world = pair["factual"]
        for pattern in (*pair["hidden"]["pool"], pair["counterfactual"]["pattern"]):
            assert [re.fullmatch(pattern, text) is not None for text in world["examples"]] != world["signs"]
        assert pair["counterfactual"]["pattern"] in pair["hidden"]["pool"]
        assert world["string"] not in world["examples"]
        assert len(set(world["examples"])) == len(world["examples"]) == pair["scores"]["examples"] <= 8
        both += len(set(world["signs"])) == 2
    assert both >= 0.9 * len(pairs)


def test_chosen_examples_tell_more_than_as_many_drawn_ones(pairs: list[dict[str, Any]]) -> None:
    assert all(pair["scores"]["survivors"] == 1 for pair in pairs)
    drawn = [pair["scores"]["random_survivors"] for pair in pairs]
    assert sum(each == 1 for each in drawn) < 0.2 * len(pairs)
    assert min(drawn) >= 1


def test_the_null_intervention_and_the_way_back(pairs: list[dict[str, Any]]) -> None:
    for pair in pairs:
        (change,) = pair["intervention"]
        where = json.loads(change["where"])
        start, stop = where["span"]
        before, after = pair["factual"]["pattern"], pair["counterfactual"]["pattern"]
        assert before[start:stop] == change["before"]
        assert before[:start] + change["before"] + before[stop:] == before
        assert before[:start] + change["after"] + before[stop:] == after
        assert after[:start] + change["before"] + after[start + len(change["after"]) :] == before
        assert where["field"] == change["variable"] == "pattern"


def test_what_is_held_fixed_stays_and_signs_follow(pairs: list[dict[str, Any]]) -> None:
    for pair in pairs:
        assert pair["held_fixed"] == ["string", "examples"]
        assert all(pair["factual"][name] == pair["counterfactual"][name] for name in pair["held_fixed"])
        assert pair["factual"]["signs"] != pair["counterfactual"]["signs"]


def test_neither_verdict_nor_one_kind_of_edit_is_the_usual_one(pairs: list[dict[str, Any]]) -> None:
    accepted = sum(pair["label"] for pair in pairs)
    assert 0.25 * len(pairs) < accepted < 0.75 * len(pairs)
    kinds = [json.loads(pair["intervention"][0]["where"])["kind"] for pair in pairs]
    assert len(set(kinds)) >= 5
    assert max(map(kinds.count, kinds)) < 0.5 * len(kinds)


def test_the_shortest_of_all_are_shorter_than_drawn_ones(engines: Engines) -> None:
    # Which program a unit gets belongs to its id, which tells the options: compare what each gives by itself.
    found = [made(engines, stop=30), made(engines, stop=30, distractor="shortest")]
    drawn, shortest = ([row for row in rows if not row["reasons"]] for rows in found)
    lengths = [sum(len(row["factual"]["string"]) for row in rows) / len(rows) for rows in (shortest, drawn)]
    assert lengths[0] < lengths[1]
    assert all(row["label"] != row["counterfactual_label"] for row in shortest)


def test_a_unit_is_the_same_whatever_stands_beside_it(engines: Engines) -> None:
    whole = made(engines, 0, 12)
    assert [row for start in range(0, 12, 4) for row in made(engines, start, start + 4)] == whole
    assert made(engines, 0, 12, seed=4) != whole


def test_several_distractors_of_one_target_share_its_examples(engines: Engines) -> None:
    rows = [row for row in made(engines, stop=10, per_unit=3) if not row["reasons"]]
    by_unit = {row["unit_id"]: [each for each in rows if each["unit_id"] == row["unit_id"]] for row in rows}
    assert max(map(len, by_unit.values())) == 3
    for siblings in by_unit.values():
        assert len({json.dumps(each["factual"]["examples"]) for each in siblings}) == 1
        assert len({each["factual"]["string"] for each in siblings}) == len(siblings)
        assert not {each["factual"]["string"] for each in siblings} & set(siblings[0]["factual"]["examples"])


def test_the_same_bytes_whatever_the_shard_size(tmp_path: Path) -> None:
    for size in (7, 40):
        manifest = run_local(recipe_of(40, shard_rows=size, splits={"train": 1}), None, tmp_path / str(size))
        assert manifest["label_sources"] == {"oracle": manifest["accepted"]}
    tables = [pa.concat_tables(pq.read_table(path) for path in sorted((tmp_path / str(size) / "data").glob("*")))
              for size in (7, 40)]  # fmt: skip
    kept = [name for name in tables[0].column_names if name != "provenance"]
    assert tables[0].select(kept).equals(tables[1].select(kept))


def test_a_dataset_is_computed_again_and_a_changed_value_is_found(tmp_path: Path) -> None:
    run_local(recipe_of(30), None, tmp_path / "made")
    found = validate(tmp_path / "made")
    assert found.problems == []
    assert found.recomputed >= 27
    rows = _whole(tmp_path / "made")
    generator = SpecificationGenerator()
    for name, spoil in SPOILED.items():
        row = json.loads(json.dumps(rows[0]))
        spoil(row)
        table = pa.Table.from_pylist([row], schema=pa.Table.from_pylist([rows[0]]).schema)
        again = generator.recompute(table)
        said = {
            "signs": again.factual is not None and again.factual["signs"][0] == row["factual"]["signs"],
            "string": again.counterfactual["string"][0] == row["counterfactual"]["string"],
            "examples": again.counterfactual["examples"][0] == row["counterfactual"]["examples"],
            "label": again.label[0].as_py() == row["label"],
        }
        assert not said[name], name


def _whole(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted((folder / "data").glob("*.parquet")):
        hidden = pq.read_table(folder / "hidden" / path.name).to_pylist()
        pairs = pq.read_table(path).to_pylist()
        rows += [{**pair, "hidden": each} for pair, each in zip(pairs, hidden, strict=True)]
    return rows


def _flip_sign(row: dict[str, Any]) -> None:
    row["factual"]["signs"][0] = not row["factual"]["signs"][0]


def _lengthen(row: dict[str, Any]) -> None:
    for member in ("factual", "counterfactual"):
        row[member]["string"] += row[member]["string"][-1]


def _reorder(row: dict[str, Any]) -> None:
    for member in ("factual", "counterfactual"):
        row[member]["examples"].reverse()


def _flip_label(row: dict[str, Any]) -> None:
    row["label"] = 1 - row["label"]


SPOILED = {
    "signs": _flip_sign,
    "string": _lengthen,
    "examples": _reorder,
    "label": _flip_label,
}


def test_users_patterns_keep_their_spelling(tmp_path: Path) -> None:
    manifest = users(tmp_path, list(PATTERNS), per_unit=2)
    assert manifest["accepted"] >= 10
    assert validate(tmp_path / "made", tmp_path).problems == []
    for pair in sample_pairs(RunDirectory(tmp_path / "made"), 50):
        assert pair["factual"]["pattern"] in PATTERNS
        assert probe_of(pair["factual"]["pattern"], pair["counterfactual"]["pattern"]) == pair["factual"]["string"]


def test_catastrophic_patterns_time_out_and_are_rejects(tmp_path: Path) -> None:
    quick = {"sandbox": {"limits": {"cpu_seconds": 0.5}}}
    manifest = users(tmp_path, ["(a+)+$", "[a-c]{2}-x?", "(x|xx)+y", "([a-z]+)*!"], engines=quick)
    assert manifest["reasons"] == {f"specification: {TIMEOUT}": 3}
    assert manifest["accepted"] == 1
    rejects = sample_pairs(RunDirectory(tmp_path / "made"), 9, "rejected")
    assert [each["factual"]["pattern"] for each in rejects] == ["(a+)+$", "(x|xx)+y", "([a-z]+)*!"]
    assert validate(tmp_path / "made", tmp_path).problems == []


def test_what_cannot_be_used_is_a_reject_that_names_it(tmp_path: Path) -> None:
    manifest = users(tmp_path, ["foo(?=bar)", r"(a)\1", "[", None, "", "a{5000}", "naïve", "ab?c{2,3}", ".*"])
    assert manifest["accepted"] == 1
    reasons = {text.removeprefix("specification: ") for text in manifest["reasons"]}
    assert reasons == {
        "the pattern has a look-ahead, which is not supported",
        "the pattern has a back-reference, which is not supported",
        "the pattern leaves a set open",
        "there is no pattern",
        "the pattern has more than 300 characters with its counts written out",
        "the pattern holds characters that are not printable ASCII",
        "no program one edit away shares a string with the target and differs in a short one",
    }


def test_mistakes_in_a_recipe_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for option, value in {"pool": 1, "strings": 5, "examples": 1, "per_unit": 0}.items():
        wrong: dict[str, Any] = {option: value}
        with pytest.raises(RecipeError, match=f"generator.{option}: {value}"):
            SpecificationGenerator(**wrong)
    with pytest.raises(RecipeError, match="did you mean 'regex'"):
        users(tmp_path, ["ab?"], column="regexp")
    monkeypatch.setattr("shutil.which", lambda name, *_, **__: None)
    with pytest.raises(MissingDependencyError, match="bubblewrap"):
        make_plan(recipe_of(5))


def test_the_recipe_tells_what_it_did(tmp_path: Path) -> None:
    recipe, path = load_recipe(str(RECIPES / "code_specification_regex.yaml"), rows=40)
    manifest = run_local(recipe, path, tmp_path / "made")
    assert manifest["accepted"] >= 34
    card = (tmp_path / "made" / "README.md").read_text(encoding="utf-8")
    assert "random_survivors" in card
    assert "printable ASCII" in card
