"""Scenes: a few solid things on a table, each with its mask, and questions whose answers are read off their list.

Drawn here, so that evidence is known to the pixel and nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COLOURS",
    "SHAPES",
    "Scene",
    "Thing",
    "boxes_of_things",
    "draw_scene",
    "mask_of_things",
    "paint",
    "read_scene",
]

SIZE = 160
COLOURS = {
    "red": (214, 48, 49),
    "blue": (52, 101, 214),
    "green": (46, 160, 67),
    "yellow": (244, 196, 48),
    "purple": (142, 68, 173),
}
SHAPES = ("ball", "box", "ring", "star")
_MARGIN = 5.0
Field = NDArray[np.float64]


@dataclass(frozen=True)
class Thing:
    """One thing: its shape, colour, middle (x, y) and half size in pixels."""

    shape: str
    colour: str
    x: float
    y: float
    half: float


@dataclass(frozen=True)
class Scene:
    """What stands where.

    Attributes
    ----------
    things : tuple of Thing
    ground : tuple of float
        Colour of the table.
    grain : int
        Seed of its grain.
    """

    things: tuple[Thing, ...]
    ground: tuple[float, float, float]
    grain: int

    def without(self, gone: Sequence[int]) -> Scene:
        """The scene without some of its things, by position."""
        return replace(self, things=tuple(each for at, each in enumerate(self.things) if at not in gone))


def read_scene(data: Mapping[str, Any]) -> Scene:
    """A scene from its fields as plain data, as JSON gives them."""
    return Scene(tuple(Thing(**each) for each in data["things"]), tuple(data["ground"]), data["grain"])


def draw_scene(rng: np.random.Generator) -> Scene:
    """Three to five things that do not touch."""
    things: list[Thing] = []
    wanted = int(rng.integers(3, 6))
    for _ in range(200):
        half = float(rng.uniform(14, 21))
        x, y = rng.uniform(half + _MARGIN, SIZE - half - _MARGIN, size=2)
        if any(np.hypot(x - each.x, y - each.y) < half + each.half + 2 * _MARGIN for each in things):
            continue
        shape, colour = SHAPES[int(rng.integers(len(SHAPES)))], list(COLOURS)[int(rng.integers(len(COLOURS)))]
        things.append(Thing(shape, colour, round(float(x), 2), round(float(y), 2), round(half, 2)))
        if len(things) == wanted:
            break
    tint = rng.uniform(-10, 10, size=3)
    ground = tuple(round(float(each), 1) for each in np.array([206, 198, 186]) + tint)
    return Scene(tuple(things), (ground[0], ground[1], ground[2]), int(rng.integers(2**31)))


def paint(scene: Scene) -> NDArray[np.uint8]:
    """The picture as uint8 (160, 160, 3)."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    grain = np.random.Generator(np.random.Philox(key=scene.grain)).random((SIZE, SIZE)) - 0.5
    fall = 1.04 - 0.16 * np.hypot(rows - SIZE * 0.4, columns - SIZE * 0.4) / SIZE
    picture = (np.array(scene.ground) * fall[..., None]) + grain[..., None] * 10
    for each in scene.things:
        shadow = np.clip(0.5 - (_rim(each, columns - 3, rows - 4)) / 5, 0, 1) * 0.34
        picture *= 1 - shadow[..., None]
    for each in scene.things:
        share = np.clip(0.5 - _rim(each, columns, rows), 0, 1)[..., None]
        picture += share * (np.array(COLOURS[each.colour]) * _shade(each, columns, rows)[..., None] - picture)
    return np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)


def mask_of_things(scene: Scene, which: Sequence[int], margin: float = 2.0) -> NDArray[np.bool_]:
    """Pixels of some things and of a margin around them. Shape (160, 160)."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    for at in which:
        mask |= _rim(scene.things[at], columns, rows) < margin
    return mask


def boxes_of_things(scene: Scene, which: Sequence[int], margin: float = 7.0) -> NDArray[np.bool_]:
    """The smallest boxes around some things and their shadows: a box does not tell what it hides. Shape (160, 160)."""
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    for at in which:
        each = scene.things[at]
        left, right = (round(each.x + side * (each.half + margin)) for side in (-1, 1))
        top, bottom = (round(each.y + side * (each.half + margin)) for side in (-1, 1))
        mask[max(top, 0) : bottom, max(left, 0) : right] = True
    return mask


def _rim(each: Thing, columns: Field, rows: Field) -> Field:
    """Signed distance to a thing's rim, below 0 inside, in pixels."""
    x, y, half = columns - each.x, rows - each.y, each.half
    radius = np.hypot(x, y)
    if each.shape == "ball":
        return np.asarray(radius - half)
    if each.shape == "ring":
        return np.asarray(np.abs(radius - 0.72 * half) - 0.28 * half)
    if each.shape == "box":
        gaps = np.abs(np.stack([x, y])) - 0.84 * half + 3
        return np.asarray(np.linalg.norm(np.maximum(gaps, 0), axis=0) + np.minimum(gaps.max(axis=0), 0) - 3)
    fifth = 2 * np.pi / 5
    within = np.abs((np.arctan2(x, -y) + fifth / 2) % fifth - fifth / 2) / (fifth / 2)
    tip, notch = np.array([0.0, -half]), np.array([np.sin(fifth / 2), -np.cos(fifth / 2)]) * 0.45 * half
    turn = within * fifth / 2
    px, py = radius * np.sin(turn), -radius * np.cos(turn)
    edge = notch - tip
    across = np.array([-edge[1], edge[0]]) / np.hypot(*edge)
    return np.asarray((px - tip[0]) * -across[0] + (py - tip[1]) * -across[1])


def _shade(each: Thing, columns: Field, rows: Field) -> Field:
    away = np.hypot(columns - each.x + 0.35 * each.half, rows - each.y + 0.4 * each.half) / each.half
    return np.clip(1.22 - 0.38 * away, 0.55, 1.2)
