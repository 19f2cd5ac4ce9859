"""The Batch API against a loopback server that speaks it: nothing is sent twice, nothing is lost, nothing leaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contrafact.engines.llm.batch import Batches
from contrafact.engines.llm.client import Engine
from contrafact.engines.llm.ledger import Ledger
from contrafact.engines.llm.opening import open_backend
from contrafact.engines.llm.request import Message, Request, Sampling
from contrafact.errors import BudgetError, EndpointError, TransientError, UserError
from tests.llm.batch_server import BatchServer, Line, refusal, reply

KEY = "sk-secret"
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)
    monkeypatch.setattr(Batches, "first", 0.01)
    monkeypatch.setattr(Batches, "longest", 0.05)


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[Any]:
    """Makes engines on a server, over one cache; all are closed at the end."""
    made: list[Engine] = []

    def make(server: BatchServer, **more: Any) -> Engine:
        settings = {
            "backend": "openai",
            "model": "loopback",
            "base_url": server.base_url,
            "api_key_env": "BATCH_KEY",
            "batch": True,
            "cache": str(tmp_path / "replies.sqlite"),
            **more,
        }
        made.append(open_backend(settings))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def chat(*words: str, **more: Any) -> list[Request]:
    sampling = more.pop("sampling", Sampling(max_tokens=8))
    return [Request(messages=(Message("user", word),), sampling=sampling, **more) for word in words]


def word_of(line: Line) -> str:
    return str(line["body"]["messages"][0]["content"])


def test_replies_find_their_questions_by_custom_id_and_come_from_the_cache_afterwards(engines: Any) -> None:
    with BatchServer(answer=lambda line, number: reply(line, word_of(line).upper())) as server:
        questions = chat("one", "two", "three", "two")
        engine = engines(server, prices={"prompt": 1.0, "completion": 2.0})
        replies = engine.ask(questions)
        assert [each.text for each in replies] == ["ONE", "TWO", "THREE", "TWO"]
        assert server.sent == server.paid == [each.key(engine.model) for each in questions[:3]]
        assert engine.spent.requests == 3
        assert engine.spent.cost == pytest.approx(3 * (7 * 1.0 + 3 * 2.0) / 1e6)
        again = engines(server).ask(questions)
        assert [each.text for each in again] == ["ONE", "TWO", "THREE", "TWO"]
        assert all(each.cached for each in again)
        assert len(server.batches) == 1


def test_chat_and_completions_go_in_batches_of_their_own(engines: Any) -> None:
    with BatchServer() as server:
        mixed = [*chat("one"), Request(prompt="two", sampling=Sampling(max_tokens=4)), *chat("three")]
        replies = engines(server).ask(mixed)
        assert all(each.text and each.text.startswith("reply") for each in replies)
        assert sorted(batch["endpoint"] for batch in server.batches) == ["/v1/chat/completions", "/v1/completions"]


def test_a_question_that_fails_goes_out_again_and_becomes_a_failure_in_the_end(engines: Any) -> None:
    def answer(line: Line, number: int) -> tuple[int, dict[str, Any]] | None:
        if word_of(line) == "flaky":
            return refusal(500) if number == 0 else reply(line)
        return {"dead": refusal(503), "long": refusal(400, "maximum context length is 8"), "gone": None}.get(
            word_of(line), reply(line)
        )

    with BatchServer(answer=answer) as server:
        replies = engines(server, retries=2).ask(chat("fine", "flaky", "dead", "long", "gone"))
        assert [each.failure for each in replies] == [
            None,
            None,
            "failed again and again: HTTP 503",
            "the endpoint refused the text",
            "failed again and again: no answer in the batch",
        ]
        sizes = [len(server.lines(batch)) for batch in server.batches]
        assert sizes == [5, 3, 2]
        stored = engines(server).ask(chat("dead"))
        assert stored[0].cached
        assert len(server.batches) == 3


def test_an_unusable_answer_is_asked_for_again_with_another_seed_and_all_of_it_is_counted(engines: Any) -> None:
    def answer(line: Line, number: int) -> tuple[int, dict[str, Any]]:
        return reply(line, "no JSON at all" if number == 0 else '{"text": "ok"}')

    with BatchServer(answer=answer) as server:
        sampling = Sampling(max_tokens=8, temperature=0.7, seed=5)
        engine = engines(server)
        replies = engine.ask(chat("one", schema=SCHEMA, sampling=sampling))
        assert replies[0].value == {"text": "ok"}
        assert (replies[0].usage.prompt_tokens, replies[0].usage.completion_tokens) == (14, 6)
        seeds = [server.lines(batch)[0]["body"]["seed"] for batch in server.batches]
        assert len(set(seeds)) == 2


def test_a_refused_schema_is_asked_for_in_words(engines: Any) -> None:
    def answer(line: Line, number: int) -> tuple[int, dict[str, Any]]:
        if "response_format" in line["body"]:
            return refusal(400, "response_format is not supported")
        return reply(line, '```json\n{"text": "ok",}\n```')

    with BatchServer(answer=answer) as server:
        replies = engines(server).ask(chat("one", schema=SCHEMA))
        assert replies[0].value == {"text": "ok"}
        assert "JSON schema" in word_of(server.lines(server.batches[1])[0])


_CHILD = """
import json, sys
from contrafact.engines.llm.opening import open_backend
from contrafact.engines.llm.request import Message, Request, Sampling

settings, words = json.loads(sys.argv[1])
questions = [Request(messages=(Message("user", word),), sampling=Sampling(max_tokens=8)) for word in words]
open_backend(settings).ask(questions)
"""


def test_a_killed_process_leaves_a_batch_that_the_next_one_finds_whatever_else_it_asks(
    engines: Any, tmp_path: Path
) -> None:
    with BatchServer(looks=-1) as server:
        settings = {
            "backend": "openai",
            "model": "loopback",
            "base_url": server.base_url,
            "api_key_env": "BATCH_KEY",
            "batch": True,
            "cache": str(tmp_path / "replies.sqlite"),
        }
        told = json.dumps([settings, ["one", "two", "three"]])
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        child = subprocess.Popen([sys.executable, "-c", _CHILD, told], env=environment)
        try:
            assert server.made.wait(60)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        server.looks = 0
        engine = engines(server)
        # Other company: two of the three that are out, and one that is new.
        assert all(each.text for each in engine.ask(chat("three", "four", "one")))
        assert [len(server.lines(batch)) for batch in server.batches] == [3, 1]
        assert engine.ask(chat("two"))[0].text
        assert len(server.sent) == len(set(server.sent)) == 4
        assert sorted(server.sent) == sorted(server.paid)


def test_a_batch_whose_name_was_never_heard_is_found_by_its_mark(engines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(self: Ledger, token: str, batch: str) -> None:
        raise UserError("killed here")

    with BatchServer() as server:
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "name", killed)
            with pytest.raises(UserError, match="killed here"):
                engines(server).ask(chat("one", "two"))
        assert len(server.batches) == 1
        assert all(each.text for each in engines(server).ask(chat("two", "one")))
        assert len(server.batches) == 1


def test_a_batch_that_was_made_although_the_reply_was_lost_is_not_made_twice(engines: Any) -> None:
    with BatchServer() as server:
        server.fail_next = [("POST /v1/batches", 0), ("POST /v1/files", 503), ("GET /v1/batches/", 500)]
        assert engines(server).ask(chat("one"))[0].text
        assert len(server.batches) == 1


def test_what_an_expired_batch_left_goes_out_again_but_not_for_ever(engines: Any) -> None:
    def answer(line: Line, number: int) -> tuple[int, dict[str, Any]] | None:
        return None if word_of(line) == "late" and number < 2 else reply(line)

    with BatchServer(answer=answer, end=lambda number: "expired" if number < 2 else "completed") as server:
        assert all(each.text for each in engines(server).ask(chat("soon", "late")))
        assert [len(server.lines(batch)) for batch in server.batches] == [2, 1, 1]
        assert len(server.paid) == 2
    with BatchServer(answer=lambda line, number: None, end=lambda number: "expired") as server:
        with pytest.raises(TransientError, match="expired 2 times"):
            engines(server, retries=1).ask(chat("never"))
        assert len(server.batches) == 2


def test_a_cancelled_batch_stops_the_build_and_what_it_answered_is_kept(engines: Any) -> None:
    with BatchServer(
        answer=lambda line, number: None if number == 0 and word_of(line) == "late" else reply(line),
        end=lambda number: "cancelled" if number == 0 else "completed",
    ) as server:
        with pytest.raises(EndpointError, match="was cancelled, and 1 of its questions"):
            engines(server).ask(chat("soon", "late"))
        assert all(each.text for each in engines(server).ask(chat("soon", "late")))
        assert [[word_of(line) for line in server.lines(batch)] for batch in server.batches] == [
            ["soon", "late"],
            ["late"],
        ]


def test_a_failed_batch_says_why_and_the_next_run_starts_anew(engines: Any) -> None:
    with BatchServer(end=lambda number: "failed" if number == 0 else "completed") as server:
        with pytest.raises(EndpointError, match="told to fail"):
            engines(server).ask(chat("one"))
        assert engines(server).ask(chat("one"))[0].text
        assert len(server.batches) == 2


def test_an_endpoint_without_batches_is_named_with_the_fix(engines: Any) -> None:
    with BatchServer() as server:
        server.fail_next = [("POST /v1/files", 404)]
        with pytest.raises(EndpointError, match="has no Batch API") as caught:
            engines(server).ask(chat("one"))
        assert caught.value.fix == "set engines.llm.batch: false"


def test_the_budget_cuts_batches_to_size_and_stops_resumable(engines: Any) -> None:
    with BatchServer() as server:
        questions = chat("one", "two", "three")
        with pytest.raises(BudgetError):
            engines(server, budget={"requests": 2}).ask(questions)
        assert len(server.paid) == 2
        assert all(each.text for each in engines(server, budget={"requests": 1}).ask(questions))
        assert len(server.paid) == len(set(server.paid)) == 3


def test_no_key_is_written_anywhere(engines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with BatchServer() as server:
        engines(server).ask(chat("one"))
        monkeypatch.setenv("BATCH_KEY", "sk-wrong-one")
        with pytest.raises(EndpointError) as caught:
            engines(server).ask(chat("two"))
        assert "sk-" not in str(caught.value)
        assert "BATCH_KEY" in str(caught.value)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"sk-" not in path.read_bytes()
