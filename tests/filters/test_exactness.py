from __future__ import annotations

import numpy as np

from filters.exactness import Exact
from tests.filters.toys import failed, judged, pair, reasons


def test_only_exact_pairs_pass_and_unknown_is_not_exact() -> None:
    answer = judged(Exact(), [{**pair(), "exact": exact} for exact in (True, False, None)])
    assert reasons(answer) == ["", *["exact: the noise was not uniquely recovered"] * 2]
    assert answer.scores["exact"].tolist() == [1.0, 0.0, 0.0]


def test_failed_pairs_pass_without_a_score() -> None:
    answer = judged(Exact(), [{**failed(), "exact": False}, {**pair(), "exact": False}])
    assert answer.passed.tolist() == [True, False]
    assert np.isnan(answer.scores["exact"]).tolist() == [True, False]


def test_no_rows_give_no_verdicts() -> None:
    assert judged(Exact(), []).passed.shape == (0,)
