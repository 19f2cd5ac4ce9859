from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrafact.errors import RecipeError
from contrafact.wording import changed_spans, distance, tokens
from filters.minimality import Minimality
from tests.filters.texts import Texts, bound, edit, judged, redecided, table, verdicts
from tests.filters.toys import Toy

DOGS = "The dogs are running inside the house."


def slow_distance(one: str, other: str) -> int:
    """Levenshtein's recurrence, as it is written in books."""

    @cache
    def at(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        replaced = at(i - 1, j - 1) + (one[i - 1] != other[j - 1])
        return min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced)

    return at(len(one), len(other))


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_the_distance_is_that_of_the_textbook(one: str, other: str) -> None:
    assert distance(one, other) == slow_distance(one, other)


def test_words_keep_their_apostrophes_and_marks_stand_alone() -> None:
    text = "Don't stop, well-known Anna’s café: 3.5 %"  # noqa: RUF001  # a curly apostrophe
    assert tokens(text) == [
        *("Don't", "stop", ",", "well-known", "Anna’s", "café", ":", "3", ".", "5", "%")  # noqa: RUF001
    ]
    assert tokens("我爱你 ok") == ["我", "爱", "你", "ok"]
    assert tokens(" \t\n") == []


def test_places_are_counted_apart() -> None:
    words = DOGS.split()
    assert changed_spans(words, words) == 0
    assert changed_spans(words, ["A", *words[1:]]) == 1
    assert changed_spans(words, ["A", "cat", *words[2:]]) == 1
    assert changed_spans(words, ["A", *words[1:5], "my", *words[6:]]) == 2
    assert changed_spans([], words) == changed_spans(words, []) == 1


def test_share_spans_and_ratio_are_what_the_docstring_says() -> None:
    judgement = judged(
        Minimality(),
        [
            edit(DOGS, DOGS.replace("running", "sleeping")),  # 1 of 8
            edit(DOGS, DOGS.replace("running inside", "asleep in all of")),  # 2 replaced, 2 inserted
            edit(DOGS, DOGS),
            edit("", "Two words"),
            edit(None, None),
        ],
    )
    assert judgement.scores["minimality_share"].tolist() == [1 / 8, 4 / 8, 0, 2, 0]
    assert judgement.scores["minimality_spans"].tolist() == [1, 1, 0, 1, 0]
    assert judgement.scores["minimality_ratio"].tolist() == [1, 10 / 8, 1, 2, 1]


def test_each_bound_has_its_reason() -> None:
    rows = [
        edit(DOGS, DOGS),
        edit(DOGS, "Cats sleep all day long under there !"),
        edit(DOGS, "A dogs are running inside the barn."),
        edit(DOGS, "The dogs."),
        edit(DOGS, DOGS + " And then they went on and on and on."),
        edit(DOGS, DOGS.replace("inside", "outside")),
    ]
    judge = Minimality(min=0.01, max=0.9, max_spans=1, min_ratio=0.6, max_ratio=1.5)
    expected = [
        "too little was changed",
        "too much was changed",
        "too many places were changed",
        "the text became too short",
        "too much was changed",
        "",
    ]
    answer = judged(judge, rows)
    assert verdicts(answer) == expected
    again = redecided(judge, rows, {name: list(values) for name, values in answer.scores.items()})
    assert verdicts(again) == expected
    wide = Minimality(max=2, max_ratio=1.5)
    assert verdicts(judged(wide, rows))[4] == "the text became too long"


def test_thresholds_are_monotone() -> None:
    rows = [edit(DOGS, " ".join(["word"] * n + DOGS.split()[n:])) for n in range(8)]
    kept = [int(judged(Minimality(max=most / 10), rows).passed.sum()) for most in range(11)]
    assert kept == sorted(kept)
    assert kept[0] == 1
    assert kept[-1] == 8


def test_only_the_fields_that_differ_count() -> None:
    both = Texts("premise", "hypothesis")
    row = {
        "factual": {"premise": "One two three four", "hypothesis": "Five six"},
        "counterfactual": {"premise": "One two three four", "hypothesis": "Five seven"},
    }
    assert judged(Minimality(), [row], both).scores["minimality_share"].tolist() == [0.5]
    assert judged(Minimality(fields=["premise"]), [row], both).scores["minimality_share"].tolist() == [0]


def test_long_texts_are_measured_whole() -> None:
    # The plain recurrence would take 4 * 10^8 steps, and this test the time that pytest allows.
    words = np.random.Generator(np.random.Philox(1)).integers(0, 3000, 20_000).astype(str).tolist()
    judgement = judged(Minimality(), [edit(" ".join(words), " ".join(words[::-1]))])
    assert judgement.scores["minimality_share"][0] > 0.5


def test_options_that_cannot_be_meant_are_refused() -> None:
    for options in ({"max": -1}, {"min": 0.6, "max": 0.5}, {"min_ratio": 3.0}, {"max_spans": -1}):
        with pytest.raises(RecipeError, match="filter minimality"):
            Minimality(**options)
    with pytest.raises(RecipeError, match=r"fields names 'txt'.*did you mean 'text'"):
        bound(Minimality(fields=["txt"]))
    with pytest.raises(RecipeError, match="is a text of these pairs"):
        bound(Minimality(fields=[]))
    with pytest.raises(RecipeError, match="w is a text of these pairs"):
        bound(Minimality(fields=["w"]), Toy())


def test_scores_that_were_never_stored_are_not_made_up() -> None:
    judge = bound(Minimality())
    assert judge.redecide(table([edit("a", "b")], Texts())) is None
