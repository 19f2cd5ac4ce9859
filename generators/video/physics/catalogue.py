"""What scenes are furnished with: kinds of object, colours, places, viewpoints.

Lengths are in metres, densities in kg/m³. Densities are those of a hollow or light object of its kind, so that masses
stay within two orders of magnitude.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["APPEARANCES", "CATEGORIES", "COLOURS", "FINISHES", "SCENES", "VIEWPOINTS", "Category", "Scene", "Viewpoint"]

Shape = Literal["sphere", "box", "cylinder", "capsule"]


@dataclass(frozen=True)
class Category:
    """A kind of object: what its shape, size, mass and surface follow from.

    Attributes
    ----------
    shape : str
    size : tuple of float
        Half-lengths: radius; three half-edges; radius and half-height.
    density : float
    friction : float
        Coulomb's coefficient of sliding.
    bounce : float
        From 0 (no rebound) to 1; becomes the damping of the contact.
    """

    shape: Shape
    size: tuple[float, ...]
    density: float
    friction: float
    bounce: float


CATEGORIES: Mapping[str, Category] = {
    "ball": Category("sphere", (0.11,), 450.0, 0.45, 0.45),
    "cube": Category("box", (0.10, 0.10, 0.10), 550.0, 0.30, 0.1),
    "can": Category("cylinder", (0.085, 0.12), 900.0, 0.25, 0.1),
    "brick": Category("box", (0.15, 0.10, 0.065), 1400.0, 0.40, 0.0),
    "pill": Category("capsule", (0.075, 0.08), 700.0, 0.22, 0.3),
    "domino": Category("box", (0.03, 0.11, 0.2), 600.0, 0.45, 0.0),
}

COLOURS: Mapping[str, tuple[float, float, float]] = {
    "red": (0.80, 0.14, 0.13),
    "orange": (0.95, 0.50, 0.10),
    "yellow": (0.95, 0.80, 0.16),
    "blue": (0.12, 0.33, 0.76),
    "teal": (0.08, 0.60, 0.60),
    "purple": (0.47, 0.24, 0.66),
    "green": (0.22, 0.58, 0.25),
    "brown": (0.48, 0.31, 0.19),
    "white": (0.93, 0.92, 0.88),
    "pink": (0.95, 0.52, 0.66),
    "black": (0.12, 0.12, 0.14),
}

FINISHES: Mapping[str, tuple[float, float]] = {"matt": (0.05, 0.1), "glossy": (0.6, 0.7), "metallic": (0.9, 0.35)}
"""Specular strength and shininess."""

_PALETTES = {
    "a": ("red", "orange", "yellow"),
    "b": ("blue", "teal", "purple"),
    "c": ("green", "brown", "white"),
    "d": ("pink", "black"),
}
APPEARANCES: Mapping[str, tuple[str, ...]] = {
    role: tuple(f"{finish} {colour}" for colour in colours for finish in FINISHES)
    for role, colours in _PALETTES.items()
}
"""Looks that an object of each role may have. No colour is in two roles, so that colour tells objects apart."""


@dataclass(frozen=True)
class Scene:
    """A place: what stands still and looks on.

    Attributes
    ----------
    floor : tuple of two colours
        Of the checks of the floor; equal for a plain one.
    checks : float
        Checks a metre.
    sky : tuple of two colours
        Low and high.
    light : float
        Brightness of the lamp; the rest is ambient.
    wood : colour
        Of tables, boxes and screens.
    height : float
        Of its table: the place decides how far things fall from it.
    """

    floor: tuple[tuple[float, float, float], tuple[float, float, float]]
    checks: float
    sky: tuple[tuple[float, float, float], tuple[float, float, float]]
    light: float
    wood: tuple[float, float, float]
    height: float


SCENES: Mapping[str, Scene] = {
    "studio": Scene(((0.74, 0.74, 0.76), (0.74, 0.74, 0.76)), 1.0, ((0.93, 0.94, 0.96), (0.62, 0.68, 0.78)), 0.72,
                    (0.55, 0.50, 0.46), 0.55),
    "kitchen": Scene(((0.86, 0.85, 0.82), (0.63, 0.72, 0.76)), 1.6, ((0.97, 0.93, 0.85), (0.87, 0.76, 0.62)), 0.70,
                     (0.64, 0.45, 0.28), 0.80),
    "parquet": Scene(((0.62, 0.43, 0.26), (0.56, 0.38, 0.22)), 2.2, ((0.90, 0.90, 0.88), (0.70, 0.74, 0.72)), 0.68,
                     (0.36, 0.25, 0.18), 0.65),
    "lawn": Scene(((0.42, 0.58, 0.28), (0.38, 0.54, 0.25)), 1.2, ((0.80, 0.90, 0.98), (0.33, 0.58, 0.88)), 0.80,
                  (0.66, 0.58, 0.44), 0.45),
    "evening": Scene(((0.30, 0.30, 0.38), (0.26, 0.26, 0.33)), 1.4, ((0.82, 0.50, 0.36), (0.16, 0.16, 0.32)), 0.55,
                     (0.40, 0.33, 0.36), 0.70),
}  # fmt: skip


@dataclass(frozen=True)
class Viewpoint:
    """Where the camera stands, seen from what it looks at. Angles in degrees, distance as a factor of the event's."""

    azimuth: float
    elevation: float
    distance: float


VIEWPOINTS: Mapping[str, Viewpoint] = {
    "front": Viewpoint(0.0, 20.0, 1.0),
    "left": Viewpoint(-32.0, 22.0, 1.0),
    "right": Viewpoint(32.0, 22.0, 1.0),
    "high": Viewpoint(-8.0, 48.0, 1.05),
    "near": Viewpoint(10.0, 15.0, 0.85),
}
