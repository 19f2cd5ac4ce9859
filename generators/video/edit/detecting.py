"""Objects found by name: any zero-shot detector of transformers, its boxes followed through a clip.

The detector looks at a few frames; between them boxes are carried on by straight lines. A box holds more than the
object, so that edits of such objects claim the box.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.weights import from_hub, loading, weights_identity
from contrafact.errors import RecipeError
from generators.video.edit.objects import Track
from generators.video.edit.operations import Frames

__all__ = ["Detector", "boxes_over_time"]

_LOOKS = 5
_HALF = 0.5
_ALLOWED = "a folder or hub name of a zero-shot object detection model of transformers"


class Detector:
    """An open-vocabulary detector.

    Parameters
    ----------
    model : str
        A folder with a model and its processor, or a name on the hub (OWL-ViT, OWLv2, Grounding DINO).
    labels : list of str
        What to look for, in words. The first that is found is taken.
    threshold : float
        Least score of a box.
    folder : Path, optional
        Where a relative path is looked for first.

    Raises
    ------
    RecipeError
        Where the model cannot be loaded, or no labels are given.
    MissingDependencyError
        Where Pillow or torch is not installed.
    """

    def __init__(self, model: str, labels: Sequence[str], threshold: float = 0.1, folder: Path | None = None) -> None:
        if not labels:
            raise RecipeError("generator.detector: no labels were given", fix="labels: [a person, a car]")
        self.labels, self.threshold = list(labels), threshold
        place = (folder or Path()) / model
        self.name = str(place) if place.exists() else model
        self._pipeline: Any = None

    def load(self) -> Any:
        """The pipeline, loaded once."""
        if self._pipeline is None:
            with loading("generator.detector", self.name, extra="video", allowed=_ALLOWED):
                from transformers import pipeline

                self._pipeline = pipeline("zero-shot-object-detection", model=str(self.place), device="cpu")
        return self._pipeline

    @cached_property
    def place(self) -> Path:
        """Where the weights are; a model of the hub is downloaded now, where it is not here yet."""
        place = Path(self.name)
        told = "generator.detector.model"
        return place if place.is_dir() else from_hub(self.name, told, allowed=_ALLOWED, fix="correct the name")

    def identity(self) -> str:
        """The model's name, and a hash of its configuration and weights."""
        return f"{Path(self.name).name}:{weights_identity(self.place)}"

    def track(self, frames: Frames) -> Track | None:
        """The object of the best box, as a mask of boxes; None where fewer than two looks found it."""
        from PIL import Image

        pipeline = self.load()
        looks = np.unique(np.linspace(0, len(frames) - 1, _LOOKS).round().astype(int))
        found: dict[str, list[tuple[int, float, NDArray[np.float64]]]] = {}
        for at in looks.tolist():
            answers = pipeline(Image.fromarray(frames[at]), candidate_labels=self.labels, threshold=self.threshold)
            for each in answers:
                box = np.array([each["box"][side] for side in ("xmin", "ymin", "xmax", "ymax")], dtype=np.float64)
                found.setdefault(each["label"], []).append((at, float(each["score"]), box))
        for label in self.labels:
            best = _best_of_each(found.get(label, []))
            if len(best) >= max(2, round(_HALF * len(looks))):
                masks = boxes_over_time({at: box for at, _, box in best}, frames.shape[:3])
                return Track(masks, label, len(best) / len(looks))
        return None


def boxes_over_time(known: dict[int, NDArray[np.float64]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Masks (T, H, W) of boxes known in some frames, straight lines between them, and at rest before and after.

    Parameters
    ----------
    known : dict of frame to ndarray
        Left, top, right, bottom in pixels; the last two are the first beyond.
    """
    length, high, wide = shape[:3]
    ats = np.array(sorted(known))
    sides = np.stack([np.interp(np.arange(length), ats, [known[at][side] for at in ats]) for side in range(4)], axis=1)
    mask = np.zeros((length, high, wide), dtype=bool)
    for at, (left, top, right, bottom) in enumerate(sides):
        rows = slice(max(0, int(np.floor(top))), min(high, int(np.ceil(bottom))))
        columns = slice(max(0, int(np.floor(left))), min(wide, int(np.ceil(right))))
        mask[at, rows, columns] = True
    return mask


def _best_of_each(
    found: Sequence[tuple[int, float, NDArray[np.float64]]],
) -> list[tuple[int, float, NDArray[np.float64]]]:
    best: dict[int, tuple[int, float, NDArray[np.float64]]] = {}
    for each in found:
        if each[0] not in best or each[1] > best[each[0]][1]:
            best[each[0]] = each
    return [best[at] for at in sorted(best)]
