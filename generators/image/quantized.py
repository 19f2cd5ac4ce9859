"""The generator ``quantized``: patches of a picture exchanged for others of its own, more or fewer (after VQ-Seg)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError, RowError
from contrafact.record import PairShape
from contrafact.stages import Recomputed
from generators.image.base import PictureGenerator
from generators.image.codebook import Codebook, learned
from generators.image.legibility import legibility, plainness
from generators.image.recomputing import recomputed
from generators.image.records import QUESTIONED, UNKNOWN

__all__ = ["QuantizedGenerator"]

_LEAST = 0.5


class QuantizedGenerator(PictureGenerator):
    """Replaces a share of a picture's patches by other patches of its codebook: edits that are local and graded.

    ``resample`` draws each replacement with probability softmax(−‖c − c'‖² / T) over the codebook, as VQ-Seg's code
    does; ``shuffle`` exchanges patches among their places, as its text says. Patches that keep their index keep their
    pixels. On the background the answer stays; on the evidence it becomes *unknown* where the evidence can no longer
    be made out, which a heuristic says (:func:`generators.image.legibility.legibility`): there the label source is
    ``teacher``, and on the background ``construction``.

    Parameters
    ----------
    images : {'scenes', 'source'}
        Drawn scenes, or a table with ``image``, ``question``, ``answer`` and ``boxes`` or ``mask``.
    patch : int
        Pixels of a patch's side.
    codes : int
        Entries of a codebook at the most.
    share : list of float
        Shares of the patches that are replaced; one is drawn for each pair.
    mode : list of {'resample', 'shuffle'}, optional
        Both by default.
    where : list of {'background', 'evidence'}, optional
        Both by default, a pair each.
    temperature : float
        T, in mean squared grey levels of a pixel.
    """

    name: ClassVar[str] = "quantized"
    citations: ClassVar[Sequence[str]] = ("VQ-Seg",)

    def __init__(
        self,
        images: Literal["scenes", "source"] = "scenes",
        patch: int = 8,
        codes: int = 64,
        share: list[float] | None = None,
        mode: list[Literal["resample", "shuffle"]] | None = None,
        where: list[Literal["background", "evidence"]] | None = None,
        temperature: float = 900.0,
        folder: Path | None = None,
    ) -> None:
        super().__init__(images=images, folder=folder)
        for option, value, least in (("patch", patch, 2), ("codes", codes, 2)):
            if value < least:
                raise RecipeError(f"generator.{option} is {value}", allowed=f"{least} or more")
        self.shares = tuple(share or (0.1, 0.3, 0.6, 1.0))
        if any(not 0 < each <= 1 for each in self.shares) or temperature <= 0:
            raise RecipeError(
                f"generator.share is {list(self.shares)} and temperature {temperature}",
                allowed="shares above 0 and up to 1, a temperature above 0",
            )
        self.patch, self.codes, self.temperature = patch, codes, temperature
        self.modes, self.places = tuple(mode or ("resample", "shuffle")), tuple(where or ("background", "evidence"))

    def shape(self) -> PairShape:
        scores = [*QUESTIONED.scores, pa.field("legibility", pa.float64())]
        return PairShape(QUESTIONED.members, QUESTIONED.label, QUESTIONED.hidden, scores)

    def notes(self) -> Sequence[str]:
        return ("whether evidence can still be made out is told by a heuristic of contrast, by no viewer and no model",)

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        return recomputed(pairs, _LEAST)

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        asked = self.asked(unit, rng)
        if asked.evidence is None or not asked.evidence.any():
            raise RowError("nobody says where the evidence is, so that nothing is known to be background")
        if "evidence" in self.places and plainness(asked.picture, asked.evidence) < _LEAST:
            raise RowError("the evidence is so even that nothing tells whether it can still be made out")
        book = learned(asked.picture, self.patch, self.codes)
        for place in self.places:
            mode, share = (some[int(rng.integers(len(some)))] for some in (self.modes, self.shares))
            on = book.cells(asked.evidence)
            cells = np.flatnonzero(on.ravel() if place == "evidence" else ~on.ravel())
            picture, touched = _changed(book, asked.picture, cells, str(mode), float(share), self.temperature, rng)
            legible = legibility(asked.picture, picture, asked.evidence)
            answer = asked.answer if legible >= _LEAST else UNKNOWN
            change = {"variable": place, "operation": str(mode), "before": "0", "after": f"{share:g}", "where": place}
            row = self.pair(asked, picture, answer, touched, change)
            row["scores"] |= {"legibility": legible}
            row["label_source"] = "teacher" if (touched & asked.evidence).any() else "construction"
            yield row


def _changed(
    book: Codebook,
    picture: NDArray[np.uint8],
    cells: NDArray[np.int64],
    mode: str,
    share: float,
    temperature: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The picture with a share of some cells' patches replaced, and the pixels of the cells that were drawn."""
    if len(cells) < 2:
        raise RowError("there are fewer than two patches to replace")
    count = max(2, round(share * len(cells)))
    drawn = np.sort(rng.permutation(cells)[:count])
    if mode == "shuffle":
        return book.moved(picture, drawn, drawn[rng.permutation(len(drawn))]), book.pixels(drawn)
    return book.resampled(picture, drawn, cells, temperature, rng), book.pixels(drawn)
