"""A loopback server that speaks the OpenAI protocol over real HTTP, for tests and benchmarks. It holds no model.

It answers ``/v1/models``, ``/v1/chat/completions`` and ``/v1/completions``, as slowly and as badly as it is told:

    with LoopbackServer(latency=0.2, behave=faulty(0.1)) as server:
        ...  # server.base_url, server.calls, server.most_at_once

``behave`` is asked once a call and returns a :class:`Behaviour`. ``python -m tests.llm.server --latency 0.2`` runs one
in a process of its own and prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

__all__ = ["Behaviour", "Call", "LoopbackServer", "echo", "faulty"]

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Behaviour:
    """What the server does with one call; the default is a proper answer.

    Attributes
    ----------
    status : int
        HTTP status; any but 200 sends ``error`` instead of an answer.
    text : str, optional
        The answer; the server's ``answer`` function otherwise.
    latency : float, optional
        Seconds before it answers; the server's otherwise.
    cut : bool
        Close the connection in the middle of the reply.
    hang : float
        Seconds of silence before the reply, beyond any latency: for time-outs.
    broken : bool
        A body that is no JSON, under status 200.
    logprobs, usage : bool
        Whether these are sent where they were asked for.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    finish: str = "stop"
    latency: float | None = None
    cut: bool = False
    hang: float = 0.0
    broken: bool = False
    logprobs: bool = True
    usage: bool = True


@dataclass(frozen=True)
class Call:
    """One call as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Body


def echo(body: Body) -> str:
    """An answer that depends on the whole question, seed included, and on nothing else."""
    return f"reply {hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]}"


def faulty(share: float, hang: float = 5.0) -> Callable[[int, Call], Behaviour]:
    """A share of calls that fail in one of five ways, spread evenly: 429, 500, cut, hang, broken JSON."""
    every = max(5, round(5 / share))
    kinds = [
        Behaviour(status=429, headers={"Retry-After": "1"}, latency=0.0),
        Behaviour(status=500),
        Behaviour(cut=True),
        Behaviour(hang=hang),
        Behaviour(broken=True),
    ]

    def behave(number: int, call: Call) -> Behaviour:
        place, rest = divmod(number % every, every // 5)
        return kinds[place] if rest == 0 and place < len(kinds) else Behaviour()

    return behave


class LoopbackServer:
    """A server on a free port of 127.0.0.1, in a thread of its own.

    Parameters
    ----------
    latency : float
        Seconds before every answer.
    behave : callable
        ``(number of the call, Call) -> Behaviour``; calls are numbered from 0, ``/v1/models`` not among them.
    answer : callable
        ``(body) -> text`` of a proper answer.
    models : sequence of str, optional
        What ``/v1/models`` lists; None answers it with 404.
    key : str, optional
        The key that calls must carry; 401 otherwise.
    """

    def __init__(
        self,
        *,
        latency: float = 0.0,
        behave: Callable[[int, Call], Behaviour] = lambda number, call: Behaviour(),
        answer: Callable[[Body], str] = echo,
        models: tuple[str, ...] | None = ("loopback",),
        key: str | None = None,
        port: int = 0,
    ) -> None:
        self.latency, self.behave, self.answer, self.models, self.key = latency, behave, answer, models, key
        self.port = port
        self.calls: list[Call] = []
        self.most_at_once = 0
        self._at_once = 0
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        mine = asyncio.current_task()
        open_ones = [task for task in asyncio.all_tasks() if task is not mine]
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (call := await _read_call(reader)) is not None:
                if not await self._handle(call, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _handle(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """Answer one call; whether the connection stays open."""
        if self.key is not None and call.headers.get("authorization") != f"Bearer {self.key}":
            return await _send(writer, 401, _error("invalid_api_key", "Incorrect API key provided"))
        if call.path == "/v1/models":
            return await self._list(writer)
        number = len(self.calls)
        self.calls.append(call)
        behaviour = self.behave(number, call)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep((self.latency if behaviour.latency is None else behaviour.latency) + behaviour.hang)
        finally:
            self._at_once -= 1
        return await self._reply(call, behaviour, writer)

    async def _list(self, writer: asyncio.StreamWriter) -> bool:
        if self.models is None:
            return await _send(writer, 404, _error("not_found", "no such route"))
        models = [{"id": name, "object": "model", "owned_by": "tests"} for name in self.models]
        return await _send(writer, 200, {"object": "list", "data": models})

    async def _reply(self, call: Call, behaviour: Behaviour, writer: asyncio.StreamWriter) -> bool:
        if behaviour.status != 200:
            error = behaviour.error or _error("error", f"told to answer {behaviour.status}")
            return await _send(writer, behaviour.status, error, behaviour.headers)
        text = self.answer(call.body) if behaviour.text is None else behaviour.text
        make = _chat if call.path == "/v1/chat/completions" else _completion
        payload = json.dumps(make(call.body, text, behaviour)).encode()
        if behaviour.cut:
            writer.write(_head(200, len(payload), {}) + payload[: len(payload) // 2])
            await writer.drain()
            return False
        return await _send(writer, 200, payload[: len(payload) // 2] if behaviour.broken else payload)


async def _read_call(reader: asyncio.StreamReader) -> Call | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    length = int(headers.get("content-length", 0))
    content = await reader.readexactly(length) if length else b"{}"
    return Call(first.split(" ")[1], headers, json.loads(content))


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    payload: bytes | Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> bool:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    writer.write(_head(status, len(content), headers or {}) + content)
    await writer.drain()
    return True


def _head(status: int, length: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} -", "Content-Type: application/json", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code, "param": None}}


def _tokens(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")]


def _usage(body: Body, text: str) -> dict[str, int]:
    question = body.get("prompt") or " ".join(str(turn["content"]) for turn in body.get("messages", ()))
    before, after = len(_tokens(str(question))), len(_tokens(text))
    return {"prompt_tokens": before, "completion_tokens": after, "total_tokens": before + after}


def _chat(body: Body, text: str, behaviour: Behaviour) -> dict[str, Any]:
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": behaviour.finish,
        "logprobs": None,
    }
    if body.get("logprobs") and behaviour.logprobs:
        top = body.get("top_logprobs", 0)
        choice["logprobs"] = {"content": [_chance(token, top) for token in _tokens(text)]}
    return _whole("chat.completion", body, choice, text, behaviour)


def _chance(token: str, top: int) -> dict[str, Any]:
    others = [{"token": f"{token}{rank}", "logprob": -0.5 - rank, "bytes": None} for rank in range(top)]
    return {"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": others}


def _completion(body: Body, text: str, behaviour: Behaviour) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": behaviour.finish, "logprobs": None}
    asked = body.get("logprobs")
    if asked is not None and behaviour.logprobs:
        tokens = _tokens(text)
        choice["logprobs"] = {
            "tokens": tokens,
            "token_logprobs": [-0.5] * len(tokens),
            "top_logprobs": [{f"{token}{rank}": -0.5 - rank for rank in range(asked)} for token in tokens],
            "text_offset": [0] * len(tokens),
        }
    return _whole("text_completion", body, choice, text, behaviour)


def _whole(kind: str, body: Body, choice: Mapping[str, Any], text: str, behaviour: Behaviour) -> dict[str, Any]:
    whole = {"id": "loopback-1", "object": kind, "created": 0, "model": body.get("model"), "choices": [choice]}
    return {**whole, "usage": _usage(body, text)} if behaviour.usage else whole


def main() -> None:
    """Run a server until standard input closes, and print its address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--hang", type=float, default=5.0)
    given = parser.parse_args()
    behave = faulty(given.faults, given.hang) if given.faults else lambda number, call: Behaviour()
    with LoopbackServer(latency=given.latency, behave=behave) as server:
        print(server.base_url, flush=True)  # noqa: T201  # whoever started it reads the address there
        while input_line():
            pass


def input_line() -> str:
    """One line of standard input; empty at its end."""
    import sys

    return sys.stdin.readline()


if __name__ == "__main__":
    main()
