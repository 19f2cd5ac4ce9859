"""What stages borrow is one for all threads, and says which it is before it is started."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contrafact.engines import Engines
from contrafact.engines.embeddings import embedder_identity
from contrafact.engines.llm.local import local_identity
from contrafact.engines.sandbox import sandbox_identity


class _Slow:
    """An engine that takes a while to open, as a server does."""

    made = 0

    def __init__(self) -> None:
        time.sleep(0.05)
        type(self).made += 1
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("name", ["llm", "embedder"])
def test_threads_that_borrow_at_once_share_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _Slow.made = 0

    def opened(*given: Any, **more: Any) -> Any:
        return _Slow()

    monkeypatch.setattr("contrafact.engines.llm.open_llm", opened)
    monkeypatch.setattr("contrafact.engines.embeddings.open_embedder", opened)
    engines = Engines()
    together = threading.Barrier(8)

    def borrow() -> object:
        together.wait()
        return getattr(engines, name)

    with ThreadPoolExecutor(8) as pool:
        borrowed = list(pool.map(lambda _: borrow(), range(8)))
    assert _Slow.made == 1
    assert {id(each) for each in borrowed} == {id(borrowed[0])}
    engines.close()
    engines.close()
    assert vars(borrowed[0])["closed"] == 1
    assert getattr(engines, name) is not borrowed[0]


def test_identities_are_of_what_is_needed_and_nothing_is_started() -> None:
    engines = Engines()
    assert engines.identities() == {}
    engines.need("scores", "the filter fluency")
    engines.need("embedder", "the generator phrasal")
    assert engines.identities() == {"embedder": embedder_identity({}), "llm": local_identity({})}
    assert not {"llm", "embedder"} & set(vars(engines))


@pytest.mark.system("bubblewrap", "gcc", "libc6-dev")
def test_the_sandbox_is_named_where_code_is_run_with_the_compiler_for_c() -> None:
    engines = Engines()
    engines.need("sandbox", "the generator mutation")
    assert engines.identities() == {"sandbox": sandbox_identity({})}
    engines.need("compiler", "the generator vulnerability")
    assert engines.identities() == {"sandbox": sandbox_identity({}, compiler=True)}
    engines.close()


def test_a_model_of_that_name_is_named() -> None:
    named = Engines({"llm": {"backend": "openai", "model": "some-model"}})
    named.need("llm", "the generator phrasal")
    assert named.identities() == {"llm": "some-model"}
