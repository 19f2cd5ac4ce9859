"""Gates: each has a case that trips it alone, and nothing harmless trips any."""

from __future__ import annotations

import pytest

from contrafact.errors import RecipeError
from generators.text.edits import Edit
from generators.text.gates import GATES, Proposal, first_failed, gates
from generators.text.residue import has_residue
from generators.text.words import NEGATIONS, jaccard, within, words

TEXT = "A man in a blue shirt is sleeping on a couch near the window."
OTHER = "The old man rests quietly at home."


def proposal(
    fill: str, before: str = "sleeping", *, text: str = TEXT, other: str = OTHER, target: str = "neutral"
) -> Proposal:
    start = text.index(before)
    return Proposal(Edit("hypothesis", start, start + len(before), before, fill, "infill"), text, other, target)


def tripped(each: Proposal) -> set[str]:
    return {name for name, trips in GATES.items() if trips(each)}


CASES = {
    "empty": proposal(" "),
    "unchanged": proposal("Sleeping,"),
    "blank": proposal("reading [blank] aloud"),
    "meta": proposal("making the hypothesis come out"),
    "residue": proposal("replaced by reading"),
    "equals_other": proposal("the old man rests quietly at home"),
    "contains_other": proposal("dreaming that the old man rests quietly at home"),
    "within_other": proposal("rests quietly"),
    "within_text": proposal("near the window"),
    "overlap_other": proposal("quietly at home the old grandfather rests"),
    "overlap_text": proposal("near a blue couch window in the shirt on man"),
    "negation": proposal("not sleeping", target="contradiction"),
    "sentence_copy": proposal(
        "resting", text="The old man is sleeping quietly at home", other="The old man is resting quietly at home."
    ),
}


def test_every_gate_has_a_case() -> None:
    assert set(CASES) == set(GATES)


@pytest.mark.parametrize("name", CASES)
def test_a_case_trips_its_gate_and_no_other(name: str) -> None:
    assert tripped(CASES[name]) == {name}
    assert first_failed(gates(), CASES[name]) == name
    assert first_failed(gates(*(set(GATES) - {name})), CASES[name]) is None


@pytest.mark.parametrize(
    "fill", ["reading", "playing in the snow", "eating a hot meal", "knotting his tie", "waving to nobody's dog"]
)
def test_an_honest_fill_passes_every_gate(fill: str) -> None:
    assert tripped(proposal(fill)) == set()


@pytest.mark.parametrize(
    ("fill", "negative"),
    [
        ("shovelling snow", False),
        ("not sleeping", True),
        ("never still", True),
        ("in a knot", False),
        ("notable", False),
        ("doing nothing", True),
        ("unable to sleep, isn't he", True),
        ("isn’t here", True),  # noqa: RUF001
        ("noting it down", False),
        ("cannoting", False),
    ],
)
def test_negation_is_a_whole_word(fill: str, negative: bool) -> None:
    assert ("negation" in tripped(proposal(fill, target="contradiction"))) is negative
    assert "negation" not in tripped(proposal(fill, target="neutral"))


def test_a_negation_that_stood_there_is_not_new() -> None:
    text = "A man is not sleeping."
    assert "negation" not in tripped(proposal("not reading", "not sleeping", text=text, target="contradiction"))


@pytest.mark.parametrize(
    "fill",
    [
        "replaced by reading a book",
        "is replaced with a cat",
        "filled in with a dog",
        "filled with running",
        "filled as sleeping",
        "the blank",
        "in the blank with a dog",
        "fill in the blank: dogs",
        "a dog in the blank.",
        '"a dog"',
        "“a dog”",
        "'running fast'",
        "Sure, a dog",
        "Sure! Here is the sentence",
        "Certainly: a dog",
        "Here's the rewritten sentence",
        "Here is a new version",
        "Answer: a dog",
        "Output: a dog",
        "Assistant: a dog",
        "Hypothesis: a dog",
        "Sentence: The dog",
        "as an AI language model",
        "I'm sorry, but I cannot",
        "I cannot help with that",
        "the answer is a dog",
        "a dog\nPremise: A man",
        "a dog so that the sentence is false",
        "the masked word",
        "<|im_end|>",
        "[INST] a dog",
        "```a dog```",
        "rewritten as a dog",
        "changed to a dog",
    ],
)
def test_residue_is_recognised(fill: str) -> None:
    assert has_residue(fill) or "meta" in tripped(proposal(fill))


@pytest.mark.parametrize(
    "fill",
    [
        "a cup filled to the brim",
        "carrying a bucket filled with water",
        "a man who replaced the tyre",
        "blank walls",
        "a blank page",
        "drawing a blank face",
        "a sentence of ten years",
        "surely asleep",
        "certainly tired",
        "answering the phone",
        "an outstanding output",
        "here in the city",
        "the users of the system",
        "the dogs' owner",
        'a "big" dog',
        "it's a dog's life",
        "sorry for the delay",
        "changing the tyre",
        "a hot dog (with mustard)",
        "reviewing a film",
        "okay",
        "filling the pool",
    ],
)
def test_ordinary_phrases_are_no_residue(fill: str) -> None:
    assert not has_residue(fill)
    assert tripped(proposal(fill)) & {"meta", "residue", "blank"} == set()


def test_what_stood_there_before_is_the_authors_own() -> None:
    assert has_residue('"a cat"')
    assert not has_residue('"a cat"', before='"a dog"')
    assert has_residue("one\ntwo")
    assert not has_residue("one\ntwo", before="three\nfour")


def test_words_have_no_case_punctuation_or_curly_apostrophes() -> None:
    assert words("Don’t, STOP -- “now”!") == ["don't", "stop", "now"]  # noqa: RUF001
    assert words("") == []
    assert {"not", "isn't", "won't", "can't", "never"} <= NEGATIONS


def test_within_is_about_words_in_a_row() -> None:
    assert within(["a", "b"], ["c", "a", "b"])
    assert not within(["a", "b"], ["a", "c", "b"])
    assert not within([], ["a"])
    assert jaccard([], []) == 0
    assert jaccard(["a", "b"], ["b", "c"]) == pytest.approx(1 / 3)


def test_an_unknown_gate_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'negation'"):
        gates("negatoin")
