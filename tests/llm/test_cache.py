"""The cache of replies keeps what it was given, notices damage, and is shared by threads and processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from contrafact.engines.llm.cache import ReplyCache, Row, Totals
from contrafact.engines.llm.request import TokenChance, Usage
from contrafact.errors import CacheError, StorageError

CHANCES = (TokenChance("a", -0.25, {"a": -0.25, "ä\x00\u202e": -1.5}),)


def row(key: str, text: str = "fine", cost: float | None = None) -> Row:
    return Row.of(key, Usage(3, 2, cost), text=text, value={"n": 0.1}, finish="length", chances=CHANCES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "replies.sqlite"


def test_a_reply_comes_back_as_it_was_stored(path: Path) -> None:
    cache = ReplyCache(path)
    (stored,) = cache.put([row("k", "emoji 🎈, rtl \u202eabc, nul \x00", 0.1)])
    found = cache.get(["absent", "k"])
    cache.close()
    assert found == {"k": replace(stored, cached=True)}
    assert stored.chances == CHANCES
    assert stored.usage == Usage(3, 2, 0.1)


def test_thousands_of_keys_are_read_at_once(path: Path) -> None:
    cache = ReplyCache(path)
    cache.put([row(f"k{number}") for number in range(2500)])
    assert len(cache.get([f"k{number}" for number in range(3000)])) == 2500
    assert len(cache.contains([f"k{number}" for number in range(2000, 3000)])) == 500
    cache.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE replies SET reply = replace(reply, 'fine', 'fake') WHERE key = 'bad'",
        "UPDATE replies SET reply = '{' WHERE key = 'bad'",
        "UPDATE replies SET reply = x'00ff' WHERE key = 'bad'",
        "UPDATE replies SET completion_tokens = 0 WHERE key = 'bad'",
        "UPDATE replies SET cost = 'much' WHERE key = 'bad'",
        "UPDATE replies SET checksum = x'00' WHERE key = 'bad'",
        "UPDATE replies SET key = 'bad' || 'der' WHERE key = 'bad'",
    ],
)
def test_a_damaged_row_is_dropped_and_can_be_stored_again(path: Path, damage: str) -> None:
    cache = ReplyCache(path)
    cache.put([row("bad"), row("good")])
    with sqlite3.connect(path) as other:
        other.execute(damage)
    other.close()
    assert set(cache.get(["bad", "badder", "good"])) == {"good"}
    assert cache.dropped == 1
    cache.put([row("bad")])
    assert set(cache.get(["bad", "good"])) == {"bad", "good"}
    cache.close()


def test_json_that_is_no_reply_is_damage_even_under_a_right_checksum(path: Path) -> None:
    cache = ReplyCache(path)
    cache.put([row("seed")])
    for key, reply in (("bad", '{"text": 1}'), ("worse", "[]")):
        forged = Row(key, reply, Usage())
        with sqlite3.connect(path) as other:
            other.execute("INSERT INTO replies VALUES (?, ?, 0, 0, NULL, 0, ?)", (key, reply, forged.checksum()))
        other.close()
    assert set(cache.get(["bad", "seed", "worse"])) == {"seed"}
    cache.close()


def test_the_first_answer_to_a_question_counts_for_all(path: Path) -> None:
    one, other = ReplyCache(path), ReplyCache(path)
    one.put([row("k", "first")])
    kept, new = other.put([row("k", "second"), row("l", "new")])
    one.close()
    other.close()
    assert (kept.text, new.text) == ("first", "new")


def test_totals_are_of_different_replies_and_an_unknown_price_stays_unknown(path: Path) -> None:
    cache = ReplyCache(path)
    cache.put([row("a", cost=0.1), row("b", cost=0.2), row("c")])
    assert cache.usage_of(["a", "a", "b", "absent"]) == Totals(2, 6, 4, 0.1 + 0.2)
    assert cache.usage_of(["a", "c"]) == Totals(2, 6, 4, None)
    assert cache.usage_of([]) == Totals(0, 0, 0, 0.0)
    cache.close()


def test_threads_share_one_cache(path: Path) -> None:
    cache = ReplyCache(path)
    writers = [
        threading.Thread(target=lambda base=base: [cache.put([row(f"{base}-{n}")]) for n in range(20)])
        for base in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(cache.get([f"{base}-{n}" for base in range(4) for n in range(20)])) == 80
    cache.close()


def test_processes_share_one_file(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from contrafact.engines.llm.cache import ReplyCache, Row\n"
        "from contrafact.engines.llm.request import Usage\n"
        "cache = ReplyCache(Path(sys.argv[1]))\n"
        "for n in range(50):\n"
        "    cache.put([Row.of(f'{sys.argv[2]}-{n}', Usage(), text='x'), Row.of(f'{n}', Usage(), text='x')])\n"
        "cache.close()"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("one", "two")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    cache = ReplyCache(path)
    assert len(cache.get([f"{name}{n}" for name in ("one-", "two-", "") for n in range(50)])) == 150
    cache.close()


def test_a_locked_file_is_said_to_be_locked(path: Path) -> None:
    cache = ReplyCache(path, busy=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CacheError, match="locked by another program"):
        cache.put([row("k")])
    holder.execute("ROLLBACK")
    holder.close()
    cache.put([row("k")])
    assert set(cache.get(["k"])) == {"k"}
    cache.close()


def test_a_file_that_is_no_cache_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("my diary, which is longer than any header of a database could be\n" * 50)
    with pytest.raises(CacheError, match="no cache of replies"):
        ReplyCache(path)
    assert path.read_text().startswith("my diary")


def test_a_cache_that_cannot_be_made_says_where_to_put_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"engines\.llm\.cache"):
        ReplyCache(tmp_path / "file" / "replies.sqlite")
