"""Patterns are read byte for byte, their automata are the engine's language, and what is called shortest is."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrafact.errors import RowError
from generators.code.specification.automaton import Automaton, automaton_of, common, distinguishing
from generators.code.specification.edits import KINDS, neighbours, variants
from generators.code.specification.grammar import COMPONENTS, draw_program
from generators.code.specification.reading import read_pattern
from generators.code.specification.strings import changed, member, stressing
from generators.code.specification.tree import ALPHABET, text_of

PATTERNS = [
    r"a{2,3}(b|c)?", r"[a-c]+x?", r"(?:ab|a)*b", r"^a\d{1,2}$", r"(a|)b{,2}", r"a{2,}", r"(ab?){2,3}c*", r"[^a]b",
    r"a{x}", r".a.", r"(a*)*b", r"(?P<n>a|b){0}c", r"[]a]x", r"[a-]+", r"\Aa|b\Z", r"a*?b+?", r"\w\W?", r"[\d.]+",
]  # fmt: skip
LETTERS = "abcx0]-."

seeds = st.integers(0, 2**32 - 1)


def drawing(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def every_string(longest: int, letters: str = LETTERS) -> list[str]:
    """All strings by length, then by code points."""
    return ["".join(each) for length in range(longest + 1) for each in product(sorted(letters), repeat=length)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_automaton_accepts_what_the_engine_matches(pattern: str) -> None:
    automaton = automaton_of(pattern)
    for text in every_string(4):
        assert automaton.accepts(text) == (re.fullmatch(pattern, text) is not None), text


@given(seeds)
def test_a_drawn_program_reads_back_and_its_members_match(seed: int) -> None:
    draw = drawing(seed)
    node = draw_program(draw)
    text = text_of(node)
    assert text_of(read_pattern(text)) == text
    assert len(text) <= 30
    automaton = Automaton(read_pattern(text))
    for _ in range(10):
        inside = member(node, draw)
        assert re.fullmatch(text, inside)
        assert automaton.accepts(inside)
        outside = changed(inside, "aZ0-", draw)
        assert automaton.accepts(outside) == (re.fullmatch(text, outside) is not None)


def test_programs_have_every_number_of_components_and_nothing_but_the_alphabet() -> None:
    texts = [text_of(draw_program(drawing(seed))) for seed in range(200)]
    assert len(set(texts)) > 190
    assert {letter for text in texts for letter in text} <= set(ALPHABET)
    assert COMPONENTS == 5


@pytest.mark.parametrize("pattern", PATTERNS)
def test_reading_keeps_every_byte(pattern: str) -> None:
    assert text_of(read_pattern(pattern)) == pattern


@given(seeds)
def test_every_edit_is_a_pattern_that_python_takes_too(seed: int) -> None:
    node = draw_program(drawing(seed))
    for kind, each in variants(node):
        assert kind in KINDS
        text = text_of(each)
        re.compile(text)
        assert text_of(read_pattern(text)) == text


def test_neighbours_are_different_programs_of_many_kinds() -> None:
    node = read_pattern(r"(cat|dog)-[0-9]{2,3}x?")
    found = neighbours(node, drawing(4), 60)
    texts = [text for _, text in found]
    assert len(set(texts)) == len(texts)
    assert text_of(node) not in texts
    assert {kind for kind, _ in found} == set(KINDS)
    assert {r"(cat)-[0-9]{2,3}x?", r"(cat|dog)-[0-9]{2}x?", r"(cat|dog)-[0-9]{2,3}"} <= set(texts)
    assert neighbours(node, drawing(4), 5) == found[:5]


@pytest.mark.parametrize(
    ("one", "other", "shortest"),
    [
        ("a+", "a{1,5}", "aaaaaa"),
        ("[ab]*", "(a|b)*", None),
        ("x{2}", "xx", None),
        ("ab", "a|b", "a"),
        ("[0-9]{2}", "[0-9]{2}x?", "00x"),
        ("a*", "a+", ""),
        ("[a-z]", "[^a]", " "),
        (r"\d{3}", "[0-8]{3}", "009"),
    ],
)
def test_the_shortest_distinguishing_string_of_known_pairs(one: str, other: str, shortest: str | None) -> None:
    assert distinguishing(automaton_of(one), automaton_of(other)) == shortest
    assert distinguishing(automaton_of(other), automaton_of(one)) == shortest


@pytest.mark.parametrize("one", PATTERNS)
def test_no_string_before_the_shortest_tells_two_programs_apart(one: str) -> None:
    # Brute force, with Python's own engine, over every shorter string and every one as long that comes before it.
    for other in PATTERNS:
        found = distinguishing(automaton_of(one), automaton_of(other))
        shared = common(automaton_of(one), automaton_of(other))
        if found is not None and len(found) <= 2:
            letters = "".join(ALPHABET)
            before = [text for text in every_string(len(found), letters) if (len(text), text) < (len(found), found)]
            assert all(bool(re.fullmatch(one, text)) == bool(re.fullmatch(other, text)) for text in before)
            assert bool(re.fullmatch(one, found)) != bool(re.fullmatch(other, found))
        assert (found is None) == (one == other)
        both = [text for text in every_string(3) if re.fullmatch(one, text) and re.fullmatch(other, text)]
        assert (shared is not None) or not both
        if shared is not None:
            assert re.fullmatch(one, shared)
            assert re.fullmatch(other, shared)


def test_strings_that_are_passed_over_are_not_the_answer() -> None:
    one, other = automaton_of("a{1,3}"), automaton_of("a")
    assert [distinguishing(one, other, without=each) for each in ((), ("aa",), ("aa", "aaa"))] == ["aa", "aaa", None]


def test_a_comparison_that_grows_too_large_says_so() -> None:
    with pytest.raises(RowError, match="more than 50 states"):
        distinguishing(automaton_of("[ab]*a[ab]{9}"), automaton_of("[ab]*a[ab]{8}b"), most=50)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("foo(?=bar)", "a look-ahead"),
        ("foo(?!bar)", "a look-ahead"),
        ("(?<=a)b", "a look-behind"),
        (r"(a)\1", "a back-reference"),
        ("(?P<n>a)(?P=n)", "a back-reference"),
        ("(a)?(?(1)b|c)", "a conditional group"),
        ("(?>a)b", "an atomic group"),
        ("a++", "a possessive count"),
        ("(?i)a", "inline flags"),
        (r"\ba", "a word boundary"),
        (r"a\x41", "the escape"),
        ("a$b", "an anchor within it"),
        ("(^a)", "an anchor within it"),
        ("a**", "repeats a count"),
        ("*a", "repeats nothing"),
        ("(a", "leaves a bracket open"),
        ("a)", "closes a bracket"),
        ("[a", "leaves a set open"),
        ("[z-a]", "a range within a set"),
        ("a{3,2}", "end is below its start"),
        ("a{99999}", "a count above 9999"),
        ("a\\", "ends with a backslash"),
        ("é", "not printable ASCII"),
        ("a" * 201, "longer than 200"),
        ("(" * 40 + "a" + ")" * 40, "more than 30 brackets"),
    ],
)
def test_what_cannot_be_read_is_named(pattern: str, reason: str) -> None:
    with pytest.raises(RowError, match=re.escape(reason)):
        read_pattern(pattern)


def test_a_pattern_with_too_many_places_is_refused() -> None:
    for pattern in ("a{301}", "(?:ab){151}", "((a{20}){20}){20}"):
        with pytest.raises(RowError, match="more than 300 characters"):
            automaton_of(pattern)


@pytest.mark.parametrize(("pattern", "string"), [("(a+)+$", "a" * 40), ("x(ab|b)*y", "x" + "ab" * 40)])
def test_stress_goes_round_a_loop_and_then_fails(pattern: str, string: str) -> None:
    assert f"{string}\x00" in stressing(read_pattern(pattern))
    assert stressing(read_pattern("ab?")) == []
