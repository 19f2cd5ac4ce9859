"""Objects: one solid thing on a floor, lit from one side (after 3DIdent and Causal3DIdent).

::

    shape ──► size        light ──► floor
      └─────► hue                   position ──► (picture)

Hue and floor are hues from 0 to 1 that go round; position runs across from -1 to 1, light from -1 (left) to 1 (right).
Rays are marched through signed distance fields (Hart 1996); the light gives shade and a cast shadow.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.image.world.base import Picture, World
from generators.scm import SCM, Additive, Categorical, Normal, Root, Support, Uniform, Variable
from generators.scm.expression import Expression

__all__ = ["SHAPES", "WORLD", "Objects", "render"]

SIZE = 96
SHAPES = ("ball", "cube", "ring", "pillar")
_STEPS, _FAR, _NEAR = 40, 12.0, 2e-3
_EYE = np.array([0.0, 1.45, -3.9])
_DOWN = 0.26  # radians by which the camera looks down
Points = NDArray[np.float64]
"""Shape (n, 3): across, up, away."""


_LEVELS = {"shape": SHAPES}
_HUE = "0.06 + (0.24 if shape == 'cube' else 0.5 if shape == 'ring' else 0.72 if shape == 'pillar' else 0)"
_SIZE = "0.62 + (0.08 if shape == 'ball' else 0)"


class Objects(SCM):
    """A shape, whose size and hue depend on what it is, a light, and a floor whose hue depends on the light."""

    shape = Categorical(SHAPES, [0.25] * 4)
    hue = Variable("hue", Additive(Expression(_HUE, _LEVELS), Uniform(-0.05, 0.05)), Support(lower=0, upper=1))
    size = Variable("size", Additive(Expression(_SIZE, _LEVELS), Uniform(-0.1, 0.1)), Support(lower=0.3, upper=1.0))
    position = Root(Uniform(-0.9, 0.9))
    light = Root(Uniform(-0.9, 0.9))
    floor = Variable("floor", Additive("0.35 + 0.2 * light", Normal(0.0, 0.03)), Support(lower=0, upper=1))


def render(values: Mapping[str, Any]) -> Picture:
    """The scene as uint8 (96, 96, 3)."""
    shape, size = SHAPES[int(values["shape"])], float(values["size"])
    centre = np.array([float(values["position"]), _rest(shape, size), 0.0])
    lamp = np.array([float(values["light"]) * 2.0, 2.2, -0.5])
    lamp /= np.linalg.norm(lamp)
    ways = _rays()
    hit, points = _march(np.broadcast_to(_EYE, ways.shape), ways, shape, centre, size)
    ground = (_EYE[1] / -np.minimum(ways[:, 1], -1e-6))[:, None] * ways + _EYE
    sky = ways[:, 1] > -1e-3
    at = np.where(hit[:, None], points, ground)
    normals = np.where(hit[:, None], _normals(points, shape, centre, size), np.array([0.0, 1.0, 0.0]))
    shaded, _ = _march(at + normals * 0.02, np.broadcast_to(lamp, at.shape), shape, centre, size)
    lit = np.where(shaded & ~sky, 0.0, np.clip(normals @ lamp, 0, 1))
    body = np.array(colorsys.hsv_to_rgb(float(values["hue"]) % 1, 0.85, 0.95))
    floor = np.array(colorsys.hsv_to_rgb(float(values["floor"]) % 1, 0.17, 0.93))
    haze = np.clip((np.linalg.norm(at - _EYE, axis=1) - 5) / 14, 0, 1)[:, None]
    colour = np.where(hit[:, None], body, floor) * (0.42 + 0.58 * lit[:, None])
    half = lamp - ways
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    shine = np.where(hit & ~shaded, np.clip((normals * half).sum(axis=1), 0, 1) ** 40, 0.0)
    colour = np.where(hit[:, None], colour + 0.35 * shine[:, None], colour + haze * (0.97 * floor - colour))
    colour = np.where(sky[:, None] & ~hit[:, None], 0.97 * floor, colour)
    return _shrunk(np.clip(colour, 0, 1))


def _rest(shape: str, size: float) -> float:
    """Height of the centre of a thing that lies on the floor."""
    return {"ball": size, "cube": 0.8 * size, "ring": 0.95 * size, "pillar": 1.05 * size}[shape]


def _rays() -> Points:
    """Directions through the pixels of a picture twice as large, for soft rims."""
    side = 2 * SIZE
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side * 2 - 1
    flat = np.stack([columns, -rows, np.full_like(rows, 2.1)], axis=-1).reshape(-1, 3)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    cos, sin = np.cos(_DOWN), np.sin(_DOWN)
    return np.stack([flat[:, 0], cos * flat[:, 1] - sin * flat[:, 2], sin * flat[:, 1] + cos * flat[:, 2]], axis=1)


def _field(points: Points, shape: str, centre: Points, size: float) -> NDArray[np.float64]:
    """Signed distance to the thing, below 0 inside. Shape (n,)."""
    x, y, z = (points - centre).T
    if shape == "ball":
        return np.asarray(np.sqrt(x * x + y * y + z * z) - size)
    if shape == "cube":
        turn = 0.6
        ax, az = np.cos(turn) * x - np.sin(turn) * z, np.sin(turn) * x + np.cos(turn) * z
        gaps = np.abs(np.stack([ax, y, az])) - (0.8 * size - 0.04)
        outside = np.linalg.norm(np.maximum(gaps, 0), axis=0)
        return np.asarray(outside + np.minimum(gaps.max(axis=0), 0) - 0.04)
    if shape == "ring":
        around = np.hypot(x, y) - 0.68 * size
        return np.asarray(np.hypot(around, z) - 0.27 * size)
    gaps = np.stack([np.hypot(x, z) - 0.55 * size, np.abs(y) - 1.05 * size])
    return np.asarray(np.linalg.norm(np.maximum(gaps, 0), axis=0) + np.minimum(gaps.max(axis=0), 0))


def _march(start: Points, ways: Points, shape: str, centre: Points, size: float) -> tuple[NDArray[np.bool_], Points]:
    """Which rays meet the thing, and where they end. Only those that pass near it are followed."""
    reach = 1.6 * size
    toward = centre - start
    along = (toward * ways).sum(axis=1)
    miss = np.linalg.norm(toward - along[:, None] * ways, axis=1)
    rows = np.flatnonzero((miss < reach) & (along > -reach))
    gone, open_ = np.maximum(along[rows] - reach, 0.0), np.ones(len(rows), dtype=bool)
    hit = np.zeros(len(ways), dtype=bool)
    for _ in range(_STEPS):
        live = np.flatnonzero(open_)
        if not len(live):
            break
        step = _field(start[rows[live]] + gone[live, None] * ways[rows[live]], shape, centre, size)
        gone[live] += step
        hit[rows[live[step < _NEAR]]] = True
        open_[live] = (step >= _NEAR) & (gone[live] < _FAR)
    points = np.zeros_like(ways)
    points[rows] = start[rows] + gone[:, None] * ways[rows]
    return hit, points


def _normals(points: Points, shape: str, centre: Points, size: float) -> Points:
    """Direction in which the distance grows, by differences."""
    slopes = [
        _field(points + shift, shape, centre, size) - _field(points - shift, shape, centre, size)
        for shift in np.eye(3) * 1e-3
    ]
    found = np.stack(slopes, axis=1)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))


def _shrunk(colour: NDArray[np.float64]) -> Picture:
    large = colour.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
    return np.asarray(np.rint(255 * large), dtype=np.uint8)


def _vivid(picture: Picture) -> NDArray[np.bool_] | None:
    """Pixels of the thing: no floor is as colourful."""
    high, low = picture.max(axis=-1).astype(float), picture.min(axis=-1).astype(float)
    mask = (high - low) > 0.5 * np.maximum(high, 1)
    return mask if mask.sum() > 60 else None


def _hue_of(pixels: NDArray[np.uint8]) -> float:
    """Mean hue as a direction, from 0 to 1."""
    import cv2

    hue = cv2.cvtColor(pixels.astype(np.float32)[None] / 255, cv2.COLOR_RGB2HSV)[0, :, 0] * (np.pi / 180)
    return float(np.arctan2(np.sin(hue).mean(), np.cos(hue).mean()) / (2 * np.pi) % 1)


def _read_hue(picture: Picture) -> float | None:
    mask = _vivid(picture)
    return None if mask is None else _hue_of(picture[mask])


def _read_floor(picture: Picture) -> float | None:
    return _hue_of(picture[-8:, :8].reshape(-1, 3))


def _read_position(picture: Picture) -> float | None:
    """Middle of the thing, brought back from the picture into the room at the distance where it stands."""
    mask = _vivid(picture)
    if mask is None:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    if columns[0] == 0 or columns[-1] == SIZE - 1:
        return None
    across = ((columns[0] + columns[-1] + 1) / 2) / SIZE * 2 - 1
    return float(across / 2.1 * (-_EYE[2] * np.cos(_DOWN) + 0.1))


WORLD = World(
    "generators.image.world.objects:Objects",
    render,
    {"hue": _read_hue, "floor": _read_floor, "position": _read_position},
    {"hue": 0.03, "floor": 0.03, "position": 0.08},
    {"hue": 1.0, "floor": 1.0},
)
