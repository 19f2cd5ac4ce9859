"""Fills: what is taken off, what is put in the place's case, and what is refused."""

from __future__ import annotations

import pytest

from contrafact.engines.llm import Reply
from contrafact.errors import RowError
from generators.text.fills import fill_of, repeats
from generators.text.prompts import Place


def place(text: str, phrase: str) -> Place:
    start = text.index(phrase)
    return Place((text,), 0, start, start + len(phrase), "negative", "positive")


def filled(
    said: str, text: str = "The soup was cold and we told them.", phrase: str = "was cold", finish: str = "stop"
) -> str:
    return fill_of(
        Reply("key", said, finish=finish), place(text, phrase), ("\n",), ["Show the blank again and again.", "Text:"]
    )


@pytest.mark.parametrize(
    ("said", "fill"),
    [
        (" was hot", "was hot"),
        (" was hot\nText: more", "was hot"),
        ('"was hot."', "was hot"),
        (" was hot and we told them.", "was hot"),
        ("The soup was hot", "was hot"),
        (" was hot. It was good too", "was hot"),
        (" was  really\thot!!", "was really hot"),
        ("Was hot", "was hot"),
        ("soup was hot and", "was hot"),
        ("was (nearly) hot", "was (nearly) hot"),
        ("Is Italian", "is Italian"),
    ],
)
def test_a_fill_is_cut_and_stripped_to_its_place(said: str, fill: str) -> None:
    assert filled(said) == fill


def test_a_fill_takes_the_capitals_of_its_place() -> None:
    assert filled("everyone", "Nobody came.", "Nobody") == "Everyone"
    assert filled("everyone", "We left. Nobody came.", "Nobody") == "Everyone"
    assert filled("the good phone", "ANSWER THE BAD PHONE!", "THE BAD PHONE") == "THE GOOD PHONE"
    assert filled("Thank you", "Thank you, you too.", "Thank you") == "Thank you"
    assert filled("Paris", "They left London today.", "London") == "Paris"


@pytest.mark.parametrize(
    ("said", "finish", "reason"),
    [
        ("", "stop", "the fill is empty"),
        (" ... ", "stop", "the fill is empty"),
        ("was hot) and", "stop", "breaks off in brackets"),
        ("'s hot", "stop", "the end of a word"),
        ("was very", "length", "cut off at max_tokens"),
        ("was " + "so " * 12 + "hot", "stop", "too long for its place"),
        ("and show the blank again", "stop", "repeats the prompt"),
        ("was hot text: was cold", "stop", "repeats the prompt"),
    ],
)
def test_what_is_no_fill_is_refused_with_a_reason(said: str, finish: str, reason: str) -> None:
    with pytest.raises(RowError, match=reason):
        filled(said, finish=finish)


def test_a_reply_without_text_gives_the_models_reason() -> None:
    with pytest.raises(RowError, match="the model gave no answer: refused"):
        fill_of(Reply("key", None, failure="refused"), place("It was bad.", "bad"), ("\n",), [])


def test_four_words_in_a_row_are_a_repetition_and_three_are_not() -> None:
    assert repeats("we show the blank again", ["Show the blank again."])
    assert not repeats("show the blank", ["Show the blank again."])
