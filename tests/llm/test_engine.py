"""What stages may rely on: order, nothing asked twice, nothing lost, and a replay that needs no network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from contrafact.engines import Engines
from contrafact.engines.llm.request import Message, Request, Sampling
from contrafact.errors import CacheError, UserError
from tests.llm.engines import engine_on, question, questions
from tests.llm.server import Behaviour, Body, Call, LoopbackServer


def first_word(body: Body) -> str:
    return str(body["messages"][-1]["content"]).split()[-1]


def test_replies_come_in_the_order_of_requests_and_are_paid_for_once(tmp_path: Path) -> None:
    asked = questions(40)
    with LoopbackServer(latency=0.01, answer=first_word) as server, engine_on(server, tmp_path) as engine:
        replies = engine.ask(asked)
        assert [reply.text for reply in replies] == [str(number) for number in range(40)]
        assert [reply.key for reply in replies] == [each.key("loopback") for each in asked]
        assert not any(reply.cached for reply in replies)
        assert len(server.calls) == 40
        assert server.most_at_once > 1
        again = engine.ask(asked)
        assert again == [replace(reply, cached=True) for reply in replies]
        assert len(server.calls) == 40
        assert engine.spent.requests == 40


def test_equal_requests_are_asked_once_and_samples_apart(tmp_path: Path) -> None:
    one = Request((Message("user", "x"),), sampling=Sampling(temperature=1.0, seed=5))
    other = replace(one, sample=1)
    with LoopbackServer() as server, engine_on(server, tmp_path) as engine:
        replies = engine.ask([one, one, other, one])
        assert len(server.calls) == 2
        assert {call.body["seed"] for call in server.calls} == {5, 6}
        assert [reply.cached for reply in replies] == [False, True, False, True]
        assert replies[0].text == replies[3].text != replies[2].text


def test_shards_that_ask_the_same_at_once_share_one_call(tmp_path: Path) -> None:
    asked = questions(20)
    with LoopbackServer(latency=0.1) as server, engine_on(server, tmp_path) as engine:
        answers: list[list[str | None]] = []
        shards = [
            threading.Thread(target=lambda: answers.append([reply.text for reply in engine.ask(asked)]))
            for _ in range(4)
        ]
        for shard in shards:
            shard.start()
        for shard in shards:
            shard.join()
        assert len(server.calls) == 20
        assert answers == [answers[0]] * 4


def test_an_empty_list_asks_nothing(tmp_path: Path) -> None:
    with LoopbackServer() as server, engine_on(server, tmp_path) as engine:
        assert engine.ask([]) == []


def test_a_replay_answers_from_the_cache_alone(tmp_path: Path) -> None:
    asked = [*questions(5), Request(prompt="once", sampling=Sampling(logprobs=2))]
    with LoopbackServer() as server:
        with engine_on(server, tmp_path) as engine:
            replies = engine.ask(asked)
            cost = engine.usage_of([reply.key for reply in replies])
        calls = len(server.calls)
    # The server is gone, and so could be the key: a replay needs neither.
    with engine_on(server, tmp_path, replay=True, api_key_env="NOT_SET_ANYWHERE") as engine:
        engine.check()
        assert engine.ask(asked) == [replace(reply, cached=True) for reply in replies]
        assert engine.usage_of([reply.key for reply in replies]) == cost
        with pytest.raises(CacheError, match="3 of 8 replies that the replay needs are not in"):
            engine.ask(questions(8))
    assert len(server.calls) == calls


def test_a_build_whose_replies_are_cached_needs_no_server_and_no_key(tmp_path: Path) -> None:
    with LoopbackServer() as server, engine_on(server, tmp_path) as engine:
        engine.ask(questions(3))
    with engine_on(server, tmp_path, api_key_env="NOT_SET_ANYWHERE") as engine:
        assert all(reply.cached for reply in engine.ask(questions(3)))


def test_a_poisoned_row_is_asked_for_again(tmp_path: Path) -> None:
    import sqlite3

    with LoopbackServer() as server, engine_on(server, tmp_path) as engine:
        honest = engine.ask(questions(3))
        file = sqlite3.connect(tmp_path / "replies.sqlite")
        file.execute("UPDATE replies SET reply = replace(reply, 'reply', 'lies') WHERE key = ?", (honest[1].key,))
        file.commit()
        file.close()
        again = engine.ask(questions(3))
        assert [reply.text for reply in again] == [reply.text for reply in honest]
        assert [reply.cached for reply in again] == [True, False, True]
        assert len(server.calls) == 4


@pytest.mark.parametrize(
    "text", ["🎈👩‍👩‍👧", "שלום \u202e עולם", "nul \x00 byte", "long " * 20_000, "\u2028\ufeff\\\"'{}"]
)
def test_any_text_goes_out_and_comes_back_whole(text: str, tmp_path: Path) -> None:
    def echoed(body: Body) -> str:
        return str(body["messages"][0]["content"])

    with LoopbackServer(answer=echoed) as server, engine_on(server, tmp_path) as engine:
        assert [reply.text for reply in engine.ask([question(text)] * 2)] == [text, text]
        assert engine.ask([question(text)])[0].text == text


def test_an_answer_in_json_is_parsed_and_chances_are_given(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    with LoopbackServer(answer=lambda body: '```json\n{"n": 3}\n```') as server, engine_on(server, tmp_path) as engine:
        (reply,) = engine.ask([question("how many?", schema=schema, logprobs=2)])
        assert reply.value == {"n": 3}
        assert [len(chance.alternatives) for chance in reply.chances] == [2] * len(reply.chances)
        assert reply.chances[0].logprob == -0.5
        assert engine.ask([question("how many?", schema=schema, logprobs=2)]) == [replace(reply, cached=True)]


def test_usage_carries_a_price_only_where_prices_were_given(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        with engine_on(server, tmp_path / "a", prices={"prompt": 1e6, "completion": 2e6}) as engine:
            (reply,) = engine.ask([question("two words")])
            assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.cost) == (2, 2, 6.0)
            assert engine.spent.cost == 6.0
        with engine_on(server, tmp_path / "b") as engine:
            (reply,) = engine.ask([question("two words")])
            assert reply.usage.cost is None
            assert engine.spent.cost is None


def test_an_estimate_counts_what_is_missing_and_sends_nothing(tmp_path: Path) -> None:
    asked = [*questions(10), *questions(10)]
    with LoopbackServer() as server:
        with engine_on(server, tmp_path, prices={"prompt": 1e6, "completion": 1e6}) as engine:
            engine.ask(asked[:4])
            calls = len(server.calls)
            estimate = engine.estimate(asked)
            assert (estimate.requests, estimate.cached) == (10, 4)
            assert estimate.completion_tokens == 6 * 64
            assert estimate.cost == estimate.prompt_tokens + estimate.completion_tokens
            engine.ask(asked)
            assert engine.spent.prompt_tokens <= estimate.prompt_tokens + 4 * 2
            assert engine.estimate(asked).cost == 0.0
        with engine_on(server, tmp_path / "other") as engine:
            assert engine.estimate(asked).cost is None
    assert len(server.calls) == calls + 6


def test_a_closed_engine_says_so(tmp_path: Path) -> None:
    with LoopbackServer() as server, engine_on(server, tmp_path) as engine:
        engine.close()
        with pytest.raises(UserError, match="was closed"):
            engine.ask(questions(1))


def test_engines_of_a_recipe_open_and_close_one(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        settings = {"backend": "openai", "model": "loopback", "base_url": server.base_url, "cache": str(tmp_path / "c")}
        engines = Engines({"llm": settings})
        assert engines.llm.ask(questions(1))[0].text is not None
        engines.close()


ASKER = """
import sys
from pathlib import Path
from tests.llm.engines import engine_on, questions
from tests.llm.server import LoopbackServer
server = LoopbackServer(port=int(sys.argv[1]))
with engine_on(server, Path(sys.argv[2]), concurrency=4) as engine:
    print(sum(reply.text is not None for reply in engine.ask(questions(80))))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_repeats_nothing_that_was_answered(end: signal.Signals, tmp_path: Path) -> None:
    answered: list[str] = []

    def behave(number: int, call: Call) -> Behaviour:
        answered.append(str(call.body["messages"][0]["content"]))
        return Behaviour(latency=0.05)

    with LoopbackServer(behave=behave) as server:
        command = [sys.executable, "-c", ASKER, str(server.port), str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while len(answered) < 40 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, end)
        process.communicate(timeout=20)
        time.sleep(0.1)
        before = len(answered)
        assert 40 <= before < 80
        finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert finished.stdout.strip() == "80"
    assert len(set(answered)) == 80
    # Only what was on its way when the process was killed (four calls, and those of the commit under way) is repeated;
    # an interrupted one lets even those come in.
    assert len(answered) - 80 <= (12 if end == signal.SIGKILL else 0)
