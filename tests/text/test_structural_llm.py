"""Structural texts by a language model: what it is asked, what is read back, and what becomes of a bad text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contrafact.engines.llm import Reply, Request
from contrafact.validation import Validation
from contrafact.validation.checking import _note_unmade
from generators.text.structural.generator import StructuralGenerator
from generators.text.structural.grounding import Grounding
from tests.text.phrasals import Model, text_of
from tests.text.structurals import context, few, named_pairs, table


def facts_of(request: Request) -> str:
    """The last facts of a question: those that are to be told."""
    return (
        text_of(request).rpartition("Facts:\n")[2].partition("\nText:")[0]
        if request.prompt
        else request.messages[-1].content
    )


def faithful(request: Request) -> str:
    """Says in words of its own what the facts say."""
    facts = facts_of(request)
    wet = "rains" in facts or "wet" in facts
    degrees = next(word for word in facts.split() if word.isdigit())
    return f"Dear all, today {'everything is wet' if wet else 'all is dry'}, and I read {degrees} degrees. Yours"


def made(
    answer: Callable[[Request], str | Reply], rows: int = 30, do: Any = None, **options: Any
) -> list[dict[str, Any]]:
    generator = StructuralGenerator(few(), do or {"do": {"rain": "another"}}, realiser="llm", **options)
    return named_pairs(generator, rows, answer)


@pytest.mark.parametrize("mode", ["completion", "chat"])
def test_a_faithful_model_makes_pairs_that_pass(mode: str) -> None:
    pairs = made(faithful, mode=mode)
    for pair in pairs:
        assert pair["reasons"] == []
        assert pair["scores"]["concept_recall"] == 1.0
        assert pair["factual"]["text"].startswith("Dear all")
        assert pair["factual"]["text"] != pair["counterfactual"]["text"]
        assert len(pair["request_ids"]) == 2
        assert pair["cost"] == 0.5


def test_a_model_that_does_not_tell_what_changed_makes_rejects() -> None:
    pairs = made(lambda request: "All is dry, and it is 7 degrees.", label="rain")
    reasons = sorted({reason for pair in pairs for reason in pair["reasons"]})
    assert reasons == [
        "structural: rain cannot be read back from the counterfactual text",
        "structural: rain cannot be read back from the factual text",
    ]
    assert all(pair["scores"]["recall_rain"] == 0.5 for pair in pairs)
    assert all(pair["scores"]["recall_degrees"] == 0.0 for pair in pairs)
    assert all(pair["counterfactual"]["text"] for pair in pairs)  # kept, to be looked at


def test_a_text_that_tells_another_cause_of_the_label_is_no_oracles() -> None:
    def warmer(request: Request) -> str:
        return faithful(request).replace("12 degrees", "25 degrees")

    told = {place: pair["factual"]["degrees"] == 12 for place, pair in enumerate(made(faithful))}
    pairs = made(warmer)
    assert 0 < sum(told.values()) < len(pairs)
    for place, pair in enumerate(pairs):
        sides = ("factual", "counterfactual") if told[place] else ()
        assert pair["reasons"] == [f"structural: degrees cannot be read back from the {side} text" for side in sides]
    assert all(pair["reasons"] == [] for pair in made(warmer, label="rain"))  # nothing but rain decides this label


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply("k", None, failure="refused"), "structural: no answer: refused"),
        (Reply("k", "It rains and", finish="length"), "structural: the text was cut off"),
        (Reply("k", "  "), "structural: the text is empty"),
        (Reply("k", "dry \x00 5 degrees"), "structural: the text holds a NUL byte"),
    ],
)
def test_no_text_is_no_pair(reply: Reply, said: str) -> None:
    for pair in made(lambda request: reply, 5):
        assert pair["reasons"] == [said]
        assert pair["counterfactual"] is None
        assert pair["factual"]["text"] is None


def test_a_null_intervention_is_one_question_and_one_text() -> None:
    generator = StructuralGenerator(few(), {"do": {"rain": "same"}}, realiser="llm")
    model = Model(faithful)
    for pair in table(generator, 0, 20, model).to_pylist():
        assert pair["factual"]["text"] == pair["counterfactual"]["text"]
        assert len(pair["request_ids"]) == 1
    assert len(model.asked) == 20
    assert len({request.key("m") for request in model.asked}) == 20


def test_both_texts_of_a_unit_are_asked_for_alike() -> None:
    generator = StructuralGenerator(few(), {"do": {"rain": "another"}}, realiser="llm")
    model = Model(faithful)
    table(generator, 0, 10, model)
    for before, after in zip(model.asked[:10], model.asked[10:], strict=True):
        assert before.sampling == after.sampling
        assert before.sampling.temperature == 0.0
        assert before.sampling.seed is not None
        one, other = text_of(before).splitlines(), text_of(after).splitlines()
        assert sum(line != counter for line, counter in zip(one, other, strict=True)) == 1
    assert len({request.sampling.seed for request in model.asked}) == 10


def test_what_is_asked_does_not_depend_on_the_shard_and_is_known_beforehand() -> None:
    generator = StructuralGenerator(few(), {"do": {"rain": "another"}}, realiser="llm")
    whole, parts = Model(faithful), Model(faithful)
    table(generator, 0, 12, whole)
    table(generator, 0, 5, parts)
    table(generator, 5, 12, parts)
    keys = {request.key("m") for request in whole.asked}
    assert keys == {request.key("m") for request in parts.asked}
    units = generator.source(3).read(0, 12)
    assert {request.key("m") for request in generator.questions(units, context()) or ()} == keys
    assert list(StructuralGenerator(few(), {"do": {"rain": "another"}}).questions(units, context()) or ()) == []


def test_the_examples_are_in_the_units_style_and_tell_their_own_facts() -> None:
    generator = StructuralGenerator("disease", {"do": {"fever": "another"}}, realiser="llm", shots=3)
    units = generator.source(3).read(0, 20)
    for request in generator.questions(units, context()) or ():
        examples = str(request.prompt).split("###")[:-1]
        assert len(examples) == 3
        for example in examples:
            facts, _, text = example.partition("Facts:\n")[2].partition("\nText:\n")
            told = generator.setting.read(facts.partition("\n")[2])
            assert generator.setting.read(text) == told
            assert None not in told.values()


def test_what_a_model_wrote_is_not_claimed_to_be_recomputed() -> None:
    generator = StructuralGenerator(few(), {"do": {"rain": "another"}}, realiser="llm")
    made = table(generator, 0, 10, Model(faithful))
    again = generator.recompute(made)
    assert "text" not in again.counterfactual
    assert again.label.equals(made["label"].combine_chunks())
    assert any("no text" in note and "rain, degrees" in note for note in generator.notes())
    assert not any("no text" in note for note in StructuralGenerator(few(), {"do": {"rain": "another"}}).notes())


def test_the_order_of_facts_is_that_of_the_template() -> None:
    generator = StructuralGenerator(few(), {"do": {"rain": "another"}}, realiser="llm")
    values = {"rain": "true", "degrees": "12"}
    grounding = Grounding("plain", 1, 0, {"rain": 0, "degrees": 0})
    prompt = str(generator.writer.requests(values, grounding, [], 1)[0].prompt)
    assert prompt.index("12 degrees") < prompt.index("It is wet.")


def rephrased(request: Request) -> str:
    """Says the sentence with a word before it."""
    prompt = str(request.prompt)
    return f" Indeed: {prompt.rpartition('Sentence: ')[2].partition(chr(10))[0].lower()}"


def test_by_sentence_the_template_holds_what_the_model_said_together() -> None:
    pairs = made(rephrased, by="sentence")
    for pair in pairs:
        assert pair["reasons"] == []
        assert pair["factual"]["text"].count("Indeed: ") == 2
        assert any(name in pair["factual"]["text"] for name in ("Ada", "Bo"))
        before, after = (pair[member]["text"] for member in ("factual", "counterfactual"))
        same = [each for each in before.split("Indeed: ") if "degrees" in each]
        assert same == [each for each in after.split("Indeed: ") if "degrees" in each]  # what did not move
        assert before != after
        assert len(pair["request_ids"]) == 3


def test_by_sentence_a_question_is_asked_once_for_all_units() -> None:
    generator = StructuralGenerator(few(), {"do": {"rain": "another"}}, realiser="llm", by="sentence")
    model = Model(rephrased)
    table(generator, 0, 200, model)
    assert len(model.asked) == len(set(model.asked)) == 2 * 2 + 3 * 2  # value by wording, of both concepts
    assert all("\n" in request.sampling.stop for request in model.asked)
    for request in model.asked:
        shown = str(request.prompt).rpartition("Sentence: ")
        assert shown[2].partition("\n")[0] not in shown[0]  # no example gives the sentence asked for


def test_by_sentence_what_is_no_sentence_is_left_as_it_is() -> None:
    generator = StructuralGenerator("cv", {"do": {"gender": "another"}}, realiser="llm", by="sentence")
    model = Model(rephrased)
    for pair in table(generator, 0, 10, model).to_pylist():
        assert not any(text.startswith("Indeed") for text in pair["factual"]["text"].splitlines()[:1])
    assert not [request for request in model.asked if "Ms " in str(request.prompt).rpartition("Sentence: ")[2]]


def test_what_followed_must_be_read_back_too() -> None:
    spec = few(
        scm={
            "variables": {
                "season": {"mechanism": "bernoulli", "probability": 0.5},
                "rain": {"mechanism": "boolean", "expression": "season"},
                "degrees": {"mechanism": "discrete", "values": [3, 12], "table": [0.5, 0.5]},
                "walk": {"mechanism": "boolean", "expression": "not rain"},
            }
        }
    )
    generator = StructuralGenerator(spec, {"do": {"season": "another"}}, realiser="llm")
    told = named_pairs(generator, 20, faithful)
    assert all(pair["reasons"] == [] for pair in told)
    silent = named_pairs(generator, 20, lambda request: "All is dry, and it is 3 degrees.")
    # The season is told nowhere, and what it did to the rain is not told either.
    assert all(len(pair["reasons"]) == 1 and "rain cannot be read back" in pair["reasons"][0] for pair in silent)


def test_validate_says_which_texts_it_takes_as_they_are() -> None:
    do: Any = {"do": {"rain": "another"}}
    written = StructuralGenerator(few(), do, realiser="llm")
    for generator, notes in (
        (written, ["taken as stored, and not made again: text"]),
        (StructuralGenerator(few(), do), []),
    ):
        pairs = table(generator, 0, 10, Model(faithful))
        found = Validation()
        for _ in range(2):
            _note_unmade(pairs["counterfactual"].type, generator.recompute(pairs), found)
        assert found.notes == notes
