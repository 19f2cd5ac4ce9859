from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from generators.video.edit.catalogue import OPERATIONS
from generators.video.edit.drawn import FIGURES
from generators.video.edit.operations import Place
from generators.video.edit.semantic import COLOURS
from generators.video.questions.asking import ask, possible
from generators.video.questions.captions import caption
from generators.video.questions.facts import Fact, read_fact
from generators.video.questions.measured import MEASURES, measured, readings
from generators.video.questions.measuring import measured_item
from generators.video.questions.nature import shown_by_nature
from generators.video.questions.words import WORDS, confused, sentence
from tests.video.footages import walk, wall

FACT = Fact("brighten", "region", "left third", 8, 14, 24, "24", {"share": 0.5})
OTHERS = [name for name, each in OPERATIONS.items() if "region" in each.places]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_every_operation_has_words_and_every_word_an_operation() -> None:
    assert set(WORDS) == set(OPERATIONS)


def test_a_fact_is_read_back_from_its_text() -> None:
    assert read_fact(FACT.text()) == FACT
    assert FACT.subject == "the left third of the picture"
    assert FACT.third == "middle third"
    assert list(FACT.seconds) == pytest.approx([1 / 3, 14 / 24])
    assert replace(FACT, start=6).third is None


@pytest.mark.parametrize(
    ("called", "subject"),
    [
        ("moving object", "the moving object"),
        ("one of the moving objects", "one of the moving objects"),
        ("a dog", "the dog"),
        ("The dog", "the dog"),
        ("dog", "the dog"),
        ("a", "the a"),
    ],
)
def test_an_object_has_one_article(called: str, subject: str) -> None:
    assert replace(FACT, place="object", where=called).subject == subject


@pytest.mark.parametrize("name", OPERATIONS)
def test_wrong_answers_are_no_description_that_could_be_taken_for_the_right_one(name: str) -> None:
    place: Place = OPERATIONS[name].places[0]
    values = {"colour": "blue", "figure": "blue box"}
    fact = replace(FACT, operation=name, place=place, where="thing" if place == "object" else "", values=values)
    others = [each for each, operation in OPERATIONS.items() if place in operation.places]
    for seed in range(8):
        item = ask("event", (None, fact), others, seed, rng(seed))
        assert item is not None
        wrong = [text for at, text in enumerate(item.options) if at not in item.right]
        for other in others:
            if other != name and confused(other, name):
                said = {f"It {WORDS[other].verb.replace('{thing}', thing)}." for thing in (*COLOURS, *FIGURES)}
                assert not said & set(wrong), (name, other)
        assert len(set(item.options)) == 4


def test_a_question_about_the_clip_as_filmed_and_its_edit_has_an_answer_for_each() -> None:
    assert possible((None, FACT)) == ["event", "yesno", "when", "where"]
    item = ask("yesno", (None, FACT), OTHERS, 0, rng())
    assert item is not None
    assert item.question == "Does the left third of the picture become brighter for a while?"
    assert [item.options[at] for at in item.right] == ["no", "yes"]
    item = ask("when", (None, FACT), OTHERS, 1, rng())
    assert item is not None
    assert [item.options[at] for at in item.right] == ["at no time", "in the middle third"]
    item = ask("where", (None, FACT), OTHERS, 2, rng())
    assert item is not None
    assert [item.options[at] for at in item.right] == ["no part", "the left third"]
    item = ask("event", (None, FACT), OTHERS, 3, rng())
    assert item is not None
    assert [item.options[at] for at in item.right] == ["None of the others.", "It becomes brighter for a while."]


def test_two_edits_are_told_apart_by_what_differs_and_nothing_happens_is_wrong_for_both() -> None:
    later = replace(FACT, start=17, stop=22)
    assert possible((FACT, later)) == ["when"]
    elsewhere = replace(FACT, where="right third")
    assert possible((FACT, elsewhere)) == ["where"]
    darker = replace(FACT, operation="darken")
    assert possible((FACT, darker)) == ["event", "yesno"]
    item = ask("event", (FACT, darker), OTHERS, 0, rng())
    assert item is not None
    assert [item.options[at] for at in item.right] == [
        "It becomes brighter for a while.",
        "It becomes darker for a while.",
    ]
    assert "None of the others." in item.options
    assert possible((FACT, FACT)) == []


@pytest.mark.parametrize(("kind", "size"), [("event", 4), ("when", 4), ("yesno", 2)])
def test_both_right_answers_are_in_every_place_equally_often(kind: str, size: int) -> None:
    counts: Counter[tuple[int, int]] = Counter()
    for number in range(size * (size - 1)):
        item = ask(kind, (None, FACT), OTHERS, number, rng(number))  # type: ignore[arg-type]
        assert item is not None
        counts[item.right] += 1
    assert len(counts) == size * (size - 1)
    assert set(counts.values()) == {1}


def test_wrong_answers_name_things_as_right_ones_do() -> None:
    fact = replace(FACT, operation="float", place="object", where="thing")
    texts = {
        text
        for seed in range(40)
        if (item := ask("event", (None, fact), ["recolour", "freeze", "warp"], seed, rng(seed))) is not None
        for text in item.options
    }
    assert "It turns blue for a while." in texts
    assert not any("{" in text for text in texts)


def test_a_question_without_enough_wrong_answers_is_not_asked() -> None:
    assert ask("event", (None, FACT), ["brighten"], 0, rng()) is None


def test_a_caption_tells_the_whole_clip_and_no_number_of_the_edit() -> None:
    text = caption(FACT, 24, 24.0)
    assert text == (
        "From 0.00 to 0.33 s the clip runs as it was filmed. From 0.33 to 0.58 s the left third of the picture"
        " becomes brighter. From 0.58 to 1.00 s all is as it was filmed again."
    )
    assert caption(None, 24, 24.0, "A dog runs") == "A dog runs. From 0.00 to 1.00 s the clip runs as it was filmed."
    whole = replace(FACT, start=0, stop=24)
    assert caption(whole, 24, 24.0) == "From 0.00 to 1.00 s the left third of the picture becomes brighter."
    assert "0.5" not in text.replace("0.58", "")


def test_what_a_clip_shows_by_nature_is_no_wrong_answer() -> None:
    frames, _ = walk()
    everywhere = np.ones(frames.shape[:3], dtype=bool)
    assert not shown_by_nature(frames, everywhere) & {"brighten", "darken", "grey"}
    flash = frames.copy()
    flash[10:] = np.clip(frames[10:].astype(int) + 60, 0, 255).astype(np.uint8)
    assert {"brighten", "darken"} <= shown_by_nature(flash, everywhere)
    still = np.repeat(wall()[None], 12, axis=0)
    assert {"freeze", "loop", "reverse"} <= shown_by_nature(still, np.ones(still.shape[:3], dtype=bool))


def test_measured_answers_are_what_the_pixels_say() -> None:
    frames, _ = walk()
    bright = frames.copy()
    bright[:, :, :36] = np.clip(frames[:, :, :36].astype(int) + 90, 0, 255).astype(np.uint8)
    assert measured("brightest", bright) == "the left third"
    frozen = frames.copy()
    frozen[8:] = frozen[8]
    assert measured("liveliest", frozen) == "in the first third"
    assert measured("liveliest", np.repeat(wall()[None], 24, axis=0)) is None, "too near to call"
    assert len(readings("sharpest", frames)) == len(MEASURES["sharpest"][1]) == 3


def test_a_measured_question_is_asked_where_its_answers_differ() -> None:
    frames, _ = walk()
    one, other = frames.copy(), frames.copy()
    one[:8] = np.roll(frames[:8], 9, axis=1)
    one[8:] = one[8]
    other[:16] = other[16]
    item = measured_item(one, other, 5, rng())
    assert item is not None
    assert item.kind == "measured"
    assert item.right[0] != item.right[1]
    assert measured_item(one, one, 5, rng()) is None


@pytest.mark.parametrize("name", ["disappear", "replace", "recolour", "duplicate"])
def test_no_two_options_could_be_taken_for_each_other_so_that_the_third_would_be_right(name: str) -> None:
    semantic = ["disappear", "replace", "recolour", "duplicate"]
    by_text = {
        sentence(f"it {WORDS[each].verb.replace('{thing}', thing)}"): each
        for each in semantic
        for thing in (*COLOURS, *FIGURES)
    }
    fact = replace(FACT, operation=name, place="object", where="thing", values={"colour": "blue", "figure": "blue box"})
    for seed in range(30):
        item = ask("event", (None, fact), semantic, seed, rng(seed))
        assert item is not None, "the recipe's own edits are enough"
        said = [by_text[text] for text in item.options if text != "None of the others."]
        assert len(said) == 3
        for one, other in combinations(said, 2):
            assert one == other or not confused(one, other), item.options


def test_whether_something_happens_is_asked_of_two_edits_too_so_that_an_edit_is_not_always_a_yes() -> None:
    item = ask("yesno", (FACT, replace(FACT, operation="darken")), OTHERS, 0, rng())
    assert item is not None
    assert item.question == "Does the left third of the picture become darker for a while?"
    assert [item.options[at] for at in item.right] == ["no", "yes"]


def test_when_and_where_are_asked_of_one_thing_that_happens() -> None:
    red = replace(FACT, operation="recolour", values={"colour": "red"}, start=2, stop=6)
    later = replace(red, start=18, stop=22)
    assert "when" in possible((red, later))
    assert not possible((red, replace(later, values={"colour": "blue"})))
    assert "where" in possible((red, replace(red, where="right third")))
    assert not possible((red, replace(red, where="right third", values={"colour": "blue"})))
