from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.errors import RecipeError
from contrafact.record import PairShape
from contrafact.stages import Sketches
from filters.blind_test import BlindTest, blind_scores
from tests.filters.pictures import SHAPE, Pictured

WORDS = ("left", "middle", "right", "nowhere")


class Shards(Sketches):
    def __init__(self, tables: list[pa.Table]) -> None:
        self.tables = tables

    def __len__(self) -> int:
        return len(self.tables)

    def __iter__(self) -> Any:
        return iter(self.tables)

    @property
    def rows(self) -> int:
        return sum(table.num_rows for table in self.tables)


def questions(kind: str, count: int, seed: int, *, known: bool) -> list[dict[str, Any]]:
    """Questions with four options. Where it is ``known``, one of the two right answers is always 'nowhere'."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        options = [WORDS[int(at)] for at in rng.permutation(4)]
        one, other = (int(each) for each in rng.permutation(4)[:2])
        if known:
            one = options.index("nowhere")
            other = int(rng.choice([each for each in range(4) if each != one]))
        member = {"question": f"Where is it in {kind}?", "options": options, "kind": kind}
        rows.append({
            "group_id": f"{kind}{number}",
            "factual": {**member, "answer": options[one]},
            "counterfactual": {**member, "answer": options[other]},
        })  # fmt: skip
    return rows


def sketches(rows: list[dict[str, Any]], made: BlindTest, shards: int = 3) -> Shards:
    made.bind("blind_test", Pictured())
    kind = pa.struct(list(SHAPE.members))
    schema = pa.schema([("group_id", pa.string()), ("factual", kind), ("counterfactual", kind)])
    tables = []
    for shard in range(shards):
        part = pa.Table.from_pylist(rows[shard::shards], schema=schema)
        drawn = made.sketch(part)
        tables.append(drawn.append_column("alive", pa.array(np.ones(part.num_rows, dtype=bool))))
    return Shards(tables)


def test_fair_questions_are_answered_by_chance_and_known_ones_better() -> None:
    made = BlindTest(margin=0.05)
    rows = [*questions("fair", 240, 1, known=False), *questions("leaky", 240, 2, known=True)]
    found = blind_scores(sketches(rows, made))
    assert found["fair"].chance == 0.25
    assert found["fair"].low <= 0.25 <= found["fair"].high
    assert found["leaky"].accuracy == pytest.approx(0.5, abs=0.03), "one of the two right answers is known"
    assert found["leaky"].low > 0.4
    assert found["leaky"].pairs == 240


def test_kinds_that_leak_are_rejected_and_others_are_not() -> None:
    made = BlindTest(margin=0.05)
    rows = [*questions("fair", 240, 1, known=False), *questions("leaky", 240, 2, known=True)]
    given = sketches(rows, made)
    judgements = list(made.decide(given))
    for sketch, judgement in zip(given, judgements, strict=True):
        fair = np.array([kind == "fair" for kind in sketch["kind"].to_pylist()])
        assert np.array_equal(judgement.passed, fair)
        assert set(judgement.scores) == {"blind_test", "blind_test_low", "blind_test_high", "blind_test_chance"}
        assert "answered without looking" in str(judgement.reason)
    few = BlindTest(margin=0.05, least=1000)
    assert all(each.passed.all() for each in few.decide(sketches(rows, few)))


def test_the_verdict_does_not_depend_on_how_the_set_is_cut() -> None:
    made = BlindTest()
    rows = questions("leaky", 90, 3, known=True)
    assert blind_scores(sketches(rows, made, 1)) == blind_scores(sketches(rows, made, 7))


def test_a_pair_that_could_not_be_made_or_is_dead_is_not_counted() -> None:
    made = BlindTest()
    rows = questions("fair", 40, 4, known=False)
    rows[0]["counterfactual"] = None
    given = sketches(rows, made, 1)
    assert blind_scores(given)["fair"].pairs == 39
    table = given.tables[0]
    dead = table.set_column(table.schema.get_field_index("alive"), "alive", pa.array([False] * 20 + [True] * 20))
    assert blind_scores([dead])["fair"].pairs == 20


def test_an_answer_that_is_no_option_and_members_that_are_not_there_are_told() -> None:
    with pytest.raises(RecipeError, match="question"):
        BlindTest().bind("blind_test", Pictured(PairShape([pa.field("text", pa.string())], SHAPE.label)))
    with pytest.raises(RecipeError, match="1 or more"):
        BlindTest(least=0)
    with pytest.raises(RecipeError, match="can never be meant"):
        BlindTest(margin=-1)
