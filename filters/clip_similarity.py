"""CLIP similarity: an image–text model's view of whether the picture went where its text went."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.weights import from_hub, loading, weights_identity
from contrafact.errors import RecipeError
from contrafact.stages import Generator, Judgement
from filters.media import MediaFilter, seen
from filters.text import joined_texts, stored_scores, text_members
from filters.verdicts import Tally

__all__ = ["ClipSimilarity"]

_LOOKS = 4
_DECIMALS = 5
_ALLOWED = "a folder or hub name of an image–text model of sentence-transformers"


class ClipSimilarity(MediaFilter):
    """Likeness of pictures and texts in the space of any image–text model of sentence-transformers.

    * ``<alias>``: cosine of the counterfactual's picture and text.
    * ``<alias>_images``: cosine of both pictures.
    * ``<alias>_direction``: cosine of the way from one picture to the other and the way from one text to the other
      (StyleGAN-NADA's directional similarity); 0 where either did not move.

    A clip is the mean of a few of its frames. What a model sees is a model's opinion: this filter vouches for no label.

    Parameters
    ----------
    model : str
        A folder, or a name on the hub.
    text : str
        The member that describes the picture.
    min, min_images, min_direction : float
        Least scores, from -1 to 1.
    field : str, optional
        The clip or image; the first by default.

    Raises
    ------
    RecipeError
        For a model that cannot be loaded or takes no images, or a bound outside of [-1, 1].
    """

    name: ClassVar[str] = "clip_similarity"
    thresholds: ClassVar[frozenset[str]] = frozenset({"min", "min_images", "min_direction"})

    def __init__(
        self,
        *,
        model: str,
        text: str = "caption",
        min: float = -1.0,
        min_images: float = -1.0,
        min_direction: float = -1.0,
        field: str | None = None,
        folder: Path | None = None,
    ) -> None:
        self.least = {"": min, "_images": min_images, "_direction": min_direction}
        for option, value in (("min", min), ("min_images", min_images), ("min_direction", min_direction)):
            if not -1 <= value <= 1:
                raise RecipeError(f"filter {self.name}: {option} = {value} is no cosine", allowed="-1 to 1")
        place = (folder or Path()) / model
        self.model = str(place) if place.exists() else model
        super().__init__(field)
        self.text = text
        self._loaded: Any = None

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        text_members(alias, [self.text], generator)

    @cached_property
    def place(self) -> Path:
        """Where the weights are; a model of the hub is downloaded now, where it is not here yet."""
        place = Path(self.model)
        told = f"filter {self.name}: model"
        return place if place.is_dir() else from_hub(self.model, told, allowed=_ALLOWED, fix="correct model")

    def identity(self) -> Any:
        return weights_identity(self.place)

    def judge(self, pairs: pa.Table) -> Judgement:
        texts = [self._texts(joined_texts(pairs, side, [self.text])) for side in ("factual", "counterfactual")]
        pictures = [np.zeros_like(texts[0]), np.zeros_like(texts[0])]
        for each in seen(pairs, self.field):
            pictures[0][each.row], pictures[1][each.row] = self._picture(each.before), self._picture(each.after)
        scores = [
            _cosines(pictures[1], texts[1]),
            _cosines(pictures[0], pictures[1]),
            _cosines(pictures[1] - pictures[0], texts[1] - texts[0]),
        ]
        return self._verdicts(*scores)

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        scores = stored_scores(pairs, self._names())
        return None if scores is None else self._verdicts(*scores)

    def _names(self) -> list[str]:
        return [f"{self.alias}{name}" for name in self.least]

    def _verdicts(self, *scores: NDArray[np.float64]) -> Judgement:
        tally = Tally(len(scores[0]))
        reasons = ("picture and text do not match", "the pictures are too far apart", "the picture went another way")
        for score, least, reason in zip(scores, self.least.values(), reasons, strict=True):
            tally.add(score < least, f"{self.alias}: {reason}")
        return Judgement(tally.passed, tally.reasons, dict(zip(self._names(), scores, strict=True)))

    def _encoder(self) -> Any:
        if self._loaded is None:
            with loading(f"filter {self.name}", self.model, extra="video", allowed=_ALLOWED):
                from sentence_transformers import SentenceTransformer

                self._loaded = SentenceTransformer(str(self.place), device="cpu")
        return self._loaded

    def _texts(self, texts: Sequence[str | None]) -> NDArray[np.float64]:
        return _units(self._encoder().encode([each or "" for each in texts], show_progress_bar=False))

    def _picture(self, frames: NDArray[np.uint8]) -> NDArray[np.float64]:
        """One vector of a clip or image: the mean of some frames' unit vectors, one frame at a time."""
        from PIL import Image

        looks = np.unique(np.linspace(0, len(frames) - 1, _LOOKS).round().astype(int))
        vectors = [self._encoder().encode([Image.fromarray(frames[at])], show_progress_bar=False)[0] for at in looks]
        return np.asarray(_units(_units(np.stack(vectors)).mean(axis=0, keepdims=True))[0])


def _units(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    values = np.asarray(vectors, dtype=np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def _cosines(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosines row by row, to five decimals; 0 where a vector has no length."""
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    products = np.multiply(left, right).sum(axis=1)
    found = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 1e-9)
    return np.asarray(np.round(found, _DECIMALS))
