from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.audit.code_style import CODE_VIEWS, code_style, measured
from contrafact.audit.reading import Audited
from contrafact.record import PairShape, class_label, pair_schema
from contrafact.store.layout import RunDirectory
from contrafact.streams import Streams
from generators.code.edits import Edit
from generators.code.vulnerability.style import SIZES, Gap, gap_of, ordered


def audited(sides: list[tuple[str, str]], field: str = "code") -> Audited:
    """Pairs from safe to vulnerable, every other one the other way round, each a group of its own."""
    rows = []
    for place, (safe, vulnerable) in enumerate(sides):
        members = (safe, vulnerable) if place % 2 else (vulnerable, safe)
        rows.append({
            "pair_id": str(place), "unit_id": str(place), "group_id": str(place),
            "factual": {field: members[0]}, "counterfactual": {field: members[1]},
            "label": 1 - place % 2, "counterfactual_label": place % 2,
        })  # fmt: skip
    shape = PairShape([pa.field(field, pa.string())], class_label("label", ["safe", "vulnerable"]))
    table = pa.Table.from_pylist(rows, schema=pair_schema(shape))
    count = len(rows)
    return Audited(RunDirectory(Path()), {}, table, np.full(count, -1), np.arange(count))


def attempts(sides: list[tuple[str, str]], field: str = "code") -> dict[str, dict[str, Any]]:
    found = code_style(audited(sides, field), Streams(1, "audit"), 0.05, 500)
    return {each["view"].removeprefix("code: "): each for each in found}


def test_what_gives_a_pair_away_is_seen_by_its_own_view() -> None:
    body = "int f{0}(int n) {{ return n + {0}; }}\n"
    texts = [body.format(place) for place in range(60)]
    commented = attempts([(text, f"/* why */\n{text}") for text in texts])
    assert commented["comments"]["accuracy"] == 1
    assert commented["identifiers"]["accuracy"] == 0.5
    named = attempts([(text, text.replace("return n", "return m")) for text in texts])
    assert named["identifiers"]["accuracy"] == 1
    assert named["length"]["accuracy"] == named["comments"]["accuracy"] == 0.5
    assert set(named) == set(CODE_VIEWS)


def test_edits_that_go_either_way_are_near_chance_with_an_interval_around_it() -> None:
    rng = np.random.default_rng(3)
    base = ["x = 1\n" * int(rng.integers(3, 9)) for _ in range(200)]
    sides = [(text, text + "y = 2\n") if rng.random() < 0.5 else (text + "y = 2\n", text) for text in base]
    found = attempts(sides)["length, comments and identifiers"]
    assert 0.4 < found["accuracy"] < 0.6
    assert found["low"] <= found["accuracy"] <= found["high"]
    assert found["p"] > 0.01


def test_few_pairs_are_not_tried_and_pairs_without_code_are_no_business_of_it() -> None:
    assert all("too few" in each["skipped"] for each in attempts([("a", "b")] * 12).values())
    assert attempts([("a", "b")] * 60, field="text") == {}


@pytest.mark.parametrize(
    ("text", "comments"),
    [("/* a\n b */ int x; // c\n", 2), ("# a\nx = 1  \n", 1), ("#include <a.h>\n#define N 3\n", 0)],
)
def test_comments_of_both_languages_are_told_from_directives(text: str, comments: int) -> None:
    assert measured([text], "comments")[0, 0] == comments


SOURCE = b"int f(int n, int cap)\n{\n    if (n < 0 || n >= cap)\n        return -1;\n    return n;\n}\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"||", b"&&", Gap("alike", matched=True, novel=False)),
        (b"n >= cap", b"n == cap", Gap("alike", matched=True, novel=False)),
        (b"n >= cap", b"n > cap", Gap("alike", matched=False, novel=False)),
        (b"n < 0 || ", b"", Gap("shorter", matched=False, novel=False)),
        (b"return -1;", b"abort();  ", Gap("alike", matched=False, novel=True)),
        (b"n >= cap", b"n >= cap && n < 2 * cap", Gap("longer", matched=False, novel=False)),
    ],
)
def test_what_an_edit_changes_in_the_looks_of_a_program(before: bytes, after: bytes, expected: Gap) -> None:
    start = SOURCE.index(before)
    assert gap_of(SOURCE, Edit(start, start + len(before), after, "x")) == expected


def test_edits_that_look_alike_come_first_as_often_as_is_asked() -> None:
    places = [(b"||", b"&&"), (b"n < 0 || ", b""), (b"return -1;", b'puts("n");')]
    edits = [Edit(SOURCE.index(one), SOURCE.index(one) + len(one), other, "x") for one, other in places]
    weights = dict.fromkeys(SIZES, 1.0)

    def firsts(matched: float) -> list[bytes]:
        return [ordered(edits, SOURCE, np.random.default_rng(seed), weights, matched)[0].after for seed in range(60)]

    assert set(firsts(1.0)) == {b"&&"}
    assert len(set(firsts(0.0))) == 3
    assert 30 < firsts(0.7).count(b"&&") < 60
    last = ordered(edits, SOURCE, np.random.default_rng(1), weights, 1.0)[-1]
    assert last.after == b'puts("n");'
