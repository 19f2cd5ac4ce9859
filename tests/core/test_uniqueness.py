from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.uniqueness import Names

NAMES = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["train", "test", "other"])), max_size=40)


@settings(max_examples=60)
@given(NAMES, st.integers(1, 5))
def test_names_are_counted_as_python_counts_them(given_: list[tuple[str, str]], at_once: int) -> None:
    with Names() as names:
        for start in range(0, len(given_), at_once):
            for part in ("train", "test", "other"):
                names.add(pa.array([n for n, p in given_[start : start + at_once] if p == part], pa.string()), part)
        assert names.repeated() == sum(times > 1 for times in Counter(name for name, _ in given_).values())
        where = {name: {part for each, part in given_ if each == name} for name, _ in given_}
        parts = names.parts
        expected = Counter(
            (one, other)
            for found in where.values()
            for place, one in enumerate(parts)
            for other in parts[place + 1 :]
            if {one, other} <= found
        )
        assert names.crossing() == dict(expected)


def test_nothing_is_unique() -> None:
    with Names() as names:
        assert (names.repeated(), names.crossing()) == (0, {})
