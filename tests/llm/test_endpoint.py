"""An endpoint that cannot be used is said before any work, with the command that mends it and without the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from contrafact.engines.llm.request import Request
from contrafact.errors import EndpointError
from tests.llm.engines import engine_on, question, questions
from tests.llm.server import Behaviour, LoopbackServer

PLANTED = "sk-hunter2-hunter2"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MY_KEY", PLANTED)
    return PLANTED


def test_an_endpoint_that_works_passes_the_check(tmp_path: Path, key: str) -> None:
    with LoopbackServer(key=key) as server, engine_on(server, tmp_path, api_key_env="MY_KEY") as engine:
        engine.check()
        assert engine.ask(questions(1))[0].text is not None
        assert server.calls[0].headers["authorization"] == f"Bearer {key}"


def test_a_missing_key_names_the_variable(tmp_path: Path) -> None:
    with (
        LoopbackServer() as server,
        engine_on(server, tmp_path, api_key_env="NOT_SET_ANYWHERE") as engine,
        pytest.raises(EndpointError, match="export NOT_SET_ANYWHERE="),
    ):
        engine.check()


def test_a_wrong_key_names_the_variable_and_never_the_key(tmp_path: Path, key: str) -> None:
    with (
        LoopbackServer(key="another") as server,
        engine_on(server, tmp_path, api_key_env="MY_KEY") as engine,
        pytest.raises(EndpointError, match="refused the key in MY_KEY") as raised,
    ):
        engine.ask(questions(3))
    assert key not in str(raised.value)


def test_a_server_that_wants_a_key_and_gets_none_says_where_to_put_one(tmp_path: Path) -> None:
    with (
        LoopbackServer(key="another") as server,
        engine_on(server, tmp_path) as engine,
        pytest.raises(EndpointError, match=r"engines\.llm\.api_key_env"),
    ):
        engine.check()


def test_nobody_at_the_address_is_said_with_the_command_that_starts_somebody(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        pass
    with engine_on(server, tmp_path) as engine, pytest.raises(EndpointError, match="vllm serve loopback"):
        engine.ask(questions(3))


def test_an_unknown_model_is_said_with_those_there_are(tmp_path: Path) -> None:
    with (
        LoopbackServer(models=("llama-3", "loopback-2")) as server,
        engine_on(server, tmp_path) as engine,
        pytest.raises(EndpointError, match=r"no model 'loopback' .did you mean 'loopback-2'") as raised,
    ):
        engine.check()
    assert "llama-3, loopback-2" in str(raised.value)


def test_a_name_without_its_tag_is_found(tmp_path: Path) -> None:
    with LoopbackServer(models=("loopback:latest",)) as server, engine_on(server, tmp_path) as engine:
        engine.check()


def test_a_server_that_lists_no_models_may_still_answer(tmp_path: Path) -> None:
    with LoopbackServer(models=None) as server, engine_on(server, tmp_path) as engine:
        engine.check()
        assert engine.ask(questions(1))[0].text is not None


def test_a_model_that_is_gone_later_is_said_too(tmp_path: Path) -> None:
    with (
        LoopbackServer(models=None, behave=lambda number, call: Behaviour(status=404)) as server,
        engine_on(server, tmp_path) as engine,
        pytest.raises(EndpointError, match="no model 'loopback'"),
    ):
        engine.ask(questions(3))


def test_a_server_without_the_path_is_not_said_to_lack_the_model(tmp_path: Path) -> None:
    with (
        LoopbackServer(behave=lambda number, call: Behaviour(status=404)) as server,
        engine_on(server, tmp_path) as engine,
        pytest.raises(EndpointError, match="no /completions for the model"),
    ):
        engine.ask([Request(prompt="x")])


def test_a_refused_parameter_ends_the_run_in_the_servers_words_without_the_key(tmp_path: Path, key: str) -> None:
    error = {"error": {"message": f"temperature 9 is too hot for {key}", "type": "invalid", "code": "x", "param": "t"}}

    def behave(number: int, call: object) -> Behaviour:
        return Behaviour(status=400, error=error) if number == 5 else Behaviour(latency=0.05)

    with (
        LoopbackServer(behave=behave) as server,
        engine_on(server, tmp_path, api_key_env="MY_KEY", concurrency=4) as engine,
    ):
        with pytest.raises(EndpointError, match="temperature 9 is too hot") as raised:
            engine.ask(questions(40))
        assert key not in str(raised.value)
        sent = len(server.calls)
        assert sent < 40
        # What was answered before and beside it was paid for, and is kept.
        assert engine.estimate(questions(40)).cached == sent - 1


def test_the_key_is_in_no_file(tmp_path: Path, key: str) -> None:
    with LoopbackServer(key=key) as server, engine_on(server, tmp_path, api_key_env="MY_KEY") as engine:
        engine.ask([question("hello")])
    assert all(key.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
