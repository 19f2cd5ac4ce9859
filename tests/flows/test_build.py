"""The Prefect flow builds what ``run_local`` builds, and shows what it did."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import DataError, TransientError
from contrafact.pipeline import run_local
from contrafact.plan import Plan, make_plan
from contrafact.recipe import Recipe, parse_recipe
from contrafact.shards import Report
from tests.core.awkward import Busy
from tests.core.builds import EVERY_OTHER, SMALL, plan_of, toy, tree
from tests.flows.servers import found

pytestmark = pytest.mark.usefixtures("prefect_server")

FUNNEL = {"small": SMALL, "turn": EVERY_OTHER}
RECIPES = {
    "pair filter": toy({"fail_every": 7}, filters={"small": SMALL}),
    "set filter": toy({"raise_every": 7}, filters=FUNNEL),
    "quota": toy({"fail_every": 3}, accept=17),
}


def through_prefect(plan: Plan, watch: Any = None) -> dict[str, Any]:
    from flows.build import build_plan

    return build_plan(plan, watch)


def asked(api: str, name: str) -> dict[str, list[dict[str, Any]]]:
    """What the Prefect API holds of the builds of one dataset: runs, tasks and artifacts."""
    mine = {"name": {"any_": [f"build {name}"]}}
    runs = found(api, "flow_runs", {"flow_runs": mine})
    own = {"flow_run_id": {"any_": [run["id"] for run in runs]}}
    return {
        "runs": runs,
        "tasks": found(api, "task_runs", {"flow_runs": mine}),
        "artifacts": found(api, "artifacts", {"artifacts": own}),
    }


def settled(api: str, name: str, tasks: int) -> dict[str, list[dict[str, Any]]]:
    """The same once all tasks are recorded: Prefect writes their states down a little after the flow has ended."""
    deadline = time.monotonic() + 30
    while True:
        whole = asked(api, name)
        ended = [task for task in whole["tasks"] if task["state_type"] in ("COMPLETED", "FAILED", "CANCELLED")]
        if len(ended) >= tasks or time.monotonic() > deadline:
            return whole
        time.sleep(0.1)


@pytest.mark.parametrize("kind", RECIPES)
@pytest.mark.parametrize("workers", [1, 4])
def test_the_flow_gives_the_bytes_of_run_local(kind: str, workers: int, tmp_path: Path) -> None:
    recipe = RECIPES[kind].model_copy(update={"workers": workers})
    run_local(recipe, None, tmp_path / "local")
    manifest = through_prefect(plan_of(recipe, tmp_path / "flow"))
    assert tree(tmp_path / "flow") == tree(tmp_path / "local")
    assert manifest == json.loads((tmp_path / "flow" / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> dict[str, Any]:
    """One build, its reports, and what the Prefect API holds of it afterwards."""
    out = tmp_path_factory.mktemp("shown")
    reports: list[tuple[str, Report]] = []
    recipe = toy({"fail_every": 7}, name="shown.In_API", filters=FUNNEL)
    manifest = through_prefect(plan_of(recipe, out / "toy"), lambda stage, report: reports.append((stage, report)))
    return {**settled(prefect_server, "shown.In_API", 10), "manifest": manifest, "reports": reports, "out": out / "toy"}


def test_one_task_a_shard_and_stage_named_after_both(shown: dict[str, Any]) -> None:
    [run] = shown["runs"]
    assert run["state_type"] == "COMPLETED"
    names = sorted(task["name"] for task in shown["tasks"])
    assert names == sorted(f"{stage} shard {shard}" for stage in ("proposed", "finished") for shard in range(5))
    assert {task["state_type"] for task in shown["tasks"]} == {"COMPLETED"}


def test_the_funnel_and_some_pairs_are_artifacts(shown: dict[str, Any]) -> None:
    artifacts = {artifact["key"]: artifact for artifact in shown["artifacts"]}
    assert set(artifacts) == {f"contrafact-shown-in-api-{what}" for what in ("progress", "funnel", "cost", "pairs")}
    assert artifacts["contrafact-shown-in-api-progress"]["data"] == 100.0
    cost = {row["what"]: row["value"] for row in json.loads(artifacts["contrafact-shown-in-api-cost"]["data"])}
    assert cost["seconds of this run"] > 0
    funnel = artifacts["contrafact-shown-in-api-funnel"]
    assert funnel["type"] == "table"
    assert json.loads(funnel["data"]) == [
        {"step": "parity", "judged": 45, "rejected": 7, "accepted": 38},
        {"step": "small", "judged": 38, "rejected": 13, "accepted": 25},
        {"step": "turn", "judged": 25, "rejected": 12, "accepted": 13},
        {"step": "all", "judged": 45, "rejected": 32, "accepted": 13},
    ]
    pairs = artifacts["contrafact-shown-in-api-pairs"]
    assert pairs["type"] == "markdown"
    assert pairs["data"].count("| *label* |") == 5
    assert "shift number: 1 → 2" in pairs["data"]
    assert "| number | 1 | **2** |" in pairs["data"]
    assert "| *label* | odd | even |" in pairs["data"]


def test_nothing_but_small_reports_passes_between_tasks(shown: dict[str, Any]) -> None:
    assert len(shown["reports"]) == 10
    assert max(len(json.dumps(report)) for _, report in shown["reports"]) < 4000
    [run] = shown["runs"]
    assert len(json.dumps(run["parameters"])) < 4000
    assert run["parameters"]["identity"] == shown["manifest"]["identity"]
    for task in shown["tasks"]:
        assert set(task["task_inputs"]) == {"stage", "shard", "key"}
        assert len(json.dumps(task)) < 8000


def test_a_complete_dataset_is_not_built_again(shown: dict[str, Any]) -> None:
    recipe = toy({"fail_every": 7}, name="shown.In_API", filters=FUNNEL)
    before = tree(shown["out"])
    assert through_prefect(plan_of(recipe, shown["out"])) == shown["manifest"]
    assert tree(shown["out"]) == before


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retries without their waits."""
    import flows.build

    Busy.asked.clear()
    monkeypatch.setattr(flows.build, "_shard", flows.build._shard.with_options(retry_delay_seconds=0))
    yield
    Busy.asked.clear()


def busy(name: str, **options: Any) -> Recipe:
    return parse_recipe({"name": name, "rows": 30, "generator": {"use": "tests.core.awkward:Busy", **options}})


@pytest.mark.usefixtures("_at_once")
def test_transient_errors_are_retried(prefect_server: str, tmp_path: Path) -> None:
    manifest = through_prefect(plan_of(busy("patient", times=3), tmp_path))
    assert manifest["accepted"] == 30
    assert manifest["reasons"] == {}
    assert Busy.asked == {0: 4, 10: 4, 20: 4}
    assert {task["run_count"] for task in settled(prefect_server, "patient", 3)["tasks"]} == {4}


@pytest.mark.usefixtures("_at_once")
def test_retries_end(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="the server is busy") as caught:
        through_prefect(plan_of(busy("lost", times=99), tmp_path))
    assert caught.value.exit_code == 4
    assert max(Busy.asked.values()) == 4
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.usefixtures("_at_once")
def test_terminal_errors_are_not_retried(prefect_server: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="that will never do"):
        through_prefect(plan_of(busy("never", times=99, terminal=True), tmp_path))
    assert set(Busy.asked.values()) == {1}
    whole = settled(prefect_server, "never", 3)
    [run] = whole["runs"]
    assert run["state_type"] == "FAILED"
    # A shard that waited when the first one failed was called off, and is no second failure.
    failed = [task for task in whole["tasks"] if task["state_type"] == "FAILED"]
    assert 1 <= len(failed) <= 2
    assert all("DataError: that will never do" in task["state"]["message"] for task in failed)


@pytest.mark.usefixtures("_at_once")
def test_what_was_finished_before_an_error_is_kept(tmp_path: Path) -> None:
    recipe = busy("resumed", terminal=True, only=20).model_copy(update={"workers": 1})
    with pytest.raises(DataError):
        through_prefect(plan_of(recipe, tmp_path / "toy"))
    through_prefect(plan_of(recipe, tmp_path / "toy"))
    assert Busy.asked == {0: 1, 10: 1, 20: 2}
    run_local(recipe, None, tmp_path / "whole")
    assert tree(tmp_path / "toy") == tree(tmp_path / "whole")


def test_the_flow_to_schedule_takes_a_recipe_by_name_and_plain_settings(tmp_path: Path) -> None:
    from flows.build import build_dataset

    recipe = tmp_path / "mine.yaml"
    recipe.write_text("rows: 45\ngenerator: {use: 'tests.core.toys:Parity'}\n", encoding="utf-8")
    manifest = build_dataset(str(recipe), rows=20, out=str(tmp_path / "out"), settings=["generator.fail_every=4"])
    assert (manifest["units"], manifest["accepted"]) == (20, 15)
    local = make_plan(
        parse_recipe({"name": "mine", "rows": 20, "generator": {"use": "tests.core.toys:Parity", "fail_every": 4}})
    )
    assert manifest["identity"] == local.identity
