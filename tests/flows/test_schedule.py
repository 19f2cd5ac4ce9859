"""``contrafact schedule`` on a real Prefect server: a real schedule fires, is killed, and goes on."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from tests.core.builds import tree
from tests.crash.toys import CALLS, DELAY
from tests.flows.commands import ROOT, contrafact, spawned
from tests.flows.servers import Server, server, until
from tests.hub.server import LoopbackHub
from tests.hub.turned import environment

pytestmark = pytest.mark.timeout(900)

RECIPE: dict[str, Any] = {
    "name": "nightly",
    "rows": 20,
    "shard_rows": 10,
    "generator": {"use": "tests.crash.toys:Recorded", "fail_every": 7},
    "filters": {"small": {"use": "tests.core.toys:Small", "below": 500}},
}

NOTHING: Mapping[str, str] = {}


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("prefect")) as started:
        yield started


class Serving:
    """``contrafact schedule`` in a process group of its own."""

    def __init__(
        self,
        folder: Path,
        prefect: Server,
        *options: object,
        delay: float = 0.0,
        deaf: bool = False,
        more: Mapping[str, str] = NOTHING,
    ) -> None:
        self.folder, self.calls = folder, folder / "calls"
        recipe = folder / "nightly.yaml"
        recipe.write_text(json.dumps(RECIPE), encoding="utf-8")
        settings = {"PREFECT_API_URL": prefect.api, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
        settings |= {"PREFECT_LOGGING_LEVEL": "INFO", CALLS: str(self.calls), DELAY: str(delay), **more}
        with (folder / "said").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.cli", "schedule", str(recipe), *map(str, options)],
                cwd=ROOT,
                env={**os.environ, **settings},
                stdout=said,
                stderr=said,
                start_new_session=True,
                # As a script's shell starts a command with `&`.
                preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if deaf else None,  # noqa: PLW1509
            )

    def said(self) -> str:
        return (self.folder / "said").read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """At once, with the run that it has under way: what a crash of the machine does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def serving(
    folder: Path,
    prefect: Server,
    *options: object,
    delay: float = 0.0,
    deaf: bool = False,
    more: Mapping[str, str] = NOTHING,
) -> Iterator[Serving]:
    started = Serving(folder, prefect, *options, delay=delay, deaf=deaf, more=more)
    try:
        yield started
    finally:
        started.kill()


def runs_of(prefect: Server, name: str) -> list[dict[str, Any]]:
    return prefect.find("flow_runs", deployments={"name": {"any_": [name]}}, sort="START_TIME_ASC", limit=100)


def done(prefect: Server, name: str) -> list[dict[str, Any]]:
    return [run for run in runs_of(prefect, name) if run["state_type"] == "COMPLETED"]


def whole(units: int, folder: Path) -> dict[str, bytes]:
    os.environ[CALLS] = str(folder / "undisturbed")
    try:
        run_local(parse_recipe({**RECIPE, "rows": units}), None, folder / "whole")
    finally:
        del os.environ[CALLS]
    return tree(folder / "whole")


@pytest.fixture(scope="module")
def fired(prefect: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A schedule that fired twice, and then was stopped by Ctrl-C."""
    folder = tmp_path_factory.mktemp("fired")
    out, heard = folder / "out" / "nightly", folder / "heard"
    hook = f"sh -c 'cat >> {heard}; echo >> {heard}'"
    options = ("--interval", "15s", "--extend", "--out", out, "--name", "fired", "--on-completion", hook)
    with serving(folder, prefect, *options) as served:
        until(lambda: len(done(prefect, "fired")) >= 2, served.said)
        [deployment] = prefect.find("deployments", deployments={"name": {"any_": ["fired"]}})
        second = spawned("schedule", folder / "nightly.yaml", *options, PREFECT_API_URL=prefect.api)
        os.killpg(served.process.pid, signal.SIGINT)
        assert served.process.wait(timeout=180) == 0
        yield {
            "folder": folder,
            "out": out,
            "deployment": deployment,
            "second": second,
            "heard": heard,
            "served": served,
        }


def test_each_firing_extends_the_dataset(fired: dict[str, Any], tmp_path: Path) -> None:
    manifest = json.loads((fired["out"] / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["units"] >= 40
    assert manifest["units"] % 20 == 0
    assert tree(fired["out"]) == whole(manifest["units"], tmp_path)


def test_runs_never_overlap_and_say_what_they_build(fired: dict[str, Any], prefect: Server) -> None:
    ended = done(prefect, "fired")
    assert all(run["name"].startswith("nightly 20") for run in ended)
    for earlier, later in itertools.pairwise(ended):
        assert earlier["end_time"] <= later["start_time"]
    limit = fired["deployment"]["global_concurrency_limit"]
    assert limit["limit"] == 1
    assert fired["deployment"]["concurrency_options"]["collision_strategy"] == "ENQUEUE"


def test_an_operator_sees_tasks_logs_and_artifacts(fired: dict[str, Any], prefect: Server) -> None:
    outer = done(prefect, "fired")[0]
    inner = list(prefect.find("flow_runs", flow_runs={"name": {"any_": ["build nightly"]}}))
    assert inner
    tasks = prefect.find("task_runs", flow_runs={"id": {"any_": [inner[0]["id"]]}})
    assert {task["name"] for task in tasks} >= {"finished shard 0", "finished shard 1"}
    artifacts = prefect.find("artifacts", artifacts={"flow_run_id": {"any_": [run["id"] for run in inner]}})
    assert {artifact["key"] for artifact in artifacts} == {
        f"contrafact-nightly-{what}" for what in ("progress", "funnel", "cost", "pairs")
    }
    assert {artifact["data"] for artifact in artifacts if artifact["type"] == "progress"} == {100.0}
    logs = [log["message"] for log in prefect.find("logs", logs={"flow_run_id": {"any_": [inner[0]["id"]]}}, limit=200)]
    assert any(message.startswith("finished shard 1: 10 units, 10 pairs proposed,") for message in logs), logs
    told = [log["message"] for log in prefect.find("logs", logs={"flow_run_id": {"any_": [outer["id"]]}}, limit=200)]
    assert any(message.startswith("version 20") and "units into" in message for message in told), told


def test_the_form_has_the_recipes_fields_and_is_checked(fired: dict[str, Any], prefect: Server) -> None:
    deployment = fired["deployment"]
    schema = deployment["parameter_openapi_schema"]
    form = schema["definitions"]["RecipeForm"]
    assert set(form["properties"]) >= {"name", "seed", "rows", "accept", "generator", "filters", "splits", "engines"}
    assert all(field["description"] for field in form["properties"].values())
    assert form["properties"]["seed"]["minimum"] == 0
    assert deployment["enforce_parameter_schema"] is True
    assert deployment["parameters"]["recipe"]["rows"] == 20

    def asked(**changes: Any) -> httpx.Response:
        recipe = {**deployment["parameters"]["recipe"], **changes}
        body = {"parameters": {**deployment["parameters"], "recipe": recipe}, "state": {"type": "SCHEDULED"}}
        return prefect.asked(f"deployments/{deployment['id']}/create_flow_run", body)

    for mistake in ({"rows": "many"}, {"seed": -1}, {"rowz": 3}, {"splits": {"train": 2}}):
        answer = asked(**mistake)
        assert answer.status_code in (409, 422), (mistake, answer.text)
        assert next(iter(mistake)) in answer.text or "recipe" in answer.text


def test_hooks_heard_of_every_completed_run(fired: dict[str, Any], prefect: Server) -> None:
    heard = [json.loads(line) for line in fired["heard"].read_text(encoding="utf-8").splitlines() if line]
    ended = {run["id"]: run["name"] for run in done(prefect, "fired")}
    assert {message["run_id"] for message in heard} >= set(ended)
    assert [message["event"] for message in heard] == ["completed"] * len(heard)
    assert heard[0]["folder"] == str(fired["out"])
    assert (heard[0]["units"], heard[0]["run"]) == (20, ended.get(heard[0]["run_id"], heard[0]["run"]))


def test_a_second_process_for_the_same_folder_is_refused(fired: dict[str, Any]) -> None:
    second = fired["second"]
    assert second.code == 2
    assert f"{fired['out']} is scheduled already: process {fired['served'].process.pid} on" in second.text


def test_ctrl_c_pauses_the_schedule(fired: dict[str, Any], prefect: Server) -> None:
    [deployment] = prefect.find("deployments", deployments={"name": {"any_": ["fired"]}})
    assert deployment["paused"] is True
    assert "Traceback" not in fired["served"].said()
    assert "next  " in fired["served"].said()


def test_killed_in_the_middle_the_same_command_finishes_the_same_run(prefect: Server, tmp_path: Path) -> None:
    options = ("--cron", "0 3 1 1 *", "--name", "killed", "--out", tmp_path / "out" / "nightly")
    with serving(tmp_path, prefect, *options, delay=3.0) as served:
        until(lambda: prefect.find("deployments", deployments={"name": {"any_": ["killed"]}}), "nothing was deployed")
        [deployment] = prefect.find("deployments", deployments={"name": {"any_": ["killed"]}})
        created = prefect.asked(f"deployments/{deployment['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})
        created.raise_for_status()
        until(served.calls.exists, served.said)
        served.kill()
    [left] = [run for run in runs_of(prefect, "killed") if run["state_type"] == "RUNNING"]
    with serving(tmp_path, prefect, *options) as served:
        until(lambda: done(prefect, "killed"), served.said)
    [ended] = done(prefect, "killed")
    assert ended["id"] == left["id"]
    assert ended["name"] == left["name"]
    [folder] = [path for path in (tmp_path / "out").iterdir() if path.is_dir() and not path.is_symlink()]
    assert folder.name == left["name"].replace("nightly ", "nightly-")
    assert tree(folder) == whole(20, tmp_path)


def test_sigterm_pauses_a_schedule_that_ignores_ctrl_c_and_its_run_resumes(prefect: Server, tmp_path: Path) -> None:
    options = ("--interval", "20s", "--extend", "--name", "deaf", "--out", tmp_path / "out" / "nightly")
    with serving(tmp_path, prefect, *options, delay=4.0, deaf=True) as served:
        until(served.calls.exists, served.said)
        served.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            served.process.wait(timeout=3)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=180) == 0, served.said()
        assert "stopped: the schedule is paused" in served.said()
        assert "Traceback" not in served.said()
    [deployment] = prefect.find("deployments", deployments={"name": {"any_": ["deaf"]}})
    assert deployment["paused"] is True
    with serving(tmp_path, prefect, *options) as served:
        until(lambda: done(prefect, "deaf"), served.said)
        first = done(prefect, "deaf")[0]["name"]
        until(lambda: f"{first}: built 17 accepted pairs in" in served.said(), served.said)
    assert f"{first}: resumes what was left unfinished" in served.said()
    assert "; next " in served.said()


def test_each_night_is_pushed_under_a_tag_and_loads_back(prefect: Server, tmp_path: Path) -> None:
    options = ("--interval", "12s", "--extend", "--out", tmp_path / "out" / "nightly", "--name", "pushed")
    with LoopbackHub(tmp_path / "hub") as hub:
        with serving(tmp_path, prefect, *options, "--push", "newcomer/nightly", more=environment(hub)) as served:
            until(lambda: len(done(prefect, "pushed")) >= 2, served.said)
        assert hub.token not in served.said()
        tags = {run["name"].removeprefix("nightly ") for run in done(prefect, "pushed")}
        repository = hub.store.repositories["newcomer/nightly"]
        assert tags <= set(repository.tags)
        assert len({repository.tags[tag] for tag in tags}) == len(tags), "a commit a night"
        code = (
            "import datasets, sys\n"
            "for tag in sys.argv[1:]:\n"
            "    found = datasets.load_dataset('newcomer/nightly', revision=tag)\n"
            "    print(sum(len(rows) for rows in found.values()))\n"
        )
        loaded = subprocess.run(
            [sys.executable, "-c", code, *sorted(tags)[:2]],
            env={**os.environ, **environment(hub), "HF_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    counts = []
    for units in (20, 40):
        whole(units, tmp_path / str(units))
        manifest = json.loads((tmp_path / str(units) / "whole" / "manifest.json").read_text(encoding="utf-8"))
        counts.append(manifest["accepted"])
    assert [int(line) for line in loaded.stdout.split()] == counts


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cron", "0 0 30 2 *"], "never fires"),
        (["--cron", "0 3 * * *", "--timezone", "Europe/Berln"], "did you mean 'Europe/Berlin'?"),
        (["--interval", "1h", "--extend", "--new-seed"], "--new-seed and --extend were both given"),
        (["--interval", "1h", "--overlap", "both"], "allowed: wait or skip"),
        (["--interval", "1h", "--on-failure", "no-such-command-here"], "neither a web address nor a command"),
        (["--interval", "1h", "--push", "no/such/name"], "no/such/name"),
        (["--interval", "1h", "--push", "me/toys"], "no token"),
        (["--interval", "1h", "--set", "filters.smal={}"], "no filter is called 'smal'"),
        (["--interval", "1h"], "no Prefect server answers at http://127.0.0.1:9/api (ConnectError)"),
    ],
)
def test_mistakes_are_one_message_before_anything_is_served(
    options: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv(CALLS, str(tmp_path / "calls"))
    recipe = tmp_path / "nightly.yaml"
    recipe.write_text(json.dumps(RECIPE), encoding="utf-8")
    outcome = contrafact(capsys, "schedule", recipe, "--out", tmp_path / "out" / "nightly", *options)
    assert outcome.code == 2, outcome
    assert said in outcome.text
    assert "Traceback" not in outcome.text
    assert not (tmp_path / "out").exists()
