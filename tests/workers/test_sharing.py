"""One language model for all workers: one cache, one limit, one budget, over a real socket and a real server."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from contrafact.engines.llm.request import Request, Sampling
from contrafact.errors import BudgetError, TransientError
from contrafact.pipeline import build, local_mapper, run_local
from contrafact.plan import make_plan
from contrafact.recipe import Recipe, parse_recipe
from contrafact.workers.pool import processes
from contrafact.workers.sharing import Service, SharedLLM
from tests.core.builds import tree
from tests.llm.engines import engine_on
from tests.llm.server import LoopbackServer


def asking(server: LoopbackServer, folder: Path, **settings: Any) -> Recipe:
    """Twelve units in shards of four; each asks one question of its own and one that all share."""
    llm = {
        "backend": "openai",
        "model": "loopback",
        "base_url": server.base_url,
        "cache": str(folder / "replies.sqlite"),
        **settings,
    }
    generator = {"use": "tests.core.askers:Asker"}
    spec = {"name": "asked", "rows": 12, "workers": 2, "generator": generator, "engines": {"llm": llm}}
    return parse_recipe(spec)


def by_processes(recipe: Recipe, out: Path) -> dict[str, Any]:
    plan = make_plan(recipe, None, out)
    with processes(plan) as pool:
        return build(plan, pool.over(local_mapper(plan.workers)))


def test_one_limit_one_cache_and_the_same_bytes_for_all_processes(tmp_path: Path) -> None:
    with LoopbackServer(latency=0.05) as server:
        recipe = asking(server, tmp_path, concurrency=2)
        manifest = by_processes(recipe, tmp_path / "out")
        assert server.most_at_once <= 2, "each worker asks five questions, and no more than two are out at a time"
        assert len(server.calls) == 13, "what all shards share is asked once"
        assert manifest["usage"]["requests"] == 13
        run_local(recipe, None, tmp_path / "alone")
        assert len(server.calls) == 13
    assert tree(tmp_path / "out") == tree(tmp_path / "alone")


def test_one_budget_holds_for_all_processes(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        with pytest.raises(BudgetError, match="of 6 requests spent"):
            by_processes(asking(server, tmp_path, budget={"requests": 6}), tmp_path / "out")
        assert len(server.calls) == 6
        by_processes(asking(server, tmp_path), tmp_path / "out")
        assert len(server.calls) == 13, "nothing is paid for twice"


def test_replies_and_estimates_are_those_of_the_engine(tmp_path: Path) -> None:
    questions = [Request(prompt=f"say {number}", sampling=Sampling(max_tokens=4)) for number in range(5)]
    with LoopbackServer() as server, engine_on(server, tmp_path) as engine:
        service = Service(lambda: engine)
        shared = SharedLLM(service.link, engine.model)
        try:
            assert [reply.text for reply in shared.ask(questions)] == [reply.text for reply in engine.ask(questions)]
            assert shared.estimate(questions) == engine.estimate(questions)
            assert shared.model == engine.model
        finally:
            shared.close()
            service.close()
        with pytest.raises(TransientError, match="cannot reach the build's language model"):
            shared.ask(questions)


def test_strangers_are_turned_away_and_keep_nobody_waiting(tmp_path: Path) -> None:
    with LoopbackServer() as server, engine_on(server, tmp_path) as engine:
        service = Service(lambda: engine)
        link = service.link
        assert repr(link.secret) not in repr(link)
        silent = socket.create_connection((link.host, link.port))
        wrong = SharedLLM(type(link)(link.host, link.port, b"guessed"), engine.model)
        with pytest.raises(TransientError, match="AuthenticationError"):
            wrong.ask([Request(prompt="let me in")])
        right = SharedLLM(link, engine.model)
        answers = []
        asked = threading.Thread(target=lambda: answers.extend(right.ask([Request(prompt="hello")])))
        asked.start()
        asked.join(20)
        assert len(answers) == 1
        right.close()
        silent.close()
        service.close()
