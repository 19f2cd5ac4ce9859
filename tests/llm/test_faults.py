"""A server that fails in every way loses nobody's question, and is not asked for ever."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest

from contrafact.engines.llm.request import Request
from contrafact.errors import BudgetError, TransientError, UserError
from tests.llm.engines import engine_on, question, questions
from tests.llm.server import Behaviour, Body, Call, LoopbackServer, faulty

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def text_of(call: Call) -> str:
    return str(call.body["messages"][0]["content"])


def test_every_kind_of_fault_at_once_loses_nothing(tmp_path: Path) -> None:
    asked = questions(200)
    with (
        LoopbackServer(latency=0.005, behave=faulty(0.1, hang=2.0)) as server,
        engine_on(server, tmp_path, timeout=0.4) as engine,
    ):
        replies = engine.ask(asked)
        assert all(reply.failure is None for reply in replies)
        assert len(server.calls) > 200
        assert engine.usage_of([reply.key for reply in replies]).requests == 200
        assert engine.spent.lost > 0


@pytest.mark.parametrize(
    "fault",
    [
        Behaviour(status=429, headers={"Retry-After": "0.01"}),
        Behaviour(status=500),
        Behaviour(status=503),
        Behaviour(status=529),
        Behaviour(cut=True),
        Behaviour(broken=True),
        Behaviour(hang=1.0),
    ],
)
def test_one_fault_is_tried_again(fault: Behaviour, tmp_path: Path) -> None:
    with (
        LoopbackServer(behave=lambda number, call: Behaviour() if number else fault) as server,
        engine_on(server, tmp_path, timeout=0.3) as engine,
    ):
        (reply,) = engine.ask(questions(1))
        assert reply.failure is None
        assert len(server.calls) == 2


def test_retry_after_is_honoured(tmp_path: Path) -> None:
    times: list[float] = []

    def behave(number: int, call: Call) -> Behaviour:
        times.append(time.monotonic())
        return Behaviour() if number else Behaviour(status=429, headers={"Retry-After": "1"})

    with LoopbackServer(behave=behave) as server, engine_on(server, tmp_path) as engine:
        engine.ask(questions(1))
    assert times[1] - times[0] >= 1.0


def test_a_server_that_refuses_beyond_its_limit_is_asked_for_less_at_once(tmp_path: Path) -> None:
    def behave(number: int, call: Call) -> Behaviour:
        busy = server._at_once > 6
        return Behaviour(status=429, latency=0.0) if busy else Behaviour(latency=0.03)

    server = LoopbackServer(behave=behave)
    with server, engine_on(server, tmp_path, concurrency=48) as engine:
        replies = engine.ask(questions(300))
        assert all(reply.text is not None for reply in replies)
        exchange = engine._dispatcher._exchange
        assert exchange is not None
        assert exchange.limiter.limit < 24


def test_an_endpoint_that_goes_away_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    began = time.monotonic()

    def behave(number: int, call: Call) -> Behaviour:
        away = 0.2 < time.monotonic() - began < 1.2
        return Behaviour(cut=True) if away else Behaviour(latency=0.02)

    with LoopbackServer(behave=behave) as server, engine_on(server, tmp_path, concurrency=8) as engine:
        engine.check()
        began = time.monotonic()
        replies = engine.ask(questions(200))
        assert all(reply.failure is None for reply in replies)
        exchange = engine._dispatcher._exchange
        assert exchange is not None
        assert exchange.breaker.opened >= 1
        # It was left alone while away: a few probes, not thousands of calls.
        assert len(server.calls) < 280


def test_an_endpoint_that_stays_away_ends_the_run_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    def behave(number: int, call: Call) -> Behaviour:
        return Behaviour() if number < 10 else Behaviour(status=503)

    with LoopbackServer(behave=behave) as server, engine_on(server, tmp_path, patience=0.5, concurrency=4) as engine:
        with pytest.raises(TransientError, match=r"did not answer for 0\.5 s"):
            engine.ask(questions(60))
        assert engine.estimate(questions(60)).cached == 10
        server.behave = lambda number, call: Behaviour()
        assert all(reply.text is not None for reply in engine.ask(questions(60)))


def test_a_question_that_alone_breaks_the_server_fails_alone(tmp_path: Path) -> None:
    def behave(number: int, call: Call) -> Behaviour:
        return Behaviour(status=500) if text_of(call) in ("question 7", "question 9") else Behaviour(latency=0.02)

    with LoopbackServer(behave=behave) as server, engine_on(server, tmp_path, concurrency=4) as engine:
        shorten_waits(engine)
        replies = engine.ask(questions(12))
        assert [number for number, reply in enumerate(replies) if reply.failure] == [7, 9]
        assert replies[7].failure == "failed again and again: HTTP 500"
        assert len(server.calls) < 60
        calls = len(server.calls)
        assert engine.ask(questions(12))[9].failure == replies[9].failure
        assert len(server.calls) == calls


def shorten_waits(engine: Any) -> None:
    """The waits between tries would otherwise be most of the test's time."""
    engine.check()
    engine._dispatcher._exchange.backoff.first = 0.01


def test_a_text_that_is_too_long_fails_alone(tmp_path: Path) -> None:
    error = {"error": {"message": "maximum context length is 8", "code": "context_length_exceeded"}}

    def behave(number: int, call: Call) -> Behaviour:
        return Behaviour(status=400, error=error) if len(text_of(call)) > 100 else Behaviour()

    with LoopbackServer(behave=behave) as server, engine_on(server, tmp_path) as engine:
        short, long_ = engine.ask([question("short"), question("long " * 50)])
        assert short.failure is None
        assert (long_.text, long_.failure) == (None, "the endpoint refused the text")
        engine.ask([question("long " * 50)])
        assert len(server.calls) == 2


def test_unusable_answers_are_asked_for_again_and_in_words(tmp_path: Path) -> None:
    answers = itertools.chain(["no idea", '{"a": "x"}'], itertools.repeat('{"a": 1}'))
    with LoopbackServer(answer=lambda body: next(answers)) as server, engine_on(server, tmp_path) as engine:
        (reply,) = engine.ask([question("q", schema=SCHEMA, seed=1, temperature=1.0)])
        assert (reply.value, reply.failure) == ({"a": 1}, None)
        first, *later = (call.body for call in server.calls)
        assert len({body["seed"] for body in (first, *later)}) == 3
        assert "JSON schema" not in first["messages"][0]["content"]
        assert all("JSON schema" in body["messages"][0]["content"] for body in later)
        # All three answers were paid for, and the books say so.
        assert engine.spent.requests == 3
        assert engine.usage_of([reply.key]).completion_tokens == engine.spent.completion_tokens


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (Behaviour(text="no idea"), "no JSON"),
        (Behaviour(text='{"a": 1', finish="length"), "cut off"),
        (Behaviour(text=""), "empty answer"),
        (Behaviour(text='{"a": "x"}'), "not by the schema: type fails at a"),
    ],
)
def test_an_answer_that_stays_unusable_is_a_failure_that_is_paid_for_once(
    behaviour: Behaviour, failure: str, tmp_path: Path
) -> None:
    asked = [question("q", schema=SCHEMA, temperature=1.0, seed=1)]
    with (
        LoopbackServer(behave=lambda number, call: behaviour) as server,
        engine_on(server, tmp_path, retries=2) as engine,
    ):
        (reply,) = engine.ask(asked)
        assert (reply.text, reply.failure, reply.raw) == (None, failure, behaviour.text)
        assert len(server.calls) == 3
        assert engine.ask(asked)[0].failure == failure
        assert len(server.calls) == 3


def test_a_greedy_question_is_not_put_twice_in_the_same_words(tmp_path: Path) -> None:
    with LoopbackServer(answer=lambda body: "") as server, engine_on(server, tmp_path) as engine:
        assert engine.ask([Request(prompt="x")])[0].failure == "empty answer"
        assert len(server.calls) == 1


def test_declining_and_missing_chances_are_failures_at_once(tmp_path: Path) -> None:
    behaviours = [Behaviour(finish="content_filter"), Behaviour(logprobs=False)]
    with (
        LoopbackServer(behave=lambda number, call: behaviours[number]) as server,
        engine_on(server, tmp_path) as engine,
    ):
        assert engine.ask([question("a")])[0].failure == "content filter"
        assert engine.ask([question("b", logprobs=3)])[0].failure == "no logprobs"
        assert len(server.calls) == 2


def test_a_server_that_takes_no_schema_is_asked_in_words_from_then_on(tmp_path: Path) -> None:
    def behave(number: int, call: Call) -> Behaviour:
        return Behaviour(status=400) if "response_format" in call.body else Behaviour(text='{"a": 1}')

    with LoopbackServer(behave=behave) as server, engine_on(server, tmp_path, concurrency=1) as engine:
        replies = engine.ask([question(f"q{number}", schema=SCHEMA) for number in range(5)])
        assert [reply.value for reply in replies] == [{"a": 1}] * 5
        # One more may be on its way before the first is known to have been understood without.
        assert sum("response_format" in call.body for call in server.calls) <= 2


def test_a_server_that_wants_the_newer_limit_gets_it(tmp_path: Path) -> None:
    error = {"error": {"message": "Unsupported parameter: use max_completion_tokens instead", "param": "max_tokens"}}

    def behave(number: int, call: Call) -> Behaviour:
        return Behaviour(status=400, error=error) if "max_tokens" in call.body else Behaviour()

    with LoopbackServer(behave=behave) as server, engine_on(server, tmp_path, concurrency=1) as engine:
        assert all(reply.text is not None for reply in engine.ask(questions(4)))
        assert sum("max_tokens" in call.body for call in server.calls) <= 2


def test_what_is_no_schema_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    with LoopbackServer() as server, engine_on(server, tmp_path) as engine:
        with pytest.raises(UserError, match="no JSON schema"):
            engine.ask([question("a"), question("b", schema={"type": "objekt"})])
        assert server.calls == []


@pytest.mark.parametrize(
    ("cap", "most"),
    [
        ({"requests": 7}, 7),
        ({"prompt_tokens": 60}, 30),
        ({"completion_tokens": 64 + 20}, 11),
        ({"cost": 100}, 20),
    ],
)
def test_at_a_cap_the_run_stops_clean_and_the_next_pays_for_the_rest_alone(
    cap: dict[str, int], most: int, tmp_path: Path
) -> None:
    asked = questions(40)
    prices = {"prompt": 1e6, "completion": 1e6}
    with LoopbackServer(latency=0.005) as server:
        with engine_on(server, tmp_path, budget=cap, prices=prices, concurrency=4) as engine:
            with pytest.raises(BudgetError, match=next(iter(cap))) as raised:
                engine.ask(asked)
            spent = engine.spent
            ((name, limit),) = cap.items()
            assert 0 < getattr(spent, name) <= limit
            assert engine.estimate(asked).cached == spent.requests == len(server.calls) <= most
            assert raised.value.exit_code == 5
        with engine_on(server, tmp_path) as engine:
            assert all(reply.text is not None for reply in engine.ask(asked))
        assert len(server.calls) == 40


def test_a_cap_that_only_calls_in_flight_would_exceed_waits_for_them(tmp_path: Path) -> None:
    # Each answer may take 64 tokens and takes two: under a cap of 100 one call at a time fits, and all are answered.
    with (
        LoopbackServer(latency=0.005) as server,
        engine_on(server, tmp_path, budget={"completion_tokens": 100}) as engine,
    ):
        assert len(engine.ask(questions(15))) == 15
        assert server.most_at_once == 1


def test_a_server_that_does_not_count_tokens_is_still_held_to_the_caps(tmp_path: Path) -> None:
    def answer(body: Body) -> str:
        return "x" * 80

    with (
        LoopbackServer(behave=lambda number, call: Behaviour(usage=False), answer=answer) as server,
        engine_on(server, tmp_path, budget={"completion_tokens": 128}, prices={"prompt": 1, "completion": 1}) as engine,
    ):
        with pytest.raises(BudgetError):
            engine.ask(questions(10))
        assert 0 < len(server.calls) < 10
        (reply,) = engine.ask(questions(1))
        assert (reply.usage.completion_tokens, reply.usage.cost) == (0, None)
