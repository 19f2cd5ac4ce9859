from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.errors import RecipeError
from contrafact.stages import Judgement, PairFilter, Recomputed
from filters.code_minimality import CodeMinimality
from filters.compiles import Compiles
from filters.execution import Execution
from tests.filters.texts import Texts, bound, judged, table, verdicts

CODE = Texts("code")
GUARDED = "def half(x):\n    if x % 2:\n        raise ValueError(x)\n    return x // 2\n"
UNGUARDED = GUARDED.replace("    if x % 2:\n        raise ValueError(x)\n", "")


def pair(before: str, after: str, **columns: Any) -> dict[str, Any]:
    return {"factual": {"code": before}, "counterfactual": {"code": after}, **columns}


def on_code(judge: PairFilter, *pairs: tuple[str, str]) -> Judgement:
    return judged(judge, [pair(*each) for each in pairs], CODE)


def test_a_small_edit_passes_and_its_size_is_the_score() -> None:
    found = on_code(
        CodeMinimality(),
        (GUARDED, GUARDED.replace("//", "*")),
        (GUARDED, UNGUARDED),
        (GUARDED, GUARDED.replace("half", "part").replace("//", "*").replace("raise ValueError(x)", "x = 3")),
        (GUARDED, GUARDED + "# said\n"),
    )
    assert verdicts(found) == ["", "", "too many statements were touched", "too few tokens were changed"]
    assert np.asarray(found.scores["code_minimality_statements"]).tolist() == [1, 2, 3, 0]
    assert np.asarray(found.scores["code_minimality_tokens"]).tolist()[:2] == [1, 10]
    assert np.asarray(found.scores["code_minimality_tree"]).tolist()[0] == 1


def test_bounds_are_drawn_again_from_the_scores() -> None:
    rows = [pair(GUARDED, UNGUARDED)]
    strict = CodeMinimality(max_statements=1)
    found = judged(CodeMinimality(), rows, CODE)
    stored = table(
        [{**rows[0], "scores": {name: float(np.asarray(values)[0]) for name, values in found.scores.items()}}],
        CODE,
        bound(strict, CODE).score_fields(),
    )
    again = strict.redecide(stored)
    assert again is not None
    assert verdicts(again) == verdicts(judged(strict, rows, CODE)) == ["too many statements were touched"]


def test_c_is_measured_too() -> None:
    found = on_code(CodeMinimality(language="c"), ("int f(int n) { return n < 1; }", "int f(int n) { return n > 1; }"))
    assert np.asarray(found.scores["code_minimality_tokens"]).tolist() == [1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"language": "cobol"}, "language cannot be 'cobol'"),
        ({"max_tree": -1}, "max_tree = -1"),
        ({"max_tokens": 1, "min_tokens": 2}, "nothing is at least"),
    ],
)
def test_bounds_that_cannot_be_meant_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        CodeMinimality(**options)


def test_programs_pass_and_others_do_not() -> None:
    found = on_code(Compiles(), (GUARDED, GUARDED), (GUARDED, "def half(x:\n"), ("x = = 1", "def f(a, a): pass"))
    assert verdicts(found) == ["", "the counterfactual does not parse", "the factual does not parse"]
    assert np.asarray(found.scores["compiles"]).tolist() == [0, 1, 2]
    in_c = on_code(Compiles(language="c"), ("int f(void) { return 1; }", "int f(void) { return 1 }"))
    assert verdicts(in_c) == ["the counterfactual does not parse"]


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(RecipeError, match="'program', which these pairs do not have"):
        bound(Compiles(field="program"), CODE)


def test_what_has_no_oracle_cannot_be_run_again() -> None:
    with pytest.raises(RecipeError, match="makes nothing that can be run again"):
        bound(Execution(), CODE)


class Shouting(Texts):
    """Its oracle says that the factual is written large, and that the label moves where there is an ``a``."""

    def recompute(self, pairs: pa.Table) -> Recomputed:
        sides = [pairs[side].combine_chunks().field("code").to_pylist() for side in ("factual", "counterfactual")]
        large, own = (np.array(texts, dtype=object) for texts in ([each.upper() for each in sides[0]], sides[1]))
        moved = [int("a" in each) for each in sides[1]]
        return Recomputed({"code": own}, pa.array([0] * len(moved)), pa.array(moved), {"code": large})


def test_what_comes_out_otherwise_than_stored_fails() -> None:
    found = judged(Execution(), [pair("X", "a"), pair("x", "a"), pair("X", "b"), pair("x", "b")], Shouting("code"))
    factual, label = "the factual does otherwise than is stored", "the counterfactual_label is not what running gives"
    assert verdicts(found) == ["", factual, label, factual]
    assert np.asarray(found.scores["execution"]).tolist() == [0, 1, 1, 2]
