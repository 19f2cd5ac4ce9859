"""Objects found by their own motion: what differs from a still background, once the camera's motion is taken out.

Every frame is laid over the middle one; the median of all is the background; what stands out from it is grouped,
cleaned, and followed from frame to frame. No model, no weights: it finds what moves by itself before a background that
is seen now and then, and finds nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.video.edit.inpainting import grown, shrunken
from generators.video.edit.motion import camera_path, warped
from generators.video.edit.operations import Frames, Masks

__all__ = ["Track", "moving_object"]

_PICTURES = 25  # in the median at the most
_LEAST_AREA, _MOST_AREA = 0.004, 0.3  # of the picture
_LEAST_DIFFERENCE = 22  # grey levels
_MOST_LEFT_OVER = 0.03  # of the rim around an object
_FOLLOWED = 0.5  # of the frames must show the object
_COMPANY = 0.25  # of them show something else that moves too, and "the moving object" would not say which


@dataclass(frozen=True)
class Track:
    """One object through a clip.

    Attributes
    ----------
    mask : ndarray of bool, shape (T, H, W)
        Its pixels with a margin of a few around them, empty where it is not seen.
    name : str
        What it is called: a detector's word, "moving object", or "one of the moving objects".
    score : float
        Share of the frames in which it was found.
    margin : int
        Pixels of background around the object that the mask holds.
    """

    mask: Masks
    name: str
    score: float
    margin: int = 0


def moving_object(frames: Frames) -> Track | None:
    """The most conspicuous thing that moves by itself; None where there is none in most frames."""
    if len(frames) < 5:
        return None
    apart, plates = _differences(frames)
    blobs = [_blobs(*each) for each in zip(apart, frames, plates, strict=True)]
    found = _followed(blobs)
    if found is None:
        return None
    margin = margin_of(frames)
    mask = grown(found, margin)
    shown = float(found.any(axis=(1, 2)).mean())
    whole = _left_over(apart, mask, margin) <= _MOST_LEFT_OVER
    name = "one of the moving objects" if _company(blobs, found) >= _COMPANY else "moving object"
    return Track(mask, name, shown, margin) if shown >= _FOLLOWED and whole else None


def _company(blobs: list[list[NDArray[np.bool_]]], found: Masks) -> float:
    """Share of the frames that show the object in which a piece that is no part of it stands out as well."""
    others = [
        any(not (piece & here).any() for piece in pieces)
        for pieces, here in zip(blobs, found, strict=True)
        if here.any()
    ]
    return float(np.mean(others))


def margin_of(frames: Frames) -> int:
    """Pixels by which a mask that was found is widened, so that nothing of the object's rim is left behind."""
    return max(2, int(frames.shape[1]) // 60)


def _left_over(apart: NDArray[np.uint8], mask: Masks, margin: int) -> float:
    """Share of a rim around the object that stands out from the background too; the mean over its frames.

    Much of it, and the mask holds a part of something larger.
    """
    rims = grown(mask, margin) & ~mask
    shares = [float((each[rim] > _LEAST_DIFFERENCE).mean()) for each, rim in zip(apart, rims, strict=True) if rim.any()]
    return float(np.mean(shares)) if shares else 1.0


def _differences(frames: Frames) -> tuple[NDArray[np.uint8], list[Frames]]:
    """How far each pixel is from the background, in grey levels of its most different channel; and that background.

    Shapes (T, H, W), and (H, W, 3) for every frame.
    """
    path = camera_path(frames)
    middle = np.linalg.inv(path[len(frames) // 2])
    still = bool(np.allclose(path, np.eye(3)))
    chosen = np.unique(np.linspace(0, len(frames) - 1, _PICTURES).round().astype(int))
    laid = frames[chosen] if still else np.stack([warped(frames[at], middle @ path[at])[0] for at in chosen])
    plate = np.median(laid, axis=0).astype(np.uint8)
    out, plates = np.empty(frames.shape[:3], dtype=np.uint8), []
    for at, frame in enumerate(frames):
        under, inside = (plate, None) if still else warped(plate, np.linalg.inv(middle @ path[at]))
        away = np.abs(frame.astype(np.int16) - under).max(axis=-1).astype(np.uint8)
        out[at] = away if inside is None else np.where(inside, away, 0)
        plates.append(under)
    return out, plates


def _blobs(apart: NDArray[np.uint8], frame: Frames, plate: Frames) -> list[NDArray[np.bool_]]:
    """Connected pieces that stand out, largest first. Shape (H, W) each.

    A piece whose rim is an edge of the background and not of the frame is no object: something that was long there is
    in the background, and is missed here.
    """
    import cv2

    smooth = cv2.GaussianBlur(apart, (0, 0), 1.2)
    level, _ = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    high, wide = apart.shape
    strong = smooth > max(level * 0.8, _LEAST_DIFFERENCE)
    near = _reached(smooth > max(level * 0.3, _LEAST_DIFFERENCE * 0.6), strong).astype(np.uint8)
    small, large = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)) for side in (3, max(5, high // 16 | 1)))
    whole = cv2.morphologyEx(cv2.morphologyEx(near, cv2.MORPH_OPEN, small), cv2.MORPH_CLOSE, large)
    count, marks, facts, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
    areas = facts[:, cv2.CC_STAT_AREA] / (high * wide)
    kept = [each for each in range(1, count) if _LEAST_AREA <= areas[each] <= _MOST_AREA]
    pieces = [_filled(marks == each) for each in sorted(kept, key=lambda each: -areas[each])[:6]]
    here, there = _edges(frame), _edges(plate)
    return [each for each in pieces if here[rim := _rim(each)].mean() > 1.1 * there[rim].mean()]


def _edges(picture: Frames) -> NDArray[np.float32]:
    """Strength of the edges of a picture (H, W, 3). Shape (H, W)."""
    import cv2

    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1.0).astype(np.float32)
    return np.asarray(cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)), np.float32)


def _rim(piece: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A band around the border of a mask (H, W), inside the picture."""
    band = grown(piece[None], 1)[0] & ~shrunken(piece[None], 2)[0]
    band[[0, -1]] = band[:, [0, -1]] = False  # the picture's own border is no edge of anything
    return band if band.any() else piece


def _reached(weak: NDArray[np.bool_], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Connected pieces of ``weak`` that hold something of ``strong`` (hysteresis, Canny 1986)."""
    import cv2

    count, marks = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, dtype=bool)
    kept[np.unique(marks[strong])] = True
    kept[0] = False
    return np.asarray(kept[marks])


def _filled(blob: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A blob with its holes closed."""
    import cv2

    rims, _ = cv2.findContours(blob.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros(blob.shape, np.uint8), rims, -1, 1, thickness=cv2.FILLED).astype(bool)


def _followed(blobs: list[list[NDArray[np.bool_]]]) -> Masks | None:
    """One blob a frame that is the same thing all along: from where it is largest, forward and back by overlap."""
    starts = [(int(each[0].sum()), at) for at, each in enumerate(blobs) if each]
    if not starts:
        return None
    shape = next(each[0].shape for each in blobs if each)
    best: tuple[float, Masks] | None = None
    for at in sorted({starts[len(starts) // 4][1], max(starts)[1], starts[len(starts) // 2][1]}):
        for first in blobs[at][:2]:
            mask = np.zeros((len(blobs), *shape), dtype=bool)
            mask[at] = first
            for way in (1, -1):
                _follow(blobs, mask, at, way)
            areas = mask.sum(axis=(1, 2))
            score = float((areas > 0).mean() * np.sqrt(np.median(areas[areas > 0])))
            if best is None or score > best[0]:
                best = score, mask
    return None if best is None else best[1]


def _follow(blobs: list[list[NDArray[np.bool_]]], mask: Masks, start: int, way: int) -> None:
    """Fill in ``mask`` from ``start`` on, one way, as long as something overlaps what was seen last."""
    last, missed = mask[start], 0
    stop = len(blobs) if way > 0 else -1
    for at in range(start + way, stop, way):
        shares = [float((each & last).sum() / min(each.sum(), last.sum())) for each in blobs[at]]
        place = int(np.argmax(shares)) if shares else 0
        if not shares or shares[place] < 0.25 or not 0.3 < blobs[at][place].sum() / last.sum() < 3.4:
            missed += 1
            if missed > 3:
                return
            continue
        mask[at], last, missed = blobs[at][place], blobs[at][place], 0
