"""Whether to try again is decided by the class of a failure, and how long to wait by the server or by chance."""

from __future__ import annotations

import pytest

from contrafact.engines.llm.failures import Backoff, LostError, RefusedError, sort_status, wait_asked_for


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_a_busy_or_broken_server_is_asked_again(status: int) -> None:
    lost = sort_status(status, {"retry-after": "3"}, "invalid api key", "")
    assert isinstance(lost, LostError)
    assert lost.busy == (status in (429, 503, 529))
    assert lost.wait == 3.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_final_whatever_it_says(status: int) -> None:
    assert isinstance(sort_status(status, {}, "please retry, the server is overloaded", ""), RefusedError)


@pytest.mark.parametrize(
    ("status", "message", "code", "about_the_text"),
    [
        (400, "This model's maximum context length is 8192 tokens", "", True),
        (400, "", "context_length_exceeded", True),
        (400, "the request exceeds the available context size", "exceed_context_size_error", True),
        (400, "blocked by our content management policy", "content_filter", True),
        (413, "", "", True),
        (400, "temperature must be at most 2", "invalid_value", False),
        (401, "content_filter", "", False),
    ],
)
def test_a_refusal_of_one_text_is_told_from_a_refusal_of_all(
    status: int, message: str, code: str, about_the_text: bool
) -> None:
    assert RefusedError(status, message, code).about_the_text is about_the_text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    moment = 1445412480.0  # Wed, 21 Oct 2015 07:28:00 GMT
    assert wait_asked_for(headers, moment) == seconds


def test_waits_grow_with_full_jitter_and_repeat_with_the_seed() -> None:
    backoff, same = Backoff(first=1.0, longest=8.0, seed=3), Backoff(first=1.0, longest=8.0, seed=3)
    waits = [backoff.delay(tries) for tries in range(1, 12) for _ in range(50)]
    assert waits == [same.delay(tries) for tries in range(1, 12) for _ in range(50)]
    assert all(0 <= wait <= min(8.0, 2.0 ** (place // 50)) for place, wait in enumerate(waits))
    assert max(waits[:50]) < 1.0
    assert max(waits[-50:]) > 4.0


def test_a_wait_that_was_asked_for_is_kept() -> None:
    waits = [Backoff(seed=seed).delay(1, asked=2.0) for seed in range(20)]
    assert all(2.0 <= wait <= 2.2 for wait in waits)
    assert len(set(waits)) > 1
