"""The generator ``evidence``: what an answer stands on is taken away, and the answer goes with it (after DeFacto)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import RecipeError, RowError
from generators.image.asking import answer_of
from generators.image.base import PictureGenerator
from generators.image.masking import STYLES, elsewhere, masked
from generators.image.pictures import Asked
from generators.image.records import UNKNOWN
from generators.image.scenes import mask_of_things, paint

__all__ = ["EvidenceGenerator"]

_SHADOW = 13.0  # pixels around a thing that its shadow reaches


class EvidenceGenerator(PictureGenerator):
    """Masks the evidence of an answer, and, as a control, as large an area that the answer does not stand on.

    Of each unit there are: a pair whose evidence is masked, so that the right answer becomes *unknown*; its control, in
    which the same shapes lie over something else, in the same style, and the answer stays; and for drawn scenes a pair
    whose evidence is removed from the scene, so that the answer becomes another one, read off the scene that is left.

    Parameters
    ----------
    images : {'scenes', 'source'}
        Drawn scenes, or a table with ``image``, ``question``, ``answer`` and ``boxes`` ([left, top, right, bottom] in
        pixels) or ``mask``.
    styles : list of str, optional
        How masked pixels look (:data:`generators.image.masking.STYLES`); one is drawn for each unit. All by default.
    remove : bool
        Also remove evidence from drawn scenes.

    Raises
    ------
    RecipeError
        For an unknown style.
    """

    name: ClassVar[str] = "evidence"
    citations: ClassVar[Sequence[str]] = ("DeFacto, arXiv:2509.20912",)

    def __init__(
        self,
        images: Literal["scenes", "source"] = "scenes",
        styles: list[str] | None = None,
        remove: bool = True,
        folder: Path | None = None,
    ) -> None:
        super().__init__(images=images, folder=folder)
        for each in styles or ():
            if each not in STYLES:
                raise RecipeError(f"generator.styles: {each!r}", allowed=", ".join(STYLES))
        self.styles, self.remove = tuple(styles or STYLES), remove

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        asked = self.asked(unit, rng)
        if asked.evidence is None or not asked.evidence.any():
            raise RowError("there is no evidence to mask: what is counted is not there, or no boxes are given")
        style = self.styles[int(rng.integers(len(self.styles)))]
        moved = elsewhere(asked.evidence, asked.free, rng)
        seed = int(rng.integers(2**31))
        hidden = masked(asked.picture, asked.evidence, style, seed)
        change = {"variable": "evidence", "operation": "mask", "before": "seen", "after": style, "where": "evidence"}
        yield self.pair(asked, hidden, UNKNOWN, asked.evidence, change)
        spared = masked(asked.picture, moved, style, seed)
        control = {**change, "variable": "elsewhere", "where": "as large an area without evidence"}
        yield {
            **self.pair(asked, spared, asked.answer, moved, control),
            "control_of": f"{unit['unit_id']}/0",
            "label_source": "construction",
        }
        if self.remove and asked.scene is not None:
            yield self._removed(asked, rng)

    def _removed(self, asked: Asked, rng: np.random.Generator) -> dict[str, Any]:
        """The scene without its evidence, or, where things are counted, without one of them."""
        assert asked.scene is not None  # noqa: S101  # only asked for where there is one
        assert asked.about is not None  # noqa: S101
        gone = asked.about.evidence(asked.scene)
        if asked.about.kind == "count":
            gone = [gone[int(rng.integers(len(gone)))]]
        left = asked.scene.without(gone)
        touched = mask_of_things(asked.scene, gone, _SHADOW)
        things = ", ".join(f"{asked.scene.things[at].colour} {asked.scene.things[at].shape}" for at in gone)
        change = {"variable": "scene", "operation": "do", "before": things, "after": "gone", "where": "evidence"}
        row = self.pair(
            asked, _only(asked.picture, paint(left), touched), answer_of(asked.about, left), touched, change
        )
        record = {**json.loads(row["hidden"]["record"]), "gone": list(gone)}
        hidden = {**row["hidden"], "record": json.dumps(record, sort_keys=True)}
        return {**row, "hidden": hidden, "label_source": "oracle"}


def _only(before: NDArray[np.uint8], after: NDArray[np.uint8], touched: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The second picture where it was touched, the first elsewhere.

    Raises
    ------
    RowError
        Where the second differs elsewhere too.
    """
    if (before != after).any(axis=-1)[~touched].any():
        raise RowError("removing the evidence changed the picture elsewhere")
    return after
