"""The usage in the manifest and on the card: of distinct replies, the same for a replay, and unknown where unknown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contrafact.engines.llm.budget import tokens_of
from contrafact.engines.llm.request import Request
from contrafact.errors import CacheError
from contrafact.pipeline import build, local_mapper
from contrafact.plan import Plan, make_plan
from contrafact.recipe import parse_recipe
from contrafact.refiltering import refilter
from contrafact.spending import forecast, per_accepted, usage_block
from tests.core.builds import plan_of, toy, tree
from tests.llm.server import LoopbackServer

PRICES = {"prompt": 2.0, "completion": 4.0}


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(answer=lambda body: "one two three") as server:
        yield server


def plan(server: LoopbackServer, folder: Path, out: str, *, replay: bool = False, **more: Any) -> Plan:
    engine = {"backend": "openai", "model": "loopback", "base_url": server.base_url, "timeout": 5}
    engine |= {"cache": str(folder / "replies.sqlite"), **more.pop("engine", {})}
    spec = {"name": "asked", "rows": 9, "generator": {"use": "tests.core.askers:Asker"}, "engines": {"llm": engine}}
    return make_plan(parse_recipe({**spec, **more}), None, folder / out, replay=replay)


def made(wanted: Plan) -> dict[str, Any]:
    return build(wanted, local_mapper(2))


def test_usage_counts_each_reply_once_over_accepted_and_rejected_pairs(server: LoopbackServer, tmp_path: Path) -> None:
    manifest = made(plan(server, tmp_path, "out", engine={"prices": PRICES}))
    asked = [*(f"unit {number} says" for number in range(9)), "what all share"]
    prompt, completion = sum(len(each.split()) for each in asked), 3 * len(asked)
    cost = (prompt * 2 + completion * 4) / 1e6
    assert manifest["accepted"] == 6
    assert manifest["usage"] == {
        "requests": 10,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cost": pytest.approx(cost),
        "cost_per_accepted": pytest.approx(cost / 6),
    }
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"| prompt tokens | {prompt} |" in card
    assert f"| money an accepted pair | {cost / 6:.6f} |" in card


def test_a_replay_gives_the_same_bytes_without_a_server(tmp_path: Path) -> None:
    with LoopbackServer() as gone:
        made(plan(gone, tmp_path, "first"))
        assert len(gone.calls) == 10
    made(plan(gone, tmp_path, "second", replay=True))
    assert tree(tmp_path / "first") == tree(tmp_path / "second")
    with pytest.raises(CacheError, match="replies that the replay needs"):
        made(plan(gone, tmp_path, "third", replay=True, rows=12))


def test_what_is_not_known_is_null(server: LoopbackServer, tmp_path: Path) -> None:
    manifest = made(plan(server, tmp_path, "out"))
    assert manifest["usage"]["cost"] is None
    assert manifest["usage"]["cost_per_accepted"] is None
    assert "| money | unknown |" in (tmp_path / "out" / "README.md").read_text()
    # Prices that are given later apply to replies that had none.
    later = made(plan(server, tmp_path, "later", engine={"prices": PRICES}))
    tokens = later["usage"]["prompt_tokens"], later["usage"]["completion_tokens"]
    assert later["usage"]["cost"] == pytest.approx((tokens[0] * 2 + tokens[1] * 4) / 1e6)


def test_a_lost_cache_leaves_the_count_and_no_guess(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_cache(*arguments: Any) -> Any:
        (tmp_path / "replies.sqlite").unlink()
        return usage_block(*arguments)

    monkeypatch.setattr("contrafact.finishing.usage_block", without_cache)
    usage = made(plan(server, tmp_path, "out"))["usage"]
    assert usage == {
        "requests": 10,
        "prompt_tokens": None,
        "completion_tokens": None,
        "cost": None,
        "cost_per_accepted": None,
    }


def test_a_build_without_a_model_has_no_usage(tmp_path: Path) -> None:
    manifest = build(plan_of(toy(), tmp_path / "toy"), local_mapper(1))
    assert "usage" not in manifest
    assert "What it cost" not in (tmp_path / "toy" / "README.md").read_text()


def test_refiltering_keeps_what_was_paid_and_shares_it_out_anew(server: LoopbackServer, tmp_path: Path) -> None:
    before = made(plan(server, tmp_path, "out", engine={"prices": PRICES}))["usage"]
    (tmp_path / "replies.sqlite").unlink()
    settings = ["filters.odd={use: 'tests.core.askers:Odd'}"]
    after = refilter(tmp_path / "out", settings)[1]
    assert after["accepted"] == 3
    assert after["usage"] == per_accepted(before, 3)
    assert after["usage"]["cost_per_accepted"] == pytest.approx(before["cost"] / 3)


def test_nothing_accepted_has_no_cost_a_pair() -> None:
    usage = {"requests": 1, "prompt_tokens": 1, "completion_tokens": 1, "cost": 1.0}
    assert per_accepted(usage, 0)["cost_per_accepted"] is None


def test_a_forecast_of_few_units_is_exact_and_leaves_no_trace(server: LoopbackServer, tmp_path: Path) -> None:
    wanted = plan(server, tmp_path, "out", engine={"prices": PRICES})
    found = forecast(wanted)
    asked = [Request(prompt=f"unit {number} says") for number in range(9)] + [Request(prompt="what all share")]
    prompt = sum(map(tokens_of, asked))
    assert found.estimate is not None
    assert (found.units, found.sample) == (9, 9)
    assert found.estimate.requests == 10
    assert found.estimate.prompt_tokens == prompt
    assert found.estimate.completion_tokens == 10 * 8
    assert found.estimate.cost == pytest.approx((prompt * 2 + 80 * 4) / 1e6)
    assert list(tmp_path.iterdir()) == []
    assert server.calls == []


def test_a_forecast_of_many_units_is_scaled_from_stretches_all_over_them(
    server: LoopbackServer, tmp_path: Path
) -> None:
    made(plan(server, tmp_path, "out", rows=500, shard_rows=100))
    found = forecast(plan(server, tmp_path, "more", rows=1000), sample=80)
    assert found.estimate is not None
    assert (found.units, found.sample) == (1000, 80)
    assert found.estimate.requests == pytest.approx(1000, rel=0.05)
    assert found.estimate.cached == pytest.approx(500, rel=0.1)
    assert found.estimate.cost is None


def test_a_generator_that_does_not_say_has_no_forecast(server: LoopbackServer, tmp_path: Path) -> None:
    silent = forecast(plan(server, tmp_path, "out", generator={"use": "tests.core.askers:Silent"}))
    assert silent.estimate is None
    assert forecast(plan_of(toy(), tmp_path / "toy")).estimate is None
