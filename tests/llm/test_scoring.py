"""Texts that are scored and not written: by an echo, by a grammar, by the embedded model, or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from contrafact.engines import Engines
from contrafact.engines.llm.opening import open_backend
from contrafact.engines.llm.request import Reply, Request, Sampling, TokenChance
from contrafact.engines.llm.scoring import MOST_TOKENS, perplexity, read_tokens, scoring_request
from contrafact.errors import EndpointError, RecipeError
from tests.llm.engines import engine_on, question
from tests.llm.server import Behaviour, Body, Call, LoopbackServer


def echoed(body: Body) -> str:
    """What a server that knows the echo says: the prompt, and one token more."""
    return f"{body['prompt']} more" if body.get("echo") else "no echo"


def test_an_echo_is_cut_to_the_tokens_of_the_text(tmp_path: Path) -> None:
    with LoopbackServer(answer=echoed) as server, engine_on(server, tmp_path) as engine:
        (reply,) = engine.ask([scoring_request("one two three")])
        assert (reply.failure, reply.text) == (None, "one two three")
        assert [each.token.strip() for each in reply.chances] == ["one", "two", "three"]
        assert perplexity(reply) == pytest.approx(math.exp(0.5))
        assert engine.ask([scoring_request("one two three")])[0].cached
        assert len(server.calls) == 1
        assert server.calls[0].body["echo"] is True


@pytest.mark.parametrize("behaviour", [Behaviour(), Behaviour(logprobs=False), Behaviour(status=400)])
def test_an_endpoint_that_scores_nothing_is_told_and_nothing_is_stored(behaviour: Behaviour, tmp_path: Path) -> None:
    with (
        LoopbackServer(answer=lambda body: "words", behave=lambda number, call: behaviour) as server,
        engine_on(server, tmp_path) as engine,
    ):
        with pytest.raises(EndpointError, match="gives no log-probabilities of a text that is given"):
            engine.ask([scoring_request("one two three")])
        assert engine.estimate([scoring_request("one two three")]).cached == 0


def test_once_it_scores_a_text_that_it_refuses_fails_alone(tmp_path: Path) -> None:
    def behave(number: int, call: Call) -> Behaviour:
        return Behaviour(status=400) if "odd" in call.body["prompt"] else Behaviour()

    with LoopbackServer(answer=echoed, behave=behave) as server, engine_on(server, tmp_path) as engine:
        engine.ask([scoring_request("first")])
        good, odd = engine.ask([scoring_request("good"), scoring_request("odd")])
        assert good.failure is None
        assert odd.failure == "the endpoint refused the text"
        assert math.isnan(perplexity(odd))


def test_what_was_asked_before_there_was_scoring_keeps_its_key() -> None:
    plain = question("what?")
    assert plain.key("m") == "e246b9c3d91f1d29fee47ddae93333bd"
    assert Request(prompt="x", scored="y").key("m") != Request(prompt="x").key("m")


def test_pieces_of_characters_are_left_out() -> None:
    pieces: list[dict[str, Any]] = [
        {"id": 5, "piece": "Hi"},
        {"id": 6, "piece": [240, 159]},
        {"id": 7, "piece": "\0"},
        {"id": 8, "piece": " you"},
    ]
    tokens = read_tokens({"tokens": pieces})
    assert (tokens.ids, tokens.text) == ((5, 8), "Hi you")
    nonsense: list[Any] = [{}, {"tokens": [1, 2]}, [], None]
    for broken in nonsense:
        with pytest.raises(ValueError, match="without tokens"):
            read_tokens(broken)


def test_perplexity_is_that_of_the_mean_token() -> None:
    chances = (TokenChance("a", -1.0), TokenChance("b", -3.0))
    assert perplexity(Reply("k", "ab", chances=chances)) == pytest.approx(math.exp(2))
    assert math.isnan(perplexity(Reply("k", None, failure="no", chances=chances)))


def test_the_embedded_model_scores_what_it_is_given(tmp_path: Path) -> None:
    engine = open_backend({"cache": str(tmp_path / "replies.sqlite")})
    try:
        prompt, last = "\nThe children are playing in the", " park"
        texts = ["The children are playing in the park.", "The children are wardrobe in the park.", "Hi 🦄 שלום.", ""]
        plain, odd, partly, empty = engine.ask([scoring_request(text) for text in texts])
        assert plain.text == texts[0]
        assert perplexity(odd) > 2 * perplexity(plain)
        assert partly.chances
        assert partly.text != texts[2]
        assert empty.failure == "the text was not scored"
        # What is reported under a grammar is what the model thinks without it.
        written = engine.ask([Request(prompt=prompt, sampling=Sampling(max_tokens=1, logprobs=20))])[0].chances[0]
        free = {**written.alternatives, written.token: written.logprob}
        forced = next(each for each in plain.chances if each.token == last)
        assert forced.logprob == pytest.approx(free[last], abs=0.05)  # read at once or word by word: other kernels
        long = engine.ask([scoring_request("word " * (MOST_TOKENS + 5))])[0]
        assert long.failure == "the text was not scored"
        assert long.usage.completion_tokens == 0
    finally:
        engine.close()
    alone = open_backend({"cache": str(tmp_path / "other.sqlite")})
    try:
        assert alone.ask([scoring_request(texts[1])])[0].chances == odd.chances
    finally:
        alone.close()


def test_what_a_stage_needs_is_made_sure_of_before_any_work(tmp_path: Path) -> None:
    with LoopbackServer(answer=lambda body: "words", behave=lambda number, call: Behaviour(logprobs=False)) as server:
        settings = {"backend": "openai", "model": "loopback", "base_url": server.base_url, "cache": str(tmp_path / "c")}
        for what, error in (("logprobs", RecipeError), ("scores", EndpointError)):
            engines = Engines({"llm": settings})
            engines.need(what, "the filter x")
            with pytest.raises(error, match="log-probabilities"):
                engines.check()
            engines.close()
        # Another server may stand there by now: a refusal is not remembered.
        server.behave = lambda number, call: Behaviour()
        engines = Engines({"llm": settings})
        engines.need("logprobs", "the filter x")
        engines.check()
        engines.close()
        replayed = Engines({"llm": settings}, replay=True)
        replayed.need("scores", "the filter x")
        replayed.check()
        with pytest.raises(ValueError, match="none of"):
            replayed.need("luck", "x")
