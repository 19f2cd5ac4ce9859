"""Pendulum: a ball on a rod, a light, and the shadow that follows from both (after CausalVAE's and CausalDiffAE's).

::

    angle ──► shadow_length ◄── light
      └─────► shadow_position ◄──┘

Lengths are in the scene's units, of which the picture shows 20 across; angles in radians. The light shines along
parallel rays from the direction ``light`` above the horizon. A shadow is never shorter than 3, so that many angles and
lights have the same one: there the noise cannot be told from the picture, and is only known because the scene was
drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from generators.image.world.base import Field, Picture, World, cover, painted
from generators.scm import SCM, Deterministic, Root, Support, Uniform, Variable

__all__ = ["WORLD", "Pendulum", "render"]

SIZE = 96
_UNIT = SIZE / 20
_PIVOT, _ROD, _BALL, _SUN = (10.0, 13.5), 8.0, 1.5, 1.6
_GROUND, _THICK = 1.0, 0.55
_SHORTEST = 3.0
_SKY, _HILL = (178.0, 208.0, 236.0), (226.0, 222.0, 206.0)
_BALL_RED, _SUN_GOLD, _SHADE, _WOOD = (206.0, 44.0, 52.0), (252.0, 196.0, 24.0), (62.0, 62.0, 78.0), (96.0, 70.0, 50.0)


def _tip(angle: Any, light: Any) -> tuple[Any, Any]:
    """Where the shadows of the pivot and of the ball fall on the ground."""
    slope = 1 / np.tan(light)
    ball_x, ball_y = _PIVOT[0] + _ROD * np.sin(angle), _PIVOT[1] - _ROD * np.cos(angle)
    return _PIVOT[0] - (_PIVOT[1] - _GROUND) * slope, ball_x - (ball_y - _GROUND) * slope


def _length(angle: Any, light: Any) -> Any:
    one, other = _tip(angle, light)
    return np.maximum(np.abs(one - other), _SHORTEST)


def _position(angle: Any, light: Any) -> Any:
    one, other = _tip(angle, light)
    return (one + other) / 2


class Pendulum(SCM):
    """Angle of the rod, height of the light, length and middle of the shadow."""

    angle = Root(Uniform(-0.62, 0.62))
    light = Root(Uniform(1.12, 2.02))
    shadow_length = Variable("shadow_length", Deterministic(_length), Support(lower=_SHORTEST))
    shadow_position = Deterministic(_position)


def render(values: Mapping[str, Any]) -> Picture:
    """The scene as uint8 (96, 96, 3)."""
    angle, light = float(values["angle"]), float(values["light"])
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    x, y = columns / _UNIT, (SIZE - rows) / _UNIT
    picture = np.empty((SIZE, SIZE, 3))
    picture[:] = _SKY
    picture += (np.clip(y - 6, 0, 14) * -1.6)[..., None]
    painted(picture, _HILL, cover((y - (_GROUND + 1.2)) * _UNIT))
    half = float(values["shadow_length"]) / 2
    middle = float(values["shadow_position"])
    strip = np.hypot(np.maximum(np.abs(x - middle) - half + _THICK / 2, 0), y - _GROUND) - _THICK / 2
    painted(picture, _SHADE, cover(strip * _UNIT))
    ball = _PIVOT[0] + _ROD * np.sin(angle), _PIVOT[1] - _ROD * np.cos(angle)
    painted(picture, _WOOD, cover((_to_line(x, y, _PIVOT, ball) - 0.16) * _UNIT))
    painted(picture, _WOOD, cover((np.hypot(x - _PIVOT[0], y - _PIVOT[1]) - 0.4) * _UNIT))
    away = np.hypot(x - ball[0], y - ball[1])
    shine = np.clip(1.15 - 0.35 * np.hypot(x - ball[0] + 0.5, y - ball[1] - 0.5), 0.55, 1.1)
    painted(picture, np.array(_BALL_RED) * shine[..., None], cover((away - _BALL) * _UNIT))
    painted(picture, _SUN_GOLD, cover((np.hypot(x - _sun_x(light), y - 18.2) - _SUN) * _UNIT))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _sun_x(light: float) -> float:
    """The light stands on the ray through the pivot, at a fixed height."""
    return float(_PIVOT[0] + (18.2 - _PIVOT[1]) / np.tan(light) * 3.2)


def _to_line(x: Field, y: Field, one: tuple[float, float], other: tuple[float, float]) -> Field:
    """Distance to a piece of line."""
    along = np.array(other) - one
    share = np.clip(((x - one[0]) * along[0] + (y - one[1]) * along[1]) / (along @ along), 0, 1)
    return np.asarray(np.hypot(x - one[0] - share * along[0], y - one[1] - share * along[1]))


def _mean(picture: Picture, colour: tuple[float, ...], reach: float) -> tuple[float, float] | None:
    """Middle of the pixels near a colour, in the scene's units; None where there are none."""
    near = np.abs(picture.astype(np.float64) - colour).max(axis=-1) < reach
    rows, columns = np.nonzero(near)
    return ((columns.mean() + 0.5) / _UNIT, (SIZE - rows.mean() - 0.5) / _UNIT) if len(rows) > 8 else None


def _read_angle(picture: Picture) -> float | None:
    red = picture[..., 0].astype(int) - np.maximum(picture[..., 1], picture[..., 2])
    rows, columns = np.nonzero(red > 60)
    if len(rows) < 20:
        return None
    x, y = (columns.mean() + 0.5) / _UNIT, (SIZE - rows.mean() - 0.5) / _UNIT
    return float(np.arctan2(x - _PIVOT[0], _PIVOT[1] - y))


def _read_light(picture: Picture) -> float | None:
    found = _mean(picture, _SUN_GOLD, 40)
    return None if found is None else float(np.arctan2(1, (found[0] - _PIVOT[0]) / ((18.2 - _PIVOT[1]) * 3.2)))


def _shadow(picture: Picture) -> tuple[float, float] | None:
    """Left and right end of the shadow; None where it runs out of the picture."""
    row = round(SIZE - _GROUND * _UNIT - 0.5)
    ground = np.array(_HILL)
    dark = ((ground - picture[row]) / (ground - np.array(_SHADE))).mean(axis=-1).clip(0, 1)
    inside = np.flatnonzero(dark > 0.5)
    if len(inside) < 3 or inside[0] == 0 or inside[-1] == SIZE - 1:
        return None
    left = inside[0] + 0.5 - (dark[inside[0]] + dark[inside[0] - 1] - 0.5)
    right = inside[-1] + 0.5 + (dark[inside[-1]] + dark[inside[-1] + 1] - 0.5)
    return float(left / _UNIT), float(right / _UNIT)


def _read_length(picture: Picture) -> float | None:
    ends = _shadow(picture)
    return None if ends is None else ends[1] - ends[0]


def _read_position(picture: Picture) -> float | None:
    ends = _shadow(picture)
    return None if ends is None else (ends[0] + ends[1]) / 2


WORLD = World(
    "generators.image.world.pendulum:Pendulum",
    render,
    {"angle": _read_angle, "light": _read_light, "shadow_length": _read_length, "shadow_position": _read_position},
    {"angle": 0.04, "light": 0.04, "shadow_length": 0.5, "shadow_position": 0.3},
)
