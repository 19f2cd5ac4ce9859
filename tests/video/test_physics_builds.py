"""Datasets of simulated video: built, read back, validated, tampered with, stopped and resumed."""

from __future__ import annotations

import hashlib
import json
import os
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.engines.media import read_clip
from contrafact.errors import RecipeError
from contrafact.pipeline import run_local
from contrafact.plan import make_plan
from contrafact.recipe import parse_recipe
from contrafact.store.parquet import write_parquet
from contrafact.validation import validate

pytestmark = pytest.mark.system("libegl1", "libegl-mesa0", "libgl1-mesa-dri")

BASE: dict[str, Any] = {"size": [64, 48], "rate": 8, "multisampling": 0, "settings": 1}


def recipe(**changes: Any) -> Any:
    """A small recipe: options of the generator under ``generator``, anything else beside it."""
    options = BASE | {"use": "physics"} | changes.pop("generator", {})
    return parse_recipe({"name": "clips", "seed": 5, "rows": 6, "workers": 1, "generator": options, **changes})


def rows(folder: Path) -> list[dict[str, Any]]:
    tables = [pq.read_table(each) for each in sorted((folder / "data").glob("*.parquet"))]
    found: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist()
    return found


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in {".parquet", ".mkv", ".mp4"}
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of each event, two factors each."""
    folder = tmp_path_factory.mktemp("physics") / "out"
    run_local(recipe(generator={"per_unit": 2}), out=folder)
    return folder


def test_every_label_is_recomputed_and_agrees(whole: Path) -> None:
    found = validate(whole)
    assert found.problems == []
    assert found.recomputed == len(rows(whole)) > 4
    assert found.witnesses == {"oracle": found.recomputed}


def test_clips_lie_beside_under_their_hashes(whole: Path) -> None:
    for pair in rows(whole):
        for member in (pair["factual"], pair["counterfactual"]):
            for name in ("video", "masks"):
                assert member[name]["bytes"] is None
                content = (whole / member[name]["path"]).read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                assert member[f"{name}_sha256"] == digest
                assert member[name]["path"] == f"media/{digest[:2]}/{digest}.mkv"
    frames = read_clip(whole / member["video"]["path"]).frames
    assert frames.shape[1:] == (48, 64, 3)


def test_load_dataset_reads_it_and_clips_decode(whole: Path) -> None:
    import datasets

    pairs = datasets.load_dataset(str(whole), split="train")
    assert isinstance(pairs.features["factual"]["video"], datasets.Video)
    assert pairs.features["label"].names == ["no", "yes"]
    clip = pairs[0]["factual"]["video"]
    assert len(read_clip(whole / clip["path"]).frames) == len(pairs[0]["factual"]["states"]) // (
        13 * len(pairs[0]["factual"]["objects"])
    )


@pytest.mark.system("ffmpeg")
def test_the_decoder_of_datasets_plays_clips_bit_for_bit(whole: Path) -> None:
    import datasets

    stored = whole / rows(whole)[0]["factual"]["video"]["path"]
    frames = read_clip(stored).frames
    video = datasets.Video().decode_example({"path": str(stored), "bytes": None})
    played = video.get_frames_in_range(0, len(frames)).data.numpy().transpose(0, 2, 3, 1)
    assert np.array_equal(played, frames)


def test_both_members_are_asked_the_same_and_the_label_is_the_first_answer(whole: Path) -> None:
    for pair in rows(whole):
        fact, other = pair["factual"], pair["counterfactual"]
        assert [each["question"] for each in fact["questions"]] == [each["question"] for each in other["questions"]]
        assert fact["questions"][0]["question"] == fact["question"] == other["question"]
        for member, label in ((fact, "label"), (other, "counterfactual_label")):
            assert member["questions"][0]["answer"] == ("no", "yes")[pair[label]]


def test_the_same_recipe_gives_the_same_bytes_whatever_the_workers_and_shards(tmp_path: Path) -> None:
    small = {"events": ["collision", "fall"], "interventions": ["mass", "viewpoint"]}
    run_local(recipe(rows=4, workers=2, shard_rows=2, generator=small), out=tmp_path / "one")
    run_local(recipe(rows=4, shard_rows=2, generator=small), out=tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    run_local(recipe(rows=4, shard_rows=3, generator=small), out=tmp_path / "three")
    assert {name for name in files(tmp_path / "one") if name.startswith("media")} == {
        name for name in files(tmp_path / "three") if name.startswith("media")
    }


def test_clips_may_lie_inside_the_parquet(tmp_path: Path) -> None:
    small = {"events": ["collision"], "interventions": ["mass"]}
    run_local(recipe(rows=2, media="inside", generator=small), out=tmp_path / "out")
    assert not (tmp_path / "out" / "media").exists()
    pair = rows(tmp_path / "out")[0]
    assert read_clip(pair["factual"]["video"]["bytes"]).frames.shape[1:] == (48, 64, 3)
    assert pair["factual"]["video"]["path"] == pair["factual"]["video_sha256"] + ".mkv"
    assert validate(tmp_path / "out").problems == []


def test_a_quota_leaves_no_clip_that_no_pair_shows(tmp_path: Path) -> None:
    small = {"events": ["collision"], "interventions": ["mass", "gravity"]}
    made = recipe(
        rows=None, accept=3, max_units=12, shard_rows=1, filters={"label_flip": {"want": "any"}}, generator=small
    )
    manifest = run_local(made, out=tmp_path / "out")
    assert manifest["accepted"] == 3
    tables = [pq.read_table(path) for path in (tmp_path / "out").glob("[dr]*/*.parquet")]
    told = {
        member[name]["path"]
        for table in tables
        for pair in table.to_pylist()
        for member in (pair["factual"], pair["counterfactual"])
        if member
        for name in ("video", "masks")
        if member[name]
    }
    assert {path for path in files(tmp_path / "out") if path.startswith("media/")} == told
    assert manifest["media"] == len(told)


def test_refiltering_keeps_the_clips(tmp_path: Path) -> None:
    from contrafact.refiltering import refilter

    small = {"events": ["collision"], "interventions": ["mass"]}
    run_local(recipe(rows=3, filters={"hidden_dependence": {"least": 0.0}}, generator=small), out=tmp_path / "out")
    before = files(tmp_path / "out")
    refilter(tmp_path / "out", ["filters.hidden_dependence.least=1.0"])
    after = files(tmp_path / "out")
    assert {name for name in before if "media" in name} == {name for name in after if "media" in name}
    assert validate(tmp_path / "out").problems == []


def test_changed_clips_states_and_answers_are_found_out(tmp_path: Path) -> None:
    small = {"events": ["collision"], "interventions": ["mass"]}
    out = tmp_path / "out"
    run_local(recipe(rows=2, splits={"train": 1.0}, generator=small), out=out)
    pair = rows(out)[0]
    clip = out / pair["factual"]["video"]["path"]
    content = clip.read_bytes()
    clip.write_bytes(content[:-1] + b"\0")
    assert any("factual.video was changed" in each for each in validate(out).problems)
    clip.unlink()
    assert any("cannot be read" in each for each in validate(out).problems)
    clip.write_bytes(content)
    assert validate(out).problems == []

    def flipped(member: dict[str, Any]) -> None:
        answer = member["questions"][2]["answer"]
        member["questions"][2]["answer"] = "no" if answer == "yes" else "yes"

    def shifted(member: dict[str, Any]) -> None:
        member["states"][40] += 0.01

    def heavier(member: dict[str, Any]) -> None:
        member["objects"][0]["mass"] *= 2

    for change in (flipped, shifted, heavier):
        assert any("not what the model gives" in each for each in tampered(out, change).problems), change.__name__


def tampered(out: Path, change: Any) -> Any:
    """Change one member of the first pair, with the manifest's hash made to fit, validate, and put it back."""
    manifest, path = out / "manifest.json", next((out / "data").glob("*.parquet"))
    kept, table = (manifest.read_text(), path.read_bytes()), pq.read_table(path)
    pairs = table.to_pylist()
    change(pairs[0]["counterfactual"])
    stored = write_parquet(pa.Table.from_pylist(pairs, schema=table.schema), path, out)
    told = json.loads(kept[0])
    told["files"] = [stored.spec() if each["path"] == stored.path else each for each in told["files"]]
    manifest.write_text(json.dumps(told))
    try:
        return validate(out)
    finally:
        manifest.write_text(kept[0])
        path.write_bytes(kept[1])


def test_a_full_factorial_has_every_combination(tmp_path: Path) -> None:
    factors = ["viewpoint", "appearance", "mass"]
    small = {"events": ["collision"], "interventions": factors, "design": "factorial"}
    run_local(recipe(rows=1, generator=small), out=tmp_path / "out")
    pairs = rows(tmp_path / "out")
    changed = sorted(sorted(each["variable"] for each in pair["intervention"]) for pair in pairs)
    assert len(pairs) == 7
    assert len({tuple(each) for each in changed}) == 7
    assert len({pair["factual"]["video_sha256"] for pair in pairs}) == 1
    assert len({pair["group_id"] for pair in pairs}) == 1
    assert {pair["counterfactual"]["question"] for pair in pairs} == {pairs[0]["factual"]["question"]}


def test_scenes_in_which_nothing_happens_are_rejects_with_a_reason(whole: Path) -> None:
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"]
    for reason in manifest["reasons"]:
        assert reason.startswith("physics: ")


def test_all_outputs_can_be_had_at_once(tmp_path: Path) -> None:
    small = {
        "events": ["fall"],
        "interventions": ["gravity"],
        "outputs": ["masks", "depth", "flow", "preview"],
        "preview": "webp",
    }
    run_local(recipe(rows=1, generator=small), out=tmp_path / "out")
    fact = rows(tmp_path / "out")[0]["factual"]
    assert {fact[name]["path"].rpartition(".")[2] for name in ("masks", "depth", "flow")} == {"mkv"}
    assert fact["preview"]["path"].endswith(".webp")
    assert validate(tmp_path / "out").problems == []


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"events": ["explosion"]}, "explosion"),
        ({"events": []}, "empty"),
        ({"events": ["fall", "fall"]}, "names one twice"),
        ({"interventions": ["velocity"], "events": ["stacking"]}, "none of velocity"),
        ({"design": "factorial"}, "full factorial"),
        ({"size": [10, 10]}, "size"),
        ({"rate": 0}, "rate"),
        ({"outputs": ["smell"]}, "smell"),
        ({"shadows": "long"}, "shadows"),
        ({"per_unit": 0}, "per_unit"),
    ],
)
def test_wrong_options_are_told_before_any_work(options: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=what):
        make_plan(recipe(generator=options), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_library_to_draw_with_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from contrafact.errors import MissingDependencyError
    from generators.video.physics.stage import prepare_drawing

    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    monkeypatch.setitem(sys.modules, "mujoco.osmesa", None)
    with pytest.raises(MissingDependencyError, match="apt-get install libosmesa6"):
        prepare_drawing()


@pytest.mark.parametrize(
    ("kind", "message"),
    [("nonsense", "MUJOCO_GL=nonsense: no such way"), ("glfw", "MUJOCO_GL=glfw: glfw needs a screen")],
)
def test_a_way_to_draw_that_is_none_here_is_told(kind: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from contrafact.errors import MissingDependencyError
    from generators.video.physics.stage import prepare_drawing

    for screen in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(screen, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("MUJOCO_GL", kind)
    with pytest.raises(MissingDependencyError, match=message):
        prepare_drawing()


@pytest.mark.skipif(find_library("OSMesa") is not None, reason="OSMesa is installed")
def test_a_process_without_osmesa_says_so_although_mujoco_does_not_come_up() -> None:
    import subprocess
    import sys

    code = "from generators.video.physics.stage import prepare_drawing as it; it()"
    environment = {**os.environ, "MUJOCO_GL": "osmesa"}
    environment.pop("PYOPENGL_PLATFORM", None)
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)
    assert "MUJOCO_GL=osmesa" in ended.stderr
    assert "libosmesa6" in ended.stderr
