"""Controls of template pairs: other words of the same lists, never another value of a concept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contrafact.engines.llm import Request
from contrafact.errors import RecipeError
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import HIDDEN
from contrafact.validation import validate
from contrafact.wording import distance, tokens
from generators.text.template.generator import TemplateGenerator
from tests.text.phrasals import Model, context_with
from tests.text.test_template import SPEC, pairs, words_of


def test_a_control_has_other_words_for_the_same_concepts() -> None:
    rows = pairs(150, control="wording", per_unit="all")
    assert [row["control_of"] is None for row in rows] == [True, False] * 150
    names = {value: words_of("first_names", value) for value in ("female", "male")}
    exact = 0
    for pair, control in zip(rows[::2], rows[1::2], strict=True):
        assert control["control_of"] == f"{pair['unit_id']}/0"
        assert control["factual"] == pair["factual"]
        assert control["reasons"] == []
        assert control["label"] == control["counterfactual_label"] == pair["label"]
        assert (control["label_source"], control["exact"]) == ("construction", True)
        fact, other = control["factual"], control["counterfactual"]
        assert {name: fact[name] for name in ("gender", "mood")} == {name: other[name] for name in ("gender", "mood")}
        assert other["text"] not in (fact["text"], pair["counterfactual"]["text"])
        value = ("female", "male")[fact["gender"]]
        found = {word.strip(",.:") for word in other["text"].split()} & (names["female"] | names["male"])
        assert found & names[value]
        assert (" she " in other["text"]) == (value == "female")
        count, most = _size(control), _size(pair)
        words = len(tokens(fact["text"]))
        assert control["scores"]["control_share"] == pytest.approx(100 * count / words)
        assert control["scores"]["control_shortfall"] == pytest.approx(100 * (most - count) / words)
        exact += count == most
    assert exact > 140


def test_a_word_that_is_listed_twice_is_one_word() -> None:
    feels = {"by": "mood", "words": {mood: ["low", "low", "calm"] for mood in ("glad", "sad", "cross")}}
    slots = {**SPEC["slots"], "feels": feels, "city": ["Rome", "Rome", "Oslo"]}
    rows = pairs(60, slots=slots, control="wording", per_unit="all")
    assert [row["reasons"] for row in rows] == [[]] * 120


def _size(row: dict[str, Any]) -> int:
    return distance(tokens(row["factual"]["text"]), tokens(row["counterfactual"]["text"]))


def test_pairs_are_the_same_as_without_controls() -> None:
    plain = pairs(60)
    whole = [row for row in pairs(60, control="wording") if row["control_of"] is None]
    for one, other in zip(plain, whole, strict=True):
        assert other[HIDDEN].pop("control_picks") is None
        assert {name: other[name] for name in one} == one


@pytest.mark.parametrize("kind", ["wording", "rules"])
def test_a_dataset_with_controls_is_computed_again(kind: str, tmp_path: Path) -> None:
    spec = {"name": "moods", "rows": 40, "generator": {"use": "template", "control": kind, **SPEC},
            "filters": {"label_flip": {"want": "keep"}}}  # fmt: skip
    manifest = run_local(parse_recipe(spec), out=tmp_path)
    assert manifest["proposed"] == 80
    assert manifest["accepted"] > 70
    found = validate(tmp_path)
    assert found.problems == []
    assert sum(found.witnesses.values()) == found.recomputed >= manifest["accepted"]
    assert found.witnesses["construction"] >= 40


def test_a_control_of_other_words_than_stored_is_found() -> None:
    generator = TemplateGenerator(**SPEC, control="wording")
    source = generator.source(3).read(0, 20)
    made = generator.generate(source, context_with(None))
    texts = [row["text"] for row in made["counterfactual"].to_pylist()]
    again = generator.recompute(made)
    assert list(again.counterfactual["text"]) == texts
    rows = made.to_pylist()
    control = rows[1]
    control["counterfactual"]["text"] = control["factual"]["text"]
    changed = generator.recompute(made.from_pylist(rows, schema=made.schema))
    assert list(changed.counterfactual["text"]) == texts != [row["counterfactual"]["text"] for row in rows]


def test_a_slot_that_stands_twice_is_left_alone() -> None:
    slots = {**SPEC["slots"], "feels": {"by": "mood", "words": {"glad": ["glad"], "sad": ["sad"], "cross": ["cross"]}}}
    rows = pairs(
        20, templates=["{Name} is here, and {name} is {feels}: {she} said so."], control="wording",
        slots={name: slot for name, slot in slots.items() if name != "city"},
    )  # fmt: skip
    assert [row["reasons"] for row in rows[1::2]] == [
        ["template: control: no other wording is as small as the edit"]
    ] * 20


def test_a_model_makes_controls_too() -> None:
    def answer(request: Request) -> str:
        return "nothing of the kind"

    model = Model(answer)
    generator = TemplateGenerator(**SPEC, control={"by": "llm", "tries": 2})
    context = context_with(model)
    generator.borrow(context.engines)
    assert context.engines.asks
    rows = generator.generate(generator.source(3).read(0, 6), context).to_pylist()
    assert len(model.asked) == 12
    assert all(row["reasons"] and len(row["request_ids"]) == 2 for row in rows[1::2])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(RecipeError, match="did you mean 'wording'"):
        TemplateGenerator(**SPEC, control="wordin")
