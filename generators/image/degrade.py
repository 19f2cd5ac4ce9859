"""The generator ``degrade``: a picture seen worse, and whether its question can still be answered (after ROMA)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from contrafact.errors import RecipeError, RowError, did_you_mean
from contrafact.record import PairShape
from contrafact.stages import Recomputed
from generators.image.base import PictureGenerator
from generators.image.corruptions import CORRUPTIONS, SEVERITIES, corrupted, psnr
from generators.image.legibility import legibility, plainness, region_of
from generators.image.recomputing import recomputed
from generators.image.records import QUESTIONED, UNKNOWN

__all__ = ["DegradeGenerator"]

_SEEN = ("gaussian_noise", "defocus", "jpeg", "low_resolution", "low_contrast")


class DegradeGenerator(PictureGenerator):
    """Views of a picture under corruptions at five severities.

    The answer stays as long as its evidence can be made out; where it cannot
    (:func:`generators.image.legibility.legibility` below ``floor``), the right answer becomes *unknown*: that it stayed
    would only be claimed. A picture of which nobody says where its evidence is, is looked at as a whole. Legibility is
    a heuristic that stands in for a viewer, so that the label source is ``teacher``, kept answers included.

    Parameters
    ----------
    images : {'scenes', 'source'}
        Drawn scenes, or a table with ``image``, ``question``, ``answer`` and, where known, ``boxes`` or ``mask``.
    corruptions : list of str, optional
        Families (:data:`generators.image.corruptions.CORRUPTIONS`); all by default.
    severities : list of int
        From 1 to 5.
    seen : list of str
        Families that may be trained on; the others are ``unseen``. The record says which.
    per_unit : int
        Views of a picture.
    floor : float
        Least legibility, from 0 to 1, at which the answer stays.
    """

    name: ClassVar[str] = "degrade"
    label_source: str = "teacher"
    citations: ClassVar[Sequence[str]] = ("ImageNet-C, arXiv:1903.12261", "ROMA, arXiv:2605.09262")

    def __init__(
        self,
        images: Literal["scenes", "source"] = "scenes",
        corruptions: list[str] | None = None,
        severities: list[int] | None = None,
        seen: list[str] | None = None,
        per_unit: int = 2,
        floor: float = 0.5,
        folder: Path | None = None,
    ) -> None:
        super().__init__(images=images, folder=folder)
        for option, names in (("corruptions", corruptions), ("seen", seen)):
            for each in names or ():
                if each not in CORRUPTIONS:
                    raise RecipeError(
                        f"generator.{option}: {each!r}{did_you_mean(each, CORRUPTIONS)}", allowed=", ".join(CORRUPTIONS)
                    )
        wrong = [each for each in severities or () if each not in SEVERITIES]
        if wrong:
            raise RecipeError(f"generator.severities: {wrong[0]}", allowed="1 to 5")
        if not 0 <= floor <= 1:
            raise RecipeError(f"generator.floor is {floor}", allowed="0 to 1")
        if per_unit < 1:
            raise RecipeError(f"generator.per_unit is {per_unit}", allowed="1 or more")
        self.families, self.severities = tuple(corruptions or CORRUPTIONS), tuple(severities or SEVERITIES)
        self.seen, self.per_unit, self.floor = frozenset(_SEEN if seen is None else seen), per_unit, floor

    def shape(self) -> PairShape:
        scores = [pa.field(name, pa.float64()) for name in ("legibility", "psnr")]
        return PairShape(QUESTIONED.members, QUESTIONED.label, QUESTIONED.hidden, [*QUESTIONED.scores, *scores])

    def notes(self) -> Sequence[str]:
        return ("whether evidence can still be made out is told by a heuristic of contrast, by no viewer and no model",)

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        return recomputed(pairs, self.floor)

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        asked = self.asked(unit, rng)
        everywhere = np.ones(asked.picture.shape[:2], dtype=bool)
        evidence = region_of(asked.evidence, asked.picture)
        if plainness(asked.picture, evidence) < self.floor:
            raise RowError("the evidence is so even that nothing tells whether it can still be made out")
        every = [(name, severity) for name in self.families for severity in self.severities]
        for at in rng.permutation(len(every))[: self.per_unit]:
            name, severity = every[int(at)]
            picture = corrupted(asked.picture, name, severity, rng)
            legible = legibility(asked.picture, picture, evidence)
            answer = asked.answer if legible >= self.floor else UNKNOWN
            after = f"{name} severity {severity}"
            where = f"whole picture, {'seen' if name in self.seen else 'unseen'} family"
            change = {"variable": "view", "operation": "degrade", "before": "clean", "after": after, "where": where}
            row = self.pair(asked, picture, answer, everywhere, change)
            row["scores"] |= {"legibility": legible, "psnr": min(psnr(asked.picture, picture), 100.0)}
            yield row
