"""Phrases: where they are, and texts in which there are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrafact.errors import MissingDependencyError
from generators.text.parsing import LONGEST, check_parser, parse
from generators.text.spans import KINDS, spans_of

TEXT = "The old dogs aren't running in the park because they were very tired."


def found(text: str, kind: str) -> set[str]:
    return {text[span.start : span.stop] for span in spans_of([text])[0] if span.kind == kind}


def test_a_sentence_has_phrases_of_every_kind() -> None:
    assert found(TEXT, "NP") >= {"The old dogs", "the park"}
    assert "in the park" in found(TEXT, "PP")
    assert "very tired" in found(TEXT, "ADJP")
    assert "very" in found(TEXT, "ADVP")
    assert "because they were very tired" in found(TEXT, "CLAUSE")
    assert any(phrase.startswith("aren't running in the park") for phrase in found(TEXT, "VP"))


def test_offsets_are_those_of_the_original_text_and_no_place_comes_twice(sentences: list[str]) -> None:
    for text, spans in zip(sentences, spans_of(sentences), strict=True):
        places = [(span.start, span.stop) for span in spans]
        assert places == sorted(set(places))
        for span in spans:
            assert 0 <= span.start < span.stop <= len(text)
            assert span.kind in KINDS
            phrase = text[span.start : span.stop]
            assert phrase == phrase.strip()
            assert phrase != text.strip()
    assert sum(map(len, spans_of(sentences))) > 5 * len(sentences)


@pytest.mark.parametrize("text", ["", "   ", "!!!", "Yes", "x" * (LONGEST + 1), "\u200f", "🙂🙂"])
def test_texts_without_a_phrase_have_none(text: str) -> None:
    assert spans_of([text]) == [[]] or all(0 <= each.start < each.stop <= len(text) for each in spans_of([text])[0])


def test_emoji_and_other_scripts_do_not_move_the_offsets() -> None:
    text = "👩‍🚒🔥 שלום, the tired dog sleeps in Zürich 🙂 مرحبا."
    assert "the tired dog" in found(text, "NP") | found(text, "CLAUSE")


@given(st.text(max_size=60))
def test_any_text_at_all_has_spans_inside_it(text: str) -> None:
    for span in spans_of([text])[0]:
        assert 0 <= span.start < span.stop <= len(text)


def test_a_parse_does_not_depend_on_its_neighbours(sentences: list[str]) -> None:
    from generators.text import parsing

    texts = [f"{text} Again." for text in sentences[:40]]
    together = [[(token.idx, token.tag_, token.dep_, token.head.i) for token in doc] for doc in parse(texts)]
    parsing._parsed.clear()
    alone = [[(token.idx, token.tag_, token.dep_, token.head.i) for token in parse([text])[0]] for text in texts]
    assert together == alone


def test_a_text_is_parsed_once() -> None:
    first, again = parse(["A dog that nobody saw sleeps."] * 2)
    assert first is again is parse(["A dog that nobody saw sleeps."])[0]


@pytest.mark.parametrize("name", ["en_core_web_nowhere", "../models", "a b"])
def test_a_missing_parser_is_an_error_with_a_command(name: str) -> None:
    with pytest.raises(MissingDependencyError, match="pip install") as caught:
        check_parser(name)
    assert name in str(caught.value)
