"""Requests a second of the LLM engine against the bare client: ``python -m benchmarks.requests``.

The endpoint is a loopback server in a process of its own, which waits 200 ms before each answer: with 64 calls in
flight nobody can exceed 320 a second. Every side puts the same questions. Ours has its cache (a new one each time),
replies and accounts on; the bare client is ``AsyncOpenAI`` behind a semaphore, with each transport that is installed.

Where ``CONTRAFACT_DESIGNER_PYTHON`` names an interpreter that has ``data-designer``, NeMo Data Designer makes the same
number of rows with one text column and the same calls in flight; its time is that of ``create``, imports left out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.environment import REPOSITORY
from benchmarks.harness import Measurement, Seconds, Target, machine_facts, rate, ratio, report, run_interleaved
from contrafact.engines.llm.opening import open_backend
from contrafact.engines.llm.request import Message, Reply, Request, Sampling

__all__ = ["main"]

LATENCY = 0.2
FAULTS = 0.1
TIMEOUT = 1.0
DESIGNER = "CONTRAFACT_DESIGNER_PYTHON"
BETTER = "ours / better bare client"
BEST = "ours / Data Designer"
CACHED = "ours, second run (cached)"
FAULTY = "wall time with 10 % faults / clean"
LOST = "requests without a reply, under faults"
TARGETS = {
    BETTER: Target(at_least=0.95),
    CACHED: Target(at_least=3000),
    FAULTY: Target(at_most=1.4),
    LOST: Target(at_most=0),
}


def main() -> None:
    """Time our engine and the bare client, clean, cached and under faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    questions = [_question(number) for number in range(given.requests)]
    unanswered: list[int] = []
    with _server() as clean, _server(FAULTS) as faulty, tempfile.TemporaryDirectory() as folder:
        caches = Path(folder)
        sides: dict[str, Callable[[], object]] = {
            "ours": partial(_ours, clean, questions, given.in_flight, caches),
            "ours, 10 % faults": partial(_counted, faulty, questions, given.in_flight, caches, unanswered),
            "ours, cached": partial(_cached, clean, questions, given.in_flight, caches),
        }
        if os.environ.get(DESIGNER):
            sides["Data Designer"] = partial(_designer, clean, given.requests, given.in_flight)
        for transport in _transports():
            sides[f"bare client, {transport}"] = partial(_bare, clean, questions, given.in_flight, transport)
        times = run_interleaved(sides, given.repeats, warmups=1)
    report(
        "requests",
        _rows(times, given.requests, unanswered),
        {**TARGETS, **({BEST: Target(at_least=2.5)} if "Data Designer" in times else {})},
        settings={**vars(given), "latency": LATENCY, "faults": FAULTS, "timeout": TIMEOUT},
        facts=machine_facts(openai=_version("openai"), aiohttp=_version("aiohttp")),
    )


def _rows(times: dict[str, list[float]], requests: int, unanswered: list[int]) -> list[Measurement]:
    bare = [seconds for name, seconds in times.items() if name.startswith("bare")]
    better = [min(round_) for round_ in zip(*bare, strict=True)]
    rows = [rate(name, seconds, requests) for name, seconds in times.items() if name != "ours, cached"]
    if "Data Designer" in times:
        rows.append(ratio(BEST, times["Data Designer"], times["ours"]))
    return [
        *rows,
        ratio(BETTER, better, times["ours"]),
        rate(CACHED, times["ours, cached"], requests),
        ratio(FAULTY, times["ours, 10 % faults"], times["ours"]),
        Measurement(LOST, float(sum(unanswered)), repeats=len(unanswered)),
    ]


def _question(number: int) -> Request:
    return Request((Message("user", f"question number {number}"),), sampling=Sampling(max_tokens=16))


def _ours(base_url: str, questions: list[Request], in_flight: int, caches: Path, *, cached: bool = False) -> Seconds:
    return Seconds(_asked(base_url, questions, in_flight, caches, cached=cached)[0])


def _cached(base_url: str, questions: list[Request], in_flight: int, caches: Path) -> Seconds:
    return _ours(base_url, questions, in_flight, caches, cached=True)


def _counted(base_url: str, questions: list[Request], in_flight: int, caches: Path, unanswered: list[int]) -> Seconds:
    seconds, replies = _asked(base_url, questions, in_flight, caches)
    unanswered.append(len(questions) - sum(reply.text is not None for reply in replies))
    return Seconds(seconds)


def _asked(
    base_url: str, questions: list[Request], in_flight: int, caches: Path, *, cached: bool = False
) -> tuple[float, list[Reply]]:
    """Seconds from opening an engine to its last reply; with ``cached``, of a second engine on the same cache."""
    cache = caches / f"{len(list(caches.iterdir()))}.sqlite"
    seconds, replies = 0.0, list[Reply]()
    for _ in range(2 if cached else 1):
        begin = time.perf_counter()
        engine = open_backend(
            {
                "backend": "openai",
                "model": "loopback",
                "base_url": base_url,
                "cache": str(cache),
                "concurrency": in_flight,
                "timeout": TIMEOUT,
            }
        )
        replies = engine.ask(questions)
        seconds = time.perf_counter() - begin
        assert engine.usage_of([reply.key for reply in replies]).requests == len(questions)
        engine.close()
    return seconds, replies


def _bare(base_url: str, questions: list[Request], in_flight: int, transport: str) -> None:
    answers = asyncio.run(_bare_calls(base_url, questions, in_flight, transport))
    assert all(answers)


async def _bare_calls(base_url: str, questions: list[Request], in_flight: int, transport: str) -> list[str | None]:
    from openai import AsyncOpenAI, DefaultAioHttpClient

    http_client = DefaultAioHttpClient() if transport == "aiohttp" else None
    places = asyncio.Semaphore(in_flight)
    async with AsyncOpenAI(api_key="none", base_url=base_url, max_retries=0, http_client=http_client) as client:

        async def ask(question: Request) -> str | None:
            messages: list[Any] = [{"role": turn.role, "content": turn.content} for turn in question.messages]
            async with places:
                answer = await client.chat.completions.create(
                    model="loopback", messages=messages, temperature=0, max_tokens=16
                )
            return answer.choices[0].message.content

        return await asyncio.gather(*map(ask, questions))


def _designer(base_url: str, requests: int, in_flight: int) -> Seconds:
    command = [os.environ[DESIGNER], "-m", "benchmarks.designer_worker", base_url, str(requests), str(in_flight)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=600)
    answer = json.loads(done.stdout)
    assert answer["rows"] == requests
    return Seconds(answer["seconds"])


def _transports() -> list[str]:
    return ["httpx", *(["aiohttp"] if importlib.util.find_spec("aiohttp") else [])]


@contextlib.contextmanager
def _server(faults: float = 0.0) -> Iterator[str]:
    """Address of a loopback server in a process of its own."""
    command = [sys.executable, "-m", "tests.llm.server", "--latency", str(LATENCY), "--faults", str(faults)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
