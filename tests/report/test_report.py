"""The file itself: what it holds, that it is the same every time, and that data stays data."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.errors import RunDirectoryError
from contrafact.report import make_report
from contrafact.report.packing import numbers
from contrafact.report.reading import read_shown, read_some
from contrafact.store.layout import RunDirectory, read_manifest
from tests.core.builds import every_pair
from tests.report.datasets import HOSTILE, INJECTION, RECIPES, built


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reports")
    for name in RECIPES:
        built(name, place)
    return place


def unpacked(page: str, name: str) -> Any:
    found = re.search(rf'<script type="application/octet-stream" id="{name}">([A-Za-z0-9+/=]*)</script>', page)
    assert found is not None, name
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def page_of(folder: Path, name: str) -> str:
    return (folder / name / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RECIPES)
def test_a_build_ends_with_a_report_and_the_command_makes_the_same(name: str, folder: Path, tmp_path: Path) -> None:
    page = page_of(folder, name)
    path, shown = make_report(folder / name, tmp_path / "again.html")
    # Alike but for nothing: every pair is in both, so that nothing is said of samples.
    assert path.read_text(encoding="utf-8") == page
    assert shown.rows == read_manifest(RunDirectory(folder / name))["proposed"]
    assert len(unpacked(page, "index")["ids"]) == shown.rows


@pytest.mark.parametrize("name", RECIPES)
def test_the_page_loads_nothing_and_runs_its_own_script_alone(name: str, folder: Path) -> None:
    page = page_of(folder, name)
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page) == []
    assert "http://" not in re.sub(r"http://www\.w3\.org/2000/svg", "", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = policy[1].replace("&#39;", "'")
    assert "default-src 'none'" in rules
    assert "unsafe" not in rules
    assert "connect-src 'none'" in rules
    assert len(re.findall(r"<script>", page)) == 1


def test_data_is_text_wherever_it_stands(folder: Path) -> None:
    page = page_of(folder, "reviews")
    assert HOSTILE not in page
    assert "<img src=x" not in page
    assert INJECTION not in page
    block = unpacked(page, "block-0")
    texts = block["factual"][0]
    assert any(HOSTILE in text for text in texts if isinstance(text, str))


def test_a_cell_of_ten_megabytes_is_cut_and_says_so(folder: Path) -> None:
    page = page_of(folder, "reviews")
    assert len(page) < 1_000_000
    cut = [text for text in unpacked(page, "block-0")["factual"][0] if isinstance(text, list)]
    assert len(cut) == 1
    assert len(cut[0][0]) == 20_000
    assert cut[0][1] > 10_000_000


def test_the_index_says_what_the_records_say(folder: Path) -> None:
    page = page_of(folder, "clinic")
    index, rows = unpacked(page, "index"), {each["pair_id"]: each for each in every_pair(folder / "clinic").to_pylist()}
    block = unpacked(page, "block-0")
    names = [each["name"] for each in index["fields"]]
    assert [each["kind"] for each in index["fields"]] == ["number", "number", "level", "number", "number"]
    for row, name in enumerate(index["ids"]):
        pair = rows[name]
        first = index["reason"]["codes"][row]
        assert (index["reason"]["names"][first] if first >= 0 else None) == (pair["reasons"] or [None])[0]
        assert index["label"]["codes"][row] == pair["label"]
        for field, values in zip(names, block["factual"], strict=True):
            assert values[row] == pytest.approx(pair["factual"][field], rel=1e-5)
        for field, flags in zip(names, block["moved"], strict=True):
            if flags is not None:
                assert (flags[row] == "1") == (pair["factual"][field] != pair["counterfactual"][field])
        assert [edit[0] for edit in block["edits"][row]] == [each["variable"] for each in pair["intervention"]]


def test_the_overview_counts_what_the_manifest_counts(folder: Path) -> None:
    manifest, page = read_manifest(RunDirectory(folder / "clinic")), page_of(folder, "clinic")
    text = re.sub(r"<[^>]+>", " ", page.split("</main>")[0])
    for number in (manifest["accepted"], manifest["proposed"], manifest["rejected"], manifest["units"]):
        assert f"{number:,}" in text
    for reason in manifest["reasons"]:
        assert reason.partition(": ")[2] in text.replace("&#39;", "'")
    assert page.count("data-node=") == 2 * 5  # the graph, and what the shown pair reaches
    assert "oracle" in text


def test_a_dataset_without_an_accepted_pair_has_a_report_all_the_same(folder: Path) -> None:
    page = page_of(folder, "nothing")
    assert "No pair was accepted" in page
    assert set(unpacked(page, "index")["split"]["names"]) == {"rejected"}


def test_a_sample_is_the_same_every_time_and_holds_enough_of_what_was_rejected(folder: Path) -> None:
    directory = RunDirectory(folder / "clinic")
    manifest = read_manifest(directory)
    one, two = (read_shown(directory, manifest, 100) for _ in range(2))
    assert one.pairs.equals(two.pairs)
    assert 40 < one.rows <= 100
    assert one.how
    assert (~one.accepted).sum() >= 10


def test_the_report_of_a_large_build_holds_the_first_pairs_and_says_how_to_have_more(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = RunDirectory(folder / "clinic")
    some = read_some(directory, read_manifest(directory), 64)
    assert some.rows <= 64
    assert some.whole == 400
    monkeypatch.setattr("contrafact.report.making._NUMBERS", 64)
    page = page_of(built("clinic", tmp_path).parent, "clinic")
    words = " ".join(page.split("</main>")[0].split())
    assert f"This page holds {len(unpacked(page, 'index')['ids'])} of the 400 pairs, the first" in words
    assert "contrafact report DIR" in words


def test_a_missing_file_and_an_unfinished_build_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"no manifest\.json"):
        make_report(tmp_path)
    (tmp_path / "begun" / ".work").mkdir(parents=True)
    with pytest.raises(RunDirectoryError, match="is not finished") as caught:
        make_report(tmp_path / "begun")
    assert "it resumes" in str(caught.value)
    damaged = tmp_path / "damaged"
    shutil.copytree(folder / "clinic", damaged)
    victim = next((damaged / "data").glob("*.parquet"))
    victim.write_bytes(b"PAR1")
    with pytest.raises(RunDirectoryError, match=r"missing or was changed"):
        make_report(damaged)
    victim.unlink()
    with pytest.raises(RunDirectoryError, match=r"missing or was changed"):
        make_report(damaged)
    with pytest.raises(RunDirectoryError, match="is a folder"):
        make_report(folder / "clinic", tmp_path)


def test_a_report_that_cannot_be_made_costs_no_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> None:
        raise KeyError("something of a stranger's")

    monkeypatch.setattr("contrafact.report.making.read_some", failing)
    with pytest.warns(RuntimeWarning, match="the report could not be made"):
        folder = built("functions", tmp_path)
    assert read_manifest(RunDirectory(folder))["accepted"] == 6


def test_numbers_are_short_whole_where_they_are_whole_and_json_always() -> None:
    values = np.array([1.0, 0.1 + 0.2, np.nan, np.inf, -np.inf, 1e300, 1e-320, -0.0, 123456789.0])
    told = numbers(values)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told[:5] == [1, 0.3, None, "inf", "-inf"]
    assert told[5] == pytest.approx(1e300)
    assert numbers(np.array([True, False])) == [True, False]


def test_a_stranger_s_columns_do_not_stop_the_page(folder: Path, tmp_path: Path) -> None:
    """Members of other types than ours: bytes, dates, nested lists."""
    copy = tmp_path / "odd"
    shutil.copytree(folder / "functions", copy)
    file = next((copy / "data").glob("*.parquet"))
    table = pq.read_table(file)
    odd = pa.array([{"raw": b"\x00\xff", "when": 3, "deep": [[1, 2], [3]], "map": {"a": 1}}] * table.num_rows)
    for side in ("factual", "counterfactual"):
        table = table.set_column(table.schema.get_field_index(side), side, odd)
    pq.write_table(table, file)
    path, shown = make_report(copy, tmp_path / "odd.html")
    assert shown.rows == table.num_rows
    assert '"raw"' in json.dumps(unpacked(path.read_text(encoding="utf-8"), "index")["fields"])
