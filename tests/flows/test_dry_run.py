"""``build --dry-run`` and ``build --replay``, on a loopback server that speaks the OpenAI protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contrafact.engines.llm.budget import tokens_of
from contrafact.engines.llm.request import Request
from tests.core.builds import tree
from tests.flows.commands import Outcome, contrafact
from tests.llm.server import LoopbackServer

RECIPE = """
rows: {rows}
generator: {generator}
engines:
  llm: {{backend: openai, model: loopback, base_url: "{url}", timeout: 5, cache: "{cache}"}}
"""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(answer=lambda body: "one two") as server:
        yield server


@pytest.fixture
def recipe(server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return written(tmp_path, server.base_url)


def written(folder: Path, url: str, rows: int = 6, generator: str = "tests.core.askers:Asker") -> Path:
    path = folder / "asked.yaml"
    text = RECIPE.format(rows=rows, generator=generator, url=url, cache=folder / "replies.sqlite")
    path.write_text(text, encoding="utf-8")
    return path


def figure(outcome: Outcome, what: str) -> str:
    line = next(line for line in outcome.out.splitlines() if line.startswith(what))
    return line.removeprefix(what).strip()


def test_a_dry_run_prints_requests_tokens_and_unknown_money_and_touches_nothing(
    recipe: Path, server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = contrafact(capsys, "build", recipe, "--dry-run")
    assert outcome.code == 0, outcome
    assert figure(outcome, "requests") == "7"
    assert figure(outcome, "of which cached") == "0"
    prompts = [*(f"unit {number} says" for number in range(6)), "what all share"]
    assert figure(outcome, "prompt tokens") == str(sum(tokens_of(Request(prompt=each)) for each in prompts))
    assert figure(outcome, "completion tokens, at most") == str(7 * 8)
    assert figure(outcome, "money, at most") == "unknown: engines.llm.prices are not given"
    assert "for all of 6 units" in outcome.text
    assert [path.name for path in recipe.parent.iterdir()] == ["asked.yaml"]
    assert server.calls == []


def test_a_dry_run_prices_what_is_not_cached_and_states_its_sample(
    recipe: Path, server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contrafact(capsys, "build", recipe, "--local").code == 0
    priced = ("--set", "engines.llm.prices={prompt: 0, completion: 1000000}")
    more = contrafact(capsys, "build", recipe, "--dry-run", "--rows", 8, "--out", "other", *priced)
    assert figure(more, "requests") == "9"
    assert figure(more, "of which cached") == "7"
    assert figure(more, "money, at most") == "16.0000"
    many = contrafact(capsys, "build", recipe, "--dry-run", "--rows", 100_000, "--out", "other")
    assert "scaled up from a sample of 256 of 100,000 units" in many.text
    assert int(figure(many, "requests").replace(",", "")) >= 100_000
    again = contrafact(capsys, "build", recipe, "--dry-run")
    assert "complete already: nothing would be asked" in again.text
    assert len(server.calls) == 7


def test_a_generator_that_says_nothing_has_nothing_estimated(
    server: LoopbackServer, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(recipe.parent, server.base_url, generator="tests.core.askers:Silent")
    outcome = contrafact(capsys, "build", recipe, "--dry-run")
    assert outcome.code == 0
    assert "does not say that it asks a language model anything" in outcome.text


@pytest.mark.system("wordnet-base")
def test_rules_ask_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "build", "text_lexical_nli", "--rows", 8, "--dry-run")
    assert outcome.code == 0, outcome
    assert figure(outcome, "requests") == "0"
    assert figure(outcome, "money, at most") == "0.0000"


def test_a_wrong_setting_is_said_in_a_dry_run_too(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "build", recipe, "--dry-run", "--set", "engines.llm.pricse=1")
    assert outcome.code == 2
    assert "did you mean 'prices'" in outcome.text


def test_a_replay_builds_the_same_bytes_with_the_server_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with LoopbackServer(answer=lambda body: "one two") as server:
        recipe = written(tmp_path, server.base_url)
        first = contrafact(capsys, "build", recipe, "--local", "--out", "first")
        assert first.code == 0, first
        assert "made from 7 replies of a language model: 21 + 14 tokens, money unknown" in first.text
    replayed = contrafact(capsys, "build", recipe, "--local", "--replay", "--out", "second")
    assert replayed.code == 0, replayed
    assert tree(tmp_path / "first") == tree(tmp_path / "second")
    lacking = contrafact(capsys, "build", recipe, "--local", "--replay", "--out", "third", "--rows", 9)
    assert lacking.code == 2
    assert "replies that the replay needs are not in" in lacking.text
