"""Marks beside a dataset, and what they say of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from contrafact.errors import RunDirectoryError
from contrafact.review import Mark, append, digest_of, latest, marks_file, read_marks, summarise
from contrafact.review.statistics import Share, bins, cohen_kappa, suggest_threshold, wilson
from tests.core.builds import every_pair, tree
from tests.report.datasets import built


def put(folder: Path, pair: str, mark: str | None, reviewer: str = "ada", digest: str = "d") -> None:
    append(marks_file(folder), Mark.now(pair, reviewer, mark, digest))


def test_marks_are_kept_beside_the_dataset_and_the_later_one_counts(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    put(folder, "a/0", "right")
    put(folder, "a/0", "wrong")
    put(folder, "a/0", "right", "bob")
    put(folder, "b/0", "unclear")
    put(folder, "b/0", None)
    assert marks_file(folder) == tmp_path / "run.review" / "marks.jsonl"
    found, damaged = read_marks(marks_file(folder))
    assert len(found) == 5
    assert damaged == 0
    assert {key: each.mark for key, each in latest(found).items()} == {("a/0", "ada"): "wrong", ("a/0", "bob"): "right"}


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_a_line_that_a_crash_cut_off_costs_that_mark_alone(cut: int, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    put(folder, "a/0", "right")
    put(folder, "b/0", "wrong")
    file = marks_file(folder)
    file.write_bytes(file.read_bytes()[:-cut])
    put(folder, "c/0", "unclear")
    found, damaged = read_marks(file)
    assert [each.pair_id for each in found] in (["a/0", "c/0"], ["a/0", "b/0", "c/0"])
    assert damaged == 3 - len(found)


@pytest.mark.parametrize(
    "line",
    [
        "null",
        "[]",
        '{"pair_id": "a"}',
        '{"pair_id": "a", "reviewer": "b", "mark": "fine", "digest": "", "when": ""}',
        "{",
    ],
)
def test_what_is_no_mark_is_passed_over_and_counted(line: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    put(folder, "a/0", "right")
    with marks_file(folder).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    found, damaged = read_marks(marks_file(folder))
    assert (len(found), damaged) == (1, 1)


def test_wilsons_interval_is_that_of_the_formula() -> None:
    hits, trials, z = 8, 10, 1.959963984540054
    middle = (hits + z * z / 2) / (trials + z * z)
    half = z / (trials + z * z) * math.sqrt(hits * (trials - hits) / trials + z * z / 4)
    assert wilson(hits, trials) == pytest.approx((middle - half, middle + half))
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 5)[1] == 1.0


def test_what_is_unclear_says_nothing_of_precision() -> None:
    share = Share.of(["right", "right", "wrong", "unclear", "unclear"])
    assert share.precision == pytest.approx(2 / 3)
    assert (share.right, share.wrong, share.unclear) == (2, 1, 2)
    assert math.isnan(Share.of([]).precision)


def test_kappa_is_that_of_scikit_learn_and_its_interval_that_of_a_bootstrap() -> None:
    rng = np.random.default_rng(5)
    one = rng.choice(["right", "wrong", "unclear"], 400, p=[0.6, 0.3, 0.1])
    other = np.where(rng.random(400) < 0.75, one, rng.choice(["right", "wrong", "unclear"], 400))
    found = cohen_kappa(one.tolist(), other.tolist(), ("ada", "bob"))
    assert found.kappa == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)
    draws = [cohen_kappa_score(one[rows], other[rows]) for rows in rng.integers(0, 400, (400, 400))]
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * np.std(draws), rel=0.12)


def test_kappa_where_chance_agrees_always_is_undefined() -> None:
    found = cohen_kappa(["right"] * 4, ["right"] * 4, ("a", "b"))
    assert math.isnan(found.kappa)
    assert found.agreed == 1.0


def test_the_threshold_keeps_the_most_pairs_at_the_wanted_precision() -> None:
    values = np.linspace(0, 1, 200)
    right = values > 0.5
    found = suggest_threshold("cosine", values, right, 0.9)
    assert found is not None
    assert found.way == ">="
    assert found.share.low >= 0.9
    longer = values >= np.sort(values)[np.searchsorted(np.sort(values), found.value) - 1]
    assert wilson(int(right[longer].sum()), int(longer.sum()))[0] < 0.9
    down = suggest_threshold("distance", -values, right, 0.9)
    assert down is not None
    assert (down.way, down.value) == ("<=", -found.value)
    assert suggest_threshold("noise", values, np.zeros(200, dtype=bool), 0.5) is None


def test_ties_are_never_parted_by_a_threshold() -> None:
    values = np.repeat([0.0, 1.0, 2.0], 30)
    found = suggest_threshold("rank", values, values > 0, 0.9)
    assert found is not None
    assert found.value == 1.0
    assert found.kept == pytest.approx(2 / 3)


def test_bins_hold_every_value_once() -> None:
    values = np.array([0.1, 0.1, 0.1, 0.4, 0.5, 0.7, 0.9, 1.5, np.nan])
    ranges = bins(values)
    assert sum(((values >= low) & (values <= high)).sum() for low, high in ranges) == 8
    assert bins(np.array([0.0, 1.0, 1.0])) == [(0.0, 0.0), (1.0, 1.0)]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("reviews", tmp_path_factory.mktemp("review"))


def test_a_review_is_summed_up_by_verdict_reason_and_score(reviews: Path) -> None:
    before = tree(reviews)
    pairs = every_pair(reviews).to_pylist()
    for number, pair in enumerate(pairs):
        digest = digest_of(pair)
        put(reviews, pair["pair_id"], "right" if pair["accepted"] and number % 4 else "wrong", "ada", digest)
        if number < 20:
            put(reviews, pair["pair_id"], "right" if number % 4 else "unclear", "bob", digest)
    put(reviews, pairs[0]["pair_id"], "right", "eve", "another digest")
    put(reviews, "nobody/0", "right", "eve", "d")
    found = summarise(reviews, wanted=0.5)
    assert tree(reviews) == before
    assert found.pairs == 60
    assert found.reviewers == {"ada": 60, "bob": 20}
    assert (found.stale, found.unknown, found.damaged) == (1, 1, 0)
    assert found.accepted.right + found.accepted.wrong + found.accepted.unclear == 40
    assert found.rejected.precision == 0.0
    assert list(found.reasons) == ["shorter: too far from the factual"]
    assert found.reasons["shorter: too far from the factual"].wrong == 20
    assert [(each.low, each.share.right > 0) for each in found.score_bins] == [(0.0, True), (1.0, True), (2.0, False)]
    assert [(each.score, each.way) for each in found.thresholds] == [("shorter", "<=")]
    (kappa,) = found.kappas
    assert (kappa.one, kappa.other, kappa.pairs) == ("ada", "bob", 20)
    assert found.disputed == 5  # where one of them found it unclear


def test_a_digest_changes_with_what_is_judged_and_with_nothing_else(reviews: Path) -> None:
    pair = every_pair(reviews).to_pylist()[0]
    assert digest_of({**pair, "scores": None, "accepted": False}) == digest_of(pair)
    assert digest_of({**pair, "counterfactual_label": 1 - pair["counterfactual_label"]}) != digest_of(pair)
    assert digest_of({**pair, "counterfactual": {"text": "x"}}) != digest_of(pair)


def test_no_marks_are_no_review_and_no_dataset_is_an_error(reviews: Path, tmp_path: Path) -> None:
    assert summarise(built("nothing", tmp_path)).pairs == 0
    with pytest.raises(RunDirectoryError, match="no run directory"):
        summarise(tmp_path)


def test_a_mark_is_one_line_of_plain_json(tmp_path: Path) -> None:
    put(tmp_path / "run", "é/0", "right", "Ada L.")
    told = json.loads(marks_file(tmp_path / "run").read_text(encoding="utf-8"))
    assert told["pair_id"] == "é/0"
    assert set(told) == {"pair_id", "reviewer", "mark", "digest", "when"}
