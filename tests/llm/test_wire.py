"""Questions and answers in the words of the OpenAI protocol."""

from __future__ import annotations

from typing import Any

import pytest

from contrafact.engines.llm.request import Message, Request, Sampling, TokenChance
from contrafact.engines.llm.wire import Quirks, body_of, path_of, read_answer

CHAT = (Message("system", "Be brief."), Message("user", "Hello"))
CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def test_a_chat_carries_what_was_set_and_nothing_else() -> None:
    body = body_of(Request(CHAT, sampling=Sampling(max_tokens=9)), "m", Quirks())
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "temperature": 0.0,
        "max_tokens": 9,
    }


def test_an_insertion_has_a_prompt_and_a_suffix() -> None:
    request = Request(
        prompt="The dog",
        suffix="sleeps.",
        sampling=Sampling(0.7, top_p=0.9, stop=("\n",), frequency_penalty=0.1, presence_penalty=0.2, logprobs=3),
    )
    body = body_of(request, "m", Quirks(completion_limit=True))
    assert path_of(request) == "/completions"
    assert body == {
        "model": "m",
        "prompt": "The dog",
        "suffix": "sleeps.",
        "temperature": 0.7,
        "top_p": 0.9,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "max_tokens": 64,
        "stop": ["\n"],
        "logprobs": 3,
    }


@pytest.mark.parametrize("request_", [Request(), Request(CHAT, prompt="x")])
def test_a_question_is_a_chat_or_a_prompt(request_: Request) -> None:
    with pytest.raises(ValueError, match="either messages or a prompt"):
        path_of(request_)


def test_samples_and_later_tries_have_seeds_of_their_own() -> None:
    def seeds(seed: int | None) -> list[Any]:
        return [
            body_of(Request(CHAT, sample=sample, sampling=Sampling(seed=seed)), "m", Quirks(), attempt=attempt).get(
                "seed"
            )
            for sample in range(3)
            for attempt in range(3)
        ]

    assert len(set(seeds(7))) == 9
    assert seeds(7)[0] == 7
    assert set(seeds(None)) == {None}


def test_logprobs_of_a_chat_are_a_switch_and_a_number() -> None:
    body = body_of(Request(CHAT, sampling=Sampling(logprobs=5)), "m", Quirks())
    assert (body["logprobs"], body["top_logprobs"]) == (True, 5)
    assert "top_logprobs" not in body_of(Request(CHAT, sampling=Sampling(logprobs=0)), "m", Quirks())


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        ({**CLOSED, "required": []}, False),
        ({"type": "array", "items": {**CLOSED, "additionalProperties": True}}, False),
        ({"enum": ["a", "b"]}, True),
    ],
)
def test_strict_mode_is_asked_for_where_a_schema_allows_it(schema: dict[str, Any], strict: bool) -> None:
    body = body_of(Request(CHAT, schema=schema), "m", Quirks())
    assert body["response_format"]["json_schema"] == {"name": "answer", "schema": schema, "strict": strict}
    assert body["messages"][-1]["content"] == "Hello"


def test_where_schemas_are_refused_or_were_not_kept_to_they_are_asked_for_in_words() -> None:
    refused = body_of(Request(CHAT, schema=CLOSED), "m", Quirks(schemas=False))
    again = body_of(Request(CHAT, schema=CLOSED), "m", Quirks(), attempt=1)
    assert "response_format" not in refused
    assert "response_format" in again
    for body in (refused, again):
        assert '"additionalProperties": false' in body["messages"][-1]["content"]


def test_the_newer_limit_is_used_where_it_is_wanted() -> None:
    body = body_of(Request(CHAT), "m", Quirks(completion_limit=True))
    assert (body["max_completion_tokens"], "max_tokens" in body) == (64, False)


def test_a_chat_answer_is_read() -> None:
    answer = read_answer(
        {
            "choices": [
                {
                    "message": {"content": "Hi", "refusal": None},
                    "finish_reason": "length",
                    "logprobs": {
                        "content": [
                            {
                                "token": "Hi",
                                "logprob": -0.1,
                                "top_logprobs": [{"token": "Hi", "logprob": -0.1}, {"token": "Yo", "logprob": -3}],
                            }
                        ]
                    },
                }
            ],
            "usage": {"prompt_tokens": 4, "completion_tokens": 1},
        }
    )
    assert (answer.text, answer.finish, answer.tokens) == ("Hi", "length", (4, 1))
    assert answer.chances == (TokenChance("Hi", -0.1, {"Hi": -0.1, "Yo": -3.0}),)


def test_the_parallel_lists_of_completions_give_the_same_chances() -> None:
    logprobs = {"tokens": ["a", "b"], "token_logprobs": [None, -0.5], "top_logprobs": [None, {"b": -0.5}]}
    answer = read_answer({"choices": [{"text": "ab", "finish_reason": "stop", "logprobs": logprobs}]})
    assert answer.chances == (TokenChance("b", -0.5, {"b": -0.5}),)
    assert answer.tokens is None


def test_half_an_emoji_becomes_a_mark_that_can_be_stored() -> None:
    answer = read_answer({"choices": [{"text": "cut \ud83c", "finish_reason": "length"}]})
    assert answer.text == "cut \ufffd"
    answer.text.encode()


@pytest.mark.parametrize(
    "payload", ["text", None, {}, {"choices": []}, {"choices": ["x"]}, {"error": {"message": "no"}}]
)
def test_what_is_no_completion_is_no_answer(payload: Any) -> None:
    with pytest.raises(ValueError, match="without choices"):
        read_answer(payload)
