from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from contrafact.engines import Engines
from contrafact.engines.llm import Reply, Request, TokenChance
from contrafact.errors import RecipeError
from filters.fluency import Fluency
from filters.formats import FAULTS, introduced, repetition
from filters.probability import AFTER, break_of
from tests.filters.texts import Texts, bound, edit, judged, table, verdicts

PLAIN = "The room was clean, and the staff was friendly."
INSTRUCTION, BLANK, OPEN, TWICE, WHITE, MARKS, SMALL = FAULTS

BAD = [
    ("Replaced by the room, and the staff was friendly.", INSTRUCTION),
    ("The replaced with dirty, and the staff was friendly.", INSTRUCTION),
    ("The room was clean, filled in with rude staff.", INSTRUCTION),
    ("Here is the revised sentence the room was dirty.", INSTRUCTION),
    ("Hypothesis: the room was dirty.", INSTRUCTION),
    ("As an AI language model I cannot say that.", INSTRUCTION),
    ("The room was ____, and the staff was friendly.", BLANK),
    ("The room was [BLANK], and the staff was friendly.", BLANK),
    ("The room was <mask>, and the staff was friendly.", BLANK),
    ("The room was dirty<|im_end|>, and the staff was friendly.", BLANK),
    ("The room was \ufffd, and the staff was friendly.", BLANK),
    ("The room was **dirty**, and the staff was friendly.", BLANK),
    ('The room was "dirty, and the staff was friendly.', OPEN),
    ("The room (dirty, and the staff was friendly.", OPEN),
    ("The room was “dirty, and the staff was friendly.", OPEN),
    ("The room was was dirty, and the staff was friendly.", TWICE),
    ("The the room was dirty, and the staff was friendly.", TWICE),
    ("The room was  dirty, and the staff was friendly.", WHITE),
    ("The room was dirty , and the staff was friendly.", WHITE),
    ("The room was dirty,and the staff was friendly.", WHITE),
    (" The room was dirty, and the staff was friendly.", WHITE),
    ("The room was dirty,\nand the staff was friendly.", WHITE),
    ("The room was dirty,, and the staff was friendly.", MARKS),
    ("The room was dirty, and the staff was rude..", MARKS),
    ("The room was dirty,. and the staff was friendly.", MARKS),
    ("the room was dirty, and the staff was friendly.", SMALL),
]
GOOD = [
    "The room was dirty, and the staff was friendly.",
    "The room was filled with people, and the staff was replaced by robots.",
    "A bag filled with towels was there.",
    "The room was dirty... and the staff was friendly.",
    "The staff, who had had enough, said that that was all.",
    'The room was "dirty" (very), and the staff was “rude”.',
    "The room was dirty :) and the staff was friendly!",
    "Is this well-known, e.g. in the U.S., at 3:30?",
    "¿El cuarto estaba limpio? «Sí».",
    "",
]


@pytest.mark.parametrize(("after", "fault"), BAD)
def test_each_fault_is_found_and_nothing_else(after: str, fault: str) -> None:
    assert set(introduced(PLAIN, after)) == {fault}
    assert verdicts(judged(Fluency(), [edit(PLAIN, after)])) == [fault]


@pytest.mark.parametrize("after", GOOD)
def test_plain_texts_have_no_fault(after: str) -> None:
    assert introduced(PLAIN, after) == {}


@pytest.mark.parametrize("after", [text for text, _ in BAD])
def test_a_fault_that_the_factual_had_is_not_the_edits(after: str) -> None:
    judgement = judged(Fluency(), [edit(after, after.replace("friendly", "rude"))])
    assert judgement.passed.tolist() == [True]
    assert judgement.scores["fluency_faults"].tolist() == [0]


def test_every_fault_has_a_case() -> None:
    assert {fault for _, fault in BAD} == set(FAULTS)


def test_loops_are_found_by_their_runs_of_words() -> None:
    assert repetition("one two three four") == 0
    assert repetition("no no") == 0
    assert repetition("go on and " * 10) > 0.8
    judgement = judged(Fluency(), [edit(PLAIN, PLAIN + " So it was." * 6), edit("so it is. " * 6, "so it was. " * 6)])
    assert verdicts(judgement) == ["the text repeats itself", ""]
    assert judgement.scores["fluency_repetition"][0] > 0.2


def test_faults_may_be_let_pass_or_ignored() -> None:
    row = [edit(PLAIN, "the room was was  dirty.")]
    assert judged(Fluency(), row).scores["fluency_faults"].tolist() == [3]
    assert judged(Fluency(max_faults=3), row).passed.tolist() == [True]
    assert judged(Fluency(max_faults=2), row).passed.tolist() == [False]
    assert judged(Fluency(ignore=list(FAULTS)), row).passed.tolist() == [True]


def test_the_first_reason_is_given_and_odd_texts_pass() -> None:
    rows = [edit(PLAIN, "The blank is ____ ,, dirty."), edit("😀", "😀😀"), edit("שלום", "שלום לך"), edit(None, None)]
    assert verdicts(judged(Fluency(), rows)) == [INSTRUCTION, "", "", ""]


def test_wrong_options_are_refused() -> None:
    with pytest.raises(RecipeError, match="did you mean 'a word stands twice'"):
        Fluency(ignore=["a word stand twice"])
    with pytest.raises(RecipeError, match="max_faults"):
        Fluency(max_faults=-1)
    with pytest.raises(RecipeError, match="fields names"):
        bound(Fluency(fields=["body"]))


class Scorer:
    """Finds every word likely but those that it does not know; it has nothing to say of emoji."""

    model = "scorer"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, requests: Sequence[Request]) -> list[Reply]:
        self.asked += [str(request.scored) for request in requests]
        return [self._reply(request) for request in requests]

    def close(self) -> None:
        """Nothing was started."""

    def _reply(self, request: Request) -> Reply:
        text = str(request.scored)
        if "😀" in text:
            return Reply("key", None, failure="the text was not scored")
        chances = tuple(TokenChance(word, -4.0 if word == "wardrobe" else -1.0) for word in text.split())
        return Reply("key", text, chances=chances)


def scored(fluency: Fluency, scorer: Scorer) -> Fluency:
    engines = Engines({"llm": {"backend": "openai", "model": "scorer"}})
    vars(engines).update(llm=scorer)
    made: Fluency = bound(fluency, engines=engines)
    return made


ROWS = [
    edit("One wardrobe three.", "One two three."),
    edit("One two three four.", "One wardrobe three wardrobe four."),
    edit("One two.", "One 😀 two."),
    edit("One two.", "One two."),
]


def test_a_text_that_became_improbable_is_told_by_its_perplexity() -> None:
    scorer = Scorer()
    judge = scored(Fluency(max_rise=2), scorer)
    made = judge.judge(table(ROWS, Texts()))
    assert made.passed.tolist() == [True, False, False, True]
    reasons = ["", "fluency: the text became too improbable", "fluency: the model could not score the text", ""]
    assert np.asarray(made.reason).tolist() == reasons
    rises = np.asarray(made.scores["fluency_rise"])
    assert rises[[0, 1, 3]] == pytest.approx([math.exp(-1), math.exp(6 / 5), 1], abs=1e-6)
    assert math.isnan(rises[2])
    # Each distinct text that an edit touched, once.
    assert sorted(scorer.asked) == sorted(set(scorer.asked))
    assert len(scorer.asked) == 6
    assert judge.engines.needs == {"scores": "the filter fluency (max_rise, max_break)"}


def test_the_rise_is_decided_again_from_what_is_stored() -> None:
    judge = scored(Fluency(max_rise=2), Scorer())
    fields = judge.score_fields()
    assert [field.name for field in fields] == ["fluency_faults", "fluency_repetition", "fluency_rise", "fluency_break"]
    stored = [
        {
            **row,
            "scores": {
                "fluency_faults": 0.0,
                "fluency_repetition": 0.0,
                "fluency_rise": rise,
                "fluency_break": rise - 1,
            },
        }
        for row, rise in zip(ROWS, (1.0, 3.3, float("nan"), 1.0), strict=True)
    ]
    silent = Scorer()
    again = scored(Fluency(max_rise=4), silent)
    made = again.redecide(table(stored, Texts(), fields))
    assert made is not None
    assert made.passed.tolist() == [True, True, False, True]
    assert silent.asked == []
    stricter = scored(Fluency(max_rise=4, max_break=1), silent).redecide(table(stored, Texts(), fields))
    assert stricter is not None
    assert np.asarray(stricter.reason)[1] == "fluency: the text does not go on from the edit"
    assert again.redecide(table(ROWS, Texts(), fields[:2])) is None
    whole = scored(Fluency(), silent).redecide(table(stored, Texts(), fields))
    assert whole is not None
    assert whole.passed.all()


def test_without_a_bound_no_model_is_needed() -> None:
    judge = bound(Fluency())
    assert judge.engines.needs == {}
    assert judge.identity() is None
    assert scored(Fluency(max_rise=3), Scorer()).identity() == "scorer"
    with pytest.raises(RecipeError, match="max_rise"):
        Fluency(max_rise=-1)


def replied(*tokens: tuple[str, float]) -> Reply:
    return Reply("key", "".join(token for token, _ in tokens), chances=tuple(TokenChance(*each) for each in tokens))


def test_a_break_is_what_the_first_tokens_after_the_edit_lost() -> None:
    plain = replied(("I", -1.0), (" am", -1.0), (" a", -1.0), (" good", -2.0), (" man", -0.5), (".", -0.25))
    broken = replied(("I", -1.0), (" am", -1.0), (" a", -1.0), (" married to", -1.0), (" man", -6.0), (".", -0.5))
    assert break_of(plain, broken) == pytest.approx(5.75)
    assert break_of(broken, plain) == pytest.approx(-5.75)
    assert break_of(plain, plain) == 0
    long = [(f" w{place}", -1.0) for place in range(9)]
    lost = [(token, -2.0) for token, _ in long]
    assert break_of(replied(("A", -1.0), *long), replied(("B", -1.0), *lost)) == AFTER
    assert break_of(replied(("A", -1.0)), replied(("B", -1.0))) == 0
    assert math.isnan(break_of(plain, Reply("key", None, failure="the text was not scored")))
    judge = scored(Fluency(max_break=1), Scorer())
    made = judge.judge(table([edit("One two wardrobe.", "One three wardrobe.")], Texts()))
    assert made.passed.tolist() == [True]
    assert np.asarray(made.scores["fluency_break"]).tolist() == [0]
