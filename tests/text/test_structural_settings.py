"""The shipped settings: how much there is to say, that it reads well, and that the reader tells it from any text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from generators.scm.loading import load_model
from generators.scm.model import SCM
from generators.text.structural.grounding import Grounding
from generators.text.structural.opening import SETTINGS, read_setting, written_setting
from generators.text.structural.setting import Setting


def opened(name: str) -> tuple[Setting, SCM]:
    _, spec = written_setting(name, None)
    model = load_model(spec["scm"]).model
    return read_setting(name, spec, model), model


def values_of(setting: Setting, model: SCM, name: str) -> list[str]:
    support = model.variables[name].support
    return list(support.levels) or [setting.concepts[name].written(value) for value in support.discrete or ()]


def every_text(setting: Setting, model: SCM) -> Iterator[tuple[dict[str, str], str]]:
    """Every style, template, persona, wording and value at least once, the values in all pairs of neighbours."""
    known = {name: values_of(setting, model, name) for name in setting.concepts}
    for style, made in setting.styles.items():
        for template, persona in itertools.product(range(len(made.templates)), range(len(setting.personas))):
            for turn in range(9):
                values = {name: each[(turn + place) % len(each)] for place, (name, each) in enumerate(known.items())}
                wording = {name: (turn // 3 + turn + place) % 3 for place, name in enumerate(known)}
                details = {name: turn % len(texts) for name, texts in setting.details.items()}
                yield values, setting.realise(values, Grounding(style, template, persona, wording, details))


def test_three_settings_are_shipped() -> None:
    assert SETTINGS == ("cv", "disease", "violence")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_has_as_much_to_say_as_it_should(name: str) -> None:
    setting, model = opened(name)
    assert len(setting.personas) >= 4
    assert len(setting.styles) >= 3
    assert all(len(style.templates) >= 4 for style in setting.styles.values())
    label = written_setting(name, None)[1]["label"]
    assert label in model.variables
    assert label not in setting.concepts  # no text tells it
    for concept in setting.concepts.values():
        assert concept.count >= 3
        for by_value in concept.wordings.values():
            for texts in by_value.values():
                assert len(set(texts)) == concept.count


@pytest.mark.parametrize("name", SETTINGS)
def test_the_reader_tells_every_concept_from_every_text(name: str) -> None:
    setting, model = opened(name)
    seen = set()
    for values, text in every_text(setting, model):
        assert setting.read(text) == values, text
        seen |= set(values.items())
    assert seen == {(each, value) for each in setting.concepts for value in values_of(setting, model, each)}


@pytest.mark.parametrize("name", SETTINGS)
def test_texts_are_set_as_a_person_would_set_them(name: str) -> None:
    setting, model = opened(name)
    for _, text in every_text(setting, model):
        assert not re.search(r" {2}| [.,;:!?]|\.\.|,,|[{}\[\]]|: \S+:", text), text
        assert text == text.strip()
        for line in filter(None, text.splitlines()):
            assert line[0].isupper() or line[0].isdigit() or line[0] == "-", text
        for after in re.split(r"(?<=[.!?])\s+", text):
            assert after[0].isupper() or after[0].isdigit() or after[0] in "-(", text


HELD_OUT: dict[str, list[tuple[str, dict[str, str | None]]]] = {
    "disease": [
        ("He has never smoked in his life and has no fever.", {"smoker": "no", "fever": "none"}),
        (
            "Doctor, my temperature was 39.8 last night, and my forehead is splitting.",
            {"fever": "high", "pain": "face"},
        ),
        ("She is a heavy smoker. Nobody in the family suffers from migraine.", {"smoker": "yes", "family": "no"}),
        ("The right side of my head is pounding, and I can't stand light.", {"pain": "one_sided", "light": "yes"}),
        ("Since last winter my aunt has had migraines.", {"season": "winter", "family": "yes"}),
        ("I feel fine.", {"fever": None, "pain": None, "smoker": None}),
        ("I have no fever at noon, and a high fever at night.", {"fever": None}),
    ],
    "cv": [
        ("She is a 41-year-old master of arts.", {"gender": "female", "age": "41", "education": "master"}),
        ("He grew up on a council estate.", {"gender": "male", "home": "modest"}),
        ("I have 9 years of experience and no certificates.", {"experience": "9", "certificates": "none"}),
        ("There are no gaps in my record, and I do not volunteer.", {"gap": "no", "volunteering": "no"}),
    ],
    "violence": [
        (
            "Shortly after midnight a visitor, clearly intoxicated, was pacing the hall.",
            {"shift": "night", "drinking": "yes", "agitation": "restless"},
        ),
        (
            "The patient was calm and sober; there was no security officer.",
            {"agitation": "calm", "drinking": "no", "guard": "no"},
        ),
        ("He threatened the nurse. It was not the first time.", {"agitation": "threatening", "history": "yes"}),
    ],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_reader_reads_what_the_grammar_never_writes(name: str) -> None:
    setting, _ = opened(name)
    for text, expected in HELD_OUT[name]:
        found = setting.read(text)
        assert {each: found[each] for each in expected} == expected, text
