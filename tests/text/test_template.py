"""Template pairs: one concept is swapped, with every word that follows from it, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe
from contrafact.samples import sample_pairs
from contrafact.stages import Context
from contrafact.store.layout import RunDirectory
from contrafact.streams import Streams
from contrafact.validation import validate
from generators.text.effects import ate
from generators.text.template.generator import TemplateGenerator
from generators.text.template.lexicons import lexicons

RECIPES = Path(__file__).parent.parent.parent / "recipes"

SPEC: dict[str, Any] = {
    "templates": ["{Name} was {feels} in {city}, and {she} said so.", "In {city} I saw {name}: {she} looked {feels}."],
    "concepts": {
        "gender": {"role": "treatment", "values": ["female", "male"]},
        "mood": {"role": "control", "values": ["glad", "sad", "cross"]},
    },
    "slots": {
        "name": {"by": "gender", "words": "first_names"},
        "she": {"by": "gender", "words": "she"},
        "feels": {
            "by": "mood",
            "words": {"glad": ["glad", "merry"], "sad": ["sad", "low"], "cross": ["cross", "irate"]},
        },
        "city": "cities",
    },
    "label": "mood",
}


def context(seed: int = 3, start: int = 0) -> Context:
    return Context(Streams(seed, "tests"), "recipe", seed, start)


def table(rows: int = 200, start: int = 0, seed: int = 3, **options: Any) -> pa.Table:
    generator = TemplateGenerator(**{**SPEC, **options})
    return generator.generate(generator.source(seed).read(start, start + rows), context(seed, start))


def pairs(rows: int = 200, **options: Any) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = table(rows, **options).to_pylist()
    return made


def words_of(lexicon: str, value: str) -> set[str]:
    return set(lexicons()[lexicon][value])


def test_a_treatment_is_swapped_with_every_word_that_agrees_with_it() -> None:
    for pair in pairs():
        for member, change in (("factual", "before"), ("counterfactual", "after")):
            gender = pair["intervention"][0][change]
            text = pair[member]["text"]
            assert pair[member]["gender"] == ["female", "male"].index(gender)
            assert bool(re.search(r"\bshe\b", text)) == (gender == "female")
            assert bool(re.search(r"\bhe\b", text)) == (gender == "male")
            names = {word for word in re.findall(r"\w+", text) if word in words_of("first_names", gender)}
            assert len(names) == 1
        assert pair["label"] == pair["counterfactual_label"]


def test_outside_the_treated_places_the_bytes_are_the_same() -> None:
    for pair in pairs():
        spans = json.loads(pair["intervention"][0]["where"])["spans"]
        assert len(spans) == 2
        text, other = pair["factual"]["text"], pair["counterfactual"]["text"]
        edges = [0, *(edge for span in spans for edge in span), len(text)]
        kept = [text[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True)]
        assert re.fullmatch(r"\w+".join(re.escape(each) for each in kept), other)
        assert pair["factual"]["mood"] == pair["counterfactual"]["mood"]
        assert pair["held_fixed"] == ["mood"]


def test_a_treatment_of_the_label_moves_it_as_the_table_says() -> None:
    label = {"by": "mood", "table": {"glad": "positive", "sad": "negative", "cross": "negative"}}
    templates = ["{Name} was {feels} in {city}, and {she} said so."]
    concepts = {"gender": SPEC["concepts"]["gender"], "mood": {"role": "treatment", "values": ["glad", "sad", "cross"]}}
    made = pairs(300, label=label, templates=templates, concepts=concepts, per_unit="all", target="each")
    assert len(made) == 300 * (1 + 2)
    for pair in made:
        names = ["glad", "sad", "cross"]
        told = [
            "positive" if names[pair[each]["mood"]] == "glad" else "negative" for each in ("factual", "counterfactual")
        ]
        assert [pair["label"], pair["counterfactual_label"]] == [["positive", "negative"].index(each) for each in told]
    moved = [pair for pair in made if pair["intervention"][0]["variable"] == "mood"]
    assert {pair["label"] != pair["counterfactual_label"] for pair in moved} == {True, False}


def test_the_label_may_follow_from_two_concepts() -> None:
    label = {
        "by": ["mood", "denied"],
        "table": {"glad": {"no": "up", "yes": "down"}, "sad": {"no": "down", "yes": "up"}},
    }
    concepts = {
        "mood": {"role": "treatment", "values": ["glad", "sad"]},
        "denied": {"role": "treatment", "values": ["no", "yes"]},
    }
    slots = {
        "is": {"by": "denied", "words": {"no": ["is"], "yes": ["is not"]}},
        "feels": {"by": "mood", "words": {"glad": ["glad"], "sad": ["sad"]}},
    }
    for pair in pairs(
        100, label=label, concepts=concepts, slots=slots, templates=["Ann {is} {feels}."], per_unit="all"
    ):
        for member, code in (("factual", "label"), ("counterfactual", "counterfactual_label")):
            text = pair[member]["text"]
            assert ["up", "down"][pair[code]] == ("up" if ("glad" in text) != ("not" in text) else "down")


def test_words_may_follow_from_two_concepts() -> None:
    slots = {
        **SPEC["slots"],
        "name": {
            "by": ["gender", "mood"],
            "words": {sex: {mood: [f"{sex}{mood}"] for mood in ("glad", "sad", "cross")} for sex in ("female", "male")},
        },
    }
    for pair in pairs(50, slots=slots):
        after = pair["intervention"][0]["after"]
        mood = ["glad", "sad", "cross"][pair["factual"]["mood"]]
        assert f"{after}{mood}".lower() in pair["counterfactual"]["text"].lower()


def test_a_unit_is_the_same_whatever_the_size_of_its_shard() -> None:
    parts = pa.concat_tables([table(7), table(1, 7), table(32, 8)])
    assert parts.combine_chunks().equals(table(40).combine_chunks())
    assert not table(40, seed=4).equals(table(40))


def test_swapping_back_gives_the_fact_again() -> None:
    generator = TemplateGenerator(**SPEC)
    for pair in pairs(100):
        hidden, change = pair["hidden"], pair["intervention"][0]
        moods = ["glad", "sad", "cross"]
        values = {"gender": change["before"], "mood": moods[pair["counterfactual"]["mood"]]}
        back = generator.templates.fill(hidden["template"], values, hidden["picks"])
        assert "".join(text for text, _ in back) == pair["factual"]["text"]


def test_texts_that_are_the_same_are_no_pair() -> None:
    slots = {**SPEC["slots"], "name": ["Kim"], "she": {"by": "gender", "words": {"female": ["they"], "male": ["they"]}}}
    made = pairs(20, slots=slots)
    assert all(pair["reasons"] == ["template: the text did not change"] for pair in made)


def test_the_effect_on_a_known_classifier_is_exact() -> None:
    made = pairs(500)

    def classifier(text: str) -> tuple[float, float]:
        # Hears moods, and gives 0.125 for the pronoun alone.
        score = 0.25 + 0.5 * bool(re.search("glad|merry", text)) + 0.125 * bool(re.search(r"\bshe\b", text))
        return score, 1 - score

    before = [classifier(pair["factual"]["text"]) for pair in made]
    after = [classifier(pair["counterfactual"]["text"]) for pair in made]
    assert ate(before, after) == pytest.approx(2 * 0.125, abs=1e-12)
    assert ate(before, before) == 0.0


@pytest.mark.parametrize("name", ["text_template_mood", "text_template_reviews"])
def test_a_recipe_builds_and_every_pair_is_made_again(name: str, tmp_path: Path) -> None:
    recipe, path = load_recipe(str(RECIPES / f"{name}.yaml"), rows=200)
    manifest = run_local(recipe, path, tmp_path / name)
    assert manifest["label_sources"] == {"construction": manifest["accepted"]}
    assert manifest["accepted"] >= 150
    found = validate(tmp_path / name, RECIPES)
    assert found.problems == []
    assert found.recomputed == manifest["proposed"]
    card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
    assert "Invariance" in card
    for pair in sample_pairs(RunDirectory(tmp_path / name), 200):
        for member in ("factual", "counterfactual"):
            text = pair[member]["text"]
            assert not re.search(r" {2}| [.,;:!?]|\.\.|[{}\[\]]", text), text
            assert text[0].isupper(), text
        directional = pair["intervention"][0]["variable"] == "praise"
        assert (pair["label"] != pair["counterfactual_label"]) == directional


def test_a_stored_pair_that_was_changed_is_found_out() -> None:
    generator = TemplateGenerator(**SPEC)
    made = table(30)
    again = generator.recompute(made)
    stored = [each["text"] for each in made["counterfactual"].to_pylist()]
    assert again.counterfactual["text"].tolist() == stored
    assert again.factual is not None
    assert again.factual["text"].tolist() == [each["text"] for each in made["factual"].to_pylist()]
    hidden = made["hidden"].to_pylist()
    hidden[3]["picks"]["city"] = (hidden[3]["picks"]["city"] + 0.5) % 1
    place = made.schema.get_field_index("hidden")
    other = made.set_column(place, "hidden", pa.array(hidden, made.schema.field("hidden").type))
    differing = [one != two for one, two in zip(generator.recompute(other).counterfactual["text"], stored, strict=True)]
    assert np.flatnonzero(differing).tolist() == [3]


def test_the_card_says_what_moves_the_label_and_what_is_held() -> None:
    concepts = {**SPEC["concepts"], "size": {"role": "confounder", "values": ["small", "large"]}}
    notes = " ".join(TemplateGenerator(**{**SPEC, "concepts": concepts}).notes())
    assert "Invariance: the label stays when gender moves." in notes
    assert "Held fixed (control): mood." in notes
    assert "Held fixed (confounder): size." in notes
    moving = {**concepts, "mood": {"role": "treatment", "values": ["glad", "sad", "cross"]}}
    assert "Directional" in " ".join(TemplateGenerator(**{**SPEC, "concepts": moving}).notes())


def test_lexicons_hold_no_word_twice_and_are_of_one_length() -> None:
    for name, values in lexicons().items():
        assert len({len(words) for words in values.values()}) == 1, name
        for words in values.values():
            assert len(set(words)) == len(words), name
