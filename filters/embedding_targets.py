"""What an edit should bring a text nearer to: one text, or the texts that stand for each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError, did_you_mean
from contrafact.recipe import parse_yaml
from contrafact.record import levels_of

if TYPE_CHECKING:
    from contrafact.engines.embeddings import Embedder

__all__ = ["Targets", "read_targets"]

_FILES = (".yaml", ".yml", ".json")
_DECIMALS = 6


@dataclass(frozen=True)
class Targets:
    """Texts by label, in the labels' order; one entry without a label where all edits have one aim.

    Attributes
    ----------
    texts : mapping of label to texts
        The only key is the empty text where there is one aim.
    """

    texts: Mapping[str, Sequence[str]]

    def direction(
        self, embedder: Embedder, steps: NDArray[np.float64], before: pa.Array, after: pa.Array
    ) -> NDArray[np.float64]:
        """How far each step leads from the aim of its old label toward that of its new one.

        Parameters
        ----------
        steps : ndarray of float64, shape (n, d)
            Embedding of the counterfactual less that of the factual.
        before, after : pyarrow.Array of int64, length n
            Class codes.

        Returns
        -------
        ndarray of float64, shape (n,)
            To six decimals; NaN where a label is missing.
        """
        aims = np.array([_mean(embedder, texts) for texts in self.texts.values()])
        if "" in self.texts:
            return np.asarray(np.round(np.multiply(steps, aims[0]).sum(axis=1), _DECIMALS))
        codes = [
            np.asarray(each.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64) for each in (before, after)
        ]
        ways = np.multiply(steps, aims[codes[1]] - aims[codes[0]]).sum(axis=1)
        return np.where((codes[0] < 0) | (codes[1] < 0), np.nan, np.round(ways, _DECIMALS))


def read_targets(alias: str, given: str | Mapping[str, Any], label: pa.Field, folder: Path | None) -> Targets:
    """Targets from a filter's ``toward``.

    Raises
    ------
    RecipeError
        For a file that cannot be read, texts that are none, or labels that are not those of the pairs.
    """
    if isinstance(given, str):
        if not given.endswith(_FILES):
            return Targets({"": _texts(alias, "toward", given)})
        given = _read(alias, given, folder)
    levels = levels_of(label)
    if levels is None:
        raise RecipeError(
            f"filter {alias}: toward gives texts by label, and {label.name!r} has no classes", fix="toward: one text"
        )
    for name in given:
        if str(name) not in levels:
            raise RecipeError(
                f"filter {alias}: toward names {name!r}, which is no label{did_you_mean(str(name), levels)}",
                allowed=", ".join(levels),
            )
    missing = [name for name in levels if name not in given]
    if missing:
        raise RecipeError(
            f"filter {alias}: toward has no text for {', '.join(missing)}", allowed="at least one text for every label"
        )
    return Targets({name: _texts(alias, f"toward.{name}", given[name]) for name in levels})


def _mean(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float64]:
    mean = np.asarray(embedder.encode(texts).astype(np.float64).mean(axis=0))
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    return mean


def _texts(alias: str, where: str, given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(each, str) and each.strip() for each in texts):
        raise RecipeError(f"filter {alias}: {where} cannot be {given!r}", allowed="a text, or a list of texts")
    return texts


def _read(alias: str, name: str, folder: Path | None) -> Mapping[str, Any]:
    places = [base / name for base in (folder, Path()) if base is not None]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise RecipeError(
            f"filter {alias}: toward: there is no file {name!r}",
            allowed="a file beside the recipe or in the current folder, texts by label, or a text",
        )
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"filter {alias}: {name} cannot be read: {error}") from None
    if not isinstance(content, Mapping):
        raise RecipeError(f"filter {alias}: {name} holds no mapping", allowed="label: [texts]")
    return content
