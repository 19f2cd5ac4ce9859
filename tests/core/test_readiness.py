"""A language model is made sure of before the first shard, where it will be asked what is not stored yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.engines import Engines
from contrafact.errors import EndpointError
from contrafact.pipeline import build, local_mapper
from contrafact.plan import Plan, make_plan
from contrafact.readiness import check_engines, missing_key
from contrafact.recipe import parse_recipe
from contrafact.stages import Context
from tests.core.askers import Asker
from tests.core.builds import plan_of, toy
from tests.llm.server import LoopbackServer


class Borrower(Asker):
    """Says what it borrows."""

    name = "borrower"

    def borrow(self, engines: Engines) -> None:
        engines.need("llm", "the generator borrower")
        engines.need("embedder", "the generator borrower")


class Broken(Asker):
    """Cannot say what it would ask."""

    name = "broken"

    def questions(self, units: pa.Table, context: Context) -> None:
        raise ZeroDivisionError


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(answer=lambda body: "one two three") as server:
        yield server


def plan(url: str, folder: Path, out: str, use: str = "tests.core.askers:Asker", **more: Any) -> Plan:
    engine = {"backend": "openai", "model": "loopback", "base_url": url, "timeout": 2}
    engine |= {"cache": str(folder / "replies.sqlite"), **more.pop("engine", {})}
    spec = {"name": "asked", "rows": 9, "generator": {"use": use}, "engines": {"llm": engine}}
    return make_plan(parse_recipe({**spec, **more}), None, folder / out)


def made(wanted: Plan) -> dict[str, Any]:
    return build(wanted, local_mapper(2))


def gone() -> str:
    """An address where nobody listens any more."""
    with LoopbackServer() as server:
        return server.base_url


def test_an_endpoint_that_is_not_there_stops_a_build_before_it_writes(tmp_path: Path) -> None:
    with pytest.raises(EndpointError, match="there is no language model at") as caught:
        made(plan(gone(), tmp_path, "out"))
    assert "vllm serve loopback" in str(caught.value.fix)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("generator", ["tests.core.test_readiness:Borrower", "tests.core.askers:Asker"])
def test_a_missing_key_is_said_by_a_build_and_by_a_dry_run(
    generator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: LoopbackServer
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    wanted = plan(server.base_url, tmp_path, "out", generator, engine={"api_key_env": "NO_SUCH_KEY"})
    problem = missing_key(wanted)
    assert problem is not None
    assert problem.fix == "export NO_SUCH_KEY=…"
    with pytest.raises(EndpointError, match="NO_SUCH_KEY is not set"):
        made(wanted)
    assert not (tmp_path / "out").exists()
    assert server.calls == []
    monkeypatch.setenv("NO_SUCH_KEY", "there")
    assert missing_key(wanted) is None


def test_a_build_whose_replies_are_all_stored_needs_no_server(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        made(plan(server.base_url, tmp_path, "first"))
    made(plan(server.base_url, tmp_path, "again"))
    with pytest.raises(EndpointError):
        made(plan(server.base_url, tmp_path, "more", shard_rows=20, rows=20))


def test_who_asks_nothing_needs_no_endpoint(tmp_path: Path) -> None:
    check_engines(plan_of(toy(), tmp_path / "toy"))
    assert missing_key(plan_of(toy(), tmp_path / "toy")) is None


def test_a_generator_that_breaks_here_is_left_to_its_shard(server: LoopbackServer, tmp_path: Path) -> None:
    check_engines(plan(server.base_url, tmp_path, "out", "tests.core.test_readiness:Broken"))
    assert server.calls == []


def test_what_a_generator_borrows_is_part_of_the_identity(server: LoopbackServer, tmp_path: Path) -> None:
    use = "tests.core.test_readiness:Borrower"
    plain = plan(server.base_url, tmp_path, "out", use)
    assert "engines" in plain.parts
    assert "engines" not in plan(server.base_url, tmp_path, "out").parts
    other = plan(server.base_url, tmp_path, "out", use, engine={"model": "another"})
    assert other.parts["engines"] != plain.parts["engines"]


def test_the_models_name_stands_in_the_pairs_that_it_made(server: LoopbackServer, tmp_path: Path) -> None:
    made(plan(server.base_url, tmp_path, "out", filters={"odd": {"use": "tests.core.askers:Odd"}}))
    for path in (tmp_path / "out").rglob("*.parquet"):
        rows = pq.read_table(path)["provenance"].to_pylist()
        assert rows
        assert all(row["model"] == ("loopback" if row["request_ids"] else None) for row in rows)
    made_without = build(plan_of(toy(), tmp_path / "toy"), local_mapper(1))
    path = tmp_path / "toy" / made_without["files"][0]["path"]
    assert {row["model"] for row in pq.read_table(path)["provenance"].to_pylist()} == {None}
