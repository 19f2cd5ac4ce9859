from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contrafact.engines.media import encode_png
from contrafact.errors import MediaError, RecipeError, RowError
from generators.video.edit.detecting import Detector, boxes_over_time
from generators.video.edit.footage import has_cut
from generators.video.edit.masks import given_mask, packed, unpacked
from generators.video.edit.motion import camera_path
from generators.video.edit.objects import moving_object
from tests.video.footages import LENGTH, SIZE, walk, wall, write_mask
from tests.video.tiny import write_detector


def test_what_moves_by_itself_is_found_and_followed() -> None:
    frames, disc = walk()
    track = moving_object(frames)
    assert track is not None
    assert track.score > 0.9
    assert (disc & ~track.mask).sum() < 0.05 * disc.sum(), "the mask holds all of the object, in all frames but one"
    both, either = (track.mask & disc).sum(), (track.mask | disc).sum()
    assert both / either > 0.5


def test_one_of_several_things_that_move_is_called_so() -> None:
    frames, _ = walk()
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    alone, first = moving_object(frames), frames.copy()
    for at in range(LENGTH):
        other = np.hypot(columns - (98 - 3.6 * at), rows - 12) < 7.5
        frames[at][other] = (30, 60, 190)
        if at < 3:
            first[at][other] = (30, 60, 190)
    company, hardly = moving_object(frames), moving_object(first)
    assert alone is not None
    assert company is not None
    assert hardly is not None
    assert alone.name == hardly.name == "moving object"
    assert company.name == "one of the moving objects"


def test_where_nothing_moves_by_itself_nothing_is_found() -> None:
    still = np.repeat(wall()[None], LENGTH, axis=0)
    assert moving_object(still) is None
    assert moving_object(still[:3]) is None
    large = wall(3, (110, 190))
    panned = np.stack([large[10 : 10 + SIZE[0], 2 * at : 2 * at + SIZE[1]] for at in range(LENGTH)])
    assert moving_object(panned) is None


def test_the_way_of_the_camera_is_recovered() -> None:
    large = wall(3, (110, 190))
    panned = np.stack([large[10 : 10 + SIZE[0], 2 * at : 2 * at + SIZE[1]] for at in range(12)])
    path = camera_path(panned)
    # A picture that pans to the right shows in frame t at x what frame 0 shows at x + 2 t.
    assert np.allclose(path[:, 0, 2], 2.0 * np.arange(12), atol=0.4)
    assert np.allclose(path[:, 1, 2], 0, atol=0.4)
    assert np.array_equal(camera_path(np.repeat(wall()[None], 4, axis=0)), np.tile(np.eye(3), (4, 1, 1)))


def test_a_cut_is_seen_and_motion_is_none() -> None:
    frames, _ = walk()
    assert not has_cut(frames)
    cut = frames.copy()
    cut[12:] = frames[12:] // 3 + np.array([0, 0, 120], dtype=np.uint8)
    assert has_cut(cut)


def test_boxes_go_in_straight_lines_between_looks() -> None:
    known = {0: np.array([0.0, 0, 4, 4]), 4: np.array([8.0, 0, 12, 4])}
    mask = boxes_over_time(known, (6, 10, 20))
    assert [tuple(np.flatnonzero(each.any(axis=0))[[0, -1]]) for each in mask[[0, 2, 4, 5]]] == [
        (0, 3), (4, 7), (8, 11), (8, 11),
    ]  # fmt: skip
    assert boxes_over_time({0: np.array([-9.0, -9, 99, 99])}, (1, 10, 20)).all()


def test_a_detector_is_loaded_and_asked_about_frames(tmp_path: Path) -> None:
    write_detector(tmp_path / "owl")
    frames, _ = walk()
    track = Detector("owl", ["a disc", "a wall"], threshold=0.0, folder=tmp_path).track(frames)
    # Its weights are random: what it finds means nothing, and that it finds anything shows that it was asked.
    assert track is not None
    assert track.name == "a disc"
    assert track.mask.shape == frames.shape[:3]
    assert track.mask.any()
    assert Detector("owl", ["a disc"], threshold=1.0, folder=tmp_path).track(frames) is None


def test_a_detector_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be loaded"):
        Detector(str(tmp_path), ["a cat"]).load()
    with pytest.raises(RecipeError, match="no labels"):
        Detector("owl", [])


def test_a_mask_comes_as_one_picture_or_as_one_a_frame(tmp_path: Path) -> None:
    frames, disc = walk()
    write_mask(tmp_path, disc[0])
    mask = given_mask(tmp_path / "walk.mask.png", frames.shape, 0, 240)
    assert all(np.array_equal(each, disc[0]) for each in mask)
    (tmp_path / "walk.mask.mkv").write_bytes(packed(disc))
    assert np.array_equal(given_mask(tmp_path / "walk.mask.mkv", (10, *SIZE, 3), 4, 240), disc[4:14])
    assert np.array_equal(unpacked(packed(disc)), disc)


def test_a_mask_is_shrunk_with_its_clip_and_of_no_other_size(tmp_path: Path) -> None:
    _, disc = walk()
    write_mask(tmp_path, disc[3])
    half = given_mask(tmp_path / "walk.mask.png", (5, SIZE[0] // 2, SIZE[1] // 2, 3), 0, SIZE[1] // 2)
    assert half.shape == (5, SIZE[0] // 2, SIZE[1] // 2)
    with pytest.raises(RowError, match="the mask is of another size than the clip"):
        given_mask(tmp_path / "walk.mask.png", (5, 30, 40, 3), 0, 240)
    write_mask(tmp_path, np.zeros(SIZE, dtype=bool))
    with pytest.raises(RowError, match="empty"):
        given_mask(tmp_path / "walk.mask.png", (5, *SIZE, 3), 0, 240)


def test_a_picture_that_is_no_mask_is_told_as_a_picture(tmp_path: Path) -> None:
    colours = tmp_path / "walk.mask.png"
    colours.write_bytes(encode_png(np.zeros((*SIZE, 3), dtype=np.uint8)))
    for source in (colours, colours.read_bytes()):
        with pytest.raises(MediaError, match="is no mask: its mode is RGB"):
            given_mask(source, (5, *SIZE, 3), 3, 240)
    colours.write_text("no picture")
    with pytest.raises(MediaError, match="is no image that can be read"):
        given_mask(colours, (5, *SIZE, 3), 0, 240)
