from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from contrafact.errors import RecipeError, RowError
from generators.video.edit.catalogue import OPERATIONS, chosen
from generators.video.edit.choosing import Scene, other_take, takes
from generators.video.edit.footage import Window
from generators.video.edit.inpainting import background
from generators.video.edit.objects import Track
from generators.video.edit.operations import Frames, Place, Shot, edited
from generators.video.edit.placebo import MOST, grain, size_of
from generators.video.edit.regions import REGIONS, interval_of, intervals, region_mask, third_of
from generators.video.edit.semantic import COLOURS, colour_of
from tests.video.footages import LENGTH, RATE, RED, SIZE, walk, wall

START, STOP = 8, 15
EVERY = [(name, place) for name, each in OPERATIONS.items() for place in each.places]


def shot(place: Place, start: int = START, stop: int = STOP) -> Shot:
    frames, disc = walk()
    mask = {"frame": np.ones_like(disc), "region": region_mask("middle third", disc.shape), "object": disc}[place]
    return Shot(frames, mask, start, stop, place)


def applied(name: str, place: Place, seed: int = 1) -> tuple[Shot, Frames, np.ndarray]:
    made = shot(place)
    operation = OPERATIONS[name]
    return made, *edited(made, operation, operation.draw(made, np.random.default_rng(seed)))


@pytest.mark.parametrize(("name", "place"), EVERY)
def test_outside_of_the_interval_and_the_mask_every_pixel_is_bit_equal(name: str, place: Place) -> None:
    made, frames, touched = applied(name, place)
    same = (frames == made.frames).all(axis=-1)
    assert same[~touched].all()
    assert same[:START].all()
    assert same[STOP:].all()
    assert not touched[:START].any()
    assert not touched[STOP:].any()
    if OPERATIONS[name].kind == "visual" or place != "object":
        beside = name == "duplicate"  # a copy lies beside its original
        assert beside or not (touched & ~made.mask).any()
    assert size_of(made.frames, frames, touched) > 2, "an edit that nobody sees"


@pytest.mark.parametrize(("name", "place"), EVERY)
def test_an_edit_is_the_same_every_time(name: str, place: Place) -> None:
    _, one, _ = applied(name, place)
    _, other, _ = applied(name, place)
    assert np.array_equal(one, other)


def test_light_contrast_colour_and_sharpness_go_the_way_that_they_are_said_to_go() -> None:
    def inside(name: str) -> tuple[float, float, float, float]:
        _, frames, _ = applied(name, "frame")
        clip = frames[START:STOP].astype(float)
        edges = np.abs(np.diff(clip, axis=2)).mean()
        return clip.mean(), clip.std(), (clip.max(axis=-1) - clip.min(axis=-1)).mean(), edges

    before = walk()[0][START:STOP].astype(float)
    light, spread, colour = before.mean(), before.std(), (before.max(axis=-1) - before.min(axis=-1)).mean()
    edges = np.abs(np.diff(before, axis=2)).mean()
    assert inside("brighten")[0] > 1.2 * light
    assert inside("darken")[0] < 0.6 * light
    assert inside("more_contrast")[1] > 1.4 * spread
    assert inside("less_contrast")[1] < 0.5 * spread
    assert abs(inside("less_contrast")[0] - light) < 3, "contrast moves and light does not"
    assert inside("grey")[2] < 0.2 * colour
    assert inside("vivid")[2] > 1.5 * colour
    assert inside("blur")[3] < 0.5 * edges


def test_a_removed_object_leaves_the_wall_that_is_behind_it() -> None:
    made, frames, _ = applied("disappear", "object")
    true = np.repeat(wall()[None], LENGTH, axis=0)
    away = np.abs(frames.astype(int) - true)[made.mask & (np.arange(LENGTH) >= START)[:, None, None]]
    inside = np.abs(frames[START:STOP].astype(int) - true[START:STOP])[made.mask[START:STOP]]
    assert inside.max() == 0, "every pixel of the wall is seen in some other frame"
    assert away.max() > 0, "after the interval the disc is back"
    assert made.behind.seen == 1.0


def test_what_no_frame_shows_is_filled_in_and_told() -> None:
    frames = np.repeat(wall()[None], 12, axis=0)
    mask = np.zeros(frames.shape[:3], dtype=bool)
    mask[:, 20:40, 30:50] = True
    behind = background(frames, mask, 3, 6)
    assert behind.seen == 0.0
    assert not np.array_equal(behind.frames, frames[3:6])
    assert (behind.frames == frames[3:6]).all(axis=-1)[~mask[3:6]].all()


def test_a_moving_camera_is_taken_out_before_frames_are_compared() -> None:
    large = wall(3, (110, 190))
    frames = np.stack([large[10 : 10 + SIZE[0], 2 * at : 2 * at + SIZE[1]] for at in range(LENGTH)])
    mask = np.stack([walk()[1][0]] * LENGTH)
    still = frames.copy()
    frames[mask] = RED
    behind = background(frames, mask, 10, 14)
    away = np.abs(behind.frames.astype(int) - still[10:14])[mask[10:14]]
    assert behind.seen > 0.9
    assert np.median(away) <= 4


def test_an_object_is_where_the_edit_says_that_it_is() -> None:
    def reds(frames: Frames, at: int) -> tuple[float, int]:
        found = (np.abs(frames[at].astype(int) - RED).max(axis=-1) < 30).nonzero()
        return float(found[1].mean()) if len(found[1]) else -1.0, len(found[1])

    made = shot("object")
    before = reds(made.frames, START)
    for name, at in (("freeze", START), ("reverse", STOP - 1)):
        _, frames, _ = applied(name, "object")
        assert reds(frames, STOP - 1 if name == "freeze" else START)[0] == pytest.approx(
            reds(made.frames, at)[0], abs=1
        )
    _, frames, _ = applied("duplicate", "object")
    assert reds(frames, START)[1] > 1.8 * before[1]
    _, frames, _ = applied("teleport", "object")
    assert abs(reds(frames, START)[0] - before[0]) > 15 or reds(frames, START)[1] == before[1]
    assert reds(applied("disappear", "object")[1], START)[1] == 0


def test_a_recoloured_object_has_the_colour_that_was_asked_for_and_not_its_own() -> None:
    made = shot("object")
    assert colour_of(made) == "red"
    for seed in range(6):
        values = OPERATIONS["recolour"].draw(made, np.random.default_rng(seed))
        assert values["colour"] in COLOURS
        assert values["colour"] != values["was"] == "red"
        frames, _ = edited(made, OPERATIONS["recolour"], values)
        assert colour_of(replace(made, frames=frames)) == values["colour"]


def test_backwards_and_backwards_again_is_forwards() -> None:
    made = shot("frame")
    once, _ = edited(made, OPERATIONS["reverse"], {})
    twice, _ = edited(replace(made, frames=once), OPERATIONS["reverse"], {})
    assert not np.array_equal(once, made.frames)
    assert np.array_equal(twice, made.frames)


def test_an_edit_that_does_nothing_gives_the_clip_again() -> None:
    made = shot("frame")
    for name, values in (("brighten", {"share": 0.0}), ("more_contrast", {"gain": 1.0, "pivot": 100.0}),
                         ("shuffle", {"order": list(range(STOP - START))}), ("grey", {"factor": 1.0})):  # fmt: skip
        assert np.array_equal(edited(made, OPERATIONS[name], values)[0], made.frames), name


def test_grain_changes_as_much_as_the_edit_and_no_more_than_can_be_read_through() -> None:
    made = shot("frame")
    for size in (3.0, 12.0, 80.0):
        noisy = grain(made.frames, made.mask, size, np.random.default_rng(2))
        assert size_of(made.frames, noisy, made.mask) == pytest.approx(min(size, MOST), rel=0.1)
        assert abs(float(noisy.mean()) - float(made.frames.mean())) < 1.5


def test_thirds_and_regions_cover_a_clip_without_overlap() -> None:
    for length in range(9, 60):
        spans = [intervals(third, length) for third in range(3)]
        assert spans[0][0] == 0
        assert spans[2][1] == length
        assert all(one[1] == other[0] for one, other in pairwise(spans))
        assert all(third_of(*span, length) == third for third, span in enumerate(spans))
    masks = [region_mask(name, (2, 40, 61)) for name in REGIONS]
    assert not (masks[0] & masks[1]).any()
    assert sum(int(mask.sum()) for mask in masks) == 2 * 61 * 32


def test_an_interval_outside_of_the_clip_says_what_there_is() -> None:
    assert interval_of((0.25, 0.5), RATE, LENGTH) == (6, 12)
    with pytest.raises(RowError, match=r"lies outside the clip\n  allowed: 0 <= from < to <= 1.000 s"):
        interval_of((0.5, 1.2), RATE, LENGTH)


def test_an_unknown_edit_is_told_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'brighten'"):
        chosen(["brigten"])
    assert {each.kind for each in chosen(None)} == {"visual", "semantic", "common_sense"}
    assert [each.name for each in chosen(["freeze", "freeze"])] == ["freeze"]


@pytest.mark.parametrize("length", [9, 12, 24])
def test_no_edit_begins_with_a_clips_first_frame_for_then_only_its_end_would_be_seen(length: int) -> None:
    scene, starts = Scene(Window(walk()[0][:length], RATE), None), set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        take = next(takes(scene, chosen(["brighten", "blur"]), ["frame"], rng))
        other = other_take(scene, take, chosen(["brighten"]), rng)
        assert other is not None
        starts |= {take.fact.start, other[1].fact.start}
    assert min(starts) == 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_where_only_place_or_time_is_varied_all_else_that_the_edit_says_stays(name: str) -> None:
    frames, disc = walk()
    scene, ways = Scene(Window(frames, RATE), Track(disc, "disc", 1.0, 2)), set()
    for seed in range(25):
        rng = np.random.default_rng(seed)
        try:
            take = next(takes(scene, [OPERATIONS[name]], OPERATIONS[name].places, rng))
            found = other_take(scene, take, [OPERATIONS[name]], rng)
        except RowError:
            continue
        if found is not None:
            way, other = found
            ways.add(way)
            assert way in ("when", "where")
            assert other.fact.say("verb") == take.fact.say("verb")
            assert other.fact.stop - other.fact.start == take.fact.stop - take.fact.start
            for key in OPERATIONS[name].kept:
                assert other.fact.values[key] == take.fact.values[key]
    assert ways == ({"when", "where"} if "region" in OPERATIONS[name].places else {"when"})


def test_an_object_that_was_lost_for_a_frame_is_not_edited_there() -> None:
    frames, disc = walk()
    disc[[4, 12, 20]] = False
    scene = Scene(Window(frames, RATE), Track(disc, "disc", 1.0, 2))
    for seed in range(20):
        try:
            take = next(takes(scene, [OPERATIONS["disappear"]], ["object"], np.random.default_rng(seed)))
        except RowError as error:
            assert "every frame of the interval" in str(error)  # noqa: PT017  # either way is right
        else:
            assert take.mask[take.fact.start : take.fact.stop].any(axis=(1, 2)).all()
    with pytest.raises(RowError, match="every frame of the interval"):
        next(
            takes(
                Scene(scene.window, scene.track, (0.1, 0.9)),
                [OPERATIONS["disappear"]],
                ["object"],
                np.random.default_rng(0),
            )
        )
