from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.identity import EXCLUDED, canonical, hash_strings, identity_of, without_excluded
from tests.core.builds import plan_of, toy

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=4), values, min_size=2, max_size=5))
def test_the_order_of_keys_does_not_matter(mapping: dict[str, Any]) -> None:
    assert identity_of(mapping) == identity_of(dict(reversed(mapping.items())))


@settings(max_examples=60)
@given(values, values)
def test_different_values_have_different_identities(one: Any, other: Any) -> None:
    assert (identity_of(one) == identity_of(other)) == (canonical(one) == canonical(other))


def test_the_identity_is_the_one_that_was_published() -> None:
    """Manifests that exist carry it: it changes only with ``IDENTITY_VERSION``."""
    assert identity_of({"b": [1, 2.5, None, "é"], "a": True}) == "d929d86188995453"


def test_numpy_values_count_as_the_plain_ones() -> None:
    assert canonical({"a": np.float64(0.1), "b": np.arange(3), "c": {2, 1}}) == '{"a":0.1,"b":[0,1,2],"c":[1,2]}'


def test_what_has_no_text_is_refused_rather_than_guessed() -> None:
    with pytest.raises(TypeError, match="object"):
        canonical(object())


def test_exclusion_reaches_into_nested_keys_and_copies() -> None:
    given_ = {"a": {"b": 1, "c": 2}, "workers": 4}
    assert without_excluded(given_, ["a.b", "workers", "not.there"]) == {"a": {"c": 2}}
    assert given_ == {"a": {"b": 1, "c": 2}, "workers": 4}


def test_the_identity_leaves_out_what_it_says_and_nothing_else(tmp_path: Any) -> None:
    plain = {path for path in EXCLUDED if not path.startswith("engines.")}
    assert plain == {"output", "workers", "description", "licence", "inputs", "citations", "tags"}
    own = plan_of(toy(), tmp_path).identity
    same: list[dict[str, Any]] = [
        {"workers": 3},
        {"output": "elsewhere"},
        {"description": "words"},
        {"licence": "mit", "tags": ["x"], "citations": ["y"], "inputs": [{"name": "z"}]},
    ]
    assert {plan_of(toy(**keys), tmp_path).identity for keys in same} == {own}
    others = [
        plan_of(toy(**keys), tmp_path).identity
        for keys in (
            {"seed": 1},
            {"rows": 46},
            {"accept": 45},
            {"shard_rows": 11},
            {"splits": {"train": 1}},
            {"filters": {"small": {"use": "tests.core.toys:Small", "below": 3}}},
            {"filters": {"small": {"use": "tests.core.toys:Small", "below": 4}}},
            {"name": "other"},
        )
    ]
    others.append(plan_of(toy({"fail_every": 2}), tmp_path).identity)
    assert len({own, *others}) == 10


def test_equal_strings_hash_alike_in_every_process() -> None:
    code = (
        "import pyarrow as pa; from contrafact.identity import hash_strings;"
        "print(*hash_strings(pa.array(['a', 'b', '']), 'salt'))"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    here = hash_strings(pa.array(["a", "b", ""]), "salt")
    assert [int(word) for word in elsewhere.stdout.split()] == here.tolist()
    assert here.tolist() == [140536440908919981, 1091651675977283119, 1105546595604614296]


def test_a_hash_depends_on_the_salt_and_not_on_the_neighbours() -> None:
    texts = [f"text {number}" for number in range(200)]
    whole = hash_strings(pa.array(texts), "one")
    np.testing.assert_array_equal(whole[50:60], hash_strings(pa.array(texts[50:60]), "one"))
    chunked = pa.chunked_array([texts[:3], texts[3:]])
    np.testing.assert_array_equal(whole, hash_strings(chunked, "one"))
    assert len(np.unique(whole)) == 200
    assert not np.isin(whole, hash_strings(pa.array(texts), "two")).any()
