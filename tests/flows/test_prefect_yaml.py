"""``prefect.yaml`` deploys what is there: flows that exist, parameters that they take, schedules that fire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.schemas.objects import ConcurrencyLimitConfig

from contrafact.plan import make_plan
from contrafact.recipe import Recipe
from flows.schedule import build_version
from flows.scheduling.times import read_timing

ROOT = Path(__file__).parent.parent.parent
FILE: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS = {each["name"]: each for each in FILE["deployments"]}


def test_there_is_one_for_each_kind_of_work_pool() -> None:
    pools = {each["work_pool"]["name"] for each in DEPLOYMENTS.values()}
    assert pools == {"contrafact", "contrafact-docker", "contrafact-kubernetes"}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_is_of_a_flow_that_takes_its_parameters(name: str) -> None:
    deployment = DEPLOYMENTS[name]
    file, _, function = deployment["entrypoint"].partition(":")
    assert (ROOT / file).is_file()
    assert function == build_version.fn.__name__
    assert build_version.validate_parameters(deployment["parameters"])["recipe"].rows == 5000


def test_what_they_build_can_be_built(tmp_path: Path) -> None:
    [recipe, *others] = [each["parameters"]["recipe"] for each in DEPLOYMENTS.values()]
    assert others == [recipe] * 2
    assert make_plan(Recipe.model_validate(recipe), ROOT / "recipes" / "here.yaml", tmp_path / "out").units == 5000


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_fires_and_never_twice_at_a_time(name: str) -> None:
    deployment = DEPLOYMENTS[name]
    [schedule] = deployment["schedules"]
    assert read_timing(schedule["cron"], None, schedule["timezone"]).precision() == "day"
    assert deployment["parameters"]["timezone"] == schedule["timezone"]
    assert ConcurrencyLimitConfig.model_validate(deployment["concurrency_limit"]).limit == 1
