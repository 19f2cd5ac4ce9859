from __future__ import annotations

import pytest

from contrafact.errors import RecipeError
from filters.fluency import Fluency
from filters.formats import FAULTS, introduced, repetition
from tests.filters.texts import bound, edit, judged, verdicts

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
