"""The pragmatic choice equals brute force, and means what the formulas of rational speech acts say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from generators.code.specification.listener import choose, literal, speaker, survivors


def matrices(programs: int = 7, strings: int = 7) -> st.SearchStrategy[NDArray[np.bool_]]:
    shapes = st.tuples(st.integers(1, programs), st.integers(1, strings))
    rows = shapes.flatmap(
        lambda shape: st.lists(
            st.lists(st.booleans(), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
        )
    )
    return rows.map(lambda given: np.array(given, dtype=bool))


def names(count: int) -> list[str]:
    return [chr(97 + number) * (number % 3) + str(number) for number in range(count)]


def left_by(verdicts: NDArray[np.bool_], chosen: list[int]) -> int:
    """Counted without arrays."""
    return sum(all(row[each] == verdicts[0][each] for each in chosen) for row in verdicts.tolist())


def test_the_listener_and_the_speaker_of_a_worked_example() -> None:
    agrees = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]], dtype=bool)
    third, half = 1 / 3, 1 / 2
    assert literal(agrees) == pytest.approx(np.array([[third, half, 1], [third, 0, 0], [third, half, 0]]))
    total = third + half + 1
    assert speaker(agrees)[0] == pytest.approx(np.array([third, half, 1]) / total)
    assert speaker(agrees)[1] == pytest.approx(np.array([1, 0, 0]))
    assert choose(agrees, ["a", "b", "c"], 5) == [2]


@given(matrices())
def test_rows_and_columns_are_distributions(verdicts: NDArray[np.bool_]) -> None:
    agrees = verdicts == verdicts[0]
    assert literal(agrees).sum(axis=0) == pytest.approx(np.ones(agrees.shape[1]))
    assert speaker(agrees)[0].sum() == pytest.approx(1)


@given(matrices())
def test_each_example_leaves_the_fewest_programs_and_ties_go_to_the_shortest(verdicts: NDArray[np.bool_]) -> None:
    strings = names(verdicts.shape[1])
    chosen = choose(verdicts, strings, verdicts.shape[1])
    order = sorted(range(len(strings)), key=lambda place: (len(strings[place]), strings[place]))
    taken: list[int] = []
    for each in chosen:
        if left_by(verdicts, taken) == 1 or left_by(verdicts, list(range(len(strings)))) == left_by(verdicts, taken):
            break  # what follows is there for the sake of the other sign
        counts = {place: left_by(verdicts, [*taken, place]) for place in order if place not in taken}
        assert each == next(place for place, count in counts.items() if count == min(counts.values()))
        taken.append(each)
    assert survivors(verdicts, chosen) == left_by(verdicts, chosen)


@given(matrices())
def test_enough_examples_leave_what_all_strings_leave(verdicts: NDArray[np.bool_]) -> None:
    every = list(range(verdicts.shape[1]))
    chosen = choose(verdicts, names(len(every)), len(every))
    assert len(set(chosen)) == len(chosen)
    assert survivors(verdicts, chosen) == survivors(verdicts, every)


@given(matrices(5, 5))
def test_one_example_is_the_best_of_all_single_ones(verdicts: NDArray[np.bool_]) -> None:
    strings = names(verdicts.shape[1])
    chosen = choose(verdicts, strings, 1)
    best = min(left_by(verdicts, list(each)) for each in combinations(range(len(strings)), 1))
    if chosen:
        assert survivors(verdicts, chosen) == best
    else:
        assert best == left_by(verdicts, [])


def test_a_reader_sees_both_signs_where_there_are_both() -> None:
    verdicts = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 0]], dtype=bool)
    assert choose(verdicts, ["aa", "b", "c"], 5) == [0, 2]
    assert choose(verdicts, ["aa", "b", "c"], 1) == [0]
    assert choose(np.array([[1, 1], [0, 1]], dtype=bool), ["a", "b"], 5) == [0]


def test_programs_that_no_string_tells_apart_end_the_choice() -> None:
    verdicts = np.array([[1, 0], [1, 0]], dtype=bool)
    assert survivors(verdicts, choose(verdicts, ["a", "b"], 5)) == 2
