"""Controls of concept pairs: a matched placebo of the unit's own value, or a paraphrase that breaks no concept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.engines.llm import Request
from contrafact.errors import RecipeError
from contrafact.record import LABEL_SOURCES
from generators.text.concept.generator import ConceptGenerator
from generators.text.concept.nearest import Match, Side, Wanted
from generators.text.concept.placebos import placebo_matches
from generators.text.words import words
from tests.text.phrasals import Letters, Model, context_with
from tests.text.test_concept_matching import made

CONCEPTS = {"mood": ["0", "1"], "person": {"reader": "person"}, "form": {"reader": "form"}}


def moods(sentences: list[str]) -> pa.Table:
    texts = list(dict.fromkeys(sentences))
    return pa.table({"text": texts, "mood": [str(len(text) % 2) for text in texts]})


def test_a_placebo_is_the_text_as_near_as_the_match_with_the_units_own_values(sentences: list[str]) -> None:
    table = moods(sentences)
    options: dict[str, Any] = {"concepts": CONCEPTS, "change": "mood", "min_cosine": 0.5, "max_cosine": 0.99}
    rows = made(table, control="matching", **options)
    plain = made(table, **options)
    pairs = [row for row in rows if row["control_of"] is None]
    for one, other in zip(plain, pairs, strict=True):
        assert (one["factual"], one["counterfactual"]) == (other["factual"], other["counterfactual"])
    facts = {row["factual"]["text"]: row["factual"] for row in pairs}
    vectors = dict(zip(facts, Letters().encode(list(facts)).astype(np.float64), strict=True))
    matches = {f"{row['unit_id']}/0": row for row in pairs}
    controls = [row for row in rows if row["control_of"] is not None]
    checked = 0
    for row in controls:
        pair = matches[row["control_of"]]
        fact, wanted = row["factual"], pair["scores"]["match_cosine"]
        gaps = [
            abs(np.round(vectors[text] @ vectors[fact["text"]], 6) - wanted)
            for text, other in facts.items()
            if text != fact["text"]
            and all(other[name] == fact[name] for name in CONCEPTS)
            and 0.5 <= np.round(vectors[text] @ vectors[fact["text"]], 6) <= 0.99
        ]
        if row["counterfactual"] is None:
            assert not gaps or min(gaps) > 0.1
            assert row["reasons"][0].startswith("concept: control: no text as near")
            continue
        checked += 1
        other = row["counterfactual"]
        assert {name: fact[name] for name in CONCEPTS} == {name: other[name] for name in CONCEPTS}
        assert row["label"] == row["counterfactual_label"] == pair["label"]
        assert abs(row["scores"]["match_cosine"] - wanted) == pytest.approx(min(gaps))
        assert row["group_id"] == pair["group_id"]
        assert row["scores"]["control_share"] > 0
        assert row["label_source"] == pair["label_source"] == "construction"
    assert checked > 20


def test_texts_of_controls_stay_in_the_group_of_their_own_pairs(sentences: list[str]) -> None:
    rows = made(moods(sentences), concepts=CONCEPTS, change="mood", min_cosine=0.5, max_cosine=0.99, control="matching")
    groups: dict[str, str] = {}
    for row in rows:
        for member in ("factual", "counterfactual"):
            if row[member] is not None:
                assert groups.setdefault(row[member]["text"], row["group_id"]) == row["group_id"]


def test_each_text_is_the_placebo_of_one_match_at_the_most() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0.81, 0.586], [0.59, 0.807]], dtype=np.float32)
    codes = np.array([[0], [1], [1], [0], [0]])
    side = Side(vectors, codes, np.arange(5), np.full(5, -1))
    found = [[Match(1, 0.8, ()), Match(2, 0.6, ())]]
    (chosen,) = placebo_matches(side.take(np.array([0])), found, side, Wanted(0, (), strict=True, k=2), [0])
    assert [match and match.row for match in chosen] == [3, 4]
    alone = side.take(np.array([0, 1, 2, 3]))
    (chosen,) = placebo_matches(side.take(np.array([0])), found, alone, Wanted(0, (), strict=True, k=2), [0])
    assert [match and match.row for match in chosen] == [3, None]


def test_a_paraphrase_that_breaks_a_concept_is_a_reject() -> None:
    concepts = {"mood": ["0", "1"], "length": {"reader": "length", "cuts": [7]}}
    texts = ["I think it was a bad room.", "I think it was a good day.", "We like the pool a lot.", "We hate it there."]
    table = pa.table({"text": texts, "mood": ["0", "1", "1", "0"]})
    rows = made(table, concepts=concepts, change="mood", hold=[], control="rules")
    controls = [row for row in rows if row["control_of"] is not None and row["counterfactual"] is not None]
    kinds = set()
    for row in controls:
        sides = [len(words(row[member]["text"])) >= 7 for member in ("factual", "counterfactual")]
        broke = sides[0] != sides[1]
        kinds.add(broke)
        assert row["reasons"] == (["concept: control: the paraphrase broke length"] if broke else [])
        assert row["counterfactual"]["mood"] is None  # nobody reads it again
        assert row["held_fixed"] == ([] if broke else ["length"])
        assert row["label_source"] in LABEL_SOURCES
    assert kinds == {True, False}


def test_rewrites_have_controls_by_a_model() -> None:
    def answer(request: Request) -> str:
        said = (request.prompt or "").rsplit("\n", 1)[-1]
        return "The room was tidy." if said.startswith("Same meaning") else "The room was not clean."

    generator = ConceptGenerator(
        {"negation": {"reader": "negation"}}, "negation", by="llm", control={"by": "llm", "tries": 1}
    )
    units = pa.table({"unit_id": ["u"], "text": ["The room was clean."]})
    context = context_with(Model(answer))
    assert generator.questions(units, context) is None
    pair, control = generator.generate(units, context).to_pylist()
    assert pair["counterfactual"]["text"] == "The room was not clean."
    assert control["counterfactual"] == {"text": "The room was tidy.", "negation": control["factual"]["negation"]}
    assert (control["control_of"], control["reasons"], control["label_source"]) == ("u/0", [], "llm")
    assert (control["group_id"], len(control["request_ids"])) == (pair["group_id"], 1)


def test_a_rewrite_has_no_matched_placebo() -> None:
    with pytest.raises(RecipeError, match="'matching'") as found:
        ConceptGenerator({"negation": {"reader": "negation"}}, "negation", by="llm", control="matching")
    assert found.value.allowed == "rules, llm"
