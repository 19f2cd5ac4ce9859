"""Corruptions of pictures at five severities, in the families and about the strengths of ImageNet-C.

Each is a function of a picture, a severity from 1 to 5 and a random generator; the same generator state gives the same
corruption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CORRUPTIONS", "SEVERITIES", "corrupted", "psnr"]

SEVERITIES = (1, 2, 3, 4, 5)
Picture = NDArray[np.uint8]
_NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)
_PHOTONS = (60.0, 25.0, 12.0, 5.0, 3.0)
_FOCUS = (0.012, 0.02, 0.03, 0.042, 0.056)  # of the height
_MOTION = (0.05, 0.08, 0.11, 0.15, 0.2)
_JPEG = (25, 18, 15, 10, 7)
_PIXELS = (0.5, 0.35, 0.25, 0.17, 0.11)
_CONTRAST = (0.5, 0.35, 0.25, 0.15, 0.08)
_DARK = (0.25, 0.4, 0.55, 0.7, 0.82)
_FOG = (0.35, 0.5, 0.62, 0.74, 0.84)
_DROPPED = (0.03, 0.07, 0.14, 0.25, 0.4)


def corrupted(picture: Picture, name: str, severity: int, rng: np.random.Generator) -> Picture:
    """A picture (H, W, 3) under one corruption of :data:`CORRUPTIONS`."""
    return CORRUPTIONS[name](picture, severity - 1, rng)


def psnr(one: Picture, other: Picture) -> float:
    """Peak signal-to-noise ratio in decibels; infinite for equal pictures."""
    error = float(np.square(one.astype(np.float64) - other).mean())
    return float("inf") if error == 0 else 10 * np.log10(255.0**2 / error)


def _whole(values: NDArray[np.float64]) -> Picture:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _gaussian(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    return _whole(picture + rng.standard_normal(picture.shape) * (255 * _NOISE[at]))


def _shot(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    return _whole(rng.poisson(picture / 255 * _PHOTONS[at]) / _PHOTONS[at] * 255)


def _dropped(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    """Pixels that are black or white."""
    out, chance = picture.copy(), rng.random(picture.shape[:2])
    out[chance < _DROPPED[at] / 2] = 0
    out[chance > 1 - _DROPPED[at] / 2] = 255
    return out


def _defocus(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    """A disc, as an open lens makes one."""
    import cv2

    radius = max(1.0, _FOCUS[at] * picture.shape[0])
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return np.asarray(cv2.filter2D(picture, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT_101), dtype=np.uint8)


def _motion(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    """A line in a direction that is drawn."""
    import cv2

    length = max(3, round(_MOTION[at] * picture.shape[0]) | 1)
    turn, middle = rng.uniform(0, np.pi), length // 2
    rows, columns = np.mgrid[-middle : middle + 1, -middle : middle + 1]
    line = np.clip(1 - np.abs(rows * np.cos(turn) - columns * np.sin(turn)), 0, 1)
    line *= np.hypot(rows, columns) <= middle + 0.5
    return np.asarray(cv2.filter2D(picture, -1, line / line.sum(), borderType=cv2.BORDER_REFLECT_101), dtype=np.uint8)


def _jpeg(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    import cv2

    _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG[at]])
    decoded: Any = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)


def _resolution(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    import cv2

    high, wide = picture.shape[:2]
    size = (max(1, round(wide * _PIXELS[at])), max(1, round(high * _PIXELS[at])))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (wide, high), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _contrast(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    mean = picture.mean(axis=(0, 1))
    return _whole(mean + (picture - mean) * _CONTRAST[at])


def _darkness(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    """Little light, and the grain that comes with it."""
    return _whole(picture * (1 - _DARK[at]) + rng.standard_normal(picture.shape) * 6 * (at + 1) / 5)


def _fog(picture: Picture, at: int, rng: np.random.Generator) -> Picture:
    """A bright veil, denser here and thinner there."""
    import cv2

    high, wide = picture.shape[:2]
    clouds = np.zeros((high, wide))
    for octave in range(1, 4):
        coarse = rng.random((2 ** (octave + 1), 2 ** (octave + 1)))
        clouds += np.asarray(cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC)) / 2**octave
    veil = np.clip(_FOG[at] * (0.75 + 0.5 * (clouds - clouds.mean())), 0, 0.97)[..., None]
    return _whole(picture * (1 - veil) + 235 * veil)


CORRUPTIONS: Mapping[str, Callable[[Picture, int, np.random.Generator], Picture]] = {
    "gaussian_noise": _gaussian,
    "shot_noise": _shot,
    "impulse_noise": _dropped,
    "defocus": _defocus,
    "motion_blur": _motion,
    "jpeg": _jpeg,
    "low_resolution": _resolution,
    "low_contrast": _contrast,
    "darkness": _darkness,
    "fog": _fog,
}
"""By name. Severity 1 is hardly seen, 5 leaves little."""
