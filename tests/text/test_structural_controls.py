"""Controls of structural pairs: other wordings of the same concepts, computed again, and never the edit itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contrafact.engines.llm import Request
from contrafact.errors import RecipeError
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import HIDDEN
from contrafact.store.layout import RunDirectory
from contrafact.validation import validate
from contrafact.wording import distance, tokens
from generators.text.structural.generator import StructuralGenerator
from tests.text.phrasals import Model
from tests.text.structurals import SETTINGS, context, few, table

SOME = {
    "disease": [{"do": {"disease": "another"}}, {"do": {"fever": "another"}}],
    "cv": [{"do": {"gender": "another"}}, {"do": {"age": "another"}}],
    "violence": [{"do": {"shift": "another"}}, {"do": {"guard": "another"}}],
}
RAIN = [{"do": {"rain": "another"}}]


def by_id(made: pa.Table) -> dict[str, dict[str, Any]]:
    """Rows by the id that the core gives them."""
    found: dict[str, dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    for row in made.to_pylist():
        place = numbers.get(row["unit_id"], 0)
        numbers[row["unit_id"]] = place + 1
        found[f"{row['unit_id']}/{place}"] = row
    return found


def size(row: dict[str, Any]) -> int:
    return distance(tokens(row["factual"]["text"]), tokens(row["counterfactual"]["text"]))


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_control_says_the_same_in_other_wordings_of_the_size_of_its_pair(setting: str) -> None:
    generator = StructuralGenerator(setting, SOME[setting], control="wording")
    rows = by_id(table(generator, 0, 60))
    controls = {name: row for name, row in rows.items() if row["control_of"] is not None}
    assert len(controls) == 120 == len(rows) // 2
    near = exact = made = 0
    for row in controls.values():
        pair = rows[row["control_of"]]
        assert pair["control_of"] is None
        assert row["factual"] == pair["factual"]
        if row["counterfactual"] is None:
            assert row["reasons"][0].startswith("structural: control: ")
            continue
        made += 1
        assert row["reasons"] == []
        assert row["label"] == row["counterfactual_label"] == pair["label"]
        assert row["counterfactual"]["text"] not in (row["factual"]["text"], pair["counterfactual"]["text"])
        concepts = [name for name in row["factual"] if name != "text"]
        assert all(row["factual"][name] == row["counterfactual"][name] for name in concepts)
        read = generator.setting.read(row["counterfactual"]["text"])
        assert read == generator.setting.read(row["factual"]["text"])
        assert (row["scores"]["concept_recall"], row["label_source"], row["exact"]) == (1.0, "oracle", True)
        words = len(tokens(row["factual"]["text"]))
        assert row["scores"]["control_share"] == pytest.approx(100 * size(row) / words)
        assert row["scores"]["control_shortfall"] == pytest.approx(100 * (size(pair) - size(row)) / words)
        assert size(row) <= size(pair) + 2
        exact += size(row) == size(pair)
        near += abs(size(row) - size(pair)) <= 1
        for change in row["intervention"]:
            where = json.loads(change["where"])
            assert row["factual"]["text"][where["start"] : where["stop"]] == change["before"]
            assert where["kind"] in concepts
    assert made > 110
    assert near > 0.9 * made  # few statements can be said otherwise by one word
    assert exact > 0.4 * made


def test_pairs_are_the_same_as_without_controls() -> None:
    plain = table(StructuralGenerator("cv", SOME["cv"]), 0, 40).to_pylist()
    whole = table(StructuralGenerator("cv", SOME["cv"], control="wording"), 0, 40).to_pylist()
    pairs = [row for row in whole if row["control_of"] is None]
    for one, other in zip(plain, pairs, strict=True):
        assert other[HIDDEN].pop("control_wording") is None
        other["scores"] = {name: other["scores"][name] for name in one["scores"]}
        assert {name: other[name] for name in one} == one


def test_the_sentence_that_the_edit_changed_is_reworded_first() -> None:
    generator = StructuralGenerator(few(), RAIN, control="wording")
    rows = by_id(table(generator, 0, 80))
    kinds = []
    for row in rows.values():
        if row["control_of"] is not None and row["counterfactual"] is not None:
            pair = rows[row["control_of"]]
            found = [json.loads(each["where"])["kind"] for each in row["intervention"]]
            if size(row) == size(pair):
                kinds.append(found)
    assert ["rain"] in kinds
    assert kinds.count(["rain"]) > len(kinds) / 2


def test_a_dataset_with_controls_is_computed_again_and_a_changed_control_found(tmp_path: Path) -> None:
    spec = {
        "name": "told",
        "rows": 50,
        "filters": {"graph": {}, "duplicates": {"mode": "group"}},
        "generator": {"use": "structural", "setting": "violence", "interventions": SOME["violence"]}
        | {"control": "wording"},
    }
    manifest = run_local(parse_recipe(spec), out=tmp_path / "out")
    assert manifest["accepted"] > 180
    found = validate(tmp_path / "out")
    assert found.problems == []
    assert found.witnesses == {"oracle": found.recomputed}
    assert found.recomputed >= manifest["accepted"]
    rows = [row for path in sorted(RunDirectory(tmp_path / "out").path.glob("data/*.parquet")) for row in _rows(path)]
    groups = {row["pair_id"]: row["group_id"] for row in rows}
    controls = [row for row in rows if row["control_of"] is not None]
    assert len(controls) > 80
    assert all(groups[row["control_of"]] == row["group_id"] for row in controls)


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def test_recompute_gives_every_row_its_own_text() -> None:
    generator = StructuralGenerator("disease", SOME["disease"], control="wording")
    made = table(generator, 0, 30)
    whole = made.filter(made["counterfactual"].is_valid()).combine_chunks()
    again = generator.recompute(whole)
    texts = [row["text"] for row in whole["counterfactual"].to_pylist()]
    assert list(again.counterfactual["text"]) == texts
    assert again.exact is not None
    assert again.held_fixed is not None
    assert again.exact.tolist() == whole["exact"].to_pylist()
    assert again.held_fixed.to_pylist() == whole["held_fixed"].to_pylist()
    swapped = whole.take(list(reversed(range(whole.num_rows)))).combine_chunks()
    assert list(generator.recompute(swapped).counterfactual["text"]) == texts[::-1]


def test_rules_and_a_model_make_controls_too() -> None:
    made = by_id(table(StructuralGenerator("disease", SOME["disease"], control="rules"), 0, 12))
    controls = [row for row in made.values() if row["control_of"] is not None]
    assert len(controls) == 24
    assert {row["label_source"] for row in controls if row["counterfactual"]} <= {"construction", "llm"}
    assert sum(row["counterfactual"] is not None for row in controls) > 12

    def answer(request: Request) -> str:
        return "Ada writes: It is wet. It is 12 degrees."

    generator = StructuralGenerator(few(), RAIN, control={"by": "llm", "tries": 1})
    model = Model(answer)
    units = generator.source(3).read(0, 30)
    assert generator.questions(units, context(model=model)) is None
    rows = [row for row in generator.generate(units, context(3, 0, model)).to_pylist() if row["control_of"] is not None]
    assert model.asked
    for row in rows:
        if row["counterfactual"] is not None:
            told = generator.setting.read(row["factual"]["text"]) == {"rain": "true", "degrees": "12"}
            assert bool(row["reasons"]) != told
            assert row["label_source"] == "llm"
            assert len(row["request_ids"]) == 1


def test_a_kind_that_cannot_be_is_refused() -> None:
    with pytest.raises(RecipeError, match="did you mean 'wording'"):
        StructuralGenerator("cv", SOME["cv"], control="wordings")
    with pytest.raises(RecipeError, match="'wording'") as found:
        StructuralGenerator("cv", SOME["cv"], realiser="llm", control="wording")
    assert found.value.allowed == "rules, llm"
