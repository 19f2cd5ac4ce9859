"""Clips: pixels, masks, depth and flow agree with the states they were drawn from."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from contrafact.engines.media import read_clip
from generators.video.physics.causes import changed_objects, reached
from generators.video.physics.draw import draw
from generators.video.physics.events import EVENTS
from generators.video.physics.flow import forward_flow, packed_flow, unpacked_flow
from generators.video.physics.mjcf import Look
from generators.video.physics.pairing import Subject
from generators.video.physics.records import Filming, film
from generators.video.physics.simulate import simulate
from generators.video.tracer import influence_map, unexplained
from tests.video.scenes import LOOK, action, filmed, subject

pytestmark = pytest.mark.system("libegl1", "libegl-mesa0", "libgl1-mesa-dri")


@pytest.mark.parametrize("event", list(EVENTS))
def test_the_same_world_gives_the_same_bytes(event: str) -> None:
    again = film(subject(event).run, Filming(LOOK))
    assert again.media == filmed(event).media


def test_objects_are_seen_where_their_states_say() -> None:
    run = subject("collision").run
    axes, eye = run.world.camera.axes(), np.asarray(run.world.camera.position)
    focal = LOOK.height / 2 / np.tan(np.radians(run.world.camera.fovy) / 2)
    for states, picture in zip(run.states[::8], list(draw(run, LOOK))[::8], strict=True):
        for number, state in enumerate(states):
            rows, columns = np.nonzero(picture.mask == number + 1)
            seen = (state[:3] - eye) @ axes.T
            column, row = LOOK.width / 2 + focal * seen[0] / -seen[2], LOOK.height / 2 - focal * seen[1] / -seen[2]
            cut = columns.min() == 0 or columns.max() == LOOK.width - 1
            if len(rows) > 20 and not cut:
                # An object's middle is not quite the middle of what shows of it; a wrong focal length is off by more.
                assert abs(columns.mean() + 0.5 - column) < 0.8
                assert abs(rows.mean() + 0.5 - row) < 0.8


def test_depth_is_the_distance_along_the_axis() -> None:
    run = subject("collision").run
    picture = next(draw(run, LOOK, depth=True))
    assert picture.depth is not None
    axes, eye = run.world.camera.axes(), np.asarray(run.world.camera.position)
    for number, body in enumerate(run.world.bodies):
        away = -((run.states[0, number, :3] - eye) @ axes[2])
        seen = picture.depth[picture.mask == number + 1]
        assert away - 0.3 < seen.min() < away
        assert body.size[0] > 0


def _slides(made: Subject) -> bool:
    return bool(made.values["a.category"] in ("cube", "can"))


def test_flow_carries_masks_onto_the_next_frame() -> None:
    # One that slides: a rolling ball's surface turns out of sight within a frame or two.
    made = next(each for each in (subject("collision", number) for number in range(9)) if _slides(each))
    run, compared = made.run, 0
    pictures = list(draw(run, LOOK, depth=True))
    for frame in range(0, 12, 3):
        here, there = pictures[frame], pictures[frame + 1]
        assert here.depth is not None
        flow = forward_flow(run, frame, here.mask, here.depth)
        assert (flow[here.mask == 0] == 0).all()
        rows, columns = np.nonzero(here.mask == 1)
        landed = np.rint(np.stack([rows, columns]) + flow[rows, columns, ::-1].T).astype(int)
        inside = (landed >= 0).all(axis=0) & (landed[0] < LOOK.height) & (landed[1] < LOOK.width)
        if inside.sum() > 20:
            compared += 1
            assert (there.mask[landed[0][inside], landed[1][inside]] == 1).mean() > 0.8
    assert compared
    assert np.abs(unpacked_flow(packed_flow(flow)) - flow).max() <= 1 / 128 + 1e-6


@pytest.mark.parametrize("factor", ["appearance", "mass", "removed"])
def test_pixels_change_only_where_something_that_was_reached_is(factor: str) -> None:
    made, plain = subject("collision"), Look(96, 72, "none", 0)
    change = action(made, factor)  # type: ignore[arg-type]
    values = made.under([change])
    run = simulate(made.world(values))
    when = reached(made.run, run, changed_objects(made.run, run))
    if factor == "appearance":
        when = {name: 0.0 if name == change.role else float("inf") for name in made.run.names}
    sides = [list(draw(each, plain)) for each in (made.run, run)]
    clips = [np.stack([each.colour for each in side]) for side in sides]
    masks = []
    for each, side in zip((made.run, run), sides, strict=True):
        for number, name in enumerate(each.names):
            mask = np.stack([picture.mask == number + 1 for picture in side])
            mask[: each.frame(when[name]) if np.isfinite(when[name]) else len(mask)] = False
            masks.append(mask)
    influence = influence_map(*clips)
    assert influence.any()
    # The solver's last bits may turn a pixel at an edge; a pixel's difference of one level is no influence.
    assert unexplained(influence, masks, least=2).sum() == 0


def test_masks_and_clip_are_stored_without_loss() -> None:
    clip = read_clip(filmed("collision").media["video"][0])
    pictures = list(draw(subject("collision").run, LOOK))
    assert np.array_equal(clip.frames, np.stack([each.colour for each in pictures]))
    with av.open(io.BytesIO(filmed("collision").media["masks"][0]), mode="r") as file:
        masks = np.stack([frame.to_ndarray(format="gray") for frame in file.decode(video=0)])
    assert np.array_equal(masks, np.stack([each.mask for each in pictures]))
    visible = filmed("collision").evidence.visible
    assert visible is not None
    assert np.array_equal(visible[:, 0], (masks == 1).sum(axis=(1, 2)))


def test_threads_draw_the_same_pixels() -> None:
    from concurrent.futures import ThreadPoolExecutor

    runs = [subject(event).run for event in ("collision", "fall", "collision", "fall")]
    with ThreadPoolExecutor(2) as pool:
        drawn = list(pool.map(lambda run: next(draw(run, LOOK)).colour, runs))
    assert np.array_equal(drawn[0], drawn[2])
    assert np.array_equal(drawn[1], drawn[3])
    assert np.array_equal(drawn[0], next(draw(runs[0], LOOK)).colour)


@pytest.mark.parametrize("shadows", ["none", "soft", "cast"])
def test_shadows_never_change_masks(shadows: str) -> None:
    run = subject("fall").run
    first = next(draw(run, Look(96, 72, shadows, 0)))
    assert np.array_equal(first.mask, next(draw(run, LOOK)).mask)
    assert first.colour.std() > 10


def test_soft_shadows_have_the_same_bits_whatever_was_drawn_before() -> None:
    runs = [subject(event, number).run for event in ("collision", "fall") for number in (0, 1, 2)]
    first = [np.stack([each.colour for each in draw(run, LOOK)]) for run in runs]
    for turn in range(3):
        for at in np.random.default_rng(turn).permutation(len(runs)):
            again = np.stack([each.colour for each in draw(runs[at], LOOK)])
            assert np.array_equal(again, first[at]), f"turn {turn}, clip {at}"
