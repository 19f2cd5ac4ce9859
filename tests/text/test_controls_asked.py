"""Controls by a language model: what is asked again, what is kept, and what is turned away."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from contrafact.engines.llm import Reply, Request, Usage
from generators.text.controls import AskedControls, Control, Target
from generators.text.controls.usable import objection, refuses
from generators.text.edits import Failed, edited_text
from generators.text.lexical import LexicalGenerator
from generators.text.wordnet import WordNet
from tests.text.phrasals import SENTIMENT, Model, context_with, text_of

TEXT = "The room was clean and the staff was kind to us."
TARGET = Target("u/0", "text", TEXT, "The room was dirty and the staff was rude to us.")
ONE, TWO = TEXT.replace("clean", "tidy"), TEXT.replace("kind", "nice").replace("The", "Our")
FOUR = "Our rooms were tidy and the staff was kind to us."


def made(*answers: str | Reply, target: Target = TARGET, **options: Any) -> tuple[Control | Failed, Model]:
    """What becomes of a target, and the model, which says one answer after another and the last one ever after."""
    said = iter(answers)
    last = answers[-1]
    model = Model(lambda request: next(said, last))
    return AskedControls(**options).make([target], context_with(model))[0], model


def text_after(control: Control | Failed) -> str:
    assert isinstance(control, Control), control
    return edited_text(TEXT, control.edits[0])


# The words clean and kind are what the edit is about: a paraphrase of this target must keep them.
FREE = Target("u/0", "text", TEXT, TEXT.replace("was clean", "was not clean").replace("was kind", "was not kind"))


@pytest.mark.parametrize("mode", ["completion", "chat"])
def test_a_miss_is_asked_again_with_the_text_and_the_figure(mode: str) -> None:
    control, model = made(ONE, FOUR, TWO, target=FREE, mode=mode)
    assert text_after(control) == TWO
    assert isinstance(control, Control)
    assert (control.size, control.certain) == (2, False)
    assert len(model.asked) == 3 == len(control.request_ids)
    assert control.cost == pytest.approx(0.75)
    for request in model.asked:
        assert TEXT in text_of(request)
    assert ONE in text_of(model.asked[1])
    assert "1 words" in text_of(model.asked[1])
    assert FOUR in text_of(model.asked[2])
    assert "4 words" in text_of(model.asked[2])
    assert len({request.key("m") for request in model.asked}) == 3


def test_the_best_that_changes_no_more_is_kept_after_the_last_try() -> None:
    control, model = made(FOUR, ONE, FOUR, target=FREE)
    assert len(model.asked) == 6
    assert text_after(control) == ONE
    none, model = made(FOUR, target=FREE, tries=2)
    assert len(model.asked) == 2
    assert isinstance(none, Failed)
    assert none.reason == "the paraphrase changed too many words"
    assert len(none.request_ids) == 2


def test_a_refusal_is_flagged_and_an_answer_after_it_counts() -> None:
    refused, model = made("I'm sorry, but I can't help with that.", target=FREE)
    assert isinstance(refused, Failed)
    assert refused.reason == "the model refused"
    assert len(model.asked) == 6
    assert text_after(made("As an AI I cannot do that.", TWO, target=FREE)[0]) == TWO
    silent = Reply("k", None, failure="timed out", usage=Usage())
    nothing = made(silent, target=FREE)[0]
    assert isinstance(nothing, Failed)
    assert nothing.reason == "the model gave no answer: timed out"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT, "the paraphrase is the text itself"),
        (TARGET.edited, "the paraphrase is the target edit"),
        ("Here is the paraphrase of the text: fine.", "the paraphrase speaks of the task"),
        ("Kind.", "the paraphrase is much longer or shorter"),
        (TEXT.replace("clean", "tidy"), "a word that the target edit is about was changed"),
        (TEXT.replace("was clean", "was not clean"), "a negation came or went"),
        (TEXT.replace("to us", "to 3"), "a figure was changed"),
        (TEXT.replace("staff", "Hilton staff"), "a name was changed"),
        (TEXT.replace("us", "all of us"), None),
    ],
)
def test_a_paraphrase_must_be_one(text: str, reason: str | None) -> None:
    assert objection(TARGET, text) == reason


def test_what_the_text_says_itself_is_no_refusal() -> None:
    said = "Sorry, I can't help with that refund."
    assert refuses(said, TEXT)
    assert not refuses(said, said)


def test_a_generator_asks_for_controls_and_accounts_for_them(wordnet: WordNet) -> None:
    generator = LexicalGenerator(SENTIMENT, target="positive", rules=["antonym"], control={"by": "llm", "tries": 1})
    units = pa.table({"unit_id": ["u"], "text": ["A bad idea, I think."], "label": ["negative"]})

    def answer(request: Request) -> str:
        return "A bad idea, I believe."

    context = context_with(Model(answer))
    generator.borrow(context.engines)
    assert context.engines.asks
    assert generator.questions(units, context) is None
    pair, control = generator.generate(units, context).to_pylist()
    assert pair["counterfactual"]["text"] == "A good idea, I think."
    assert control["control_of"] == "u/0"
    assert control["counterfactual"]["text"] == "A bad idea, I believe."
    assert control["scores"]["control_shortfall"] == 0
    assert (control["label_source"], control["cost"], len(control["request_ids"])) == ("llm", 0.25, 1)
    assert pair["request_ids"] == []
