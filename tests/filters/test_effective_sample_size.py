from __future__ import annotations

import math

import pyarrow as pa
import pytest

from contrafact.errors import RecipeError
from filters.effective_sample_size import EffectiveSampleSize
from tests.filters.toys import Toy, failed, judged, pair, reasons

SAMPLED = Toy(scores=[pa.field("ess", pa.float64())])
ROWS = [{**pair(), "scores": {"ess": size}} for size in (10.0, 50.0, None, math.nan)]


def test_too_few_samples_fail_and_exact_pairs_pass() -> None:
    answer = judged(EffectiveSampleSize(min=50), ROWS, SAMPLED)
    few = "effective_sample_size: too few effective samples"
    assert reasons(answer) == [few, "", "", few]
    assert pa.array(answer.scores["effective_sample_size"]).to_pylist()[:3] == [10.0, 50.0, None]


def test_raising_min_never_accepts_more() -> None:
    counts = [judged(EffectiveSampleSize(min=least), ROWS, SAMPLED).passed.sum() for least in (0, 10, 11, 51)]
    assert counts == [3, 3, 2, 1]


def test_failed_pairs_pass_without_a_score() -> None:
    answer = judged(EffectiveSampleSize(min=20), [failed(), ROWS[0], ROWS[1], failed()], SAMPLED)
    assert answer.passed.tolist() == [True, False, True, True]
    assert pa.array(answer.scores["effective_sample_size"]).to_pylist() == [None, 10.0, 50.0, None]
    assert judged(EffectiveSampleSize(min=20), [failed()], SAMPLED).passed.tolist() == [True]


def test_no_rows_give_no_verdicts() -> None:
    assert judged(EffectiveSampleSize(min=20), [], SAMPLED).passed.shape == (0,)


def test_it_cannot_judge_what_is_not_sampled() -> None:
    with pytest.raises(RecipeError, match="gives no score 'ess'"):
        EffectiveSampleSize(min=1).bind("effective_sample_size", Toy())


def test_its_alias_must_not_hide_the_generators_score() -> None:
    with pytest.raises(RecipeError, match="already the name"):
        EffectiveSampleSize(min=1).bind("ess", SAMPLED)


@pytest.mark.parametrize("least", [-1.0, math.nan])
def test_an_impossible_min_is_refused(least: float) -> None:
    with pytest.raises(RecipeError, match="min"):
        EffectiveSampleSize(min=least)
