"""Edited texts side by side: what was taken out and put in, in colours, and in signs where there are none."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contrafact.differences import pieces
from flows.cli.differences import has_texts, text_pair

WORDS = st.text(alphabet=st.sampled_from("ab ,.'é\n"), max_size=30)


def pair(before: str = "The room was clean.", after: str | None = "The room was dirty.", **more: Any) -> dict[str, Any]:
    return {
        "factual": {"text": before},
        "counterfactual": None if after is None else {"text": after},
        "intervention": [
            {"variable": "text", "operation": "infill", "where": '{"start": 13, "stop": 18, "kind": "ADJP"}'}
        ],
        "label": "positive",
        "counterfactual_label": None if after is None else "negative",
        "label_source": "teacher",
        "scores": {"teacher_factual": [0.1, 0.9], "teacher_counterfactual": [0.8, 0.2], "fluency_faults": 0.0},
        **more,
    }


def shown(made: dict[str, Any], width: int = 80, *, colours: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colours, color_system="standard" if colours else None)
    console.print(text_pair(made, ["negative", "positive"], signs=not colours))
    return out.getvalue()


@given(WORDS, WORDS)
def test_nothing_is_lost_on_either_side(before: str, after: str) -> None:
    found = pieces(before, after)
    assert "".join(each.text for each in found if each.kind != "added") == before
    assert "".join(each.text for each in found if each.kind != "removed") == after


def test_a_phrase_is_one_change() -> None:
    found = [(each.kind, each.text) for each in pieces("We had a miserable time, truly.", "We had great fun, truly.")]
    assert found == [
        ("same", "We had "),
        ("removed", "a miserable time"),
        ("added", "great fun"),
        ("same", ", truly."),
    ]


def test_without_colours_signs_say_it() -> None:
    text = shown(pair())
    assert "The room was [-clean-]{+dirty+}." in text
    assert "infill of text at 13 to 18 (ADJP)" in text
    assert "positive → negative  by teacher" in text
    assert "negative 0.10 → 0.80, positive 0.90 → 0.20" in text
    assert "fluency_faults 0" in text
    assert "\x1b" not in text


def test_with_colours_what_went_is_struck_and_what_came_is_green() -> None:
    text = shown(pair(), colours=True)
    assert "\x1b[9;31mclean\x1b[0m" in text
    assert "\x1b[32mdirty\x1b[0m" in text
    assert "[-" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_a_long_text_is_shown_around_its_change(width: int) -> None:
    before = "Far away words. " * 40 + "It was clean here." + " Later words." * 40
    text = shown(pair(before, before.replace("clean", "dirty")), width)
    assert "[-clean-]" in text
    assert text.count("Far away") < 10
    assert text.count("…") == 2
    assert max(map(len, text.splitlines())) <= width
    same = shown(pair(before, before), width)
    assert len(same) < len(before)


def test_a_pair_that_could_not_be_made_shows_its_text() -> None:
    text = shown(pair(after=None))
    assert "The room was clean." in text
    assert "→ negative" not in text


def test_only_texts_are_shown_so() -> None:
    assert has_texts(pair())
    assert not has_texts(pair(factual={"age": 3.0}))
    assert not has_texts(pair(factual=None))


@pytest.mark.parametrize(
    ("variable", "where", "told"),
    [
        ("text", '{"start": 13, "stop": 18, "kind": "ADJP"}', "infill of text at 13 to 18 (ADJP)"),
        ("text", '{"field": "text", "spans": [[23, 33], [52, 60]]}', "infill of text at 23 to 33 and 52 to 60"),
        ("a.category", "a", "infill of a.category"),
        ("evidence", "evidence", "infill of evidence"),
        ("code", "line 4", "infill of code at line 4"),
        ("text", '{"spans": [[1]]}', 'infill of text at {"spans": [[1]]}'),
    ],
)
def test_the_place_of_an_edit_is_told_in_words(variable: str, where: str, told: str) -> None:
    text = shown(pair(intervention=[{"variable": variable, "operation": "infill", "where": where}]))
    assert [line.split(None, 1)[1].strip() for line in text.splitlines() if line.split()[:1] == ["edit"]] == [told]
