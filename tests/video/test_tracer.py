"""Tracing by perturbation: points are found where the simulator's flow says, with a predictor that has no weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from generators.video.physics.draw import draw
from generators.video.physics.evidence import Run
from generators.video.physics.flow import forward_flow
from generators.video.physics.mjcf import Look
from generators.video.tracer import BlockMatching, bumped, endpoint_error, influence_map, move_patch, trace, unexplained
from tests.video.scenes import subject

PATCH = 8
Point = tuple[float, float]


def textured(seed: int, height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """Smooth noise: every patch looks different."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 4, width // 4, 3))
    return (np.kron(coarse, np.ones((4, 4, 1))) * 200).astype(np.uint8)


def shifted(frame: NDArray[np.uint8], right: int, down: int) -> NDArray[np.uint8]:
    return np.roll(frame, (down, right), axis=(0, 1))


@pytest.mark.parametrize("move", [(0, 0), (-6, 3), (5, -7)])
def test_a_point_is_found_where_it_went(move: tuple[int, int]) -> None:
    frame, errors = textured(0), []
    moved = shifted(frame, *move)
    for point in ((40.0, 32.0), (52.0, 24.0)):
        found = trace(BlockMatching(PATCH, reach=10), frame, moved, point, masks=1, share=1.0)
        assert not found.occluded
        errors.append(endpoint_error([found.point], [(point[0] + move[0], point[1] + move[1])]))
    assert np.mean(errors) < PATCH / 2


def moved_points(run: Run, look: Look) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8], Point, Point]]:
    """Two frames, the middle of an object in the first, and where the simulator says that it is in the second."""
    pictures = list(draw(run, look, depth=True))
    for frame in range(1, len(pictures) - 1, 3):
        one, depth = pictures[frame], pictures[frame].depth
        assert depth is not None
        flow = forward_flow(run, frame, one.mask, depth)
        for number in range(1, len(run.names) + 1):
            rows, columns = np.nonzero(one.mask == number)
            if len(rows) < 80:
                continue
            row, column = int(np.median(rows)), int(np.median(columns))
            right, down = map(float, flow[row, column])
            there = (column + right, row + down)
            inside = PATCH < there[0] < look.width - PATCH and PATCH < there[1] < look.height - PATCH
            if 1 <= np.hypot(right, down) <= 10 and inside and one.mask[row, column] == number:
                yield one.colour, pictures[frame + 1].colour, (column, row), there


@pytest.mark.system("libegl1", "libegl-mesa0", "libgl1-mesa-dri")
def test_objects_that_glide_are_found_where_the_simulators_flow_says() -> None:
    found, still = [], []
    for number in (0, 1):
        for one, other, point, there in moved_points(subject("collision", number).run, Look(160, 120, "none", 4)):
            traced = trace(BlockMatching(PATCH, reach=12), one, other, point, masks=1, share=1.0)
            found.append(endpoint_error([traced.point], [there]))
            still.append(endpoint_error([point], [there]))
    assert len(found) >= 6
    assert np.mean(found) < 2.5
    assert np.mean(found) < np.mean(still) / 2


def test_divergence_does_no_worse_than_colours_under_noise() -> None:
    frame, rng = textured(1), np.random.default_rng(2)
    moved = np.clip(shifted(frame, 6, 2) + rng.normal(0, 6, frame.shape), 0, 255).astype(np.uint8)
    errors: dict[str, list[float]] = {"kl": [], "colour": []}
    for point in ((36.0, 36.0), (52.0, 28.0)):
        for by, missed in errors.items():
            found = trace(BlockMatching(PATCH, reach=8), frame, moved, point, masks=1, share=1.0, by=by)  # type: ignore[arg-type]
            missed.append(endpoint_error([found.point], [(point[0] + 6, point[1] + 2)]))
    assert np.mean(errors["kl"]) <= np.mean(errors["colour"]) + 0.5
    assert np.mean(errors["kl"]) < PATCH


def test_a_point_that_is_gone_counts_as_out_of_sight() -> None:
    frame, other = textured(3), textured(4)
    predictor = BlockMatching(PATCH, reach=6)
    kept = trace(predictor, frame, frame, (60.0, 36.0), masks=1, share=1.0)
    blank = np.full_like(other, 250)
    gone = trace(
        predictor, np.where(np.arange(96)[None, :, None] < 48, frame, blank), blank, (30.0, 36.0), masks=1, share=1.0
    )
    assert kept.divergence.max() > gone.divergence.max()


def test_reveals_are_the_same_for_both_predictions_and_repeatable() -> None:
    frame, moved = textured(5), shifted(textured(5), 8, 0)
    first = trace(BlockMatching(PATCH, reach=9), frame, moved, (44.0, 36.0), masks=2, seed=3)
    again = trace(BlockMatching(PATCH, reach=9), frame, moved, (44.0, 36.0), masks=2, seed=3)
    assert np.array_equal(first.divergence, again.divergence)
    assert endpoint_error([first.point], [(52.0, 36.0)]) < 2 * PATCH


def test_the_bump_is_white_and_local() -> None:
    frame = np.full((32, 32, 3), 40, dtype=np.uint8)
    touched = bumped(frame, (10.0, 20.0))
    assert (touched[20, 10] == 255).all()
    assert (touched[20, 12] == 40 + round(255 * np.exp(-0.5))).all()
    assert np.array_equal(touched[:8], frame[:8])


def test_block_matching_finds_the_flow() -> None:
    frame = textured(6)
    flow = BlockMatching(PATCH, reach=8).flow(frame, shifted(frame, 5, -3))
    assert endpoint_error(flow[2:-2, 2:-2], np.broadcast_to((5.0, -3.0), (*flow[2:-2, 2:-2].shape[:2], 2))) < 0.5


def test_wrong_frames_and_points_are_refused() -> None:
    frame = textured(7)
    for patch, other, point in ((8, frame[:-8], (5.0, 5.0)), (7, frame, (5.0, 5.0)), (8, frame, (500.0, 5.0))):
        with pytest.raises(ValueError, match="frame"):
            trace(BlockMatching(patch), frame, other, point)


def test_a_moved_patch_is_moved_and_the_hole_is_told() -> None:
    frame, mask = textured(8), np.zeros((64, 96), dtype=bool)
    mask[30:38, 40:48] = True
    moved, known, flow = move_patch(frame, mask, 10, 4)
    assert np.array_equal(moved[34:42, 50:58], frame[30:38, 40:48])
    assert (~known).sum() == 64
    assert (flow[mask] == (10, 4)).all()
    assert not flow[~mask].any()
    with pytest.raises(ValueError, match="15 %"):
        move_patch(frame, mask, 60, 0)


def test_influence_outside_what_was_reachable_is_counted() -> None:
    clip = np.zeros((3, 10, 10, 3), dtype=np.uint8)
    other = clip.copy()
    other[1, 4:6, 4:6] = 9
    other[2, 0, 0] = 1
    mask = np.zeros((3, 10, 10), dtype=bool)
    mask[1, 4:6, 4:6] = True
    influence = influence_map(clip, other)
    assert unexplained(influence, [mask]).tolist() == [0, 0, 1]
    assert unexplained(influence, [mask], least=2).tolist() == [0, 0, 0]
