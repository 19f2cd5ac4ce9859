"""``contrafact push`` and the flow, as their users see them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.flows.commands import ROOT, contrafact, spawned
from tests.flows.servers import asked
from tests.hub.server import LoopbackHub
from tests.hub.turned import environment

NAME = "newcomer/drug"


def test_a_newcomer_pushes_and_loads_it_back(hub: LoopbackHub, drug: Path, tmp_path: Path) -> None:
    done = spawned("push", drug, NAME, timeout=120, **environment(hub))
    assert done.code == 0, done.text
    assert f"{hub.url}/datasets/{NAME}" in done.out
    assert f'load_dataset("{NAME}")' in done.out
    assert hub.token not in done.out + done.err
    code = f"import datasets; d = datasets.load_dataset('{NAME}'); print(sum(len(rows) for rows in d.values()))"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment(hub), "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert int(loaded.stdout) == json.loads((drug / "manifest.json").read_text(encoding="utf-8"))["accepted"]


def test_it_says_what_it_did(hub: LoopbackHub, drug: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = contrafact(capsys, "push", drug, NAME, "--dry-run")
    assert "Would send" in plan.out
    assert "to a new repository (private)" in plan.out
    assert "data/train-00000.parquet" in plan.out
    assert "Nothing was sent." in plan.out
    first = contrafact(capsys, "push", drug, NAME, "--tag", "v1")
    assert first.code == 0
    assert "Sent " in first.out
    assert "(new, private, commit " in first.out
    assert "tag v1)" in first.out
    assert "hidden truth stays here unless --hidden" in first.out
    again = contrafact(capsys, "push", drug, NAME)
    assert f"Nothing to send: {NAME} holds this very dataset" in again.out
    assert again.err == ""


def test_the_hub_by_hand(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "tests.hub", "--port", "0", "--folder", str(tmp_path / "kept")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = first.split(",")[0].removeprefix("A hub on ")
        answer = httpx.get(f"{url}/api/whoami-v2", headers={"Authorization": f"Bearer {LoopbackHub.token}"})
        process.terminate()
    assert answer.json()["name"] == "newcomer"


def test_the_flow_publishes_and_leaves_a_link(hub: LoopbackHub, drug: Path, prefect_server: str) -> None:
    from flows.publish import publish_dataset

    told = publish_dataset(str(drug), NAME, tag="v1")
    assert told["url"] == f"{hub.url}/datasets/{NAME}"
    assert told["sent"] > 5
    assert hub.store.repositories[NAME].tags["v1"] == told["commit"]
    assert publish_dataset(str(drug), NAME)["sent"] == 0
    mine = {"artifacts": {"key": {"any_": ["contrafact-drug-hub"]}}}
    [link, *_] = asked(f"{prefect_server}/artifacts/filter", mine).json()
    assert told["url"] in link["data"]
    runs = asked(f"{prefect_server}/flow_runs/filter", {}).text
    assert str(drug) in runs
    assert hub.token not in runs
