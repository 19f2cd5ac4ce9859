"""Which frames of a scene are shown, and which point of an object is marked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from contrafact.errors import RowError
from generators.video.physics.evidence import Run
from generators.video.physics.mjcf import Look
from generators.video.tracer.marking import Point, View

__all__ = ["chosen_frames", "chosen_point"]

_INSIDE = 2  # pixels from an object's outline


def chosen_frames(
    run: Run, look: Look, gap: int, motion: tuple[float, float], count: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Objects and frames between which their middle moves as far as asked; at most ``count``, each as likely.

    Raises
    ------
    RowError
        Where no object moves so far within the picture.
    """
    views = [View(run, frame, look.width, look.height) for frame in range(len(run.states))]
    found = []
    for number in range(len(run.names)):
        middles = [view.pixel(run.states[view.frame, number, :3]) for view in views]
        for frame in range(len(views) - gap):
            here, there = middles[frame], middles[frame + gap]
            far = float(np.hypot(there[0] - here[0], there[1] - here[1]))
            if views[0].inside(here) and motion[0] <= far <= motion[1]:
                found.append((number, frame))
    if not found:
        raise RowError(f"no object moves by {motion[0]:g} to {motion[1]:g} pixels within the picture")
    return [found[int(each)] for each in sorted(rng.permutation(len(found))[:count])]


def chosen_point(shape: NDArray[np.bool_], rng: np.random.Generator) -> Point | None:
    """A pixel of an object that lies well within its outline, each as likely; None where it has none."""
    rows, columns = np.nonzero(binary_erosion(shape, iterations=_INSIDE))
    if not len(rows):
        return None
    place = int(rng.integers(len(rows)))
    return float(columns[place]), float(rows[place])
