"""The filter: thresholds on stored distributions. Kinds of teachers have tests of their own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.engines import Engines
from contrafact.engines.teachers import Remembering, Teacher
from contrafact.errors import PluginError, RecipeError
from contrafact.judging import Funnel, apply_judgements, judge
from contrafact.pipeline import run_local
from contrafact.plan import make_plan
from contrafact.recipe import Recipe, parse_recipe
from contrafact.stages import Judgement
from filters.teacher import Teacher as TeacherFilter
from tests.core.builds import every_pair, stored
from tests.filters import teaching
from tests.filters.teaching import LABELS, Swaps

HERE = "tests/filters/teaching.py"
NOISY, SURE = f"{HERE}:noisy", f"{HERE}:sure"


def recipe(rows: int = 60, generator: dict[str, Any] | None = None, **options: Any) -> Recipe:
    return parse_recipe(
        {
            "name": "taught",
            "rows": rows,
            "generator": {"use": "tests.filters.teaching:Swaps", **(generator or {})},
            "filters": {"teacher": {"model": NOISY, **options}},
        }
    )


def bound(generator: Any = None, **options: Any) -> TeacherFilter:
    made = TeacherFilter(**{"model": SURE, **options})
    made.bind("teacher", generator or Swaps())
    made.borrow(Engines())
    return made


def pairs(*rows: tuple[str | None, str | None, int | None, int | None]) -> pa.Table:
    members = pa.struct([("text", pa.string())])
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {
            "factual": pa.array([{"text": text} for text in columns[0]], members),
            "counterfactual": pa.array([{"text": text} for text in columns[1]], members),
            "label": pa.array(columns[2], pa.int64()),
            "counterfactual_label": pa.array(columns[3], pa.int64()),
        }
    )


def reasons(answer: Judgement) -> list[str]:
    return ["" if passed else str(why) for passed, why in zip(answer.passed, np.asarray(answer.reason), strict=True)]


def test_scores_follow_from_the_stored_distributions_and_verdicts_from_the_threshold(tmp_path: Path) -> None:
    run_local(recipe(rows=120, min=0.1), None, tmp_path / "made")
    rows = [row for row in every_pair(tmp_path / "made").to_pylist() if row["counterfactual"]]
    flips = [row for row in rows if row["label"] != row["counterfactual_label"]]
    assert len(flips) > 100
    for row in rows:
        before, after = row["scores"]["teacher_factual"], row["scores"]["teacher_counterfactual"]
        old, new = row["label"], row["counterfactual_label"]
        assert sum(before) == pytest.approx(1)
        assert row["scores"]["teacher_natural"] == pytest.approx(before[old] - after[old], abs=1e-6)
        assert row["scores"]["teacher_counter"] == pytest.approx(after[new] - before[new], abs=1e-6)
        assert row["scores"]["teacher_agrees"] == (int(np.argmax(after)) == new)
    assert all(row["accepted"] == (row["scores"]["teacher_counter"] >= 0.1) for row in flips)
    assert 0 < sum(row["accepted"] for row in flips) < len(flips)


def test_a_pair_that_passed_is_vouched_for_by_the_teacher_and_no_other(tmp_path: Path) -> None:
    run_local(recipe(), None, tmp_path / "made")
    assert set(stored(tmp_path / "made")["label_source"].to_pylist()) == {"teacher"}
    assert set(stored(tmp_path / "made", "rejected")["label_source"].to_pylist()) == {"llm"}


def test_what_could_not_be_made_has_no_scores_and_loads_as_parquet(tmp_path: Path) -> None:
    run_local(recipe(), None, tmp_path / "made")
    unmade = [row for row in stored(tmp_path / "made", "rejected").to_pylist() if row["counterfactual"] is None]
    assert unmade
    assert {value for row in unmade for value in row["scores"].values()} == {None}


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12), st.floats(-1, 1))
def test_a_higher_threshold_never_lets_more_pass(labels: list[tuple[int, int]], threshold: float) -> None:
    table = pairs(*((f"a {place} bad", f"b {place} good", *each) for place, each in enumerate(labels)))
    low = bound(model=NOISY, min=threshold).judge(table)
    high = bound(model=NOISY, min=min(1.0, threshold + 0.2)).judge(table)
    assert not (high.passed & ~low.passed).any()


def test_a_pair_is_judged_by_what_it_claims() -> None:
    table = pairs(
        ("all is bad", "all is good", 0, 2),  # moves, and says so
        ("all is bad", "all was bad", 0, 2),  # says so and does not
        ("all is bad", "all was bad", 0, 0),  # a control that stays
        ("all is bad", "all is good", 0, 0),  # a control that drifts
    )
    told = ["", "teacher: the new label rose too little", "", "teacher: the label drifted"]
    assert reasons(bound().judge(table)) == told
    assert reasons(bound(want="flip").judge(table))[2:] == ["teacher: the pair claims no move"] * 2
    assert reasons(bound(want="keep").judge(table))[0] == "teacher: the pair claims a move"
    assert reasons(bound(want="keep", max_drift=0.9).judge(table))[3] == ""


def test_other_rules_have_reasons_of_their_own() -> None:
    table = pairs(("all is bad", "all is good", 0, 2), ("all is plain", "all is good", 0, 2))
    assert reasons(bound(natural_min=0.5).judge(table)) == ["", "teacher: the old label fell too little"]
    moved = pairs(("all is bad", "all is plain", 2, 0), ("all is good", "all is bad", 0, 0))
    assert reasons(bound(min=-1, agree=True).judge(moved))[0] == "teacher: another label is more probable"


def test_a_missing_text_or_label_is_a_reject_with_a_reason() -> None:
    table = pairs(("all is bad", None, 0, 2), ("all is bad", "all is good", None, 2))
    answer = bound().judge(table)
    assert reasons(answer) == ["teacher: the teacher gave no answer", "teacher: a label is missing"]
    assert pa.array(answer.scores["teacher_counterfactual"]).to_pylist()[0] is None


def test_an_ensemble_is_the_weighted_mean_of_its_teachers() -> None:
    table = pairs(("all is bad", "all is good", 0, 2))
    single = [bound(model=name)._score([("all is bad",)])[0] for name in (SURE, NOISY)]
    even = bound(model=None, models=[SURE, NOISY]).judge(table)
    assert pa.array(even.scores["teacher_factual"]).to_pylist()[0] == pytest.approx(np.mean(single, axis=0))
    models = [{"function": SURE, "weight": 3}, {"function": NOISY}]
    uneven = bound(model=None, models=models)._score([("all is bad",)])[0]
    assert uneven == pytest.approx(0.75 * single[0] + 0.25 * single[1])


def test_stored_scores_decide_as_the_texts_did(tmp_path: Path) -> None:
    plan = make_plan(recipe(), None, tmp_path)
    from contrafact.candidates import make_candidates

    candidates = make_candidates(plan, 0)
    judged = apply_judgements(candidates, judge(candidates, plan.filters), Funnel())
    made = judged.filter(pa.compute.is_valid(judged["counterfactual"])).combine_chunks()
    assert isinstance(plan.filters[0], TeacherFilter)
    for threshold in (-0.2, 0.0, 0.3):
        asked, read = bound(model=NOISY, min=threshold), bound(model=NOISY, min=threshold)
        answer, again = asked.judge(made), read.redecide(made)
        assert again is not None
        assert (answer.passed == again.passed).all()
        assert reasons(answer) == reasons(again)
        assert sum(each.scored for each in read.teachers) == 0
    assert bound().redecide(pairs(("a", "b", 0, 1)).append_column("scores", pa.array([{"other": 1.0}]))) is None


class Counting(Teacher):
    """Answers after a while, and counts what it is asked."""

    def __init__(self, labels: Sequence[str] = LABELS) -> None:
        self.labels, self.asked = tuple(labels), list[str]()

    def score(self, texts: Sequence[tuple[str, ...]]) -> np.ndarray[Any, Any]:
        threading.Event().wait(0.02)
        self.asked += [text[0] for text in texts]
        return np.tile(np.arange(1, len(self.labels) + 1) / sum(range(1, len(self.labels) + 1)), (len(texts), 1))

    def identity(self) -> Any:
        return "counting"


def test_each_text_is_scored_once_whoever_asks_at_the_same_time() -> None:
    inner = Counting()
    teacher = Remembering(inner, LABELS)
    texts = [(f"text {number % 10}",) for number in range(40)]
    threads = [threading.Thread(target=teacher.score, args=(texts[start:],)) for start in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(inner.asked) == [f"text {number}" for number in range(10)]
    assert teacher.scored == 10
    assert teacher.score([]).shape == (0, 3)


def test_a_build_scores_each_distinct_text_once(tmp_path: Path) -> None:
    plan = make_plan(recipe(rows=200), None, tmp_path / "made")
    from contrafact.pipeline import build, local_mapper

    build(plan, local_mapper(2))
    rows = [row for row in every_pair(tmp_path / "made").to_pylist() if row["counterfactual"]]
    distinct = {row[side]["text"] for row in rows for side in ("factual", "counterfactual")}
    first = plan.filters[0]
    assert isinstance(first, TeacherFilter)
    assert first.teachers[0].scored == len(distinct) < len(rows)


def test_labels_are_matched_by_name_whatever_their_order_and_case() -> None:
    teacher = Remembering(Counting(("Positive", "NEGATIVE", "neutral")), LABELS)
    assert teacher.score([("a",)])[0] == pytest.approx([2 / 6, 3 / 6, 1 / 6])


def test_names_rename_merge_and_leave_out() -> None:
    stars = Counting(("1", "2", "3", "4"))
    merged = Remembering(
        stars, ("negative", "positive"), {"1": "negative", "2": "negative", "3": None, "4": "positive"}
    )
    assert merged.score([("a",)])[0] == pytest.approx([3 / 7, 4 / 7])


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (("LABEL_0", "LABEL_1", "LABEL_2"), None),
        (("negative", "positive"), None),
        (("negative", "neutral", "positive", "mixed"), None),
        (LABELS, {"nowhere": "negative"}),
        (LABELS, {"neutral": "negative"}),
    ],
)
def test_labels_that_do_not_match_name_both_sets(labels: Sequence[str], names: dict[str, str | None] | None) -> None:
    with pytest.raises(RecipeError, match="the dataset's are negative, neutral, positive") as error:
        Remembering(Counting(labels), LABELS, names)
    assert ", ".join(labels) in error.value.what
    assert "names: {" in str(error.value.fix)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"min": 1.5}, "min = 1.5 is no difference"),
        ({"min": float("nan")}, "min = nan"),
        ({"natural_min": -2}, "natural_min = -2"),
        ({"max_drift": -0.1}, "max_drift = -0.1"),
        ({"want": "change"}, "want cannot be 'change'"),
        ({"model": None}, "no model was given"),
        ({"models": [NOISY]}, "both model and models"),
        ({"fields": ["texts"]}, "did you mean 'text'"),
        ({"model": {"function": NOISY, "zero_shot": "x"}}, "a teacher is of one kind"),
        ({"model": {"function": NOISY, "wieght": 2}}, "did you mean 'weight'"),
        ({"model": {"function": NOISY, "weight": 0}}, "weight of a teacher is 0"),
        ({"model": {"function": NOISY, "names": "x"}}, "names of a teacher"),
        ({"model": {"batch": 4}}, "none was given"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_before_any_work(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        bound(**options)


def test_a_dataset_without_classes_or_texts_has_nothing_for_a_teacher() -> None:
    from tests.core.toys import Parity
    from tests.filters.toys import Toy

    with pytest.raises(RecipeError, match="is double, and a teacher tells classes"):
        bound(Toy(label=pa.field("cost", pa.float64())))
    with pytest.raises(RecipeError, match="one text or two, not none"):
        bound(Parity())


def test_a_functions_answer_is_checked() -> None:
    for name, said in (("short", "shape"), ("large", "sum to 1"), ("below", "sum to 1")):
        teacher = bound(model=f"tests/filters/answers.py:{name}")
        with pytest.raises(PluginError, match=said):
            teacher.judge(pairs(("a", "b", 0, 1)))
    silent = bound(model="tests/filters/answers.py:silent").judge(pairs(("a", "b", 0, 1)))
    assert reasons(silent) == ["teacher: the teacher gave no answer"]


def test_another_teacher_is_another_dataset(tmp_path: Path) -> None:
    parts = [make_plan(recipe(model=name), None, tmp_path).parts["filter teacher"] for name in (NOISY, SURE)]
    assert parts[0] != parts[1]
    assert teaching.LABELS == LABELS
