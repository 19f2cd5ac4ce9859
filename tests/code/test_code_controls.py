"""Controls of programs: edits that change nothing, beside pairs whose edit changes something."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from contrafact.engines.syntax import Language, token_distance
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.validation import validate
from generators.code.edits import edited
from generators.code.preserving import nearest, preserving_edits
from generators.code.specification.automaton import automaton_of, distinguishing
from generators.code.specification.reading import read_pattern
from generators.code.specification.rewriting import rewriting_of, rewritings
from generators.code.specification.tree import text_of

PYTHON = b'''def f(a, b):
    """a < b in words."""
    total = 0
    while total < a:
        total += 1
        if a > 3 or b == 2:
            b = b + 1
        if g(a) and a < 9:
            return total
    return total + 1
'''
C = b"""int f(const int *v, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        if (v[i] > 3 && n > 2)
            sum += 2;
    return v[0] == sum ? sum + 1 : 0;
}
"""


def built(out: Path, generator: Mapping[str, Any], rows: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    recipe = parse_recipe({"name": "controls", "rows": rows, "seed": 5, "generator": {**generator, "controls": True},
                           "splits": {"all_of": 1.0}})  # fmt: skip
    manifest = run_local(recipe, None, out)
    found = [row for path in sorted((out / "data").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    return manifest, found


def check(rows: list[dict[str, Any]], least: float) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every control stands beside its pair with the pair's factual; returns (pair, control)."""
    pairs = {row["pair_id"]: row for row in rows if row["control_of"] is None}
    found = [(pairs[row["control_of"]], row) for row in rows if row["control_of"] is not None]
    assert len(found) >= least * len(pairs) > 0
    for pair, control in found:
        assert control["factual"] == pair["factual"]
        assert control["label"] == control["counterfactual_label"] == pair["label"]
        assert control["group_id"] == pair["group_id"]
        assert control["counterfactual"] != control["factual"]
    return found


@pytest.mark.parametrize(("source", "language"), [(PYTHON, "python"), (C, "c")])
def test_edits_that_preserve_are_of_several_kinds_and_touch_no_text(source: bytes, language: Language) -> None:
    found = preserving_edits(source, language)
    assert {each.operation for each in found} >= {"mirrored", "commuted", "spelled", "renamed"}
    texts = [edited(source, each) for each in found]
    assert len(set(texts)) == len(texts)
    assert source not in texts
    if language == "python":
        assert all(b'"""a < b in words."""' in text for text in texts)
        assert not any(b"a < 9 and g(a)" in text for text in texts)


def test_python_that_was_rewritten_returns_what_it_returned() -> None:
    calls = [(a, b) for a in range(6) for b in range(5)]

    def values(source: bytes) -> list[Any]:
        scope: dict[str, Any] = {"g": lambda x: x % 2}
        exec(compile(source, "f.py", "exec"), scope)  # noqa: S102  # a text of this file
        return [scope["f"](*each) for each in calls]

    for each in preserving_edits(PYTHON, "python"):
        assert values(edited(PYTHON, each)) == values(PYTHON), each


def test_the_edit_nearest_in_size_comes_first() -> None:
    rng = np.random.default_rng(1)
    sizes = [
        token_distance(PYTHON, edited(PYTHON, nearest(PYTHON, "python", size, rng)[0]), "python")
        for size in (1.0, 4.0, 30.0)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] <= 2
    every = [token_distance(PYTHON, edited(PYTHON, each), "python") for each in preserving_edits(PYTHON, "python")]
    assert sizes[2] == max(every)


def test_parameters_keep_their_names_unless_they_may_change() -> None:
    kept = [each for each in preserving_edits(PYTHON, "python") if b"def f(a, b)" not in edited(PYTHON, each)]
    plain = PYTHON.replace(b"a < b in words", b"words")
    free = [each for each in preserving_edits(plain, "python", parameters=True) if each.operation == "renamed"]
    assert kept == []
    assert len(free) == 3


@pytest.mark.parametrize(
    "pattern", [r"a?b+c*", r"x{3}y", r"[abc]d", r"(cat|dog)s", r"[0-9]{2,4}-[a-f]", r"v(?:1|2)\.0"]
)
def test_rewritings_of_a_pattern_are_proven_to_be_the_same_language(pattern: str) -> None:
    found = {text_of(each) for each in rewritings(read_pattern(pattern))} - {pattern}
    assert found
    for text in found:
        assert distinguishing(automaton_of(pattern), automaton_of(text)) is None, text
    chosen = rewriting_of(pattern, 3, (), np.random.default_rng(2))
    assert chosen in found
    assert rewriting_of(pattern, 3, sorted(found), np.random.default_rng(2)) is None


def test_what_is_not_the_same_language_is_no_rewriting(monkeypatch: pytest.MonkeyPatch) -> None:
    lied = [read_pattern("ac"), read_pattern("a[b]")]
    monkeypatch.setattr("generators.code.specification.rewriting.rewritings", lambda node: iter(lied))
    assert rewriting_of("ab", 1, (), np.random.default_rng(1)) == "a[b]"


@pytest.mark.system("bubblewrap")
def test_a_specification_s_control_keeps_every_sign_and_validates(tmp_path: Path) -> None:
    manifest, rows = built(tmp_path / "out", {"use": "specification", "pool": 8, "strings": 30}, 25)
    for pair, control in check(rows, 0.8):
        assert control["counterfactual"]["signs"] == control["factual"]["signs"]
        assert control["counterfactual"]["string"] == pair["factual"]["string"]
        one, other = (automaton_of(control[side]["pattern"]) for side in ("factual", "counterfactual"))
        assert distinguishing(one, other) is None
    found = validate(tmp_path / "out")
    assert found.problems == []
    assert found.recomputed >= manifest["accepted"]


@pytest.mark.system("bubblewrap")
def test_an_executable_s_control_is_the_same_call_of_a_rewritten_program(tmp_path: Path) -> None:
    _, rows = built(tmp_path / "out", {"use": "executable", "families": ["if_else", "while", "gsm"]}, 40)
    told = [row for row in rows if row["factual"]["family"] != "gsm"]
    for _, control in check(told, 0.8):
        assert control["counterfactual"]["input"] == control["factual"]["input"]
        assert control["counterfactual"]["code"] != control["factual"]["code"]
        assert control["counterfactual"]["code"] in control["counterfactual"]["question"]
        assert control["counterfactual"]["answers"] == control["factual"]["answers"]
    assert not any(row["control_of"] for row in rows if row["factual"]["family"] == "gsm")
    assert validate(tmp_path / "out").problems == []


@pytest.mark.system("bubblewrap")
def test_a_vulnerability_s_control_does_on_every_input_what_its_factual_does(tmp_path: Path) -> None:
    _, rows = built(tmp_path / "out", {"use": "vulnerability", "language": "python"}, 25)
    sizes = [
        (pair["scores"]["token_distance"], control["scores"]["token_distance"]) for pair, control in check(rows, 0.7)
    ]
    assert np.median([abs(one - other) for one, other in sizes]) <= 4
    assert validate(tmp_path / "out").problems == []
