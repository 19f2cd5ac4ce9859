"""A recipe becomes a dataset: the same bytes however it is made, and nothing lost on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from contrafact.errors import PluginError, RunDirectoryError, StageError, TransientError
from contrafact.pipeline import Work, build, local_mapper
from contrafact.plan import make_plan
from contrafact.recipe import parse_recipe
from contrafact.shards import Report
from tests.core.builds import BREAKS, EVERY_OTHER, SMALL, built, every_pair, plan_of, stored, toy, tree

FUNNEL = {"small": SMALL, "every_other": EVERY_OTHER}
SCM: dict[str, Any] = {
    "name": "drug",
    "rows": 300,
    "shard_rows": 64,
    "generator": {
        "use": "scm",
        "scm": {
            "variables": {
                "age": {"mechanism": "root", "noise": {"normal": [50, 10]}},
                "arm": {
                    "mechanism": "categorical",
                    "levels": ["low", "high"],
                    "logits": {"low": 0, "high": "0.05*(age-50)"},
                },
                "dose": {
                    "mechanism": "additive",
                    "expression": "1 + (2 if arm == 'high' else 0)",
                    "noise": {"normal": [0, 0.3]},
                },
                "cured": {"mechanism": "bernoulli", "probability": "sigmoid(dose - 2)"},
            }
        },
        "interventions": [{"do": {"arm": "another"}}, {"shift": {"dose": 0.5}}],
        "per_unit": "one",
        "label": "cured",
    },
    "filters": {"graph": {}, "duplicates": {}},
}


@pytest.mark.parametrize(
    "recipe", [toy(filters=FUNNEL), toy({"fail_every": 7}), parse_recipe(SCM)], ids=["set", "pair", "scm"]
)
def test_the_number_of_workers_changes_no_byte(recipe: Any, tmp_path: Path) -> None:
    whole = []
    for workers in (1, 4):
        built(recipe.model_copy(update={"workers": workers}), tmp_path / str(workers))
        whole.append(tree(tmp_path / str(workers)))
    one, four = ({path: text for path, text in each.items() if path != "recipe.yaml"} for each in whole)
    assert one == four
    assert any(path.endswith(".parquet") for path in one)
    # The resolved recipe differs by the number that was asked for, and by nothing else.
    settings = [yaml.safe_load(each["recipe.yaml"]) for each in whole]
    assert settings[0] | {"workers": 4} == settings[1]


def test_two_runs_give_the_same_bytes_in_every_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        built(parse_recipe(SCM), tmp_path / name)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_another_seed_gives_other_units(tmp_path: Path) -> None:
    built(parse_recipe(SCM), tmp_path / "one")
    built(parse_recipe({**SCM, "seed": 1}), tmp_path / "two")
    units = [set(every_units(tmp_path / name)) for name in ("one", "two")]
    assert not units[0] & units[1]


def every_units(folder: Path) -> list[str]:
    found: list[str] = pa.concat_tables([pa.table({"u": stored(folder, part)["unit_id"]}) for part in ("data",)])[
        "u"
    ].to_pylist()
    return found


class Shuffling:
    """Gives shards to the steps, and reports back, in the wrong order."""

    def __init__(self, order: Sequence[int]) -> None:
        self.order = order

    def __call__(self, stage: str, step: Work, shards: Sequence[int]) -> Iterator[Report]:
        yield from (step(shards[place]) for place in self.order if place < len(shards))


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_the_order_of_arrival_changes_no_byte(order: tuple[int, ...], tmp_path: Path) -> None:
    built(toy(filters=FUNNEL), tmp_path / "plain")
    build(plan_of(toy(filters=FUNNEL), tmp_path / "other"), Shuffling(order))
    assert tree(tmp_path / "plain") == tree(tmp_path / "other")


@pytest.mark.parametrize(
    ("options", "filters"),
    [
        ({"raise_every": 11}, {}),
        ({"fail_every": 4}, {}),
        ({"raise_every": 4}, FUNNEL),
        ({"pairs": 3, "fail_every": 5}, FUNNEL),
    ],
)
def test_what_was_proposed_is_accepted_or_rejected_with_a_reason(
    options: dict[str, Any], filters: dict[str, Any], tmp_path: Path
) -> None:
    manifest = built(toy(options, filters=filters), tmp_path)
    accepted, rejected = stored(tmp_path), stored(tmp_path, "rejected")
    assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"]
    assert (manifest["accepted"], manifest["rejected"]) == (accepted.num_rows, rejected.num_rows)
    assert all(accepted["accepted"].to_pylist())
    assert not any(rejected["accepted"].to_pylist())
    assert all(len(reasons) == 0 for reasons in accepted["reasons"].to_pylist())
    assert all(len(reasons) > 0 for reasons in rejected["reasons"].to_pylist())
    pairs = every_pair(tmp_path)
    assert len(set(pairs["pair_id"].to_pylist())) == manifest["proposed"]
    assert set(pairs["unit_id"].to_pylist()) == {f"n{number}" for number in range(45)}
    assert sum(manifest["splits"].values()) == manifest["accepted"]
    first = [reasons[0] for reasons in rejected["reasons"].to_pylist()]
    assert manifest["reasons"] == {reason: first.count(reason) for reason in set(first)}
    later = [reason for reasons in rejected["reasons"].to_pylist() for reason in reasons[1:]]
    assert manifest["also"] == {reason: later.count(reason) for reason in set(later)}
    assert sum(manifest["reasons"].values()) == manifest["rejected"]
    assert sum(row["rejected"] for row in manifest["funnel"]) == manifest["rejected"]
    assert sum(shard["proposed"] for shard in manifest["shards"]) == manifest["proposed"]


def test_a_set_filter_sees_the_whole_in_the_order_of_units(tmp_path: Path) -> None:
    manifest = built(toy(filters=FUNNEL), tmp_path)
    kept = sorted(pair["number"] for pair in stored(tmp_path)["factual"].to_pylist())
    assert kept == list(range(0, 30, 2))
    assert manifest["funnel"] == [
        {"step": "parity", "judged": 45, "rejected": 0},
        {"step": "small", "judged": 45, "rejected": 15},
        {"step": "every_other", "judged": 30, "rejected": 15},
    ]


def test_a_set_filter_does_not_count_what_an_earlier_one_rejected(tmp_path: Path) -> None:
    built(toy(filters={"first": EVERY_OTHER, "second": EVERY_OTHER}), tmp_path)
    kept = sorted(pair["number"] for pair in stored(tmp_path)["factual"].to_pylist())
    assert kept == list(range(0, 45, 4))
    reasons = {tuple(each) for each in stored(tmp_path, "rejected")["reasons"].to_pylist()}
    assert reasons == {("first: not its turn",), ("second: not its turn",)}


def test_pairs_that_could_not_be_made_pass_by_the_set_filters(tmp_path: Path) -> None:
    built(toy({"fail_every": 3}, filters={"every_other": EVERY_OTHER}), tmp_path)
    kept = sorted(pair["number"] for pair in stored(tmp_path)["factual"].to_pylist())
    assert kept == [number for number in range(45) if number % 3][::2]


@pytest.mark.parametrize("pairs", [1, 4])
def test_pairs_of_one_unit_stay_in_one_split(pairs: int, tmp_path: Path) -> None:
    built(toy({"pairs": pairs}, rows=200, shard_rows=50), tmp_path)
    places: dict[str, set[str]] = {}
    for path in (tmp_path / "data").glob("*.parquet"):
        for unit in pa.parquet.read_table(path)["unit_id"].to_pylist():
            places.setdefault(unit, set()).add(path.name.split("-")[0])
    assert len(places) == 200
    assert {len(found) for found in places.values()} == {1}
    assert {next(iter(found)) for found in places.values()} == {"train", "validation", "test"}


def test_a_filter_that_groups_pairs_keeps_them_in_one_split(tmp_path: Path) -> None:
    built(toy(rows=200, shard_rows=30, filters={"grouped": {"use": "tests.core.awkward:Grouped"}}), tmp_path)
    places: dict[int, set[str]] = {}
    for path in (tmp_path / "data").glob("*.parquet"):
        table = pa.parquet.read_table(path)
        for unit, group in zip(table["unit_id"].to_pylist(), table["group_id"].to_pylist(), strict=True):
            assert group == f"g{int(unit[1:]) // 10}"
            places.setdefault(int(unit[1:]) // 10, set()).add(path.name.split("-")[0])
    assert {len(found) for found in places.values()} == {1}
    assert len(places) == 20


def test_a_complete_dataset_costs_nothing_to_build_again(tmp_path: Path) -> None:
    first = built(toy(), tmp_path)
    before = {path: (tmp_path / path).stat().st_mtime_ns for path in tree(tmp_path)}

    def never(stage: str, step: Work, shards: Sequence[int]) -> Iterator[Report]:
        raise AssertionError("no shard was to be run")
        yield

    assert build(plan_of(toy(), tmp_path), never) == first
    assert {path: (tmp_path / path).stat().st_mtime_ns for path in tree(tmp_path)} == before


def test_a_stopped_build_goes_on_where_it_was_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    built(toy(filters=FUNNEL), tmp_path / "whole")
    plan = plan_of(toy(filters=FUNNEL), tmp_path / "stopped")
    seen: list[str] = []

    def stop(stage: str, report: Report) -> None:
        seen.append(stage)
        if len(seen) == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(plan, local_mapper(2), stop)
    assert not plan.directory.manifest.exists()
    with pytest.raises(RunDirectoryError, match="belongs to another recipe"):
        built(toy(seed=5, filters=FUNNEL), tmp_path / "stopped")
    build(plan, local_mapper(3))
    assert tree(tmp_path / "whole") == tree(tmp_path / "stopped")


def test_a_damaged_shard_of_a_stopped_build_is_made_again(tmp_path: Path) -> None:
    built(toy(), tmp_path / "whole")
    plan = plan_of(toy(), tmp_path / "stopped")
    count = iter(range(100))

    def stop(stage: str, report: Report) -> None:
        if next(count) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(plan, local_mapper(1), stop)
    damaged = next((tmp_path / "stopped" / "data").glob("train-*.parquet"))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    build(plan, local_mapper(1))
    assert tree(tmp_path / "whole") == tree(tmp_path / "stopped")


def test_a_build_holds_its_folder(tmp_path: Path) -> None:
    plan, other = plan_of(toy(), tmp_path), plan_of(toy(), tmp_path)
    caught: list[BaseException] = []

    def meet(stage: str, report: Report) -> None:
        def second() -> None:
            try:
                build(other, local_mapper(1))
            except RunDirectoryError as error:
                caught.append(error)

        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=30)

    build(plan, local_mapper(1), meet)
    assert len(caught) == 5
    assert "another build is at work" in str(caught[0])


@pytest.mark.parametrize(
    ("options", "filters", "stage"),
    [
        ({"raise_every": 1}, {}, "generator 'parity'"),
        ({}, {"breaks": BREAKS}, "filter 'breaks'"),
        ({}, {"bad": {"use": "tests.core.awkward:BadSet", "how": "sketch raises"}}, "filter 'bad'"),
        ({}, {"bad": {"use": "tests.core.awkward:BadSet", "how": "decide raises"}}, "filter 'bad'"),
    ],
)
def test_a_stage_that_always_fails_stops_the_build_without_a_dataset(
    options: dict[str, Any], filters: dict[str, Any], stage: str, tmp_path: Path
) -> None:
    with pytest.raises(StageError, match=f"{stage} failed") as caught:
        built(toy(options, filters=filters), tmp_path)
    assert caught.value.exit_code == 2
    assert f"mend {stage}" in str(caught.value)
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("sketch is short", r"the sketch of filter 'bad' has 9 rows for 10 pairs"),
        ("stops early", r"filter 'bad' did not judge every pair of shard 1"),
        ("verdicts are short", r"filter 'bad' did not judge every pair of shard 0"),
    ],
)
def test_a_set_filter_that_leaves_pairs_out_is_told(how: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=message):
        built(toy(filters={"bad": {"use": "tests.core.awkward:BadSet", "how": how}}), tmp_path)


def test_a_filter_that_is_mended_lets_the_same_build_go_on(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from tests.core.toys import Parity\nclass Mine(Parity):\n    pass\n", encoding="utf-8"
    )
    recipe = parse_recipe({"name": "toy", "rows": 45, "generator": {"use": "mine.py:Mine", "raise_every": 2}})
    plan = make_plan(recipe, tmp_path / "recipe.yaml", tmp_path / "out")
    manifest = build(plan, local_mapper(2))
    assert manifest["reasons"] == {"parity: ZeroDivisionError: division by zero": 23}
    assert (tmp_path / "out" / "plugins" / "mine.py").read_text(encoding="utf-8").startswith("from tests.core.toys")


def test_what_was_left_behind_is_swept_away(tmp_path: Path) -> None:
    plan = plan_of(toy(), tmp_path)

    def litter(stage: str, report: Report) -> None:
        (tmp_path / "data" / ".tmp-train-00099.parquet").write_bytes(b"half")
        (tmp_path / "data" / "train-00098.parquet").write_bytes(b"of a shard that nobody needs")

    build(plan, local_mapper(1), litter)
    names = {path.name for path in tmp_path.rglob("*")}
    assert not {name for name in names if name.startswith(".tmp-") or "0009" in name}
    assert ".work" not in names


def test_the_mapper_gives_every_report_and_stops_at_the_first_error() -> None:
    def step(shard: int) -> Report:
        time.sleep(0.001 * (5 - shard % 5))
        if shard == 30:
            raise RuntimeError("shard 30")
        return {"shard": shard}

    mapper = local_mapper(4)
    assert sorted(report["shard"] for report in mapper("s", step, range(25))) == list(range(25))
    with pytest.raises(RuntimeError, match="shard 30"):
        list(mapper("s", step, range(500)))


def test_the_reports_of_a_long_build_are_not_all_in_hand_at_once() -> None:
    started: list[int] = []

    def step(shard: int) -> Report:
        started.append(shard)
        return {"shard": shard}

    reports = local_mapper(2)("s", step, range(1000))
    next(reports)
    time.sleep(0.05)
    assert len(started) <= 4
    assert len(list(reports)) == 999


def test_the_manifest_tells_nothing_of_when_where_or_by_whom(tmp_path: Path) -> None:
    built(toy(), tmp_path / "here")
    text = (tmp_path / "here" / "manifest.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert str(time.localtime().tm_year) not in text


def test_a_corrected_licence_changes_the_card_and_no_data(tmp_path: Path) -> None:
    built(toy(), tmp_path / "run")
    before = tree(tmp_path / "run")
    built(toy(licence="cc0-1.0"), tmp_path / "run")
    after = tree(tmp_path / "run")
    assert {path for path in before if before[path] != after[path]} == {
        "README.md",
        "croissant.json",
        "recipe.yaml",
        "report.html",
    }
    assert "cc0-1.0" in after["README.md"].decode()


def test_a_plug_in_that_failed_at_once_is_mended_in_the_same_folder(tmp_path: Path) -> None:
    with pytest.raises(StageError):
        built(toy({"raise_every": 1}), tmp_path / "run")
    assert built(toy(), tmp_path / "run")["proposed"] == 45


def test_a_transient_error_is_tried_again_and_a_terminal_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    calls: list[int] = []

    def step(shard: int) -> Report:
        calls.append(shard)
        if len(calls) < 3:
            raise TransientError("busy")
        return {"shard": shard}

    assert list(local_mapper(1)("finished", step, [7])) == [{"shard": 7}]
    assert (calls, waited) == ([7, 7, 7], [1, 5])

    def wrong(shard: int) -> Report:
        calls.append(shard)
        raise StageError("no")

    with pytest.raises(StageError):
        list(local_mapper(1)("finished", wrong, [8]))
    assert calls.count(8) == 1
