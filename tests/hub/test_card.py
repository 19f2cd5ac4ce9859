"""The card is made from the run: what it says is counted, what it shows is defused, and the Hub takes its header."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from contrafact.card import Home, render_card
from contrafact.publishing.counting import counted, counts_numbers
from contrafact.publishing.facts import agreements, interventions, label_moves, score_rows
from contrafact.publishing.showing import cell, drawn_graph
from contrafact.recipe import load_recipe, parse_recipe
from contrafact.record import class_label
from contrafact.refiltering import refilter
from contrafact.store.layout import RunDirectory, read_manifest
from tests.core.builds import built, stored
from tests.hub.answers import validate_yaml
from tests.hub.server import LoopbackHub

CHANGES = pa.list_(pa.struct([("variable", pa.string()), ("operation", pa.string())]))


def rendered(folder: Path, home: Home | None = None) -> str:
    directory = RunDirectory(folder)
    return render_card(directory, read_manifest(directory), load_recipe(str(directory.recipe))[0], home)


def section(card: str, title: str) -> str:
    return card.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_hub_takes_the_header(hub: LoopbackHub, drug: Path) -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(drug / "README.md")
    assert card.data.license == "apache-2.0"
    assert card.data.size_categories == ["n<1K"]
    card.validate()
    assert "POST /api/validate-yaml" in hub.calls


def test_the_stand_in_refuses_what_the_hub_would() -> None:
    good = {"license": "mit", "size_categories": ["n<1K"], "configs": [{"config_name": "a", "data_files": []}]}
    bad: list[dict[str, Any]] = [
        {"license": "My Own"},
        {"size_categories": ["few"]},
        {"tags": [1]},
        {"configs": [{"config_name": "a/b"}]},
        {"configs": [{"config_name": "a", "data_files": [{"split": "x"}]}]},
    ]
    assert validate_yaml(f"---\n{yaml.safe_dump(good)}---\n") == []
    for each in bad:
        assert validate_yaml(f"---\n{yaml.safe_dump(good | each)}---\n"), each


def test_it_tells_what_was_counted(drug: Path) -> None:
    card, pairs = (drug / "README.md").read_text(encoding="utf-8"), stored(drug)
    done = sum(each[0]["operation"] == "do" for each in pairs["intervention"].to_pylist())
    shifted = pairs.num_rows - done
    changes = section(card, "What was changed")
    assert f"| do arm | 300 | {done} | {100 * done / 300:.1f} % |" in changes
    assert f"| shift dose | 300 | {shifted} | {100 * shifted / 300:.1f} % |" in changes
    up = pairs.filter(pa.compute.equal(pairs["label"], 0)).num_rows
    assert f"| sick | well | {up} |" in changes
    assert f"| well | sick | {pairs.num_rows - up} |" in changes
    assert f"| `oracle` | {pairs.num_rows} | 100.0 % |" in section(card, "Who vouches for the labels")
    assert "| trial | a registry | CC-BY-4.0 |" in section(card, "Made from")
    cited = section(card, "Sources and methods")
    assert cited.index("Pearl (2009), Causality") < cited.index("Pearl (2009), Causality, 2nd edition")
    assert "The trial (2020)" in cited
    assert "arm → dose" in section(card, "Causal graph")


def test_it_shows_one_pair_that_is_stored(drug: Path) -> None:
    first = stored(drug, "data/").slice(0, 1).to_pylist()[0]
    card = (drug / "README.md").read_text(encoding="utf-8")
    row = section(card, "One row")
    assert f"`{first['pair_id']}`" in row
    assert f"| dose ● | {first['factual']['dose']:.6g} | {first['counterfactual']['dose']:.6g} |" in row


def test_on_the_hub_it_names_the_hub(drug: Path) -> None:
    card = rendered(drug, Home("workshop/drug", "draft", hidden=False))
    assert 'load_dataset("workshop/drug", revision="draft")' in card
    assert 'load_dataset("workshop/drug", "rejected", revision="draft")' in card
    assert "hf download workshop/drug --repo-type dataset --revision draft" in card
    assert '"hidden"' not in card
    assert "path/to" not in card


def test_a_licence_that_the_hub_does_not_know_is_other(tmp_path: Path) -> None:
    recipe = {"name": "toy", "rows": 10, "licence": "The Ward's Terms", "generator": "tests.core.toys:Parity"}
    built(parse_recipe(recipe), tmp_path / "toy")
    header = yaml.safe_load((tmp_path / "toy" / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert (header["license"], header["license_name"]) == ("other", "the-ward-s-terms")


def test_it_is_made_again_without_the_plug_ins(made: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.hub.test_card import rendered;"
        f"assert rendered(Path({str(made)!r})) == Path({str(made / 'README.md')!r}).read_text(encoding='utf-8');"
        "assert not [name for name in sys.modules if name.partition('.')[0] in ('generators', 'filters')]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_dataset_that_is_decided_again_keeps_its_inputs(drug: Path) -> None:
    before = read_manifest(RunDirectory(drug))["about"]
    refilter(drug, without=["label_flip"])
    after = read_manifest(RunDirectory(drug))["about"]
    assert after["inputs"] == before["inputs"]
    assert after["interventions"] == [
        {"intervention": name, "proposed": 300, "accepted": 300} for name in ("do arm", "shift dose")
    ]


@pytest.mark.parametrize(
    "text",
    ["a | b", "<script>alert(1)</script>", "*bold* `code` [x](y) ![z](w)", "two\nlines", "# title", "~~no~~"],
)
def test_what_a_pair_holds_is_shown_as_it_is(text: str) -> None:
    shown = cell(text)
    assert "\n" not in shown
    assert "<script" not in shown
    assert not any(shown[place] in "|*`[]#~" and shown[place - 1 : place] != "\\" for place in range(len(shown)))


def test_long_and_binary_values_are_told_and_not_shown() -> None:
    assert len(cell("x" * 100_000)) < 500
    assert cell(b"\x00" * 1234) == "1,234 bytes"
    assert cell({"bytes": b"12", "path": "a.png"}) == "a.png, 2 bytes"


def test_the_graph_is_drawn_causes_first() -> None:
    edges = [["b", "c"], ["a", "b"], ["a", "c"]]
    assert drawn_graph({"nodes": ["c", "b", "a", "z"], "edges": edges}).splitlines() == [
        "no causes: a, z",
        "a → b, c",
        "b → c",
    ]
    assert drawn_graph({"nodes": ["a"], "edges": []}) == drawn_graph(None) == ""
    wide = drawn_graph({"nodes": [], "edges": [["cause", f"effect_{number}"] for number in range(30)]})
    assert max(map(len, wide.splitlines())) < 130


def test_an_audit_of_this_dataset_is_told_and_of_another_not(drug: Path) -> None:
    identity = read_manifest(RunDirectory(drug))["identity"]
    shortcut = {"view": "length", "tells": "label", "accuracy": 0.61, "low": 0.55, "high": 0.66, "chance": 0.5,
                "p_corrected": 0.01, "found": True}  # fmt: skip
    found = {"dataset": {"identity": identity}, "shortcuts": [shortcut], "models": []}
    (drug / "audit.json").write_text(json.dumps(found))
    told = section(rendered(drug), "Shortcuts")
    assert "1 of 1 found a shortcut" in told
    assert "| length | label | 0.610 | 0.550 to 0.660 | 0.500 | 0.010 | found |" in told
    (drug / "audit.json").write_text(json.dumps({**found, "dataset": {"identity": "other"}}))
    assert "## Shortcuts" not in rendered(drug)


def judged(rows: list[tuple[int, int, str, list[float], list[float]]]) -> pa.Table:
    """Pairs that a teacher called ``judge`` scored."""
    names = ["label", "counterfactual_label", "source", "factual", "counterfactual"]
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    chances = pa.list_(pa.float64())
    scores = pa.StructArray.from_arrays(
        [pa.array(columns["factual"], chances), pa.array(columns["counterfactual"], chances)],
        ["judge_factual", "judge_counterfactual"],
    )
    provenance = pa.StructArray.from_arrays([pa.array(columns["source"])], ["first_source"])
    changes = pa.array([[{"variable": "a", "operation": "do"}]] * len(rows), CHANGES)
    label = class_label("label", ["no", "yes"])
    fields = [
        label, label.with_name("counterfactual_label"), pa.field("scores", scores.type),
        pa.field("provenance", provenance.type), pa.field("intervention", CHANGES),
    ]  # fmt: skip
    given = [pa.array(columns["label"]), pa.array(columns["counterfactual_label"]), scores, provenance, changes]
    return pa.table(given, schema=pa.schema(fields))


def counts(pairs: pa.Table, accepted: list[bool] | None = None) -> dict[str, Any]:
    """What a shard of these pairs counts; through JSON, as reports are kept."""
    there = np.array([True] * pairs.num_rows if accepted is None else accepted)
    found: dict[str, Any] = json.loads(json.dumps(counted(pairs, pairs.schema, there)))
    return found


def changed(rows: list[Any]) -> pa.Table:
    """Pairs with these interventions and the labels 0 and 1."""
    scored = pa.array([{"none": None}] * len(rows), pa.struct([("none", pa.float64())]))
    sources = pa.array([{"first_source": "oracle"}] * len(rows), pa.struct([("first_source", pa.string())]))
    label = class_label("label", ["no", "yes"])
    fields = [label, label.with_name("counterfactual_label"), pa.field("intervention", CHANGES),
              pa.field("scores", scored.type), pa.field("provenance", sources.type)]  # fmt: skip
    labels = [pa.array([number] * len(rows), label.type) for number in (0, 1)]
    return pa.table([*labels, pa.array(rows, CHANGES), scored, sources], schema=pa.schema(fields))


def test_teacher_and_oracle_are_compared_where_both_spoke() -> None:
    yes, no = [0.2, 0.8], [0.7, 0.3]
    rows: list[Any] = [
        (0, 1, "oracle", no, yes),
        (0, 1, "oracle", yes, yes),
        (1, 0, "oracle", yes, yes),
        (0, 1, "oracle", None, None),
        (0, 1, "llm", no, yes),
        (0, 1, "construction", no, yes),
        (None, 1, "oracle", no, yes),
    ]
    whole, halves = counts(judged(rows)), [counts(judged(rows[:3])), counts(judged(rows[3:]))]
    for shards in ([whole], halves):
        assert agreements(shards) == [
            {"teacher": "judge", "witness": "oracle", "pairs": 3, "factual": 2, "counterfactual": 2},
            {"teacher": "judge", "witness": "construction", "pairs": 1, "factual": 1, "counterfactual": 1},
        ]
        moves = label_moves(shards, numbers=False)["classes"]
        assert moves[0] == {"label": "no", "counterfactual_label": "yes", "pairs": 5}


def test_interventions_of_several_variables_are_told_together() -> None:
    one, two = {"variable": "a", "operation": "do"}, {"variable": "b", "operation": "shift"}
    rows: list[Any] = [[one], [one, two], None, [one, two], []]
    assert interventions([counts(changed(rows), [True, True, True, False, False])]) == [
        {"intervention": "do a + shift b", "proposed": 2, "accepted": 1},
        {"intervention": "nothing", "proposed": 2, "accepted": 1},
        {"intervention": "do a", "proposed": 1, "accepted": 1},
    ]
    many = [[{"variable": f"v{number:03}", "operation": "do"}] for number in range(60)]
    told = interventions([counts(changed(many))])
    assert len(told) == 51
    assert told[-1] == {"intervention": "10 others", "proposed": 10, "accepted": 10}


def test_a_label_that_is_a_number_moves_by_an_amount() -> None:
    pairs = changed([[]] * 3)
    for name, values in (("label", [1.0, 2.0, float("nan")]), ("counterfactual_label", [3.0, 1.0, 0.0])):
        pairs = pairs.set_column(pairs.schema.get_field_index(name), name, pa.array(values))
    assert counts_numbers(pairs.schema)
    for shards in ([counts(pairs)], [counts(pairs.slice(0, 1)), counts(pairs.slice(1))]):
        assert label_moves(shards, numbers=True) == {"pairs": 2, "mean_change": 0.5, "mean_absolute_change": 1.5}
    assert label_moves([counts(pairs.slice(2))], numbers=True) == {}


def test_scores_are_summed_over_shards_and_what_is_no_number_says_nothing() -> None:
    pairs = changed([[]] * 4)
    scores = pa.array([{"near": 1.0}, {"near": None}, {"near": float("inf")}, {"near": 4.0}])
    pairs = pairs.set_column(pairs.schema.get_field_index("scores"), "scores", scores)
    told = {"name": "near", "pairs": 2, "mean": 2.5, "least": 1.0, "greatest": 4.0}
    assert score_rows([counts(pairs.slice(0, 2)), counts(pairs.slice(2))]) == [told]
    assert score_rows([counts(pairs.slice(1, 1))]) == []
