"""The generator ``tracer``: marks go where the simulator says, and nothing but the mark is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from contrafact.engines.media import read_image
from contrafact.errors import RecipeError
from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe, parse_recipe
from contrafact.validation import validate
from generators.image.records import image_of
from generators.video.physics.draw import draw
from generators.video.physics.flow import forward_flow
from generators.video.physics.mjcf import Look
from generators.video.tracer.marking import View, marked, moment_of, still
from generators.video.tracer.records import ANSWERS
from tests.video.scenes import subject
from tests.video.test_physics_builds import tampered

LOOK = Look(160, 120, "none", 0)
drawn = pytest.mark.system("libegl1", "libegl-mesa0", "libgl1-mesa-dri")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tracer") / "out"
    recipe, path = load_recipe("video_tracer", rows=12)
    run_local(recipe, path, out)
    return out


def pairs(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "data").to_pylist()
    return rows


def frames(member: dict[str, Any]) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    return [read_image(member[name]["bytes"]) for name in ("frame_1", "frame_2")]


@drawn
def test_rays_find_the_objects_that_are_drawn() -> None:
    run = subject("collision").run
    for frame in (0, 12):
        mask = next(draw(still(run, (frame,)), LOOK)).mask
        rows, columns = np.mgrid[4:116:6, 4:156:6]
        points = np.stack([columns.reshape(-1), rows.reshape(-1)], axis=1).astype(np.float64)
        found = View(run, frame, LOOK.width, LOOK.height).hits(points)[0]
        seen = mask[rows.reshape(-1), columns.reshape(-1)].astype(np.int64)
        objects = (seen > 0) & (seen <= len(run.names))
        assert objects.sum() > 10
        # A pixel at an outline may fall on either side of it.
        assert (found[objects] == seen[objects] - 1).mean() > 0.9
        assert (found[~objects] == -1).mean() > 0.98


@drawn
def test_a_point_goes_where_the_flow_of_the_simulator_carries_it() -> None:
    run, apart = subject("collision").run, []
    pictures = list(draw(run, LOOK, depth=True))
    for frame in range(0, 20, 4):
        picture = pictures[frame]
        assert picture.depth is not None
        flow = forward_flow(run, frame, picture.mask, picture.depth)
        rows, columns = np.nonzero((picture.mask > 0) & (picture.mask <= len(run.names)))
        for row, column in list(zip(rows.tolist(), columns.tolist(), strict=True))[::150]:
            moment = moment_of(run, (frame, frame + 1), (float(column), float(row)), LOOK)
            if moment is None or moment.number != picture.mask[row, column] - 1:
                continue
            apart.append(float(np.hypot(*(np.array(moment.flow) - flow[row, column]))))
    # What is drawn of a ball has facets, and depth is read from a buffer.
    assert len(apart) > 10
    assert np.median(apart) < 0.05
    assert max(apart) < 0.3


def test_a_mark_changes_its_shape_alone() -> None:
    frame = np.full((40, 60, 3), 80, dtype=np.uint8)
    shape = np.zeros((40, 60), dtype=bool)
    shape[15:25, 20:30] = True
    made = marked(frame, (25.0, 20.0), shape)
    assert (made[~shape] == frame[~shape]).all()
    assert (made[20, 25] == 255).all()
    assert (made[20, 27] == 235).all(), "80 + 255 exp(-1/2): two pixels are one sigma"
    assert (marked(frame, (25.0, 20.0), np.zeros_like(shape)) == frame).all()


@drawn
def test_marks_show_where_the_record_says_and_nowhere_else(built: Path) -> None:
    rows = pairs(built)
    assert len(rows) >= 8
    moved = 0
    for row in rows:
        one, other = row["factual"], row["counterfactual"]
        assert one["question"] == other["question"]
        assert one["destination"] is None
        for plain, touched, where in zip(
            frames(one), frames(other), (other["point"], other["destination"]), strict=True
        ):
            changed = (plain != touched).any(axis=-1)
            if where is None:
                assert not changed.any()
                continue
            near = np.hypot(*np.array(np.nonzero(changed))[::-1] - np.array(where)[:, None])
            assert near.max() < 9
            difference = np.abs(touched.astype(int) - plain).sum(axis=-1)
            row_at, column_at = np.unravel_index(int(difference.argmax()), difference.shape)
            assert np.hypot(column_at - where[0], row_at - where[1]) < 5
        answer = ANSWERS[row["counterfactual_label"]]
        assert (answer == "nowhere") == (other["destination"] is None)
        moved += other["destination"] is not None
    assert moved >= 6
    assert {row["label"] for row in rows} == {ANSWERS.index("nowhere")}


@drawn
def test_block_matching_does_better_than_staying(built: Path) -> None:
    scores = [row["scores"] for row in pairs(built)]
    told = [(each["endpoint_error"], each["motion"]) for each in scores if each["endpoint_error"] is not None]
    assert np.median([error for error, _ in told]) < np.median([motion for _, motion in told])


@drawn
def test_everything_is_recomputed_and_a_moved_mark_is_found_out(built: Path) -> None:
    found = validate(built)
    assert found.problems == []
    assert found.witnesses == {"oracle": found.recomputed}

    def moved(member: dict[str, Any]) -> None:
        member["destination"] = [3.0, 3.0]

    def painted(member: dict[str, Any]) -> None:
        picture = frames(member)[1]
        picture[0, 0] ^= 1
        member |= image_of(picture, "frame_2")

    for change in (moved, painted):
        assert any("not what the model gives" in each for each in tampered(built, change).problems), change.__name__


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"events": []}, "generator.events"),
        ({"size": [100, 120]}, "multiple of 8"),
        ({"gap": 0}, "1 to 16 frames"),
        ({"motion": [5, 2]}, r"\[least, most\]"),
        ({"reach": 0}, "1 to 64"),
        ({"rate": 0}, "1 to 120"),
        ({"per_unit": 0}, "1 to 100"),
    ],
)
def test_wrong_options_are_told_before_any_work(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        run_local(
            parse_recipe({"name": "x", "rows": 2, "generator": {"use": "tracer", **options}}), None, tmp_path / "o"
        )
    assert not (tmp_path / "o").exists()
